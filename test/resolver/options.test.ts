// What an operator may choose (zones with servers of their own, negative anchors, families, minimisation, longest TTLs),
// and what the cache makes of what it has: aliases, absences, delegations. Counts of packets are the claims.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import { NegativeAnchors } from '../../src/dnssec/negative-anchors.ts';
import type { Transport } from '../../src/environment.ts';
import { Joined } from '../../src/resolver/joined.ts';
import type { Resolver } from '../../src/resolver/resolver.ts';
import {
  corruptSignatures,
  expireSignatures,
  type Internet,
  internet,
  removeSignatures,
  silence,
  type Zones,
} from '../../src/testing/index.ts';
import { ask, resolverOn } from './support.ts';

const SOUND: Zones = {
  'example.com': [
    'www A 192.0.2.1',
    'www AAAA 2001:db8::1',
    'alias CNAME www',
    'shared CNAME www.example.net.',
    'tree DNAME example.net.',
  ],
  'example.net': ['www A 192.0.2.10', 'www TXT "t"', 'other TXT "o"'],
  'plain.net': { records: ['www A 192.0.2.80', 'alias CNAME www'], signing: 'unsigned' },
};

const name = (text: string): Name => Name.parse(text);

/** Packets that a question costs. */
async function cost(
  net: Internet,
  resolver: Resolver,
  owner: string,
  type: RRType,
): Promise<number> {
  const before = net.log.length;
  await ask(resolver, owner, type);
  return net.log.length - before;
}

/** The addresses of a zone's servers. */
const serversOf = (net: Internet, zone: string) =>
  [
    ...new Set(net.log.filter((one) => one.zone?.equals(name(zone))).map(({ server }) => server)),
  ].map((ip) => ({ ip, port: 53 }));

async function stubbed(zone: string, options: Parameters<typeof resolverOn>[1] = {}) {
  const net = internet(SOUND);
  await ask(resolverOn(net), `www.${zone}`, 'A'); // shows who serves it
  const addresses = serversOf(net, zone);
  const nameservers = [{ host: name(zone), addresses }];
  const zones = [{ name: name(zone), role: 'authoritative', nameservers } as const];
  return { net, resolver: resolverOn(net, { zones, ...options }) };
}

t.test('a stub zone is asked at its own servers, and proved all the same', async (t) => {
  const { net, resolver } = await stubbed('example.com');
  const before = net.log.length;
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'secure 192.0.2.1');
  const first = net.log[before];
  t.ok(first?.zone?.equals(name('example.com')), 'no walk from the root');
  net.amend('example.com', corruptSignatures('AAAA'));
  t.equal(await ask(resolver, 'www.example.com', 'AAAA'), 'bogus (signature-invalid)');
});

t.test('a stub zone that is unsigned is insecure by its parent’s proof', async (t) => {
  const { resolver } = await stubbed('plain.net');
  t.equal(await ask(resolver, 'www.plain.net', 'A'), 'insecure 192.0.2.80 (no-ds-proven)');
});

t.test('stub zones are given once each, and the root is none', (t) => {
  const net = internet({ 'example.com': [] });
  const zone = (text: string) =>
    ({ name: Name.parse(text), role: 'authoritative', nameservers: [] }) as const;
  const given = (...names: string[]) => resolverOn(net, { zones: names.map(zone) });
  t.throws(() => given('corp.example', 'CORP.example'), RangeError);
  t.throws(() => given('.'), RangeError);
  t.doesNotThrow(() => given('corp.example', 'other.example'));
  t.end();
});

t.test('a stub zone with an anchor of its own needs nobody above', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  await ask(resolver, 'www.example.com', 'A');
  const ds = await resolver.lookup(name('example.com'), 'DS');
  if (ds.status !== 'secure' || ds.answer.kind !== 'records') return t.fail('no DS');
  const rdata = [...(ds.answer.rrset.rdata[0] ?? [])];
  const hex = rdata.map((octet) => octet.toString(16).padStart(2, '0')).join('');
  const file = parseAnchors(`example.com. DS \\# ${rdata.length} ${hex}`);
  if (file.kind === 'errors') return t.fail(file.errors.join());
  const nameservers = [{ host: name('example.com'), addresses: serversOf(net, 'example.com') }];
  const zones = [{ name: name('example.com'), role: 'authoritative', nameservers } as const];
  const lonely = resolverOn(net, { zones, anchors: file.anchors });
  const before = net.log.length;
  t.equal(await ask(lonely, 'www.example.com', 'A'), 'secure 192.0.2.1');
  t.equal(net.log.length - before, 2, 'the question and the keys');
});

