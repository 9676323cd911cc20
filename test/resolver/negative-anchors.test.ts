// Negative trust anchors (RFC 7646): what they switch off, what they leave alone, and how they end.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { anchorsFrom, parseAnchors } from '../../src/dnssec/anchors.ts';
import { NEGATIVE_ANCHOR_LONGEST_MS, NegativeAnchors } from '../../src/dnssec/negative-anchors.ts';
import type { Outcome } from '../../src/dnssec/outcome.ts';
import { type Internet, internet, wrongDs } from '../../src/testing/index.ts';
import { ask, resolverOn, show } from './support.ts';

const HOUR = 3_600_000;

const world = (): Internet =>
  internet({
    'example.com': ['www A 192.0.2.1', 'host A 192.0.2.2', 'mail.host A 192.0.2.3'],
    'sub.example.com': { records: ['www A 192.0.2.4'], servers: 'example.com' },
    'zone1.example.com': ['www A 192.0.2.5'],
    'example.net': ['to CNAME www.example.com.', 'www A 192.0.2.6'],
  });
const on = (name: string, net: Internet, lifetimeMs = HOUR): NegativeAnchors => {
  const list = new NegativeAnchors();
  list.add(Name.parse(name), { reason: 'their DS is wrong', now: net.clock.now(), lifetimeMs });
  return list;
};

/** The names of the negative anchors that an outcome and its steps show. */
const shown = ({ negativeAnchors = [], trace }: Outcome): readonly string[] => [
  ...negativeAnchors.map(({ name, reason }) => `${name} (${reason})`),
  ...new Set(
    trace.flatMap((step) =>
      step.kind !== 'exchange' && step.negativeAnchor ? [`step ${step.negativeAnchor}`] : [],
    ),
  ),
];

t.test('a broken zone under a negative anchor is insecure, and the verdict names it', async (t) => {
  const net = world().amend('example.com', wrongDs('digest'));
  t.equal(await ask(resolverOn(net), 'www.example.com', 'A'), 'bogus (dnskey-missing)');
  const resolver = resolverOn(net, { negativeAnchors: on('example.com', net) });
  const before = net.log.length;
  const outcome = await resolver.lookup(Name.parse('www.example.com'), 'A');
  t.equal(show(outcome), 'insecure 192.0.2.1 (negative-trust-anchor)');
  t.strictSame(shown(outcome), ['example.com. (their DS is wrong)', 'step example.com.']);
  const keysOf = net.log.slice(before).filter(({ type }) => type === 'DNSKEY');
  t.notOk(
    keysOf.some(({ name }) => name.toString() === 'example.com.'),
    'its keys are not asked for',
  );
  const again = await resolver.lookup(Name.parse('www.example.com'), 'A');
  t.strictSame(
    [again.spent.queries, ...shown(again)],
    [0, ...shown(outcome)],
    'also from the cache',
  );
  t.equal(
    await ask(resolver, 'zone1.example.com', 'DS'),
    `insecure ${dsText(net)} (negative-trust-anchor)`,
  );
  t.match(await ask(resolver, 'example.com', 'DS'), /^secure /, 'its DS belongs to its parent');
  t.equal(await ask(resolver, 'www.example.net', 'A'), 'secure 192.0.2.6', 'others are untouched');
});

/** The DS of zone1 as its parent publishes it. */
function dsText(net: Internet): string {
  return net.anchorOf('zone1.example.com').trim().split(' DS ')[1] ?? '';
}

t.test('it covers cuts below it, seen and unseen, and the absence of names', async (t) => {
  const net = world();
  const resolver = resolverOn(net, { negativeAnchors: on('example.com', net) });
  for (const [name, data] of [
    ['www.zone1.example.com', '192.0.2.5'],
    ['www.sub.example.com', '192.0.2.4'],
    ['nothing.example.com', 'nxdomain'],
    ['example.com', 'nodata'],
  ] as const)
    t.equal(await ask(resolver, name, 'A'), `insecure ${data} (negative-trust-anchor)`, name);
});

t.test('it needs no cut of its own: a host in a sound zone', async (t) => {
  const broken = Name.parse('host.example.com');
  const net = world().amend('example.com', {
    records: ({ records }) =>
      records.filter(({ type, owner }) => type !== 'RRSIG' || !owner.equals(broken)),
  });
  t.equal(await ask(resolverOn(net), 'host.example.com', 'A'), 'bogus (rrsigs-missing)');
  const resolver = resolverOn(net, { negativeAnchors: on('host.example.com', net) });
  t.equal(
    await ask(resolver, 'host.example.com', 'A'),
    'insecure 192.0.2.2 (negative-trust-anchor)',
  );
  t.equal(
    await ask(resolver, 'mail.host.example.com', 'A'),
    'insecure 192.0.2.3 (negative-trust-anchor)',
  );
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'secure 192.0.2.1');
});

t.test('a question for signed zones only does not reach it', async (t) => {
  const net = world();
  for (const [anchor, name] of [
    ['example.com', 'www.example.com'],
    ['host.example.com', '_25._tcp.host.example.com'],
    ['example.com', 'www.zone1.example.com'],
  ] as const) {
    const resolver = resolverOn(net, { negativeAnchors: on(anchor, net) });
    const outcome = await resolver.lookup(Name.parse(name), 'TLSA', { ask: 'if-signed' });
    t.equal(show(outcome), 'insecure not-asked (negative-trust-anchor)', name);
    t.ok(shown(outcome).includes(`${anchor}. (their DS is wrong)`), name);
  }
});

