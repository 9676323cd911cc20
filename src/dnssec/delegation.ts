/**
 * A zone's place in the chain of trust: what its parent says about it, and whether its own keys fit that.
 *
 * Implements RFC 4035 sections 5.2 and 5.3, RFC 4509 section 3, RFC 5155 section 8.9, RFC 6840 sections 4.4, 5.2 and
 * 5.3. Silence is never proof: a delegation is insecure only by a validated denial or by rules over a validated DS RRset.
 * Does not: ask anybody for anything.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode, type Rdata } from '../dns/rdata.ts';
import { findRRset, type RRset } from '../dns/rrset.ts';
import { isSupported } from './algorithms.ts';
import type { LimitName } from './budget.ts';
import type { Context } from './context.ts';
import {
  type Denial,
  hasDenialOf,
  proveExpansion,
  proveNoDs,
  readDenial,
  type Unproved,
} from './denial.ts';
import { type Detail, type Entry, insecurityDetail, type KeyName, nameKeys } from './detail.ts';
import { type DnsKey, hasZoneKeyBit, isWeak, modulusBits, parseDnsKey } from './dnskey.ts';
import { type DsMatch, matchDs } from './ds.ts';
import type { Failure, Fault } from './outcome.ts';
import type { BogusReason, InsecureReason } from './reason.ts';
import type { Reply } from './reply.ts';
import { type Verdict, verifyRRset, type ZoneKeys, type ZoneTrust } from './verify.ts';

/** What a parent said about a child, kept unjudged until somebody needs the child's trust. */
export interface Evidence {
  readonly ds: RRset | undefined;
  /** A CNAME at the child or a DNAME above it, where the DS was asked for: then there is no delegation. */
  readonly alias: RRset | undefined;
  /** NSEC and NSEC3 RRsets. */
  readonly denial: readonly RRset[];
}

export const NO_EVIDENCE: Evidence = { ds: undefined, alias: undefined, denial: [] };

/** The records of a referral, or of the answer to a DS question, that speak of `child`'s delegation. */
export function evidenceIn(
  { answer, authority }: Pick<Reply, 'answer' | 'authority'>,
  child: Name,
): Evidence {
  const cname = findRRset(answer, child, 'CNAME');
  const dname = answer.find((set) => set.type === 'DNAME' && child.isBelow(set.owner));
  return {
    ds: findRRset(answer, child, 'DS') ?? findRRset(authority, child, 'DS'),
    // A CNAME without signature is the one that goes with the DNAME.
    alias: cname?.signatures.length ? cname : (dname ?? cname),
    denial: authority.filter(({ type }) => type === 'NSEC' || type === 'NSEC3'),
  };
}

export type Delegation =
  | { readonly kind: 'signed'; readonly ds: RRset }
  /** Proved: delegated without DS. `ttl` in seconds. */
  | {
      readonly kind: 'unsigned';
      readonly reason: InsecureReason;
      readonly cause: Fault;
      readonly proof: readonly RRset[];
      readonly ttl: number;
    }
  /** Proved: not delegated; names below it may be. */
  | { readonly kind: 'not-a-cut' }
  /** Proved: neither this name nor one below it is delegated. */
  | { readonly kind: 'nothing-below' }
  /** The evidence says nothing: the DS has to be asked for. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Judges what `parent` says about `child`. Every proof must be signed by `parent` itself: RFC 6840 section 4. */
export function checkDelegation(
  child: Name,
  evidence: Evidence,
  parent: ZoneKeys,
  context: Context,
): Delegation {
  const { ds, alias, denial } = evidence;
  const large = findTooLarge([ds, alias, ...denial], context);
  if (large) return fail(unusable(parent.zone, large, 'rrset-records'));
  if (ds) return checkDs(ds, parent, context);
  if (alias) return checkAlias(child, alias, denial, parent, context);
  if (!hasDenialOf(denial, parent.zone)) return { kind: 'silent' };
  const proof = proveNoDs(readDenial(denial, parent, context), child);
  switch (proof.kind) {
    case 'unsigned':
      return unsigned(proof.used, proof.insecure ?? 'no-ds-proven', child, parent, context);
    case 'not-a-cut':
    case 'nothing-below':
      return { kind: proof.kind };
    case 'failed':
    case 'spent':
      return unproved(parent.zone, child, proof);
  }
}

function unsigned(
  used: readonly RRset[],
  reason: InsecureReason,
  child: Name,
  { zone }: ZoneKeys,
  { policy }: Context,
): Delegation {
  const detail = insecurityDetail(reason, used, policy.nsec3Iterations);
  return {
    kind: 'unsigned',
    reason,
    cause: { zone, owner: child, type: 'DS', ...(detail && { detail }) },
    proof: used,
    ttl: Math.min(...used.map(({ ttl }) => ttl)),
  };
}

const unproved = (zone: Name, child: Name, proof: Unproved): Delegation =>
  fail(
    proof.kind === 'spent'
      ? spent(zone, child, 'DS', proof.limit)
      : bogus(zone, child, 'DS', proof.reason, proof),
  );

