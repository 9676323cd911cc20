/**
 * The resolver as a whole: its parts wired together, and the one loop closed, which is that a name server's address is
 * itself looked up.
 * @module
 */
import { ROOT } from '../dns/name.ts';
import { type Anchors, ROOT_ANCHORS } from '../dnssec/anchors.ts';
import type { Limits } from '../dnssec/budget.ts';
import type { Policy } from '../dnssec/context.ts';
import { NO_EVIDENCE } from '../dnssec/delegation.ts';
import type { Lookup } from '../dnssec/outcome.ts';
import type { Environment, ServerAddress } from '../environment.ts';
import { makeFindAddresses } from './addresses.ts';
import { makeAsk } from './ask.ts';
import { Cache } from './cache.ts';
import { makeExchange } from './exchange.ts';
import { Failures } from './failures.ts';
import { Finder } from './find.ts';
import { ROOT_HINTS } from './hints.ts';
import { type Kept, makeLookup } from './lookup.ts';
import { Servers } from './servers.ts';
import { Trust } from './trust.ts';
import { makeWalk, type Walk } from './walk.ts';
import type { Nameserver, ZoneCut } from './zone.ts';

export interface ResolverOptions {
  readonly environment: Environment;
  readonly policy: Policy;
  /** The root's name servers; the built-in hints where it is left out. */
  readonly hints?: readonly Nameserver[];
  /** Where validation starts from; the root's keys where it is left out. */
  readonly anchors?: Anchors;
  /** Resolvers that are asked in place of the root. Their answers are validated just the same. */
  readonly forward?: readonly ServerAddress[];
  /** Limits that are moved; the rest stay at their defaults. */
  readonly limits?: Partial<Limits>;
}

export interface Resolver {
  readonly lookup: Lookup;
}

/** Zone cuts and findings that are kept: a mail server's destinations of a day. */
const CUTS = 50_000;
const ANSWERS = 100_000;

/** Makes a resolver that starts from the root hints, or asks forwarders. It holds no timers and needs no closing. */
export function createResolver(options: ResolverOptions): Resolver {
  const { environment, policy, anchors = ROOT_ANCHORS, limits = {} } = options;
  const { clock, random } = environment;
  const servers = new Servers(clock, random);
  const cuts = new Cache<ZoneCut>(clock, CUTS);
  const failures = new Failures(clock);
  const findAddresses = makeFindAddresses((): Walk => walk, clock);
  const ask = makeAsk({ exchange: makeExchange(environment, servers), servers, findAddresses });
  const walk = makeWalk({ ask, root: rootOf(options), cuts, clock });
  const trust = new Trust({ ask, anchors, cuts, clock, policy, failures });
  const finder = new Finder({ walk, trust, cuts, clock, policy });
  const answers = new Cache<Kept>(clock, ANSWERS);
  return { lookup: makeLookup({ finder, answers, failures, clock, limits }) };
}

/** Where every walk starts. It does not expire: hints and forwarders are the operator's word. */
const rootOf = ({ hints = ROOT_HINTS, forward }: ResolverOptions): ZoneCut => ({
  name: ROOT,
  parent: undefined,
  role: forward ? 'forwarder' : 'authoritative',
  nameservers: forward ? [{ host: ROOT, addresses: forward }] : hints,
  evidence: NO_EVIDENCE,
  known: 'configured',
  learntAt: Number.NEGATIVE_INFINITY,
  expiresAt: Number.POSITIVE_INFINITY,
});
