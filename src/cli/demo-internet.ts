/**
 * The internet of `danelaw demo`, as data: mail servers, zones and faults.
 *
 * Every domain is its own zone with its own name server below the signed `example`, unless it says otherwise. Does
 * not: say what should come of it (demo-demands.ts), or open sockets.
 * @module
 */
import {
  corruptSignatures,
  expireSignatures,
  type Internet,
  type IssuedCertificate,
  internet,
  issue,
  type MailHostDescription,
  servfail,
  tlsaFor,
  type Zones,
} from '../testing/index.ts';

/** What differs from server to server; the certificate is for the server's name unless it says otherwise. */
interface Server {
  readonly name: string;
  readonly names?: readonly string[];
  readonly dates?: 'past';
  /** `leaf`: the authority's certificate stays at home. */
  readonly sends?: 'chain' | 'leaf';
  readonly fault?: MailHostDescription['fault'];
}

const NO_TLS = { fault: 'no-starttls' } as const;

/** By address: those of RFC 5737 for documentation. */
const SERVERS: Readonly<Record<string, Server>> = {
  '192.0.2.1': { name: 'mx.dane-ee.example', names: ['old.example'], dates: 'past' },
  '192.0.2.2': { name: 'mx.dane-ta.example' },
  '192.0.2.3': { name: 'mx.next-hop.example', names: ['next-hop.example'] },
  '192.0.2.4': { name: 'mail.alias.example' },
  '192.0.2.5': { name: 'mx.half-alias.example' },
  '192.0.2.6': { name: 'wrong.two-addresses.example' },
  '192.0.2.7': { name: 'mx.two-addresses.example' },
  '192.0.2.8': { name: 'mx1.rescue.example' },
  '192.0.2.9': { name: 'mx2.rescue.example' },
  '192.0.2.10': { name: 'mx.unusable.example' },
  '192.0.2.11': { name: 'mx.no-tlsa.example' },
  '192.0.2.12': { name: 'mx1.in-clear.example', ...NO_TLS },
  '192.0.2.13': { name: 'mx2.in-clear.example' },
  '192.0.2.14': { name: 'mx.unsigned.example' },
  '192.0.2.15': { name: 'mx.opt-out.test' },
  '192.0.2.16': { name: 'mx.provider.example' },
  '192.0.2.17': { name: 'mx.loose-tlsa.example' },
  '192.0.2.18': { name: 'mx.mismatch.example' },
  '192.0.2.19': { name: 'mx.wrong-name.example', names: ['mx.other.example'] },
  '192.0.2.20': { name: 'mx.past-date.example', dates: 'past' },
  '192.0.2.21': { name: 'mx.no-anchor.example', sends: 'leaf' },
  '192.0.2.22': { name: 'mx.no-starttls.example', ...NO_TLS },
  '192.0.2.23': { name: 'mx.no-handshake.example', fault: 'handshake-alert' },
  '192.0.2.24': { name: 'mx.injection.example', fault: 'injection' },
  '192.0.2.25': { name: 'mx.bogus-tlsa.example' },
  '192.0.2.26': { name: 'mx.broken-tlsa.example' },
};

/** The TLSA record that fits the server at this address: usage, selector, matching type, data. */
type TlsaOf = (ip: string, usage: 1 | 2 | 3, selector: 0 | 1, matchingType: 1) => string;

const ee = (tlsa: TlsaOf, ip: string): string => tlsa(ip, 3, 1, 1);
const ta = (tlsa: TlsaOf, ip: string): string => tlsa(ip, 2, 0, 1);

/** One MX host `mx` at an address, with TLSA data where it has any. */
const oneHost = (ip: string, tlsa?: string): readonly string[] => [
  '@ MX 10 mx',
  `mx A ${ip}`,
  ...(tlsa === undefined ? [] : [`_25._tcp.mx TLSA ${tlsa}`]),
];

