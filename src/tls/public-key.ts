/**
 * Public keys as certificates hold them: what kind they are, how long, and their import into `node:crypto`.
 *
 * Implements SubjectPublicKeyInfo for RSA (RFC 4055), elliptic curves (RFC 5480), Ed25519 and Ed448 (RFC 8410) and ML-DSA
 * (RFC 9881, where Node has it). Does not: verify (signature.ts), or hash: a TLSA record speaks of the octets as sent.
 * @module
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { DerReader, latin1, reading, TAG } from './der.ts';
import { LastUsed } from './last-used.ts';

export const RSASSA_PSS = '1.2.840.113549.1.1.10';
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const P256 = '1.2.840.10045.3.1.7';

/** Nobody has more. Above it, or with a longer exponent, a single signature takes milliseconds. */
const MAX_RSA_BITS = 8192;
const MAX_RSA_EXPONENT_OCTETS = 5;

/**
 * Curves by name, from 192 bits upward: below, keys are weaker than the shortest RSA keys that are let through, and
 * parameters spelled out (RFC 5480 section 2.1.1 forbids them) may describe anything.
 */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10045.3.1.1', 'P-192'],
  ['1.3.132.0.33', 'P-224'],
  ['1.2.840.10045.3.1.7', 'P-256'],
  ['1.3.132.0.34', 'P-384'],
  ['1.3.132.0.35', 'P-521'],
  ['1.3.132.0.10', 'secp256k1'],
  ['1.3.36.3.3.2.8.1.1.5', 'brainpoolP224r1'],
  ['1.3.36.3.3.2.8.1.1.7', 'brainpoolP256r1'],
  ['1.3.36.3.3.2.8.1.1.9', 'brainpoolP320r1'],
  ['1.3.36.3.3.2.8.1.1.11', 'brainpoolP384r1'],
  ['1.3.36.3.3.2.8.1.1.13', 'brainpoolP512r1'],
]);

/** Keys whose algorithm says all. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['1.3.101.112', 'Ed25519'],
  ['1.3.101.113', 'Ed448'],
  ['2.16.840.1.101.3.4.3.17', 'ML-DSA-44'],
  ['2.16.840.1.101.3.4.3.18', 'ML-DSA-65'],
  ['2.16.840.1.101.3.4.3.19', 'ML-DSA-87'],
]);

/**
 * Octets of a SubjectPublicKeyInfo that is imported. ML-DSA-87 has 2614 and RSA with 8192 bits 1060; it keeps the longest
 * ones from being kept.
 */
const MAX_SPKI_OCTETS = 4096;
/**
 * Keys kept, the last ones used: authorities sign for many hosts, and importing a key takes longer than a signature does. At
 * 2.4 kB each that makes 0.6 MB.
 */
const MAX_KEYS = 256;
const KEPT = new LastUsed<KeyObject>(MAX_KEYS);

/** The key, or `undefined` where it is none, not known here, or made to take long. */
export function importKey(spki: Uint8Array): KeyObject | undefined {
  if (spki.length > MAX_SPKI_OCTETS) return undefined;
  return KEPT.get(latin1(spki), () => importAnew(spki));
}

function importAnew(spki: Uint8Array): KeyObject | undefined {
  const parts = reading(() => readKey(spki));
  if (!parts || !isAffordable(parts) || (rsaBits(spki) ?? 0) > MAX_RSA_BITS) return undefined;
  try {
    return createKey(parts, spki);
  } catch {
    return undefined; // no point on the curve, an unknown curve, a modulus of zero
  }
}

/** Node takes fifty times longer for an RSA key in an SPKI than for the bare PKCS#1 key, and twice for P-256 as for JWK. */
function createKey({ oid, parameters, key }: KeyParts, spki: Uint8Array): KeyObject {
  if (oid === RSA_ENCRYPTION)
    return createPublicKey({ key: Buffer.from(key), format: 'der', type: 'pkcs1' });
  const curve = oid === EC_PUBLIC_KEY ? readCurve(parameters) : undefined;
  if (curve === P256 && key.length === 65 && key[0] === 4) {
    const x = base64url(key.subarray(1, 33));
    const y = base64url(key.subarray(33));
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  }
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

const base64url = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url');

/** Significant bits of an RSA modulus; `undefined` for other keys. */
export function rsaBits(spki: Uint8Array): number | undefined {
  return reading(() => {
    const { oid, key } = readKey(spki);
    if (oid !== RSA_ENCRYPTION && oid !== RSASSA_PSS) return undefined;
    const modulus = new DerReader(key).enter(TAG.sequence).integer();
    const start = modulus.findIndex((octet) => octet !== 0);
    const [top = 0] = modulus.subarray(Math.max(start, 0));
    return (modulus.length - Math.max(start, 0)) * 8 - Math.max(Math.clz32(top) - 24, 0);
  });
}

/** `RSA 2048`, `P-256`, `Ed25519`: the kind of a key, for people; its object identifier where it has no name here. */
export function keyKind(spki: Uint8Array): string {
  const parts = reading(() => readKey(spki));
  if (!parts) return 'unreadable';
  const { oid, parameters } = parts;
  const bits = rsaBits(spki);
  if (bits !== undefined) return `${oid === RSASSA_PSS ? 'RSA-PSS' : 'RSA'} ${bits}`;
  if (oid !== EC_PUBLIC_KEY) return KINDS.get(oid) ?? oid;
  const curve = reading(() => readCurve(parameters));
  return curve === undefined ? 'EC' : (CURVES.get(curve) ?? `EC ${curve}`);
}

interface KeyParts {
  readonly oid: string;
  /** DER of what follows the object identifier: empty, NULL, or a curve. */
  readonly parameters: Uint8Array;
  readonly key: Uint8Array;
}

function readKey(spki: Uint8Array): KeyParts {
  const fields = new DerReader(spki).enter(TAG.sequence);
  const algorithm = fields.enter(TAG.sequence);
  return { oid: algorithm.oid(), parameters: algorithm.rest(), key: fields.octetsOfBits() };
}

function readCurve(parameters: Uint8Array): string {
  const fields = new DerReader(parameters);
  const curve = fields.oid();
  fields.finish();
  return curve;
}

/** Whether the key is of a kind that cannot be made to take long: an RSA exponent as it is in use, a curve by name. */
function isAffordable({ oid, parameters, key }: KeyParts): boolean {
  const fits = reading(() => {
    if (oid === EC_PUBLIC_KEY) return CURVES.has(readCurve(parameters));
    if (oid !== RSA_ENCRYPTION && oid !== RSASSA_PSS) return true;
    const numbers = new DerReader(key).enter(TAG.sequence);
    numbers.integer();
    return numbers.integer().length <= MAX_RSA_EXPONENT_OCTETS;
  });
  return fits === true;
}
