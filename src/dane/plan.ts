/**
 * The delivery plan of a domain: which hosts to try in which order, and what TLS each of them owes the sender.
 *
 * DANE for SMTP in short. A domain names its MX hosts; a host may publish TLSA records at `_25._tcp.<base domain>`
 * that name the keys or authorities of its certificates. Whoever has proved by DNSSEC the MX records, the addresses
 * and the TLSA records must use TLS and authenticate the server by those records. Whoever has proved that a link of
 * this chain is unsigned, or that there are no TLSA records, goes on as if DANE did not exist. Whoever could prove
 * neither must not connect: silence is what an attacker would arrange.
 *
 * Implements the four actions of RFC 7672 section 2.2, one variant of `HostPlan` each, section 2.1.2 (an error makes
 * a host unreachable, or the whole delivery wait), section 2.2.1 (three choices for hosts that insecure MX records name)
 * and section 3.2.2 (reference identifiers); column M of the decision table, where the operator demands DANE. Does not:
 * connect, or judge a certificate (see verify.ts).
 * @module
 */
import { Name } from '../dns/name.ts';
import {
  type Failure,
  type Fault,
  type Insecurity,
  insecurityOf,
  type Lookup,
} from '../dnssec/outcome.ts';
import type { FailureReason } from '../dnssec/reason.ts';
import {
  type Candidates,
  findTlsa,
  makeAskTlsa,
  pickCandidates,
  type TlsaFinding,
} from './base-domain.ts';
import {
  type Destination,
  type Families,
  findAddresses,
  findHosts,
  type MailHost,
  type Route,
  type Security,
} from './destination.ts';
import { referenceNames } from './names.ts';
import type { NextHop } from './next-hop.ts';
import { readTlsa, type Tlsa, usableRecords } from './tlsa.ts';

interface Host {
  readonly host: Name;
  /** Of the MX record; `undefined` for a host that no MX record named. */
  readonly preference: number | undefined;
}
interface Reachable extends Host {
  /** IPv4 and IPv6 in text form, in the order in which to try them. */
  readonly addresses: readonly string[];
}

/** TLS, and a certificate that one of the records vouches for; else the next host. */
export interface Authenticate extends Reachable {
  readonly tls: 'authenticate';
  readonly baseDomain: Name;
  /** The whole RRset, at least one of which is usable. */
  readonly records: readonly Tlsa[];
  /** The reference identifiers for DANE-TA, the base domain first; it is also what SNI carries. */
  readonly names: readonly Name[];
  /** Insecure MX records named the host: whoever forges them names one of his own, so it never counts as verified. */
  readonly halfDane: boolean;
}
/** TLS with any certificate; else the next host. */
export interface Encrypt extends Reachable {
  readonly tls: 'encrypt';
  readonly baseDomain: Name;
  /** The whole RRset. */
  readonly records: readonly Tlsa[];
  /** None of the records is usable; or some are, but insecure MX records named the host and the operator wants no more. */
  readonly why: 'tlsa-unusable' | 'half-dane';
}
/** Why nothing commits a host to TLS. */
export type Weakness =
  | ({ readonly why: 'insecure-mx' } & Insecurity)
  | ({ readonly why: 'insecure-address' } & Insecurity)
  | ({ readonly why: 'insecure-tlsa' } & Insecurity)
  | { readonly why: 'no-tlsa' }
  /** The next hop is an address: there is no name to ask for. */
  | { readonly why: 'address-literal' }
  /** The operator does not use DANE here. */
  | { readonly why: 'dane-off' };
/** As if DANE did not exist: TLS where it can be had. */
export type Opportunistic = Reachable & { readonly tls: 'opportunistic' } & Weakness;
/** What keeps a host, or all of them, from being authenticated by DANE. */
export type Lack = Weakness | { readonly why: 'tlsa-unusable' };
/** Not to be contacted now. */
export type Unreachable = Host & { readonly tls: 'unreachable' } & (
    | { readonly why: 'no-address' }
    /** The operator demands DANE. */
    | { readonly why: 'dane-required'; readonly lack: Lack }
    | {
        readonly why: FailureReason;
        readonly fault: Fault;
        /** What could not be had; the fault itself may lie in a zone's keys, whichever was asked for. */
        readonly step: 'addresses' | 'tlsa';
      }
  );
export type HostPlan = Authenticate | Encrypt | Opportunistic | Unreachable;

export type DeliveryPlan =
  | {
      readonly kind: 'deliver';
      readonly route: Route;
      /** Best preference first; among equals in the order of the reply. */
      readonly hosts: readonly HostPlan[];
      /** MX hosts left out because there were too many. */
      readonly surplus: number;
    }
  | {
      readonly kind: 'refused';
      readonly why: 'null-mx' | 'no-such-domain';
      readonly security: Security;
    }
  | { readonly kind: 'defer'; readonly why: FailureReason; readonly fault: Fault }
  /** The operator demands DANE, and nothing proves which hosts there are, or that there are none. */
  | { readonly kind: 'defer'; readonly why: 'dane-required'; readonly lack: Lack };

