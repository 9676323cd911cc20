/**
 * A zone cut as the walk met it: where to ask, and what to believe.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Evidence } from '../dnssec/delegation.ts';
import type { ServerAddress } from '../environment.ts';

/** Of one name server; duplicates have gone before (BIND, CVE-2026-3592). */
export const MAX_ADDRESSES = 6;

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
  /** Made anew at each reading: what is the same has no identity. */
  readonly nameservers: readonly Nameserver[];
  /** What the parent said about the child's DS, not yet judged. Made anew at each reading. */
  readonly evidence: Evidence;
  /** Whether there is a DS in the evidence. */
  readonly showsDs: boolean;
  /** `by-probe`: a missed cut or one that an anchor makes; that its parent's servers serve it is an assumption. */
  readonly known: 'configured' | 'by-referral' | 'by-probe';
  /** When it was learnt, and until when it holds: the parent's TTLs decide, never the child's (ghost domains). */
  readonly learntAt: number;
  readonly expiresAt: number;
}

/**
 * A delegation that leads to this machine itself, to many, or nowhere, is a mistake or an attack: 0/8, 127/8 and from
 * 224/4 up, ::/8 and ff00::/8. Hints and forwarders may.
 */
export const isSomebody = ({ ip }: ServerAddress): boolean =>
  !/^((0|127|22[4-9]|2[3-5]\d)\.|::|ff)/.test(ip);
