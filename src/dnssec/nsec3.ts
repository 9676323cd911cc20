/**
 * What NSEC3 records prove: RFC 5155 section 8, with erratum 3441 (empty non-terminals under opt-out) and RFC 6840
 * section 4. One function per claim.
 *
 * Takes records whose signatures were verified and whose parameters are equal and affordable (denial.ts sees to both).
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { base32hex, hex } from '../dns/radix.ts';
import { decode } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Context } from './context.ts';
import { nsec3Hash } from './nsec3-hash.ts';
import {
  type Claim,
  contradicted,
  type DsProof,
  isAncestorSide,
  mayDenyBelow,
  type NegativeProof,
  proven,
  readBitmap,
  unproven,
} from './proof.ts';

/** One NSEC3 record of the zone, its hashes as base32hex text, which sorts as the octets do. */
export interface Nsec3 {
  readonly hash: string;
  readonly next: string;
  readonly optOut: boolean;
  readonly types: readonly RRType[];
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly rrset: RRset;
}

const SHA1 = 1;
const SHA1_OCTETS = 20;
const OPT_OUT = 1;

/**
 * The NSEC3 of an RRset, or `undefined` where it is to be ignored: an unknown hash or flag (RFC 5155 sections 8.1, 8.2),
 * or an owner that is not exactly one label below the zone (CVE-2026-10723).
 */
export function readNsec3(rrset: RRset, zone: Name): Nsec3 | undefined {
  const [rdata] = rrset.rdata;
  if (!rdata || rrset.rdata.length !== 1 || rrset.defect !== undefined) return undefined;
  const { hashAlgorithm, flags, iterations, salt, nextHashed, types } = decode('NSEC3', rdata);
  if (hashAlgorithm !== SHA1 || (flags & ~OPT_OUT) !== 0 || nextHashed.length !== SHA1_OCTETS)
    return undefined;
  if (!rrset.owner.isBelow(zone) || rrset.owner.labels !== zone.labels + 1) return undefined;
  const hash = base32hex.parse(String.fromCharCode(...rrset.owner.label(0)));
  if (hash?.length !== SHA1_OCTETS) return undefined;
  const next = base32hex.print(nextHashed);
  return {
    hash: base32hex.print(hash),
    next,
    optOut: (flags & OPT_OUT) !== 0,
    types,
    iterations,
    salt,
    rrset,
  };
}

/** SHA-1 blocks that one hash with these parameters takes: what an iteration limit alone would let a long salt escape. */
export const hashPrice = ({ iterations, salt }: Pick<Nsec3, 'iterations' | 'salt'>): number =>
  (iterations + 1) * Math.ceil((salt.length + SHA1_OCTETS) / 64);

/** The records of one zone and reply, ready to be searched. */
export interface Nsec3Chain {
  readonly zone: Name;
  readonly records: readonly Nsec3[];
  readonly context: Context;
}

/** Thrown and caught in this file: a proof is a chain of searches, any of which may be one hash too many. */
class HashesSpent extends Error {}

const SPENT = { kind: 'spent', limit: 'nsec3-hashes' } as const;

function withinBudget<T>(search: () => T): T | typeof SPENT {
  try {
    return search();
  } catch (error) {
    if (error instanceof HashesSpent) return SPENT;
    throw error;
  }
}

/** No record of `type` at `name`, or no such name. RFC 5155 sections 8.4 to 8.7. */
export function proveByNsec3(chain: Nsec3Chain, claim: Claim): NegativeProof {
  return withinBudget(() => {
    const match = findMatch(chain, claim.name);
    return match ? readBitmap(match.types, claim, match.rrset) : proveAbsentName(chain, claim);
  });
}

function proveAbsentName(chain: Nsec3Chain, { name, type, rcode }: Claim): NegativeProof {
  const closest = closestEncloser(chain, name);
  if (!closest) return unproven('closest-encloser', name);
  // RFC 5155 section 8.3
  if (!mayDenyBelow(closest.match.types)) return unproven('own-side', closest.encloser);
  const cover = findCover(chain, closest.nextCloser);
  if (!cover) return unproven('next-closer', closest.nextCloser);
  // RFC 5155 section 9.2: in an opt-out span there may be unsigned delegations, so nothing about it is secure.
  const insecure = cover.optOut ? 'opt-out' : undefined;
  const used = [closest.match.rrset, cover.rrset];
  if (type === 'DS' && cover.optOut) return proven('nodata', used, insecure);
  const { wildcard } = closest.encloser;
  if (!wildcard) return unproven('next-closer', closest.nextCloser);
  const wildcardMatch = findMatch(chain, wildcard);
  if (wildcardMatch) {
    const found = readBitmap(wildcardMatch.types, { name: wildcard, type }, wildcardMatch.rrset);
    return found.kind === 'proven'
      ? proven(found.absence, [...used, ...found.used], insecure)
      : found;
  }
  const wildcardCover = findCover(chain, wildcard);
  if (wildcardCover) return proven('nxdomain', [...used, wildcardCover.rrset], insecure);
  // RFC 5155 erratum 3441: an empty non-terminal above unsigned delegations has no NSEC3 of its own.
  return cover.optOut && rcode === 'NOERROR'
    ? proven('nodata', used, insecure)
    : unproven('wildcard', wildcard);
}

