// Trust anchors that a running resolver follows, on internets whose root rolls its keys; what it tells others of them.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import { judgeSentinel, keyTagName, sentinelIn } from '../../src/dnssec/anchor-signals.ts';
import { parseState, writeState } from '../../src/dnssec/anchor-state.ts';
import { anchorsFrom, ROOT_ANCHORS } from '../../src/dnssec/anchors.ts';
import { startPoint } from '../../src/dnssec/trust-point.ts';
import type { Environment } from '../../src/environment.ts';
import { parseHints } from '../../src/resolver/hints.ts';
import { refreshOutdated } from '../../src/resolver/outdated.ts';
import { type AnchorKeeper, keepAnchors, type Refreshed } from '../../src/resolver/refresh.ts';
import { createResolver, type Resolver } from '../../src/resolver/resolver.ts';
import {
  alterPlan,
  type Internet,
  internet,
  type SigningKey,
  silence,
} from '../../src/testing/index.ts';
import { dsOf, signingKey } from '../../src/testing/keys.ts';
import { ROOT_ZONE, revokedForm } from '../dnssec/key-sets.ts';
import { policy } from '../dnssec/support.ts';
import { ask } from './support.ts';

const DAY = 86_400_000;
/** Stand-ins for KSK-2017 (20326) and KSK-2024 (38696), whose private keys are where they belong. */
const [KSK_2017, KSK_2024, KSK_NEXT] = ['2017', '2024', 'next'].map((year) =>
  signingKey(13, `root ${year}`, 'keys'),
) as [SigningKey, SigningKey, SigningKey]; // three names, three keys
const ZSK = signingKey(13, 'root', 'data');
const standby = (key: SigningKey): SigningKey => ({ ...key, signs: 'nothing' });

const rootWith = (date: string, ...keys: readonly SigningKey[]): Internet =>
  internet({ 'example.com': ['www A 192.0.2.1'] }, { now: Date.parse(date) }).amend(
    '.',
    alterPlan((plan) => ({ ...plan, keys: [...keys, ZSK] })),
  );

/** One process on an internet that changes under it. */
class Life {
  net: Internet;
  keeper: AnchorKeeper;
  readonly resolver: Resolver;
  saved = '';

  constructor(net: Internet, keys: readonly SigningKey[]) {
    this.net = net;
    const hints = parseHints(net.hints);
    if (hints.kind === 'errors') throw new Error('a broken internet');
    const environment: Environment = {
      random: net.random,
      clock: {
        now: () => this.net.clock.now(),
        sleep: (ms, signal) => this.net.clock.sleep(ms, signal),
        alarm: (ms, ring) => this.net.clock.alarm(ms, ring),
      },
      transport: { exchange: (to, query, how) => this.net.transport.exchange(to, query, how) },
    };
    const rules = policy();
    this.resolver = createResolver({
      priming: 'off',
      environment,
      policy: rules,
      hints: hints.nameservers,
      anchors: () => this.keeper.anchors(),
    });
    const ds = keys.map((key) => dsOf(ROOT_ZONE, key, 2));
    const point = startPoint({ name: ROOT_ZONE, ds, keys: [] }, net.clock.now());
    this.keeper = keepAnchors(
      { points: [point] },
      {
        fetchUnchecked: this.resolver.fetchUnchecked,
        clock: environment.clock,
        policy: rules,
        signal: this.resolver.fetchUnchecked,
        save: async (state, now) => {
          this.saved = writeState(state, now);
          return undefined;
        },
      },
    );
  }

  /** Asks until the time has come to that of `net`, and once more there. */
  async moveTo(net: Internet): Promise<Refreshed> {
    this.net = net;
    return this.keeper.refresh();
  }

  get states(): readonly string[] {
    const names = new Map([
      [String(KSK_2017.dnskey), '2017'],
      [String(KSK_2024.dnskey), '2024'],
      [String(KSK_NEXT.dnskey), 'next'],
    ]);
    return this.keeper.state.points.flatMap(({ keys }) =>
      keys.map(({ rdata, state }) => `${names.get(String(rdata))} ${state}`),
    );
  }

