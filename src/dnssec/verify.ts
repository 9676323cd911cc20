/**
 * One RRset under one zone's keys: RFC 4035 section 5.3, with the limits that KeyTrap (CVE-2023-50387) made necessary.
 *
 * Does not: search for keys or zones, prove that a wildcard was rightly expanded (denial.ts), read any clock.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Rdata } from '../dns/rdata.ts';
import type { RRset, Rrsig } from '../dns/rrset.ts';
import { isSupported } from './algorithms.ts';
import type { LimitName } from './budget.ts';
import { canonicalSet, countedLabels, signedData } from './canonical.ts';
import type { Context } from './context.ts';
import { type Detail, signatureDetail, signersDetail } from './detail.ts';
import { type DnsKey, hasZoneKeyBit } from './dnskey.ts';
import type { Failure, Fault } from './outcome.ts';
import type { BogusReason, InsecureReason } from './reason.ts';

/** A zone's key set, validated. Invariant: every key is one that the zone published under a valid signature, or an anchor. */
export interface ZoneKeys {
  readonly zone: Name;
  readonly keys: readonly DnsKey[];
}

/** What is believed about one zone; `ttl` in seconds says for how long the records behind it allow that. */
export type ZoneTrust =
  | { readonly status: 'secure'; readonly keys: ZoneKeys; readonly ttl: number }
  | {
      readonly status: 'insecure';
      readonly reason: InsecureReason;
      readonly cause?: Fault;
      readonly ttl: number;
    }
  | Failure;

export type Verdict =
  | {
      readonly kind: 'valid';
      /**
       * The RRset with its TTL bounded by RRSIG TTL, original TTL and what is left to the expiration. The first of its
       * signatures is the one that verified.
       */
      readonly rrset: RRset;
      /** Set where a wildcard was expanded: the name that the wildcard stands directly below. Needs a proof of its own. */
      readonly wildcardBelow: Name | undefined;
    }
  | {
      readonly kind: 'invalid';
      readonly reason: BogusReason;
      readonly limit: LimitName | undefined;
      readonly detail: Detail;
    }
  | { readonly kind: 'spent'; readonly limit: LimitName };

type Invalid = Extract<Verdict, { kind: 'invalid' }>;
/** Why one signature does not count; `undefined` for the want of any. */
interface RuledOut {
  readonly reason: BogusReason;
  readonly limit: LimitName | undefined;
  readonly signature: Rrsig | undefined;
}
const NO_SIGNATURE: RuledOut = {
  reason: 'rrsigs-missing',
  limit: undefined,
  signature: undefined,
};

/**
 * Verifies one RRset under one zone's keys.
 *
 * The checks run in the order of RFC 4035 section 5.3.1, cheapest first: no signature is computed for an RRset that
 * could not pass. Any one valid signature is enough (RFC 6840 section 5.4), and what cannot be checked is disregarded
 * (RFC 6840 section 5.12).
 *
 * @param rrset    as received; the canonical form is made here (RFC 4034 section 6)
 * @param keys     the zone's trusted keys, each imported when first named
 * @param context  loses one unit of `signatures` per signature computed
 * @returns `valid`, or the reason that ruled out the candidate that came furthest
 */
export function verifyRRset(rrset: RRset, keys: ZoneKeys, context: Context): Verdict {
  const { limits } = context.budget;
  let furthest = NO_SIGNATURE;
  let failures = 0;
  let set: readonly Rdata[] | undefined;
  let candidates = 0;
  for (const signature of rrset.signatures) {
    if (!signature.signer.equals(keys.zone)) continue;
    candidates += 1;
    if (candidates > limits['rrsigs-tried']) break;
    const found = checkFields(rrset, signature, keys, context);
    if (found.kind === 'ruled-out') {
      furthest = further(furthest, { reason: found.reason, limit: undefined, signature });
      continue;
    }
    if (context.computed?.has(signature)) return valid(rrset, signature, context);
    set ??= canonicalSet(rrset);
    const data = signedData(rrset, signature, set);
    if (!data) continue; // ruled out by the labels check already
    let tries = 0;
    for (const key of found.keys) {
      tries += 1;
      if (tries > limits['keys-tried']) break;
      const tried = tryKey(key, data, signature, context);
      if (tried === 'spent') return { kind: 'spent', limit: 'signatures' };
      if (tried === 'passed') return valid(rrset, signature, context);
      failures += 1;
      if (failures >= limits['failed-signatures']) {
        const limit = 'failed-signatures';
        return invalid(rrset, { reason: 'too-many-failures', limit, signature }, keys, context);
      }
    }
    const limit = found.keys.length > limits['keys-tried'] ? 'keys-tried' : undefined;
    furthest = further(furthest, { reason: 'signature-invalid', limit, signature });
  }
  const isCrowd = candidates > limits['rrsigs-tried'];
  return invalid(rrset, isCrowd ? { ...furthest, limit: 'rrsigs-tried' } : furthest, keys, context);
}

