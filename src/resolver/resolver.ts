/**
 * The resolver as a whole: its parts wired together, and the one loop closed, which is that a name server's address is
 * itself looked up.
 * @module
 */
import type { Anchors } from '../dnssec/anchors.ts';
import type { Limits } from '../dnssec/budget.ts';
import type { Policy } from '../dnssec/context.ts';
import type { Lookup } from '../dnssec/outcome.ts';
import type { Environment, ServerAddress } from '../environment.ts';
import type { Nameserver } from './zone.ts';

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

/** Makes a resolver that starts from the root hints, or asks forwarders. It holds no timers and needs no closing. */
export function createResolver(_options: ResolverOptions): Resolver {
  throw new Error('under construction');
}
