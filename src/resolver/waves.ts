/**
 * The first success among several tries that are begun one after the other: the next one at once where the last has failed,
 * and beside it where it is slow. The more of them are silent, the more are begun at once, so that many dead servers do not
 * add up.
 *
 * Most often the first try succeeds, for each packet that is sent: so there is one promise and one alarm, and no race.
 * Does not: stop what is under way; it ends by itself, and nobody listens any more.
 * @module
 */
import type { AlarmClock } from '../environment.ts';

/** `silent`: nothing came back. `failed`: something of no use did. */
export type Tried<T> =
  | { readonly kind: 'success'; readonly value: T }
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed' };

export interface WavesOptions<T> {
  /** Begins the next try; `undefined` where there is none, now and ever after. */
  next(): Promise<Tried<T>> | undefined;
  /** How many leave together at the beginning; one where it is left out. */
  readonly atFirst?: number;
  /** So long the last try has the word for itself. */
  readonly stepMs: number;
  /** So long all of it may take. */
  readonly patienceMs: number;
}

/** Never rejects unless a try does. `undefined` where none succeeds in time. */
export const firstOf = <T>(clock: AlarmClock, options: WavesOptions<T>): Promise<T | undefined> =>
  new Promise((resolve, reject) => new Waves(clock, options, { resolve, reject }).begin());

interface Ends<T> {
  readonly resolve: (value: T | undefined) => void;
  readonly reject: (error: unknown) => void;
}

class Waves<T> {
  readonly #clock: AlarmClock;
  readonly #options: WavesOptions<T>;
  readonly #ends: Ends<T>;
  readonly #end: number;
  #underWay = 0;
  #silent = 0;
  #mayBeMore = true;
  #isOver = false;
  #stopAlarm: () => void = () => {};
  readonly #onTried = (tried: Tried<T>): void => this.#hear(tried);
  readonly #onError = (error: unknown): void => {
    this.#close();
    this.#ends.reject(error);
  };

  constructor(clock: AlarmClock, options: WavesOptions<T>, ends: Ends<T>) {
    this.#clock = clock;
    this.#options = options;
    this.#ends = ends;
    this.#end = clock.now() + options.patienceMs;
  }

  begin(): void {
    this.#start(this.#options.atFirst ?? 1);
    this.#wait();
  }

  #start(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const work = this.#options.next();
      if (!work) {
        this.#mayBeMore = false;
        return;
      }
      this.#underWay += 1;
      work.then(this.#onTried, this.#onError);
    }
  }

  #hear(tried: Tried<T>): void {
    if (this.#isOver) return;
    this.#stopAlarm();
    this.#underWay -= 1;
    if (tried.kind === 'success') {
      this.#finish(tried.value);
      return;
    }
    if (tried.kind === 'silent') this.#silent += 1;
    if (this.#underWay === 0) this.#startMore();
    this.#wait();
  }

  #startMore(): void {
    if (this.#mayBeMore) this.#start(Math.max(1, 2 ** (this.#silent - 1)));
  }

  #wait(): void {
    const leftMs = this.#end - this.#clock.now();
    if (this.#underWay === 0 || leftMs <= 0) {
      this.#finish(undefined);
      return;
    }
    const { stepMs } = this.#options;
    this.#stopAlarm = this.#clock.alarm(this.#mayBeMore ? Math.min(stepMs, leftMs) : leftMs, () => {
      this.#silent += 1;
      this.#startMore();
      this.#wait();
    });
  }

  #finish(value: T | undefined): void {
    this.#close();
    this.#ends.resolve(value);
  }

  #close(): void {
    this.#isOver = true;
    this.#stopAlarm();
  }
}
