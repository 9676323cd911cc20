/**
 * What is known of each server's address: how fast it answers, whether it has been silent lately, and what it is known not
 * to do that servers do.
 *
 * Round-trip times are smoothed as in RFC 6298 section 2. Does not: know zones; a server that is lame for one may be
 * right for another.
 * @module
 */
import type { Clock, Random, ServerAddress } from '../environment.ts';
import { Cache, type Held, sum } from './cache.ts';
import { serverKey } from './server-address.ts';

/** A server that was never measured gets this long (Unbound 376, Knot 400). */
const UNKNOWN_MS = 400;
/** A busy server, or a busy client, is not a dead one. */
const LEAST_MS = 250;
/** Doubling ends here: a mail server can wait, but other servers may answer. */
const MOST_MS = 2_000;
/** Facts of servers that are not met again (RFC 9520 section 3.2 has five minutes for failures). */
const REMEMBERED_MS = 900_000;
/** Of the object that says it, its numbers included. */
const FACTS_OCTETS = 120;
const weigh = (): { bytes: number; rrsets: number } => ({ bytes: FACTS_OCTETS, rrsets: 0 });
/** An unmeasured server is tried before one that takes longer than this. */
const HOPED_MS = 50;

interface Facts {
  readonly smoothedMs: number | undefined;
  readonly varianceMs: number;
  /** Timeouts since the last reply. */
  readonly timeouts: number;
  readonly learntAt: number;
  readonly expiresAt: number;
}

/**
 * What a server was seen to do over TCP, where nobody else can have done it (adversarial row 120): it changes the letter
 * case of questions, or answers without EDNS, or without a cookie.
 */
export type Habit = 'changes-case' | 'no-edns' | 'no-cookies';

interface Habits {
  readonly habits: readonly Habit[];
  readonly learntAt: number;
  readonly expiresAt: number;
}

export class Servers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #facts: Cache<Facts>;
  readonly #habits: Cache<Habits>;

  /** @param bytes  octets that may be held */
  constructor(clock: Clock, random: Random, bytes: number) {
    this.#clock = clock;
    this.#random = random;
    this.#facts = new Cache(clock, { bytes: (bytes * 3) / 4, weigh });
    this.#habits = new Cache(clock, { bytes: bytes / 4, weigh });
  }

  get held(): Held {
    return sum(this.#facts.held, this.#habits.held);
  }

  /** The best one first, with some chance in it, so that others are measured too. */
  order(addresses: readonly ServerAddress[]): readonly ServerAddress[] {
    const chance = this.#random.bytes(addresses.length);
    if (addresses.length < 2) return addresses;
    return addresses
      .map((address, i) => ({ address, cost: this.#cost(address, (chance[i] ?? 0) / 255) }))
      .sort((a, b) => a.cost - b.cost)
      .map(({ address }) => address);
  }

  /** @param chance  from 0 to 1: moves the cost by up to half */
  #cost(address: ServerAddress, chance: number): number {
    const facts = this.#facts.get(serverKey(address));
    const ms = facts?.smoothedMs ?? HOPED_MS;
    return ms * (0.75 + chance / 2) + (facts?.timeouts ?? 0) * UNKNOWN_MS;
  }

  /** How long to wait for it. */
  timeoutMs(address: ServerAddress): number {
    const facts = this.#facts.get(serverKey(address));
    const base =
      facts?.smoothedMs === undefined
        ? UNKNOWN_MS
        : Math.max(LEAST_MS, facts.smoothedMs + 4 * facts.varianceMs);
    return Math.min(MOST_MS, base * 2 ** (facts?.timeouts ?? 0));
  }

  answered(address: ServerAddress, milliseconds: number): void {
    const facts = this.#facts.get(serverKey(address));
    const last = facts?.smoothedMs;
    const off = last === undefined ? milliseconds / 2 : Math.abs(last - milliseconds);
    const learntAt = this.#clock.now();
    this.#facts.set(serverKey(address), {
      smoothedMs: last === undefined ? milliseconds : last + (milliseconds - last) / 8,
      varianceMs: last === undefined ? off : (3 * (facts?.varianceMs ?? 0) + off) / 4,
      timeouts: 0,
      learntAt,
      expiresAt: learntAt + REMEMBERED_MS,
    });
  }

  /** It was silent, or its port closed. */
  failed(address: ServerAddress): void {
    const facts = this.#facts.get(serverKey(address));
    const learntAt = this.#clock.now();
    this.#facts.set(serverKey(address), {
      smoothedMs: facts?.smoothedMs,
      varianceMs: facts?.varianceMs ?? 0,
      timeouts: Math.min(8, (facts?.timeouts ?? 0) + 1),
      learntAt,
      expiresAt: learntAt + REMEMBERED_MS,
    });
  }

  habitsOf(address: ServerAddress): readonly Habit[] {
    return this.#habits.get(serverKey(address))?.habits ?? [];
  }

  /** For a quarter of an hour from the first one, however often it is seen: servers are mended. */
  noteHabit(address: ServerAddress, habit: Habit): void {
    const key = serverKey(address);
    const known = this.#habits.get(key);
    if (known?.habits.includes(habit)) return;
    const now = this.#clock.now();
    const { learntAt, expiresAt } = known ?? { learntAt: now, expiresAt: now + REMEMBERED_MS };
    this.#habits.set(key, { habits: [...(known?.habits ?? []), habit], learntAt, expiresAt });
  }
}
