/**
 * The kinds of field as text: what field.ts is on the wire, this is for zone files.
 *
 * Implements RFC 1035 section 5.1, RFC 4034 sections 2.2, 3.2, 4.2 and 5.3, RFC 5155 section 3.3, RFC 4398 section 2.2
 * and the forms of the newer types' own RFCs. Does not: whole records (presentation.ts, zone-file.ts).
 * @module
 */
import { parseIPv4, parseIPv6 } from './address.ts';
import type { TextForm } from './codec.ts';
import { parseType } from './codes.ts';
import type { Kind, Values } from './field.ts';
import type { Name } from './name.ts';
import { base32hex, base64, hex } from './radix.ts';
import { gatewayText, hostIdentityText, locationText, prefixesText } from './rare-fields-text.ts';
import { parseSvcParams, printSvcParams } from './svc-params-text.ts';
import { parseInteger, parseName } from './token-reader.ts';
import { quote, TextError, unescapeText } from './tokens.ts';

const integer = (bits: 8 | 16 | 32): TextForm<number> => ({
  print: String,
  parse: (tokens, name) => parseInteger(tokens.next(name), name, bits),
});

const mnemonic = (bits: 8 | 16, names: Readonly<Record<string, number>>): TextForm<number> => ({
  print: String,
  parse: (tokens, name) => {
    const text = tokens.next(name);
    return names[text.toUpperCase()] ?? parseInteger(text, name, bits);
  },
});

/** RFC 4034 appendix A.1 and the registry that grew from it. */
const ALGORITHMS = {
  RSAMD5: 1,
  DH: 2,
  DSA: 3,
  RSASHA1: 5,
  'DSA-NSEC3-SHA1': 6,
  'RSASHA1-NSEC3-SHA1': 7,
  RSASHA256: 8,
  RSASHA512: 10,
  'ECC-GOST': 12,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
  ED448: 16,
  INDIRECT: 252,
  PRIVATEDNS: 253,
  PRIVATEOID: 254,
} as const satisfies Record<string, number>;

/** RFC 4398 section 2.1. */
const CERTIFICATE_TYPES = {
  PKIX: 1,
  SPKI: 2,
  PGP: 3,
  IPKIX: 4,
  ISPKI: 5,
  IPGP: 6,
  ACPKIX: 7,
  IACPKIX: 8,
  URI: 253,
  OID: 254,
} as const satisfies Record<string, number>;

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** Seconds, plain or with the units of BIND: `3600`, `1h`, `1w2d`. `undefined` when the text is neither. */
export function parsePeriod(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  if (!/^(\d{1,10}[smhdw])+$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, count, unit] of text.toLowerCase().matchAll(/(\d+)([smhdw])/g)) {
    seconds += Number(count) * (UNITS[unit ?? ''] ?? 0);
  }
  return seconds;
}

const period: TextForm<number> = {
  print: String,
  parse: (tokens, name) => {
    const text = tokens.next(name);
    const seconds = parsePeriod(text);
    if (seconds === undefined || seconds > 0xffffffff) {
      throw new TextError(`${name} "${text}" is no period: write seconds, or units as in 1h30m`);
    }
    return seconds;
  },
};

/** RFC 4034 section 3.2: YYYYMMDDHHmmSS in UTC, or seconds since 1970. */
const time: TextForm<number> = {
  print: (value) => new Date(value * 1000).toISOString().slice(0, 19).replace(/[-T:]/g, ''),
  parse: (tokens, name) => {
    const text = tokens.next(name);
    const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
    if (!parts) return parseInteger(text, name, 32);
    const [, year, month, day, hour, minute, second] = parts.map(Number);
    const seconds = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second) / 1000;
    if (seconds < 0 || seconds > 0xffffffff || time.print(seconds) !== text) {
      throw new TextError(
        `${name} "${text}" is no time between 1970 and 2106: write YYYYMMDDHHmmSS`,
      );
    }
    return seconds;
  },
};

const name: TextForm<Name> = {
  print: String,
  parse: (tokens, field) => parseName(tokens.next(field), tokens.origin),
};

const address = (version: 4 | 6): TextForm<string> => ({
  print: (value) => value,
  parse: (tokens, field) => {
    const text = tokens.next(field);
    if (!(version === 4 ? parseIPv4(text) : parseIPv6(text)))
      throw new TextError(`"${text}" is no IPv${version} address`);
    return text;
  },
});

