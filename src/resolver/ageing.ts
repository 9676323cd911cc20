/**
 * TTLs of what is to be kept, cut to what may be kept (RFC 2308 section 5).
 *
 * Does not: count them down (packed.ts does, when an entry is read), or say for how long failures are kept (failures.ts).
 * @module
 */
import type { RRset } from '../dns/rrset.ts';
import type { Finding } from '../dnssec/judge.ts';
import type { NegativeAnchor } from '../dnssec/negative-anchors.ts';
import { type Failure, failed } from '../dnssec/outcome.ts';
import { secondsLeft } from './trust-points.ts';

/** For how long answers are kept at most, seconds. */
export interface LongestTtl {
  readonly positive: number;
  readonly negative: number;
}

/** A day and an hour (Unbound, PowerDNS). */
export const LONGEST_TTL: LongestTtl = { positive: 86_400, negative: 3_600 };

/** What a negative anchor covers is kept no longer than the anchor. */
export function cutShort(
  longest: LongestTtl,
  negative: NegativeAnchor | undefined,
  now: number,
): LongestTtl {
  if (!negative) return longest;
  const left = secondsLeft(negative, now);
  return { positive: Math.min(left, longest.positive), negative: Math.min(left, longest.negative) };
}

/** For how long a finding holds. No TTL in it says more, but where RRsets that have nothing else in common came together. */
export function lasting(finding: Exclude<Finding, Failure>, longest: LongestTtl, now: number) {
  const { found, ttl } = finding;
  const most = isAbsence(finding) ? longest.negative : longest.positive;
  const seconds = Math.min(ttl, most);
  const areSeveral = found.kind === 'records' && found.others !== undefined;
  return {
    finding: capped(finding, areSeveral ? most : seconds),
    expiresAt: now + seconds * 1000,
  };
}

export const isAbsence = (finding: Finding): boolean =>
  !failed(finding) && (finding.found.kind === 'nodata' || finding.found.kind === 'nxdomain');

/** No TTL longer than `seconds`. */
export const capped = (finding: Finding, seconds: number): Finding =>
  withTtls(finding, (ttl) => Math.min(ttl, seconds));

function withTtls(finding: Finding, change: (ttl: number) => number): Finding {
  if (failed(finding)) return finding;
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
