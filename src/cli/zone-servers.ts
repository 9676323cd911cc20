/**
 * One question to each authoritative server of a zone, its answer proved: what a resolver keeps to itself, which asks the best
 * server only.
 *
 * Each server is asked by a resolver of its own that knows no other for this zone, so that its keys and signatures are its own
 * too. Does not: believe that the NS records name all servers there are.
 * @module
 */

import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { explainCase } from '../dnssec/explanation.ts';
import { failed, type Lookup, type Outcome } from '../dnssec/outcome.ts';
import type { ServerAddress } from '../environment.ts';
import type { Families } from '../resolver/ask.ts';
import { DNS_PORT } from '../resolver/hints.ts';
import type { ResolverChoice } from './options.ts';
import { openResolver, type World } from './world.ts';

/** Addresses that are asked: the root has 26. It keeps a zone with hundreds from starting hundreds of resolvers. */
const MAX_SERVERS = 64;
/** Of which these at a time. */
const AT_ONCE = 8;

const TYPES: Readonly<Record<Families, readonly ('A' | 'AAAA')[]>> = {
  both: ['A', 'AAAA'],
  ipv4: ['A'],
  ipv6: ['AAAA'],
};

export interface ZoneServer {
  readonly host: Name;
  /** `undefined` where the host has no address that could be had, or is asked. */
  readonly address: string | undefined;
  /** Why there is no address, or why it is not asked. */
  readonly why?: string;
}

export interface ServerOutcome {
  readonly server: ZoneServer;
  readonly outcome: Outcome | undefined;
}

/** The servers of a zone by its own NS records, each with its addresses. */
export async function findZoneServers(
  zone: Name,
  lookup: Lookup,
  families: Families,
  signal?: AbortSignal,
): Promise<readonly ZoneServer[]> {
  const ns = await lookup(zone, 'NS', signal && { signal });
  if (failed(ns) || ns.answer.kind !== 'records')
    return [{ host: zone, address: undefined, why: `its NS records cannot be had: ${whyOf(ns)}` }];
  const hosts = ns.answer.rrset.rdata.map((rdata) => decode('NS', rdata).target);
  const types = TYPES[families];
  const servers = await Promise.all(
    hosts.map(async (host) => {
      const outcomes = await Promise.all(
        types.map((type) => lookup(host, type, signal && { signal })),
      );
      return serversOf(host, outcomes);
    }),
  );
  return servers
    .flat()
    .map((server, i) =>
      i < MAX_SERVERS ? server : { ...server, address: undefined, why: 'there are too many' },
    );
}

function serversOf(host: Name, outcomes: readonly Outcome[]): readonly ZoneServer[] {
  const failure = outcomes.find((outcome) => failed(outcome));
  const addresses = outcomes.flatMap(addressesIn);
  const known = addresses.map((address) => ({ host, address }));
  if (failure) return [...known, { host, address: undefined, why: whyOf(failure) }];
  return known.length > 0 ? known : [{ host, address: undefined, why: 'it has no address' }];
}

function addressesIn(outcome: Outcome): readonly string[] {
  if (failed(outcome) || outcome.answer.kind !== 'records') return [];
  const { type, rdata } = outcome.answer.rrset;
  return rdata.map((one) =>
    type === 'A' ? decode('A', one).address : decode('AAAA', one).address,
  );
}

export const whyOf = (outcome: Outcome): string => {
  if (failed(outcome)) return `${outcome.status}: ${explainCase(outcome.reason, outcome.fault)}`;
  return outcome.answer.kind === 'nxdomain' ? 'there is no such name' : 'there are none';
};

export interface Asking {
  readonly zone: Name;
  readonly name: Name;
  readonly type: RRType;
  readonly choice: ResolverChoice;
  readonly world: World;
  readonly signal?: AbortSignal | undefined;
}

/** Asks each of them, in their order. */
export async function askEach(
  servers: readonly ZoneServer[],
  asking: Asking,
): Promise<readonly ServerOutcome[]> {
  const outcomes: ServerOutcome[] = [];
  for (let at = 0; at < servers.length; at += AT_ONCE) {
    const batch = servers.slice(at, at + AT_ONCE).map(async (server) => ({
      server,
      outcome:
        server.address === undefined
          ? undefined
          : await askOne(server.host, { ip: server.address, port: DNS_PORT }, asking),
    }));
    outcomes.push(...(await Promise.all(batch)));
  }
  return outcomes;
}

function askOne(host: Name, address: ServerAddress, asking: Asking): Promise<Outcome> {
  const { zone, name, type, choice, world, signal } = asking;
  const others = (choice.zones ?? []).filter((one) => !one.name.equals(zone));
  const only = {
    name: zone,
    role: 'authoritative',
    nameservers: [{ host, addresses: [address] }],
  } as const;
  const { lookup } = openResolver({ ...choice, zones: [...others, only] }, world);
  return lookup(name, type, signal && { signal });
}
