/**
 * The fields of rare-fields.ts as text.
 *
 * Implements RFC 1876 section 3, RFC 3123 section 5, RFC 4025 section 3 and RFC 8005 section 6.
 * @module
 */
import { parseIPv4, parseIPv6, printIPv4, printIPv6 } from './address.ts';
import type { TextForm } from './codec.ts';
import { FormatError } from './cursor.ts';
import type { Name } from './name.ts';
import { base64, hex } from './radix.ts';
import {
  type Gateway,
  gatewayType,
  type HostIdentity,
  type Location,
  ORIGIN_OF_ARC,
  type Prefix,
} from './rare-fields.ts';
import { parseInteger, parseName, type TokenReader } from './token-reader.ts';
import { TextError } from './tokens.ts';

/** RFC 1876 section 3: `42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m`. */
export const locationText: TextForm<Location> = {
  print: (value) =>
    [
      printArc(value.latitude, 'N', 'S'),
      printArc(value.longitude, 'E', 'W'),
      printMetres(value.altitude - BASE_ALTITUDE),
      printMetres(centimetresOf(value.size)),
      printMetres(centimetresOf(value.horizontalPrecision)),
      printMetres(centimetresOf(value.verticalPrecision)),
    ].join(' '),
  parse: (tokens) => ({
    latitude: parseArc(tokens, { positive: 'N', negative: 'S', most: 90 }),
    longitude: parseArc(tokens, { positive: 'E', negative: 'W', most: 180 }),
    altitude: parseAltitude(tokens.next('altitude')),
    size: parsePrecision(tokens, '1m'),
    horizontalPrecision: parsePrecision(tokens, '10000m'),
    verticalPrecision: parsePrecision(tokens, '10m'),
  }),
};

/** 100,000 m, in centimetres. */
const BASE_ALTITUDE = 10_000_000;

function centimetresOf(precision: number): number {
  const [digit, power] = [precision >> 4, precision & 15];
  if (digit === 0 && power > 0) throw new FormatError('a zero with a power has no text', 0);
  return digit * 10 ** power;
}

const printMetres = (centimetres: number): string => `${(centimetres / 100).toFixed(2)}m`;

function printArc(value: number, positive: string, negative: string): string {
  const thousandths = Math.abs(value - ORIGIN_OF_ARC);
  const seconds = ((thousandths % 60_000) / 1000).toFixed(3);
  const minutes = Math.floor(thousandths / 60_000) % 60;
  const degrees = Math.floor(thousandths / 3_600_000);
  return `${degrees} ${minutes} ${seconds} ${value < ORIGIN_OF_ARC ? negative : positive}`;
}

function parseArc(
  tokens: TokenReader,
  side: { positive: string; negative: string; most: number },
): number {
  const parts: string[] = [];
  let text = tokens.next('degrees').toUpperCase();
  while (text !== side.positive && text !== side.negative) {
    parts.push(text);
    text = tokens.next(`${side.positive} or ${side.negative}`).toUpperCase();
  }
  const [degrees = '', minutes = '0', seconds = '0', ...more] = parts;
  const whole =
    /^\d{1,3}$/.test(degrees) &&
    /^[0-5]?\d$/.test(minutes) &&
    /^[0-5]?\d(\.\d{1,3})?$/.test(seconds);
  const thousandths =
    Number(degrees) * 3_600_000 + Number(minutes) * 60_000 + Math.round(Number(seconds) * 1000);
  if (!whole || more.length > 0 || thousandths > side.most * 3_600_000) {
    throw new TextError(
      `"${parts.join(' ')}" are no degrees, minutes and seconds up to ${side.most} degrees`,
    );
  }
  return ORIGIN_OF_ARC + (text === side.positive ? thousandths : -thousandths);
}

function parseCentimetres(text: string): number {
  if (!/^-?\d{1,8}(\.\d{1,2})?m?$/i.test(text))
    throw new TextError(`"${text}" are no metres: write 12.34m`);
  return Math.round(Number.parseFloat(text) * 100);
}

