/**
 * What was worked out lately, by the octets that it was worked out from: bounded, and shared by all peers.
 *
 * The key is all that the value depends on, so that nothing is ever taken for something else. Does not: bound the length of
 * keys; who keeps something here leaves out what strangers made long.
 * @module
 */
export class LastUsed<V> {
  readonly #limit: number;
  readonly #kept = new Map<string, V>();

  /** @param limit  entries kept, the last ones used */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What is kept for `key`, or else what `make` makes, which is kept from now on unless it is `undefined`. */
  get<Made extends V | undefined>(key: string, make: () => Made): V | Made {
    const value = this.#kept.get(key) ?? make();
    if (value === undefined) return value;
    this.#kept.delete(key);
    this.#kept.set(key, value);
    const [oldest] = this.#kept.size > this.#limit ? this.#kept.keys() : [];
    if (oldest !== undefined) this.#kept.delete(oldest);
    return value;
  }
}
