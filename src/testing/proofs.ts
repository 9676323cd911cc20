/**
 * Which NSEC or NSEC3 records a server sends to prove what it says (RFC 4035 section 3.1.3, RFC 5155 section 7.2).
 *
 * The other side of the validator's denial logic, written from the server's rules and sharing nothing with it.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { StoredSet, Zone } from './zone.ts';

/** What has to be proved. `encloser` is the longest existing ancestor of `name`. */
export type Claim =
  /** The name exists, but not with that type; or it is a delegation without DS. */
  | { readonly kind: 'no-data'; readonly name: Name }
  /** Neither the name nor a wildcard that could stand for it exists. */
  | { readonly kind: 'no-name'; readonly name: Name; readonly encloser: Name }
  /** The name does not exist, so the wildcard answered rightly. */
  | { readonly kind: 'wildcard-answer'; readonly name: Name; readonly encloser: Name }
  /** The name does not exist, and the wildcard that stands for it has not that type. */
  | { readonly kind: 'wildcard-no-data'; readonly name: Name; readonly encloser: Name };

/** The records that prove the claim, each once; none in a zone without a denial chain. */
export function proofOf(zone: Zone, claim: Claim): readonly StoredSet[] {
  const sets = zone.denial === 'nsec3' ? nsec3Proof(zone, claim) : nsecProof(zone, claim);
  return [...new Set(sets.filter((set) => set !== undefined))];
}

type Sets = readonly (StoredSet | undefined)[];

function nsecProof(zone: Zone, claim: Claim): Sets {
  switch (claim.kind) {
    case 'no-data':
      // An empty non-terminal owns no NSEC: the one over it shows a next name below it.
      return [zone.nsecAt(claim.name) ?? zone.nsecOver(claim.name)];
    case 'no-name':
      return [zone.nsecOver(claim.name), overWildcard(zone, claim.encloser, 'nsecOver')];
    case 'wildcard-answer':
      return [zone.nsecOver(claim.name)];
    case 'wildcard-no-data':
      // A wildcard without data of its own, above other names, owns no NSEC either.
      return [
        zone.nsecOver(claim.name),
        overWildcard(zone, claim.encloser, 'nsecAt') ??
          overWildcard(zone, claim.encloser, 'nsecOver'),
      ];
  }
}

function nsec3Proof(zone: Zone, claim: Claim): Sets {
  const { name } = claim;
  switch (claim.kind) {
    case 'no-data': {
      const own = zone.nsec3At(name);
      // RFC 5155 section 7.2.4: under Opt-Out the name may have none, then the closest provable encloser speaks.
      return own ? [own] : closestEncloserProof(zone, name, name.parent);
    }
    case 'no-name': {
      const encloser = provableEncloser(zone, claim.encloser);
      return [
        ...closestEncloserProof(zone, name, encloser),
        overWildcard(zone, encloser, 'nsec3Over'),
      ];
    }
    case 'wildcard-answer':
      return [zone.nsec3Over(name.ancestor(claim.encloser.labels + 1))];
    case 'wildcard-no-data':
      return [
        ...closestEncloserProof(zone, name, claim.encloser),
        overWildcard(zone, claim.encloser, 'nsec3At'),
      ];
  }
}

/** RFC 5155 section 7.2.1: the NSEC3 of the closest encloser that has one, and the one over the next closer name. */
function closestEncloserProof(zone: Zone, name: Name, encloser: Name): Sets {
  const closest = provableEncloser(zone, encloser);
  return [zone.nsec3At(closest), zone.nsec3Over(name.ancestor(closest.labels + 1))];
}

/** RFC 5155 section 1.3: under Opt-Out an empty non-terminal above unsigned delegations has no NSEC3, so one above speaks. */
function provableEncloser(zone: Zone, encloser: Name): Name {
  let closest = encloser;
  while (closest.labels > zone.name.labels && !zone.nsec3At(closest)) closest = closest.parent;
  return closest;
}

type Search = 'nsecAt' | 'nsecOver' | 'nsec3At' | 'nsec3Over';

function overWildcard(zone: Zone, encloser: Name, search: Search): StoredSet | undefined {
  const wildcard = encloser.wildcard;
  return wildcard && zone[search](wildcard);
}
