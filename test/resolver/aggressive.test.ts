// Answers from proofs that are kept (RFC 8198): the rows of ../shared/spec/adversarial.md about them, what each kind of
// record may say of names that were never asked for, and what none may.
import fc from 'fast-check';
import t from 'tap';
import { planDelivery } from '../../src/dane/plan.ts';
import { Name } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import { NegativeAnchors } from '../../src/dnssec/negative-anchors.ts';
import { failed } from '../../src/dnssec/outcome.ts';
import type { ZoneTrust } from '../../src/dnssec/verify.ts';
import { Denials, type ZoneDenial } from '../../src/resolver/denials.ts';
import type { Resolver } from '../../src/resolver/resolver.ts';
import { orderKey, Spans } from '../../src/resolver/spans.ts';
import {
  type Amendment,
  alterPlan,
  alterRecords,
  alterReply,
  corruptSignatures,
  type Internet,
  internet,
  onlyFor,
  type Signing,
  seededRandom,
  type Zones,
} from '../../src/testing/index.ts';
import { coveredType, readLines } from '../../src/testing/zone.ts';
import { cost } from './adversarial-support.ts';
import { findFalsehood } from './cases.ts';
import { Dice, randomScene } from './random-internet.ts';
import { ask, isSynthesised, resolverOn, show, told } from './support.ts';

/** One zone, and a resolver that knows its keys and a record that exists, but no proof of absence. */
async function world(
  records: readonly string[],
  {
    signing,
    more = {},
    zone = 'example.com',
  }: { signing?: Signing; more?: Zones; zone?: string } = {},
): Promise<{ net: Internet; resolver: Resolver }> {
  const net = internet({ [zone]: { records, ...(signing && { signing }) }, ...more });
  const resolver = resolverOn(net);
  await resolver.lookup(Name.parse(zone), 'NS');
  return { net, resolver };
}

const BOTH: readonly Signing[] = [{ denial: 'nsec' }, { denial: { iterations: 3, salt: 'ab' } }];

t.test('row 46: Cross-zone NSEC', async (t) => {
  // m is a delegation, and the canonical order puts all of the child between it and what follows.
  for (const signing of [undefined, 'unsigned'] as const) {
    const child = { records: ['www A 192.0.2.1'], ...(signing && { signing }) };
    const { net, resolver } = await world(['a A 192.0.2.9', 'z A 192.0.2.9'], {
      more: { 'm.example.com': child },
    });
    t.equal(await told(resolver, 'n.example.com'), 'secure nxdomain, asked');
    t.equal(await told(resolver, 'nn.example.com'), 'secure nxdomain, made', 'the span is known');
    const before = net.log.length;
    t.match(await told(resolver, 'www.m.example.com'), /192\.0\.2\.1.*, asked/);
    t.match(await told(resolver, 'no.m.example.com'), /^(secure|insecure) nxdomain.*, asked/);
    t.match(
      await told(resolver, 'm.example.com', 'TXT'),
      /^(secure|insecure) nodata.*, (asked|made)/,
    );
    const zones = net.log.slice(before).map(({ zone }) => zone?.toString());
    t.ok(zones.includes('m.example.com.'), 'the child was asked');
  }
});

t.test('row 47: Piggyback NSEC', async (t) => {
  for (const denial of ['nsec', 'nsec3'] as const) {
    const net = internet({
      'example.com': { records: ['b A 192.0.2.1', 'p A 192.0.2.2'], signing: { denial } },
    });
    const chain = readLines(net.zoneText('example.com').split('\n'), Name.parse('.')).filter(
      (record) =>
        /^(NSEC3?|SOA)$/.test(record.type === 'RRSIG' ? coveredType(record) : record.type),
    );
    const piggyback = alterReply((reply) => ({
      ...reply,
      authority: [...reply.authority, ...chain],
    }));
    net.amend('example.com', onlyFor({ types: ['A'] }, piggyback));
    const resolver = resolverOn(net);
    t.equal(await ask(resolver, 'b.example.com', 'A'), 'secure 192.0.2.1');
    t.equal(resolver.held().denials.rrsets, 0, 'nothing is kept of what no proof needs');
    t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
    // RFC 4035 section 3.1.3.2 and RFC 5155 section 7.2.2: the SOA, and two records or three.
    t.ok(resolver.held().denials.rrsets <= (denial === 'nsec' ? 3 : 4));
    if (denial === 'nsec')
      t.equal(
        await told(resolver, 'q.example.com'),
        'secure nxdomain, asked',
        'nor beside a proof',
      );
  }
});

