/**
 * The simulated Internet of a scenario: servers with canned answers, and a clock that only the scenario moves.
 *
 * Does not: know steps; who runs the scenario says which step is the current one, and when a query times out.
 * @module
 */
import { type Message, parseMessage } from '../../src/dns/message.ts';
import type {
  AlarmClock,
  Delivery,
  ExchangeOptions,
  ServerAddress,
  Transport,
} from '../../src/environment.ts';
import { matchesQuery } from './match.ts';
import { replyTo, servfail } from './message.ts';
import type { Entry, Range, Scenario } from './scenario.ts';

/** Time that passes only when told to. */
export class ScenarioClock implements AlarmClock {
  #now: number;
  #sleepers: { readonly due: number; readonly wake: () => void }[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake) => {
      const sleeper = { due: this.#now + ms, wake };
      this.#sleepers.push(sleeper);
      const leave = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        wake();
      };
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  alarm(ms: number, ring: () => void): () => void {
    const sleeper = { due: this.#now + ms, wake: ring };
    this.#sleepers.push(sleeper);
    return () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    };
  }

  /** Later by so much, and nobody wakes: what was due by then is so at the next event. */
  skip(ms: number): void {
    this.#now += ms;
  }

  /** Never backward. */
  moveTo(ms: number): void {
    this.#now = Math.max(this.#now, ms);
    const due = this.#sleepers.filter((sleeper) => sleeper.due <= this.#now);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.due > this.#now);
    for (const { wake } of due) wake();
  }

  /** When the next sleeper wakes. */
  get next(): number | undefined {
    return this.#sleepers.map(({ due }) => due).sort((a, b) => a - b)[0];
  }
}

/** An upstream query that waits for its answer. */
export interface Outstanding {
  readonly to: ServerAddress;
  readonly message: Message;
  readonly over: 'udp' | 'tcp';
  /** When it times out, on the scenario's clock. */
  readonly deadline: number;
  readonly accept: (reply: Uint8Array) => boolean;
  readonly settle: (delivery: Delivery) => void;
}

export class Upstream implements Transport {
  readonly #scenario: Scenario;
  readonly #clock: ScenarioClock;
  #outstanding: Outstanding[] = [];
  /** Queries that no canned answer fits, for people. */
  readonly unmatched: string[] = [];
  /** Called with each event, for people. */
  readonly #tell: (event: string) => void;

  constructor(scenario: Scenario, clock: ScenarioClock, tell: (event: string) => void) {
    this.#scenario = scenario;
    this.#clock = clock;
    this.#tell = tell;
  }

  exchange(to: ServerAddress, query: Uint8Array, how: ExchangeOptions): Promise<Delivery> {
    const parsed = parseMessage(query);
    if (parsed.kind === 'malformed') throw new TypeError(`query: ${parsed.reason}`);
    const { message } = parsed;
    const { over, timeoutMs, accept } = how;
    return new Promise((resolve) => {
      const deadline = this.#clock.now() + timeoutMs;
      const one: Outstanding = {
        to,
        message,
        over,
        deadline,
        accept: (reply) => accept(reply),
        settle: (delivery) => {
          this.#outstanding = this.#outstanding.filter((other) => other !== one);
          resolve(delivery);
        },
      };
      this.#outstanding.push(one);
    });
  }

  /** The oldest first. */
  get outstanding(): readonly Outstanding[] {
    return this.#outstanding;
  }

  /** Gives the oldest query that has a canned answer at step `number` that answer; false where none has. */
  deliver(number: number, oneShots: Entry[]): boolean {
    for (const one of this.#outstanding) {
      const found = this.#find(one, number) ?? takeFitting(one, oneShots);
      const isUnknown = !found && this.#scenario.dialect === 'deckard';
      if (!found && !isUnknown) continue;
      if (found?.adjust.includes('do_not_answer')) continue;
      if (found) this.answer(one, found);
      else {
        this.noteUnmatched(one);
        one.settle({ kind: 'reply', bytes: servfail(one.message) });
      }
      return true;
    }
    return false;
  }

  /** Delivers `entry`; a reply that is not accepted leaves the query waiting. */
  answer(one: Outstanding, entry: Entry): void {
    const bytes = replyTo(one.message, entry, this.#scenario.dialect);
    const accepted = one.accept(bytes);
    this.#tell(`${describe(one)}: answer of line ${entry.line}${accepted ? '' : ', not accepted'}`);
    if (accepted) one.settle({ kind: 'reply', bytes });
    else this.fail(one, 'timeout');
  }

  fail(one: Outstanding, how: 'timeout' | 'error'): void {
    this.#tell(`${describe(one)}: ${how}`);
    one.settle(
      how === 'timeout' ? { kind: 'timeout' } : { kind: 'unreachable', code: 'ECONNREFUSED' },
    );
  }

  noteUnmatched(one: Outstanding): void {
    this.unmatched.push(describe(one));
    this.#tell(`${describe(one)}: no canned answer`);
  }

  /** Moves the clock to the next thing that happens by itself; false where nothing will. */
  passTime(): boolean {
    const deadlines = this.#outstanding.map(({ deadline }) => deadline);
    const times = [...deadlines, this.#clock.next].filter((time) => time !== undefined);
    if (times.length === 0) return false;
    this.moveTo(Math.min(...times));
    return true;
  }

  /** Moves the clock; what was due by then times out. */
  moveTo(ms: number): void {
    this.#clock.moveTo(ms);
    for (const one of this.#outstanding)
      if (one.deadline <= ms) {
        this.noteUnmatched(one);
        this.fail(one, 'timeout');
      }
  }

  #find(one: Outstanding, number: number): Entry | undefined {
    const { dialect, ranges } = this.#scenario;
    const fitting = ranges.filter((range) => fits(range, number, one.to.ip));
    // unbound: the last range that has an entry; deckard: the first range, whatever it has.
    const chosen = dialect === 'unbound' ? fitting.reverse() : fitting.slice(0, 1);
    for (const { entries } of chosen) {
      const entry = entries.find((candidate) => matchesQuery(candidate, one, dialect));
      if (entry) return entry;
    }
    return undefined;
  }
}

const fits = ({ from, to, addresses }: Range, number: number, ip: string): boolean =>
  from <= number && number <= to && (addresses.length === 0 || addresses.includes(ip));

function takeFitting(one: Outstanding, oneShots: Entry[]): Entry | undefined {
  const at = oneShots.findIndex((entry) => matchesQuery(entry, one, 'deckard'));
  return at < 0 ? undefined : oneShots.splice(at, 1)[0];
}

export function describe({ to, message, over }: Outstanding): string {
  const [question] = message.questions;
  return `${question?.name} ${question?.type} to ${to.ip}${over === 'tcp' ? ' over TCP' : ''}`;
}
