/**
 * A clock that can be set: what an NTP daemon, an operator or a resumed virtual machine does to a process.
 *
 * Sleeping goes by real time all the same, as timers do when the system's clock is set.
 * @module
 */
import type { AlarmClock } from '../../src/environment.ts';

export class JumpingClock implements AlarmClock {
  readonly #clock: AlarmClock;
  #offsetMs = 0;

  constructor(clock: AlarmClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }

  alarm(ms: number, ring: () => void): () => void {
    return this.#clock.alarm(ms, ring);
  }

  /** Forward, or back where it is negative. */
  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}
