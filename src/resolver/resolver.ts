/**
 * The resolver as a whole: its parts wired together, and the one loop closed, which is that a name server's address is
 * itself looked up.
 * @module
 */
import { type Name, ROOT } from '../dns/name.ts';
import type { Network } from '../dns/network.ts';
import { type Anchors, ROOT_ANCHORS } from '../dnssec/anchors.ts';
import { type Limits, NONE_MOVED } from '../dnssec/budget.ts';
import type { Policy } from '../dnssec/context.ts';
import { NO_EVIDENCE } from '../dnssec/delegation.ts';
import type { NegativeAnchors } from '../dnssec/negative-anchors.ts';
import type { Lookup } from '../dnssec/outcome.ts';
import type { Environment, ServerAddress } from '../environment.ts';
import { makeAddresses } from './addresses.ts';
import { type LongestTtl, ttlBoundsFrom } from './ageing.ts';
import { Aggressive } from './aggressive.ts';
import { Answers } from './answers.ts';
import { type Families, makeAsk } from './ask.ts';
import { Cache, type Held } from './cache.ts';
import { Cookies } from './cookies.ts';
import { weighCut } from './cut.ts';
import { Denials } from './denials.ts';
import { type LetterCase, makeExchange } from './exchange.ts';
import { Failures } from './failures.ts';
import { Finder } from './find.ts';
import { ROOT_HINTS } from './hints.ts';
import { makeLookup, type Recall } from './lookup.ts';
import { Priming } from './priming.ts';
import type { Private } from './rebinding.ts';
import { FRESH_MS, makeRenew, type Renew } from './renew.ts';
import { Servers } from './servers.ts';
import { type StaleTerms, staleTermsFrom } from './stale-terms.ts';
import { Trust } from './trust.ts';
import { TrustPoints } from './trust-points.ts';
import { type FetchUnchecked, makeFetchUnchecked } from './unchecked.ts';
import { type Configured, makeWalk, type Walk } from './walk.ts';
import type { Nameserver, ZoneCut } from './zone.ts';

export interface ResolverOptions {
  readonly environment: Environment;
  readonly policy: Policy;
  /** The root's name servers; the built-in hints where it is left out. */
  readonly hints?: readonly Nameserver[];
  /**
   * Where validation starts from; the root's keys where it is left out. A function where they change while the resolver
   * lives (RFC 5011): it is called often and returns the same object until they do, and what rests on others is worked
   * out anew.
   */
  readonly anchors?: Anchors | (() => Anchors);
  /**
   * Resolvers that are asked in place of the root. Their answers are validated just the same. One with a `tlsName` is asked
   * over TLS (port 853, mostly), and no other way; its roots are the transport's (`nodeEnvironment({ tlsRoots })`).
   */
  readonly forward?: readonly ServerAddress[];
  /** Zones whose servers are known better than their delegations say: internal ones, mostly. Each once, and not the root. */
  readonly zones?: readonly ConfiguredZone[];
  /** Names at and below which nothing is validated. Who keeps the list may add and remove while the resolver lives. */
  readonly negativeAnchors?: NegativeAnchors;
  /** `off`: every server sees the whole name. For servers that break on shorter ones; `on` where it is left out. */
  readonly minimisation?: 'on' | 'off';
  /** `as-asked`: questions keep their spelling, which is one secret less. For tests with canned replies; `mixed` where it is left out. */
  readonly letterCase?: LetterCase;
  /** `off`: the hints are asked as they stand (RFC 9609). For tests that count packets, and for what ends with one question. */
  readonly priming?: 'on' | 'off';
  /** Which addresses are sent to. `both` where it is left out; a host without IPv6 saves the tries. */
  readonly families?: Families;
  /** Answers are kept for a day and absences for an hour at most where it is left out; a TTL is never made longer, but for `leastTtl`. */
  readonly longestTtl?: LongestTtl;
  /**
   * Seconds for which addresses, PTR, TXT, SVCB and HTTPS records are kept at least, up to an hour, where they are insecure
   * and unsigned; never past `longestTtl`. For servers with TTLs of next to nothing. 0 where it is left out.
   */
  readonly leastTtl?: number;
  /** Limits that are moved; the rest stay at their defaults. */
  readonly limits?: Partial<Limits>;
  /** Networks that public names may not lead into (rebinding protection); none where it is left out. */
  readonly privateAddresses?: readonly Network[];
  /** Names at and below which addresses may lie in them. */
  readonly privateDomains?: readonly Name[];
  /** `on`: servers that want to know are told of bogus answers, by their agents (RFC 9567); `off` where it is left out. */
  readonly reportErrors?: 'on' | 'off';
  /** What has expired is served where the look-up allows it and nothing better is to be had (RFC 8767); left out, it is not. */
  readonly serveStale?: Partial<StaleTerms>;
  /** Octets that all caches together may hold; 64 MB where it is left out. Nothing is kept that takes more. */
  readonly cacheBytes?: number;
}

