// RFC 7673: services that SRV records lead to. Cases P62 and P63 of ../shared/spec/dane-cases.md section 5b, and what
// follows from the RFC's sections 3 and 4, on the real resolver.
import t from 'tap';
import { planService, type ServicePlan } from '../../src/dane/service.ts';
import { verifyPeer } from '../../src/dane/verify.ts';
import { Name } from '../../src/dns/name.ts';
import type { Random } from '../../src/environment.ts';
import {
  corruptSignatures,
  removeSignatures,
  servfail,
  type Zones,
} from '../../src/testing/index.ts';
import { plain } from './fake-lookup.ts';
import { I, NOW, server } from './matcher-support.ts';
import { type Case, EE, open, TA, tlsaAsked, UNUSABLE } from './plan-support.ts';

/** The service of RFC 7673 section 3.3, at the domain of its examples. */
const SRV = '_imap._tcp SRV 10 0 9143 imap.example.net.';
const TARGET = '_9143._tcp.imap.example.net';
const zones = (...tlsa: readonly string[]): Zones => ({
  'example.com': [SRV],
  'example.net': ['imap A 192.0.2.1', ...tlsa.map((rr) => `_9143._tcp.imap ${rr}`)],
});

/** Octets that say the same each time. */
const always = (octet: number): Random => ({
  bytes: (length) => new Uint8Array(length).fill(octet),
});

async function planned(one: Case, random = always(0)) {
  const { net, resolver } = open(one);
  const service = { service: 'imap', domain: Name.parse('example.com') };
  const plan = await planService(service, resolver.lookup, { random });
  return { net, plan, words: show(plan) };
}
const words = async (one: Case) => (await planned(one)).words;

function show(plan: ServicePlan): readonly string[] {
  if (plan.kind === 'none') return [`none ${plan.why} ${plan.security.status}`];
  if (plan.kind === 'defer') return [`defer ${plan.why}`];
  return plan.servers.map((one) => {
    const where = `${plain(one.target)}:${one.port} ${one.tls}`;
    const why = 'why' in one ? ` ${one.why}` : '';
    const step = 'step' in one ? ` (${one.step})` : '';
    if (one.tls === 'unreachable') return `${where}${why}${step}`;
    return `${where}${why} as ${one.names.map(plain).join(' ')}, SNI ${plain(one.serverName)}`;
  });
}

const BOTH = 'as example.com imap.example.net, SNI example.com';
const out = (why: string) => [`imap.example.net:9143 unreachable ${why}`];

t.test('P62: a secure SRV leads to TLSA at the port and the target', async (t) => {
  const { words: found, net, plan } = await planned({ zones: zones(TA) });
  t.same(found, [
    'imap.example.net:9143 authenticate as imap.example.net example.com, SNI imap.example.net',
  ]);
  t.same(tlsaAsked(net), [TARGET]);
  const [first] = plan.kind === 'connect' ? plan.servers : [];
  if (first?.tls !== 'authenticate') return t.fail('no server');
  // RFC 7673 section 6: the certificate names the service domain or the target.
  for (const [name, kind] of [
    ['imap.example.net', 'authenticated'],
    ['example.com', 'authenticated'],
    ['example.net', 'not-authenticated'],
  ] as const) {
    const chain = [server(I, { names: [name] }).der, I.der];
    const { records, names } = first;
    t.equal(verifyPeer({ records, chain, names, now: NOW }).kind, kind, name);
  }
});

t.test('P62: no usable record: TLS and full PKIX against both names', async (t) => {
  const unknown = `TLSA 9 1 1 ${'ab'.repeat(32)}`;
  t.same(await words({ zones: zones(unknown) }), [
    `imap.example.net:9143 pkix tlsa-unusable ${BOTH}`,
  ]);
  t.match(await words({ zones: zones(unknown, EE) }), [/ authenticate /], 'one is enough');
  // PKIX-EE(1), which SMTP leaves aside (RFC 7672 section 3.1.3), is usable here.
  t.match(await words({ zones: zones(UNUSABLE) }), [/ authenticate /]);
});

t.test('P63: an insecure SRV: RFC 7673 does not apply, and the target is no name', async (t) => {
  const unsigned: Zones = {
    ...zones(EE),
    'example.com': { records: [SRV], signing: 'unsigned' },
  };
  const { words: found, net } = await planned({ zones: unsigned });
  t.same(found, ['imap.example.net:9143 by-protocol insecure-srv as example.com, SNI example.com']);
  t.same(tlsaAsked(net), [], 'no TLSA question');
  const aliased: Zones = {
    ...zones(EE),
    'example.com': ['_imap._tcp CNAME _imap._tcp.plain.org.'],
    'plain.org': { records: [SRV], signing: 'unsigned' },
  };
  t.match(
    await words({ zones: aliased }),
    [/ by-protocol insecure-srv as example\.com,/],
    'by alias',
  );
});

t.test('SRV that cannot be had or believed: no connection (section 3.1)', async (t) => {
  const broken = (amendment: ReturnType<typeof servfail>) => ({
    zones: zones(EE),
    amend: { 'example.com': [amendment] },
  });
  t.same(await words(broken(servfail('SRV'))), ['defer unreachable']);
  t.same(await words(broken(corruptSignatures('SRV'))), ['defer signature-invalid']);
  t.same(await words(broken(removeSignatures('SRV'))), ['defer rrsigs-missing']);
});

