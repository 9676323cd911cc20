/**
 * What domains and providers have: keys, the delegation that their parent shows, and a zone. Each of them is made when
 * somebody first asks for it.
 *
 * A domain is asked about some times within a second, and then perhaps never again: domains are kept in two generations,
 * the elder of which is dropped whole when the younger is full. Does not: say which server has what (internet.ts).
 * @module
 */
import { mix } from './dice.ts';
import { label, type Packet, TYPE, type Wire, wireOf } from './packet.ts';
import { hostsOf, nameOf, type Owner, type Population, type Provider } from './population.ts';
import { type Keys, makeKeys, type Times } from './signing.ts';
import { keySets, makeSite, nsSet, tlsaSet } from './site.ts';
import { type Delegation, mxRdata, type RRset, Speaker, soaSet, type Zone } from './zone.ts';

/** Domains of a generation: some times as many as there are deliveries under way. */
const GENERATION = 500;

/** What all of them are made from. */
export interface SiteParts {
  readonly population: Population;
  readonly seed: number;
  readonly packet: Packet;
  readonly times: Times;
}

export class Sites {
  readonly #parts: SiteParts;
  readonly #find: (apex: Wire) => Owner | undefined;
  readonly #providers = new Map<Wire, Site>();
  #young = new Map<Wire, Site>();
  #old = new Map<Wire, Site>();

  /** @param find  whose name it is; asked where nobody remembers */
  constructor(parts: SiteParts, find: (apex: Wire) => Owner | undefined) {
    this.#parts = parts;
    this.#find = find;
  }

  /** @param apex  the label below the top-level zone's, and that */
  at(apex: Wire): Site | undefined {
    const known = this.#young.get(apex) ?? this.#providers.get(apex);
    if (known) return known;
    const site = this.#old.get(apex) ?? this.#make(apex);
    if (!site) return undefined;
    if (site.owner.kind === 'provider') this.#providers.set(apex, site);
    else {
      if (this.#young.size >= GENERATION) [this.#old, this.#young] = [this.#young, new Map()];
      this.#young.set(apex, site);
    }
    return site;
  }

  /** What is forgotten is made anew, and the same. */
  forget(): void {
    for (const kept of [this.#providers, this.#young, this.#old]) kept.clear();
  }

  #make(apex: Wire): Site | undefined {
    const owner = this.#find(apex);
    return owner && new Site(this.#parts, owner, apex);
  }
}

/** One domain or provider. */
export class Site {
  readonly owner: Owner;
  readonly #parts: SiteParts;
  readonly #apex: Wire;
  #keys: Keys | undefined;
  #delegation: Delegation | undefined;
  #speaker: Speaker | undefined;

  constructor(parts: SiteParts, owner: Owner, apex: Wire) {
    this.#parts = parts;
    this.owner = owner;
    this.#apex = apex;
  }

  /** The voice of its zone. */
  get speaker(): Speaker {
    const { packet, times } = this.#parts;
    this.#speaker ??= new Speaker(packet, this.#makeZone(), times);
    return this.#speaker;
  }

  /** As its parent shows it. */
  get delegation(): Delegation {
    this.#delegation ??= this.#makeDelegation();
    return this.#delegation;
  }

  get #madeKeys(): Keys | undefined {
    const { kind, number, algorithm, isSplit } = this.owner;
    if (algorithm === 0) return undefined;
    const seed = mix(this.#parts.seed ^ (kind === 'provider' ? 0x70726f76 : 0), number);
    this.#keys ??= makeKeys({ apex: this.#apex, seed, algorithm, isSplit, dataSize: 'large' });
    return this.#keys;
  }

  #makeDelegation(): Delegation {
    const { owner } = this;
    const server = serverOf(owner);
    const hosts = this.#servers;
    // Glue lies within the zone that refers: RFC 9471 section 3 asks for no more.
    const hasGlue = server === 'self' || server.tld === owner.tld;
    return {
      name: this.#apex,
      labels: 2,
      ns: hosts,
      glue: hasGlue ? hosts.map((host, i) => [host, addressOf(owner, i)] as const) : [],
      ds: owner.hasDs ? this.#madeKeys?.ds : undefined,
    };
  }

  get #servers(): readonly Wire[] {
    const server = serverOf(this.owner);
    return nsOf(server === 'self' ? this.#apex : wireOf(nameOf(server)));
  }

  #makeZone(): Zone {
    const { owner } = this;
    const keys = this.#madeKeys;
    const isProvider = owner.kind === 'provider';
    const hosts = mailHostsOf(owner);
    return makeSite({
      apex: this.#apex,
      keys,
      denial: owner.denial,
      address: addressOf(owner, 0),
      top: [
        soaSet(this.#apex, 600),
        nsSet(this.#servers),
        ...(isProvider ? [] : [mxSet(hosts)]),
        ...keySets(keys),
      ],
      hosts: isProvider || owner.mail === 'own' ? hosts : [],
      tlsa: this.#mailTlsa(),
      alias: isProvider && (owner.tlsa === 'alias' || owner.number === 0),
      servers:
        isProvider || owner.dns === 'self'
          ? nsOf(this.#apex).map((host, i) => [host, addressOf(owner, i)] as const)
          : [],
    });
  }

  /** What stands at `_25._tcp` of each mail host. */
  #mailTlsa(): RRset | undefined {
    const { owner } = this;
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
        return alias(this.#parts.population.provider(0));
    }
  }
}

/** Of a domain, or those that a provider has for domains. */
function mailHostsOf(owner: Owner): readonly Wire[] {
  const isProvider = owner.kind === 'provider';
  const site = isProvider || owner.mail === 'own' ? owner : owner.mail;
  const base = wireOf(nameOf(site));
  const count = isProvider ? owner.hosts : hostsOf(owner);
  return Array.from({ length: count }, (_, i) => label(`mx${i + 1}`) + base);
}

const mxSet = (hosts: readonly Wire[]): RRset => ({
  type: TYPE.MX,
  ttl: 3600,
  rdata: hosts.map((host, i) => mxRdata(10 * (i + 1), host)),
});
const nsOf = (apex: Wire): readonly Wire[] => [`\x03ns1${apex}`, `\x03ns2${apex}`];

/** Whose name servers it has. */
const serverOf = (owner: Owner): 'self' | Provider =>
  owner.kind === 'provider' ? owner : owner.dns;

/** Of one of the servers of an owner's zone: its own, or those of its provider. */
function addressOf(owner: Owner, i: number): Wire {
  const server = serverOf(owner);
  if (server !== 'self')
    return String.fromCharCode(30 + i, server.number >> 8, server.number & 255, 1);
  const { number } = owner;
  return String.fromCharCode(20 + i, number >> 16, (number >> 8) & 255, number & 255);
}
