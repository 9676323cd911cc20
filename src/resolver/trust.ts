/**
 * The chain of trust, pulled from below: a zone's trust is its parent's trust, its DS, and its own DNSKEY RRset.
 *
 * Implements the fetching that RFC 4035 section 5 asks for; whether the records are true is dnssec/delegation.ts's to
 * say. A zone's keys are asked for before its parent has vouched for it, and read only afterwards. Trust only ever
 * waits for the trust of a parent and for packets, so no circle is possible.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { hex } from '../dns/radix.ts';
import { decode } from '../dns/rdata.ts';
import { findRRset, type RRset } from '../dns/rrset.ts';
import { type Anchor, type Anchors, closestAnchor } from '../dnssec/anchors.ts';
import type { Policy } from '../dnssec/context.ts';
import {
  bogus,
  checkDelegation,
  checkKeys,
  type Delegation,
  evidenceIn,
  keysDetail,
  type Trusted,
} from '../dnssec/delegation.ts';
import type { KeyName } from '../dnssec/detail.ts';
import { parseDnsKey } from '../dnssec/dnskey.ts';
import type { NegativeAnchor } from '../dnssec/negative-anchors.ts';
import { type Failure, failed } from '../dnssec/outcome.ts';
import type { ZoneKeys, ZoneTrust } from '../dnssec/verify.ts';
import type { Clock, ServerAddress } from '../environment.ts';
import type { Ask, Reply } from './ask.ts';
import type { Cache } from './cache.ts';
import { contextOf } from './context.ts';
import { servedBy } from './cut.ts';
import type { Failures } from './failures.ts';
import { compactTrust, compactTrusted } from './held-trust.ts';
import type { Job } from './job.ts';
import { MissedCuts } from './missed-cuts.ts';
import { ownFailure } from './own.ts';
import { suspended, type TrustPoints } from './trust-points.ts';
import type { Walk } from './walk.ts';
import type { ZoneCut } from './zone.ts';

export interface TrustParts {
  readonly ask: Ask;
  readonly points: TrustPoints;
  /** Finds the parent of a zone whose servers are configured: no referral has shown it. */
  readonly walk: Walk;
  readonly cuts: Cache<ZoneCut>;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly failures: Failures;
}

interface Held {
  readonly trust: ZoneTrust;
  readonly since: number;
  readonly until: number;
  /** Those it rests on: a revoked one must not live on in what it vouched for. */
  readonly anchors: Anchors;
}

/** How a zone's keys came to be believed. */
interface Origin {
  readonly trusted: Trusted;
  /** The servers that gave key sets, by address. */
  readonly servers: readonly string[];
}

interface UnderWay {
  readonly work: Promise<ZoneTrust>;
  readonly anchors: Anchors;
}

export class Trust {
  readonly missed: MissedCuts;
  readonly #parts: TrustParts;
  readonly #held = new WeakMap<ZoneCut, Held>();
  readonly #underWay = new WeakMap<ZoneCut, UnderWay>();
  readonly #origins = new WeakMap<ZoneTrust, Origin>();

  constructor(parts: TrustParts) {
    this.#parts = parts;
    this.missed = new MissedCuts(parts, (cut, job) => this.of(cut, job));
  }

  /** What is believed about the zone of `cut`. Never rejects. */
  async of(cut: ZoneCut, job: Job): Promise<ZoneTrust> {
    const { points, clock } = this.#parts;
    const negative = points.negativeFor(cut.name);
    if (negative) return note(job, cut, suspended(negative, clock.now()), { negative });
    const held = this.held(cut);
    if (held) return held;
    const shared = await this.#joined(cut);
    if (shared && !isSpent(shared)) return shared;
    // Somebody else's budget may have run out; another one who found so may have begun anew meanwhile.
    const again = shared && (await this.#joined(cut));
    if (again && !isSpent(again)) return again;
    return this.#begin(cut, job);
  }

  /** What has been worked out about the zone of `cut` and still holds, negative anchors left aside. */
  held(cut: ZoneCut): ZoneTrust | undefined {
    const { points, clock } = this.#parts;
    const held = this.#held.get(cut);
    const now = clock.now();
    // Of a time that is still to come: the clock was put back since.
    const holds = held !== undefined && held.until > now && held.since <= now;
    return holds && held.anchors === points.anchors ? held.trust : undefined;
  }

  #joined(cut: ZoneCut): Promise<ZoneTrust> | undefined {
    const underWay = this.#underWay.get(cut);
    return underWay?.anchors === this.#parts.points.anchors ? underWay.work : undefined;
  }

