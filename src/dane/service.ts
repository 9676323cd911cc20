/**
 * The plan for a service that SRV records lead to: which servers to try in which order, and what TLS each of them owes.
 *
 * Implements RFC 7673 section 3 (SRV, addresses, TLSA) and section 4 (what the certificate must show), RFC 2782 (order of
 * targets, `.`) and RFC 7671 section 7 (aliases). Does not: connect, look into certificates, or know what a protocol does
 * without DANE.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import {
  type Failure,
  type Fault,
  failed,
  type Insecurity,
  insecurityOf,
  type Lookup,
} from '../dnssec/outcome.ts';
import type { FailureReason } from '../dnssec/reason.ts';
import type { Random } from '../environment.ts';
import { findTlsa, makeAskTlsa, pickCandidates, type TlsaFinding } from './base-domain.ts';
import { findAddresses, recordsOf, type Security, securityOf } from './destination.ts';
import { distinct } from './names.ts';
import type { Weakness } from './plan.ts';
import { readTlsa, type Tlsa, usableRecords } from './tlsa.ts';

/** Of TCP services alone: DANE for others has no protocol yet. */
export interface Service {
  /** `imap`, `xmpp-client`: without the underscore. */
  readonly service: string;
  /** The domain that the user named. */
  readonly domain: Name;
}

interface Server {
  readonly target: Name;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}
interface Reachable extends Server {
  /** IPv4 and IPv6 in text form, in the order in which to try them. */
  readonly addresses: readonly string[];
  /** What a certificate must name one of, where names count. */
  readonly names: readonly Name[];
  /** What SNI carries, or what the protocol has for it. */
  readonly serverName: Name;
}

export type ServerPlan =
  /** TLS, and a certificate that one of the records vouches for; else the next server. */
  | (Reachable & {
      readonly tls: 'authenticate';
      readonly baseDomain: Name;
      readonly records: readonly Tlsa[];
    })
  /** TLS, and a certificate that a public authority has issued to one of the names (RFC 7673 section 4.1); else the next server. */
  | (Reachable & {
      readonly tls: 'pkix';
      readonly baseDomain: Name;
      /** The whole RRset, none of which is usable. */
      readonly records: readonly Tlsa[];
      readonly why: 'tlsa-unusable';
    })
  /** RFC 7673 demands nothing here: what the protocol does without DANE, with these names. */
  | (Reachable & { readonly tls: 'by-protocol' } & ServiceWeakness)
  /** Not to be contacted now. */
  | (Server & { readonly tls: 'unreachable' } & (
        | { readonly why: 'no-address' }
        | {
            readonly why: FailureReason;
            readonly fault: Fault;
            readonly step: 'addresses' | 'tlsa';
          }
      ));

export type ServiceWeakness =
  | ({ readonly why: 'insecure-srv' } & Insecurity)
  | Exclude<Weakness, { readonly why: 'insecure-mx' | 'address-literal' | 'dane-off' }>;

export type ServicePlan =
  | {
      readonly kind: 'connect';
      readonly security: Security;
      /** The order in which to try them: by priority, and among equals by lot according to weight. */
      readonly servers: readonly ServerPlan[];
      /** Targets left out because there were too many. */
      readonly surplus: number;
    }
  /** `no-srv`: RFC 7673 does not apply. `not-offered`: the domain says that it has no such service (RFC 2782, target `.`). */
  | { readonly kind: 'none'; readonly why: 'no-srv' | 'not-offered'; readonly security: Security }
  | { readonly kind: 'defer'; readonly why: FailureReason; readonly fault: Fault };

