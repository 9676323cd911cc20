/**
 * A reason and its detail as one sentence for people: what was expected, and what was found.
 *
 * Does not: say which record set of which zone it is about, or which limit was hit; whoever shows it names them (see
 * `Fault`).
 * @module
 */
import { printAlgorithm, printDigestType } from './algorithms.ts';
import type { Detail, Entry, KeyName, Missing } from './detail.ts';
import type { Fault } from './outcome.ts';
import { explain, type Reason } from './reason.ts';

/**
 * Explains one case.
 *
 * @param about  a failure's fault, or the cause of an insecurity
 * @example
 * explainCase('signature-expired', fault);
 * // 'the signature has expired: RRSIG by key 34505 ECDSAP256SHA256, valid from 2026-05-29T00:00:00Z to 2026-06-29T00:00:00Z, judged at 2026-07-01T00:00:00Z'
 */
export function explainCase(reason: Reason, about?: Pick<Fault, 'detail' | 'servers'>): string {
  const { text } = explain(reason);
  const detail = about?.detail && printDetail(reason, about.detail);
  const servers = about?.servers && `asked of the servers ${about.servers.join(' and ')}`;
  const more = [detail, servers].filter((part) => part);
  return more.length > 0 ? `${text}: ${more.join('; ')}` : text;
}

function printDetail(reason: Reason, detail: Detail): string {
  switch (detail.kind) {
    case 'signature':
      return printSignature(reason, detail);
    case 'signers':
      return detail.signers.length === 0
        ? 'there is no RRSIG'
        : `the only RRSIGs are by ${detail.signers.join(', ')}`;
    case 'keys':
      return printKeySet(detail);
    case 'denial':
      return `${MISSING[detail.piece]} ${detail.name}`;
    case 'exists':
      return `the record at ${detail.name} lists ${detail.types.join(' ')}`;
    case 'iterations':
      return `${detail.found} iterations with a salt of ${detail.salt} octets, where ${detail.limit} iterations without one are the most`;
    case 'count':
      return `${detail.found} records, where ${detail.limit} are the most`;
    case 'parameters':
      return `iterations and salt are ${detail.found.join(' and ')}`;
    case 'record':
      return `by the record at ${detail.owner}`;
    case 'weak-key':
      return `key ${printKey(detail.key)} has ${detail.bits} bits, where ${detail.least} are the least`;
    case 'defect':
    case 'private-address':
      return detail.text;
    case 'servers':
      return detail.servers.map(({ ip, said }) => `${ip} ${said}`).join(', ');
  }
}

function printSignature(reason: Reason, detail: Extract<Detail, { kind: 'signature' }>): string {
  const { signature, inception, expiration, at, labels, keys } = detail;
  const by = `RRSIG by key ${printKey(signature)}`;
  switch (reason) {
    case 'signing-key-missing':
    case 'signing-key-unusable':
    case 'signing-key-barred':
      return `${by}; the zone's keys are ${printKeys(keys)}`;
    case 'signature-labels':
      return `${by} with ${labels} labels`;
    case 'signature-expired':
    case 'signature-not-yet-valid':
    case 'signature-dates-reversed':
      return `${by}, valid from ${instant(inception, at)} to ${instant(expiration, at)}, judged at ${instant(at, at)}`;
    default:
      return by; // the key is there, and the times are right
  }
}

function printKeySet({ expected, found, signedBy }: Extract<Detail, { kind: 'keys' }>): string {
  const signed =
    signedBy.length === 0 ? 'it has no RRSIG' : `it is signed by ${printKeys(signedBy)}`;
  return `expected ${expected.map(printEntry).join(', ') || 'nothing'}; the key set has ${printKeys(found)}, and ${signed}`;
}

const MISSING: Readonly<Record<Missing['piece'], string>> = {
  'any-record': "there is no NSEC or NSEC3 record of the zone's beside the answer for",
  'closest-encloser': 'no NSEC3 record matches an ancestor of',
  'next-closer': 'no NSEC3 record spans the next closer name',
  name: 'no NSEC record matches or spans',
  wildcard: 'nothing is said about the wildcard',
  'own-side': 'the record is of the wrong side of the zone cut at',
};

const printKey = ({ keyTag, algorithm }: KeyName): string =>
  `${keyTag} ${printAlgorithm(algorithm)}`;
const printKeys = (keys: readonly KeyName[]): string => keys.map(printKey).join(', ') || 'none';

function printEntry({ digestType, ...key }: Entry): string {
  if (digestType === undefined) return printKey(key);
  return `${printKey(key)} by ${printDigestType(digestType)}`;
}

/** Times of signatures are counted modulo 2^32 (RFC 4034 section 3.1.5): the one nearest to the time of validation is meant. */
const instant = (seconds: number, at: number): string =>
  new Date((at + ((seconds - at) | 0)) * 1000).toISOString().replace('.000Z', 'Z');