  /** So that the next one who asks has it worked out anew. */
  forget(cut: ZoneCut): void {
    this.#held.delete(cut);
  }

  /**
   * Until when a failure is remembered that is one of the trust of `cut` or of a zone above; `undefined` for any other.
   * What follows from it is remembered no longer: else each zone on the way down would begin the time anew.
   */
  until(cut: ZoneCut, failure: Failure): number | undefined {
    for (let at: ZoneCut | undefined = cut; at; at = at.parent) {
      const held = this.#held.get(at);
      if (held?.trust === failure) return held.until;
    }
    return undefined;
  }

  #begin(cut: ZoneCut, job: Job): Promise<ZoneTrust> {
    const { anchors } = this.#parts.points;
    const work = this.#establish(cut, job).then((established) => {
      // One that comes from above is owned already, and stays the same object.
      const trust = failed(established) ? ownFailure(established) : established;
      const since = this.#parts.clock.now();
      this.#held.set(cut, { trust, since, until: this.#until(cut, trust), anchors });
      if (this.#underWay.get(cut)?.work === work) this.#underWay.delete(cut);
      return trust;
    });
    this.#underWay.set(cut, { work, anchors });
    return work;
  }

  #until(cut: ZoneCut, trust: ZoneTrust): number {
    const { clock, failures } = this.#parts;
    const key = `trust ${cut.name.key}`;
    if (failed(trust) && isSpent(trust)) return 0;
    if (failed(trust))
      return (cut.parent && this.until(cut.parent, trust)) ?? failures.retryAt(key, trust);
    // A negative anchor that was set above while this was under way: it is looked for anew each time.
    if (trust.status === 'insecure' && trust.reason === 'negative-trust-anchor') return 0;
    failures.succeeded(key);
    return Math.min(cut.expiresAt, clock.now() + trust.ttl * 1000);
  }

  async #establish(cut: ZoneCut, job: Job): Promise<ZoneTrust> {
    const { anchors } = this.#parts.points;
    const anchor = anchors.get(cut.name.key);
    if (anchor) return this.#keysOf(cut, trustedBy(anchor), job);
    if (!closestAnchor(anchors, cut.name)) return note(job, cut, NO_ANCHOR);
    const { evidence, parent: above } = cut;
    const place = above ? { evidence, parent: above } : await this.#findPlace(cut, job);
    if ('failure' in place) return note(job, cut, place.failure);
    const dnskey = cut.showsDs ? this.#askKeys(cut, job) : undefined;
    // An anchor between parent and child, where one server answers for both, starts a chain of its own.
    for (let parent = this.missed.anchored(place.parent, cut.name) ?? place.parent; ; ) {
      const above = await this.of(parent, job);
      if (above.status !== 'secure') return above;
      const context = contextOf(this.#parts, job);
      const found = checkDelegation(cut.name, place.evidence, above.keys, context);
      if (!isDoubtful(found)) return this.#settle(cut, parent, found, { job, dnskey });
      // Servers of the parent may serve a zone between as well, whose referral this was: uk, co.uk, example.co.uk.
      const between = await this.missed.find(parent, cut.name.parent, new Map(), job);
      if (between.kind === 'failed') return note(job, cut, between.failure);
      if (between.kind === 'none')
        return this.#askOutright(cut, parent, above.keys, { job, dnskey });
      parent = between.cut; // strictly below the last one and above the child, so this ends
    }
  }

  /** What came with the referral was forged, stripped or left out: the parent is asked for the DS, once. */
  async #askOutright(
    cut: ZoneCut,
    parent: ZoneCut,
    keys: ZoneKeys,
    { job, dnskey }: { job: Job; dnskey: Promise<Reply> | undefined },
  ): Promise<ZoneTrust> {
    const reply = await this.#askDs(parent, cut.name, job);
    if (reply.kind === 'unreachable') return note(job, cut, reply.failure);
    const evidence = evidenceIn(reply.reply, cut.name);
    const found = checkDelegation(cut.name, evidence, keys, contextOf(this.#parts, job));
    return this.#settle(cut, parent, found, { job, dnskey });
  }

  /** The parent of a zone whose servers are configured, and what it says of the zone. */
  async #findPlace(
    { name }: ZoneCut,
    job: Job,
  ): Promise<(Pick<ZoneCut, 'evidence'> & { parent: ZoneCut }) | { failure: Failure }> {
    const arrival = await this.#parts.walk.to({ name, type: 'DS' }, job);
    switch (arrival.kind) {
      case 'arrived':
        return { parent: arrival.cut, evidence: evidenceIn(arrival.reply, name) };
      case 'unreachable':
        return { failure: arrival.failure };
      case 'not-asked':
        throw new RangeError('a question that may be asked was not'); // `mayAsk` was not given
    }
  }

  #settle(
    cut: ZoneCut,
    parent: ZoneCut,
    found: Delegation,
    { job, dnskey }: { job: Job; dnskey: Promise<Reply> | undefined },
  ): ZoneTrust | Promise<ZoneTrust> {
    switch (found.kind) {
      case 'signed': {
        const trusted: Trusted = { ds: found.ds.rdata, keys: [], ttl: found.ds.ttl };
        return this.#keysOf(cut, trusted, job, dnskey);
      }
      case 'unsigned':
        return note(job, cut, compactTrust(cut.name, unsignedBy(found)));
      case 'not-a-cut':
      case 'nothing-below':
        return note(job, cut, bogus(parent.name, cut.name, 'DS', 'referral-forged'));
      case 'silent': // silence is never insecure
        return note(job, cut, bogus(parent.name, cut.name, 'DS', 'ds-unproven'));
      case 'failed':
        return note(job, cut, found.failure);
    }
  }

  async #keysOf(
    cut: ZoneCut,
    trusted: Trusted,
    job: Job,
    dnskey = this.#askKeys(cut, job),
  ): Promise<ZoneTrust> {
    const reply = await dnskey;
    if (reply.kind === 'unreachable') return note(job, cut, reply.failure);
    const set = findRRset(reply.reply.answer, cut.name, 'DNSKEY');
    const trust = checkKeys(cut.name, trusted, set, contextOf(this.#parts, job));
    const detail = trust.status === 'bogus' ? keysDetail(trusted, set) : undefined;
    const isStripped =
      cut.role === 'forwarder' && trust.status === 'bogus' && !set?.signatures.length;
    if (isStripped)
      return note(job, cut, bogus(cut.name, cut.name, 'DNSKEY', 'signatures-stripped', { detail }));
    if (trusted.ttl === Number.POSITIVE_INFINITY && isSignedByOthers(trust, set))
      return note(job, cut, bogus(cut.name, cut.name, 'DNSKEY', 'anchor-outdated', { detail }));
    const kept = compactTrust(cut.name, trust);
    this.#origins.set(kept, { trusted: compactTrusted(trusted), servers: [reply.server.ip] });
    note(job, cut, trust, { trusted });
    return kept;
  }

  /**
   * The trust of a secure zone with the keys that one of its servers publishes beside those of the others: RFC 8901. The
   * DS records vouch for each key set alone, so together they are no weaker.
   *
   * @returns no `zone` where that server adds nothing; and the servers whose key sets are known then
   */
  async withKeysAt(
    cut: ZoneCut,
    server: ServerAddress,
    job: Job,
  ): Promise<{ zone: ZoneTrust | undefined; servers: readonly string[] }> {
    const before = await this.of(cut, job);
    const origin = this.#origins.get(before);
    if (before.status !== 'secure' || !origin || origin.servers.includes(server.ip))
      return { zone: undefined, servers: origin?.servers ?? [] };
    const servers = [...origin.servers, server.ip];
    const only = servedBy(cut, [{ host: cut.name, addresses: [server] }]);
    const reply = await this.#askKeys(only, job);
    if (reply.kind === 'unreachable') return { zone: undefined, servers };
    const set = findRRset(reply.reply.answer, cut.name, 'DNSKEY');
    const theirs = checkKeys(cut.name, origin.trusted, set, contextOf(this.#parts, job));
    const zone =
      theirs.status === 'secure' ? compactTrust(cut.name, joinKeys(before, theirs)) : before;
    this.#origins.set(zone, { trusted: origin.trusted, servers });
    const held = this.#held.get(cut);
    if (held?.trust === before)
      this.#held.set(cut, { ...held, trust: zone, until: this.#soonest(held, zone) });
    return { zone: note(job, cut, zone, { trusted: origin.trusted }), servers };
  }

  /** What was joined to it ends it, if it ends sooner. */
  #soonest({ until }: Held, zone: ZoneTrust): number {
    return failed(zone) ? until : Math.min(until, this.#parts.clock.now() + zone.ttl * 1000);
  }

  #askKeys(cut: ZoneCut, job: Job): Promise<Reply> {
    return this.#parts.ask(cut, { name: cut.name, type: 'DNSKEY' }, job.fetch());
  }

  #askDs(parent: ZoneCut, child: Name, job: Job): Promise<Reply> {
    return this.#parts.ask(parent, { name: child, type: 'DS' }, job.fetch());
  }
}

const NO_ANCHOR = {
  status: 'insecure',
  reason: 'no-trust-anchor',
  ttl: Number.POSITIVE_INFINITY,
} as const satisfies ZoneTrust;

const unsignedBy = ({
  reason,
  cause,
  ttl,
}: Extract<Delegation, { kind: 'unsigned' }>): ZoneTrust => ({
  status: 'insecure',
  reason,
  cause,
  ttl,
});

type SecureTrust = Extract<ZoneTrust, { status: 'secure' }>;

function joinKeys(a: SecureTrust, b: SecureTrust): SecureTrust {
  const known = new Set(a.keys.keys.map(({ rdata }) => hex.print(rdata)));
  const more = b.keys.keys.filter(({ rdata }) => !known.has(hex.print(rdata)));
  const keys = { zone: a.keys.zone, keys: [...a.keys.keys, ...more] };
  return { status: 'secure', keys, ttl: Math.min(a.ttl, b.ttl) };
}

/** The evidence does not prove anything, but it may not be the parent's last word. */
const isDoubtful = (found: Delegation): boolean =>
  found.kind === 'silent' || (found.kind === 'failed' && found.failure.status === 'bogus');

const isSpent = (trust: ZoneTrust): boolean =>
  trust.status === 'indeterminate' && trust.reason === 'budget-spent';

/** There are signatures, but none by a key that was named. */
const isSignedByOthers = (trust: ZoneTrust, set: RRset | undefined): boolean =>
  trust.status === 'bogus' &&
  (trust.reason === 'dnskey-missing' || trust.reason === 'dnskey-unsigned') &&
  set !== undefined &&
  set.signatures.length > 0;

const trustedBy = ({ ds, keys }: Anchor): Trusted => ({
  ds,
  keys,
  ttl: Number.POSITIVE_INFINITY,
});

/** Puts the zone's place in the chain into the trace. */
function note(
  job: Job,
  { name }: ZoneCut,
  trust: ZoneTrust,
  { trusted, negative }: { trusted?: Trusted; negative?: NegativeAnchor } = {},
): ZoneTrust {
  const keys = trust.status === 'secure' ? vouchedFor(trust, trusted) : [];
  const reason = trust.status === 'secure' ? undefined : trust.reason;
  const { status } = trust;
  const step = { kind: 'trust', zone: name, status, keys } as const;
  const isPlain = !reason && !negative;
  job.trace.push(
    isPlain
      ? step
      : {
          ...step,
          ...(reason && { reason }),
          ...(negative && { negativeAnchor: negative.name }),
        },
  );
  return trust;
}

/** The keys that DS records or an anchor name. */
function vouchedFor(
  { keys: { keys } }: Extract<ZoneTrust, { status: 'secure' }>,
  trusted: Trusted | undefined,
): readonly KeyName[] {
  const named: readonly KeyName[] = [
    ...(trusted?.ds ?? []).map((rdata) => decode('DS', rdata)),
    ...(trusted?.keys ?? []).flatMap((rdata) => parseDnsKey(rdata) ?? []),
  ];
  return keys
    .filter((key) =>
      named.some((one) => one.keyTag === key.keyTag && one.algorithm === key.algorithm),
    )
    .map(({ keyTag, algorithm }) => ({ keyTag, algorithm }));
}
