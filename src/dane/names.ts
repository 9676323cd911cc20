/**
 * Reference identifiers: the names of which a certificate must show one.
 *
 * Implements RFC 7672 section 3.2.2 for mail hosts. Does not: compare them with certificates (tls/identity.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Route } from './destination.ts';

/**
 * The names that a certificate under a DANE-TA record may carry (RFC 7672 section 3.2.2): always the base domain;
 * behind secure MX records also the next-hop domain and its expansion; without MX records the next-hop domain where
 * the base domain is its expansion.
 */
export const referenceNames = (
  { via, domain, expanded }: Route,
  host: Name,
  baseDomain: Name,
): readonly Name[] => distinct(via === 'mx' ? [baseDomain, domain, expanded] : [baseDomain, host]);

/** Each once, in the order of the first. */
export const distinct = (names: readonly Name[]): readonly Name[] =>
  names.filter((name, i) => names.findIndex((other) => other.equals(name)) === i);
