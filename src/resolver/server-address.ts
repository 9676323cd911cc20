/**
 * Addresses of a name server as RRsets show them.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { findRRset, type RRset } from '../dns/rrset.ts';
import type { ServerAddress } from '../environment.ts';
import { DNS_PORT } from './hints.ts';
import { isSomebody, MAX_ADDRESSES } from './zone.ts';

/** Those of `host` that a packet may go to. */
export function addressesIn(
  sets: readonly RRset[],
  host: Name,
  type: 'A' | 'AAAA',
): readonly ServerAddress[] {
  const set = findRRset(sets, host, type);
  if (!set || set.defect !== undefined) return [];
  return set.rdata
    .map((rdata) => ({ ip: decode(type, rdata).address, port: DNS_PORT }))
    .filter(isSomebody)
    .slice(0, MAX_ADDRESSES);
}