t.test(
  'a negative anchor switches validation off at and below its name, for its time',
  async (t) => {
    const net = internet(SOUND).amend('example.com', expireSignatures());
    const negativeAnchors = new NegativeAnchors();
    const terms = { reason: 'test', now: net.clock.now(), lifetimeMs: 60_000 };
    negativeAnchors.add(name('example.com'), terms);
    const resolver = resolverOn(net, { negativeAnchors });
    t.equal(
      await ask(resolver, 'www.example.com', 'A'),
      'insecure 192.0.2.1 (negative-trust-anchor)',
    );
    t.equal(await ask(resolver, 'www.example.net', 'A'), 'secure 192.0.2.10', 'nowhere else');
    net.clock.advance(61_000);
    t.match(await ask(resolver, 'www.example.com', 'AAAA'), /^bogus/, 'it has an end');
  },
);

t.test('families: addresses of the other one are not asked', async (t) => {
  for (const [families, other] of [
    ['ipv4', /:/],
    ['ipv6', /^\d+\./],
  ] as const) {
    const net = internet(SOUND);
    await ask(resolverOn(net, { families }), 'www.example.com', 'A');
    t.notOk(
      net.log.some(({ server }) => other.test(server)),
      families,
    );
  }
});

t.test('minimisation off shows every server the whole name', async (t) => {
  const net = internet(SOUND);
  await ask(resolverOn(net, { minimisation: 'off' }), 'www.example.com', 'A');
  const asked = net.log.filter(({ type }) => type === 'A');
  t.ok(asked.length >= 3);
  t.ok(asked.every((one) => one.name.equals(name('www.example.com'))));
});

t.test('longest TTLs bound what is kept', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net, { longestTtl: { positive: 10, negative: 5 } });
  await ask(resolver, 'www.example.com', 'A');
  t.equal(await cost(net, resolver, 'www.example.com', 'A'), 0);
  net.clock.advance(10_000);
  t.equal(await cost(net, resolver, 'www.example.com', 'A'), 1);
});

const SHORT = [
  'www 5 A 192.0.2.1',
  'www 5 TXT "t"',
  'once 0 A 192.0.2.2',
  'alias 5 CNAME www',
  '@ 5 MX 10 www',
  '_25._tcp.www 5 TLSA 3 1 1 aa',
  '_imap._tcp 5 SRV 1 1 143 www',
];
const TLSA = '_25._tcp.www.plain.net';

/** What each question costs when it is asked again so many seconds later. */
async function costsLater(
  options: Parameters<typeof resolverOn>[1],
  seconds: number,
  questions: readonly (readonly [string, RRType])[],
): Promise<readonly number[]> {
  const net = internet({
    'example.com': SHORT,
    'plain.net': { records: SHORT, signing: 'unsigned' },
  });
  const resolver = resolverOn(net, options);
  for (const [owner, type] of questions) await ask(resolver, owner, type);
  net.clock.advance(seconds * 1000);
  const costs: number[] = [];
  for (const [owner, type] of questions) costs.push(await cost(net, resolver, owner, type));
  return costs;
}

t.test('a floor under TTLs keeps what is unsigned for so long, and no longer', async (t) => {
  const asked = [
    ['www.plain.net', 'A'],
    ['www.plain.net', 'TXT'],
    ['once.plain.net', 'A'],
  ] as const;
  t.strictSame(await costsLater({ leastTtl: 30 }, 29, asked), [0, 0, 0]);
  t.strictSame(await costsLater({ leastTtl: 30 }, 30, asked), [1, 1, 1]);
  t.strictSame(await costsLater({}, 5, asked), [1, 1, 1], 'off where it is left out');
  const longestTtl = { positive: 10, negative: 5 };
  t.strictSame(await costsLater({ leastTtl: 30, longestTtl }, 10, asked), [1, 1, 1], 'a ceiling');
  t.strictSame(await costsLater({ leastTtl: 30, longestTtl }, 9, asked), [0, 0, 0]);
  const net = internet({ 'plain.net': { records: ['www 600 A 192.0.2.1'], signing: 'unsigned' } });
  const outcome = await resolverOn(net, { leastTtl: 30 }).lookup(name('www.plain.net'), 'A');
  t.match(outcome, { answer: { rrset: { ttl: 600 } } }, 'a longer TTL is as it was');
});

t.test('a floor under TTLs is handed on counted down', async (t) => {
  const net = internet({ 'plain.net': { records: SHORT, signing: 'unsigned' } });
  const resolver = resolverOn(net, { leastTtl: 30 });
  const first = await resolver.lookup(name('www.plain.net'), 'A');
  t.match(first, { status: 'insecure', answer: { rrset: { ttl: 30 } } });
  net.clock.advance(12_000);
  const second = await resolver.lookup(name('www.plain.net'), 'A');
  t.match(second, { status: 'insecure', answer: { rrset: { ttl: 18 } } });
});

