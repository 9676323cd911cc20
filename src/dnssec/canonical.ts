/**
 * The octets that a signature covers (RFC 4034 sections 3.1.8.1 and 6; RFC 6840 section 5.1).
 *
 * Works from RDATA as received: nothing is decoded and written again but names that the canonical form folds.
 * @module
 */
import { CLASS_IN, codeOf } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { canonicalRdata, type Rdata } from '../dns/rdata.ts';
import type { RRset, Rrsig } from '../dns/rrset.ts';
import { Writer } from '../dns/writer.ts';

/** RDATA of an RRSIG before the signer's name: RFC 4034 section 3.1. */
const RRSIG_FIXED = 18;

/** An RRset's RDATA in canonical form and order, duplicates removed (RFC 4034 section 6.3): made once, used for each signature. */
export function canonicalSet(rrset: RRset): readonly Rdata[] {
  const folded = rrset.rdata.map((rdata) => canonicalRdata(rrset.type, rdata));
  if (folded.length < 2) return folded;
  const sorted = folded.sort(compareOctets);
  return sorted.filter((rdata, i) => i === 0 || compareOctets(rdata, sorted[i - 1] ?? rdata) !== 0);
}

/**
 * RFC 4034 section 3.1.8.1: the RRSIG's RDATA without the signature, then every record as
 * owner | type | class | original TTL | RDATA length | RDATA.
 *
 * @param set  what `canonicalSet` made of this RRset
 * @returns `undefined` when the labels field exceeds the owner's labels (RFC 4035 section 5.3.2)
 */
export function signedData(
  rrset: RRset,
  signature: Rrsig,
  set: readonly Rdata[],
): Uint8Array | undefined {
  const owner = signedOwner(rrset.owner, signature.labels);
  if (!owner) return undefined;
  const type = codeOf(rrset.type);
  const writer = new Writer();
  writer.octets(signature.rdata.subarray(0, RRSIG_FIXED));
  writer.octets(signature.signer.canonical.wire);
  for (const rdata of set) {
    writer.octets(owner.wire);
    writer.u16(type);
    writer.u16(CLASS_IN);
    writer.u32(signature.originalTtl);
    writer.u16(rdata.length);
    writer.octets(rdata);
  }
  return writer.finish();
}

/** Labels of an owner as an RRSIG counts them: a leading `*` is left out (RFC 4034 section 3.1.3). */
export const countedLabels = (owner: Name): number =>
  owner.isWildcard ? owner.labels - 1 : owner.labels;

/** The owner that was signed: the name itself, or the wildcard that it was expanded from (RFC 4035 section 5.3.2). */
function signedOwner(owner: Name, labels: number): Name | undefined {
  const own = countedLabels(owner);
  if (labels > own) return undefined;
  return labels === own ? owner.canonical : owner.ancestor(labels).wildcard?.canonical;
}

/** RFC 4034 section 6.3: as left-justified unsigned octets, the absence of an octet sorting first. */
function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
