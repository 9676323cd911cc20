/**
 * Type bitmaps of NSEC, NSEC3 and CSYNC (RFC 4034 section 4.1.2).
 *
 * Reading takes what the section makes unambiguous (trailing zero octets included, which a writer must leave out);
 * canonical form and signatures never come from here, but from the octets as received.
 * @module
 */
import { codeOf, type RRType, typeOf } from './codes.ts';
import type { Reader } from './cursor.ts';
import type { Writer } from './writer.ts';

/** Types a window: 32 octets of eight bits. */
const WINDOW_OCTETS = 32;

/** Walks over the windows up to the end of `reader`, refusing what the section forbids. */
function eachWindow(reader: Reader, visit: (window: number, bits: Uint8Array) => void): void {
  let previous = -1;
  while (reader.left > 0) {
    const window = reader.u8();
    const length = reader.u8();
    if (window <= previous) reader.fail('type bitmap windows are not in ascending order');
    if (length < 1 || length > WINDOW_OCTETS)
      reader.fail('type bitmap window is not 1 to 32 octets long');
    visit(window, reader.view(length));
    previous = window;
  }
}

export const checkTypes = (reader: Reader): void => eachWindow(reader, () => {});

/** In ascending order of their codes. */
export function readTypes(reader: Reader): readonly RRType[] {
  const types: RRType[] = [];
  eachWindow(reader, (window, bits) => {
    for (const [i, octet] of bits.entries())
      for (let bit = 0; bit < 8; bit += 1)
        if (octet & (0x80 >> bit)) types.push(typeOf(window * 256 + i * 8 + bit));
  });
  return types;
}

export function writeTypes(writer: Writer, types: readonly RRType[]): void {
  const codes = [...new Set(types.map(codeOf))].sort((a, b) => a - b);
  for (let at = 0; at < codes.length; ) {
    const window = (codes[at] ?? 0) >> 8;
    const bits = new Uint8Array(WINDOW_OCTETS);
    let length = 0;
    for (; at < codes.length && (codes[at] ?? 0) >> 8 === window; at += 1) {
      const low = (codes[at] ?? 0) & 0xff;
      bits[low >> 3] = (bits[low >> 3] ?? 0) | (0x80 >> (low & 7));
      length = (low >> 3) + 1;
    }
    writer.u8(window);
    writer.u8(length);
    writer.octets(bits.subarray(0, length));
  }
}
