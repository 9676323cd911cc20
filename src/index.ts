/**
 * Danelaw: a recursive DNSSEC validator and DANE engine.
 *
 * ```ts
 * const { decision } = await checkDestination('example.com');
 * console.log(decision.action, decision.why);
 * ```
 * The functions here fill in what Node offers (sockets, clock, randomness, OpenSSL); everything else is passed on as it
 * stands in its file.
 * @module
 */
import { type Checked, checkNextHop } from './dane/check.ts';
import { type NextHop, parseNextHop } from './dane/next-hop.ts';
import type { PlanOptions } from './dane/plan.ts';
import type { ProbeOptions } from './dane/probe.ts';
import type { Name } from './dns/name.ts';
import { defaultPolicy } from './dnssec/context.ts';
import { nativeEngine } from './dnssec/engine-native.ts';
import { clientName, nodeEnvironment } from './environment-node.ts';
import { openOverTcp } from './mta/contact.ts';
import { deliver as deliverWith } from './mta/deliver.ts';
import type { Delivered } from './mta/delivered.ts';
import type { DeliverParts, Message } from './mta/errand.ts';
import { makeFetchPolicy, webRoots } from './mta/https.ts';
import { listenRelay, type Relay, type RelayLimits, type RelayPlace } from './mta/listen-relay.ts';
import { StsCache } from './mta/mta-sts.ts';
import { openPassage } from './mta/passage.ts';
import { DEFAULT_TERMS } from './mta/terms.ts';
import {
  createResolver as createWith,
  type Resolver,
  type ResolverOptions,
} from './resolver/resolver.ts';

/**
 * Makes a resolver that validates every answer itself, from the root's keys down. It needs no closing; keep it, for its
 * caches serve every later question.
 *
 * @param options  whatever differs from: this machine's network and clock, the root hints and the root's keys built in,
 *   OpenSSL for signatures, default limits
 */
export function createResolver(options: Partial<ResolverOptions> = {}): Resolver {
  return createWith({
    environment: nodeEnvironment(),
    policy: defaultPolicy(nativeEngine),
    ...options,
  });
}

export interface DestinationOptions extends Pick<PlanOptions, 'halfDane' | 'mandatory'> {
  /** Asks the DNS; one for all calls where it is left out. */
  readonly resolver?: Resolver;
  /** Of the SMTP servers: 25 where it is left out. */
  readonly port?: number;
  /** `none`: plan and decide, but connect to nobody. `live` where it is left out. */
  readonly probe?: 'live' | 'none' | Partial<ProbeOptions>;
  /** Rejects look-ups under way, and ends probes early. */
  readonly signal?: AbortSignal;
}

let shared: Resolver | undefined;

/** One for all calls that bring none: its caches are the point. */
function sharedResolver(): Resolver {
  shared ??= createResolver();
  return shared;
}

/** A domain as text may also be a host or an address in brackets, and have a port. */
function readDestination(text: string): NextHop {
  const parsed = parseNextHop(text);
  if (parsed.kind === 'malformed') throw new TypeError(`domain: ${parsed.why}`);
  return parsed.nextHop;
}

/**
 * Says what a sender does with mail for `domain` now (RFC 7672), and on what proof.
 *
 * Shakes hands with the mail hosts as a sender would, up to the certificates; sends no mail.
 *
 * @param domain  the part behind the @, as A-labels or U-labels; or where else mail is to go: `[mx.example.com]:587`
 * @returns the decision, the plan for each host, what each server did, and every DNS outcome with its proof
 * @throws TypeError where `domain` is nothing of the kind; the reason of `signal` where that ended it
 */
export async function checkDestination(
  domain: string | Name,
  options: DestinationOptions = {},
): Promise<Checked> {
  const { resolver = sharedResolver(), probe = 'live', ...rest } = options;
  const nextHop: NextHop =
    typeof domain === 'string' ? readDestination(domain) : { kind: 'domain', name: domain };
  const { now } = nodeEnvironment().clock;
  const live: ProbeOptions = { clientName: clientName(), now };
  return checkNextHop(nextHop, {
    ...rest,
    lookup: resolver.lookup,
    probe: probe === 'none' ? probe : { ...live, ...(probe === 'live' ? {} : probe) },
  });
}

