/**
 * What a question comes to: the four statuses, and the one function type in which `resolver/` and `dane/` meet.
 *
 * RFC 4035 section 4.3 defines secure, insecure, bogus and indeterminate; RFC 7672 section 2.1.1 says what a mail
 * server makes of them. Bogus and indeterminate carry no answer at all: there is nothing to use by mistake.
 * @module
 */
import type { ExtendedError, RRType } from '../dns/codes.ts';
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { LimitName, Spent } from './budget.ts';
import type { Detail, KeyName } from './detail.ts';
import type { NegativeAnchor } from './negative-anchors.ts';
import type { BogusReason, IndeterminateReason, InsecureReason, Reason } from './reason.ts';

export type Status = 'secure' | 'insecure' | 'bogus' | 'indeterminate';

/** The SOA, NSEC and NSEC3 RRsets with signatures that an answer rests on, as a client with DO must get them. */
export type Proof = readonly RRset[];

export type Answer =
  | {
      readonly kind: 'records';
      readonly rrset: RRset;
      /** Only where ANY was asked for: the other RRsets at the name that came. */
      readonly others?: readonly RRset[];
      readonly proof: Proof;
    }
  /** The name exists, or may exist, but has no record of this type. */
  | { readonly kind: 'nodata'; readonly proof: Proof }
  | { readonly kind: 'nxdomain'; readonly proof: Proof };

/** Only where the caller said `ask: 'if-signed'` and the zone is not signed. */
export interface NotAsked {
  readonly kind: 'not-asked';
}

/**
 * Where a failure, or the end of what is signed, lies: the zone that was asked, and the record set that could not be had
 * or believed, or that shows that nothing is signed.
 */
export interface Fault {
  readonly zone: Name;
  readonly owner: Name;
  readonly type: RRType;
  /** The limit that was hit, where one was. */
  readonly limit?: LimitName;
  /** What was expected and what was found. */
  readonly detail?: Detail;
  /** Servers that contradict each other, by address: who gave the record set, and who gave the keys. */
  readonly servers?: readonly string[];
  /** A further code of RFC 8914 that is true of the case, and may be the cause. */
  readonly also?: ExtendedError;
  /** The DNAME that leads to a name of more than 255 octets: clients are shown it (RFC 6672 section 2.2). */
  readonly dname?: RRset;
}

/** One CNAME or DNAME followed, with the status of this link alone (RFC 7672 section 2.2.2 asks about the first). */
export interface Alias {
  readonly owner: Name;
  readonly target: Name;
  readonly status: 'secure' | 'insecure';
  /** The CNAME RRset, preceded by the DNAME RRset where one made it. */
  readonly records: readonly RRset[];
  readonly proof: Proof;
}

/** One line of a trace: what was done for a question, in the order in which it ended. */
export type Step =
  /** A packet went out, and what came back. */
  | {
      readonly kind: 'exchange';
      /** Milliseconds since the lookup began. */
      readonly at: number;
      readonly milliseconds: number;
      readonly zone: Name;
      /** The server's IP address. */
      readonly server: string;
      readonly over: 'udp' | 'tcp' | 'tls';
      readonly question: Question;
      /** `answer`, `nodata`, `nxdomain`, `referral to com.`, `timeout`, `refused`: one or two words for people. */
      readonly result: string;
    }
  /** A zone was given its place in the chain of trust. `keys`: those that its DS or anchor vouches for, if it is secure. */
  | {
      readonly kind: 'trust';
      readonly zone: Name;
      readonly status: Status;
      readonly reason?: Reason;
      /** The name of the negative trust anchor that switched validation off. */
      readonly negativeAnchor?: Name;
      readonly keys: readonly KeyName[];
    }
  /** A record set, or its absence, was judged in one zone. */
  | {
      readonly kind: 'finding';
      /** It was not asked for: proofs that were kept say so (RFC 8198). */
      readonly synthesised?: true;
      readonly zone: Name;
      readonly owner: Name;
      readonly type: RRType;
      readonly status: Status;
      readonly reason?: Reason;
      readonly negativeAnchor?: Name;
      /** The keys that made the signatures it rests on. */
      readonly signedBy: readonly KeyName[];
    };

interface Base {
  readonly question: Question;
  readonly aliases: readonly Alias[];
  readonly trace: readonly Step[];
  readonly spent: Spent;
  /** Those that cover the name or one behind an alias (RFC 7646): nothing about these names was validated. */
  readonly negativeAnchors?: readonly NegativeAnchor[];
  /** Where some of it has expired and could not be had anew, or not in time (RFC 8767). */
  readonly stale?: Stale;
  /** Milliseconds on the Clock's scale: from then on this outcome says nothing. */
  readonly expiresAt: number;
}

/** Of the first link that has expired. */
export interface Stale {
  /** When it did, milliseconds on the Clock's scale. */
  readonly since: number;
  /** Why there is nothing newer; left out where that took too long to find out. */
  readonly because?: Failure;
}

export interface Secure extends Base {
  readonly status: 'secure';
  readonly answer: Answer;
}
/** Why an outcome is insecure. */
export interface Insecurity {
  readonly reason: InsecureReason;
  /** Where the signed part of the tree ends; `undefined` where configuration says so. */
  readonly cause?: Fault;
}
/** No more of an outcome, a finding or a zone's trust than that. */
export const insecurityOf = ({ reason, cause }: Insecurity): Insecurity => ({
  reason,
  ...(cause && { cause }),
});

export interface Insecure extends Base, Insecurity {
  readonly status: 'insecure';
  readonly answer: Answer | NotAsked;
}
/** A lookup error without the rest of the outcome, as it travels between the parts of the resolver. */
export type Failure =
  | { readonly status: 'bogus'; readonly reason: BogusReason; readonly fault: Fault }
  | {
      readonly status: 'indeterminate';
      readonly reason: IndeterminateReason;
      readonly fault: Fault;
    };
export type Bogus = Base & Extract<Failure, { status: 'bogus' }>;
export type Indeterminate = Base & Extract<Failure, { status: 'indeterminate' }>;
export type Outcome = Secure | Insecure | Bogus | Indeterminate;

/** A lookup error in the sense of RFC 7672 section 2.1.1: nothing was learnt, not even absence. */
export const failed = <T extends { readonly status: Status }>(
  x: T,
): x is Extract<T, { status: 'bogus' | 'indeterminate' }> =>
  x.status === 'bogus' || x.status === 'indeterminate';

export interface LookupOptions {
  /** `if-signed`: send the question only into a zone whose delegation shows a DS; elsewhere the outcome is insecure, `not-asked`. */
  readonly ask?: 'always' | 'if-signed';
  /**
   * `allowed`: where the resolver serves what has expired (`serveStale`), that is better than nothing. Never of MX, TLSA and
   * DS. `never` where it is left out: what a delivery rests on is not taken from the past.
   */
  readonly stale?: 'never' | 'allowed';
  readonly signal?: AbortSignal;
}

/** Asks one question and proves the answer. Rejects only for an aborted signal: what goes wrong out there is an outcome. */
export type Lookup = (name: Name, type: RRType, options?: LookupOptions) => Promise<Outcome>;
