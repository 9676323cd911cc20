/**
 * Which tests reach which mutant, and how long they take.
 *
 * Does not: run any mutant (lane.ts), keep results.
 * @module
 */
import { Runner } from './runner.ts';
import type { Begin } from './worker.ts';

/** Tests that take longer are run by `--thorough` only: they repeat over many inputs what quicker ones do once. */
const SLOW_MS = 300;

export interface TimedTest {
  /** Its place among all. */
  readonly index: number;
  readonly name: string;
  readonly milliseconds: number;
  readonly reaches: ReadonlySet<number>;
}

export interface Field {
  readonly tests: readonly TimedTest[];
  /** Mutants that loading reaches. */
  readonly onLoad: ReadonlySet<number>;
  /** Tests that fail without any mutant, so that they say nothing. */
  readonly leftOut: readonly string[];
}

export type Loading = Omit<Begin, 'kind' | 'active' | 'instrumented'>;
export interface Folders {
  readonly record: string;
  readonly run: string;
}

/** No test takes that long. */
const ENDLESS_MS = 300_000;

/** Without a mutant: a machine on which that fails twice says nothing about mutants. */
export async function start(loading: Omit<Begin, 'kind' | 'active'>): Promise<Runner> {
  let started = await Runner.start({ ...loading, active: 0 });
  if (started.kind !== 'ready') started = await Runner.start({ ...loading, active: 0 });
  if (started.kind === 'ready') return started.runner;
  const why = started.kind === 'broken' ? started.why : 'no answer in time';
  throw new Error(`the tests cannot be loaded without a mutant: ${why}`);
}

/** One run of every test that records what it reaches, and one that shows how long it takes. */
export async function survey(loading: Loading, folders: Folders): Promise<Field> {
  const recorder = await start({ ...loading, instrumented: folders.record });
  const timer = await start({ ...loading, instrumented: folders.run });
  const tests: TimedTest[] = [];
  const leftOut: string[] = [];
  for (const [index, test] of recorder.ready.tests.entries()) {
    const name = `${test.file}: ${test.name}`;
    const [recorded, timed] = await Promise.all([
      recorder.run(index, 0, ENDLESS_MS),
      timer.run(index, 0, ENDLESS_MS),
    ]);
    if (!recorded || !timed || recorded.failure !== undefined || timed.failure !== undefined)
      leftOut.push(`${name}: ${recorded?.failure ?? timed?.failure ?? 'it does not end'}`);
    else {
      const { milliseconds } = timed;
      tests.push({ index, name, milliseconds, reaches: new Set(recorded.reached) });
    }
  }
  recorder.end();
  timer.end();
  tests.sort((a, b) => a.milliseconds - b.milliseconds);
  return { tests, onLoad: new Set(recorder.ready.reached), leftOut };
}

export const withoutSlow = (field: Field): Field => ({
  ...field,
  tests: field.tests.filter(({ milliseconds }) => milliseconds < SLOW_MS),
});