export interface DeliverOptions extends Partial<Omit<DeliverParts, 'lookup'>> {
  /** Asks the DNS; one for all calls where it is left out. */
  readonly resolver?: Resolver;
}

/** MTA-STS policies, one cache a resolver. */
const policies = new WeakMap<Resolver, StsCache>();

function policiesOf(resolver: Resolver): StsCache {
  const known = policies.get(resolver);
  if (known) return known;
  const { clock } = nodeEnvironment();
  const cache = new StsCache({ lookup: resolver.lookup, fetch: makeFetchPolicy(), clock });
  policies.set(resolver, cache);
  return cache;
}

/**
 * Sends one message to one next hop, by DANE (RFC 7672), MTA-STS (RFC 8461) and RFC 8689; every connection is judged anew.
 *
 * @param nextHop  the recipients' domain, or where else mail is to go: `[mx.example.com]:587`
 * @param options  whatever differs from: this machine's network and clock, DANE and MTA-STS on, TLS where it can be had,
 *   the authorities that Node trusts
 * @returns what became of each recipient: `delivered`, `deferred` or `failed`, with code and reason
 * @throws TypeError where `nextHop` or an address is none; the reason of `signal` where that ended the look-ups
 */
export async function deliver(
  message: Message,
  nextHop: string | NextHop,
  options: DeliverOptions = {},
): Promise<Delivered> {
  return deliverWith(message, nextHopOf(nextHop), deliverParts(options));
}

const nextHopOf = (nextHop: string | NextHop): NextHop =>
  typeof nextHop === 'string' ? readDestination(nextHop) : nextHop;

function deliverParts({ resolver = sharedResolver(), ...rest }: DeliverOptions): DeliverParts {
  return {
    lookup: resolver.lookup,
    terms: { ...DEFAULT_TERMS, useDane: true },
    sts: policiesOf(resolver),
    clock: nodeEnvironment().clock,
    connect: openOverTcp,
    clientName: clientName(),
    roots: webRoots(),
    ...rest,
  };
}

export interface RelayOptions extends Omit<DeliverOptions, 'signal'> {
  /** A Unix socket that is not there yet, or a port of 127.0.0.1 or ::1. Whoever reaches it sends mail by it. */
  readonly at: RelayPlace;
  /** Where all of it goes; left out, each client says so in a first line, `XDANE example.com`, before it is greeted. */
  readonly nextHop?: string | NextHop;
  readonly limits?: Partial<RelayLimits>;
}

/**
 * Listens on this machine for mail software that cannot judge certificates itself: each client is connected to a host of the
 * next hop that is as DANE and MTA-STS demand, and greeted then, or hears 421 with the reason (554 where the destination takes
 * no mail) before it has said a word of mail. The client speaks in clear and is not offered STARTTLS.
 *
 * @returns once it listens; rejects with the system's error where it cannot
 * @throws TypeError for a next hop that is none, or a place that others than this machine reach
 */
export function startRelay({ at, nextHop, limits, ...options }: RelayOptions): Promise<Relay> {
  const parts = deliverParts(options);
  return listenRelay({
    at,
    ...(nextHop !== undefined && { nextHop: nextHopOf(nextHop) }),
    open: (to, signal) => openPassage(to, { ...parts, signal }),
    name: parts.clientName,
    ...(limits && { limits }),
  });
}

