/**
 * Which sessions a delivery reports: what was met on the way, as the column TLSRPT of the decision table has it.
 *
 * Implements RFC 8460 section 4.3 for RFC 7672 and RFC 8461 (rows 1, 4 to 7, 9 to 33, 37 to 40, 44 and 45). What a timeout or
 * a refused connection says about TLS is nothing, so nothing is reported of it (RFC 8460 section 4.3.4). Does not: count
 * (tlsrpt.ts).
 * @module
 */
import { type Attempt, type ContactPlan, printHost } from '../dane/attempt.ts';
import { MISMATCHES } from '../dane/mismatch.ts';
import type { DeliveryPlan, HostPlan, Unreachable } from '../dane/plan.ts';
import { printTlsa, type Tlsa } from '../dane/tlsa.ts';
import type { Verdict } from '../dane/verify.ts';
import type { Name } from '../dns/name.ts';
import type { Fault } from '../dnssec/outcome.ts';
import { explain, type FailureReason } from '../dnssec/reason.ts';
import type { StsFinding } from './mta-sts.ts';
import type { StsVerdict } from './sts-certificate.ts';
import { type StsPolicy, stsAllows } from './sts-policy.ts';
import type { ReportedPolicy, TlsSession } from './tlsrpt.ts';

export type Met =
  /** The policy host was asked, or what is kept of it was looked at: once for each delivery. */
  | { readonly kind: 'sts' }
  /** There is no host to try: the plan says why. */
  | { readonly kind: 'no-hosts'; readonly plan: Exclude<DeliveryPlan, { kind: 'deliver' }> }
  /** A host that was not to be contacted. */
  | { readonly kind: 'unreachable'; readonly plan: Unreachable }
  /** A host that was left out because an enforced MTA-STS policy does not list it. */
  | { readonly kind: 'mx-mismatch'; readonly plan: HostPlan }
  /** One address was tried. */
  | {
      readonly kind: 'attempt';
      readonly plan: ContactPlan;
      readonly attempt: Attempt;
      /** Where there is an MTA-STS policy and TLS stood. */
      readonly stsVerdict?: StsVerdict;
      readonly sendingIp?: string;
    };

export interface Circumstances {
  /** The next-hop domain. */
  readonly domain: Name;
  readonly sts: StsFinding;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Mail that carries a TLS report is not reported itself (RFC 8460 section 3). `mail` where it is left out. */
  readonly purpose?: 'mail' | 'tls-report';
  /** How a certificate that no TLSA record matches is told; Postfix says `certificate-not-trusted`. */
  readonly noMatch?: 'validation-failure' | 'certificate-not-trusted';
}

interface Told {
  readonly result: TlsSession['result'];
  readonly reasonCode?: string;
}
type Where = Pick<TlsSession, 'sendingIp' | 'receivingIp' | 'receivingMx'>;

/** The sessions to report: none, one, or one for each of two policies. Pure. */
export function sessionsOf(met: Met, circumstances: Circumstances): readonly TlsSession[] {
  if (circumstances.purpose === 'tls-report') return [];
  const { domain, at } = circumstances;
  const reportDomain = printHost(domain);
  return told(met, circumstances).map(({ policy, told: { result, reasonCode }, where }) => ({
    ...policy,
    reportDomain,
    result,
    ...(reasonCode !== undefined && { reasonCode: shorten(reasonCode) }),
    ...where,
    at,
  }));
}

/** Others' words are not to fill a report, nor to break its lines. */
const shorten = (text: string): string =>
  text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_REASON);
/** RFC 8460 section 4.3.3: "a short text field". */
const MAX_REASON = 200;

interface Entry {
  readonly policy: ReportedPolicy;
  readonly told: Told;
  readonly where?: Where;
}

function told(met: Met, circumstances: Circumstances): readonly Entry[] {
  switch (met.kind) {
    case 'sts':
      return stsTrouble(circumstances);
    case 'no-hosts':
      return noHosts(met.plan, circumstances);
    case 'unreachable':
      return unreachable(met.plan, circumstances);
    case 'mx-mismatch': {
      const policy = stsPolicy(circumstances);
      const where = { receivingMx: printHost(met.plan.host) };
      return policy ? [{ policy, told: MX_MISMATCH, where }] : [];
    }
    case 'attempt':
      return attempted(met, circumstances);
  }
}

const MX_MISMATCH: Told = { result: 'validation-failure', reasonCode: 'mx-mismatch' };

