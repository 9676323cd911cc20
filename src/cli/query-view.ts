/**
 * An outcome as JSON and as text.
 *
 * Bogus and indeterminate outcomes have no data, so none can be shown. Names have the root's dot, as in zone files.
 * @module
 */
import { CLASS_IN, EXTENDED_ERRORS, type RRType } from '../dns/codes.ts';
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import { printRecord } from '../dns/zone-file.ts';
import { printAlgorithm } from '../dnssec/algorithms.ts';
import type { Spent } from '../dnssec/budget.ts';
import type { KeyName } from '../dnssec/detail.ts';
import { explainCase } from '../dnssec/explanation.ts';
import { type Fault, failed, type Outcome, type Step } from '../dnssec/outcome.ts';
import { explain, type Reason } from '../dnssec/reason.ts';
import type { Paint, Tone } from './terminal.ts';

/** What `query --json` prints. */
export interface OutcomeView {
  readonly question: { readonly name: string; readonly type: RRType };
  readonly status: Outcome['status'];
  /** What a client of a validating resolver is told. */
  readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL';
  readonly reason?: Reason;
  /** The reason in words. */
  readonly why?: string;
  readonly ede?: { readonly code: number; readonly purpose: string };
  readonly fault?: FaultView;
  /** What an insecure outcome rests on: where the signed part of the tree ends. */
  readonly cause?: FaultView;
  /** Nothing at or below these names was validated. */
  readonly negativeAnchors?: readonly NegativeAnchorView[];
  readonly aliases: readonly {
    readonly owner: string;
    readonly target: string;
    readonly status: 'secure' | 'insecure';
  }[];
  /** Records of the aliases, then of the answer. */
  readonly answer: readonly string[];
  /** The signatures over them, then what proves absence, with its signatures. */
  readonly proof: readonly string[];
  readonly spent: Spent;
  /** From then on the answer says nothing. */
  readonly expiresAt?: string;
  readonly trace?: readonly StepView[];
}

export interface NegativeAnchorView {
  readonly name: string;
  readonly reason: string;
  readonly until: string;
}

export interface FaultView {
  readonly zone?: string;
  readonly owner: string;
  readonly type: RRType;
  readonly limit?: string;
}

interface KeyView {
  readonly keyTag: number;
  readonly algorithm: string;
}
type Viewed<T, Key extends string> = Omit<T, Key | 'zone' | 'owner' | 'question'> & {
  readonly zone: string;
};
type StepOf<K> = Extract<Step, { kind: K }>;
export type StepView =
  | (Viewed<StepOf<'exchange'>, never> & { readonly name: string; readonly type: RRType })
  | (Viewed<StepOf<'trust'>, 'keys'> & { readonly keys: readonly KeyView[] })
  | (Viewed<StepOf<'finding'>, 'signedBy'> & {
      readonly owner: string;
      readonly signedBy: readonly KeyView[];
    });

/** @param trace  whether the steps go along */
export function viewOutcome(outcome: Outcome, trace: 'shown' | 'hidden'): OutcomeView {
  const reason = outcome.status === 'secure' ? undefined : outcome.reason;
  const about = aboutWhat(outcome);
  const row = reason && explain(reason);
  const { code, purpose } = { code: row?.ede, purpose: EXTENDED_ERRORS[row?.ede ?? 0] };
  const { name, type } = outcome.question;
  return {
    question: { name: name.toString(), type },
    status: outcome.status,
    rcode: rcodeOf(outcome),
    ...(reason && row && { reason, why: explainCase(reason, about) }),
    ...(code !== undefined && { ede: { code, purpose } }),
    ...(about && { [failed(outcome) ? 'fault' : 'cause']: viewFault(about) }),
    ...viewNegativeAnchors([outcome]),
    ...viewData(outcome),
    spent: outcome.spent,
    ...(isInstant(outcome.expiresAt) && { expiresAt: new Date(outcome.expiresAt).toISOString() }),
    ...(trace === 'shown' && { trace: outcome.trace.map(viewStep) }),
  };
}

