/**
 * A zone as a server holds it: RRsets by name, with their signatures, ready for the search of RFC 1034 section 4.3.2.
 *
 * Also implements the parts of RFC 4592 section 2.2 (names that exist without data), RFC 6672 (DNAME) and RFC 5155
 * section 7.2 (names hashed for look-up) that the search needs. Does not: make replies (authority.ts).
 * @module
 */
import { createHash } from 'node:crypto';
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { base32hex } from '../dns/radix.ts';
import { decode, type Fields, type Rdata } from '../dns/rdata.ts';
import type { RR } from '../dns/rrset.ts';
import { parseZone } from '../dns/zone-file.ts';

/** One RRset and the RRSIG records over it, as they will be sent. */
export interface StoredSet {
  readonly owner: Name;
  readonly type: RRType;
  readonly records: readonly RR[];
  readonly signatures: readonly RR[];
}

/** All RRsets of one name; none for an empty non-terminal. */
export interface Node {
  readonly name: Name;
  readonly sets: ReadonlyMap<RRType, StoredSet>;
}

/** Where the search for a name ends. */
export type Found =
  /** The zone has the name, perhaps without data. */
  | { readonly kind: 'node'; readonly node: Node }
  /** Delegated: the node has the NS RRset and is the name or lies above it. */
  | { readonly kind: 'cut'; readonly node: Node }
  /** The node lies above the name and has a DNAME. */
  | { readonly kind: 'dname'; readonly node: Node }
  /** The zone has no such name, the longest that it has is `encloser`; with the wildcard below that, if there is one. */
  | { readonly kind: 'missing'; readonly encloser: Name; readonly wildcard: Node | undefined };

type Nsec3Parameters = Pick<Fields['NSEC3'], 'iterations' | 'salt'>;

export class Zone {
  readonly name: Name;
  /** Everything the zone holds, signatures and all. */
  readonly records: readonly RR[];
  readonly #nodes = new Map<string, Node>();
  /** NSEC RRsets in canonical order of their owners. */
  readonly #nsec: readonly StoredSet[];
  /** NSEC3 RRsets in the order of their hashes, which is that of their owners. */
  readonly #nsec3: readonly StoredSet[];
  readonly #parameters: Nsec3Parameters | undefined;

  constructor(name: Name, records: readonly RR[]) {
    this.name = name;
    this.records = records;
    const sets = collectSets(records);
    for (const set of sets) if (set.type !== 'NSEC3') this.#add(set);
    this.#nsec = sets.filter(({ type }) => type === 'NSEC').sort(byOwner);
    this.#nsec3 = sets.filter(({ type }) => type === 'NSEC3').sort(byOwner);
    const first = this.#nsec3[0]?.records[0];
    this.#parameters = first && decode('NSEC3', first.rdata);
  }

