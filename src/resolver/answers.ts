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
import { Cache, type Held, sum } from './cache.ts';
import { faultOctets, ownFailure, ownFault } from './own.ts';
import { type Packed, packFound, unpackFound } from './packed.ts';
import { isNeverStale } from './stale-terms.ts';
import { isSameStand, type Stand } from './trust-points.ts';

export interface Kept {
  readonly finding: Finding;
  readonly zone: Name;
  readonly expiresAt: number;
  /** What it rests on: under other anchors it says nothing. */
  readonly stand: Stand;
}

/** An entry as it is read. */
export interface Recalled extends Kept {
  readonly learntAt: number;
  /** It has expired: it may be served where the new one cannot be had (RFC 8767). */
  readonly isStale: boolean;
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

const weigh = ({ stored }: Entry): { bytes: number; rrsets: number } =>
  stored.kind === 'found'
    ? { bytes: ENTRY_OCTETS + stored.packed.length, rrsets: stored.rrsets }
    : { bytes: ENTRY_OCTETS + faultOctets(stored.failure.fault), rrsets: 0 };

type Known = Exclude<Finding, { status: 'bogus' | 'indeterminate' }>;

/** Under which an absent name is kept, whatever the type that was asked for. */
const absenceOf = (name: Name): string => `- ${name.key}`;
const keyOf = (name: Name, type: RRType): string => `${type} ${name.key}`;

/** Types that an alias at the name does not answer for: they are its own, or its parent's. */
const OWN: ReadonlySet<RRType> = new Set(['CNAME', 'ANY', 'RRSIG', 'NSEC', 'DS']);

export interface AnswersOptions {
  /** Octets that may be held. */
  readonly bytes: number;
  /** The lowest zone at or above a name whose servers are known. */
  readonly closestZone: (name: Name) => Name;
  /** For how long what has expired may still be recalled, milliseconds; left out, nothing is. */
  readonly longestStaleMs?: number | undefined;
}

/** Of all octets, where expired answers are kept: these push out each other, and nothing that holds. */
const STALE_SHARE = 1 / 5;

type Read = (key: string) => Recalled | undefined;

export class Answers {
  readonly #clock: Clock;
  readonly #entries: Cache<Entry>;
  /** What has expired, from when it was met so: it never holds again, whatever the clock does. */
  readonly #stale: Cache<Entry> | undefined;
  readonly #longestStaleMs: number;
  readonly #closestZone: (name: Name) => Name;
  #hasDnames = false;
  /** The stand of most entries is the same. */
  #lastStand: Stand | undefined;

  constructor(clock: Clock, { bytes, closestZone, longestStaleMs = 0 }: AnswersOptions) {
    this.#clock = clock;
    this.#closestZone = closestZone;
    this.#longestStaleMs = longestStaleMs;
    const staleBytes = longestStaleMs > 0 ? bytes * STALE_SHARE : 0;
    this.#stale = longestStaleMs > 0 ? new Cache(clock, { bytes: staleBytes, weigh }) : undefined;
    this.#entries = new Cache(clock, {
      bytes: bytes - staleBytes,
      weigh,
      ...(this.#stale && { onExpired: (key, entry) => this.#keepStale(key, entry) }),
    });
  }

  get held(): Held {
    return this.#stale ? sum(this.#entries.held, this.#stale.held) : this.#entries.held;
  }

  /** Forgets what is known of names at and below `name`; says how many entries that were. */
  forgetBelow({ key }: Name): number {
    return this.#entries.deleteEnding(key) + (this.#stale?.deleteEnding(key) ?? 0);
  }

  recall({ name, type }: Question): Recalled | undefined {
    const read = this.#readFresh;
    return (
      read(keyOf(name, type)) ??
      this.#throughCname(name, type, read) ??
      this.#throughDname(name, type, read) ??
      this.#throughAbsence(name, read)
    );
  }

