/**
 * The keys of a trust point as its zone rolls them: RFC 5011, as a function from a state, a key set and a time to the
 * next state.
 *
 * A key set that no current anchor has validly signed changes nothing but the time of the next try; only a key that
 * revokes itself needs nobody else's word. Times are milliseconds on the Clock's scale.
 * Does not: ask anybody (resolver/refresh.ts does), write anything down (anchor-state.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import { sameOctets } from '../dns/octets.ts';
import type { Rdata } from '../dns/rdata.ts';
import type { RRset, Rrsig } from '../dns/rrset.ts';
import { isSupported } from './algorithms.ts';
import type { Context } from './context.ts';
import { findTooLarge } from './delegation.ts';
import { type DnsKey, isWeak, parseDnsKey, readKeyMaterial } from './dnskey.ts';
import type { FailureReason } from './reason.ts';
import {
  type AnchorKey,
  isInForce,
  isOut,
  keyIdOf,
  namedBy,
  type PendingKey,
  type Seen,
  type TrustPoint,
  unrevoked,
} from './trust-point.ts';
import { verifyRRset } from './verify.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** RFC 5011 section 2.4.1: or the original TTL, if that is longer. */
export const ADD_HOLD_DOWN_MS = 30 * DAY;
/** RFC 5011 section 2.4.2. */
const REMOVE_HOLD_DOWN_MS = 30 * DAY;
/** RFC 5011 section 2.3. */
const QUERY_MS = { least: HOUR, most: 15 * DAY, part: 1 / 2 } as const;
const RETRY_MS = { least: HOUR, most: DAY, part: 1 / 10 } as const;
/** RFC 5011 section 2.4.3 asks for five keys at least; more than this no zone rolls at a time. */
const MOST_PENDING = 20;
/** Keys of long ago that are kept out by name; each took a revocation by its holder to get there. */
const MOST_REMOVED = 50;

interface About {
  readonly zone: Name;
  /** Of the key without the REVOKE bit. */
  readonly keyTag: number;
  readonly algorithm: number;
}
export type AnchorEvent =
  /** A new key was seen; it is trusted from `until` on, if it stays. */
  | ({ readonly kind: 'pending'; readonly until: number } & About)
  /** It has stayed, or a configured DS names it, or the point began with it (see `startsAtZoneKeys`). */
  | ({ readonly kind: 'trusted' } & About)
  /** The point began with it, and follows the entry points that it has vouched for in its place. */
  | ({ readonly kind: 'replaced' } & About)
  /** A pending key is gone. */
  | ({ readonly kind: 'withdrawn' } & About)
  /** All those that had vouched for a pending key are revoked. */
  | ({ readonly kind: 'unvouched' } & About)
  | ({ readonly kind: 'missing' } & About)
  | ({ readonly kind: 'returned' } & About)
  /** `revokedTag`: what the key is called with the REVOKE bit. */
  | ({ readonly kind: 'revoked'; readonly revokedTag: number } & About)
  | ({ readonly kind: 'removed' } & About)
  /** The key set changes nothing: no current anchor has validly signed it. */
  | { readonly kind: 'not-validated'; readonly zone: Name; readonly reason: FailureReason };

export interface Observation {
  readonly point: TrustPoint;
  readonly events: readonly AnchorEvent[];
}

/** A key set as it came, its keys read. */
interface KeySet {
  readonly rrset: RRset;
  readonly keys: readonly DnsKey[];
}

/**
 * Takes in one key set.
 *
 * @param dnskey   as received, with all its signatures; `undefined` where there was none
 * @param context  loses one unit of `signatures` for each signature computed
 * @returns the next state, with the time of the next query, and what happened
 */
export function observe(
  point: TrustPoint,
  dnskey: RRset | undefined,
  context: Context,
): Observation {
  if (!dnskey) return unvalidated(point, [], 'dnskey-missing', context.now);
  if (dnskey.defect !== undefined || findTooLarge([dnskey], context))
    return unvalidated(point, [], 'unusable-records', context.now);
  const set = { rrset: dnskey, keys: dnskey.rdata.flatMap((rdata) => parseDnsKey(rdata) ?? []) };
  const revoked = revoke(point, set, context);
  const vouched = findVouchers(revoked.point, set, context);
  if (vouched.kind === 'none')
    return unvalidated(revoked.point, revoked.events, vouched.reason, context.now);
  return advance(revoked, set, vouched, context);
}

