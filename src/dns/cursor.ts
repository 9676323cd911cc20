/**
 * A bounded reader and a growing writer over octets; compressed names on both sides.
 *
 * Implements RFC 1035 section 4.1.4. The reader is linear in the message: a pointer must lead strictly backward and
 * a name follows at most 127 of them. The writer compresses against at most the names that it has written itself.
 * Does not: know records or sections.
 * @module
 */
import { Name, ROOT } from './name.ts';

/** Thrown inside the reader only: `message.ts` and `rdata.ts` turn it into a value. */
export class FormatError extends Error {
  readonly offset: number;
  constructor(reason: string, offset: number) {
    super(reason);
    this.offset = offset;
  }
}

/**
 * A name that no reading could make sense of: a pointer that loops or leads forward, an unknown label type, more than
 * 255 octets. Where it stands in RDATA it spoils the whole message, and not only its record.
 */
export class BrokenName extends FormatError {}

/** A name of 255 octets has at most 127 labels, and each useful pointer is preceded by at least one. */
const MAX_POINTERS = 127;
const MAX_NAME = 255;

export class Reader {
  readonly bytes: Uint8Array;
  #at: number;
  readonly #end: number;
  readonly #names: Map<number, Name> | undefined;

  /** @param names  remembers the names read by where they start: in most messages nearly all owners are the same few */
  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length, names?: Map<number, Name>) {
    // The `slice` of a Buffer is a view and would keep the message alive; that of a Uint8Array is a copy.
    this.bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = at;
    this.#end = end;
    this.#names = names;
  }

  get offset(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  fail(reason: string): never {
    throw new FormatError(reason, this.#at);
  }

  u8(): number {
    return this.#byte(this.#take(1));
  }

  u16(): number {
    const at = this.#take(2);
    return (this.#byte(at) << 8) | this.#byte(at + 1);
  }

  u32(): number {
    const at = this.#take(4);
    return (
      ((this.#byte(at) << 24) |
        (this.#byte(at + 1) << 16) |
        (this.#byte(at + 2) << 8) |
        this.#byte(at + 3)) >>>
      0
    );
  }

  /** The next `length` octets as a view: copy what you keep. */
  view(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  rest(): Uint8Array {
    return this.view(this.left);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** A reader over the next `length` octets, which this one skips. Names in it may still point anywhere before it. */
  within(length: number): Reader {
    const at = this.#take(length);
    return new Reader(this.bytes, at, at + length, this.#names);
  }

  /** A name, its pointers followed (`compressed`) or refused (`plain`). */
  name(form: 'compressed' | 'plain' = 'compressed'): Name {
    const start = this.#at;
    let wire = new Uint8Array(64);
    let length = 0;
    let labels = 0;
    let pointers = 0;
    let at = start;
    let end = this.#end;
    let lowest = start; // a pointer must lead strictly below this
    for (;;) {
      if (at >= end) throw this.#pastEnd(start, pointers);
      const octet = this.#byte(at);
      if (octet >= 0xc0) {
        if (form === 'plain') throw new FormatError('compressed name where none is allowed', at);
        if (at + 1 >= end) throw this.#pastEnd(start, pointers);
        const target = ((octet & 0x3f) << 8) | this.#byte(at + 1);
        if (pointers === 0) this.#at = at + 2;
        const known = pointers === 0 && length === 0 ? this.#names?.get(target) : undefined;
        if (known) return known;
        pointers += 1;
        if (pointers > MAX_POINTERS) throw new BrokenName('too many compression pointers', start);
        if (target >= lowest)
          throw new BrokenName('compression pointer does not lead backward', at);
        at = target;
        lowest = target;
        end = this.bytes.length;
        continue;
      }
      if (octet > 63) throw new BrokenName('unknown label type', at);
      const next = length + 1 + octet;
      if (next > MAX_NAME) throw new BrokenName('name longer than 255 octets', start);
      if (at + 1 + octet > end) throw this.#pastEnd(start, pointers);
      if (next > wire.length) {
        const grown = new Uint8Array(MAX_NAME);
        grown.set(wire);
        wire = grown;
      }
      for (let i = 0; i <= octet; i += 1) wire[length + i] = this.#byte(at + i);
      length = next;
      at += 1 + octet;
      if (octet === 0) break;
      labels += 1;
    }
    if (pointers === 0) this.#at = at;
    const name = labels === 0 ? ROOT : Name.trusted(wire.slice(0, length), labels);
    if (this.#names && this.#byte(start) < 0xc0) this.#names.set(start, name);
    return name;
  }

  /** Past the end of the RDATA is that record's trouble; past the end of the message, by a pointer, everybody's. */
  #pastEnd(start: number, pointers: number): FormatError {
    return new (pointers > 0 ? BrokenName : FormatError)('name runs past the end', start);
  }

  /** The octet at an offset that has been checked. */
  #byte(at: number): number {
    return this.bytes[at] ?? 0;
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) throw new FormatError('runs past the end', at);
    this.#at = at + length;
    return at;
  }
}

/** Offsets that a 14-bit pointer can reach. */
const POINTER_REACH = 0x4000;

export class Writer {
  #bytes: Uint8Array;
  #length = 0;
  readonly #names = new Map<string, number>();

  constructor(size = 512) {
    this.#bytes = new Uint8Array(size);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.u8(value >>> 8);
    this.u8(value & 0xff);
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value & 0xffff);
  }

  octets(octets: Uint8Array): void {
    this.#room(octets.length);
    this.#bytes.set(octets, this.#length);
    this.#length += octets.length;
  }

  /** Overwrites two octets written earlier: lengths and counts that were not known then. */
  patchU16(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value & 0xff;
  }

  /** Forgets everything from `length` on: a record that did not fit. */
  truncate(length: number): void {
    this.#length = length;
    for (const [key, at] of this.#names) if (at >= length) this.#names.delete(key);
  }

  /**
   * A name, its longest suffix already written replaced by a pointer. Letter case counts: what was written as
   * `Example` must not be read as `example` (RFC 4343 section 4.1 asks for the case to be kept where possible).
   */
  name(name: Name): void {
    const text = latin1(name.wire);
    let at = 0;
    for (let left = name.labels; left > 0; left -= 1) {
      const suffix = text.slice(at);
      const known = this.#names.get(suffix);
      if (known !== undefined) {
        this.u16(0xc000 | known);
        return;
      }
      if (this.#length < POINTER_REACH) this.#names.set(suffix, this.#length);
      const length = 1 + (name.wire[at] ?? 0);
      this.octets(name.wire.subarray(at, at + length));
      at += length;
    }
    this.u8(0);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Each octet as one character. At most 255 octets: they become the arguments of one call. */
const latin1 = (octets: Uint8Array): string => String.fromCharCode(...octets);
