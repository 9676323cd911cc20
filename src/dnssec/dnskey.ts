/**
 * DNSKEY records as keys: flags, key tag, and the public key behind the octets.
 *
 * Implements RFC 4034 section 2 and appendix B, RFC 3110 section 2, RFC 5011 section 2.1, RFC 5702, RFC 6605 section 4,
 * RFC 8080 section 3. What is refused here is refused by both engines.
 * @module
 */
import { decode, type Rdata } from '../dns/rdata.ts';
import { type AlgorithmTable, algorithmOf, type HashName, isSupported } from './algorithms.ts';
import { isLowOrder } from './edwards.ts';

export interface DnsKey {
  /** As published. */
  readonly rdata: Rdata;
  readonly flags: number;
  readonly algorithm: number;
  readonly publicKey: Uint8Array;
  readonly keyTag: number;
  /** Whether it may verify a zone's data: zone key bit and protocol 3. */
  readonly isZoneKey: boolean;
  /** RFC 5011 section 2.1: then it verifies nothing but its own DNSKEY RRset. */
  readonly isRevoked: boolean;
}

const ZONE_KEY = 0x0100;
const REVOKED = 0x0080;
/** RFC 4034 section 2.1.2: the only value. */
const PROTOCOL = 3;

/** @returns `undefined` when the RDATA is no DNSKEY's */
export function parseDnsKey(rdata: Rdata): DnsKey | undefined {
  if (rdata.length < 4) return undefined;
  const { flags, protocol, algorithm, publicKey } = decode('DNSKEY', rdata);
  const isZoneKey = hasZoneKeyBit({ flags }) && protocol === PROTOCOL;
  const isRevoked = (flags & REVOKED) !== 0;
  return {
    rdata,
    flags,
    algorithm,
    publicKey,
    keyTag: keyTagOf(rdata, algorithm),
    isZoneKey,
    isRevoked,
  };
}

/** RFC 4034 section 2.1.1. */
export const hasZoneKeyBit = ({ flags }: Pick<DnsKey, 'flags'>): boolean =>
  (flags & ZONE_KEY) !== 0;

/** RFC 4034 appendix B: a checksum over the RDATA; for algorithm 1 the last octets of the modulus. */
function keyTagOf(rdata: Rdata, algorithm: number): number {
  if (algorithm === 1) return ((rdata.at(-3) ?? 0) << 8) | (rdata.at(-2) ?? 0);
  let sum = 0;
  for (let i = 0; i < rdata.length; i += 1)
    sum += i % 2 === 0 ? (rdata[i] ?? 0) << 8 : (rdata[i] ?? 0);
  return (sum + (sum >>> 16)) & 0xffff;
}

/** A public key in the form that both engines import. */
export type KeyMaterial =
  /** Big-endian, without leading zeros. */
  | {
      readonly kind: 'rsa';
      readonly hash: HashName;
      readonly modulus: Uint8Array;
      readonly exponent: Uint8Array;
    }
  /** x and y, one after the other. */
  | {
      readonly kind: 'ecdsa';
      readonly curve: 'p256' | 'p384';
      readonly hash: HashName;
      readonly point: Uint8Array;
    }
  | { readonly kind: 'eddsa'; readonly curve: 'ed25519' | 'ed448'; readonly point: Uint8Array };

/** Octets of a point as DNSSEC writes it. */
const POINT_OCTETS = { p256: 64, p384: 96, ed25519: 32, ed448: 57 } as const;

/** @returns `undefined` when the octets are no key of the algorithm, or one that no honest signer has */
export function readKeyMaterial({ algorithm, publicKey }: DnsKey): KeyMaterial | undefined {
  const known = algorithmOf(algorithm);
  if (!known) return undefined;
  if (known.kind === 'rsa') {
    const rsa = splitRsa(publicKey);
    return rsa && isSoundRsa(rsa) ? { kind: 'rsa', hash: known.hash, ...rsa } : undefined;
  }
  if (publicKey.length !== POINT_OCTETS[known.curve]) return undefined;
  if (known.kind === 'ecdsa')
    return { kind: 'ecdsa', curve: known.curve, hash: known.hash, point: publicKey };
  return isLowOrder(known.curve, publicKey)
    ? undefined
    : { kind: 'eddsa', curve: known.curve, point: publicKey };
}

interface Rsa {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

/** RFC 3110 section 2: the exponent's length in one octet, or in two after a zero. Leading zeros count nothing. */
function splitRsa(publicKey: Uint8Array): Rsa | undefined {
  const short = publicKey[0] ?? 0;
  const length = short !== 0 ? short : ((publicKey[1] ?? 0) << 8) | (publicKey[2] ?? 0);
  const from = short !== 0 ? 1 : 3;
  if (publicKey.length <= from + length) return undefined;
  return {
    exponent: stripZeros(publicKey.subarray(from, from + length)),
    modulus: stripZeros(publicKey.subarray(from + length)),
  };
}

function stripZeros(octets: Uint8Array): Uint8Array {
  const first = octets.findIndex((octet) => octet !== 0);
  return first < 0 ? octets.subarray(octets.length) : octets.subarray(first);
}

const bitsOf = (octets: Uint8Array): number =>
  octets.length === 0 ? 0 : octets.length * 8 - Math.clz32(octets[0] ?? 0) + 24;

/** RFC 5702 section 2 ends there, and a longer modulus costs more than anybody's data is worth (1 ms at 16 384 bits). */
const RSA_MAXIMUM_BITS = 4096;
/** No RSA that is called so is smaller (RFC 5702 section 2); which sizes prove anything is the table's business. */
const RSA_SMALLEST_BITS = 512;
/** BIND's limit, 2^32 + 1: a long exponent makes verification as dear as signing. */
const RSA_LARGEST_EXPONENT = 2n ** 32n + 1n;

function isSoundRsa({ modulus, exponent }: Rsa): boolean {
  const bits = bitsOf(modulus);
  if (bits < RSA_SMALLEST_BITS || bits > RSA_MAXIMUM_BITS || exponent.length > 5) return false;
  const e = exponent.reduce((value, octet) => value * 256n + BigInt(octet), 0n);
  const isOdd = (octets: Uint8Array): boolean => ((octets.at(-1) ?? 0) & 1) === 1;
  return isOdd(modulus) && isOdd(exponent) && e >= 3n && e <= RSA_LARGEST_EXPONENT;
}

/** Whether the key can sign the zone's data and the table calls it too short to prove anything by that. */
export function isWeak(table: AlgorithmTable, key: DnsKey): boolean {
  const { rsaMinimumBits } = table;
  // A key that verifies nothing forges nothing: it says no more about the zone than one that is not there.
  if (!key.isZoneKey || key.isRevoked || !isSupported(table, key.algorithm)) return false;
  if (algorithmOf(key.algorithm)?.kind !== 'rsa') return false;
  return splitRsa(key.publicKey) !== undefined && modulusBits(key) < rsaMinimumBits;
}

/** Of an RSA key; 0 for octets that are none. */
export function modulusBits({ publicKey }: DnsKey): number {
  const rsa = splitRsa(publicKey);
  return rsa ? bitsOf(rsa.modulus) : 0;
}
