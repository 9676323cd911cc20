/**
 * X.509 certificates, read from their DER and never written back: what is hashed and compared are the octets that were
 * sent. (OpenSSL re-encodes a key on export, and the digest of a TLSA record with selector SPKI is then a wrong one.)
 *
 * Implements RFC 5280 section 4.1. Does not: verify anything. A certificate whose outline can be read but whose parts
 * break a rule is a certificate with a `defect`: DANE-EE still matches it, no path leads through it.
 * @module
 */
import { context, DerError, DerReader, reading, sameOctets, TAG } from './der.ts';
import { isEmptyName, isReadableName } from './distinguished-name.ts';
import { type Extensions, readExtensions } from './extensions.ts';

/** What a TLSA record speaks of. */
export interface Key {
  readonly der: Uint8Array;
  /** DER of the SubjectPublicKeyInfo, sliced from the certificate. */
  readonly spki: Uint8Array;
}

export interface Certificate extends Key {
  /** The signed part. */
  readonly tbs: Uint8Array;
  /** DER of the AlgorithmIdentifier of the signature. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
  /** The contents of the INTEGER. */
  readonly serial: Uint8Array;
  /** DER of the distinguished names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** 1, 2 or 3. */
  readonly version: number;
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: Extensions;
  /** The first rule of RFC 5280 that the certificate breaks. */
  readonly defect: string | undefined;
}

interface Malformed {
  readonly kind: 'malformed';
  readonly why: string;
  readonly offset: number;
}
export type ParsedCertificate =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | Malformed;
export type ParsedKey = { readonly kind: 'key'; readonly key: Key } | Malformed;

/** Reads one certificate, which must fill `der` to its last octet. Views of `der` are kept. */
export const parseCertificate = (der: Uint8Array): ParsedCertificate =>
  orMalformed(() => ({ kind: 'certificate', certificate: readCertificate(der) }));

/** Of the same certificate the key alone: all that DANE-EE needs, in a quarter of the time. Malformed is the same. */
export const parseKey = (der: Uint8Array): ParsedKey =>
  orMalformed(() => {
    const { spki } = openCertificate(der);
    return { kind: 'key', key: { der, spki } };
  });

function orMalformed<T>(parse: () => T): T | Malformed {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { kind: 'malformed', why: error.message, offset: error.offset };
  }
}

/** Whether `der` is a SubjectPublicKeyInfo to its last octet, as far as its outline tells. */
export const isSpki = (der: Uint8Array): boolean =>
  reading(() => {
    const outer = new DerReader(der);
    readSpki(outer);
    outer.finish();
    return true;
  }) === true;

/** What must be readable for there to be a certificate at all. */
interface Outline extends Key {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
  readonly version: number;
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
}

/** The outline, and what is left to be read. */
interface Opened extends Outline {
  readonly innerAlgorithm: Uint8Array;
  readonly validity: DerReader;
  readonly tail: DerReader;
}

function openCertificate(der: Uint8Array): Opened {
  const outer = new DerReader(der);
  const parts = outer.enter(TAG.sequence);
  outer.finish();
  const tbs = parts.element(TAG.sequence);
  const signatureAlgorithm = parts.element(TAG.sequence);
  const signature = parts.octetsOfBits();
  parts.finish();
  const fields = new DerReader(tbs).enter(TAG.sequence);
  return {
    der,
    tbs,
    signatureAlgorithm,
    signature,
    version: readVersion(fields),
    serial: fields.contents(TAG.integer),
    innerAlgorithm: fields.element(TAG.sequence),
    issuer: fields.element(TAG.sequence),
    validity: fields.enter(TAG.sequence),
    subject: fields.element(TAG.sequence),
    spki: readSpki(fields),
    tail: fields,
  };
}

function readCertificate(der: Uint8Array): Certificate {
  const opened = openCertificate(der);
  const { tbs, signatureAlgorithm, signature, version, serial, issuer, subject, spki } = opened;
  const rules = new Rules();
  rules.check(version >= 1 && version <= 3, 'unknown version');
  // RFC 5280 section 4.1.2.2: positive, at most 20 octets; zero and longer ones are in use and hurt nobody
  rules.check((serial[0] ?? 0x80) < 0x80, 'negative serial number');
  // RFC 5280 section 4.1.1.2
  const isSame = sameOctets(opened.innerAlgorithm, signatureAlgorithm);
  rules.check(isSame, 'two different signature algorithms');
  const { notBefore, notAfter } = rules.read(() => readValidity(opened.validity)) ?? NEVER;
  const extensions = rules.read(() => readTail(opened.tail, version)) ?? NONE;
  const isCa = extensions.basicConstraints?.ca === true;
  rules.check(isReadableName(issuer) && isReadableName(subject), 'issuer or subject is no name');
  rules.check(!isEmptyName(issuer), 'empty issuer');
  // RFC 5280 section 4.1.2.6
  rules.check(!isEmptyName(subject) || !isCa, 'CA with an empty subject');
  // Field by field: spread, the object would take as long as all that was read into it.
  return {
    der,
    tbs,
    signatureAlgorithm,
    signature,
    serial,
    issuer,
    subject,
    spki,
    version,
    notBefore,
    notAfter,
    extensions,
    defect: rules.broken,
  };
}

function readVersion(fields: DerReader): number {
  const wrapped = fields.enterIf(context(0, 'constructed'));
  if (!wrapped) return 1;
  const version = wrapped.count() + 1;
  wrapped.finish();
  return version;
}

const NONE: Extensions = { unknownCritical: [] };
const NEVER = { notBefore: Number.POSITIVE_INFINITY, notAfter: Number.NEGATIVE_INFINITY };

/** Remembers the first rule that was broken, and goes on. */
class Rules {
  broken: string | undefined;

  check(holds: boolean, what: string): void {
    if (!holds) this.broken ??= what;
  }

  read<T>(part: () => T): T | undefined {
    try {
      return part();
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      this.broken ??= error.message;
      return undefined;
    }
  }
}

function readSpki(fields: DerReader): Uint8Array {
  const spki = fields.element(TAG.sequence);
  const key = new DerReader(spki).enter(TAG.sequence);
  key.enter(TAG.sequence).oid();
  key.octetsOfBits();
  key.finish();
  return spki;
}

function readValidity(validity: DerReader): { notBefore: number; notAfter: number } {
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.finish();
  return { notBefore, notAfter };
}

function readTail(fields: DerReader, version: number): Extensions {
  for (const identifier of [context(1, 'primitive'), context(2, 'primitive')])
    if (fields.tag === identifier) fields.element();
  const wrapped = fields.enterIf(context(3, 'constructed'));
  fields.finish();
  if (!wrapped) return NONE;
  if (version !== 3) fields.fail('extensions in a certificate that is not version 3');
  const extensions = readExtensions(wrapped.enter(TAG.sequence));
  wrapped.finish();
  return extensions;
}