t.test('row 48: NSEC synthesis from pending', async (t) => {
  const { net, resolver } = await world(['b A 192.0.2.1']);
  const unchecked = await resolver.fetchUnchecked(Name.parse('c.example.com'), 'A');
  t.match(unchecked, { kind: 'reply', rcode: 'NXDOMAIN' }, 'the proof passed through');
  t.equal(resolver.held().denials.entries, 0);
  t.equal(await told(resolver, 'd.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'dd.example.com'), 'secure nxdomain, made', 'now it is judged');
  const broken = internet({ 'example.com': ['b A 192.0.2.1'] });
  broken.amend('example.com', corruptSignatures('NSEC'));
  const second = resolverOn(broken);
  t.match(await told(second, 'c.example.com'), /^bogus/);
  t.equal(second.held().denials.entries, 0, 'nor is anything of a bogus answer');
  t.ok(net.log.length > 0);
});

t.test('row 53: Wildcard into cache without proof', async (t) => {
  for (const signing of BOTH) {
    const { resolver } = await world(['*.w A 192.0.2.7', 'm.w A 192.0.2.8'], { signing });
    t.equal(await told(resolver, 'a.w.example.com'), 'secure 192.0.2.7, asked');
    t.equal(await told(resolver, 'm.w.example.com'), 'secure 192.0.2.8, asked', 'it has its own');
    t.equal(
      await told(resolver, 'a.m.w.example.com'),
      'secure nxdomain, asked',
      'and shuts it out',
    );
    let made = 0;
    for (const label of ['b', 'c.d', 'l', 'n', 'o', 'p.q.r']) {
      const name = Name.parse(`${label}.w.example.com`);
      const outcome = await resolver.lookup(name, 'A');
      t.equal(show(outcome), 'secure 192.0.2.7', `${label}: by the wildcard`);
      if (failed(outcome) || outcome.answer.kind !== 'records') continue;
      t.ok(outcome.answer.proof.length > 0, 'with a proof for this very name');
      t.ok(outcome.answer.rrset.owner.equals(name));
      if (isSynthesised(outcome)) made += 1;
      t.equal(isSynthesised(outcome), outcome.spent.queries === 0);
      if (isSynthesised(outcome)) t.equal(outcome.spent.signatures, 1, 'computed for this name');
    }
    t.ok(made > 0, 'some of them by RFC 8198 section 5.3');
  }
});

t.test('row 53: the wildcard of the same name without a proof is asked for', async (t) => {
  // Between * and m there is a span, and between m and z another one, which was never seen.
  const { resolver } = await world(['*.w A 192.0.2.7', 'm.w A 192.0.2.8', 'z.w A 192.0.2.8']);
  t.equal(await told(resolver, 'a.w.example.com'), 'secure 192.0.2.7, asked');
  t.equal(await told(resolver, 'b.w.example.com'), 'secure 192.0.2.7, made');
  t.equal(await told(resolver, 'p.w.example.com'), 'secure 192.0.2.7, asked');
  t.equal(await told(resolver, 'q.w.example.com'), 'secure 192.0.2.7, made');
});

/** DNSKEY and NSEC RRsets with a TTL of 3600, the latter with RRSIGs that end `seconds` after the beginning. */
const times68 = (net: Internet, seconds: number): Amendment =>
  alterRecords(({ records, resign }) =>
    records.map((record) => {
      if (record.type === 'NSEC' || record.type === 'DNSKEY') return { ...record, ttl: 3600 };
      if (record.type !== 'RRSIG') return record;
      if (coveredType(record) === 'DNSKEY')
        return { ...resign(record, { originalTtl: 3600 }), ttl: 3600 };
      if (coveredType(record) !== 'NSEC') return record;
      const expiration = Math.floor(net.clock.now() / 1000) + seconds;
      return { ...resign(record, { originalTtl: 3600, expiration }), ttl: 3600 };
    }),
  );

t.test('row 68: Aggressive NSEC TTL', async (t) => {
  for (const [signed, expected] of [
    [600, 600],
    [86_400, 900],
  ] as const) {
    const soa = '@ 900 SOA ns hostmaster 1 3600 600 86400 1800';
    const net = internet({ 'example.com': [soa, 'b A 192.0.2.1', 'p A 192.0.2.1'] });
    net.amend('example.com', times68(net, signed));
    const resolver = resolverOn(net);
    const start = net.clock.now();
    const until = (seconds: number): Promise<void> =>
      net.clock.sleep(start + seconds * 1000 - net.clock.now());
    t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
    const made = await resolver.lookup(Name.parse('d.example.com'), 'A');
    t.ok(isSynthesised(made));
    t.ok(made.expiresAt <= start + (expected + 1) * 1000);
    await until(expected - 1);
    const last = await resolver.lookup(Name.parse('e.example.com'), 'A');
    t.ok(isSynthesised(last), `${expected - 1} s: still`);
    t.ok(last.expiresAt <= start + (expected + 1) * 1000, 'a late answer holds no longer');
    t.ok(!failed(last) && last.answer.kind === 'nxdomain');
    if (!failed(last) && last.answer.kind === 'nxdomain')
      t.ok(last.answer.proof.every(({ ttl }) => ttl <= 2));
    // The SOA comes anew with another proof; what was kept before is none the younger (Unbound val_negcache_ttl).
    await ask(resolver, 'z.example.com', 'A');
    await until(expected + 1);
    t.ok(
      (await cost(net, () => resolver.lookup(Name.parse('f.example.com'), 'A'))) > 0,
      `${expected + 1} s: no more`,
    );
  }
});

t.test('row 69: Aggressive NSEC vs NTA', async (t) => {
  const net = internet({ 'example.com': ['b A 192.0.2.1', 'p A 192.0.2.2'] });
  const negativeAnchors = new NegativeAnchors();
  const resolver = resolverOn(net, { negativeAnchors });
  t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'd.example.com'), 'secure nxdomain, made');
  const name = Name.parse('e.example.com');
  const hour = 3_600_000;
  negativeAnchors.add(name, { reason: 'a test', now: net.clock.now(), lifetimeMs: hour });
  for (const below of ['e.example.com', 'x.e.example.com'])
    t.equal(await told(resolver, below), 'insecure nxdomain (negative-trust-anchor), asked');
  t.equal(await told(resolver, 'f.example.com'), 'secure nxdomain, made', 'and nothing else');
});

