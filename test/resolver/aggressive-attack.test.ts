// Attacks on answers from proofs that are kept (RFC 8198): proofs of another time, of another version of a zone, replayed
// ones, names that cost much to hash, floods. What must never come of one is that a TLSA record which is there is denied.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { LIMITS } from '../../src/dnssec/budget.ts';
import type { Engine } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import { failed } from '../../src/dnssec/outcome.ts';
import type { Transport } from '../../src/environment.ts';
import type { ResolverOptions } from '../../src/resolver/resolver.ts';
import { Spans } from '../../src/resolver/spans.ts';
import {
  alterReply,
  dropDs,
  type Internet,
  internet,
  type Signing,
  seededRandom,
  type Zones,
} from '../../src/testing/index.ts';
import { coveredType } from '../../src/testing/zone.ts';
import { policy } from '../dnssec/support.ts';
import { Dice } from './random-internet.ts';
import { isSynthesised, resolverOn, show, told } from './support.ts';

const TLSA = `3 1 1 ${'00112233'.repeat(8)}`;
const IS_THERE = new RegExp(`^secure ${TLSA}, `, 'i');
const soa = (serial: number): string => `@ SOA ns hostmaster ${serial} 3600 600 86400 1800`;

/** One transport that leads to whichever internet is `now`; all of them have the same keys. */
function worlds(first: Internet, options: Partial<ResolverOptions> = {}) {
  const state = { now: first };
  const exchange: Transport['exchange'] = (...args) => state.now.transport.exchange(...args);
  const { clock, random } = first;
  const environment = { clock, random, transport: { exchange } };
  return { state, resolver: resolverOn(first, { environment, ...options }) };
}

const CHAINS: readonly Signing[] = [
  { denial: 'nsec' },
  { denial: { iterations: 2, salt: 'ab' } },
  { denial: { spans: 'optOut' } },
];
/** Where the mail host lives: in the zone itself, in a zone of its own, signed or not, seen by a referral or hidden. */
const PLACES: readonly ((lines: readonly string[]) => Zones)[] = [
  () => ({}),
  (records) => ({ 'mail.example.com': { records } }),
  (records) => ({ 'mail.example.com': { records, servers: 'example.com' } }),
  (records) => ({ '_tcp.mail.example.com': { records, servers: 'example.com' } }),
];

t.test('a TLSA record that is there is never denied, whatever was proved beside it', async (t) => {
  const around = [
    'mail',
    'mailx',
    'mai',
    'm.mail',
    '_tcp.mail',
    '_24._tcp.mail',
    '_26._tcp.mail',
    'a._25._tcp.mail',
    '_25._tcp.mail',
    '_udp.mail',
    '*.mail',
    '*._tcp.mail',
    '_25._tcp.ma',
    'zz',
    'w',
    'x.w',
    'tree',
    'x.tree',
  ];
  const types = ['A', 'AAAA', 'TXT', 'MX', 'NS', 'SOA', 'TLSA', 'ANY', 'CNAME', 'NSEC'] as const;
  let made = 0;
  for (const denial of CHAINS)
    for (const [i, place] of PLACES.entries()) {
      const own = i === 0;
      const inHost = (label: string): string => (own ? `${label}.mail` : label);
      const tlsa = i === 3 ? `_25 TLSA ${TLSA}` : `${inHost('_25._tcp')} TLSA ${TLSA}`;
      const host = own ? ['mail A 192.0.2.1', tlsa] : i === 3 ? ['mail A 192.0.2.1'] : [];
      const child = i === 3 ? [tlsa] : ['@ A 192.0.2.1', tlsa];
      const zones: Zones = {
        'example.com': {
          records: ['@ MX 10 mail', ...host, '*.w A 192.0.2.2', 'tree DNAME w', 'zz TXT "z"'],
          signing: denial,
        },
        ...place(child),
      };
      for (let seed = 1; seed <= 2; seed += 1) {
        const dice = new Dice(seed * 31 + i);
        const resolver = resolverOn(internet(zones));
        for (let n = 0; n < 25; n += 1) {
          const outcome = await resolver.lookup(
            Name.parse(`${dice.pick(around)}.example.com`),
            dice.pick(types),
          );
          if (isSynthesised(outcome)) made += 1;
          if (n % 6 !== 5) continue;
          const fresh = await told(resolver, '_25._tcp.mail.example.com', 'TLSA');
          if (!IS_THERE.test(fresh)) t.fail(`${JSON.stringify(denial)} ${i} ${seed}: ${fresh}`);
        }
      }
    }
  t.ok(made > 100, `${made} answers were made`);
});