  ask(): Promise<string> {
    return ask(this.resolver, 'www.example.com', 'A');
  }
}

t.test('KSK-2017 is revoked on 11 January 2027, and answers stay secure by KSK-2024', async (t) => {
  const life = new Life(rootWith('2026-11-24', standby(KSK_2017), KSK_2024), [KSK_2017, KSK_2024]);
  await life.keeper.refresh();
  t.strictSame(life.states, ['2017 valid', '2024 valid']);
  t.equal(await life.ask(), 'secure 192.0.2.1');

  const revoked = [revokedForm(KSK_2017), KSK_2024] as const;
  const january = rootWith('2027-01-11', ...revoked);
  const { events } = await life.moveTo(january);
  t.match(events, [{ kind: 'revoked', keyTag: KSK_2017.tag, revokedTag: revoked[0].tag }]);
  t.strictSame(life.states, ['2024 valid', '2017 revoked']);
  t.equal(life.keeper.anchors().get(ROOT_ZONE.key)?.keys.length, 1);
  const before = january.log.length;
  t.equal(await life.ask(), 'secure 192.0.2.1', 'on the day');
  t.ok(
    january.log.length > before,
    'worked out anew, for what the old anchor vouched for is dropped',
  );

  await life.moveTo(rootWith('2027-03-22', KSK_2024));
  t.equal(await life.ask(), 'secure 192.0.2.1', 'when it is no longer published');
  await life.moveTo(rootWith('2027-05-01', KSK_2024));
  t.strictSame(life.states, ['2024 valid', '2017 removed']);

  const forged = rootWith('2027-05-10', KSK_2017);
  const stolen = await life.moveTo(forged);
  t.match(stolen.events, [{ kind: 'not-validated' }]);
  t.equal(
    await life.ask(),
    'bogus (anchor-outdated)',
    'whoever has the old key can do nothing with it',
  );
  t.match(parseState(life.saved, forged.clock.now()), { kind: 'state' });
});

t.test('adversarial row 33: without any keeper a revoked anchor is no entry either', async (t) => {
  const net = rootWith('2027-01-11', revokedForm(KSK_2017), KSK_2024);
  const life = new Life(net, [KSK_2017, KSK_2024]);
  t.equal(await life.ask(), 'secure 192.0.2.1');
  t.equal(await new Life(net, [KSK_2017]).ask(), 'bogus (anchor-outdated)');
});

t.test('adversarial row 81: an anchor that is out of date is said to be', async (t) => {
  const net = rootWith('2026-11-24', standby(KSK_2017), KSK_2024);
  t.equal(await new Life(net, [KSK_2017, KSK_2024]).ask(), 'secure 192.0.2.1');
  t.equal(await new Life(net, [KSK_2017]).ask(), 'bogus (anchor-outdated)');
});

t.test(
  'adversarial row 84: a key is followed into trust after a month, over a restart',
  async (t) => {
    const pair = [KSK_2024, standby(KSK_NEXT)] as const;
    const life = new Life(rootWith('2027-06-01', ...pair), [KSK_2024]);
    await life.keeper.refresh();
    t.strictSame(life.states, ['2024 valid', 'next addpend']);
    await life.moveTo(rootWith('2027-06-20', ...pair));
    const state = parseState(life.saved, Date.parse('2027-06-21'));
    if (state.kind === 'refused') throw new Error(state.why);
    const second = new Life(rootWith('2027-06-30', ...pair), [KSK_2024]);
    second.keeper = keepAnchors(state.state, {
      fetchUnchecked: second.resolver.fetchUnchecked,
      clock: { now: () => second.net.clock.now(), sleep: async () => undefined },
      policy: policy(),
    });
    await second.keeper.refresh();
    t.strictSame(second.states, ['2024 valid', 'next addpend'], '29 days');
    await second.moveTo(rootWith('2027-07-02', ...pair));
    t.strictSame(second.states, ['2024 valid', 'next valid'], 'the month is not counted anew');
    await second.moveTo(rootWith('2027-08-02', KSK_NEXT));
    t.equal(await second.ask(), 'secure 192.0.2.1');
  },
);

