/**
 * The zone of a domain or a provider: a handful of names, listed in canonical order.
 * @module
 */
import { label, TYPE, type Wire } from './packet.ts';
import type { Keys } from './signing.ts';
import { DAY_S, type Neighbours, type Node, parentOf, type RRset, type Zone } from './zone.ts';

export interface SitePlan {
  readonly apex: Wire;
  readonly keys: Keys | undefined;
  readonly denial: 'nsec' | 'nsec3';
  /** Of everything here. */
  readonly address: Wire;
  /** What the apex has, its addresses apart. */
  readonly top: readonly RRset[];
  /** Mail hosts within the zone. */
  readonly hosts: readonly Wire[];
  readonly tlsa: RRset | undefined;
  /** Whether TLSA records stand at `_dane`, for aliases to lead to. */
  readonly alias: boolean;
  readonly servers: readonly (readonly [host: Wire, address: Wire])[];
}

export function makeSite(plan: SitePlan): Zone {
  const { apex, keys, denial } = plan;
  const nodes = nodesOf(plan);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return {
    apex,
    labels: 2,
    keys,
    denial,
    optOut: false,
    negativeTtl: 600,
    find: (name) => byName.get(name),
    below: () => undefined,
    neighbours: linked(
      apex,
      nodes
        .filter(({ sets }) => sets.length > 0)
        .map(({ name, labels, sets }) => ({ name, labels, types: sets.map(({ type }) => type) })),
    ),
  };
}

/** RFC 4034 section 6.1: `_dane`, `mx1` and what lies below it, `mx2`, ..., `ns1`, `ns2`. */
function nodesOf({ apex, address, top, hosts, tlsa, alias, servers }: SitePlan): readonly Node[] {
  const addresses: readonly RRset[] = [
    { type: TYPE.A, ttl: 3600, rdata: [address] },
    { type: TYPE.AAAA, ttl: 3600, rdata: [V6 + address] },
  ];
  return [
    { name: apex, labels: 2, sets: [...top, ...addresses] },
    ...(alias ? [{ name: label('_dane') + apex, labels: 3, sets: [tlsaSet(2)] }] : []),
    ...hosts.flatMap((name): Node[] => [
      { name, labels: 3, sets: addresses },
      ...(tlsa
        ? [
            { name: label('_tcp') + name, labels: 4, sets: [] },
            { name: label('_25') + label('_tcp') + name, labels: 5, sets: [tlsa] },
          ]
        : []),
    ]),
    ...servers.map(([name, own]) => ({
      name,
      labels: 3,
      sets: [{ type: TYPE.A, ttl: 86_400, rdata: [own] }],
    })),
  ];
}

/** 2001:db8::/96. */
const V6 = `\x20\x01\x0d\xb8${'\0'.repeat(8)}`;

/** DANE-EE of a public key, SHA-256 (RFC 7672 section 3.1.1); the second one vouches by an authority. */
export const tlsaSet = (count: 1 | 2): RRset => ({
  type: TYPE.TLSA,
  ttl: 3600,
  rdata: ['\x03', '\x02'].slice(0, count).map((usage) => `${usage}\x01\x01${'T'.repeat(32)}`),
});

export const nsSet = (hosts: readonly Wire[]): RRset => ({
  type: TYPE.NS,
  ttl: DAY_S,
  rdata: hosts,
});
export const keySets = (keys: Keys | undefined): readonly RRset[] =>
  keys ? [{ type: TYPE.DNSKEY, ttl: 3600, rdata: keys.dnskeys }] : [];

/** A chain of names in canonical order, the last of which leads back to the apex. */
export function linked(
  apex: Wire,
  names: readonly {
    readonly name: Wire;
    readonly labels: number;
    readonly types: readonly number[];
  }[],
): Neighbours {
  return {
    before: (name) => {
      const found =
        names.findLast((one) => one.name === name || isBefore(one.name, name)) ?? names[0];
      if (!found) throw new RangeError('a chain without names');
      return found;
    },
    after: (name) => names[names.findIndex((one) => one.name === name) + 1]?.name ?? apex,
  };
}

function isBefore(a: Wire, b: Wire): boolean {
  const [one, other] = [labelsUp(a), labelsUp(b)];
  for (const [i, text] of one.entries()) {
    const against = other[i];
    if (against === undefined) return false;
    if (text !== against) return text < against;
  }
  return one.length < other.length;
}

/** From the top; without length octets, which do not sort. */
function labelsUp(name: Wire): string[] {
  const labels: string[] = [];
  for (let at = name; at.length > 1; at = parentOf(at))
    labels.unshift(at.slice(1, 1 + at.charCodeAt(0)));
  return labels;
}