/** After a query that brought nothing: the same state, tried again in time. */
export const missQuery = (point: TrustPoint, now: number): TrustPoint => ({
  ...point,
  nextQueryAt: now + pauseOf(RETRY_MS, point.seen),
});

const unvalidated = (
  point: TrustPoint,
  events: readonly AnchorEvent[],
  reason: FailureReason,
  now: number,
): Observation => ({
  point: missQuery(point, now),
  events: [...events, { kind: 'not-validated', zone: point.zone, reason }],
});

/** RFC 5011 section 2.3: a part of the original TTL or of the time to the expiration, within bounds. */
function pauseOf({ least, most, part }: typeof QUERY_MS | typeof RETRY_MS, seen?: Seen): number {
  if (!seen) return least;
  const { at, originalTtl, expiresAt } = seen;
  return Math.max(least, Math.min(most, part * originalTtl * 1000, part * (expiresAt - at)));
}

/** RFC 5011 section 2.1: a key is out at once when it revokes itself, whoever else has signed the set. */
function revoke(point: TrustPoint, set: KeySet, context: Context): Observation {
  const events: AnchorEvent[] = [];
  let { ds, keys } = point;
  for (const key of set.keys) {
    if (!key.isRevoked) continue;
    const bare = parseDnsKey(unrevoked(key.rdata));
    if (!bare) continue;
    const byDs = ds.filter((one) => namedBy(point.zone, [one], [bare], context).length > 0);
    const known = keys.find(({ rdata }) => keyIdOf(rdata) === keyIdOf(key.rdata));
    if ((!known || isOut(known)) && byDs.length === 0) continue;
    if (!isSignedBy(key, set, point.zone, context)) continue;
    const out: AnchorKey = {
      state: 'revoked',
      rdata: known?.rdata ?? bare.rdata,
      since: context.now,
    };
    keys = [...keys.filter((one) => one !== known), out];
    ds = ds.filter((one) => !byDs.includes(one));
    events.push({ kind: 'revoked', revokedTag: key.keyTag, ...about(point.zone, out.rdata) });
  }
  return { point: { ...point, ds, keys }, events };
}

const isSignedBy = (key: DnsKey, { rrset }: KeySet, zone: Name, context: Context): boolean => {
  const verdict = verifyRRset(rrset, { zone, keys: [key] }, forSignatures(context));
  return verdict.kind === 'valid' && verdict.wildcardBelow === undefined;
};

/** Signatures are judged at the time that the policy says, if it says one, as everywhere else. */
const forSignatures = (context: Context): Context => ({
  ...context,
  now: context.policy.validationTime ?? context.now,
});

interface Vouched {
  readonly kind: 'vouched';
  readonly keys: readonly DnsKey[];
  readonly signatures: readonly Rrsig[];
  /** Configured DS records that name keys of the set. */
  readonly boundDs: readonly Rdata[];
  readonly boundKeys: readonly Rdata[];
}

/** The current anchors in the set that have validly signed it. */
function findVouchers(
  { zone, ds, keys }: TrustPoint,
  set: KeySet,
  context: Context,
): Vouched | { readonly kind: 'none'; readonly reason: FailureReason } {
  const current = set.keys.filter((key) => !key.isRevoked);
  const boundKeys = namedBy(zone, ds, current, context);
  const anchors = [...keys.filter(isInForce).map(({ rdata }) => rdata), ...boundKeys];
  const vouchers: DnsKey[] = [];
  const signatures: Rrsig[] = [];
  let reason: FailureReason = 'dnskey-missing';
  for (const key of current) {
    if (!anchors.some((rdata) => sameOctets(rdata, key.rdata))) continue;
    if (isWeak(context.policy.algorithms, key)) continue;
    const verdict = verifyRRset(set.rrset, { zone, keys: [key] }, forSignatures(context));
    if (verdict.kind === 'spent') return { kind: 'none', reason: 'budget-spent' };
    if (verdict.kind === 'invalid') reason = verdict.reason;
    if (verdict.kind !== 'valid' || verdict.wildcardBelow) continue;
    vouchers.push(key);
    signatures.push(...verdict.rrset.signatures);
  }
  if (vouchers.length === 0) return { kind: 'none', reason };
  const bound = current.filter(({ rdata }) => boundKeys.includes(rdata));
  const boundDs = ds.filter((one) => namedBy(zone, [one], bound, context).length > 0);
  return { kind: 'vouched', keys: vouchers, signatures, boundDs, boundKeys };
}

