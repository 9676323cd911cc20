/**
 * A reader for DER: strict, bounded by its octets, linear in them.
 *
 * Implements the part of X.690 that certificates use: tags of one octet, definite lengths in their shortest form,
 * booleans, integers, object identifiers, bit strings, the two kinds of time (RFC 5280 section 4.1.2.5). Does not: know
 * any structure built of these.
 * @module
 */

/** Thrown inside the readers of tls/ only: `certificate.ts` turns it into a value. */
export class DerError extends Error {
  readonly offset: number;
  constructor(why: string, offset: number) {
    super(why);
    this.offset = offset;
  }
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag of `[number]`, IMPLICIT over a primitive type or EXPLICIT and over constructed ones. */
export const context = (number: number, form: 'primitive' | 'constructed'): number =>
  (form === 'primitive' ? 0x80 : 0xa0) + number;

/** No object identifier in use has nearly as many; it stops quadratic printing. */
const MAX_OID_OCTETS = 64;

export class DerReader {
  readonly bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get offset(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** The next tag, `undefined` at the end. */
  get tag(): number | undefined {
    return this.left > 0 ? this.bytes[this.#at] : undefined;
  }

  fail(why: string): never {
    throw new DerError(why, this.#at);
  }

  /** Must be called where a structure ends: octets left over would be signed but not understood. */
  finish(): void {
    if (this.left > 0) this.fail('octets left over');
  }

  /** A reader over the contents of the next element, which must have this tag. */
  enter(tag: number): DerReader {
    if (this.tag !== tag) this.fail(`expected tag ${hex(tag)}, found ${hex(this.tag)}`);
    const [start, end] = this.#bounds();
    this.#at = end;
    return new DerReader(this.bytes, start, end);
  }

  enterIf(tag: number): DerReader | undefined {
    return this.tag === tag ? this.enter(tag) : undefined;
  }

  /** The contents of the next element, a view. */
  contents(tag: number): Uint8Array {
    const inner = this.enter(tag);
    return this.bytes.subarray(inner.#at, inner.#end);
  }

  /** The next element with tag and length, a view. */
  element(tag: number | undefined = this.tag): Uint8Array {
    const start = this.#at;
    this.enter(tag ?? this.fail('runs past the end'));
    return this.bytes.subarray(start, this.#at);
  }

  /** Everything up to the end, a view. */
  rest(): Uint8Array {
    const start = this.#at;
    this.#at = this.#end;
    return this.bytes.subarray(start, this.#end);
  }

  boolean(): boolean {
    const contents = this.contents(TAG.boolean);
    const [value] = contents;
    if (contents.length !== 1 || (value !== 0 && value !== 0xff)) this.fail('not a DER boolean');
    return value === 0xff;
  }

  /** The two's complement octets of an INTEGER, in their shortest form. */
  integer(): Uint8Array {
    const octets = this.contents(TAG.integer);
    const [first, second] = octets;
    if (first === undefined) this.fail('empty integer');
    if (second !== undefined && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80))
      this.fail('integer not in its shortest form');
    return octets;
  }

  /** An INTEGER from 0 to 2^31 - 1; greater ones come out as 2^31 - 1, for no count here ever gets there. */
  count(tag: number = TAG.integer): number {
    const octets = tag === TAG.integer ? this.integer() : this.contents(tag);
    const [first] = octets;
    if (first === undefined || first >= 0x80) this.fail('negative number');
    if (octets.length > 4) return 0x7fffffff;
    return octets.reduce((sum, octet) => sum * 256 + octet, 0);
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid(): string {
    const octets = this.contents(TAG.oid);
    const last = octets.at(-1);
    if (last === undefined || last >= 0x80 || octets.length > MAX_OID_OCTETS) this.fail(NOT_AN_OID);
    return printOid(octets) ?? this.fail(NOT_AN_OID);
  }

  /** The octets of a BIT STRING that has whole octets. */
  octetsOfBits(): Uint8Array {
    const contents = this.contents(TAG.bitString);
    if (contents[0] !== 0) this.fail('bit string that does not end with an octet');
    return contents.subarray(1);
  }

  /** The first 16 bits of a named bit list, bit 0 being 0x8000. */
  flags(): number {
    const contents = this.contents(TAG.bitString);
    const [unused, first = 0, second = 0] = contents;
    if (unused === undefined || unused > 7 || (unused > 0 && contents.length === 1))
      this.fail('not a bit string');
    return (first << 8) | second;
  }

  /** UTCTime or GeneralizedTime in the one form that RFC 5280 section 4.1.2.5 allows, in milliseconds since 1970. */
  time(): number {
    const general = this.tag === TAG.generalizedTime;
    const contents = this.contents(general ? TAG.generalizedTime : TAG.utcTime);
    const digits = general ? 14 : 12;
    if (contents.length !== digits + 1 || contents[digits] !== Z) this.fail(NOT_A_TIME);
    const pair = (at: number): number => this.#pair(contents, at);
    const start = digits - 10;
    const full = general ? pair(0) * 100 + pair(2) : pair(0) + (pair(0) < 50 ? 2000 : 1900);
    const [month, day] = [pair(start), pair(start + 2)];
    const [hour, minute, second] = [pair(start + 4), pair(start + 6), pair(start + 8)];
    const date = new Date(0);
    date.setUTCFullYear(full, month - 1, day);
    date.setUTCHours(hour, minute, second);
    const same = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
    if (!same || hour > 23 || minute > 59 || second > 59) this.fail('no such time');
    return date.getTime();
  }

  /** Two digits. */
  #pair(text: Uint8Array, at: number): number {
    const [tens, ones] = [(text[at] ?? 0) - ZERO, (text[at + 1] ?? 0) - ZERO];
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) this.fail(NOT_A_TIME);
    return tens * 10 + ones;
  }

  /** Where the contents of the next element start and end. */
  #bounds(): [start: number, end: number] {
    const tag = this.bytes[this.#at] ?? 0;
    if ((tag & 0x1f) === 0x1f) this.fail('tag of more than one octet');
    if (this.left < 2) this.fail('runs past the end');
    let at = this.#at + 1;
    let length = this.bytes[at++] ?? 0;
    if (length >= 0x80) {
      const octets = length - 0x80;
      if (octets === 0) this.fail('indefinite length');
      if (octets > 4 || at + octets > this.#end) this.fail('runs past the end');
      length = 0;
      for (let i = 0; i < octets; i += 1) length = length * 256 + (this.bytes[at++] ?? 0);
      if (length < 0x80 || length < 256 ** (octets - 1))
        this.fail('length not in its shortest form');
    }
    if (at + length > this.#end) this.fail('runs past the end');
    return [at, at + length];
  }
}

/** What `read` makes of DER, `undefined` where that is malformed. */
export function reading<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

const NOT_A_TIME = 'time not in the form of RFC 5280';
const NOT_AN_OID = 'not an object identifier';
const ZERO = 0x30;
const Z = 0x5a;

/** One character an octet. */
export const latin1 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('latin1');

export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Dotted; `undefined` where an arc does not come in its shortest form (X.690 section 8.19.2). */
function printOid(octets: Uint8Array): string | undefined {
  const arcs: (number | bigint)[] = [];
  let arc: number | bigint = 0;
  let atStart = true;
  for (const octet of octets) {
    if (atStart && octet === 0x80) return undefined;
    arc = typeof arc === 'number' && arc < EXACT ? arc * 128 + (octet & 0x7f) : shift(arc, octet);
    atStart = octet < 0x80;
    if (!atStart) continue;
    if (arcs.length > 0) arcs.push(arc);
    else {
      const top = arc < 80 ? (arc < 40 ? 0 : 1) : 2;
      arcs.push(top, typeof arc === 'number' ? arc - top * 40 : arc - BigInt(top * 40));
    }
    arc = 0;
  }
  return arcs.join('.');
}

/** Below it, seven more bits still make a number that counts exactly. */
const EXACT = 2 ** 46;
const shift = (arc: number | bigint, octet: number): bigint =>
  (BigInt(arc) << 7n) | BigInt(octet & 0x7f);

const hex = (tag: number | undefined): string =>
  tag === undefined ? 'the end' : `0x${tag.toString(16).padStart(2, '0')}`;
