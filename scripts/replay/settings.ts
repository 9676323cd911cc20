/**
 * What the configuration of a scenario means for Danelaw: options of the resolver, the clock, and what is lacking.
 *
 * Old algorithms and the time of validation are arguments of the test here; the resolver's defaults know nothing of them.
 * @module
 */
import { Name } from '../../src/dns/name.ts';
import { parseZone } from '../../src/dns/zone-file.ts';
import {
  type AlgorithmTable,
  DEFAULT_ALGORITHMS,
  SHA1_ALGORITHMS,
} from '../../src/dnssec/algorithms.ts';
import { type Anchors, anchorsFrom } from '../../src/dnssec/anchors.ts';
import { DEFAULT_NSEC3_ITERATIONS, defaultPolicy, type Policy } from '../../src/dnssec/context.ts';
import type { Engine } from '../../src/dnssec/engine.ts';
import { NEGATIVE_ANCHOR_LONGEST_MS, NegativeAnchors } from '../../src/dnssec/negative-anchors.ts';
import type { ServerAddress } from '../../src/environment.ts';
import { LONGEST_TTL, type LongestTtl } from '../../src/resolver/ageing.ts';
import type { ConfiguredZone, ResolverOptions } from '../../src/resolver/resolver.ts';
import { STALE_TERMS } from '../../src/resolver/stale-terms.ts';
import type { Nameserver } from '../../src/resolver/zone.ts';
import type { AnswerOptions } from '../../src/server/answer.ts';
import { groupBy } from './group.ts';
import { FormatProblem } from './lines.ts';
import type { Scenario, Setting } from './scenario.ts';

/** What the suite says of a scenario, beside the file. */
export interface Circumstances {
  readonly engine: Engine;
  /** Words of the manifest. */
  readonly features: readonly string[];
  /** The NSEC3 limit where the scenario sets none: the two replay sets were written for 150. */
  readonly nsec3Iterations: number;
}

export interface Setup {
  readonly options: Omit<ResolverOptions, 'environment'>;
  readonly answerOptions: AnswerOptions;
  readonly anchors: Anchors;
  /** Where the simulated clock begins, milliseconds since 1970. */
  readonly startMs: number;
  /** `shown-elsewhere`: glue that leads to this machine shows other addresses, which lead to the same servers. */
  readonly localhost: 'as-it-is' | 'shown-elsewhere';
}

/** NORR_TTL, which no option of Unbound changes. */
const UNBOUND_RECHECK_MS = 5_000;

/** RSA with SHA-1, and the keys of 512 bits that scenarios of 2006 were signed with. */
const LEGACY: AlgorithmTable = { ...SHA1_ALGORITHMS, rsaMinimumBits: 512 };

/** @throws FormatProblem for a value that cannot be read */
export function setUp(scenario: Scenario, circumstances: Circumstances): Setup {
  const settings = new Settings(scenario);
  const startMs = scenario.dialect === 'deckard' ? (settings.validationTime() ?? Date.now()) : 0;
  const anchors = settings.anchors();
  return {
    startMs,
    anchors,
    options: {
      policy: policyOf(scenario, settings, circumstances),
      anchors,
      negativeAnchors: settings.negativeAnchors(startMs),
      minimisation: settings.minimisation(),
      families: settings.families(),
      longestTtl: settings.longestTtl(),
      leastTtl: settings.leastTtl(),
      ...settings.serveStale(),
      reportErrors: settings.reportErrors(),
      ...settings.servers(),
    },
    localhost: settings.allowsLocalhost() ? 'shown-elsewhere' : 'as-it-is',
    answerOptions: { withoutRecursion: settings.withoutRecursion() },
  };
}

function policyOf(scenario: Scenario, settings: Settings, circumstances: Circumstances): Policy {
  const { engine, features, nsec3Iterations } = circumstances;
  const time = settings.validationTime();
  const isOld = features.includes('legacy-rsasha1');
  return {
    ...defaultPolicy(engine),
    algorithms: isOld ? LEGACY : DEFAULT_ALGORITHMS,
    nsec3Iterations: settings.nsec3Iterations() ?? nsec3Iterations,
    signatureTimes: settings.ignoresTimes() ? 'ignored' : 'checked',
    ...(scenario.dialect === 'unbound' && time !== undefined && { validationTime: time }),
  };
}

export { DEFAULT_NSEC3_ITERATIONS };

