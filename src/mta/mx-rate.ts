/**
 * A limit on MX look-ups, so that a queue that empties at once does not flood the DNS: Momentum's `dns_rate_limit_*`.
 *
 * In each period so many start at once; the next ones wait for periods to come, in the order in which they were asked;
 * what comes on top of those fails for now, and its mail waits. Does not: tell answers that are kept from those that are
 * asked for (whoever delivers looks up MX records once a delivery), or limit other types.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { ROOT } from '../dns/name.ts';
import type { Lookup, LookupOptions, Outcome } from '../dnssec/outcome.ts';
import type { AlarmClock } from '../environment.ts';

export interface MxRate {
  /** MX look-ups that start in one period. */
  readonly queries: number;
  readonly periodMs: number;
  /** Look-ups that may wait. */
  readonly maxQueue: number;
}

/** What became of MX look-ups since the start, in Momentum's words. */
export interface MxRateCounters {
  /** Started at once. */
  readonly immediate: number;
  /** Had to wait. */
  readonly queued: number;
  /** Of those, the ones that have started, or that nobody waited for any more. */
  readonly drained: number;
  /** Failed, for too many were waiting. */
  readonly overflow: number;
}

export interface LimitedLookup {
  readonly lookup: Lookup;
  readonly counters: () => MxRateCounters;
}

/** `lookup`, with a limit on questions of type MX. */
export function limitMx(
  lookup: Lookup,
  { queries, periodMs, maxQueue }: MxRate,
  clock: Pick<AlarmClock, 'now' | 'alarm'>,
): LimitedLookup {
  const count = { immediate: 0, queued: 0, drained: 0, overflow: 0 };
  const waiting: (() => void)[] = [];
  let left = queries;
  let ends: number | undefined;
  /** A period begins with the first look-up in it. */
  const begin = (): void => {
    left = queries;
    ends = clock.now() + periodMs;
  };
  const drain = (): void => {
    begin();
    const started = waiting.splice(0, left);
    left -= started.length;
    count.drained += started.length;
    for (const start of started) start();
    if (waiting.length > 0) clock.alarm(periodMs, drain);
  };
  const wait = (): Promise<void> => {
    count.queued += 1;
    if (waiting.length === 0) clock.alarm((ends ?? 0) - clock.now(), drain);
    return new Promise((resolve) => waiting.push(resolve));
  };
  return {
    counters: () => ({ ...count }),
    lookup: async (name, type, options) => {
      if (type !== 'MX') return lookup(name, type, options);
      const isFree = waiting.length === 0;
      if (isFree && !(ends !== undefined && clock.now() < ends)) begin();
      if (isFree && left > 0) {
        left -= 1;
        count.immediate += 1;
      } else if (waiting.length >= maxQueue) {
        count.overflow += 1;
        return overflown(name, clock.now());
      } else await untilStarted(wait(), options);
      return lookup(name, type, options);
    },
  };
}

/** Whoever leaves keeps his place, so that the count stays right; the look-up itself rejects for him. */
async function untilStarted(start: Promise<void>, options: LookupOptions | undefined) {
  const { signal } = options ?? {};
  if (!signal) return start;
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    start.then(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    });
  });
}

/** A lookup error: nothing was learnt, and nothing is remembered. */
const overflown = (name: Name, now: number): Outcome => ({
  status: 'indeterminate',
  reason: 'budget-spent',
  fault: { zone: ROOT, owner: name, type: 'MX' },
  question: { name, type: 'MX' },
  aliases: [],
  trace: [],
  spent: { queries: 0, bytes: 0, signatures: 0, hashes: 0, milliseconds: 0 },
  expiresAt: now,
});
