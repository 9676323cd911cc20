/**
 * The whole lookup: a question with the aliases behind it, each link judged alone, the weakest deciding.
 *
 * Implements RFC 1034 section 5.3.3 (aliases), RFC 4035 section 4.3 (the four statuses), RFC 2308 section 5 (negative
 * answers kept), RFC 9520 (failures kept) and RFC 8767 section 5 (what has expired). Does not: talk to anybody (see find.ts).
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { spent } from '../dnssec/delegation.ts';
import type { Finding, Link } from '../dnssec/judge.ts';
import type { NegativeAnchor } from '../dnssec/negative-anchors.ts';
import {
  type Alias,
  type Failure,
  failed,
  type Insecurity,
  insecurityOf,
  type Lookup,
  type LookupOptions,
  type Outcome,
  type Stale,
} from '../dnssec/outcome.ts';
import { cutShort, isAbsence, lasting } from './ageing.ts';
import type { Kept } from './answers.ts';
import { checkType } from './check-type.ts';
import type { Found, NotAsked } from './find.ts';
import { Job } from './job.ts';
import { inTime, Joined, leaving } from './joined.ts';
import type { LookupParts } from './lookup-parts.ts';
import { blocked } from './rebinding.ts';
import { Reporter } from './report.ts';
import { firstWithin, recallExpired, Unattended } from './stale.ts';
import { allowsStale } from './stale-terms.ts';
import { placeOf, stepOf } from './step.ts';
import { isSameStand, type Stand } from './trust-points.ts';

/** So much later than its own work would have ended by itself. */
const GRACE_MS = 10;

interface ChainParts extends LookupParts {
  readonly reporter?: Reporter;
}

/** The whole answer from the cache, at once; `undefined` where a packet would have to go out for any part of it. */
export type Recall = (
  name: Name,
  type: RRType,
  options?: Pick<LookupOptions, 'stale'>,
) => Outcome | undefined;

export function makeLookup(given: LookupParts): {
  readonly lookup: Lookup;
  readonly recall: Recall;
} {
  const joined = new Joined<Settled>();
  const unattended = new Unattended();
  // What fails about a report is not reported; and a report has to arrive: no other name's proof stands in for its answer.
  const silent = { ...given, aggressive: { synthesise: () => undefined } };
  const report = (name: Name) => new Chain(silent, joined, { name, type: 'TXT' }, {}).follow();
  const isOn = given.reportErrors === 'on';
  const parts = isOn ? { ...given, reporter: new Reporter(given.clock, report) } : given;
  const begin = (name: Name, type: RRType, options: LookupOptions): Chain => {
    checkType(type);
    return new Chain(parts, joined, { name, type }, options);
  };
  const find: Lookup = async (name, type, options = {}) => {
    const { staleTerms, clock } = parts;
    if (!staleTerms) return begin(name, type, options).follow();
    const recallStale = () => begin(name, type, options).recallStale();
    const known = allowsStale(type, options) ? recallStale() : undefined;
    if (!known) return begin(name, type, { ...options, stale: 'never' }).follow();
    if (!known.stale) return known;
    const work = begin(name, type, options).follow();
    if (unattended.isFull) return work;
    const { responseMs } = staleTerms;
    const first = responseMs > 0 ? await firstWithin(work, { clock, responseMs }) : 'late';
    if (first !== 'late') return first;
    unattended.add(work);
    const stale = recallStale();
    return stale && !failed(stale) ? stale : work;
  };
  return {
    recall: (name, type, options = {}) =>
      begin(name, type, allowsStale(type, options) ? options : {}).recall(),
    lookup: async (name, type, options = {}) => {
      options.signal?.throwIfAborted();
      const work = find(name, type, options);
      return options.signal ? leaving(work, options.signal) : work;
    },
  };
}

/** A finding, until when it holds, and on what. */
type Settled = Found & {
  readonly expiresAt: number;
  readonly stand: Stand;
  readonly stale?: Stale;
};

