/**
 * Where a certification path may end for a TLSA record: what DANE-TA, PKIX-TA and PKIX-EE mean on a path.
 *
 * Implements RFC 7671 sections 5.2 to 5.4 and RFC 6698 section 2.1.1. Does not: build paths or check them.
 * @module
 */
import type { Certificate } from '../tls/certificate.ts';
import { sameOctets } from '../tls/der.ts';
import type { Path, PathFinder } from '../tls/path.ts';
import type { PathRules } from '../tls/path-rules.ts';
import { endsAtRoot } from '../tls/pkix.ts';
import type { Matcher } from './match.ts';
import { MATCHING_TYPE, SELECTOR, type Tlsa, USAGE } from './tlsa.ts';

/** A record that the path satisfies, if the path holds. */
export interface Ending {
  readonly record: Tlsa;
  /** Where it matches. */
  readonly depth: number;
  /** What the path ends at. */
  readonly anchor: PathRules['anchor'];
}

export type EndingsOf = (path: Path) => readonly Ending[];

/** For DANE-TA. What ends a path is its last certificate, whichever way led there: each is looked at once. */
export function makeDaneEndings(
  records: readonly Tlsa[],
  finder: PathFinder,
  matches: Matcher,
): EndingsOf {
  const known = new Map<Certificate, readonly Tlsa[]>();
  const anchoredAt = (top: Certificate, depth: number): readonly Tlsa[] => {
    const anchored =
      known.get(top) ??
      records.filter(
        (record) => isItself(top, depth, record, matches) || isSignedByBareKey(top, record, finder),
      );
    known.set(top, anchored);
    return anchored;
  };
  return (path) => {
    const depth = path.length - 1;
    const top = path[depth];
    if (!top) return [];
    return anchoredAt(top, depth).map((record) => ({
      record,
      depth,
      anchor: isItself(top, depth, record, matches) ? 'certificate' : 'key',
    }));
  };
}

/** The server's own certificate is no trust anchor, RFC 6698 section 2.1.1: usage 3 is for that. */
const isItself = (top: Certificate, depth: number, record: Tlsa, matches: Matcher): boolean =>
  depth > 0 && matches(record, top);

/** For the PKIX usages: the path must reach a root that is trusted here, and the record match on the way. */
export function makePkixEndings(
  records: readonly Tlsa[],
  roots: readonly Certificate[],
  matches: Matcher,
): EndingsOf {
  return (path) => {
    if (!endsAtRoot(path, roots)) return [];
    return records.flatMap((record): readonly Ending[] => {
      const isEe = record.usage === USAGE.pkixEe;
      const constrained = isEe ? path.slice(0, 1) : path.slice(1);
      const found = constrained.findIndex((certificate) => matches(record, certificate));
      if (found < 0) return [];
      return [{ record, depth: isEe ? 0 : found + 1, anchor: 'certificate' }];
    });
  };
}

/**
 * DANE-TA with the whole key in the DNS vouches for what it signed although no certificate names it (RFC 7671 section
 * 5.2.3). Where the server sends a certificate for that key, its constraints count and the path goes through it.
 */
function isSignedByBareKey(top: Certificate, record: Tlsa, finder: PathFinder): boolean {
  const { selector, matchingType, associationData } = record;
  if (selector !== SELECTOR.spki || matchingType !== MATCHING_TYPE.full) return false;
  if (finder.issuersOf(top).some(({ spki }) => sameOctets(spki, associationData))) return false;
  return finder.isSignedBy(top, associationData);
}
