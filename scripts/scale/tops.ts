/**
 * The root zone and the top-level zones of the model. They are made once and kept.
 *
 * Does not: know what lies below a top-level zone beyond its names (sites.ts).
 * @module
 */
import { label, TYPE, type Wire, wireOf } from './packet.ts';
import {
  type Domain,
  nameOf,
  type Owner,
  type Population,
  type Provider,
  TLDS,
  type Tld,
} from './population.ts';
import { type Keys, makeKeys } from './signing.ts';
import { keySets, linked, nsSet } from './site.ts';
import { DAY_S, type Delegation, type Neighbours, type Node, soaSet, type Zone } from './zone.ts';

const ROOT_HOSTS = ['a', 'b'].map((letter) => wireOf(`${letter}.root-servers`));

/** A top-level zone. */
export interface Top {
  readonly tld: Tld;
  readonly delegation: Delegation;
  readonly zone: Zone;
}

/** By the last label of a name, as a name in wire octets. */
export type Tops = ReadonlyMap<Wire, Top>;

/** @param below  the delegation at or above a name within one of them */
export function makeTops(population: Population, below: Zone['below']): Tops {
  return new Map(TLDS.map((tld) => [wireOf(tld.name), topOf(tld, population, below)]));
}

export function rootZone(keys: Keys, tops: Tops): Zone {
  const apex: Node = {
    name: '\0',
    labels: 0,
    sets: [soaSet('\0', DAY_S), nsSet(ROOT_HOSTS), ...keySets(keys)],
  };
  return {
    apex: '\0',
    labels: 0,
    keys,
    denial: 'nsec',
    optOut: false,
    negativeTtl: DAY_S,
    find: (name) => (name === '\0' ? apex : undefined),
    below: (name) => tops.get(lastLabels(name, 1))?.delegation,
    neighbours: linked('\0', [
      { name: '\0', labels: 0, types: apex.sets.map(({ type }) => type) },
      ...[...tops.values()].map(({ delegation: { name, ds } }) => ({
        name,
        labels: 1,
        types: ds === undefined ? [TYPE.NS] : [TYPE.NS, TYPE.DS],
      })),
    ]),
  };
}

function topOf(tld: Tld, population: Population, below: Zone['below']): Top {
  const apex = wireOf(tld.name);
  const { algorithm } = tld;
  const plan = { apex, seed: 2 + tld.index, algorithm, isSplit: true, dataSize: 'small' } as const;
  const keys = algorithm > 0 ? makeKeys(plan) : undefined;
  const hosts = ['ns1', 'ns2'].map((host) => wireOf(`${host}.nic.${tld.name}`));
  const glue = hosts.map((host, i) => [host, addressOf(tld, i)] as const);
  const nodes: readonly Node[] = [
    { name: apex, labels: 1, sets: [soaSet(apex, 900), nsSet(hosts), ...keySets(keys)] },
    { name: label('nic') + apex, labels: 2, sets: [] },
    ...glue.map(([name, address]) => ({
      name,
      labels: 3,
      sets: [{ type: TYPE.A, ttl: 172_800, rdata: [address] }],
    })),
  ];
  return {
    tld,
    delegation: { name: apex, labels: 1, ns: hosts, glue, ds: keys?.ds },
    zone: {
      apex,
      labels: 1,
      keys,
      denial: tld.denial,
      optOut: tld.optOut,
      negativeTtl: 900,
      find: (name) => nodes.find((node) => node.name === name),
      below,
      neighbours: neighboursIn(tld, population, hosts),
    },
  };
}

/** The domains by number, then the zone's own hosts, then the providers: in canonical order as they are named. */
function neighboursIn(tld: Tld, population: Population, hosts: readonly Wire[]): Neighbours {
  const apex = wireOf(tld.name);
  const rest = linked(apex, [
    ...hosts.map((name) => ({ name, labels: 3, types: [TYPE.A] })),
    ...providersIn(tld, population).map((one) => ({
      name: wireOf(nameOf(one)),
      labels: 2,
      types: typesOf(one),
    })),
  ]);
  const at = (place: number): Domain | undefined => population.domainAt(tld, place);
  const first = at(0);
  const top = { name: apex, labels: 1, types: [TYPE.NS, TYPE.SOA, TYPE.DNSKEY] };
  return {
    before: (name) => {
      const domain = at(placeOf(name));
      if (domain) return { name: wireOf(nameOf(domain)), labels: 2, types: typesOf(domain) };
      return lastLabels(name, 2).startsWith('\x01*') ? top : rest.before(name);
    },
    after: (name) => {
      if (name === apex) return first ? wireOf(nameOf(first)) : (hosts[0] ?? apex);
      const place = placeOf(name);
      if (place < 0) return rest.after(name);
      const next = at(place + 1);
      return next ? wireOf(nameOf(next)) : (hosts[0] ?? apex);
    },
  };
}

function providersIn(tld: Tld, population: Population): readonly Provider[] {
  const providers: Provider[] = [];
  for (let i = 0, one = population.provider(0); one; one = population.provider(++i))
    if (one.tld === tld) providers.push(one);
  return providers;
}

const typesOf = ({ hasDs }: Owner): number[] => (hasDs ? [TYPE.NS, TYPE.DS] : [TYPE.NS]);

/** The number within its top-level zone of the domain that the name is, or would follow; -1 where it is named otherwise. */
function placeOf(name: Wire): number {
  const digits = /^.d(\d{7})/s.exec(lastLabels(name, 2))?.[1];
  return digits === undefined ? -1 : Number(digits);
}

const addressOf = ({ index }: Tld, i: number): Wire =>
  String.fromCharCode(198, 18, 1, index * 2 + i);

/** The end of a name; all of it where it has no more labels. */
export function lastLabels(name: Wire, count: 1 | 2): Wire {
  let [last, before] = [0, 0];
  for (let at = 0; at < name.length - 1; at += 1 + name.charCodeAt(at)) [before, last] = [last, at];
  return name.slice(count === 1 ? last : before);
}
