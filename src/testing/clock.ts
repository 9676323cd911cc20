/**
 * Time and randomness of the testing internet: virtual, and the same on each run.
 * @module
 */
import type { Clock, Random } from '../environment.ts';

/**
 * A clock whose time passes only when nothing else is left to do, so that sleeping costs no real time.
 *
 * Each turn of the event loop in which all promises have settled wakes the sleeper whose time comes first. This holds
 * as long as everything else is in memory too: with real sockets, use a real clock.
 */
export class VirtualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper: Sleeper = { due: this.#now + Math.max(0, ms), wake };
      const abort = (): void => this.#rouse(sleeper);
      signal?.addEventListener('abort', abort);
      this.#sleepers.push(sleeper);
      this.#turn ??= setImmediate(() => this.#pass());
    });
  }

  /** Moves the clock at once, backward too; who should have woken meanwhile wakes on the next turn. */
  advance(ms: number): void {
    this.#now += ms;
  }

  /** The earliest sleeper wakes; of those with the same time, the one that slept first. */
  #pass(): void {
    this.#turn = undefined;
    const [first, ...others] = this.#sleepers;
    if (!first) return;
    const next = others.reduce(
      (least, sleeper) => (sleeper.due < least.due ? sleeper : least),
      first,
    );
    this.#now = Math.max(this.#now, next.due);
    this.#rouse(next);
    if (this.#sleepers.length > 0) this.#turn = setImmediate(() => this.#pass());
  }

  #rouse(sleeper: Sleeper): void {
    this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    sleeper.wake();
  }
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

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
