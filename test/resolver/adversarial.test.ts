// Sections 5a and 5c of ../shared/spec/adversarial.md as far as they need a resolver: what a whole question comes to, and
// what it costs. One case a row, named after it.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { parseZone } from '../../src/dns/zone-file.ts';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import { failed, type Outcome } from '../../src/dnssec/outcome.ts';
import { explain } from '../../src/dnssec/reason.ts';
import type { ResolverOptions } from '../../src/resolver/resolver.ts';
import {
  type Amendment,
  alterPlan,
  alterReply,
  answerWith,
  corruptDenial,
  corruptSignatures,
  crowdKeys,
  crowdSignatures,
  dropDs,
  emptyAnswer,
  expireSignatures,
  type Internet,
  internet,
  onlyFor,
  refuse,
  removeDenial,
  removeRecords,
  removeSignatures,
  type SigningKey,
  servfail,
  stripDsFromReferrals,
  times,
  type Zones,
} from '../../src/testing/index.ts';
import { dsOf, signingKey } from '../../src/testing/keys.ts';
import { coveredType } from '../../src/testing/zone.ts';
import { record } from '../dnssec/world.ts';
import { resolverOn } from './support.ts';

const ZONE = Name.parse('example.com');
const WWW = 'www.example.com';

const find = (
  net: Internet,
  name: string,
  type: RRType = 'A',
  options: Partial<ResolverOptions> = {},
): Promise<Outcome> => resolverOn(net, options).lookup(Name.parse(name), type);

/** Status, reason and EDE, as the rows state them. */
function told(outcome: Outcome): readonly (string | number)[] {
  if (outcome.status === 'secure') return ['secure'];
  const { ede } = explain(outcome.reason);
  return [outcome.status, outcome.reason, ...(ede === undefined ? [] : [ede])];
}

const asked = (net: Internet, type: RRType, zone = 'example.com.'): number =>
  net.log.filter((one) => one.type === type && String(one.name) === zone).length;

const TWO_SERVERS: Zones = {
  'example.com': {
    records: ['www A 192.0.2.1'],
    servers: { 'ns1.example.com': '198.18.9.1', 'ns2.example.com': '198.18.9.2' },
  },
};
const KSK = signingKey(13, 'common', 'keys');
const ZSK_A = signingKey(13, 'provider A', 'data');
const ZSK_B = signingKey(13, 'provider B', 'data');
const [A, B] = ['198.18.9.1', '198.18.9.2'] as const;

t.test('row 1: KeyTrap: what the whole question costs', async (t) => {
  const net = internet({ 'example.com': ['www A 192.0.2.1'] });
  // The key for data has the crowd, so that the key set itself is found good.
  const keys = alterPlan((plan) => ({
    ...plan,
    keys: [ZSK_A, KSK],
    ds: [dsOf(plan.zone, KSK, 2)],
  }));
  net.amend('example.com', keys, crowdKeys(97), crowdSignatures(99, 'A'), corruptSignatures('A'));
  const outcome = await find(net, WWW);
  t.same(told(outcome), ['bogus', 'too-many-failures', 6]);
  t.equal(failed(outcome) && outcome.fault.limit, 'failed-signatures');
  t.ok(outcome.spent.signatures <= 32, `${outcome.spent.signatures} signatures`);
});

t.test('row 1: a crowd at each of many servers stops at 32 signatures', async (t) => {
  const net = internet(TWO_SERVERS);
  net.amend(
    'example.com',
    crowdSignatures(7, 'DNSKEY'),
    crowdSignatures(99, 'A'),
    corruptSignatures('A'),
  );
  const outcome = await find(net, WWW);
  t.same(told(outcome), ['bogus', 'too-many-failures', 6]);
  t.ok(outcome.spent.signatures <= 32, `${outcome.spent.signatures} signatures`);
});

