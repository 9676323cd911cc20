/**
 * TLSA records made from certificates and keys, and what the RFCs say against some of them.
 *
 * Implements RFC 6698 section 2.1 (what each field makes of a certificate) and the advice of RFC 7671 sections 5.1, 5.2.1 and
 * 10.1 and RFC 7672 section 3.1. The octets are hashed as they stand in the certificate. Does not: read files (tls/pem.ts).
 * @module
 */
import type { Certificate } from '../tls/certificate.ts';
import { fingerprint } from '../tls/fingerprint.ts';
import { isSelfIssued } from '../tls/path.ts';
import type { Credential } from '../tls/pem.ts';
import { rsaBits } from '../tls/public-key.ts';
import { MATCHING_TYPE, SELECTOR, type Tlsa, USAGE } from './tlsa.ts';

/** The three numbers of a TLSA record. */
export type Combination = Pick<Tlsa, 'usage' | 'selector' | 'matchingType'>;

/** What RFC 7672 section 3.1.1 tells SMTP servers to publish. */
export const USUAL: Combination = {
  usage: USAGE.daneEe,
  selector: SELECTOR.spki,
  matchingType: MATCHING_TYPE.sha256,
};

/** `3 1 1` */
export const printCombination = ({ usage, selector, matchingType }: Combination): string =>
  `${usage} ${selector} ${matchingType}`;

/** Whether records of this usage speak of an authority above the server's certificate. */
export const isAnchor = ({ usage }: Pick<Tlsa, 'usage'>): boolean => usage % 2 === 0;

/**
 * What a record of this usage speaks of: the first credential of a file for the server's own, the last certificate for an
 * authority's. Where a file has one only, it is that one.
 */
export function pickSubject(
  list: readonly Credential[],
  combination: Pick<Tlsa, 'usage'>,
): Credential | undefined {
  if (!isAnchor(combination)) return list[0];
  return list.findLast(({ kind }) => kind === 'certificate') ?? list.at(-1);
}

/** The record; `undefined` where the whole certificate is wanted and there is only a key. */
export function makeTlsa(subject: Credential, combination: Combination): Tlsa | undefined {
  const selected =
    combination.selector === SELECTOR.spki ? spkiOf(subject) : certificateOf(subject)?.der;
  return selected && { ...combination, associationData: digested(selected, combination) };
}

function digested(selected: Uint8Array, { matchingType }: Combination): Uint8Array {
  switch (matchingType) {
    case MATCHING_TYPE.full:
      return selected;
    case MATCHING_TYPE.sha256:
      return fingerprint(selected, 'sha256');
    case MATCHING_TYPE.sha512:
      return fingerprint(selected, 'sha512');
    default:
      throw new RangeError(`matchingType: ${matchingType} has no digest`);
  }
}

const spkiOf = (subject: Credential): Uint8Array =>
  subject.kind === 'key' ? subject.spki : subject.certificate.spki;
const certificateOf = (subject: Credential): Certificate | undefined =>
  subject.kind === 'certificate' ? subject.certificate : undefined;

export interface Setting {
  /** Of the service: 25 is SMTP between mail servers. */
  readonly port: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What speaks against publishing such a record, a sentence each. */
export function adviseOn(
  combination: Combination,
  subject: Credential,
  { port, now }: Setting,
): readonly string[] {
  const certificate = certificateOf(subject);
  return [
    ...adviseOnNumbers(combination, port),
    ...(certificate ? adviseOnCertificate(combination, certificate, now) : []),
    ...adviseOnKey(spkiOf(subject)),
  ];
}

const SMTP_PORT = 25;

function* adviseOnNumbers(combination: Combination, port: number): Generator<string> {
  const { usage, selector, matchingType } = combination;
  const these = `${printCombination(combination)}:`;
  if (usage < USAGE.daneTa && port === SMTP_PORT)
    yield `${these} mail servers do not use PKIX-TA(0) and PKIX-EE(1); if these are all, they authenticate nobody (RFC 7672 section 3.1.3)`;
  if (matchingType === MATCHING_TYPE.full)
    yield `${these} whole certificates and keys make answers too large for UDP, and clients need not complete a chain with them: publish a digest (RFC 7671 section 10.1.2)`;
  if (isAnchor(combination) && selector === SELECTOR.spki)
    yield `${these} the key alone leaves the path length and names of the authority open: selector 0 is better (RFC 7671 section 5.2.1)`;
  if (!isAnchor(combination) && selector === SELECTOR.cert)
    yield `${these} it changes with each renewal of the certificate; selector 1 stays with the key (RFC 7672 section 3.1.1)`;
  if (matchingType === MATCHING_TYPE.sha512)
    yield `${these} clients must know SHA2-256, and may know SHA2-512: publish both, or 1 alone (RFC 7671 section 8.3)`;
  if (usage === USAGE.daneTa)
    yield `${these} the server must send this certificate in its chain, a root too (RFC 7672 section 3.1.2)`;
}

function* adviseOnCertificate(
  combination: Combination,
  certificate: Certificate,
  now: number,
): Generator<string> {
  const { notBefore, notAfter, extensions } = certificate;
  const isAuthority = extensions.basicConstraints?.ca === true;
  if (isAnchor(combination) && !isAuthority)
    yield 'the certificate is no authority: no path can end at it, and nobody is authenticated (RFC 7671 section 5.2)';
  if (combination.usage === USAGE.pkixEe && isSelfIssued(certificate))
    yield 'the certificate has issued itself: no public authority vouches for it, as PKIX-EE(1) demands';
  if (combination.usage === USAGE.daneEe) return; // RFC 7671 section 5.1: dates do not count
  if (notAfter < now) yield `the certificate ended at ${instant(notAfter)}`;
  if (notBefore > now) yield `the certificate begins at ${instant(notBefore)}`;
}

/** RFC 7671 names no length; below this one, OpenSSL's security level 2 refuses. */
const SHORT_RSA_BITS = 2048;

function adviseOnKey(spki: Uint8Array): readonly string[] {
  const bits = rsaBits(spki);
  return bits !== undefined && bits < SHORT_RSA_BITS
    ? [`the RSA key has ${bits} bits: many clients refuse less than ${SHORT_RSA_BITS}`]
    : [];
}

const instant = (ms: number): string => new Date(ms).toISOString();
