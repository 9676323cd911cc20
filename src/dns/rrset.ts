/**
 * Records and RRsets: the units that a message carries and that a signature covers.
 *
 * Implements RFC 2181 section 5 (RRsets, one TTL, no duplicates) and RFC 4035 section 2.2 (an RRSIG belongs to the
 * RRset that it covers). Does not: verify anything.
 * @module
 */
import { CLASS_IN, type RRType } from './codes.ts';
import type { Name } from './name.ts';
import { latin1 } from './octets.ts';
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

/** What is under way, and what it takes to find it fast. */
interface Work {
  readonly draft: Draft;
  /** Made when there is more than one record. */
  seen: Set<string> | undefined;
}

/** By owner, then by type: two keys that exist already, in place of one that would be joined anew for each record. */
type Works = Map<string, Map<RRType, Work>>;

/**
 * Groups the records of one section into RRsets, in the order in which they first appear. Records of another class
 * than IN are left out, and so are RRSIGs that cover nothing in this section, unless `type` RRSIG was asked for.
 */
export function collectRRsets(records: readonly RR[], asked?: RRType): RRset[] {
  const works: Works = new Map();
  const drafts: Draft[] = [];
  for (const record of records) {
    if (record.class !== CLASS_IN || record.type === 'OPT') continue;
    if (record.type !== 'RRSIG' || asked === 'RRSIG') addRecord(works, drafts, record);
  }
  for (const record of records)
    if (record.class === CLASS_IN && record.type === 'RRSIG') addSignature(works, record);
  return drafts;
}

function addRecord(works: Works, drafts: Draft[], record: RR): void {
  let types = works.get(record.owner.key);
  if (!types) {
    types = new Map();
    works.set(record.owner.key, types);
  }
  const work = types.get(record.type);
  if (work) {
    addToDraft(work, record);
    return;
  }
  const { owner, type, ttl, rdata, defect } = record;
  const draft = { owner, type, ttl, rdata: [rdata], signatures: [] };
  drafts.push(defect === undefined ? draft : Object.assign(draft, { defect }));
  types.set(type, { draft, seen: undefined });
}

function addToDraft(work: Work, { ttl, rdata, defect }: RR): void {
  const { draft } = work;
  draft.ttl = Math.min(draft.ttl, ttl);
  if (defect !== undefined) draft.defect = defect;
  work.seen ??= new Set(draft.rdata.map(latin1));
  const before = work.seen.size;
  if (work.seen.add(latin1(rdata)).size > before) draft.rdata.push(rdata);
}

/** A defective RRSIG is as good as none: it is left out, and the RRset stays without it. */
function addSignature(works: Works, record: RR): void {
  const types = record.defect === undefined ? works.get(record.owner.key) : undefined;
  if (!types) return;
  const { ttl, rdata } = record;
  // Added to the new object, which is nobody else's yet: a spread would take four times as long.
  const signature: Rrsig = Object.assign(decode('RRSIG', rdata), { ttl, rdata });
  types.get(signature.typeCovered)?.draft.signatures.push(signature);
}

export const findRRset = (sets: readonly RRset[], owner: Name, type: RRType): RRset | undefined =>
  sets.find((set) => set.type === type && set.owner.key === owner.key);
