/**
 * What has been found out, by question, TTLs counted down: the finding itself, or an alias that speaks of the question too.
 *
 * A CNAME holds for every type at its name (RFC 1034 section 3.6.2), a DNAME for every name below it (RFC 6672 section
 * 2.3), an absence for every type and, proved, for every name below (RFC 8020). Does not: decide for how long anything holds (see lookup.ts).
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { cnameTarget, substitute, synthesise } from '../dnssec/alias.ts';
import type { Finding, Link } from '../dnssec/judge.ts';
import { type Failure, type Fault, failed, type Insecurity } from '../dnssec/outcome.ts';
import { provesCompactly } from '../dnssec/proof.ts';
import type { Clock } from '../environment.ts';
import { Cache, type Held } from './cache.ts';
import { ownFault } from './own.ts';
import { type Packed, packFound, unpackFound } from './packed.ts';
import type { Stand } from './trust-points.ts';

export interface Kept {
  readonly finding: Finding;
  readonly zone: Name;
  readonly expiresAt: number;
  /** What it rests on: under other anchors it says nothing. */
  readonly stand: Stand;
}

/** A finding that holds: packed, with its TTLs at `learntAt`. A failure: as it is. */
type Stored =
  | {
      readonly kind: 'found';
      readonly packed: Packed;
      readonly rrsets: number;
      readonly ttl: number;
      /** Of an insecure one: one object for all findings with the same cause. */
      readonly insecurity: Insecurity | undefined;
    }
  | { readonly kind: 'failure'; readonly failure: Failure };

interface Entry {
  readonly stored: Stored;
  readonly zone: Name;
  readonly stand: Stand;
  readonly learntAt: number;
  readonly expiresAt: number;
}

/** Of an entry without what is packed: two objects, their numbers and the header of a string. An estimate. */
const ENTRY_OCTETS = 220;
/** Of a failure: the fault, its names and its detail, which names a handful of keys or servers at most. */
const FAILURE_OCTETS = 2_000;

const weigh = ({ stored }: Entry): { bytes: number; rrsets: number } =>
  stored.kind === 'found'
    ? { bytes: ENTRY_OCTETS + stored.packed.length, rrsets: stored.rrsets }
    : { bytes: ENTRY_OCTETS + FAILURE_OCTETS, rrsets: 0 };

type Known = Exclude<Finding, { status: 'bogus' | 'indeterminate' }>;

/** Under which an absent name is kept, whatever the type that was asked for. */
const absenceOf = (name: Name): string => `- ${name.key}`;
const keyOf = (name: Name, type: RRType): string => `${type} ${name.key}`;

/** Types that an alias at the name does not answer for: they are its own, or its parent's. */
const OWN: ReadonlySet<RRType> = new Set(['CNAME', 'ANY', 'RRSIG', 'NSEC', 'DS']);

export class Answers {
  readonly #clock: Clock;
  readonly #entries: Cache<Entry>;
  readonly #closestZone: (name: Name) => Name;
  #hasDnames = false;
  /** The stand of most entries is the same. */
  #lastStand: Stand | undefined;

  /**
   * @param bytes        octets that may be held
   * @param closestZone  the lowest zone at or above a name whose servers are known
   */
  constructor(clock: Clock, bytes: number, closestZone: (name: Name) => Name) {
    this.#clock = clock;
    this.#closestZone = closestZone;
    this.#entries = new Cache(clock, { bytes, weigh });
  }

  get held(): Held {
    return this.#entries.held;
  }

  recall({ name, type }: Question): Kept | undefined {
    return (
      this.#get(keyOf(name, type)) ??
      this.#throughCname(name, type) ??
      this.#throughDname(name, type) ??
      this.#throughAbsence(name)
    );
  }

  keep({ name, type }: Question, kept: Kept): void {
    const key = keyOf(name, type);
    const { finding } = kept;
    if (failed(finding)) {
      this.#set(key, kept);
      return;
    }
    const { found } = finding;
    const [first] = found.kind === 'alias' ? found.records : [];
    if (found.kind === 'alias' && first?.type === 'CNAME') {
      const { proof } = found;
      const cname = { kind: 'records', rrset: first, proof } as const;
      this.#set(keyOf(name, 'CNAME'), { ...kept, finding: { ...finding, found: cname } });
      // Any other type is answered for by that one.
      if (!OWN.has(type)) this.#entries.delete(key);
      else if (type !== 'CNAME') this.#set(key, kept);
      return;
    }
    const isTop = name.labels <= 1 && found.kind === 'records';
    const entry = this.#set(key, kept, isTop ? 'guarded' : 'common');
    if (found.kind === 'nxdomain') this.#entries.set(absenceOf(name), entry);
    // An unsigned DNAME would let one forged packet speak of a whole tree (CVE-2025-40778).
    if (first?.type === 'DNAME' && finding.status === 'secure') {
      const dname = { kind: 'records', rrset: first, proof: [] } as const;
      const owner = keyOf(first.owner, 'DNAME');
      this.#set(owner, { ...kept, finding: { ...finding, found: dname } });
      this.#hasDnames = true;
    }
  }

