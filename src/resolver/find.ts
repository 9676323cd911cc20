/**
 * One question found in one zone and judged there: the walk, the zone's trust, the verdict, the cuts that were missed.
 *
 * After a failure the question is asked once more where that may help, which tells a bad server from a bad zone.
 * Does not: follow aliases, or cache (see lookup.ts).
 * @module
 */
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { Policy } from '../dnssec/context.ts';
import { checkDelegation, type Delegation } from '../dnssec/delegation.ts';
import { type Finding, type Judgement, judge } from '../dnssec/judge.ts';
import {
  type Failure,
  type Fault,
  failed,
  type Insecurity,
  insecurityOf,
} from '../dnssec/outcome.ts';
import type { ZoneTrust } from '../dnssec/verify.ts';
import type { Clock } from '../environment.ts';
import { capped } from './ageing.ts';
import { contextOf } from './context.ts';
import type { Denials } from './denials.ts';
import type { Job } from './job.ts';
import { looksSecure, looksSigned } from './looks.ts';
import type { AskedDs } from './missed-cuts.ts';
import type { Renew } from './renew.ts';
import type { Scrubbed } from './scrub.ts';
import { serverKey } from './server-address.ts';
import { placeOf, stepOf } from './step.ts';
import type { Trust } from './trust.ts';
import { suspended, type TrustPoints } from './trust-points.ts';
import type { Arrival, Walk } from './walk.ts';
import type { ZoneCut } from './zone.ts';

/** A judged question. */
export interface Found {
  readonly kind: 'found';
  readonly question: Question;
  readonly finding: Finding;
  readonly zone: Name;
  /** The reply that was judged, and where: below an alias it may hold more. */
  readonly source: { readonly cut: ZoneCut; readonly reply: Scrubbed } | undefined;
  /** Of a failure that lies in a zone's trust: when that is tried again, on the Clock's scale. */
  readonly until?: number | undefined;
}
/** The zone is proved unsigned, and the question was for signed zones only. */
export interface NotAsked extends Insecurity {
  readonly kind: 'not-asked';
  /** Seconds for which the zone is known to be unsigned. */
  readonly ttl: number;
}

export interface FindParts {
  readonly walk: Walk;
  readonly trust: Trust;
  /** What is proved absent, for other questions. */
  readonly denials: Denials;
  readonly points: TrustPoints;
  readonly renew: Renew;
  readonly clock: Clock;
  readonly policy: Policy;
}

export class Finder {
  readonly #parts: FindParts;

  constructor(parts: FindParts) {
    this.#parts = parts;
  }

