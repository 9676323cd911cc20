/**
 * Many rounds one after the other, and what they came to.
 * @module
 */
import { parseMessage } from '../../src/dns/message.ts';
import { octetsOf, playRound } from './round.ts';

export interface Slow {
  readonly seed: number;
  readonly readMs: number;
}

export interface Finding {
  readonly seed: number;
  readonly what: string;
}

export interface Tally {
  readonly rounds: number;
  readonly rejected: number;
  readonly bridged: number;
  readonly findings: readonly Finding[];
  /** The messages that took the reader longest, measured again: the first time somebody else may have had the CPU. */
  readonly slowest: readonly Slow[];
}

/** Findings after this many are not looked for: they will be the same one. */
const MAX_FINDINGS = 10;
/** As many, because most of those that seemed slow were only interrupted. */
const KEPT = 1000;
/** A message of at most 64 KiB takes the reader under 7 ms on a quiet machine. */
const MAX_READ_MS = 100;

export interface RunOptions {
  readonly corpus: readonly Uint8Array[];
  /** Of the first round; each round adds one. */
  readonly seed: number;
  readonly count: number;
  /** Asked after each round; false ends the run. */
  readonly goOn?: (seed: number) => boolean;
}

export function run({ corpus, seed: first, count, goOn = () => true }: RunOptions): Tally {
  const findings: Finding[] = [];
  let slowest: Slow[] = [];
  let [rounds, rejected, bridged] = [0, 0, 0];
  for (let seed = first; seed < first + count && findings.length < MAX_FINDINGS; seed += 1) {
    if (!goOn(seed)) break;
    const round = playRound(octetsOf(corpus, seed));
    rounds += 1;
    if (round.kind === 'rejected') rejected += 1;
    if (round.kind === 'accepted' && round.bridged) bridged += 1;
    if (round.kind === 'finding') findings.push({ seed, what: round.what });
    slowest = withSlow(slowest, { seed, readMs: round.readMs });
  }
  slowest = slowest
    .map(({ seed }) => ({ seed, readMs: leastMs(octetsOf(corpus, seed)) }))
    .sort(slowestFirst);
  for (const { seed, readMs } of slowest)
    if (readMs > MAX_READ_MS) findings.push({ seed, what: `${readMs.toFixed(0)} ms to read` });
  return { rounds, rejected, bridged, findings, slowest };
}

const slowestFirst = (a: Slow, b: Slow): number => b.readMs - a.readMs;

/** Sorted and cut once in a while only. */
function withSlow(slowest: Slow[], slow: Slow): Slow[] {
  slowest.push(slow);
  return slowest.length < 2 * KEPT ? slowest : slowest.sort(slowestFirst).slice(0, KEPT);
}

function leastMs(octets: Uint8Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i += 1) {
    const start = performance.now();
    parseMessage(octets);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
