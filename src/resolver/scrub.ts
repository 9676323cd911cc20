/**
 * What of a message is kept: records that the servers of a zone may speak of, grouped into RRsets.
 *
 * A server's word counts for its own zone and what lies below (RFC 5452 section 6; the in-bailiwick rule), and no
 * section is kept longer than an honest one is. Does not: judge; what is kept is still unproved.
 * @module
 */
import { CLASS_IN, type Rcode, type RRType } from '../dns/codes.ts';
import { agentOf } from '../dns/edns.ts';
import type { Message, Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { collectRRsets, coveredBy, type RR, type RRset } from '../dns/rrset.ts';
import type { Reply } from '../dnssec/reply.ts';

/** More name servers than any delegation needs (Unbound; NXNSAttack). */
const MAX_NS = 20;
/** Links of a chain in one reply: as many as are followed. */
const MAX_CNAMES = 11;

export interface Scrubbed extends Reply {
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  /** Addresses beside a referral; they say where a packet goes and nothing else. */
  readonly glue: readonly RRset[];
  /** True where the authority section names servers of a zone that is not the sender's to speak of: it refers away. */
  readonly refersAway: boolean;
  /** Who wants to be told what is wrong with it (RFC 9567), by the sender's word. */
  readonly agent: Name | undefined;
  /** What else came beside an alias: of use where it is proved, whoever sent it. */
  readonly elsewhere: Reply;
}

/** @param zone  whose servers sent it */
export function scrub(message: Message, question: Question, zone: Name): Scrubbed {
  const answer = ownOf(message.answer, zone);
  const authority = ownOf(message.authority, zone);
  const additional = ownOf(message.additional, zone);
  const strays = signaturesIn(answer, authority, additional);
  const reached = reachedFrom(question.name, message.answer);
  return {
    rcode: message.rcode,
    authoritative: message.authoritative,
    answer: dropStrayAliases(collect(answer, strays, question.type), reached),
    authority: collect(authority, strays).map(limitServers),
    agent: agentOf(message.edns),
    elsewhere: elsewhereIn(message, zone, reached),
    refersAway: message.authority.some(
      ({ type, owner, class: of }) => type === 'NS' && of === CLASS_IN && !owner.isAtOrBelow(zone),
    ),
    glue: collectRRsets(additional).filter(
      ({ type, defect }) => (type === 'A' || type === 'AAAA') && defect === undefined,
    ),
  };
}

const ownOf = (records: readonly RR[], zone: Name): readonly RR[] =>
  records.filter((record) => record.class === CLASS_IN && record.owner.isAtOrBelow(zone));

function signaturesIn(...sections: readonly (readonly RR[])[]): readonly RR[] {
  const signatures: RR[] = [];
  for (const section of sections)
    for (const record of section) if (record.type === 'RRSIG') signatures.push(record);
  return signatures;
}

function elsewhereIn(
  { rcode, answer, authority }: Message,
  zone: Name,
  reached: ReadonlySet<string>,
): Reply {
  if (!answer.some(({ type }) => type === 'CNAME' || type === 'DNAME'))
    return { rcode, answer: NONE, authority: NONE };
  const outside = (records: readonly RR[]): readonly RRset[] =>
    collectRRsets(records.filter(({ owner }) => !owner.isAtOrBelow(zone)));
  return {
    rcode,
    answer: dropStrayAliases(outside(answer), reached),
    authority: outside(authority),
  };
}

const NONE: readonly RRset[] = [];

/**
 * RRsets with their signatures. Some servers put RRSIGs into another section than the RRset (RFC 4035 section 3.1.1 says:
 * into the same one): an RRset that has none gets those.
 *
 * @param strays  RRSIGs of all sections
 */
function collect(records: readonly RR[], strays: readonly RR[], asked?: RRType): readonly RRset[] {
  const sets = collectRRsets(records, asked);
  if (asked === 'RRSIG' || strays.length === 0) return sets;
  const unsigned = new Set<string>();
  for (const set of sets) if (set.signatures.length === 0) unsigned.add(keyOf(set));
  if (unsigned.size === 0) return sets;
  const wanted = strays.filter(({ owner, rdata }) =>
    unsigned.has(keyOf({ owner, type: coveredBy(rdata) })),
  );
  return wanted.length > 0 ? collectRRsets([...records, ...wanted], asked) : sets;
}

const keyOf = ({ owner, type }: Pick<RRset, 'owner' | 'type'>): string => `${type} ${owner.key}`;

/**
 * The names, by their keys, that the aliases of an answer lead to from the one that was asked for, itself among them. A DNAME
 * leads on by the CNAME that goes with it, or that it stands for.
 */
function reachedFrom(name: Name, answer: readonly RR[]): ReadonlySet<string> {
  const aliases = answer.filter(
    ({ type, class: of, defect }) =>
      (type === 'CNAME' || type === 'DNAME') && of === CLASS_IN && defect === undefined,
  );
  const reached = new Set<string>();
  if (aliases.length === 0) return reached.add(name.key);
  const cnames = new Map(
    aliases.filter(({ type }) => type === 'CNAME').map((one) => [one.owner.key, one]),
  );
  const dnames = aliases.filter(({ type }) => type === 'DNAME').slice(0, MAX_CNAMES);
  for (let at: Name | undefined = name; at && !reached.has(at.key); ) {
    if (reached.size === MAX_CNAMES + 1) break;
    reached.add(at.key);
    at = nextOf(at, cnames.get(at.key), dnames);
  }
  return reached;
}

function nextOf(at: Name, cname: RR | undefined, dnames: readonly RR[]): Name | undefined {
  if (cname) return decode('CNAME', cname.rdata).target;
  const dname = dnames.find(({ owner }) => at.isBelow(owner));
  return dname && at.replaceSuffix(dname.owner, decode('DNAME', dname.rdata).target);
}

/** Aliases of other names are nobody's question; of a chain as much is kept as is followed. */
const dropStrayAliases = (
  answer: readonly RRset[],
  reached: ReadonlySet<string>,
): readonly RRset[] =>
  answer.filter(({ type, owner }) => type !== 'CNAME' || reached.has(owner.key));

const limitServers = (set: RRset): RRset =>
  set.type === 'NS' ? { ...set, rdata: set.rdata.slice(0, MAX_NS) } : set;
