/**
 * Whether mail may go over a connection that stands, and what it may be called.
 *
 * The last gate: what has no permission is never handed to a session. Implements RFC 7672 section 2.2 (no mail without TLS
 * or past a wrong certificate where secure TLSA records bind), RFC 8461 section 4.2 and RFC 8689 section 4.2.1. Does not:
 * connect, or choose among hosts.
 * @module
 */
import { type Attempt, type ContactPlan, printHost, type Result, weigh } from '../dane/attempt.ts';
import { type Demand, withoutDane } from './demand.ts';
import type { StsVerdict } from './sts-certificate.ts';
import type { Terms } from './terms.ts';
import type { Trouble, TroubleReason } from './trouble.ts';

/** How a message travelled; `verified` by secure TLSA records alone. */
export type Protection = 'verified' | 'half-dane' | 'sts' | 'authorities' | 'encrypted' | 'clear';

/** What one connection has shown. */
export type Shown = { readonly plan: ContactPlan } & (
  | {
      readonly layer: 'tls';
      readonly attempt: Attempt;
      /** By the authorities and the host's name, where somebody asked. */
      readonly byRoots?: StsVerdict;
    }
  /** `attempt`: why there is no TLS, unless nobody asked for it. */
  | { readonly layer: 'clear'; readonly attempt?: Attempt }
);

export type Permission =
  | { readonly kind: 'go'; readonly protection: Protection }
  | {
      readonly kind: 'stop';
      readonly reason: Exclude<TroubleReason, 'bare-cr-or-lf'>;
      readonly why: string;
      readonly dsn: string;
    };

type Refused = Extract<Result, { kind: 'failed' }>;

export function permit(demand: Demand, shown: Shown): Permission {
  if (shown.layer === 'clear') {
    if (demand.starttls !== 'require') return { kind: 'go', protection: 'clear' };
    return stop('no-starttls', 'the connection is not encrypted', '4.7.4');
  }
  const { plan, attempt } = shown;
  switch (demand.judge) {
    case 'dane': {
      const result = weigh(plan, attempt);
      if (result.kind === 'authenticated')
        return { kind: 'go', protection: isHalf(plan) ? 'half-dane' : 'verified' };
      if (result.kind === 'failed') return stop(result.reason, result.why, result.dsn);
      return stop('dane-no-match', 'no TLSA record was looked at');
    }
    case 'authorities':
    case 'authorities-and-name':
      return byAuthorities(demand, shown);
    case 'nobody':
      return { kind: 'go', protection: 'encrypted' };
  }
}

const isHalf = (plan: ContactPlan): boolean => plan.tls === 'authenticate' && plan.halfDane;

const stop = (reason: Stop['reason'], why: string, dsn = '4.7.5'): Permission => ({
  kind: 'stop',
  reason,
  why,
  dsn,
});

type Stop = Extract<Permission, { kind: 'stop' }>;
type InTls = Extract<Shown, { layer: 'tls' }>;

function byAuthorities(demand: Demand, { byRoots }: InTls): Permission {
  if (byRoots?.kind === 'valid')
    return { kind: 'go', protection: demand.for === 'sts' ? 'sts' : 'authorities' };
  const result = byRoots?.result ?? 'certificate-not-trusted';
  if (demand.judge === 'authorities' && result === 'certificate-host-mismatch')
    return { kind: 'go', protection: 'encrypted' };
  const detail = byRoots?.reason === undefined ? '' : `: ${byRoots.reason}`;
  return stop(REASONS[result], `${BY_ROOTS[result]}${detail}`);
}

const REASONS = {
  'certificate-host-mismatch': 'certificate-host-mismatch',
  'certificate-expired': 'certificate-expired',
  'certificate-not-trusted': 'certificate-not-trusted',
  'validation-failure': 'certificate-not-trusted',
} as const;

const BY_ROOTS = {
  'certificate-host-mismatch': 'the certificate does not name the mail server',
  'certificate-expired': 'the certificate, or an authority above it, has expired',
  'certificate-not-trusted': 'no trusted authority vouches for the certificate',
  'validation-failure': 'the certificate cannot be relied on',
} as const;

/** Mail goes, and somebody wants to know what DANE would have said. */
export function overlooked(shown: Shown, address: string, terms: Terms): Trouble | undefined {
  const { plan } = shown;
  const { host } = plan;
  const at = { nature: 'tls', host, address } as const;
  const missed = stoppedByDane(shown);
  if (missed) {
    const { reason, why, dsn = '4.7.5' } = missed;
    return { ...at, reason, why: `${printHost(host)}: ${why}`, dsn };
  }
  if (!terms.mandatoryDane || (plan.tls === 'authenticate' && !plan.halfDane)) return undefined;
  const why = `DANE is demanded, and does not authenticate ${printHost(host)}`;
  return { ...at, reason: 'dane-required', why, dsn: '4.7.5' };
}

/** What DANE would have stopped, where it is looked at without binding. */
function stoppedByDane({ plan, attempt }: Shown): Refused | undefined {
  if (plan.tls === 'opportunistic' || !attempt) return undefined;
  const result = weigh(plan, attempt);
  return result.kind === 'failed' ? result : undefined;
}

/** Whether the server takes part in SMTP, and only its TLS failed. */
export const failedAtTls = (plan: ContactPlan, attempt: Attempt): boolean =>
  weigh(withoutDane(plan), attempt).kind === 'clear';
