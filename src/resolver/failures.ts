/**
 * For how long a failure is remembered: RFC 9520.
 *
 * Bogus 60 seconds, or for as long as its TTL says if that is less; indeterminate 5 seconds, doubling at each further
 * failure of the same thing up to 300. A spent budget says something about one question and nothing about zones or keys.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Failure } from '../dnssec/outcome.ts';
import type { Clock } from '../environment.ts';
import { Cache, type Held } from './cache.ts';

/** Unbound's; RFC 4035 section 4.7 wants it small, and a repaired zone is believed again after it. */
const BOGUS_MS = 60_000;
/** RFC 9520 section 3.2 allows 1 second to 5 minutes. */
const FIRST_MS = 5_000;
const LONGEST_MS = 300_000;
/** A count is forgotten when nothing has failed for this long after the last pause. */
const FORGOTTEN_MS = 600_000;
/** Of a pause and its two times. */
const PAUSE_OCTETS = 80;

interface Pause {
  readonly pauseMs: number;
  readonly learntAt: number;
  readonly expiresAt: number;
}

export interface PauseTerms {
  /** Where an expired answer serves meanwhile: the pause at least (RFC 8767 section 5), milliseconds. */
  readonly recheckMs?: number;
  /** Of what is bogus, seconds: nobody has vouched for it, so it makes the pause shorter only, and not by much. */
  readonly ttl?: number;
}

const bogusMs = (ttl = Number.POSITIVE_INFINITY): number =>
  Math.min(BOGUS_MS, Math.max(FIRST_MS, ttl * 1000));

export class Failures {
  readonly #clock: Clock;
  readonly #pauses: Cache<Pause>;

  /** @param bytes  octets that may be held */
  constructor(clock: Clock, bytes: number) {
    this.#clock = clock;
    this.#pauses = new Cache(clock, { bytes, weigh: () => ({ bytes: PAUSE_OCTETS, rrsets: 0 }) });
  }

  /** When `key` may be tried again, on the Clock's scale. Each call counts one failure. */
  retryAt(key: string, { status }: Failure, { recheckMs, ttl }: PauseTerms = {}): number {
    const now = this.#clock.now();
    if (status === 'bogus') return now + (recheckMs ?? bogusMs(ttl));
    const last = this.#pauses.get(key)?.pauseMs;
    const pauseMs = last === undefined ? FIRST_MS : Math.min(2 * last, LONGEST_MS);
    this.#pauses.set(key, { pauseMs, learntAt: now, expiresAt: now + pauseMs + FORGOTTEN_MS });
    return now + Math.max(pauseMs, recheckMs ?? 0);
  }

  get held(): Held {
    return this.#pauses.held;
  }

  forgetBelow({ key }: Name): void {
    this.#pauses.deleteEnding(key);
  }

  succeeded(key: string): void {
    this.#pauses.delete(key);
  }
}
