/**
 * A zone cut as the walk met it: where to ask, and what to believe.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Evidence } from '../dnssec/delegation.ts';
import type { ServerAddress } from '../environment.ts';

export interface Nameserver {
  readonly host: Name;
  /** Known from glue or hints; empty where they have to be looked up. */
  readonly addresses: readonly ServerAddress[];
}

/** One object for the life of a cut: its trust is worked out once and kept beside it (see trust.ts). */
export interface ZoneCut {
  readonly name: Name;
  readonly parent: ZoneCut | undefined;
  /** A forwarder answers for every zone, recursively: whole names, no referrals, no AA. */
  readonly role: 'authoritative' | 'forwarder';
  readonly nameservers: readonly Nameserver[];
  /** What the parent said about the child's DS, not yet judged. */
  readonly evidence: Evidence;
  /** Milliseconds on the Clock's scale: the parent's NS TTL decides, never the child's (ghost domains). */
  readonly expiresAt: number;
}
