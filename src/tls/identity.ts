/**
 * Whether a certificate speaks for a host name.
 *
 * Implements RFC 7672 section 3.2.3 with RFC 6125 section 6.4: DNS-IDs, the CN only where there is no DNS-ID, a wildcard
 * only as the whole first label and for exactly one label. Does not: IP addresses, SRV-IDs, IDNA (names are A-labels).
 * @module
 */
import type { Certificate } from './certificate.ts';
import { commonNames } from './distinguished-name.ts';

/**
 * The names that the certificate presents, as they stand there: its DNS-IDs, or its CNs where it has none. A CN that has no
 * dot, or characters of no host, is a person, a product or a firm; name constraints do not look at it, so it must not be
 * taken for a host.
 */
export function presentedNames(certificate: Certificate): readonly string[] {
  const dnsIds = dnsIdsOf(certificate);
  if (dnsIds.length > 0) return dnsIds;
  return commonNames(certificate.subject).filter((name) => HOST_OR_PATTERN.test(name));
}

const dnsIdsOf = ({ extensions }: Certificate): readonly string[] =>
  (extensions.subjectAltName ?? []).flatMap((name) => (name.form === 'dns' ? [name.name] : []));

/** Whether a DNS-ID of the certificate speaks for `host`; a CN never does (RFC 8461 section 3.3 and section 4.2). */
export const isDnsIdOf = (certificate: Certificate, host: string): boolean =>
  dnsIdsOf(certificate).length > 0 && matchHost(certificate, [host]) !== undefined;

/**
 * The first of `hosts` that the certificate speaks for.
 * @param hosts  A-labels without the final dot
 */
export function matchHost(certificate: Certificate, hosts: readonly string[]): string | undefined {
  const presented = new Set(presentedNames(certificate).map(foldCase));
  return hosts.find((host) => {
    const name = foldCase(host);
    if (!HOST.test(name)) return false;
    return presented.has(name) || patternsFor(name).some((pattern) => presented.has(pattern));
  });
}

/** A name with more than one label, or a wildcard above one. Nothing else is ever matched. */
const HOST_OR_PATTERN = /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i;

/** Letters, digits, hyphens and the underscores that hosts have in spite of RFC 952; no `*`, which is no host's. */
const HOST = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/**
 * `*.example.com` for `mx1.example.com`; nothing for `example.com`: `*.com` would speak for everybody below `com`.
 * RFC 7672 section 3.2.3 does not rule that one out; OpenSSL does.
 */
function patternsFor(host: string): readonly string[] {
  const parent = host.slice(host.indexOf('.') + 1);
  return host.includes('.') && parent.includes('.') ? [`*.${parent}`] : [];
}

/** RFC 4343: the 26 letters, and no others. */
const foldCase = (name: string): string =>
  name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
