/**
 * Virtual time for hundreds of sleepers at once: a heap, where the testing internet's clock looks through a list.
 *
 * Time passes when every promise has settled: then all who wake at the next instant wake together.
 * @module
 */
import type { Clock } from '../../src/environment.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
  /** Its place in the heap; -1 once it has left. */
  at: number;
}

export class HeapClock implements Clock {
  #now: number;
  readonly #heap: Sleeper[] = [];
  #isWaiting = false;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = this.#add(ms, resolve);
      signal?.addEventListener('abort', () => {
        if (sleeper.at >= 0) this.#remove(sleeper);
        resolve();
      });
    });
  }

  /** Calls `wake` in `ms` milliseconds. */
  call(ms: number, wake: () => void): void {
    this.#add(ms, wake);
  }

  #add(ms: number, wake: () => void): Sleeper {
    const sleeper: Sleeper = { due: this.#now + Math.max(0, ms), wake, at: this.#heap.length };
    this.#heap.push(sleeper);
    this.#rise(sleeper);
    if (!this.#isWaiting) {
      this.#isWaiting = true;
      setImmediate(() => this.#pass());
    }
    return sleeper;
  }

  #pass(): void {
    const [first] = this.#heap;
    this.#isWaiting = false;
    if (!first) return;
    this.#now = Math.max(this.#now, first.due);
    for (let next = this.#heap[0]; next && next.due <= this.#now; next = this.#heap[0]) {
      this.#remove(next);
      next.wake();
    }
    if (this.#heap.length === 0 || this.#isWaiting) return;
    this.#isWaiting = true;
    setImmediate(() => this.#pass());
  }

  #remove(sleeper: Sleeper): void {
    const last = this.#heap.pop();
    if (last && last !== sleeper) {
      last.at = sleeper.at;
      this.#heap[last.at] = last;
      this.#rise(last);
      this.#sink(last);
    }
    sleeper.at = -1;
  }

  #rise(sleeper: Sleeper): void {
    while (sleeper.at > 0) {
      const above = this.#heap[(sleeper.at - 1) >> 1];
      if (!above || above.due <= sleeper.due) return;
      this.#swap(sleeper, above);
    }
  }

  #sink(sleeper: Sleeper): void {
    for (;;) {
      const left = this.#heap[2 * sleeper.at + 1];
      const right = this.#heap[2 * sleeper.at + 2];
      const least = left && right && right.due < left.due ? right : left;
      if (!least || least.due >= sleeper.due) return;
      this.#swap(least, sleeper);
    }
  }

  #swap(a: Sleeper, b: Sleeper): void {
    [a.at, b.at] = [b.at, a.at];
    this.#heap[a.at] = a;
    this.#heap[b.at] = b;
  }
}
