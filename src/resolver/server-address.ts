/**
 * Addresses of name servers: as RRsets show them, and as keys of what is known of each.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { findRRset, type RRset } from '../dns/rrset.ts';
import type { ServerAddress } from '../environment.ts';
import { DNS_PORT } from './hints.ts';
import { isSomebody, MAX_ADDRESSES } from './zone.ts';

/** Two addresses are one server where this is the same. What is known of one TLS name says nothing about another. */
export const serverKey = ({ ip, port, tlsName }: ServerAddress): string =>
  tlsName === undefined ? `${ip} ${port}` : `${ip} ${port} ${tlsName}`;

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
