/**
 * How to get from one certificate to the next without a moment at which clients refuse the server.
 *
 * Implements RFC 7671 section 8.1 (the next records beside the current ones for two TTLs before the next chain), section 8.2
 * (another usage only once the next chain is in place), section 8.3 and the summary in section 8.4: each combination of
 * usage, selector and matching type matches the live chain at any time, in old answers too. Pure: facts in, plan out. Does
 * not: look anything up (cli/tlsa-plan.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import { sameOctets } from '../dns/octets.ts';
import type { Credential } from '../tls/pem.ts';
import { printHost } from './attempt.ts';
import { MISMATCHES } from './mismatch.ts';
import { printTlsa, type Tlsa, USAGE } from './tlsa.ts';
import {
  type Combination,
  isAnchor,
  makeTlsa,
  pickSubject,
  printCombination,
  USUAL,
} from './tlsa-make.ts';
import { verifyPeer } from './verify.ts';

/** A server's certificate or key first, then the authorities above it, as in the file that it is served from. */
export type Chain = readonly Credential[];

/** What one authoritative server says. */
export interface ServerView {
  /** Name and address. */
  readonly server: string;
  readonly answer:
    | {
        readonly kind: 'records';
        readonly records: readonly Tlsa[];
        /** Seconds. */
        readonly ttl: number;
        /** When the first of its signatures ends, milliseconds since 1970. */
        readonly signedUntil: number;
      }
    | { readonly kind: 'none' }
    | { readonly kind: 'failed'; readonly why: string };
}

export interface RolloverFacts {
  /** Whose records they are: the TLSA base domain. */
  readonly host: Name;
  readonly servers: readonly ServerView[];
  readonly current: Chain;
  readonly next: Chain;
  /** What shall be published in the end; as now where it is left out. */
  readonly target?: readonly Combination[];
  /** Which chain the mail server shows; `mixed`: not the same at each address. */
  readonly live: 'current' | 'next' | 'mixed' | 'other' | 'unknown';
  /** Since when all servers have had the records of both, milliseconds since 1970. */
  readonly since?: number;
  readonly now: number;
  /** Seconds: the longest TTL that the records have had of late, where that is not the one they have. */
  readonly longestTtl?: number;
}

export type Action = 'publish' | 'deploy' | 'remove';

export interface RolloverStep {
  readonly action: Action;
  readonly state: 'done' | 'allowed' | 'refused';
  /** Why not now. */
  readonly refused: readonly string[];
  /** What nobody can see from here and has to be so. */
  readonly provided?: string;
}

export interface RolloverPlan {
  /** What is wrong today: each means that clients refuse the server, or soon will. */
  readonly problems: readonly string[];
  /** Publish, deploy, remove: in this order. */
  readonly steps: readonly RolloverStep[];
  /** What the zone holds while both chains may be met, and in the end. */
  readonly transitional: readonly Tlsa[];
  readonly final: readonly Tlsa[];
  /** Seconds between publishing at the last server and the next chain: two TTLs. */
  readonly waitSeconds: number;
  /** From when on the next chain may be deployed, if it is published now or was at `since`. */
  readonly deployFrom: number;
  /** Until when a server that gets no updates goes on giving what it has. */
  readonly staleUntil: number | undefined;
}

/** RFC 7671 section 8.1. */
const TTLS = 2;

/** Plans a rollover. Pure. */
export function planRollover(facts: RolloverFacts): RolloverPlan {
  const published = distinct(facts.servers.flatMap(recordsOf));
  const combinations = combinationsOf(published);
  const used = combinations.length > 0 ? combinations : (facts.target ?? [USUAL]);
  // Once the next chain is in place, nobody needs records of the one before.
  const current = fill(published, facts.live === 'next' ? facts.next : facts.current, used);
  const both = fill([...published, ...current.made], facts.next, used);
  const end = fill(both.matching, facts.next, facts.target ?? used);
  const needed = [...current.matching, ...both.matching];
  const transitional = distinct([...published, ...current.made, ...both.made]);
  const final = end.matching;
  const ttl = Math.max(facts.longestTtl ?? 0, ...facts.servers.map(ttlOf));
  // Who says since when the records are there may say that they were others before.
  const isUntold = facts.since === undefined;
  const waitSeconds = isUntold && isUnchanged(facts, used, needed) ? 0 : TTLS * ttl;
  const deployFrom = (facts.since ?? facts.now) + waitSeconds * 1000;
  const known: Known = {
    facts,
    needed: distinct(needed),
    final,
    impossible: [...new Set([...current.missing, ...both.missing, ...end.missing])],
    waitSeconds,
    deployFrom,
  };
  const ends = facts.servers.flatMap(({ answer }) =>
    answer.kind === 'records' ? [answer.signedUntil] : [],
  );
  return {
    problems: problemsOf(facts, published),
    steps: [planPublish(known), planDeploy(known), planRemove(known)],
    transitional,
    final,
    waitSeconds,
    deployFrom,
    staleUntil: ends.length > 0 ? Math.max(...ends) : undefined,
  };
}

