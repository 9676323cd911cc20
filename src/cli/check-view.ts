/**
 * A checked destination as JSON and as text: the plan for each host, what the probe met, and what a sender does.
 *
 * Names of hosts and domains are written as mail software does, without the root's dot; records at fault as in zone
 * files, with it.
 * @module
 */
import { type Attempt, printContact, printHost } from '../dane/attempt.ts';
import type { Checked } from '../dane/check.ts';
import type { Action, Decision, DecisionReason, FaultyRecord } from '../dane/decision.ts';
import { printLack } from '../dane/lack.ts';
import type { NextHop } from '../dane/next-hop.ts';
import type { DeliveryPlan, HostPlan } from '../dane/plan.ts';
import { MATCHING_TYPE, printTlsa, SELECTOR, USAGE } from '../dane/tlsa.ts';
import type { Verdict } from '../dane/verify.ts';
import { findWarnings, printWarning } from '../dane/warnings.ts';
import type { RRType } from '../dns/codes.ts';
import type { Spent } from '../dnssec/budget.ts';
import { explainCase } from '../dnssec/explanation.ts';
import type { Outcome, Status } from '../dnssec/outcome.ts';
import { explain, type Reason } from '../dnssec/reason.ts';
import { parseCertificate } from '../tls/certificate.ts';
import { fingerprint } from '../tls/fingerprint.ts';
import {
  type FaultView,
  LATE,
  type NegativeAnchorView,
  NOTHING,
  printFault,
  printNegativeAnchor,
  printSpent,
  viewFault,
  viewNegativeAnchors,
} from './query-view.ts';
import type { Paint, Tone } from './terminal.ts';

/** What `check --json` prints. */
export interface CheckView {
  readonly domain: string;
  readonly action: Action;
  readonly reason: DecisionReason;
  readonly why: string;
  readonly host?: string;
  readonly address?: string;
  readonly channel?: 'tls' | 'clear' | 'unknown';
  readonly dsn?: string;
  readonly fault?: FaultView;
  /** Of the MX records, or of the proof that there are none; left out where none were to be asked for. */
  readonly mx?: { readonly status: Status; readonly reason?: Reason; readonly why?: string };
  readonly hosts: readonly HostView[];
  /** Nothing at or below these names was validated. */
  readonly negativeAnchors?: readonly NegativeAnchorView[];
  /** What is wrong with servers although the answers stand. */
  readonly warnings?: readonly string[];
  /** MX hosts left out because there were too many. */
  readonly surplus?: number;
  readonly spent: Spent;
}

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

/** @param milliseconds  what it all took, which is less than the sum of what the questions took */
export function viewCheck(checked: Checked, milliseconds: number): CheckView {
  const { domain, plan, decision, outcomes } = checked;
  const fault = faultOf(checked);
  const warnings = findWarnings(outcomes).map(printWarning);
  return {
    domain: printHost(domain),
    action: decision.action,
    reason: decision.reason,
    why: decision.why,
    ...('host' in decision && decision.host && { host: printHost(decision.host) }),
    ...('address' in decision && { address: decision.address }),
    ...('channel' in decision && { channel: decision.channel }),
    ...('dsn' in decision && { dsn: decision.dsn }),
    ...(fault && { fault: viewFault(fault) }),
    ...viewMx(checked),
    hosts:
      plan.kind === 'deliver'
        ? plan.hosts.map((host, i) => viewHost(host, checked.probes?.[i]?.attempts))
        : [],
    ...(plan.kind === 'deliver' && plan.surplus > 0 && { surplus: plan.surplus }),
    ...viewNegativeAnchors(outcomes),
    ...(warnings.length > 0 && { warnings }),
    spent: { ...total(outcomes), milliseconds },
  };
}

/** What is known when the time for the look-ups is over: mail waits. */
export function viewTimeout(nextHop: NextHop, milliseconds: number): CheckView {
  return {
    domain: nextHop.kind === 'literal' ? nextHop.address : printHost(nextHop.name),
    action: 'defer',
    reason: 'budget-spent',
    why: LATE,
    mx: { status: 'indeterminate', reason: 'budget-spent', why: LATE },
    hosts: [],
    spent: { ...NOTHING, milliseconds },
  };
}

/** What is at fault, or what keeps the delivery from being authenticated, with the zone that holds it. */
function faultOf({ decision, outcomes }: Checked): FaultyRecord | undefined {
  switch (decision.action) {
    case 'deliver-opportunistically':
    case 'deliver-half-dane':
      return weakLink(decision, outcomes);
    case 'deliver-authenticated':
    case 'deliver-encrypted':
    case 'refuse':
      return undefined;
    case 'defer':
      return withZone(decision.fault, outcomes);
  }
}

function withZone(
  fault: FaultyRecord | undefined,
  outcomes: readonly Outcome[],
): FaultyRecord | undefined {
  if (!fault || fault.zone) return fault;
  const { owner, type } = fault;
  const finding = findingsOf(outcomes).find((one) => one.type === type && one.owner.equals(owner));
  return finding ? { ...fault, zone: finding.zone } : fault;
}

/** The first link of the chain that nothing secures. */
function weakLink(
  {
    reason,
    host,
  }: Extract<Decision, { action: 'deliver-opportunistically' | 'deliver-half-dane' }>,
  outcomes: readonly Outcome[],
): FaultyRecord | undefined {
  const types = WEAK_TYPES[reason] ?? [];
  const weak = outcomes.filter(
    ({ status, question: { name, type } }) =>
      status === 'insecure' &&
      types.includes(type) &&
      (name.equals(host) || !ADDRESSES.includes(type)),
  );
  const finding = findingsOf(weak).find(({ status }) => status === 'insecure');
  return finding && { zone: finding.zone, owner: finding.owner, type: finding.type };
}

