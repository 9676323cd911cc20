/**
 * Probe and decision: one row of the decision table, one case.
 *
 * "Row" is the row of `spec/dane-decisions.md`, which quotes the section that demands the outcome. Servers are stand-ins
 * that a table describes; certificates and TLSA records are made to order.
 */
import t from 'tap';
import { checkDestination } from '../../src/dane/check.ts';
import { type Decision, decide } from '../../src/dane/decision.ts';
import { type PlanOptions, planDelivery } from '../../src/dane/plan.ts';
import { type ProbeOptions, probeHost } from '../../src/dane/probe.ts';
import { Name } from '../../src/dns/name.ts';
import { issue, issueChain, tlsaFor } from '../../src/testing/certificates.ts';
import type { Contact } from '../../src/tls/connect.ts';
import { fakeLookup, type Internet, plain } from './fake-lookup.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const CHAIN = issueChain(['mx.example.com']);
const OTHER = issueChain(['other.example.net'], { notAfter: NOW - DAY_MS });
const EXPIRED = issueChain(['mx.example.com'], { notAfter: NOW - DAY_MS });
const FUTURE = issueChain(['mx.example.com'], { notBefore: NOW + DAY_MS });
const NEXT_HOP = issueChain(['example.com']);
const WEB = issue({
  subject: 'mx.example.com',
  names: ['mx.example.com'],
  usages: ['1.3.6.1.5.5.7.3.1'],
});
const EE = tlsaFor(CHAIN, 3, 1, 1);
const EE_OF_OTHER = tlsaFor(OTHER, 3, 1, 1);
const UNUSABLE = tlsaFor(CHAIN, 1, 1, 1);

type Chain = readonly { readonly der: Uint8Array }[];

/** What the server at an address does. */
type Server = Exclude<Contact, { kind: 'handshake' }> | { readonly shows: Chain };

const REFUSED = { kind: 'connect-failed', code: 'ECONNREFUSED' } as const;
const NO_STARTTLS = { kind: 'no-starttls', ehlo: 'not-announced' } as const;
const ALERT = { kind: 'handshake-failed', code: 'ERR_SSL', why: 'sslv3 alert' } as const;
const SILENT = { kind: 'timeout', during: 'greeting' } as const;

interface Net {
  readonly options: ProbeOptions;
  /** `address serverName`, in order. */
  readonly dialled: string[];
  /** How many handshakes were let go again. */
  closed: number;
}

function network(servers: Readonly<Record<string, Server>>): Net {
  const net: Net = {
    dialled: [],
    closed: 0,
    options: {
      clientName: 'client.example',
      now: () => NOW,
      connect: async ({ ip }, { serverName }) => {
        net.dialled.push(`${ip} ${serverName}`);
        const server = servers[ip] ?? REFUSED;
        return 'shows' in server ? handshake(server.shows, net) : server;
      },
    },
  };
  return net;
}

const handshake = (chain: Chain, net: Net): Contact => ({
  kind: 'handshake',
  chain: chain.map(({ der }) => der),
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  greeting: '220 mx',
  socket: undefined as never, // a probe has no business with it
  close: async () => {
    net.closed += 1;
  },
});

const ONE: Record<string, readonly string[]> = {
  'MX example.com': ['10 mx.example.com'],
  'A mx.example.com': ['192.0.2.1'],
};
const TLSA = 'TLSA _25._tcp.mx.example.com';
const one = (...tlsa: readonly string[]): Internet => ({ records: { ...ONE, [TLSA]: tlsa } });
const two = (first: readonly string[], second: readonly string[]): Internet => ({
  records: {
    'MX example.com': ['10 mx.example.com', '20 mx2.example.com'],
    'A mx.example.com': ['192.0.2.1'],
    'A mx2.example.com': ['192.0.2.2'],
    ...(first.length > 0 && { [TLSA]: first }),
    ...(second.length > 0 && { 'TLSA _25._tcp.mx2.example.com': second }),
  },
});
const at1 = (server: Server): Record<string, Server> => ({ '192.0.2.1': server });

interface Case {
  readonly claim: string;
  readonly internet: Internet;
  readonly terms?: Pick<PlanOptions, 'halfDane' | 'mandatory'>;
  readonly servers?: Readonly<Record<string, Server>>;
  /** action, host, reason, code: as far as there are. */
  readonly expect: string;
  readonly dialled?: readonly string[];
}

