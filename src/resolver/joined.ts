/**
 * Work under way, so that those who want the same wait for the same.
 *
 * Joined work belongs to nobody: whoever leaves stops waiting, and the work ends by the deadline of the job that began
 * it. Does not: remember results (see cache.ts).
 * @module
 */

export class Joined<V> {
  readonly #underWay = new Map<string, Promise<V>>();

  /** The work of that key if it is under way; else `begin` starts it. Who started it is told, for he has paid. */
  do(key: string, begin: () => Promise<V>): { readonly own: boolean; readonly result: Promise<V> } {
    const known = this.#underWay.get(key);
    if (known) return { own: false, result: known };
    let start = (_work: Promise<V>): void => {};
    const result = new Promise<V>((resolve) => {
      start = resolve;
    }).finally(() => this.#underWay.delete(key));
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