/** The record set that a failure or an insecurity is about. */
function aboutWhat(outcome: Outcome): Fault | undefined {
  if (failed(outcome)) return outcome.fault;
  return outcome.status === 'insecure' ? outcome.cause : undefined;
}

/** What is known of a question when the time for it is over: nothing. */
export function viewLateness(
  { name, type }: Pick<Question, 'name' | 'type'>,
  milliseconds: number,
): OutcomeView {
  return {
    question: { name: name.toString(), type },
    status: 'indeterminate',
    rcode: 'SERVFAIL',
    reason: 'budget-spent',
    why: LATE,
    ede: { code: 0, purpose: EXTENDED_ERRORS[0] },
    fault: { owner: name.toString(), type, limit: 'wall-clock' },
    aliases: [],
    answer: [],
    proof: [],
    spent: { ...NOTHING, milliseconds },
  };
}

export const LATE = 'there was no answer in the time that --timeout allows';
export const NOTHING: Spent = { queries: 0, bytes: 0, signatures: 0, hashes: 0, milliseconds: 0 };

/** Of all outcomes, each once. */
export function viewNegativeAnchors(
  outcomes: readonly Outcome[],
): Pick<OutcomeView, 'negativeAnchors'> {
  const all = new Set(outcomes.flatMap(({ negativeAnchors = [] }) => negativeAnchors));
  if (all.size === 0) return {};
  const negativeAnchors = [...all].map(({ name, reason, expiresAt }) => ({
    name: name.toString(),
    reason,
    until: new Date(expiresAt).toISOString(),
  }));
  return { negativeAnchors };
}

export const printNegativeAnchor = ({ name, reason, until }: NegativeAnchorView): string =>
  `not validated at and below ${name} until ${until}: ${reason}`;

/** Dates end in the year 275760; a test's outcomes last for ever. */
const isInstant = (ms: number): boolean => Math.abs(ms) <= 8.64e15;

function rcodeOf(outcome: Outcome): OutcomeView['rcode'] {
  if (failed(outcome)) return 'SERVFAIL';
  return outcome.answer.kind === 'nxdomain' ? 'NXDOMAIN' : 'NOERROR';
}

function viewData(outcome: Outcome): Pick<OutcomeView, 'aliases' | 'answer' | 'proof'> {
  if (failed(outcome)) return { aliases: [], answer: [], proof: [] };
  const { aliases, answer } = outcome;
  const links = aliases.flatMap(({ records }) => records);
  const sets = answer.kind === 'records' ? [...links, answer.rrset] : links;
  const proofs = [
    ...aliases.flatMap(({ proof }) => proof),
    ...(answer.kind === 'not-asked' ? [] : answer.proof),
  ];
  return {
    aliases: aliases.map(({ owner, target, status }) => ({
      owner: owner.toString(),
      target: target.toString(),
      status,
    })),
    answer: sets.flatMap(printSet),
    proof: [
      ...sets.flatMap(printSignatures),
      ...proofs.flatMap((set) => [...printSet(set), ...printSignatures(set)]),
    ],
  };
}

const printSet = ({ owner, type, ttl, rdata }: RRset): string[] =>
  rdata.map((data) => printRecord({ owner, type, class: CLASS_IN, ttl, rdata: data }));

const printSignatures = ({ owner, signatures }: RRset): string[] =>
  signatures.map(({ ttl, rdata }) =>
    printRecord({ owner, type: 'RRSIG', class: CLASS_IN, ttl, rdata }),
  );

export const viewFault = ({
  zone,
  owner,
  type,
  limit,
}: Partial<Fault> & RecordPlace): FaultView => ({
  ...(zone && { zone: zone.toString() }),
  owner: owner.toString(),
  type,
  ...(limit && { limit }),
});

interface RecordPlace {
  readonly owner: Name;
  readonly type: RRType;
}

