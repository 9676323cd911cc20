/**
 * DNS messages: octets to values and back (RFC 1035 section 4, RFC 6891, RFC 3597).
 *
 * The reader is strict and linear. What it cannot read is the value `malformed`, with the reason and the offset;
 * nothing throws past it. Does not: decide whether a message answers a question.
 * @module
 */
import {
  CLASS_IN,
  codeOf,
  codeOfRcode,
  type Rcode,
  type RRType,
  rcodeOf,
  typeOf,
} from './codes.ts';
import { FormatError, Reader } from './cursor.ts';
import { type Edns, lengthOfOpt, readOpt, writeOpt } from './edns.ts';
import type { Name } from './name.ts';
import { readRdata, writeRdata } from './rdata.ts';
import type { RR } from './rrset.ts';
import { Writer } from './writer.ts';

export interface Question {
  readonly name: Name;
  readonly type: RRType;
  /** IN where it is left out. */
  readonly class?: number;
}

export interface Message {
  readonly id: number;
  /** QR: true for a response. */
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** The upper bits of EDNS merged in. */
  readonly rcode: Rcode;
  readonly questions: readonly Question[];
  readonly answer: readonly RR[];
  readonly authority: readonly RR[];
  /** Without the OPT record, which is `edns`. */
  readonly additional: readonly RR[];
  readonly edns: Edns | undefined;
}

export type Parsed =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'malformed'; readonly reason: string; readonly offset: number };

/** Bits of the second 16 of the header (RFC 1035 section 4.1.1, RFC 4035 section 3.1.6). */
const QR = 0x8000;
const AA = 0x0400;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;
const AD = 0x0020;
const CD = 0x0010;

/**
 * How many records of a message may fail to fit their type. No honest message has one; reading such a record costs ten
 * times what another does, and 64 KiB hold 5900.
 */
const MAX_DEFECTS = 100;

/**
 * Reads a whole message.
 *
 * RDATA that does not fit its type is no reason to refuse the message: such a record has a `defect`. Names that loop,
 * records that run past the end, octets after the last record and a second OPT are.
 *
 * @param spelling  a name that is the question's in all but the case of its letters: read as if the question, and what
 *   points to it, were spelled like this
 */
export function parseMessage(bytes: Uint8Array, spelling?: Name): Parsed {
  try {
    return { kind: 'message', message: readMessage(readerOf(bytes, spelling)) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: 'malformed', reason: error.message, offset: error.offset };
  }
}

/**
 * Up to here (less than half of Node's pool, from which the copy is cut) one copy of the message is made and its records are views of it, which is three times as fast as a copy
 * for each. Above, every record is a copy of its own: one that is kept for a day must not keep 64 KiB alive.
 */
const MAX_SHARED = 4000;

function readerOf(bytes: Uint8Array, spelling: Name | undefined): Reader {
  const isShared = bytes.length <= MAX_SHARED;
  const own = isShared || spelling ? Buffer.from(bytes) : bytes;
  if (spelling && canRespell(own, spelling)) own.set(spelling.wire, QUESTION_AT);
  return new Reader(own, 0, own.length, new Map(), isShared ? 'views' : 'copies');
}

/** Where the question's name stands in a message (RFC 1035 section 4.1.1). */
const QUESTION_AT = 12;
const canRespell = (bytes: Uint8Array, { wire }: Name): boolean =>
  ((bytes[4] ?? 0) | (bytes[5] ?? 0)) !== 0 && bytes.length >= QUESTION_AT + wire.length;

function readMessage(reader: Reader): Message {
  const id = reader.u16();
  const flags = reader.u16();
  // The counts are claims: they bound loops that the end of the octets stops first, and nothing is allocated by them.
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()] as const;
  const questions = readQuestions(reader, counts[0]);
  const tally = { defects: 0 };
  const answer = readRecords(reader, counts[1], tally);
  const authority = readRecords(reader, counts[2], tally);
  const { additional, edns, upperRcode } = readAdditional(reader, counts[3], tally);
  if (reader.left > 0) reader.fail('octets after the last record');
  return {
    id,
    response: (flags & QR) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & AA) !== 0,
    truncated: (flags & TC) !== 0,
    recursionDesired: (flags & RD) !== 0,
    recursionAvailable: (flags & RA) !== 0,
    authenticData: (flags & AD) !== 0,
    checkingDisabled: (flags & CD) !== 0,
    rcode: rcodeOf((upperRcode << 4) | (flags & 15)),
    questions,
    answer,
    authority,
    additional,
    edns,
  };
}

function readQuestions(reader: Reader, count: number): Question[] {
  const questions: Question[] = [];
  for (let i = 0; i < count; i += 1) {
    questions.push({ name: reader.name(), type: typeOf(reader.u16()), class: reader.u16() });
  }
  return questions;
}

/** What the records of all sections have in common: see {@link MAX_DEFECTS}. */
interface Tally {
  defects: number;
}

function readRecords(reader: Reader, count: number, tally: Tally): RR[] {
  const records: RR[] = [];
  for (let i = 0; i < count; i += 1) {
    const owner = reader.name();
    const type = typeOf(reader.u16());
    if (type === 'OPT') reader.fail('OPT outside the additional section');
    records.push(readRecord(reader, owner, type, tally));
  }
  return records;
}

