/**
 * What a mail server asks one after the other, fetched ahead: counted in rounds of virtual time and in packets.
 *
 * A round takes 100 ms. With the root and the top-level zone known, an unseen domain takes two rounds to its MX records,
 * and whatever its own zone says of its hosts takes one more (RFC 7672 section 2.2 has the questions).
 */
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import type { Lookup, Outcome } from '../../src/dnssec/outcome.ts';
import { fetchAhead } from '../../src/server/prefetch.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { corruptSignatures, type Internet, internet } from '../../src/testing/index.ts';
import { resolverOn, show } from '../resolver/support.ts';

const ROUND_MS = 100;
const HOSTS = Array.from({ length: 9 }, (_, i) => [`MX ${i} h${i}`, `h${i} A 192.0.2.${i}`]);
const ZONES = {
  'self.com': [
    '@ MX 10 mx',
    'mx A 192.0.2.1',
    'mx AAAA 2001:db8::1',
    '_25._tcp.mx TLSA 3 1 1 00ff',
  ],
  'two.com': [
    '@ MX 20 b',
    '@ MX 10 a',
    'a A 192.0.2.1',
    'b A 192.0.2.2',
    '_25._tcp.a TLSA 3 1 1 aa',
    '_25._tcp.b TLSA 3 1 1 bb',
  ],
  'plain.com': {
    records: ['@ MX 10 mx', 'mx A 192.0.2.3', 'mx AAAA 2001:db8::3'],
    signing: 'unsigned',
  },
  'none.com': ['@ A 192.0.2.4', '_25._tcp TLSA 3 1 1 cc'],
  'null.com': ['@ MX 0 .'],
  'many.com': HOSTS.flatMap(([mx, a]) => [`@ ${mx}`, `${a}`]),
  'short.com': ['@ MX 10 mx', 'mx 60 A 192.0.2.5'],
  'bad.com': ['@ MX 10 mx', 'mx A 192.0.2.6'],
} as const;

interface Site {
  readonly net: Internet;
  readonly lookup: Lookup;
  /** One question: what it comes to, and the rounds that its client waits. */
  ask(name: string, type: RRType): Promise<string>;
}

async function site(alter: (net: Internet) => Internet = (net) => net): Promise<Site> {
  const net = alter(internet(ZONES, { latencyMs: ROUND_MS }));
  const resolver = resolverOn(net);
  const lookup = fetchAhead({ ...resolver, clock: net.clock });
  await lookup(Name.parse('no-such.com'), 'A'); // the root and com
  const ask = async (name: string, type: RRType): Promise<string> => {
    const before = net.clock.now();
    const outcome = await lookup(Name.parse(name), type);
    return `${show(outcome)}, ${(net.clock.now() - before) / ROUND_MS} rounds`;
  };
  return { net, lookup, ask };
}

/** Until nothing is under way any more. */
const settle = ({ net }: Site): Promise<void> => net.clock.sleep(20_000);

const POSTFIX = [
  ['self.com', 'MX'],
  ['mx.self.com', 'A'],
  ['mx.self.com', 'AAAA'],
  ['_25._tcp.mx.self.com', 'TLSA'],
] as const;

t.test(
  "Postfix's four questions in sequence take three rounds, where each paid for itself five",
  async (t) => {
    const { net, ask } = await site();
    const before = net.log.length;
    const got: string[] = [];
    for (const [name, type] of POSTFIX) got.push(await ask(name, type));
    t.same(got, [
      'secure 10 mx.self.com., 2 rounds',
      'secure 192.0.2.1, 1 rounds',
      'secure 2001:db8::1, 0 rounds',
      'secure 3 1 1 00FF, 0 rounds',
    ]);
    const packets = net.log.length - before;
    t.equal(packets, 6, 'the referral, MX and keys, then each question once');
  },
);

t.test('two hosts are fetched together', async (t) => {
  const { ask } = await site();
  const got: string[] = [];
  got.push(await ask('two.com', 'MX'));
  for (const host of ['a.two.com', 'b.two.com'])
    got.push(await ask(host, 'A'), await ask(`_25._tcp.${host}`, 'TLSA'));
  t.same(got, [
    'secure 20 b.two.com., 10 a.two.com., 2 rounds',
    'secure 192.0.2.1, 1 rounds',
    'secure 3 1 1 AA, 0 rounds',
    'secure 192.0.2.2, 0 rounds',
    'secure 3 1 1 BB, 0 rounds',
  ]);
});

