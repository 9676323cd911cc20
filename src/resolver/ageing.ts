/**
 * TTLs of what is to be kept, cut to what may be kept (RFC 2308 section 5), or stretched where an operator wants that.
 *
 * Does not: count them down (packed.ts does, when an entry is read), or say for how long failures are kept (failures.ts).
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Finding } from '../dnssec/judge.ts';
import type { NegativeAnchor } from '../dnssec/negative-anchors.ts';
import { type Failure, failed } from '../dnssec/outcome.ts';
import { secondsLeft } from './trust-points.ts';

type Known = Exclude<Finding, Failure>;

/** For how long answers are kept at most, seconds. */
export interface LongestTtl {
  readonly positive: number;
  readonly negative: number;
}

/** A day and an hour (Unbound, PowerDNS). */
export const LONGEST_TTL: LongestTtl = { positive: 86_400, negative: 3_600 };

/** Between which TTLs answers are kept. */
export interface TtlBounds extends LongestTtl {
  /** Seconds; 0 where nothing is stretched. */
  readonly least: number;
}

/** Seconds: what Unbound's manual advises against going above. */
const MOST_LEAST_TTL = 3_600;

/** @throws RangeError for a floor that is no number of seconds up to an hour */
export function ttlBoundsFrom(longest: LongestTtl = LONGEST_TTL, least = 0): TtlBounds {
  if (!(Number.isInteger(least) && least >= 0 && least <= MOST_LEAST_TTL))
    throw new RangeError(`leastTtl: whole seconds from 0 to ${MOST_LEAST_TTL}`);
  return { ...longest, least };
}

/** What a negative anchor covers is kept no longer than the anchor. */
export function cutShort(
  bounds: TtlBounds,
  negative: NegativeAnchor | undefined,
  now: number,
): TtlBounds {
  if (!negative) return bounds;
  const left = secondsLeft(negative, now);
  const { positive, negative: absence, least } = bounds;
  return { positive: Math.min(left, positive), negative: Math.min(left, absence), least };
}

/** For how long a finding holds. No TTL in it says more, but where RRsets that have nothing else in common came together. */
export function lasting(given: Known, bounds: TtlBounds, now: number) {
  const finding = stretched(given, bounds.least);
  const { found, ttl } = finding;
  const most = isAbsence(finding) ? bounds.negative : bounds.positive;
  const seconds = Math.min(ttl, most);
  const areSeveral = found.kind === 'records' && found.others !== undefined;
  return {
    finding: capped(finding, areSeveral ? most : seconds),
    expiresAt: now + seconds * 1000,
  };
}

/** What may be stretched: no delegation, no key, nothing that says where mail goes or whom it trusts. */
const STRETCHED: ReadonlySet<RRType> = new Set(['A', 'AAAA', 'PTR', 'TXT', 'SVCB', 'HTTPS']);

/**
 * No TTL shorter than `least`, where nothing is signed. What a signature is checked for may not be kept for longer than it
 * says (RFC 4035 section 5.3.3), and DANE rests on nothing else. An alias is left as it is: it speaks of MX and TLSA too.
 */
function stretched(finding: Known, least: number): Known {
  const { found, status } = finding;
  if (status !== 'insecure' || found.kind !== 'records' || found.others) return finding;
  const { rrset } = found;
  if (!STRETCHED.has(rrset.type) || rrset.signatures.length > 0) return finding;
  return withTtls(finding, (ttl) => Math.max(ttl, least));
}

export const isAbsence = (finding: Finding): boolean =>
  !failed(finding) && (finding.found.kind === 'nodata' || finding.found.kind === 'nxdomain');

/** No TTL longer than `seconds`. */
export const capped = (finding: Finding, seconds: number): Finding =>
  failed(finding) || isPlainWithin(finding, seconds)
    ? finding
    : withTtls(finding, (ttl) => Math.min(ttl, seconds));

/** One RRset and no proof, as most answers are, and no TTL that would be changed. */
const isPlainWithin = ({ found, ttl }: Known, seconds: number): boolean =>
  found.kind === 'records' &&
  found.others === undefined &&
  found.proof.length === 0 &&
  ttl <= seconds &&
  found.rrset.ttl <= seconds;

function withTtls(finding: Known, change: (ttl: number) => number): Known {
  const one = (set: RRset): RRset => {
    const ttl = change(set.ttl);
    return ttl === set.ttl ? set : { ...set, ttl };
  };
  const { found } = finding;
  const ttl = change(finding.ttl);
  const proof = found.proof.map(one);
  switch (found.kind) {
    case 'records': {
      const others = found.others && { others: found.others.map(one) };
      return { ...finding, ttl, found: { ...found, rrset: one(found.rrset), ...others, proof } };
    }
    case 'alias':
      return { ...finding, ttl, found: { ...found, records: found.records.map(one), proof } };
    case 'nodata':
    case 'nxdomain':
      return { ...finding, ttl, found: { ...found, proof } };
  }
}
