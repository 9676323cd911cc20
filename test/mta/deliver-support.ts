/**
 * How a delivery is tested: a signed internet in memory, Danelaw's own resolver on it, and real SMTP servers with real TLS on
 * loopback that take the mail.
 */
import t, { type Test } from 'tap';
import { printHost } from '../../src/dane/attempt.ts';
import { type NextHop, parseNextHop } from '../../src/dane/next-hop.ts';
import { openOverTcp } from '../../src/mta/contact.ts';
import { deliver } from '../../src/mta/deliver.ts';
import type { Delivered, RecipientEnd } from '../../src/mta/delivered.ts';
import type { DeliverParts, Message } from '../../src/mta/errand.ts';
import type { Met } from '../../src/mta/sessions.ts';
import { SESSION_TIMES, type SessionTimes } from '../../src/mta/smtp-session.ts';
import { DEFAULT_TERMS, type Terms } from '../../src/mta/terms.ts';
import type { TlsSession } from '../../src/mta/tlsrpt.ts';
import { type IssuedCertificate, issueChain, tlsaFor } from '../../src/testing/certificates.ts';
import type { Internet, Zones } from '../../src/testing/description.ts';
import { internet } from '../../src/testing/internet.ts';
import {
  type MailHost,
  type MailHostDescription,
  startMailHost,
} from '../../src/testing/mailhost.ts';
import { type Certificate, parseCertificate } from '../../src/tls/certificate.ts';
import { resolverOn } from '../resolver/support.ts';

export const NOW = Date.now();
export const DAY_MS = 86_400_000;
export const MX = 'mx.example.com';
export const CHAIN = issueChain([MX]);
export const OTHER = issueChain(['other.example.net'], { notAfter: NOW - DAY_MS });
/** The authorities that MTA-STS, REQUIRETLS and `tls_verify` go by in these tests. */
export const ROOTS: readonly Certificate[] = CHAIN.slice(2).flatMap(({ der }) => {
  const parsed = parseCertificate(der);
  return parsed.kind === 'certificate' ? [parsed.certificate] : [];
});
export const EE = tlsaFor(CHAIN, 3, 1, 1);
export const EE_OF_OTHER = tlsaFor(OTHER, 3, 1, 1);
/** PKIX usages are none of SMTP's (RFC 7672 section 3.1.3). */
export const UNUSABLE = tlsaFor(CHAIN, 1, 1, 1);
export const TLSA = (host: string, ...records: readonly string[]): string[] =>
  records.map((record) => `_25._tcp.${host} TLSA ${record}`);

/** `example.com` with one mail host at 192.0.2.1 and these TLSA records. */
export const one = (...records: readonly string[]): Zones => ({
  'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', ...TLSA('mx', ...records)],
});
/** With two, the second at 192.0.2.2. */
export const two = (first: readonly string[], second: readonly string[]): Zones => ({
  'example.com': [
    '@ MX 10 mx',
    '@ MX 20 mx2',
    'mx A 192.0.2.1',
    'mx2 A 192.0.2.2',
    ...TLSA('mx', ...first),
    ...TLSA('mx2', ...second),
  ],
});
/** The MX records in an unsigned zone, the host in a signed one. */
export const half = (...records: readonly string[]): Zones => ({
  'example.com': { records: ['@ MX 10 mx.example.net.'], signing: 'unsigned' },
  'example.net': ['mx A 192.0.2.1', ...TLSA('mx', ...records)],
});

export const DANE_ON: Terms = { ...DEFAULT_TERMS, useDane: true };

/** Tests do not wait for minutes. */
export const timesOf = (ms: number): SessionTimes => ({
  ehlo: ms,
  mail: ms,
  rcpt: ms,
  data: ms,
  body: ms,
  end: ms,
});

export interface Scene {
  readonly zones: Zones;
  readonly amend?: (net: Internet) => Internet;
  /** SMTP servers by the address at which the internet knows them; where nobody is, connections are refused. */
  readonly hosts?: Readonly<Record<string, Partial<MailHostDescription>>>;
  /** The port that they listen at; 25 where it is left out. */
  readonly port?: number;
  /** Beside `use_dane`, which is on. */
  readonly terms?: Partial<Terms>;
  readonly message?: Partial<Message>;
  readonly nextHop?: string;
  readonly parts?: Partial<DeliverParts>;
}

export interface Played {
  readonly delivered: Delivered;
  readonly ends: readonly string[];
  readonly hosts: ReadonlyMap<string, MailHost>;
  readonly mets: readonly Met[];
  /** What the TLS report counts: `tlsa mx.example.com success`. */
  readonly sessions: readonly string[];
  readonly net: Internet;
  /** `192.0.2.1 tls <a@example.com>` for each mail taken. */
  readonly taken: readonly string[];
  /** Owners of the TLSA questions that reached a server. */
  readonly tlsaAsked: readonly string[];
}

