/**
 * What of a message is kept: records that the servers of a zone may speak of, grouped into RRsets.
 *
 * A server's word counts for its own zone and what lies below (RFC 5452 section 6; the in-bailiwick rule), and no
 * section is kept longer than an honest one is. Does not: judge; what is kept is still unproved.
 * @module
 */
import { CLASS_IN, type Rcode, type RRType, typeOf } from '../dns/codes.ts';
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
  /** True where the authority section names servers of a zone that is not the sender's to speak of: it refers away. */
  readonly refersAway: boolean;
  /** What else came beside an alias: of use where it is proved, whoever sent it. */
  readonly elsewhere: Reply;
}

/** @param zone  whose servers sent it */
export function scrub(message: Message, question: Question, zone: Name): Scrubbed {
  const own = (records: readonly RR[]): RR[] =>
    records.filter((record) => record.class === CLASS_IN && record.owner.isAtOrBelow(zone));
  const strays = own([...message.answer, ...message.authority, ...message.additional]).filter(
    ({ type }) => type === 'RRSIG',
  );
  return {
    rcode: message.rcode,
    authoritative: message.authoritative,
    answer: limitAliases(collect(own(message.answer), strays, question.type)),
    authority: collect(own(message.authority), strays).map(limitServers),
    elsewhere: elsewhereIn(message, zone),
    refersAway: message.authority.some(
      ({ type, owner, class: of }) => type === 'NS' && of === CLASS_IN && !owner.isAtOrBelow(zone),
    ),
    glue: collectRRsets(own(message.additional)).filter(
      ({ type, defect }) => (type === 'A' || type === 'AAAA') && defect === undefined,
    ),
  };
}

function elsewhereIn({ rcode, answer, authority }: Message, zone: Name): Reply {
  const isAlias = answer.some(({ type }) => type === 'CNAME' || type === 'DNAME');
  const outside = (records: readonly RR[]): readonly RRset[] =>
    isAlias ? collectRRsets(records.filter(({ owner }) => !owner.isAtOrBelow(zone))) : [];
  return { rcode, answer: limitAliases(outside(answer)), authority: outside(authority) };
}

/**
 * RRsets with their signatures. Some servers put RRSIGs into another section than the RRset (RFC 4035 section 3.1.1 says:
 * into the same one): an RRset that has none gets those.
 *
 * @param strays  RRSIGs of all sections
 */
function collect(records: readonly RR[], strays: readonly RR[], asked?: RRType): readonly RRset[] {
  const sets = collectRRsets(records, asked);
  const unsigned = new Set(sets.flatMap((set) => (set.signatures.length > 0 ? [] : keyOf(set))));
  if (asked === 'RRSIG' || unsigned.size === 0) return sets;
  const wanted = strays.filter(({ owner, rdata }) =>
    unsigned.has(keyOf({ owner, type: coveredBy(rdata) })),
  );
  return wanted.length > 0 ? collectRRsets([...records, ...wanted], asked) : sets;
}

const keyOf = ({ owner, type }: Pick<RRset, 'owner' | 'type'>): string => `${type} ${owner.key}`;
/** The first field of an RRSIG (RFC 4034 section 3.1). */
const coveredBy = (rdata: Uint8Array): RRType => typeOf(((rdata[0] ?? 0) << 8) | (rdata[1] ?? 0));

function limitAliases(answer: readonly RRset[]): readonly RRset[] {
  const aliases = answer.filter(({ type }) => type === 'CNAME').slice(0, MAX_CNAMES);
  return answer.filter((set) => set.type !== 'CNAME' || aliases.includes(set));
}

const limitServers = (set: RRset): RRset =>
  set.type === 'NS' ? { ...set, rdata: set.rdata.slice(0, MAX_NS) } : set;