/** What is done with a signed host that insecure MX records name (RFC 7672 section 2.2.1). */
export type HalfDane =
  /** Authenticate it, by its own name alone. */
  | 'dane'
  /** Where it has TLSA records: TLS, with any certificate. */
  | 'encrypt'
  /** TLSA records are not asked for. */
  | 'may';

export interface PlanOptions {
  /** Of the SMTP servers, and so of the TLSA records: 25 where it is left out. */
  readonly port?: number;
  /** `skip`: the domain is a relay host that the operator named, not subject to MX look-up. */
  readonly mx?: 'lookup' | 'skip';
  /** `off`: TLSA records are not asked for; what the MX and address look-ups come to stands. `on` where it is left out. */
  readonly dane?: 'on' | 'off';
  /** `dane`, as Postfix does, where it is left out. */
  readonly halfDane?: HalfDane;
  /** Whether the operator demands DANE: what is not authenticated by it then waits. No where it is left out. */
  readonly mandatory?: boolean;
  /** Of the sender: addresses that it cannot use are not asked for. `both` where it is left out. */
  readonly families?: Families;
  readonly signal?: AbortSignal;
}

/**
 * Plans a delivery: what may be done with mail for `domain`, and how each step is known.
 *
 * @param domain   the next-hop domain, as A-labels
 * @param lookup   asks one question and proves the answer
 * @returns `deliver` with a plan for each host, `refused` (the domain takes no mail, or does not exist) or `defer`
 *   (not even the hosts could be determined). A `deliver` of hosts that are all unreachable means: wait, too
 * @example
 * ```ts
 * const plan = await planDelivery(Name.parse('example.com'), resolver.lookup);
 * if (plan.kind === 'deliver') for (const { host, tls } of plan.hosts) console.log(`${host} ${tls}`);
 * ```
 */
export async function planDelivery(
  domain: Name,
  lookup: Lookup,
  options: PlanOptions = {},
): Promise<DeliveryPlan> {
  const destination =
    options.mx === 'skip' ? relay(domain) : await findHosts(domain, lookup, options.signal);
  if (destination.kind === 'failed') {
    const { reason, fault } = destination.failure;
    return { kind: 'defer', why: reason, fault };
  }
  const lack = options.mandatory && weaknessOfRoute(securityAt(destination));
  if (lack) return { kind: 'defer', why: 'dane-required', lack };
  if (destination.kind === 'refused') return destination;
  const { route, hosts, surplus } = destination;
  const planner = makePlanner(route, lookup, options);
  const plans = await Promise.all(hosts.map(planner));
  return {
    kind: 'deliver',
    route,
    hosts: options.mandatory ? plans.map(demandDane) : plans,
    surplus,
  };
}

type Determined = Exclude<Destination, { kind: 'failed' }>;

const securityAt = (destination: Determined): Security =>
  destination.kind === 'refused' ? destination.security : destination.route.security;

/** RFC 7672 section 2.2.1: insecure MX records, or an insecure denial, cannot satisfy who demands DANE. */
const weaknessOfRoute = (security: Security): Weakness | undefined =>
  security.status === 'insecure' ? { why: 'insecure-mx', ...insecurityOf(security) } : undefined;

/**
 * The operator has said that the domain's signatures are not to be counted on (RFC 7646): then its hosts are not
 * authenticated by halves either.
 */
function halfDaneFor(mx: Security, { halfDane = 'dane' }: PlanOptions): HalfDane {
  return mx.status === 'insecure' && mx.reason === 'negative-trust-anchor' ? 'may' : halfDane;
}

/** Hosts that would be used without authentication are out. */
function demandDane(plan: HostPlan): HostPlan {
  const { host, preference } = plan;
  const out = (lack: Lack): Unreachable => ({
    tls: 'unreachable',
    host,
    preference,
    why: 'dane-required',
    lack,
  });
  switch (plan.tls) {
    case 'authenticate':
    case 'unreachable':
      return plan;
    case 'encrypt':
      // Half-DANE is not met here: insecure MX records have ended the matter before.
      return out({ why: 'tlsa-unusable' });
    case 'opportunistic':
      return out(weaknessOf(plan));
  }
}

const weaknessOf = (plan: Opportunistic): Weakness =>
  'reason' in plan ? { why: plan.why, ...insecurityOf(plan) } : { why: plan.why };

/** The same for a next hop as an operator writes it (next-hop.ts). A port that it names is the one that counts. */
export async function planNextHop(
  nextHop: NextHop,
  lookup: Lookup,
  { mx: _, ...options }: PlanOptions = {},
): Promise<DeliveryPlan> {
  const { port = options.port } = nextHop;
  const terms: PlanOptions = { ...options, ...(port !== undefined && { port }) };
  switch (nextHop.kind) {
    case 'domain':
      return planDelivery(nextHop.name, lookup, terms);
    case 'host':
      return planDelivery(nextHop.name, lookup, { ...terms, mx: 'skip' });
    case 'literal':
      return planLiteral(nextHop.address, terms);
  }
}

