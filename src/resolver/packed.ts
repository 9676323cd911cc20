/**
 * Findings, evidence and lists of name servers as octets in a string, which is how the caches hold them.
 *
 * An object for each field would take five to ten times the octets that a record has on the wire, and a view of a reply
 * keeps the whole reply alive. A string of Latin-1 characters takes one octet a character and 16 more; it is read anew on
 * each hit, TTLs counted down on the way. Names are wire octets, compressed against each other.
 * Does not: pack reasons and faults (answers.ts holds them once for many), decide how long anything holds.
 * @module
 */
import { codeOf, typeOf } from '../dns/codes.ts';
import { Reader } from '../dns/cursor.ts';
import { latin1 } from '../dns/octets.ts';
import type { Rdata } from '../dns/rdata.ts';
import { type RRset, readSignature } from '../dns/rrset.ts';
import { Writer } from '../dns/writer.ts';
import type { Evidence } from '../dnssec/delegation.ts';
import type { Found } from '../dnssec/judge.ts';
import type { ServerAddress } from '../environment.ts';
import type { Nameserver } from './zone.ts';

/** One character an octet. */
export type Packed = string;

/** What was found, and the number of RRsets in it. */
export interface PackedFound {
  readonly packed: Packed;
  readonly rrsets: number;
}

const KINDS = ['records', 'alias', 'nodata', 'nxdomain'] as const;

export function packFound(found: Found): PackedFound {
  const writer = new Writer();
  writer.u8(KINDS.indexOf(found.kind));
  let rrsets = found.proof.length;
  switch (found.kind) {
    case 'records': {
      const sets = [found.rrset, ...(found.others ?? [])];
      writer.u8(found.others ? 1 : 0);
      writeSets(writer, sets);
      rrsets += sets.length;
      break;
    }
    case 'alias':
      writer.name(found.owner.wire);
      writer.name(found.target.wire);
      writeSets(writer, found.records);
      rrsets += found.records.length;
      break;
    case 'nodata':
    case 'nxdomain':
      break;
  }
  writeSets(writer, found.proof);
  return { packed: writer.finishAsText(), rrsets };
}

/** @param seconds  for which it has been kept: every TTL is so much shorter (RFC 1035 section 3.2.1) */
export function unpackFound(packed: Packed, seconds: number): Found {
  const reader = readerOf(packed);
  const kind = KINDS[reader.u8()];
  if (!kind) throw new RangeError('packed octets of no known kind');
  switch (kind) {
    case 'records': {
      const several = reader.u8() === 1;
      const [rrset, ...others] = readSets(reader, seconds);
      if (!rrset) throw new RangeError('packed records without an RRset');
      return { kind, rrset, ...(several && { others }), proof: readSets(reader, seconds) };
    }
    case 'alias': {
      const owner = reader.name();
      const target = reader.name();
      const records = readSets(reader, seconds);
      return { kind, owner, target, records, proof: readSets(reader, seconds) };
    }
    case 'nodata':
    case 'nxdomain':
      return { kind, proof: readSets(reader, seconds) };
  }
}

export function packEvidence({ ds, alias, denial }: Evidence): Packed {
  if (!ds && !alias && denial.length === 0) return '';
  const writer = new Writer();
  writer.u8((ds ? 1 : 0) | (alias ? 2 : 0));
  writeSets(writer, [...(ds ? [ds] : []), ...(alias ? [alias] : []), ...denial]);
  return writer.finishAsText();
}

export function unpackEvidence(packed: Packed): Evidence {
  if (packed === '') return { ds: undefined, alias: undefined, denial: [] };
  const reader = readerOf(packed);
  const has = reader.u8();
  const sets = [...readSets(reader, 0)];
  const ds = (has & 1) !== 0 ? sets.shift() : undefined;
  const alias = (has & 2) !== 0 ? sets.shift() : undefined;
  return { ds, alias, denial: sets };
}