/** A thousand names that do not exist. */
const randomNames = (count: number): readonly string[] => {
  const random = seededRandom(7);
  return Array.from(
    { length: count },
    () => `${Buffer.from(random.bytes(6)).toString('hex')}.example.com`,
  );
};

t.test('row 121: Random subdomain flood', async (t) => {
  const records = Array.from(
    { length: 17 },
    (_, i) => `${(i * 37).toString(16)}host A 192.0.2.${i}`,
  );
  const { net, resolver } = await world(records);
  const names = 20; // with the apex, the name server, and one that nobody counts
  const firstWave = 10;
  const flood = randomNames(1000);
  const start = net.log.length;
  const early = await Promise.all(
    flood.slice(0, firstWave).map((name) => resolver.lookup(Name.parse(name), 'A')),
  );
  const late = [];
  for (const name of flood.slice(firstWave))
    late.push(await resolver.lookup(Name.parse(name), 'A'));
  t.strictSame([...new Set([...early, ...late].map(show))], ['secure nxdomain']);
  const packets = net.log.length - start;
  t.ok(packets <= names + firstWave, `${packets} packets`);
  const made = late.filter(isSynthesised);
  t.ok(made.length >= late.length - names, `${made.length} of ${late.length} were not asked for`);
  t.ok(
    made.every(({ spent }) => spent.signatures === 0),
    'and no signature is computed for them',
  );
  const { answers, denials } = resolver.held();
  t.ok(answers.entries < 200, `${answers.entries} entries: a flood fills no cache`);
  t.ok(denials.rrsets < 100);
});

t.test('row 121: the same where names are hashed', async (t) => {
  const records = Array.from(
    { length: 17 },
    (_, i) => `${(i * 37).toString(16)}host A 192.0.2.${i}`,
  );
  const signing = { denial: { iterations: 10, salt: '0102' } };
  const { net, resolver } = await world(records, { signing });
  const start = net.log.length;
  let hashes = 0;
  for (const name of randomNames(300)) {
    const outcome = await resolver.lookup(Name.parse(name), 'A');
    t.equal(show(outcome), 'secure nxdomain');
    hashes = Math.max(hashes, outcome.spent.hashes);
  }
  t.ok(net.log.length - start <= 20, `${net.log.length - start} packets`);
  t.ok(hashes <= 3, 'the name, its encloser and the wildcard');
});

t.test('what a record that was kept says of other names and types', async (t) => {
  const records = [
    '@ MX 10 b',
    'alias CNAME b',
    'b A 192.0.2.1',
    'a.b.c A 192.0.2.2',
    '*.w TXT "any"',
    'tree DNAME b',
    'z A 192.0.2.3',
  ];
  for (const signing of BOTH) {
    const { resolver } = await world(records, { signing });
    const name = (label: string): string => `${label}.example.com`;
    // A type that the bitmap lacks, at the apex and elsewhere.
    t.equal(await told(resolver, 'example.com', 'TXT'), 'secure nodata, asked');
    t.equal(await told(resolver, 'example.com', 'AAAA'), 'secure nodata, made');
    t.equal(await told(resolver, 'example.com', 'MX'), 'secure 10 b.example.com., asked');
    t.equal(await told(resolver, name('b'), 'AAAA'), 'secure nodata, asked');
    t.equal(await told(resolver, name('b'), 'TLSA'), 'secure nodata, made');
    t.equal(await told(resolver, name('b')), 'secure 192.0.2.1, asked');
    // An empty non-terminal has no data, and is not absent (RFC 8020 section 2).
    t.match(await told(resolver, name('c')), /^secure nodata/);
    t.match(await told(resolver, name('b.c')), /^secure nodata/);
    t.match(await told(resolver, name('b.c'), 'MX'), /^secure nodata, made/);
    t.equal(await told(resolver, name('a.b.c')), 'secure 192.0.2.2, asked');
    t.match(await told(resolver, name('x.b.c')), /^secure nxdomain/);
    // A wildcard's own record, for names that it stands for.
    t.equal(await told(resolver, name('x.w')), 'secure nodata, asked');
    t.match(await told(resolver, name('y.w')), /^secure nodata/);
    t.match(await told(resolver, name('y.w'), 'TXT'), /^secure "any", asked/);
    t.match(await told(resolver, name('v.w'), 'TXT'), /^secure "any"/);
    // CNAME: whatever the bitmap lacks, the answer is elsewhere (RFC 6840 section 4.3).
    t.match(await told(resolver, name('am')), /^secure nxdomain/);
    t.match(await told(resolver, name('alias'), 'TXT'), /^secure nodata/);
    t.match(await told(resolver, name('alias')), 'secure 192.0.2.1');
    // DNAME: names below it are not this record's to deny (RFC 6672 section 5.3.4).
    t.equal(await told(resolver, name('tree'), 'TXT'), 'secure nodata, asked');
    t.match(await told(resolver, name('u')), /^secure nxdomain/);
    t.match(await told(resolver, name('x.tree')), /^secure nxdomain/);
    const behind = await resolver.lookup(Name.parse(name('x.tree')), 'A');
    t.strictSame(
      behind.aliases.map(({ target }) => String(target)),
      ['x.b.example.com.'],
    );
  }
});

