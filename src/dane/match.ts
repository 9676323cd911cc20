/**
 * Whether one TLSA record speaks of one certificate.
 *
 * Implements RFC 6698 section 2.1: the selector picks the octets, the matching type says how they are compared. The
 * octets are those that the peer sent, never encoded anew.
 * @module
 */
import type { Key } from '../tls/certificate.ts';
import { sameOctets } from '../tls/der.ts';
import { fingerprint } from '../tls/fingerprint.ts';
import { DIGESTS, MATCHING_TYPE, SELECTOR, type Tlsa } from './tlsa.ts';

export type Matcher = (record: Tlsa, certificate: Key) => boolean;

/** A matcher that computes each digest of each certificate once, however many records ask for it. */
export function makeMatcher(): Matcher {
  const digests = new Map<Uint8Array, Map<number, Uint8Array>>();
  return ({ selector, matchingType, associationData }, certificate) => {
    const octets = selector === SELECTOR.cert ? certificate.der : certificate.spki;
    if (matchingType === MATCHING_TYPE.full) return sameOctets(octets, associationData);
    const known = digests.get(octets) ?? new Map<number, Uint8Array>();
    digests.set(octets, known);
    const digest = known.get(matchingType) ?? digestOf(octets, matchingType);
    known.set(matchingType, digest);
    return sameOctets(digest, associationData);
  };
}

function digestOf(octets: Uint8Array, matchingType: number): Uint8Array {
  const known = DIGESTS.get(matchingType);
  if (!known) throw new RangeError(`matching type ${matchingType} is not usable`);
  return fingerprint(octets, known.digest);
}