t.test('two proofs of two versions of a zone prove nothing together', async (t) => {
  // At first a wildcard answers for the name; later the name answers for itself. It was never without the record.
  for (const denial of ['nsec', { salt: 'aa' }] as const) {
    const version = (serial: number, line: string): Internet =>
      internet({
        'example.com': {
          records: [soa(serial), 'b A 192.0.2.1', 'o A 192.0.2.1', line],
          signing: { denial },
        },
      });
    const old = version(1, `* TLSA ${TLSA}`);
    const young = version(2, `_25._tcp.mail TLSA ${TLSA}`);
    t.equal(old.anchors, young.anchors, 'the keys are the same');
    const { state, resolver } = worlds(old);
    // Spans of the old version, with the wildcard's own record.
    for (let i = 0; i < 12; i += 1) await told(resolver, `m${i}.example.com`, 'A');
    state.now = young;
    for (let i = 0; i < 12; i += 1) await told(resolver, `n${i}.example.com`, 'MX');
    for (const label of ['a', 'c', 'd', 'z', 'x', 'y'])
      await told(resolver, `${label}.example.com`);
    t.match(await told(resolver, '_25._tcp.mail.example.com', 'TLSA'), IS_THERE);
  }
});

t.test('a proof that is replayed takes nothing away from one that is newer', async (t) => {
  const DAY_MS = 86_400_000;
  const start = Date.UTC(2026, 6, 1);
  const zones = (serial: number, lines: readonly string[]): Zones => ({
    'example.com': [
      soa(serial),
      'mail A 192.0.2.1',
      'ns2 A 192.0.2.1',
      '*.w A 192.0.2.3',
      ...lines,
    ],
  });
  const old = internet(zones(1, []), { now: start - 5 * DAY_MS });
  const young = internet(zones(2, [`_25._tcp.mail TLSA ${TLSA}`]), { now: start });
  // Nor does it help to leave out what shows the version.
  const withoutSoa = internet(zones(1, []), { now: start - 5 * DAY_MS }).amend(
    'example.com',
    alterReply((reply) => ({
      ...reply,
      authority: reply.authority.filter(
        (record) => (record.type === 'RRSIG' ? coveredType(record) : record.type) !== 'SOA',
      ),
    })),
  );
  t.equal(old.anchors, young.anchors, 'the keys are the same');
  for (const replayed of [old, withoutSoa]) {
    const { state, resolver } = worlds(young);
    t.equal(await told(resolver, 'mail.example.com', 'AAAA'), 'secure nodata, asked');
    t.equal(await told(resolver, 'mail.example.com', 'MX'), 'secure nodata, made');
    // Whoever is on the path answers one question about any name with what was true before the record was published.
    state.now = replayed;
    t.match(await told(resolver, 'mailx.example.com'), /^secure nxdomain, asked/);
    state.now = young;
    t.match(await told(resolver, '_25._tcp.mail.example.com', 'TLSA'), IS_THERE);
  }
});

t.test('what shows that a wildcard was rightly expanded denies nothing else', async (t) => {
  const DAY_MS = 86_400_000;
  const start = Date.UTC(2026, 6, 1);
  const zones = (serial: number, lines: readonly string[]): Zones => ({
    'example.com': [soa(serial), '* A 192.0.2.3', 'mail A 192.0.2.1', 'zz A 192.0.2.1', ...lines],
  });
  const old = internet(zones(1, []), { now: start - 5 * DAY_MS });
  const young = internet(zones(2, [`_25._tcp.mail TLSA ${TLSA}`]), { now: start });
  for (const first of ['mail', 'zz'] as const) {
    const { state, resolver } = worlds(young);
    t.equal(await told(resolver, `${first}.example.com`, 'MX'), 'secure nodata, asked');
    state.now = old;
    t.equal(await told(resolver, 'nn.example.com'), 'secure 192.0.2.3, asked', 'by mail -> ns');
    state.now = young;
    t.match(await told(resolver, '_25._tcp.mail.example.com', 'TLSA'), IS_THERE);
    t.match(await told(resolver, 'mail.example.com', 'TXT'), /^secure nodata/);
    t.match(await told(resolver, 'no.example.com'), /^secure 192\.0\.2\.3/);
  }
});