/** The name itself does not exist, so that the wildcard directly below `encloser` was rightly expanded. RFC 5155 section 8.8. */
export function proveExpansionByNsec3(
  chain: Nsec3Chain,
  name: Name,
  encloser: Name,
): NegativeProof {
  return withinBudget(() => {
    const nextCloser = name.ancestor(encloser.labels + 1);
    const cover = findCover(chain, nextCloser);
    return cover
      ? proven('nxdomain', [cover.rrset], cover.optOut ? 'opt-out' : undefined)
      : unproven('next-closer', nextCloser);
  });
}

/** What the parent's records say about a delegation at `name`. RFC 5155 section 8.9, RFC 6840 section 4.4. */
export function proveNoDsByNsec3(chain: Nsec3Chain, name: Name): DsProof {
  return withinBudget(() => {
    const match = findMatch(chain, name);
    if (match) {
      if (match.types.includes('SOA')) return unproven('own-side', name); // the child's own
      if (match.types.includes('DS')) return contradicted(name, match.types);
      return {
        kind: match.types.includes('NS') ? 'unsigned' : 'not-a-cut',
        used: [match.rrset],
        insecure: undefined,
      };
    }
    const closest = closestEncloser(chain, name);
    if (!closest) return unproven('closest-encloser', name);
    const used = [closest.match.rrset];
    if (isAncestorSide(closest.match.types)) return unproven('own-side', closest.encloser);
    if (closest.match.types.includes('DNAME'))
      return { kind: 'nothing-below', used, insecure: undefined };
    const cover = findCover(chain, closest.nextCloser);
    if (!cover) return unproven('next-closer', closest.nextCloser);
    const all = [...used, cover.rrset];
    return cover.optOut
      ? { kind: 'unsigned', used: all, insecure: 'opt-out' }
      : { kind: 'nothing-below', used: all, insecure: undefined };
  });
}

interface Closest {
  readonly encloser: Name;
  readonly match: Nsec3;
  /** The name one label longer than the encloser, on the way to the name asked for. */
  readonly nextCloser: Name;
}

/** RFC 5155 section 8.3: the longest ancestor of `name` within the zone that an NSEC3 matches. */
function closestEncloser(chain: Nsec3Chain, name: Name): Closest | undefined {
  for (let labels = name.labels - 1; labels >= chain.zone.labels; labels -= 1) {
    const encloser = name.ancestor(labels);
    const match = findMatch(chain, encloser);
    if (match) return { encloser, match, nextCloser: name.ancestor(labels + 1) };
  }
  return undefined;
}

function findMatch(chain: Nsec3Chain, name: Name): Nsec3 | undefined {
  const hash = hashOf(chain, name);
  return chain.records.find((record) => record.hash === hash);
}

function findCover(chain: Nsec3Chain, name: Name): Nsec3 | undefined {
  const hash = hashOf(chain, name);
  return chain.records.find(({ hash: from, next: to }) =>
    from < to ? from < hash && hash < to : hash > from || hash < to,
  );
}

function hashOf({ records, context }: Nsec3Chain, name: Name): string {
  const [first] = records; // all have the same parameters
  if (!first) throw new HashesSpent();
  const hash = hashName(name, first, context);
  if (hash === undefined) throw new HashesSpent();
  return hash;
}

/** The hash of a name as base32hex text, paid for once a question; `undefined` where the budget has no more for it. */
export function hashName(
  name: Name,
  { iterations, salt }: Pick<Nsec3, 'iterations' | 'salt'>,
  { budget, policy }: Context,
): string | undefined {
  const key = `${iterations} ${hex.print(salt)} ${name.key}`;
  const known = budget.hashed.get(key);
  if (known !== undefined) return known;
  if (!budget.spend('nsec3-hashes')) return undefined;
  const hash = base32hex.print(
    nsec3Hash(policy.keys.engine, name.canonical.wire, iterations, salt),
  );
  budget.hashed.set(key, hash);
  return hash;
}
