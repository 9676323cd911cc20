/**
 * Work under way, so that those who want the same wait for the same.
 *
 * Joined work belongs to nobody: whoever leaves stops waiting, and the work ends by the deadline of the job that began
 * it. Does not: remember results (see cache.ts).
 * @module
 */
import type { AlarmClock } from '../environment.ts';

export class Joined<V> {
  readonly #underWay = new Map<string, Promise<V>>();

  /** The work of that key if it is under way; else `begin` starts it. Who started it is told, for he has paid. */
  do(key: string, begin: () => Promise<V>): { readonly own: boolean; readonly result: Promise<V> } {
    const known = this.#underWay.get(key);
    if (known) return { own: false, result: known };
    let start = (_work: Promise<V>): void => {};
    const result = new Promise<V>((resolve, reject) => {
      const forget = (): boolean => this.#underWay.delete(key);
      // Both callbacks in one: `finally` would make three promises more, for each packet and each question.
      start = (work) => {
        work.then(
          (value) => {
            forget();
            resolve(value);
          },
          (error: unknown) => {
            forget();
            reject(error);
          },
        );
      };
    });
    // Known before it begins: what it does at once may lead back here.
    this.#underWay.set(key, result);
    start(settled(begin));
    return { own: true, result };
  }
}

/** A throw is a rejection: a promise that nobody settles would be waited for for ever. */
const settled = async <V>(begin: () => Promise<V>): Promise<V> => begin();

/** The caller who leaves stops waiting; the work ends by its own deadline, for others may have joined it. */
export function leaving<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** What the work comes to, or what `late` does if the time has passed before; the work goes on. */
export const inTime = <T, L>(
  work: Promise<T>,
  { clock, ms, late }: { clock: AlarmClock; ms: number; late: () => L | Promise<L> },
): Promise<T | L> =>
  new Promise((resolve, reject) => {
    const stop = clock.alarm(ms, () => resolve(late()));
    work.then(
      (value) => {
        stop();
        resolve(value);
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
  });
