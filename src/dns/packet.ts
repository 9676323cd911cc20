/**
 * The bridge to dns-packet: its objects from our values and back, for programs that speak in them.
 *
 * dns-packet joins labels without escapes, reads past RDLENGTH, and turns what it does not know into 0. So octets from
 * the network meet our own reader first, and every record crosses by itself, on exactly bounded, uncompressed octets,
 * and is compared afterwards: what would come back changed crosses as raw octets (`UNKNOWN_48` and a Buffer) where
 * the object model has a place for them, and is refused where it has none. Nothing is ever altered.
 * Does not: read or write messages; see message.ts.
 * @module
 */

import type { Packet as LoosePacket } from 'dns-packet';
import {
  type Answer,
  decode,
  encode,
  type OptAnswer,
  type RecordClass,
  type RecordType,
} from 'dns-packet';
import { parseIPv4, parseIPv6 } from './address.ts';
import { codeOf, type RRType } from './codes.ts';
import { type Message, parseMessage, type Question, writeMessage } from './message.ts';
import { Name } from './name.ts';
import { decode as decodeRdata, followsPointers, isTyped, type Rdata } from './rdata.ts';
import type { RR } from './rrset.ts';
import { Writer } from './writer.ts';

export type Bridged<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'refused'; readonly reason: string };

/** A type that dns-packet has no name for, or whose data it cannot carry: by number. */
type RawType = `UNKNOWN_${number}`;

/** A record by the number of its type, with its RDATA as it is. */
export interface RawAnswer {
  type: RawType;
  name: string;
  class?: RecordClass | undefined;
  ttl?: number | undefined;
  flush?: boolean | undefined;
  data: Buffer;
}

export type PacketAnswer = Exclude<Answer, OptAnswer> | RawAnswer;

export interface PacketQuestion {
  name: string;
  type: RecordType | RawType;
  class?: RecordClass | undefined;
}

/** What dns-packet encodes, with the types of its own declaration and the numbered ones. */
export interface Packet extends Pick<LoosePacket, 'type' | 'id' | 'flags'> {
  questions?: PacketQuestion[] | undefined;
  answers?: PacketAnswer[] | undefined;
  authorities?: PacketAnswer[] | undefined;
  additionals?: (PacketAnswer | OptAnswer)[] | undefined;
}

export const toPacket = (message: Message): Bridged<Packet> => bridge(() => packetOf(message));
export const toPacketQuestion = (question: Question): Bridged<PacketQuestion> =>
  bridge(() => questionOf(question));
export const toPacketAnswer = (record: RR): Bridged<PacketAnswer> => bridge(() => answerOf(record));

/** The header comes from `id`, `type` and the numeric `flags`, as in dns-packet: `rcode` or `flag_aa` are not read. */
export const fromPacket = (packet: Packet): Bridged<Message> => bridge(() => messageFrom(packet));
export const fromPacketQuestion = (question: PacketQuestion): Bridged<Question> =>
  bridge(() => questionFrom(question));
export const fromPacketAnswer = (answer: PacketAnswer): Bridged<RR> =>
  bridge(() => recordFrom(answer));

/** Thrown inside this module only: dns-packet has no place for something. */
class Refusal extends Error {}

function refuse(reason: string): never {
  throw new Refusal(reason);
}

