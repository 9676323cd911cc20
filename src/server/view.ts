/**
 * What a client of the daemon sees of an outcome: RCODE, AD, the sections, and the Extended DNS Errors.
 *
 * Implements RFC 4035 sections 3.2.1 to 3.2.3 (DO, CD, AD), RFC 6840 sections 5.7 to 5.9, RFC 2308 section 2 (negative
 * answers), RFC 6672 section 3.1 (a DNAME before its CNAME) and RFC 8914 (extended errors). Pure: outcome and query in,
 * response out. Does not: look anything up, decide who may ask (see answer.ts), fit the response into a packet.
 * @module
 */
import { CLASS_IN, type ExtendedError, type Rcode, type RRType } from '../dns/codes.ts';
import { type Ede, type Edns, makeEde } from '../dns/edns.ts';
import type { Message } from '../dns/message.ts';
import { encode } from '../dns/rdata.ts';
import type { RR, RRset } from '../dns/rrset.ts';
import {
  type Answer,
  type Failure,
  type Fault,
  failed,
  type Outcome,
  type Stale,
} from '../dnssec/outcome.ts';
import { provesCompactly } from '../dnssec/proof.ts';
import { explain, type Reason } from '../dnssec/reason.ts';
import type { ZoneServers } from '../resolver/resolver.ts';
import type { Unchecked } from '../resolver/unchecked.ts';

/** Responses over UDP are not larger: no fragments (DNS Flag Day 2020). */
const UDP_SIZE = 1232;

/** RFC 8914 section 4: the codes that this file gives by itself. */
const OTHER_ERROR = 0;
const STALE_ANSWER = 3;
const STALE_NXDOMAIN = 19;
const BOGUS = 6;

type Failed = Extract<Outcome, { status: 'bogus' | 'indeterminate' }>;

/** What a response says beyond the query. */
interface Content {
  readonly rcode: Rcode;
  readonly authenticData?: boolean;
  readonly answer?: readonly RR[];
  readonly authority?: readonly RR[];
  readonly errors?: readonly Ede[];
}

/**
 * The response to `query` that says what `outcome` says.
 *
 * A failure gives SERVFAIL and no data at all (RFC 4035 section 5.5), whether what came was forged or nothing came.
 *
 * @param query  with exactly one question, the one that `outcome` answers
 * @throws RangeError for an outcome that is no answer because the question was not sent (`not-asked`)
 */
export function respond(query: Message, outcome: Outcome): Message {
  const { aliases } = outcome;
  if (failed(outcome))
    return write(query, outcome.fault.dname ? tooLong(query, outcome) : failure(outcome));
  const { answer } = outcome;
  if (answer.kind === 'not-asked') throw new RangeError('outcome: the question was not sent');
  const links = aliases.flatMap(({ records }) => records);
  const proofs = [...aliases.flatMap(({ proof }) => proof), ...answer.proof];
  const errors = [
    ...(outcome.stale ? [staleError(answer, outcome.stale)] : []),
    ...(outcome.status === 'insecure' ? told(outcome.reason) : []),
  ];
  return write(query, {
    rcode: rcodeOf(query, answer),
    authenticData: outcome.status === 'secure' && readsAd(query),
    // A DNAME may serve twice on the way; it is shown once.
    answer: show(query, distinct([...links, ...dataOf(answer)])),
    authority: show(query, distinct(proofs)),
    errors,
  });
}

/**
 * A client that wants proof and gets one by NXNAME sees a proof of NODATA, if it does not know better: RFC 9824 section 5.1
 * keeps NOERROR for it. The flag by which it says that it does (CO) is not read.
 */
const rcodeOf = ({ edns }: Message, answer: Exclude<Answer, { kind: 'not-asked' }>): Rcode =>
  answer.kind === 'nxdomain' && !(edns?.dnssecOk && provesCompactly(answer.proof))
    ? 'NXDOMAIN'
    : 'NOERROR';

/** RFC 8914 sections 4.4 and 4.20, with why there is nothing newer. */
const staleError = ({ kind }: Answer, { because }: Stale): Ede => ({
  code: kind === 'nxdomain' ? STALE_NXDOMAIN : STALE_ANSWER,
  text: because ? explain(because.reason).text : 'nothing newer has come in time',
});

/** The response for a client that set CD and judges for itself. */
export function respondUnchecked(query: Message, unchecked: Unchecked): Message {
  if (unchecked.kind === 'failed') return write(query, failure(unchecked.failure));
  const { rcode, answer, authority } = unchecked;
  return write(query, {
    rcode,
    answer: show(query, distinct(answer)),
    authority: show(query, authority),
  });
}

/** For a client that does not desire recursion, where the cache has no answer: who may have it (RFC 1034 section 4.3.1). */
export function refer(query: Message, { zone, hosts, ttl }: ZoneServers): Message {
  const rdata = hosts.map((target) => encode('NS', { target }));
  const ns: RRset = { owner: zone, type: 'NS', ttl, rdata, signatures: [] };
  return write(query, { rcode: 'NOERROR', authority: show(query, [ns]) });
}

/** The response that nothing but an RCODE, and perhaps why, goes into. */
export const refuse = (query: Message, rcode: Rcode, errors: readonly Ede[] = []): Message =>
  write(query, { rcode, errors });