t.test('no floor under what mail goes by, what is signed, aliases and absences', async (t) => {
  const asked = [
    ['plain.net', 'MX'],
    [TLSA, 'TLSA'],
    ['_imap._tcp.plain.net', 'SRV'],
    ['alias.plain.net', 'CNAME'],
    ['www.plain.net', 'ANY'],
    ['www.example.com', 'A'], // RFC 4035 section 5.3.3
    ['example.com', 'MX'],
  ] as const;
  t.strictSame(await costsLater({ leastTtl: 30 }, 5, asked), [1, 1, 1, 1, 1, 1, 1]);
  // The alias is asked for anew, its target is not.
  t.strictSame(await costsLater({ leastTtl: 30 }, 5, [['alias.plain.net', 'A']]), [1]);
  const absent = [['nope.plain.net', 'A']] as const;
  const longestTtl = { positive: 86_400, negative: 5 };
  t.strictSame(await costsLater({ leastTtl: 30, longestTtl }, 5, absent), [1]);
});

t.test('no floor under signed records where a negative anchor covers them', async (t) => {
  const negativeAnchors = new NegativeAnchors();
  const net = internet({ 'example.com': SHORT });
  const terms = { reason: 'test', now: net.clock.now(), lifetimeMs: 3_600_000 };
  negativeAnchors.add(name('example.com'), terms);
  const resolver = resolverOn(net, { leastTtl: 30, negativeAnchors });
  t.equal(
    await ask(resolver, 'www.example.com', 'A'),
    'insecure 192.0.2.1 (negative-trust-anchor)',
  );
  net.clock.advance(5_000);
  t.equal(await cost(net, resolver, 'www.example.com', 'A'), 1, 'others may validate them');
});

t.test('a floor is a number of seconds up to an hour', (t) => {
  const net = internet(SOUND);
  for (const leastTtl of [-1, 0.5, 3_601, Number.NaN])
    t.throws(() => resolverOn(net, { leastTtl }), RangeError, String(leastTtl));
  for (const leastTtl of [0, 3_600]) t.ok(resolverOn(net, { leastTtl }));
  t.end();
});

t.test('a CNAME holds for every type at its name: RFC 1034 section 3.6.2', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  await ask(resolver, 'shared.example.com', 'A');
  t.equal(await cost(net, resolver, 'shared.example.com', 'TXT'), 1, 'only the target is asked');
  t.equal(await ask(resolver, 'shared.example.com', 'TXT'), 'secure "t"');
  t.equal(await cost(net, resolver, 'shared.example.com', 'CNAME'), 0);
});

t.test('a proved DNAME holds for every name below it, an unsigned one for none', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  await ask(resolver, 'www.tree.example.com', 'A');
  t.equal(
    await cost(net, resolver, 'other.tree.example.com', 'TXT'),
    1,
    'only the target is asked',
  );
  t.equal(await ask(resolver, 'other.tree.example.com', 'TXT'), 'secure "o"');
  const plain = internet({
    'plain.net': { records: ['tree DNAME example.net.'], signing: 'unsigned' },
    'example.net': ['www A 192.0.2.10', 'other A 192.0.2.11'],
  });
  const other = resolverOn(plain);
  await ask(other, 'www.tree.plain.net', 'A');
  t.equal(
    await cost(plain, other, 'other.tree.plain.net', 'A'),
    3,
    'CVE-2025-40778: one of them over TCP',
  );
});

t.test('an absent name has no record of any type, and proved nothing below it', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  t.equal(await ask(resolver, 'nope.example.com', 'A'), 'secure nxdomain');
  t.equal(await cost(net, resolver, 'nope.example.com', 'TXT'), 0, 'RFC 2308 section 5');
  t.equal(await cost(net, resolver, 'below.nope.example.com', 'A'), 0, 'RFC 8020');
  t.equal(await ask(resolver, 'below.nope.example.com', 'A'), 'secure nxdomain');
  t.match(await ask(resolver, 'nope.plain.net', 'A'), /^insecure nxdomain/);
  t.equal(await cost(net, resolver, 'nope.plain.net', 'TXT'), 0);
  t.equal(await cost(net, resolver, 'below.nope.plain.net', 'A'), 1, 'not by an unproved one');
});

