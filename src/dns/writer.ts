/**
 * A growing writer of octets, which compresses names (RFC 1035 section 4.1.4) against those that it has written itself.
 *
 * Does not: know records or sections, read (see cursor.ts).
 * @module
 */
import { POINTER } from './cursor.ts';
import { latin1 } from './octets.ts';

/** Offsets that a 14-bit pointer can reach. */
const POINTER_REACH = 0x4000;

/** Octets of what is written at first, before it grows: most messages and all that is packed fit. */
const SHEET_OCTETS = 1024;
/** Sheets that nobody writes on: memory for a new one would cost more than most messages. */
const sheets: Uint8Array[] = [];
/** As many as are written on at the same time, and some more. */
const MOST_SHEETS = 8;
const NOTHING = new Uint8Array(0);

export class Writer {
  #bytes: Uint8Array = sheets.pop() ?? new Uint8Array(SHEET_OCTETS);
  #length = 0;
  /** The names written so far, once there is a second one that may point to the first. */
  #names: Map<string, number> | undefined;
  #first: { readonly wire: Uint8Array; readonly at: number } | undefined;

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
    if (this.#first && this.#first.at >= length) this.#first = undefined;
    for (const [key, at] of this.#names ?? []) if (at >= length) this.#names?.delete(key);
  }

  /**
   * A name, given as its uncompressed wire octets; its longest suffix already written is replaced by a pointer. Letter
   * case counts: what was written as `Example` must not be read as `example` (RFC 4343 section 4.1 asks for the case to
   * be kept where possible).
   */
  name(wire: Uint8Array): void {
    if (!this.#first && !this.#names) {
      this.#first = { wire, at: this.#length };
      this.octets(wire);
      return;
    }
    const names = this.#knownNames();
    const text = latin1(wire);
    const start = this.#length;
    let at = 0;
    for (let length = wire[0] ?? 0; length > 0; length = wire[at] ?? 0) {
      const suffix = text.slice(at);
      const known = names.get(suffix);
      if (known !== undefined) {
        if (at > 0) this.octets(wire.subarray(0, at));
        this.u16((POINTER << 8) | known);
        return;
      }
      if (start + at < POINTER_REACH) names.set(suffix, start + at);
      at += 1 + length;
    }
    this.octets(wire);
  }

  /** Most queries and much of what is packed have one name, whose suffixes nobody points to. */
  #knownNames(): Map<string, number> {
    this.#names ??= new Map();
    if (this.#first) noteSuffixes(this.#names, this.#first.wire, this.#first.at);
    this.#first = undefined;
    return this.#names;
  }

  /** A copy of what was written. Nothing may be written afterwards. */
  finish(): Uint8Array {
    const copy = this.#bytes.slice(0, this.#length);
    this.#putAway();
    return copy;
  }

  /** The same as a string of one character an octet. */
  finishAsText(): string {
    const text = latin1(this.#bytes.subarray(0, this.#length));
    this.#putAway();
    return text;
  }

  #putAway(): void {
    if (this.#bytes.length === SHEET_OCTETS && sheets.length < MOST_SHEETS)
      sheets.push(this.#bytes);
    this.#bytes = NOTHING;
    this.#length = 0;
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

function noteSuffixes(names: Map<string, number>, wire: Uint8Array, start: number): void {
  const text = latin1(wire);
  let at = 0;
  for (let length = wire[0] ?? 0; length > 0; length = wire[at] ?? 0) {
    if (start + at < POINTER_REACH) names.set(text.slice(at), start + at);
    at += 1 + length;
  }
}