class Settings {
  readonly #scenario: Scenario;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  #all(key: string): readonly Setting[] {
    return this.#scenario.settings.filter((setting) => setting.key === key);
  }

  /** The last one counts. */
  #one(key: string): Setting | undefined {
    return this.#all(key).at(-1);
  }

  #isOff(key: string): boolean {
    return ['no', 'off'].includes(this.#one(key)?.value ?? '');
  }

  ignoresTimes(): boolean {
    return this.#one('val-override-date')?.value === '-1';
  }

  /** Milliseconds since 1970. */
  validationTime(): number | undefined {
    const seconds = this.#one('val-override-timestamp');
    if (seconds) return Number(seconds.value) * 1000;
    const date = this.#one('val-override-date');
    if (!date || date.value === '-1') return undefined;
    const [, year, month, day, hour, minute, second] =
      /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(date.value) ?? [];
    const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    if (Number.isNaN(ms)) throw new FormatProblem(date.line, `"${date.value}" is no date`);
    return ms;
  }

  nsec3Iterations(): number | undefined {
    // "1024 150 2048 500 4096 2500": limits by key size; the first counts.
    const limits = this.#one('val-nsec3-keysize-iterations')?.value.split(/\s+/).map(Number);
    return limits?.[1];
  }

  anchors(): Anchors {
    return anchorsFrom(
      this.#all('trust-anchor').flatMap(({ line, value }) => {
        const file = parseZone(value, undefined, 0);
        if (file.kind === 'records') return file.records;
        throw new FormatProblem(line, file.errors[0]?.message ?? 'no record');
      }),
    );
  }

  negativeAnchors(now: number): NegativeAnchors {
    const list = new NegativeAnchors();
    const terms = { reason: 'the scenario says so', now, lifetimeMs: NEGATIVE_ANCHOR_LONGEST_MS };
    for (const { value } of this.#all('domain-insecure')) list.add(Name.parse(value), terms);
    return list;
  }

  minimisation(): 'on' | 'off' {
    return this.#isOff('qname-minimisation') || this.#isOff('query-minimization') ? 'off' : 'on';
  }

  families(): 'both' | 'ipv4' | 'ipv6' {
    if (this.#isOff('do-ip6')) return 'ipv4';
    return this.#isOff('do-ip4') ? 'ipv6' : 'both';
  }

  longestTtl(): LongestTtl {
    const seconds = (key: string): number =>
      Number(this.#one(key)?.value ?? Number.POSITIVE_INFINITY);
    const most = Math.min(
      seconds('cache-max-ttl'),
      this.#feature('max_ttl') ?? Number.POSITIVE_INFINITY,
    );
    const positive = Math.min(LONGEST_TTL.positive, most);
    const negative = this.#one('cache-max-negative-ttl')
      ? seconds('cache-max-negative-ttl')
      : Math.min(LONGEST_TTL.negative, positive);
    return { positive, negative };
  }

  leastTtl(): number {
    return this.#feature('min_ttl') ?? Number(this.#one('cache-min-ttl')?.value ?? 0);
  }

  /** What Deckard's `features: NAME = NUMBER` asks for. */
  #feature(name: string): number | undefined {
    const values = this.#all('features').map(({ value }) => value.split('=').map((s) => s.trim()));
    const found = values.find(([key]) => key === name);
    return found && Number(found[1]);
  }

  /** Unbound's options, and where they are left out its defaults. */
  serveStale(): Pick<ResolverOptions, 'serveStale'> {
    if (this.#one('serve-expired')?.value !== 'yes') return {};
    const number = (key: string, otherwise: number): number =>
      Number(this.#one(`serve-expired-${key}`)?.value ?? otherwise);
    return {
      serveStale: {
        longestMs: number('ttl', STALE_TERMS.longestMs / 1000) * 1000,
        responseMs: number('client-timeout', STALE_TERMS.responseMs),
        ttl: number('reply-ttl', STALE_TERMS.ttl),
        recheckMs: UNBOUND_RECHECK_MS,
      },
    };
  }

  reportErrors(): 'on' | 'off' {
    return this.#one('dns-error-reporting')?.value === 'yes' ? 'on' : 'off';
  }

  /** Whether servers at this machine's own addresses are asked, which no option of Danelaw's allows. */
  allowsLocalhost(): boolean {
    return this.#isOff('do-not-query-localhost');
  }

  withoutRecursion(): AnswerOptions['withoutRecursion'] {
    const isOpen = this.#all('access-control').some(({ value }) => value.includes('allow_snoop'));
    return isOpen ? 'from-cache' : 'refused';
  }

  /** Root hints, stub zones, forwarders. */
  servers(): Pick<ResolverOptions, 'hints' | 'forward' | 'zones'> {
    if (this.#scenario.dialect === 'deckard') return this.#flatServers();
    const zones = this.#blocks().map(zoneOf);
    const [root] = zones.filter(({ name }) => name.isRoot);
    const below = zones.filter(({ name }) => !name.isRoot);
    const addresses = root?.nameservers.flatMap((server) => server.addresses) ?? [];
    return {
      zones: below,
      ...(root?.role === 'forwarder' && { forward: addresses }),
      ...(root?.role === 'authoritative' && { hints: root.nameservers }),
    };
  }

  #flatServers(): Pick<ResolverOptions, 'hints' | 'forward'> {
    const forward = this.#all('forward-addr').map(({ value }) => addressOf(value));
    if (forward.length > 0) return { forward };
    const addresses = this.#all('stub-addr').map(({ value }) => addressOf(value));
    const host = Name.parse(this.#one('stub-name')?.value ?? 'k.root-servers.net');
    return addresses.length > 0 ? { hints: [{ host, addresses }] } : {};
  }

  /** The settings of each stub-zone and forward-zone. */
  #blocks(): readonly (readonly Setting[])[] {
    const blocks = groupBy(this.#scenario.settings, ({ block }) => block);
    return [...blocks.values()].filter((block) => block.some(({ key }) => key === 'name'));
  }
}

function zoneOf(block: readonly Setting[]): ConfiguredZone {
  const values = (key: string): readonly string[] =>
    block.filter((setting) => setting.key === key).map(({ value }) => value);
  const name = Name.parse(values('name')[0] ?? '');
  const isForward = block[0]?.section === 'forward-zone';
  const kind = isForward ? 'forward' : 'stub';
  const known = values(`${kind}-addr`).map(addressOf);
  const hosts = values(`${kind}-host`).map(
    (host): Nameserver => ({ host: Name.parse(host), addresses: [] }),
  );
  return {
    name,
    role: isForward ? 'forwarder' : 'authoritative',
    nameservers: [...(known.length > 0 ? [{ host: name, addresses: known }] : []), ...hosts],
  };
}

/** `192.0.2.1` or `192.0.2.1@5353`. */
function addressOf(text: string): ServerAddress {
  const [ip = '', port = '53'] = text.split('@');
  return { ip, port: Number(port) };
}
