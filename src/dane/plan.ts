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
 * a host unreachable, or the whole delivery wait) and section 3.2.2 (reference identifiers). An insecure MX RRset
 * means opportunistic TLS, the first choice that section 2.2.1 offers. Does not: connect, or judge a certificate (see
 * verify.ts), or know a policy that demands DANE.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import {
  type Failure,
  type Fault,
  type Insecurity,
  insecurityOf,
  type Lookup,
  type Outcome,
} from '../dnssec/outcome.ts';
import type { FailureReason } from '../dnssec/reason.ts';
import { findTlsa, pickCandidates, type TlsaFinding, tlsaName } from './base-domain.ts';
import {
  findAddresses,
  findHosts,
  type MailHost,
  type Route,
  type Security,
} from './destination.ts';
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
}
/** TLS with any certificate; else the next host. */
export interface Encrypt extends Reachable {
  readonly tls: 'encrypt';
  readonly baseDomain: Name;
  /** The whole RRset, none of which is usable. */
  readonly records: readonly Tlsa[];
  readonly why: 'tlsa-unusable';
}
/** As if DANE did not exist: TLS where it can be had. */
export type Opportunistic = Reachable & { readonly tls: 'opportunistic' } & (
    | ({ readonly why: 'insecure-mx' } & Insecurity)
    | ({ readonly why: 'insecure-address' } & Insecurity)
    | ({ readonly why: 'insecure-tlsa' } & Insecurity)
    | { readonly why: 'no-tlsa' }
  );
/** Not to be contacted now. */
export type Unreachable = Host & { readonly tls: 'unreachable' } & (
    | { readonly why: 'no-address' }
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
  | { readonly kind: 'defer'; readonly why: FailureReason; readonly fault: Fault };

export interface PlanOptions {
  /** Of the SMTP servers, and so of the TLSA records: 25 where it is left out. */
  readonly port?: number;
  /** `skip`: the domain is a relay host that the operator named, not subject to MX look-up. */
  readonly mx?: 'lookup' | 'skip';
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
  switch (destination.kind) {
    case 'failed': {
      const { reason, fault } = destination.failure;
      return { kind: 'defer', why: reason, fault };
    }
    case 'refused':
      return destination;
    case 'hosts': {
      const { route, hosts, surplus } = destination;
      const planner = makePlanner(route, lookup, options);
      return { kind: 'deliver', route, hosts: await Promise.all(hosts.map(planner)), surplus };
    }
  }
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
function makePlanner(route: Route, lookup: Lookup, { port = 25, signal }: PlanOptions) {
  return async ({ name: host, preference }: MailHost): Promise<HostPlan> => {
    const askTlsa = makeAskTlsa(lookup, port, signal);
    if (route.security.status === 'secure') askTlsa.early(host);
    const found = await findAddresses(host, lookup, signal);
    if (found.kind === 'failed')
      return unreachable({ host, preference }, 'addresses', found.failure);
    if (found.kind === 'none') return { tls: 'unreachable', host, preference, why: 'no-address' };
    const reachable: Reachable = { host, preference, addresses: found.addresses };
    if (route.security.status === 'insecure') {
      return {
        tls: 'opportunistic',
        ...reachable,
        why: 'insecure-mx',
        ...insecurityOf(route.security),
      };
    }
    const candidates = pickCandidates(host, found.outcomes);
    if (candidates.kind === 'unsigned') {
      return {
        tls: 'opportunistic',
        ...reachable,
        why: 'insecure-address',
        ...insecurityOf(candidates),
      };
    }
    return act(reachable, route, await findTlsa(candidates.names, askTlsa.now));
  };
}

const unreachable = (
  { host, preference }: Host,
  step: 'addresses' | 'tlsa',
  { reason, fault }: Failure,
): Unreachable => ({ tls: 'unreachable', host, preference, why: reason, fault, step });

/** The four actions of RFC 7672 section 2.2. */
function act(reachable: Reachable, route: Route, tlsa: TlsaFinding): HostPlan {
  switch (tlsa.kind) {
    case 'failed':
      return unreachable(reachable, 'tlsa', tlsa.failure);
    case 'none':
      return tlsa.insecure
        ? { tls: 'opportunistic', ...reachable, why: 'insecure-tlsa', ...tlsa.insecure }
        : { tls: 'opportunistic', ...reachable, why: 'no-tlsa' };
    case 'records':
      return commit(reachable, route, tlsa.baseDomain, tlsa.rrset);
  }
}

/** A secure TLSA RRset commits the host to TLS, and to a certificate if any record is usable. */
function commit(reachable: Reachable, route: Route, baseDomain: Name, rrset: RRset): HostPlan {
  const records = rrset.rdata.map(readTlsa);
  if (usableRecords(records).length === 0) {
    return { tls: 'encrypt', ...reachable, baseDomain, records, why: 'tlsa-unusable' };
  }
  const names = referenceNames(route, reachable.host, baseDomain);
  return { tls: 'authenticate', ...reachable, baseDomain, records, names };
}

/**
 * The names that a certificate under a DANE-TA record may carry (RFC 7672 section 3.2.2): always the base domain;
 * behind secure MX records also the next-hop domain and its expansion; without MX records the next-hop domain where
 * the base domain is its expansion.
 */
function referenceNames({ via, domain, expanded }: Route, host: Name, baseDomain: Name): Name[] {
  const names = via === 'mx' ? [baseDomain, domain, expanded] : [baseDomain, host];
  return names.filter((name, i) => names.findIndex((other) => other.equals(name)) === i);
}

/**
 * The TLSA questions of one host. `early` sends one beside the address questions, which saves a round; only into a
 * signed zone, for RFC 7672 section 2.2.2 keeps TLSA questions from servers that fail on them. `now` answers when the
 * addresses have shown that there is a question: an early reply counts for nothing until then.
 */
function makeAskTlsa(lookup: Lookup, port: number, signal: AbortSignal | undefined) {
  const early = new Map<string, Promise<Outcome>>();
  const stop = signal && { signal };
  return {
    early(base: Name): void {
      const name = tlsaName(base, port);
      if (!name) return;
      const outcome = lookup(name, 'TLSA', { ask: 'if-signed', ...stop });
      outcome.catch(() => {}); // aborted: whoever awaits the addresses hears of it
      early.set(base.key, outcome);
    },
    async now(base: Name): Promise<Outcome | undefined> {
      const name = tlsaName(base, port);
      if (!name) return undefined;
      const sent = await early.get(base.key);
      return sent && wasAsked(sent) ? sent : lookup(name, 'TLSA', stop);
    },
  };
}

const wasAsked = (outcome: Outcome): boolean =>
  outcome.status !== 'insecure' || outcome.answer.kind !== 'not-asked';