t.test('a CNAME at an owner that is known shuts nothing out', async (t) => {
  const { resolver } = await world(['alias CNAME b', 'b A 192.0.2.1', 'b TXT "there"']);
  t.equal(await told(resolver, 'am.example.com'), 'secure nxdomain, asked', 'by alias -> b');
  t.equal(await told(resolver, 'alias.example.com', 'TXT'), 'secure "there", asked');
});

t.test('a DNAME at an owner that is known shuts nothing out', async (t) => {
  const { resolver } = await world(['tree DNAME b', 'x.b A 192.0.2.1', 'z A 192.0.2.3']);
  t.equal(await told(resolver, 'u.example.com'), 'secure nxdomain, asked', 'by tree -> z');
  t.equal(await told(resolver, 'v.example.com'), 'secure nxdomain, made');
  t.equal(await told(resolver, 'x.tree.example.com'), 'secure 192.0.2.1, asked');
});

t.test("a delegation's own record says nothing of the child's apex", async (t) => {
  for (const signing of BOTH) {
    const more: Zones = {
      'm.example.com': ['@ A 192.0.2.1', '@ TXT "child"'],
      'o.example.com': { records: ['@ A 192.0.2.1'], signing: 'unsigned' },
    };
    const { resolver } = await world(['a A 192.0.2.9', 'z A 192.0.2.9'], { signing, more });
    for (const label of ['n', 'p', 'l', 'b', 'zz']) await told(resolver, `${label}.example.com`);
    for (const child of ['m.example.com', 'o.example.com'])
      t.match(await told(resolver, child), /^(secure|insecure) 192\.0\.2\.1.*, asked/, child);
    t.match(await told(resolver, 'm.example.com', 'DS'), /^secure (?!nodata)/);
    t.match(await told(resolver, 'o.example.com', 'DS'), /^secure nodata/);
  }
});

t.test('DS questions are asked', async (t) => {
  const { resolver } = await world(['b A 192.0.2.1', 'p A 192.0.2.2']);
  t.equal(await told(resolver, 'example.com', 'TXT'), 'secure nodata, asked');
  t.match(
    await told(resolver, 'example.com', 'DS'),
    /^secure (?!nodata)/,
    "not the apex's to deny",
  );
  t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'd.example.com', 'DS'), 'secure nxdomain, asked');
});

t.test('opt-out spans are not kept', async (t) => {
  const signing = { denial: { spans: 'optOut' } } as const;
  const more: Zones = { 'child.example.com': { records: ['@ A 192.0.2.1'], signing: 'unsigned' } };
  const { resolver } = await world(['b A 192.0.2.1'], { signing, more });
  t.equal(await told(resolver, 'c.example.com'), 'insecure nxdomain (opt-out), asked');
  t.equal(await told(resolver, 'd.example.com'), 'insecure nxdomain (opt-out), asked');
  t.equal(resolver.held().denials.entries, 0);
  t.equal(await told(resolver, 'b.example.com', 'TXT'), 'secure nodata, asked');
  t.equal(resolver.held().denials.rrsets, 1, 'its own record has the flag as well');
  t.equal(await told(resolver, 'b.example.com', 'MX'), 'secure nodata, asked');
});

t.test('a chain with another salt takes the place of the first one', async (t) => {
  const zones = (salt: string): Zones => ({
    'example.com': { records: ['b A 192.0.2.1'], signing: { denial: { salt } } },
  });
  const [old, young] = [internet(zones('aa')), internet(zones('bb'))];
  t.equal(old.anchors, young.anchors, 'the keys are the same');
  let now = old;
  const { clock, random } = old;
  const exchange: typeof old.transport.exchange = (...args) => now.transport.exchange(...args);
  const resolver = resolverOn(old, { environment: { clock, random, transport: { exchange } } });
  for (const name of ['c', 'd', 'e', 'f', 'g']) await ask(resolver, `${name}.example.com`, 'A');
  t.match(await told(resolver, 'h.example.com'), /^secure nxdomain/);
  const before = resolver.held().denials.rrsets;
  now = young;
  // What comes next is asked for, and denied by the new chain.
  t.equal(await told(resolver, 'b.example.com'), 'secure 192.0.2.1, asked');
  let outcome = '';
  for (let i = 0; i < 30 && !outcome.endsWith('asked'); i += 1)
    outcome = await told(resolver, `x${i}.example.com`, 'TXT');
  for (const name of ['i', 'j', 'k', 'l', 'm', 'n'])
    t.match(await told(resolver, `${name}.example.com`), /^secure nxdomain/, 'never of both');
  let made = 0;
  for (let i = 0; i < 10; i += 1)
    if ((await told(resolver, `y${i}.example.com`)).endsWith('made')) made += 1;
  t.ok(made > 0, 'the new chain is used');
  t.ok(resolver.held().denials.rrsets <= before);
});

