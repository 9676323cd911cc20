/**
 * Denial of existence, whichever of NSEC and NSEC3 the zone uses: verifies the records of a reply once, then proves
 * claims from them.
 *
 * The order follows RFC 9276 section 3.2: parameters first, then signatures, and only records that verified may say
 * that their iterations are too many. Does not: decide what an unproven denial means (judge.ts, delegation.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import { hex } from '../dns/radix.ts';
import type { RRset } from '../dns/rrset.ts';
import type { LimitName } from './budget.ts';
import type { Context } from './context.ts';
import { type Detail, signatureDetail } from './detail.ts';
import { type Nsec, proveByNsec, proveExpansionByNsec, proveNoDsByNsec, readNsec } from './nsec.ts';
import {
  hashPrice,
  type Nsec3,
  type Nsec3Chain,
  proveByNsec3,
  proveExpansionByNsec3,
  proveNoDsByNsec3,
  readNsec3,
} from './nsec3.ts';
import type { Claim, DsProof, NegativeProof, NoProof } from './proof.ts';
import type { BogusReason } from './reason.ts';
import { verifyRRset, type ZoneKeys } from './verify.ts';

/** Why a claim was not proved. */
export type Unproved =
  | {
      readonly kind: 'failed';
      readonly reason: BogusReason;
      readonly limit: LimitName | undefined;
      readonly detail: Detail;
    }
  | { readonly kind: 'spent'; readonly limit: LimitName };
export type Proved<P extends NegativeProof | DsProof> = Exclude<P, NoProof>;

/** The verified denial records of one reply, of one zone. */
interface Readable {
  readonly kind: 'readable';
  readonly nsec: readonly Nsec[];
  readonly nsec3: Nsec3Chain | undefined;
  /** The NSEC3 records ask for more hashing than is done: they verified, and prove nothing but themselves. */
  readonly tooCostly: readonly RRset[];
  /** Why the first record that did not verify was left out. */
  readonly rejected: { readonly reason: BogusReason; readonly detail: Detail } | undefined;
}
export type Denial = Readable | Unproved;

const isDenial = ({ type }: RRset): boolean => type === 'NSEC' || type === 'NSEC3';
const isSignedBy = (rrset: RRset, zone: Name): boolean =>
  rrset.signatures.some((signature) => signature.signer.equals(zone));

const isUnsignedDenial = (set: RRset, zone: Name): boolean =>
  isDenial(set) && set.signatures.length === 0 && set.owner.isAtOrBelow(zone);

/** True when at least one NSEC or NSEC3 RRset carries a signature of `zone`, good or bad. */
export const hasDenialOf = (sets: readonly RRset[], zone: Name): boolean =>
  sets.some((set) => isDenial(set) && isSignedBy(set, zone));

/** Verifies the NSEC and NSEC3 RRsets among `sets` that `keys.zone` signed; those of other zones are none of its business. */
export function readDenial(sets: readonly RRset[], keys: ZoneKeys, context: Context): Denial {
  const { zone } = keys;
  const own = sets.filter((set) => isDenial(set) && isSignedBy(set, zone));
  const refused = checkNsec3(own, zone, context);
  if (refused) return refused;
  const nsec: Nsec[] = [];
  const nsec3: Nsec3[] = [];
  const isStripped = own.length === 0 && sets.some((set) => isUnsignedDenial(set, zone));
  let rejected: Readable['rejected'] = isStripped ? STRIPPED : undefined;
  for (const set of own) {
    const verdict = verifyRRset(set, keys, context);
    if (verdict.kind === 'spent') return verdict;
    if (verdict.kind === 'invalid') rejected ??= refusal(verdict.reason, verdict.detail);
    // A wildcard's NSEC speaks of the wildcard: under an expanded owner it would deny names that it never spanned.
    else if (verdict.wildcardBelow) rejected ??= expandedDenial(set, keys, context);
    else if (set.type === 'NSEC') push(nsec, readNsec(verdict.rrset, zone));
    else push(nsec3, readNsec3(verdict.rrset, zone));
  }
  const costly = nsec3.some((record) => isTooCostly(record, context));
  return {
    kind: 'readable',
    nsec,
    nsec3: nsec3.length > 0 && !costly ? { zone, records: nsec3, context } : undefined,
    tooCostly: costly ? nsec3.map(({ rrset }) => rrset) : [],
    rejected,
  };
}

const refusal = (reason: BogusReason, detail: Detail): NonNullable<Readable['rejected']> => ({
  reason,
  detail,
});
const STRIPPED = refusal('rrsigs-missing', { kind: 'signers', signers: [] });

function expandedDenial(
  { signatures: [signature] }: RRset,
  { keys }: ZoneKeys,
  { now }: Context,
): Readable['rejected'] {
  if (!signature) return STRIPPED; // cannot be: one of them has verified
  return refusal('signature-labels', signatureDetail(signature, keys, now));
}

function push<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item);
}

