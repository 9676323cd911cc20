/**
 * A bounded soak on the lab: `npm run soak -- [--minutes 30] [--short] [--report docs/soak.md] [--state DIR]`
 *
 * One resolver in the lab's network, with packet loss, servers that restart and a clock that jumps; its statuses, its
 * memory and its rejections are watched. Each claim counts as passed or failed; the last line is `N passed, N failed`.
 * Does not: run where root, Debian packages and the lab are missing; it says so and exits 0.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Crew } from './interop/crew.ts';
import { Lab, whatIsMissing } from './interop/lab.ts';
import { claimsOf, printSoak, type Soak } from './soak/report.ts';
import type { Minute } from './soak/verdict.ts';

const USAGE = 'usage: npm run soak -- [--minutes 30] [--short] [--report FILE] [--state DIR]';

/** To the root, to top-level zones and to everybody else, milliseconds. */
const ROUND_TRIPS = ['10', '20', '40'] as const;
/** Each way: a packet and its reply come through with 90 %. */
const LOSS_PERCENT = 5;
/** `--short`: three minutes, in which everything happens once at least. */
const SHORT = { minutes: 3, restartEvery: 1.2, jumpEvery: 0.7 } as const;
/** Minutes. Three and four, so that restarts and jumps come alone and together. */
const RESTART_EVERY = 4;
const JUMP_EVERY = 3;

interface Plan {
  readonly minutes: number;
  readonly restartEvery: number;
  readonly jumpEvery: number;
  readonly report: string | undefined;
  readonly state: string | undefined;
}

function readArguments(): Plan | undefined {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '30' },
        short: { type: 'boolean', default: false },
        report: { type: 'string' },
        state: { type: 'string' },
      },
    });
    const { report, short } = values;
    const state = values.state === undefined ? undefined : resolve(values.state);
    const minutes = Number(values.minutes);
    if (short) return { ...SHORT, report, state };
    return minutes >= 1
      ? { minutes, restartEvery: RESTART_EVERY, jumpEvery: JUMP_EVERY, report, state }
      : undefined;
  } catch {
    return undefined; // an option that there is not
  }
}

async function main(plan: Plan): Promise<number> {
  process.env.LAB_LOSS = String(LOSS_PERCENT * 10); // per mille, read by the lab's net.sh
  const crew = new Crew();
  const lab = new Lab(crew, plan.state);
  const clear = async (): Promise<void> => {
    await crew.end();
    lab.down();
    if (plan.state === undefined) lab.remove();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void clear().finally(() => process.exit(130)));
  try {
    await lab.setup();
    await lab.generate();
    await lab.up();
    await lab.net('latency', ...ROUND_TRIPS);
    return conclude(await soak(plan, crew, lab), plan);
  } finally {
    await clear();
  }
}

/** Starts the resolver's process, restarts the servers when it is time, and gathers what the process has printed. */
async function soak(plan: Plan, crew: Crew, lab: Lab): Promise<Soak> {
  const file = lab.path('run', 'soak.jsonl');
  const command = [
    ...['nice', '-n', '5', process.execPath, '--expose-gc'],
    fileURLToPath(new URL('./soak/worker.js', import.meta.url)),
    ...[String(plan.minutes), String(plan.jumpEvery), lab.state],
  ];
  const commit = commitNow();
  const from = performance.now();
  await crew.start(lab.inside('res', command), { file, ready: () => true });
  const restarts: number[] = [];
  let told = 0;
  for (;;) {
    const read = readLines(file);
    for (const { minute, wrong, held } of read.rows.slice(told))
      process.stderr.write(
        `minute ${minute}: ${wrong} wrong, ${(held / 1e6).toFixed(1)} MB held\n`,
      );
    told = read.rows.length;
    if (told >= plan.minutes)
      return { ...read, rows: withRestarts(read.rows, restarts), commit, ...DAY };
    const elapsed = (performance.now() - from) / 60_000;
    if (elapsed > plan.minutes + 1) throw new Error('the process in the namespace does not end');
    if (elapsed >= (restarts.length + 1) * plan.restartEvery) {
      restarts.push(elapsed);
      await lab.net('reload');
    }
    await sleep(1000);
  }
}

const DAY = { date: new Date().toISOString().slice(0, 10), lossPercent: LOSS_PERCENT };

const withRestarts = (rows: readonly Minute[], restarts: readonly number[]): Minute[] =>
  rows.map((row) => {
    const own = restarts
      .filter((at) => Math.ceil(at) === row.minute)
      .map(() => 'servers restarted');
    return { ...row, events: [...row.events, ...own] };
  });

type Line = Minute | { readonly wrong: string } | { readonly rejection: string };

/** Whole lines only: the last one may be half written. */
function readLines(file: string): Pick<Soak, 'rows' | 'wrong' | 'rejections'> {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const parsed = lines.flatMap((line): Line[] => {
    try {
      return [JSON.parse(line) as Line]; // as worker.ts wrote it
    } catch {
      return [{ rejection: line }]; // Node's own last words
    }
  });
  return {
    rows: parsed.filter((line): line is Minute => 'minute' in line),
    wrong: parsed.flatMap((line) => ('wrong' in line && !('minute' in line) ? [line.wrong] : [])),
    rejections: parsed.flatMap((line) => ('rejection' in line ? [line.rejection] : [])),
  };
}

const commitNow = (): string =>
  execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

function conclude(run: Soak, { report }: Plan): number {
  const claims = claimsOf(run);
  for (const line of [...run.wrong, ...run.rejections].slice(0, 50)) console.log(line);
  for (const { claim, ok, seen } of claims)
    console.log(`${ok ? 'pass' : 'FAIL'} ${claim}: ${seen}`);
  if (report !== undefined) writeFileSync(report, printSoak(run));
  const passed = claims.filter(({ ok }) => ok).length;
  console.log(`${passed} passed, ${claims.length - passed} failed`);
  return passed === claims.length ? 0 : 1;
}

const plan = readArguments();
const missing = whatIsMissing();
if (!plan) {
  console.error(USAGE);
  process.exitCode = 2;
} else if (missing !== undefined) {
  console.log(`soak skipped: ${missing}`);
  console.log('0 passed, 0 failed');
} else process.exitCode = await main(plan);
