/**
 * X.509 certificates made to order at run time: authorities, chains, wrong names, wrong dates.
 *
 * Writes the parts of RFC 5280 section 4 that mail servers' certificates have, in DER. Keys and signatures are
 * node:crypto's. Does not: read certificates (tls/certificate.ts), keep keys in files.
 * @module
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';

export type CertificateKey = 'P-256' | 'rsa' | 'ed25519';

export interface CertificateDescription {
  /** The common name; no name at all when left out. */
  readonly subject?: string;
  /** DER of another name in place of it. */
  readonly subjectName?: Uint8Array;
  /** DNS names (RFC 5280 section 4.2.1.6). */
  readonly names?: readonly string[];
  /** Whether it may sign others: `leaf` by default. */
  readonly kind?: 'authority' | 'leaf';
  /** How many authorities may stand between an authority and the leaf; as many as wanted when left out. */
  readonly pathLength?: number;
  /** Milliseconds since 1970; from a day ago by default. */
  readonly notBefore?: number;
  /** Milliseconds since 1970; 90 days ahead by default. */
  readonly notAfter?: number;
  readonly key?: CertificateKey;
  /** Object identifiers of extended key usages; none by default, which allows every use. */
  readonly usages?: readonly string[];
  /** Takes this key in place of a new one: that of a certificate that is renewed or cross-signed, or a key of one's own. */
  readonly keyOf?: Pick<IssuedCertificate, 'privateKey' | 'spki'>;
  /** What it is signed with: `sha256` by default; of no concern to Ed25519. */
  readonly digest?: 'sha256' | 'sha1';
  /** Object identifiers of extensions that are left out of the usual ones. */
  readonly without?: readonly string[];
  /** Any others, behind the usual ones. */
  readonly extensions?: readonly ExtensionDescription[];
}

export interface ExtensionDescription {
  /** Dotted. */
  readonly id: string;
  /** DER of the value. */
  readonly value: Uint8Array;
  readonly weight?: 'critical';
}

/** A certificate and what is needed to present it or to sign others with it. */
export interface IssuedCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  /** The SubjectPublicKeyInfo as it stands in the certificate. */
  readonly spki: Uint8Array;
  /** DER of the subject's name. */
  readonly subject: Uint8Array;
  readonly privateKey: KeyObject;
}

const DAY_MS = 86_400_000;

/**
 * Makes a certificate with a key of its own.
 * @param issuer  who signs it; it signs itself when left out
 */
export function issue(
  description: CertificateDescription,
  issuer?: IssuedCertificate,
): IssuedCertificate {
  const { privateKey, spki } = description.keyOf ?? generate(description.key ?? 'P-256');
  const subject = description.subjectName ?? commonName(description.subject);
  const signer = issuer ?? { privateKey, subject, spki };
  const { algorithm, hash } = signatureAlgorithm(signer.privateKey, description.digest ?? 'sha256');
  const { notBefore = Date.now() - DAY_MS, notAfter = Date.now() + 90 * DAY_MS } = description;
  const tbs = sequence(
    explicit(0, integer(Uint8Array.of(2))), // version 3
    integer(randomBytes(16)),
    algorithm,
    signer.subject,
    sequence(time(notBefore), time(notAfter)),
    subject,
    spki,
    explicit(3, extensions(description, spki, signer.spki)),
  );
  const der = sequence(tbs, algorithm, bitString(sign(hash, tbs, signer.privateKey)));
  return { der, pem: toPem(der), spki, subject, privateKey };
}

/** A leaf for these names, an intermediate authority and a root: the chain as a server presents it, leaf first. */
export function issueChain(
  names: readonly string[],
  leaf: CertificateDescription = {},
): readonly [leaf: IssuedCertificate, intermediate: IssuedCertificate, root: IssuedCertificate] {
  const root = issue({ kind: 'authority', subject: 'Testing Root' });
  const intermediate = issue({ kind: 'authority', subject: 'Testing Intermediate' }, root);
  const [subject] = names;
  const own = { ...(subject !== undefined && { subject }), names, ...leaf };
  return [issue(own, intermediate), intermediate, root];
}

/**
 * The data of a TLSA record (RFC 6698 section 2) as text: `3 1 1 8D02...`.
 * @param chain  leaf first; usages 1 and 3 speak of the leaf, 0 and 2 of the last certificate
 */