t.test('a serial that goes back counts when the SOA with the later one has run down', async (t) => {
  const version = (serial: number): Internet =>
    internet({
      'example.com': [
        `@ 900 SOA ns hostmaster ${serial} 3600 600 86400 900`,
        'b A 192.0.2.1',
        'p A 192.0.2.1',
      ],
    });
  const { state, resolver } = worlds(version(7));
  const { clock } = state.now;
  t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
  state.now = version(6);
  t.equal(await told(resolver, 'd.example.com'), 'secure nxdomain, made');
  t.equal(await told(resolver, 'q.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'r.example.com'), 'secure nxdomain, asked', 'older: not kept');
  clock.advance(901_000);
  t.equal(await told(resolver, 's.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'u.example.com'), 'secure nxdomain, made');
});

t.test('a zone that is no longer signed: what was proved ends with the delegation', async (t) => {
  const net = internet({ 'example.com': ['b A 192.0.2.1', 'p A 192.0.2.2'] });
  const resolver = resolverOn(net);
  t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'd.example.com'), 'secure nxdomain, made');
  net.amend('example.com', dropDs());
  net.clock.advance(3_601_000);
  t.match(await told(resolver, 'e.example.com'), /^insecure nxdomain.*asked$/);
  t.match(await told(resolver, 'f.example.com'), /^insecure nxdomain.*asked$/);
});

t.test(
  'a zone that denies in another way from now on: the first new proof ends all old ones',
  async (t) => {
    for (const [from, to] of [
      ['nsec', { salt: 'aa' }],
      [{ salt: 'aa' }, 'nsec'],
      [{ salt: 'aa' }, { salt: 'bb', iterations: 5 }],
    ] as const) {
      const zone = (
        serial: number,
        denial: NonNullable<Signing['denial']>,
        line: string,
      ): Internet =>
        internet({
          'example.com': {
            records: [soa(serial), 'b A 192.0.2.1', 'mail A 192.0.2.1', line],
            signing: { denial },
          },
        });
      const { state, resolver } = worlds(zone(1, from, 'zz A 192.0.2.1'));
      await told(resolver, '_24._tcp.mail.example.com', 'TLSA');
      state.now = zone(2, to, `_25._tcp.mail TLSA ${TLSA}`);
      let first = '';
      for (let i = 0; i < 40 && !first.endsWith('asked'); i += 1)
        first = await told(resolver, `n${i}.example.com`);
      t.equal(first, 'secure nxdomain, asked');
      t.match(await told(resolver, '_25._tcp.mail.example.com', 'TLSA'), IS_THERE);
    }
  },
);

t.test('row 121: names of many labels are no way to buy hashing for a packet', async (t) => {
  const signing = { denial: { iterations: 50, salt: 'ff'.repeat(8) } };
  const net = internet({ 'example.com': { records: ['b A 192.0.2.1'], signing } });
  let hashed = 0; // names: the first block of each is the engine's
  const counting: Engine = {
    ...nativeEngine,
    hash: (name, data) => {
      if (name === 'sha1') hashed += 1;
      return nativeEngine.hash(name, data);
    },
  };
  const resolver = resolverOn(net, { policy: policy(counting) });
  for (const label of ['c', 'd', 'e', 'f', 'g', 'h']) await told(resolver, `${label}.example.com`);
  t.match(await told(resolver, 'i.example.com'), /^secure nxdomain, made/);
  hashed = 0;
  t.match(await told(resolver, '_25._tcp.mx.example.com', 'TLSA'), /^secure nxdomain, made/);
  t.ok(hashed > 0, 'a name of few labels is searched for');
  const deep = Name.parse(`${'x.'.repeat(110)}j.example.com`);
  // From the cache alone, as the daemon looks at every question: nothing is to be had for so much work.
  hashed = 0;
  t.equal(resolver.recall(deep, 'A'), undefined);
  t.equal(hashed, 0, 'a look into the cache is short');
  const outcome = await resolver.lookup(deep, 'A');
  t.match(show(outcome), /^secure nxdomain/);
  t.ok(outcome.spent.hashes <= LIMITS['nsec3-hashes']);
  t.ok(outcome.spent.queries > 0, 'such a name is asked for');
});

t.test('types that stand beside a CNAME are not answered by a wildcard that is one', async (t) => {
  const { net, resolver } = await known(['*.w CNAME b', 'b A 192.0.2.1']);
  t.equal(await told(resolver, 'a.w.example.com'), 'secure 192.0.2.1, asked');
  t.equal(await told(resolver, 'c.w.example.com'), 'secure 192.0.2.1, made');
  const before = net.log.length;
  for (const type of ['NSEC', 'RRSIG', 'ANY'] as const)
    t.notMatch(await told(resolver, `d${type}.w.example.com`, type), /, made/, type);
  t.ok(net.log.length > before);
});

async function known(records: readonly string[]) {
  const net = internet({ 'example.com': records });
  const resolver = resolverOn(net);
  await resolver.lookup(Name.parse('example.com'), 'NS');
  return { net, resolver };
}

t.test('row 121: floods in one zone and in many stay within what denials may take', async (t) => {
  const zones: Record<string, Zones[string]> = {};
  for (let i = 0; i < 6; i += 1)
    zones[`z${i}.com`] = Array.from(
      { length: 40 },
      (_, n) => `h${n}.${'y'.repeat(50)} A 192.0.2.1`,
    );
  const net = internet(zones);
  const cacheBytes = 300_000;
  const resolver = resolverOn(net, { cacheBytes });
  const random = seededRandom(3);
  for (let n = 0; n < 300; n += 1) {
    const [high = 0, low = 0] = random.bytes(2);
    await resolver.lookup(Name.parse(`h${low % 40}a.${'y'.repeat(50)}.z${high % 6}.com`), 'A');
    const { bytes } = resolver.held().denials;
    if (bytes > cacheBytes * 0.05) t.fail(`${bytes} octets`);
  }
  t.ok(resolver.held().denials.rrsets > 0);
});

t.test(
  'the search does not grow with what is kept, nor does a wide span cost more than what it takes away',
  async (t) => {
    const fill = (count: number): Spans<{ from: string; to: string }> => {
      const spans = new Spans<{ from: string; to: string }>();
      for (let i = 0; i < count; i += 1)
        spans.put({
          from: `k${String(i).padStart(7, '0')}`,
          to: `k${String(i).padStart(7, '0')}5`,
        });
      return spans;
    };
    const timeOf = (spans: Spans<{ from: string; to: string }>): number => {
      const start = performance.now();
      for (let i = 0; i < 20_000; i += 1)
        spans.over(`k${String((i * 7919) % 100_000).padStart(7, '0')}3`);
      return performance.now() - start;
    };
    const [few, many] = [fill(100), fill(100_000)];
    timeOf(few);
    const ratio = timeOf(many) / timeOf(few);
    t.ok(ratio < 100, `a thousand times as many: ${ratio.toFixed(1)} times as long`);
    t.equal(many.put({ from: 'k', to: 'l' }).length, 100_000);
    t.equal([...many].length, 1);
  },
);

t.test('what is made is never more than what was judged: no answer is insecure', async (t) => {
  const more: Zones = { 'o.example.com': { records: ['@ A 192.0.2.1'], signing: 'unsigned' } };
  const net = internet({ 'example.com': ['b A 192.0.2.1', '*.w A 192.0.2.9'], ...more });
  const resolver = resolverOn(net);
  let made = 0;
  for (const label of ['n', 'p', 'a.w', 'b.w', 'o', 'x.o', 'p.o', 'q'])
    for (const type of ['A', 'TXT', 'TLSA'] as const) {
      const outcome = await resolver.lookup(Name.parse(`${label}.example.com`), type);
      if (isSynthesised(outcome)) {
        made += 1;
        t.equal(outcome.status, 'secure', `${label} ${type}`);
      }
      t.notOk(failed(outcome), `${label} ${type}: ${show(outcome)}`);
    }
  t.ok(made > 0, `${made} were made`);
});