const show = (decision: Decision): string =>
  [
    decision.action,
    'channel' in decision ? decision.channel : '',
    'host' in decision && decision.host ? plain(decision.host) : '',
    decision.reason,
    'dsn' in decision ? decision.dsn : '',
  ]
    .filter((part) => part !== '' && part !== undefined)
    .join(' ');

const CASES: readonly Case[] = [
  {
    claim: 'decision 1: bogus MX',
    internet: { records: ONE, bogus: ['MX example.com'] },
    expect: 'defer signature-invalid 4.4.3',
    dialled: [],
  },
  {
    claim: 'decision 1: indeterminate MX',
    internet: { records: ONE, unreachable: ['MX example.com'] },
    expect: 'defer unreachable 4.4.3',
    dialled: [],
  },
  {
    claim: 'decision 2: null MX',
    internet: { records: { 'MX example.com': ['0 .'] } },
    expect: 'refuse null-mx 5.1.10',
  },
  {
    claim: 'decision 3: no such domain',
    internet: { records: {}, absent: ['example.com'] },
    expect: 'refuse no-such-domain 5.1.2',
  },
  {
    claim: 'decision 4: insecure MX, TLS to be had',
    internet: { records: ONE, insecure: ['MX example.com'] },
    servers: at1({ shows: CHAIN }),
    expect: 'deliver-opportunistically tls mx.example.com insecure-mx',
    dialled: ['192.0.2.1 mx.example.com'],
  },
  {
    claim: 'decision 4: insecure MX, no STARTTLS: in clear',
    internet: { records: ONE, insecure: ['MX example.com'] },
    servers: at1(NO_STARTTLS),
    expect: 'deliver-opportunistically clear mx.example.com insecure-mx',
  },
  {
    claim: 'decision 4: insecure MX, the handshake fails: in clear, as before DANE',
    internet: { records: ONE, insecure: ['MX example.com'] },
    servers: at1(ALERT),
    expect: 'deliver-opportunistically clear mx.example.com insecure-mx',
  },
  {
    claim:
      'decision 4: insecure MX, silence during the handshake: the server lives, only its TLS does not',
    internet: { records: ONE, insecure: ['MX example.com'] },
    servers: at1({ kind: 'timeout', during: 'handshake' }),
    expect: 'deliver-opportunistically clear mx.example.com insecure-mx',
  },
  {
    claim: 'decision 4: nobody listens: wait, and it is no matter of TLS',
    internet: { records: ONE, insecure: ['MX example.com'] },
    servers: at1(REFUSED),
    expect: 'defer mx.example.com connect-failed',
  },
  {
    claim: 'decision 4: a server that refuses to talk takes no mail in clear either',
    internet: { records: ONE, insecure: ['MX example.com'] },
    servers: at1({ kind: 'smtp-refused', during: 'greeting', code: 554, text: 'no' }),
    expect: 'defer mx.example.com smtp-refused',
  },
  {
    claim: 'decision 5: insecure MX, the certificate matches: half-dane, never authenticated',
    internet: { ...one(EE), insecure: ['MX example.com'] },
    servers: at1({ shows: CHAIN }),
    expect: 'deliver-half-dane mx.example.com half-dane',
  },
  {
    claim: 'decision 5: insecure MX, nothing matches: wait, as with a secure one',
    internet: { ...one(EE), insecure: ['MX example.com'] },
    servers: at1({ shows: OTHER }),
    expect: 'defer mx.example.com dane-no-match 4.7.5',
  },
  {
    claim: 'decision 5: a certificate for the next-hop domain alone is none of this host',
    internet: { ...one(tlsaFor(NEXT_HOP, 2, 1, 1)), insecure: ['MX example.com'] },
    servers: at1({ shows: NEXT_HOP }),
    expect: 'defer mx.example.com certificate-host-mismatch 4.7.5',
  },
  {
    claim: 'decision 6: half-dane=encrypt: any certificate will do',
    internet: { ...one(EE), insecure: ['MX example.com'] },
    terms: { halfDane: 'encrypt' },
    servers: at1({ shows: OTHER }),
    expect: 'deliver-encrypted mx.example.com half-dane',
  },
  {
    claim: 'decision 6: half-dane=encrypt: no STARTTLS, no mail',
    internet: { ...one(EE), insecure: ['MX example.com'] },
    terms: { halfDane: 'encrypt' },
    servers: at1(NO_STARTTLS),
    expect: 'defer mx.example.com no-starttls 4.7.4',
  },
  {
    claim: 'decision 7: half-dane=may: as if there were no TLSA',
    internet: { ...one(EE), insecure: ['MX example.com'] },
    terms: { halfDane: 'may' },
    servers: at1(NO_STARTTLS),
    expect: 'deliver-opportunistically clear mx.example.com insecure-mx',
  },
  {
    claim: 'decision 4: M: insecure MX where DANE is demanded',
    internet: { ...one(EE), insecure: ['MX example.com'] },
    terms: { mandatory: true },
    servers: at1({ shows: CHAIN }),
    expect: 'defer dane-required 4.7.5',
    dialled: [],
  },
  {
    claim: 'decision 18: M: all unusable where DANE is demanded: not connected to',
    internet: one(UNUSABLE),
    terms: { mandatory: true },
    servers: at1({ shows: CHAIN }),
    expect: 'defer mx.example.com dane-required 4.7.5',
    dialled: [],
  },
  {
    claim: 'decision 34: M: the second host has TLSA, and takes the mail',
    internet: two([], [EE]),
    terms: { mandatory: true },
    servers: { '192.0.2.1': { shows: CHAIN }, '192.0.2.2': { shows: CHAIN } },
    expect: 'deliver-authenticated mx2.example.com tlsa-matches',
    dialled: ['192.0.2.2 mx2.example.com'],
  },
  {
    claim: 'decision 8: the only host has no address: fail',
    internet: { records: { 'MX example.com': ['10 mx.example.com'] } },
    expect: 'refuse no-address 5.4.4',
  },
  {
    claim: 'decision 8: every host without address: fail',
    internet: { records: { 'MX example.com': ['10 mx.example.com', '20 mx2.example.com'] } },
    expect: 'refuse no-address 5.4.4',
  },
  {
    claim: 'decision 8: twenty hosts without address, and more that were not looked at: wait',
    internet: {
      records: { 'MX example.com': Array.from({ length: 21 }, (_, i) => `10 mx${i}.example.com`) },
    },
    expect: 'defer no-address 4.4.4',
  },
  {
    claim: 'decision 8: one host without address, the other down: wait',
    internet: {
      records: {
        'MX example.com': ['10 mx.example.com', '20 mx2.example.com'],
        'A mx2.example.com': ['192.0.2.2'],
      },
    },
    servers: { '192.0.2.2': SILENT },
    expect: 'defer mx2.example.com timeout',
  },
  {
    claim: 'decision 9: an address that cannot be determined, with no other host',
    internet: { ...one(EE), bogus: ['AAAA mx.example.com'] },
    expect: 'defer mx.example.com signature-invalid 4.4.3',
    dialled: [],
  },
  {
    claim: 'decision 9: the next host is used',
    internet: { ...two([EE], [EE]), unreachable: ['A mx.example.com'] },
    servers: { '192.0.2.2': { shows: CHAIN } },
    expect: 'deliver-authenticated mx2.example.com tlsa-matches',
    dialled: ['192.0.2.2 mx2.example.com'],
  },
  {
    claim: 'decision 15: bogus TLSA: no connection',
    internet: { ...one(EE), bogus: [TLSA] },
    servers: at1({ shows: CHAIN }),
    expect: 'defer mx.example.com signature-invalid 4.7.5',
    dialled: [],
  },
  {
    claim: 'decision 15: TLSA cannot be had: no connection',
    internet: { ...one(EE), unreachable: [TLSA] },
    servers: at1({ shows: CHAIN }),
    expect: 'defer mx.example.com unreachable 4.7.5',
    dialled: [],
  },
  {
    claim: 'decision 16: no TLSA',
    internet: { records: ONE },
    servers: at1({ shows: OTHER }),
    expect: 'deliver-opportunistically tls mx.example.com no-tlsa',
  },
  {
    claim: 'decision 18: all unusable, TLS: delivered without authentication',
    internet: one(UNUSABLE),
    servers: at1({ shows: OTHER }),
    expect: 'deliver-encrypted mx.example.com tlsa-unusable',
    dialled: ['192.0.2.1 mx.example.com'],
  },
  {
    claim: 'decision 19: all unusable, no STARTTLS',
    internet: one(UNUSABLE),
    servers: at1(NO_STARTTLS),
    expect: 'defer mx.example.com no-starttls 4.7.4',
  },
  {
    claim: 'decision 20: all unusable, the handshake fails: never in clear',
    internet: one(UNUSABLE),
    servers: at1(ALERT),
    expect: 'defer mx.example.com handshake-failed 4.7.5',
  },
  {
    claim: 'decision 21: usable, no STARTTLS',
    internet: one(EE),
    servers: at1(NO_STARTTLS),
    expect: 'defer mx.example.com no-starttls 4.7.4',
  },
  {
    claim: 'decision 22: usable, EHLO rejected',
    internet: one(EE),
    servers: at1({ kind: 'no-starttls', ehlo: 'rejected' }),
    expect: 'defer mx.example.com no-starttls 4.7.4',
  },
  {
    claim: 'decision 23: usable, STARTTLS refused',
    internet: one(EE),
    servers: at1({ kind: 'starttls-refused', code: 554, text: 'never' }),
    expect: 'defer mx.example.com starttls-refused 4.7.4',
  },
  {
    claim: 'decision 24: text behind the 220',
    internet: one(EE),
    servers: at1({ kind: 'injected' }),
    expect: 'defer mx.example.com injected 4.7.5',
  },
  {
    claim: 'decision 25: the handshake fails',
    internet: one(EE),
    servers: at1(ALERT),
    expect: 'defer mx.example.com handshake-failed 4.7.5',
  },
  {
    claim: 'decision 25: the handshake breaks off',
    internet: one(EE),
    servers: at1({ kind: 'closed', during: 'handshake' }),
    expect: 'defer mx.example.com closed 4.7.5',
  },
  {
    claim: 'decision 26: 3 1 1 matches',
    internet: one(EE),
    servers: at1({ shows: CHAIN }),
    expect: 'deliver-authenticated mx.example.com tlsa-matches',
  },
  {
    claim: 'decision 26: 3 1 1 matches a certificate that has expired and names somebody else',
    internet: one(EE_OF_OTHER),
    servers: at1({ shows: OTHER }),
    expect: 'deliver-authenticated mx.example.com tlsa-matches',
  },
  {
    claim: 'decision 26: 3 0 1 matches a certificate for the web',
    internet: one(tlsaFor([WEB], 3, 0, 1)),
    servers: at1({ shows: [WEB] }),
    expect: 'deliver-authenticated mx.example.com tlsa-matches',
  },
  {
    claim: 'decision 27: 2 0 1 matches',
    internet: one(tlsaFor(CHAIN, 2, 0, 1)),
    servers: at1({ shows: CHAIN }),
    expect: 'deliver-authenticated mx.example.com tlsa-matches',
  },
  {
    claim: 'decision 27: 2 1 1 with the next-hop domain as the only name',
    internet: one(tlsaFor(NEXT_HOP, 2, 1, 1)),
    servers: at1({ shows: NEXT_HOP }),
    expect: 'deliver-authenticated mx.example.com tlsa-matches',
  },
  {
    claim: 'decision 28: 2 0 1, no name matches',
    internet: one(tlsaFor(OTHER, 2, 0, 1)),
    servers: at1({ shows: issueLike(OTHER) }),
    expect: 'defer mx.example.com certificate-host-mismatch 4.7.5',
  },
  {
    claim: 'decision 29: 2 0 1, expired',
    internet: one(tlsaFor(EXPIRED, 2, 0, 1)),
    servers: at1({ shows: EXPIRED }),
    expect: 'defer mx.example.com certificate-expired 4.7.5',
  },
  {
    claim: 'decision 29: 2 0 1, not valid yet',
    internet: one(tlsaFor(FUTURE, 2, 0, 1)),
    servers: at1({ shows: FUTURE }),
    expect: 'defer mx.example.com certificate-not-yet-valid 4.7.5',
  },
  {
    claim: 'decision 30: the trust anchor is not sent',
    internet: one(tlsaFor(CHAIN, 2, 0, 1)),
    servers: at1({ shows: CHAIN.slice(0, 2) }),
    expect: 'defer mx.example.com dane-ta-missing-from-chain 4.7.5',
  },
  {
    claim: 'decision 31: nothing matches',
    internet: one(EE),
    servers: at1({ shows: OTHER }),
    expect: 'defer mx.example.com dane-no-match 4.7.5',
  },
  {
    claim: 'decision 31: the next host is used',
    internet: two([EE_OF_OTHER], [EE]),
    servers: { '192.0.2.1': { shows: CHAIN }, '192.0.2.2': { shows: CHAIN } },
    expect: 'deliver-authenticated mx2.example.com tlsa-matches',
  },
  {
    claim: 'decision 32: no certificate',
    internet: one(EE),
    servers: at1({ shows: [] }),
    expect: 'defer mx.example.com no-certificate 4.7.5',
  },
  {
    claim: 'decision 33: a mismatch at the first address, the second is right',
    internet: { records: { ...ONE, 'A mx.example.com': ['192.0.2.1', '192.0.2.9'], [TLSA]: [EE] } },
    servers: { '192.0.2.1': { shows: OTHER }, '192.0.2.9': { shows: CHAIN } },
    expect: 'deliver-authenticated mx.example.com tlsa-matches',
    dialled: ['192.0.2.1 mx.example.com', '192.0.2.9 mx.example.com'],
  },
  {
    claim: 'decision 33: a mismatch says more than a second address where nobody listens',
    internet: { records: { ...ONE, 'A mx.example.com': ['192.0.2.1', '192.0.2.9'], [TLSA]: [EE] } },
    servers: { '192.0.2.1': { shows: OTHER } },
    expect: 'defer mx.example.com dane-no-match 4.7.5',
  },
  {
    claim: 'decision 33: an address that will do is the last one tried',
    internet: { records: { ...ONE, 'A mx.example.com': ['192.0.2.1', '192.0.2.9'], [TLSA]: [EE] } },
    servers: { '192.0.2.1': { shows: CHAIN }, '192.0.2.9': { shows: CHAIN } },
    expect: 'deliver-authenticated mx.example.com tlsa-matches',
    dialled: ['192.0.2.1 mx.example.com'],
  },
  {
    claim: 'decision 34: a host without TLSA is not passed over for one with, even in clear',
    internet: two([], [EE]),
    servers: { '192.0.2.1': NO_STARTTLS, '192.0.2.2': { shows: CHAIN } },
    expect: 'deliver-opportunistically clear mx.example.com no-tlsa',
  },
  {
    claim: 'decision 34: but the one with is used where the first is down',
    internet: two([], [EE]),
    servers: { '192.0.2.1': SILENT, '192.0.2.2': { shows: CHAIN } },
    expect: 'deliver-authenticated mx2.example.com tlsa-matches',
  },
  {
    claim: 'two hosts fail: the trouble that waiting does not heal is told',
    internet: two([EE], [EE]),
    servers: { '192.0.2.1': SILENT, '192.0.2.2': { shows: OTHER } },
    expect: 'defer mx2.example.com dane-no-match 4.7.5',
  },
];