const DATA = new TextEncoder().encode('Subject: test\r\n\r\nhello\r\n');

export async function play(test: Test, scene: Scene): Promise<Played> {
  const hosts = new Map<string, MailHost>();
  for (const [ip, description] of Object.entries(scene.hosts ?? {})) {
    const host = await startMailHost({ name: MX, chain: CHAIN, ...description });
    test.teardown(() => host.close());
    hosts.set(ip, host);
  }
  const bare = internet(scene.zones, { now: NOW });
  const net = scene.amend?.(bare) ?? bare;
  const mets: Met[] = [];
  const sessions: string[] = [];
  const message = { from: 'me@sender.example', to: ['you@example.com'], data: DATA };
  const delivered = await deliver(
    { ...message, ...scene.message },
    readNextHop(scene.nextHop ?? 'example.com'),
    {
      lookup: resolverOn(net).lookup,
      terms: { ...DANE_ON, ...scene.terms },
      clock: net.clock,
      connect: openOverTcp,
      clientName: 'client.example',
      times: SESSION_TIMES,
      dial: ({ ip, port }) =>
        (port === (scene.port ?? 25) ? hosts.get(ip)?.address : undefined) ?? NOWHERE,
      met: (met) => mets.push(met),
      report: (session) => sessions.push(showSession(session)),
      roots: ROOTS,
      ...scene.parts,
    },
  );
  const taken = [...hosts].flatMap(([ip, { mails }]) =>
    mails.map(({ layer, to }) => `${ip} ${layer} ${to.join(' ')}`),
  );
  const tlsaAsked = net.log.filter(({ type }) => type === 'TLSA').map(({ name }) => `${name}`);
  const ends = delivered.recipients.map(show);
  return { delivered, ends, hosts, mets, sessions, net, taken, tlsaAsked: [...new Set(tlsaAsked)] };
}

export function readNextHop(text: string): NextHop {
  const parsed = parseNextHop(text);
  if (parsed.kind === 'malformed') throw new TypeError(parsed.why);
  return parsed.nextHop;
}

/** Nobody listens at the port of tcpmux. */
const NOWHERE = { ip: '127.0.0.1', port: 1 } as const;

/** `delivered verified mx.example.com 2.0.0`, `deferred 4.7.5 dane-no-match mx.example.com`. */
export function show(end: RecipientEnd): string {
  if (end.kind === 'delivered') return `delivered ${end.tls} ${printHost(end.host)} ${end.dsn}`;
  const host = end.host ? ` ${printHost(end.host)}` : '';
  return `${end.kind} ${end.dsn} ${end.reason}${host}`;
}

/** A scene and what comes of it. */
export interface Case extends Scene {
  readonly claim: string;
  /** For the first recipient, or each of them. */
  readonly expect: string | readonly string[];
  /** What the servers have got; nothing where it is left out and nothing was delivered. */
  readonly taken?: readonly string[];
  /** `ip what-was-met`, in order. */
  readonly met?: readonly string[];
  readonly tlsaAsked?: readonly string[];
  readonly sessions?: readonly string[];
  /** Behind `MAIL FROM:`, of the mails taken. */
  readonly from?: readonly string[];
  /** Reasons of what was overlooked. */
  readonly overlooked?: readonly string[];
}

/** One test for each case, with its claim as the title. */
export function check(cases: readonly Case[]): void {
  for (const one of cases)
    t.test(one.claim, async (t) => {
      const played = await play(t, one);
      const { delivered, ends, taken, mets, sessions, tlsaAsked } = played;
      t.strictSame(ends, typeof one.expect === 'string' ? [one.expect] : one.expect);
      if (one.taken) t.strictSame(taken, one.taken, 'what the servers have got');
      else if (!ends.some((end) => end.startsWith('delivered')))
        t.strictSame(taken, [], 'no server has got the message');
      if (one.met) t.strictSame(mets.flatMap(showMet), one.met, 'what was met');
      if (one.sessions) t.strictSame(sessions, one.sessions, 'sessions of the TLS report');
      if (one.from) t.strictSame(senders(played), one.from, 'MAIL FROM');
      if (one.tlsaAsked) t.strictSame(tlsaAsked, one.tlsaAsked, 'TLSA questions');
      t.strictSame(
        delivered.overlooked.map(({ reason }) => reason),
        one.overlooked ?? [],
        'overlooked',
      );
    });
}

const senders = ({ hosts }: Played): string[] =>
  [...hosts.values()].flatMap(({ mails }) => mails.map(({ from }) => from));

const showMet = (met: Met): string[] =>
  met.kind === 'attempt' ? [`${met.attempt.address} ${met.attempt.contact.kind}`] : [];

const showSession = ({ policyType, policyDomain, result, reasonCode }: TlsSession): string =>
  [policyType, policyDomain, result, ...(reasonCode === undefined ? [] : [reasonCode])].join(' ');

/** A leaf of the same authorities. */
export type Chain = readonly IssuedCertificate[];