  /** Whether names are denied by hash; a zone with neither chain denies nothing. */
  get denial(): 'nsec' | 'nsec3' | 'none' {
    if (this.#nsec3.length > 0) return 'nsec3';
    return this.#nsec.length > 0 ? 'nsec' : 'none';
  }

  node(name: Name): Node | undefined {
    return this.#nodes.get(name.key);
  }

  set(name: Name, type: RRType): StoredSet | undefined {
    return this.node(name)?.sets.get(type);
  }

  /**
   * RFC 1034 section 4.3.2 step 3: down from the apex label by label.
   *
   * A DS question is answered above the cut it asks about (RFC 4035 section 3.1.4.1).
   */
  find(name: Name, type: RRType): Found {
    let encloser = this.name;
    for (let labels = this.name.labels; labels <= name.labels; labels += 1) {
      const at = name.ancestor(labels);
      const node = this.node(at);
      if (!node) return { kind: 'missing', encloser, wildcard: this.#wildcard(encloser) };
      const isName = labels === name.labels;
      const isCut = node.sets.has('NS') && labels > this.name.labels;
      if (isCut && !(isName && type === 'DS')) return { kind: 'cut', node };
      if (isName) return { kind: 'node', node };
      if (node.sets.has('DNAME')) return { kind: 'dname', node };
      encloser = at;
    }
    throw new RangeError(`${name} is not in the zone ${this.name}`);
  }

  /** The NSEC owned by the name. */
  nsecAt(name: Name): StoredSet | undefined {
    return this.#nsec.find(({ owner }) => owner.equals(name));
  }

  /** The NSEC whose span holds the name: that of the last owner before it, or the last of all (RFC 4034 section 4.1.1). */
  nsecOver(name: Name): StoredSet | undefined {
    return this.#nsec.findLast(({ owner }) => owner.compare(name) < 0) ?? this.#nsec.at(-1);
  }

  nsec3At(name: Name): StoredSet | undefined {
    const hashed = this.#hashedOwner(name);
    return hashed && this.#nsec3.find(({ owner }) => owner.equals(hashed));
  }

  nsec3Over(name: Name): StoredSet | undefined {
    const hashed = this.#hashedOwner(name);
    if (!hashed) return undefined;
    return this.#nsec3.findLast(({ owner }) => owner.compare(hashed) < 0) ?? this.#nsec3.at(-1);
  }

  #hashedOwner(name: Name): Name | undefined {
    if (!this.#parameters) return undefined;
    const { iterations, salt } = this.#parameters;
    return this.name.child(base32hex.print(nsec3Hash(name, iterations, salt)));
  }

  #wildcard(encloser: Name): Node | undefined {
    const name = encloser.wildcard;
    return name && this.node(name);
  }

  /** Every name between the owner and the apex exists from now on (RFC 4592 section 2.2.2). */
  #add(set: StoredSet): void {
    for (let labels = this.name.labels; labels <= set.owner.labels; labels += 1) {
      const name = set.owner.ancestor(labels);
      if (!this.#nodes.has(name.key)) this.#nodes.set(name.key, { name, sets: new Map() });
    }
    const node = this.#nodes.get(set.owner.key);
    const sets = new Map(node?.sets).set(set.type, set);
    this.#nodes.set(set.owner.key, { name: set.owner, sets });
  }
}

/** RFC 5155 section 5, with SHA-1, the only hash there is. */
export function nsec3Hash(name: Name, iterations: number, salt: Uint8Array): Uint8Array {
  let hash: Uint8Array = name.canonical.wire;
  for (let i = 0; i <= iterations; i += 1)
    hash = createHash('sha1').update(hash).update(salt).digest();
  return new Uint8Array(hash);
}

/** RRsets in the order of their first records, each with the RRSIGs over it. RRSIGs over nothing are left out. */
export function collectSets(records: readonly RR[]): readonly StoredSet[] {
  const sets = new Map<string, { owner: Name; type: RRType; records: RR[]; signatures: RR[] }>();
  for (const record of records) {
    if (record.type === 'RRSIG') continue;
    const key = `${record.type} ${record.owner.key}`;
    const set = sets.get(key);
    if (set) set.records.push(record);
    else
      sets.set(key, { owner: record.owner, type: record.type, records: [record], signatures: [] });
  }
  for (const record of records)
    if (record.type === 'RRSIG')
      sets.get(`${coveredType(record)} ${record.owner.key}`)?.signatures.push(record);
  return [...sets.values()];
}

/** The type that an RRSIG record covers. */
export const coveredType = ({ rdata }: RR): RRType => decode('RRSIG', rdata).typeCovered;

/** TTL of records that state none. */
const DEFAULT_TTL = 3600;

/**
 * Records from zone-file lines.
 * @throws RangeError with every line that is wrong: a mistake in the test
 */
export function readLines(lines: readonly string[], origin: Name): readonly RR[] {
  const file = parseZone([`$TTL ${DEFAULT_TTL}`, ...lines].join('\n'), origin);
  if (file.kind === 'records') return file.records;
  const wrong = file.errors.map(({ line, message }) => `${lines[line - 2]}: ${message}`);
  throw new RangeError(`zone ${origin}: ${wrong.join('; ')}`);
}

export const makeRecord = (owner: Name, type: RRType, ttl: number, rdata: Rdata): RR => ({
  owner,
  type,
  class: 1,
  ttl,
  rdata,
});

const byOwner = (a: StoredSet, b: StoredSet): number => a.owner.compare(b.owner);