/** The operator's word on who serves a zone. What comes from there is validated all the same. */
export interface ConfiguredZone {
  readonly name: Name;
  /** `authoritative`: its own servers (a stub zone). `forwarder`: resolvers that answer for it and all below. */
  readonly role: ZoneCut['role'];
  readonly nameservers: readonly Nameserver[];
}

/** Who serves a zone. Unproved: it says where questions go. */
export interface ZoneServers {
  readonly zone: Name;
  readonly hosts: readonly Name[];
  /** Seconds. */
  readonly ttl: number;
}

export interface Resolver {
  readonly lookup: Lookup;
  /** The same for what nobody has asked for yet: into the same caches, on a smaller budget of its own. */
  readonly ahead: Lookup;
  /** The same from the cache alone, for clients that do not desire recursion. */
  readonly recall: Recall;
  /** The closest zone above `name` whose servers are known, for a referral. */
  readonly closestServers: (name: Name) => ZoneServers;
  /** For clients that validate themselves. */
  readonly fetchUnchecked: FetchUnchecked;
  /** Forgets names at and below `name`, and the zones there with their keys; says how many entries that were. */
  readonly forget: (name: Name) => number;
  /** What the caches hold now: entries, RRsets and octets by map. */
  readonly held: () => HeldByMap;
}

/** Of all caches together. */
export const DEFAULT_CACHE_BYTES = 64_000_000;

/** A sound zone takes three tries; what takes many, or long, is left to whoever asks for it. */
const AHEAD = {
  queries: 20,
  signatures: 16,
  'server-lookups': 2,
  'wall-clock': 4000,
} as const satisfies Partial<Limits>;

/** What part of the octets each map may take: a signed domain takes about as much in answers as in its cut. */
const SHARES = {
  answers: 0.45,
  denials: 0.05,
  cuts: 0.38,
  addresses: 0.05,
  servers: 0.04,
  // Of some thousand servers; one that is forgotten costs nothing but the proof that it had sent one before.
  cookies: 0.02,
  failures: 0.01,
} as const;

/** What each map holds. */
export type HeldByMap = Readonly<Record<keyof typeof SHARES, Held>>;

