/**
 * What a test writes down about its internet, and what it gets back.
 *
 * ```ts
 * const net = internet({
 *   'example.com': ['@ MX 10 mail', 'mail A 192.0.2.25', '_25._tcp.mail TLSA 3 1 1 00...'],
 *   'plain.com': { records: ['www A 192.0.2.80'], signing: 'unsigned' },
 *   'sub.example.com': { records: ['www A 192.0.2.81'], servers: 'example.com' },   // a cut that no referral shows
 * }).amend('example.com', removeSignatures('A'));
 * ```
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import type { Random, ServerAddress, Transport } from '../environment.ts';
import type { Amendment } from './amendment.ts';
import type { VirtualClock } from './clock.ts';
import type { Algorithm, DigestType } from './keys.ts';

export interface Nsec3Options {
  readonly iterations?: number;
  /** Hexadecimal; empty by default. */
  readonly salt?: string;
  /** `optOut`: unsigned delegations get no NSEC3 (RFC 5155 section 6). */
  readonly spans?: 'all-names' | 'optOut';
}

export interface Signing {
  /** Each signs the whole zone (RFC 4035 section 2.2). `[13]` by default. */
  readonly algorithms?: readonly Algorithm[];
  /** `csk`: one key a algorithm, the default. `ksk-zsk`: two, the first for the DNSKEY RRset only. */
  readonly keys?: 'csk' | 'ksk-zsk';
  /** `nsec` by default. */
  readonly denial?: 'nsec' | 'nsec3' | Nsec3Options;
  /** Digest types of the DS records in the parent zone; `[2]` by default. */
  readonly digests?: readonly DigestType[];
}

export interface ZoneDescription {
  /**
   * Zone-file lines, relative to the zone: `mail 300 A 192.0.2.1`; the TTL is 3600 when left out. SOA, NS, name-server
   * addresses, delegations, DS and glue are added where the lines have none.
   */
  readonly records?: readonly string[];
  /** How the zone is signed; one P-256 key and NSEC by default. */
  readonly signing?: Signing | 'unsigned';
  /**
   * The zone's name servers: host names with their addresses, or the name of another zone of this internet whose
   * servers serve this one too. By default `ns.<zone>` at an address of its own.
   */
  readonly servers?: Readonly<Record<string, string | readonly string[]>> | string;
  /**
   * What the parent says: `with-ds` (the default of a signed zone), `without-ds` (an island of security), `none` (the
   * parent has never heard of the zone).
   */
  readonly delegation?: 'with-ds' | 'without-ds' | 'none';
}

/** Zones by name; a list of lines is short for `{ records }`. The root and the top-level zones are added. */
export type Zones = Readonly<Record<string, ZoneDescription | readonly string[]>>;

export interface InternetOptions {
  /** When it all begins, milliseconds since 1970; 2026-07-01 by default. Signatures last from a day before to 30 days after. */
  readonly now?: number;
  /** Virtual milliseconds from question to reply; 10 by default. */
  readonly latencyMs?: number;
  /** Seed of `random`; 1 by default. */
  readonly seed?: number;
}

/** One exchange as the servers saw it. */
export interface Exchange {
  /** When the question came, milliseconds since 1970. */
  readonly at: number;
  readonly server: string;
  readonly over: Protocol;
  /** The zone that answered; `undefined` where nobody serves the name at that address. */
  readonly zone: Name | undefined;
  /** In lower case, for resolvers send what they like. */
  readonly name: Name;
  readonly type: RRType;
  /** `answer`, `nodata`, `referral` with the name of the cut, another RCODE, `truncated`, `silence`, `unreachable`, `other`. */
  readonly result: string;
}

export type Protocol = 'udp' | 'tcp';

/** What reaches a client: datagrams or TCP messages in order, `delayMs` after its question; or a closed port. */
export type ServerReply =
  | { readonly kind: 'packets'; readonly packets: readonly Uint8Array[]; readonly delayMs: number }
  | { readonly kind: 'unreachable'; readonly delayMs: number };

export interface Internet {
  /** Virtual: time passes only when nothing else is left to do. */
  readonly clock: VirtualClock;
  readonly random: Random;
  /** Leads to every server of this internet, in memory; questions to other addresses go unanswered. */
  readonly transport: Transport;
  /** The root's name servers and their addresses, as a hints file has them. */
  readonly hints: string;
  /** The DS of the root's key, as a trust-anchor file has it. */
  readonly anchors: string;
  /** A recursive resolver that does not validate: answers for every zone. */
  readonly forwarder: ServerAddress;
  /** Every exchange so far, in the order in which the questions came. */
  readonly log: readonly Exchange[];
  /** The addresses of all servers, the forwarder's included. */
  readonly servers: readonly string[];
  /** Breaks something about a zone, from now on. Returns the same internet. */
  amend(zone: string, ...amendments: readonly Amendment[]): Internet;
  /** The same for the replies of the forwarder. */
  amendForwarder(...amendments: readonly Amendment[]): Internet;
  /** The log as text, one line an exchange: what a failing test prints. */
  transcript(): string;
  /** What the servers of a zone hold of it, as zone-file text. */
  zoneText(zone: string): string;
  /** The DS of a zone, as a trust-anchor file has it: for an anchor below the root. */
  anchorOf(zone: string): string;
  /** What a server sends back to a query; the exchange is logged. For those who serve this internet on sockets. */
  answer(server: string, query: Uint8Array, over: Protocol): ServerReply;
}
