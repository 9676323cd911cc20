// Cases of ../shared/spec/dane-cases.md section 5b about the TLSA records of one mail host and how they are had: real
// resolver and validator on an internet in memory, real servers on loopback where the case is about the peer.
import t from 'tap';
import { planDelivery } from '../../src/dane/plan.ts';
import { findWarnings, printWarning } from '../../src/dane/warnings.ts';
import { writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { failed, type Outcome } from '../../src/dnssec/outcome.ts';
import { explain } from '../../src/dnssec/reason.ts';
import {
  type Amendment,
  alterDs,
  alterPlan,
  alterRecords,
  alterReply,
  answerWith,
  corruptDenial,
  corruptSignatures,
  onlyFor,
  refuse,
  removeDenial,
  resign,
  servfail,
  silence,
  truncate,
  type Zones,
} from '../../src/testing/index.ts';
import { plain } from './fake-lookup.ts';
import { I, L, NOW, U } from './matcher-support.ts';
import { checked, EE, open, planned, type Servers, show, TA, told, words } from './plan-support.ts';

const TLSA_NAME = '_25._tcp.mx.example.com';
/** One domain with one mail host in its zone; what stands at the TLSA name is the case's. */
const one = (...lines: readonly string[]): Zones => ({
  'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', ...lines],
});
const SOUND = one(`_25._tcp.mx ${EE}`);
/** The host belongs to a provider, in a zone and a top-level zone of its own; a second one is the domain's. */
const hosted = (...lines: readonly string[]): Zones => ({
  'example.com': ['@ MX 10 mx.host.net.', '@ MX 20 mx', 'mx A 192.0.2.2', `_25._tcp.mx ${EE}`],
  'host.net': ['mx A 192.0.2.1', ...lines],
});
const RIGHT: Servers = { '192.0.2.1': { chain: [L, I] }, '192.0.2.2': { chain: [L, I] } };

const authenticated = ['mx.example.com: authenticate mx.example.com as mx.example.com example.com'];
const SECOND = 'mx.example.com: authenticate mx.example.com as mx.example.com example.com';
const withoutTlsa = ['mx.example.com: opportunistic no-tlsa'];
const out = (reason: string) => [`mx.example.com: unreachable ${reason} (tlsa)`];

const lookUp = ({ resolver }: ReturnType<typeof open>) =>
  resolver.lookup(Name.parse(TLSA_NAME), 'TLSA');

/** The reason and its EDE, of an outcome that failed. */
const faultOf = (outcome: Outcome): readonly unknown[] =>
  failed(outcome) ? [outcome.reason, explain(outcome.reason).ede] : [outcome.status];

t.test('P01: MX, address and TLSA secure: DANE at _25._tcp.mx', async (t) => {
  const { words, tlsaAsked } = await planned({ zones: SOUND });
  t.same(words, authenticated);
  t.same(tlsaAsked, [TLSA_NAME]);
  const right = await checked(t, { zones: SOUND }, RIGHT);
  t.equal(told(right), 'deliver-authenticated mx.example.com tlsa-matches');
  const wrong = await checked(t, { zones: SOUND }, { '192.0.2.1': { chain: [U] } });
  t.equal(told(wrong), 'defer mx.example.com dane-no-match 4.7.5');
});

t.test('P02: an insecure address: opportunistic, and no TLSA question is sent', async (t) => {
  const zones: Zones = {
    ...hosted(),
    'host.net': { records: ['mx A 192.0.2.1', `_25._tcp.mx ${EE}`], signing: 'unsigned' },
  };
  const { words, tlsaAsked } = await planned({ zones, amend: { 'host.net': [servfail('TLSA')] } });
  t.same(words, ['mx.host.net: opportunistic insecure-address (no-ds-proven)', SECOND]);
  t.same(tlsaAsked, [TLSA_NAME], 'only that of the signed host');
});

