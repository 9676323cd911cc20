/**
 * All mutants against all tests: which tests reach which mutant, and then each mutant by those, the quickest first,
 * until one fails.
 *
 * A mutant that is reached while modules are loaded (a constant) gets a process of its own, since later it is too late.
 * Does not: keep results, write anything for people.
 * @module
 */
import type { Mutant } from './instrument.ts';
import { Runner } from './runner.ts';
import type { Result } from './state.ts';
import type { Begin } from './worker.ts';

/** A test that takes this many times as long as it does without a mutant has no end: a killed mutant. */
const PATIENCE = 10;
/** And so many milliseconds on top, for a busy machine. */
const GRACE_MS = 4000;
/** Tests that killed the last mutants of a file are likely to kill the next. */
const REMEMBERED = 4;

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

const start = async (loading: Omit<Begin, 'kind'>): Promise<Runner> => {
  const runner = await Runner.start(loading);
  if (!runner) throw new Error('the tests cannot be loaded');
  return runner;
};

/** One run of every test that records what it reaches, and one that shows how long it takes. */
export async function survey(loading: Loading, folders: Folders): Promise<Field> {
  const recorder = await start({ ...loading, instrumented: folders.record, active: 0 });
  const timer = await start({ ...loading, instrumented: folders.run, active: 0 });
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

type Ended = { readonly kind: 'passed' | 'failed' | 'timeout' };

/** One lane of the campaign, with a process that stays up. */
export class Lane {
  readonly #field: Field;
  readonly #begin: Omit<Begin, 'kind' | 'active'>;
  readonly #killers: Map<string, TimedTest[]>;
  #runner: Runner | undefined;

  /** @param killers  shared by all lanes */
  constructor(
    field: Field,
    begin: Omit<Begin, 'kind' | 'active'>,
    killers: Map<string, TimedTest[]>,
  ) {
    this.#field = field;
    this.#begin = begin;
    this.#killers = killers;
  }

  async judge(mutant: Mutant): Promise<Result> {
    const reaching = this.#ordered(mutant, ({ reaches }) => reaches.has(mutant.id));
    const onLoad = this.#field.onLoad.has(mutant.id);
    const result: Result =
      reaching.length === 0 ? { kind: 'unreached' } : await this.#tryAll(mutant, reaching);
    if (!onLoad || result.kind === 'killed' || result.kind === 'timeout') return result;
    return this.#judgeFresh(mutant);
  }

  end(): void {
    this.#runner?.end();
  }

  #ordered({ file }: Mutant, chosen: (test: TimedTest) => boolean): readonly TimedTest[] {
    const first = (this.#killers.get(file) ?? []).filter(chosen);
    return [...new Set([...first, ...this.#field.tests.filter(chosen)])];
  }

  async #tryAll(mutant: Mutant, tests: readonly TimedTest[]): Promise<Result> {
    for (const test of tests) {
      const ended = await this.#tryOne(test, mutant.id);
      if (ended.kind === 'passed') continue;
      this.#remember(mutant, test);
      return { kind: ended.kind === 'failed' ? 'killed' : 'timeout', by: test.name };
    }
    return { kind: 'survived', tests: 'quick' };
  }

  async #tryOne(test: TimedTest, active: number): Promise<Ended> {
    const ended = await this.#runOnce(test, active);
    if (ended.kind !== 'failed') return ended;
    // What an earlier mutant left behind must not fail the test: without a mutant it passes, or the process is spoilt.
    if ((await this.#runOnce(test, 0)).kind === 'passed') return ended;
    this.#restart();
    return this.#runOnce(test, active);
  }

  async #runOnce(test: TimedTest, active: number): Promise<Ended> {
    this.#runner ??= await start({ ...this.#begin, active: 0 });
    const ran = await this.#runner.run(test.index, active, limitOf(test));
    if (!ran) this.#restart();
    return { kind: !ran ? 'timeout' : ran.failure === undefined ? 'passed' : 'failed' };
  }

  #restart(): void {
    this.#runner?.end();
    this.#runner = undefined;
  }

  async #judgeFresh(mutant: Mutant): Promise<Result> {
    const fresh = await Runner.start({ ...this.#begin, active: mutant.id });
    if (!fresh) return { kind: 'killed', by: this.#field.tests[0]?.name ?? '' };
    try {
      for (const test of this.#ordered(mutant, () => true)) {
        const ran = await fresh.run(test.index, mutant.id, limitOf(test));
        if (ran && ran.failure === undefined) continue;
        this.#remember(mutant, test);
        return { kind: ran ? 'killed' : 'timeout', by: test.name };
      }
      return { kind: 'survived', tests: 'quick' };
    } finally {
      fresh.end();
    }
  }

  #remember({ file }: Mutant, test: TimedTest): void {
    const others = (this.#killers.get(file) ?? []).filter((other) => other !== test);
    this.#killers.set(file, [test, ...others].slice(0, REMEMBERED));
  }
}

const limitOf = ({ milliseconds }: TimedTest): number => PATIENCE * milliseconds + GRACE_MS;