/** dns-packet throws plain Errors of many kinds for what it cannot encode: they refuse like our own. */
function bridge<T>(convert: () => T): Bridged<T> {
  try {
    return { kind: 'value', value: convert() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reason =
      error instanceof Refusal ? error.message : `dns-packet refuses it: ${error.message}`;
    return { kind: 'refused', reason };
  }
}

// --- from our values to dns-packet's

function packetOf(message: Message): Packet {
  const bare = { ...message, questions: [], answer: [], authority: [], additional: [] };
  const header = Buffer.from(writeMessage(bare));
  const additionals: Packet['additionals'] = message.additional.map(answerOf);
  if (message.edns) additionals.push(optOf(header));
  return {
    type: message.response ? 'response' : 'query',
    id: message.id,
    flags: header.readUInt16BE(2) & 0x7fff,
    questions: message.questions.map(questionOf),
    answers: message.answer.map(answerOf),
    authorities: message.authority.map(answerOf),
    additionals,
  };
}

/** The OPT of a message that has nothing else, options as octets: dns-packet misreads some of those that it knows. */
function optOf(message: Buffer): OptAnswer {
  const parsed = parseMessage(message);
  if (parsed.kind === 'malformed' || !parsed.message.edns) refuse('no OPT');
  const { edns } = parsed.message;
  return {
    name: '.',
    type: 'OPT',
    udpPayloadSize: edns.udpSize,
    extendedRcode: message.readUInt8(HEADER + 5),
    ednsVersion: edns.version,
    flags: edns.dnssecOk ? 0x8000 : 0,
    flag_do: edns.dnssecOk,
    // The declaration knows four kinds of option; the code takes any by number.
    options: edns.options.map(({ code, data }) => ({
      code,
      data: Buffer.from(data),
    })) as OptAnswer['options'],
  };
}

const questionOf = ({ name, type, class: code = 1 }: Question): PacketQuestion => ({
  name: textOf(name),
  type: typeTextOf(type),
  class: classTextOf(code),
});

function answerOf({ owner, type, class: code, ttl, rdata, defect }: RR): PacketAnswer {
  const common = { name: textOf(owner), class: classTextOf(code), ttl, flush: false };
  const typeText = typeTextOf(type);
  if (defect !== undefined && followsPointers(type))
    refuse(`octets of ${type} that may hold pointers mean something in their own message only`);
  const data = defect === undefined ? dataOf(type, rdata) : undefined;
  if (data === undefined)
    return { ...common, type: `UNKNOWN_${codeOf(type)}`, data: Buffer.from(rdata) };
  // Type and data come from one decoded record, which has been encoded again to the same octets.
  return { ...common, type: typeText, data } as PacketAnswer;
}

/** dns-packet's data for a record, if it encodes to the same octets again. */
function dataOf(type: RRType, rdata: Rdata): PacketAnswer['data'] | undefined {
  if (!hasPlainNames(type, rdata)) return undefined;
  const octets = oneRecord(type, rdata);
  try {
    const packet = decode(octets);
    if (!encode(packet).equals(octets)) return undefined;
    const [answer] = decode(octets).answers ?? [];
    return answer && answer.type !== 'OPT' ? answer.data : undefined;
  } catch {
    return undefined; // whatever it throws, the octets remain
  }
}

/** Octets of a message header. */
const HEADER = 12;

/** A message with nothing but this record, owned by the root and not compressed. */
function oneRecord(type: RRType, rdata: Rdata): Buffer {
  const writer = new Writer();
  for (const word of [0, 0x8000, 0, 1, 0, 0]) writer.u16(word);
  writer.u8(0);
  writer.u16(codeOf(type));
  writer.u16(1);
  writer.u32(0);
  writer.u16(rdata.length);
  writer.octets(rdata);
  return Buffer.from(writer.finish());
}

/**
 * Backslashes are left to no one: dns-packet escapes the dot of a mailbox, but not the backslash, so two names share
 * one text. Octets outside ASCII invite a `toLowerCase` that knows more letters than the DNS.
 */
function hasPlainNames(type: RRType, rdata: Rdata): boolean {
  if (!isTyped(type)) return true;
  return Object.values(decodeRdata(type, rdata)).every(
    (value) => !(value instanceof Name) || isPlain(value),
  );
}

const isPlain = (name: Name): boolean =>
  labelsOf(name).every((label) =>
    label.every((octet) => octet > 0x20 && octet < 0x7f && octet !== 0x5c),
  );

const labelsOf = (name: Name): Uint8Array[] =>
  Array.from({ length: name.labels }, (_, index) => name.label(index));

const DOT = 0x2e;

function textOf(name: Name): string {
  const labels = labelsOf(name);
  if (!isPlain(name) || labels.some((label) => label.includes(DOT))) {
    refuse(`dns-packet has no text for the name ${name}`);
  }
  return labels.map((label) => String.fromCharCode(...label)).join('.') || '.';
}

/** The types that dns-packet has names for, some with data as a Buffer only. */
const NAMED = new Set<string>(
  (
    'A AAAA AFSDB APL AXFR CAA CDNSKEY CDS CERT CNAME DHCID DNAME DNSKEY DS HINFO HIP IPSECKEY IXFR KEY KX LOC MX NAPTR' +
    ' NS NSEC NSEC3 NSEC3PARAM NULL PTR RP RRSIG SIG SOA SRV SSHFP TKEY TLSA TSIG TXT'
  ).split(' '),
);

const isNamed = (type: RRType): type is RRType & RecordType => NAMED.has(type);
function typeTextOf(type: RRType): RecordType | RawType {
  if (isNamed(type)) return type;
  // It encodes every text that it does not know as 0, so a 0 could not be told from a mistake on the way back.
  return codeOf(type) === 0 ? refuse('dns-packet has no type 0') : `UNKNOWN_${codeOf(type)}`;
}

/** What dns-packet calls the classes that it knows; every other text encodes as 0. */
const CLASSES: ReadonlyMap<number, RecordClass> = new Map([
  [1, 'IN'],
  [2, 'CS'],
  [3, 'CH'],
  [4, 'HS'],
  [255, 'ANY'],
]);

const classTextOf = (code: number): RecordClass =>
  CLASSES.get(code) ?? refuse(`dns-packet has no text for class ${code}`);

// --- from dns-packet's values to ours

function messageFrom(packet: Packet): Message {
  const additionals = packet.additionals ?? [];
  const opts = additionals.filter((answer) => answer.type === 'OPT');
  const message = parseOwn({
    type: packet.type,
    id: packet.id,
    flags: packet.flags,
    additionals: opts,
  });
  const [opt] = opts;
  if (opt?.type === 'OPT' && opt.udpPayloadSize !== message.edns?.udpSize) {
    refuse(`an OPT cannot say ${opt.udpPayloadSize} octets`);
  }
  return {
    ...message,
    questions: (packet.questions ?? []).map(questionFrom),
    answer: (packet.answers ?? []).map(recordFrom),
    authority: (packet.authorities ?? []).map(recordFrom),
    additional: additionals.flatMap((answer) =>
      answer.type === 'OPT' ? [] : [recordFrom(answer)],
    ),
  };
}

/** Encodes with dns-packet and reads with our reader. The objects are copies: its encoders write into what they are given. */
function parseOwn(packet: Packet): Message {
  // The declaration has no place for the numbered types, which the code takes.
  const parsed = parseMessage(encode(packet as LoosePacket));
  if (parsed.kind === 'malformed')
    refuse(`dns-packet encodes it as something malformed: ${parsed.reason}`);
  return parsed.message;
}

function questionFrom(question: PacketQuestion): Question {
  const [read] = parseOwn({ questions: [{ ...question }] }).questions;
  if (!read) refuse('no question');
  checkType(question, read.type);
  checkHead(question, questionOf(read));
  return read;
}

function recordFrom(answer: PacketAnswer): RR {
  // The copy has the same type as the original.
  const copy = { ...answer, data: copyOf(answer.data) } as PacketAnswer;
  const [record] = parseOwn({ answers: [copy] }).answer;
  if (!record) refuse('no record');
  checkType(answer, record.type);
  const back = answerOf(record);
  checkHead(answer, back);
  if ((answer.ttl ?? 0) !== record.ttl || answer.flush)
    refuse('dns-packet changes its TTL or class');
  const same =
    answer.data instanceof Uint8Array
      ? sameOctets(answer.data, record.rdata)
      : sameData(answer.data, back.data);
  if (!same) refuse(`dns-packet changes the data of ${answer.type} ${answer.name}`);
  return record;
}

/** dns-packet turns a type that it does not know into 0. */
function checkType(given: PacketQuestion | PacketAnswer, type: RRType): void {
  if (codeOf(type) === 0) refuse(`dns-packet knows no type ${given.type}: use UNKNOWN_1234`);
}

/** Name and class as given must be what was read back. */
function checkHead(
  given: PacketQuestion | PacketAnswer,
  back: { name: string; class?: RecordClass | undefined },
): void {
  if (!sameData(given.name, back.name))
    refuse(`"${given.name}" is no domain name that dns-packet can carry`);
  if ((given.class ?? 'IN').toUpperCase() !== back.class)
    refuse(`dns-packet knows no class ${given.class}`);
}

const copyOf = (data: unknown): unknown =>
  Array.isArray(data)
    ? [...data]
    : data instanceof Uint8Array || typeof data !== 'object'
      ? data
      : { ...data };

/**
 * Whether data as given says what the data read back says. Only what was given counts, for the rest has defaults;
 * letter case does not, because the encoders never change it.
 */
function sameData(given: unknown, back: unknown): boolean {
  if (given === undefined) return true;
  if (back instanceof Uint8Array)
    return sameOctets(typeof given === 'string' ? Buffer.from(given) : given, back);
  if (typeof given === 'string' && typeof back === 'string') return sameText(given, back);
  if (Array.isArray(back)) return sameList(Array.isArray(given) ? given : [given], back);
  if (typeof given !== 'object' || typeof back !== 'object' || !given || !back)
    return given === back;
  const values: Readonly<Record<string, unknown>> = { ...back };
  return Object.entries(given).every(([key, value]) => sameData(value, values[key]));
}

const sameOctets = (a: unknown, b: Uint8Array): boolean =>
  a instanceof Uint8Array && Buffer.compare(a, b) === 0;

function sameText(given: string, back: string): boolean {
  const address = parseIPv4(back) ?? parseIPv6(back);
  if (address) return sameOctets(parseIPv4(given) ?? parseIPv6(given), address);
  const text = given.length > 1 && given.endsWith('.') ? given.slice(0, -1) : given;
  return text.toLowerCase() === back.toLowerCase();
}

/** Strings of a TXT in their order; types of a bitmap come back sorted. */
function sameList(given: readonly unknown[], back: readonly unknown[]): boolean {
  if (given.length !== back.length) return false;
  if (back.every((value) => typeof value === 'string')) {
    const texts = new Set(given.map((value) => String(value).toUpperCase()));
    return texts.size === back.length && back.every((value) => texts.has(value));
  }
  return given.every((value, i) => sameData(value, back[i]));
}