t.test('a clock that jumps extends nothing', async (t) => {
  const { net, resolver } = await world(['b A 192.0.2.1', 'p A 192.0.2.2']);
  t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'd.example.com'), 'secure nxdomain, made');
  net.clock.advance(-60_000);
  t.equal(await told(resolver, 'e.example.com'), 'secure nxdomain, asked', 'put back');
  net.clock.advance(120_000);
  t.match(await told(resolver, 'f.example.com'), /^secure nxdomain/);
  net.clock.advance(901_000);
  t.equal(await told(resolver, 'g.example.com'), 'secure nxdomain, asked', 'put forward');
  net.clock.advance(31 * 86_400_000);
  t.match(await told(resolver, 'h.example.com'), /^bogus/, 'all signatures have expired');
});

t.test('other trust anchors, and one that makes a zone below: asked anew', async (t) => {
  const net = internet({
    'example.com': ['b A 192.0.2.1', 't A 192.0.2.2'],
    'r.example.com': { records: ['www A 192.0.2.3'], servers: 'example.com' },
  });
  // The parent has never heard of the child: its span denies what the anchor is for.
  const child = Name.parse('r.example.com');
  const forget = alterPlan((plan) => ({
    ...plan,
    records: plan.records.filter(({ owner }) => !owner.isAtOrBelow(child)),
  }));
  net.amend('example.com', forget);
  const root = parseAnchors(net.anchors);
  const both = parseAnchors(net.anchors + net.anchorOf('r.example.com'));
  if (root.kind === 'errors' || both.kind === 'errors') throw new Error('broken anchors');
  let anchors = root.anchors;
  const resolver = resolverOn(net, { anchors: () => anchors });
  t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'd.example.com'), 'secure nxdomain, made');
  anchors = both.anchors;
  t.equal(await told(resolver, 'e.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'f.example.com'), 'secure nxdomain, made');
  t.equal(await told(resolver, 'q.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 's.example.com'), 'secure nxdomain, made', 'and r lies between');
  t.equal(await told(resolver, 'www.r.example.com'), 'secure 192.0.2.3, asked');
});

t.test('random zones: whatever is asked in whatever order, what was made is true', async (t) => {
  let made = 0;
  for (let seed = 1; seed <= 8; seed += 1) {
    const scene = randomScene(seed);
    const dice = new Dice(seed + 99);
    const resolver = resolverOn(scene.net);
    for (let i = 0; i < 120; i += 1) {
      const [name, type] = dice.pick(scene.questions);
      const outcome = await resolver.lookup(name, type);
      if (isSynthesised(outcome)) made += 1;
      const falsehood = failed(outcome) ? undefined : findFalsehood(scene, outcome);
      if (falsehood) t.fail(`${seed}: ${name} ${type}: ${show(outcome)}: ${falsehood}`);
      if (dice.chance(0.02)) scene.net.clock.advance(dice.pick([1_000, 400_000, 901_000]));
    }
  }
  t.ok(made > 50, `${made} answers were made`);
});

t.test('names sort as text as RFC 4034 section 6.1 has it', async (t) => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 5, max: 4 });
  const labels = fc.array(fc.oneof(label, fc.uint8Array({ minLength: 1, maxLength: 3 })), {
    maxLength: 4,
  });
  const nameOf = (parts: readonly Uint8Array[]): Name =>
    parts.reduce((name: Name, part) => name.child(part) ?? name, Name.parse('.'));
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      const [one, two] = [nameOf(a), nameOf(b)];
      const [left, right] = [orderKey(one), orderKey(two)];
      const order = left < right ? -1 : left > right ? 1 : 0;
      return order === Math.sign(one.compare(two));
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test('spans: what is found is what a search of all would find', async (t) => {
  const key = fc.integer({ min: 10, max: 40 }).map(String);
  fc.assert(
    fc.property(fc.array(fc.tuple(key, key), { maxLength: 20 }), key, (ends, sought) => {
      const spans = new Spans<{ from: string; to: string }>();
      for (const [from, to] of ends) spans.put({ from, to });
      const all = [...spans];
      const at = all.find(({ from }) => from === sought);
      const over = spans.over(sought);
      const holds = ({ from, to }: { from: string; to: string }): boolean =>
        from < to ? from < sought && sought < to : from < sought || sought < to;
      return (
        new Set(all.map(({ from }) => from)).size === all.length &&
        all.every((span, i) => i === 0 || (all[i - 1]?.from ?? '') < span.from) &&
        spans.at(sought) === at &&
        (over === undefined || holds(over))
      );
    }),
  );
  const chain = new Spans<{ from: string; to: string }>();
  for (const [from, to] of ['bd', 'df', 'fb'].map((text) => [...text])) {
    if (from && to) chain.put({ from, to });
  }
  const over = (text: string): string | undefined => chain.over(text)?.from;
  t.strictSame(['a', 'b', 'c', 'd', 'e', 'g'].map(over), [
    'f',
    undefined,
    'b',
    undefined,
    'd',
    'f',
  ]);
  t.strictSame(
    chain.put({ from: 'b', to: 'f' }).map(({ from }) => from),
    ['b', 'd'],
  );
  t.strictSame(['c', 'd', 'e'].map(over), ['b', 'b', 'b']);
});

t.test('a wildcard of the parent does not reach below a delegation', async (t) => {
  for (const signing of BOTH) {
    const more: Zones = { 'm.example.com': { records: ['@ A 192.0.2.1'], signing: 'unsigned' } };
    const { resolver } = await world(['* A 192.0.2.7', 'z A 192.0.2.9'], { signing, more });
    for (const label of ['a', 'b', 'l', 'n', 'o', 'p.q', 'w'])
      t.match(await told(resolver, `${label}.example.com`), /^secure 192\.0\.2\.7/, label);
    t.equal(await told(resolver, 'x.m.example.com'), 'insecure nxdomain (no-ds-proven), asked');
    t.equal(await told(resolver, 'm.example.com'), 'insecure 192.0.2.1 (no-ds-proven), asked');
  }
});

t.test('a wildcard of an alias', async (t) => {
  for (const signing of BOTH) {
    const records = ['*.w CNAME b', 'b A 192.0.2.1', 'b AAAA 2001:db8::1'];
    const { resolver } = await world(records, { signing });
    t.equal(await told(resolver, 'a.w.example.com'), 'secure 192.0.2.1, asked');
    let made = 0;
    for (const label of ['c', 'd', 'e', 'f', 'g', 'h']) {
      const outcome = await resolver.lookup(Name.parse(`${label}.w.example.com`), 'A');
      t.equal(show(outcome), 'secure 192.0.2.1');
      t.strictSame(
        outcome.aliases.map(({ status, proof }) => [status, proof.length]),
        [['secure', 1]],
      );
      if (isSynthesised(outcome)) made += 1;
    }
    t.ok(made > 0);
  }
});

t.test('behind a forwarder', async (t) => {
  const net = internet({
    'example.com': ['b A 192.0.2.1', 'p A 192.0.2.2', '*.w A 192.0.2.7'],
    'm.example.com': { records: ['www A 192.0.2.3'], signing: 'unsigned' },
  });
  const resolver = resolverOn(net, { forward: [net.forwarder] });
  t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'd.example.com'), 'secure nxdomain, made');
  t.equal(await told(resolver, 'n.example.com'), 'secure nxdomain, asked');
  t.equal(await told(resolver, 'www.m.example.com'), 'insecure 192.0.2.3 (no-ds-proven), asked');
  t.equal(await told(resolver, 'x.w.example.com'), 'secure 192.0.2.7, asked');
  t.equal(await told(resolver, 'y.w.example.com'), 'secure 192.0.2.7, made');
});

