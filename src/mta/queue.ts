/**
 * What a queue does with a recipient after each try: nothing more, wait until when, or give up and with which code.
 *
 * Implements RFC 5321 section 4.5.4.1 (when to try again, when to give up), row 46 of the decision table (a bounce says what
 * kept the message last) and Momentum's way of holding mail that DANE keeps until the records may say something else. Does
 * not: keep messages, or wait; a function of what has happened.
 * @module
 */
import type { RecipientEnd } from './delivered.ts';

/** One try, and how it ended for this recipient. */
export interface Try {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  readonly end: RecipientEnd;
}

export interface QueueTerms {
  /** How long a message waits at most, in milliseconds. */
  readonly lifetimeMs: number;
  /** The wait after the first try; each later one is twice as long. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** No wait is shorter, whatever the DNS says. */
  readonly shortestWaitMs: number;
}

const MINUTE_MS = 60_000;
/** RFC 5321 section 4.5.4.1: 30 minutes at least as a rule, sooner where the reason is known; four to five days in all. */
export const QUEUE_TERMS: QueueTerms = {
  lifetimeMs: 5 * 24 * 60 * MINUTE_MS,
  firstWaitMs: 30 * MINUTE_MS,
  longestWaitMs: 240 * MINUTE_MS,
  shortestWaitMs: 5 * MINUTE_MS,
};

export type QueueStep =
  | { readonly kind: 'done' }
  /** At or after this instant. */
  | { readonly kind: 'retry'; readonly at: number }
  /** To the return path (RFC 3464), with this status. */
  | {
      readonly kind: 'bounce';
      readonly dsn: string;
      readonly why: string;
      /** `expired`: it would have been tried again, had there been time. */
      readonly because: 'failed' | 'expired';
    };

/**
 * @param tries     of this recipient, the first one first
 * @param queuedAt  when the message came, milliseconds since 1970
 */
export function nextStep(
  tries: readonly Try[],
  queuedAt: number,
  terms: QueueTerms = QUEUE_TERMS,
): QueueStep {
  const last = tries.at(-1);
  if (!last) return { kind: 'retry', at: queuedAt };
  const { at, end } = last;
  switch (end.kind) {
    case 'delivered':
      return { kind: 'done' };
    case 'failed':
      return { kind: 'bounce', dsn: end.dsn, why: end.why, because: 'failed' };
    case 'deferred': {
      const expires = queuedAt + terms.lifetimeMs;
      if (at >= expires)
        return { kind: 'bounce', dsn: asFinal(end.dsn), why: end.why, because: 'expired' };
      const wait = waitAfter(tries.length, at, end.retryAt, terms);
      return { kind: 'retry', at: Math.min(at + wait, expires) };
    }
  }
}

/** Where DNS records keep the message, their TTL may end a wait early: until then they say what they said. */
function waitAfter(count: number, at: number, retryAt: number | undefined, terms: QueueTerms) {
  const { firstWaitMs, longestWaitMs, shortestWaitMs } = terms;
  const usual = Math.min(firstWaitMs * 2 ** (count - 1), longestWaitMs);
  const hinted = retryAt === undefined ? usual : Math.min(usual, retryAt - at);
  return Math.max(hinted, shortestWaitMs);
}

/** `5.7.5` of `4.7.5`. */
const asFinal = (dsn: string): string => dsn.replace(/^4/, '5');
