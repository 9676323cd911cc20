// Section 5d of ../shared/spec/adversarial.md: what a reply holds beside what was asked for, and where it must not end up.
// The victims are unsigned wherever that is possible: no signature saves them.
import t from 'tap';
import type { Message } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import {
  type Amendment,
  alterPlan,
  alterReply,
  cookies,
  dropDs,
  forge,
  internet,
  onlyFor,
  precededBy,
  removeRecords,
  silence,
  times,
  wrongCookie,
  wrongId,
  type Zones,
} from '../../src/testing/index.ts';
import { asked, cost, find, records, told } from './adversarial-support.ts';
import { ask, resolverOn, show } from './support.ts';

/** Where every forgery leads. Nobody listens there, and nobody may ask. */
const EVIL = '198.18.66.66';
const VICTIM: Zones = {
  'victim.test': { records: ['www A 192.0.2.1', 'two A 192.0.2.2'], signing: 'unsigned' },
  'evil.test': { records: ['www A 192.0.2.9', 'far CNAME www.victim.test.'], signing: 'unsigned' },
};
const POISON = {
  authority: ['victim.test. NS ns.victim.test.', 'victim.test. NS ns.evil.test.'],
  additional: [
    `ns.victim.test. A ${EVIL}`,
    `ns.evil.test. A ${EVIL}`,
    `www.victim.test. A ${EVIL}`,
    `two.victim.test. A ${EVIL}`,
  ],
} as const;

const adding = ({ answer = [], authority = [], additional = [] }: Sections): Amendment => {
  const more = {
    answer: records(...answer),
    authority: records(...authority),
    additional: records(...additional),
  };
  return alterReply((reply) => ({
    ...reply,
    answer: [...reply.answer, ...more.answer],
    authority: [...reply.authority, ...more.authority],
    additional: [...reply.additional, ...more.additional],
  }));
};
interface Sections {
  readonly answer?: readonly string[];
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
}

/** One amendment after another. */
const both = (first: Amendment, second: Amendment): Amendment => ({
  reply: (replies, request) => {
    const changed = first.reply?.(replies, request) ?? replies;
    return second.reply?.(changed, request) ?? changed;
  },
});

/** In place of what the reply said. */
const instead = (sections: Sections, header: Partial<Message> = {}): Amendment =>
  alterReply((reply) => ({
    ...reply,
    rcode: 'NOERROR',
    authoritative: true,
    answer: records(...(sections.answer ?? [])),
    authority: records(...(sections.authority ?? [])),
    additional: records(...(sections.additional ?? [])),
    ...header,
  }));

t.test('row 85: Kaminsky: a forged referral with a wrong id', async (t) => {
  const net = internet(VICTIM).amend(
    'test',
    onlyFor({ over: 'udp' }, precededBy(times(3, both(instead(POISON), wrongId())))),
  );
  const resolver = resolverOn(net);
  t.equal(await ask(resolver, 'x1.victim.test', 'A'), 'insecure nxdomain (no-ds-proven)');
  t.ok(
    net.log.some(({ over }) => over === 'tcp'),
    'it leads to TCP, as in row 124',
  );
  t.equal(await ask(resolver, 'www.victim.test', 'A'), 'insecure 192.0.2.1 (no-ds-proven)');
  t.same(resolver.closestServers(Name.parse('www.victim.test')).hosts.map(String), [
    'ns.victim.test.',
  ]);
  t.equal(asked(net, EVIL), 0);
});

t.test('row 85: Kaminsky: the right id, from a server of another zone', async (t) => {
  const net = internet(VICTIM).amend(
    'evil.test',
    instead({ ...POISON, answer: ['www.evil.test. A 192.0.2.9'] }),
  );
  const resolver = resolverOn(net);
  t.equal(await ask(resolver, 'www.evil.test', 'A'), 'insecure 192.0.2.9 (no-ds-proven)');
  t.equal(await ask(resolver, 'www.victim.test', 'A'), 'insecure 192.0.2.1 (no-ds-proven)');
  t.equal(
    await ask(resolver, 'ns.victim.test', 'A'),
    'insecure 198.18.1.1 (no-ds-proven)'.replace('198.18.1.1', '198.18.0.1'),
  );
  t.equal(asked(net, EVIL), 0);
  const referring = internet(VICTIM).amend('evil.test', instead(POISON, { authoritative: false }));
  const second = resolverOn(referring);
  t.same(
    told(await second.lookup(Name.parse('www.evil.test'), 'A')),
    ['indeterminate', 'unreachable', 22],
    'a referral to a zone beside is none',
  );
  t.equal(await ask(second, 'www.victim.test', 'A'), 'insecure 192.0.2.1 (no-ds-proven)');
  t.equal(asked(referring, EVIL), 0);
});

