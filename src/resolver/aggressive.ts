/**
 * Answers from proofs that are kept, without asking: RFC 8198, for NSEC, NSEC3 and wildcards.
 *
 * The records that may answer are put together as a server of the zone would, and that reply is judged as if it had
 * come from one. So a mistake in the search costs a query and never makes an answer. Only what comes out secure is used.
 * Does not: keep records (denials.ts), follow aliases, or ask. DS questions are the parent's, and are left to be asked.
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Context, Policy } from '../dnssec/context.ts';
import { type Finding, judge } from '../dnssec/judge.ts';
import { hashName, hashPrice } from '../dnssec/nsec3.ts';
import type { ZoneKeys } from '../dnssec/verify.ts';
import type { Clock } from '../environment.ts';
import { lasting, type TtlBounds } from './ageing.ts';
import { contextOf } from './context.ts';
import type { Denials, ZoneDenial } from './denials.ts';
import type { Found } from './find.ts';
import type { Job } from './job.ts';
import { orderKey } from './spans.ts';
import { stepOf } from './step.ts';
import type { Trust } from './trust.ts';
import type { TrustPoints } from './trust-points.ts';
import type { Walk } from './walk.ts';

export interface AggressiveParts {
  readonly walk: Pick<Walk, 'closest'>;
  readonly trust: Pick<Trust, 'held'>;
  readonly points: TrustPoints;
  readonly denials: Denials;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly ttls: TtlBounds;
}

/** What proofs that are kept come to. */
export interface Synthesised extends Found {
  readonly expiresAt: number;
}

export class Aggressive {
  readonly #parts: AggressiveParts;

  constructor(parts: AggressiveParts) {
    this.#parts = parts;
  }

  /** The answer, where what is kept of the name's own zone proves it; else the zone has to be asked. */
  synthesise(question: Question, job: Job): Synthesised | undefined {
    const { walk, trust, points, denials, clock, ttls } = this.#parts;
    const { name, type } = question;
    if (type === 'DS' || points.negativeFor(name)) return undefined;
    const cut = walk.closest(name);
    const held = trust.held(cut);
    if (held?.status !== 'secure' || points.isAnchoredBelow(cut.name, name)) return undefined;
    const denial = denials.of(cut.name, held);
    if (!denial) return undefined;
    const context = contextOf(this.#parts, job);
    const { name: zone } = cut;
    let keys: ZoneKeys | undefined;
    for (const made of new Search(denial, zone, clock.now(), context).candidates(question)) {
      // Parsed once, and only where there is something to judge: it costs more than all that is looked up here.
      keys ??= { zone, keys: held.keys.keys };
      const finding = judgeMade(question, made, keys, context);
      if (!finding) continue;
      job.trace.push({ ...stepOf(question, finding, zone, undefined), synthesised: true });
      const lived = lasting(finding, ttls, clock.now());
      return { kind: 'found', question, zone, source: undefined, ...lived };
    }
    return undefined;
  }
}

/** What a server of the zone might have sent. */
interface Made {
  /** A wildcard's RRset, under the name that was asked for. */
  readonly answer: readonly RRset[];
  /** As they were judged before, so that their signatures need not be computed again. */
  readonly authority: readonly RRset[];
}

/** The proof decides, never the RCODE; with this one no opt-out span says that a name may exist (RFC 5155 erratum 3441). */
const RCODE = 'NXDOMAIN';

/** The very verdict that a reply would get. What proves less than `secure` is no answer: the zone may know better. */
function judgeMade(
  question: Question,
  made: Made,
  keys: ZoneKeys,
  context: Context,
): Extract<Finding, { status: 'secure' }> | undefined {
  const computed = new Set(made.authority.flatMap((set) => set.signatures.slice(0, 1)));
  const trust = { status: 'secure', keys, ttl: Number.POSITIVE_INFINITY } as const;
  const reply = { rcode: RCODE, ...made } as const;
  const judgement = judge(question, reply, keys.zone, trust, { ...context, computed });
  if (judgement.kind !== 'settled' || judgement.finding.status !== 'secure') return undefined;
  return judgement.finding;
}

/**
 * SHA-1 blocks that a search may take, some two milliseconds: no packet slows down those who ask for what is kept. For
 * `_25._tcp.mx` it is enough with as many iterations as are computed at all; names of a hundred labels are asked for.
 */
const MOST_BLOCKS = 512;
/** The zone itself and a wildcard, beside the name and all between. */
const MORE_NAMES = 2;

/** One look into what is kept of one zone. */
class Search {
  readonly #denial: ZoneDenial;
  readonly #zone: Name;
  readonly #now: number;
  readonly #context: Context;

  constructor(denial: ZoneDenial, zone: Name, now: number, context: Context) {
    this.#denial = denial;
    this.#zone = zone;
    this.#now = now;
    this.#context = context;
  }

