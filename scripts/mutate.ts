/**
 * Mutation testing of src/dnssec: `npm run mutate -- [--only FILE] [--workers 2] [--minutes M] [--report FILE] [--fresh]
 * [--thorough]`
 *
 * Changes one thing at a time in the compiled code and sees whether a test notices. A run that is stopped (Ctrl-C, or
 * `--minutes`) goes on where it was. Exit code 0: run to the end; 1: stopped before; 2: misuse.
 * Does not: run in CI; it takes half an hour and more.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type Field,
  type Loading,
  survey,
  type TimedTest,
  withoutSlow,
} from './mutate/campaign.ts';
import { readField, writeField } from './mutate/field-file.ts';
import { Instrumented, type Mutant } from './mutate/instrument.ts';
import { Lane } from './mutate/lane.ts';
import { count, difference, fateOf, type Judged, printReport, staleRows } from './mutate/report.ts';
import { hashOf, type Result, readState, type State, writeState } from './mutate/state.ts';

const USAGE =
  'usage: npm run mutate -- [--only FILE] [--workers 2] [--minutes M] [--report FILE] [--fresh] [--thorough]';
/** From build/scripts/. */
const BUILD = new URL('../', import.meta.url);
const FOLDER = new URL('../../.mutate/', import.meta.url);
const ORIGINALS = new URL('../../src/dnssec/', import.meta.url);
const SOURCES = new URL('src/dnssec/', BUILD);
/** Tests that judge what dnssec/ says; the others reach it on their way only. */
const TESTS =
  /^(dnssec\/[^/]+|server\/view|resolver\/(anchor-state|answers|attack|negative-anchors|reasons|refresh|resolver))\.test\.js$/;

const filesIn = (folder: URL, pattern: RegExp): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => pattern.test(file))
    .sort();
const read = (file: string, folder: URL): string => readFileSync(new URL(file, folder), 'utf8');

interface Options {
  readonly only: string | undefined;
  readonly workers: number;
  readonly minutes: number;
  readonly report: string | undefined;
  readonly fresh: boolean;
  readonly thorough: boolean;
}

function readArguments(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        workers: { type: 'string', default: '2' },
        minutes: { type: 'string', default: '600' },
        report: { type: 'string' },
        fresh: { type: 'boolean', default: false },
        thorough: { type: 'boolean', default: false },
      },
    });
    const { only, report, fresh, thorough } = values;
    const [workers, minutes] = [Number(values.workers), Number(values.minutes)];
    return workers >= 1 && minutes > 0
      ? { only, report, fresh, thorough, workers, minutes }
      : undefined;
  } catch {
    return undefined; // an option that there is not
  }
}

/** Writes every module of src/dnssec with its mutants, once to record and once to run. */
function instrument(): readonly Mutant[] {
  for (const mode of ['record', 'run']) mkdirSync(new URL(`${mode}/`, FOLDER), { recursive: true });
  const mutants: Mutant[] = [];
  for (const file of filesIn(SOURCES, /^[^/]+\.js$/)) {
    const given = {
      file,
      source: read(file, SOURCES),
      map: read(`${file}.map`, SOURCES),
      original: read(file.replace(/js$/, 'ts'), ORIGINALS),
    };
    const made = new Instrumented(given, mutants.length + 1);
    mutants.push(...made.mutants);
    for (const mode of ['record', 'run'] as const)
      writeFileSync(new URL(`${mode}/${file}`, FOLDER), made.print(mode));
  }
  return mutants;
}

/** What results hold for; `chosen` are the test files that are run. */
function hashes(chosen: readonly string[]): Pick<State, 'sources' | 'tests'> {
  const texts = (folder: string): string => {
    const url = new URL(folder, BUILD);
    return hashOf(filesIn(url, /\.js$/).map((file) => read(file, url)));
  };
  const mutator = ['syntax', 'operators'].map((name) => read(`scripts/mutate/${name}.js`, BUILD));
  return {
    sources: hashOf([texts('src/dnssec/'), ...mutator]),
    tests: hashOf([texts('src/'), texts('test/'), read('scripts/mutate/tap.js', BUILD), ...chosen]),
  };
}

async function makeField(loading: Loading, now: Pick<State, 'sources' | 'tests'>): Promise<Field> {
  const known = readField(FOLDER, now);
  if (known) return known;
  console.error(`looking at what ${loading.files.length} test files reach`);
  const folders = { record: new URL('record/', FOLDER).href, run: new URL('run/', FOLDER).href };
  const field = await survey(loading, folders);
  writeField(FOLDER, now, field);
  return field;
}

