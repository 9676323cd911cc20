/**
 * Amendments to what the servers of a zone send back: silence, refusals, other servers' faults and forgeries.
 *
 * Where types are arguments, none means every question. `onlyFor` and `times` narrow any of them.
 * @module
 */
import { codeOf, type Rcode, type RRType } from '../dns/codes.ts';
import type { Message } from '../dns/message.ts';
import { type Name, ROOT } from '../dns/name.ts';
import type { RR } from '../dns/rrset.ts';
import type { Amendment, Request, Treatment } from './amendment.ts';
import type { Protocol } from './description.ts';
import { readLines } from './zone.ts';

type Section = 'answer' | 'authority' | 'additional';

/** A general change of replies: to another message, to raw octets, or to several in order of arrival. */
export const alterReply = (
  change: (
    reply: Message,
    request: Request,
  ) => Message | Uint8Array | readonly (Message | Uint8Array)[],
): Amendment => ({
  reply: (replies, request) => {
    if (replies === 'unreachable') return replies;
    return replies.flatMap((reply) =>
      reply instanceof Uint8Array ? [reply] : [change(reply, request)].flat(),
    );
  },
});

/** No reply at all. */
export const silence = (...types: readonly RRType[]): Amendment => always([], types);

/** The port is closed. */
export const unreachable = (...types: readonly RRType[]): Amendment => always('unreachable', types);

/** An RCODE and nothing else. */
export const answerWith = (rcode: Rcode, ...types: readonly RRType[]): Amendment =>
  forTypes(types, empty({ rcode, authoritative: false }));

export const servfail = (...types: readonly RRType[]): Amendment =>
  answerWith('SERVFAIL', ...types);
export const refuse = (...types: readonly RRType[]): Amendment => answerWith('REFUSED', ...types);

/** NOERROR with nothing in it: not even an SOA. */
export const emptyAnswer = (...types: readonly RRType[]): Amendment => forTypes(types, empty({}));

/** The servers do not know the zone and refer to the root. */
export const lame = (): Amendment =>
  alterReply((reply) => ({
    ...reply,
    rcode: 'NOERROR',
    authoritative: false,
    answer: [],
    authority: readLines(['. NS ns.'], ROOT),
    additional: [],
  }));

/** Replies come so many milliseconds later. */
export const delay = (delayMs: number): Amendment => ({ delayMs });

/** Over UDP always TC=1 and no records. */
export const truncate = (): Amendment =>
  onlyFor({ over: 'udp' }, forTypes([], empty({ truncated: true })));

/** Referrals say nothing about DS: neither the record nor the proof that there is none. */
export const stripDsFromReferrals = (): Amendment =>
  alterReply((reply) => (isReferral(reply) ? without(reply, PROOF) : reply));

/** Every record of DNSSEC is left out of replies. */
export const stripDnssec = (): Amendment => alterReply((reply) => without(reply, DNSSEC));

/** As a server that does not know EDNS: FORMERR to every query that has it (RFC 6891 section 7). */
export const refuseEdns = (): Amendment =>
  alterReply((reply, { query }) => {
    if (!query.edns) return reply;
    return { ...withoutRecords(reply), rcode: 'FORMERR', edns: undefined };
  });

/** EDNS is overlooked: no OPT and nothing of DNSSEC comes back. */
export const ignoreEdns = (): Amendment =>
  alterReply((reply) => ({ ...without(reply, DNSSEC), edns: undefined }));

/** More records in a section, as zone-file lines; names are absolute. */
export const inject = (section: Section, ...lines: readonly string[]): Amendment => {
  const records = readLines(lines, ROOT);
  return alterReply((reply) => ({ ...reply, [section]: [...reply[section], ...records] }));
};

/** Each record of these sections comes twice, and in reverse order. */
export const duplicateRecords = (): Amendment =>
  alterReply((reply) => {
    const twice = (records: readonly RR[]): RR[] => [...records, ...records].reverse();
    return { ...reply, answer: twice(reply.answer), authority: twice(reply.authority) };
  });

/** Replies with the id of another query. */
export const wrongId = (): Amendment =>
  alterReply((reply) => ({ ...reply, id: (reply.id + 1) & 0xffff }));

/** Replies to a question that was not asked: another name, type or class. */
export const wrongQuestion = (wrong: 'name' | 'type' | 'class'): Amendment =>
  alterReply((reply) => ({
    ...reply,
    questions: reply.questions.map((question) => {
      if (wrong === 'name') return { ...question, name: question.name.wildcard ?? ROOT };
      if (wrong === 'type')
        return { ...question, type: codeOf(question.type) === 1 ? 'AAAA' : 'A' };
      return { ...question, class: 3 };
    }),
  }));

/** Before the true reply comes what `amendment` would make of it: a forger who is faster. */
export const precededBy = ({ reply: change }: Amendment): Amendment => ({
  reply: (replies, request) => {
    const forged = change?.(replies, request) ?? [];
    return replies === 'unreachable' || forged === 'unreachable'
      ? replies
      : [...forged, ...replies];
  },
});

export interface Filter {
  readonly types?: readonly RRType[];
  /** Questions at or below this name. */
  readonly below?: Name;
  /** A server's IP address. */
  readonly server?: string;
  readonly over?: Protocol;
}

/** The amendment's change of replies, but only for questions that fit. */
export const onlyFor = (filter: Filter, { reply: change }: Amendment): Amendment => ({
  reply: (replies, request) =>
    change && fits(filter, request) ? change(replies, request) : replies,
});

/** The amendment's change of replies, so many times; then it is over. */
export const times = (count: number, { reply: change }: Amendment): Amendment => {
  let left = count;
  return {
    reply: (replies, request) => {
      if (!change || left === 0) return replies;
      left -= 1;
      return change(replies, request);
    },
  };
};

function fits({ types, below, server, over }: Filter, request: Request): boolean {
  const { name, type } = request.question;
  return (
    (!types || types.length === 0 || types.includes(type)) &&
    (!below || name.isAtOrBelow(below)) &&
    (server === undefined || server === request.server) &&
    (over === undefined || over === request.over)
  );
}

const forTypes = (types: readonly RRType[], amendment: Amendment): Amendment =>
  onlyFor({ types }, amendment);

const always = (treatment: Treatment, types: readonly RRType[]): Amendment =>
  forTypes(types, { reply: () => treatment });

const empty = (header: Partial<Message>): Amendment =>
  alterReply((reply) => ({ ...withoutRecords(reply), ...header }));

const withoutRecords = (reply: Message): Message => ({
  ...reply,
  answer: [],
  authority: [],
  additional: [],
});

/** What shows whether a delegation is signed, with the signatures over it. */
const PROOF: ReadonlySet<RRType> = new Set(['DS', 'NSEC', 'NSEC3', 'RRSIG']);
const DNSSEC: ReadonlySet<RRType> = new Set([...PROOF, 'DNSKEY', 'NSEC3PARAM']);

function without(reply: Message, types: ReadonlySet<RRType>): Message {
  const keep = (records: readonly RR[]): RR[] => records.filter(({ type }) => !types.has(type));
  const { answer, authority, additional } = reply;
  return {
    ...reply,
    answer: keep(answer),
    authority: keep(authority),
    additional: keep(additional),
  };
}

const isReferral = ({ answer, authority }: Message): boolean =>
  answer.length === 0 &&
  authority.some(({ type }) => type === 'NS') &&
  !authority.some(({ type }) => type === 'SOA');