const keyOf = ({ name, type }: Question): string => `${type} ${name.key}`;
const isSpent = ({ finding }: Pick<Found, 'finding'>): boolean =>
  finding.status === 'indeterminate' && finding.reason === 'budget-spent';

type Taken =
  | { readonly kind: 'end'; readonly outcome: Outcome }
  | { readonly kind: 'goes-on'; readonly target: Name };
const end = (outcome: Outcome): Taken => ({ kind: 'end', outcome });

/** One lookup: from the name that was asked for to the end of its aliases. */
class Chain {
  readonly #parts: ChainParts;
  readonly #joined: Joined<Settled>;
  readonly #question: Question;
  readonly #options: LookupOptions;
  readonly #job: Job;
  readonly #aliases: Alias[] = [];
  /** The first link that is not secure. */
  #weakest: Insecurity | undefined;
  readonly #negative = new Set<NegativeAnchor>();
  #expiresAt = Number.POSITIVE_INFINITY;
  /** The first link that has expired. */
  #stale: Stale | undefined;

  constructor(
    parts: ChainParts,
    joined: Joined<Settled>,
    question: Question,
    options: LookupOptions,
  ) {
    this.#parts = parts;
    this.#joined = joined;
    this.#question = question;
    this.#options = options;
    this.#job = Job.begin(parts.clock, parts.limits);
  }

  async follow(): Promise<Outcome> {
    let found = await this.#find(this.#question.name);
    for (;;) {
      if (found.kind === 'not-asked') return this.#notAsked(found);
      const taken = this.#take(this.#orStale(found));
      if (taken.kind === 'end') return taken.outcome;
      found = await this.#findBehind(taken.target, found);
    }
  }