t.test('row 21: the clock jumps back a year: new answers are judged by the new time', async (t) => {
  const net = internet({ 'example.com': ['www A 192.0.2.1', 'mail A 192.0.2.2'] });
  const resolver = resolverOn(net);
  t.same(told(await resolver.lookup(Name.parse(WWW), 'A')), ['secure']);
  net.clock.advance(-365 * 86_400_000);
  const outcome = await resolver.lookup(Name.parse('mail.example.com'), 'A');
  t.same(told(outcome), ['bogus', 'signature-not-yet-valid', 8]);
});

/** The DNSKEY RRset of a zone with these keys, signed by its KSK. */
function keySet(...keys: readonly SigningKey[]): readonly RR[] {
  const net = internet({ 'example.com': [] }).amend(
    'example.com',
    alterPlan((plan) => ({ ...plan, keys })),
  );
  const file = parseZone(net.zoneText('example.com'), ZONE);
  if (file.kind === 'errors') throw new RangeError('a broken zone');
  return file.records.filter(
    (one) => one.type === 'DNSKEY' || (one.type === 'RRSIG' && coveredType(one) === 'DNSKEY'),
  );
}

/** Data come from A, signed by its own key; the first DNSKEY RRset comes from B. */
function providers(
  keysAtA: readonly SigningKey[],
  keysAtB: readonly SigningKey[],
  ttlAtA = 3600,
): Internet {
  const setAtA = keySet(...keysAtA).map((one) => ({ ...one, ttl: ttlAtA }));
  const setAtB = keySet(...keysAtB);
  let hasB = false;
  const keys = alterReply((reply, { question, server }) => {
    if (question.type !== 'DNSKEY') return reply;
    if (server === B) hasB = true;
    if (server === A && !hasB) return { ...reply, rcode: 'SERVFAIL', answer: [] };
    return { ...reply, answer: server === A ? setAtA : setAtB };
  });
  return internet(TWO_SERVERS).amend(
    'example.com',
    alterPlan((plan) => ({ ...plan, keys: [KSK, ZSK_A], ds: [dsOf(plan.zone, KSK, 2)] })),
    keys,
    onlyFor({ server: B, types: ['A'] }, servfail()),
  );
}

const answered = (net: Internet): number =>
  net.log.filter(({ type, result }) => type === 'DNSKEY' && result === 'answer').length -
  ROOT_AND_COM;
const ROOT_AND_COM = 2;

t.test('row 39: multi-signer', async (t) => {
  const crossed = providers([KSK, ZSK_A, ZSK_B], [KSK, ZSK_A, ZSK_B]);
  t.same(told(await find(crossed, WWW)), ['secure'], '(a)');
  t.equal(answered(crossed), 1, '(a) one DNSKEY RRset will do');

  const apart = providers([KSK, ZSK_A], [KSK, ZSK_B]);
  const resolver = resolverOn(apart);
  t.same(told(await resolver.lookup(Name.parse(WWW), 'A')), ['secure'], '(b)');
  t.equal(answered(apart), 2, '(b) asked once more');
  t.equal(
    apart.log.filter(({ type }) => type === 'DNSKEY').at(-1)?.server,
    A,
    'at the one that gave the RRset',
  );
  t.same(told(await resolver.lookup(Name.parse('nope.example.com'), 'A')), ['secure']);
  t.equal(answered(apart), 2, '(b) and both are known from then on');

  const brief = providers([KSK, ZSK_A], [KSK, ZSK_B], 60);
  const patient = resolverOn(brief);
  t.same(told(await patient.lookup(Name.parse(WWW), 'A')), ['secure']);
  brief.clock.advance(61_000);
  t.same(told(await patient.lookup(Name.parse('nope.example.com'), 'A')), ['secure']);
  t.ok(answered(brief) > 2, '(b) together they are believed for as long as each of them');

  const neither = providers([KSK, ZSK_B], [KSK, ZSK_B]);
  const outcome = await find(neither, WWW);
  t.same(told(outcome), ['bogus', 'signing-key-missing', 9], '(c)');
  t.equal(answered(neither), 2, '(c) one more try, no others');
  t.same(failed(outcome) && outcome.fault.servers, [B, A], '(c) names both servers');

  const forged = providers([signingKey(13, 'of nobody', 'keys'), ZSK_A], [KSK, ZSK_B]);
  t.same(
    told(await find(forged, WWW)),
    ['bogus', 'signing-key-missing', 9],
    'a key set that no DS vouches for adds nothing',
  );
});

