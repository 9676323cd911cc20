/**
 * What a look-up is made of.
 *
 * Does not: do anything with it (lookup.ts).
 * @module
 */
import type { Limits } from '../dnssec/budget.ts';
import type { Policy } from '../dnssec/context.ts';
import type { AlarmClock } from '../environment.ts';
import type { TtlBounds } from './ageing.ts';
import type { Aggressive } from './aggressive.ts';
import type { Answers } from './answers.ts';
import type { Failures } from './failures.ts';
import type { Finder } from './find.ts';
import type { Private } from './rebinding.ts';
import type { StaleTerms } from './stale-terms.ts';
import type { TrustPoints } from './trust-points.ts';

export interface LookupParts {
  readonly finder: Finder;
  readonly aggressive: Pick<Aggressive, 'synthesise'>;
  readonly points: TrustPoints;
  readonly answers: Answers;
  readonly failures: Failures;
  readonly clock: AlarmClock;
  readonly limits: Partial<Limits>;
  readonly ttls: TtlBounds;
  /** Where public names may not lead. */
  readonly private: Private;
  readonly policy: Policy;
  /** Left out, nothing that has expired is served. */
  readonly staleTerms?: StaleTerms | undefined;
  /** Whether agents are told of what is bogus (RFC 9567). */
  readonly reportErrors: 'on' | 'off';
  /** What a question could not afford: `forgotten` where the next one may spend more. */
  readonly unaffordable: 'kept' | 'forgotten';
}
