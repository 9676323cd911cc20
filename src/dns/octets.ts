/**
 * Octets as strings that are equal exactly for equal octets: what map keys are made of.
 *
 * Does not: text (names and quoted strings have escapes; see name.ts and tokens.ts).
 * @module
 */

/** Longer octets are seldom keys; up to here no object is made on the way. */
const SCRATCH = Buffer.alloc(1024);

/** Below this many octets a string grown octet by octet is made sooner than a call into the platform returns. */
const SHORT = 12;
const CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, octet) =>
  String.fromCharCode(octet),
);

/** Each octet as one character: ten times as fast as `String.fromCharCode` over the octets of a long name. */
export function latin1(octets: Uint8Array): string {
  const { length } = octets;
  if (length > SCRATCH.length)
    return Buffer.from(octets.buffer, octets.byteOffset, length).toString('latin1');
  SCRATCH.set(octets);
  return SCRATCH.toString('latin1', 0, length);
}

/** The same for the first `length` octets (at most 1024), each replaced by what `table` has for it. */
export function latin1By(table: Uint8Array, octets: Uint8Array, length: number): string {
  if (length < SHORT) {
    let text = '';
    for (let i = 0; i < length; i += 1) text += CHARACTERS[table[octets[i] ?? 0] ?? 0];
    return text;
  }
  for (let i = 0; i < length; i += 1) SCRATCH[i] = table[octets[i] ?? 0] ?? 0;
  return SCRATCH.toString('latin1', 0, length);
}

export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