t.test('a question that meets an outdated anchor has its key set looked at at once', async (t) => {
  const life = new Life(rootWith('2026-11-24', standby(KSK_2024), KSK_2017), [KSK_2017, KSK_2024]);
  await life.keeper.refresh();
  const lookup = refreshOutdated(life.resolver.lookup, life.keeper);
  const www = Name.parse('www.example.com');
  t.match(await lookup(www, 'A'), { status: 'secure' });

  // KSK-2017 revokes itself while its set is still signed by it alone, as a zone that gives its anchors up does.
  const net = rootWith('2026-11-25', revokedForm(KSK_2017));
  life.net = net;
  life.keeper = keepAnchors(
    { points: life.keeper.state.points.map((point) => ({ ...point, nextQueryAt: Infinity })) },
    { fetchUnchecked: life.resolver.fetchUnchecked, clock: net.clock, policy: policy() },
  );
  t.match(await refreshOutdated(life.resolver.lookup, life.keeper)(www, 'A'), { status: 'bogus' });
  t.strictSame(life.states, ['2024 valid', '2017 revoked'], 'before any timer said so');
});

t.test('forged key sets move no anchor, and are asked for once per retry time', async (t) => {
  const trusted = rootWith('2026-11-24', KSK_2024);
  const life = new Life(trusted, [KSK_2024]);
  await life.keeper.refresh();
  const anchors = life.keeper.anchors();
  const forged = rootWith('2026-11-26', KSK_NEXT, { ...revokedForm(KSK_2017), signs: 'keys' });
  life.net = forged;
  let now = forged.clock.now();
  let asked = 0;
  const keeper = keepAnchors(life.keeper.state, {
    fetchUnchecked: (name, type) => {
      asked += 1;
      return life.resolver.fetchUnchecked(name, type);
    },
    clock: { now: () => now, sleep: async () => undefined },
    policy: policy(),
  });
  life.keeper = keeper;
  const before = keeper.anchors();
  const lookup = refreshOutdated(life.resolver.lookup, keeper);
  for (const name of ['www', 'a', 'b'])
    t.match(await lookup(Name.parse(`${name}.example.com`), 'A'), { reason: 'anchor-outdated' });
  await Promise.all([1, 2].map(() => keeper.refreshEarly(ROOT_ZONE)));
  t.equal(asked, 1, 'five occasions, one query');
  t.equal(keeper.anchors(), before, 'the same object');
  t.strictSame(before.get(ROOT_ZONE.key), anchors.get(ROOT_ZONE.key));
  t.strictSame(life.states, ['2024 valid']);
  // RFC 5011 section 2.3: MAX(1 hr, MIN(1 day, .1 * origTTL, .1 * expireInterval)), an hour for a TTL of 3600 s.
  now += 3_599_000;
  await keeper.refreshEarly(ROOT_ZONE);
  t.equal(asked, 1, 'within the hour');
  now += 1_000;
  await keeper.refreshEarly(ROOT_ZONE);
  t.equal(asked, 2, 'after it');
  await keeper.refreshEarly(Name.parse('example.com'));
  t.equal(asked, 2, 'a zone that nobody follows is not asked for');
});

t.test('silence and a failed save change nothing but the time of the next call', async (t) => {
  const net = rootWith('2026-11-24', KSK_2024);
  const life = new Life(net, [KSK_2024]);
  const first = await life.keeper.refresh();
  const anchors = life.keeper.anchors();
  t.equal(first.nextAt - net.clock.now(), 3_600_000, 'half of 3600 s, but an hour at least');
  t.strictSame((await life.keeper.refresh()).events, [], 'nothing is due');
  const dark = rootWith('2026-11-26', KSK_2024).amend('.', silence());
  const { events, nextAt } = await life.moveTo(dark);
  t.match(events, [{ kind: 'not-validated', reason: 'unreachable' }]);
  t.ok(nextAt - dark.clock.now() >= 3_599_000 && nextAt - dark.clock.now() <= DAY);
  t.equal(life.keeper.anchors(), anchors, 'the same object: nothing is worked out anew');
  const other = keepAnchors(life.keeper.state, {
    fetchUnchecked: async () => ({ kind: 'reply', rcode: 'NOERROR', answer: [], authority: [] }),
    clock: { now: () => nextAt, sleep: async () => undefined },
    policy: policy(),
    save: async () => 'anchors.state: no space left on device',
  });
  const unsaved = await other.refresh();
  t.match(unsaved, { events: [{ kind: 'not-validated' }], unsaved: /no space/ });
  t.strictSame(other.anchors(), anchors);
});

