/**
 * Trust anchors: the DS and DNSKEY records that validation starts from (RFC 4033 section 5), the root's built in.
 *
 * Does not: follow a key rollover (RFC 5011).
 * @module
 */
import { type Name, ROOT } from '../dns/name.ts';
import { parseRdata } from '../dns/presentation.ts';
import { decode, type Rdata } from '../dns/rdata.ts';
import type { RR } from '../dns/rrset.ts';
import { parseZone } from '../dns/zone-file.ts';
import { type AlgorithmTable, isSupported } from './algorithms.ts';

export interface Anchor {
  readonly name: Name;
  /** RDATA of DS records. */
  readonly ds: readonly Rdata[];
  /** RDATA of DNSKEY records. */
  readonly keys: readonly Rdata[];
}

/** Anchors by the key of their name. */
export type Anchors = ReadonlyMap<string, Anchor>;

/** Gathers anchors from records; those of other types than DS and DNSKEY are ignored. */
export function anchorsFrom(records: readonly Pick<RR, 'owner' | 'type' | 'rdata'>[]): Anchors {
  const anchors = new Map<string, Anchor>();
  for (const { owner, type, rdata } of records) {
    const { ds, keys } = anchors.get(owner.key) ?? { ds: [], keys: [] };
    if (type === 'DS') anchors.set(owner.key, { name: owner, ds: [...ds, rdata], keys });
    if (type === 'DNSKEY') anchors.set(owner.key, { name: owner, ds, keys: [...keys, rdata] });
  }
  return anchors;
}

export type AnchorFile =
  | { readonly kind: 'anchors'; readonly anchors: Anchors }
  /** One sentence for each thing that is wrong, with its line. */
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

/** Reads a file of DS and DNSKEY lines in zone-file form, such as `. IN DS 20326 8 2 E06D...`. */
export function parseAnchors(text: string): AnchorFile {
  const file = parseZone(text, ROOT, 0);
  if (file.kind === 'errors') {
    return {
      kind: 'errors',
      errors: file.errors.map(({ line, message }) => `line ${line}: ${message}`),
    };
  }
  const anchors = anchorsFrom(file.records);
  if (anchors.size > 0) return { kind: 'anchors', anchors };
  return { kind: 'errors', errors: ['it has no DS and no DNSKEY record'] };
}

/**
 * The first anchor of which nothing is of an algorithm and a digest type that count. Its zone and all below would be believed
 * unsigned (RFC 4035 section 5.2), and whoever gives an anchor wants the contrary.
 */
export const findUnsupported = (anchors: Anchors, table: AlgorithmTable): Anchor | undefined =>
  [...anchors.values()].find(
    ({ ds, keys }) =>
      !keys.some((key) => isSupported(table, decode('DNSKEY', key).algorithm)) &&
      !ds.some((one) => {
        const { algorithm, digestType } = decode('DS', one);
        return isSupported(table, algorithm) && table.digests.has(digestType);
      }),
  );

/** The root's key signing keys as IANA publishes them (RFC 9718): KSK-2017 and KSK-2024. */
export const ROOT_ANCHORS: Anchors = anchorsFrom(
  [
    '20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d',
    '38696 8 2 683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16',
  ].map((ds) => ({ owner: ROOT, type: 'DS', rdata: parseRdata('DS', ds) })),
);

/** The lowest anchor at or above `name`, if there is one. */
export function closestAnchor(anchors: Anchors, name: Name): Anchor | undefined {
  for (let labels = name.labels; labels >= 0; labels -= 1) {
    const anchor = anchors.get(name.ancestor(labels).key);
    if (anchor) return anchor;
  }
  return undefined;
}