interface Known {
  readonly facts: RolloverFacts;
  /** Those that clients need while both chains may be met. */
  readonly needed: readonly Tlsa[];
  readonly final: readonly Tlsa[];
  /** Records that cannot be made of what was given. */
  readonly impossible: readonly string[];
  readonly waitSeconds: number;
  readonly deployFrom: number;
}

function planPublish({ facts, needed, impossible }: Known): RolloverStep {
  const lacking = facts.servers.filter((server) => lacks(server, needed).length > 0);
  const isDone = impossible.length === 0 && lacking.length === 0 && facts.servers.length > 0;
  const strange =
    facts.live === 'other'
      ? [
          'the server shows neither the current nor the next certificate: are these the right files?',
        ]
      : [];
  return step('publish', isDone, [...impossible, ...strange]);
}

function planDeploy({ facts, needed, impossible, waitSeconds, deployFrom }: Known): RolloverStep {
  const { servers, since, now } = facts;
  const refused = [
    ...impossible,
    ...servers.flatMap((server) => whyNotServed(server, needed)),
    ...whyNotTrusted(facts, needed),
  ];
  if (servers.length === 0) refused.push('there is no server of the zone that could be asked');
  if (refused.length === 0 && waitSeconds > 0) {
    if (since === undefined)
      refused.push(
        `all servers have the records now, and caches may hold older ones for ${waitSeconds} seconds: come back with --since ${printMinute(now)}`,
      );
    else if (now < deployFrom)
      refused.push(
        `caches may hold older records until ${printMinute(deployFrom)}, two TTLs after --since`,
      );
  }
  const deploy = step('deploy', facts.live === 'next', refused);
  const isUntold = since === undefined;
  return deploy.state === 'allowed' && isUntold ? { ...deploy, provided: LONG_THERE } : deploy;
}

const LONG_THERE =
  'the records match both certificates: that is enough if they were the same two TTLs ago; if they were not, come back with --since';

/**
 * Why clients will not find their way from the next certificate to the authority of a DANE-TA record: that it stands in the
 * same file does not make it the issuer, and names and dates count (RFC 7671 section 5.2).
 */
function whyNotTrusted({ next, host, now }: RolloverFacts, needed: readonly Tlsa[]): string[] {
  const anchors = needed.filter((one) => one.usage === USAGE.daneTa && matches(one, next));
  const chain = next.flatMap((one) => (one.kind === 'certificate' ? [one.certificate.der] : []));
  return anchors.flatMap((record) => {
    const verdict = verifyPeer({ records: [record], chain, names: [host], now });
    if (verdict.kind === 'authenticated') return [];
    const why = `${printHost(host)} cannot show the next certificate under ${printCombination(record)}`;
    return [`${why}: ${MISMATCHES[verdict.reason].text}`];
  });
}

function planRemove({ facts, needed, final, impossible }: Known): RolloverStep {
  const { servers, live } = facts;
  const isDone = servers.length > 0 && servers.every((server) => isSame(recordsOf(server), final));
  const refused = [...impossible, ...LIVE[live]];
  const next = needed.filter((record) => matches(record, facts.next));
  refused.push(...servers.flatMap((server) => whyNotServed(server, next)));
  return step('remove', isDone && live === 'next', refused);
}

/** Why the records of the current chain have to stay. */
const LIVE: Readonly<Record<RolloverFacts['live'], readonly string[]>> = {
  next: [],
  current: ['the server still shows the current certificate'],
  mixed: ['not every address of the server shows the next certificate'],
  other: ['the server shows neither the current nor the next certificate'],
  unknown: ['it is not known which certificate the server shows'],
};

const step = (action: Action, isDone: boolean, refused: readonly string[]): RolloverStep =>
  isDone
    ? { action, state: 'done', refused: [] }
    : { action, state: refused.length > 0 ? 'refused' : 'allowed', refused };

/** What is wrong with what is published, by RFC 7671 section 8: a combination that the live chain does not match. */
function problemsOf(facts: RolloverFacts, published: readonly Tlsa[]): readonly string[] {
  const chains = {
    current: [facts.current],
    next: [facts.next],
    mixed: [facts.current, facts.next],
  };
  const live = facts.live === 'other' || facts.live === 'unknown' ? [] : chains[facts.live];
  return [
    ...facts.servers.flatMap(({ server, answer }) =>
      answer.kind === 'failed' ? [`${server}: ${answer.why}`] : [],
    ),
    ...(facts.live === 'other' && published.length > 0 ? LIVE.other : []),
    ...facts.servers.flatMap((view) => live.flatMap((chain) => mismatches(view, chain))),
  ];
}

