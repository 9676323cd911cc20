/**
 * The way of one message along the hosts of a plan: every address of each with the full check, until nobody waits any more.
 *
 * Implements RFC 7672 section 2.2 (the next address, the next host), section 2.2.1 (no host is preferred for its TLSA
 * records) and RFC 8689 section 4.2.1 (QUIT and on to the next host). Does not: look up hosts (deliver.ts), or keep
 * anything from one message to the next.
 * @module
 */
import { type ContactPlan, printHost } from '../dane/attempt.ts';
import { decide } from '../dane/decision.ts';
import { type Addresses, findAddresses } from '../dane/destination.ts';
import type { HostPlan, Unreachable } from '../dane/plan.ts';
import type { Name } from '../dns/name.ts';
import { type Delivered, deferredEnd, failedEnd, type RecipientEnd } from './delivered.ts';
import { type Demand, daneForce, demandOf, type Exclusion, withoutDane } from './demand.ts';
import type { Errand } from './errand.ts';
import { type Meeting, meet } from './meeting.ts';
import { overlooked, type Permission, type Protection, permit, type Shown } from './permit.ts';
import { extensionsOf, type Fate, SESSION_TIMES, sayEhlo, transact } from './smtp-session.ts';
import { stanceOf } from './sts-stance.ts';
import { requireTlsEnd, type Trouble, toTell } from './trouble.ts';

/** From here on no new connection is begun: many hosts that all stall shall not hold a message for hours. */
const LONGEST_MS = 1_800_000;

/** Takes the message to the hosts in their order. */
export const travel = (errand: Errand): Promise<Delivered> => new Journey(errand).run();

class Journey {
  readonly #errand: Errand;
  /** Recipients that no host has taken or refused yet. */
  readonly #waiting: Set<string>;
  readonly #ends = new Map<string, RecipientEnd>();
  readonly #troubles: Trouble[] = [];
  /** What a server said of one recipient last. */
  readonly #delays = new Map<string, Trouble>();
  readonly #overlooked: Trouble[] = [];
  readonly #end: number;

  constructor(errand: Errand) {
    this.#errand = errand;
    this.#waiting = new Set(errand.message.to);
    this.#end = errand.parts.clock.now() + LONGEST_MS;
  }

