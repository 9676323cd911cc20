/**
 * What is forgotten when a question has failed, so that no forged referral or address outlives its forger.
 *
 * Nobody vouches for where a packet goes: a referral, its glue and the address of a name server are believed unjudged,
 * and a forged one shows only in that everything behind it fails. So what a failure may rest on is dropped and fetched
 * anew: the cuts on the way to the name from the zone at fault down, and for servers without glue their addresses and the
 * whole way to those. A forged server may hand on true data and false referrals only, so that the fault shows further down:
 * cuts above the zone at fault go too, where they are not fresh. Does not: judge, or ask.
 * @module
 */
import { type Name, ROOT } from '../dns/name.ts';
import type { Fault } from '../dnssec/outcome.ts';
import type { Clock } from '../environment.ts';
import type { Addresses } from './addresses.ts';
import type { Cache } from './cache.ts';
import type { ZoneCut } from './zone.ts';

export interface RenewParts {
  readonly cuts: Cache<ZoneCut>;
  readonly addresses: Addresses;
  readonly clock: Clock;
}

/** What lies above a fault is fetched anew when it is older: so long a forgery there lives, and so seldom dead zones cost it. */
export const FRESH_MS = 300_000;

/** Hosts whose addresses are dropped for one failure: more than one delegation considers, and those of their zones. */
const MAX_HOSTS = 40;

/**
 * Drops what a failure may rest on.
 * @param name   the place that was asked for
 * @param which  `only-old`: nothing is dropped unless something had been known before `since`
 * @returns whether something was dropped that had been known before `since`: only then is asking again another question
 */
export type Renew = (
  name: Name,
  fault: Fault,
  { since, which }: { readonly since: number; readonly which: 'all' | 'only-old' },
) => boolean;

export function makeRenew(parts: RenewParts): Renew {
  return (name, fault, { since, which }) => {
    const sweep = new Sweep(parts);
    sweep.path(name, fault.zone);
    sweep.path(fault.owner, fault.zone);
    const isOld = sweep.oldest < since;
    if (isOld || which === 'all') sweep.drop();
    return isOld;
  };
}

class Sweep {
  readonly #parts: RenewParts;
  readonly #cuts = new Set<string>();
  readonly #hosts = new Map<string, Name>();
  /** When the first of all that was found was learnt. */
  oldest = Number.POSITIVE_INFINITY;

  constructor(parts: RenewParts) {
    this.#parts = parts;
  }

  drop(): void {
    for (const key of this.#cuts) this.#parts.cuts.delete(key);
    for (const host of this.#hosts.values()) this.#parts.addresses.forget(host);
  }

  /**
   * The cuts from `top` down to `name`: what a forged parent has said stays forged, so all of them go. Of those above go
   * cuts by probe, whose servers are a guess, and what is not fresh.
   */
  path(name: Name, top: Name): void {
    for (let labels = name.labels; labels >= 0; labels -= 1) {
      const { key } = name.ancestor(labels);
      const cut = this.#cuts.has(key) ? undefined : this.#parts.cuts.get(key);
      if (!cut || (labels < top.labels && this.#mayStay(cut))) continue;
      this.#cuts.add(key);
      this.#note(cut.learntAt);
      for (const { host, addresses } of cut.nameservers)
        if (addresses.length === 0 && !host.isAtOrBelow(cut.name)) this.#host(host);
    }
  }

  #mayStay({ known, learntAt }: ZoneCut): boolean {
    return known !== 'by-probe' && this.#parts.clock.now() - learntAt < FRESH_MS;
  }

  #host(host: Name): void {
    if (this.#hosts.has(host.key) || this.#hosts.size >= MAX_HOSTS) return;
    this.#hosts.set(host.key, host);
    this.#note(this.#parts.addresses.learntAt(host) ?? Number.POSITIVE_INFINITY);
    this.path(host, ROOT);
  }

  #note(learntAt: number): void {
    this.oldest = Math.min(this.oldest, learntAt);
  }
}
