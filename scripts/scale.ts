/**
 * A simulation at scale: `npm run scale -- [--destinations N] [--loss 0.05] [--seed 1] [--cache-mb MB] [--minutes 30]
 * [--report FILE]`
 *
 * Without --destinations 10 000, 100 000 and a million, each in a process of its own. Sizes that were finished for the same
 * sources and options are kept, so that a run that was stopped goes on where it was. Exit code 0: no wrong decision and
 * nothing cut short; 1 otherwise; 2: misuse.
 * @module
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hashOf } from './mutate/state.ts';
import { printReport, type Stage, tabulate } from './scale/report.ts';
import type { StageOptions } from './scale/stage.ts';

const USAGE =
  'usage: npm run scale -- [--destinations N] [--loss 0.05] [--seed 1] [--cache-mb MB] [--minutes 30] [--report FILE]';
/** Tenfold and a hundredfold. */
const SIZES = [10_000, 100_000, 1_000_000] as const;
/** Young objects die young: a larger nursery spares copying them. What is kept is counted after it is collected. */
const NODE_OPTIONS = ['--expose-gc', '--max-semi-space-size=64'] as const;
/** From build/scripts/. */
const BUILD = new URL('../', import.meta.url);
const STATE = new URL('../../.scale/state.json', import.meta.url);

interface Plan {
  readonly sizes: readonly number[];
  readonly options: Omit<StageOptions, 'destinations'>;
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
        report: { type: 'string' },
      },
    });
    const [loss, seed, minutes] = [values.loss, values.seed, values.minutes].map(Number);
    const sizes = values.destinations === undefined ? SIZES : [Number(values.destinations)];
    const cacheMb = values['cache-mb'] === undefined ? undefined : Number(values['cache-mb']);
    const isRight =
      sizes.every((size) => Number.isInteger(size) && size > 0 && size <= 9_000_000) &&
      [loss, seed, minutes, cacheMb ?? 0].every((value) => value !== undefined && value >= 0) &&
      (loss ?? 1) < 1;
    if (!isRight || loss === undefined || seed === undefined || minutes === undefined)
      return undefined;
    const options = { loss, seed, minutes, ...(cacheMb !== undefined && { cacheMb }) };
    return { sizes, options, report: values.report };
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

type State = Readonly<Record<string, Stage>>;

// As written below.
const readState = (): State =>
  existsSync(STATE) ? (JSON.parse(readFileSync(STATE, 'utf8')) as State) : {};

function keep(key: string, stage: Stage): void {
  mkdirSync(new URL('.', STATE), { recursive: true });
  writeFileSync(STATE, JSON.stringify({ ...readState(), [key]: stage }));
}

function runStage(options: StageOptions): Promise<Omit<Stage, 'commit'>> {
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
    child.once('close', (code) => {
      if (code === 0)
        resolve(JSON.parse(printed) as Omit<Stage, 'commit'>); // as stage.ts wrote it
      else reject(new Error(`the run of ${options.destinations} ended with ${code}`));
    });
  });
}

async function main({ sizes, options, report }: Plan): Promise<number> {
  const sources = sourcesHash();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const { minutes, ...model } = options;
  const stages: Stage[] = [];
  const print = (): void => {
    const date = new Date().toISOString().slice(0, 10);
    const { loss, seed, cacheMb } = options;
    if (report !== undefined)
      writeFileSync(report, printReport({ date, loss, seed, cacheMb, stages }));
  };
  for (const destinations of sizes) {
    const key = hashOf([sources, JSON.stringify({ destinations, ...model })]);
    const known = readState()[key];
    process.stderr.write(`${destinations} destinations${known ? ': known' : ''}\n`);
    const stage = known ?? { ...(await runStage({ destinations, minutes, ...model })), commit };
    if (!known && stage.isWhole) keep(key, stage);
    stages.push(stage);
    print();
  }
  console.log(tabulate(stages));
  for (const line of stages.flatMap(({ mistakes }) => mistakes)) console.log(line);
  const isSound = stages.every(({ isWhole, decisions, right, delayed }) => {
    const waiting = Object.values(delayed).reduce((total, count) => total + count, 0);
    return isWhole && decisions === right + waiting;
  });
  return isSound ? 0 : 1;
}

const plan = readArguments();
if (plan) process.exitCode = await main(plan);
else {
  console.error(USAGE);
  process.exitCode = 2;
}
