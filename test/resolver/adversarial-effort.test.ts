// Section 5e of ../shared/spec/adversarial.md: what one question may cost, whoever serves the zones on its way.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { LIMITS } from '../../src/dnssec/budget.ts';
import {
  alterReply,
  corruptSignatures,
  type Internet,
  internet,
  onlyFor,
  silence,
  type Zones,
} from '../../src/testing/index.ts';
import { cost, find, records, told } from './adversarial-support.ts';
import { ask, resolverOn, show } from './support.ts';

const EVIL = Name.parse('evil.test');
const evil = (
  servers = { 'ns.evil.test': '198.18.9.1' } as Readonly<
    Record<string, string | readonly string[]>
  >,
): Zones => ({
  'evil.test': { records: ['ns A 198.18.9.1'], signing: 'unsigned', servers },
});

for (const where of ['evil.test', 'nowhere'] as const)
  t.test(`row 108: NXNSAttack: 1500 server names in ${where}, none of which exists`, async (t) => {
    const ns = Array.from({ length: 1500 }, (_, i) => `sub.evil.test. NS n${i}.${where}.`);
    const all = records(...ns);
    const net = internet(evil()).amend(
      'evil.test',
      onlyFor(
        { below: Name.parse('sub.evil.test') },
        alterReply((reply, { over }) => ({
          ...reply,
          rcode: 'NOERROR',
          authoritative: false,
          answer: [],
          authority: over === 'tcp' ? all : all.slice(0, 200),
        })),
      ),
    );
    const outcome = await find(net, 'www.sub.evil.test');
    t.same(told(outcome), ['indeterminate', 'budget-spent', 0, 'server-lookups']);
    const looked = net.log.filter(({ name }) => /^n\d+\./.test(String(name)));
    const names = new Set(looked.map(({ name }) => name.key));
    t.ok(names.size <= 10, `${names.size} names looked up`);
    t.notOk(
      looked.some(({ type }) => type === 'AAAA'),
      'a host that does not exist is not asked for by its other family',
    );
    t.ok(net.log.length <= LIMITS.queries, `${net.log.length} queries`);
  });

/**
 * A server that answers each question with an alias into a zone of three servers, whose names lie in three more zones of
 * that kind; all of them are its own.
 */
function multiplying(): Internet {
  const referral = (zone: string, id: string) =>
    Array.from({ length: 3 }, (_, i) => `${zone} NS ns${i}.z${id}${i}.evil.test.`);
  return internet(evil()).amend(
    'evil.test',
    alterReply((reply, { question }) => {
      const text = String(question.name);
      const zone = /(z\d+)\.evil\.test\.$/.exec(text);
      if (!zone)
        return {
          ...reply,
          rcode: 'NOERROR',
          answer: records(`${text} CNAME www.z1.evil.test.`),
          authority: [],
        };
      const authority = records(...referral(`${zone[1]}.evil.test.`, String(zone[1]).slice(1)));
      return { ...reply, rcode: 'NOERROR', authoritative: false, answer: [], authority };
    }),
  );
}

t.test('row 109: CAMP: aliases and name servers that multiply', async (t) => {
  const net = multiplying();
  const resolver = resolverOn(net);
  const outcome = await resolver.lookup(Name.parse('www.evil.test'), 'A');
  t.equal(outcome.status, 'indeterminate', show(outcome));
  t.ok(net.log.length <= LIMITS.queries, `${net.log.length} queries`);
  t.equal(outcome.spent.queries, net.log.length);
  t.ok(outcome.spent.signatures <= LIMITS.signatures);
  net.clock.advance(4_000);
  t.equal(
    await cost(net, () => ask(resolver, 'www.evil.test', 'A')),
    0,
    'the same question within 5 s causes none',
  );
});

/** Two zones whose servers live in each other, and no glue. */
const CYCLE: Zones = {
  'a.test': {
    records: ['www A 192.0.2.1'],
    servers: { 'ns.b.test': '198.18.9.2' },
    signing: 'unsigned',
  },
  'b.test': {
    records: ['www A 192.0.2.2'],
    servers: { 'ns.a.test': '198.18.9.1' },
    signing: 'unsigned',
  },
};

t.test('row 110: TsuNAME: cyclic NS, asked by 1000 clients at once', async (t) => {
  const one = internet(CYCLE);
  await find(one, 'www.a.test');
  const net = internet(CYCLE);
  const resolver = resolverOn(net);
  const burst = () =>
    Promise.all(Array.from({ length: 1000 }, () => ask(resolver, 'www.a.test', 'A')));
  const outcomes = await burst();
  t.same([...new Set(outcomes)], ['indeterminate (unreachable)']);
  t.equal(net.log.length, one.log.length, 'one resolution');
  t.ok(net.log.length <= 50, `${net.log.length} queries`);
  for (const seconds of [5, 10, 20, 40, 80, 160, 300, 300]) {
    net.clock.advance((seconds - 1) * 1000);
    t.equal(await cost(net, burst), 0, `kept ${seconds} s`);
    net.clock.advance(1_100);
    const again = await cost(net, burst);
    t.ok(again > 0 && again <= one.log.length, `${again} queries after ${seconds} s`);
  }
});

