/**
 * What RFC 7672 demands of a sender for each destination of the demo.
 *
 * "Row" is the row of `spec/dane-decisions.md` that the destination stands for.
 * @module
 */
import type { Action, DecisionReason } from '../dane/decision.ts';

export interface Demand {
  readonly domain: string;
  /** Of the decision table. */
  readonly row: number;
  /** Where the row comes from: `RFC 7672 section 2.2`. */
  readonly rfc: string;
  readonly shows: string;
  readonly action: Action;
  readonly reason: DecisionReason;
}

/** In the order in which they are shown. */
export const DEMANDS: readonly Demand[] = [
  {
    domain: 'dane-ee.example',
    row: 26,
    rfc: 'RFC 7672 section 3.1.1',
    shows: 'TLSA 3 1 1 matches; a wrong name and a past date do not count',
    action: 'deliver-authenticated',
    reason: 'tlsa-matches',
  },
  {
    domain: 'dane-ta.example',
    row: 27,
    rfc: 'RFC 7672 section 3.1.2',
    shows: 'TLSA 2 0 1 names the authority',
    action: 'deliver-authenticated',
    reason: 'tlsa-matches',
  },
  {
    domain: 'next-hop.example',
    row: 27,
    rfc: 'RFC 7672 section 3.2.2',
    shows: 'TLSA 2 1 1, certificate for the domain and not for the host',
    action: 'deliver-authenticated',
    reason: 'tlsa-matches',
  },
  {
    domain: 'alias.example',
    row: 14,
    rfc: 'RFC 7672 section 2.2.2',
    shows: 'the MX host is a secure alias, TLSA stands at its target',
    action: 'deliver-authenticated',
    reason: 'tlsa-matches',
  },
  {
    domain: 'half-alias.example',
    row: 11,
    rfc: 'RFC 7672 section 2.2.2',
    shows: 'the MX host is an alias into an unsigned zone, TLSA stands at the alias',
    action: 'deliver-authenticated',
    reason: 'tlsa-matches',
  },
  {
    domain: 'two-addresses.example',
    row: 33,
    rfc: 'RFC 7672 section 2.2',
    shows: 'the first address has a wrong certificate, the second the right one',
    action: 'deliver-authenticated',
    reason: 'tlsa-matches',
  },
  {
    domain: 'rescue.example',
    row: 31,
    rfc: 'RFC 7672 section 2.2',
    shows: 'the first MX host does not match, the second does',
    action: 'deliver-authenticated',
    reason: 'tlsa-matches',
  },
  {
    domain: 'unusable.example',
    row: 18,
    rfc: 'RFC 7672 section 2.2',
    shows: 'TLSA records for web browsers only (1 1 1)',
    action: 'deliver-encrypted',
    reason: 'tlsa-unusable',
  },
  {
    domain: 'no-tlsa.example',
    row: 16,
    rfc: 'RFC 7672 section 2.2',
    shows: 'signed, without TLSA records',
    action: 'deliver-opportunistically',
    reason: 'no-tlsa',
  },
  {
    domain: 'in-clear.example',
    row: 34,
    rfc: 'RFC 7672 section 2.2.1',
    shows: 'first MX host without TLSA and STARTTLS: no reason to prefer the second',
    action: 'deliver-opportunistically',
    reason: 'no-tlsa',
  },
  {
    domain: 'unsigned.example',
    row: 4,
    rfc: 'RFC 7672 section 2.2.1',
    shows: 'the domain is not signed',
    action: 'deliver-opportunistically',
    reason: 'insecure-mx',
  },
  {
    domain: 'opt-out.test',
    row: 4,
    rfc: 'RFC 7672 section 2.2.1',
    shows: 'not signed, in an opt-out span of its parent (NSEC3)',
    action: 'deliver-opportunistically',
    reason: 'insecure-mx',
  },
  {
    domain: 'hosted.example',
    row: 10,
    rfc: 'RFC 7672 section 2.2.2',
    shows: 'the MX host is in an unsigned zone whose servers fail on TLSA',
    action: 'deliver-opportunistically',
    reason: 'insecure-address',
  },
  {
    domain: 'loose-tlsa.example',
    row: 17,
    rfc: 'RFC 7672 section 2.2.3',
    shows: 'the TLSA name is an alias into an unsigned zone',
    action: 'deliver-opportunistically',
    reason: 'insecure-tlsa',
  },
  {
    domain: 'mismatch.example',
    row: 31,
    rfc: 'RFC 7672 section 3.2',
    shows: 'TLSA 3 1 1 names another key',
    action: 'defer',
    reason: 'dane-no-match',
  },
  {
    domain: 'wrong-name.example',
    row: 28,
    rfc: 'RFC 7672 section 3.2.2',
    shows: 'TLSA 2 0 1, certificate for another name',
    action: 'defer',
    reason: 'certificate-host-mismatch',
  },
  {
    domain: 'past-date.example',
    row: 29,
    rfc: 'RFC 6698 section 2.1.1',
    shows: 'TLSA 2 0 1, the certificate has expired',
    action: 'defer',
    reason: 'certificate-expired',
  },
  {
    domain: 'no-anchor.example',
    row: 30,
    rfc: 'RFC 7671 section 5.2.2',
    shows: 'TLSA 2 0 1, but the server does not send the authority',
    action: 'defer',
    reason: 'dane-ta-missing-from-chain',
  },
  {
    domain: 'no-starttls.example',
    row: 21,
    rfc: 'RFC 7672 section 2.2',
    shows: 'TLSA, but no STARTTLS',
    action: 'defer',
    reason: 'no-starttls',
  },
  {
    domain: 'no-handshake.example',
    row: 25,
    rfc: 'RFC 7672 section 2.2',
    shows: 'TLSA, but the TLS handshake fails',
    action: 'defer',
    reason: 'handshake-failed',
  },
  {
    domain: 'injection.example',
    row: 24,
    rfc: 'RFC 3207 section 6',
    shows: 'text in clear follows the answer to STARTTLS',
    action: 'defer',
    reason: 'injected',
  },
  {
    domain: 'bogus-tlsa.example',
    row: 15,
    rfc: 'RFC 7672 section 2.1.2',
    shows: 'the signature of the TLSA records is wrong',
    action: 'defer',
    reason: 'signature-invalid',
  },
  {
    domain: 'broken-tlsa.example',
    row: 15,
    rfc: 'RFC 7672 section 2.1.2',
    shows: 'the name servers answer SERVFAIL to TLSA',
    action: 'defer',
    reason: 'unreachable',
  },
  {
    domain: 'expired.example',
    row: 1,
    rfc: 'RFC 7672 section 2.1.2',
    shows: 'the signatures of the domain have expired',
    action: 'defer',
    reason: 'signature-expired',
  },
  {
    domain: 'null-mx.example',
    row: 2,
    rfc: 'RFC 7505 section 3',
    shows: 'the domain says that it takes no mail',
    action: 'refuse',
    reason: 'null-mx',
  },
  {
    domain: 'nowhere.example',
    row: 3,
    rfc: 'RFC 5321 section 5.1',
    shows: 'there is no such domain',
    action: 'refuse',
    reason: 'no-such-domain',
  },
  {
    domain: 'no-address.example',
    row: 8,
    rfc: 'RFC 5321 section 5.1',
    shows: 'the only MX host has no address',
    action: 'refuse',
    reason: 'no-address',
  },
];
