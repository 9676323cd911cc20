/**
 * Answers that have expired and could not be had anew, or not in time: RFC 8767, for those who ask for it.
 *
 * Off unless the resolver is told otherwise, and then only for look-ups that allow it. What a DANE decision rests on is
 * never stale: a host that was moved or a key that was withdrawn would get mail, or keep it away, for days.
 * Does not: keep anything (answers.ts does), or decide what can be had (lookup.ts does).
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Policy } from '../dnssec/context.ts';
import type { Finding } from '../dnssec/judge.ts';
import { type Failure, failed, type LookupOptions, type Outcome } from '../dnssec/outcome.ts';
import type { Clock } from '../environment.ts';
import { capped } from './ageing.ts';

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

type Known = Exclude<Finding, Failure>;

/**
 * What has expired, as it may be served now: with TTLs that are more than zero and make nobody keep it for long.
 * @param now      the time of validation, milliseconds
 * @param seconds  for which a client may keep it
 * @returns `undefined` where it was secure and one of its signatures is no longer valid (RFC 4035 section 5.3.1)
 */
export function staleFinding(
  finding: Known,
  { now, policy, seconds }: { now: number; policy: Policy; seconds: number },
): Known | undefined {
  const isChecked = finding.status === 'secure' && policy.signatureTimes === 'checked';
  const left = isChecked ? secondsSigned(finding.found, now) : Number.POSITIVE_INFINITY;
  const ttl = Math.min(seconds, left, finding.ttl);
  const shown = ttl > 0 ? capped(finding, ttl) : finding;
  return ttl > 0 && !failed(shown) ? shown : undefined;
}

/** Until the first signature ends. The first one of each RRset is the one that verified. */
function secondsSigned(found: Known['found'], now: number): number {
  const own: readonly RRset[] =
    found.kind === 'records'
      ? [found.rrset, ...(found.others ?? [])]
      : found.kind === 'alias'
        ? found.records
        : [];
  const at = Math.floor(now / 1000);
  // RFC 4034 section 3.1.5 counts in 32 bits. A CNAME made from a DNAME has no signature of its own.
  const left = [...own, ...found.proof].flatMap(({ signatures }) =>
    signatures.slice(0, 1).map(({ expiration }) => (expiration - at) | 0),
  );
  return Math.min(...left);
}

/**
 * Whether a failure takes an expired answer along: where the zone of an unsigned answer is itself bogus now, it has been
 * signed since, and what is unsigned may be what somebody else said.
 */
export const spoils = (failure: Failure, { status }: Known, zone: Name): boolean =>
  failure.status === 'bogus' && status === 'insecure' && failure.fault.zone.isAtOrBelow(zone);

/**
 * RFC 8767 section 5: the fresh outcome if it comes in time, else what is stale. The work goes on either way, and who asks
 * meanwhile joins it.
 * @param recall  what the cache has by then; looked at again when the time has come, for parts may have been refreshed
 */
export async function inTimeOrStale(
  work: Promise<Outcome>,
  recall: () => Outcome | undefined,
  { clock, responseMs }: { readonly clock: Clock; readonly responseMs: number },
): Promise<Outcome> {
  const end = new AbortController();
  const late = clock.sleep(responseMs, end.signal).then(() => 'late' as const);
  const first = await Promise.race([work, late]);
  end.abort(ENOUGH);
  if (first !== 'late') return first;
  const stale = recall();
  return stale && !failed(stale) ? stale : work;
}

/** Why a wait ends early. Left out, Node makes an exception with a stack each time. */
const ENOUGH = 'enough';