  async run(): Promise<Delivered> {
    for (const host of this.#errand.plan.hosts) {
      if (this.#isCutShort()) break;
      await this.#atHost(host);
    }
    const recipients = this.#errand.message.to.map((to) => this.#ends.get(to) ?? this.#undone(to));
    return { recipients, overlooked: this.#overlooked };
  }

  #isOver(): boolean {
    const { clock, signal } = this.#errand.parts;
    return this.#waiting.size === 0 || signal?.aborted === true || clock.now() >= this.#end;
  }

  /** Whether what comes next is not tried any more: then no recipient fails for what the others were like. */
  #isCutShort(): boolean {
    if (this.#isOver() && this.#waiting.size > 0) this.#troubles.push(OUT_OF_TIME);
    return this.#isOver();
  }

  async #atHost(planned: HostPlan): Promise<void> {
    const { wish, sts, tell } = this.#errand;
    const { terms } = this.#errand.parts;
    const route = this.#errand.plan.route.security.status;
    const plan = planned.tls === 'unreachable' ? await this.#reach(planned) : planned;
    if (!plan) return;
    const stance = stanceOf(sts, terms)(plan.host);
    const demand = demandOf(plan, { terms, wish, route, sts: stance });
    if (demand.kind === 'skip') {
      const { why } = demand;
      if (why === 'sts-mx-mismatch') tell({ kind: 'mx-mismatch', plan });
      this.#troubles.push(excluded(why, plan.host));
      return;
    }
    for (const address of plan.addresses) {
      if (this.#isCutShort()) return;
      await this.#atAddress(plan, demand, address);
    }
  }

  /** A host that DANE keeps from being contacted may be where DANE does not bind: as if there were no DANE. */
  async #reach(planned: Unreachable): Promise<ContactPlan | undefined> {
    const { plan, port, wish, parts, tell } = this.#errand;
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
      this.#troubles.push(trouble);
      return undefined;
    }
    this.#overlooked.push(trouble);
    const found = await this.#addressesOf(planned);
    if (found?.kind !== 'found') {
      this.#troubles.push({ ...trouble, dsn: '4.4.3' });
      return undefined;
    }
    return withoutDane({ ...planned, addresses: found.addresses });
  }

  /** `undefined` where time is up: who rejected now would keep from the caller which recipients have been served. */
  async #addressesOf({ host }: Unreachable): Promise<Addresses | undefined> {
    const { lookup, signal, families } = this.#errand.parts;
    try {
      return await findAddresses(host, lookup, signal, families);
    } catch (error) {
      if (this.#isOver()) return undefined;
      throw error;
    }
  }

  async #atAddress(plan: ContactPlan, demand: Demand, address: string): Promise<void> {
    const first = await this.#meet(plan, demand, address);
    const isRetried =
      first.kind === 'shut' && first.isAboutTls && demand.afterFailure === 'in-clear';
    if (isRetried && plan.tls !== 'opportunistic') this.#overlooked.push(first.trouble);
    const meeting = isRetried
      ? await this.#meet(plan, { ...demand, starttls: 'skip' }, address)
      : first;
    if (meeting.kind === 'shut') {
      this.#troubles.push(meeting.trouble);
      return;
    }
    const { shown, channel } = meeting;
    const permission = permit(demand, shown);
    if (permission.kind === 'stop') this.#stop({ plan, address }, permission);
    else {
      if (demand.judge !== 'dane') this.#overlook(shown, address);
      await this.#send({ plan, address }, meeting, permission.protection);
    }
    await channel.close();
  }

  #stop({ plan: { host }, address }: Place, { reason, why, dsn }: Stop): void {
    const text = `${printHost(host)}: ${why}`;
    this.#troubles.push({ nature: 'tls', reason, why: text, dsn, host, address });
  }

  /** Mail goes, and somebody wants to know what DANE would have said. */
  #overlook(shown: Shown, address: string): void {
    const { plan } = shown;
    const { host } = plan;
    const { terms } = this.#errand.parts;
    const at = { nature: 'tls', host, address } as const;
    const missed = overlooked(shown);
    if (missed) {
      const { reason, why, dsn = '4.7.5' } = missed;
      this.#overlooked.push({ ...at, reason, why: `${printHost(host)}: ${why}`, dsn });
    } else if (terms.mandatoryDane && (plan.tls !== 'authenticate' || plan.halfDane)) {
      const why = `DANE is demanded, and does not authenticate ${printHost(host)}`;
      this.#overlooked.push({ ...at, reason: 'dane-required', why, dsn: '4.7.5' });
    }
  }

  #meet(plan: ContactPlan, demand: Demand, address: string): Promise<Meeting> {
    return meet(this.#errand, { plan, demand, address });
  }

  async #send(
    { plan, address }: Place,
    { channel, hello }: Met,
    protection: Protection,
  ): Promise<void> {
    const { message, letter, wish, parts } = this.#errand;
    const times = parts.times ?? SESSION_TIMES;
    const extensions = hello
      ? extensionsOf(hello)
      : await sayEhlo(channel, parts.clientName, times);
    if ('kind' in extensions) {
      // Of a session that never began: the host is out for now, whatever it says.
      const trouble = ofFate(extensions, plan, address);
      this.#troubles.push({ ...trouble, nature: 'network', dsn: trouble.dsn.replace(/^5/, '4') });
      return;
    }
    const knowsRequireTls = extensions.has('REQUIRETLS');
    // RFC 8689 section 5: a bounce is not lost for the want of the option.
    if (wish === 'required' && !knowsRequireTls && message.from !== '') {
      this.#troubles.push(lacksRequireTls(plan, address));
      return;
    }
    const to = [...this.#waiting];
    const requireTls = wish === 'required' && knowsRequireTls ? 'say' : 'leave-out';
    const transaction = { from: message.from, to, letter, requireTls } as const;
    const fates = await transact(channel, extensions, transaction, times);
    for (const [i, recipient] of to.entries()) {
      const fate = fates[i];
      if (fate) this.#note(recipient, fate, { plan, address, protection });
    }
  }

  #note(recipient: string, fate: Fate, { plan, address, protection }: Sent): void {
    const { host } = plan;
    const trouble = ofFate(fate, plan, address);
    switch (fate.kind) {
      case 'accepted':
        this.#settle({
          kind: 'delivered',
          recipient,
          dsn: fate.dsn,
          why: fate.why,
          host,
          address,
          tls: protection,
        });
        return;
      case 'refused':
        this.#settle(failedEnd(recipient, trouble));
        return;
      case 'delayed':
        this.#delays.set(recipient, trouble);
        // It may have been taken: another host would be a second copy now, and the queue waits at least.
        if (fate.step === 'end' && !SAID.has(fate.reason))
          this.#settle(deferredEnd(recipient, trouble));
    }
  }

  #settle(end: RecipientEnd): void {
    this.#waiting.delete(end.recipient);
    this.#ends.set(end.recipient, end);
  }

  /** Of a recipient that no host has taken or refused. */
  #undone(recipient: string): RecipientEnd {
    const { plan, wish, retryAt } = this.#errand;
    const own = this.#delays.get(recipient);
    const troubles = [...this.#troubles, ...(own ? [own] : [])];
    const end = wish === 'required' ? requireTlsEnd(troubles) : undefined;
    if (end) return failedEnd(recipient, end);
    const isNowhere =
      troubles.length > 0 && troubles.every(({ reason }) => reason === 'no-address');
    if (isNowhere && plan.surplus === 0) return failedEnd(recipient, noHost(plan.hosts));
    const told = toTell(troubles) ?? OUT_OF_TIME;
    return deferredEnd(recipient, told, told.dsn === '4.7.5' ? retryAt() : undefined);
  }
}