/** The same authorities, with a leaf that is valid today and names somebody else. */
function issueLike([, intermediate, root]: typeof OTHER): Chain {
  return [issue({ names: ['other.example.net'] }, intermediate), intermediate, root];
}

for (const { claim, internet, terms, servers = {}, expect, dialled } of CASES)
  t.test(claim, async (t) => {
    const net = network(servers);
    const { lookup } = fakeLookup(internet);
    const checked = await checkDestination(Name.parse('example.com'), {
      lookup,
      probe: net.options,
      ...terms,
    });
    t.equal(show(checked.decision), expect);
    if (dialled) t.strictSame(net.dialled, dialled, 'who was dialled');
  });

t.test('without probe: what the plan allows, and nobody is dialled', async (t) => {
  const cases: readonly [Internet, string][] = [
    [one(EE), 'deliver-authenticated mx.example.com tlsa-usable'],
    [one(UNUSABLE), 'deliver-encrypted mx.example.com tlsa-unusable'],
    [{ ...one(EE), insecure: ['MX example.com'] }, 'deliver-half-dane mx.example.com half-dane'],
    [{ records: ONE }, 'deliver-opportunistically unknown mx.example.com no-tlsa'],
    [{ ...one(EE), bogus: [TLSA] }, 'defer mx.example.com signature-invalid 4.7.5'],
    [{ ...two([EE], [EE]), bogus: [TLSA] }, 'deliver-authenticated mx2.example.com tlsa-usable'],
  ];
  for (const [internet, expect] of cases) {
    const { lookup } = fakeLookup(internet);
    const checked = await checkDestination(Name.parse('example.com'), { lookup, probe: 'none' });
    t.equal(show(checked.decision), expect);
    t.equal(checked.probes, undefined);
  }
});

