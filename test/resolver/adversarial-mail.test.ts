// Section 5g of ../shared/spec/adversarial.md: what decides mail, from the zones to the plan by the real resolver. One case
// a row, named after it.
import t from 'tap';
import { type DeliveryPlan, type PlanOptions, planDelivery } from '../../src/dane/plan.ts';
import { Name } from '../../src/dns/name.ts';
import { NegativeAnchors } from '../../src/dnssec/negative-anchors.ts';
import type { Lookup } from '../../src/dnssec/outcome.ts';
import type { ResolverOptions } from '../../src/resolver/resolver.ts';
import {
  type Amendment,
  answerWith,
  corruptSignatures,
  type Internet,
  internet,
  refuse,
  servfail,
  silence,
  type Zones,
} from '../../src/testing/index.ts';
import { resolverOn } from './support.ts';

const TLSA = `TLSA 3 1 1 ${'ab'.repeat(32)}`;
const DOMAIN = 'example.com';
/** A domain with a first and a second mail host, which belong to providers of their own. */
const SOUND: Zones = {
  'example.com': ['@ MX 10 mx.first.net.', '@ MX 20 mx.second.net.'],
  'first.net': ['mx A 192.0.2.1', 'mx AAAA 2001:db8::1', `_25._tcp.mx ${TLSA}`],
  'second.net': ['mx A 192.0.2.2', `_25._tcp.mx ${TLSA}`],
};
interface Broken {
  readonly zones?: Zones;
  readonly amend?: Readonly<Record<string, readonly Amendment[]>>;
  readonly options?: (net: Internet) => Partial<ResolverOptions>;
  readonly policy?: PlanOptions;
}

const UNREACHABLE = ['indeterminate', 'unreachable'] as const;

async function plan({ zones = SOUND, amend = {}, options, policy }: Broken) {
  const net = internet(zones);
  for (const [zone, amendments] of Object.entries(amend)) net.amend(zone, ...amendments);
  const { lookup } = resolverOn(net, options?.(net) ?? {});
  return { net, lookup, words: show(await planDelivery(Name.parse(DOMAIN), lookup, policy)) };
}
const words = async (broken: Broken): Promise<readonly string[]> => (await plan(broken)).words;

/** One line for the plan, or one for each host in order. */
function show(plan: DeliveryPlan): readonly string[] {
  if (plan.kind !== 'deliver') return [`${plan.kind} ${plan.why}`];
  return plan.hosts.map((host) => {
    if (host.tls === 'authenticate')
      return `${host.host} ${host.halfDane ? 'half-dane' : 'authenticate'} at ${host.baseDomain}`;
    const reason = 'reason' in host ? ` (${host.reason})` : '';
    const step = 'step' in host ? ` (${host.step})` : '';
    return `${host.host} ${host.tls} ${host.why}${reason}${step}`;
  });
}

const FIRST = 'mx.first.net. authenticate at mx.first.net.';
const SECOND = 'mx.second.net. authenticate at mx.second.net.';

const tlsaAsked = (net: Internet, below: string): number =>
  net.log.filter(({ type, name }) => type === 'TLSA' && name.isAtOrBelow(Name.parse(below))).length;
const told = async (lookup: Lookup, name: string, type: 'MX' | 'TLSA' | 'A') => {
  const outcome = await lookup(Name.parse(name), type);
  return outcome.status === 'secure' ? ['secure'] : [outcome.status, outcome.reason];
};

t.test('without a fault both hosts authenticate', async (t) => {
  t.same(await words({}), [FIRST, SECOND]);
});

t.test('row 139: TLSA proved absent', async (t) => {
  const none = ['mx.first.net. opportunistic no-tlsa', SECOND];
  const nxdomain = { ...SOUND, 'first.net': ['mx A 192.0.2.1'] };
  t.same(await words({ zones: nxdomain }), none, 'NXDOMAIN');
  const nodata = { ...SOUND, 'first.net': ['mx A 192.0.2.1', '_25._tcp.mx TXT "no TLSA"'] };
  t.same(await words({ zones: nodata }), none, 'NODATA');
  const nsec3: Zones = {
    ...SOUND,
    'first.net': { records: ['mx A 192.0.2.1'], signing: { denial: 'nsec3' } },
  };
  t.same(await words({ zones: nsec3 }), none, 'by NSEC3');
});

