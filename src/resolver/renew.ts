/**
 * What is forgotten when a question has failed, so that no forged referral or address outlives its forger.
 *
 * Nobody vouches for where a packet goes: a referral, its glue and the address of a name server are believed unjudged,
 * and a forged one shows only in that everything behind it fails. So what a failure may rest on is dropped and fetched
 * anew: the cuts on the way to the name from the zone at fault down, and for servers without glue their addresses and the
 * whole way to those. Does not: judge, or ask.
 * @module
 */
import { type Name, ROOT } from '../dns/name.ts';
import type { Fault } from '../dnssec/outcome.ts';
import type { Addresses } from './addresses.ts';
import type { Cache } from './cache.ts';
import type { ZoneCut } from './zone.ts';

export interface RenewParts {
  readonly cuts: Cache<ZoneCut>;
  readonly addresses: Addresses;
}

/** Hosts whose addresses are dropped for one failure: more than one delegation considers, and those of their zones. */
const MAX_HOSTS = 40;

/**
 * Drops what a failure may rest on.
 * @param name  the place that was asked for
 * @returns whether something was dropped that had been known before `since`: only then is asking again another question
 */
export type Renew = (name: Name, fault: Fault, since: number) => boolean;

export function makeRenew(parts: RenewParts): Renew {
  return (name, fault, since) => {
    const sweep = new Sweep(parts, since);
    sweep.path(name, fault.zone);
    sweep.path(fault.owner, fault.zone);
    return sweep.foundOld;
  };
}

class Sweep {
  readonly #parts: RenewParts;
  readonly #since: number;
  readonly #hosts = new Set<string>();
  foundOld = false;

  constructor(parts: RenewParts, since: number) {
    this.#parts = parts;
    this.#since = since;
  }

  /**
   * The cuts from `top` down to `name`: what a forged parent has said stays forged, so all of them go. So do cuts by probe
   * above, whose servers are a guess.
   */
  path(name: Name, top: Name): void {
    for (let labels = name.labels; labels >= 0; labels -= 1) {
      const { key } = name.ancestor(labels);
      const cut = this.#parts.cuts.get(key);
      if (!cut || (labels < top.labels && cut.known !== 'by-probe')) continue;
      this.#parts.cuts.delete(key);
      this.#note(cut.learntAt);
      for (const { host, addresses } of cut.nameservers)
        if (addresses.length === 0 && !host.isAtOrBelow(cut.name)) this.#host(host);
    }
  }

  #host(host: Name): void {
    if (this.#hosts.has(host.key) || this.#hosts.size >= MAX_HOSTS) return;
    this.#hosts.add(host.key);
    const learntAt = this.#parts.addresses.forget(host);
    if (learntAt !== undefined) this.#note(learntAt);
    this.path(host, ROOT);
  }

  #note(learntAt: number): void {
    if (learntAt < this.#since) this.foundOld = true;
  }
}
