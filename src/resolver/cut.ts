/**
 * How zone cuts are made: from a referral, or from a parent's word on a zone that its own servers are taken to serve.
 *
 * Does not: judge the evidence, or keep the cut.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { findRRset } from '../dns/rrset.ts';
import { type Evidence, evidenceIn } from '../dnssec/delegation.ts';
import type { ServerAddress } from '../environment.ts';
import type { Meaning } from './classify.ts';
import { DNS_PORT } from './hints.ts';
import type { Scrubbed } from './scrub.ts';
import { isSomebody, MAX_ADDRESSES, type Nameserver, type ZoneCut } from './zone.ts';

/** A TTL of the parent's that is longer counts as a day. */
const LONGEST_S = 86_400;

type Referral = Extract<Meaning, { kind: 'referral' }>;

/** @param now  milliseconds on the Clock's scale */
export const cutByReferral = (
  parent: ZoneCut,
  referral: Referral,
  reply: Scrubbed,
  now: number,
): ZoneCut => ({
  name: referral.child,
  parent,
  role: 'authoritative',
  nameservers: nameserversIn(referral, reply),
  evidence: evidenceIn(reply, referral.child),
  known: 'by-referral',
  learntAt: now,
  expiresAt: endOf(parent, referral.ns.ttl, now),
});

/** A cut below `parent` that the parent's own servers serve, as far as one can tell. */
export function cutByProbe(parent: ZoneCut, name: Name, evidence: Evidence, now: number): ZoneCut {
  const sets = evidence.ds ? [evidence.ds] : evidence.denial;
  const seconds = Math.min(LONGEST_S, ...sets.map(({ ttl }) => ttl));
  const expiresAt = endOf(parent, seconds, now);
  return { ...parent, name, parent, evidence, known: 'by-probe', learntAt: now, expiresAt };
}

/** No cut outlives the one above it. */
const endOf = ({ expiresAt }: ZoneCut, seconds: number, now: number): number =>
  Math.min(expiresAt, now + Math.min(seconds, LONGEST_S) * 1000);

/** The servers of a referral with their glue. Glue may lie outside the child, but not outside the zone that sent it. */
const nameserversIn = ({ ns }: Referral, { glue }: Scrubbed): readonly Nameserver[] =>
  ns.rdata.map((rdata) => {
    const host = decode('NS', rdata).target;
    const addresses = (['A', 'AAAA'] as const).flatMap((type) =>
      (findRRset(glue, host, type)?.rdata ?? []).map(
        (one): ServerAddress => ({ ip: decode(type, one).address, port: DNS_PORT }),
      ),
    );
    return { host, addresses: addresses.filter(isSomebody).slice(0, MAX_ADDRESSES) };
  });