/** The state table of RFC 5011 section 4, for a validated key set. */
function advance(
  { point, events: before }: Observation,
  set: KeySet,
  vouched: Vouched,
  context: Context,
): Observation {
  const { zone } = point;
  const { now } = context;
  const events = [...before];
  const kept: AnchorKey[] = [];
  for (const key of point.keys) {
    const next = nextState(key, set, point.keys, now);
    if (next.key) kept.push(next.key);
    if (next.kind) events.push({ kind: next.kind, ...about(zone, key.rdata) });
  }
  const bound = vouched.boundKeys.filter((rdata) => !has(kept, rdata));
  events.push(...bound.map((rdata) => ({ kind: 'trusted', ...about(zone, rdata) }) as const));
  const keys = [...kept, ...bound.map((rdata) => ({ state: 'valid', rdata }) as const)];
  const pending = findNew(keys, set, vouched, context);
  const isTaken = startsAtZoneKeys(point) && isSignedByOneOf(pending, set, zone, context);
  const added = isTaken ? pending.map(asValid) : pending;
  events.push(...added.map((key) => additionOf(zone, key)));
  if (isTaken)
    events.push(...keys.map(({ rdata }) => ({ kind: 'replaced', ...about(zone, rdata) }) as const));
  const seen = seenIn(vouched, context);
  const next: TrustPoint = {
    zone,
    ds: point.ds.filter((one) => !vouched.boundDs.includes(one)),
    keys: forgetOld([...(isTaken ? keys.map(asRemoved(now)) : keys), ...added]),
    seen,
    nextQueryAt: now + pauseOf(QUERY_MS, seen),
  };
  return { point: next, events };
}

/**
 * Whether a point has come no further than its configuration, and that is nothing but keys without the SEP bit. RFC 5011
 * follows none of these: when such a key rolls, within the month that an entry point would be pending, nothing vouches for
 * the zone any more; and nobody revokes it, so it would be believed for ever. So the entry points of the first set that it
 * has signed take its place, as the operator's word, if one of them has signed that set too.
 */
const startsAtZoneKeys = ({ ds, keys, seen }: TrustPoint): boolean =>
  seen === undefined &&
  ds.length === 0 &&
  keys.every(({ state, rdata }) => {
    const key = parseDnsKey(rdata);
    return state === 'valid' && key !== undefined && !isEntryPoint(key);
  });

const isSignedByOneOf = (
  pending: readonly PendingKey[],
  set: KeySet,
  zone: Name,
  context: Context,
): boolean =>
  set.keys.some((key) => has(pending, key.rdata) && isSignedBy(key, set, zone, context));

const asRemoved =
  (now: number) =>
  ({ rdata }: AnchorKey): AnchorKey => ({ state: 'removed', rdata, since: now });

const asValid = ({ rdata }: PendingKey): AnchorKey => ({ state: 'valid', rdata });

const additionOf = (zone: Name, key: AnchorKey): AnchorEvent =>
  key.state === 'addpend'
    ? { kind: 'pending', until: key.until, ...about(zone, key.rdata) }
    : { kind: 'trusted', ...about(zone, key.rdata) };

interface Next {
  /** Left out: back to START. */
  readonly key?: AnchorKey;
  readonly kind?: 'trusted' | 'withdrawn' | 'unvouched' | 'missing' | 'returned' | 'removed';
}

