/**
 * Records and RRsets: the units that a message carries and that a signature covers.
 *
 * Implements RFC 2181 section 5 (RRsets, one TTL, no duplicates) and RFC 4035 section 2.2 (an RRSIG belongs to the
 * RRset that it covers). Does not: verify anything.
 * @module
 */
import { CLASS_IN, type RRType } from './codes.ts';
import type { Name } from './name.ts';
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
  readonly seen: Set<string>;
  readonly signatures: Rrsig[];
  defect?: string;
}

/**
 * Groups the records of one section into RRsets, in the order in which they first appear. Records of another class
 * than IN are left out, and so are RRSIGs that cover nothing in this section, unless `type` RRSIG was asked for.
 */
export function collectRRsets(records: readonly RR[], asked?: RRType): RRset[] {
  const drafts = new Map<string, Draft>();
  for (const record of records) {
    if (record.class !== CLASS_IN || record.type === 'OPT') continue;
    if (record.type !== 'RRSIG' || asked === 'RRSIG') addRecord(drafts, record);
  }
  for (const record of records)
    if (record.class === CLASS_IN && record.type === 'RRSIG') addSignature(drafts, record);
  return [...drafts.values()].map(({ seen: _, ...rrset }) => rrset);
}

function addRecord(drafts: Map<string, Draft>, record: RR): void {
  const key = `${record.type} ${record.owner.key}`;
  let draft = drafts.get(key);
  if (!draft) {
    draft = {
      owner: record.owner,
      type: record.type,
      ttl: record.ttl,
      rdata: [],
      seen: new Set(),
      signatures: [],
    };
    drafts.set(key, draft);
  }
  draft.ttl = Math.min(draft.ttl, record.ttl);
  if (record.defect !== undefined) draft.defect = record.defect;
  const octets = octetsKey(record.rdata);
  if (draft.seen.has(octets)) return;
  draft.seen.add(octets);
  draft.rdata.push(record.rdata);
}

/** Octets as a string that is equal exactly for equal octets, in pieces that fit the argument list of a call. */
function octetsKey(octets: Uint8Array): string {
  let key = '';
  for (let at = 0; at < octets.length; at += 1024)
    key += String.fromCharCode(...octets.subarray(at, at + 1024));
  return key;
}

/** A defective RRSIG is as good as none: it is left out, and the RRset stays without it. */
function addSignature(drafts: Map<string, Draft>, record: RR): void {
  if (record.defect !== undefined) return;
  const fields = decode('RRSIG', record.rdata);
  drafts
    .get(`${fields.typeCovered} ${record.owner.key}`)
    ?.signatures.push({ ...fields, ttl: record.ttl, rdata: record.rdata });
}

export const findRRset = (sets: readonly RRset[], owner: Name, type: RRType): RRset | undefined =>
  sets.find((set) => set.type === type && set.owner.key === owner.key);