t.test('row 86: Birthday: 200 identical questions send the packets of one', async (t) => {
  for (const name of ['www.example.com', 'nope.example.com', 'alias.example.com']) {
    const zones: Zones = { 'example.com': ['www A 192.0.2.1', 'alias CNAME www'] };
    const one = internet(zones);
    await find(one, name);
    const net = internet(zones);
    const resolver = resolverOn(net);
    const first = resolver.lookup(Name.parse(name), 'A');
    await net.clock.sleep(15); // the first is under way, its first reply is in
    const others = Array.from({ length: 199 }, () => resolver.lookup(Name.parse(name), 'A'));
    const outcomes = await Promise.all([first, ...others]);
    t.equal(new Set(outcomes.map(show)).size, 1);
    t.equal(outcomes[0]?.status, 'secure');
    const line = ({ server, name, type }: (typeof net.log)[number]) => `${server} ${name} ${type}`;
    t.same(net.log.map(line).sort(), one.log.map(line).sort(), name);
  }
});

t.test('row 87: unsolicited NS beside a positive answer', async (t) => {
  for (const authority of [
    ['victim.test. NS ns.evil.test.'],
    ['victim.test. NS trap.victim.test.'],
  ]) {
    const poison = {
      authority,
      additional: [`trap.victim.test. A ${EVIL}`, `ns.evil.test. A ${EVIL}`],
    };
    const net = internet(VICTIM).amend('victim.test', times(1, adding(poison)));
    const resolver = resolverOn(net);
    t.equal(
      await ask(resolver, 'www.victim.test', 'A'),
      'insecure 192.0.2.1 (no-ds-proven)',
      'the answer is kept',
    );
    t.equal(await cost(net, () => ask(resolver, 'www.victim.test', 'A')), 0);
    t.equal(await ask(resolver, 'two.victim.test', 'A'), 'insecure 192.0.2.2 (no-ds-proven)');
    t.equal(await ask(resolver, 'trap.victim.test', 'A'), 'insecure nxdomain (no-ds-proven)');
    t.equal(await ask(resolver, 'victim.test', 'NS'), 'insecure ns.victim.test. (no-ds-proven)');
    t.same(resolver.closestServers(Name.parse('victim.test')).hosts.map(String), [
      'ns.victim.test.',
    ]);
    t.equal(asked(net, EVIL), 0);
  }
});

t.test('row 88: addresses beside an authority section without NS', async (t) => {
  const net = internet(VICTIM).amend(
    'victim.test',
    times(1, adding({ additional: POISON.additional })),
  );
  const resolver = resolverOn(net);
  t.equal(await ask(resolver, 'nope.victim.test', 'A'), 'insecure nxdomain (no-ds-proven)');
  t.equal(
    await ask(resolver, 'two.victim.test', 'A'),
    'insecure 192.0.2.2 (no-ds-proven)',
    'not cached',
  );
  t.equal(await ask(resolver, 'ns.victim.test', 'A'), 'insecure 198.18.0.1 (no-ds-proven)');
  t.equal(asked(net, EVIL), 0, 'nor used');
});

const SOA = 'victim.test. SOA ns.victim.test. h.victim.test. 1 3600 600 86400 900';

