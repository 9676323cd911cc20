/**
 * Answers that have expired and could not be had anew, or not in time: RFC 8767, for those who ask for it.
 *
 * Off unless the resolver is told otherwise, and then only for look-ups that allow it. What a DANE decision rests on is
 * never stale: a host that was moved or a key that was withdrawn would get mail, or keep it away, for days.
 * Does not: keep anything (answers.ts does), or decide what can be had (lookup.ts does).
 * @module
 */
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Policy } from '../dnssec/context.ts';
import type { Finding } from '../dnssec/judge.ts';
import { type Failure, type Fault, failed, type Outcome, type Stale } from '../dnssec/outcome.ts';
import type { AlarmClock, Clock } from '../environment.ts';
import { capped } from './ageing.ts';
import type { Answers } from './answers.ts';
import { inTime } from './joined.ts';
import type { StaleTerms } from './stale-terms.ts';
import { isSameStand, type Stand } from './trust-points.ts';

type Known = Exclude<Finding, Failure>;

export interface StaleParts {
  readonly answers: Answers;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly staleTerms?: StaleTerms | undefined;
}

/** What is served in place of what cannot be had. */
export interface StandIn {
  readonly finding: Known;
  readonly zone: Name;
  readonly expiresAt: number;
  /** Left out where it has not expired: it was learnt through another question. */
  readonly stale?: Stale;
}

/**
 * What was known of a question before, if it may be served now.
 * @param stand    on what a finding would rest now: what was judged on another one says nothing
 * @param failure  why there is nothing newer, where that is known
 */
export function recallExpired(
  question: Question,
  { answers, clock, policy, staleTerms }: StaleParts,
  stand: Stand,
  failure?: Failure,
): StandIn | undefined {
  const known = staleTerms && answers.recallStale(question);
  if (!known || failed(known.finding) || !isSameStand(known.stand, stand)) return undefined;
  const { zone, isStale, expiresAt } = known;
  if (failure && spoils(failure, known.finding, zone)) return undefined;
  if (!isStale) return { finding: known.finding, zone, expiresAt };
  const now = policy.validationTime ?? clock.now();
  const finding = staleFinding(known.finding, { now, policy, seconds: staleTerms.ttl });
  if (!finding) return undefined;
  const stale: Stale = { since: expiresAt, ...(failure && { because: failure }) };
  return { finding, zone, expiresAt: clock.now() + finding.ttl * 1000, stale };
}

/**
 * What has expired, as it may be served now: with TTLs that are more than zero and make nobody keep it for long.
 * @param now      the time of validation, milliseconds
 * @param seconds  for which a client may keep it
 * @returns `undefined` where it was secure and one of its signatures is no longer valid (RFC 4035 section 5.3.1)
 */
function staleFinding(
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
 * Whether a failure takes an expired answer along: where the zone of an unsigned answer is itself bogus now, or what its
 * parent says of its DS, it may have been signed since, and what is unsigned may be what somebody else said. So it is where
 * the zone lies below the one that was unsigned.
 */
function spoils(failure: Failure, known: Known, zone: Name): boolean {
  if (failure.status !== 'bogus' || known.status !== 'insecure') return false;
  return [zone, known.cause?.owner].some((at) => at && isAboutZone(failure.fault, at));
}

const isAboutZone = ({ zone: atFault, owner, type }: Fault, zone: Name): boolean =>
  atFault.isAtOrBelow(zone) || (type === 'DS' && owner.isAtOrBelow(zone));

/** RFC 8767 section 5: what is fresh, if it comes in time. The work goes on either way, and who asks meanwhile joins it. */
export const firstWithin = (
  work: Promise<Outcome>,
  { clock, responseMs: ms }: { readonly clock: AlarmClock; readonly responseMs: number },
): Promise<Outcome | 'late'> => inTime(work, { clock, ms, late: (): 'late' => 'late' });

/** As many as one client may have under way (Unbound's `wait-limit`): whoever waits for work is counted, and nobody waits here. */
const MAX_UNATTENDED = 1_000;

/** Work that goes on though who asked for it has got something stale. */
export class Unattended {
  #count = 0;

  /**
   * Then work is waited for, and what is stale comes where it fails: whoever keeps this full, with names of his own whose
   * servers are silent, makes others wait, but keeps nobody's data from being renewed.
   */
  get isFull(): boolean {
    return this.#count >= MAX_UNATTENDED;
  }

  add(work: Promise<unknown>): void {
    this.#count += 1;
    void work.finally(() => {
      this.#count -= 1;
    });
  }
}