t.test('P03: the TLSA look-up fails: the second MX first, and then wait', async (t) => {
  const faults: Readonly<Record<string, Amendment>> = {
    SERVFAIL: servfail('TLSA'),
    NOTIMP: answerWith('NOTIMP', 'TLSA'),
    REFUSED: refuse('TLSA'),
    timeout: silence('TLSA'),
  };
  for (const [claim, fault] of Object.entries(faults)) {
    const zones = hosted(`_25._tcp.mx ${EE}`);
    const both = await checked(t, { zones, amend: { 'host.net': [fault] } }, RIGHT);
    t.equal(told(both), 'deliver-authenticated mx.example.com tlsa-matches', claim);
    t.same(both.probes?.[0]?.attempts.length, 0, `${claim}: the first is not contacted`);
    const alone = await checked(t, { zones: SOUND, amend: { 'example.com': [fault] } }, RIGHT);
    t.match(told(alone), /^defer mx\.example\.com (unreachable|budget-spent) 4\.7\.5$/, claim);
    t.same(alone.probes?.[0]?.attempts.length, 0, `${claim}: nor alone`);
  }
});

t.test('P04: TLSA proved absent by NSEC or NSEC3: opportunistic', async (t) => {
  const clear: Servers = { '192.0.2.1': { chain: [L, I], fault: 'no-starttls' } };
  for (const denial of ['nsec', 'nsec3'] as const) {
    const records = ['@ MX 10 mx', 'mx A 192.0.2.1'];
    const zones: Zones = { 'example.com': { records, signing: { denial } } };
    const opened = open({ zones });
    t.match(await lookUp(opened), { status: 'secure', answer: { kind: 'nxdomain' } }, denial);
    t.same(await words({ zones }), withoutTlsa, denial);
    const met = await checked(t, { zones }, clear);
    t.equal(told(met), 'deliver-opportunistically clear mx.example.com no-tlsa', denial);
  }
});

t.test('P05: NXDOMAIN without NSEC in a signed zone: wait, EDE 12', async (t) => {
  const broken = { zones: one(), amend: { 'example.com': [removeDenial()] } };
  // The denial of AAAA would be missing as well: the host has both families.
  const zones = one('mx AAAA 2001:db8::1');
  t.same(await words({ ...broken, zones }), out('denial-missing'));
  t.same(faultOf(await lookUp(open({ ...broken, zones }))), ['denial-missing', 12]);
  const met = await checked(t, { ...broken, zones }, RIGHT);
  t.equal(told(met), 'defer mx.example.com denial-missing 4.7.5');
});

t.test('P06: NODATA whose NSEC has a wrong signature: wait, EDE 6', async (t) => {
  const zones = one('mx AAAA 2001:db8::1', '_25._tcp.mx TXT "no TLSA"');
  const broken = { zones, amend: { 'example.com': [corruptDenial()] } };
  t.same(await words(broken), out('signature-invalid'));
  t.same(faultOf(await lookUp(open(broken))), ['signature-invalid', 6]);
  t.equal(told(await checked(t, broken, RIGHT)), 'defer mx.example.com signature-invalid 4.7.5');
});

/** NXDOMAIN for what is there but empty; the proof that goes along tells the truth. */
const brokenAt = (name: string): Amendment =>
  alterReply((reply, { question }) =>
    question.name.equals(Name.parse(name)) ? { ...reply, rcode: 'NXDOMAIN' } : reply,
  );

t.test('P07: NXDOMAIN for _tcp.mx hides nothing below it, and is told', async (t) => {
  const amend = { 'example.com': [brokenAt('_tcp.mx.example.com')] };
  t.same(await words({ zones: SOUND, amend }), authenticated);
  // Nobody need ask for the name between once the zone is known. Above a zone cut it is asked for, and then the whole name
  // after it, as if the NXDOMAIN had been nothing.
  const zones: Zones = { 'mx.example.com': ['@ A 192.0.2.1', `_25._tcp ${EE}`] };
  const { net, resolver } = open({ zones, amend: { com: [brokenAt('example.com')] } });
  const outcome = await resolver.lookup(Name.parse(TLSA_NAME), 'TLSA');
  t.match(outcome, { status: 'secure', answer: { kind: 'records' } });
  const said = net.log.find(({ result }) => result === 'nxdomain');
  t.equal(said && plain(said.name), 'example.com');
  t.same(findWarnings([outcome]).map(printWarning), [
    `server ${said?.server} of com says that example.com does not exist, but ${TLSA_NAME} does`,
  ]);
});

