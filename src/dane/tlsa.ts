/**
 * TLSA records as DANE reads them.
 * @module
 */
import { decode, type Rdata } from '../dns/rdata.ts';

/** One TLSA record (RFC 6698 section 2.1). */
export interface Tlsa {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly associationData: Uint8Array;
}

/**
 * The record of this RDATA.
 * @throws FormatError when it is no TLSA RDATA: the reader has marked such a record with `defect`
 */
export const readTlsa = (rdata: Rdata): Tlsa => decode('TLSA', rdata);

/** `3 1 1 3FE2...`: as the zone file has it (RFC 6698 section 2.2). */
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

/** The records that a client can work with (RFC 7671 section 4.1, RFC 7672 section 2.2). */
export function usableRecords(
  records: readonly Tlsa[],
  options: UsabilityOptions = {},
): readonly Tlsa[] {
  return records.filter((record) => record.usage >= (options.usages === 'all' ? 0 : 2));
}
