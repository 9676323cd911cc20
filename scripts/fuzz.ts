/**
 * Random and mutated packets through the reader and everything behind it: `npm run fuzz -- --count 1000000`.
 *
 * Every round has a seed, which is the one before plus one: `--seed 4711 --count 1` plays round 4711 again, and
 * `--seed` with the number that a run ends with goes on. Exit code 1 when something was found, 2 for misuse.
 * @module
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { makeCorpus } from './fuzz/corpus.ts';
import { octetsOf } from './fuzz/round.ts';
import type { Tally } from './fuzz/run.ts';
import type { Order } from './fuzz/worker.ts';

/** A round takes a millisecond at most; one that takes this long does not end. */
const HANG_MS = 20_000;
const USAGE = 'usage: npm run fuzz -- [--count N] [--seed S] [--seconds S]';

function readArguments(): { count: number; seed: number; seconds: number } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        count: { type: 'string', default: '100000' },
        seed: { type: 'string', default: '1' },
        seconds: { type: 'string', default: '3600' },
      },
    });
    const [count, seed, seconds] = [values.count, values.seed, values.seconds].map(Number);
    const numbers = { count: count ?? 0, seed: seed ?? 0, seconds: seconds ?? 0 };
    return Object.values(numbers).every((n) => Number.isSafeInteger(n) && n >= 0)
      ? numbers
      : undefined;
  } catch {
    return undefined; // an option that there is not
  }
}

const hexOf = (seed: number): string => Buffer.from(octetsOf(makeCorpus(), seed)).toString('hex');

/** Long messages are not printed whole: the seed makes them again. */
const shorten = (hex: string): string =>
  hex.length <= 1000 ? hex : `${hex.slice(0, 1000)}... (${hex.length / 2} octets)`;

function report(tally: Tally, seed: number): void {
  const { rounds, rejected, bridged, findings, slowest } = tally;
  console.log(
    `${rounds} packets, ${rejected} rejected, ${rounds - rejected} read (${bridged} of them bridged to dns-packet), ` +
      `${findings.length} findings; to go on: --seed ${seed + rounds}`,
  );
  const [worst] = slowest;
  if (worst) {
    console.log(`slowest to read: ${worst.readMs.toFixed(2)} ms, seed ${worst.seed}`);
    console.log(shorten(hexOf(worst.seed)));
  }
  for (const finding of findings) {
    console.log(`\nFOUND with --seed ${finding.seed} --count 1: ${finding.what}`);
    console.log(hexOf(finding.seed));
  }
}

/** Watches the worker: a line of progress on a terminal, and an end to a round that has none. */
function watch(order: Order, worker: Worker): NodeJS.Timeout {
  let last = { seed: -1n, at: Date.now() };
  return setInterval(() => {
    const current = Atomics.load(order.current, 0);
    if (current !== last.seed) last = { seed: current, at: Date.now() };
    else if (Date.now() - last.at > HANG_MS) {
      console.log(`\nFOUND with --seed ${current} --count 1: the round does not end`);
      console.log(hexOf(Number(current)));
      process.exitCode = 1;
      worker.terminate();
    }
    if (process.stderr.isTTY)
      process.stderr.write(`\r${Number(current) - order.seed} of ${order.count} packets `);
  }, 500);
}

const given = readArguments();
if (given) {
  const current = new BigInt64Array(new SharedArrayBuffer(8));
  const { seed, count, seconds } = given;
  const order: Order = { seed, count, until: Date.now() + 1000 * seconds, current };
  const worker = new Worker(new URL('./fuzz/worker.js', import.meta.url), { workerData: order });
  const timer = watch(order, worker);
  worker.on('message', (tally: Tally) => {
    if (process.stderr.isTTY) process.stderr.write('\n');
    report(tally, seed);
    if (tally.findings.length > 0) process.exitCode = 1;
  });
  worker.on('error', (error) => {
    console.error(`the run broke off: ${error.message}`);
    process.exitCode = 1;
  });
  worker.on('exit', () => clearInterval(timer));
} else {
  console.error(USAGE);
  process.exitCode = 2;
}
