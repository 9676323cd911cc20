/**
 * One caller's question with all that it causes: what it may spend, what it has done, and whom it no longer asks.
 *
 * A job is shared by all branches of the work. `fetch` and `nested` give views of it that count one fetch, or know
 * whose address is being looked up above them. Does not: end anything; whoever spends asks first.
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { Budget, type LimitName, type Limits, type Spent } from '../dnssec/budget.ts';
import type { Fault, Step } from '../dnssec/outcome.ts';
import type { Clock } from '../environment.ts';

/** Which server (`serverKey`) of which zone has replied to what, by the keys of the names. */
interface Replied {
  readonly zone: string;
  readonly owner: string;
  readonly type: RRType;
  readonly server: string;
}

interface Sheet {
  readonly clock: Clock;
  readonly budget: Budget;
  readonly startedAt: number;
  /** `at` of exchanges is on the Clock's scale here. */
  readonly trace: Step[];
  /** Whose replies this job has used, in their order; looked through when something has failed. */
  readonly replies: Replied[];
  /** By zone: those whose word was bogus. */
  readonly avoided: Map<string, ReadonlySet<string>>;
  /** By question: the servers that were silent however often it was asked. */
  readonly silent: Map<string, Set<string>>;
  checking: 'disabled' | 'enabled';
  hasRetried: boolean;
}

export class Job {
  readonly #sheet: Sheet;
  /** Hosts whose addresses are being looked up on this branch, the first one outermost. */
  readonly #resolving: readonly string[];
  readonly #fetch: { queries: number };

  private constructor(sheet: Sheet, resolving: readonly string[], fetch: { queries: number }) {
    this.#sheet = sheet;
    this.#resolving = resolving;
    this.#fetch = fetch;
  }

  static begin(clock: Clock, limits: Partial<Limits>): Job {
    const sheet: Sheet = {
      clock,
      budget: new Budget(limits),
      startedAt: clock.now(),
      trace: [],
      replies: [],
      avoided: new Map(),
      silent: new Map(),
      checking: 'disabled',
      hasRetried: false,
    };
    return new Job(sheet, [], { queries: 0 });
  }

  /** The same job at the beginning of a fetch: one name and type, walked from the closest known cut. */
  fetch(): Job {
    return new Job(this.#sheet, this.#resolving, { queries: 0 });
  }

  /** The same job looking up the address of `host`; `undefined` where that would go round in a circle or too deep. */
  nested(host: Name): Job | undefined {
    if (this.#resolving.includes(host.key)) return undefined;
    if (this.#resolving.length >= this.budget.limits['nested-resolutions']) {
      this.budget.exceed('nested-resolutions');
      return undefined;
    }
    return new Job(this.#sheet, [...this.#resolving, host.key], { queries: 0 });
  }

  get budget(): Budget {
    return this.#sheet.budget;
  }

  get trace(): Step[] {
    return this.#sheet.trace;
  }

  /** What CD says to forwarders: the second try after a bogus answer goes without it. */
  get checking(): 'disabled' | 'enabled' {
    return this.#sheet.checking;
  }

  set checking(value: 'disabled' | 'enabled') {
    this.#sheet.checking = value;
  }

  get startedAt(): number {
    return this.#sheet.startedAt;
  }

  /** Milliseconds until the wall-clock limit; negative once it has passed. */
  get leftMs(): number {
    const { clock, startedAt, budget } = this.#sheet;
    // A clock that is put back meanwhile gives no more time than there was.
    return budget.limits['wall-clock'] - Math.max(0, clock.now() - startedAt);
  }

  /** Takes one packet out of every purse; the limit that forbids it, if one does. */
  spendQuery(): LimitName | undefined {
    const limit = this.#limitOfNextQuery();
    if (limit) this.budget.exceed(limit);
    else this.#fetch.queries += 1;
    return limit;
  }

  #limitOfNextQuery(): LimitName | undefined {
    if (this.leftMs <= 0) return 'wall-clock';
    if (this.#fetch.queries >= this.budget.limits['queries-per-fetch']) return 'queries-per-fetch';
    return this.budget.spend('queries') ? undefined : 'queries';
  }

  /** True the first time: a bogus answer is asked for once more, and no more than once a question. */
  takeRetry(): boolean {
    const isFirst = !this.#sheet.hasRetried;
    this.#sheet.hasRetried = true;
    return isFirst;
  }

  /** A fresh referral that leads to them once more is no reason to wait for them once more. */
  noteSilent({ name, type }: Question, server: string): void {
    const key = `${type} ${name.key}`;
    const servers = this.#sheet.silent.get(key);
    if (servers) servers.add(server);
    else this.#sheet.silent.set(key, new Set([server]));
  }

  isSilent({ name, type }: Question, server: string): boolean {
    const { silent } = this.#sheet;
    return silent.size > 0 && (silent.get(`${type} ${name.key}`)?.has(server) ?? false);
  }

  noteReply(zone: Name, { name, type }: Question, server: string): void {
    this.#sheet.replies.push({ zone: zone.key, owner: name.key, type, server });
  }

  isAvoided(zone: Name, server: string): boolean {
    const { avoided } = this.#sheet;
    return avoided.size > 0 && (avoided.get(zone.key)?.has(server) ?? false);
  }

  /** Whose word a fault rests on: those who answered for the record set, or else all who answered for the zone. */
  repliersFor({ zone, owner, type }: Fault): ReadonlySet<string> {
    const ofZone = this.#sheet.replies.filter((reply) => reply.zone === zone.key);
    const ofSet = ofZone.filter((reply) => reply.type === type && reply.owner === owner.key);
    return new Set((ofSet.length > 0 ? ofSet : ofZone).map(({ server }) => server));
  }

  /** From now on none of them is asked about the zone. */
  avoidRepliers(fault: Fault): void {
    this.#sheet.avoided.set(fault.zone.key, this.repliersFor(fault));
  }

  get spent(): Spent {
    const { clock, startedAt, budget } = this.#sheet;
    return {
      queries: budget.used('queries'),
      bytes: budget.used('bytes-received'),
      signatures: budget.used('signatures'),
      hashes: budget.used('nsec3-hashes'),
      milliseconds: clock.now() - startedAt,
    };
  }

  /** The trace with times counted from the beginning of the question. */
  get steps(): readonly Step[] {
    const { trace, startedAt } = this.#sheet;
    return trace.map((step) => {
      if (step.kind !== 'exchange') return step;
      const { kind, at, milliseconds, zone, server, over, question, result } = step;
      return { kind, at: at - startedAt, milliseconds, zone, server, over, question, result };
    });
  }
}