  async find(question: Question, job: Job): Promise<Found> {
    const known = question.type === 'DS' ? await this.#dsOfKnown(question, job) : undefined;
    if (known) return known;
    const first = await this.#once(question, job);
    if (!failed(first.finding) || !this.#preparesRetry(question, first.finding, job)) return first;
    const second = await this.#once(question, job);
    if (!failed(second.finding)) return second;
    this.#renew(question, second.finding, job); // there may have been two forgeries, one behind the other
    return first;
  }

  /** The same, but only where the delegation shows a signed zone. */
  async findIfSigned(question: Question, job: Job): Promise<Found | NotAsked> {
    const first = await this.#onceIfSigned(question, job);
    if (first.kind === 'not-asked' || !failed(first.finding)) return first;
    if (!this.#preparesRetry(question, first.finding, job)) return first;
    const second = await this.#onceIfSigned(question, job);
    if (second.kind === 'not-asked' || !failed(second.finding)) return second;
    this.#renew(question, second.finding, job);
    return first;
  }

  async #onceIfSigned(question: Question, job: Job): Promise<Found | NotAsked> {
    const { points, walk } = this.#parts;
    const place = placeOf(question);
    const arrival = await walk.to(question, job, {
      onCut: (cut) => this.#startTrust(cut, job),
      mayAsk: (cut) => !points.negativeFor(place) && looksSecure(cut, this.#parts),
    });
    if (arrival.kind !== 'not-asked') return this.#conclude(question, arrival, job);
    const zone = await this.#trustFor(place, arrival.cut, job);
    const anchored = this.#anchoredBelow(arrival.cut, place);
    if (zone.status === 'insecure' && !anchored)
      return { kind: 'not-asked', ...insecurityOf(zone), ttl: zone.ttl };
    if (failed(zone) && !anchored) return this.#found(question, zone, arrival.cut, job);
    return this.find(question, job); // its DS did not come with the referral
  }

  /**
   * What the rest of a reply says about the target of an alias in it, if the reply proves it; else `undefined`, and the
   * target has to be asked for.
   */
  async findInRest(question: Question, alias: Found, job: Job): Promise<Found | undefined> {
    const { trust, walk } = this.#parts;
    const place = placeOf(question);
    const { source } = alias;
    if (!source) return undefined;
    const cut = walk.closest(place);
    const isSame = cut.name.equals(source.cut.name);
    // Who serves both zones may have told all at once. Nobody need believe him: it is proved or it is not used.
    const reply = isSame ? source.reply : source.reply.elsewhere;
    if (cut.name.isRoot || (reply.answer.length === 0 && reply.authority.length === 0))
      return undefined;
    const zone = await this.#trustFor(place, cut, job);
    // Where nothing is proved, one forged packet would otherwise speak of any name in the zone, by an alias to it.
    if (zone.status !== 'secure' || trust.missed.anchored(cut, place)) return undefined;
    const judgement = judge(question, reply, cut.name, zone, contextOf(this.#parts, job));
    if (judgement.kind !== 'settled' || failed(judgement.finding)) {
      await trust.missed.noteUnsigned(cut, place, reply.authority, job);
      return undefined;
    }
    if (!isSame && judgement.finding.status !== 'secure') return undefined;
    this.#parts.denials.keep(cut.name, zone, judgement.finding);
    return this.#found(question, judgement.finding, cut, job, source.reply);
  }

  /** The DS of a zone that was referred to, or that it has none: the parent has said so, and it need not be asked again. */
  async #dsOfKnown(question: Question, job: Job): Promise<Found | undefined> {
    const { walk, trust, points } = this.#parts;
    const cut = walk.closest(question.name);
    if (points.negativeFor(placeOf(question))) return undefined;
    if (cut.known !== 'by-referral' || !cut.parent || !cut.name.equals(question.name))
      return undefined;
    const above = await trust.of(cut.parent, job);
    if (above.status !== 'secure') return undefined;
    const context = contextOf(this.#parts, job);
    const delegation = checkDelegation(cut.name, cut.evidence, above.keys, context);
    const finding = findingOf(delegation);
    if (!finding) return undefined;
    const left = Math.floor((cut.expiresAt - this.#parts.clock.now()) / 1000);
    return this.#found(question, capped(finding, Math.max(0, left)), cut.parent, job);
  }

  async #once(question: Question, job: Job): Promise<Found> {
    const arrival = await this.#parts.walk.to(question, job, {
      onCut: (cut) => this.#startTrust(cut, job),
      settles: (cut, reply) => this.#isAbsent(question, cut, reply, job),
    });
    return this.#conclude(question, arrival, job);
  }

  /** The zone's keys are asked for beside the next step down; nobody waits for them yet. */
  #startTrust(cut: ZoneCut, job: Job): void {
    if (looksSigned(cut, this.#parts.points)) void this.#parts.trust.of(cut, job);
  }

  /** RFC 8020: what is proved absent has nothing below it. The proof for a shorter name is one for the longer. */
  async #isAbsent(question: Question, cut: ZoneCut, reply: Scrubbed, job: Job): Promise<boolean> {
    const zone = await this.#parts.trust.of(cut, job);
    if (zone.status !== 'secure') return false;
    const context = contextOf(this.#parts, job);
    const judgement = judge(question, reply, cut.name, zone, context);
    if (judgement.kind !== 'settled') return false;
    const { finding } = judgement;
    this.#parts.denials.keep(cut.name, zone, finding);
    return finding.status === 'secure' && finding.found.kind === 'nxdomain';
  }

  async #conclude(question: Question, arrival: Arrival, job: Job): Promise<Found> {
    switch (arrival.kind) {
      case 'not-asked':
        throw new RangeError('a question that may be asked was not'); // `mayAsk` was not given
      case 'unreachable':
        return this.#found(question, arrival.failure, arrival.cut, job);
      case 'arrived': {
        const { reply } = arrival;
        const { finding, cut } = await this.#judge(question, arrival, job);
        if (arrival.sender === 'assumed' && isUnprovedDname(finding)) {
          const again = await this.#parts.walk.surely(question, arrival.cut, job);
          return this.#conclude(question, again, job);
        }
        return this.#found(question, finding, cut, job, reply);
      }
    }
  }

  /** Judges a reply in the zone that it came from, or in a lower one that the walk did not see. */
  async #judge(
    question: Question,
    { cut: start, reply, server }: Extract<Arrival, { kind: 'arrived' }>,
    job: Job,
  ): Promise<{ finding: Finding; cut: ZoneCut }> {
    const { trust } = this.#parts;
    const place = placeOf(question);
    const asked: AskedDs = new Map();
    for (let cut = start; ; ) {
      const zone = await this.#trustFor(place, cut, job);
      // A secure zone may deny what an anchor is for; what it cannot speak of, it leaves to the anchor.
      const anchored = this.#anchoredBelow(cut, place);
      if (anchored && zone.status !== 'secure') {
        cut = anchored;
        continue;
      }
      const first = judge(question, reply, cut.name, zone, contextOf(this.#parts, job));
      const judgement = lacksKey(first)
        ? await this.#judgeByItsKeys(question, { cut, reply, server }, first, job)
        : first;
      if (judgement.kind === 'settled') {
        this.#parts.denials.keep(cut.name, zone, judgement.finding);
        if (judgement.finding.status === 'secure' || !anchored)
          return { finding: judgement.finding, cut };
        cut = anchored;
        continue;
      }
      const missed = await trust.missed.find(cut, judgement.towards, asked, job);
      if (missed.kind === 'none') return { finding: judgement.otherwise, cut };
      if (missed.kind === 'failed') return { finding: missed.failure, cut };
      // What other servers said of the names below is not this zone's word.
      if (missed.cut.known !== 'by-probe' || missed.cut.parent !== cut) asked.clear();
      cut = missed.cut; // strictly below the last one, so this ends
    }
  }

  /**
   * A key that is missing may be published by the one who signed with it: providers that share a zone may be slow to
   * publish each other's keys (RFC 8901 section 2). So his key set is asked for, once.
   */
  async #judgeByItsKeys(
    question: Question,
    { cut, reply, server }: Pick<Extract<Arrival, { kind: 'arrived' }>, 'cut' | 'reply' | 'server'>,
    first: Lacking,
    job: Job,
  ): Promise<Judgement> {
    const { zone, servers } = await this.#parts.trust.withKeysAt(cut, server, job);
    if (!zone) return first;
    const second = judge(question, reply, cut.name, zone, contextOf(this.#parts, job));
    if (!lacksKey(second)) return second;
    const { finding } = second;
    return {
      kind: 'settled',
      finding: { ...finding, fault: { ...finding.fault, servers } },
    };
  }

  /**
   * Whether asking once more may bring something better: of other servers, of a forwarder that checks, or of those that
   * a fresh referral names. A forged one leads to servers that are silent or prove nothing, and must not live for its TTL.
   */
  #preparesRetry(question: Question, failure: Failure, job: Job): boolean {
    const { walk, trust } = this.#parts;
    const { fault, reason, status } = failure;
    const cut = walk.closest(fault.zone);
    const suspects = [walk.closest(fault.owner), walk.closest(placeOf(question))];
    // His own keys were the try that this failure gets. What is left to ask is another server for the records: where the
    // zone lies and what its keys are is known, from all who have a part in it.
    const areKeysTried = fault.servers !== undefined;
    const isRenewed = this.#renew(question, failure, job, areKeysTried ? 'only-old' : 'all');
    if (reason === 'budget-spent') return false;
    const hasOthers =
      status === 'bogus' && cut.name.equals(fault.zone) && this.#hasOthers(cut, fault, job);
    if (!(hasOthers || isRenewed) || !job.takeRetry()) return false;
    if (!hasOthers) return true;
    if (cut.role === 'forwarder') job.checking = 'enabled';
    else job.avoidRepliers(fault);
    if (areKeysTried && !isRenewed) return true;
    // What is believed of the zones below rests on what was believed of this one.
    for (const suspect of suspects)
      for (let at: ZoneCut | undefined = suspect; at?.name.isAtOrBelow(cut.name); at = at.parent)
        trust.forget(at);
    return true;
  }

  #renew(
    question: Question,
    { fault }: Failure,
    { startedAt: since }: Job,
    which: 'all' | 'only-old' = 'all',
  ): boolean {
    return this.#parts.renew(placeOf(question), fault, { since, which });
  }

  /** Servers of the zone that had no part in the fault, if any had; for a forwarder, another way of asking. */
  #hasOthers(cut: ZoneCut, fault: Fault, job: Job): boolean {
    if (cut.role === 'forwarder') return job.checking === 'disabled';
    const atFault = job.repliersFor(fault);
    return (
      atFault.size > 0 &&
      cut.nameservers.some(
        ({ addresses }) =>
          addresses.length === 0 || addresses.some((server) => !atFault.has(serverKey(server))),
      )
    );
  }

  /** The trust under which a reply about `place` is read: that of the zone, unless validation is switched off there. */
  #trustFor(place: Name, cut: ZoneCut, job: Job): ZoneTrust | Promise<ZoneTrust> {
    const { points, trust, clock } = this.#parts;
    const negative = points.negativeFor(place);
    return negative ? suspended(negative, clock.now()) : trust.of(cut, job);
  }

  /** A trust anchor between the zone and the name; none counts where a negative one covers the name. */
  #anchoredBelow(cut: ZoneCut, place: Name): ZoneCut | undefined {
    const { points, trust } = this.#parts;
    return points.negativeFor(place) ? undefined : trust.missed.anchored(cut, place);
  }

