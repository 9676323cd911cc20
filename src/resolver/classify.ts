/**
 * What a reply is, before anybody asks whether it is true: an answer, a referral, or of no use.
 *
 * Implements RFC 1034 section 5.3.3 step 4 and RFC 2308 section 2.2 (a referral is not a negative answer).
 * Does not: believe anything. A forged answer is an answer here.
 * @module
 */
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { findRRset, type RRset } from '../dns/rrset.ts';
import type { Scrubbed } from './scrub.ts';
import type { ZoneCut } from './zone.ts';

export type Meaning =
  /** For the judge: records, an alias, or absence, claimed. */
  | { readonly kind: 'answer' }
  /** NOERROR and nothing else: absence if all servers say so, else a fault of this one (CVE-2020-12244). */
  | { readonly kind: 'empty' }
  /** Other servers know more: those of `child`, which lies below the zone and at or above the name. */
  | { readonly kind: 'referral'; readonly child: Name; readonly ns: RRset }
  /** The server does not serve the zone. */
  | { readonly kind: 'lame' }
  /** An RCODE that says nothing about the name. */
  | { readonly kind: 'refused' };

export function classify(
  question: Question,
  reply: Scrubbed,
  { name: zone, role }: Pick<ZoneCut, 'name' | 'role'>,
): Meaning {
  if (!speaksOfName(reply)) return { kind: 'refused' };
  if (hasAnswer(question, reply)) return { kind: 'answer' };
  if (reply.rcode === 'NXDOMAIN' || reply.authority.some(({ type }) => type === 'SOA'))
    return { kind: 'answer' };
  // RFC 2308 section 2.2: a referral, and not an absence, even where it leads upward.
  if (reply.refersAway) return { kind: 'lame' };
  if (role === 'forwarder') return { kind: 'answer' };
  const ns = reply.authority.find(
    ({ type, owner, defect }) =>
      type === 'NS' && defect === undefined && question.name.isAtOrBelow(owner),
  );
  if (!ns) return { kind: reply.authority.length === 0 ? 'empty' : 'answer' };
  // RFC 4035 section 3.1.4.1: the DS of a name is its parent's; a referral to that very name does not answer.
  if (question.type === 'DS' && ns.owner.equals(question.name)) return { kind: 'answer' };
  if (ns.owner.isBelow(zone)) return { kind: 'referral', child: ns.owner, ns };
  // The zone's own NS: a server that answers says AA, one that refers to itself does not serve it.
  return reply.authoritative ? { kind: 'answer' } : { kind: 'lame' };
}

/** YXDOMAIN speaks of the name where the DNAME that made it too long is there (RFC 6672 section 2.2). */
const speaksOfName = ({ rcode, answer }: Scrubbed): boolean =>
  rcode === 'NOERROR' ||
  rcode === 'NXDOMAIN' ||
  (rcode === 'YXDOMAIN' && answer.some(({ type }) => type === 'DNAME'));

const hasAnswer = ({ name, type }: Question, { answer }: Scrubbed): boolean =>
  findRRset(answer, name, type) !== undefined ||
  findRRset(answer, name, 'CNAME') !== undefined ||
  answer.some((set) => set.type === 'DNAME' && name.isBelow(set.owner)) ||
  (type === 'ANY' && answer.some(({ owner }) => owner.equals(name)));

/** `answer`, `nodata`, `referral to com.`, `nxdomain`: for people who read a trace. */
export function describe(reply: Scrubbed, meaning: Meaning): string {
  switch (meaning.kind) {
    case 'referral':
      return `referral to ${meaning.child}`;
    case 'lame':
    case 'empty':
      return meaning.kind;
    case 'refused':
      return reply.rcode.toLowerCase();
    case 'answer':
      if (reply.rcode !== 'NOERROR') return reply.rcode.toLowerCase();
      return reply.answer.length > 0 ? 'answer' : 'nodata';
  }
}