t.test('no SRV, and a service that is not offered (RFC 2782)', async (t) => {
  t.same(await words({ zones: { 'example.com': ['@ A 192.0.2.1'] } }), ['none no-srv secure']);
  const none = { 'example.com': ['_imap._tcp SRV 0 0 0 .'] };
  t.same(await words({ zones: none }), ['none not-offered secure']);
  const beside = { ...zones(EE), 'example.com': ['_imap._tcp SRV 0 0 0 .', SRV] };
  t.match(await words({ zones: beside }), [/^imap\.example\.net:9143 authenticate /]);
});

t.test('addresses and TLSA of a target (sections 3.2 to 3.4)', async (t) => {
  const target = (...amend: readonly ReturnType<typeof servfail>[]) => ({
    zones: zones(EE),
    amend: { 'example.net': amend },
  });
  t.same(await words(target(corruptSignatures('A'))), out('signature-invalid (addresses)'));
  t.same(await words(target(corruptSignatures('TLSA'))), out('signature-invalid (tlsa)'));
  t.same(await words(target(servfail('TLSA'))), out('unreachable (tlsa)'));
  t.same(await words({ zones: { 'example.com': [SRV], 'example.net': [] } }), out('no-address'));
  t.same(await words({ zones: zones() }), [`imap.example.net:9143 by-protocol no-tlsa ${BOTH}`]);
  const unsigned: Zones = {
    ...zones(),
    'example.net': { records: ['imap A 192.0.2.1', `_9143._tcp.imap ${EE}`], signing: 'unsigned' },
  };
  const { words: found, net } = await planned({ zones: unsigned });
  t.same(found, [`imap.example.net:9143 by-protocol insecure-address ${BOTH}`]);
  t.same(tlsaAsked(net), [], 'no TLSA question into an unsigned zone');
});

t.test('a target that is an alias: its expansion first (RFC 7671 section 7)', async (t) => {
  const aliased = (original: string, expanded: string): Zones => ({
    'example.com': [SRV],
    'example.net': ['imap CNAME host.example.org.', `_9143._tcp.imap ${original}`],
    'example.org': ['host A 192.0.2.1', `_9143._tcp.host ${expanded}`],
  });
  t.same(await words({ zones: aliased(EE, TA) }), [
    'imap.example.net:9143 authenticate as host.example.org imap.example.net example.com, SNI host.example.org',
  ]);
  t.same(await words({ zones: aliased(TA, 'TXT "no TLSA"') }), [
    'imap.example.net:9143 authenticate as imap.example.net example.com, SNI imap.example.net',
  ]);
});

/** One host under many ports, which stand for the records. */
const many = (...records: readonly string[]): Zones => ({
  'example.com': ['host A 192.0.2.1', ...records.map((fields) => `_imap._tcp SRV ${fields} host`)],
});
const portsOf = async (one: Zones, random: Random): Promise<readonly number[]> => {
  const { plan } = await planned({ zones: one }, random);
  return plan.kind === 'connect' ? plan.servers.map(({ port }) => port) : [];
};

t.test('the order of targets (RFC 2782)', async (t) => {
  const byPriority = many('20 0 2', '10 0 1', '30 0 3');
  for (const octet of [0, 255])
    t.same(await portsOf(byPriority, always(octet)), [1, 2, 3], 'priority decides alone');
  // Of weights 0, 10 and 30: lot 0 of 0..40 takes the one of weight 0; lot 40, the last.
  const byWeight = many('10 10 2', '10 30 3', '10 0 1');
  t.same(await portsOf(byWeight, always(0)), [1, 2, 3]);
  t.same(await portsOf(byWeight, always(255)), [3, 2, 1]);
  // Lots 1/4 of 0..40 (10), of 0..30 (7), and so on: the second of them, then the heavier.
  t.same(await portsOf(byWeight, always(64)), [2, 3, 1]);
  const twice = many('10 0 1', '20 0 1');
  t.same(await portsOf(twice, always(0)), [1], 'one target and port is tried once');
});

t.test('the first of two targets is drawn as often as its weight says', async (t) => {
  const zone = many('10 1 1', '10 3 2');
  const { resolver, net } = open({ zones: zone });
  const service = { service: 'imap', domain: Name.parse('example.com') };
  const ROUNDS = 2000;
  let heavy = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { random } = net;
    const plan = await planService(service, resolver.lookup, { random });
    if (plan.kind === 'connect' && plan.servers[0]?.port === 2) heavy += 1;
  }
  // Lots 0 to 4, of which 0 and 1 take the light one (RFC 2782 counts from 0): 60 %, give or take four deviations of 1.1 %.
  t.ok(Math.abs(heavy / ROUNDS - 0.6) < 0.044, String(heavy));
});

t.test('a hundred targets: 20 are planned', async (t) => {
  const targets = Array.from({ length: 50 }, (_, i) => `${i} 0 ${i + 1}`);
  const { plan } = await planned({ zones: many(...targets) });
  if (plan.kind !== 'connect') return t.fail(plan.kind);
  t.same([plan.servers.length, plan.surplus], [20, 30]);
});

t.test('a service whose name is too long is the caller’s mistake', async (t) => {
  const { resolver } = open({ zones: zones() });
  const domain = Name.parse(
    `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(55)}`,
  );
  const options = { random: always(0) };
  await t.rejects(planService({ service: 'imap', domain }, resolver.lookup, options), RangeError);
});
