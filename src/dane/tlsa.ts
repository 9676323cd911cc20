/**
 * TLSA records as DANE reads them, and which of an RRset count.
 *
 * Implements RFC 6698 section 2.1, RFC 7671 section 4 (usability), section 9 (digest agility) and RFC 7672 section 3.1.3
 * (no PKIX usages between mail servers). Does not: compare with certificates (see match.ts).
 * @module
 */
import { decode, type Rdata } from '../dns/rdata.ts';
import { isSpki, parseCertificate } from '../tls/certificate.ts';

/** One TLSA record (RFC 6698 section 2.1). */
export interface Tlsa {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly associationData: Uint8Array;
}

/** RFC 7218 section 2.1. */
export const USAGE = { pkixTa: 0, pkixEe: 1, daneTa: 2, daneEe: 3 } as const;
/** RFC 7218 section 2.2. */
export const SELECTOR = { cert: 0, spki: 1 } as const;
/** RFC 7218 section 2.3. */
export const MATCHING_TYPE = { full: 0, sha256: 1, sha512: 2 } as const;

/** What a matching type computes. A new one is a new row. */
export const DIGESTS: ReadonlyMap<
  number,
  { readonly digest: 'sha256' | 'sha512'; length: number }
> = new Map([
  [MATCHING_TYPE.sha256, { digest: 'sha256', length: 32 }],
  [MATCHING_TYPE.sha512, { digest: 'sha512', length: 64 }],
] as const);

/** The strongest first (RFC 7671 section 9). */
const DIGEST_ORDER: readonly number[] = [MATCHING_TYPE.sha512, MATCHING_TYPE.sha256];

/**
 * The record of this RDATA.
 * @throws FormatError when it is no TLSA RDATA: the reader has marked such a record with `defect`
 */
export const readTlsa = (rdata: Rdata): Tlsa => decode('TLSA', rdata);

/** `3 1 1 3fe2...`: as a zone file has it (RFC 6698 section 2.2). */
export function printTlsa(record: Tlsa): string {
  const hex = Array.from(record.associationData, (o) => o.toString(16).padStart(2, '0')).join('');
  return `${record.usage} ${record.selector} ${record.matchingType} ${hex}`;
}

export interface UsabilityOptions {
  /**
   * `dane`: usages 2 and 3, as for SMTP between servers (RFC 7672 section 3.1.3); `all`: also PKIX-TA(0) and PKIX-EE(1).
   * Default `dane`.
   */
  readonly usages?: 'dane' | 'all';
  /** Digest matching types, the strongest first; types that are not listed are unusable. Default SHA2-512, SHA2-256. */
  readonly digests?: readonly number[];
}

export type UnusableReason =
  | 'pkix-usage'
  | 'unknown-usage'
  | 'unknown-selector'
  | 'unknown-matching-type'
  | 'wrong-digest-length'
  | 'not-a-certificate'
  | 'not-a-key';

/** The records that a client can work with (RFC 7671 section 4.1, RFC 7672 section 2.2). */
export function usableRecords(
  records: readonly Tlsa[],
  options: UsabilityOptions = {},
): readonly Tlsa[] {
  return records.filter((record) => whyUnusable(record, options) === undefined);
}

/** Why a client cannot work with this record; `undefined` when it can. */
export function whyUnusable(
  { usage, selector, matchingType, associationData }: Tlsa,
  { usages = 'dane', digests = DIGEST_ORDER }: UsabilityOptions = {},
): UnusableReason | undefined {
  if (usage > USAGE.daneEe) return 'unknown-usage';
  if (usage < USAGE.daneTa && usages === 'dane') return 'pkix-usage';
  if (selector > SELECTOR.spki) return 'unknown-selector';
  if (matchingType === MATCHING_TYPE.full) {
    // Data that is no certificate or key can match none: the publisher has made a mistake, not a statement.
    if (selector === SELECTOR.spki) return isSpki(associationData) ? undefined : 'not-a-key';
    const { kind } = parseCertificate(associationData);
    return kind === 'certificate' ? undefined : 'not-a-certificate';
  }
  const digest = DIGESTS.get(matchingType);
  if (!digest || !digests.includes(matchingType)) return 'unknown-matching-type';
  return associationData.length === digest.length ? undefined : 'wrong-digest-length';
}

/**
 * Digest agility: for each usage and selector the records with the strongest digest, and those that hold no digest.
 * @param records  usable ones: a malformed record with a strong digest must not hide a good one (RFC 7671 section 9)
 */
export function strongestRecords(
  records: readonly Tlsa[],
  { digests = DIGEST_ORDER }: UsabilityOptions = {},
): readonly Tlsa[] {
  const groupOf = ({ usage, selector }: Tlsa): number => usage * 256 + selector;
  const best = new Map<number, number>();
  for (const record of records) {
    const rank = digests.indexOf(record.matchingType); // -1 for Full(0), which is no digest
    if (rank < 0) continue;
    const group = groupOf(record);
    best.set(group, Math.min(best.get(group) ?? rank, rank));
  }
  return records.filter((record) => {
    const rank = digests.indexOf(record.matchingType);
    return rank < 0 || rank === best.get(groupOf(record));
  });
}