t.test('clients who do not desire recursion, and questions for signed zones only', async (t) => {
  const { net, resolver } = await world(['b A 192.0.2.1', 'p A 192.0.2.2']);
  const name = Name.parse('d.example.com');
  t.equal(resolver.recall(name, 'A'), undefined);
  t.equal(await told(resolver, 'c.example.com'), 'secure nxdomain, asked');
  const known = resolver.recall(name, 'A');
  t.equal(known && show(known), 'secure nxdomain');
  const before = net.log.length;
  const tlsa = await resolver.lookup(Name.parse('_25._tcp.c.example.com'), 'TLSA', {
    ask: 'if-signed',
  });
  t.equal(show(tlsa), 'secure nxdomain');
  t.equal(net.log.length, before);
  // RFC 4035 section 3.1.3.2: what a client needs to see it for itself.
  const made = await resolver.lookup(Name.parse('e.example.com'), 'TLSA');
  if (failed(made) || made.answer.kind !== 'nxdomain') throw new Error('no denial');
  t.strictSame(made.answer.proof.map(({ type, owner }) => `${type} ${owner}`).sort(), [
    'NSEC b.example.com.',
    'NSEC example.com.',
    'SOA example.com.',
  ]);
  t.ok(made.answer.proof.every(({ signatures }) => signatures.length > 0));
});

t.test('the absence of TLSA records may be proved by what is kept', async (t) => {
  const net = internet({
    'example.com': ['@ MX 10 mx', 'mx A 192.0.2.25', 'mx AAAA 2001:db8::25', 'a A 192.0.2.1'],
  });
  const resolver = resolverOn(net);
  await ask(resolver, 'mz.example.com', 'A'); // mx -> ns spans all that could lie below mx
  const plan = await planDelivery(Name.parse('example.com'), resolver.lookup);
  t.match(plan, { kind: 'deliver', hosts: [{ tls: 'opportunistic', why: 'no-tlsa' }] });
  t.notOk(
    net.log.some(({ type }) => type === 'TLSA'),
    'no question for them was sent',
  );
});

t.test('P08: TLSA records below a name that is said not to exist', async (t) => {
  // A server that answers NXDOMAIN for an empty non-terminal; its NSEC records tell the truth (RFC 8020 section 2).
  const broken = onlyFor(
    { types: ['A'] },
    alterReply((reply) => (reply.answer.length === 0 ? { ...reply, rcode: 'NXDOMAIN' } : reply)),
  );
  for (const signing of BOTH) {
    const { net, resolver } = await world(['mx A 192.0.2.25', '_25._tcp.mx TLSA 3 1 1 00ff'], {
      signing,
    });
    net.amend('example.com', broken);
    await ask(resolver, '_tcp.mx.example.com', 'A');
    await ask(resolver, '_tcp.mx.example.com', 'TXT');
    t.match(await told(resolver, '_25._tcp.mx.example.com', 'TLSA'), 'secure 3 1 1 00FF, asked');
    t.match(await told(resolver, '_465._tcp.mx.example.com', 'TLSA'), /^secure nxdomain/);
  }
});

