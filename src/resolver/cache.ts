/**
 * A map whose entries end by the clock, and whose size is bounded in octets, fairly.
 *
 * Three tiers, so that a flood of names that nobody asks for twice pushes out nothing but itself: `fresh` for what was
 * never used again, `used` for what was, `guarded` for what everything else hangs on (the root's and top-level zones').
 * Each tier is two generations, the elder of which is dropped whole when the younger is full; what is used moves to the
 * younger one. Does not: hold promises of work under way (see joined.ts), so that a hit is synchronous.
 * @module
 */
import type { Clock } from '../environment.ts';

export interface Expiring {
  /** Milliseconds on the Clock's scale. An entry from the future was kept before the clock was put back: it is dropped. */
  readonly learntAt: number;
  readonly expiresAt: number;
}

/** What a map holds, or one entry of it. */
export interface Held {
  readonly entries: number;
  readonly rrsets: number;
  /** Octets, what the platform adds to each entry included. */
  readonly bytes: number;
}

export interface CacheOptions<V> {
  /** Octets held at most. */
  readonly bytes: number;
  /** Octets of a value and the RRsets in it; those of the key and its place in the map are added here. */
  readonly weigh: (value: V) => Pick<Held, 'bytes' | 'rrsets'>;
  /** Told of each entry that is met after its end, which is no longer in the map then. */
  readonly onExpired?: (key: string, value: V) => void;
}

/** Of all octets. What was seen once gets half: where there is no flood, that is most of what comes again. */
const FRESH = 1 / 2;
const USED = 1 / 4;
/** The root's and top-level zones', some 1500 of which exist; where it is too small, they push out each other. */
const GUARDED = 1 / 4;

/** One question meets what it has learnt several times: only what is met later than that has been used again. */
const OWN_USE_MS = 1_000;

/** A place in a Map and the header of the key: an estimate. */
const PLACE_OCTETS = 72;

export class Cache<V extends Expiring> {
  readonly #clock: Clock;
  readonly #weigh: CacheOptions<V>['weigh'];
  readonly #onExpired: CacheOptions<V>['onExpired'];
  readonly #fresh: Tier<V>;
  readonly #used: Tier<V>;
  readonly #guarded: Tier<V>;

  constructor(clock: Clock, { bytes, weigh, onExpired }: CacheOptions<V>) {
    this.#clock = clock;
    this.#weigh = weigh;
    this.#onExpired = onExpired;
    this.#fresh = new Tier(bytes * FRESH);
    this.#used = new Tier(bytes * USED);
    this.#guarded = new Tier(bytes * GUARDED);
  }

  get(key: string): V | undefined {
    let tier = this.#fresh;
    let value = tier.get(key);
    if (value === undefined) {
      tier = this.#used;
      value = tier.get(key);
    }
    if (value === undefined) {
      tier = this.#guarded;
      value = tier.get(key);
    }
    if (value === undefined) return undefined;
    const now = this.#clock.now();
    if (value.expiresAt <= now || value.learntAt > now) {
      tier.delete(key, this.#held(key, value));
      if (value.learntAt <= now) this.#onExpired?.(key, value);
      return undefined;
    }
    if (tier === this.#fresh && now - value.learntAt >= OWN_USE_MS) {
      const held = this.#held(key, value);
      tier.delete(key, held);
      if (!this.#used.put(key, value, held)) tier.put(key, value, held);
    } else if (tier.isOld(key)) {
      const held = this.#held(key, value);
      tier.delete(key, held);
      tier.put(key, value, held);
    }
    return value;
  }

  /** @param floor  `guarded`: no flood of others pushes it out */
  set(key: string, value: V, floor: 'common' | 'guarded' = 'common'): void {
    const before = this.delete(key);
    const tier =
      floor === 'guarded' ? this.#guarded : before === this.#used ? this.#used : this.#fresh;
    tier.put(key, value, this.#held(key, value));
  }

  /** @returns where it was */
  delete(key: string): object | undefined {
    const tier = this.#tierOf(key);
    const value = tier?.get(key);
    if (!tier || value === undefined) return undefined;
    tier.delete(key, this.#held(key, value));
    return tier;
  }

  /** Drops what has a key that ends so, and says how many. It looks at every key: for operators, not for questions. */
  deleteEnding(suffix: string): number {
    const tiers = [this.#fresh, this.#used, this.#guarded];
    const keys = tiers.flatMap((tier) => tier.keys().filter((key) => key.endsWith(suffix)));
    return keys.filter((key) => this.delete(key) !== undefined).length;
  }

  get held(): Held {
    return [this.#fresh, this.#used, this.#guarded].map((tier) => tier.held).reduce(sum);
  }

  #tierOf(key: string): Tier<V> | undefined {
    if (this.#fresh.has(key)) return this.#fresh;
    if (this.#used.has(key)) return this.#used;
    return this.#guarded.has(key) ? this.#guarded : undefined;
  }

  #held(key: string, value: V): Held {
    const { bytes, rrsets } = this.#weigh(value);
    return { entries: 1, rrsets, bytes: bytes + key.length + PLACE_OCTETS };
  }
}

const NOTHING: Held = { entries: 0, rrsets: 0, bytes: 0 };
export const sum = (a: Held, b: Held): Held => ({
  entries: a.entries + b.entries,
  rrsets: a.rrsets + b.rrsets,
  bytes: a.bytes + b.bytes,
});

/** Some of the entries of one map, with what they come to. */
class Generation<V> {
  readonly entries = new Map<string, V>();
  rrsets = 0;
  bytes = 0;

  add(key: string, value: V, { rrsets, bytes }: Held): void {
    this.entries.set(key, value);
    this.rrsets += rrsets;
    this.bytes += bytes;
  }

  /** @returns whether it was there */
  delete(key: string, { rrsets, bytes }: Held): boolean {
    if (!this.entries.delete(key)) return false;
    this.rrsets -= rrsets;
    this.bytes -= bytes;
    return true;
  }

  get held(): Held {
    return { entries: this.entries.size, rrsets: this.rrsets, bytes: this.bytes };
  }
}

class Tier<V> {
  readonly #most: number;
  #young = new Generation<V>();
  #old = new Generation<V>();

  constructor(bytes: number) {
    this.#most = bytes / 2;
  }

  get(key: string): V | undefined {
    const value = this.#young.entries.get(key);
    if (value !== undefined || this.#old.entries.size === 0) return value;
    return this.#old.entries.get(key);
  }

  /** Most generations are empty most of the time, and each question looks for many keys. */
  has(key: string): boolean {
    const young = this.#young.entries;
    return (young.size > 0 && young.has(key)) || this.isOld(key);
  }

  keys(): readonly string[] {
    return [...this.#young.entries.keys(), ...this.#old.entries.keys()];
  }

  isOld(key: string): boolean {
    const old = this.#old.entries;
    return old.size > 0 && old.has(key);
  }

  /** @returns false for an entry that would take more than half of the tier: it is not kept at all */
  put(key: string, value: V, held: Held): boolean {
    if (held.bytes > this.#most) return false;
    if (this.#young.bytes + held.bytes > this.#most) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.add(key, value, held);
    return true;
  }

  delete(key: string, held: Held): void {
    if (!this.#young.delete(key, held)) this.#old.delete(key, held);
  }

  get held(): Held {
    return [this.#young.held, this.#old.held].reduce(sum, NOTHING);
  }
}