t.test('P08: an NXDOMAIN that is kept for _tcp.mx hides nothing below it', async (t) => {
  for (const denial of ['nsec', 'nsec3'] as const) {
    const records = ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx ${EE}`];
    const { resolver, net } = open({
      zones: { 'example.com': { records, signing: { denial } } },
      amend: { 'example.com': [brokenAt('_tcp.mx.example.com')] },
    });
    for (const type of ['A', 'TXT', 'TLSA'] as const)
      await resolver.lookup(Name.parse('_tcp.mx.example.com'), type);
    const outcome = await resolver.lookup(Name.parse(TLSA_NAME), 'TLSA');
    t.match(outcome, { status: 'secure', answer: { kind: 'records' } }, denial);
    t.ok(
      net.log.some(({ result }) => result === 'nxdomain'),
      'it was said',
    );
  }
});

t.test('P09: TLSA from a wildcard', async (t) => {
  for (const owner of ['*._tcp.mx', '*.mx'])
    t.same(await words({ zones: one(`${owner} ${EE}`) }), authenticated, owner);
  const zones = one(`*.example.com. ${EE}`);
  t.same(await words({ zones }), withoutTlsa, 'one of the zone is none of a host that exists');
  // A server that hands it out all the same: with the proof that it has, and with none.
  let wildcard: readonly RR[] = [];
  const star = Name.parse('*.example.com');
  const capture = alterRecords(({ records }) => {
    wildcard = records.filter(
      ({ owner, type, rdata }) =>
        owner.equals(star) &&
        (type === 'TLSA' || (type === 'RRSIG' && decode('RRSIG', rdata).typeCovered === 'TLSA')),
    );
    return records;
  });
  for (const proof of ['with', 'without'] as const) {
    const expand = onlyFor(
      { types: ['TLSA'] },
      alterReply((reply, { question }) => ({
        ...reply,
        rcode: 'NOERROR',
        answer: wildcard.map((record) => ({ ...record, owner: question.name })),
        authority: proof === 'with' ? reply.authority : [],
      })),
    );
    const amend = { 'example.com': [capture, expand] };
    const opened = open({ zones, amend });
    t.match(await lookUp(opened), { status: 'bogus' }, `${proof} proof`);
    t.equal(wildcard.length, 2, 'the record and its signature');
    t.match(await words({ zones, amend }), [/^mx\.example\.com: unreachable .* \(tlsa\)$/]);
    t.match(
      told(await checked(t, { zones, amend }, RIGHT)),
      /^defer mx\.example\.com \S+ 4\.7\.5$/,
    );
  }
});

t.test(
  'P18: a secure alias at the TLSA name: DANE, and the base domain stays the host',
  async (t) => {
    const zones = one('_25._tcp.mx CNAME tlsa201._dane', `tlsa201._dane ${TA}`);
    t.same(await words({ zones }), authenticated);
    t.equal(
      told(await checked(t, { zones }, RIGHT)),
      'deliver-authenticated mx.example.com tlsa-matches',
    );
  },
);

const PLAIN: Zones = { 'plain.net': { records: [`tlsa ${EE}`], signing: 'unsigned' } };

t.test('P19: an alias at the TLSA name into an unsigned zone: opportunistic', async (t) => {
  const zones = { ...one('_25._tcp.mx CNAME tlsa.plain.net.'), ...PLAIN };
  t.same(await words({ zones }), ['mx.example.com: opportunistic insecure-tlsa (no-ds-proven)']);
  const wrong: Servers = { '192.0.2.1': { chain: [U] } };
  t.equal(
    told(await checked(t, { zones }, wrong)),
    'deliver-opportunistically tls mx.example.com insecure-tlsa',
  );
  const aliased: Zones = {
    'example.com': [
      '@ MX 10 mx',
      'mx CNAME real',
      'real A 192.0.2.1',
      '_25._tcp.real CNAME tlsa.plain.net.',
      `_25._tcp.mx ${EE}`,
    ],
    ...PLAIN,
  };
  t.same(await words({ zones: aliased }), authenticated, 'the next candidate is asked for');
});

t.test('P20: TLSA aliases that loop, or go on for too long: wait', async (t) => {
  const loop = one('_25._tcp.mx CNAME a', 'a CNAME _25._tcp.mx');
  t.same(await words({ zones: loop }), out('alias-loop'));
  t.equal(told(await checked(t, { zones: loop }, RIGHT)), 'defer mx.example.com alias-loop 4.7.5');
  const links = Array.from({ length: 16 }, (_, i) => `t${i} CNAME t${i + 1}`);
  const long = one('_25._tcp.mx CNAME t0', ...links, `t16 ${EE}`);
  t.same(await words({ zones: long }), out('budget-spent'), '17 links');
});

t.test('P37: for how long TLSA records are believed', async (t) => {
  const DAY = 86_400;
  const seconds = Math.floor(NOW / 1000);
  const isTlsa = ({ type, rdata }: RR) =>
    type === 'TLSA' || (type === 'RRSIG' && decode('RRSIG', rdata).typeCovered === 'TLSA');
  const served = (ttl: number, which: (record: RR) => boolean = isTlsa): Amendment =>
    alterRecords(({ records }) =>
      records.map((record) => (which(record) ? { ...record, ttl } : record)),
    );
  // RFC 4035 section 5.3.3: the least of the TTLs of RRset and RRSIG, the original TTL, and what is left of the signature;
  // RFC 2181 section 8: a TTL with the highest bit is 0; and the keys are good for an hour, as everything here.
  const table: readonly (readonly [string, readonly Amendment[], number])[] = [
    ['TTL 0', [served(0)], 0],
    ['TTL 1', [served(1)], 1],
    ['TTL 300', [served(300)], 300],
    ['TTL 2^31', [served(2 ** 31)], 0],
    ['TTL 2^32 - 1', [served(2 ** 32 - 1)], 0],
    ['TTL 2^31 - 1', [served(2 ** 31 - 1)], 3600],
    [
      'the RRset for longer than its signature',
      [served(60, ({ type, ...rest }) => type === 'RRSIG' && isTlsa({ type, ...rest }))],
      60,
    ],
    ['the signature for longer than its RRset', [served(60, ({ type }) => type === 'TLSA')], 60],
    ['more than the original TTL', [resign({ originalTtl: 120 }, 'TLSA')], 120],
    ['more than is left of the signature', [resign({ expiration: seconds + 30 }, 'TLSA')], 30],
    ['more than the longest TTL of this resolver, 30', [served(300)], 30],
    ['a day, where keys are good for an hour', [served(DAY)], 3600],
  ];
  for (const [claim, amendments, expected] of table) {
    const longestTtl = { positive: claim.includes('longest') ? 30 : DAY, negative: 3600 };
    const opened = open({
      zones: SOUND,
      amend: { 'example.com': amendments },
      resolver: () => ({ longestTtl }),
    });
    const { net } = opened;
    const outcome = await lookUp(opened);
    t.equal(outcome.status, 'secure', claim);
    const left = outcome.expiresAt - net.clock.now();
    t.ok(left <= expected * 1000 && left > (expected - 2) * 1000, `${claim}: ${left} ms`);
  }
});

t.test('P38: a signature that ends while the message waits', async (t) => {
  const now = Math.floor(NOW / 1000);
  let expiration = now + 2;
  const brief: Amendment = {
    records: (zone) => resign({ expiration }, 'TLSA').records?.(zone) ?? zone.records,
  };
  const { net, resolver } = open({ zones: SOUND, amend: { 'example.com': [brief] } });
  const wordsNow = async () =>
    show(await planDelivery(Name.parse('example.com'), resolver.lookup)).join();
  t.same(await wordsNow(), authenticated.join());
  net.clock.advance(3_000);
  t.same(await wordsNow(), out('signature-expired').join(), 'asked again, and expired');
  expiration = now + 86_400;
  net.amend('example.com'); // signed anew
  net.clock.advance(61_000); // a bogus answer is remembered for a while
  t.same(await wordsNow(), authenticated.join(), 'and taken again when the zone is signed anew');
});

t.test('P42: a top-level DNSKEY RRset of 1447 octets comes over TCP', async (t) => {
  /** Keys that nobody names: three, the last of whatever length is wanted. */
  const padded = (last: number): Amendment =>
    alterPlan((plan) => ({
      ...plan,
      records: [
        ...plan.records,
        ...[260, 260, last].map((length, i) => ({
          ...(plan.records[0] as RR),
          owner: plan.zone,
          type: 'DNSKEY' as const,
          ttl: 3600,
          rdata: encode('DNSKEY', {
            flags: 256,
            protocol: 3,
            algorithm: 8,
            publicKey: new Uint8Array(length).fill(i + 1),
          }),
        })),
      ],
    }));
  let size = 0;
  const measured = alterReply((reply, { question }) => {
    if (question.type === 'DNSKEY') size = writeMessage(reply).length;
    return reply;
  });
  await planned({ zones: SOUND, amend: { com: [padded(260), measured] } });
  const amendments = [padded(260 + 1447 - size), measured];
  for (const more of [[], [truncate()]]) {
    const { words, net } = await planned({
      zones: SOUND,
      amend: { com: [...amendments, ...more] },
    });
    t.same(words, authenticated);
    t.equal(size, 1447);
    const keys = net.log.filter(({ name, type }) => type === 'DNSKEY' && plain(name) === 'com');
    t.same(
      keys.map(({ over, result }) => `${over} ${result}`),
      ['udp truncated', 'tcp answer'],
    );
  }
});

t.test('P43: one of four name servers does not answer for TLSA', async (t) => {
  const addresses = ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4'];
  const zones: Zones = {
    'example.com': {
      records: ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx ${EE}`],
      servers: Object.fromEntries(addresses.map((ip, i) => [`ns${i}.example.com`, ip])),
    },
  };
  let met = 0;
  for (const server of addresses) {
    const { net, resolver } = open({
      zones,
      amend: { 'example.com': [onlyFor({ types: ['TLSA'], server }, silence())] },
    });
    const outcome = await resolver.lookup(Name.parse(TLSA_NAME), 'TLSA');
    t.match(outcome, { status: 'secure', answer: { kind: 'records' } }, server);
    const wasSilent = net.log.some(({ result }) => result === 'silence');
    met += wasSilent ? 1 : 0;
    t.same(
      findWarnings([outcome]).map(printWarning),
      wasSilent
        ? [`server ${server} of example.com does not answer TLSA questions (timeout): ${TLSA_NAME}`]
        : [],
    );
  }
  t.ok(met > 0, 'the silent one was asked');
});

