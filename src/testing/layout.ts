/**
 * Lays out the testing internet: which zones there are, who serves them at which address, and what a delegation holds.
 * @module
 */
import { Name, ROOT } from '../dns/name.ts';
import { encode } from '../dns/rdata.ts';
import type { RR } from '../dns/rrset.ts';
import type { ZonePlan } from './amendment.ts';
import type { ZoneDescription, Zones } from './description.ts';
import type { Host, Site } from './site.ts';
import { makeRecord } from './zone.ts';

const TTL = 3600;

type Described = ReadonlyMap<
  string,
  { readonly name: Name; readonly description: ZoneDescription }
>;

/** The zones described, their top-level zones and the root, by key of their names, each with its name servers. */
export function layOut(zones: Zones): ReadonlyMap<string, Site> {
  const described = new Map<string, { name: Name; description: ZoneDescription }>();
  for (const [text, zone] of Object.entries(zones)) {
    const name = Name.parse(text);
    if (described.has(name.key)) throw new RangeError(`the zone ${name} is described twice`);
    described.set(name.key, { name, description: isList(zone) ? { records: zone } : zone });
  }
  const tops = [...described.values()].map(({ name }) => name.ancestor(1));
  for (const name of [...tops, ROOT])
    if (!described.has(name.key)) described.set(name.key, { name, description: {} });
  const sites = [...described.values()].map(({ name, description }, i): Site => {
    const hosts = hostsOf(name, described, `198.18.${(i + 1) >> 8}.${(i + 1) & 255}`);
    return { name, description, hosts, amendments: [] };
  });
  return new Map(sites.map((site) => [site.name.key, site]));
}

const isList = (zone: ZoneDescription | readonly string[]): zone is readonly string[] =>
  Array.isArray(zone);

/** A zone's name servers: its own, another zone's, or `ns` at the spare address. */
function hostsOf(zone: Name, described: Described, spareAddress: string): readonly Host[] {
  const servers = described.get(zone.key)?.description.servers;
  if (servers === undefined) {
    const name = zone.child('ns');
    if (!name) throw new RangeError(`${zone} is too long for a name server below it`);
    return [{ name, addresses: [spareAddress] }];
  }
  if (typeof servers !== 'string')
    return Object.entries(servers).map(([name, addresses]) => ({
      name: Name.parse(name),
      addresses: [addresses].flat(),
    }));
  const other = described.get(Name.parse(servers).key);
  if (!other || other.name.equals(zone))
    throw new RangeError(`${zone} is to be served by ${servers}, which is no other zone here`);
  const index = [...described.keys()].indexOf(other.name.key) + 1;
  return hostsOf(other.name, described, `198.18.${index >> 8}.${index & 255}`);
}

export const listensAt = ({ hosts }: Site, ip: string): boolean =>
  hosts.some(({ addresses }) => addresses.includes(ip));

/** A and AAAA records of a name server. */
export const addressRecords = ({ name, addresses }: Host): readonly RR[] =>
  addresses.map((address) => {
    const type = address.includes(':') ? 'AAAA' : 'A';
    return makeRecord(name, type, TTL, encode(type, { address }));
  });

/** What the parent holds of a child: NS, DS, and the addresses of the servers that lie in the child. */
export function delegation({ name, hosts }: Site, { ds }: ZonePlan): readonly RR[] {
  return [
    ...hosts.map((host) => makeRecord(name, 'NS', TTL, encode('NS', { target: host.name }))),
    ...ds.map((rdata) => makeRecord(name, 'DS', TTL, rdata)),
    ...hosts.filter((host) => host.name.isAtOrBelow(name)).flatMap(addressRecords),
  ];
}
