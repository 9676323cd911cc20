/**
 * What was expected and what was found where something could not be proved: made where the verdict is made, and only
 * when it is not secure. Does not: say it in words (see explanation.ts).
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import type { RRset, Rrsig } from '../dns/rrset.ts';
import type { DnsKey } from './dnskey.ts';
import type { InsecureReason } from './reason.ts';

/** A key as traces and explanations name it. */
export interface KeyName {
  readonly keyTag: number;
  readonly algorithm: number;
}

/** What a DS record or a trust anchor names; an anchor in the form of a key has no digest type. */
export interface Entry extends KeyName {
  readonly digestType?: number;
}

/** The piece of a proof of absence that was looked for and not found. */
export interface Missing {
  readonly piece:
    | 'any-record'
    | 'closest-encloser'
    | 'next-closer'
    | 'name'
    | 'wildcard'
    /** A record at the name, but from the wrong side of a zone cut: RFC 6840 section 4.1. */
    | 'own-side';
  /** The name that no record matches or spans. */
  readonly name: Name;
}

export type Detail =
  /** The RRSIG that came furthest, and the keys that there were for it. Times in seconds; `at` is that of validation. */
  | {
      readonly kind: 'signature';
      readonly signature: KeyName;
      readonly inception: number;
      readonly expiration: number;
      readonly at: number;
      readonly labels: number;
      readonly keys: readonly KeyName[];
    }
  /** Who made the RRSIGs that came, none of which is the zone's. */
  | { readonly kind: 'signers'; readonly signers: readonly Name[] }
  /** What the DS records or the anchor name, what signed the key set, and the keys in it. */
  | {
      readonly kind: 'keys';
      readonly expected: readonly Entry[];
      readonly found: readonly KeyName[];
      readonly signedBy: readonly KeyName[];
    }
  | ({ readonly kind: 'denial' } & Missing)
  /** A proof of absence that shows the type, or an alias, at the name. */
  | { readonly kind: 'exists'; readonly name: Name; readonly types: readonly RRType[] }
  | {
      readonly kind: 'iterations';
      readonly found: number;
      readonly salt: number;
      readonly limit: number;
    }
  | { readonly kind: 'count'; readonly found: number; readonly limit: number }
  /** Iterations and salt octets of NSEC3 records that should agree. */
  | { readonly kind: 'parameters'; readonly found: readonly string[] }
  /** The NSEC or NSEC3 record that shows it. */
  | { readonly kind: 'record'; readonly owner: Name }
  | {
      readonly kind: 'weak-key';
      readonly key: KeyName;
      readonly bits: number;
      readonly least: number;
    }
  /** What the reader of the RRset stumbled over. */
  | { readonly kind: 'defect'; readonly text: string }
  /** Which address of which network. */
  | { readonly kind: 'private-address'; readonly text: string }
  /** The servers that were asked, by address, and what each of them came to. */
  | { readonly kind: 'servers'; readonly servers: readonly { ip: string; said: string }[] };

/** More keys than this help nobody to find the mistake. */
const MOST_NAMED = 8;

export const nameKeys = (keys: readonly KeyName[]): readonly KeyName[] =>
  keys.slice(0, MOST_NAMED).map(({ keyTag, algorithm }) => ({ keyTag, algorithm }));

export function signatureDetail(
  { keyTag, algorithm, inception, expiration, labels }: Rrsig,
  keys: readonly DnsKey[],
  now: number,
): Detail {
  const at = Math.floor(now / 1000);
  const signature = { keyTag, algorithm };
  return { kind: 'signature', signature, inception, expiration, at, labels, keys: nameKeys(keys) };
}

export function signersDetail({ signatures }: RRset): Detail {
  const signers = new Map(signatures.map(({ signer }) => [signer.key, signer]));
  return { kind: 'signers', signers: [...signers.values()].slice(0, MOST_NAMED) };
}

const OPT_OUT = 1;

/** The record that shows why a proof that holds is not a secure one, or that there is no DS. */
export function insecurityDetail(
  reason: InsecureReason,
  used: readonly RRset[],
  limit: number,
): Detail | undefined {
  const records = used.flatMap(({ owner, type, rdata: [rdata] }) =>
    type === 'NSEC3' && rdata ? [{ owner, ...decode('NSEC3', rdata) }] : [],
  );
  const [first] = records;
  if (reason === 'nsec3-iterations' && first) {
    const { iterations, salt } = first;
    return { kind: 'iterations', found: iterations, salt: salt.length, limit };
  }
  const span = records.find(({ flags }) => (flags & OPT_OUT) !== 0) ?? used[0];
  return span && { kind: 'record', owner: span.owner };
}