function mismatches(view: ServerView, chain: Chain): readonly string[] {
  const records = recordsOf(view);
  return combinationsOf(records)
    .filter((combination) => !records.some((one) => isOf(one, combination) && matches(one, chain)))
    .map(
      (combination) =>
        `${view.server}: no record ${printCombination(combination)} matches the certificate that the server shows`,
    );
}

/** Why a server may give answers that the next chain does not match. */
function whyNotServed(view: ServerView, needed: readonly Tlsa[]): readonly string[] {
  const { server, answer } = view;
  if (answer.kind === 'failed') return [`${server} cannot be asked: ${answer.why}`];
  return lacks(view, needed).map((record) => `${server} has no record ${printTlsa(record)} yet`);
}

const lacks = (view: ServerView, needed: readonly Tlsa[]): readonly Tlsa[] => {
  const records = recordsOf(view);
  return needed.filter((one) => !records.some((other) => isEqual(one, other)));
};

/** A renewal that keeps the key, or the authority: what is published matches both chains. */
function isUnchanged(
  { current, next, servers }: RolloverFacts,
  used: readonly Combination[],
  needed: readonly Tlsa[],
): boolean {
  return (
    servers.every((view) => lacks(view, needed).length === 0) &&
    used.every((combination) =>
      needed.some((one) => isOf(one, combination) && matches(one, current) && matches(one, next)),
    )
  );
}

interface Filled {
  /** Records that match the chain: those there were, and those made. */
  readonly matching: readonly Tlsa[];
  readonly made: readonly Tlsa[];
  /** What could not be made, in words. */
  readonly missing: readonly string[];
}

/** For each combination a record that matches the chain: one that is there already, or a new one. */
function fill(
  records: readonly Tlsa[],
  chain: Chain,
  combinations: readonly Combination[],
): Filled {
  const matching: Tlsa[] = [];
  const made: Tlsa[] = [];
  const missing: string[] = [];
  for (const combination of combinations) {
    const known = records.filter((one) => isOf(one, combination) && matches(one, chain));
    matching.push(...known);
    if (known.length > 0) continue;
    const record = makeFor(chain, combination);
    if (record) made.push(record);
    else missing.push(`of what was given, no record ${printCombination(combination)} can be made`);
  }
  return { matching: [...matching, ...made], made, missing };
}

/** A record of an authority needs a certificate above the server's. */
function makeFor(chain: Chain, combination: Combination): Tlsa | undefined {
  if (combination.matchingType > 2 || combination.selector > 1 || combination.usage > 3)
    return undefined;
  const subject = isAnchor(combination) ? pickSubject(chain.slice(1), combination) : chain[0];
  return subject && makeTlsa(subject, combination);
}

function matches(record: Tlsa, chain: Chain): boolean {
  const candidates = isAnchor(record) ? chain.slice(1) : chain.slice(0, 1);
  if (record.matchingType > 2 || record.selector > 1) return false;
  return candidates.some((subject) => {
    const made = makeTlsa(subject, record);
    return made !== undefined && isEqual(made, record);
  });
}

const recordsOf = ({ answer }: ServerView): readonly Tlsa[] =>
  answer.kind === 'records' ? answer.records : [];
const ttlOf = ({ answer }: ServerView): number => (answer.kind === 'records' ? answer.ttl : 0);

const isOf = (record: Combination, { usage, selector, matchingType }: Combination): boolean =>
  record.usage === usage && record.selector === selector && record.matchingType === matchingType;
const isEqual = (a: Tlsa, b: Tlsa): boolean =>
  isOf(a, b) && sameOctets(a.associationData, b.associationData);
const isSame = (a: readonly Tlsa[], b: readonly Tlsa[]): boolean =>
  a.length === b.length && a.every((one) => b.some((other) => isEqual(one, other)));

const distinct = (records: readonly Tlsa[]): readonly Tlsa[] =>
  records.filter((one, i) => records.findIndex((other) => isEqual(one, other)) === i);

const combinationsOf = (records: readonly Tlsa[]): readonly Combination[] =>
  records
    .filter((one, i) => records.findIndex((other) => isOf(one, other)) === i)
    .map(({ usage, selector, matchingType }) => ({ usage, selector, matchingType }));

/** To the minute above, in UTC: what is said to be over is over. */
export const printMinute = (ms: number): string =>
  `${new Date(Math.ceil(ms / 60_000) * 60_000).toISOString().slice(0, 'YYYY-MM-DDTHH:mm'.length)}Z`;
