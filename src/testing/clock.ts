/**
 * Time and randomness of the testing internet: virtual, and the same on each run.
 * @module
 */
import type { AlarmClock, Random } from '../environment.ts';

/** How to come back when all promises have settled. */
export type Turn = (pass: () => void) => void;

/**
 * A clock whose time passes only when nothing else is left to do, so that sleeping costs no real time.
 *
 * Each turn of the event loop in which all promises have settled wakes the sleeper whose time comes first; of those with
 * the same time, the one that slept first. This holds as long as everything else is in memory too: with real sockets, use a
 * real clock. Thousands may sleep at once: they lie in a heap.
 */
export class VirtualClock implements AlarmClock {
  #now: number;
  readonly #turn: Turn;
  readonly #heap: Sleeper[] = [];
  #slept = 0;
  #isPassing = false;

  /** @param turn  one of the event loop's, where it is left out */
  constructor(now: number, turn: Turn = setImmediate) {
    this.#now = now;
    this.#turn = turn;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      if (!signal) {
        this.#add(ms, resolve);
        return;
      }
      const sleeper = this.#add(ms, () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
      const abort = (): void => {
        this.#remove(sleeper);
        resolve();
      };
      signal.addEventListener('abort', abort);
    });
  }

  alarm(ms: number, ring: () => void): () => void {
    const sleeper = this.#add(ms, ring);
    return () => this.#remove(sleeper);
  }

  /** Moves the clock at once, backward too; who should have woken meanwhile wakes on the next turn. */
  advance(ms: number): void {
    this.#now += ms;
  }

  #add(ms: number, wake: () => void): Sleeper {
    const due = this.#now + Math.max(0, ms);
    const sleeper: Sleeper = { due, number: this.#slept, wake, place: this.#heap.length };
    this.#slept += 1;
    this.#heap.push(sleeper);
    this.#rise(sleeper);
    this.#passLater();
    return sleeper;
  }

  #passLater(): void {
    if (this.#isPassing) return;
    this.#isPassing = true;
    this.#turn(() => {
      this.#isPassing = false;
      this.#pass();
    });
  }

  #pass(): void {
    const [next] = this.#heap;
    if (!next) return;
    this.#now = Math.max(this.#now, next.due);
    this.#remove(next);
    next.wake();
    if (this.#heap.length > 0) this.#passLater();
  }

  /** The last one takes the free place, and goes where it belongs. */
  #remove(sleeper: Sleeper): void {
    const last = this.#heap[this.#heap.length - 1];
    if (!last || this.#heap[sleeper.place] !== sleeper) return; // it has woken
    this.#heap.pop();
    if (last === sleeper) return;
    this.#put(last, sleeper.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(sleeper: Sleeper): void {
    while (sleeper.place > 0) {
      const above = this.#heap[(sleeper.place - 1) >> 1];
      if (!above || isEarlier(above, sleeper)) return;
      this.#swap(sleeper, above);
    }
  }

  #sink(sleeper: Sleeper): void {
    for (;;) {
      const left = this.#heap[2 * sleeper.place + 1];
      const right = this.#heap[2 * sleeper.place + 2];
      const first = left && right && isEarlier(right, left) ? right : left;
      if (!first || isEarlier(sleeper, first)) return;
      this.#swap(sleeper, first);
    }
  }

  #swap(one: Sleeper, other: Sleeper): void {
    const { place } = one;
    this.#put(one, other.place);
    this.#put(other, place);
  }

  #put(sleeper: Sleeper, place: number): void {
    sleeper.place = place;
    this.#heap[place] = sleeper;
  }
}

interface Sleeper {
  readonly due: number;
  /** How many had slept before. */
  readonly number: number;
  readonly wake: () => void;
  /** In the heap, where each one wakes before the two below it. */
  place: number;
}

const isEarlier = (one: Sleeper, other: Sleeper): boolean =>
  one.due === other.due ? one.number < other.number : one.due < other.due;

/** Octets that look random and are the same for the same seed (mulberry32). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const octet = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return { bytes: (length) => Uint8Array.from({ length }, octet) };
}
