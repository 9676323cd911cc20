/**
 * Where mail is to go, as an operator writes it: a domain, a host in brackets, or an address in brackets, each with or
 * without a port.
 *
 * Implements the forms of Postfix's `relayhost` and transport tables, address literals as RFC 5321 section 4.1.3 has them,
 * and U-labels (RFC 5890 section 2.3.2.1), of which the A-labels go into the DNS. Does not: look anything up.
 * @module
 */
import { domainToASCII } from 'node:url';
import { parseIPv4, parseIPv6 } from '../dns/address.ts';
import { Name, NameError } from '../dns/name.ts';

interface Port {
  /** Left out where the text names none. */
  readonly port?: number;
}
export type NextHop = Port &
  (
    | {
        /** Its MX records say where its mail goes. */
        readonly kind: 'domain';
        readonly name: Name;
      }
    | {
        /** It takes the mail itself: no MX is looked for. */
        readonly kind: 'host';
        readonly name: Name;
      }
    | {
        /** No name, and so no DANE. */
        readonly kind: 'literal';
        /** IPv4 or IPv6 in text form. */
        readonly address: string;
      }
  );

export type ParsedNextHop =
  | {
      readonly kind: 'parsed';
      readonly nextHop: NextHop;
      /** The name as A-labels, where the text has others. */
      readonly ascii?: string;
    }
  | { readonly kind: 'malformed'; readonly why: string };

/**
 * Reads `example.com`, `example.com:2525`, `[mx.example.com]`, `[mx.example.com]:587`, `[192.0.2.1]` or
 * `[IPv6:2001:db8::1]:25`.
 */
export function parseNextHop(text: string): ParsedNextHop {
  const why = whyNot(text);
  if (why !== undefined) return malformed(why);
  const [, bracketed, plain, portText] =
    /^(?:\[([^\]]*)\]|([^[\]:]*))(?::(.*))?$/s.exec(text) ?? [];
  const inside = bracketed ?? plain;
  if (inside === undefined) return malformed(`"${text}" is no next hop: write ${FORMS}`);
  const port = portText === undefined ? undefined : parsePort(portText);
  if (port === 'malformed')
    return malformed(`"${text}": "${portText}" is no port: give a number from 1 to 65535`);
  const at = port === undefined ? {} : { port };
  const address = bracketed === undefined ? undefined : literalOf(bracketed);
  if (address !== undefined)
    return { kind: 'parsed', nextHop: { kind: 'literal', address, ...at } };
  const domain = readDomain(inside);
  if ('why' in domain) return malformed(domain.why);
  const kind = bracketed === undefined ? 'domain' : 'host';
  const nextHop: NextHop = { kind, name: domain.name, ...at };
  return { kind: 'parsed', nextHop, ...(domain.ascii !== undefined && { ascii: domain.ascii }) };
}

const FORMS =
  'example.com, [mx.example.com], [mx.example.com]:587, [192.0.2.1] or [IPv6:2001:db8::1]';

const malformed = (why: string): ParsedNextHop => ({ kind: 'malformed', why });

/** Mistakes that would make sense as something else. */
function whyNot(text: string): string | undefined {
  const behindAt = text.slice(text.lastIndexOf('@') + 1);
  if (text.includes('@') && behindAt !== '')
    return `"${text}" is a mail address: give the part behind the @, ${behindAt}`;
  if (text.includes('/'))
    return `"${text}" is no domain name: give the host alone, without scheme or path`;
  if (parseIPv4(text)) return `"${text}" is an address: write it in brackets, [${text}]`;
  if (parseIPv6(text.replace(/^\[(.*)\]$/, '$1')))
    return `"${text}" is an address: write it as [IPv6:${text.replace(/[[\]]/g, '')}]`;
  return undefined;
}

/** RFC 5321 section 4.1.3. */
function literalOf(text: string): string | undefined {
  if (parseIPv4(text)) return text;
  const v6 = /^IPv6:(.*)$/i.exec(text)?.[1];
  return v6 !== undefined && parseIPv6(v6) ? v6 : undefined;
}

function parsePort(text: string): number | 'malformed' {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : 'malformed';
}

/** What mail domains are made of (RFC 5321 section 2.3.5), and the underscore of some that exist all the same. */
const MAIL_DOMAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i;

function readDomain(text: string): { name: Name; ascii?: string } | { why: string } {
  const isAscii = [...text].every((char) => char <= '\u007f');
  const ascii = isAscii ? text : domainToASCII(text);
  if (ascii === '' && text !== '')
    return { why: `"${text}" is no domain name: its characters have no form as A-labels` };
  try {
    const name = Name.parse(ascii);
    if (name.isRoot) return { why: 'the root takes no mail: give a domain name' };
    if (!MAIL_DOMAIN.test(name.toString()))
      return { why: `"${text}" is no mail domain: it has letters, digits, hyphens and dots only` };
    return isAscii ? { name } : { name, ascii };
  } catch (error) {
    if (error instanceof NameError) return { why: error.message };
    throw error;
  }
}
