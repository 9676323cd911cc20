/**
 * Words of a command line as values: domain names, types, addresses, numbers, files. Each says what is wrong with it.
 *
 * Does not: know commands or options (options.ts).
 * @module
 */
import { domainToASCII } from 'node:url';
import { type NextHop, parseNextHop } from '../dane/next-hop.ts';
import type { HalfDane } from '../dane/plan.ts';
import { parseIPv4, parseIPv6 } from '../dns/address.ts';
import { codeOf, isMetaType, parseType, type RRType } from '../dns/codes.ts';
import { Name, NameError } from '../dns/name.ts';
import { type Network, parseNetwork } from '../dns/network.ts';
import { type Anchors, findUnsupported, parseAnchors } from '../dnssec/anchors.ts';
import type { Context } from '../dnssec/context.ts';
import { NEGATIVE_ANCHOR_LONGEST_MS, NegativeAnchors } from '../dnssec/negative-anchors.ts';
import { parseRootAnchors } from '../dnssec/root-anchors.ts';
import type { ServerAddress } from '../environment.ts';
import { readUpTo } from '../mta/bounded-file.ts';
import { DNS_PORT, parseHints } from '../resolver/hints.ts';
import type { ConfiguredZone } from '../resolver/resolver.ts';
import { LONGEST_STALE_MS } from '../resolver/stale-terms.ts';
import type { Nameserver } from '../resolver/zone.ts';
import { isProtocol, PROTOCOLS, type ProtocolName } from '../tls/protocols.ts';
import { Misuse } from './misuse.ts';

/** More than any hints or anchor file holds; it keeps `--root-hints /dev/zero` from filling the memory. */
const MAX_FILE = 1_000_000;
/** A day: longer than anybody waits. */
const MAX_SECONDS = 86_400;

export interface NamedDomain {
  readonly name: Name;
  /** What was done to the text, where it was not taken as it stood. */
  readonly note?: string;
}

/** A name in a question: any octets, escapes as in zone files; Unicode is turned into A-labels. */
export function parseName(text: string): NamedDomain {
  const isAscii = [...text].every((char) => char <= '\u007f');
  const ascii = isAscii ? text : domainToASCII(text);
  if (ascii === '' && text !== '')
    throw new Misuse(`"${text}" is no domain name: its characters have no form as A-labels`);
  try {
    const name = Name.parse(ascii);
    return isAscii ? { name } : { name, note: `${text} is ${ascii} in the DNS` };
  } catch (error) {
    if (error instanceof NameError) throw new Misuse(error.message);
    throw error;
  }
}

/** What mail domains are made of (RFC 5321 section 2.3.5), and the underscore of some that exist all the same. */
const MAIL_DOMAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i;

/** Where mail goes, as Postfix has it: a domain, a host or an address in brackets, with a port or without. */
export function parseDestination(text: string): {
  readonly nextHop: NextHop;
  readonly note?: string;
} {
  const parsed = parseNextHop(text);
  if (parsed.kind === 'malformed') throw new Misuse(parsed.why);
  const { nextHop, ascii } = parsed;
  return ascii === undefined ? { nextHop } : { nextHop, note: `${text} is ${ascii} in the DNS` };
}

/** The domain of a mail address. */
export function parseDomain(text: string): NamedDomain {
  const behindAt = text.slice(text.lastIndexOf('@') + 1);
  if (text.includes('@') && behindAt !== '')
    throw new Misuse(`"${text}" is a mail address: give the part behind the @, ${behindAt}`);
  if (text.includes('/'))
    throw new Misuse(`"${text}" is no domain name: give the host alone, without scheme or path`);
  if (isAddress(text.replace(/^\[(IPv6:)?(.*)\]$/i, '$2')))
    throw new Misuse(`"${text}" is an address: DANE needs a domain name`);
  const domain = parseName(text);
  if (domain.name.isRoot) throw new Misuse('the root takes no mail: give a domain name');
  if (!MAIL_DOMAIN.test(domain.name.toString()))
    throw new Misuse(`"${text}" is no mail domain: it has letters, digits, hyphens and dots only`);
  return domain;
}

const isAddress = (text: string): boolean =>
  parseIPv4(text) !== undefined || parseIPv6(text) !== undefined;

/** Types that may be asked for and are data of a zone. */
export function parseQueryType(text: string): RRType {
  const type = parseType(text);
  if (!type)
    throw new Misuse(`"${text}" is no record type: use a name such as MX or TLSA, or TYPE65280`);
  if (type === 'ANY')
    throw new Misuse('ANY is not supported: it proves nothing (RFC 8482); ask for one type');
  if (isMetaType(type) || codeOf(type) === 0)
    throw new Misuse(`${type} cannot be asked for: it is no data of a zone`);
  return type;
}

