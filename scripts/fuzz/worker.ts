/**
 * The rounds, in a thread of their own: the other one can tell when a round does not end.
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { makeCorpus } from './corpus.ts';
import { run } from './run.ts';

export interface Order {
  readonly seed: number;
  readonly count: number;
  /** Milliseconds since 1970; no round begins later. */
  readonly until: number;
  /** Holds the seed of the round under way. */
  readonly current: BigInt64Array;
}

const { seed, count, until, current } = workerData as Order; // what fuzz.ts sends
const tally = run({
  corpus: makeCorpus(),
  seed,
  count,
  goOn: (next) => {
    Atomics.store(current, 0, BigInt(next));
    return Date.now() < until;
  },
});
parentPort?.postMessage(tally);