const viewKey = ({ keyTag, algorithm }: KeyName): KeyView => ({
  keyTag,
  algorithm: printAlgorithm(algorithm),
});

function viewStep(step: Step): StepView {
  const zone = step.zone.toString();
  switch (step.kind) {
    case 'exchange': {
      const { question, ...rest } = step;
      return { ...rest, zone, name: question.name.toString(), type: question.type };
    }
    case 'trust':
      return { ...step, zone, keys: step.keys.map(viewKey) };
    case 'finding': {
      const { owner, signedBy, ...rest } = step;
      return { ...rest, zone, owner: owner.toString(), signedBy: signedBy.map(viewKey) };
    }
  }
}

const TONES = {
  secure: 'good',
  insecure: 'fair',
  bogus: 'bad',
  indeterminate: 'bad',
} as const satisfies Record<Outcome['status'], Tone>;

/** The same as lines of text: records in presentation form, everything else behind `;;`. */
export function printOutcome(view: OutcomeView, paint: Paint): string[] {
  const { question, status, rcode, reason, why, ede, fault, cause, aliases, answer, spent } = view;
  const { negativeAnchors = [] } = view;
  const about = (text: string): string => paint('faint', `;; ${text}`);
  return [
    ...(view.trace ?? []).map((step) => about(printStep(step))),
    ...answer,
    ...aliases.map((link) => about(`alias ${link.owner} -> ${link.target} ${link.status}`)),
    `;; ${question.name} ${question.type}: ${paint(TONES[status], status)}, ${rcode}${absence(view)}`,
    ...(reason ? [`;; reason: ${reason}: ${why}`] : []),
    ...(fault ? [`;; at fault: ${printFault(fault)}`] : []),
    ...(cause ? [`;; because of: ${printFault(cause)}`] : []),
    ...negativeAnchors.map((one) => `;; ${printNegativeAnchor(one)}`),
    ...(ede ? [`;; EDE: ${ede.code} (${ede.purpose})`] : []),
    about(printSpent(spent)),
  ];
}

const absence = ({ rcode, answer }: OutcomeView): string => {
  if (rcode === 'NXDOMAIN') return ': no such name';
  return rcode === 'NOERROR' && answer.length === 0 ? ': no such record' : '';
};

/** `TLSA _25._tcp.mx.example.com. in the zone example.com.` */
export function printFault({ zone, owner, type, limit }: FaultView): string {
  const where = zone === undefined ? '' : ` in the zone ${zone}`;
  return `${type} ${owner}${where}${limit === undefined ? '' : ` (limit: ${limit})`}`;
}

export const printSpent = ({ queries, bytes, signatures, hashes, milliseconds }: Spent): string =>
  `${queries} queries, ${bytes} octets, ${signatures} signatures, ${hashes} NSEC3 hashes, ${Math.round(milliseconds)} ms`;

function printStep(step: StepView): string {
  switch (step.kind) {
    case 'exchange': {
      const { at, milliseconds, server, over, zone, name, type, result } = step;
      return `${String(Math.round(at)).padStart(5)} ms  ${zone} at ${server} (${over}): ${name} ${type} -> ${result}, ${Math.round(milliseconds)} ms`;
    }
    case 'trust':
      return `          ${step.zone} is ${printStatus(step)}${printKeys(' by key ', step.keys)}`;
    case 'finding':
      return `          ${step.owner} ${step.type} is ${printStatus(step)}${printKeys(', signed by ', step.signedBy)}${step.synthesised ? ', from proofs that are kept' : ''}`;
  }
}

const printStatus = ({ status, reason }: { status: string; reason?: Reason }): string =>
  reason ? `${status} (${reason})` : status;

const printKeys = (intro: string, keys: readonly KeyView[]): string =>
  keys.length === 0
    ? ''
    : intro + keys.map(({ keyTag, algorithm }) => `${keyTag} ${algorithm}`).join(', ');
