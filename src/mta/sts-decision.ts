/**
 * What an MTA-STS policy adds to the plan of one host, and what then holds: DANE first, and STS never instead of it.
 *
 * Implements RFC 8461 section 2 (a failing DANE check is not overridden), section 4 and section 5, and rows 37 to 40 of the
 * decision table. Does not: connect, find policies (mta-sts.ts), or judge certificates (sts-certificate.ts).
 * @module
 */
import { NO_STARTTLS, printHost, type Result, TLS_FAILED } from '../dane/attempt.ts';
import type { HostPlan } from '../dane/plan.ts';
import type { StsFinding } from './mta-sts.ts';
import type { StsVerdict } from './sts-certificate.ts';
import { type StsPolicy, stsAllows } from './sts-policy.ts';
import type { Terms } from './terms.ts';

export type StsDuty =
  /** No policy, or the operator has no use for it: what DANE and the terms say is all there is. */
  | { readonly kind: 'none' }
  /** The host is not one of the policy: it gets no mail now. */
  | {
      readonly kind: 'skip';
      readonly policy: StsPolicy;
      readonly reason: 'mx-mismatch';
      readonly why: string;
      readonly dsn: string;
    }
  /** DANE authenticates the host, and its certificate is nobody else's business. */
  | { readonly kind: 'dane-alone'; readonly policy: StsPolicy }
  /** TLS, and a certificate that the web's authorities vouch for. */
  | { readonly kind: 'authenticate'; readonly policy: StsPolicy }
  /** The same is looked at and reported, and nothing depends on it. */
  | { readonly kind: 'report'; readonly policy: StsPolicy };

export type StsTerms = Pick<Terms, 'mtaSts' | 'stsMxFilter' | 'enableDane' | 'audit'>;

/**
 * Decides before a host is contacted.
 *
 * An operator who switches `stsMxFilter` off lets DANE choose among hosts that the policy does not list. Half-DANE is not
 * enough for that: its MX records are not proven, and the list is what keeps a forger's host out. Where DANE is looked up
 * but not applied, STS judges as if DANE did not exist.
 */
export function planSts(
  plan: HostPlan,
  sts: StsFinding,
  { mtaSts, stsMxFilter, enableDane, audit }: StsTerms,
): StsDuty {
  if (sts.kind !== 'policy' || mtaSts === 'off' || plan.tls === 'unreachable')
    return { kind: 'none' };
  const { policy } = sts;
  if (policy.mode !== 'enforce') return { kind: 'report', policy };
  const isDane = plan.tls === 'authenticate' && enableDane && !audit;
  const isProven = isDane && !plan.halfDane;
  if (!stsAllows(policy, plan.host) && (stsMxFilter || !isProven)) {
    const why = `the MTA-STS policy does not list ${printHost(plan.host)}`;
    return { kind: 'skip', policy, reason: 'mx-mismatch', why, dsn: TLS_FAILED };
  }
  return { kind: isDane ? 'dane-alone' : 'authenticate', policy };
}

export type StsResult =
  /** What `weigh` found holds as it stands. */
  | Result
  | { readonly kind: 'sts-authenticated' }
  | {
      readonly kind: 'sts-failed';
      readonly reason: 'mx-mismatch' | Extract<StsVerdict, { kind: 'invalid' }>['result'];
      readonly why: string;
      readonly dsn: string;
    };

/**
 * What a contacted host comes to.
 *
 * @param result   of this connection under DANE and the plan
 * @param verdict  of the certificate by the web's authorities, where TLS stands and the duty is not `none`
 */
export function applySts(duty: StsDuty, result: Result, verdict?: StsVerdict): StsResult {
  switch (duty.kind) {
    case 'none':
    case 'dane-alone':
    case 'report':
      return result;
    case 'skip':
      return { kind: 'sts-failed', reason: duty.reason, why: duty.why, dsn: duty.dsn };
    case 'authenticate':
      return authenticate(result, verdict);
  }
}

function authenticate(result: Result, verdict: StsVerdict | undefined): StsResult {
  switch (result.kind) {
    case 'failed':
      return result;
    case 'clear':
      return {
        kind: 'sts-failed',
        reason: 'validation-failure',
        why: `the MTA-STS policy demands TLS: ${result.why}`,
        dsn: NO_STARTTLS,
      };
    case 'authenticated': // by a DANE that the operator only has looked at
    case 'encrypted': {
      if (verdict?.kind === 'valid') return { kind: 'sts-authenticated' };
      // A handshake that nobody has judged is as good as one that failed the judgement.
      const reason = verdict?.result ?? 'validation-failure';
      const detail = verdict?.reason === undefined ? '' : ` (${verdict.reason})`;
      const why = `the MTA-STS policy demands another certificate: ${reason}${detail}`;
      return { kind: 'sts-failed', reason, why, dsn: TLS_FAILED };
    }
  }
}