t.test('P55: a DS of algorithms or digests that nobody here knows: insecure', async (t) => {
  const changes = {
    'algorithm 12 (GOST)': alterDs((ds) => ({ ...ds, algorithm: 12 })),
    'digest type 3 (GOST)': alterDs((ds) => ({ ...ds, digestType: 3 })),
  };
  for (const [claim, change] of Object.entries(changes)) {
    const { words, tlsaAsked } = await planned({
      zones: hosted(`_25._tcp.mx ${EE}`),
      amend: { 'host.net': [change] },
    });
    t.match(words[0], /^mx\.host\.net: opportunistic insecure-address /, claim);
    t.same(words[1], SECOND);
    t.same(tlsaAsked, [TLSA_NAME], `${claim}: no TLSA question`);
  }
});

t.test(
  'P55: a DS that somebody has swapped on the way for one of an unknown algorithm',
  async (t) => {
    const swapped = alterReply((reply) => {
      const swap = (record: RR): RR =>
        record.type === 'DS'
          ? { ...record, rdata: encode('DS', { ...decode('DS', record.rdata), algorithm: 12 }) }
          : record;
      return { ...reply, answer: reply.answer.map(swap), authority: reply.authority.map(swap) };
    });
    const { words, plan } = await planned({ zones: SOUND, amend: { com: [swapped] } });
    t.equal(plan.kind, 'defer', 'neither secure nor insecure');
    t.same(words, ['defer signature-invalid']);
    const host = await planned({ zones: hosted(`_25._tcp.mx ${EE}`), amend: { net: [swapped] } });
    t.same(host.words, ['mx.host.net: unreachable signature-invalid (addresses)', SECOND]);
  },
);

