/**
 * Replies as octets, written fast: names and RDATA are wire octets in latin1 strings, which are cheap to join, compare
 * and write.
 *
 * Does not: check what it writes; the reader under test does.
 * @module
 */

/** Wire octets as a latin1 string. */
export type Wire = string;

export const u16 = (value: number): Wire => String.fromCharCode((value >> 8) & 255, value & 255);
export const u32 = (value: number): Wire => u16(value >>> 16) + u16(value & 0xffff);

/** `mx1.example.` or `mx1.example` as wire octets; no escapes. */
export function wireOf(text: string): Wire {
  const labels = text.split('.').filter((label) => label !== '');
  return `${labels.map((label) => String.fromCharCode(label.length) + label).join('')}\0`;
}
export const label = (text: string): Wire => String.fromCharCode(text.length) + text;

export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  AAAA: 28,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  TLSA: 52,
} as const;

/** Type bit maps of window 0 (RFC 4034 section 4.1.2). */
export function bitmap(types: readonly number[]): Wire {
  const octets = new Uint8Array((Math.max(...types) >> 3) + 1);
  for (const type of types) octets[type >> 3] = (octets[type >> 3] ?? 0) | (0x80 >> (type & 7));
  return String.fromCharCode(0, octets.length, ...octets);
}

export interface Asked {
  /** In lower case. */
  readonly name: Wire;
  readonly type: number;
  /** Where the question ends in the query. */
  readonly end: number;
}

/** Of a query of ours: one question, uncompressed. */
export function readQuestion(query: Buffer): Asked {
  let at = 12;
  while ((query[at] ?? 0) > 0) at += 1 + (query[at] ?? 0);
  const name = query.toString('latin1', 12, at + 1).toLowerCase(); // length octets lie below the letters
  return { name, type: query.readUInt16BE(at + 1), end: at + 5 };
}

export type Section = 'answer' | 'authority' | 'additional';
/** Where the counts stand in the header. */
const COUNTS: Readonly<Record<Section, number>> = { answer: 6, authority: 8, additional: 10 };
const QR_AA = 0x8400;
const QR = 0x8000;

/** One reply at a time is written into one buffer, sections in their order. */
export class Packet {
  readonly #buffer = Buffer.alloc(0xffff);
  #at = 0;
  #asked: Wire = '';

  begin(query: Buffer, { name, end }: Asked): void {
    const buffer = this.#buffer;
    query.copy(buffer, 0, 0, end);
    buffer.writeUInt16BE(QR_AA, 2);
    buffer.writeUInt16BE(0, 6);
    buffer.writeUInt16BE(0, 8);
    buffer.writeUInt16BE(0, 10);
    this.#at = end;
    this.#asked = name;
  }

  /** A referral is nobody's last word. */
  dropAuthority(): void {
    this.#buffer.writeUInt16BE(QR, 2);
  }

  rcode(code: number): void {
    this.#buffer[3] = code;
  }

  record(section: Section, owner: Wire, type: number, ttl: number, rdata: Wire): void {
    const buffer = this.#buffer;
    let at = this.#name(owner);
    buffer.writeUInt16BE(type, at);
    buffer.writeUInt16BE(1, at + 2);
    buffer.writeUInt32BE(ttl, at + 4);
    buffer.writeUInt16BE(rdata.length, at + 8);
    at += 10;
    buffer.write(rdata, at, 'latin1');
    this.#at = at + rdata.length;
    const count = COUNTS[section];
    buffer.writeUInt16BE(buffer.readUInt16BE(count) + 1, count);
  }

  /** A pointer into the question where the owner ends it, else the whole name. */
  #name(owner: Wire): number {
    const buffer = this.#buffer;
    const from = this.#asked.length - owner.length;
    if (from >= 0 && this.#asked.endsWith(owner)) {
      buffer.writeUInt16BE(0xc000 | (12 + from), this.#at);
      return this.#at + 2;
    }
    buffer.write(owner, this.#at, 'latin1');
    return this.#at + owner.length;
  }

  /** With an OPT record, as a server that knows EDNS must (RFC 6891 section 7). */
  finish(): Uint8Array {
    const buffer = this.#buffer;
    buffer.write(OPT, this.#at, 'latin1');
    buffer.writeUInt16BE(buffer.readUInt16BE(10) + 1, 10);
    return new Uint8Array(buffer.subarray(0, this.#at + OPT.length));
  }
}

/** Root, OPT, 1232 octets, no upper RCODE, version 0, DO, no options. */
const OPT: Wire = `\0${u16(41)}${u16(1232)}\0\0${u16(0x8000)}${u16(0)}`;
