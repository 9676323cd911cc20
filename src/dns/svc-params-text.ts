/**
 * Service parameters as text: `alpn="h2,h3" port=8443 key65000="\001"`.
 *
 * Implements RFC 9460 sections 2.1 and 7 and its appendix A.1 (escapes inside comma-separated lists).
 * Does not: check values beyond their form; `encode` does that on the wire form.
 * @module
 */
import { parseIPv4, parseIPv6, printIPv4, printIPv6 } from './address.ts';
import { base64 } from './radix.ts';
import { SVC_KEYS, type SvcParam } from './svc-params.ts';
import { quote, TextError, unescapeText } from './tokens.ts';

const NAME_OF_KEY = new Map<number, string>(
  Object.entries(SVC_KEYS).map(([name, key]) => [key, name]),
);
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

const printKey = (key: number): string => NAME_OF_KEY.get(key) ?? `key${key}`;

function parseKey(text: string): number {
  const key = Object.hasOwn(SVC_KEYS, text)
    ? SVC_KEYS[text as keyof typeof SVC_KEYS]
    : /^key(0|[1-9]\d{0,4})$/.exec(text)?.[1];
  if (key === undefined || Number(key) > 0xffff)
    throw new TextError(`"${text}" is no service parameter: use a name or key1234`);
  return Number(key);
}

export const printSvcParams = (params: readonly SvcParam[]): string =>
  params.map(printParam).join(' ');

function printParam({ key, value }: SvcParam): string {
  if (value.length === 0) return printKey(key);
  return `${printKey(key)}=${printValue(key, value)}`;
}

function printValue(key: number, value: Uint8Array): string {
  if (key === SVC_KEYS.port) return String(readU16(value, 0));
  if (key === SVC_KEYS.mandatory)
    return pieces(value, 2)
      .map((octets) => printKey(readU16(octets, 0)))
      .join(',');
  if (key === SVC_KEYS.ipv4hint) return pieces(value, 4).map(printIPv4).join(',');
  if (key === SVC_KEYS.ipv6hint) return pieces(value, 16).map(printIPv6).join(',');
  if (key === SVC_KEYS.ech) return base64.print(value);
  if (key === SVC_KEYS.alpn) return quote(joinList(readStrings(value)));
  return quote(value);
}

export function parseSvcParams(texts: readonly string[]): SvcParam[] {
  const params = texts.map(parseParam).sort((a, b) => a.key - b.key);
  const twice = params.find(({ key }, i) => params[i - 1]?.key === key);
  if (twice) throw new TextError(`service parameter ${printKey(twice.key)} stands twice: keep one`);
  return params;
}

function parseParam(text: string): SvcParam {
  const [, name = '', given = ''] = /^([^=]*)=?(.*)$/s.exec(text) ?? [];
  const key = parseKey(name);
  const quoted = /^"(.*)"$/s.exec(given)?.[1];
  return { key, value: parseValue(key, quoted ?? given) };
}

function parseValue(key: number, text: string): Uint8Array {
  if (key === SVC_KEYS.port) return parsePort(text);
  if (key === SVC_KEYS.mandatory)
    return u16s(
      text
        .split(',')
        .map(parseKey)
        .sort((a, b) => a - b),
    );
  if (key === SVC_KEYS.ipv4hint) return joined(text.split(','), parseIPv4, 'IPv4 addresses');
  if (key === SVC_KEYS.ipv6hint) return joined(text.split(','), parseIPv6, 'IPv6 addresses');
  if (key === SVC_KEYS.ech) return joined([text], base64.parse, 'base64');
  if (key === SVC_KEYS.alpn) return writeStrings(splitList(unescapeText(text)));
  return unescapeText(text);
}

function parsePort(text: string): Uint8Array {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 0xffff) throw new TextError(`"${text}" is no port`);
  return u16s([Number(text)]);
}

function joined(
  texts: readonly string[],
  parse: (text: string) => Uint8Array | undefined,
  title: string,
): Uint8Array {
  return Uint8Array.from(
    texts.flatMap((text) => {
      const octets = parse(text);
      if (!octets) throw new TextError(`"${text}": ${title} are needed here`);
      return [...octets];
    }),
  );
}

const readU16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
const u16s = (numbers: readonly number[]): Uint8Array =>
  Uint8Array.from(numbers.flatMap((number) => [number >> 8, number & 0xff]));

function pieces(octets: Uint8Array, length: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += length) all.push(octets.subarray(at, at + length));
  return all;
}

function readStrings(octets: Uint8Array): Uint8Array[] {
  const strings: Uint8Array[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = at + 1 + (octets[at] ?? 0);
    strings.push(octets.subarray(at + 1, end));
    at = end;
  }
  return strings;
}

function writeStrings(strings: readonly (readonly number[])[]): Uint8Array {
  if (strings.some(({ length }) => length === 0 || length > 255))
    throw new TextError('a list item has 1 to 255 octets');
  return Uint8Array.from(strings.flatMap((string) => [string.length, ...string]));
}

/** RFC 9460 appendix A.1: commas and backslashes inside an item get a backslash, before the quoted string adds its own. */
function joinList(items: readonly Uint8Array[]): Uint8Array {
  const octets = items.flatMap((item, i) => {
    const escaped = [...item].flatMap((octet) =>
      octet === COMMA || octet === BACKSLASH ? [BACKSLASH, octet] : [octet],
    );
    return i === 0 ? escaped : [COMMA, ...escaped];
  });
  return Uint8Array.from(octets);
}

function splitList(octets: Uint8Array): number[][] {
  let item: number[] = [];
  const items = [item];
  for (let at = 0; at < octets.length; at += 1) {
    const octet = octets[at] ?? 0;
    if (octet === COMMA) {
      item = [];
      items.push(item);
    } else if (octet === BACKSLASH) {
      at += 1;
      item.push(octets[at] ?? BACKSLASH);
    } else item.push(octet);
  }
  return items;
}