t.test(
  'row 39: one forged answer beside an honest server: its data are asked for there, the keys not again',
  async (t) => {
    let hasB = false;
    const net = internet(TWO_SERVERS).amend(
      'example.com',
      alterReply((reply, { question, server }) => {
        if (question.type === 'DNSKEY' && server === B) hasB = true;
        if (question.type === 'DNSKEY' && !hasB) return { ...reply, rcode: 'SERVFAIL', answer: [] };
        if (question.type !== 'A' || server !== A) return reply;
        return {
          ...reply,
          answer: reply.answer.map((one) => (one.type === 'RRSIG' ? unknownKey(one) : one)),
        };
      }),
      onlyFor({ server: B, types: ['A'] }, times(1, servfail())),
    );
    t.same(told(await find(net, WWW)), ['secure']);
    t.equal(answered(net), 2, 'of the honest server, and of the other');
  },
);

/** As by a key that nobody has published. */
function unknownKey(rrsig: RR): RR {
  const rdata = Uint8Array.from(rrsig.rdata);
  const KEY_TAG = 16; // RFC 4034 section 3.1
  rdata[KEY_TAG] = (rdata[KEY_TAG] ?? 0) ^ 0xff;
  return { ...rrsig, rdata };
}

t.test('row 39: one server, and no key fits: nothing more is asked', async (t) => {
  const net = internet({ 'example.com': ['www A 192.0.2.1'] }).amend(
    'example.com',
    alterReply((reply, { question }) =>
      question.type === 'DNSKEY' ? { ...reply, answer: keySet(KSK, ZSK_B) } : reply,
    ),
    alterPlan((plan) => ({ ...plan, keys: [KSK, ZSK_A], ds: [dsOf(plan.zone, KSK, 2)] })),
  );
  t.same(told(await find(net, WWW)), ['bogus', 'signing-key-missing', 9]);
  t.equal(asked(net, 'DNSKEY'), 1);
});

t.test('row 41: signed, but the parent proves that there is no DS', async (t) => {
  const net = internet({ 'example.com': ['www A 192.0.2.1'] }).amend('example.com', dropDs());
  t.same(told(await find(net, WWW)), ['insecure', 'no-ds-proven']);
});

t.test('row 42: an empty DNSKEY answer, from every server', async (t) => {
  const net = internet(TWO_SERVERS).amend('example.com', removeRecords('DNSKEY'));
  t.same(told(await find(net, WWW)), ['bogus', 'dnskey-missing', 9]);
  const servers = net.log.filter(
    ({ type, name }) => type === 'DNSKEY' && String(name) === 'example.com.',
  );
  t.same(
    servers.map(({ server }) => server).sort(),
    [A, B],
    'after one more try at the other server',
  );
});

const DENIALS = { nsec: 'nsec', nsec3: 'nsec3', 'opt-out': { spans: 'optOut' } } as const;
const CHILDREN: Zones = {
  'signed.example.com': ['www A 192.0.2.2'],
  'plain.example.com': { records: ['www A 192.0.2.3'], signing: 'unsigned' },
};

