/**
 * Base 32 with the extended hex alphabet, lower case and without padding: how NSEC3 writes hashes (RFC 4648 section 7,
 * RFC 5155 section 3.3). The text sorts as the octets do.
 * @module
 */
const ALPHABET = '0123456789abcdefghijklmnopqrstuv';

export function encodeBase32hex(octets: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    held = (held << 8) | octet;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >>> (bits - 5)) & 31];
    held &= 31; // fewer than five bits are left over
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

/** @returns `undefined` when the text is not what `encodeBase32hex` writes, letter case apart */
export function decodeBase32hex(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const char of text.toLowerCase()) {
    const value = ALPHABET.indexOf(char);
    if (value < 0) return undefined;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    octets[at++] = (held >>> bits) & 0xff;
  }
  return encodeBase32hex(octets) === text.toLowerCase() ? octets : undefined;
}