function parseString(text: string, field: string): Uint8Array {
  const octets = unescapeText(text);
  if (octets.length > 255)
    throw new TextError(
      `${field} has ${octets.length} octets: split it into strings of at most 255`,
    );
  return octets;
}

/** All tokens that are left, as one text in a radix; blanks inside it are allowed (RFC 4034 section 2.2). */
const inRadix = (
  radix: { print(octets: Uint8Array): string; parse(text: string): Uint8Array | undefined },
  title: string,
): TextForm<Uint8Array> => ({
  print: radix.print,
  parse: (tokens, field) => {
    const octets = radix.parse(tokens.rest().join(''));
    if (!octets) throw new TextError(`${field} is not in ${title}`);
    return octets;
  },
});

/** One token in a radix. */
const radixToken = (
  radix: { print(octets: Uint8Array): string; parse(text: string): Uint8Array | undefined },
  title: string,
): TextForm<Uint8Array> => ({
  print: radix.print,
  parse: (tokens, field) => {
    const octets = radix.parse(tokens.next(field));
    if (!octets || octets.length === 0 || octets.length > 255)
      throw new TextError(`${field} is not 1 to 255 octets in ${title}`);
    return octets;
  },
});

/** RFC 7043 section 3.2: octets in hex, joined by hyphens. */
const hyphenated = (length: 6 | 8): TextForm<Uint8Array> => ({
  print: (octets) => [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join('-'),
  parse: (tokens, field) => {
    const text = tokens.next(field);
    const octets = /^[0-9a-f]{2}(-[0-9a-f]{2})*$/i.test(text)
      ? hex.parse(text.replaceAll('-', ''))
      : undefined;
    if (octets?.length !== length)
      throw new TextError(`${field} "${text}" is not ${length} octets joined by hyphens`);
    return octets;
  },
});

/** RFC 4034 section 5.3 and RFC 6698 section 2.2 allow both cases; zone files usually have the upper one. */
const upperHex = {
  print: (octets: Uint8Array) => hex.print(octets).toUpperCase(),
  parse: hex.parse,
};

export const TEXT: { readonly [K in Kind]: TextForm<Values[K]> } = {
  u8: integer(8),
  u16: integer(16),
  u32: integer(32),
  algorithm: mnemonic(8, ALGORITHMS),
  certificateType: mnemonic(16, CERTIFICATE_TYPES),
  period,
  time,
  type: {
    print: (type) => type,
    parse: (tokens, field) => parseTypeName(tokens.next(field)),
  },
  compressibleName: name,
  oldName: name,
  foldedName: name,
  name,
  ipv4: address(4),
  ipv6: address(6),
  string: { print: quote, parse: (tokens, field) => parseString(tokens.next(field), field) },
  strings: {
    print: (strings) => strings.map(quote).join(' '),
    parse: (tokens, field) =>
      [tokens.next(field), ...tokens.rest()].map((text) => parseString(text, field)),
  },
  tag: { print: (tag) => tag, parse: (tokens, field) => tokens.next(field) },
  text: { print: quote, parse: (tokens, field) => unescapeText(tokens.next(field)) },
  hex: inRadix(upperHex, 'hex'),
  base64: inRadix(base64, 'base64'),
  opaque: inRadix(upperHex, 'hex'),
  salt: {
    print: (salt) => (salt.length === 0 ? '-' : hex.print(salt)),
    parse: (tokens, field) => {
      const text = tokens.next(field);
      const salt = text === '-' ? new Uint8Array() : hex.parse(text);
      if (!salt || salt.length > 255)
        throw new TextError(`${field} "${text}" is neither - nor hex of at most 255 octets`);
      return salt;
    },
  },
  hash: radixToken(base32hex, 'base32hex'),
  types: { print: (types) => types.join(' '), parse: (tokens) => tokens.rest().map(parseTypeName) },
  svcParams: { print: printSvcParams, parse: (tokens) => parseSvcParams(tokens.rest()) },
  eui48: hyphenated(6),
  eui64: hyphenated(8),
  location: locationText,
  prefixes: prefixesText,
  gateway: gatewayText,
  hostIdentity: hostIdentityText,
};

function parseTypeName(text: string) {
  const type = parseType(text);
  if (!type) throw new TextError(`"${text}" is no record type: use a mnemonic or TYPE1234`);
  return type;
}
