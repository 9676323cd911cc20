/**
 * What every judgement is given beside the records: the time, the budget, and the rules in force.
 * @module
 */
import type { Rrsig } from '../dns/rrset.ts';
import { type AlgorithmTable, DEFAULT_ALGORITHMS } from './algorithms.ts';
import type { Budget } from './budget.ts';
import { type Engine, KeyStore } from './engine.ts';

/** Rules that an operator, or a test with old data, may choose; one value for the life of a validator. */
export interface Policy {
  /** What can be verified, and the size limits of RSA keys. */
  readonly algorithms: AlgorithmTable;
  /** The engine, with the keys that it has imported. */
  readonly keys: KeyStore;
  /** How long before its inception a signature is taken, milliseconds: clocks differ (PowerDNS 60 s). */
  readonly inceptionSkewMs: number;
  /** `ignored` is for test data whose time is over. */
  readonly signatureTimes: 'checked' | 'ignored';
  /** Milliseconds since 1970 at which signatures are judged, whatever the Clock says: for old data, whose TTLs still run. */
  readonly validationTime?: number;
  /** NSEC3 iterations that are computed; above it a denial is insecure (RFC 9276 section 3.2). */
  readonly nsec3Iterations: number;
}

export const DEFAULT_INCEPTION_SKEW_MS = 60_000;
/** BIND, Knot and PowerDNS: 50. One threshold only, so that there is no gap to forge denials in (RFC 9276 section 4). */
export const DEFAULT_NSEC3_ITERATIONS = 50;

/** The rules of this version, on a given engine. */
export const defaultPolicy = (engine: Engine): Policy => ({
  algorithms: DEFAULT_ALGORITHMS,
  keys: new KeyStore(engine),
  inceptionSkewMs: DEFAULT_INCEPTION_SKEW_MS,
  signatureTimes: 'checked',
  nsec3Iterations: DEFAULT_NSEC3_ITERATIONS,
});

export interface Context {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly budget: Budget;
  readonly policy: Policy;
  /**
   * Signatures that were computed before and passed, under these very keys and over the very RRsets that they come with:
   * whoever gives them vouches for that. They are not computed again; all else about them is checked as ever.
   */
  readonly computed?: ReadonlySet<Rrsig>;
}
