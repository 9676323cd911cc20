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
    const result = begin().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, result);
    return { own: true, result };
  }
}
