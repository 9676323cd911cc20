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
import { failed } from '../dnssec/outcome.ts';
import { provesCompactly } from '../dnssec/proof.ts';
import type { Clock } from '../environment.ts';
import { aged } from './ageing.ts';
import { Cache } from './cache.ts';
import type { Stand } from './trust-points.ts';

export interface Kept {
  readonly finding: Finding;
  readonly zone: Name;
  readonly expiresAt: number;
  /** What it rests on: under other anchors it says nothing. */
  readonly stand: Stand;
}

interface Entry extends Kept {
  /** `finding` has the TTLs of that time. */
  readonly keptAt: number;
}

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

  /** @param closestZone  the lowest zone at or above a name whose servers are known */
  constructor(clock: Clock, capacity: number, closestZone: (name: Name) => Name) {
    this.#clock = clock;
    this.#closestZone = closestZone;
    this.#entries = new Cache(clock, capacity);
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
    const keptAt = this.#clock.now();
    const entry = { ...kept, keptAt };
    this.#entries.set(keyOf(name, type), entry);
    const { finding } = kept;
    if (failed(finding)) return;
    if (finding.found.kind === 'nxdomain') this.#entries.set(absenceOf(name), entry);
    if (finding.found.kind !== 'alias') return;
    const { records, proof } = finding.found;
    const [first] = records;
    if (first?.type === 'CNAME') {
      const found = { kind: 'records', rrset: first, proof } as const;
      this.#entries.set(keyOf(name, 'CNAME'), { ...entry, finding: { ...finding, found } });
    }
    // An unsigned DNAME would let one forged packet speak of a whole tree (CVE-2025-40778).
    if (first?.type === 'DNAME' && finding.status === 'secure') {
      const found = { kind: 'records', rrset: first, proof: [] } as const;
      this.#entries.set(keyOf(first.owner, 'DNAME'), { ...entry, finding: { ...finding, found } });
      this.#hasDnames = true;
    }
  }

  #get(key: string): Kept | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const { finding, zone, expiresAt, stand, keptAt } = entry;
    const seconds = Math.floor((this.#clock.now() - keptAt) / 1000);
    return { finding: aged(finding, seconds), zone, expiresAt, stand };
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

/** RFC 9824 section 3: NXNAME is said of exactly one name, by a record made for the question. */
const isCompact = ({ found }: Known): boolean =>
  found.kind === 'nxdomain' && provesCompactly(found.proof);