/** `192.0.2.1`, `192.0.2.1:5353`, `::1`, `[::1]`, `[::1]:5353`. */
export function parseServer(
  text: string,
  usual = DNS_PORT,
  forms = '192.0.2.1, 192.0.2.1:5353, ::1 or [::1]:5353',
): ServerAddress {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const withPort = bracketed ?? /^([^:]*):([^:]*)$/.exec(text);
  const ip = withPort?.[1] ?? text;
  const isRight = bracketed ? parseIPv6(ip) !== undefined : isAddress(ip);
  if (!isRight) throw new Misuse(`"${text}" is no server address: write ${forms}`);
  const port = withPort?.[2];
  return { ip, port: port === undefined ? usual : parsePort(port) };
}

/** RFC 7858 section 3.1. */
const TLS_PORT = 853;
/** What stands in certificates; an address is no name there (RFC 8310 section 8.1). */
const TLS_NAME =
  /^(?!.*\.\d+$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)+$/i;

/**
 * A resolver that is asked: `ADDR[@PORT][#NAME]`, as Unbound's `forward-addr`, or what `parseServer` takes in front of the
 * `#`. With a name it is DNS over TLS.
 */
export function parseForwarder(text: string): ServerAddress {
  const [, place = '', port, tlsName] = /^([^@#]*)(?:@([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  if (tlsName !== undefined && !(TLS_NAME.test(tlsName) && tlsName.length <= 253))
    throw new Misuse(
      `"${tlsName}" is no name of a server's certificate: write a whole host name, such as dns.example.net, without a dot at its end`,
    );
  const usual = tlsName === undefined ? DNS_PORT : TLS_PORT;
  const server =
    port === undefined ? parseServer(place, usual, PLACES) : parsePlace(text, place, port);
  return tlsName === undefined ? server : { ...server, tlsName };
}

const PLACES = '192.0.2.1, 192.0.2.1@5353, ::1 or ::1@5353';

function parsePlace(text: string, place: string, port: string): ServerAddress {
  const ip = place.replace(/^\[(.*:.*)\]$/, '$1');
  if (!isAddress(ip)) throw new Misuse(`"${text}" is no server address: write ${PLACES}`);
  return { ip, port: parsePort(port) };
}

/** Each `ZONE ADDR...`: a zone with its own servers, each as `parseForwarder` takes them, but without TLS. */
export function parseStubs(texts: readonly string[]): readonly ConfiguredZone[] {
  const zones = texts.map(parseStub);
  refuseSecond(zones, 'write all its addresses behind one');
  return zones;
}

/** Of two that speak of one name, one would be lost without a word. */
function refuseSecond(all: readonly { readonly name: Name }[], todo: string): void {
  const second = all.find(({ name }, i) => all.slice(0, i).some((one) => one.name.equals(name)));
  if (second) throw new Misuse(`${second.name} is given twice: ${todo}`);
}

function parseStub(text: string): ConfiguredZone {
  const [zone, ...places] = text.split(/\s+/).filter((word) => word !== '');
  if (zone === undefined || places.length === 0)
    throw new Misuse(
      `"${text}" is no stub zone: write 'ZONE ADDR...', such as 'corp.example 192.0.2.1 192.0.2.2@5353'`,
    );
  const { name } = parseName(zone);
  if (name.isRoot) throw new Misuse(`"${text}": give the servers of the root by --root-hints`);
  const addresses = places.map(parseForwarder);
  const inTls = addresses.find(({ tlsName }) => tlsName !== undefined);
  if (inTls) throw new Misuse(`only a forwarder is asked over TLS: leave out #${inTls.tlsName}`);
  return { name, role: 'authoritative', nameservers: [{ host: name, addresses }] };
}

export function parsePrivateAddress(text: string): Network {
  const network = parseNetwork(text);
  if (!network)
    throw new Misuse(
      `"${text}" is no network: write 10.0.0.0/8, fd00::/8 or one address, without bits behind the prefix`,
    );
  return network;
}

/** Whose questions are answered. */
export function parseClientNetwork(text: string): Network {
  const network = parsePrivateAddress(text);
  if (network.bits === 0)
    throw new Misuse(
      `"${text}" is everybody: who answers everybody is used for attacks (RFC 5358); give the networks of your own programs`,
    );
  return network;
}

/** A name that would be a list is taken for one by whoever wrote it. */
export function parsePrivateDomain(text: string): Name {
  if (/[\s,]/.test(text))
    throw new Misuse(`"${text}" is no domain name: give one, and the option again for the next`);
  return parseName(text).name;
}

/** What `parseServer` takes, where port 0 lets the system choose one. */
export function parseListener(text: string): ServerAddress {
  const any = /^(.*):0$/.exec(text)?.[1];
  if (any !== undefined && (any.startsWith('[') || !any.includes(':')))
    return { ...parseServer(any), port: 0 };
  return parseServer(text);
}

export function parseHalfDane(text: string): HalfDane {
  if (text === 'dane' || text === 'encrypt' || text === 'may') return text;
  throw new Misuse(`"${text}" is no half-DANE policy: use dane, encrypt or may`);
}

export function parseProtocol(text: string): ProtocolName {
  if (isProtocol(text)) return text;
  const names = Object.keys(PROTOCOLS).join(', ');
  throw new Misuse(`"${text}" is no protocol that can be checked: use ${names}`);
}

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535)
    throw new Misuse(`"${text}" is no port: give a number from 1 to 65535`);
  return port;
}