t.test('RFC 8145 section 5: the root is told which keys are trusted', async (t) => {
  const root = ROOT_ANCHORS.get(ROOT_ZONE.key);
  t.equal(root && keyTagName(root)?.toString(), '_ta-4f66-9728.');
  const zone = Name.parse('example.com');
  const ds = parseRdata('DS', `32 8 2 ${'00'.repeat(32)}`);
  t.equal(keyTagName({ name: zone, ds: [ds, ds], keys: [] })?.toString(), '_ta-0020.example.com.');
  t.equal(keyTagName({ name: zone, ds: [], keys: [] }), undefined);
  const net = rootWith('2026-11-24', KSK_2024);
  const life = new Life(net, [KSK_2024]);
  await life.keeper.refresh();
  await life.ask();
  const told = net.log.filter(({ type }) => type === 'NULL').map(({ name }) => name.toString());
  const tag = KSK_2024.tag.toString(16).padStart(4, '0');
  t.strictSame(told, [`_ta-${tag}.`]);
  // Where the root has proved already that there is no such name (RFC 8198), it has to hear it all the same.
  const other = new Life(rootWith('2026-11-24', KSK_2024), [KSK_2024]);
  t.equal(await ask(other.resolver, 'zz', 'A'), 'secure nxdomain');
  t.equal(await ask(other.resolver, '_tb', 'A'), 'secure nxdomain');
  await other.keeper.refresh();
  await other.ask();
  t.ok(other.net.log.some(({ type }) => type === 'NULL'));
});

t.test('RFC 8509 section 3: sentinels', (t) => {
  const root = ROOT_ANCHORS.get(ROOT_ZONE.key);
  const is = (
    name: string,
    type: 'A' | 'AAAA' | 'TXT' = 'A',
    status: 'secure' | 'insecure' = 'secure',
  ) => judgeSentinel({ name: Name.parse(name), type }, status, root);
  const table: readonly [string, string][] = [
    ['root-key-sentinel-is-ta-20326.example.com', 'as-it-is'],
    ['root-key-sentinel-not-ta-20326.example.com', 'servfail'],
    ['root-key-sentinel-is-ta-12345.example.com', 'servfail'],
    ['root-key-sentinel-not-ta-12345.example.com', 'as-it-is'],
    ['ROOT-KEY-SENTINEL-NOT-TA-38696.example.com', 'servfail'],
    ['root-key-sentinel-not-ta-020326.example.com', 'as-it-is'],
    ['root-key-sentinel-is-ta-1234.example.com', 'as-it-is'],
    ['root-key-sentinel-is-ta-99999.example.com', 'as-it-is'],
    ['www.root-key-sentinel-is-ta-12345.example.com', 'as-it-is'],
    ['.', 'as-it-is'],
  ];
  for (const [name, expected] of table) t.equal(is(name), expected, name);
  const asked = 'root-key-sentinel-not-ta-20326.example.com';
  t.equal(is(asked, 'AAAA'), 'servfail');
  t.equal(is(asked, 'TXT'), 'as-it-is', 'addresses only');
  t.equal(is(asked, 'A', 'insecure'), 'as-it-is', 'validated answers only');
  t.strictSame(sentinelIn(Name.parse('root-key-sentinel-is-ta-00032.')), {
    asks: 'is-ta',
    keyTag: 32,
  });
  t.equal(
    judgeSentinel({ name: Name.parse(asked), type: 'A' }, 'secure', anchorsFrom([]).get('')),
    'as-it-is',
  );
  t.end();
});