t.test('row 91: a DNAME that is not above the name, or not in the zone asked', async (t) => {
  const beside = { answer: ['other.victim.test. DNAME evil.test.'], authority: [SOA] };
  for (const dname of [beside, { ...beside, answer: ['www.victim.test. DNAME evil.test.'] }]) {
    const net = internet(VICTIM).amend('victim.test', times(1, instead(dname)));
    const resolver = resolverOn(net);
    t.equal(
      await ask(resolver, 'www.victim.test', 'A'),
      'insecure nodata (no-ds-proven)',
      'ignored',
    );
    t.equal(
      await ask(resolver, 'x.other.victim.test', 'A'),
      'insecure nxdomain (no-ds-proven)',
      'not cached',
    );
  }
  for (const owner of ['test.', '.']) {
    const above = { answer: [`${owner} DNAME evil.test.`], authority: [SOA] };
    const net = internet(VICTIM).amend('victim.test', times(1, instead(above)));
    const resolver = resolverOn(net);
    t.equal(await ask(resolver, 'www.victim.test', 'A'), 'insecure nodata (no-ds-proven)', owner);
    t.equal(await ask(resolver, 'www.evil.test', 'A'), 'insecure 192.0.2.9 (no-ds-proven)');
  }
});

/** What the parent says of the delegation, with a TTL of 5 seconds and glue that would last for a day. */
const BRIEF = {
  test: ['victim 5 NS ns.victim.test.', 'ns.victim 86400 A 198.18.9.1'],
  'victim.test': {
    records: [
      '@ 86400 NS ns',
      'ns 86400 A 198.18.9.1',
      '* 0 A 192.0.2.1',
      'low 86400 NS ns.low',
      'ns.low 86400 A 198.18.9.2',
    ],
    signing: 'unsigned',
    servers: { 'ns.victim.test': '198.18.9.1' },
  },
  'low.victim.test': {
    records: ['@ 86400 NS ns', 'ns 86400 A 198.18.9.2', '* 0 A 192.0.2.2'],
    signing: 'unsigned',
    servers: { 'ns.low.victim.test': '198.18.9.2' },
  },
} as const satisfies Zones;

t.test('row 93: ghost domain: a revoked delegation ends with the parent’s TTL', async (t) => {
  const net = internet(BRIEF);
  const resolver = resolverOn(net);
  t.equal(await ask(resolver, 'a.victim.test', 'A'), 'insecure 192.0.2.1 (no-ds-proven)');
  t.equal(await ask(resolver, 'a.low.victim.test', 'A'), 'insecure 192.0.2.2 (no-ds-proven)');
  const isGone = ({ owner }: { owner: Name }): boolean =>
    owner.isAtOrBelow(Name.parse('victim.test'));
  net.amend(
    'test',
    alterPlan((plan) => ({ ...plan, records: plan.records.filter((one) => !isGone(one)) })),
  );
  for (let second = 1; second < 5; second += 1) {
    net.clock.advance(900);
    t.match(await ask(resolver, `b${second}.victim.test`, 'A'), /^insecure 192.0.2.1/);
    t.match(await ask(resolver, `b${second}.low.victim.test`, 'A'), /^insecure 192.0.2.2/);
    await ask(resolver, 'victim.test', 'NS');
    await ask(resolver, 'ns.victim.test', 'A');
  }
  net.clock.advance(1500);
  t.equal(await ask(resolver, 'c.victim.test', 'A'), 'secure nxdomain', 'the cut');
  t.equal(await ask(resolver, 'c.low.victim.test', 'A'), 'secure nxdomain', 'and all below it');
});

