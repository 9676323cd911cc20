/**
 * A bounded reader over octets, which follows compressed names.
 *
 * Implements RFC 1035 section 4.1.4, linear in the message: a pointer must lead strictly backward and a name follows at
 * most 127 of them. Does not: know records or sections, write (see writer.ts).
 * @module
 */
import { Name, ROOT } from './name.ts';

/**
 * Thrown inside the reader only: `message.ts` and `rdata.ts` turn it into a value.
 *
 * An Error in everything but the stack trace, which takes ten times as long to gather as the rest of a record to
 * read: 64 KiB hold 5900 records that do not fit their type.
 */
export class FormatError implements Error {
  readonly name = 'FormatError';
  readonly message: string;
  readonly offset: number;

  constructor(reason: string, offset: number) {
    this.message = reason;
    this.offset = offset;
  }

  static {
    Object.setPrototypeOf(FormatError.prototype, Error.prototype);
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
const MAX_LABEL = 63;
/** Octets from here on begin a pointer (RFC 1035 section 4.1.4). */
export const POINTER = 0xc0;

/** A name as it was read, and how many pointers had to be followed for it. */
interface Known {
  readonly name: Name;
  readonly pointers: number;
}

/** The names read so far by where they start, so that octets shared by many names are read once. */
export type KnownNames = Map<number, Known>;

export class Reader {
  readonly bytes: Uint8Array;
  #at: number;
  #end: number;
  readonly #known: KnownNames | undefined;
  readonly #keeping: 'views' | 'copies';

  /**
   * @param known    for messages; in most of them nearly all owners are the same few
   * @param keeping  what `keep` and `name` give: with views, nobody may change `bytes` afterwards
   */
  constructor(
    bytes: Uint8Array,
    at = 0,
    end: number = bytes.length,
    known?: KnownNames,
    keeping: 'views' | 'copies' = 'views',
  ) {
    // The `slice` of a Buffer is a view and would keep the message alive; that of a Uint8Array is a copy.
    this.bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = at;
    this.#end = end;
    this.#known = known;
    this.#keeping = keeping;
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

  /** The next `length` octets as a view, to be looked at. */
  view(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** The next `length` octets to keep. */
  keep(length: number): Uint8Array {
    const at = this.#take(length);
    return this.between(at, at + length);
  }

  /** The octets between two offsets that have been checked, to keep. */
  between(start: number, end: number): Uint8Array {
    return this.#keeping === 'views'
      ? this.bytes.subarray(start, end)
      : this.bytes.slice(start, end);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** A reader over the next `length` octets, which this one skips. Names in it may still point anywhere before it. */
  within(length: number): Reader {
    const at = this.#take(length);
    return new Reader(this.bytes, at, at + length, this.#known, this.#keeping);
  }

  /**
   * Bounds the reader to the next `length` octets, whose names may still point anywhere before them.
   * @returns what {@link widen} needs
   */
  narrow(length: number): number {
    const outer = this.#end;
    const at = this.#take(length);
    this.#at = at;
    this.#end = at + length;
    return outer;
  }

  /** Passes over what is left of the bounded octets, and lifts the bound. */
  widen(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  /** A name, its pointers followed. */
  name(): Name {
    const start = this.#at;
    const at = this.#pastLabels(start, this.#end, 0);
    const ends = this.#byte(at) === 0;
    this.#at = at + (ends ? 1 : 2);
    if (at > start) return this.#nameAt(start, at, 0).name;
    return ends ? ROOT : this.#pointedAt(this.#target(at, start), 0).name;
  }

  /** A name where no pointer may stand. What is wrong with it is wrong with its record only. */
  plainName(): Name {
    const start = this.#at;
    const labels = this.#skipLabels();
    return labels === 0 ? ROOT : Name.trusted(this.between(start, this.#at), labels);
  }

  skipPlainName(): void {
    this.#skipLabels();
  }

  #skipLabels(): number {
    const start = this.#at;
    let labels = 0;
    let at = start;
    for (;;) {
      if (at >= this.#end) throw new FormatError('name runs past the end', start);
      const octet = this.#byte(at);
      if (octet >= POINTER) throw new FormatError('compressed name where none is allowed', at);
      if (octet > MAX_LABEL) throw new FormatError('unknown label type', at);
      at += 1 + octet;
      if (at - start > MAX_NAME) throw new FormatError('name longer than 255 octets', start);
      if (octet === 0) break;
      labels += 1;
    }
    this.#at = at;
    return labels;
  }

  /** Where the labels from `start` on end: at a zero octet or at a whole pointer. */
  #pastLabels(start: number, end: number, pointers: number): number {
    let at = start;
    for (;;) {
      if (at >= end) throw this.#pastEnd(start, pointers);
      const octet = this.#byte(at);
      if (octet === 0) return at;
      if (octet >= POINTER) {
        if (at + 1 >= end) throw this.#pastEnd(start, pointers);
        return at;
      }
      if (octet > MAX_LABEL) throw new BrokenName('unknown label type', at);
      at += 1 + octet;
      if (at - start >= MAX_NAME) throw new BrokenName('name longer than 255 octets', start);
    }
  }

  /** Where the pointer at `at` leads; it must be before the labels in front of it, which begin at `start`. */
  #target(at: number, start: number): number {
    const target = ((this.#byte(at) & 0x3f) << 8) | this.#byte(at + 1);
    if (target >= start) throw new BrokenName('compression pointer does not lead backward', at);
    return target;
  }

  /**
   * The name whose labels stand from `start` to `at`, with what the pointer there adds.
   * @param pointers  how many were followed on the way here: what bounds the recursion
   */
  #nameAt(start: number, at: number, pointers: number): Known {
    if (this.#byte(at) === 0) return this.#remember(start, this.#uncompressed(start, at), 0);
    const suffix = this.#pointedAt(this.#target(at, start), pointers);
    if (at - start + suffix.name.wire.length > MAX_NAME)
      throw new BrokenName('name longer than 255 octets', start);
    const name = at === start ? suffix.name : suffix.name.below(this.bytes, start, at);
    return this.#remember(start, name, suffix.pointers + 1);
  }

  /** The name at the end of a pointer; it is read once. */
  #pointedAt(target: number, pointers: number): Known {
    const known = this.#known?.get(target) ?? this.#readAt(target, pointers + 1);
    if (known.pointers < MAX_POINTERS) return known;
    throw new BrokenName('too many compression pointers', target);
  }

  #readAt(start: number, pointers: number): Known {
    if (pointers > MAX_POINTERS) throw new BrokenName('too many compression pointers', start);
    return this.#nameAt(start, this.#pastLabels(start, this.bytes.length, pointers), pointers);
  }

  #uncompressed(start: number, end: number): Name {
    if (start === end) return ROOT;
    let labels = 0;
    for (let at = start; at < end; at += 1 + this.#byte(at)) labels += 1;
    return Name.trusted(this.between(start, end + 1), labels);
  }

  #remember(start: number, name: Name, pointers: number): Known {
    const known = { name, pointers };
    this.#known?.set(start, known);
    return known;
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