const fail = (failure: Failure): Delegation => ({ kind: 'failed', failure });

/** A record set that is not even looked at, because it is malformed where nothing is signed, or too large anywhere. */
export const unusable = (zone: Name, rrset: RRset, limit?: 'rrset-records'): Failure => ({
  status: 'indeterminate',
  reason: 'unusable-records',
  fault: {
    zone,
    owner: rrset.owner,
    type: rrset.type,
    ...(limit && { limit }),
    ...(rrset.defect !== undefined && { detail: { kind: 'defect', text: rrset.defect } }),
  },
});

/** The first of the sets that has more records than any honest one: it is refused whole (CVE-2024-1737). */
export const findTooLarge = (
  sets: readonly (RRset | undefined)[],
  { budget: { limits } }: Context,
): RRset | undefined => sets.find((set) => set && set.rdata.length > limits['rrset-records']);

export const bogus = (
  zone: Name,
  owner: Name,
  type: RRset['type'],
  reason: BogusReason,
  { limit, detail }: { limit?: LimitName | undefined; detail?: Detail | undefined } = {},
): Failure => ({
  status: 'bogus',
  reason,
  fault: { zone, owner, type, ...(limit && { limit }), ...(detail && { detail }) },
});

/** A record set in which the reader has found something that does not fit its type. */
export const malformed = (zone: Name, { owner, type, defect }: RRset): Failure =>
  bogus(zone, owner, type, 'malformed-records', {
    detail: defect === undefined ? undefined : { kind: 'defect', text: defect },
  });

export const spent = (zone: Name, owner: Name, type: RRset['type'], limit: LimitName): Failure => ({
  status: 'indeterminate',
  reason: 'budget-spent',
  fault: { zone, owner, type, limit },
});

function checkDs(ds: RRset, parent: ZoneKeys, context: Context): Delegation {
  if (ds.defect !== undefined) return fail(malformed(parent.zone, ds));
  const verdict = verifyRRset(ds, parent, context);
  switch (verdict.kind) {
    case 'valid':
      // A wildcard makes no delegation: RFC 4592 section 4.2.
      if (verdict.wildcardBelow)
        return fail(bogus(parent.zone, ds.owner, 'DS', 'wildcard-unproven'));
      return { kind: 'signed', ds: verdict.rrset };
    case 'invalid':
      return fail(bogus(parent.zone, ds.owner, 'DS', verdict.reason, verdict));
    case 'spent':
      return fail(spent(parent.zone, ds.owner, 'DS', verdict.limit));
  }
}

/** An alias where a DS was asked for: no NS can stand beside a CNAME, and nothing of this zone lies below a DNAME. */
function checkAlias(
  child: Name,
  alias: RRset,
  denial: readonly RRset[],
  parent: ZoneKeys,
  context: Context,
): Delegation {
  const verdict = verifyRRset(alias, parent, context);
  switch (verdict.kind) {
    case 'valid':
      if (verdict.wildcardBelow)
        return checkExpansion(
          child,
          verdict.wildcardBelow,
          readDenial(denial, parent, context),
          parent,
          context,
        );
      return { kind: alias.type === 'DNAME' ? 'nothing-below' : 'not-a-cut' };
    case 'invalid':
      return fail(bogus(parent.zone, alias.owner, alias.type, verdict.reason, verdict));
    case 'spent':
      return fail(spent(parent.zone, alias.owner, alias.type, verdict.limit));
  }
}

/** An alias that a wildcard made shows that neither the name nor one below it exists, if the denial beside it does. */
function checkExpansion(
  child: Name,
  encloser: Name,
  denial: Denial,
  parent: ZoneKeys,
  context: Context,
): Delegation {
  const proof = proveExpansion(denial, child, encloser);
  if (proof.kind !== 'proven') return unproved(parent.zone, child, proof);
  return proof.insecure
    ? unsigned(proof.used, proof.insecure, child, parent, context)
    : { kind: 'nothing-below' };
}

/** What a zone's key set must fit: the RDATA of validated DS records, or DS and DNSKEY records of a trust anchor. */
export interface Trusted {
  readonly ds: readonly Rdata[];
  readonly keys: readonly Rdata[];
  /** Seconds; for an anchor, Infinity. */
  readonly ttl: number;
}

/**
 * Whether `zone`'s DNSKEY RRset is vouched for: RFC 4035 section 5.2 (last paragraphs) and RFC 6840 section 5.
 *
 * @param dnskey  as received, or `undefined` where the zone gave none
 * @returns the zone's trust; insecure only by rules over `trusted` or over the validated key set
 */
export function checkKeys(
  zone: Name,
  trusted: Trusted,
  dnskey: RRset | undefined,
  context: Context,
): ZoneTrust {
  const published = (dnskey?.rdata ?? []).map(parseDnsKey).filter((key) => key !== undefined);
  const trust = checkPublished(zone, trusted, dnskey, published, context);
  if (trust.status !== 'bogus' || published.every(hasZoneKeyBit)) return trust;
  return { ...trust, fault: { ...trust.fault, also: NO_ZONE_KEY_BIT } };
}