t.test('row 140: the TLSA look-up fails: next host, or wait', async (t) => {
  for (const [claim, fault] of Object.entries({
    timeout: silence('TLSA'),
    SERVFAIL: servfail('TLSA'),
    REFUSED: refuse('TLSA'),
  })) {
    const one = await plan({ amend: { 'first.net': [fault] } });
    t.match(
      one.words[0],
      /^mx\.first\.net\. unreachable (unreachable|budget-spent) \(tlsa\)$/,
      claim,
    );
    t.equal(one.words[1], SECOND, `${claim}: the next host`);
    t.same(await told(one.lookup, '_25._tcp.mx.first.net', 'TLSA'), UNREACHABLE, 'no data');
    const both = await words({ amend: { 'first.net': [fault], 'second.net': [fault] } });
    t.ok(
      both.every((line) => line.includes(' unreachable ')),
      `${claim}: nobody is left: wait`,
    );
  }
});

t.test('row 141: NOTIMP to TLSA', async (t) => {
  const notimp = answerWith('NOTIMP', 'TLSA');
  const provider: Zones = {
    ...SOUND,
    'first.net': { records: ['mx A 192.0.2.1'], signing: 'unsigned' },
  };
  const unsigned = await plan({ zones: provider, amend: { 'first.net': [notimp] } });
  t.equal(unsigned.words[0], 'mx.first.net. opportunistic insecure-address (no-ds-proven)');
  t.equal(tlsaAsked(unsigned.net, 'first.net'), 0, 'TLSA is never asked for');
  const signed = await plan({ amend: { 'first.net': [notimp] } });
  t.same(
    signed.words,
    ['mx.first.net. unreachable unreachable (tlsa)', SECOND],
    'as for any failure',
  );
});

t.test('row 142: TLSA by an alias into an unsigned zone', async (t) => {
  const zones: Zones = {
    ...SOUND,
    'first.net': ['mx A 192.0.2.1', '_25._tcp.mx CNAME tlsa.plain.net.'],
    'plain.net': { records: [`tlsa ${TLSA}`], signing: 'unsigned' },
  };
  t.same(await words({ zones }), [
    'mx.first.net. opportunistic insecure-tlsa (no-ds-proven)',
    SECOND,
  ]);
  const behind: Zones = {
    ...zones,
    'first.net': [
      'mx CNAME real',
      'real A 192.0.2.1',
      '_25._tcp.real CNAME tlsa.plain.net.',
      `_25._tcp.mx ${TLSA}`,
    ],
  };
  t.same((await words({ zones: behind }))[0], FIRST, 'the next candidate base domain comes first');
});

t.test('row 143: insecure MX, secure address and TLSA', async (t) => {
  const zones: Zones = {
    ...SOUND,
    'example.com': { records: ['@ MX 10 mx.first.net.'], signing: 'unsigned' },
  };
  const one = await plan({ zones });
  t.same(one.words, ['mx.first.net. half-dane at mx.first.net.'], 'never as verified');
  const encrypt = await plan({ zones, policy: { halfDane: 'encrypt' } });
  t.same(encrypt.words, ['mx.first.net. encrypt half-dane']);
  const may = await plan({ zones, policy: { halfDane: 'may' } });
  t.same(may.words, ['mx.first.net. opportunistic insecure-mx (no-ds-proven)']);
  t.equal(tlsaAsked(may.net, 'first.net'), 0, 'TLSA is not asked for');
});