  /** The same from the cache alone. */
  recall(): Outcome | undefined {
    return this.#recallAll((question) => {
      const found = this.#recall(question);
      return found && this.#orStale(found);
    });
  }

  /** The same, each link as it holds or, where none does, as it has held. */
  recallStale(): Outcome | undefined {
    return this.#recallAll((question) => {
      const found = this.#recall(question);
      return found ? this.#orStale(found) : this.#recallExpired(question);
    });
  }

  #recallAll(recall: (question: Question) => Settled | undefined): Outcome | undefined {
    let { name } = this.#question;
    for (;;) {
      const found = recall({ name, type: this.#question.type });
      if (!found) return undefined;
      const taken = this.#take(found);
      if (taken.kind === 'end') return taken.outcome;
      name = taken.target;
    }
  }

  /** Takes one finding in: the chain ends with it, or goes on at the target of an alias. */
  #take({ finding, zone, expiresAt, stale }: Settled): Taken {
    this.#expiresAt = Math.min(this.#expiresAt, expiresAt);
    this.#stale ??= stale;
    if (failed(finding)) return end(this.#fail(finding));
    if (finding.status === 'insecure') this.#weakest ??= insecurityOf(finding);
    if (finding.found.kind === 'records') {
      const { rrset, others = [] } = finding.found;
      const failure = blocked([rrset, ...others], zone, this.#parts.private);
      if (failure) return end(this.#fail(failure));
    }
    if (finding.found.kind !== 'alias') return end(this.#answer(finding.found));
    const failure = this.#refuseLink(finding.found, zone);
    if (failure) return end(this.#fail(failure));
    const alias = aliasOf(finding.found, finding.status);
    if (this.#question.type === 'CNAME') return end(this.#endInCname(alias));
    this.#aliases.push(alias);
    return { kind: 'goes-on', target: alias.target };
  }

  /** The CNAME that a DNAME stands for is what was asked for: it is not followed (RFC 6672 section 3.2). */
  #endInCname(alias: Alias): Outcome {
    const [rrset, ...above] = [...alias.records].reverse();
    if (!rrset) throw new RangeError('an alias without records');
    this.#aliases.push({ ...alias, records: above.reverse() });
    return this.#answer({ kind: 'records', rrset, proof: [] });
  }

  /** Loops and chains that no honest zone needs. */
  #refuseLink({ owner, target }: Link, zone: Name): Failure | undefined {
    const before = [owner, ...this.#aliases.map((alias) => alias.owner)];
    if (before.some((name) => name.equals(target))) {
      const fault = { zone, owner, type: 'CNAME' } as const;
      return { status: 'indeterminate', reason: 'alias-loop', fault };
    }
    if (this.#aliases.length < this.#job.budget.limits['alias-links']) return undefined;
    this.#job.budget.exceed('alias-links');
    return spent(zone, owner, 'CNAME', 'alias-links');
  }

  async #findBehind(target: Name, alias: Found): Promise<Settled | NotAsked> {
    const question = { name: target, type: this.#question.type };
    const stand = this.#standOn(question);
    if (this.#kept(question, stand)) return this.#find(target);
    const rest = await this.#inTime(target, async () => {
      const found = await this.#parts.finder.findInRest(question, alias, this.#job);
      return found && this.#keep(found, stand);
    });
    return rest ?? this.#find(target);
  }

  /** What a finding rests on that is begun now; a negative anchor among it is named in the outcome. */
  #standOn(question: Question): Stand {
    const stand = this.#parts.points.standOf(placeOf(question));
    if (stand.negative) this.#negative.add(stand.negative);
    return stand;
  }

  #kept(question: Question, stand: Stand): Kept | undefined {
    const kept = this.#parts.answers.recall(question);
    return kept && isSameStand(kept.stand, stand) ? kept : undefined;
  }

  async #find(name: Name): Promise<Settled | NotAsked> {
    const question: Question = { name, type: this.#question.type };
    const { finder } = this.#parts;
    const kept = this.#recall(question);
    if (kept) return kept;
    const stand = this.#standOn(question);
    if (this.#options.ask === 'if-signed') {
      return this.#inTime(name, async () => {
        const found = await finder.findIfSigned(question, this.#job);
        return found.kind === 'found' ? this.#keep(found, stand) : found;
      });
    }
    const search = async (): Promise<Settled> =>
      this.#keep(await finder.find(question, this.#job), stand);
    return this.#inTime(name, async () => {
      const work = this.#joined.do(keyOf(question), search);
      const found = await work.result;
      // It was somebody else's budget that ran out, or somebody has begun under other anchors.
      const isOwn = work.own || (!isSpent(found) && isSameStand(found.stand, stand));
      if (isOwn) return found;
      // Who asked just this has had the answer for five seconds; those who waited with him try once more together.
      return this.#recall(question) ?? this.#joined.do(keyOf(question), search).result;
    });
  }

  /** Others' work that was joined, here or further down, ends by their deadline: this one's may come before. */
  #inTime<T>(name: Name, work: () => Promise<T>): Promise<T | Settled> {
    const ms = Math.max(0, this.#job.leftMs) + GRACE_MS;
    return inTime(work(), { clock: this.#parts.clock, ms, late: () => this.#late(name) });
  }

  #late(name: Name): Settled {
    const { type } = this.#question;
    this.#job.budget.exceed('wall-clock');
    const finding = spent(name, name, type, 'wall-clock');
    const question: Question = { name, type };
    const expiresAt = this.#parts.clock.now();
    const stand = this.#standOn(question);
    return { kind: 'found', question, finding, zone: name, source: undefined, expiresAt, stand };
  }

  /** What the cache says. */
  #recall(question: Question): Settled | undefined {
    const stand = this.#standOn(question);
    const kept = this.#kept(question, stand);
    if (!kept) return stand.negative ? undefined : this.#synthesise(question, stand);
    this.#job.trace.push(stepOf(question, kept.finding, kept.zone, stand.negative));
    return { kind: 'found', question, ...kept, source: undefined };
  }

  /**
   * What proofs that are kept say of a question that was never asked. An absence is made anew each time: kept, a flood of
   * names would push out what was asked for.
   */
  #synthesise(question: Question, stand: Stand): Settled | undefined {
    const made = this.#parts.aggressive.synthesise(question, this.#job);
    return made && (isAbsence(made.finding) ? { ...made, stand } : this.#keep(made, stand));
  }

  /** A failure makes way for what was known before, if that may be served. */
  #orStale(found: Settled): Settled {
    if (this.#options.stale !== 'allowed' || !failed(found.finding)) return found;
    return this.#recallExpired(found.question, found.finding) ?? found;
  }

  #recallExpired(question: Question, failure?: Failure): Settled | undefined {
    const stand = this.#standOn(question);
    const known = recallExpired(question, this.#parts, stand, failure);
    if (!known) return undefined;
    this.#job.trace.push(stepOf(question, known.finding, known.zone, stand.negative));
    return { kind: 'found', question, ...known, source: undefined, stand };
  }

  /** Puts a finding into the cache, with the time until which it holds. */
  #keep(found: Found, stand: Stand): Settled {
    const { answers, failures, clock, ttls, unaffordable } = this.#parts;
    const { question, zone } = found;
    const key = keyOf(question);
    const { finding, expiresAt } = failed(found.finding)
      ? { finding: found.finding, expiresAt: this.#retryAt(found, found.finding) }
      : lasting(found.finding, cutShort(ttls, stand.negative, clock.now()), clock.now());
    if (!failed(finding)) failures.succeeded(key);
    else this.#parts.reporter?.report(found);
    // What a question could not afford as the target of another one's aliases it may afford by itself.
    const isOwn = unaffordable === 'kept' && question.name.equals(this.#question.name);
    if (!isSpent(found) || isOwn) answers.keep(question, { finding, zone, expiresAt, stand });
    const { source, until } = found;
    return { kind: 'found', question, finding, zone, source, until, expiresAt, stand };
  }

  #retryAt({ question, source, until = Number.POSITIVE_INFINITY }: Found, failure: Failure) {
    const { failures, answers, staleTerms } = this.#parts;
    const key = keyOf(question);
    // Those who get what has expired can wait, and the servers are spared.
    const recheckMs = staleTerms && answers.recallStale(question) && staleTerms.recheckMs;
    if (recheckMs !== undefined) return failures.retryAt(key, failure, { recheckMs });
    const ttls = source?.reply.answer.map(({ ttl }) => ttl) ?? [];
    return Math.min(until, failures.retryAt(key, failure, { ttl: Math.min(...ttls) }));
  }

  get #base() {
    const { steps: trace, spent } = this.#job;
    const question = this.#question;
    const aliases = this.#aliases;
    const expiresAt = this.#expiresAt;
    if (this.#negative.size === 0 && !this.#stale)
      return { question, aliases, trace, spent, expiresAt };
    return {
      question,
      aliases,
      trace,
      spent,
      ...(this.#negative.size > 0 && { negativeAnchors: [...this.#negative] }),
      ...(this.#stale && { stale: this.#stale }),
      expiresAt,
    };
  }

  #answer(answer: Exclude<Extract<Finding, { status: 'secure' }>['found'], Link>): Outcome {
    return this.#weakest
      ? { ...this.#base, status: 'insecure', answer, ...this.#weakest }
      : { ...this.#base, status: 'secure', answer };
  }

  #notAsked(found: NotAsked): Outcome {
    const until = this.#parts.clock.now() + found.ttl * 1000;
    this.#expiresAt = Math.min(this.#expiresAt, until);
    return {
      ...this.#base,
      status: 'insecure',
      answer: { kind: 'not-asked' },
      ...(this.#weakest ?? insecurityOf(found)),
    };
  }

  #fail(failure: Failure): Outcome {
    return failure.status === 'bogus'
      ? { ...this.#base, status: 'bogus', reason: failure.reason, fault: failure.fault }
      : { ...this.#base, status: 'indeterminate', reason: failure.reason, fault: failure.fault };
  }
}

const aliasOf = (
  { owner, target, records, proof }: Link,
  status: 'secure' | 'insecure',
): Alias => ({ owner, target, status, records, proof });
