/**
 * A process that stays up and runs single tests with one mutant switched on. Forked by crew.ts, which also ends it when
 * a test does not end.
 *
 * Does not: decide what is run.
 * @module
 */
import { register } from 'node:module';
import { type Registered, registry } from './tap.ts';

/** The first message: what is loaded, and the mutant that is on while it is loaded (0: none). */
export interface Begin {
  readonly kind: 'begin';
  /** URLs of test files. */
  readonly files: readonly string[];
  readonly replaced: string;
  readonly instrumented: string;
  readonly active: number;
}
export interface Run {
  readonly kind: 'run';
  /** The test's place among all. */
  readonly test: number;
  readonly active: number;
}
export type Order = Begin | Run;

export interface Ready {
  readonly kind: 'ready';
  readonly tests: readonly { readonly file: string; readonly name: string }[];
  /** Mutants that loading reaches. */
  readonly reached: readonly number[];
}
export interface Ran {
  readonly kind: 'ran';
  /** Why it failed. */
  readonly failure: string | undefined;
  readonly milliseconds: number;
  readonly reached: readonly number[];
}
export type Answer = Ready | Ran | { readonly kind: 'broken'; readonly why: string };

/** The switch that instrumented modules read. */
const mutants = {
  active: 0,
  reached: new Set<number>(),
  reach(id: number): false {
    this.reached.add(id);
    return false;
  },
};
Object.assign(globalThis, { $mutants: mutants });

const takeReached = (): readonly number[] => {
  const reached = [...mutants.reached];
  mutants.reached = new Set();
  return reached;
};

const tell = (answer: Answer): void => {
  process.send?.(answer);
};

async function begin({ files, replaced, instrumented, active }: Begin): Promise<void> {
  const tap = new URL('./tap.js', import.meta.url).href;
  register('./hooks.js', import.meta.url, { data: { replaced, instrumented, tap } });
  mutants.active = active;
  for (const file of files) {
    registry.file = file.slice(file.lastIndexOf('/') + 1);
    await import(file);
  }
  const tests = registry.tests.map(({ file, name }) => ({ file, name }));
  tell({ kind: 'ready', tests, reached: takeReached() });
}

/** What escapes from a test fails it. */
const escaped = new Set<(error: unknown) => void>();
process.on('uncaughtException', (error) => {
  for (const reject of escaped) reject(error);
});

async function runOne(test: Registered): Promise<string | undefined> {
  let giveUp: ((error: unknown) => void) | undefined;
  try {
    const elsewhere = new Promise<never>((_resolve, reject) => {
      giveUp = reject;
      escaped.add(reject);
    });
    await Promise.race([test.run(), elsewhere]);
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    if (giveUp) escaped.delete(giveUp);
  }
}

async function run({ test, active }: Run): Promise<void> {
  const chosen = registry.tests[test];
  if (!chosen) throw new RangeError(`no test ${test}`);
  mutants.active = active;
  const started = performance.now();
  const failure = await runOne(chosen);
  const milliseconds = performance.now() - started;
  // What the test left behind ends under its own mutant.
  await new Promise((resolve) => setImmediate(resolve));
  mutants.active = 0;
  tell({ kind: 'ran', failure, milliseconds, reached: takeReached() });
}

process.on('message', (order: Order) => {
  const done = order.kind === 'begin' ? begin(order) : run(order);
  done.catch((error: unknown) => tell({ kind: 'broken', why: String(error) }));
});
process.on('disconnect', () => process.exit(0));