/** One row of the state table. */
function nextState(key: AnchorKey, set: KeySet, all: readonly AnchorKey[], now: number): Next {
  const { rdata } = key;
  const isPresent = set.keys.some((one) => sameOctets(one.rdata, rdata));
  switch (key.state) {
    case 'addpend':
      if (!isPresent) return { kind: 'withdrawn' };
      if (!hasVoucher(key, all)) return { kind: 'unvouched' };
      return now >= key.until ? { key: { state: 'valid', rdata }, kind: 'trusted' } : { key };
    case 'valid':
      return isPresent
        ? { key }
        : { key: { state: 'missing', rdata, since: now }, kind: 'missing' };
    case 'missing':
      return isPresent ? { key: { state: 'valid', rdata }, kind: 'returned' } : { key };
    case 'revoked':
      if (has(set.keys, rdata)) return { key: { ...key, since: Math.max(key.since, now) } };
      return now - key.since < REMOVE_HOLD_DOWN_MS
        ? { key }
        : { key: { state: 'removed', rdata, since: now }, kind: 'removed' };
    case 'removed':
      return { key };
  }
}

/** RFC 5011 section 2.2: whether one of those that first vouched for the key is still no revoked one. */
const hasVoucher = ({ vouchers }: PendingKey, all: readonly AnchorKey[]): boolean =>
  vouchers.some((voucher) => {
    const known = all.find(({ rdata }) => keyIdOf(rdata) === keyIdOf(voucher));
    return known !== undefined && !isOut(known);
  });

/** Keys with the SEP bit that nobody has seen before, and that could one day verify something. */
function findNew(
  known: readonly AnchorKey[],
  set: KeySet,
  { keys: vouchers, signatures }: Vouched,
  { now, policy: { algorithms } }: Context,
): readonly PendingKey[] {
  const room = MOST_PENDING - known.filter(({ state }) => state === 'addpend').length;
  const ttls = signatures.map(({ originalTtl }) => originalTtl * 1000);
  const until = now + Math.max(ADD_HOLD_DOWN_MS, ...ttls);
  return set.keys
    .filter((key) => isEntryPoint(key) && !has(known, key.rdata))
    .filter((key) => isSupported(algorithms, key.algorithm) && !isWeak(algorithms, key))
    .filter((key) => readKeyMaterial(key) !== undefined)
    .slice(0, Math.max(0, room))
    .map(({ rdata }) => ({
      state: 'addpend',
      rdata,
      since: now,
      until,
      vouchers: vouchers.map((voucher) => voucher.rdata),
    }));
}

const SECURE_ENTRY_POINT = 0x0001;
const isEntryPoint = ({ flags, isZoneKey, isRevoked }: DnsKey): boolean =>
  isZoneKey && !isRevoked && (flags & SECURE_ENTRY_POINT) !== 0;

const has = (keys: readonly { readonly rdata: Rdata }[], rdata: Rdata): boolean =>
  keys.some((one) => keyIdOf(one.rdata) === keyIdOf(rdata));

/** The shortest times of the anchors' signatures: RFC 4034 section 3.1.5 counts the expiration in 32 bits. */
function seenIn({ signatures }: Vouched, context: Context): Seen {
  const { now } = context;
  const seconds = Math.floor(forSignatures(context).now / 1000);
  const left = signatures.map(({ expiration }) => Math.max(0, (expiration - seconds) | 0));
  return {
    at: now,
    originalTtl: Math.min(...signatures.map(({ originalTtl }) => originalTtl)),
    expiresAt: now + Math.min(...left) * 1000,
  };
}

function forgetOld(keys: readonly AnchorKey[]): readonly AnchorKey[] {
  const removed = keys.filter(({ state }) => state === 'removed');
  const old = new Set(removed.slice(0, Math.max(0, removed.length - MOST_REMOVED)));
  return keys.filter((key) => !old.has(key));
}

function about(zone: Name, rdata: Rdata): About {
  const key = parseDnsKey(rdata);
  return { zone, keyTag: key?.keyTag ?? 0, algorithm: key?.algorithm ?? 0 };
}
