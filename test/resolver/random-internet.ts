// A small internet made from a seed, and the truth about it: what each question must come to, read from its zones.
import type { RRType } from '../../src/dns/codes.ts';
import { Name, ROOT } from '../../src/dns/name.ts';
import { decode } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import {
  type Internet,
  internet,
  type Signing,
  seededRandom,
  type ZoneDescription,
} from '../../src/testing/index.ts';
import { type Node, readLines, Zone } from '../../src/testing/zone.ts';

/** Draws from one seed. */
export class Dice {
  readonly #bytes: (length: number) => Uint8Array;

  constructor(seed: number) {
    this.#bytes = seededRandom(seed).bytes;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    const [a = 0, b = 0, c = 0] = this.#bytes(3);
    return ((a << 16) | (b << 8) | c) % end;
  }

  chance(probability: number): boolean {
    return this.below(10_000) < probability * 10_000;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new RangeError('choices: nothing to pick from');
    return choice;
  }
}

/** What the zones say to a question, alone. */
export type Truth =
  | { readonly kind: 'records'; readonly rdata: readonly string[] }
  | { readonly kind: 'alias'; readonly target: Name }
  | { readonly kind: 'nodata' }
  | { readonly kind: 'nxdomain' };

export interface Place {
  readonly truth: Truth;
  /** `open`: signed, but the answer rests on an opt-out span, which proves no more than an unsigned zone. */
  readonly safety: 'secure' | 'insecure' | 'open';
}

export interface Scene {
  readonly net: Internet;
  readonly zones: Readonly<Record<string, ZoneDescription>>;
  readonly truthOf: (name: Name, type: RRType) => Place;
  readonly questions: readonly (readonly [name: Name, type: RRType])[];
  /** Every record of every zone, as its servers send it. */
  readonly records: readonly RR[];
}

const PLACES = [
  'example.com',
  'sub.example.com',
  'deep.sub.example.com',
  'other.com',
  'plain.net',
  'in.plain.net',
  'host.net',
];

export function randomScene(seed: number): Scene {
  const dice = new Dice(seed);
  address = 0;
  const names = PLACES.filter(() => dice.chance(0.6));
  if (names.length === 0) names.push('example.com');
  const zones: Record<string, ZoneDescription> = {};
  for (const top of ['com', 'net'])
    zones[top] = { signing: randomSigning(dice, 0.1), servers: randomServers(dice, top, []) };
  for (const [i, name] of names.entries()) {
    const before = [...names.slice(0, i), ...(dice.chance(0.2) ? ['com'] : [])];
    zones[name] = {
      records: randomRecords(dice, name, names),
      signing: randomSigning(dice, name.startsWith('plain') ? 0.8 : 0.2),
      servers: randomServers(dice, name, before),
      delegation: dice.chance(0.1) ? 'without-ds' : 'with-ds',
    };
  }
  const net = internet(zones, { seed });
  const loaded = loadZones(net, [...Object.keys(zones), '.']);
  return {
    net,
    zones,
    truthOf: (name, type) => truthOf(loaded, zones, name, type),
    questions: makeQuestions(names),
    records: [...loaded.values()].flatMap(({ records }) => records),
  };
}

function randomSigning(dice: Dice, unsigned: number): Signing | 'unsigned' {
  if (dice.chance(unsigned)) return 'unsigned';
  const denial = dice.pick(['nsec', 'nsec', 'nsec3', { spans: 'optOut' }] as const);
  return { denial, keys: dice.pick(['csk', 'ksk-zsk'] as const) };
}

let address = 0;
function randomServers(
  dice: Dice,
  zone: string,
  others: readonly string[],
): Exclude<ZoneDescription['servers'], undefined> {
  const free = (): string => `198.19.${(address >> 8) & 255}.${address++ & 255}`;
  if (others.length > 0 && dice.chance(0.35)) return dice.pick(others);
  // A host that no glue tells: its zone may be unsigned.
  if (others.length > 0 && dice.chance(0.2))
    return { [`ns-${zone.split('.')[0]}.${dice.pick(others)}`]: free() };
  return dice.chance(0.5)
    ? { [`ns.${zone}`]: free() }
    : { [`ns1.${zone}`]: free(), [`ns2.${zone}`]: free() };
}

const randomRecords = (dice: Dice, zone: string, zones: readonly string[]): string[] =>
  [
    '@ MX 10 mx',
    `@ MX 20 mx.${dice.pick(zones)}.`,
    '@ TXT "apex"',
    'www A 192.0.2.1',
    'www AAAA 2001:db8::1',
    'a.b.c A 192.0.2.2',
    'mx A 192.0.2.25',
    '_25._tcp.mx TLSA 3 1 1 00ff',
    'alias CNAME www',
    `out CNAME www.${dice.pick(zones)}.`,
    `*.wild A 192.0.2.${zone.length}`,
    `*.far CNAME www.${dice.pick(zones)}.`,
    'nowhere CNAME nothing',
    `tree DNAME ${dice.pick(zones)}.`,
  ].filter(() => dice.chance(0.7));

