/**
 * TTLs of what is kept: cut to what may be kept, and counted down while it is (RFC 1035 section 3.2.1, RFC 2308 section
 * 5). What leaves the cache says how long it still holds.
 *
 * Does not: decide when an entry ends (see lookup.ts).
 * @module
 */
import type { RRset } from '../dns/rrset.ts';
import type { Finding } from '../dnssec/judge.ts';
import { failed } from '../dnssec/outcome.ts';

/** No TTL longer than `seconds`. */
export const capped = (finding: Finding, seconds: number): Finding =>
  withTtls(finding, (ttl) => Math.min(ttl, seconds));

/** The same finding, `seconds` later. */
export const aged = (finding: Finding, seconds: number): Finding =>
  seconds > 0 ? withTtls(finding, (ttl) => Math.max(0, ttl - seconds)) : finding;

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
