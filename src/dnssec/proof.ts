/**
 * What a search for a denial can come to, the same for NSEC and NSEC3.
 * @module
 */
import type { Rcode, RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { LimitName } from './budget.ts';
import type { InsecureReason } from './reason.ts';

/** That `name` has no record of `type`; `rcode` is what the reply says, which proves nothing. */
export interface Claim {
  readonly name: Name;
  readonly type: RRType;
  readonly rcode: Rcode;
}

/** Nothing was shown, or the opposite, or the work allowed ran out. */
export type NoProof =
  | { readonly kind: 'unproven' }
  /** A verified record says that the type exists at the name: the denial is a lie. */
  | { readonly kind: 'contradicted' }
  | { readonly kind: 'spent'; readonly limit: LimitName };

export type NegativeProof =
  | {
      readonly kind: 'proven';
      readonly absence: 'nodata' | 'nxdomain';
      /** The records that the proof rests on, and no others. */
      readonly used: readonly RRset[];
      /** Set where the proof holds, but shows no more than an unsigned zone would. */
      readonly insecure: InsecureReason | undefined;
    }
  | NoProof;

/** What a parent's records show of a delegation without DS. */
export type DsProof =
  | {
      /** `unsigned`: delegated without DS; `not-a-cut`: not delegated; `nothing-below`: no delegation at or below the name. */
      readonly kind: 'unsigned' | 'not-a-cut' | 'nothing-below';
      readonly used: readonly RRset[];
      readonly insecure: InsecureReason | undefined;
    }
  | NoProof;

export const UNPROVEN = { kind: 'unproven' } as const;
export const CONTRADICTED = { kind: 'contradicted' } as const;

export const proven = (
  absence: 'nodata' | 'nxdomain',
  used: readonly RRset[],
  insecure?: InsecureReason,
): NegativeProof => ({
  kind: 'proven',
  absence,
  used: [...new Set(used)],
  insecure,
});