/** A key that cannot be used fails as a bad signature does; it costs the budget only what an engine has done for it. */
function tryKey(
  key: DnsKey,
  data: Uint8Array,
  { signature }: Rrsig,
  { budget, policy }: Context,
): 'passed' | 'failed' | 'spent' {
  const verifier = policy.keys.verifierOf(key);
  if (verifier === 'refused') return 'failed';
  if (!budget.spend('signatures')) return 'spent';
  return verifier !== 'broken' && verifier(data, signature) ? 'passed' : 'failed';
}

const invalid = (
  rrset: RRset,
  { reason, limit, signature }: RuledOut,
  { keys }: ZoneKeys,
  { now }: Context,
): Invalid => ({
  kind: 'invalid',
  reason,
  limit,
  detail: signature ? signatureDetail(signature, keys, now) : signersDetail(rrset),
});

/** The checks of RFC 4035 section 5.3.1 in their order: the later one fails, the more it tells. */
const ORDER: readonly BogusReason[] = [
  'rrsigs-missing',
  'signature-labels',
  'signature-dates-reversed',
  'signature-not-yet-valid',
  'signature-expired',
  'signing-key-missing',
  'signing-key-unusable',
  'signing-key-barred',
  'signature-invalid',
];
const further = (a: RuledOut, b: RuledOut): RuledOut =>
  ORDER.indexOf(b.reason) > ORDER.indexOf(a.reason) ? b : a;

type Checked =
  | { readonly kind: 'keys'; readonly keys: readonly DnsKey[] }
  | { readonly kind: 'ruled-out'; readonly reason: BogusReason };
const ruledOut = (reason: BogusReason): Checked => ({ kind: 'ruled-out', reason });

/** All that can be said of an RRSIG without computing it: RFC 4035 section 5.3.1. */
function checkFields(
  rrset: RRset,
  signature: Rrsig,
  { zone, keys }: ZoneKeys,
  { now, policy }: Context,
): Checked {
  // Below the signer no wildcard can stand: labels smaller than the zone's would forge names out of a parent's.
  if (signature.labels > countedLabels(rrset.owner) || signature.labels < zone.labels)
    return ruledOut('signature-labels');
  if (!rrset.owner.isAtOrBelow(zone)) return ruledOut('signature-labels');
  if (policy.signatureTimes === 'checked') {
    const reason = checkTimes(signature, now, policy.inceptionSkewMs);
    if (reason) return ruledOut(reason);
  }
  const named = keys.filter(
    (key) => key.keyTag === signature.keyTag && key.algorithm === signature.algorithm,
  );
  if (named.length === 0 || !isSupported(policy.algorithms, signature.algorithm))
    return ruledOut('signing-key-missing');
  const own = rrset.type === 'DNSKEY' && rrset.owner.equals(zone);
  const usable = named.filter((key) => key.isZoneKey && (own || !key.isRevoked));
  if (usable.length > 0) return { kind: 'keys', keys: usable };
  return ruledOut(named.some(hasZoneKeyBit) ? 'signing-key-barred' : 'signing-key-unusable');
}

/** RFC 4034 section 3.1.5: 32-bit seconds, compared by RFC 1982. Both ends belong to the period. */
function checkTimes(
  { inception, expiration }: Rrsig,
  now: number,
  skewMs: number,
): BogusReason | undefined {
  const seconds = Math.floor(now / 1000);
  if (after(inception, expiration)) return 'signature-dates-reversed';
  if (after(inception, seconds + Math.floor(skewMs / 1000))) return 'signature-not-yet-valid';
  if (after(seconds, expiration)) return 'signature-expired';
  return undefined;
}

/** RFC 1982 section 3.2: true when `a` comes later than `b`. */
const after = (a: number, b: number): boolean => ((a - b) | 0) > 0;

/** RFC 4035 section 5.3.3: an RRset may not be kept for longer than its signature says. */
function valid(rrset: RRset, signature: Rrsig, { now, policy, budget }: Context): Verdict {
  const left = (signature.expiration - Math.floor(now / 1000)) | 0;
  const stated = Math.min(rrset.ttl, signature.ttl, signature.originalTtl);
  const ttl = Math.max(0, policy.signatureTimes === 'checked' ? Math.min(stated, left) : stated);
  // The others go along for those who validate with other algorithms, or at another time.
  const signatures = [signature];
  for (const other of rrset.signatures)
    if (other !== signature && signatures.length < budget.limits['rrsigs-tried'])
      signatures.push(other);
  const expanded = signature.labels < countedLabels(rrset.owner);
  const { owner, type, rdata, defect } = rrset;
  const set: RRset = { owner, type, ttl, rdata, signatures };
  return {
    kind: 'valid',
    rrset: defect === undefined ? set : { ...set, defect },
    wildcardBelow: expanded ? rrset.owner.ancestor(signature.labels) : undefined,
  };
}
