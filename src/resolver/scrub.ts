/**
 * What of a message is kept: records that the servers of a zone may speak of, grouped into RRsets.
 *
 * A server's word counts for its own zone and what lies below (RFC 5452 section 6; the in-bailiwick rule), and no
 * section is kept longer than an honest one is. Does not: judge; what is kept is still unproved.
 * @module
 */
import { CLASS_IN, type Rcode } from '../dns/codes.ts';
import type { Message, Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { collectRRsets, type RR, type RRset } from '../dns/rrset.ts';
import type { Reply } from '../dnssec/reply.ts';

/** More name servers than any delegation needs (Unbound; NXNSAttack). */
const MAX_NS = 20;
/** Of one reply: as many as are followed. */
const MAX_CNAMES = 11;

export interface Scrubbed extends Reply {
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  /** Addresses beside a referral; they say where a packet goes and nothing else. */
  readonly glue: readonly RRset[];
}

/** @param zone  whose servers sent it */
export function scrub(message: Message, question: Question, zone: Name): Scrubbed {
  const own = (records: readonly RR[]): RR[] =>
    records.filter((record) => record.class === CLASS_IN && record.owner.isAtOrBelow(zone));
  return {
    rcode: message.rcode,
    authoritative: message.authoritative,
    answer: limitAliases(collectRRsets(own(message.answer), question.type)),
    authority: collectRRsets(own(message.authority)).map(limitServers),
    glue: collectRRsets(own(message.additional)).filter(
      ({ type, defect }) => (type === 'A' || type === 'AAAA') && defect === undefined,
    ),
  };
}

function limitAliases(answer: readonly RRset[]): readonly RRset[] {
  const aliases = answer.filter(({ type }) => type === 'CNAME').slice(0, MAX_CNAMES);
  return answer.filter((set) => set.type !== 'CNAME' || aliases.includes(set));
}

const limitServers = (set: RRset): RRset =>
  set.type === 'NS' ? { ...set, rdata: set.rdata.slice(0, MAX_NS) } : set;
