/**
 * RSASSA-PKCS1-v1_5 verification on BigInt: RFC 8017 sections 8.2.2 and 9.2.
 *
 * The encoded message is made anew and compared whole, so nothing in the padding or the DigestInfo is parsed
 * (CVE-2006-4339 and its kin). Everything here is public: constant time is not needed and not promised.
 * @module
 */
import type { HashName } from './algorithms.ts';

/** DER of DigestInfo up to the digest: RFC 8017 section 9.2, note 1. */
const DIGEST_INFO: Readonly<Record<HashName, readonly number[]>> = {
  sha1: [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14],
  sha256: digestInfo(0x31, 0x01, 0x20),
  sha384: digestInfo(0x41, 0x02, 0x30),
  sha512: digestInfo(0x51, 0x03, 0x40),
};

function digestInfo(length: number, oid: number, digest: number): readonly number[] {
  return [
    0x30,
    length,
    0x30,
    0x0d,
    0x06,
    0x09,
    0x60,
    0x86,
    0x48,
    0x01,
    0x65,
    0x03,
    0x04,
    0x02,
    oid,
    0x05,
    0x00,
    0x04,
    digest,
  ];
}

/** A modulus and an exponent as numbers, ready to verify many signatures. */
export interface RsaKey {
  readonly n: bigint;
  readonly e: bigint;
  /** Octets of the modulus, and so of every signature. */
  readonly octets: number;
}

export const makeRsaKey = (modulus: Uint8Array, exponent: Uint8Array): RsaKey => ({
  n: toNumber(modulus),
  e: toNumber(exponent),
  octets: modulus.length,
});

/** Whether `signature` is the one over a message with this digest. */
export function verifyRsa(
  { n, e, octets }: RsaKey,
  hash: HashName,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const s = toNumber(signature);
  if (s >= n) return false;
  const encoded = encodeMessage(hash, digest, octets);
  return encoded !== undefined && power(s, e, n) === toNumber(encoded);
}

/** EMSA-PKCS1-v1_5: 00 01 FF ... FF 00 DigestInfo, at least eight FF. */
function encodeMessage(hash: HashName, digest: Uint8Array, octets: number): Uint8Array | undefined {
  const info = DIGEST_INFO[hash];
  const padding = octets - info.length - digest.length - 3;
  if (padding < 8) return undefined;
  const encoded = new Uint8Array(octets).fill(0xff, 2, 2 + padding);
  encoded[1] = 1;
  encoded.set(info, 3 + padding);
  encoded.set(digest, octets - digest.length);
  return encoded;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === '1') result = (result * base) % modulus;
  }
  return result;
}

/** Through hexadecimal text: BigInt has no faster way in. */
function toNumber(octets: Uint8Array): bigint {
  let text = '0x0';
  for (const octet of octets) text += HEX[octet];
  return BigInt(text);
}
const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));