export function tlsaFor(
  chain: readonly IssuedCertificate[],
  usage: 0 | 1 | 2 | 3,
  selector: 0 | 1,
  matchingType: 0 | 1 | 2,
): string {
  const certificate = usage % 2 === 1 ? chain[0] : chain.at(-1);
  if (!certificate) throw new RangeError('an empty chain has no TLSA record');
  const selected = selector === 0 ? certificate.der : certificate.spki;
  return `${usage} ${selector} ${matchingType} ${associationData(selected, matchingType)}`;
}

function associationData(selected: Uint8Array, matchingType: 0 | 1 | 2): string {
  switch (matchingType) {
    case 0:
      return Buffer.from(selected).toString('hex').toUpperCase();
    case 1:
      return createHash('sha256').update(selected).digest('hex').toUpperCase();
    case 2:
      return createHash('sha512').update(selected).digest('hex').toUpperCase();
  }
}

function generate(key: CertificateKey): Pick<IssuedCertificate, 'privateKey' | 'spki'> {
  const { privateKey, publicKey } = generatePair(key);
  return { privateKey, spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) };
}

function generatePair(key: CertificateKey): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (key) {
    case 'P-256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
  }
}

/** RFC 5758 section 3.2 and RFC 3279 section 2.2.3 (ECDSA), RFC 4055 section 5 and RFC 3279 section 2.2.1 (RSA). */
const ALGORITHMS = {
  ec: { sha256: '1.2.840.10045.4.3.2', sha1: '1.2.840.10045.4.1' },
  rsa: { sha256: '1.2.840.113549.1.1.11', sha1: '1.2.840.113549.1.1.5' },
} as const;
/** RFC 5480 section 2.1.1 has no parameters, RFC 4055 section 5 has NULL. */
const PARAMETERS = { ec: [], rsa: [Uint8Array.of(5, 0)] } as const;

function signatureAlgorithm({ asymmetricKeyType: type }: KeyObject, hash: 'sha256' | 'sha1') {
  switch (type) {
    case 'ec':
    case 'rsa':
      return { algorithm: sequence(objectId(ALGORITHMS[type][hash]), ...PARAMETERS[type]), hash };
    case 'ed25519': // RFC 8410 section 3
      return { algorithm: sequence(objectId('1.3.101.112')), hash: undefined };
    default:
      throw new RangeError(`no certificate is signed with a key of type ${type}`);
  }
}

const commonName = (text: string | undefined): Uint8Array =>
  text === undefined ? sequence() : sequence(set(sequence(objectId('2.5.4.3'), utf8String(text))));

/** RFC 5280 section 4.2: key identifiers, basic constraints, key usage, names and extended usages. */
function extensions(
  {
    kind = 'leaf',
    names = [],
    pathLength,
    usages = [],
    without = [],
    extensions: others = [],
  }: CertificateDescription,
  spki: Uint8Array,
  issuerSpki: Uint8Array,
): Uint8Array {
  const isAuthority = kind === 'authority';
  const limit = pathLength === undefined ? [] : [integer(Uint8Array.of(pathLength))];
  const usual: ExtensionDescription[] = [
    { id: '2.5.29.14', value: octetString(keyIdentifier(spki)) },
    { id: '2.5.29.35', value: sequence(implicit(0, keyIdentifier(issuerSpki))) },
    {
      id: '2.5.29.19',
      value: sequence(...(isAuthority ? [boolean(true), ...limit] : [])),
      weight: 'critical',
    },
    // keyCertSign and cRLSign, or digitalSignature: the bits from the left, with the count of unused ones.
    {
      id: '2.5.29.15',
      value: Uint8Array.of(3, 2, isAuthority ? 1 : 7, isAuthority ? 0x06 : 0x80),
      weight: 'critical',
    },
  ];
  if (names.length > 0)
    usual.push({
      id: '2.5.29.17',
      value: sequence(...names.map((name) => implicit(2, Buffer.from(name, 'latin1')))),
    });
  if (usages.length > 0) usual.push({ id: '2.5.29.37', value: sequence(...usages.map(objectId)) });
  const list = [...usual.filter(({ id }) => !without.includes(id)), ...others];
  return sequence(...list.map(extension));
}

const extension = ({ id, value, weight }: ExtensionDescription): Uint8Array =>
  sequence(objectId(id), ...(weight ? [boolean(true)] : []), octetString(value));

/** RFC 5280 section 4.2.1.2 wants something that tells keys apart. */
const keyIdentifier = (spki: Uint8Array): Uint8Array =>
  createHash('sha256').update(spki).digest().subarray(0, 20);

function toPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
