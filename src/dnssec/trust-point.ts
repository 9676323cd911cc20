/**
 * A trust point: a zone, and the keys that are, may become or have been its trust anchors (RFC 5011 section 4.2).
 *
 * START is no state here: a key in it is not in the list. Times are milliseconds on the Clock's scale.
 * Does not: change states (see rollover.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import { latin1, sameOctets } from '../dns/octets.ts';
import { decode, type Rdata } from '../dns/rdata.ts';
import type { Anchor, Anchors } from './anchors.ts';
import type { Context } from './context.ts';
import { type DnsKey, parseDnsKey } from './dnskey.ts';
import { matchDs } from './ds.ts';

interface Known {
  /** RDATA of the DNSKEY, the REVOKE bit clear. */
  readonly rdata: Rdata;
}
/** Seen in a validated key set, and not trusted before `until`. */
export interface PendingKey extends Known {
  readonly state: 'addpend';
  readonly since: number;
  readonly until: number;
  /** The anchors that had signed the set in which it was first seen: RDATA, the REVOKE bit clear. */
  readonly vouchers: readonly Rdata[];
}
export interface ValidKey extends Known {
  readonly state: 'valid';
}
/** Trusted, but absent from the last validated key set. */
export interface MissingKey extends Known {
  readonly state: 'missing';
  readonly since: number;
}
/** Never trusted again. `since`: when it was last seen in a key set. */
export interface RevokedKey extends Known {
  readonly state: 'revoked';
  readonly since: number;
}
/** Remembered only to keep it out: revoked, and gone for long; or a zone key whose place entry points have taken. */
export interface RemovedKey extends Known {
  readonly state: 'removed';
  readonly since: number;
}
export type AnchorKey = PendingKey | ValidKey | MissingKey | RevokedKey | RemovedKey;

/** The last validated key set: what the times of RFC 5011 section 2.3 are computed from. */
export interface Seen {
  readonly at: number;
  /** Seconds. */
  readonly originalTtl: number;
  /** The first of its signatures by anchors to expire. */
  readonly expiresAt: number;
}

export interface TrustPoint {
  readonly zone: Name;
  /** RDATA of configured DS records whose key has not been seen yet: anchors by the operator's word. */
  readonly ds: readonly Rdata[];
  readonly keys: readonly AnchorKey[];
  readonly seen: Seen | undefined;
  readonly nextQueryAt: number;
}

/** A trust point as it is configured. */
export const startPoint = ({ name, ds, keys }: Anchor, now: number): TrustPoint => ({
  zone: name,
  ds,
  keys: keys.flatMap((rdata) => {
    const key = parseDnsKey(rdata);
    return key?.isZoneKey && !key.isRevoked ? [{ state: 'valid', rdata }] : [];
  }),
  seen: undefined,
  nextQueryAt: now,
});

/**
 * Adds what the operator, or IANA by the operator's hand (RFC 9718), says is an anchor. It is trusted at once: a pending
 * key need not wait any longer. A revoked key stays out.
 */
export function addAnchor(point: TrustPoint, anchor: Anchor, context: Context): TrustPoint {
  const { keys } = startPoint(anchor, context.now);
  const known = point.keys.flatMap(({ rdata }) => parseDnsKey(rdata) ?? []);
  const isNew = (rdata: Rdata): boolean => !known.some((key) => sameOctets(key.rdata, rdata));
  const named = [
    ...keys.map(({ rdata }) => rdata),
    ...namedBy(point.zone, anchor.ds, known, context),
  ];
  const trusted = new Set(named.map(keyIdOf));
  return {
    ...point,
    ds: [
      ...point.ds,
      ...anchor.ds.filter(
        (rdata) =>
          namedBy(point.zone, [rdata], known, context).length === 0 &&
          !point.ds.some((one) => sameOctets(one, rdata)),
      ),
    ],
    keys: [
      ...point.keys.map(
        (key): AnchorKey =>
          key.state === 'addpend' && trusted.has(keyIdOf(key.rdata))
            ? { state: 'valid', rdata: key.rdata }
            : key,
      ),
      ...keys.filter(({ rdata }) => isNew(rdata)),
    ],
  };
}

/** RDATA of those of `keys` that DS records name. */
export function namedBy(
  zone: Name,
  ds: readonly Rdata[],
  keys: readonly DnsKey[],
  context: Context,
): readonly Rdata[] {
  const records = ds.map((rdata) => decode('DS', rdata));
  const match = matchDs(zone, records, keys, context);
  return match.kind === 'matched' ? match.keys.map(({ rdata }) => rdata) : [];
}

export const isInForce = ({ state }: AnchorKey): boolean =>
  state === 'valid' || state === 'missing';
export const isOut = ({ state }: AnchorKey): boolean => state === 'revoked' || state === 'removed';

/**
 * The anchors in force.
 *
 * A trust point whose keys are all revoked is as if it had never been configured (RFC 5011 section 5). The root is the
 * exception: with nothing above it everything would become insecure, so there nothing validates until somebody acts.
 */
export function anchorsOf(points: readonly TrustPoint[]): Anchors {
  const anchors = new Map<string, Anchor>();
  for (const { zone, ds, keys } of points) {
    const inForce = keys.filter(isInForce).map(({ rdata }) => rdata);
    if (ds.length > 0 || inForce.length > 0 || zone.isRoot)
      anchors.set(zone.key, { name: zone, ds, keys: inForce });
  }
  return anchors;
}

const REVOKE = 0x80;

/** RDATA of a DNSKEY with the REVOKE bit (the top bit of the second octet) clear. */
export const unrevoked = (rdata: Rdata): Rdata =>
  rdata.map((octet, i) => (i === 1 ? octet & ~REVOKE : octet));

/** Algorithm and key material as text: the same key whatever its flags say. */
export const keyIdOf = (rdata: Rdata): string => latin1(rdata.subarray(3));
