/**
 * TTLs of what is to be kept, cut to what may be kept (RFC 2308 section 5).
 *
 * Does not: count them down (packed.ts does, when an entry is read), or decide when an entry ends (see lookup.ts).
 * @module
 */
import type { RRset } from '../dns/rrset.ts';
import type { Finding } from '../dnssec/judge.ts';
import { failed } from '../dnssec/outcome.ts';

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