t.test('a domain without MX records is its own host (RFC 5321 section 5.1)', async (t) => {
  const { ask } = await site();
  t.equal(await ask('none.com', 'MX'), 'secure nodata, 2 rounds');
  t.equal(await ask('none.com', 'A'), 'secure 192.0.2.4, 1 rounds');
  t.equal(await ask('_25._tcp.none.com', 'TLSA'), 'secure 3 1 1 CC, 0 rounds');
});

t.test('zones that are not signed are not asked for TLSA', async (t) => {
  const here = await site();
  const { net, ask } = here;
  t.match(await ask('plain.com', 'MX'), /^insecure 10 mx\.plain\.com\./);
  t.match(await ask('mx.plain.com', 'A'), /192\.0\.2\.3 .*, 1 rounds/);
  t.match(await ask('mx.plain.com', 'AAAA'), /2001:db8::3 .*, 0 rounds/);
  await settle(here);
  t.notOk(net.log.some(({ type }) => type === 'TLSA'));
});

t.test('nothing follows from a null MX, nor from what is bogus', async (t) => {
  const here = await site((net) => net.amend('bad.com', corruptSignatures('MX')));
  const { net, ask } = here;
  await ask('null.com', 'MX');
  t.match(await ask('bad.com', 'MX'), /^bogus/);
  const before = net.log.length;
  await settle(here);
  t.equal(net.log.length, before);
});

t.test('the first five hosts only: the rest is left to whoever asks', async (t) => {
  const here = await site();
  await here.ask('many.com', 'MX');
  await settle(here);
  const asked = here.net.log.flatMap(({ name, type }) => {
    const first = name.toString().split('.').at(-4) ?? '';
    return type === 'A' && /^h\d$/.test(first) ? [first] : [];
  });
  t.same(asked.sort(), ['h0', 'h1', 'h2', 'h3', 'h4']);
});

t.test(
  'a domain is looked after again when the first of its hosts expires, and not before',
  async (t) => {
    const here = await site();
    const { net, ask } = here;
    await ask('short.com', 'MX');
    await settle(here);
    const before = net.log.length;
    for (let i = 0; i < 50; i += 1) await ask('short.com', 'MX');
    await settle(here);
    t.equal(net.log.length, before, 'from the cache, and nothing fetched');
    net.clock.advance(60_000);
    t.match(await ask('short.com', 'MX'), /, 0 rounds/);
    await settle(here);
    t.match(
      await ask('mx.short.com', 'A'),
      /192\.0\.2\.5, 0 rounds/,
      'fetched beside the MX answer',
    );
  },
);

t.test('what could not be afforded ahead is not held against who asks', async (t) => {
  // Twelve zones, one below the other: more tries than the work ahead may spend.
  const names = Array.from({ length: 12 }, (_, i) => `${'z.'.repeat(i)}deep.com`);
  const deepest = names.at(-1) ?? '';
  const zones = Object.fromEntries(names.map((name) => [name, ['www A 192.0.2.7']]));
  const { lookup, ahead } = resolverOn(internet(zones));
  const name = Name.parse(`www.${deepest}`);
  t.match(show(await ahead(name, 'A')), /budget-spent/);
  t.equal(show(await lookup(name, 'A')), 'secure 192.0.2.7');
});

t.test('a flood of domains: so much is under way ahead of time, and no more', async (t) => {
  const clock = new VirtualClock(0);
  const { lookup: real } = await site();
  const sample = await real(Name.parse('two.com'), 'MX');
  let most = 0;
  let underWay = 0;
  const ahead: Lookup = async (): Promise<Outcome> => {
    underWay += 1;
    most = Math.max(most, underWay);
    await clock.sleep(1000);
    underWay -= 1;
    return sample;
  };
  const lookup = fetchAhead({
    ahead,
    clock,
    lookup: async (name) => ({
      ...sample,
      question: { name, type: 'MX' },
      ...(sample.status === 'secure' && { answer: mxTo(sample, name) }),
    }),
  });
  const names = Array.from({ length: 2000 }, (_, i) => Name.parse(`n${i}.example`));
  await Promise.all(names.map((name) => lookup(name, 'MX')));
  await clock.sleep(5000);
  t.equal(most, 200);
  t.equal(underWay, 0);
});

/** The same answer about hosts of another name. */
function mxTo(sample: Extract<Outcome, { status: 'secure' }>, name: Name) {
  if (sample.answer.kind !== 'records') throw new Error('no records');
  const { rrset } = sample.answer;
  const wire = Uint8Array.of(0, 10, ...name.wire);
  return { ...sample.answer, rrset: { ...rrset, rdata: [wire] } };
}
