import t from 'tap';
import { planDelivery } from '../../src/dane/plan.ts';
import { Name } from '../../src/dns/name.ts';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import { printSelfTest, type SelfTest, selfTest } from '../../src/mta/self-test.ts';
import type { ResolverOptions } from '../../src/resolver/resolver.ts';
import {
  corruptSignatures,
  expireSignatures,
  type Internet,
  internet,
  refuse,
  shiftSignatures,
  silence,
  stripDnssec,
} from '../../src/testing/index.ts';
import { resolverOn } from '../resolver/support.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Seconds; the internet's own signatures are a day old. */
const HALF_A_DAY = 43_200;
const DOMAIN = Name.parse('example.com');

/** Signatures are half a day old, those of the SOA records at the top an hour, as in the real DNS. */
function net(): Internet {
  const world = internet({
    'example.com': ['@ MX 10 mx', 'mx A 192.0.2.25', `_25._tcp.mx TLSA 3 1 1 ${'ab'.repeat(32)}`],
    'a.net': ['@ MX 10 mx', 'mx A 192.0.2.26'],
    'a.org': ['@ MX 10 mx', 'mx A 192.0.2.27'],
  });
  for (const zone of ['.', 'com', 'net', 'org'])
    world.amend(zone, shiftSignatures(HALF_A_DAY)).amend(zone, shiftSignatures(11 * 3600, ['SOA']));
  return world;
}

interface Setting {
  readonly world?: Internet;
  /** What the machine's clock adds to the true time. */
  readonly off?: number;
  readonly options?: Partial<ResolverOptions>;
  readonly upstream?: string;
}

async function run({ world = net(), off = 0, options = {}, upstream }: Setting) {
  const { random, transport } = world;
  const clock = {
    now: () => world.clock.now() + off,
    sleep: (ms: number, signal?: AbortSignal) => world.clock.sleep(ms, signal),
    alarm: (ms: number, ring: () => void) => world.clock.alarm(ms, ring),
  };
  const { lookup } = resolverOn(world, { environment: { clock, random, transport }, ...options });
  const found = await selfTest({ lookup, clock, ...(upstream !== undefined && { upstream }) });
  return { found, plan: await planDelivery(DOMAIN, lookup) };
}

const forwarded = (world: Internet, upstream = '192.0.2.53') => ({
  world,
  options: { forward: [world.forwarder] },
  upstream,
});

/** What a sender does meanwhile: `authenticate`, or `defer`. */
const action = (plan: Awaited<ReturnType<typeof planDelivery>>): string =>
  plan.kind === 'deliver' ? plan.hosts.map(({ tls }) => tls).join() : plan.kind;

const told = (found: SelfTest): string => (found.kind === 'fine' ? 'fine' : printSelfTest(found));

t.test('S8: a resolver that validates is told to be fine', async (t) => {
  const { found, plan } = await run({});
  t.same(found, { kind: 'fine' });
  t.equal(action(plan), 'authenticate');
});

t.test('S9: so is a forwarder that passes signatures on; they are validated here', async (t) => {
  const { found, plan } = await run(forwarded(net()));
  t.same(found, { kind: 'fine' });
  t.equal(action(plan), 'authenticate');
});

t.test('P39: a clock that is a day behind is named, and mail waits', async (t) => {
  const { found, plan } = await run({ off: -DAY });
  t.match(found, { kind: 'clock', by: 'behind' });
  t.match(
    told(found),
    /clock of this machine seems to be behind: .*not valid yet; the clock says 2026-06-30T00/,
  );
  t.equal(action(plan), 'defer');
});

t.test(
  'P39: a clock that is a day ahead is named, though every signature is still valid',
  async (t) => {
    const { found, plan } = await run({ off: DAY });
    t.match(found, { kind: 'clock', by: 'ahead' });
    t.match(told(found), /youngest signature at the top of the DNS is 25 hours old/);
    t.equal(action(plan), 'authenticate', 'what validates is not O either');
  },
);

t.test('P39: months ahead nothing validates: named, and mail waits', async (t) => {
  const { found, plan } = await run({ off: 90 * DAY });
  t.match(found, { kind: 'clock', by: 'ahead' });
  t.equal(action(plan), 'defer');
});

t.test('P39: a clock that is two hours behind: some signatures are too young for it', async (t) => {
  const { found } = await run({ off: -2 * HOUR });
  t.match(found, { kind: 'clock', by: 'behind' });
});

t.test('P40: without the root among the anchors nothing would be proved', async (t) => {
  const { found, plan } = await run({ options: { anchors: new Map() } });
  t.match(found, { kind: 'anchors', why: /no trust anchor covers the name/ });
  t.match(told(found), /--trust-anchor/);
  t.equal(action(plan), 'opportunistic', 'which is why a start is refused');
});

t.test('P40: an old key of the root alone, KSK-2010', async (t) => {
  // RFC 5011 and RFC 8145: the key of 2010, revoked in 2019; IANA's root-anchors.xml has its DS.
  const old = parseAnchors(
    '. DS 19036 8 2 49aac11d7b6f6446702e54a1607371607a1a41855200fd2ce1cdde32f24e8fb5',
  );
  if (old.kind === 'errors') throw new Error('no anchor');
  const { found, plan } = await run({ options: { anchors: old.anchors } });
  t.match(found, { kind: 'anchors' });
  t.equal(action(plan), 'defer');
});

t.test('P41: a forwarder that strips signatures is named, and mail waits', async (t) => {
  const { found, plan } = await run(forwarded(net().amendForwarder(stripDnssec())));
  t.match(found, { kind: 'forwarder' });
  t.match(told(found), /192\.0\.2\.53 removes signatures: it is not DNSSEC capable/);
  t.equal(action(plan), 'defer');
});

t.test('a forwarder that refuses, and one that is silent, are named as well', async (t) => {
  for (const amendment of [refuse(), silence()]) {
    const { found, plan } = await run(forwarded(net().amendForwarder(amendment)));
    t.match(found, { kind: 'network', why: /asked through 192\.0\.2\.53/ });
    t.equal(action(plan), 'defer');
  }
});

t.test('no network is not told as anything else', async (t) => {
  const { found } = await run({ world: net().amend('.', silence()) });
  t.match(found, { kind: 'network' });
});

t.test('one zone that is broken says nothing about this machine', async (t) => {
  for (const amendment of [expireSignatures(), corruptSignatures('SOA')]) {
    const { found } = await run({ world: net().amend('org', amendment) });
    t.same(found, { kind: 'fine' });
  }
});