t.test('row 144: a secure alias to a name with insecure addresses', async (t) => {
  const zones: Zones = {
    ...SOUND,
    'first.net': ['mx CNAME host.plain.net.', `_25._tcp.mx ${TLSA}`],
    'plain.net': { records: ['host A 192.0.2.9', `_25._tcp.host ${TLSA}`], signing: 'unsigned' },
  };
  const one = await plan({ zones });
  t.same(one.words, [FIRST, SECOND], 'the original name');
  t.equal(tlsaAsked(one.net, 'plain.net'), 0, 'and no other candidate');
});

t.test('row 145: one address family is bogus', async (t) => {
  for (const family of ['A', 'AAAA'] as const)
    t.same(
      await words({ amend: { 'first.net': [corruptSignatures(family)] } }),
      ['mx.first.net. unreachable signature-invalid (addresses)', SECOND],
      family,
    );
});

t.test('row 147: the MX is bogus, or cannot be had', async (t) => {
  const own = {
    ...SOUND,
    'example.com': ['@ MX 10 mx.first.net.', '@ A 192.0.2.7', `_25._tcp ${TLSA}`],
  };
  const bogus = await plan({ zones: own, amend: { 'example.com': [corruptSignatures('MX')] } });
  t.same(bogus.words, ['defer signature-invalid']);
  const silent = await plan({ zones: own, amend: { 'example.com': [servfail('MX')] } });
  t.same(silent.words, ['defer unreachable']);
  for (const { net } of [bogus, silent])
    t.equal(
      net.log.filter(({ type, name }) => type === 'AAAA' && String(name) === 'example.com.').length,
      0,
      'the address of the domain is not even asked for',
    );
});

t.test('row 148: no MX, and an address', async (t) => {
  const zones: Zones = { 'example.com': ['@ A 192.0.2.7', `_25._tcp ${TLSA}`] };
  t.same(await words({ zones }), ['example.com. authenticate at example.com.']);
});

t.test('row 149: TLSA aliases that lead nowhere', async (t) => {
  const loop: Zones = {
    ...SOUND,
    'first.net': ['mx A 192.0.2.1', '_25._tcp.mx CNAME _25._tcp.mx'],
  };
  const one = await plan({ zones: loop });
  t.same(one.words, ['mx.first.net. unreachable alias-loop (tlsa)', SECOND]);
  t.equal(tlsaAsked(one.net, 'first.net'), 1, 'at the first repeated name');
  const chain = (links: number): Zones => ({
    ...SOUND,
    'first.net': [
      'mx A 192.0.2.1',
      '_25._tcp.mx CNAME t1',
      ...Array.from({ length: links - 1 }, (_, i) => `t${i + 1} CNAME t${i + 2}`),
      `t${links} ${TLSA}`,
    ],
  });
  t.same(await words({ zones: chain(11) }), [FIRST, SECOND], '11 links');
  const long = await plan({ zones: chain(12) });
  t.same(long.words, ['mx.first.net. unreachable budget-spent (tlsa)', SECOND], '12 links');
  const outcome = await long.lookup(Name.parse('_25._tcp.mx.first.net'), 'TLSA');
  t.equal('fault' in outcome && outcome.fault.limit, 'alias-links', 'with the limit named');
});

t.test('row 150: a negative trust anchor covers the domain', async (t) => {
  const options = (net: Internet) => {
    const negativeAnchors = new NegativeAnchors();
    const terms = { reason: 'their signer is broken', now: net.clock.now() };
    negativeAnchors.add(Name.parse(DOMAIN), terms);
    return { negativeAnchors };
  };
  const amend = { 'example.com': [corruptSignatures('MX')] };
  const one = await plan({ options, amend });
  t.same(one.words, [
    'mx.first.net. opportunistic insecure-mx (negative-trust-anchor)',
    'mx.second.net. opportunistic insecure-mx (negative-trust-anchor)',
  ]);
  const sound = await words({ options });
  t.notOk(
    sound.some((line) => /authenticate|half-dane/.test(line)),
    'nor where all is well',
  );
  const outcome = await one.lookup(Name.parse(DOMAIN), 'MX');
  t.match(
    outcome.negativeAnchors?.map(({ reason }) => reason),
    ['their signer is broken'],
  );
});