  /**
   * The same where what has expired counts too and failures do not. What was learnt last decides: a name that has got an
   * alias has no longer the address that is older (RFC 8767 section 7).
   */
  recallStale({ name, type }: Question): Recalled | undefined {
    if (!this.#stale || isNeverStale(type)) return undefined;
    const read = this.#readStale;
    const own = read(keyOf(name, type));
    const known = [
      own && isStaleAbsence(own) ? undefined : own,
      this.#throughCname(name, type, read),
      this.#throughDname(name, type, read),
      this.#throughAbsence(name, read),
    ].filter((one) => one !== undefined);
    return known.reduce<Recalled | undefined>(
      (last, one) => (last && last.learntAt >= one.learntAt ? last : one),
      undefined,
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
    this.#forgetRefuted(name, type, found.kind);
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
    this.#lastStand = last && isSameStand(last, stand) ? last : stand;
    const learntAt = this.#clock.now();
    const stored = store(finding);
    const entry: Entry = { stored, zone, stand: this.#lastStand, learntAt, expiresAt };
    this.#entries.set(key, entry, floor);
    if (stored.kind === 'found') this.#stale?.delete(key);
    return entry;
  }

  /**
   * Where there is something, neither that name nor one above it is absent, and a name with data of its own has no alias:
   * what said so before does not come back when the servers fall silent, for types and names that were not asked since.
   */
  #forgetRefuted(name: Name, type: RRType, kind: Known['found']['kind']): void {
    if (!this.#stale || kind === 'nxdomain') return;
    const refuted = Array.from({ length: name.labels }, (_, i) => absenceOf(name.ancestor(i + 1)));
    if (kind !== 'alias' && !OWN.has(type)) refuted.push(keyOf(name, 'CNAME'));
    for (const key of refuted) {
      this.#entries.delete(key);
      this.#stale.delete(key);
    }
  }

  /** RFC 8767 section 7: what had a TTL of zero was for one use only. */
  #keepStale(key: string, entry: Entry): void {
    if (entry.stored.kind === 'failure' || entry.stored.ttl === 0) return;
    if (isNeverStale(key.slice(0, key.indexOf(' ')))) return;
    this.#stale?.set(key, { ...entry, expiresAt: entry.expiresAt + this.#longestStaleMs });
  }

  readonly #readFresh: Read = (key) => {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const seconds = Math.floor((this.#clock.now() - entry.learntAt) / 1000);
    const { stored, zone, expiresAt, stand, learntAt } = entry;
    const finding = restore(stored, seconds);
    return { finding, zone, expiresAt, stand, learntAt, isStale: false };
  };

  readonly #readStale: Read = (key) => {
    const fresh = this.#readFresh(key);
    if (fresh && !failed(fresh.finding)) return fresh;
    const entry = this.#stale?.get(key);
    if (!entry) return undefined;
    const { stored, zone, stand, learntAt } = entry;
    const expiresAt = entry.expiresAt - this.#longestStaleMs;
    return { finding: restore(stored, 0), zone, expiresAt, stand, learntAt, isStale: true };
  };

  #throughCname(name: Name, type: RRType, read: Read): Recalled | undefined {
    if (OWN.has(type)) return undefined;
    return this.#through({ owner: name, type: 'CNAME' }, read, (rrset, proof) => {
      const target = cnameTarget(rrset);
      return target && { kind: 'alias', owner: name, target, records: [rrset], proof };
    });
  }

  #throughDname(name: Name, type: RRType, read: Read): Recalled | undefined {
    if (!this.#hasDnames || type === 'DS') return undefined;
    for (let labels = name.labels - 1; labels >= 0; labels -= 1) {
      const dname = { owner: name.ancestor(labels), type: 'DNAME' } as const;
      const kept = this.#through(dname, read, (rrset, proof) => {
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
  #throughAbsence(name: Name, read: Read): Recalled | undefined {
    const own = read(absenceOf(name));
    if (own) return own;
    const zone = this.#closestZone(name);
    for (let labels = name.labels - 1; labels > zone.labels; labels -= 1) {
      const kept = read(absenceOf(name.ancestor(labels)));
      if (kept?.finding.status === 'secure' && !isCompact(kept.finding)) return kept;
    }
    return undefined;
  }

  #through(
    { owner, type }: { readonly owner: Name; readonly type: 'CNAME' | 'DNAME' },
    read: Read,
    linkOf: (rrset: Link['records'][number], proof: Link['proof']) => Link | undefined,
  ): Recalled | undefined {
    const kept = read(keyOf(owner, type));
    if (!kept || failed(kept.finding) || kept.finding.found.kind !== 'records') return undefined;
    // A DNAME counts where it is proved.
    if (type === 'DNAME' && kept.finding.status !== 'secure') return undefined;
    const { rrset, proof } = kept.finding.found;
    const found = linkOf(rrset, proof);
    const finding: Known | undefined = found && { ...kept.finding, found };
    return finding && { ...kept, finding };
  }
}

/** It is kept by its name too, and there it is forgotten when something newer refutes it. */
const isStaleAbsence = ({ finding, isStale }: Recalled): boolean =>
  isStale && !failed(finding) && finding.found.kind === 'nxdomain';

function store(finding: Finding): Stored {
  if (failed(finding)) return { kind: 'failure', failure: ownFailure(finding) };
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