const zones = (tlsa: TlsaOf): Zones => ({
  'dane-ee.example': oneHost('192.0.2.1', ee(tlsa, '192.0.2.1')),
  'dane-ta.example': {
    records: oneHost('192.0.2.2', ta(tlsa, '192.0.2.2')),
    signing: { algorithms: [8], keys: 'ksk-zsk', denial: 'nsec3' },
  },
  'next-hop.example': {
    records: oneHost('192.0.2.3', tlsa('192.0.2.3', 2, 1, 1)),
    signing: { algorithms: [15] },
  },
  'alias.example': [
    '@ MX 10 mx',
    'mx CNAME mail',
    'mail A 192.0.2.4',
    `_25._tcp.mail TLSA ${ee(tlsa, '192.0.2.4')}`,
  ],
  'half-alias.example': [
    '@ MX 10 mx',
    'mx CNAME relay.provider.example.',
    `_25._tcp.mx TLSA ${ee(tlsa, '192.0.2.5')}`,
  ],
  'two-addresses.example': [
    '@ MX 10 mx',
    'mx A 192.0.2.6',
    'mx A 192.0.2.7',
    `_25._tcp.mx TLSA ${ee(tlsa, '192.0.2.7')}`,
  ],
  'rescue.example': [
    '@ MX 10 mx1',
    '@ MX 20 mx2',
    'mx1 A 192.0.2.8',
    'mx2 A 192.0.2.9',
    `_25._tcp.mx1 TLSA ${ee(tlsa, '192.0.2.9')}`,
    `_25._tcp.mx2 TLSA ${ee(tlsa, '192.0.2.9')}`,
  ],
  'unusable.example': oneHost('192.0.2.10', tlsa('192.0.2.10', 1, 1, 1)),
  'no-tlsa.example': { records: oneHost('192.0.2.11'), signing: { denial: 'nsec3' } },
  'in-clear.example': [
    '@ MX 10 mx1',
    '@ MX 20 mx2',
    'mx1 A 192.0.2.12',
    'mx2 A 192.0.2.13',
    `_25._tcp.mx2 TLSA ${ee(tlsa, '192.0.2.13')}`,
  ],
  'unsigned.example': { records: oneHost('192.0.2.14'), signing: 'unsigned' },
  test: { signing: { denial: { spans: 'optOut' } } },
  'opt-out.test': { records: oneHost('192.0.2.15'), signing: 'unsigned' },
  'provider.example': {
    records: ['mx A 192.0.2.16', 'relay A 192.0.2.5'],
    signing: 'unsigned',
  },
  'hosted.example': ['@ MX 10 mx.provider.example.'],
  'loose-tlsa.example': [...oneHost('192.0.2.17'), '_25._tcp.mx CNAME tlsa.elsewhere.example.'],
  'elsewhere.example': {
    records: [`tlsa TLSA ${ee(tlsa, '192.0.2.17')}`],
    signing: 'unsigned',
  },
  'mismatch.example': oneHost('192.0.2.18', ee(tlsa, '192.0.2.1')),
  'wrong-name.example': oneHost('192.0.2.19', ta(tlsa, '192.0.2.19')),
  'past-date.example': oneHost('192.0.2.20', ta(tlsa, '192.0.2.20')),
  'no-anchor.example': oneHost('192.0.2.21', ta(tlsa, '192.0.2.21')),
  'no-starttls.example': oneHost('192.0.2.22', ee(tlsa, '192.0.2.22')),
  'no-handshake.example': oneHost('192.0.2.23', ee(tlsa, '192.0.2.23')),
  'injection.example': oneHost('192.0.2.24', ee(tlsa, '192.0.2.24')),
  'bogus-tlsa.example': oneHost('192.0.2.25', ee(tlsa, '192.0.2.25')),
  'broken-tlsa.example': oneHost('192.0.2.26', ee(tlsa, '192.0.2.26')),
  'expired.example': oneHost('192.0.2.27'),
  'null-mx.example': ['@ MX 0 .'],
  'no-address.example': ['@ MX 10 mx', 'mx TXT "once a mail server"'],
});

const breakThings = (net: Internet): Internet =>
  net
    .amend('provider.example', servfail('TLSA'))
    .amend('bogus-tlsa.example', corruptSignatures('TLSA'))
    .amend('broken-tlsa.example', servfail('TLSA'))
    .amend('expired.example', expireSignatures());

export interface DemoInternet {
  readonly net: Internet;
  /** By address. */
  readonly mailHosts: ReadonlyMap<string, MailHostDescription>;
}

const DAY_MS = 86_400_000;

/** Makes certificates and zones. Nothing listens yet. */
export function describeDemo(now: number): DemoInternet {
  const authority = issue({ kind: 'authority', subject: 'Demo Authority' });
  const chains = new Map<string, readonly [IssuedCertificate, IssuedCertificate]>();
  const mailHosts = new Map<string, MailHostDescription>();
  for (const [ip, { name, names = [name], dates, sends, fault }] of Object.entries(SERVERS)) {
    const past = { notBefore: now - 90 * DAY_MS, notAfter: now - DAY_MS };
    const leaf = issue({ subject: name, names, ...(dates && past) }, authority);
    chains.set(ip, [leaf, authority]);
    const chain = sends === 'leaf' ? [leaf] : [leaf, authority];
    mailHosts.set(ip, { name, chain, ...(fault && { fault }) });
  }
  const tlsa: TlsaOf = (ip, ...kind) => tlsaFor(chains.get(ip) ?? [], ...kind);
  return { net: breakThings(internet(zones(tlsa), { now, latencyMs: 1 })), mailHosts };
}
