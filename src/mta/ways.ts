/**
 * The ways along the hosts of a plan: every address of each, opened with the full check, one after the other.
 *
 * Implements RFC 7672 section 2.2 (the next address, the next host) and section 2.2.1 (no host is preferred for its TLSA
 * records). What is yielded has its permission (permit.ts). Does not: say anything on it, or look up hosts (prepare.ts).
 * @module
 */
import { type ContactPlan, printHost } from '../dane/attempt.ts';
import { decide } from '../dane/decision.ts';
import { findAddresses } from '../dane/destination.ts';
import type { HostPlan, Unreachable } from '../dane/plan.ts';
import type { Name } from '../dns/name.ts';
import { type Demand, daneForce, demandOf, type Exclusion, withoutDane } from './demand.ts';
import type { Trip } from './errand.ts';
import { type Meeting, meet } from './meeting.ts';
import { overlooked, type Permission, type Protection, permit, type Shown } from './permit.ts';
import { stanceOf } from './sts-stance.ts';
import { type Trouble, toTell } from './trouble.ts';

/** From here on no new connection is begun: many hosts that all stall shall not hold a message for hours. */
const LONGEST_MS = 1_800_000;

/** A connection that mail may go over. Whoever is given it closes it. */
export interface Way {
  readonly plan: ContactPlan;
  readonly address: string;
  readonly meeting: Extract<Meeting, { kind: 'met' }>;
  readonly protection: Protection;
}

export interface Ended {
  readonly kind: 'refuse' | 'defer';
  readonly trouble: Trouble;
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

  /** What the sender hears where nobody was reached, or nobody has taken the mail: never, or not now. */
  endedAt(troubles: readonly Trouble[] = this.troubles): Ended {
    const { hosts, surplus } = this.#trip.plan;
    const isNowhere =
      troubles.length > 0 && troubles.every(({ reason }) => reason === 'no-address');
    if (isNowhere && surplus === 0) return { kind: 'refuse', trouble: noHost(hosts) };
    return { kind: 'defer', trouble: toTell(troubles) ?? OUT_OF_TIME };
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
      const { why } = demand;
      if (why === 'sts-mx-mismatch') tell({ kind: 'mx-mismatch', plan });
      this.troubles.push(excluded(why, plan.host));
      return;
    }
    for (const address of plan.addresses) {
      if (this.#isCutShort()) return;
      const way = await this.#atAddress(plan, demand, address);
      if (way) yield way;
    }
  }

  /** A host that DANE keeps from being contacted may be where DANE does not bind: as if there were no DANE. */
  async #reach(planned: Unreachable): Promise<ContactPlan | undefined> {
    const { plan, port, wish, parts, tell } = this.#trip;
    const decision = decide({ ...plan, hosts: [planned], surplus: 1 }, [], { port });
    const { reason, why } = decision;
    const dsn = 'dsn' in decision && decision.dsn !== undefined ? decision.dsn : '4.4.3';
    const fault = 'fault' in decision ? decision.fault : undefined;
    const trouble: Trouble = {
      nature: 'lookup',
      reason,
      why,
      dsn,
      host: planned.host,
      ...(fault && { fault }),
    };
    tell({ kind: 'unreachable', plan: planned });
    if (!isKeptByDane(planned) || daneForce(parts.terms, wish) === 'binding') {
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
    if (demand.judge !== 'dane') this.#overlook(shown, address);
    return { plan, address, meeting, protection: permission.protection };
  }

  #stop(
    { plan: { host }, address }: Pick<Way, 'plan' | 'address'>,
    { reason, why, dsn }: Stop,
  ): void {
    const text = `${printHost(host)}: ${why}`;
    this.troubles.push({ nature: 'tls', reason, why: text, dsn, host, address });
  }

  /** Mail goes, and somebody wants to know what DANE would have said. */
  #overlook(shown: Shown, address: string): void {
    const { plan } = shown;
    const { host } = plan;
    const { terms } = this.#trip.parts;
    const at = { nature: 'tls', host, address } as const;
    const missed = overlooked(shown);
    if (missed) {
      const { reason, why, dsn = '4.7.5' } = missed;
      this.overlooked.push({ ...at, reason, why: `${printHost(host)}: ${why}`, dsn });
    } else if (terms.mandatoryDane && (plan.tls !== 'authenticate' || plan.halfDane)) {
      const why = `DANE is demanded, and does not authenticate ${printHost(host)}`;
      this.overlooked.push({ ...at, reason: 'dane-required', why, dsn: '4.7.5' });
    }
  }

  #meet(plan: ContactPlan, demand: Demand, address: string): Promise<Meeting> {
    return meet(this.#trip, { plan, demand, address });
  }
}

type Stop = Extract<Permission, { kind: 'stop' }>;

const isKeptByDane = (planned: Unreachable): boolean =>
  planned.why === 'dane-required' || ('step' in planned && planned.step === 'tlsa');

const EXCLUSIONS: Readonly<Record<Exclusion['why'], string>> = {
  'sts-mx-mismatch': "is not in the domain's MTA-STS policy",
  'mx-not-validated':
    'is vouched for neither by DNSSEC nor by MTA-STS, and the message has REQUIRETLS',
};

const excluded = (reason: Exclusion['why'], host: Name): Trouble => ({
  nature: 'tls',
  reason,
  why: `${printHost(host)} ${EXCLUSIONS[reason]}`,
  dsn: '4.7.5',
  host,
});

const OUT_OF_TIME: Trouble = {
  nature: 'network',
  reason: 'not-probed',
  why: 'there was no time left to try a host',
  dsn: '4.4.7',
};

/** Row 8 of the decision table. */
const noHost = ({ length }: readonly HostPlan[]): Trouble => ({
  nature: 'lookup',
  reason: 'no-address',
  why: length === 1 ? 'its mail host has no address' : 'none of its mail hosts has an address',
  dsn: '5.4.4',
});