export interface ServiceOptions {
  /** Draws lots among targets of equal priority. */
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/** Targets looked at, the best first: as for mail hosts (destination.ts), against a hundred records that start hundreds of questions. */
export const MAX_TARGETS = 20;

/**
 * Plans how to reach a service: `planService({ service: 'imap', domain }, lookup, { random })`.
 *
 * @throws RangeError when the service's name does not make a domain name
 */
export async function planService(
  { service, domain }: Service,
  lookup: Lookup,
  { random, signal }: ServiceOptions,
): Promise<ServicePlan> {
  const name = domain.child('_tcp')?.child(`_${service}`);
  if (!name) throw new RangeError(`service: _${service}._tcp.${domain} is too long for a name`);
  const srv = await lookup(name, 'SRV', signal && { signal });
  if (failed(srv)) return { kind: 'defer', why: srv.reason, fault: srv.fault };
  const security = securityOf(srv);
  const records = recordsOf(srv);
  if (!records) return { kind: 'none', why: 'no-srv', security };
  const servers = inOrder(serversOf(records), random);
  if (servers.length === 0) return { kind: 'none', why: 'not-offered', security };
  const planner = makePlanner({ domain, security }, lookup, signal);
  return {
    kind: 'connect',
    security,
    servers: await Promise.all(servers.slice(0, MAX_TARGETS).map(planner)),
    surplus: Math.max(0, servers.length - MAX_TARGETS),
  };
}

/** Each target and port once, without the root: beside others it means nothing, and alone that there is no service. */
function serversOf(records: RRset): readonly Server[] {
  const servers = new Map<string, Server>();
  for (const rdata of records.rdata) {
    const server = decode('SRV', rdata);
    const key = `${server.port} ${server.target.key}`;
    if (!server.target.isRoot && !servers.has(key)) servers.set(key, server);
  }
  return [...servers.values()];
}

/** RFC 2782: by priority; among equals one after the other is drawn, those of weight 0 standing first. */
function inOrder(servers: readonly Server[], random: Random): readonly Server[] {
  const left = [...servers].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const drawn: Server[] = [];
  while (left.length > 0) {
    const equals = left.filter(({ priority }) => priority === left[0]?.priority);
    const sum = equals.reduce((all, { weight }) => all + weight, 0);
    const lot = lotUpTo(sum, random);
    let running = 0;
    const chosen = equals.findIndex(({ weight }) => {
      running += weight;
      return running >= lot;
    });
    drawn.push(...left.splice(chosen, 1));
  }
  return drawn;
}

/** A whole number from 0 to `most`, both included. */
function lotUpTo(most: number, random: Random): number {
  const fraction = new DataView(random.bytes(4).slice().buffer).getUint32(0) / 2 ** 32;
  return Math.floor(fraction * (most + 1));
}

interface Circumstances {
  readonly domain: Name;
  readonly security: Security;
}

function makePlanner(
  { domain, security }: Circumstances,
  lookup: Lookup,
  signal: AbortSignal | undefined,
) {
  const insecureSrv: ServiceWeakness | undefined =
    security.status === 'insecure' ? { why: 'insecure-srv', ...insecurityOf(security) } : undefined;
  return async (server: Server): Promise<ServerPlan> => {
    const { target, port } = server;
    const askTlsa = makeAskTlsa(lookup, port, signal);
    if (!insecureSrv) askTlsa.early(target);
    const found = await findAddresses(target, lookup, signal);
    if (found.kind === 'failed') return unreachable(server, 'addresses', found.failure);
    if (found.kind === 'none') return { tls: 'unreachable', ...server, why: 'no-address' };
    const { addresses } = found;
    // RFC 7673 section 4.1: behind insecure SRV records the target is no name to be believed.
    const names = insecureSrv ? [domain] : distinct([domain, target]);
    const reachable: Reachable = { ...server, addresses, names, serverName: domain };
    if (insecureSrv) return { tls: 'by-protocol', ...reachable, ...insecureSrv };
    const candidates = pickCandidates(target, found.outcomes);
    if (candidates.kind === 'unsigned')
      return {
        tls: 'by-protocol',
        ...reachable,
        why: 'insecure-address',
        ...insecurityOf(candidates),
      };
    return act(reachable, await findTlsa(candidates.names, askTlsa.now));
  };
}

const unreachable = (
  { target, port, priority, weight }: Server,
  step: 'addresses' | 'tlsa',
  { reason, fault }: Failure,
): ServerPlan => ({
  tls: 'unreachable',
  ...{ target, port, priority, weight },
  ...{ why: reason, fault, step },
});

/** RFC 7673 section 3.4. */
function act(reachable: Reachable, tlsa: TlsaFinding): ServerPlan {
  switch (tlsa.kind) {
    case 'failed':
      return unreachable(reachable, 'tlsa', tlsa.failure);
    case 'none':
      return tlsa.insecure
        ? { tls: 'by-protocol', ...reachable, why: 'insecure-tlsa', ...tlsa.insecure }
        : { tls: 'by-protocol', ...reachable, why: 'no-tlsa' };
    case 'records': {
      const { baseDomain } = tlsa;
      const records = tlsa.rrset.rdata.map(readTlsa);
      if (usableRecords(records, { usages: 'all' }).length === 0)
        return { tls: 'pkix', ...reachable, baseDomain, records, why: 'tlsa-unusable' };
      const { target, names } = reachable;
      return {
        tls: 'authenticate',
        ...reachable,
        baseDomain,
        records,
        names: distinct([baseDomain, target, ...names]),
        serverName: baseDomain,
      };
    }
  }
}
