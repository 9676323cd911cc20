/**
 * Whether an MX host's certificate is what MTA-STS demands: vouched for by the web's authorities, for this host, in date.
 *
 * Implements RFC 8461 section 4.2 and the result types of RFC 8460 section 4.3.1. Does not: know DANE; connect.
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import { reasonOf } from '../dane/mismatch.ts';
import type { Name } from '../dns/name.ts';
import { type Certificate, parseCertificate } from '../tls/certificate.ts';
import { isDnsIdOf } from '../tls/identity.ts';
import { Comparisons } from '../tls/name-constraints.ts';
import type { PathProblem } from '../tls/path-rules.ts';
import { verifyByRoots } from '../tls/pkix.ts';

export type StsVerdict =
  | { readonly kind: 'valid' }
  | {
      readonly kind: 'invalid';
      readonly result:
        | 'certificate-host-mismatch'
        | 'certificate-expired'
        | 'certificate-not-trusted'
        | 'validation-failure';
      /** For the report, where the result does not say it all. */
      readonly reason?: string;
    };

export interface StsPeer {
  /** DER certificates as presented, the server's own first. */
  readonly chain: readonly Uint8Array[];
  /** As the MX record names it. */
  readonly host: Name;
  /** Self-issued certificates that are trusted: `webRoots` of https.ts. */
  readonly roots: readonly Certificate[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Default 1024, as for DANE. */
  readonly minimumRsaBits?: number;
  readonly sha1?: 'refuse' | 'accept';
}

/** Judges the presented chain. Pure. */
export function judgeSts({
  chain,
  host,
  roots,
  now,
  minimumRsaBits = 1024,
  sha1 = 'refuse',
}: StsPeer): StsVerdict {
  const [first, ...above] = chain;
  if (!first) return invalid('validation-failure', 'no-certificate');
  const [leaf] = certificatesIn([first]);
  if (!leaf) return invalid('certificate-not-trusted', 'malformed certificate');
  const others = certificatesIn(above);
  const comparisons = new Comparisons();
  const rules = { now, minimumRsaBits, sha1, comparisons };
  const verdict = verifyByRoots({ leaf, others, roots }, rules);
  if (verdict.kind === 'untrusted') return untrusted(verdict.problem);
  return isDnsIdOf(leaf, printHost(host))
    ? { kind: 'valid' }
    : { kind: 'invalid', result: 'certificate-host-mismatch' };
}

const certificatesIn = (list: readonly Uint8Array[]): readonly Certificate[] =>
  list.flatMap((der) => {
    const parsed = parseCertificate(der);
    return parsed.kind === 'certificate' ? [parsed.certificate] : [];
  });

type Invalid = Extract<StsVerdict, { kind: 'invalid' }>;

const invalid = (result: Invalid['result'], reason: string): StsVerdict => ({
  kind: 'invalid',
  result,
  reason,
});

function untrusted(problem: PathProblem | undefined): StsVerdict {
  if (!problem) return invalid('certificate-not-trusted', 'no path to a trusted root');
  switch (reasonOf(problem)) {
    case 'certificate-expired':
      return { kind: 'invalid', result: 'certificate-expired' };
    case 'certificate-not-yet-valid':
      return invalid('validation-failure', 'certificate-not-yet-valid');
    default:
      return invalid('certificate-not-trusted', problem.text);
  }
}