  #set(
    key: string,
    { finding, zone, expiresAt, stand }: Kept,
    floor?: 'guarded' | 'common',
  ): Entry {
    const last = this.#lastStand;
    const isSame = last?.anchors === stand.anchors && last.negative === stand.negative;
    this.#lastStand = isSame ? last : stand;
    const learntAt = this.#clock.now();
    const stored = store(finding);
    const entry: Entry = { stored, zone, stand: this.#lastStand, learntAt, expiresAt };
    this.#entries.set(key, entry, floor);
    return entry;
  }

  #get(key: string): Kept | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const { stored, zone, expiresAt, stand, learntAt } = entry;
    const seconds = Math.floor((this.#clock.now() - learntAt) / 1000);
    return { finding: restore(stored, seconds), zone, expiresAt, stand };
  }

  #throughCname(name: Name, type: RRType): Kept | undefined {
    if (OWN.has(type)) return undefined;
    return this.#through(name, 'CNAME', (rrset, proof) => {
      const target = cnameTarget(rrset);
      return target && { kind: 'alias', owner: name, target, records: [rrset], proof };
    });
  }

  #throughDname(name: Name, type: RRType): Kept | undefined {
    if (!this.#hasDnames || type === 'DS') return undefined;
    for (let labels = name.labels - 1; labels >= 0; labels -= 1) {
      const kept = this.#through(name.ancestor(labels), 'DNAME', (rrset, proof) => {
        const target = substitute(rrset, name);
        const records = target && [rrset, synthesise(name, target, rrset.ttl)];
        return records && { kind: 'alias', owner: name, target, records, proof };
      });
      if (kept) return kept;
    }
    return undefined;
  }

  /**
   * A name that does not exist has no record of any type (RFC 2308 section 5), and nothing below it (RFC 8020). For names
   * below only a proof counts; it is one for them too.
   */
  #throughAbsence(name: Name): Kept | undefined {
    const own = this.#get(absenceOf(name));
    if (own) return own;
    const zone = this.#closestZone(name);
    for (let labels = name.labels - 1; labels > zone.labels; labels -= 1) {
      const kept = this.#get(absenceOf(name.ancestor(labels)));
      if (kept?.finding.status === 'secure' && !isCompact(kept.finding)) return kept;
    }
    return undefined;
  }

  #through(
    owner: Name,
    type: 'CNAME' | 'DNAME',
    read: (rrset: Link['records'][number], proof: Link['proof']) => Link | undefined,
  ): Kept | undefined {
    const kept = this.#get(keyOf(owner, type));
    if (!kept || failed(kept.finding) || kept.finding.found.kind !== 'records') return undefined;
    // A DNAME counts where it is proved.
    if (type === 'DNAME' && kept.finding.status !== 'secure') return undefined;
    const { rrset, proof } = kept.finding.found;
    const found = read(rrset, proof);
    const finding: Known | undefined = found && { ...kept.finding, found };
    return finding && { ...kept, finding };
  }
}

function store(finding: Finding): Stored {
  if (failed(finding)) return { kind: 'failure', failure: finding };
  const { ttl } = finding;
  const { packed, rrsets } = packFound(finding.found);
  const insecurity = finding.status === 'insecure' ? sharedInsecurity(finding) : undefined;
  return { kind: 'found', packed, rrsets, ttl, insecurity };
}

/** The finding, `seconds` later. */
function restore(stored: Stored, seconds: number): Finding {
  if (stored.kind === 'failure') return stored.failure;
  const { packed, insecurity } = stored;
  const found = unpackFound(packed, seconds);
  const ttl = Math.max(0, stored.ttl - seconds);
  return insecurity
    ? { status: 'insecure', found, ttl, ...insecurity }
    : { status: 'secure', found, ttl };
}

/** By cause: all findings in an unsigned zone have the zone's. */
const insecurities = new WeakMap<Fault, Insecurity>();

function sharedInsecurity({ reason, cause }: Insecurity): Insecurity {
  if (!cause) return { reason };
  const known = insecurities.get(cause);
  if (known?.reason === reason) return known;
  const insecurity = { reason, cause: ownFault(cause) };
  insecurities.set(cause, insecurity);
  return insecurity;
}

/** RFC 9824 section 3: NXNAME is said of exactly one name, by a record made for the question. */
const isCompact = ({ found }: Known): boolean =>
  found.kind === 'nxdomain' && provesCompactly(found.proof);
