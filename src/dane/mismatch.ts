/**
 * Why a certificate chain is not the one that TLSA records speak of: our words, the TLSRPT result type, one sentence.
 *
 * Implements the result types of RFC 8460 section 4.3 for a failed DANE check.
 * @module
 */
import type { PathProblem } from '../tls/path-rules.ts';

interface Mismatch {
  /** RFC 8460 section 4.3; our slug goes along as failure-reason-code. */
  readonly result:
    | 'certificate-host-mismatch'
    | 'certificate-expired'
    | 'certificate-not-trusted'
    | 'validation-failure'
    | 'tlsa-invalid';
  readonly text: string;
}

/** Nearest to success first: what stands above says more to the operator than what stands below. */
export const MISMATCHES = {
  'certificate-host-mismatch': {
    result: 'certificate-host-mismatch',
    text: 'the certificate holds no name of the mail server or its domain',
  },
  'certificate-expired': {
    result: 'certificate-expired',
    text: 'a certificate below the trust anchor has expired',
  },
  'certificate-not-yet-valid': {
    result: 'validation-failure',
    text: 'a certificate below the trust anchor is not valid yet',
  },
  'certificate-not-trusted': {
    result: 'certificate-not-trusted',
    text: 'the certificates do not make a path that may be relied on',
  },
  'no-certificate': {
    result: 'validation-failure',
    text: 'the server sent no certificate',
  },
  'dane-no-match': {
    result: 'validation-failure',
    text: 'no certificate matches a TLSA record',
  },
  'dane-ta-missing-from-chain': {
    result: 'certificate-not-trusted',
    text: 'the server does not send the trust anchor that its TLSA record demands',
  },
  'weaker-digest': {
    result: 'validation-failure',
    text: 'not looked at, because a record with a stronger digest stands beside it',
  },
  'no-usable-record': {
    result: 'tlsa-invalid',
    text: 'no TLSA record can be used',
  },
} as const satisfies Readonly<Record<string, Mismatch>>;

export type MismatchReason = keyof typeof MISMATCHES;

const ORDER = Object.keys(MISMATCHES);

/** The reason that says most. */
export function nearest(reasons: readonly MismatchReason[]): MismatchReason | undefined {
  return [...reasons].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)).at(0);
}

/** RFC 8460 section 4.3.2 has words for dates and names; everything else about a path is "not trusted". */
export function reasonOf({ kind }: PathProblem): MismatchReason {
  if (kind === 'expired') return 'certificate-expired';
  if (kind === 'not-yet-valid') return 'certificate-not-yet-valid';
  return 'certificate-not-trusted';
}