  #found(question: Question, finding: Finding, cut: ZoneCut, job: Job, reply?: Scrubbed): Found {
    const negative = this.#parts.points.negativeFor(placeOf(question));
    job.trace.push(stepOf(question, finding, cut.name, negative));
    const until = failed(finding) ? this.#parts.trust.until(cut, finding) : undefined;
    const source = reply && { cut, reply };
    return { kind: 'found', question, finding, zone: cut.name, source, until };
  }
}

/** One datagram would speak of a whole tree (CVE-2025-40778): what nothing proves has to come from the server itself. */
const isUnprovedDname = (finding: Finding): boolean =>
  finding.status === 'insecure' &&
  finding.found.kind === 'alias' &&
  finding.found.records.some(({ type }) => type === 'DNAME');

type Lacking = Extract<Judgement, { kind: 'settled' }> & { readonly finding: Bogus };
type Bogus = Extract<Failure, { status: 'bogus' }>;
const lacksKey = (judgement: Judgement): judgement is Lacking =>
  judgement.kind === 'settled' &&
  judgement.finding.status === 'bogus' &&
  judgement.finding.reason === 'signing-key-missing';

/** What a delegation says to a question for DS; `undefined` where the parent has to be asked. */
function findingOf(delegation: Delegation): Finding | undefined {
  switch (delegation.kind) {
    case 'signed': {
      const { ds } = delegation;
      const found = { kind: 'records', rrset: ds, proof: [] } as const;
      return { status: 'secure', found, ttl: ds.ttl };
    }
    case 'unsigned': {
      const { proof, ttl, reason, cause } = delegation;
      const found = { kind: 'nodata', proof } as const;
      return reason === 'no-ds-proven'
        ? { status: 'secure', found, ttl }
        : { status: 'insecure', found, ttl, reason, cause };
    }
    case 'not-a-cut':
    case 'nothing-below':
    case 'silent':
    case 'failed':
      return undefined;
  }
}
