/**
 * Fast chance that depends on nothing but its seed.
 * @module
 */
import type { Random } from '../../src/environment.ts';

/** 32 bits out of 64, well mixed: what a destination is like follows from the seed and its number alone. */
export function mix(seed: number, number: number): number {
  let x = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number, 0xc2b2ae35)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Numbers from 0 up to 1 (mulberry32). */
export class Chance implements Random {
  #state: number;

  constructor(state: number) {
    this.#state = state >>> 0;
  }

  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  next(): number {
    return this.word() / 0x1_0000_0000;
  }

  bytes(length: number): Uint8Array {
    const octets = new Uint8Array(length);
    let word = 0;
    for (let i = 0; i < length; i += 1) {
      word = i % 4 === 0 ? this.word() : word >>> 8;
      octets[i] = word;
    }
    return octets;
  }
}