function stsTrouble({ sts, domain }: Circumstances): readonly Entry[] {
  switch (sts.kind) {
    case 'none':
      return [];
    case 'failed': {
      const policy = reportSts(domain);
      return [{ policy, told: { result: sts.result, reasonCode: sts.reason } }];
    }
    case 'policy': {
      const { policy, trouble } = sts;
      if (!trouble) return [];
      const { result, reason: reasonCode } = trouble;
      return [{ policy: reportSts(domain, policy), told: { result, reasonCode } }];
    }
  }
}

/** Rows 1 to 3. */
function noHosts(
  plan: Exclude<DeliveryPlan, { kind: 'deliver' }>,
  circumstances: Circumstances,
): readonly Entry[] {
  if (plan.kind === 'refused') return [];
  if (plan.why === 'dane-required')
    return [{ policy: noDanePolicy(circumstances), told: { result: 'dane-required' } }];
  return lookupFailed(plan.why, circumstances);
}

/** Rows 1 and 9: what DNSSEC found wrong is told, what the network did is not. */
function lookupFailed(
  why: FailureReason,
  circumstances: Circumstances,
  where?: Where,
): readonly Entry[] {
  const { ede } = explain(why);
  if (ede === undefined || !DNSSEC_ERRORS.has(ede)) return [];
  const policy = noDanePolicy(circumstances);
  const told: Told = { result: 'validation-failure', reasonCode: `ede-${ede}` };
  return [{ policy, told, ...(where && { where }) }];
}

/** RFC 8914 section 4: those that speak of signatures, keys and proofs. */
const DNSSEC_ERRORS: ReadonlySet<number> = new Set([1, 2, 5, 6, 7, 8, 9, 10, 11, 12]);

function unreachable(plan: Unreachable, circumstances: Circumstances): readonly Entry[] {
  const where = { receivingMx: printHost(plan.host) };
  if (plan.why === 'no-address') return [];
  if (plan.why === 'dane-required') {
    if (plan.lack.why === 'tlsa-unusable')
      return [{ policy: tlsaPolicy(plan.host), told: UNUSABLE, where }];
    return [{ policy: noDanePolicy(circumstances), told: { result: 'dane-required' }, where }];
  }
  if (plan.step === 'addresses') return lookupFailed(plan.why, circumstances, where);
  return tlsaFailed(plan.why, plan.fault).map((told) => ({
    policy: tlsaPolicy(baseDomainOf(plan.fault) ?? plan.host),
    told,
    where,
  }));
}

const UNUSABLE: Told = { result: 'tlsa-invalid', reasonCode: 'all-tlsa-records-unusable' };

/**
 * Row 15. Servers that are silent, and a network that is not there, say nothing about the domain. Every failure of our own
 * resolver has a code of RFC 8914; for those that have "other error" our word says more.
 */
function tlsaFailed(why: FailureReason, { detail, limit }: Fault): readonly Told[] {
  if (why === 'network-error' || limit === 'wall-clock') return [];
  const said = detail?.kind === 'servers' ? detail.servers.map((server) => server.said) : [];
  if (why === 'unreachable' && said.every((word) => word === 'timeout')) return [];
  const { ede } = explain(why);
  return [{ result: 'dnssec-invalid', reasonCode: ede ? `ede-${ede}` : why }];
}

/** Of `_25._tcp.mx.example.com`, if that is what could not be had. */
function baseDomainOf({ owner, type }: Fault): Name | undefined {
  const isTlsa = type === 'TLSA' && owner.labels > 2 && /^_\d+\._tcp\./i.test(owner.toString());
  return isTlsa ? owner.parent.parent : undefined;
}

function attempted(
  met: Extract<Met, { kind: 'attempt' }>,
  circumstances: Circumstances,
): readonly Entry[] {
  const { plan, attempt, sendingIp } = met;
  const where: Where = {
    ...(sendingIp !== undefined && { sendingIp }),
    receivingIp: attempt.address,
    receivingMx: printHost(plan.host),
  };
  const entries: { policy: ReportedPolicy; told: Told | undefined }[] = [];
  if (hasTlsaPolicy(plan)) {
    const policy = tlsaPolicy(plan.baseDomain, plan.records);
    entries.push({ policy, told: underTlsa(plan, attempt, circumstances) });
  }
  const sts = stsPolicy(circumstances);
  if (sts) entries.push({ policy: sts, told: underSts(met, circumstances) });
  if (entries.length === 0)
    entries.push({ policy: noPolicy(circumstances), told: underNone(attempt) });
  return entries.flatMap(({ policy, told }) => (told ? [{ policy, told, where }] : []));
}