/** RFC 6891 section 6.1.1: at most one OPT, owned by the root, anywhere in the section. */
function readAdditional(reader: Reader, count: number, tally: Tally) {
  const additional: RR[] = [];
  let opt: ReturnType<typeof readOpt> | undefined;
  for (let i = 0; i < count; i += 1) {
    const owner = reader.name();
    const type = typeOf(reader.u16());
    if (type !== 'OPT') additional.push(readRecord(reader, owner, type, tally));
    else if (opt) reader.fail('more than one OPT');
    else if (!owner.isRoot) reader.fail('OPT is not owned by the root');
    else opt = readOpt(reader);
  }
  return { additional, edns: opt?.edns, upperRcode: opt?.upperRcode ?? 0 };
}

function readRecord(reader: Reader, owner: Name, type: RRType, tally: Tally): RR {
  const recordClass = reader.u16();
  const seconds = reader.u32();
  const ttl = seconds > 0x7fffffff ? 0 : seconds; // RFC 2181 section 8
  const outer = reader.narrow(reader.u16());
  const { rdata, defect } = readRdata(type, reader);
  reader.widen(outer);
  // Written out twice, because a spread costs more than the rest of a small record.
  if (defect === undefined) return { owner, type, class: recordClass, ttl, rdata };
  tally.defects += 1;
  if (tally.defects > MAX_DEFECTS)
    reader.fail(`more than ${MAX_DEFECTS} records that do not fit their types`);
  return { owner, type, class: recordClass, ttl, rdata, defect };
}

/** What the length field of TCP can say (RFC 1035 section 4.2.2). */
const MAX_SIZE = 0xffff;

export interface WriteOptions {
  /** Largest message wanted, in octets: 65535 where it is left out. */
  readonly maxSize?: number;
}

/**
 * Writes a message, names compressed.
 *
 * What exceeds `maxSize` is left out from the end, whole RRsets with their RRSIGs at a time, and TC is set unless only
 * additional records are missing (RFC 2181 section 9). For this the records of an RRset must stand together. Header,
 * question and OPT are always written.
 *
 * @throws RangeError for an extended RCODE without `edns` to carry it, and where questions and OPT alone do not fit
 */
export function writeMessage(
  message: Message,
  { maxSize = MAX_SIZE }: WriteOptions = {},
): Uint8Array {
  const { edns, questions } = message;
  const rcode = codeOfRcode(message.rcode);
  if (rcode > (edns ? 0xfff : 15))
    throw new RangeError(`${message.rcode} cannot be written ${edns ? 'at all' : 'without EDNS'}`);
  const writer = new Writer();
  writer.u16(message.id);
  writer.u16(flagsOf(message) | (rcode & 15));
  writer.u16(questions.length);
  for (let i = 0; i < 3; i += 1) writer.u16(0); // see writeCount
  for (const question of questions) {
    writer.name(question.name.wire);
    writer.u16(codeOf(question.type));
    writer.u16(question.class ?? CLASS_IN);
  }
  const spare = edns ? lengthOfOpt(edns) : 0;
  if (writer.length + spare > MAX_SIZE) throw new RangeError('questions and OPT exceed a message');
  const limit = Math.min(maxSize, MAX_SIZE) - spare;
  let whole = true;
  for (const [i, section] of [message.answer, message.authority, message.additional].entries()) {
    const written: number = whole ? writeRecords(writer, section, limit) : 0;
    whole &&= written === section.length;
    if (!whole && i < 2) writer.patchU16(2, flagsOf(message) | TC | (rcode & 15));
    const opt = edns && i === 2 ? 1 : 0;
    writer.patchU16(6 + 2 * i, written + opt);
  }
  if (edns) writeOpt(writer, edns, rcode >> 4);
  return writer.finish();
}

const flagsOf = (message: Message): number =>
  (message.response ? QR : 0) |
  ((message.opcode & 15) << 11) |
  (message.authoritative ? AA : 0) |
  (message.truncated ? TC : 0) |
  (message.recursionDesired ? RD : 0) |
  (message.recursionAvailable ? RA : 0) |
  (message.authenticData ? AD : 0) |
  (message.checkingDisabled ? CD : 0);

/** Writes records until the next would end past `limit`; that one's RRset is taken back. How many stand. */
function writeRecords(writer: Writer, records: readonly RR[], limit: number): number {
  let [first, at] = [0, writer.length];
  let last: RR | undefined;
  for (let i = 0; i < records.length; i += 1) {
    const record = records[i];
    if (!record) break;
    if (startsRRset(last, record)) [first, at] = [i, writer.length];
    writeRecord(writer, record);
    if (writer.length > limit) {
      writer.truncate(at);
      return first;
    }
    last = record;
  }
  return records.length;
}

/** RRSIGs count to the RRset that they follow. */
const startsRRset = (previous: RR | undefined, { owner, type }: RR): boolean =>
  !previous?.owner.equals(owner) || (previous.type !== type && type !== 'RRSIG');

function writeRecord(writer: Writer, record: RR): void {
  writer.name(record.owner.wire);
  writer.u16(codeOf(record.type));
  writer.u16(record.class);
  writer.u32(record.ttl);
  const at = writer.length;
  writer.u16(0);
  writeRdata(writer, record.type, record.rdata);
  writer.patchU16(at, writer.length - at - 2);
}
