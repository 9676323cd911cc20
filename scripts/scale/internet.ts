/**
 * The model's internet: zones made when a question comes, and forgotten with the answer.
 *
 * Addresses say who listens: 198.18.0.x the root, 198.18.1.x top-level zones, 30.x and 31.x providers, 20.x and 21.x the
 * domains that have servers of their own. Does not: lose packets or take time (network.ts does).
 * @module
 */

import { mix } from './dice.ts';
import { label, Packet, readQuestion, TYPE, type Wire, wireOf } from './packet.ts';
import {
  type Domain,
  hostsOf,
  nameOf,
  type Population,
  type Provider,
  TLDS,
  type Tld,
} from './population.ts';
import { type Keys, makeKeys, type Times } from './signing.ts';
import { linked, makeSite, tlsaSet } from './site.ts';
import {
  type Delegation,
  mxRdata,
  type Neighbours,
  type Node,
  type RRset,
  Speaker,
  soaSet,
  type Zone,
} from './zone.ts';

const DAY_S = 86_400;
const ROOT_KEYS = { apex: '\0', seed: 1, algorithm: 8, isSplit: true, dataSize: 'large' } as const;
const ROOT_HOSTS = ['a', 'b'].map((letter) => wireOf(`${letter}.root-servers`));
const REFUSED = 5;
/** Zones of domains that are kept for a moment, some times as many as there are deliveries under way. */
const RECENT = 1000;

type Owner = Domain | Provider;

const TLD_BY_NAME = new Map(TLDS.map((tld) => [tld.name, tld]));

export class ModelInternet {
  readonly #population: Population;
  readonly #seed: number;
  readonly #times: Times;
  readonly #packet = new Packet();
  readonly #root: Zone;
  readonly #rootKeys: Keys = makeKeys(ROOT_KEYS);
  readonly #tldKeys = new Map<Tld, Keys>();
  readonly #tlds = new Map<string, Zone>();
  readonly #providers = new Map<Provider, Zone>();
  readonly #recent = new Map<number, Zone>();

  constructor(population: Population, seed: number, now: number) {
    this.#population = population;
    this.#seed = seed;
    const seconds = Math.floor(now / 1000);
    this.#times = { inception: seconds - DAY_S, expiration: seconds + 30 * DAY_S };
    for (const tld of TLDS) {
      const apex = wireOf(tld.name);
      if (tld.algorithm > 0) {
        const { algorithm } = tld;
        const plan = {
          apex,
          seed: 2 + tld.index,
          algorithm,
          isSplit: true,
          dataSize: 'small',
        } as const;
        this.#tldKeys.set(tld, makeKeys(plan));
      }
      this.#tlds.set(tld.name, this.#tldZone(tld, apex));
    }
    this.#root = this.#rootZone();
  }

  /** RDATA of the root's DS, for the trust anchor. */
  get anchor(): Wire {
    return this.#rootKeys.ds;
  }

  /** The reply of the server at `ip`. */
  answer(ip: string, query: Uint8Array): Uint8Array {
    const octets = Buffer.from(query.buffer, query.byteOffset, query.length);
    const { end, ...asked } = readQuestion(octets);
    this.#packet.begin(octets, asked, end);
    const zone = this.#zoneFor(ip, asked.name);
    if (zone) new Speaker(this.#packet, zone, this.#times).answer(asked);
    else this.#packet.rcode(REFUSED);
    return this.#packet.finish();
  }

  #zoneFor(ip: string, name: Wire): Zone | undefined {
    const [first = 0, second = 0, third = 0, fourth = 0] = ip.split('.').map(Number);
    if (ip.startsWith('198.18.0.')) return this.#root;
    if (ip.startsWith('198.18.1.')) return this.#tlds.get(TLDS[fourth >> 1]?.name ?? '');
    if (first === 20 || first === 21)
      return this.#domainZone(this.#population.domain((second << 16) | (third << 8) | fourth));
    const served = this.#population.provider((second << 8) | third);
    const owner = this.#ownerOf(name);
    if (served === undefined || owner === undefined) return undefined;
    if (owner.kind === 'provider') return owner === served ? this.#providerZone(owner) : undefined;
    return owner.dns === served ? this.#domainZone(owner) : undefined;
  }