const ADDRESSES: readonly RRType[] = ['A', 'AAAA'];

const WEAK_TYPES: Readonly<Partial<Record<DecisionReason, readonly RRType[]>>> = {
  'insecure-mx': ['MX'],
  'half-dane': ['MX'],
  'insecure-address': ADDRESSES,
  'insecure-tlsa': ['TLSA'],
};

const findingsOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap(({ trace }) => trace.flatMap((step) => (step.kind === 'finding' ? [step] : [])));

function viewMx({ plan }: Checked): Pick<CheckView, 'mx'> {
  const isAsked = plan.kind !== 'deliver' || ['mx', 'implicit'].includes(plan.route.via);
  return isAsked ? { mx: securityOfMx(plan) } : {};
}

function securityOfMx(plan: DeliveryPlan): NonNullable<CheckView['mx']> {
  if (plan.kind === 'defer' && plan.why === 'dane-required') {
    const { lack } = plan;
    const why = printLack(lack);
    return { status: 'insecure', ...('reason' in lack && { reason: lack.reason }), why };
  }
  if (plan.kind === 'defer') {
    const { status } = explain(plan.why);
    return { status, reason: plan.why, why: explainCase(plan.why, plan.fault) };
  }
  const security = plan.kind === 'refused' ? plan.security : plan.route.security;
  if (security.status === 'secure') return security;
  const { status, reason, cause } = security;
  return { status, reason, why: explainCase(reason, cause) };
}

function total(outcomes: readonly Outcome[]): Spent {
  const sum = (of: (spent: Spent) => number): number =>
    outcomes.reduce((all, { spent }) => all + of(spent), 0);
  return {
    queries: sum(({ queries }) => queries),
    bytes: sum(({ bytes }) => bytes),
    signatures: sum(({ signatures }) => signatures),
    hashes: sum(({ hashes }) => hashes),
    milliseconds: sum(({ milliseconds }) => milliseconds),
  };
}

export function viewHost(plan: HostPlan, attempts: readonly Attempt[] | undefined): HostView {
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

function viewAttempt({ address, contact, verdict, milliseconds }: Attempt): AttemptView {
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

const TONES = {
  'deliver-authenticated': 'good',
  'deliver-half-dane': 'fair',
  'deliver-encrypted': 'fair',
  'deliver-opportunistically': 'fair',
  defer: 'bad',
  refuse: 'bad',
} as const satisfies Record<Action, Tone>;

export const printAction = (action: Action, paint: Paint): string =>
  paint(TONES[action], action.replace('-', ' '));

/** The same as lines of text; the last one is what a sender does. */
export function printCheck(view: CheckView, paint: Paint): string[] {
  const { domain, mx, hosts, surplus, negativeAnchors = [], warnings = [], spent } = view;
  return [
    `${paint('strong', domain)}: ${mx ? printMx(mx) : 'no MX look-up: the mail goes to this very host'}`,
    ...hosts.flatMap((host) => printHostView(host, paint)),
    ...(surplus === undefined ? [] : [`  and ${surplus} more hosts, which were left out`]),
    ...warnings.map((warning) => `  ${paint('fair', 'warning')}: ${warning}`),
    ...negativeAnchors.map((one) => `  ${printNegativeAnchor(one)}`),
    paint('faint', printSpent(spent)),
    printDecision(view, paint),
  ];
}

const printMx = ({ status, why }: NonNullable<CheckView['mx']>): string =>
  `MX ${status}${why === undefined ? '' : `: ${why}`}`;

/** `example.com: defer: ...: one line, whatever servers say in it. */
export function printDecision(view: CheckView, paint: Paint): string {
  const { domain, action, why, host, dsn, fault } = view;
  const to = action.startsWith('deliver') && host !== undefined ? ` to ${host}` : '';
  const where = fault ? `; see ${printFault(fault)}` : '';
  const code = dsn === undefined ? '' : ` (${dsn})`;
  return `${domain}: ${printAction(action, paint)}${to}${code}: ${why}${where}`;
}

export function printHostView(view: HostView, paint: Paint): string[] {
  const { host, preference, tls, addresses, baseDomain, records = [], names, fault } = view;
  const lines = [
    ...(addresses.length > 0 ? [`addresses ${addresses.join(', ')}`] : []),
    ...records.map((record) => `TLSA at ${baseDomain}: ${record}`),
    ...(names ? [`names ${names.join(', ')}`] : []),
    ...(fault ? [`at fault: ${printFault(fault)}`] : []),
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
  const { address, detail, verdict, presents, milliseconds } = view;
  const line = `${address}: ${detail}${verdict ? `, ${printVerdict(verdict, paint)}` : ''}, ${Math.round(milliseconds)} ms`;
  const isMismatch = verdict?.kind === 'not-authenticated' && presents !== undefined;
  return isMismatch ? [line, `  its key is that of TLSA ${presents}`] : [line];
}

const printVerdict = (verdict: VerdictView, paint: Paint): string =>
  verdict.kind === 'authenticated'
    ? `${paint('good', 'authenticated')} by ${verdict.by}`
    : `${paint('bad', 'not authenticated')}: ${verdict.reason}`;
