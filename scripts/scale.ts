/**
 * A simulation at scale: `npm run scale -- [--destinations N,...] [--loss 0.05] [--seed 1] [--cache-mb MB] [--minutes 30]
 * [--jobs 2] [--report FILE]`
 *
 * Without --destinations 10 000, 100 000 and a million, each in a process of its own, the largest first and --jobs of them
 * side by side. Sizes that were finished for the same sources and options are kept, so that a run that was stopped goes on
 * where it was. What the report's file says from "Reading it" on is written by hand and kept. Exit code 0: no wrong decision
 * and nothing cut short; 1 otherwise; 2: misuse.
 * @module
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hashOf } from './mutate/state.ts';
import { handwrittenIn, NURSERY_MB, printReport, type Stage, tabulate } from './scale/report.ts';
import type { StageOptions } from './scale/stage.ts';

const USAGE =
  'usage: npm run scale -- [--destinations N,...] [--loss 0.05] [--seed 1] [--cache-mb MB] [--minutes 30] [--jobs 2] [--report FILE]';
/** Tenfold and a hundredfold. */
const SIZES = [10_000, 100_000, 1_000_000] as const;
/**
 * Young objects die young: a large nursery spares copying them, and half of the collector's time against one of 64 MB. What
 * is kept is counted after it is collected.
 */
const NODE_OPTIONS = [
  '--expose-gc',
  `--min-semi-space-size=${NURSERY_MB}`,
  `--max-semi-space-size=${NURSERY_MB}`,
] as const;
/** From build/scripts/. */
const BUILD = new URL('../', import.meta.url);
const STATE = new URL('../../.scale/state.json', import.meta.url);

interface Plan {
  readonly sizes: readonly number[];
  readonly options: Omit<StageOptions, 'destinations'>;
  /** Sizes under way at once. */
  readonly jobs: number;
  readonly report: string | undefined;
}

function readArguments(): Plan | undefined {
  try {
    const { values } = parseArgs({
      options: {
        destinations: { type: 'string' },
        loss: { type: 'string', default: '0.05' },
        seed: { type: 'string', default: '1' },
        'cache-mb': { type: 'string' },
        minutes: { type: 'string', default: '30' },
        jobs: { type: 'string', default: '2' },
        report: { type: 'string' },
      },
    });
    const [loss, seed, minutes] = [values.loss, values.seed, values.minutes].map(Number);
    const jobs = Number(values.jobs);
    const sizes =
      values.destinations === undefined ? SIZES : values.destinations.split(',').map(Number);
    const cacheMb = values['cache-mb'] === undefined ? undefined : Number(values['cache-mb']);
    const isRight =
      sizes.every((size) => Number.isInteger(size) && size > 0 && size <= 9_000_000) &&
      [loss, seed, minutes, cacheMb ?? 0].every((value) => value !== undefined && value >= 0) &&
      (loss ?? 1) < 1 &&
      Number.isInteger(jobs) &&
      jobs > 0;
    if (!isRight || loss === undefined || seed === undefined || minutes === undefined)
      return undefined;
    const options = { loss, seed, minutes, ...(cacheMb !== undefined && { cacheMb }) };
    return { sizes, options, jobs, report: values.report };
  } catch {
    return undefined; // an option that there is not
  }
}

/** What finished sizes hold for. */
function sourcesHash(): string {
  const files = ['src/', 'scripts/scale/'].flatMap((folder) =>
    readdirSync(new URL(folder, BUILD), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.js'))
      .sort()
      .map((file) => readFileSync(new URL(folder + file, BUILD), 'utf8')),
  );
  return hashOf(files);
}

type StageResult = Omit<Stage, 'commit'>;
type State = Readonly<Record<string, Stage>>;

// As written below.
const readState = (): State =>
  existsSync(STATE) ? (JSON.parse(readFileSync(STATE, 'utf8')) as State) : {};

function keep(key: string, stage: Stage): void {
  mkdirSync(new URL('.', STATE), { recursive: true });
  writeFileSync(STATE, JSON.stringify({ ...readState(), [key]: stage }));
}

/** `undefined` where it broke off: the other sizes go on. */
function runStage(options: StageOptions): Promise<StageResult | undefined> {
  const script = fileURLToPath(new URL('./scale/stage.js', import.meta.url));
  const child = spawn(process.execPath, [...NODE_OPTIONS, script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) {
        resolve(JSON.parse(printed) as StageResult); // as stage.ts wrote it
        return;
      }
      process.stderr.write(`${options.destinations}: ended with ${code ?? signal}\n`);
      resolve(undefined);
    });
  });
}

async function main({ sizes, options, jobs, report }: Plan): Promise<number> {
  const sources = sourcesHash();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const { minutes, ...model } = options;
  const stages: Stage[] = [];
  const ended = (stage: Stage): void => {
    stages.push(stage);
    stages.sort((a, b) => a.destinations - b.destinations);
    if (report !== undefined) writeReport(report, options, stages);
  };
  const waiting = [...sizes].sort((a, b) => a - b);
  const stageOf = async (destinations: number): Promise<Stage | undefined> => {
    const key = hashOf([sources, JSON.stringify({ destinations, ...model })]);
    const known = readState()[key];
    process.stderr.write(`${destinations} destinations${known ? ': known' : ''}\n`);
    if (known) return known;
    const result = await runStage({ destinations, minutes, ...model });
    if (result?.isWhole) keep(key, { ...result, commit });
    return result && { ...result, commit };
  };
  const work = async (): Promise<void> => {
    for (let size = waiting.pop(); size !== undefined; size = waiting.pop()) {
      const stage = await stageOf(size);
      if (stage) ended(stage);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  console.log(tabulate(stages));
  for (const line of stages.flatMap(({ mistakes }) => mistakes)) console.log(line);
  return stages.length === sizes.length && stages.every(isSound) ? 0 : 1;
}

function writeReport(
  file: string,
  { loss, seed, cacheMb }: Plan['options'],
  stages: readonly Stage[],
): void {
  const date = new Date().toISOString().slice(0, 10);
  const handwritten = existsSync(file) ? handwrittenIn(readFileSync(file, 'utf8')) : '';
  writeFileSync(file, printReport({ date, loss, seed, cacheMb, stages }) + handwritten);
}

function isSound({ isWhole, decisions, right, delayed }: Stage): boolean {
  const waiting = Object.values(delayed).reduce((total, count) => total + count, 0);
  return isWhole && decisions === right + waiting;
}

const plan = readArguments();
if (plan) process.exitCode = await main(plan);
else {
  console.error(USAGE);
  process.exitCode = 2;
}
