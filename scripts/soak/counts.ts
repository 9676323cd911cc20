/**
 * What happens within one minute of the soak, counted.
 * @module
 */
import type { Status } from '../../src/dnssec/outcome.ts';
import type { Delivery } from '../../src/environment.ts';
import type { Minute } from './verdict.ts';

type Fate = 'right' | 'delayed' | 'wrong';

const nothing = () => ({
  statuses: { secure: 0, insecure: 0, bogus: 0, indeterminate: 0 },
  plans: 0,
  delayed: 0,
  wrong: 0,
  packets: 0,
  unanswered: 0,
  times: [] as number[],
  events: [] as string[],
});

export class Tally {
  #now = nothing();

  lookup(status: Status, fate: Fate): void {
    this.#now.statuses[status] += 1;
    this.#fate(fate);
  }

  plan(fate: Fate): void {
    this.#now.plans += 1;
    this.#fate(fate);
  }

  #fate(fate: Fate): void {
    if (fate !== 'right') this.#now[fate] += 1;
  }

  packet(kind: Delivery['kind']): void {
    this.#now.packets += 1;
    if (kind !== 'reply') this.#now.unanswered += 1;
  }

  took(milliseconds: number): void {
    this.#now.times.push(milliseconds);
  }

  note(event: string): void {
    this.#now.events.push(event);
  }

  /** The minute's figures; the next one begins. */
  close(minute: number, held: number, rss: number): Minute {
    const { times, ...counts } = this.#now;
    this.#now = nothing();
    times.sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round(times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0);
    return {
      ...counts,
      minute,
      questions: times.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      held,
      rss,
    };
  }
}