t.test('a decision names the record at fault', async (t) => {
  const at = async (internet: Internet, server: Server) => {
    const { lookup } = fakeLookup(internet);
    const options = { lookup, probe: network(at1(server)).options };
    return (await checkDestination(Name.parse('example.com'), options)).decision;
  };
  const mismatch = await at(one(EE), { shows: OTHER });
  t.match(mismatch, { fault: { owner: Name.parse('_25._tcp.mx.example.com'), type: 'TLSA' } });
  const bogus = await at({ ...one(EE), bogus: [TLSA] }, { shows: CHAIN });
  t.match(bogus, { fault: { owner: Name.parse('_25._tcp.mx.example.com'), type: 'TLSA' } });
  const down = await at(one(EE), SILENT);
  t.notOk('fault' in down, 'a silent server is no fault of a record');
});

t.test('every handshake is let go, whatever came of it', async (t) => {
  const { lookup } = fakeLookup(one(EE));
  for (const shows of [CHAIN, OTHER]) {
    const net = network(at1({ shows }));
    await checkDestination(Name.parse('example.com'), { lookup, probe: net.options });
    t.equal(net.closed, 1);
  }
});

t.test('M41: the operator orders the digests, and the shortest key', async (t) => {
  const [usage, selector, , digest = ''] = tlsaFor(CHAIN, 3, 1, 2).split(' ');
  const right = `${usage} ${selector} 2 ${digest}`;
  const { lookup } = fakeLookup(one(right, EE_OF_OTHER));
  const decided = async (certificates: ProbeOptions['certificates']) => {
    const { options } = network(at1({ shows: CHAIN }));
    const probe = { ...options, ...(certificates && { certificates }) };
    return show((await checkDestination(Name.parse('example.com'), { lookup, probe })).decision);
  };
  t.equal(await decided(undefined), 'deliver-authenticated mx.example.com tlsa-matches');
  const weaker = 'defer mx.example.com dane-no-match 4.7.5';
  t.equal(await decided({ digests: [1, 2] }), weaker, 'SHA2-256 is the strongest by decree');
  const none = 'defer mx.example.com no-usable-record 4.7.5';
  t.equal(await decided({ digests: [] }), none, 'what is planned as DANE never goes out without');
});

