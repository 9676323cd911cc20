/**
 * One host of a checked destination as JSON and as text: what it owes a sender, and what each connection has shown.
 * @module
 */
import { type Attempt, printContact, printHost } from '../dane/attempt.ts';
import { printLack } from '../dane/lack.ts';
import type { HostPlan } from '../dane/plan.ts';
import { MATCHING_TYPE, printTlsa, SELECTOR, USAGE } from '../dane/tlsa.ts';
import type { Verdict } from '../dane/verify.ts';
import { explainCase } from '../dnssec/explanation.ts';
import type { Reason } from '../dnssec/reason.ts';
import type { SeenAttempt } from '../mta/check-decision.ts';
import type { StsVerdict } from '../mta/sts-certificate.ts';
import { parseCertificate } from '../tls/certificate.ts';
import { fingerprint } from '../tls/fingerprint.ts';
import { printByRoots } from './check-sts-view.ts';
import { type FaultView, printFault, viewFault } from './query-view.ts';
import type { Paint } from './terminal.ts';

export interface HostView {
  readonly host: string;
  readonly preference?: number;
  readonly tls: HostPlan['tls'];
  readonly why?: string;
  /** Of the DNS, where `why` rests on it. */
  readonly reason?: Reason;
  /** `reason`, or a `why` that is a reason of the DNS, in words. */
  readonly because?: string;
  readonly fault?: FaultView;
  readonly addresses: readonly string[];
  readonly baseDomain?: string;
  readonly records?: readonly string[];
  readonly names?: readonly string[];
  /** Whether the domain's MTA-STS policy has it. */
  readonly mtaSts?: 'listed' | 'not-listed';
  readonly attempts?: readonly AttemptView[];
}

export interface AttemptView {
  readonly address: string;
  readonly contact: Attempt['contact']['kind'];
  /** What went wrong, or what TLS came about. */
  readonly detail: string;
  /** The DANE-EE record with SHA2-256 of the key that the server showed. */
  readonly presents?: string;
  readonly verdict?: VerdictView;
  /** By the web's authorities and the name of the host, where MTA-STS or the terms ask for it. */
  readonly pkix?: StsVerdict;
  /** Where the message needs REQUIRETLS: `announced`, `missing`, or why it is not known. */
  readonly requireTls?: string;
  readonly milliseconds: number;
}

type VerdictView =
  | {
      readonly kind: 'authenticated';
      readonly by: string;
      readonly depth: number;
      readonly weakKey?: number;
    }
  | {
      readonly kind: 'not-authenticated';
      readonly reason: string;
      readonly detail?: string;
      readonly tried: readonly { readonly record: string; readonly why: string }[];
    };

export function viewHost(plan: HostPlan, attempts: readonly SeenAttempt[] | undefined): HostView {
  const { host, preference, tls } = plan;
  return {
    host: printHost(host),
    ...(preference !== undefined && { preference }),
    tls,
    ...('why' in plan && { why: plan.why }),
    ...('reason' in plan && {
      reason: plan.reason,
      because: explainCase(plan.reason, plan.cause),
    }),
    ...('fault' in plan && {
      because: explainCase(plan.why, plan.fault),
      fault: viewFault(plan.fault),
    }),
    addresses: plan.tls === 'unreachable' ? [] : plan.addresses,
    ...('baseDomain' in plan && {
      baseDomain: printHost(plan.baseDomain),
      records: plan.records.map(printTlsa),
    }),
    ...('names' in plan && { names: plan.names.map(printHost) }),
    ...('lack' in plan && { because: printLack(plan.lack, host) }),
    ...('halfDane' in plan && plan.halfDane && { why: 'half-dane' }),
    ...(attempts && { attempts: attempts.map(viewAttempt) }),
  };
}

function viewAttempt(attempt: SeenAttempt): AttemptView {
  const { address, contact, verdict, byRoots, requireTls, milliseconds } = attempt;
  if (contact.kind !== 'handshake')
    return { address, contact: contact.kind, detail: printContact(contact), milliseconds };
  const { protocol, cipher, chain } = contact;
  const presents = presentedBy(chain);
  return {
    address,
    contact: contact.kind,
    detail: `${protocol} ${cipher}`,
    ...(presents !== undefined && { presents }),
    ...(verdict && { verdict: viewVerdict(verdict) }),
    ...(byRoots && { pkix: byRoots }),
    ...(requireTls && { requireTls: typeof requireTls === 'string' ? requireTls : requireTls.why }),
    milliseconds,
  };
}

/** The record that would have matched: most often what its operator meant to publish. */
function presentedBy([first]: readonly Uint8Array[]): string | undefined {
  const parsed = first && parseCertificate(first);
  if (parsed?.kind !== 'certificate') return undefined;
  return printTlsa({
    usage: USAGE.daneEe,
    selector: SELECTOR.spki,
    matchingType: MATCHING_TYPE.sha256,
    associationData: fingerprint(parsed.certificate.spki, 'sha256'),
  });
}

function viewVerdict(verdict: Verdict): VerdictView {
  if (verdict.kind === 'authenticated') return { ...verdict, by: printTlsa(verdict.by) };
  const tried = verdict.tried.map((one) => ({ ...one, record: printTlsa(one.record) }));
  return { ...verdict, tried };
}

export function printHostView(view: HostView, paint: Paint): string[] {
  const { host, preference, tls, addresses, baseDomain, records = [], names, fault, mtaSts } = view;
  const lines = [
    ...(addresses.length > 0 ? [`addresses ${addresses.join(', ')}`] : []),
    ...records.map((record) => `TLSA at ${baseDomain}: ${record}`),
    ...(names ? [`names ${names.join(', ')}`] : []),
    ...(fault ? [`at fault: ${printFault(fault)}`] : []),
    ...(mtaSts === undefined
      ? []
      : [`in the MTA-STS policy: ${mtaSts === 'listed' ? 'yes' : 'no'}`]),
    ...(view.attempts ?? []).flatMap((attempt) => printAttempt(attempt, paint)),
  ];
  const rank = preference === undefined ? '' : `${preference} `;
  return [`  ${rank}${host}: ${tls}${whyHost(view)}`, ...lines.map((line) => `      ${line}`)];
}

/** Slugs that are reasons of the DNS have a sentence. */
function whyHost({ why, because }: HostView): string {
  if (why === undefined) return '';
  return because === undefined ? ` (${why})` : ` (${why}: ${because})`;
}

function printAttempt(view: AttemptView, paint: Paint): string[] {
  const { address, detail, verdict, presents, pkix, requireTls, milliseconds } = view;
  const judged = [
    ...(verdict ? [printVerdict(verdict, paint)] : []),
    ...(pkix ? [printByRoots(pkix, paint)] : []),
    ...(requireTls === undefined ? [] : [`REQUIRETLS ${requireTls}`]),
  ];
  const line = [`${address}: ${detail}`, ...judged, `${Math.round(milliseconds)} ms`].join(', ');
  const isMismatch = verdict?.kind === 'not-authenticated' && presents !== undefined;
  return isMismatch ? [line, `  its key is that of TLSA ${presents}`] : [line];
}

const printVerdict = (verdict: VerdictView, paint: Paint): string =>
  verdict.kind === 'authenticated'
    ? `${paint('good', 'authenticated')} by ${verdict.by}`
    : `${paint('bad', 'not authenticated')}: ${verdict.reason}`;
