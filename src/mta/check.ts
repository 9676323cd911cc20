/**
 * One call for one destination, as a sender with terms of its own meets it: look up, plan, fetch the MTA-STS policy, shake hands,
 * decide; with all that the decision rests on.
 *
 * What dane/check.ts does for DANE alone. A policy is fetched as by a sender that has none yet (RFC 8461 section 5.1 lets it keep
 * what it has). Does not: send, print, or keep anything.
 * @module
 */
import type { Attempt, ContactPlan } from '../dane/attempt.ts';
import { type Checked, probeAll } from '../dane/check.ts';
import { findAddresses } from '../dane/destination.ts';
import type { NextHop } from '../dane/next-hop.ts';
import { type HostPlan, planNextHop } from '../dane/plan.ts';
import type { ProbeOptions } from '../dane/probe.ts';
import { Name } from '../dns/name.ts';
import type { Lookup, Outcome } from '../dnssec/outcome.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { Handshake } from '../tls/connect.ts';
import { openChannel } from '../tls/streams.ts';
import {
  decideMail,
  type HostSight,
  judgeAttempt,
  type MailDecision,
  type Scene,
  type SeenAttempt,
} from './check-decision.ts';
import { demandOf, isLetGo, type Wish, withoutDane } from './demand.ts';
import type { FetchPolicy } from './https.ts';
import { needsRoots, rulesOf, verifyOptions } from './meeting.ts';
import { StsCache, type StsFinding } from './mta-sts.ts';
import { planOptions } from './prepare.ts';
import { SESSION_TIMES, sayEhlo } from './smtp-session.ts';
import { judgeSts } from './sts-certificate.ts';
import type { StsPolicy } from './sts-policy.ts';
import { stanceOf } from './sts-stance.ts';
import { findStsRecord, type StsRecord } from './sts-txt.ts';
import type { Terms } from './terms.ts';
import { type Trouble, unreached } from './trouble.ts';