t.test('an alias into it makes the whole answer insecure, whichever way it is found', async (t) => {
  const net = world();
  const resolver = resolverOn(net, { negativeAnchors: on('example.com', net) });
  const outcome = await resolver.lookup(Name.parse('to.example.net'), 'A');
  t.equal(show(outcome), 'insecure 192.0.2.1 (negative-trust-anchor)');
  t.equal(outcome.aliases[0]?.status, 'secure', 'the link itself was proved');
  t.strictSame(shown(outcome), ['example.com. (their DS is wrong)', 'step example.com.']);
});

t.test('an alias within one reply into a covered host', async (t) => {
  const net = internet({ 'example.com': ['www A 192.0.2.1', 'alias CNAME www'] });
  const resolver = resolverOn(net, { negativeAnchors: on('www.example.com', net) });
  t.equal(
    await ask(resolver, 'alias.example.com', 'A'),
    'insecure 192.0.2.1 (negative-trust-anchor)',
  );
});

t.test('a closer trust anchor stands; at the same name the negative one wins', async (t) => {
  const net = world();
  const anchors = parseAnchors(`${net.anchors}${net.anchorOf('zone1.example.com')}`);
  if (anchors.kind === 'errors') throw new Error('a broken internet');
  const above = resolverOn(net, {
    anchors: anchors.anchors,
    negativeAnchors: on('example.com', net),
  });
  t.equal(await ask(above, 'www.zone1.example.com', 'A'), 'secure 192.0.2.5');
  t.equal(await ask(above, 'www.example.com', 'A'), 'insecure 192.0.2.1 (negative-trust-anchor)');
  const beside = resolverOn(net, {
    anchors: anchors.anchors,
    negativeAnchors: on('zone1.example.com', net),
  });
  t.equal(
    await ask(beside, 'www.zone1.example.com', 'A'),
    'insecure 192.0.2.5 (negative-trust-anchor)',
  );
});

t.test('what it covered is judged anew when it ends, is removed or is added', async (t) => {
  const net = world();
  const list = on('example.com', net);
  const resolver = resolverOn(net, { negativeAnchors: list });
  const insecure = await resolver.lookup(Name.parse('www.zone1.example.com'), 'A');
  t.equal(show(insecure), 'insecure 192.0.2.5 (negative-trust-anchor)');
  t.ok(insecure.expiresAt <= net.clock.now() + HOUR, 'an outcome ends with its anchor');
  net.clock.advance(HOUR);
  t.equal(await ask(resolver, 'www.zone1.example.com', 'A'), 'secure 192.0.2.5', 'it has ended');
  t.strictSame(list.list(net.clock.now()), []);
  const terms = { reason: 'broken again', now: net.clock.now() };
  list.add(Name.parse('zone1.example.com'), terms);
  t.match(await ask(resolver, 'www.zone1.example.com', 'A'), /^insecure/, 'it is added');
  t.match(await ask(resolver, 'www.example.com', 'A'), /^secure/, 'to a zone below');
  t.equal(list.remove(Name.parse('zone1.example.com')), true);
  t.match(await ask(resolver, 'www.zone1.example.com', 'A'), /^secure/, 'it is removed');
});

t.test('a bogus answer that is remembered gives way to a new negative anchor', async (t) => {
  const net = world().amend('example.com', wrongDs('digest'));
  const list = new NegativeAnchors();
  const resolver = resolverOn(net, { negativeAnchors: list });
  t.match(await ask(resolver, 'www.example.com', 'A'), /^bogus/);
  list.add(Name.parse('com'), { reason: 'all of it', now: net.clock.now() });
  t.equal(
    await ask(resolver, 'www.example.com', 'A'),
    'insecure 192.0.2.1 (negative-trust-anchor)',
  );
});

t.test('it has a reason and an end within a week', (t) => {
  const list = new NegativeAnchors();
  const add = (terms: { reason?: string; lifetimeMs?: number }) => () =>
    list.add(Name.parse('example.com'), { reason: 'because', now: 0, ...terms });
  t.throws(add({ reason: ' ' }), { message: /reason/ });
  for (const lifetimeMs of [
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    NEGATIVE_ANCHOR_LONGEST_MS + 1,
  ])
    t.throws(add({ lifetimeMs }), { message: /at most a week/ }, String(lifetimeMs));
  t.equal(add({})().expiresAt, HOUR, 'an hour by default');
  t.equal(add({ lifetimeMs: NEGATIVE_ANCHOR_LONGEST_MS })().expiresAt, 604_800_000);
  t.end();
});

t.test('an ended one does not hide the one above it', (t) => {
  const list = new NegativeAnchors();
  list.add(Name.parse('example.com'), { reason: 'a', now: 0, lifetimeMs: 10 });
  list.add(Name.parse('com'), { reason: 'b', now: 0, lifetimeMs: 20 });
  const covering = (now: number) =>
    list.covering(Name.parse('www.example.com'), anchorsFrom([]), now)?.name.toString();
  t.strictSame([9, 10, 19, 20].map(covering), ['example.com.', 'com.', 'com.', undefined]);
  t.end();
});

t.test('new anchors in place of the old: what rested on those is worked out anew', async (t) => {
  const net = world();
  const sound = parseAnchors(net.anchors);
  const other = parseAnchors(
    '. IN DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
  );
  if (sound.kind === 'errors' || other.kind === 'errors') throw new Error('a broken internet');
  let anchors = sound.anchors;
  const resolver = resolverOn(net, { anchors: () => anchors });
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'secure 192.0.2.1');
  anchors = other.anchors;
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'bogus (anchor-outdated)');
  anchors = sound.anchors;
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'secure 192.0.2.1');
});
