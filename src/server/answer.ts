/**
 * One query of a client answered: which of the resolver's doors its flags open.
 *
 * Implements RFC 1035 section 4.1.1 (RD), RFC 4035 section 3.2.2 (CD), RFC 6891 section 6.1.3 (BADVERS) and RFC 9619 (one
 * question), RFC 8509 section 3 (sentinels). Does not: own a socket, or know who asks (access lists).
 * @module
 */
import { CLASS_IN, isMetaType, OPCODES } from '../dns/codes.ts';
import { type Message, parseMessage, type Question } from '../dns/message.ts';
import { judgeSentinel } from '../dnssec/anchor-signals.ts';
import type { Anchor } from '../dnssec/anchors.ts';
import type { LimitName } from '../dnssec/budget.ts';
import { type Failure, failed, type Outcome } from '../dnssec/outcome.ts';
import type { Resolver } from '../resolver/resolver.ts';
import { refer, refuse, refuseUnread, respond, respondUnchecked } from './view.ts';

export interface AnswerOptions {
  /** What clients get that do not desire recursion: to show the cache tells everybody what others have asked. */
  readonly withoutRecursion: 'refused' | 'from-cache';
  /** The root's trust anchor in force, for sentinels (RFC 8509); left out, their names are names like any other. */
  readonly rootAnchor?: () => Anchor | undefined;
}

/** `undefined` for octets that get no answer: they are no query, or too few to tell whose. */
export type AnswerClient = (query: Uint8Array) => Promise<Message | undefined>;

/** The responses to messages that are queries. */
export interface AnswerQuery {
  /**
   * The response that needs no work: to what is refused, and to clients that do not desire recursion. With `from-cache`
   * also to the rest, as far as the cache has it.
   */
  atOnce(query: Message, how: 'from-cache' | 'plain'): Message | undefined;
  later(query: Message): Promise<Message>;
}

/** What the octets of a client are. */
export type Taken =
  | { readonly kind: 'query'; readonly query: Message }
  /** A query that cannot be read: the response says so. */
  | { readonly kind: 'unread'; readonly response: Message }
  /** Nothing that may be answered. */
  | { readonly kind: 'no-query' };

/** RFC 8914 section 4: the codes for questions that are not taken. */
const PROHIBITED = 18;
const NOT_SUPPORTED = 21;
const INVALID_QUERY_TYPE = 30;

export const makeAnswerQuery = (resolver: Resolver, options: AnswerOptions): AnswerQuery => ({
  atOnce: (query, how) => answerAtOnce(resolver, options, query, how),
  later: (query) => answerLater(resolver, options, query),
});

export function makeAnswerClient(resolver: Resolver, options: AnswerOptions): AnswerClient {
  const answer = makeAnswerQuery(resolver, options);
  return async (bytes) => {
    const taken = takeQuery(bytes);
    switch (taken.kind) {
      case 'query':
        return answer.atOnce(taken.query, 'plain') ?? answer.later(taken.query);
      case 'unread':
        return taken.response;
      case 'no-query':
        return undefined;
    }
  };
}

/** Reads what a client sent, once. */
export function takeQuery(bytes: Uint8Array): Taken {
  if (!isQuery(bytes) || startsProxied(bytes)) return { kind: 'no-query' };
  const parsed = parseMessage(bytes);
  return parsed.kind === 'message'
    ? { kind: 'query', query: parsed.message }
    : { kind: 'unread', response: refuseUnread(bytes) };
}

/** In the third octet of the header. */
const QR = 0x80;
const isQuery = (bytes: Uint8Array): boolean => bytes.length >= 12 && ((bytes[2] ?? 0) & QR) === 0;

/** How version 2 of HAProxy's PROXY protocol begins. Nobody here is told by others who the client is. */
const PROXY_V2 = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

/** Whether these are octets of a proxy that speaks for somebody else: who they say is asking is anybody's word. */
export const startsProxied = (bytes: Uint8Array): boolean =>
  bytes.length >= PROXY_V2.length && PROXY_V2.every((octet, i) => bytes[i] === octet);

function answerAtOnce(
  resolver: Resolver,
  { withoutRecursion, rootAnchor }: AnswerOptions,
  query: Message,
  how: 'from-cache' | 'plain',
): Message | undefined {
  const [question, second] = query.questions;
  if (query.opcode !== OPCODES.QUERY) return refuse(query, 'NOTIMP');
  if (query.edns && query.edns.version > 0) return refuse(query, 'BADVERS');
  if (!question || second) return refuse(query, 'FORMERR');
  const { name, type, class: asked = CLASS_IN } = question;
  if (asked !== CLASS_IN) return refuse(query, 'REFUSED', [{ code: NOT_SUPPORTED, text: '' }]);
  // RFC 9824 section 4: no question can be for NXNAME. Transfers and the like are none of a resolver's business.
  if (type === 'NXNAME') return refuse(query, 'FORMERR', [{ code: INVALID_QUERY_TYPE, text: '' }]);
  if (isMetaType(type) && type !== 'ANY') return refuse(query, 'NOTIMP');
  if (!query.recursionDesired) {
    if (withoutRecursion === 'refused')
      return refuse(query, 'REFUSED', [{ code: PROHIBITED, text: 'recursion not desired' }]);
    const known = resolver.recall(name, type);
    return known ? respond(query, known) : refer(query, resolver.closestServers(name));
  }
  const outcome = how === 'from-cache' ? resolver.recall(name, type, STALE) : undefined;
  if (!outcome || (query.checkingDisabled && mayHoldMore(currentOf(outcome)))) return undefined;
  return respondTo(query, question, outcome, rootAnchor);
}

async function answerLater(
  resolver: Resolver,
  { rootAnchor }: AnswerOptions,
  query: Message,
): Promise<Message> {
  const [question] = query.questions;
  if (!question) throw new RangeError('query: it has no question');
  const { name, type } = question;
  const outcome = await resolver.lookup(name, type, STALE);
  if (query.checkingDisabled && mayHoldMore(currentOf(outcome))) {
    const unchecked = await resolver.fetchUnchecked(name, type);
    if (unchecked.kind === 'reply' || failed(outcome)) return respondUnchecked(query, unchecked);
  }
  return respondTo(query, question, outcome, rootAnchor);
}

/** What comes now is worth more to a client that checks for itself than what has expired. */
const currentOf = (outcome: Outcome): Outcome | Failure => outcome.stale?.because ?? outcome;

/** A client of the daemon is served what has expired, if the operator wants that. */
const STALE = { stale: 'allowed' } as const;

/** @param rootAnchor  for sentinels, about which clients that check for themselves do not ask us */
function respondTo(
  query: Message,
  question: Question,
  outcome: Outcome,
  rootAnchor: AnswerOptions['rootAnchor'],
): Message {
  const isSentinel =
    rootAnchor &&
    !query.checkingDisabled &&
    judgeSentinel(question, outcome.status, rootAnchor()) === 'servfail';
  return isSentinel ? refuse(query, 'SERVFAIL') : respond(query, outcome);
}

/**
 * Whether a client that checks for itself may get more than our judgement leaves over: what came was false, or too dear to
 * judge. What could not be fetched is not fetched once more, at the same price again: where a forwarder sends each question
 * back to us, that would never end.
 */
const mayHoldMore = (of: Outcome | Failure): boolean =>
  of.status === 'bogus' || (of.status === 'indeterminate' && JUDGING.has(of.fault.limit));

const JUDGING: ReadonlySet<LimitName | undefined> = new Set(['signatures', 'nsec3-hashes']);
