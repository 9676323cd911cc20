/**
 * The ways along the hosts of a plan: every address of each, opened with the full check, one after the other.
 *
 * Implements RFC 7672 section 2.2 (the next address, the next host) and section 2.2.1 (no host is preferred for its TLSA
 * records). What is yielded has its permission (permit.ts). Does not: say anything on it, or look up hosts (prepare.ts).
 * @module
 */
import { type ContactPlan, printHost } from '../dane/attempt.ts';
import { findAddresses } from '../dane/destination.ts';
import type { HostPlan, Unreachable } from '../dane/plan.ts';
import { type Demand, demandOf, isLetGo, withoutDane } from './demand.ts';
import type { Trip } from './errand.ts';
import { type Meeting, meet } from './meeting.ts';
import { overlooked, type Permission, type Protection, permit } from './permit.ts';
import { stanceOf } from './sts-stance.ts';
import { type Ended, endOf, excluded, OUT_OF_TIME, type Trouble, unreached } from './trouble.ts';

/** From here on no new connection is begun: many hosts that all stall shall not hold a message for hours. */
const LONGEST_MS = 1_800_000;

/** A connection that mail may go over. Whoever is given it closes it. */
export interface Way {
  readonly plan: ContactPlan;
  readonly address: string;
  readonly meeting: Extract<Meeting, { kind: 'met' }>;
  readonly protection: Protection;
}

export class Ways {
  /** Why no way is open yet, in the order in which it was met. */
  readonly troubles: Trouble[] = [];
  /** What DANE would have stopped, had it been binding. */
  readonly overlooked: Trouble[] = [];
  #trip: Trip;
  readonly #end: number;

  constructor(trip: Trip) {
    this.#trip = trip;
    this.#end = trip.parts.clock.now() + LONGEST_MS;
  }

  /** Opens the next one each time it is asked, until time is up. */
  async *open(): AsyncGenerator<Way, void, void> {
    const seen = new Set<string>();
    for (let next = this.#next(seen); next && !this.#isCutShort(); next = this.#next(seen)) {
      seen.add(next.host.key);
      yield* this.#atHost(next);
      await this.#renew();
    }
  }

  #next(seen: ReadonlySet<string>): HostPlan | undefined {
    return this.#trip.plan.hosts.find(({ host }) => !seen.has(host.key));
  }

  /** What was proved of the hosts that are left may have ended on the way: then it is asked for anew, and they are as it says. */
  async #renew(): Promise<void> {
    const { isStale, renew, plan } = this.#trip;
    if (this.#isOver() || !isStale()) return;
    const renewed = await this.#unlessOver(renew());
    if (!renewed) return;
    if ('hosts' in renewed) this.#trip = { ...this.#trip, plan: renewed };
    else {
      this.troubles.push({ ...renewed, dsn: renewed.dsn.replace(/^5/, '4') }); // the next try has that word
      this.#trip = { ...this.#trip, plan: { ...plan, hosts: [] } };
    }
  }

  /** What the sender hears. */
  endedAt(troubles: readonly Trouble[] = this.troubles): Ended {
    const { plan, wish } = this.#trip;
    return endOf(troubles, plan, wish);
  }

  #isOver(): boolean {
    const { clock, signal } = this.#trip.parts;
    return signal?.aborted === true || clock.now() >= this.#end;
  }

  /** Whether what comes next is not tried any more: then nothing fails for good for what the others were like. */
  #isCutShort(): boolean {
    const isOver = this.#isOver();
    if (isOver) this.troubles.push(OUT_OF_TIME);
    return isOver;
  }

  async *#atHost(planned: HostPlan): AsyncGenerator<Way, void, void> {
    const { wish, sts, tell } = this.#trip;
    const { terms } = this.#trip.parts;
    const route = this.#trip.plan.route.security.status;
    const plan = planned.tls === 'unreachable' ? await this.#reach(planned) : planned;
    if (!plan) return;
    const stance = stanceOf(sts, terms)(plan.host);
    const demand = demandOf(plan, { terms, wish, route, sts: stance });
    if (demand.kind === 'skip') {
      if (demand.why === 'sts-mx-mismatch') tell({ kind: 'mx-mismatch', plan });
      this.troubles.push(excluded(demand, plan.host));
      return;
    }
    for (const address of plan.addresses) {
      if (this.#isCutShort()) return;
      const way = await this.#atAddress(plan, demand, address);
      if (way) yield way;
    }
  }

  async #reach(planned: Unreachable): Promise<ContactPlan | undefined> {
    const { plan, port, wish, parts, tell } = this.#trip;
    const trouble = unreached(plan, planned, port);
    tell({ kind: 'unreachable', plan: planned });
    if (!isLetGo(planned, parts.terms, wish)) {
      this.troubles.push(trouble);
      return undefined;
    }
    this.overlooked.push(trouble);
    const { lookup, signal, families } = parts;
    const found = await this.#unlessOver(findAddresses(planned.host, lookup, signal, families));
    if (found?.kind !== 'found') {
      this.troubles.push({ ...trouble, dsn: '4.4.3' });
      return undefined;
    }
    return withoutDane({ ...planned, addresses: found.addresses });
  }

  /** `undefined` where time is up: who rejected now would keep from the caller which recipients have been served. */
  async #unlessOver<T>(asking: Promise<T>): Promise<T | undefined> {
    try {
      return await asking;
    } catch (error) {
      if (this.#isOver()) return undefined;
      throw error;
    }
  }

  async #atAddress(plan: ContactPlan, demand: Demand, address: string): Promise<Way | undefined> {
    const first = await this.#meet(plan, demand, address);
    const isRetried =
      first.kind === 'shut' && first.isAboutTls && demand.afterFailure === 'in-clear';
    if (isRetried && plan.tls !== 'opportunistic') this.overlooked.push(first.trouble);
    const meeting = isRetried
      ? await this.#meet(plan, { ...demand, starttls: 'skip' }, address)
      : first;
    if (meeting.kind === 'shut') {
      this.troubles.push(meeting.trouble);
      return undefined;
    }
    const { shown, channel } = meeting;
    const permission = permit(demand, shown);
    if (permission.kind === 'stop') {
      this.#stop({ plan, address }, permission);
      await channel.close();
      return undefined;
    }
    const { terms } = this.#trip.parts;
    const missed = demand.judge === 'dane' ? undefined : overlooked(shown, address, terms);
    if (missed) this.overlooked.push(missed);
    return { plan, address, meeting, protection: permission.protection };
  }

  #stop(
    { plan: { host }, address }: Pick<Way, 'plan' | 'address'>,
    { reason, why, dsn }: Stop,
  ): void {
    const text = `${printHost(host)}: ${why}`;
    this.troubles.push({ nature: 'tls', reason, why: text, dsn, host, address });
  }

  #meet(plan: ContactPlan, demand: Demand, address: string): Promise<Meeting> {
    return meet(this.#trip, { plan, demand, address });
  }
}

type Stop = Extract<Permission, { kind: 'stop' }>;