/** Makes a resolver that starts from the root hints, or asks forwarders. It holds no timers and needs no closing. */
export function createResolver(options: ResolverOptions): Resolver {
  const { environment, policy, anchors = ROOT_ANCHORS, limits = NONE_MOVED } = options;
  const { clock, random } = environment;
  const { cacheBytes = DEFAULT_CACHE_BYTES } = options;
  const share = (map: keyof typeof SHARES): number => cacheBytes * SHARES[map];
  const servers = new Servers(clock, random, share('servers'));
  const cuts = new Cache<ZoneCut>(clock, { bytes: share('cuts'), weigh: weighCut });
  const failures = new Failures(clock, share('failures'));
  const addresses = makeAddresses((): Walk => walk, clock, share('addresses'));
  const { families = 'both', minimisation = 'on' } = options;
  const ttls = ttlBoundsFrom(options.longestTtl, options.leastTtl);
  const cookies = new Cookies(clock, random, share('cookies'));
  const exchange = makeExchange(environment, servers, cookies, options.letterCase);
  const configured = configuredBy(options);
  const priming = new Priming(configured.root, clock);
  const isPrimed = options.priming !== 'off' && !options.forward;
  const askServers = makeAsk({
    clock,
    exchange,
    servers,
    findAddresses: addresses.find,
    families,
    glueOf: (host) => glueIn(walk.closest(host), host),
  });
  const ask = isPrimed ? priming.beside(askServers) : askServers;
  const root = isPrimed ? priming.root : configured.root;
  const walk = makeWalk({ ask, configured: { ...configured, root }, minimisation, cuts, clock });
  const points = new TrustPoints(clock, anchors, options.negativeAnchors);
  const trust = new Trust({ ask, points, walk, cuts, clock, policy, failures });
  const renewBelow = makeRenew({ cuts, addresses, clock });
  const renew: Renew = (name, fault, how) => {
    const isBelow = renewBelow(name, fault, how);
    // A forged root serves forged top-level zones.
    const isInDoubt = fault.zone.labels <= 1 || priming.wasPrimedBy(clock.now() - FRESH_MS);
    const learntAt = isInDoubt ? priming.forget() : undefined;
    return isBelow || (learntAt !== undefined && learntAt < how.since);
  };
  const denials = new Denials(clock, { bytes: share('denials'), longest: ttls.negative });
  const finder = new Finder({ walk, trust, points, denials, renew, clock, policy });
  const aggressive = new Aggressive({ walk, trust, points, denials, clock, policy, ttls });
  const { reportErrors = 'off' } = options;
  const staleTerms = options.serveStale && staleTermsFrom(options.serveStale);
  const answers = new Answers(clock, {
    bytes: share('answers'),
    closestZone: (name) => walk.closest(name).name,
    longestStaleMs: staleTerms?.longestMs,
  });
  const { privateAddresses: networks = [], privateDomains: domains = [] } = options;
  const shut: Private = { networks, domains };
  const kept = { answers, failures, aggressive };
  const shared = { ...kept, finder, points, clock, ttls, policy, private: shut, reportErrors };
  const parts = { ...shared, limits, unaffordable: 'kept' } as const;
  return {
    ...makeLookup({ ...parts, staleTerms }),
    ahead: makeLookup({ ...parts, limits: { ...limits, ...AHEAD }, unaffordable: 'forgotten' })
      .lookup,
    closestServers: (name) => zoneServersOf(walk.closest(name), clock.now()),
    fetchUnchecked: makeFetchUnchecked({ walk, clock, policy, limits, private: shut }),
    forget: (name) => {
      denials.forgetBelow(name, walk.closest(name).name);
      failures.forgetBelow(name);
      addresses.forgetBelow(name);
      return answers.forgetBelow(name) + cuts.deleteEnding(name.key);
    },
    held: () => ({
      answers: answers.held,
      denials: denials.held,
      cuts: cuts.held,
      addresses: addresses.held(),
      servers: servers.held,
      cookies: cookies.held,
      failures: failures.held,
    }),
  };
}

/** In the delegation of the zone that `host` lies in, or of one above it. */
function glueIn(closest: ZoneCut, host: Name): readonly ServerAddress[] {
  for (let cut: ZoneCut | undefined = closest; cut; cut = cut.parent) {
    const known = cut.nameservers.find((server) => server.host.equals(host));
    if (known && known.addresses.length > 0) return known.addresses;
  }
  return [];
}

/** A cut that the operator has given lasts; the TTL says no more than that it is not for ever. */
const CONFIGURED_TTL_S = 3600;

const zoneServersOf = ({ name, nameservers, expiresAt }: ZoneCut, now: number): ZoneServers => ({
  zone: name,
  hosts: nameservers.map(({ host }) => host),
  ttl: Math.min(CONFIGURED_TTL_S, Math.max(0, Math.floor((expiresAt - now) / 1000))),
});

/** Where walks start. */
function configuredBy({ hints = ROOT_HINTS, forward, zones = [] }: ResolverOptions): Configured {
  const root: ConfiguredZone = forward
    ? { name: ROOT, role: 'forwarder', nameservers: [{ host: ROOT, addresses: forward }] }
    : { name: ROOT, role: 'authoritative', nameservers: hints };
  const cuts = new Map(zones.map((zone) => [zone.name.key, cutOf(zone)] as const));
  // Else one of them would not be asked, and nobody told.
  if (cuts.has(ROOT.key)) throw new RangeError('zones: the root has hints or forward');
  if (cuts.size < zones.length) throw new RangeError('zones: one of them is there twice');
  return { root: cutOf(root), zones: cuts };
}

/** It does not expire: hints, stub zones and forwarders are the operator's word. */
const cutOf = ({ name, role, nameservers }: ConfiguredZone): ZoneCut => ({
  name,
  parent: undefined,
  role,
  nameservers,
  evidence: NO_EVIDENCE,
  showsDs: false,
  known: 'configured',
  learntAt: Number.NEGATIVE_INFINITY,
  expiresAt: Number.POSITIVE_INFINITY,
});