for (const [mode, denial] of Object.entries(DENIALS)) {
  const parent = (...amendments: readonly Amendment[]): Internet =>
    internet({
      ...CHILDREN,
      'example.com': { records: ['www A 192.0.2.1'], signing: { denial } },
    }).amend('example.com', ...amendments);
  const plain = async (...amendments: readonly Amendment[]) =>
    told(await find(parent(...amendments), 'www.plain.example.com'));
  const signed = async (...amendments: readonly Amendment[]) =>
    told(await find(parent(...amendments), 'www.signed.example.com'));
  const noProof = alterReply((reply) => ({
    ...reply,
    answer: reply.answer.filter(({ type }) => type !== 'DS'),
    authority: reply.authority.filter(
      ({ type }) => !['DS', 'NSEC', 'NSEC3', 'RRSIG'].includes(type),
    ),
  }));

  t.test(`row 71, ${mode}: no DS and no proof, in referral and answer`, async (t) => {
    t.same(await signed(stripDsFromReferrals()), ['secure'], 'the DS is asked for at the parent');
    t.same(await signed(stripDsFromReferrals(), onlyFor({ types: ['DS'] }, noProof)), [
      'bogus',
      'ds-unproven',
      10,
    ]);
    const proved = await plain(stripDsFromReferrals());
    t.equal(proved[0], 'insecure', 'only if that DS answer proves absence');
    t.same(await plain(noProof), ['bogus', 'ds-unproven', 10], 'the truth, but nobody proves it');
  });

  t.test(
    `rows 64 and 72, ${mode}: the proof that there is no DS has a bad signature`,
    async (t) => {
      t.same(await plain(corruptDenial()), ['bogus', 'signature-invalid', 6]);
      t.same(await plain(expireSignatures('NSEC', 'NSEC3')), ['bogus', 'signature-expired', 7]);
      const [status, , ede] = await plain(removeSignatures('NSEC', 'NSEC3'));
      t.same([status, ede], ['bogus', 10], 'or none');
      t.same(await plain(removeDenial()), ['bogus', 'ds-unproven', 10], 'or is not there');
    },
  );

  t.test(`row 73, ${mode}: errors in place of the DS`, async (t) => {
    const lost = stripDsFromReferrals();
    for (const error of [refuse('DS'), servfail('DS')])
      t.same(await signed(lost, error), ['indeterminate', 'unreachable', 22]);
    const nxdomain = answerWith('NXDOMAIN', 'DS');
    const [status] = await signed(lost, nxdomain);
    t.equal(status, 'bogus', 'an unsigned NXDOMAIN');
    t.equal((await plain(lost, nxdomain))[0], 'bogus', 'where it would have been harmless, too');
  });
}

const alias = (name: string): Amendment =>
  alterReply((reply) => ({
    ...reply,
    rcode: 'NOERROR',
    authoritative: true,
    answer: [record(`${name}. 300 CNAME evil.test.`)],
    authority: [],
  }));

t.test('row 74: a CNAME where a DNSKEY or a DS was asked for', async (t) => {
  const zones: Zones = { 'example.com': ['www A 192.0.2.1'] };
  const keys = internet(zones).amend(
    'example.com',
    onlyFor({ types: ['DNSKEY'] }, alias('example.com')),
  );
  const began = keys.clock.now();
  t.same(told(await find(keys, WWW)), ['bogus', 'dnskey-missing', 9], '(a) DNSKEY');
  t.ok(keys.clock.now() - began < 400, 'at once: not even one timeout has passed');
  const ds = internet(zones).amend(
    'com',
    stripDsFromReferrals(),
    onlyFor({ types: ['DS'] }, alias('example.com')),
  );
  const start = ds.clock.now();
  t.same(told(await find(ds, WWW)), ['bogus', 'rrsigs-missing', 10], '(a) DS');
  t.ok(ds.clock.now() - start < 400);
  const probe = internet({
    'example.com': ['alias CNAME www', 'www A 192.0.2.1'],
    'sub.alias.example.com': { records: ['www A 192.0.2.3'], servers: 'example.com' },
  });
  t.same(told(await find(probe, 'www.sub.alias.example.com')), ['secure'], '(b)');
  t.equal(asked(probe, 'DS', 'alias.example.com.'), 1, '(b) the walk came by the alias');
});