  /** Whose name it is, by the label below the top-level zone. */
  #ownerOf(name: Wire): Owner | undefined {
    const labels = labelsOf(name);
    const [text, top] = [labels.at(-2) ?? '', labels.at(-1) ?? ''];
    const tld = TLD_BY_NAME.get(top);
    if (tld === undefined) return undefined;
    const domain = /^d(\d{7})$/.exec(text)?.[1];
    if (domain !== undefined) return this.#population.domainAt(tld, Number(domain));
    const provider = /^prov(\d{4})$/.exec(text)?.[1];
    const found = provider === undefined ? undefined : this.#population.provider(Number(provider));
    return found?.tld === tld ? found : undefined;
  }

  #rootZone(): Zone {
    const names = TLDS.map(({ name }) => wireOf(name));
    const apex: Node = {
      name: '\0',
      labels: 0,
      sets: [soaSet('\0', DAY_S), ns(ROOT_HOSTS), ...keySets(this.#rootKeys)],
    };
    const below = (name: Wire): Delegation | undefined => {
      const tld = TLD_BY_NAME.get(labelsOf(name).at(-1) ?? '');
      return tld && this.#delegationOfTld(tld);
    };
    return {
      apex: '\0',
      labels: 0,
      keys: this.#rootKeys,
      denial: 'nsec',
      optOut: false,
      negativeTtl: DAY_S,
      find: (name) => (name === '\0' ? apex : undefined),
      below,
      neighbours: linked('\0', [
        { name: '\0', labels: 0, types: apex.sets.map(({ type }) => type) },
        ...names.map((name, i) => ({
          name,
          labels: 1,
          types: (TLDS[i]?.algorithm ?? 0) > 0 ? [TYPE.NS, TYPE.DS] : [TYPE.NS],
        })),
      ]),
    };
  }

  #delegationOfTld(tld: Tld): Delegation {
    const hosts = tldHosts(tld);
    return {
      name: wireOf(tld.name),
      labels: 1,
      ns: hosts,
      glue: hosts.map((host, i) => [host, tldAddress(tld, i)] as const),
      ds: this.#tldKeys.get(tld)?.ds,
    };
  }

  #tldZone(tld: Tld, apex: Wire): Zone {
    const keys = this.#tldKeys.get(tld);
    const hosts = tldHosts(tld);
    const top: Node = {
      name: apex,
      labels: 1,
      sets: [soaSet(apex, 900), ns(hosts), ...keySets(keys)],
    };
    const nodes: readonly Node[] = [
      top,
      { name: label('nic') + apex, labels: 2, sets: [] },
      ...hosts.map((name, i) => ({
        name,
        labels: 3,
        sets: [{ type: TYPE.A, ttl: 172_800, rdata: [tldAddress(tld, i)] }],
      })),
    ];
    return {
      apex,
      labels: 1,
      keys,
      denial: tld.denial,
      optOut: tld.optOut,
      negativeTtl: 900,
      find: (name) => nodes.find((node) => node.name === name),
      below: (name) => {
        const owner = this.#ownerOf(name);
        return owner && this.#delegation(owner);
      },
      neighbours: this.#tldNeighbours(tld, apex, hosts),
    };
  }

  /** The domains by number, then the zone's own hosts, then the providers: in canonical order as they are named. */
  #tldNeighbours(tld: Tld, apex: Wire, hosts: readonly Wire[]): Neighbours {
    const providers: Provider[] = [];
    for (let i = 0, one = this.#population.provider(0); one; one = this.#population.provider(++i))
      if (one.tld === tld) providers.push(one);
    const typesOf = ({ hasDs }: Owner): number[] => (hasDs ? [TYPE.NS, TYPE.DS] : [TYPE.NS]);
    const rest = linked(apex, [
      ...hosts.map((name) => ({ name, labels: 3, types: [TYPE.A] })),
      ...providers.map((one) => ({ name: wireOf(nameOf(one)), labels: 2, types: typesOf(one) })),
    ]);
    const at = (place: number): Domain | undefined => this.#population.domainAt(tld, place);
    const placeOf = (name: Wire): number => {
      const digits = /^d(\d{7})/.exec(labelsOf(name).at(-2) ?? '')?.[1];
      return digits === undefined ? -1 : Number(digits);
    };
    const first = at(0);
    const top = { name: apex, labels: 1, types: [TYPE.NS, TYPE.SOA, TYPE.DNSKEY] };
    return {
      before: (name) => {
        const domain = at(placeOf(name));
        if (domain) return { name: wireOf(nameOf(domain)), labels: 2, types: typesOf(domain) };
        return labelsOf(name).at(-2) === '*' ? top : rest.before(name);
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

  #delegation(owner: Owner): Delegation {
    const name = wireOf(nameOf(owner));
    const server = owner.kind === 'provider' ? owner : owner.dns;
    const hosts = server === 'self' ? nsOf(name) : nsOf(wireOf(nameOf(server)));
    // Glue lies within the zone that refers: RFC 9471 section 3 asks for no more.
    const hasGlue = server === 'self' || server.tld === owner.tld;
    return {
      name,
      labels: 2,
      ns: hosts,
      glue: hasGlue ? hosts.map((host, i) => [host, addressOf(owner, i)] as const) : [],
      ds: owner.hasDs ? this.#keysOf(owner, name)?.ds : undefined,
    };
  }

  #keysOf({ kind, number, algorithm, isSplit }: Owner, apex: Wire): Keys | undefined {
    if (algorithm === 0) return undefined;
    const seed = mix(this.#seed ^ (kind === 'provider' ? 0x70726f76 : 0), number);
    return makeKeys({ apex, seed, algorithm, isSplit, dataSize: 'large' });
  }

  #providerZone(provider: Provider): Zone {
    const known = this.#providers.get(provider);
    if (known) return known;
    const zone = this.#siteZone(provider);
    this.#providers.set(provider, zone);
    return zone;
  }

  /** Kept while its questions come: five or so, one soon after the other. */
  #domainZone(domain: Domain): Zone {
    const known = this.#recent.get(domain.number);
    if (known) return known;
    if (this.#recent.size >= RECENT) this.#recent.clear();
    const zone = this.#siteZone(domain);
    this.#recent.set(domain.number, zone);
    return zone;
  }

  #siteZone(owner: Owner): Zone {
    const apex = wireOf(nameOf(owner));
    const keys = this.#keysOf(owner, apex);
    const mail = owner.kind === 'provider' ? 'none' : owner.mail;
    const isOwn = owner.kind === 'provider' || mail === 'own';
    const base = wireOf(nameOf(mail === 'own' || mail === 'none' ? owner : mail));
    const count = owner.kind === 'provider' ? owner.hosts : hostsOf(owner);
    const server = owner.kind === 'provider' ? owner : owner.dns;
    const hosts = Array.from({ length: count }, (_, i) => label(`mx${i + 1}`) + base);
    const address = addressOf(owner, 0);
    const mx: RRset[] =
      mail === 'none'
        ? []
        : [
            {
              type: TYPE.MX,
              ttl: 3600,
              rdata: hosts.map((host, i) => mxRdata(10 * (i + 1), host)),
            },
          ];
    return makeSite({
      apex,
      keys,
      denial: owner.denial,
      address,
      top: [
        soaSet(apex, 600),
        ns(server === 'self' ? nsOf(apex) : nsOf(wireOf(nameOf(server)))),
        ...mx,
        ...keySets(keys),
      ],
      hosts: isOwn ? hosts : [],
      tlsa: this.#tlsaOf(owner),
      alias: owner.kind === 'provider' && (owner.tlsa === 'alias' || owner.number === 0),
      servers:
        server === 'self' || owner.kind === 'provider'
          ? nsOf(apex).map((host, i) => [host, addressOf(owner, i)] as const)
          : [],
    });
  }

  /** What stands at `_25._tcp` of each mail host. */
  #tlsaOf(owner: Owner): RRset | undefined {
    if (owner.kind === 'domain') return owner.hasTlsa ? tlsaSet(1) : undefined;
    const alias = (host: Owner | undefined): RRset | undefined =>
      host && { type: TYPE.CNAME, ttl: 3600, rdata: [label('_dane') + wireOf(nameOf(host))] };
    switch (owner.tlsa) {
      case 'none':
        return undefined;
      case 'own':
        return tlsaSet(2);
      case 'alias':
        return alias(owner);
      case 'alias-elsewhere':
        return alias(this.#population.provider(0));
    }
  }
}