t.test('row 112: referrals with 2000 NS: 20 are kept', async (t) => {
  const all = records(
    ...Array.from({ length: 2000 }, (_, i) => `sub.evil.test. NS n${i}.evil.test.`),
  );
  const net = internet(evil()).amend(
    'evil.test',
    onlyFor(
      { below: Name.parse('sub.evil.test') },
      alterReply((reply, { over }) => ({
        ...reply,
        rcode: 'NOERROR',
        authoritative: false,
        answer: [],
        authority: over === 'tcp' ? all : all.slice(0, 500),
      })),
    ),
  );
  const resolver = resolverOn(net);
  const work = resolver.lookup(Name.parse('www.sub.evil.test'), 'A');
  let most = 0;
  for (let i = 0; i < 200; i += 1) {
    await net.clock.sleep(1);
    const { zone, hosts } = resolver.closestServers(Name.parse('www.sub.evil.test'));
    if (zone.isBelow(EVIL)) most = Math.max(most, hosts.length);
  }
  await work;
  t.equal(most, 20);
});

/** A million in the row; here so many as push out all that these caches may hold of names met once, five times over. */
const LONG_NAMES = Number(process.env.DANELAW_LONG_NAMES ?? 1_000);

t.test('row 112: a flood of long names: caches keep their octets, root and TLD stay', async (t) => {
  const CACHE_BYTES = 400_000;
  const net = internet({
    ...evil(),
    'example.com': ['www A 192.0.2.1'],
    'example.org': ['www A 192.0.2.2'],
    'other.com': ['www A 192.0.2.3'],
  }).amend(
    'evil.test',
    alterReply((reply, { question }) =>
      question.name.isBelow(EVIL)
        ? { ...reply, rcode: 'NOERROR', answer: records(`${question.name} A 192.0.2.9`) }
        : reply,
    ),
  );
  const resolver = resolverOn(net, { cacheBytes: CACHE_BYTES });
  await ask(resolver, 'www.example.com', 'A');
  await ask(resolver, 'www.example.org', 'A');
  const label = 'x'.repeat(60);
  const heldBytes = (): number =>
    Object.values(resolver.held()).reduce((sum, { bytes }) => sum + bytes, 0);
  let most = 0;
  for (let i = 0; i < LONG_NAMES; i += 50) {
    const batch = Array.from(
      { length: 50 },
      (_, j) => `${i + j}.${label}.${label}.${label}.evil.test`,
    );
    const shown = await Promise.all(batch.map((name) => ask(resolver, name, 'A')));
    if (!shown.every((one) => /^insecure 192\.0\.2\.9 /.test(one))) t.fail(shown.join());
    most = Math.max(most, heldBytes());
  }
  t.ok(most <= CACHE_BYTES, `${most} octets`);
  t.ok(most > CACHE_BYTES / 4, 'the flood did fill them');
  const before = net.log.length;
  t.equal(await ask(resolver, 'www.other.com', 'A'), 'secure 192.0.2.3');
  const asked = net.log.slice(before).map(({ zone, type }) => `${zone} ${type}`);
  // Delegation and keys of com are known, and the root is not asked: what is left is the new zone's own.
  t.same(asked.sort(), ['com. A', 'other.com. A', 'other.com. DNSKEY']);
});

t.test('row 114: each of 120 levels is delegated to a new NS set', async (t) => {
  const addresses = Array.from({ length: 24 }, (_, i) => `198.18.9.${i + 1}`);
  const name = Name.parse(`${'a.'.repeat(119)}evil.test`);
  for (const glue of ['with', 'without'] as const) {
    let level = EVIL.labels;
    const net = internet(evil({ 'ns.evil.test': addresses })).amend(
      'evil.test',
      onlyFor(
        { below: Name.parse('a.evil.test') },
        alterReply((reply) => {
          level += 1;
          const host = `ns${level}.${name.ancestor(level)}`;
          return {
            ...reply,
            rcode: 'NOERROR',
            authoritative: false,
            answer: [],
            authority: records(
              `${name.ancestor(level)} NS ${glue === 'with' ? host : `ns.${host}`}`,
            ),
            additional: glue === 'with' ? records(`${host} A ${addresses[level % 24]}`) : [],
          };
        }),
      ),
    );
    const outcome = await find(net, String(name));
    t.equal(outcome.status, 'indeterminate');
    t.ok(net.log.length <= LIMITS.queries, `${net.log.length} queries`);
    if (glue === 'without') continue;
    t.same(told(outcome), ['indeterminate', 'budget-spent', 0, 'delegation-depth']);
    t.equal(
      level - EVIL.labels,
      15,
      'test., evil.test. and fourteen below make 16 cuts; the next is refused',
    );
  }
});