t.test('an abort ends the probe before the next address', async (t) => {
  const { lookup } = fakeLookup({
    records: { ...ONE, 'A mx.example.com': ['192.0.2.1', '192.0.2.9'], [TLSA]: [EE] },
  });
  const plan = await planDelivery(Name.parse('example.com'), lookup);
  const [host] = plan.kind === 'deliver' ? plan.hosts : [];
  if (!host) throw new RangeError('there is a host');
  const stop = new AbortController();
  const { options, dialled } = network({});
  const probe = await probeHost(host, {
    ...options,
    signal: stop.signal,
    connect: async (...call) => {
      stop.abort();
      return options.connect?.(...call) ?? REFUSED;
    },
  });
  t.equal(dialled.length, 1);
  t.equal(show(decide(plan, [probe])), 'defer mx.example.com connect-failed');
  t.equal(show(decide(plan, [])), 'defer mx.example.com not-probed', 'no probe is no permission');
});

t.test('what servers say stays on one line', async (t) => {
  const { lookup } = fakeLookup(one(EE));
  const text = 'no\r\n\u001b[2Jdeliver authenticated';
  const server = { kind: 'starttls-refused', code: 454, text } as const;
  const options = { lookup, probe: network(at1(server)).options };
  const { decision } = await checkDestination(Name.parse('example.com'), options);
  t.notMatch(decision.why, /\p{Cc}/u);
});
