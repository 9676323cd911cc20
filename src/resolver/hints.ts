/**
 * Root hints: the names and addresses of the root's servers, from which every walk starts.
 *
 * Does not: prime (priming.ts does).
 * @module
 */
import { Name, ROOT } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { parseZone } from '../dns/zone-file.ts';
import type { ServerAddress } from '../environment.ts';
import type { Nameserver } from './zone.ts';

export const DNS_PORT = 53;

export type HintsFile =
  | { readonly kind: 'hints'; readonly nameservers: readonly Nameserver[] }
  /** One sentence for each thing that is wrong, with its line. */
  | { readonly kind: 'errors'; readonly errors: readonly string[] };

/** Reads a file of NS, A and AAAA lines in zone-file form, such as the `named.root` that IANA publishes. */
export function parseHints(text: string): HintsFile {
  const file = parseZone(text, ROOT, 0);
  if (file.kind === 'errors') {
    const errors = file.errors.map(({ line, message }) => `line ${line}: ${message}`);
    return { kind: 'errors', errors };
  }
  const addresses = new Map<string, ServerAddress[]>();
  for (const { owner, type, rdata } of file.records) {
    if (type !== 'A' && type !== 'AAAA') continue;
    const known = addresses.get(owner.key) ?? [];
    addresses.set(owner.key, [...known, { ip: decode(type, rdata).address, port: DNS_PORT }]);
  }
  const nameservers = file.records
    .filter(({ owner, type }) => type === 'NS' && owner.isRoot)
    .map(({ rdata }): Nameserver => {
      const host = decode('NS', rdata).target;
      return { host, addresses: addresses.get(host.key) ?? [] };
    })
    .filter((server) => server.addresses.length > 0);
  if (nameservers.length > 0) return { kind: 'hints', nameservers };
  return {
    kind: 'errors',
    errors: [
      'it names no root server with an address: it needs ". NS a.example." and "a.example. A 192.0.2.1"',
    ],
  };
}

/** a to m of root-servers.net, IPv4 and IPv6, as IANA publishes them (named.root of 2025). */
const ADDRESSES: Readonly<Record<string, readonly [v4: string, v6: string]>> = {
  a: ['198.41.0.4', '2001:503:ba3e::2:30'],
  b: ['170.247.170.2', '2801:1b8:10::b'],
  c: ['192.33.4.12', '2001:500:2::c'],
  d: ['199.7.91.13', '2001:500:2d::d'],
  e: ['192.203.230.10', '2001:500:a8::e'],
  f: ['192.5.5.241', '2001:500:2f::f'],
  g: ['192.112.36.4', '2001:500:12::d0d'],
  h: ['198.97.190.53', '2001:500:1::53'],
  i: ['192.36.148.17', '2001:7fe::53'],
  j: ['192.58.128.30', '2001:503:c27::2:30'],
  k: ['193.0.14.129', '2001:7fd::1'],
  l: ['199.7.83.42', '2001:500:9f::42'],
  m: ['202.12.27.33', '2001:dc3::35'],
};

export const ROOT_HINTS: readonly Nameserver[] = Object.entries(ADDRESSES).map(([letter, ips]) => ({
  host: Name.parse(`${letter}.root-servers.net`),
  addresses: ips.map((ip) => ({ ip, port: DNS_PORT })),
}));
