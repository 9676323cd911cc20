/**
 * An internet in memory: the root, the top-level zones and the zones that a test describes, signed and delegated, with
 * name servers that answer, a clock without waiting, and a log of every exchange.
 *
 * Everything is right until it is amended. Does not: open sockets (loopback.ts does).
 * @module
 */
import { Name, ROOT } from '../dns/name.ts';
import { printRdata } from '../dns/presentation.ts';
import type { RR } from '../dns/rrset.ts';
import { printRecord } from '../dns/zone-file.ts';
import type {
  Delivery,
  ExchangeOptions,
  Random,
  ServerAddress,
  Transport,
} from '../environment.ts';
import { silence } from './amend-reply.ts';
import type { Amendment, ZonePlan } from './amendment.ts';
import { seededRandom, VirtualClock } from './clock.ts';
import type {
  Exchange,
  Internet,
  InternetOptions,
  Protocol,
  ServerReply,
  Zones,
} from './description.ts';
import { addressRecords, delegation, layOut, listensAt } from './layout.ts';
import { serve } from './serve.ts';
import { buildSite, type Host, planSite, type Site } from './site.ts';
import { readLines, type Zone } from './zone.ts';

/** 2026-07-01T00:00Z: any instant would do, as long as it is always the same. */
const BEGINNING = Date.UTC(2026, 6, 1);
const LATENCY_MS = 10;
const DAY = 86_400;
const DNS_PORT = 53;
/** From RFC 2544's block for benchmarks: no address of it is anybody's. */
const FORWARDER = '198.18.255.53';

/**
 * Builds an internet.
 *
 * @param zones  what to build; the root and the top-level zones need no mention
 * @throws RangeError for records, servers or zones that do not fit together, TypeError for names that are none
 * @example
 * const net = internet({ 'example.com': ['mail A 192.0.2.25'] }).amend('example.com', removeSignatures('A'));
 */
export function internet(zones: Zones, options: InternetOptions = {}): Internet {
  return new World(zones, options);
}

class World implements Internet {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly transport: Transport;
  readonly forwarder: ServerAddress = { ip: FORWARDER, port: DNS_PORT };
  readonly log: Exchange[] = [];
  readonly #sites: ReadonlyMap<string, Site>;
  readonly #start: number;
  readonly #latencyMs: number;
  readonly #forwarderAmendments: Amendment[] = [];
  readonly #plans = new Map<Site, ZonePlan>();
  readonly #zones = new Map<Site, Zone>();

