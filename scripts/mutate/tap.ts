/**
 * What the tests use of tap, so that one test at a time can be run again and again in one process. The first assertion
 * that fails ends the test.
 *
 * Compares with tcompare, as tap does. Does not: report, time, or isolate; testdir, snapshots, plans and spawning are
 * missing, and a test that asks for them fails before any mutant is run, so that it is left out.
 * @module
 */
import { match, same, strict } from 'tcompare';

type Body = (t: Test) => unknown;
interface Options {
  readonly skip?: unknown;
}

/** A test at the top of a file: what is run by itself. */
export interface Registered {
  readonly file: string;
  readonly name: string;
  readonly run: () => Promise<void>;
}

export const registry: { file: string; readonly tests: Registered[] } = { file: '', tests: [] };

class Failed extends Error {}

const isClass = (x: unknown): x is new (...given: never) => unknown =>
  typeof x === 'function' && x.prototype !== undefined;

function isExpected(error: unknown, expected: unknown): boolean {
  if (expected === undefined || typeof expected === 'string') return true;
  if (isClass(expected)) return error instanceof expected;
  if (expected instanceof Error) {
    const { message, name } = expected;
    return match(error, { message, name }).match;
  }
  return match(error, expected).match;
}

class Test {
  #failed: Failed | undefined;
  #queue: Promise<void> = Promise.resolve();
  #teardown: (() => unknown)[] = [];
  #end: () => void = () => undefined;
  readonly #ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  /** Runs one test to its end; rejects when it fails. */
  static async run(body: Body): Promise<void> {
    const t = new Test();
    try {
      const result = body(t);
      if (result instanceof Promise) await result;
      else if (body.length > 0) await t.#ended;
      await t.#queue;
    } finally {
      for (const undo of t.#teardown.reverse()) await undo();
    }
    if (t.#failed) throw t.#failed; // somebody caught it
  }

  test(name: string, options: Options | Body, body?: Body): Promise<void> {
    const chosen = typeof options === 'function' ? options : body;
    if (!chosen || (typeof options === 'object' && options.skip)) return this.#queue;
    this.#queue = this.#queue.then(() =>
      Test.run(chosen).catch((error: unknown) => {
        throw new Failed(`${name}: ${String(error)}`);
      }),
    );
    this.#queue.catch(() => undefined); // it is awaited at the end
    return this.#queue;
  }

  #check(holds: boolean, what: string, message: unknown): true {
    if (holds) return true;
    this.#failed ??= new Failed(`${what}: ${String(message ?? '')}`);
    throw this.#failed;
  }

  ok = (x: unknown, message?: unknown) => this.#check(Boolean(x), 'ok', message);
  notOk = (x: unknown, message?: unknown) => this.#check(!x, 'notOk', message);
  equal = (a: unknown, b: unknown, message?: unknown) =>
    this.#check(Object.is(a, b), `equal ${String(a)} ${String(b)}`, message);
  not = (a: unknown, b: unknown, message?: unknown) =>
    this.#check(!Object.is(a, b), 'not', message);
  same = (a: unknown, b: unknown, message?: unknown) =>
    this.#check(same(a, b).match, 'same', message);
  notSame = (a: unknown, b: unknown, message?: unknown) =>
    this.#check(!same(a, b).match, 'notSame', message);
  strictSame = (a: unknown, b: unknown, message?: unknown) =>
    this.#check(strict(a, b).match, 'strictSame', message);
  match = (a: unknown, b: unknown, message?: unknown) =>
    this.#check(match(a, b).match, 'match', message);
  notMatch = (a: unknown, b: unknown, message?: unknown) =>
    this.#check(!match(a, b).match, 'notMatch', message);
  type = (a: unknown, b: unknown, message?: unknown) =>
    this.#check(isClass(b) ? a instanceof b : typeof a === b, 'type', message);
  pass = (message?: unknown) => this.#check(true, 'pass', message);
  fail = (message?: unknown) => this.#check(false, 'fail', message);

  throws(body: () => unknown, expected?: unknown, message?: unknown): true {
    try {
      body();
    } catch (error) {
      return this.#check(isExpected(error, expected), `throws ${String(error)}`, message);
    }
    return this.#check(false, 'throws', message);
  }

  doesNotThrow(body: () => unknown, message?: unknown): true {
    try {
      body();
    } catch (error) {
      return this.#check(false, `doesNotThrow ${String(error)}`, message);
    }
    return true;
  }

  async rejects(given: unknown, expected?: unknown, message?: unknown): Promise<true> {
    try {
      await (typeof given === 'function' ? given() : given);
    } catch (error) {
      return this.#check(isExpected(error, expected), `rejects ${String(error)}`, message);
    }
    return this.#check(false, 'rejects', message);
  }

  teardown(undo: () => unknown): void {
    this.#teardown.push(undo);
  }
  comment(): void {}
  end(): void {
    this.#end();
  }
}

/** What `import t from 'tap'` gives: tests at the top are kept, not run. */
export const root = {
  test(name: string, options: Options | Body, body?: Body): Promise<void> {
    const chosen = typeof options === 'function' ? options : body;
    const isSkipped = typeof options === 'object' && options.skip;
    const { file } = registry;
    if (chosen && !isSkipped) registry.tests.push({ file, name, run: () => Test.run(chosen) });
    return Promise.resolve();
  },
};