t.test('P56: NSEC3 with 51 iterations: denials are insecure, answers stay secure', async (t) => {
  const zone = (iterations: number, ...records: readonly string[]): Zones => ({
    'example.com': { records, signing: { denial: { iterations } } },
  });
  const host = ['@ MX 10 mx', 'mx A 192.0.2.1'];
  t.match(await lookUp(open({ zones: zone(51, ...host) })), { status: 'insecure' });
  t.match(await lookUp(open({ zones: zone(50, ...host) })), { status: 'secure' }, '50 will do');
  t.same(await words({ zones: zone(51, ...host) }), withoutTlsa);
  t.same(await words({ zones: zone(51, ...host, `_25._tcp.mx ${EE}`) }), authenticated);
  const implicit = zone(51, '@ A 192.0.2.1', `_25._tcp ${EE}`);
  t.same(await words({ zones: implicit }), ['example.com: half-dane example.com as example.com']);
  const forged = {
    zones: zone(51, ...host, 'mx AAAA 2001:db8::1'),
    amend: { 'example.com': [corruptDenial()] },
  };
  t.same(await words(forged), out('signature-invalid'), 'the signature of the NSEC3 counts');
});

t.test('P57: an opt-out span covers the TLSA name: an insecure denial', async (t) => {
  const zones: Zones = {
    'example.com': {
      records: ['@ MX 10 mx', 'mx A 192.0.2.1', 'mx AAAA 2001:db8::1'],
      signing: { denial: { spans: 'optOut' } },
    },
  };
  t.match(await lookUp(open({ zones })), { status: 'insecure', answer: { kind: 'nxdomain' } });
  t.same(await words({ zones }), withoutTlsa);
  const forged = { zones, amend: { 'example.com': [corruptDenial()] } };
  t.same(await words(forged), out('signature-invalid'));
});

t.test('P58: a wildcard alias above the TLSA name', async (t) => {
  const secure = one('*.mx CNAME shared._dane', `shared._dane ${TA}`);
  t.same(await words({ zones: secure }), authenticated, 'into a signed zone');
  const insecure = { ...one('*.mx CNAME tlsa.plain.net.'), ...PLAIN };
  t.same(
    await words({ zones: insecure }),
    ['mx.example.com: opportunistic insecure-tlsa (no-ds-proven)'],
    'into an unsigned one',
  );
  const bogus = { zones: secure, amend: { 'example.com': [corruptSignatures('CNAME')] } };
  t.same(await words(bogus), out('signature-invalid'), 'the alias is bogus');
  const unproven = { zones: secure, amend: { 'example.com': [removeDenial()] } };
  t.match(
    await words({
      ...unproven,
      zones: {
        'example.com': [...(secure['example.com'] as readonly string[]), 'mx AAAA 2001:db8::1'],
      },
    }),
    [/^mx\.example\.com: unreachable .* \(tlsa\)$/],
    'nothing proves that it applies',
  );
});
