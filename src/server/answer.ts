/**
 * One query of a client answered: which of the resolver's doors its flags open.
 *
 * Implements RFC 1035 section 4.1.1 (RD), RFC 4035 section 3.2.2 (CD), RFC 6891 section 6.1.3 (BADVERS) and RFC 9619 (one
 * question). Does not: own a socket, or know who asks (access lists).
 * @module
 */
import { CLASS_IN, isMetaType, OPCODES } from '../dns/codes.ts';
import type { Message } from '../dns/message.ts';
import { failed } from '../dnssec/outcome.ts';
import type { Resolver } from '../resolver/resolver.ts';
import { refuse, respond, respondUnchecked } from './view.ts';

export interface AnswerOptions {
  /** What clients get that do not desire recursion: to show the cache tells everybody what others have asked. */
  readonly withoutRecursion: 'refused' | 'from-cache';
}

export type AnswerClient = (query: Message) => Promise<Message>;

/** RFC 8914 section 4: the codes for questions that are not taken. */
const PROHIBITED = 18;
const NOT_SUPPORTED = 21;
const INVALID_QUERY_TYPE = 30;

export const makeAnswerClient =
  (resolver: Resolver, { withoutRecursion }: AnswerOptions): AnswerClient =>
  async (query) => {
    const [question, second] = query.questions;
    if (query.opcode !== OPCODES.QUERY) return refuse(query, 'NOTIMP');
    if (query.edns && query.edns.version > 0) return refuse(query, 'BADVERS');
    if (!question || second) return refuse(query, 'FORMERR');
    const { name, type, class: asked = CLASS_IN } = question;
    if (asked !== CLASS_IN) return refuse(query, 'REFUSED', [{ code: NOT_SUPPORTED, text: '' }]);
    // RFC 9824 section 4: no question can be for NXNAME. Transfers and the like are none of a resolver's business.
    if (type === 'NXNAME')
      return refuse(query, 'FORMERR', [{ code: INVALID_QUERY_TYPE, text: '' }]);
    if (isMetaType(type) && type !== 'ANY') return refuse(query, 'NOTIMP');
    if (!query.recursionDesired) {
      if (withoutRecursion === 'refused')
        return refuse(query, 'REFUSED', [{ code: PROHIBITED, text: 'recursion not desired' }]);
      const known = resolver.recall(name, type);
      return known ? respond(query, known) : refuse(query, 'NOERROR');
    }
    if (!query.checkingDisabled) return respond(query, await resolver.lookup(name, type));
    const known = resolver.recall(name, type);
    if (known && !failed(known)) return respond(query, known);
    return respondUnchecked(query, await resolver.fetchUnchecked(name, type));
  };