/** Insecure MX records with half-DANE `encrypt` leave the TLSA records as a hint to use TLS: no policy, as Postfix has it. */
const hasTlsaPolicy = (plan: ContactPlan): plan is Exclude<ContactPlan, { tls: 'opportunistic' }> =>
  plan.tls === 'authenticate' || (plan.tls === 'encrypt' && plan.why === 'tlsa-unusable');

/** Rows 18 to 32. */
function underTlsa(
  plan: ContactPlan,
  { contact, verdict }: Attempt,
  { noMatch = 'validation-failure' }: Circumstances,
): Told | undefined {
  if (contact.kind !== 'handshake') return withoutTls(contact);
  if (plan.tls === 'encrypt') return UNUSABLE;
  if (verdict?.kind === 'authenticated') return { result: 'success' };
  const reason = verdict?.reason ?? 'dane-no-match';
  if (reason === 'dane-no-match') return { result: noMatch, reasonCode: reason };
  return tellMismatch(reason, verdict);
}

function tellMismatch(
  reason: keyof typeof MISMATCHES,
  verdict: Extract<Verdict, { kind: 'not-authenticated' }> | undefined,
): Told {
  const { result } = MISMATCHES[reason];
  if (reason !== result) return { result, reasonCode: reason };
  // RFC 8460 section 4.3.1 wants a reason with this one, for it covers much.
  const detail = result === 'certificate-not-trusted' ? verdict?.detail : undefined;
  return { result, ...(detail !== undefined && { reasonCode: detail }) };
}

function underSts(
  { plan, attempt, stsVerdict }: Extract<Met, { kind: 'attempt' }>,
  { sts }: Circumstances,
): Told | undefined {
  if (sts.kind === 'policy' && !stsAllows(sts.policy, plan.host)) return MX_MISMATCH;
  if (attempt.contact.kind !== 'handshake') return withoutTls(attempt.contact);
  if (!stsVerdict) return undefined;
  if (stsVerdict.kind === 'valid') return { result: 'success' };
  const { result, reason: reasonCode } = stsVerdict;
  return { result, ...(reasonCode !== undefined && { reasonCode }) };
}

const underNone = ({ contact }: Attempt): Told | undefined =>
  contact.kind === 'handshake' ? { result: 'success' } : withoutTls(contact);

/** Rows 19 to 25. Nothing where it never came to TLS, or time ran out. */
function withoutTls(contact: Exclude<Attempt['contact'], { kind: 'handshake' }>): Told | undefined {
  switch (contact.kind) {
    case 'no-starttls':
      return { result: 'starttls-not-supported' };
    case 'starttls-refused': {
      const reasonCode = `smtp-starttls-reply-code-${contact.code}`;
      return { result: 'starttls-not-supported', reasonCode };
    }
    case 'injected':
      return { result: 'validation-failure', reasonCode: 'response-injection' };
    case 'handshake-failed': {
      const reasonCode = contact.code === 'EIO' ? contact.why : contact.code;
      return { result: 'validation-failure', reasonCode };
    }
    case 'closed':
    case 'protocol-error': {
      const isAboutTls = contact.during === 'starttls' || contact.during === 'handshake';
      const reasonCode = `${contact.kind}-during-${contact.during}`;
      return isAboutTls ? { result: 'validation-failure', reasonCode } : undefined;
    }
    case 'connect-failed':
    case 'timeout':
    case 'smtp-refused':
      return undefined;
  }
}

const tlsaPolicy = (baseDomain: Name, records: readonly Tlsa[] = []): ReportedPolicy => ({
  policyType: 'tlsa',
  policyDomain: printHost(baseDomain),
  policyStrings: records.map(printTlsa),
});

/** The MTA-STS policy that applies, if one does. */
const stsPolicy = ({ sts, domain }: Circumstances): ReportedPolicy | undefined =>
  sts.kind === 'policy' ? reportSts(domain, sts.policy) : undefined;

const reportSts = (domain: Name, policy?: StsPolicy): ReportedPolicy => ({
  policyType: 'sts',
  policyDomain: printHost(domain),
  policyStrings: policy?.lines ?? [],
  ...(policy && { mxHosts: policy.mx }),
});

const noPolicy = ({ domain }: Circumstances): ReportedPolicy => ({
  policyType: 'no-policy-found',
  policyDomain: printHost(domain),
  policyStrings: [],
});

/** Where DANE says nothing, MTA-STS may: "neither a DANE nor MTA-STS Policy" (RFC 8460 section 4). */
const noDanePolicy = (circumstances: Circumstances): ReportedPolicy =>
  stsPolicy(circumstances) ?? noPolicy(circumstances);
