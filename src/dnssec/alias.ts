/**
 * Aliases as an answer shows them: the CNAME at a name, the DNAME above it, and where they lead.
 *
 * Implements RFC 2181 section 10.1 (one CNAME at a name) and RFC 6672 sections 2.2 and 3.1. Does not: believe them.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode, encode } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Reply } from './reply.ts';

/** The DNAME of an answer that covers `name`, and is the zone's to give. */
export const findDname = ({ answer }: Reply, name: Name, zone: Name): RRset | undefined =>
  answer.find(
    ({ type, owner }) => type === 'DNAME' && name.isBelow(owner) && owner.isAtOrBelow(zone),
  );

/** The last two checks of a DNAME's substitution: RFC 6672 section 2.2. */
export function substitute(dname: RRset, name: Name): Name | undefined {
  const [rdata] = dname.rdata;
  return rdata && dname.rdata.length === 1
    ? name.replaceSuffix(dname.owner, decode('DNAME', rdata).target)
    : undefined;
}

/** The CNAME that a DNAME stands for, with the DNAME's TTL (RFC 6672 section 3.1). */
export const synthesise = (owner: Name, target: Name, ttl: number): RRset => ({
  owner,
  type: 'CNAME',
  ttl,
  rdata: [encode('CNAME', { target })],
  signatures: [],
});

export const cnameTarget = (cname: RRset): Name | undefined => {
  const [rdata] = cname.rdata;
  // RFC 2181 section 10.1: there is one CNAME at a name, or none that can be believed.
  return rdata && cname.rdata.length === 1 && cname.defect === undefined
    ? decode('CNAME', rdata).target
    : undefined;
};
