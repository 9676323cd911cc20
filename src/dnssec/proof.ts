/**
 * What a search for a denial can come to, the same for NSEC and NSEC3.
 * @module
 */
import type { Rcode, RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import type { LimitName } from './budget.ts';
import type { Missing } from './detail.ts';
import type { InsecureReason } from './reason.ts';

/** That `name` has no record of `type`; `rcode` is what the reply says, which proves nothing. */
export interface Claim {
  readonly name: Name;
  readonly type: RRType;
  readonly rcode: Rcode;
}

/** Nothing was shown, or the opposite, or the work allowed ran out. */
export type NoProof =
  | { readonly kind: 'unproven'; readonly missing: Missing }
  /** A verified record says that the type exists at the name: the denial is a lie. */
  | { readonly kind: 'contradicted'; readonly name: Name; readonly types: readonly RRType[] }
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

export const unproven = (piece: Missing['piece'], name: Name) =>
  ({ kind: 'unproven', missing: { piece, name } }) as const;
export const contradicted = (name: Name, types: readonly RRType[]) =>
  ({ kind: 'contradicted', name, types }) as const;

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

/** The record stands at the parent's side of a delegation: it has NS and no SOA. */
export const isAncestorSide = (types: readonly RRType[]): boolean =>
  types.includes('NS') && !types.includes('SOA');

/** Names below a delegation or a DNAME are not this zone's to deny: RFC 6840 section 4.1, RFC 6672 section 5.3.4. */
export const mayDenyBelow = (types: readonly RRType[]): boolean =>
  !isAncestorSide(types) && !types.includes('DNAME');

/** What the type bitmap at `name` says of one type: RFC 4035 section 5.4, RFC 5155 sections 8.5 and 8.6. */
export function readBitmap(
  types: readonly RRType[],
  { name, type }: Omit<Claim, 'rcode'>,
  rrset: RRset,
): NegativeProof {
  if (type === 'DS') {
    // At an apex that is not the root only the parent may speak of DS.
    if (types.includes('SOA') && !name.isRoot) return unproven('own-side', name);
  } else if (isAncestorSide(types)) return unproven('own-side', name); // RFC 6840 section 4.1
  // ANY asks for whatever there is, and every bit says that there is something.
  if (type === 'ANY' && types.length > 0 && !isAbsent(types)) return contradicted(name, types);
  // RFC 6840 section 4.3
  if (types.includes(type) || types.includes('CNAME')) return contradicted(name, types);
  return proven(isAbsent(types) ? 'nxdomain' : 'nodata', [rrset]);
}

/** Whether an absence is shown by NXNAME: of exactly one name, by a record made for the question (RFC 9824 section 3). */
export const provesCompactly = (proof: readonly RRset[]): boolean =>
  proof.some(
    ({ type, rdata: [rdata] }) =>
      (type === 'NSEC' || type === 'NSEC3') &&
      rdata !== undefined &&
      decode(type, rdata).types.includes('NXNAME'),
  );

/** RFC 9824 section 3: NXNAME, and beside it nothing but what the denial brings along. */
const isAbsent = (types: readonly RRType[]): boolean =>
  types.includes('NXNAME') &&
  types.every((type) => type === 'NXNAME' || type === 'RRSIG' || type === 'NSEC');