const ns = (hosts: readonly Wire[]): RRset => ({ type: TYPE.NS, ttl: DAY_S, rdata: hosts });
const keySets = (keys: Keys | undefined): readonly RRset[] =>
  keys ? [{ type: TYPE.DNSKEY, ttl: 3600, rdata: keys.dnskeys }] : [];
const nsOf = (apex: Wire): readonly Wire[] => ['ns1', 'ns2'].map((host) => label(host) + apex);
const tldHosts = ({ name }: Tld): readonly Wire[] =>
  ['ns1', 'ns2'].map((host) => wireOf(`${host}.nic.${name}`));
const tldAddress = ({ index }: Tld, i: number): Wire =>
  String.fromCharCode(198, 18, 1, index * 2 + i);

/** Of one of the servers of an owner's zone: its own, or those of its provider. */
function addressOf(owner: Owner, i: number): Wire {
  const server = owner.kind === 'provider' ? owner : owner.dns;
  if (server !== 'self')
    return String.fromCharCode(30 + i, server.number >> 8, server.number & 255, 1);
  const { number } = owner;
  return String.fromCharCode(20 + i, number >> 16, (number >> 8) & 255, number & 255);
}

function labelsOf(name: Wire): string[] {
  const labels: string[] = [];
  for (let at = 0; at < name.length - 1; ) {
    const length = name.charCodeAt(at);
    labels.push(name.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return labels;
}
