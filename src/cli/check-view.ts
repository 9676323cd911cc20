/**
 * A checked destination as JSON and as text: the plan for each host, what the probe met, and what a sender does.
 *
 * Names of hosts and domains are written as mail software does, without the root's dot; records at fault as in zone
 * files, with it.
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import type { FaultyRecord } from '../dane/decision.ts';
import { printLack } from '../dane/lack.ts';
import type { NextHop } from '../dane/next-hop.ts';
import type { DeliveryPlan } from '../dane/plan.ts';
import { findWarnings, printWarning } from '../dane/warnings.ts';
import type { RRType } from '../dns/codes.ts';
import type { Spent } from '../dnssec/budget.ts';
import { explainCase } from '../dnssec/explanation.ts';
import type { Outcome, Status } from '../dnssec/outcome.ts';
import { explain, type Reason } from '../dnssec/reason.ts';
import type { MailChecked } from '../mta/check.ts';
import type { HostSight, MailDecision, MailReason } from '../mta/check-decision.ts';
import type { Wish } from '../mta/demand.ts';
import { type HostView, printHostView, viewHost } from './check-host-view.ts';
import { printSts, type StsView, viewSts } from './check-sts-view.ts';
import { type PolicyTermsView, printTerms } from './check-terms.ts';
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

type Action = MailDecision['action'];

/** What `check --json` prints. */
export interface CheckView {
  readonly domain: string;
  readonly action: Action;
  readonly reason: MailReason;
  readonly why: string;
  readonly host?: string;
  readonly address?: string;
  readonly channel?: 'tls' | 'clear' | 'unknown';
  readonly dsn?: string;
  readonly fault?: FaultView;
  /** Of the MX records, or of the proof that there are none; left out where none were to be asked for. */
  readonly mx?: { readonly status: Status; readonly reason?: Reason; readonly why?: string };
  /** The domain's MTA-STS policy; left out where nobody asked. */
  readonly mtaSts?: StsView;
  /** What the operator's policy file says, where one was given. */
  readonly policy?: PolicyTermsView;
  /** What the message asks for, where it does. */
  readonly message?: 'requiretls' | 'tls-required-no';
  readonly hosts: readonly HostView[];
  /** What DANE would have stopped, where it is looked at and does not bind. */
  readonly overlooked?: readonly { readonly reason: MailReason; readonly why: string }[];
  /** Nothing at or below these names was validated. */
  readonly negativeAnchors?: readonly NegativeAnchorView[];
  /** What is wrong with servers although the answers stand. */
  readonly warnings?: readonly string[];
  /** MX hosts left out because there were too many. */
  readonly surplus?: number;
  readonly spent: Spent;
}

/** A check, and on which terms. */
export interface Shown extends MailChecked {
  readonly policy: PolicyTermsView | undefined;
  readonly wish: Wish;
}

/** @param milliseconds  what it all took, which is less than the sum of what the questions took */
export function viewCheck(checked: Shown, milliseconds: number): CheckView {
  const { domain, plan, decision, outcomes, sts, policy, wish, overlooked } = checked;
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
    ...(sts && { mtaSts: viewSts(sts) }),
    ...(policy && { policy }),
    ...(wish !== 'as-usual' && { message: MESSAGES[wish] }),
    hosts: checked.hosts.map(viewSight),
    ...(overlooked.length > 0 && {
      overlooked: overlooked.map(({ reason, why }) => ({ reason, why })),
    }),
    ...(plan.kind === 'deliver' && plan.surplus > 0 && { surplus: plan.surplus }),
    ...viewNegativeAnchors(outcomes),
    ...(warnings.length > 0 && { warnings }),
    spent: { ...total(outcomes), milliseconds },
  };
}

const MESSAGES = { required: 'requiretls', optional: 'tls-required-no' } as const;

const viewSight = ({ plan, stance, attempts }: HostSight): HostView => ({
  ...viewHost(plan, attempts),
  ...(stance && { mtaSts: stance.host }),
});

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
function faultOf({ decision, outcomes }: MailChecked): FaultyRecord | undefined {
  switch (decision.action) {
    case 'deliver-opportunistically':
    case 'deliver-half-dane':
      return weakLink(decision, outcomes);
    case 'deliver-authenticated':
    case 'deliver-trusted':
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
  }: Extract<MailDecision, { action: 'deliver-opportunistically' | 'deliver-half-dane' }>,
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

const WEAK_TYPES: Readonly<Partial<Record<MailReason, readonly RRType[]>>> = {
  'insecure-mx': ['MX'],
  'half-dane': ['MX'],
  'insecure-address': ADDRESSES,
  'insecure-tlsa': ['TLSA'],
};

const findingsOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap(({ trace }) => trace.flatMap((step) => (step.kind === 'finding' ? [step] : [])));

function viewMx({ plan }: MailChecked): Pick<CheckView, 'mx'> {
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

const TONES = {
  'deliver-authenticated': 'good',
  'deliver-half-dane': 'fair',
  'deliver-trusted': 'good',
  'deliver-encrypted': 'fair',
  'deliver-opportunistically': 'fair',
  defer: 'bad',
  refuse: 'bad',
} as const satisfies Record<Action, Tone>;

export const printAction = (action: Action, paint: Paint): string =>
  paint(TONES[action], action.replace('-', ' '));

/** The same as lines of text; the last one is what a sender does. */
export function printCheck(view: CheckView, paint: Paint): string[] {
  const { domain, mx, mtaSts, policy, hosts, surplus, overlooked = [] } = view;
  const { negativeAnchors = [], warnings = [], spent } = view;
  return [
    `${paint('strong', domain)}: ${mx ? printMx(mx) : 'no MX look-up: the mail goes to this very host'}`,
    ...(mtaSts ? [`  ${printSts(mtaSts)}`] : []),
    ...(policy ? [`  ${printTerms(policy)}`] : []),
    ...hosts.flatMap((host) => printHostView(host, paint)),
    ...overlooked.map(
      ({ why }) => `  ${paint('fair', 'DANE would have stopped the mail')}: ${why}`,
    ),
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