  /** Whatever might answer; of what is there for an absence, the SOA as well, for it says how long that holds. */
  *candidates(question: Question): Generator<Made> {
    const expansion = this.#findExpansion(question);
    if (expansion) yield expansion;
    const soa = this.#denial.soa(this.#now);
    if (!soa) return;
    const proof = this.#proveByNsec(question.name) ?? this.#proveByNsec3(question.name);
    if (proof) yield { answer: [], authority: [soa, ...proof] };
  }

  /** A wildcard for the name, and the record that shows that the name itself does not exist: RFC 8198 section 5.3. */
  #findExpansion({ name, type }: Question): Made | undefined {
    if (!this.#denial.hasWildcards || AT_THE_NAME.has(type)) return undefined;
    const cover = this.#denial.beside('nsec', orderKey(name), this.#now);
    if (cover) {
      const wildcard = this.#wildcardBelow(closestEncloser(name, cover), type);
      return wildcard && expansion(wildcard, name, cover);
    }
    for (let labels = name.labels - 1; labels >= this.#zone.labels; labels -= 1) {
      const wildcard = this.#wildcardBelow(name.ancestor(labels), type);
      const hashed = wildcard && this.#nsec3('beside', name.ancestor(labels + 1));
      if (wildcard) return hashed && expansion(wildcard, name, hashed);
    }
    return undefined;
  }

  #wildcardBelow(encloser: Name, type: RRType): RRset | undefined {
    const own = this.#denial.wildcard(type, encloser, this.#now);
    return own ?? this.#denial.wildcard('CNAME', encloser, this.#now);
  }

  /** The records that deny the name, or a type at it: RFC 8198 sections 5.1 and 5.4. */
  #proveByNsec(name: Name): readonly RRset[] | undefined {
    const own = this.#nsecAt(name);
    if (own) return [own];
    const cover = this.#nsecOver(name);
    if (!cover) return undefined;
    const encloser = closestEncloser(name, cover);
    if (encloser.equals(name)) return [cover]; // an empty non-terminal
    const { wildcard } = encloser;
    const beside = wildcard && (this.#nsecAt(wildcard) ?? this.#nsecOver(wildcard));
    if (!beside) return undefined;
    return beside.owner.equals(cover.owner) ? [cover] : [cover, beside];
  }

  /** The same by hashes: RFC 8198 section 5.2. Each is one of the question's budget. */
  #proveByNsec3(name: Name): readonly RRset[] | undefined {
    const { hashing } = this.#denial;
    const names = name.labels - this.#zone.labels + MORE_NAMES;
    if (!hashing || names * hashPrice(hashing) > MOST_BLOCKS) return undefined;
    const own = this.#nsec3('at', name);
    if (own) return [own];
    for (let labels = name.labels - 1; labels >= this.#zone.labels; labels -= 1) {
      const encloser = name.ancestor(labels);
      const match = this.#nsec3('at', encloser);
      if (!match) continue;
      const cover = this.#nsec3('over', name.ancestor(labels + 1));
      const { wildcard } = encloser;
      if (!cover || !wildcard) return undefined;
      const beside = this.#nsec3('at', wildcard) ?? this.#nsec3('over', wildcard);
      return (
        beside && [...new Map([match, cover, beside].map((set) => [set.owner.key, set])).values()]
      );
    }
    return undefined;
  }

  #nsecAt(name: Name): RRset | undefined {
    return this.#denial.at('nsec', orderKey(name), this.#now);
  }

  #nsecOver(name: Name): RRset | undefined {
    return this.#denial.over('nsec', orderKey(name), this.#now);
  }

  #nsec3(where: 'at' | 'over' | 'beside', name: Name): RRset | undefined {
    const { hashing } = this.#denial;
    const { budget } = this.#context;
    // Half is left for what is asked after all.
    if (!hashing || budget.used(HASHES) >= budget.limits[HASHES] / 2) return undefined;
    const hash = hashName(name, hashing, this.#context);
    return hash === undefined ? undefined : this.#denial[where]('nsec3', hash, this.#now);
  }
}

const HASHES = 'nsec3-hashes';

/** Types that are each name's own, and that no alias at it speaks for; ANY wants more than a wildcard's one RRset. */
const AT_THE_NAME: ReadonlySet<RRType> = new Set(['ANY', 'RRSIG', 'NSEC']);

const expansion = (wildcard: RRset, owner: Name, cover: RRset): Made => ({
  answer: [{ ...wildcard, owner }],
  authority: [cover],
});

/** Both ends of a span exist, and so do their ancestors. The name itself, where the span ends below it. */
function closestEncloser(name: Name, { owner, rdata: [rdata] }: RRset): Name {
  const next = rdata ? decode('NSEC', rdata).next : owner;
  return name.ancestor(Math.max(name.commonLabels(owner), name.commonLabels(next)));
}