/** Seconds, with a fraction if need be; the result is milliseconds. */
export function parseSeconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (!(seconds > 0 && seconds <= MAX_SECONDS))
    throw new Misuse(`"${text}" is no time: give seconds, such as 5 or 0.5`);
  return Math.max(1, Math.round(seconds * 1000));
}

/** For how long what has expired is served; the result is milliseconds. */
export function parseStaleSeconds(text: string): number {
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : 0;
  if (ms < 1 || ms > LONGEST_STALE_MS)
    throw new Misuse(
      `"${text}" does not do: give seconds from 1 to ${LONGEST_STALE_MS / 1000} (three days)`,
    );
  return ms;
}

/** BIND's bound on `min-cache-ttl`: who cannot wait for that long for a new address has a TTL for it. */
const MOST_CACHE_MIN_TTL = 90;

/** Seconds for which what is unsigned is kept at least. */
export function parseCacheMinTtl(text: string): number {
  const seconds = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= MOST_CACHE_MIN_TTL) return seconds;
  throw new Misuse(`"${text}" does not do: give seconds from 0 to ${MOST_CACHE_MIN_TTL}`);
}

/** The result is octets. */
export function parseMegabytes(text: string): number {
  const megabytes = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (megabytes < 1) throw new Misuse(`"${text}" is no size: give whole megabytes, such as 64`);
  return megabytes * 1_048_576;
}

/** Each `NAME UNTIL REASON`, the middle one a time in UTC: `2026-12-01T00:00Z`, or the day alone. */
export function parseNegativeAnchors(texts: readonly string[], now: number): NegativeAnchors {
  const all = texts.map((text) => {
    const [, named, until = '', reason] = /^\s*(\S+)\s+(\S+)\s+(\S.*)$/.exec(text) ?? [];
    if (named === undefined || reason === undefined)
      throw new Misuse(
        `"${text}" is no negative trust anchor: write 'NAME UNTIL REASON', such as 'example.com 2026-12-01T00:00Z their DS is wrong'`,
      );
    const { name } = parseName(named);
    return { name, terms: { reason, now, lifetimeMs: parseInstant(until, now) - now } };
  });
  refuseSecond(all, 'leave one out');
  const list = new NegativeAnchors();
  for (const { name, terms } of all) list.add(name, terms);
  return list;
}

const DAY = '2026-12-01'.length;
/** To the minute before. */
const printInstant = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 'YYYY-MM-DDTHH:mm'.length)}Z`;

/** A time that is not over, and within what a negative trust anchor may last. */
function parseInstant(text: string, now: number): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text);
  const ms = isTime ? Date.parse(text) : Number.NaN;
  // Date takes 31 November for 1 December.
  if (Number.isNaN(ms) || !printInstant(ms).startsWith(text.slice(0, DAY)))
    throw new Misuse(`"${text}" is no time: write it in UTC, such as 2026-12-01T00:00Z`);
  if (ms <= now)
    throw new Misuse(`${printInstant(ms)} is over: a negative trust anchor needs an end to come`);
  const latest = now + NEGATIVE_ANCHOR_LONGEST_MS;
  if (ms > latest)
    throw new Misuse(
      `${printInstant(ms)} is too far: a negative trust anchor lasts for a week, now until ${printInstant(latest)} at most`,
    );
  return ms;
}

export function readHints(file: string): readonly Nameserver[] {
  const parsed = parseHints(readText(file));
  if (parsed.kind === 'hints') return parsed.nameservers;
  throw new Misuse(`${file}: ${summary(parsed.errors)}`);
}

/** DS and DNSKEY lines, or IANA's `root-anchors.xml`, of which what is valid now counts. */
export function readAnchors(file: string, context: Context): Anchors {
  const text = readText(file);
  if (/^\s*</.test(text)) {
    const published = parseRootAnchors(text, context);
    if (published.kind === 'anchors') return published.anchors;
    throw new Misuse(`${file}: ${published.why}`);
  }
  const parsed = parseAnchors(text);
  if (parsed.kind === 'errors') throw new Misuse(`${file}: ${summary(parsed.errors)}`);
  const unsupported = findUnsupported(parsed.anchors, context.policy.algorithms);
  if (!unsupported) return parsed.anchors;
  throw new Misuse(
    `${file}: of ${unsupported.name} it has no key of an algorithm and no DS of a digest type that are supported; all below would count as unsigned`,
  );
}

/** The first mistake, and how many more there are. */
function summary([first = 'it cannot be read', ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} (and ${more.length} more)`;
}

const readText = (file: string): string => readOctets(file).toString('utf8');

/** A file as it stands. */
export function readOctets(file: string): Buffer {
  const read = readUpTo(file, MAX_FILE);
  if (read.kind === 'octets') return read.octets;
  throw new Misuse(`${file} ${read.why}`);
}