function parseAltitude(text: string): number {
  const altitude = parseCentimetres(text) + BASE_ALTITUDE;
  if (altitude < 0 || altitude > 0xffffffff)
    throw new TextError(`altitude ${text} is out of range`);
  return altitude;
}

/** One digit and a power of ten: the digits after the first are dropped, as RFC 1876 appendix A does. */
function parsePrecision(tokens: TokenReader, standard: string): number {
  const centimetres = parseCentimetres(tokens.left > 0 ? tokens.next('precision') : standard);
  if (centimetres < 0 || centimetres > 9e9)
    throw new TextError('a precision lies between 0 and 90000000.00m');
  const power = centimetres < 10 ? 0 : String(centimetres).length - 1;
  return (Math.floor(centimetres / 10 ** power) << 4) | power;
}

/** RFC 3123 section 5: `1:192.168.32.0/21 !2:fe80::/10`. Other families have no text. */
export const prefixesText: TextForm<readonly Prefix[]> = {
  print: (value) => value.map(printPrefix).join(' '),
  parse: (tokens) => tokens.rest().map(parsePrefix),
};

function printPrefix({ family, length, negated, address }: Prefix): string {
  if (family !== 1 && family !== 2)
    throw new FormatError(`address family ${family} has no text`, 0);
  const octets = new Uint8Array(family === 1 ? 4 : 16);
  octets.set(address);
  return `${negated ? '!' : ''}${family}:${family === 1 ? printIPv4(octets) : printIPv6(octets)}/${length}`;
}

function parsePrefix(text: string): Prefix {
  const [, sign, family, host = '', length] = /^(!?)([12]):([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const octets = family === '1' ? parseIPv4(host) : parseIPv6(host);
  if (family === undefined || !octets || Number(length) > 8 * octets.length) {
    throw new TextError(`"${text}" is no prefix: write 1:192.0.2.0/24 or !2:2001:db8::/32`);
  }
  const used = octets.findLastIndex((octet) => octet !== 0) + 1;
  return {
    family: Number(family),
    length: Number(length),
    negated: sign === '!',
    address: octets.slice(0, used),
  };
}

/** RFC 4025 section 3.1: type of gateway, algorithm, gateway (`.` for none). */
export const gatewayText: TextForm<Gateway> = {
  print: ({ algorithm, host }) => `${gatewayType(host)} ${algorithm} ${host ?? '.'}`,
  parse: (tokens) => {
    const type = tokens.next('gateway type');
    const algorithm = parseInteger(tokens.next('algorithm'), 'algorithm', 8);
    const host = parseHost(type, tokens.next('gateway'), tokens.origin);
    return { algorithm, host };
  },
};

function parseHost(type: string, text: string, origin: Name | undefined): Gateway['host'] {
  if (type === '0' && text === '.') return undefined;
  if (type === '1' && parseIPv4(text)) return text;
  if (type === '2' && parseIPv6(text)) return text;
  if (type === '3') return parseName(text, origin);
  throw new TextError(
    `"${text}" is no gateway of type ${type}: 0 is ".", 1 IPv4, 2 IPv6, 3 a name`,
  );
}

/** RFC 8005 section 6: algorithm, tag in hex, key in base64 without blanks, names. */
export const hostIdentityText: TextForm<HostIdentity> = {
  print: ({ algorithm, tag, publicKey, servers }) =>
    [algorithm, hex.print(tag).toUpperCase(), base64.print(publicKey), ...servers].join(' '),
  parse: (tokens) => {
    const algorithm = parseInteger(tokens.next('algorithm'), 'algorithm', 8);
    const tag = hex.parse(tokens.next('host identity tag'));
    const publicKey = base64.parse(tokens.next('public key'));
    if (!tag || !publicKey) throw new TextError('HIP needs a tag in hex and a key in base64');
    const servers = tokens.rest().map((text) => parseName(text, tokens.origin));
    return { algorithm, tag, publicKey, servers };
  },
};
