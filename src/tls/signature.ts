/**
 * One signature on a certificate, verified by `node:crypto`, and the digest that it rests on.
 *
 * Implements the algorithms of RFC 4055 (RSA, RSASSA-PSS), RFC 5758 (ECDSA), RFC 8410 (Ed25519, Ed448) and RFC 9881
 * (ML-DSA, where Node has it). MD5 and DSA are not among them. Does not: import keys
 * (public-key.ts), or decide what is strong enough (path-rules.ts).
 * @module
 */
import { constants, type KeyObject, verify } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { context, DerReader, latin1, reading, TAG } from './der.ts';
import { LastUsed } from './last-used.ts';
import { importKey, RSASSA_PSS } from './public-key.ts';

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

const MGF1 = '1.2.840.113549.1.1.8';
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

/**
 * Signatures on certificates of authorities that were found good, the last ones met: one authority stands above many hosts.
 * With the octets that make up each (some 1.3 kB, for those that are kept at most 4 kB) they take 0.3 to 1 MB.
 */
const MAX_GOOD = 256;
const MAX_GOOD_OCTETS = 4096;
const GOOD = new LastUsed<true>(MAX_GOOD);

/** Whether the key of this SubjectPublicKeyInfo made the signature; also `false` where the algorithm is not known. */
export function verifySignature(certificate: Certificate, spki: Uint8Array): boolean {
  const isKept = certificate.extensions.basicConstraints?.ca === true;
  if (!isKept || certificate.der.length + spki.length > MAX_GOOD_OCTETS)
    return computeSignature(certificate, spki);
  const octets = octetsOf(certificate, spki);
  return GOOD.get(octets, () => computeSignature(certificate, spki) || undefined) === true;
}

/** All that the result depends on. Three elements of DER, each of which says where it ends, and the rest. */
const octetsOf = ({ tbs, signatureAlgorithm, signature }: Certificate, spki: Uint8Array): string =>
  latin1(spki) + latin1(signatureAlgorithm) + latin1(tbs) + latin1(signature);

function computeSignature(certificate: Certificate, spki: Uint8Array): boolean {
  const algorithm = signatureAlgorithm(certificate);
  const key = algorithm && importKey(spki);
  if (!key || !fits(key, algorithm)) return false;
  const { digest, saltLength } = algorithm;
  const how =
    saltLength === undefined ? key : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  try {
    return verify(digest ?? null, certificate.tbs, how, certificate.signature);
  } catch {
    return false; // OpenSSL's way to say that key and signature do not go together
  }
}

/** The digest that the signature rests on; `undefined` for algorithms that bring their own or are not known. */
export const signatureDigest = (certificate: Certificate): string | undefined =>
  signatureAlgorithm(certificate)?.digest;

function fits(key: KeyObject, algorithm: Algorithm): boolean {
  const type: string | undefined = key.asymmetricKeyType;
  if (algorithm.key === 'ml-dsa') return type?.startsWith('ml-dsa') === true;
  if (algorithm.saltLength !== undefined) return type === 'rsa' || type === 'rsa-pss';
  return type === algorithm.key;
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