export function packNameservers(nameservers: readonly Nameserver[]): Packed {
  const writer = new Writer();
  writer.u16(nameservers.length);
  for (const { host, addresses } of nameservers) {
    writer.name(host.wire);
    // Of one host the operator may configure as many as he likes.
    writer.u16(addresses.length);
    for (const { ip, port, tlsName = '' } of addresses) {
      writeText(writer, ip);
      writer.u16(port);
      writeText(writer, tlsName);
    }
  }
  return writer.finishAsText();
}

export function unpackNameservers(packed: Packed): readonly Nameserver[] {
  const reader = readerOf(packed);
  return times(reader.u16(), () => {
    const host = reader.name();
    const addresses = times(reader.u16(), () => readAddress(reader));
    return { host, addresses };
  });
}

function readAddress(reader: Reader): ServerAddress {
  const ip = latin1(reader.view(reader.u16()));
  const port = reader.u16();
  const tlsName = readText(reader);
  return tlsName === '' ? { ip, port } : { ip, port, tlsName };
}

/** One RRset. */
export function packSet(set: RRset): Packed {
  const writer = new Writer();
  writeSet(writer, set);
  return writer.finishAsText();
}

/** @param seconds  as for a finding */
export const unpackSet = (packed: Packed, seconds: number): RRset =>
  readSet(readerOf(packed), seconds);

/** RDATA of one type: of keys, or of DS records. */
export function packRdata(rdata: readonly Rdata[]): Packed {
  const writer = new Writer();
  writer.u16(rdata.length);
  for (const one of rdata) writeOctets(writer, one);
  return writer.finishAsText();
}

export function unpackRdata(packed: Packed): readonly Rdata[] {
  // No names are in there to be remembered.
  const reader = new Reader(Buffer.from(packed, 'latin1'));
  return times(reader.u16(), () => reader.keep(reader.u16()));
}

function writeSets(writer: Writer, sets: readonly RRset[]): void {
  writer.u16(sets.length);
  for (const set of sets) writeSet(writer, set);
}

const readSets = (reader: Reader, seconds: number): readonly RRset[] =>
  times(reader.u16(), () => readSet(reader, seconds));

function writeSet(writer: Writer, { owner, type, ttl, rdata, signatures, defect }: RRset): void {
  writer.name(owner.wire);
  writer.u16(codeOf(type));
  writer.u32(ttl);
  writer.u16(rdata.length);
  for (const one of rdata) writeOctets(writer, one);
  writer.u16(signatures.length);
  for (const signature of signatures) {
    writer.u32(signature.ttl);
    writeOctets(writer, signature.rdata);
  }
  writer.u8(defect === undefined ? 0 : 1);
  if (defect !== undefined) writeText(writer, defect);
}

function readSet(reader: Reader, seconds: number): RRset {
  const owner = reader.name();
  const type = typeOf(reader.u16());
  const ttl = Math.max(0, reader.u32() - seconds);
  const rdata = times(reader.u16(), () => reader.keep(reader.u16()));
  const signatures = times(reader.u16(), () => {
    const own = reader.u32();
    return readSignature(reader.keep(reader.u16()), own);
  });
  const set = { owner, type, ttl, rdata, signatures };
  return reader.u8() === 0 ? set : { ...set, defect: readText(reader) };
}

function writeOctets(writer: Writer, octets: Uint8Array): void {
  writer.u16(octets.length);
  writer.octets(octets);
}

/** `Array.from` with a length takes five times as long. */
function times<T>(count: number, make: () => T): T[] {
  const all: T[] = [];
  for (let i = 0; i < count; i += 1) all.push(make());
  return all;
}

/** Texts of our own: what the reader says of a record, addresses. */
const writeText = (writer: Writer, text: string): void =>
  writeOctets(writer, Buffer.from(text, 'utf8'));
const readText = (reader: Reader): string =>
  Buffer.from(reader.view(reader.u16())).toString('utf8');

const readerOf = (packed: Packed): Reader =>
  new Reader(Buffer.from(packed, 'latin1'), 0, packed.length, new Map());