/** An absence without the SOA is of no version of its zone, and is not kept. */
const soaOf = (owner: Name, ttl: number): RRset => ({
  owner,
  type: 'SOA',
  ttl,
  rdata: [parseRdata('SOA', `ns.${owner} hostmaster.${owner} 1 3600 600 86400 ${ttl}`)],
  signatures: [],
});

t.test('what one zone keeps is bounded, and so is all of it', async (t) => {
  const clock = { now: () => 0, sleep: async () => {} };
  const bytes = 200_000;
  const denials = new Denials(clock, { bytes, longest: 3600 });
  const trust = (): ZoneTrust => ({
    status: 'secure',
    keys: { zone: Name.parse('example.com'), keys: [] },
    ttl: 3600,
  });
  const nsec = (zone: string, i: number): RRset => ({
    owner: Name.parse(`n${String(i).padStart(6, '0')}.${zone}`),
    type: 'NSEC',
    ttl: 3600,
    rdata: [parseRdata('NSEC', `n${String(i).padStart(6, '0')}a.${zone} A RRSIG NSEC`)],
    signatures: [],
  });
  const keep = (zone: string, by: ZoneTrust, i: number): void =>
    denials.keep(Name.parse(zone), by, {
      status: 'secure',
      found: { kind: 'nodata', proof: [soaOf(Name.parse(zone), 3600), nsec(zone, i)] },
      ttl: 3600,
    });
  const one = trust();
  let most = 0;
  let beginnings = 0;
  for (let i = 0, before = 0; i < 2000; i += 1) {
    keep('example.com', one, i);
    const held = denials.held.bytes;
    if (held < before) beginnings += 1;
    most = Math.max(most, held);
    before = held;
  }
  t.ok(most > bytes / 20, `${most} octets: a zone may take its share (a tenth)`);
  t.ok(most <= bytes / 5, `${most} octets: and not much more`);
  t.ok(beginnings > 0, 'a zone that is full begins anew');
  t.ok(denials.of(Name.parse('example.com'), one));
  t.equal(denials.of(Name.parse('example.com'), trust()), undefined, 'for this trust alone');
  for (let i = 0; i < 50; i += 1) keep('example.com', one, 1);
  const { rrsets } = denials.held;
  for (let i = 0; i < 50; i += 1) keep('example.com', one, 1);
  t.equal(denials.held.rrsets, rrsets, 'the same record again takes no more');
  const zone = Name.parse('example.com');
  const kept = (): ZoneDenial | undefined => denials.of(zone, one);
  for (let i = 0; (kept()?.bytes ?? 0) < bytes / 10; i += 1) keep('example.com', one, i);
  const rdata = [parseRdata('A', '192.0.2.1')];
  const rrset: RRset = {
    owner: Name.parse('w.example.com'),
    type: 'A',
    ttl: 60,
    rdata,
    signatures: [],
  };
  const found = { kind: 'records', rrset, proof: [nsec('example.com', 5000)] } as const;
  denials.keep(zone, one, { status: 'secure', found, ttl: 60 });
  t.equal(kept()?.serial, 1, 'what came without SOA makes a full zone forget no version');
  keep('example.com', one, 5000);
  t.ok((kept()?.bytes ?? bytes) < bytes / 20, 'what came with one makes it begin anew');
  for (let i = 0; i < 2000; i += 1) keep(`z${i}.test`, trust(), i);
  t.ok(denials.held.bytes <= bytes, `${denials.held.bytes} octets`);
});

t.test('a record that was made for one question is not kept (RFC 9824 section 3)', async (t) => {
  const clock = { now: () => 0, sleep: async () => {} };
  const zone = Name.parse('example.com');
  const trust: ZoneTrust = { status: 'secure', keys: { zone, keys: [] }, ttl: 3600 };
  for (const [bitmap, isKept] of [
    ['RRSIG NSEC NXNAME', false],
    ['A', false], // no record of a signed zone lacks these two
    ['RRSIG NSEC', true],
  ] as const) {
    const denials = new Denials(clock, { bytes: 1e6, longest: 3600 });
    const owner = Name.parse('c.example.com');
    const rdata = [parseRdata('NSEC', `\\000.c.example.com. ${bitmap}`)];
    const nsec: RRset = { owner, type: 'NSEC', ttl: 60, rdata, signatures: [] };
    const proof = [soaOf(zone, 60), nsec];
    denials.keep(zone, trust, { status: 'secure', found: { kind: 'nodata', proof }, ttl: 60 });
    const key = orderKey(owner);
    t.equal(denials.of(zone, trust)?.at('nsec', key, 0) !== undefined, isKept, bitmap);
    t.equal(
      denials.of(zone, trust)?.at('nsec', key, 60_000),
      undefined,
      'and no longer than its TTL',
    );
  }
});