t.test('row 94: self-pointed glue', async (t) => {
  for (const signing of ['unsigned', {}] as const) {
    const net = internet({
      test: { records: ['ns.victim A 198.18.8.1'], servers: { 'ns.test': '198.18.8.1' } },
      'victim.test': {
        records: ['www A 192.0.2.1'],
        signing,
        servers: { 'ns.victim.test': '198.18.9.1' },
      },
    });
    t.same(told(await find(net, 'www.victim.test')), ['indeterminate', 'unreachable', 22]);
    const lines = net.log.map(
      ({ server, name, type, over }) => `${server} ${over} ${name} ${type}`,
    );
    t.equal(new Set(lines).size, lines.length, net.transcript());
    t.ok(asked(net, '198.18.8.1', 'www.victim.test') <= 1);
    t.ok(net.log.length <= 10, 'no loop');
  }
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

t.test('row 95: cyclic NS', async (t) => {
  const net = internet(CYCLE);
  t.same(told(await find(net, 'www.a.test')), ['indeterminate', 'unreachable', 22]);
  t.ok(net.log.length < 50, `${net.log.length} queries`);
});

t.test('row 96: glue from another parent', async (t) => {
  const inside = internet({
    test: ['victim NS ns.host.test.', 'second NS ns.host.test.', 'ns.host A 198.18.9.1'],
    'victim.test': {
      records: ['www A 192.0.2.1'],
      signing: 'unsigned',
      servers: { 'ns.host.test': '198.18.9.1' },
    },
    'second.test': {
      records: ['www A 192.0.2.2'],
      signing: 'unsigned',
      servers: { 'ns.host.test': '198.18.9.1' },
    },
    'host.test': { records: ['ns A 198.18.9.1'], signing: 'unsigned' },
  }).amend(
    'test',
    onlyFor(
      { below: Name.parse('second.test') },
      alterReply((reply) => ({ ...reply, additional: [] })),
    ),
  );
  const resolver = resolverOn(inside);
  t.equal(await ask(resolver, 'www.victim.test', 'A'), 'insecure 192.0.2.1 (no-ds-proven)');
  const hosts = () =>
    inside.log.filter(({ name }) => name.isAtOrBelow(Name.parse('host.test'))).length;
  t.equal(hosts(), 0, 'inside the zone of the answering server: used');
  t.equal(await ask(resolver, 'www.second.test', 'A'), 'insecure 192.0.2.2 (no-ds-proven)');
  t.ok(hosts() > 0, 'for that delegation only');
  const given = await cost(inside, () => ask(resolver, 'ns.host.test', 'A'));
  t.ok(given > 0, 'never given as an answer');

  const outside = internet({
    'victim.test': {
      records: ['www A 192.0.2.1'],
      signing: 'unsigned',
      servers: { 'ns.host.net': '198.18.9.1' },
    },
    'host.net': { records: ['ns A 198.18.9.1'], signing: 'unsigned' },
  }).amend('test', adding({ additional: [`ns.host.net. A ${EVIL}`] }));
  t.same(told(await find(outside, 'www.victim.test')), ['insecure', 'no-ds-proven']);
  t.equal(asked(outside, EVIL), 0, 'outside it: dropped');
  t.ok(
    outside.log.some(({ name }) => name.isAtOrBelow(Name.parse('host.net'))),
    'and looked up',
  );
});

t.test(
  'row 97: MaginotDNS: a forwarder or stub server for one zone speaks of another',
  async (t) => {
    for (const role of ['forwarder', 'authoritative'] as const) {
      const net = internet({
        ...VICTIM,
        'corp.test': {
          records: ['www A 192.0.2.7', 'far CNAME www.victim.test.'],
          signing: 'unsigned',
          servers: { 'ns.corp.test': '198.18.9.7' },
        },
      });
      const poison = adding({ answer: [`www.victim.test. A ${EVIL}`], ...POISON });
      net
        .amend('corp.test', poison)
        .amendForwarder(onlyFor({ below: Name.parse('corp.test') }, poison));
      const addresses = [role === 'forwarder' ? net.forwarder : { ip: '198.18.9.7', port: 53 }];
      const nameservers = [{ host: Name.parse('ns.corp.test'), addresses }];
      const resolver = resolverOn(net, {
        zones: [{ name: Name.parse('corp.test'), role, nameservers }],
      });
      t.equal(await ask(resolver, 'www.corp.test', 'A'), 'insecure 192.0.2.7 (no-ds-proven)', role);
      t.equal(
        await ask(resolver, 'far.corp.test', 'A'),
        'insecure 192.0.2.1 (no-ds-proven)',
        'an alias out of the zone is followed from the root',
      );
      t.equal(await ask(resolver, 'www.victim.test', 'A'), 'insecure 192.0.2.1 (no-ds-proven)');
      t.equal(await ask(resolver, 'two.victim.test', 'A'), 'insecure 192.0.2.2 (no-ds-proven)');
      t.equal(asked(net, EVIL), 0);
    }
  },
);

const chain = (length: number, from = 'www', tail = 'victim.test.'): readonly string[] =>
  Array.from(
    { length },
    (_, i) => `${i === 0 ? from : `${from}${i}`}.${tail} CNAME ${from}${i + 1}.${tail}`,
  );

t.test('row 98: 100 CNAMEs that do not start at the name', async (t) => {
  const net = internet(VICTIM).amend(
    'victim.test',
    onlyFor(
      { below: Name.parse('www.victim.test') },
      instead({ answer: [...chain(100, 'other'), 'www.victim.test. CNAME two.victim.test.'] }),
    ),
  );
  const resolver = resolverOn(net);
  t.equal(
    await ask(resolver, 'www.victim.test', 'A'),
    'insecure 192.0.2.2 (no-ds-proven)',
    'dropped, and the one that does is kept',
  );
  t.equal(
    await ask(resolver, 'other.victim.test', 'CNAME'),
    'insecure nxdomain (no-ds-proven)',
    'not cached',
  );
});

for (const [row, length] of [
  [98, 100],
  [103, 2000],
] as const)
  t.test(`row ${row}: ${length} CNAMEs that do`, async (t) => {
    const all = records(...chain(length));
    let isFirst = true;
    const net = internet(VICTIM).amend(
      'victim.test',
      alterReply((reply, { question, over }) => {
        const answer = isFirst ? all : all.filter(({ owner }) => owner.equals(question.name));
        if (over === 'tcp') isFirst = false; // all of them do not fit into a datagram
        return { ...reply, rcode: 'NOERROR', answer, authority: [] };
      }),
    );
    const outcome = await find(net, 'www.victim.test');
    t.same(told(outcome), ['indeterminate', 'budget-spent', 0, 'alias-links']);
    t.equal(outcome.aliases.length, 11, '11 links are followed');
  });

t.test('row 98 and 103: a signed chain that comes in one reply', async (t) => {
  const links = Array.from({ length: 100 }, (_, i) => `n${i} CNAME n${i + 1}`);
  const net = internet({ 'example.com': links });
  const outcome = await find(net, 'n0.example.com', 'A', { limits: { signatures: 64 } });
  t.same(told(outcome), ['indeterminate', 'budget-spent', 0, 'alias-links']);
});

t.test(
  'row 102: private answers pass, servers at nobody’s address are not contacted',
  async (t) => {
    const net = internet({
      'example.com': ['a A 127.0.0.1', 's HTTPS 1 . ipv4hint=10.1.2.3', 'b AAAA ::1'],
    });
    const resolver = resolverOn(net);
    t.equal(await ask(resolver, 'a.example.com', 'A'), 'secure 127.0.0.1');
    t.equal(await ask(resolver, 'b.example.com', 'AAAA'), 'secure ::1');
    t.match(await ask(resolver, 's.example.com', 'HTTPS'), /^secure .*10\.1\.2\.3/);
    for (const glue of ['A 0.0.0.0', 'AAAA ::', 'A 127.0.0.1']) {
      const contacted: string[] = [];
      const lame = internet(VICTIM).amend(
        'test',
        removeRecords('A', Name.parse('ns.victim.test')),
        forge(`ns.victim.test. ${glue}`),
      );
      const { transport } = lame;
      const environment = {
        ...lame,
        transport: {
          exchange: (...[to, ...rest]: Parameters<typeof transport.exchange>) => {
            contacted.push(to.ip);
            return transport.exchange(to, ...rest);
          },
        },
      };
      const outcome = await resolverOn(lame, { environment }).lookup(
        Name.parse('www.victim.test'),
        'A',
      );
      t.equal(outcome.status, 'indeterminate', glue);
      t.notOk(
        contacted.some((ip) => ['0.0.0.0', '::', '127.0.0.1'].includes(ip)),
        contacted.join(),
      );
    }
  },
);

const CLASSES: Readonly<Record<string, number>> = { CH: 3, ANY: 255, NONE: 254 };

for (const [title, code] of Object.entries(CLASSES))
  t.test(`row 107: records of class ${title}`, async (t) => {
    const stray = (section: 'answer' | 'authority' | 'additional', ...lines: string[]): Amendment =>
      alterReply((reply) => ({
        ...reply,
        [section]: [
          ...records(...lines).map((one) => ({ ...one, class: code })),
          ...reply[section],
        ],
      }));
    const net = internet(VICTIM)
      .amend(
        'victim.test',
        stray('answer', `www.victim.test. A ${EVIL}`, 'www.victim.test. CNAME www.evil.test.'),
      )
      .amend(
        'test',
        stray('authority', 'victim.test. NS ns.evil.test.'),
        stray('additional', `ns.victim.test. A ${EVIL}`),
      );
    const resolver = resolverOn(net);
    t.equal(await ask(resolver, 'www.victim.test', 'A'), 'insecure 192.0.2.1 (no-ds-proven)');
    t.same(resolver.closestServers(Name.parse('victim.test')).hosts.map(String), [
      'ns.victim.test.',
    ]);
    t.equal(asked(net, EVIL), 0);
    const only = internet(VICTIM).amend(
      'victim.test',
      onlyFor(
        { below: Name.parse('www.victim.test') },
        alterReply((reply) => ({
          ...reply,
          authority: [],
          answer: reply.answer.map((one) => ({ ...one, class: code })),
        })),
      ),
    );
    t.not((await find(only, 'www.victim.test')).status, 'secure', 'nothing else came: no answer');
  });

const TREES: Zones = {
  'example.com': ['tree DNAME victim.test.'],
  'plain.test': { records: ['tree DNAME victim.test.', 'www A 192.0.2.5'], signing: 'unsigned' },
  'old.test': { records: ['tree DNAME victim.test.'], signing: { algorithms: [13] } },
  ...VICTIM,
};
const treeOf = (zone: string): string => `www.tree.${zone}`;
const paths = (net: ReturnType<typeof internet>, zone: string): string =>
  net.log
    .filter(({ name }) => name.equals(Name.parse(treeOf(zone))))
    .map(({ over }) => over)
    .join(' ');

t.test('row 89: an unsigned DNAME over UDP is asked again over TCP', async (t) => {
  const plain = internet(TREES);
  t.equal(
    await ask(resolverOn(plain), treeOf('plain.test'), 'A'),
    'insecure 192.0.2.1 (no-ds-proven)',
  );
  t.equal(paths(plain, 'plain.test'), 'udp tcp');

  const secure = internet(TREES);
  t.equal(
    await ask(resolverOn(secure), treeOf('example.com'), 'A'),
    'insecure 192.0.2.1 (no-ds-proven)',
  );
  t.equal(paths(secure, 'example.com'), 'udp', 'one that validates needs none');

  const forged = internet(TREES).amend(
    'plain.test',
    onlyFor(
      { over: 'udp' },
      instead({
        answer: ['plain.test. DNAME evil.test.', 'www.plain.test. CNAME www.evil.test.'],
      }),
    ),
  );
  const resolver = resolverOn(forged);
  t.equal(
    await ask(resolver, 'www.plain.test', 'A'),
    'insecure 192.0.2.5 (no-ds-proven)',
    'not used from UDP',
  );
  t.equal(await ask(resolver, 'evil.plain.test', 'A'), 'insecure nxdomain (no-ds-proven)');

  const deaf = internet(TREES).amend('plain.test', onlyFor({ over: 'tcp' }, silence()));
  t.same(
    told(await find(deaf, treeOf('plain.test'))),
    ['indeterminate', 'unreachable', 22],
    'nor where TCP is silent',
  );
});

t.test('row 89: a valid server cookie is as good as TCP', async (t) => {
  const net = internet(TREES).amend('plain.test', cookies());
  t.equal(
    await ask(resolverOn(net), treeOf('plain.test'), 'A'),
    'insecure 192.0.2.1 (no-ds-proven)',
  );
  t.equal(paths(net, 'plain.test'), 'udp');
  const wrong = internet(TREES).amend(
    'plain.test',
    cookies(),
    onlyFor({ over: 'udp' }, wrongCookie()),
  );
  t.equal(
    await ask(resolverOn(wrong), treeOf('plain.test'), 'A'),
    'insecure 192.0.2.1 (no-ds-proven)',
  );
  t.equal(paths(wrong, 'plain.test'), 'udp tcp', 'another cookie is none');
});

t.test('row 89: a DNAME with signatures that nothing vouches for is an unsigned one', async (t) => {
  const net = internet(TREES).amend('old.test', dropDs());
  t.equal(await ask(resolverOn(net), treeOf('old.test'), 'A'), 'insecure 192.0.2.1 (no-ds-proven)');
  t.equal(paths(net, 'old.test'), 'udp tcp');
});

t.test('row 103: 4000 A in one RRset; a TXT of 16 kB', async (t) => {
  const many = Array.from({ length: 4000 }, (_, i) => `many 600 A 10.1.${i >> 8}.${i & 255}`);
  const large = `large TXT ${Array.from({ length: 64 }, (_, i) => `"${String(i).padStart(250, 'x')}"`).join(' ')}`;
  for (const signing of [{}, 'unsigned'] as const) {
    const net = internet({
      'example.com': { records: [...many, large, 'www A 192.0.2.1'], signing },
    });
    const resolver = resolverOn(net);
    const outcome = await resolver.lookup(Name.parse('many.example.com'), 'A');
    t.same(told(outcome), ['indeterminate', 'unusable-records', 0, 'rrset-records']);
    t.notOk('answer' in outcome, 'refused whole');
    net.clock.advance(6_000);
    t.ok(await cost(net, () => ask(resolver, 'many.example.com', 'A')), 'nothing of it is cached');
    const text = await resolver.lookup(Name.parse('large.example.com'), 'TXT');
    t.not(text.status, 'indeterminate');
    t.ok(
      'answer' in text &&
        text.answer.kind === 'records' &&
        (text.answer.rrset.rdata[0]?.length ?? 0) > 16_000,
    );
  }
});

t.test('row 103: 4000 A beside an answer are refused alone', async (t) => {
  const many = records(
    ...Array.from({ length: 4000 }, (_, i) => `many.example.com. 600 A 10.1.${i >> 8}.${i & 255}`),
  );
  const net = internet({ 'example.com': ['www A 192.0.2.1'] }).amend(
    'example.com',
    onlyFor(
      { types: ['A'] },
      alterReply((reply) => ({ ...reply, answer: [...reply.answer, ...many] })),
    ),
  );
  t.equal(await ask(resolverOn(net), 'www.example.com', 'A'), 'secure 192.0.2.1');
});

t.test(
  'a forged parent that hands on true data and dead referrals does not live for its TTL',
  async (t) => {
    const [TRUE, FORGED, DEAD] = ['198.18.9.1', '198.18.9.2', '198.18.9.99'] as const;
    let referrals = 0;
    const net = internet({
      '.': [],
      com: { servers: { 'a.com': TRUE, 'b.com': FORGED } },
      'example.com': ['www A 192.0.2.1'],
      'other.com': ['www A 192.0.2.2'],
    });
    const toCom = (reply: Message): boolean =>
      reply.authority.some(({ type, owner }) => type === 'NS' && owner.labels === 1);
    // One packet of the root's is forged, the first one. Its zone `com` lasts an hour there.
    net.amend(
      '.',
      alterReply((reply) => {
        if (!toCom(reply)) return reply;
        referrals += 1;
        const [host, address] = referrals === 1 ? ['b.com.', FORGED] : ['a.com.', TRUE];
        const others = reply.authority.filter(({ type }) => type !== 'NS');
        const authority = [...records(`com. 3600 NS ${host}`), ...others];
        return { ...reply, authority, additional: records(`${host} 3600 A ${address}`) };
      }),
    );
    net.amend(
      'com',
      onlyFor(
        { server: FORGED },
        alterReply((reply) => ({
          ...reply,
          additional: reply.additional.flatMap((record) =>
            record.type === 'A' ? records(`${record.owner} A ${DEAD}`) : record,
          ),
        })),
      ),
    );
    const resolver = resolverOn(net);
    t.match(await ask(resolver, 'www.example.com', 'A'), /unreachable/, 'the forgery does harm');
    net.clock.advance(310_000);
    t.match(
      await ask(resolver, 'www.other.com', 'A'),
      /^secure/,
      'after five minutes it is found out',
    );
    t.match(await ask(resolver, 'www.example.com', 'A'), /^secure/);
    t.equal(referrals, 2, 'the root was asked once more, for all of them');
  },
);

t.test(
  'row 89: what TCP says in place of a forged DNAME is followed, a referral too',
  async (t) => {
    const forged = records('sub.plain.test. DNAME evil.test.');
    const net = internet({
      ...TREES,
      'sub.plain.test': { records: ['www A 192.0.2.77'], signing: 'unsigned' },
    }).amend(
      'plain.test',
      alterReply((reply, { over, question }) =>
        over === 'udp' && question.name.equals(Name.parse('www.sub.plain.test'))
          ? { ...reply, authoritative: true, answer: forged, authority: [], additional: [] }
          : reply,
      ),
    );
    t.equal(
      await ask(resolverOn(net), 'www.sub.plain.test', 'A'),
      'insecure 192.0.2.77 (no-ds-proven)',
    );
  },
);