/** FORMERR for octets that are no message, made from what a header says (RFC 1035 section 4.1.1). */
export function refuseUnread(bytes: Uint8Array): Message {
  const [high = 0, low = 0, flags = 0] = bytes;
  const opcode = (flags >> 3) & 15;
  const recursionDesired = (flags & 1) !== 0;
  return {
    ...write(NOTHING, { rcode: 'FORMERR' }),
    id: (high << 8) | low,
    opcode,
    recursionDesired,
  };
}

const NOTHING: Message = {
  id: 0,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 'NOERROR',
  questions: [],
  answer: [],
  authority: [],
  additional: [],
  edns: undefined,
};

const dataOf = (answer: Exclude<Answer, { kind: 'not-asked' }>): readonly RRset[] =>
  answer.kind === 'records' ? [answer.rrset, ...(answer.others ?? [])] : [];

const distinct = (sets: readonly RRset[]): readonly RRset[] => {
  const seen = new Map<string, RRset>();
  for (const set of sets) {
    const key = `${set.type} ${set.owner.key}`;
    if (!seen.has(key)) seen.set(key, set);
  }
  return [...seen.values()];
};

/** RFC 6840 sections 5.7 to 5.9: AD is for clients that say that they read it and leave the checking to us. */
const readsAd = (query: Message): boolean =>
  !query.checkingDisabled && (query.authenticData || wantsRecords(query));

/** DO: RFC 3225. */
const wantsRecords = ({ edns }: Message): boolean => edns?.dnssecOk === true;

const DNSSEC_TYPES: ReadonlySet<RRType> = new Set(['RRSIG', 'NSEC', 'NSEC3']);

/**
 * The records of RRsets as this client gets them. Without DO, DNSSEC's own are left out unless they were asked for (RFC
 * 4035 section 3.2.1); with it, each RRset is followed by its signatures.
 */
function show(query: Message, sets: readonly RRset[]): readonly RR[] {
  const all = wantsRecords(query);
  const asked = query.questions[0]?.type;
  return sets
    .filter(({ type }) => all || type === asked || asked === 'ANY' || !DNSSEC_TYPES.has(type))
    .flatMap((set) => recordsOf(set, all ? 'with-signatures' : 'alone'));
}

function recordsOf(
  { owner, type, ttl, rdata, signatures }: RRset,
  how: 'with-signatures' | 'alone',
): readonly RR[] {
  // Each field by its name: to put such objects together by a spread costs more than to write them.
  const records: RR[] = rdata.map((one) => ({ owner, type, class: CLASS_IN, ttl, rdata: one }));
  if (how === 'with-signatures')
    for (const signature of signatures)
      records.push({
        owner,
        type: 'RRSIG',
        class: CLASS_IN,
        ttl: Math.min(ttl, signature.ttl),
        rdata: signature.rdata,
      });
  return records;
}

/** Nothing of what was received, and why. */
const failure = ({ status, reason, fault }: Failure): Content => ({
  rcode: 'SERVFAIL',
  errors: status === 'bogus' ? bogusErrors(told(reason, fault), fault) : told(reason, fault),
});

/** RFC 6672 section 2.2: the DNAME shows why there is no answer. Not proof of anything, so AD stays clear. */
const tooLong = (query: Message, { aliases, reason, fault }: Failed): Content => ({
  rcode: 'YXDOMAIN',
  answer: show(query, [
    ...aliases.flatMap(({ records }) => records),
    ...(fault.dname ? [fault.dname] : []),
  ]),
  errors: told(reason, fault),
});

/** RFC 8914 section 2 allows several: that it is bogus follows what is wrong in particular. */
function bogusErrors(first: readonly Ede[], { limit, also }: Fault): readonly Ede[] {
  const isNew = also !== undefined && first.every(({ code }) => code !== also);
  const more = isNew ? [...first, { code: also, text: '' }] : first;
  if (more.some(({ code }) => code === BOGUS)) return more;
  return [...more, { code: BOGUS, text: limit ?? '' }];
}

/** A reason as RFC 8914 tells it. A limit is named by its name alone, so that programs can read it. */
function told(reason: Reason, fault?: Fault): readonly Ede[] {
  const { ede, text, status } = explain(reason);
  if (ede === undefined) return [];
  if (fault?.limit) return [{ code: status === 'bogus' ? BOGUS : OTHER_ERROR, text: fault.limit }];
  const code: ExtendedError = ede;
  return [{ code, text: fault ? `${fault.owner} ${fault.type}: ${text}` : text }];
}

/** RFC 1035 section 4.1.1 and RFC 6840 section 5.9: what is copied from the query, and what is not. */
function write(query: Message, content: Content): Message {
  const { rcode, authenticData = false, answer = [], authority = [], errors = [] } = content;
  return {
    id: query.id,
    response: true,
    opcode: query.opcode,
    authoritative: false,
    truncated: false,
    recursionDesired: query.recursionDesired,
    recursionAvailable: true,
    authenticData,
    checkingDisabled: query.checkingDisabled,
    rcode,
    questions: query.questions,
    answer,
    authority,
    additional: [],
    edns: query.edns && ednsFor(query.edns, errors),
  };
}

const ednsFor = ({ dnssecOk }: Edns, errors: readonly Ede[]): Edns => ({
  udpSize: UDP_SIZE,
  version: 0,
  dnssecOk,
  options: errors.map(makeEde),
});