type Met = Extract<Meeting, { kind: 'met' }>;
type Stop = Extract<Permission, { kind: 'stop' }>;
interface Place {
  readonly plan: ContactPlan;
  readonly address: string;
}
interface Sent extends Place {
  readonly protection: Protection;
}

/** What a server says of the message, and not of the connection. */
const SAID: ReadonlySet<Fate['reason']> = new Set(['smtp-delayed', 'smtp-refused']);

const OUT_OF_TIME: Trouble = {
  nature: 'network',
  reason: 'not-probed',
  why: 'there was no time left to try a host',
  dsn: '4.4.7',
};

const isKeptByDane = (planned: Unreachable): boolean =>
  planned.why === 'dane-required' || ('step' in planned && planned.step === 'tlsa');

/** Row 8 of the decision table. */
const noHost = ({ length }: readonly HostPlan[]): Trouble => ({
  nature: 'lookup',
  reason: 'no-address',
  why: length === 1 ? 'its mail host has no address' : 'none of its mail hosts has an address',
  dsn: '5.4.4',
});

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

const lacksRequireTls = ({ host }: ContactPlan, address: string): Trouble => ({
  nature: 'requiretls',
  reason: 'no-requiretls',
  why: `${printHost(host)} does not know REQUIRETLS`,
  dsn: '4.7.30',
  host,
  address,
});

function ofFate({ reason, dsn, why }: Fate, { host }: ContactPlan, address: string): Trouble {
  return {
    nature: 'mail',
    reason: reason === 'accepted' ? 'protocol-error' : reason,
    why: `${printHost(host)}: ${why}`,
    dsn,
    host,
    address,
  };
}
