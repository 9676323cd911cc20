/**
 * The model's internet: which server has which zone.
 *
 * Addresses say who listens: 198.18.0.x the root, 198.18.1.x top-level zones, 30.x and 31.x providers, 20.x and 21.x the
 * domains that have servers of their own. Does not: lose packets or take time (network.ts does).
 * @module
 */
import { Packet, readQuestion, type Wire } from './packet.ts';
import type { Owner, Population } from './population.ts';
import { type Keys, makeKeys, type Times } from './signing.ts';
import { type Site, Sites } from './sites.ts';
import { lastLabels, makeTops, rootZone, type Tops } from './tops.ts';
import { DAY_S, parentOf, Speaker } from './zone.ts';

const ROOT_KEYS = { apex: '\0', seed: 1, algorithm: 8, isSplit: true, dataSize: 'large' } as const;
const REFUSED = 5;
/** The first three octets of servers' addresses. */
const ROOT_NET = 0xc6_12_00;
const TLD_NET = 0xc6_12_01;
/** The first octet of providers' addresses; that of domains is less. */
const PROVIDERS_FROM = 30;

export class ModelInternet {
  readonly #population: Population;
  readonly #packet = new Packet();
  readonly #rootKeys: Keys = makeKeys(ROOT_KEYS);
  readonly #tops: Tops;
  readonly #sites: Sites;
  readonly #root: Speaker;
  /** Of the top-level zones, by index. */
  readonly #topSpeakers: readonly Speaker[];

  constructor(population: Population, seed: number, now: number) {
    this.#population = population;
    const seconds = Math.floor(now / 1000);
    const times: Times = { inception: seconds - DAY_S, expiration: seconds + 30 * DAY_S };
    const packet = this.#packet;
    this.#tops = makeTops(population, (name) => this.#siteOf(name)?.delegation);
    this.#sites = new Sites({ population, seed, packet, times }, (apex) => this.#ownerOf(apex));
    this.#root = new Speaker(packet, rootZone(this.#rootKeys, this.#tops), times);
    this.#topSpeakers = [...this.#tops.values()].map(
      ({ zone }) => new Speaker(packet, zone, times),
    );
  }

  /** RDATA of the root's DS, for the trust anchor. */
  get anchor(): Wire {
    return this.#rootKeys.ds;
  }

  /** The reply of the server at `ip`. */
  answer(ip: string, query: Uint8Array): Uint8Array {
    const octets = Buffer.from(query.buffer, query.byteOffset, query.length);
    const asked = readQuestion(octets);
    this.#packet.begin(octets, asked);
    const speaker = this.#speakerFor(octetsOf(ip), asked.name);
    if (speaker) speaker.answer(asked);
    else this.#packet.rcode(REFUSED);
    return this.#packet.finish();
  }

  /** All zones that were made on the way: they would be made again, and the same. */
  forget(): void {
    this.#sites.forget();
  }

  #speakerFor(ip: number, name: Wire): Speaker | undefined {
    if (ip >>> 8 === ROOT_NET) return this.#root;
    if (ip >>> 8 === TLD_NET) return this.#topSpeakers[(ip & 0xff) >> 1];
    const site = this.#siteOf(name);
    if (!site) return undefined;
    const { owner } = site;
    const server = owner.kind === 'provider' ? owner : owner.dns;
    const isServer =
      ip >>> 24 < PROVIDERS_FROM
        ? server === 'self' && owner.number === (ip & 0xff_ffff)
        : server === this.#population.provider((ip >>> 8) & 0xffff);
    return isServer ? site.speaker : undefined;
  }

  #siteOf(name: Wire): Site | undefined {
    return this.#sites.at(lastLabels(name, 2));
  }

  /** Whose name it is, by the label below the top-level zone. */
  #ownerOf(apex: Wire): Owner | undefined {
    const tld = this.#tops.get(parentOf(apex))?.tld;
    if (!tld) return undefined;
    const text = apex.slice(1, 1 + apex.charCodeAt(0));
    const domain = /^d(\d{7})$/.exec(text)?.[1];
    if (domain !== undefined) return this.#population.domainAt(tld, Number(domain));
    const provider = /^prov(\d{4})$/.exec(text)?.[1];
    const found = provider === undefined ? undefined : this.#population.provider(Number(provider));
    return found?.tld === tld ? found : undefined;
  }
}

/** Four octets of text, as one number. */
function octetsOf(ip: string): number {
  let [all, octet] = [0, 0];
  for (let i = 0; i < ip.length; i += 1) {
    const code = ip.charCodeAt(i);
    if (code === DOT) [all, octet] = [(all << 8) | octet, 0];
    else octet = 10 * octet + code - ZERO;
  }
  return ((all << 8) | octet) >>> 0;
}

const DOT = 0x2e;
const ZERO = 0x30;