/** RFC 7672 section 2.2 is about names: an address has nothing that DANE could speak of. */
function planLiteral(address: string, { mandatory = false }: PlanOptions): DeliveryPlan {
  const host = Name.parse(address);
  const plan: HostPlan = {
    ...{ tls: 'opportunistic', host, preference: undefined },
    ...{ addresses: [address], why: 'address-literal' },
  };
  const security = { status: 'secure' } as const;
  const route: Route = { via: 'literal', domain: host, expanded: host, security };
  return { kind: 'deliver', route, hosts: [mandatory ? demandDane(plan) : plan], surplus: 0 };
}

function relay(domain: Name) {
  const route: Route = { via: 'relay', domain, expanded: domain, security: { status: 'secure' } };
  return {
    kind: 'hosts',
    route,
    hosts: [{ name: domain, preference: undefined }],
    surplus: 0,
  } as const;
}

/** Plans hosts of one route: each as RFC 7672 section 2.2.2 treats a non-MX destination. */
function makePlanner(route: Route, lookup: Lookup, options: PlanOptions) {
  const { port = 25, dane = 'on', families, signal } = options;
  const insecureMx = weaknessOfRoute(route.security);
  const halfDane = halfDaneFor(route.security, options);
  return async ({ name: host, preference }: MailHost): Promise<HostPlan> => {
    const askTlsa = makeAskTlsa(lookup, port, signal);
    const isAsked = dane === 'on' && (!insecureMx || halfDane !== 'may');
    if (isAsked) askTlsa.early(host);
    const found = await findAddresses(host, lookup, signal, families);
    if (found.kind === 'failed')
      return unreachable({ host, preference }, 'addresses', found.failure);
    if (found.kind === 'none') return { tls: 'unreachable', host, preference, why: 'no-address' };
    const reachable: Reachable = { host, preference, addresses: found.addresses };
    if (!isAsked)
      return { tls: 'opportunistic', ...reachable, ...(insecureMx ?? { why: 'dane-off' }) };
    const candidates = pickCandidates(host, found.outcomes);
    const tlsa =
      candidates.kind === 'unsigned' ? candidates : await findTlsa(candidates.names, askTlsa.now);
    return act(reachable, tlsa, { route, insecureMx, halfDane });
  };
}

const unreachable = (
  { host, preference }: Host,
  step: 'addresses' | 'tlsa',
  { reason, fault }: Failure,
): Unreachable => ({ tls: 'unreachable', host, preference, why: reason, fault, step });

interface Circumstances {
  readonly route: Route;
  /** The first weakness there is; whatever follows behind insecure MX records is told by them. */
  readonly insecureMx: Weakness | undefined;
  readonly halfDane: HalfDane;
}

/** The four actions of RFC 7672 section 2.2. */
function act(
  reachable: Reachable,
  tlsa: TlsaFinding | Extract<Candidates, { kind: 'unsigned' }>,
  circumstances: Circumstances,
): HostPlan {
  const opportunistic = (weakness: Weakness): Opportunistic => ({
    tls: 'opportunistic',
    ...reachable,
    ...(circumstances.insecureMx ?? weakness),
  });
  switch (tlsa.kind) {
    case 'failed':
      return unreachable(reachable, 'tlsa', tlsa.failure);
    case 'unsigned':
      return opportunistic({ why: 'insecure-address', ...insecurityOf(tlsa) });
    case 'none':
      return opportunistic(
        tlsa.insecure ? { why: 'insecure-tlsa', ...tlsa.insecure } : { why: 'no-tlsa' },
      );
    case 'records':
      return commit(reachable, tlsa, circumstances);
  }
}

/** A secure TLSA RRset commits the host to TLS, and to a certificate if any record is usable. */
function commit(
  reachable: Reachable,
  { baseDomain, rrset }: Extract<TlsaFinding, { kind: 'records' }>,
  { route, insecureMx, halfDane }: Circumstances,
): Authenticate | Encrypt {
  const records = rrset.rdata.map(readTlsa);
  const committed = { ...reachable, baseDomain, records };
  if (usableRecords(records).length === 0)
    return { tls: 'encrypt', ...committed, why: 'tlsa-unusable' };
  if (!insecureMx) {
    const names = referenceNames(route, reachable.host, baseDomain);
    return { tls: 'authenticate', ...committed, names, halfDane: false };
  }
  // RFC 7672 section 3.2.2: the next-hop domain is no name of a host that nothing secure ties to it.
  return halfDane === 'encrypt'
    ? { tls: 'encrypt', ...committed, why: 'half-dane' }
    : { tls: 'authenticate', ...committed, names: [baseDomain], halfDane: true };
}