const isTooCostly = (record: Nsec3, { policy }: Context): boolean =>
  record.iterations > policy.nsec3Iterations || hashPrice(record) > policy.nsec3Iterations + 1;

/** What can be refused before anything is computed: too many records, or records that cannot be of one chain. */
function checkNsec3(sets: readonly RRset[], zone: Name, { budget }: Context): Unproved | undefined {
  const all = sets.filter(({ type }) => type === 'NSEC3');
  const count = all.reduce((sum, set) => sum + set.rdata.length, 0);
  if (count > budget.limits['nsec3-records'])
    return {
      kind: 'failed',
      reason: 'too-many-nsec3',
      limit: 'nsec3-records',
      detail: { kind: 'count', found: count, limit: budget.limits['nsec3-records'] },
    };
  const parameters = new Set(
    all
      .map((set) => readNsec3(set, zone))
      .map((record) => record && `${record.iterations} ${hex.print(record.salt) || '-'}`),
  );
  const found = [...parameters].filter((one) => one !== undefined);
  if (found.length < 2) return undefined;
  const detail = { kind: 'parameters', found } as const;
  return { kind: 'failed', reason: 'denial-parameters', limit: undefined, detail };
}

/** RFC 4035 section 5.4, RFC 5155 sections 8.4 to 8.7: there is no such record, or no such name. */
export function proveNegative(denial: Denial, claim: Claim): Proved<NegativeProof> | Unproved {
  if (denial.kind !== 'readable') return denial;
  if (denial.tooCostly.length > 0 && denial.nsec.length === 0) {
    return costly(denial, claim.rcode === 'NXDOMAIN' ? 'nxdomain' : 'nodata');
  }
  const byNsec3 = denial.nsec3 ? [proveByNsec3(denial.nsec3, claim)] : [];
  return conclude(denial, [proveByNsec(denial.nsec, claim), ...byNsec3], claim.name);
}

/** RFC 4035 section 5.3.4, RFC 5155 section 8.8: the name for which a wildcard below `encloser` was expanded does not exist. */
export function proveExpansion(
  denial: Denial,
  name: Name,
  encloser: Name,
): Proved<NegativeProof> | Unproved {
  if (denial.kind !== 'readable') return denial;
  if (denial.tooCostly.length > 0 && denial.nsec.length === 0) return costly(denial, 'nxdomain');
  const byNsec3 = denial.nsec3 ? [proveExpansionByNsec3(denial.nsec3, name, encloser)] : [];
  return conclude(denial, [proveExpansionByNsec(denial.nsec, name, encloser), ...byNsec3], name);
}

/** RFC 4035 section 5.2, RFC 5155 section 8.9: what the zone says about a delegation at `name` without DS. */
export function proveNoDs(denial: Denial, name: Name): Proved<DsProof> | Unproved {
  if (denial.kind !== 'readable') return denial;
  if (denial.tooCostly.length > 0 && denial.nsec.length === 0) {
    return { kind: 'unsigned', used: denial.tooCostly, insecure: 'nsec3-iterations' };
  }
  const byNsec3 = denial.nsec3 ? [proveNoDsByNsec3(denial.nsec3, name)] : [];
  return conclude(denial, [proveNoDsByNsec(denial.nsec, name), ...byNsec3], name);
}

const costly = ({ tooCostly }: Readable, absence: 'nodata' | 'nxdomain'): Proved<NegativeProof> =>
  ({ kind: 'proven', absence, used: tooCostly, insecure: 'nsec3-iterations' }) as const;

/** The first proof that holds; else the gravest reason why none does. */
function conclude<P extends NegativeProof | DsProof>(
  denial: Readable,
  tried: readonly P[],
  name: Name,
): Exclude<P, NoProof> | Unproved {
  for (const proof of tried) if (isProof(proof)) return proof;
  const ended = tried.find(({ kind }) => kind === 'spent');
  if (ended) return { kind: 'spent', limit: 'nsec3-hashes' };
  return { kind: 'failed', limit: undefined, ...(denial.rejected ?? gravest(denial, tried, name)) };
}

function gravest(
  { nsec, nsec3 }: Readable,
  tried: readonly (NegativeProof | DsProof)[],
  name: Name,
): { readonly reason: BogusReason; readonly detail: Detail } {
  const lie = tried.find((proof) => proof.kind === 'contradicted');
  if (lie)
    return {
      reason: 'denial-contradicted',
      detail: { kind: 'exists', name: lie.name, types: lie.types },
    };
  const hasRecords = nsec.length > 0 || nsec3 !== undefined;
  const last = tried.findLast((proof) => proof.kind === 'unproven');
  const missing = hasRecords && last ? last.missing : ({ piece: 'any-record', name } as const);
  return { reason: 'denial-missing', detail: { kind: 'denial', ...missing } };
}

const isProof = <P extends NegativeProof | DsProof>(proof: P): proof is Exclude<P, NoProof> =>
  proof.kind !== 'unproven' && proof.kind !== 'contradicted' && proof.kind !== 'spent';
