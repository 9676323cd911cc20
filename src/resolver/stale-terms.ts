/**
 * On which terms what has expired is served (RFC 8767 section 5), and of which types it never is.
 *
 * Does not: serve anything (see stale.ts).
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { LookupOptions } from '../dnssec/outcome.ts';

/** When what has expired is served, and for how long. */
export interface StaleTerms {
  /** The longest time past its expiry, milliseconds. */
  readonly longestMs: number;
  /** So long a client waits for a fresh answer before it gets a stale one; 0: not at all. */
  readonly responseMs: number;
  /** So long nobody is asked again after a failure, milliseconds. */
  readonly recheckMs: number;
  /** Seconds for which a client may keep what is stale, unless its own TTL was shorter. */
  readonly ttl: number;
}

const DAY_MS = 86_400_000;
/** RFC 8767 section 5: from 1 to 3 days, 1.8 seconds, 30 seconds; section 4: 30 seconds. */
export const STALE_TERMS: StaleTerms = {
  longestMs: DAY_MS,
  responseMs: 1_800,
  recheckMs: 30_000,
  ttl: 30,
};
/** Who needs longer has no outage but a dead zone. */
export const LONGEST_STALE_MS = 3 * DAY_MS;

/** @throws RangeError for terms that RFC 8767 section 5 has no room for */
export function staleTermsFrom(given: Partial<StaleTerms>): StaleTerms {
  const terms = { ...STALE_TERMS, ...given };
  const { longestMs, responseMs, recheckMs, ttl } = terms;
  if (!(longestMs > 0 && longestMs <= LONGEST_STALE_MS))
    throw new RangeError(`serveStale.longestMs: from 1 to ${LONGEST_STALE_MS}`);
  if (!(responseMs >= 0)) throw new RangeError('serveStale.responseMs: 0 or more');
  if (!(recheckMs >= LEAST_RECHECK_MS && recheckMs <= MOST_RECHECK_MS))
    throw new RangeError(`serveStale.recheckMs: from ${LEAST_RECHECK_MS} to ${MOST_RECHECK_MS}`);
  if (!(ttl >= 1)) throw new RangeError('serveStale.ttl: 1 or more');
  return terms;
}

/** RFC 9520 section 3.2: failures are remembered for a second at least, and for five minutes at most. */
const LEAST_RECHECK_MS = 1_000;
const MOST_RECHECK_MS = 300_000;

/** ANY brings whatever there is, these among it. */
const NEVER: ReadonlySet<string> = new Set<RRType>(['MX', 'TLSA', 'DS', 'ANY']);

/** @param type  as it is spelled */
export const isNeverStale = (type: string): boolean => NEVER.has(type);

/** Whether a question may get a stale answer at all. */
export const allowsStale = (type: RRType, { stale, ask }: LookupOptions): boolean =>
  stale === 'allowed' && ask !== 'if-signed' && !isNeverStale(type);