t.test('row 76: parent and child on one server', async (t) => {
  const net = internet({
    'example.com': ['www A 192.0.2.1'],
    'sub.example.com': { records: ['www A 192.0.2.2'], servers: 'example.com' },
    'open.example.com': {
      records: ['www A 192.0.2.3'],
      servers: 'example.com',
      signing: 'unsigned',
    },
  });
  t.same(told(await find(net, 'www.sub.example.com')), ['secure']);
  t.same(told(await find(net, 'nope.sub.example.com')), ['secure'], 'its absences');
  t.same(told(await find(net, 'sub.example.com', 'DS')), ['secure'], "and the parent's DS");
  t.same(told(await find(net, 'www.open.example.com')), ['insecure', 'no-ds-proven']);
});

t.test('row 77: an insecure child under a secure parent', async (t) => {
  const net = internet({ 'example.com': ['www A 192.0.2.1'], ...CHILDREN });
  t.same(told(await find(net, 'www.plain.example.com')), ['insecure', 'no-ds-proven']);
  t.same(told(await find(net, 'nope.plain.example.com')), ['insecure', 'no-ds-proven']);
  t.same(told(await find(net, WWW)), ['secure'], 'the parent is not touched by it');
});

t.test('row 78: an anchor below a zone that is proved unsigned', async (t) => {
  const net = internet({
    'example.com': { records: ['www A 192.0.2.1'], signing: 'unsigned' },
    'sub.example.com': ['www A 192.0.2.2', '*.wild A 192.0.2.3'],
    'low.sub.example.com': ['www A 192.0.2.4'],
    'other.example.com': ['www A 192.0.2.5'],
  });
  const anchors = parseAnchors(`${net.anchors}${net.anchorOf('sub.example.com')}`);
  if (anchors.kind === 'errors') throw new RangeError('broken anchors');
  const told78 = async (name: string) =>
    told(await find(net, name, 'A', { anchors: anchors.anchors }));
  for (const name of [
    'www.sub.example.com',
    'x.wild.sub.example.com',
    'nope.sub.example.com',
    'www.low.sub.example.com',
  ])
    t.same(await told78(name), ['secure'], name);
  for (const name of [WWW, 'nope.example.com', 'www.other.example.com'])
    t.same(await told78(name), ['insecure', 'no-ds-proven'], name);
});

t.test('row 80: anchors of two algorithms, and one is enough', async (t) => {
  const net = internet({
    '.': { signing: { algorithms: [8, 13] } },
    'example.com': ['www A 192.0.2.1'],
  });
  t.equal(net.anchors.trim().split('\n').length, 2, 'two anchors');
  for (const algorithm of [8, 13] as const) {
    const only = alterReply((reply) => ({
      ...reply,
      answer: reply.answer.filter((one) => !isSignatureBy(one, algorithm)),
      authority: reply.authority.filter((one) => !isSignatureBy(one, algorithm)),
    }));
    const half = internet({
      '.': { signing: { algorithms: [8, 13] } },
      'example.com': ['www A 192.0.2.1'],
    }).amend('.', only);
    t.same(told(await find(half, WWW)), ['secure'], `without signatures of algorithm ${algorithm}`);
  }
});

/** The algorithm is the third octet of an RRSIG's RDATA: RFC 4034 section 3.1. */
const isSignatureBy = ({ type, rdata }: RR, algorithm: number): boolean =>
  type === 'RRSIG' && rdata[2] === algorithm;

t.test('row 129: an empty answer without SOA', async (t) => {
  const empty = emptyAnswer('A');
  let met = 0;
  for (const server of [A, B]) {
    const one = internet(TWO_SERVERS).amend('example.com', onlyFor({ server }, empty));
    t.same(told(await find(one, WWW)), ['secure'], 'from one server: the next one is asked');
    met += one.log.filter((sent) => sent.server === server && sent.type === 'A').length;
  }
  t.ok(met > 0, 'the empty answer was met');
  const all = internet(TWO_SERVERS).amend('example.com', empty);
  t.same(told(await find(all, WWW)), ['bogus', 'denial-missing', 12], 'from all');
});