interface Campaign {
  readonly field: Field;
  readonly loading: Loading;
  readonly state: State;
  readonly waiting: Mutant[];
  readonly until: number;
}

let stopped = false;

/** All lanes until nothing waits, or it is time. */
async function run(
  { field, loading, state, waiting, until }: Campaign,
  { workers, thorough }: Options,
) {
  const killers = new Map<string, TimedTest[]>();
  const instrumented = new URL('run/', FOLDER).href;
  const all = waiting.length;
  let done = 0;
  const lanes = Array.from(
    { length: workers },
    () => new Lane(field, { ...loading, instrumented }, killers),
  );
  const work = async (lane: Lane): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      if (stopped || Date.now() > until) break;
      const result = await lane.judge(next);
      state.results[next.id] =
        result.kind === 'survived' && thorough ? { ...result, tests: 'all' } : result;
      done += 1;
      if (done % 20 === 0) writeState(FOLDER, state);
      progress(`${done} of ${all}: ${next.file}:${next.line}`);
    }
  };
  try {
    await Promise.all(lanes.map(work));
  } finally {
    for (const lane of lanes) lane.end();
    writeState(FOLDER, state);
  }
  for (const doubt of new Set(lanes.flatMap(({ doubts }) => [...doubts])))
    console.error(`it failed without a mutant once, and killed nothing then: ${doubt}`);
}

/** What the figures hold for: the commit, and whether files differ from it. */
const commit = (): string =>
  execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=10'], {
    encoding: 'utf8',
  }).trim();

let told = 0;
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(60)}`);
  else if (Date.now() - told > 10_000) {
    told = Date.now();
    console.error(text);
  }
}

function tell(judged: readonly Judged[]): void {
  for (const { mutant, fate } of judged)
    if (fate === 'survived' || fate === 'unreached')
      console.log(`${mutant.file}:${mutant.line} ${fate} ${mutant.id}: ${difference(mutant)}`);
  for (const { file, line, to } of staleRows(judged))
    console.log(`nothing is explained by ${file}: ${line} to ${to}`);
  const { all, killed, harmless, left, notRun, score } = count(judged);
  console.log(
    `${all} mutants, ${killed} killed, ${harmless} harmless, ${left} left, ${notRun} not run: ${score} %`,
  );
}

async function main(options: Options): Promise<void> {
  const { only, minutes, report } = options;
  const until = Date.now() + 60_000 * minutes;
  const mutants = instrument();
  const tests = new URL('test/', BUILD);
  const names = filesIn(tests, TESTS);
  const files = names.map((file) => new URL(file, tests).href);
  const loading = { files, replaced: SOURCES.href };
  const now = hashes(names);
  const whole = await makeField(loading, now);
  for (const one of whole.leftOut) console.error(`left out, since it fails by itself: ${one}`);
  const known = new Set(whole.tests.map(({ name }) => name));
  const state = options.fresh ? { ...now, results: {} } : readState(FOLDER, now, known);
  const chosen = mutants.filter(({ file }) => only === undefined || file.startsWith(only));
  // Those that need a process of their own come last.
  const rank = ({ id }: Mutant): number => (whole.onLoad.has(id) ? 1 : 0);
  const waiting = chosen
    .filter(({ id }) => isWaiting(state.results[id], options))
    .sort((a, b) => rank(a) - rank(b));
  const field = options.thorough ? whole : withoutSlow(whole);
  await run({ field, loading, state, waiting, until }, options);
  tell(chosen.map((mutant) => fateOf(mutant, state)));
  const day = new Date().toISOString().slice(0, 10);
  if (report !== undefined)
    writeFileSync(
      report,
      printReport(
        mutants.map((mutant) => fateOf(mutant, state)),
        { day, commit: commit() },
      ),
    );
  if (chosen.some(({ id }) => !state.results[id])) process.exitCode = 1;
}

const isWaiting = (result: Result | undefined, { thorough }: Options): boolean =>
  !result ||
  (thorough &&
    (result.kind === 'unreached' || (result.kind === 'survived' && result.tests === 'quick')));

const given = readArguments();
process.once('SIGINT', () => {
  stopped = true;
});
if (given) await main(given);
else {
  console.error(USAGE);
  process.exitCode = 2;
}