t.test('row 115: bogus answers everywhere do not reset the count', async (t) => {
  const servers = Object.fromEntries(
    Array.from({ length: 13 }, (_, i) => [
      `ns${i}.example.com`,
      [`198.18.9.${i + 1}`, `198.18.10.${i + 1}`],
    ]),
  );
  const links = Array.from({ length: 10 }, (_, i) => `n${i} CNAME n${i + 1}`);
  const zones: Zones = { 'example.com': { records: [...links, 'n10 A 192.0.2.1'], servers } };
  const net = internet(zones).amend('example.com', corruptSignatures('CNAME', 'DNSKEY', 'A'));
  const outcome = await find(net, 'n0.example.com');
  t.equal(outcome.status, 'bogus');
  t.ok(net.log.length <= LIMITS.queries);
  t.equal(outcome.spent.queries, net.log.length, 'every one is counted');
  for (const queries of [6, 7, 8, 9]) {
    const strict = internet(zones).amend('example.com', corruptSignatures('CNAME', 'A'));
    const few = await find(strict, 'n0.example.com', 'A', { limits: { queries } });
    t.ok(strict.log.length <= queries, `${strict.log.length} of ${queries}`);
    t.not(few.status, 'secure');
    t.not(few.status, 'insecure');
  }
});

t.test('row 118: aliases that lead through answers of 65 000 octets', async (t) => {
  const text = `TXT ${Array.from({ length: 250 }, () => `"${'x'.repeat(255)}"`).join(' ')}`;
  const filler = records(`filler.evil.test. ${text}`);
  const net = internet(evil()).amend(
    'evil.test',
    alterReply((reply, { question }) => {
      const [, n = '0'] = /^n(\d+)\./.exec(String(question.name)) ?? [];
      const alias = records(`${question.name} CNAME n${Number(n) + 1}.evil.test.`);
      return { ...reply, rcode: 'NOERROR', answer: [...alias, ...filler], authority: [] };
    }),
  );
  const outcome = await find(net, 'n0.evil.test');
  t.same(told(outcome), ['indeterminate', 'budget-spent', 0, 'bytes-received']);
  t.equal(
    net.log.filter(({ over, result }) => over === 'tcp' && result === 'answer').length,
    2,
    'at the reply that brings the total over',
  );
  t.ok(outcome.spent.bytes > 100_000 && outcome.spent.bytes < 140_000, `${outcome.spent.bytes}`);
});

const dead = (count: number): Zones => ({
  'example.com': {
    records: ['www A 192.0.2.1', 'first A 192.0.2.2'],
    servers: Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`ns${i}.example.com`, `198.18.9.${i + 1}`]),
    ),
  },
});

for (const count of [1, 2, 4, 13])
  for (const known of ['unknown', 'known'] as const)
    t.test(`row 119: ${count} silent servers, ${known} before`, async (t) => {
      const net = internet(dead(count));
      const resolver = resolverOn(net);
      if (known === 'known') await ask(resolver, 'first.example.com', 'A');
      net.amend('example.com', silence());
      const began = net.clock.now();
      t.same(told(await resolver.lookup(Name.parse('www.example.com'), 'A')), [
        'indeterminate',
        'unreachable',
        22,
      ]);
      const took = net.clock.now() - began;
      t.ok(took <= 5_000, `${took} ms`);
      for (const seconds of [5, 10, 20]) {
        net.clock.advance((seconds - 1) * 1000);
        t.equal(
          await cost(net, () => ask(resolver, 'www.example.com', 'A')),
          0,
          `kept ${seconds} s`,
        );
        net.clock.advance(1_100);
        const again = await resolver.lookup(Name.parse('www.example.com'), 'A');
        t.same(told(again), ['indeterminate', 'unreachable', 22], 'never bogus');
        t.ok(again.spent.milliseconds <= 5_000, `${again.spent.milliseconds} ms`);
      }
    });

t.test('row 119: every server there is', async (t) => {
  const net = internet(dead(2));
  for (const zone of ['.', 'com', 'example.com']) net.amend(zone, silence());
  const outcome = await find(net, 'www.example.com');
  t.same(told(outcome), ['indeterminate', 'unreachable', 22]);
  t.ok(outcome.spent.milliseconds <= 10_000);
});

t.test('all servers but one are silent: the question finds it', async (t) => {
  for (const [count, mostMs] of [
    [2, 1_000],
    [4, 1_700],
    [13, 3_000],
  ] as const)
    for (let seed = 1; seed <= 4; seed += 1) {
      const net = internet(dead(count), { seed });
      for (let i = 1; i < count; i += 1)
        net.amend('example.com', onlyFor({ server: `198.18.9.${i}` }, silence()));
      const outcome = await find(net, 'www.example.com');
      t.equal(show(outcome), 'secure 192.0.2.1');
      t.ok(outcome.spent.milliseconds <= mostMs, `${count}: ${outcome.spent.milliseconds} ms`);
    }
});
