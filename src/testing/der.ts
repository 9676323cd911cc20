/**
 * Writes the few DER values that certificates are made of (ITU-T X.690).
 *
 * Does not: read (tls/der.ts does).
 * @module
 */

/** Tag, length, contents. */
function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag), length(body.length), body]));
}

function length(octets: number): Uint8Array {
  if (octets < 0x80) return Uint8Array.of(octets);
  if (octets < 0x100) return Uint8Array.of(0x81, octets);
  if (octets < 0x10000) return Uint8Array.of(0x82, octets >> 8, octets & 0xff);
  return Uint8Array.of(0x83, octets >> 16, octets >> 8, octets & 0xff);
}

export const sequence = (...members: readonly Uint8Array[]): Uint8Array =>
  element(0x30, ...members);
export const set = (...members: readonly Uint8Array[]): Uint8Array => element(0x31, ...members);
export const octetString = (octets: Uint8Array): Uint8Array => element(0x04, octets);
export const utf8String = (text: string): Uint8Array => element(0x0c, Buffer.from(text));
export const boolean = (value: boolean): Uint8Array =>
  element(0x01, Uint8Array.of(value ? 0xff : 0));
/** Whole octets: no unused bits. */
export const bitString = (octets: Uint8Array): Uint8Array =>
  element(0x03, Uint8Array.of(0), octets);
/** `[tag] EXPLICIT` around one value. */
export const explicit = (tag: number, value: Uint8Array): Uint8Array => element(0xa0 | tag, value);
/** `[tag] IMPLICIT` of a primitive type. */
export const implicit = (tag: number, octets: Uint8Array): Uint8Array =>
  element(0x80 | tag, octets);

/** A number that is not negative, most significant octet first; in the fewest octets. */
export function integer(octets: Uint8Array): Uint8Array {
  const first = octets.findIndex((octet) => octet !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : octets.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : [];
  return element(0x02, ...sign, digits);
}

/** An object identifier in dotted form. */
export function objectId(text: string): Uint8Array {
  const [first = 0, second = 0, ...others] = text.split('.').map(Number);
  const octets = [first * 40 + second, ...others].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift(0x80 | (left & 0x7f));
    return groups;
  });
  return element(0x06, Uint8Array.from(octets));
}

/** RFC 5280 section 4.1.2.5: UTCTime up to 2049, GeneralizedTime from then on. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\.\d+Z$|[-:T]/g, '');
  const year = Number(digits.slice(0, 4));
  const isShort = year >= 1950 && year < 2050;
  return element(isShort ? 0x17 : 0x18, Buffer.from(`${isShort ? digits.slice(2) : digits}Z`));
}