  constructor(
    zones: Zones,
    { now = BEGINNING, latencyMs = LATENCY_MS, seed = 1 }: InternetOptions,
  ) {
    this.#start = now;
    this.#latencyMs = latencyMs;
    this.clock = new VirtualClock(now);
    this.random = seededRandom(seed);
    this.transport = { exchange: (to, query, how) => this.#exchange(to, query, how) };
    this.#sites = layOut(zones);
  }

  get hints(): string {
    const { hosts } = this.#site(ROOT);
    const records = hosts.flatMap((host) => [
      ...readLines([`. NS ${host.name}`], ROOT),
      ...addressRecords(host),
    ]);
    return print(records);
  }

  get anchors(): string {
    return this.anchorOf('.');
  }

  get servers(): readonly string[] {
    const all = [...this.#sites.values()].flatMap(({ hosts }) => hosts);
    return [...new Set([...all.flatMap(({ addresses }) => addresses), FORWARDER])];
  }

  amend(zone: string, ...amendments: readonly Amendment[]): Internet {
    this.#site(Name.parse(zone)).amendments.push(...amendments);
    this.#plans.clear();
    this.#zones.clear();
    return this;
  }

  amendForwarder(...amendments: readonly Amendment[]): Internet {
    this.#forwarderAmendments.push(...amendments);
    return this;
  }

  transcript(): string {
    const line = ({ at, server, over, zone, name, type, result }: Exchange): string =>
      `${String(at - this.#start).padStart(5)} ms ${over} ${server} ${zone ?? '-'}: ${name} ${type} -> ${result}`;
    return this.log.map(line).join('\n');
  }

  zoneText(zone: string): string {
    return print(this.#zone(this.#site(Name.parse(zone))).records);
  }

  anchorOf(zone: string): string {
    const name = Name.parse(zone);
    const { ds } = this.#plan(this.#site(name));
    return ds.map((rdata) => `${name} ${DAY} IN DS ${printRdata('DS', rdata)}\n`).join('');
  }

  answer(server: string, query: Uint8Array, over: Protocol): ServerReply {
    const isForwarder = server === FORWARDER;
    const here = [...this.#sites.values()].filter((site) => isForwarder || listensAt(site, server));
    const { reply, seen } = serve({
      query,
      server,
      over,
      role: isForwarder ? 'forwarder' : 'authoritative',
      zones: here.map((site) => this.#zone(site)),
      amendmentsOf: (zone) => [
        ...(here.length === 0 ? [silence()] : []), // nobody listens there
        ...(zone ? this.#site(zone).amendments : []),
        ...(isForwarder ? this.#forwarderAmendments : []),
      ],
    });
    if (seen) this.log.push({ at: this.clock.now(), server, over, ...seen });
    return { ...reply, delayMs: reply.delayMs + this.#latencyMs };
  }

  async #exchange(to: ServerAddress, query: Uint8Array, how: ExchangeOptions): Promise<Delivery> {
    const { over, timeoutMs, signal, accept } = how;
    const reply: ServerReply =
      to.port === DNS_PORT
        ? this.answer(to.ip, query, over)
        : { kind: 'unreachable', delayMs: this.#latencyMs };
    const waitMs = Math.min(reply.delayMs, timeoutMs);
    await this.clock.sleep(waitMs, signal);
    if (signal?.aborted || reply.delayMs >= timeoutMs) return { kind: 'timeout' };
    if (reply.kind === 'unreachable') return { kind: 'unreachable', code: 'ECONNREFUSED' };
    for (const bytes of reply.packets) if (accept(bytes)) return { kind: 'reply', bytes };
    await this.clock.sleep(timeoutMs - waitMs, signal);
    return { kind: 'timeout' };
  }

  #site(name: Name): Site {
    const site = this.#sites.get(name.key);
    if (!site) throw new RangeError(`this internet has no zone ${name}`);
    return site;
  }

  #zone(site: Site): Zone {
    const known = this.#zones.get(site);
    if (known) return known;
    const seconds = Math.floor(this.#start / 1000);
    const times = { inception: seconds - DAY, expiration: seconds + 30 * DAY };
    const built = buildSite(site, this.#plan(site), times);
    this.#zones.set(site, built);
    return built;
  }

  #plan(site: Site): ZonePlan {
    const known = this.#plans.get(site);
    if (known) return known;
    const children = this.#childrenOf(site);
    const around = [
      ...this.#hostsIn(site).flatMap(addressRecords),
      ...children.flatMap((child) => delegation(child, this.#plan(child))),
    ];
    const planned = planSite(site, around);
    this.#plans.set(site, planned);
    return planned;
  }

  /** The zones that this one delegates to. */
  #childrenOf(site: Site): readonly Site[] {
    return [...this.#sites.values()].filter(
      (child) => child.description.delegation !== 'none' && this.#above(child) === site,
    );
  }

  /** The name servers, of whatever zone, whose names belong to this one. */
  #hostsIn(site: Site): readonly Host[] {
    const all = [...this.#sites.values()].flatMap(({ hosts }) => hosts);
    const unique = [...new Map(all.map((host) => [host.name.key, host])).values()];
    return unique.filter(({ name }) => this.#around(name) === site);
  }

  #above(site: Site): Site | undefined {
    return site.name.isRoot ? undefined : this.#around(site.name.parent);
  }

  /** The deepest zone at or above the name. */
  #around(name: Name): Site | undefined {
    for (let labels = name.labels; labels >= 0; labels -= 1) {
      const site = this.#sites.get(name.ancestor(labels).key);
      if (site) return site;
    }
    return undefined;
  }
}

const print = (records: readonly RR[]): string =>
  records.map((record) => `${printRecord(record)}\n`).join('');
