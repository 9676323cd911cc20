/**
 * What NSEC records prove: RFC 4034 section 4, RFC 4035 section 5.4, RFC 6840 section 4, RFC 4592 (wildcards), RFC 9824
 * (NXNAME). One function per claim.
 *
 * Takes records whose signatures were verified. Does not: verify anything, know NSEC3.
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import {
  type Claim,
  contradicted,
  type DsProof,
  isAncestorSide,
  mayDenyBelow,
  type NegativeProof,
  proven,
  readBitmap,
  unproven,
} from './proof.ts';

/** One verified NSEC record of the zone. */
export interface Nsec {
  readonly owner: Name;
  readonly next: Name;
  readonly types: readonly RRType[];
  readonly rrset: RRset;
}

/**
 * The NSEC of a verified RRset, or `undefined` where it proves nothing: more than one record, a span that leads out of
 * the zone (CVE-2026-13321), or one that leads backwards and not to the apex, as the last one does.
 */
export function readNsec(rrset: RRset, zone: Name): Nsec | undefined {
  const [rdata] = rrset.rdata;
  if (!rdata || rrset.rdata.length !== 1 || rrset.defect !== undefined) return undefined;
  const { next, types } = decode('NSEC', rdata);
  if (!rrset.owner.isAtOrBelow(zone) || !next.isAtOrBelow(zone)) return undefined;
  if (next.compare(rrset.owner) <= 0 && !next.equals(zone)) return undefined;
  return { owner: rrset.owner, next, types, rrset };
}

/** No record of `type` at `name`, or no such name: whichever the records show. The proof decides, not the RCODE. */
export function proveByNsec(records: readonly Nsec[], { name, type }: Claim): NegativeProof {
  const match = records.find((nsec) => nsec.owner.equals(name));
  if (match) return provesNoData(match, type);
  const cover = findCover(records, name);
  if (!cover) return unproven('name', name);
  // An empty non-terminal has no NSEC of its own; it shows in that the next name lies below it.
  if (cover.next.isBelow(name)) return proven('nodata', [cover.rrset]);
  const wildcard = closestEncloser(cover, name).wildcard;
  if (!wildcard) return unproven('name', name); // no room for a label, which no record spans
  const wildcardMatch = records.find((nsec) => nsec.owner.equals(wildcard));
  if (wildcardMatch) {
    const found = provesNoData(wildcardMatch, type);
    return found.kind === 'proven' ? proven(found.absence, [cover.rrset, ...found.used]) : found;
  }
  const wildcardCover = findCover(records, wildcard);
  if (!wildcardCover) return unproven('wildcard', wildcard);
  if (wildcardCover.next.isBelow(wildcard))
    return proven('nodata', [cover.rrset, wildcardCover.rrset]);
  return proven('nxdomain', [cover.rrset, wildcardCover.rrset]);
}

/**
 * The name itself does not exist, so that the wildcard directly below `encloser` was rightly expanded: RFC 4035 section
 * 5.3.4. The covering NSEC must name that encloser and no closer one, else the wildcard could not have matched.
 */
export function proveExpansionByNsec(
  records: readonly Nsec[],
  name: Name,
  encloser: Name,
): NegativeProof {
  const cover = findCover(records, name);
  if (!cover || cover.next.isBelow(name)) return unproven('name', name);
  return closestEncloser(cover, name).equals(encloser)
    ? proven('nxdomain', [cover.rrset])
    : unproven('name', name);
}

/** What the parent's records say about a delegation at `name`: RFC 4035 section 5.2, RFC 6840 section 4.4. */
export function proveNoDsByNsec(records: readonly Nsec[], name: Name): DsProof {
  const match = records.find((nsec) => nsec.owner.equals(name));
  if (match) {
    // The SOA bit marks the child's own NSEC, which says nothing about its delegation.
    if (match.types.includes('SOA')) return unproven('own-side', name);
    if (match.types.includes('DS')) return contradicted(name, match.types);
    return {
      kind: match.types.includes('NS') ? 'unsigned' : 'not-a-cut',
      used: [match.rrset],
      insecure: undefined,
    };
  }
  const above = records.find(
    (nsec) =>
      name.isBelow(nsec.owner) && nsec.types.includes('DNAME') && !isAncestorSide(nsec.types),
  );
  if (above) return { kind: 'nothing-below', used: [above.rrset], insecure: undefined };
  const cover = findCover(records, name);
  if (!cover) return unproven('name', name);
  const kind = cover.next.isBelow(name) ? 'not-a-cut' : 'nothing-below';
  return { kind, used: [cover.rrset], insecure: undefined };
}

const provesNoData = ({ owner, types, rrset }: Nsec, type: RRType): NegativeProof =>
  readBitmap(types, { name: owner, type }, rrset);

/** An NSEC whose span holds `name` and that may speak of it: RFC 6840 section 4.1. */
function findCover(records: readonly Nsec[], name: Name): Nsec | undefined {
  return records.find((nsec) => {
    if (!covers(nsec, name)) return false;
    // Names below a delegation or a DNAME are not this zone's to deny.
    return !name.isBelow(nsec.owner) || mayDenyBelow(nsec.types);
  });
}

/** RFC 4034 section 6.1 order; the last NSEC of a zone points back to the apex, so its span has no upper end. */
function covers({ owner, next }: Nsec, name: Name): boolean {
  if (owner.compare(name) >= 0) return false;
  return next.compare(owner) <= 0 || name.compare(next) < 0;
}

/** Both ends of the span exist, and so do their ancestors: the longest one that `name` shares is the closest encloser. */
function closestEncloser({ owner, next }: Nsec, name: Name): Name {
  return name.ancestor(Math.max(name.commonLabels(owner), name.commonLabels(next)));
}
