/**
 * What keeps a host from being authenticated by DANE, in words.
 *
 * Implements nothing of its own: the cases are those of RFC 7672 section 2.2. Does not: decide (plan.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import { explainCase } from '../dnssec/explanation.ts';
import { printHost } from './attempt.ts';
import type { Encrypt, Lack } from './plan.ts';

export const NAMED_INSECURELY = 'MX records that are not secured by DNSSEC name it (half-dane)';

/** What a host has that is worth TLS, but no certificate. */
export const WHY_ENCRYPT = {
  'tlsa-unusable': 'TLSA records, but none that can be used',
  'half-dane': `TLSA records, but ${NAMED_INSECURELY}`,
} as const satisfies Record<Encrypt['why'], string>;

/**
 * A clause: `mx.example.com has no TLSA records`.
 * @param host  whose lack it is; left out where it is that of the whole destination
 */
export function printLack(lack: Lack, host?: Name): string {
  const whose = host ? ` of ${printHost(host)}` : '';
  const who = host ? printHost(host) : 'it';
  switch (lack.why) {
    case 'insecure-mx':
      return `the MX records ${UNSECURED}: ${explainCase(lack.reason, lack.cause)}`;
    case 'insecure-address':
      return `the addresses${whose} ${UNSECURED}: ${explainCase(lack.reason, lack.cause)}`;
    case 'insecure-tlsa':
      return `the TLSA records${whose} ${UNSECURED}: ${explainCase(lack.reason, lack.cause)}`;
    case 'no-tlsa':
      return `${who} has no TLSA records`;
    case 'address-literal':
      return `${who} is an address, of which DANE does not speak`;
    case 'dane-off':
      return 'DANE is switched off here';
    case 'tlsa-unusable':
      return `${who} has ${WHY_ENCRYPT[lack.why]}`;
  }
}

const UNSECURED = 'are not secured by DNSSEC';
