/**
 * Where the next connection goes: a domain, a host that the operator names, or an address.
 *
 * Implements the spellings that mail servers' relay settings have (`example.com`, `[mx.example.com]:587`,
 * `[192.0.2.1]`) and address literals of RFC 5321 section 4.1.3. Does not: turn U-labels into A-labels.
 * @module
 */
import { parseIPv4, parseIPv6, printIPv6 } from '../dns/address.ts';
import { Name } from '../dns/name.ts';

export type NextHop =
  /** Its MX hosts take the mail. */
  | { readonly kind: 'domain'; readonly domain: Name; readonly port: number }
  /** It takes the mail itself (RFC 7672 section 2.2.2); MX records are not looked at. */
  | { readonly kind: 'host'; readonly host: Name; readonly port: number }
  /** DANE knows names only. */
  | { readonly kind: 'address'; readonly address: string; readonly port: number };

/** RFC 5321 section 4.5.4.2 names it for nobody else. */
const SMTP_PORT = 25;

/**
 * Reads a next hop as relay settings spell it.
 * @throws TypeError where it is none
 */
export function parseNextHop(text: string): NextHop {
  const [, literal, plain, digits] =
    /^(?:\[([^\]]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? SMTP_PORT : Number(digits);
  if (port < 1 || port > 0xffff) throw new TypeError(`"${text}" has no port`);
  if (plain !== undefined) return { kind: 'domain', domain: Name.parse(plain), port };
  if (literal === undefined) throw new TypeError(`"${text}" is no next hop`);
  const address = addressIn(literal);
  if (address !== undefined) return { kind: 'address', address, port };
  return { kind: 'host', host: Name.parse(literal), port };
}

/** Of an address literal without its brackets, in text form. */
function addressIn(literal: string): string | undefined {
  const bare = literal.replace(/^IPv6:/i, '');
  const v6 = parseIPv6(bare);
  if (v6) return printIPv6(v6);
  return parseIPv4(bare) && bare;
}

/** `[192.0.2.1]` as a name that prints as such: it stands where hosts are told, and the DNS is never asked for it. */
export const literalName = (address: string): Name =>
  Name.parse(address.includes(':') ? `[IPv6:${address}]` : `[${address}]`);