const LABELS = [
  '',
  'www.',
  'mx.',
  'alias.',
  'out.',
  'x.wild.',
  'y.x.far.',
  'www.tree.',
  'b.c.',
  'no.',
  'a.no.',
  'nowhere.',
  '_25._tcp.mx.',
  '*.wild.',
];
const TYPES: readonly RRType[] = ['A', 'A', 'AAAA', 'MX', 'TXT', 'TLSA', 'DS', 'CNAME', 'DNSKEY'];

const makeQuestions = (zones: readonly string[]): readonly (readonly [Name, RRType])[] =>
  [...zones, ...PLACES.slice(0, 2), 'com'].flatMap((zone) =>
    LABELS.flatMap((label) => TYPES.map((type) => [Name.parse(`${label}${zone}`), type] as const)),
  );

type Loaded = ReadonlyMap<string, Zone>;

const loadZones = (net: Internet, names: readonly string[]): Loaded =>
  new Map(
    names.map((text) => {
      const name = text === '.' ? ROOT : Name.parse(text);
      return [name.key, new Zone(name, readLines(net.zoneText(text).split('\n'), ROOT))];
    }),
  );

/** The lowest zone that answers for the name. The DS of a zone is its parent's. */
function zoneAbove(loaded: Loaded, name: Name, type: RRType): Zone {
  const from =
    type === 'DS' && !name.isRoot && loaded.has(name.key) ? name.labels - 1 : name.labels;
  for (let labels = from; labels >= 0; labels -= 1) {
    const zone = loaded.get(name.ancestor(labels).key);
    if (zone) return zone;
  }
  throw new RangeError('there is no root');
}

function truthOf(
  loaded: Loaded,
  described: Readonly<Record<string, ZoneDescription>>,
  name: Name,
  type: RRType,
): Place {
  const zone = zoneAbove(loaded, name, type);
  const { signing } = described[zone.name.toString().replace(/\.$/, '')] ?? {};
  const optOut =
    signing !== undefined &&
    signing !== 'unsigned' &&
    typeof signing.denial === 'object' &&
    signing.denial.spans === 'optOut';
  const { truth, from } = search(zone, name, type);
  const isSecure = isSigned(loaded, described, zone.name);
  const isOpen = optOut && from === 'span';
  return { truth, safety: !isSecure ? 'insecure' : isOpen ? 'open' : 'secure' };
}

function isSigned(
  loaded: Loaded,
  described: Readonly<Record<string, ZoneDescription>>,
  zone: Name,
): boolean {
  for (let labels = 1; labels <= zone.labels; labels += 1) {
    const at = zone.ancestor(labels);
    if (!loaded.has(at.key)) continue;
    const { signing, delegation } = described[at.toString().replace(/\.$/, '')] ?? {};
    if (signing === 'unsigned' || delegation === 'without-ds') return false;
  }
  return true;
}

/** `span`: the proof needs an NSEC3 that covers the name. */
function search(zone: Zone, name: Name, type: RRType): { truth: Truth; from: 'match' | 'span' } {
  const found = zone.find(name, type);
  switch (found.kind) {
    case 'node':
      return { truth: read(found.node, type), from: hasDenial(zone, found.node, type) };
    case 'cut':
      throw new RangeError(`${name} is not served by ${zone.name}`);
    case 'dname': {
      const [record] = found.node.sets.get('DNAME')?.records ?? [];
      const target =
        record && name.replaceSuffix(found.node.name, decode('DNAME', record.rdata).target);
      if (!target) throw new RangeError('a DNAME that leads nowhere');
      return { truth: { kind: 'alias', target }, from: 'match' };
    }
    case 'missing': {
      const { wildcard } = found;
      return { truth: wildcard ? read(wildcard, type) : { kind: 'nxdomain' }, from: 'span' };
    }
  }
}

/** An empty non-terminal, or an unsigned delegation, in an opt-out zone may have no NSEC3 of its own. */
function hasDenial(zone: Zone, node: Node, type: RRType): 'match' | 'span' {
  if (node.sets.has(type) || node.sets.has('CNAME')) return 'match';
  return zone.denial === 'nsec3' && !zone.nsec3At(node.name) ? 'span' : 'match';
}

function read({ sets }: Node, type: RRType): Truth {
  const alias = type === 'CNAME' ? undefined : sets.get('CNAME')?.records[0];
  if (alias) return { kind: 'alias', target: decode('CNAME', alias.rdata).target };
  const set = sets.get(type);
  return set ? { kind: 'records', rdata: set.records.map(octetsOf).sort() } : { kind: 'nodata' };
}

/** RDATA as text, so that sets can be compared. Names in these zones are lower case. */
export const octetsOf = ({ rdata }: Pick<RR, 'rdata'>): string =>
  Buffer.from(rdata).toString('hex');