t.test(
  'row 68: a record that came without SOA is used no longer than the SOA allows',
  async (t) => {
    const soa = '@ 900 SOA ns hostmaster 1 3600 600 86400 1800';
    const net = internet({ 'example.com': [soa, 'b A 192.0.2.1', '*.w A 192.0.2.7'] });
    net.amend('example.com', times68(net, 86_400));
    const resolver = resolverOn(net);
    t.equal(await told(resolver, 'a.w.example.com'), 'secure 192.0.2.7, asked', '*.w to the apex');
    net.clock.advance(600_000);
    t.equal(await told(resolver, 'b.example.com', 'TXT'), 'secure nodata, asked', 'here is an SOA');
    net.clock.advance(299_000);
    t.equal(await told(resolver, 'c.w.example.com'), 'secure 192.0.2.7, made', '899 s');
    net.clock.advance(2_000);
    t.equal(await told(resolver, 'd.w.example.com'), 'secure 192.0.2.7, asked', '901 s');
  },
);

t.test('absences are kept for an hour at most', async (t) => {
  const denials = new Denials(
    { now: () => 0, sleep: async () => {} },
    { bytes: 1e6, longest: 3600 },
  );
  const zone = Name.parse('example.com');
  const trust: ZoneTrust = { status: 'secure', keys: { zone, keys: [] }, ttl: 86_400 };
  const rdata = [parseRdata('NSEC', 'z.example.com. A RRSIG NSEC')];
  const nsec: RRset = { owner: zone, type: 'NSEC', ttl: 86_400, rdata, signatures: [] };
  const proof = [soaOf(zone, 86_400), nsec];
  denials.keep(zone, trust, { status: 'secure', found: { kind: 'nodata', proof }, ttl: 86_400 });
  const at = (now: number) =>
    denials.of(zone, trust)?.over('nsec', orderKey(Name.parse('b.example.com')), now);
  t.equal(at(1_000)?.ttl, 3599);
  t.equal(at(3_599_000)?.ttl, 1);
  t.equal(at(3_600_000), undefined);
});

t.test('an empty non-terminal whose next name sorts before any wildcard', async (t) => {
  const { resolver } = await world(['b A 192.0.2.1', '\\033x.c A 192.0.2.2']);
  t.equal(await told(resolver, 'b.example.com', 'TXT'), 'secure nodata, asked');
  t.equal(await told(resolver, 'c.example.com'), 'secure nodata, made');
});

t.test('looking into what is kept leaves hashes for what is asked', async (t) => {
  const net = internet({
    'example.com': {
      records: ['*.w A 192.0.2.7', 'b A 192.0.2.1', 'p.q.r.s.t A 192.0.2.2'],
      signing: { denial: 'nsec3' },
    },
  });
  const resolver = resolverOn(net, { limits: { 'nsec3-hashes': 4 } });
  t.equal(await told(resolver, 'x.b.example.com'), 'secure nxdomain, asked');
  for (const label of ['1.2.3.4.5.6', '2.3.4.5.6', '1.3.5.7', '1.4.7.9', '9.8.7'])
    t.match(await told(resolver, `${label}.w.example.com`), /^secure 192\.0\.2\.7/);
});

t.test('what a wildcard alias does not speak for', async (t) => {
  const { resolver } = await world(['*.w CNAME b', 'b A 192.0.2.1']);
  t.equal(await told(resolver, 'a.w.example.com'), 'secure 192.0.2.1, asked');
  const outcome = await resolver.lookup(Name.parse('c.w.example.com'), 'NSEC');
  t.notOk(isSynthesised(outcome));
  t.strictSame(outcome.aliases, []);
});

t.test('of two chains with different parameters the one that came last is kept', async (t) => {
  const zone = Name.parse('example.com');
  const trust: ZoneTrust = { status: 'secure', keys: { zone, keys: [] }, ttl: 3600 };
  const denials = new Denials(
    { now: () => 0, sleep: async () => {} },
    { bytes: 1e6, longest: 3600 },
  );
  const hashes = ['0', '1', '2', '3'].map((digit) => digit.repeat(32));
  const keep = (from: number, salt: string): void => {
    const [hash = '', next = ''] = hashes.slice(from);
    const owner = zone.child(hash) ?? zone;
    const rdata = [parseRdata('NSEC3', `1 0 0 ${salt} ${next} A RRSIG`)];
    const nsec3: RRset = { owner, type: 'NSEC3', ttl: 60, rdata, signatures: [] };
    const proof = [soaOf(zone, 60), nsec3];
    denials.keep(zone, trust, { status: 'secure', found: { kind: 'nodata', proof }, ttl: 60 });
  };
  const known = (): readonly boolean[] =>
    hashes.map((hash) => denials.of(zone, trust)?.at('nsec3', hash, 0) !== undefined);
  keep(0, 'aa');
  keep(2, 'aa');
  t.strictSame(known(), [true, false, true, false]);
  keep(1, 'bb');
  t.strictSame(known(), [false, true, false, false]);
  t.equal(denials.held.rrsets, 2, 'and the SOA');
  t.equal(Buffer.from(denials.of(zone, trust)?.hashing?.salt ?? []).toString('hex'), 'bb');
});
