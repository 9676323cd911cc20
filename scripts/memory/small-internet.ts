/**
 * A root, one top-level zone and any number of signed mail domains in it, made when they are first asked.
 *
 * Each has its own name server and mail host: MX, A, TLSA and, every other one, AAAA; every other one denies by NSEC3.
 * Does not: wait, lose packets or break anything (testing/internet.ts can).
 * @module
 */
import { Name, ROOT } from '../../src/dns/name.ts';
import { printRdata } from '../../src/dns/presentation.ts';
import type { Environment } from '../../src/environment.ts';
import { seededRandom, VirtualClock } from '../../src/testing/clock.ts';
import { dsOf, type SigningKey, signingKey } from '../../src/testing/keys.ts';
import { serve } from '../../src/testing/serve.ts';
import { signZone } from '../../src/testing/signer.ts';
import { readLines, Zone } from '../../src/testing/zone.ts';

const BEGINNING = Date.UTC(2026, 6, 1);
const ROOT_IP = '198.18.0.1';
const TOP_IP = '198.18.0.2';
const TOP = Name.parse('alfa');

export interface SmallInternet extends Environment {
  readonly clock: VirtualClock;
  readonly hints: string;
  readonly anchors: string;
  readonly domains: readonly string[];
}

export function smallInternet(count: number): SmallInternet {
  const clock = new VirtualClock(BEGINNING);
  const keys = Array.from({ length: count }, (_, i) => signingKey(13, `domain ${i}`));
  const domains = keys.map((_, i) => `domain${i}.alfa`);
  const top = topZone(domains, keys);
  const root = rootZone();
  const made = new Map<number, Zone>();
  const zoneOf = (server: string): Zone => {
    if (server === ROOT_IP) return root;
    if (server === TOP_IP) return top;
    const [, , c = 0, d = 0] = server.split('.').map(Number);
    const i = c * 256 + d;
    const known = made.get(i) ?? domainZone(domains[i] ?? '', ipOf(i), keyAt(keys, i), i);
    made.clear(); // the zone asked last is the one asked next; the others are not to be measured
    made.set(i, known);
    return known;
  };
  return {
    clock,
    random: seededRandom(1),
    transport: {
      exchange: async ({ ip }, query, { over, accept }) => {
        const incoming = { query, server: ip, over, zones: [zoneOf(ip)] };
        const { reply } = serve({ ...incoming, role: 'authoritative', amendmentsOf: () => [] });
        if (reply.kind === 'unreachable') return { kind: 'timeout' };
        const bytes = reply.packets.find((packet) => accept(packet));
        return bytes ? { kind: 'reply', bytes } : { kind: 'timeout' };
      },
    },
    hints: `. 3600 IN NS ns.\nns. 3600 IN A ${ROOT_IP}\n`,
    anchors: `. 3600 IN DS ${printRdata('DS', dsOf(ROOT, signingKey(13, '.'), 2))}\n`,
    domains,
  };
}

const ipOf = (i: number): string => `198.19.${i >> 8}.${i & 255}`;

function keyAt(keys: readonly SigningKey[], i: number): SigningKey {
  const key = keys[i];
  if (!key) throw new RangeError(`no domain ${i}`);
  return key;
}

function build(name: Name, lines: readonly string[], key: SigningKey, nsec3: boolean): Zone {
  const seconds = BEGINNING / 1000;
  return new Zone(
    name,
    signZone(name, readLines(lines, name), {
      keys: [key],
      denial: nsec3 ? { iterations: 0 } : 'nsec',
      inception: seconds - 86_400,
      expiration: seconds + 30 * 86_400,
    }),
  );
}

const soa = (ns: string): string => `@ SOA ${ns} hostmaster 1 3600 600 86400 900`;

function rootZone(): Zone {
  const ds = printRdata('DS', dsOf(TOP, signingKey(13, 'alfa'), 2));
  const lines = [
    soa('ns'),
    '@ NS ns',
    `ns A ${ROOT_IP}`,
    'alfa NS ns.alfa',
    `ns.alfa A ${TOP_IP}`,
    `alfa DS ${ds}`,
  ];
  return build(ROOT, lines, signingKey(13, '.'), false);
}

function topZone(domains: readonly string[], keys: readonly SigningKey[]): Zone {
  const delegations = domains.flatMap((domain, i) => {
    const name = Name.parse(domain);
    const ds = printRdata('DS', dsOf(name, keyAt(keys, i), 2));
    return [
      `${domain}. NS ns1.${domain}.`,
      `${domain}. NS ns2.${domain}.`,
      `ns1.${domain}. A ${ipOf(i)}`,
      `ns2.${domain}. A ${ipOf(i)}`,
      `${domain}. DS ${ds}`,
    ];
  });
  return build(
    TOP,
    [soa('ns'), '@ NS ns', `ns A ${TOP_IP}`, ...delegations],
    signingKey(13, 'alfa'),
    false,
  );
}

function domainZone(domain: string, ip: string, key: SigningKey, i: number): Zone {
  const lines = [
    soa('ns1'),
    '@ NS ns1',
    '@ NS ns2',
    `ns1 A ${ip}`,
    `ns2 A ${ip}`,
    '@ MX 10 mail',
    `mail A ${ip}`,
    ...(i % 2 === 0 ? ['mail AAAA 2001:db8::25'] : []),
    `_25._tcp.mail TLSA 3 1 1 ${'ab'.repeat(32)}`,
  ];
  return build(Name.parse(domain), lines, key, i % 4 < 2);
}
