/**
 * Records and RRsets: the units that a message carries and that a signature covers.
 *
 * Implements RFC 2181 section 5 (RRsets, one TTL, no duplicates) and RFC 4035 section 2.2 (an RRSIG belongs to the
 * RRset that it covers). Does not: verify anything.
 * @module
 */
import { CLASS_IN, type RRType, typeOf } from './codes.ts';
import type { Name } from './name.ts';
import { latin1, sameOctets } from './octets.ts';
import { decode, type Fields, type Rdata } from './rdata.ts';

/** One record as the reader saw it. */
export interface RR {
  readonly owner: Name;
  readonly type: RRType;
  readonly class: number;
  /** Seconds; a value with the top bit set was read as 0 (RFC 2181 section 8). */
  readonly ttl: number;
  /** Uncompressed, letter case as received. */
  readonly rdata: Rdata;
  /** Why the RDATA does not fit its type (an A of 5 octets): then no RRset with this record may be used. */
  readonly defect?: string;
}

/** An RRSIG with its fields read, and its own TTL. */
export interface Rrsig extends Readonly<Fields['RRSIG']> {
  readonly ttl: number;
  /** The whole RDATA as received, for those who hand the record on. */
  readonly rdata: Rdata;
}

export interface RRset {
  readonly owner: Name;
  readonly type: RRType;
  /** Seconds: the least of its records' TTLs. */
  readonly ttl: number;
  /** In the order of the message, duplicates removed. */
  readonly rdata: readonly Rdata[];
  /** The RRSIGs of the same section that cover this RRset, in the order of the message. */
  readonly signatures: readonly Rrsig[];
  /** Set where one of the records had one. */
  readonly defect?: string;
}

interface Draft {
  readonly owner: Name;
  readonly type: RRType;
  ttl: number;
  readonly rdata: Rdata[];
  readonly signatures: Rrsig[];
  defect?: string;
}

/** Up to here the RRsets of a section, and the records of an RRset, are looked through one by one: honest ones are few. */
const FEW = 8;

/**
 * Groups the records of one section into RRsets, in the order in which they first appear. Records of another class
 * than IN are left out, and so are RRSIGs that cover nothing in this section, unless `type` RRSIG was asked for.
 */
export function collectRRsets(records: readonly RR[], asked?: RRType): RRset[] {
  if (records.length === 0) return [];
  const drafts = new Drafts();
  for (const record of records) {
    if (record.class !== CLASS_IN || record.type === 'OPT') continue;
    if (record.type !== 'RRSIG' || asked === 'RRSIG') drafts.add(record);
  }
  for (const record of records)
    if (record.class === CLASS_IN && record.type === 'RRSIG') drafts.addSignature(record);
  return drafts.all;
}

/** The RRsets under way, each found fast: by looking while there are few, for most messages have less than five. */
class Drafts {
  readonly all: Draft[] = [];
  /** By owner, then by type: two keys that exist already, in place of one that would be joined anew for each record. */
  #places: Map<string, Map<RRType, Draft>> | undefined;
  /** The records of large ones, as they are compared. */
  #seen: Map<Draft, Set<string>> | undefined;

  add({ owner, type, ttl, rdata, defect }: RR): void {
    const known = this.#find(owner.key, type);
    if (!known) {
      const draft = { owner, type, ttl, rdata: [rdata], signatures: [] };
      this.#begin(defect === undefined ? draft : Object.assign(draft, { defect }));
      return;
    }
    known.ttl = Math.min(known.ttl, ttl);
    if (defect !== undefined) known.defect = defect;
    if (!this.#has(known, rdata)) known.rdata.push(rdata);
  }

  /** A defective RRSIG is as good as none: it is left out, and the RRset stays without it. */
  addSignature({ owner, ttl, rdata, defect }: RR): void {
    if (defect !== undefined) return;
    const draft = this.#find(owner.key, coveredBy(rdata));
    draft?.signatures.push(readSignature(rdata, ttl));
  }

  #find(key: string, type: RRType): Draft | undefined {
    if (this.#places) return this.#places.get(key)?.get(type);
    for (const draft of this.all) if (draft.type === type && draft.owner.key === key) return draft;
    return undefined;
  }

  #begin(draft: Draft): void {
    this.all.push(draft);
    if (this.#places) place(this.#places, draft);
    else if (this.all.length > FEW) {
      this.#places = new Map();
      for (const one of this.all) place(this.#places, one);
    }
  }

  #has(draft: Draft, rdata: Rdata): boolean {
    if (draft.rdata.length <= FEW) return draft.rdata.some((one) => sameOctets(one, rdata));
    this.#seen ??= new Map();
    let seen = this.#seen.get(draft);
    if (!seen) {
      seen = new Set(draft.rdata.map(latin1));
      this.#seen.set(draft, seen);
    }
    const before = seen.size;
    return seen.add(latin1(rdata)).size === before;
  }
}

function place(places: Map<string, Map<RRType, Draft>>, draft: Draft): void {
  const { type, owner } = draft;
  const types = places.get(owner.key);
  if (types) types.set(type, draft);
  else places.set(owner.key, new Map([[type, draft]]));
}

/** The first field of an RRSIG (RFC 4034 section 3.1). */
export const coveredBy = (rdata: Rdata): RRType => typeOf(((rdata[0] ?? 0) << 8) | (rdata[1] ?? 0));

/** @throws {@link FormatError} when the RDATA is no RRSIG's */
export function readSignature(rdata: Rdata, ttl: number): Rrsig {
  // Each field by its name, and not by a spread, which would take four times as long.
  const fields = decode('RRSIG', rdata);
  return {
    typeCovered: fields.typeCovered,
    algorithm: fields.algorithm,
    labels: fields.labels,
    originalTtl: fields.originalTtl,
    expiration: fields.expiration,
    inception: fields.inception,
    keyTag: fields.keyTag,
    signer: fields.signer,
    signature: fields.signature,
    ttl,
    rdata,
  };
}

export const findRRset = (sets: readonly RRset[], owner: Name, type: RRType): RRset | undefined =>
  sets.find((set) => set.type === type && set.owner.key === owner.key);
