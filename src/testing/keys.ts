/**
 * Signing keys: made by node:crypto, once per process, algorithm and purpose.
 *
 * Implements RFC 3110 (RSA), RFC 6605 (ECDSA), RFC 8080 (EdDSA), the key tag of RFC 4034 appendix B and the DS digest
 * of RFC 4034 section 5.1.4. Shares no code with the validator, so that both must be right to agree.
 * @module
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Name } from '../dns/name.ts';
import { encode, type Rdata } from '../dns/rdata.ts';

/** The algorithms that the signer knows: every one that Danelaw verifies. */
export type Algorithm = 5 | 7 | 8 | 10 | 13 | 14 | 15 | 16;
export type DigestType = 1 | 2 | 4;

export interface SigningKey {
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  /** RDATA of the DNSKEY. */
  readonly dnskey: Rdata;
  readonly tag: number;
  /** Which RRsets it signs: the DNSKEY RRset (`keys`), everything else (`data`), both (`all`) or none (`nothing`). */
  readonly signs: 'all' | 'keys' | 'data' | 'nothing';
}

/** RFC 4034 section 2.1.1: Zone Key and Secure Entry Point. */
const ZONE_KEY = 0x0100;
const SECURE_ENTRY_POINT = 0x0001;
const PROTOCOL = 3;
/** Large enough to be accepted everywhere, small enough to be made in a test. */
const RSA_BITS = 1024;

/**
 * The key of that algorithm with that purpose (a zone's name, say): the same one on each call of this process.
 */
export function signingKey(
  algorithm: Algorithm,
  purpose: string,
  signs: SigningKey['signs'] = 'all',
): SigningKey {
  const { privateKey, publicKey } = keyPair(algorithm, `${purpose} ${signs}`);
  const flags = signs === 'data' ? ZONE_KEY : ZONE_KEY | SECURE_ENTRY_POINT;
  const material = keyMaterial(algorithm, publicKey);
  const dnskey = encode('DNSKEY', { flags, protocol: PROTOCOL, algorithm, publicKey: material });
  return { algorithm, privateKey, dnskey, tag: keyTag(dnskey), signs };
}

/** The same key pair under another DNSKEY: other flags or protocol. */
export const withDnskey = (key: SigningKey, dnskey: Rdata): SigningKey => ({
  ...key,
  dnskey,
  tag: keyTag(dnskey),
});

/** RFC 4034 appendix B. */
export function keyTag(dnskey: Rdata): number {
  let sum = 0;
  for (const [i, octet] of dnskey.entries()) sum += i % 2 === 0 ? octet << 8 : octet;
  return (sum + (sum >>> 16)) & 0xffff;
}

const DIGESTS = { 1: 'sha1', 2: 'sha256', 4: 'sha384' } as const;

/** RDATA of the DS that names this key of that zone. */
export function dsOf(zone: Name, key: SigningKey, digestType: DigestType): Rdata {
  const hash = createHash(DIGESTS[digestType]).update(zone.canonical.wire).update(key.dnskey);
  return encode('DS', {
    keyTag: key.tag,
    algorithm: key.algorithm,
    digestType,
    digest: octets(hash.digest()),
  });
}

/** RFC 4034 section 3.1.8.1: the signature over data, in the form that the algorithm's RFC gives it on the wire. */
export function signData(key: SigningKey, data: Uint8Array): Uint8Array {
  const { hash } = ALGORITHMS[key.algorithm];
  return octets(sign(hash, data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }));
}

const ALGORITHMS = {
  5: { type: 'rsa', hash: 'sha1' },
  7: { type: 'rsa', hash: 'sha1' },
  8: { type: 'rsa', hash: 'sha256' },
  10: { type: 'rsa', hash: 'sha512' },
  13: { type: 'P-256', hash: 'sha256' },
  14: { type: 'P-384', hash: 'sha384' },
  15: { type: 'ed25519', hash: null },
  16: { type: 'ed448', hash: null },
} as const;

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const pairs = new Map<string, KeyPair>();

function keyPair(algorithm: Algorithm, purpose: string): KeyPair {
  const id = `${algorithm} ${purpose}`;
  const known = pairs.get(id);
  if (known) return known;
  const made = generate(algorithm);
  pairs.set(id, made);
  return made;
}

function generate(algorithm: Algorithm): KeyPair {
  const { type } = ALGORITHMS[algorithm];
  switch (type) {
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: RSA_BITS });
    case 'P-256':
    case 'P-384':
      return generateKeyPairSync('ec', { namedCurve: type });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'ed448':
      return generateKeyPairSync('ed448');
  }
}

/** The Public Key field: RFC 3110 section 2, RFC 6605 section 4, RFC 8080 section 3. */
function keyMaterial(algorithm: Algorithm, key: KeyObject): Uint8Array {
  const { x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' });
  const field = (text: string): Uint8Array => octets(Buffer.from(text, 'base64url'));
  if (ALGORITHMS[algorithm].type !== 'rsa') return Uint8Array.of(...field(x), ...field(y));
  const exponent = field(e);
  return Uint8Array.of(exponent.length, ...exponent, ...field(n));
}

/** A plain Uint8Array, so that values compare with those that the reader makes. */
const octets = (buffer: Uint8Array): Uint8Array => new Uint8Array(buffer);
