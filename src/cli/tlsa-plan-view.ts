/**
 * A planned rollover as JSON and as text: what each server of the zone says, what is wrong, and which step may be taken.
 * @module
 */
import {
  type Action,
  printMinute,
  type RolloverFacts,
  type RolloverPlan,
} from '../dane/rollover-plan.ts';
import { printTlsa, type Tlsa } from '../dane/tlsa.ts';
import type { Name } from '../dns/name.ts';
import type { Paint } from './terminal.ts';

/** What `tlsa plan --json` prints. */
export interface PlanView {
  readonly owner: string;
  readonly zone: string;
  readonly live: RolloverFacts['live'];
  readonly servers: readonly {
    readonly server: string;
    readonly records: readonly string[];
    readonly ttl?: number;
    readonly signedUntil?: string;
    readonly failed?: string;
  }[];
  readonly problems: readonly string[];
  readonly steps: RolloverPlan['steps'];
  readonly transitional: readonly string[];
  readonly final: readonly string[];
  readonly waitSeconds: number;
  readonly deployFrom: string;
  readonly staleUntil?: string;
}

export interface Planned {
  readonly facts: RolloverFacts;
  /** Where the records stand, and the zone that holds them. */
  readonly owner: Name;
  readonly zone: Name;
}

/** @param only  the step that was asked about; all where it is left out */
export function viewPlan(
  { owner, zone, facts }: Planned,
  plan: RolloverPlan,
  only: Action | undefined,
): PlanView {
  const print = (records: readonly Tlsa[]): readonly string[] => records.map(printTlsa);
  const { staleUntil } = plan;
  return {
    owner: owner.toString(),
    zone: zone.toString(),
    live: facts.live,
    servers: facts.servers.map(({ server, answer }) => ({
      server,
      records: answer.kind === 'records' ? print(answer.records) : [],
      ...(answer.kind === 'records' && {
        ttl: answer.ttl,
        signedUntil: printMinute(answer.signedUntil),
      }),
      ...(answer.kind === 'failed' && { failed: answer.why }),
    })),
    problems: plan.problems,
    steps: only === undefined ? plan.steps : plan.steps.filter(({ action }) => action === only),
    transitional: print(plan.transitional),
    final: print(plan.final),
    waitSeconds: plan.waitSeconds,
    deployFrom: printMinute(plan.deployFrom),
    ...(staleUntil !== undefined && { staleUntil: printMinute(staleUntil) }),
  };
}

export function printPlan(view: PlanView, paint: Paint): string[] {
  const { owner, zone, servers, live, problems, staleUntil } = view;
  return [
    `${owner} in the zone ${zone}, at ${servers.length} addresses of its servers:`,
    ...servers.flatMap(({ server, records, ttl, signedUntil, failed: why }) => [
      `  ${server}: ${why ?? (ttl === undefined ? 'no TLSA records' : `TTL ${ttl}, signed until ${signedUntil}`)}`,
      ...records.map((record) => `      ${record}`),
    ]),
    `the server shows: ${SHOWN[live]}`,
    ...problems.map((problem) => `${paint('bad', 'wrong today')}: ${problem}`),
    ...view.steps.flatMap((step) => printStep(step, view, paint)),
    ...(staleUntil === undefined
      ? []
      : [
          `(a server that gets no updates goes on with what it has until its signatures end, ${staleUntil} at the latest)`,
        ]),
  ];
}

const SHOWN: Readonly<Record<RolloverFacts['live'], string>> = {
  current: 'the current certificate',
  next: 'the next certificate',
  mixed: 'the current certificate at some addresses, the next one or none at others',
  other: 'a certificate that is neither the current nor the next one',
  unknown: 'nothing that could be seen',
};

const TONES = { done: 'good', allowed: 'good', refused: 'bad' } as const;
const WORDS = { done: 'done', allowed: 'now', refused: 'not now' } as const;

function printStep(
  { action, state, refused, provided }: RolloverPlan['steps'][number],
  { owner, transitional, final, waitSeconds }: PlanView,
  paint: Paint,
): string[] {
  const zone = (records: readonly string[]): readonly string[] =>
    records.map((record) => `      ${owner} TLSA ${record}`);
  const what = {
    publish: ['publish the records of both:', zone(transitional)],
    deploy: [`deploy the next certificate, ${waitSeconds} seconds after that at the earliest:`, []],
    remove: ['publish the records of the next alone, once it is in place:', zone(final)],
  } as const;
  const [title, lines] = what[action];
  return [
    `${title} ${paint(TONES[state], WORDS[state])}`,
    ...lines,
    ...[...refused, ...(provided === undefined ? [] : [provided])].map((why) => `    ${why}`),
  ];
}