/** RFC 8914 section 4.12. */
const NO_ZONE_KEY_BIT = 11;

function checkPublished(
  zone: Name,
  trusted: Trusted,
  dnskey: RRset | undefined,
  published: readonly DnsKey[],
  context: Context,
): ZoneTrust {
  const entry = findEntryPoints(zone, trusted, published, context);
  if (entry.kind === 'unsupported')
    return {
      status: 'insecure',
      reason: entry.reason,
      cause: { zone, owner: zone, type: 'DS', detail: keysDetail(trusted, dnskey, published) },
      ttl: trusted.ttl,
    };
  if (!dnskey || entry.kind === 'no-match') {
    const detail = keysDetail(trusted, dnskey, published);
    return bogus(zone, zone, 'DNSKEY', 'dnskey-missing', { detail });
  }
  if (findTooLarge([dnskey], context)) return unusable(zone, dnskey, 'rrset-records');
  if (dnskey.defect !== undefined) return malformed(zone, dnskey);
  const verdict = verifyRRset(dnskey, { zone, keys: entry.keys }, context);
  switch (verdict.kind) {
    case 'valid':
      return verdict.wildcardBelow
        ? bogus(zone, zone, 'DNSKEY', 'wildcard-unproven')
        : trustOf(zone, published, Math.min(trusted.ttl, verdict.rrset.ttl), context);
    case 'invalid':
      return unsignedKeys(zone, verdict, keysDetail(trusted, dnskey, published));
    case 'spent':
      return spent(zone, zone, 'DNSKEY', verdict.limit);
  }
}

/** A key set that is signed, but by none of the keys that count, is as good as unsigned. */
const unsignedKeys = (zone: Name, verdict: Invalid, keys: Detail): Failure =>
  verdict.reason === 'signing-key-missing' || verdict.reason === 'rrsigs-missing'
    ? bogus(zone, zone, 'DNSKEY', 'dnskey-unsigned', { limit: verdict.limit, detail: keys })
    : bogus(zone, zone, 'DNSKEY', verdict.reason, verdict);
type Invalid = Extract<Verdict, { kind: 'invalid' }>;

/** What the parent or the anchor names, and what there is. */
export function keysDetail(
  { ds, keys }: Pick<Trusted, 'ds' | 'keys'>,
  dnskey: RRset | undefined,
  published: readonly KeyName[] = (dnskey?.rdata ?? []).flatMap((one) => parseDnsKey(one) ?? []),
): Detail {
  const anchors = keys.flatMap((rdata) => parseDnsKey(rdata) ?? []);
  const entries = ds.map((rdata): Entry => {
    const { keyTag, algorithm, digestType } = decode('DS', rdata);
    return { keyTag, algorithm, digestType };
  });
  return {
    kind: 'keys',
    expected: [...entries.slice(0, MOST_ENTRIES), ...nameKeys(anchors)],
    found: nameKeys(published),
    signedBy: nameKeys(dnskey?.signatures ?? []),
  };
}
const MOST_ENTRIES = 8;

function findEntryPoints(
  zone: Name,
  { ds, keys }: Trusted,
  published: readonly DnsKey[],
  context: Context,
): DsMatch {
  const { algorithms } = context.policy;
  const current = published.filter((key) => !key.isRevoked);
  const byDs = matchDs(
    zone,
    ds.map((rdata) => decode('DS', rdata)),
    current,
    context,
  );
  const anchors = keys.map(parseDnsKey).filter((key) => key !== undefined);
  const supported = anchors.filter((key) => isSupported(algorithms, key.algorithm));
  const byKey = current.filter((key) =>
    supported.some((anchor) => sameOctets(anchor.rdata, key.rdata)),
  );
  if (byKey.length > 0)
    return { kind: 'matched', keys: byDs.kind === 'matched' ? [...byKey, ...byDs.keys] : byKey };
  // An anchor of an algorithm that does not count leaves the zone unsupported, but only where no other anchor does count.
  if (ds.length === 0 && anchors.length > 0 && supported.length === 0)
    return { kind: 'unsupported', reason: 'unsupported-algorithm' };
  return byDs.kind === 'unsupported' && supported.length > 0 ? { kind: 'no-match' } : byDs;
}

/** RFC 6840 section 5.3 judges on the validated key set: nobody else can make a zone look weak. */
function trustOf(zone: Name, keys: readonly DnsKey[], ttl: number, { policy }: Context): ZoneTrust {
  const weak = keys.find((key) => isWeak(policy.algorithms, key));
  if (!weak) return { status: 'secure', keys: { zone, keys }, ttl };
  const { keyTag, algorithm } = weak;
  const detail: Detail = {
    kind: 'weak-key',
    key: { keyTag, algorithm },
    bits: modulusBits(weak),
    least: policy.algorithms.rsaMinimumBits,
  };
  const cause: Fault = { zone, owner: zone, type: 'DNSKEY', detail };
  return { status: 'insecure', reason: 'weak-key', cause, ttl };
}

const sameOctets = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, i) => octet === b[i]);
