/**
 * One mutant after the other against the tests that reach it, the quickest first, until one fails.
 *
 * A mutant that is reached while modules are loaded (a constant) gets a process of its own, since later it is too late.
 * Nothing is believed that was seen once: a mutant is killed by a test that fails (or does not end) with it, passes in
 * time without it, and fails again with it; so a busy machine or a process spoilt by an earlier mutant kills nothing.
 * Does not: keep results, write anything for people.
 * @module
 */
import { type Field, start, type TimedTest } from './campaign.ts';
import type { Mutant } from './instrument.ts';
import { Runner, type Unloaded } from './runner.ts';
import { LOADING, type Result } from './state.ts';
import type { Begin } from './worker.ts';

/** A test that takes this many times as long as it does without a mutant has no end: a killed mutant. */
const PATIENCE = 10;
/** And so many milliseconds on top, for a busy machine. */
const GRACE_MS = 4000;
/** Tests that killed the last mutants of a file are likely to kill the next. */
const REMEMBERED = 4;

type Ended = 'passed' | 'failed' | 'timeout';
type Once = (test: TimedTest, active: number) => Promise<Ended>;

/** One lane of the campaign, with a process that stays up. */
export class Lane {
  readonly #field: Field;
  readonly #begin: Omit<Begin, 'kind' | 'active'>;
  readonly #killers: Map<string, TimedTest[]>;
  /** Tests that did not pass without a mutant: they killed nothing. */
  readonly doubts = new Set<string>();
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
      reaching.length === 0
        ? { kind: 'unreached' }
        : await this.#tryAll(mutant, reaching, this.#runOnce);
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

  async #tryAll(mutant: Mutant, tests: readonly TimedTest[], once: Once): Promise<Result> {
    for (const test of tests) {
      const ended = await this.#tryOne(test, mutant.id, once);
      if (ended === 'passed') continue;
      this.#remember(mutant, test);
      return { kind: ended === 'failed' ? 'killed' : 'timeout', by: test.name };
    }
    return { kind: 'survived', tests: 'quick' };
  }

  async #tryOne(test: TimedTest, active: number, once: Once): Promise<Ended> {
    if ((await once(test, active)) === 'passed') return 'passed';
    if (!(await this.#passesWithout(test))) {
      this.doubts.add(test.name);
      return 'passed';
    }
    return once(test, active);
  }

  /** If not in the process that there is, which an earlier mutant may have spoilt, then in a new one. */
  async #passesWithout(test: TimedTest): Promise<boolean> {
    if ((await this.#runOnce(test, 0)) === 'passed') return true;
    this.#restart();
    return (await this.#runOnce(test, 0)) === 'passed';
  }

  readonly #runOnce: Once = async (test, active) => {
    this.#runner ??= await start(this.#begin);
    const ended = await runIn(this.#runner, test, active);
    if (ended === 'timeout') this.#restart();
    return ended;
  };

  #restart(): void {
    this.#runner?.end();
    this.#runner = undefined;
  }

  async #judgeFresh(mutant: Mutant): Promise<Result> {
    let fresh: Runner | undefined;
    const load = async (): Promise<Runner | Result> => {
      const loaded = await this.#load(mutant);
      if (loaded instanceof Runner) fresh = loaded;
      return loaded;
    };
    const first = await load();
    if (!(first instanceof Runner)) return first;
    try {
      return await this.#tryAll(
        mutant,
        this.#ordered(mutant, () => true),
        async (test, active) => {
          const runner = fresh ?? (await load());
          if (!(runner instanceof Runner)) return 'timeout'; // it could be loaded before: confirmed or not by the caller
          const ended = await runIn(runner, test, active);
          if (ended !== 'timeout') return ended;
          runner.end();
          fresh = undefined;
          return ended;
        },
      );
    } finally {
      fresh?.end();
    }
  }

  /** @returns a process loaded with the mutant; or, where loading fails with it alone and twice alike, that it is killed */
  async #load({ id }: Mutant): Promise<Runner | Result> {
    const first = await Runner.start({ ...this.#begin, active: id });
    if (first.kind === 'ready') return first.runner;
    (await start(this.#begin)).end(); // throws where the machine is to blame
    const second = await Runner.start({ ...this.#begin, active: id });
    if (second.kind === 'ready') return second.runner;
    if (!isAlike(first, second)) throw new Error(`mutant ${id} fails to load in two ways`);
    return { kind: first.kind === 'broken' ? 'killed' : 'timeout', by: LOADING };
  }

  #remember({ file }: Mutant, test: TimedTest): void {
    const others = (this.#killers.get(file) ?? []).filter((other) => other !== test);
    this.#killers.set(file, [test, ...others].slice(0, REMEMBERED));
  }
}

async function runIn(runner: Runner, test: TimedTest, active: number): Promise<Ended> {
  const ran = await runner.run(test.index, active, PATIENCE * test.milliseconds + GRACE_MS);
  if (!ran) return 'timeout';
  return ran.failure === undefined ? 'passed' : 'failed';
}

const isAlike = (a: Unloaded, b: Unloaded): boolean =>
  a.kind === 'broken' && b.kind === 'broken' ? a.why === b.why : a.kind === b.kind;
