/**
 * A map whose entries end by the clock, and whose size is bounded: two generations, the elder of which is dropped whole
 * when the younger is full. What is used moves to the younger one.
 *
 * Does not: hold promises of work under way (see joined.ts), so that a hit is synchronous.
 * @module
 */
import type { Clock } from '../environment.ts';

export interface Expiring {
  /** Milliseconds on the Clock's scale. */
  readonly expiresAt: number;
}

export class Cache<V extends Expiring> {
  readonly #clock: Clock;
  readonly #generation: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** @param capacity  entries kept at most; at least half of it are the ones used last */
  constructor(clock: Clock, capacity: number) {
    this.#clock = clock;
    this.#generation = Math.ceil(capacity / 2);
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    const value = young ?? this.#old.get(key);
    if (value === undefined) return undefined;
    if (value.expiresAt <= this.#clock.now()) {
      this.delete(key);
      return undefined;
    }
    if (young === undefined) this.#put(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#put(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  #put(key: string, value: V): void {
    if (this.#young.size >= this.#generation && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
