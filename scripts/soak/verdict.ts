/**
 * What the soak judges: each outcome against the expectation, and memory against its own past.
 *
 * Packet loss and servers that restart may turn any status into indeterminate, and nothing else: an answer that could
 * not be had is no proof of anything, neither that a zone is unsigned nor that somebody forges.
 * @module
 */
import type { Outcome } from '../../src/dnssec/outcome.ts';
import type { Asked } from './questions.ts';

export type Verdict = 'right' | 'delayed' | { readonly wrong: string };

export function judgeOutcome(outcome: Outcome, asked: Extract<Asked, { kind: 'lookup' }>): Verdict {
  const { expected, rcode, name, type } = asked;
  const wrong = (seen: string): Verdict => ({
    wrong: `${name} ${type} is ${expected} (${rcode.join(' or ')}), seen: ${seen}`,
  });
  if (outcome.status !== expected) {
    if (outcome.status === 'indeterminate') return 'delayed';
    return wrong(`${outcome.status}${outcome.status === 'secure' ? '' : ` ${outcome.reason}`}`);
  }
  if (outcome.status === 'bogus' || outcome.status === 'indeterminate') return 'right';
  const seen = outcome.answer.kind === 'nxdomain' ? 'NXDOMAIN' : 'NOERROR';
  return rcode.includes(seen) ? 'right' : wrong(`${outcome.status} ${seen}`);
}

/** One minute of the soak, as the process in the namespace has counted it. */
export interface Minute {
  readonly minute: number;
  readonly questions: number;
  /** Lookups by the status that they came to. */
  readonly statuses: Readonly<Record<Outcome['status'], number>>;
  readonly plans: number;
  /** Indeterminate where the expectation is something else; for plans, where one host at least must wait. */
  readonly delayed: number;
  readonly wrong: number;
  readonly packets: number;
  /** Packets without a reply in time: lost, or at a server that was restarting or is dead on purpose. */
  readonly unanswered: number;
  /** Of a question, milliseconds of real time. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** heapUsed and external after forced collections, octets. */
  readonly held: number;
  readonly rss: number;
  readonly events: readonly string[];
}

/** Caches fill until here; memory is judged from the minute after. */
export const SETTLED_AFTER = 10;

/**
 * Octets for each question that would be a leak. The least thing that could be kept for a question, a closure or a small
 * object in a map, takes about as much; what the collector and the caches move about from minute to minute averages out.
 */
export const LEAK_OCTETS = 100;

export interface Growth {
  /** Minutes that were judged: fewer than three say nothing. */
  readonly minutes: number;
  /** Octets a minute, by least squares. */
  readonly slope: number;
  readonly allowed: number;
}

export function growthOf(rows: readonly Minute[]): Growth {
  const late = rows.filter(({ minute }) => minute > SETTLED_AFTER);
  const perMinute = late.reduce((sum, { questions }) => sum + questions, 0) / (late.length || 1);
  return {
    minutes: late.length,
    slope: slopeOf(late.map(({ minute, held }) => [minute, held])),
    allowed: perMinute * LEAK_OCTETS,
  };
}

/** Of the line that fits best. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(([at]) => at));
  const y = mean(points.map(([, value]) => value));
  const spread = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  const joint = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return spread === 0 ? 0 : joint / spread;
}
