/**
 * One signature on a certificate, verified by `node:crypto`, and how strong keys and digests are.
 *
 * Implements the algorithms of RFC 4055 (RSA, RSASSA-PSS), RFC 5758 (ECDSA), RFC 8410 (Ed25519, Ed448) and RFC 9881
 * (ML-DSA, where Node has it). MD5 and DSA are not among them. Does not: decide what is strong enough (see path.ts).
 * @module
 */
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { context, DerError, DerReader, TAG } from './der.ts';

interface Algorithm {
  /** Node's key type. */
  readonly key: 'rsa' | 'ec' | 'ed25519' | 'ed448' | 'ml-dsa';
  /** `undefined` where the algorithm hashes by itself. */
  readonly digest: string | undefined;
  /** Octets of salt: RSASSA-PSS. */
  readonly saltLength?: number;
}

const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ['1.2.840.113549.1.1.5', { key: 'rsa', digest: 'sha1' }],
  ['1.2.840.113549.1.1.14', { key: 'rsa', digest: 'sha224' }],
  ['1.2.840.113549.1.1.11', { key: 'rsa', digest: 'sha256' }],
  ['1.2.840.113549.1.1.12', { key: 'rsa', digest: 'sha384' }],
  ['1.2.840.113549.1.1.13', { key: 'rsa', digest: 'sha512' }],
  ['1.2.840.10045.4.1', { key: 'ec', digest: 'sha1' }],
  ['1.2.840.10045.4.3.1', { key: 'ec', digest: 'sha224' }],
  ['1.2.840.10045.4.3.2', { key: 'ec', digest: 'sha256' }],
  ['1.2.840.10045.4.3.3', { key: 'ec', digest: 'sha384' }],
  ['1.2.840.10045.4.3.4', { key: 'ec', digest: 'sha512' }],
  ['1.3.101.112', { key: 'ed25519', digest: undefined }],
  ['1.3.101.113', { key: 'ed448', digest: undefined }],
  ['2.16.840.1.101.3.4.3.17', { key: 'ml-dsa', digest: undefined }],
  ['2.16.840.1.101.3.4.3.18', { key: 'ml-dsa', digest: undefined }],
  ['2.16.840.1.101.3.4.3.19', { key: 'ml-dsa', digest: undefined }],
]);

const RSASSA_PSS = '1.2.840.113549.1.1.10';
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const MGF1 = '1.2.840.113549.1.1.8';
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

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

/** Whether the key of this SubjectPublicKeyInfo made the signature; also `false` where the algorithm is not known. */
export function verifySignature(certificate: Certificate, spki: Uint8Array): boolean {
  const algorithm = signatureAlgorithm(certificate);
  const key = algorithm && importKey(spki);
  if (!key || !fits(key, algorithm)) return false;
  const { digest, saltLength } = algorithm;
  const how =
    saltLength === undefined
      ? { key }
      : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  try {
    return verify(digest ?? null, certificate.tbs, how, certificate.signature);
  } catch {
    return false; // OpenSSL's way to say that key and signature do not go together
  }
}

/** The digest that the signature rests on; `undefined` for algorithms that bring their own or are not known. */
export const signatureDigest = (certificate: Certificate): string | undefined =>
  signatureAlgorithm(certificate)?.digest;

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
  const curve = reading(() => new DerReader(parameters).oid());
  return curve === undefined ? 'EC' : (CURVES.get(curve) ?? `EC ${curve}`);
}

function fits(key: KeyObject, algorithm: Algorithm): boolean {
  const type: string | undefined = key.asymmetricKeyType;
  if (algorithm.key === 'ml-dsa') return type?.startsWith('ml-dsa') === true;
  if (algorithm.saltLength !== undefined) return type === 'rsa' || type === 'rsa-pss';
  return type === algorithm.key;
}

function importKey(spki: Uint8Array): KeyObject | undefined {
  const parts = reading(() => readKey(spki));
  if (!parts || !isAffordable(parts) || (rsaBits(spki) ?? 0) > MAX_RSA_BITS) return undefined;
  try {
    // Node takes fifty times longer for an RSA key in an SPKI than for the bare PKCS#1 key.
    return parts.oid === RSA_ENCRYPTION
      ? createPublicKey({ key: Buffer.from(parts.key), format: 'der', type: 'pkcs1' })
      : createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined; // no point on the curve, an unknown curve, a modulus of zero
  }
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

/** Whether the key is of a kind that cannot be made to take long: an RSA exponent as it is in use, a curve by name. */
function isAffordable({ oid, parameters, key }: KeyParts): boolean {
  const fits = reading(() => {
    if (oid === EC_PUBLIC_KEY) return CURVES.has(new DerReader(parameters).oid());
    if (oid !== RSA_ENCRYPTION && oid !== RSASSA_PSS) return true;
    const numbers = new DerReader(key).enter(TAG.sequence);
    numbers.integer();
    return numbers.integer().length <= MAX_RSA_EXPONENT_OCTETS;
  });
  return fits === true;
}

function signatureAlgorithm(certificate: Certificate): Algorithm | undefined {
  return reading(() => {
    const fields = new DerReader(certificate.signatureAlgorithm).enter(TAG.sequence);
    const oid = fields.oid();
    return oid === RSASSA_PSS ? readPss(fields.enter(TAG.sequence)) : ALGORITHMS.get(oid);
  });
}

/** RFC 4055 section 3.1; other combinations than one digest for both are in no use and not known to `node:crypto`. */
function readPss(fields: DerReader): Algorithm | undefined {
  const hash = fields.enterIf(context(0, 'constructed'));
  const digest = hash ? DIGESTS.get(hash.enter(TAG.sequence).oid()) : 'sha1';
  const mask = fields.enterIf(context(1, 'constructed'))?.enter(TAG.sequence);
  const isMgf1 = !mask || mask.oid() === MGF1;
  const maskDigest = mask ? DIGESTS.get(mask.enter(TAG.sequence).oid()) : 'sha1';
  const saltLength = fields.enterIf(context(2, 'constructed'))?.count() ?? 20;
  const trailer = fields.enterIf(context(3, 'constructed'))?.count() ?? 1;
  fields.finish();
  if (!digest || !isMgf1 || maskDigest !== digest || trailer !== 1) return undefined;
  return { key: 'rsa', digest, saltLength };
}

function reading<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