export interface MailCheckParts {
  readonly lookup: Lookup;
  readonly terms: Terms;
  readonly wish: Wish;
  /** How to connect to the mail hosts, or that nobody shall. */
  readonly probe: ProbeOptions | 'none';
  /** How to get a policy. `none`: it is only asked whether there is one; `off`: MTA-STS is left out. */
  readonly fetch: FetchPolicy | 'none' | 'off';
  /** Authorities that MTA-STS, REQUIRETLS and `tls_verify` trust; asked for where they matter. */
  readonly roots: () => readonly Certificate[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Of the SMTP servers, where the next hop names none: 25 where it is left out. */
  readonly port?: number;
  /** Ends look-ups with a rejection, the fetch as a failure, and probes early. */
  readonly signal?: AbortSignal;
}

/** What was found of the domain's MTA-STS policy. */
export interface StsSight {
  readonly record: StsRecord;
  /** `not-fetched`: nobody was to be connected to, and the decision is as if there were none. */
  readonly finding: StsFinding | 'not-fetched';
  /** The policy, one that says `none` included. */
  readonly policy?: StsPolicy;
}

export interface MailChecked extends Omit<Checked, 'decision' | 'probes'> {
  readonly decision: MailDecision;
  /** One for each host of the plan, in its order. */
  readonly hosts: readonly HostSight[];
  /** `undefined` where MTA-STS was left out. */
  readonly sts: StsSight | undefined;
  /** What DANE would have stopped, had it been binding. */
  readonly overlooked: readonly Trouble[];
}

/** Checks a destination. Hosts that a sender would not need are probed too: who runs them wants to know. */
export async function checkMail(nextHop: NextHop, parts: MailCheckParts): Promise<MailChecked> {
  const { terms, wish } = parts;
  const { port = parts.port ?? 25 } = nextHop;
  const outcomes: Outcome[] = [];
  const lookup: Lookup = async (...question) => {
    const outcome = await parts.lookup(...question);
    outcomes.push(outcome);
    return outcome;
  };
  const recorded = { ...parts, lookup };
  const [plan, sts] = await Promise.all([
    planNextHop(nextHop, lookup, { ...planOptions(parts, wish), port }),
    seeSts(nextHop, recorded),
  ]);
  const finding = sts && sts.finding !== 'not-fetched' ? sts.finding : NO_STS;
  const scene: Scene = { plan, terms, wish, port };
  const reached = await reachAll(scene, recorded);
  const sights = await seeHosts(reached, scene, { ...parts, finding });
  const { decision, overlooked } = decideMail(scene, sights);
  const domain = nextHop.kind === 'literal' ? Name.parse(nextHop.address) : nextHop.name;
  const planned =
    plan.kind === 'deliver' ? { ...plan, hosts: sights.map((one) => one.plan) } : plan;
  return { domain, plan: planned, hosts: sights, sts, decision, overlooked, outcomes };
}

const NO_STS: StsFinding = { kind: 'none' };

export type StsParts = Pick<MailCheckParts, 'lookup' | 'fetch' | 'now' | 'terms' | 'signal'>;

/** The policy of the domain, or of the relay that stands for it (RFC 8461 section 3.4); an address has none. */
export async function seeSts(
  nextHop: NextHop,
  { lookup, fetch, now, terms, signal }: StsParts,
): Promise<StsSight | undefined> {
  if (nextHop.kind === 'literal' || fetch === 'off' || terms.mtaSts === 'off') return undefined;
  const { name } = nextHop;
  const record = await findStsRecord(name, lookup, { now: now(), ...(signal && { signal }) });
  if (record.kind !== 'id') return { record, finding: NO_STS };
  if (fetch === 'none') return { record, finding: 'not-fetched' };
  const cache = new StsCache({ lookup, fetch, clock: { now } });
  const found = await Promise.race([cache.find(name, signal), whenAborted(signal)]);
  const [kept] = cache.policies;
  return { record, finding: found, ...(kept && { policy: kept.policy }) };
}

/** Mail does not wait for a policy host. */
const whenAborted = (signal: AbortSignal | undefined): Promise<StsFinding> =>
  new Promise((resolve) => {
    const late = { kind: 'failed', result: 'sts-policy-fetch-error', reason: 'timeout' } as const;
    signal?.addEventListener('abort', () => resolve(late));
  });

type Reached = Pick<HostSight, 'plan' | 'lifted'>;

/** Where DANE does not bind, hosts that it would keep mail from are met as if they had no TLSA records. */
async function reachAll(scene: Scene, parts: MailCheckParts): Promise<readonly Reached[]> {
  const { plan } = scene;
  if (plan.kind !== 'deliver') return [];
  return Promise.all(
    plan.hosts.map(async (host): Promise<Reached> => {
      if (host.tls !== 'unreachable' || !isLetGo(host, scene.terms, scene.wish))
        return { plan: host };
      const lifted = unreached(plan, host, scene.port);
      const found = await findAddresses(host.host, parts.lookup, parts.signal);
      if (found.kind !== 'found') return { plan: host, lifted };
      return { plan: withoutDane({ ...host, addresses: found.addresses }), lifted };
    }),
  );
}

type Seeing = MailCheckParts & { readonly finding: StsFinding };

async function seeHosts(
  reached: readonly Reached[],
  scene: Scene,
  parts: Seeing,
): Promise<readonly HostSight[]> {
  const demands = reached.map((one) => ({ ...one, ...demandAt(one.plan, scene, parts.finding) }));
  const { probe, signal, terms } = parts;
  if (probe === 'none') return demands.map((one) => ({ ...one, attempts: undefined }));
  const demandOfPlan = new Map(demands.map((one) => [one.plan, one.demand]));
  const seen = new Map<Attempt, SeenAttempt>();
  const suffices = async (
    plan: ContactPlan,
    attempt: Attempt,
    socket: Handshake['socket'] | undefined,
  ): Promise<boolean> => {
    const demand = demandOfPlan.get(plan);
    const first = withRoots(plan, attempt, demand, parts);
    seen.set(attempt, first);
    // A host that is left out is looked at for the sake of who runs it: one handshake tells.
    if (demand?.kind !== 'contact') return attempt.contact.kind === 'handshake';
    if (judgeAttempt(plan, demand, first, scene).kind === 'stop') return false;
    if (scene.wish !== 'required' || !socket) return true;
    const requireTls = await askRequireTls(socket, probe, signal);
    seen.set(attempt, { ...first, requireTls });
    return requireTls === 'announced';
  };
  const stop = signal && { signal };
  const certificates = verifyOptions(terms);
  const probes = await probeAll(
    reached.map(({ plan }) => plan),
    { ...probe, port: scene.port, certificates, suffices, ...stop },
  );
  return demands.map((one, i) => ({
    ...one,
    attempts: (probes[i]?.attempts ?? []).map((attempt) => seen.get(attempt) ?? attempt),
  }));
}

/** EHLO under TLS, which a check has no other need of. */
async function askRequireTls(
  socket: Handshake['socket'],
  { clientName, stepMs = SESSION_TIMES.ehlo }: ProbeOptions,
  signal: AbortSignal | undefined,
): Promise<NonNullable<SeenAttempt['requireTls']>> {
  const channel = openChannel(socket, 'tls', signal);
  const extensions = await sayEhlo(channel, clientName, { ...SESSION_TIMES, ehlo: stepMs });
  channel.release();
  if ('kind' in extensions) return extensions;
  return extensions.has('REQUIRETLS') ? 'announced' : 'missing';
}

/** What a host has to show, and what the policy says of it. */
function demandAt(
  host: HostPlan,
  { plan, terms, wish }: Scene,
  finding: StsFinding,
): Pick<HostSight, 'stance' | 'demand'> {
  const stance = stanceOf(finding, terms)(host.host);
  if (host.tls === 'unreachable' || plan.kind !== 'deliver') return { stance, demand: undefined };
  const route = plan.route.security.status;
  return { stance, demand: demandOf(host, { terms, wish, route, sts: stance }) };
}

function withRoots(
  { host }: HostPlan,
  attempt: Attempt,
  demand: HostSight['demand'],
  { finding, terms, roots, now }: Seeing,
): SeenAttempt {
  const { contact } = attempt;
  const isAsked = demand?.kind === 'contact' && needsRoots(demand, finding);
  if (contact.kind !== 'handshake' || !(isAsked || finding.kind === 'policy')) return attempt;
  const peer = { chain: contact.chain, host, roots: roots(), now: now(), ...rulesOf(terms) };
  return { ...attempt, byRoots: judgeSts(peer) };
}