export type { Attempt, ContactReason, Met } from './dane/attempt.ts';
export type { Checked } from './dane/check.ts';
export { type Action, type Decision, type DecisionReason, decide } from './dane/decision.ts';
export type { Route, Security } from './dane/destination.ts';
export { MISMATCHES, type MismatchReason } from './dane/mismatch.ts';
export { type NextHop, type ParsedNextHop, parseNextHop } from './dane/next-hop.ts';
export {
  type DeliveryPlan,
  type HalfDane,
  type HostPlan,
  type PlanOptions,
  planDelivery,
  planNextHop,
} from './dane/plan.ts';
export { type HostProbe, type ProbeOptions, probeHost } from './dane/probe.ts';
export { planService, type ServerPlan, type Service, type ServicePlan } from './dane/service.ts';
export { printTlsa, type Tlsa, usableRecords } from './dane/tlsa.ts';
export { type Peer, type Verdict, type VerifyOptions, verifyPeer } from './dane/verify.ts';
export { parseType, type RRType } from './dns/codes.ts';
export { type Message, type Parsed, parseMessage, writeMessage } from './dns/message.ts';
export { Name, NameError } from './dns/name.ts';
export { type Network, parseNetwork } from './dns/network.ts';
export { fromPacket, toPacket } from './dns/packet.ts';
export { parseRdata, printRdata } from './dns/presentation.ts';
export { decode, encode, type Fields, type Rdata } from './dns/rdata.ts';
export type { RR, RRset } from './dns/rrset.ts';
export { parseZone, printRecord } from './dns/zone-file.ts';
export {
  type AlgorithmTable,
  DEFAULT_ALGORITHMS,
  SHA1_ALGORITHMS,
} from './dnssec/algorithms.ts';
export { type Anchors, parseAnchors, ROOT_ANCHORS } from './dnssec/anchors.ts';
export { LIMITS, type Limits, type Spent } from './dnssec/budget.ts';
export { defaultPolicy, type Policy } from './dnssec/context.ts';
export type { Detail, KeyName } from './dnssec/detail.ts';
export type { Engine } from './dnssec/engine.ts';
export { nativeEngine } from './dnssec/engine-native.ts';
export { nobleEngine } from './dnssec/engine-noble.ts';
export { explainCase } from './dnssec/explanation.ts';
export { type NegativeAnchor, NegativeAnchors } from './dnssec/negative-anchors.ts';
export {
  type Alias,
  type Answer,
  type Failure,
  type Fault,
  failed,
  type Lookup,
  type LookupOptions,
  type Outcome,
  type Stale,
  type Status,
  type Step,
} from './dnssec/outcome.ts';
export { explain, REASONS, type Reason } from './dnssec/reason.ts';
export type { AnchorEvent } from './dnssec/rollover.ts';
export { parseRootAnchors, type RootAnchors } from './dnssec/root-anchors.ts';
export { addAnchor, startPoint, type TrustPoint } from './dnssec/trust-point.ts';
export type {
  Clock,
  Delivery,
  Environment,
  Random,
  ServerAddress,
  Transport,
} from './environment.ts';
export { nodeEnvironment } from './environment-node.ts';
export type { Open, Opened } from './mta/contact.ts';
export type { Delivered, RecipientEnd } from './mta/delivered.ts';
export type { DeliverParts, Message as MailMessage } from './mta/errand.ts';
export type { Relay, RelayLimits, RelayPlace } from './mta/listen-relay.ts';
export { type KeptPolicy, StsCache, type StsFinding } from './mta/mta-sts.ts';
export type { Protection } from './mta/permit.ts';
export { type Policy as OperatorPolicy, termsFor } from './mta/policy.ts';
export { type ParsedPolicy, parsePolicy } from './mta/policy-parse.ts';
export { nextStep, QUEUE_TERMS, type QueueStep, type QueueTerms, type Try } from './mta/queue.ts';
export { DEFAULT_TERMS, type Terms } from './mta/terms.ts';
export { TlsReports, type TlsSession } from './mta/tlsrpt.ts';
export { MEDIA_TYPES, type Reporter, reportFileName, writeReport } from './mta/tlsrpt-report.ts';
export {
  checkToken,
  makeToken,
  type TokenVerdict,
  type VerdictToken,
} from './mta/verdict-token.ts';
export { loadAnchorState, saveAnchorState } from './resolver/anchor-state-file.ts';
export { parseHints, ROOT_HINTS } from './resolver/hints.ts';
export { type AnchorKeeper, type KeeperParts, keepAnchors } from './resolver/refresh.ts';
export type { Resolver, ResolverOptions } from './resolver/resolver.ts';
export { STALE_TERMS, type StaleTerms } from './resolver/stale-terms.ts';
export type { Nameserver } from './resolver/zone.ts';
export { type ConnectOptions, type Contact, connect, type Handshake } from './tls/connect.ts';