t.test('the DS of a zone that was referred to is known', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  await ask(resolver, 'www.example.com', 'A');
  await ask(resolver, 'www.plain.net', 'A');
  t.equal(await cost(net, resolver, 'example.com', 'DS'), 0);
  t.equal((await resolver.lookup(name('example.com'), 'DS')).status, 'secure');
  t.equal(await ask(resolver, 'plain.net', 'DS'), 'secure nodata');
  t.equal(await cost(net, resolver, 'plain.net', 'DS'), 0);
});

t.test(
  'what one unsigned reply says of an alias’s target is asked for: no name is spoken of by another’s reply',
  async (t) => {
    const net = internet(SOUND);
    const resolver = resolverOn(net);
    await ask(resolver, 'www.plain.net', 'TXT');
    t.equal(await cost(net, resolver, 'alias.plain.net', 'A'), 2);
    await ask(resolver, 'www.example.com', 'TXT');
    t.equal(
      await cost(net, resolver, 'alias.example.com', 'A'),
      1,
      'where it is proved it is used',
    );
  },
);

t.test('the cache alone: all of the answer or nothing', async (t) => {
  const net = internet(SOUND);
  const resolver = resolverOn(net);
  t.equal(resolver.recall(name('alias.example.com'), 'A'), undefined);
  await ask(resolver, 'alias.example.com', 'A');
  const before = net.log.length;
  const known = resolver.recall(name('alias.example.com'), 'A');
  t.equal(known?.status, 'secure');
  t.equal(known?.aliases.length, 1);
  t.equal(net.log.length, before);
});

t.test('what is fetched unchecked is kept for nobody', async (t) => {
  const net = internet(SOUND).amend('example.com', removeSignatures('A'));
  const resolver = resolverOn(net);
  const unchecked = await resolver.fetchUnchecked(name('www.example.com'), 'A');
  t.equal(unchecked.kind, 'reply');
  t.equal(resolver.recall(name('www.example.com'), 'A'), undefined);
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'bogus (rrsigs-missing)');
  const looping = internet({ 'example.com': ['a CNAME b', 'b CNAME a'] });
  const loop = await resolverOn(looping).fetchUnchecked(name('a.example.com'), 'A');
  t.match(loop, { kind: 'failed', failure: { reason: 'alias-loop' } });
});

t.test('who has waited with one whose time ran out sends nothing of his own', async (t) => {
  const cost = async (askers: number) => {
    const net = internet(SOUND).amend('example.com', silence());
    const resolver = resolverOn(net, { limits: { 'wall-clock': 2_000 } });
    const asking = Array.from({ length: askers }, async (_, i) => {
      await net.clock.sleep(i * 10); // each with time of his own left
      return ask(resolver, 'www.example.com', 'A');
    });
    const shown = new Set(await Promise.all(asking));
    t.same([...shown], ['indeterminate (budget-spent)']);
    await net.clock.sleep(3_000);
    return net.log.length;
  };
  // RFC 9520 section 3.2: the failure is remembered, for those who wait as for those who come.
  t.equal(await cost(50), await cost(1));
});

t.test('work that leads back to itself at once is joined, not begun again', async (t) => {
  const joined = new Joined<string>();
  let begun = 0;
  const begin = async (): Promise<string> => {
    begun += 1;
    t.equal(joined.do('a', begin).own, false);
    return 'done';
  };
  const first = joined.do('a', begin);
  t.same([first.own, await first.result, begun], [true, 'done', 1]);
  t.ok(joined.do('a', async () => 'anew').own, 'when it is done it is begun anew');
  await t.rejects(
    joined.do('b', () => {
      throw new Error('at once');
    }).result,
    /at once/,
  );
  t.ok(joined.do('b', async () => 'anew').own, 'nobody waits for what has thrown');
});

t.test('forwarders at two ports of one address are two', async (t) => {
  const net = internet(SOUND);
  const { ip } = net.forwarder;
  const asked = new Set<number>();
  const transport: Transport = {
    exchange: async (to, query, how) => {
      asked.add(to.port);
      if (to.port === 5301) return { kind: 'unreachable', code: 'ECONNREFUSED' };
      return net.transport.exchange({ ip, port: 53 }, query, how);
    },
  };
  for (const ports of [
    [5301, 5302],
    [5302, 5301],
  ]) {
    const forward = ports.map((port) => ({ ip, port }));
    const environment = { clock: net.clock, random: net.random, transport };
    const resolver = resolverOn(net, { forward, environment });
    t.equal(await ask(resolver, 'www.example.com', 'A'), 'secure 192.0.2.1');
    t.equal(await ask(resolver, 'www.plain.net', 'A'), 'insecure 192.0.2.80 (no-ds-proven)');
  }
  t.ok(asked.has(5301), 'the dead one was tried');
});
