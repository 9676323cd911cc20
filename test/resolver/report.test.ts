// RFC 9567: who wants to know is told of what is bogus, once, by a question that nobody waits for.
// The report's name is that of the example in RFC 9567 section 4.2.
import t from 'tap';
import { agentOf } from '../../src/dns/edns.ts';
import { Name } from '../../src/dns/name.ts';
import { ROOT_ANCHORS } from '../../src/dnssec/anchors.ts';
import { reportName } from '../../src/resolver/report.ts';
import {
  type Amendment,
  alterPlan,
  alterReply,
  corruptSignatures,
  type Internet,
  internet,
  removeSignatures,
  silence,
} from '../../src/testing/index.ts';
import { ask, resolverOn } from './support.ts';

const REPORT_CHANNEL = 18;
const AGENT = Name.parse('a01.agent-domain.example');

const edns = (...data: readonly Uint8Array[]) => ({
  udpSize: 1232,
  version: 0,
  dnssecOk: true,
  options: data.map((octets) => ({ code: REPORT_CHANNEL, data: octets })),
});

/** Servers whose every reply names an agent. */
const reportTo = (agent: Name): Amendment =>
  alterReply((reply) => ({
    ...reply,
    edns: reply.edns && {
      ...reply.edns,
      options: [...reply.edns.options, { code: REPORT_CHANNEL, data: agent.wire }],
    },
  }));

const reports = (net: Internet): readonly string[] =>
  net.log.filter(({ type }) => type === 'TXT').map(({ name }) => name.toString());

/** Names that questions to the agent's servers had, each once. */
const told = (net: Internet): readonly string[] => [...new Set(reports(net))];

/** All that is under way has ended. */
const settled = (net: Internet): Promise<void> => net.clock.sleep(12_000);

const ZONES = {
  'broken.test': [
    '@ A 192.0.2.1',
    'www A 192.0.2.2',
    'out CNAME www.fine.test.',
    '_er.1.x A 192.0.2.4',
  ],
  'fine.test': ['www A 192.0.2.3'],
  'agent-domain.example': ['*.a01 300 TXT "thanks"'],
} as const;
const broken = (...more: readonly Amendment[]): Internet =>
  internet(ZONES).amend('broken.test', corruptSignatures('A'), reportTo(AGENT), ...more);

t.test('the name of a report', (t) => {
  const question = { name: Name.parse('broken.test'), type: 'A' } as const;
  t.equal(
    reportName(question, 7, AGENT)?.toString(),
    '_er.1.broken.test.7._er.a01.agent-domain.example.',
  );
  t.equal(
    reportName({ name: Name.parse('.'), type: 'DNSKEY' }, 9, AGENT)?.toString(),
    '_er.48.9._er.a01.agent-domain.example.',
  );
  const label = 'x'.repeat(61);
  const long = (rest: string) => Name.parse([label, label, label, rest].join('.'));
  const room = 255 - (4 + 2 + 3 * 62 + 2 + 4 + AGENT.wire.length);
  const fits = reportName({ name: long('y'.repeat(room - 1)), type: 'A' }, 7, AGENT);
  t.equal(fits?.wire.length, 255);
  t.equal(reportName({ name: long('y'.repeat(room)), type: 'A' }, 7, AGENT), undefined);
  t.end();
});

t.test('the agent that a reply names', (t) => {
  const other = Name.parse('agent.net');
  t.equal(agentOf(edns(AGENT.wire))?.toString(), 'a01.agent-domain.example.');
  t.equal(agentOf(edns(AGENT.wire, other.wire))?.toString(), AGENT.toString(), 'the first counts');
  for (const [what, octets] of [
    ['the root is nobody (section 6.1)', Uint8Array.of(0)],
    ['nothing', new Uint8Array()],
    ['octets behind the name', Uint8Array.of(1, 97, 0, 0)],
    ['no end', Uint8Array.of(1, 97)],
    ['a label that runs out', Uint8Array.of(9, 97)],
    ['a pointer', Uint8Array.of(1, 97, 0xc0, 12)],
    ['too long', Uint8Array.from([...Array.from({ length: 128 }, () => [1, 97]).flat(), 0])],
  ] as const)
    t.equal(agentOf(edns(octets)), undefined, what);
  t.equal(agentOf(undefined), undefined);
  t.end();
});

t.test('a bogus answer is reported once, for as long as the agent says', async (t) => {
  const net = broken();
  const resolver = resolverOn(net, { reportErrors: 'on' });
  const name = '_er.1.broken.test.6._er.a01.agent-domain.example.';
  t.equal(await ask(resolver, 'broken.test', 'A'), 'bogus (signature-invalid)');
  await settled(net);
  t.same(told(net), [name]);
  const count = net.log.length;
  await ask(resolver, 'broken.test', 'A');
  await settled(net);
  t.equal(net.log.length, count, 'a failure out of the cache is not reported again');
  net.clock.advance(61_000);
  await ask(resolver, 'broken.test', 'A');
  await settled(net);
  t.same(told(net), [name]);
  t.equal(reports(net).length, 1, 'nor a new one, while the answer holds');
  net.clock.advance(300_000);
  await ask(resolver, 'broken.test', 'A');
  await settled(net);
  t.equal(reports(net).length, 2);
});

t.test('what is not reported', async (t) => {
  const silent = async (what: string, net: Internet, name = 'broken.test', options = {}) => {
    await ask(resolverOn(net, { reportErrors: 'on', ...options }), name, 'A');
    await settled(net);
    t.same(told(net), [], what);
  };
  await silent('unless the resolver is told to', broken(), 'broken.test', {
    reportErrors: 'off',
  });
  await silent(
    'what is fine',
    internet(ZONES).amend('fine.test', reportTo(AGENT)),
    'www.fine.test',
  );
  await silent('silence', internet(ZONES).amend('broken.test', reportTo(AGENT), silence('A')));
  const within = Name.parse('agent.broken.test');
  await silent(
    'to an agent in the broken zone itself',
    internet(ZONES).amend('broken.test', corruptSignatures(), reportTo(within)),
  );
  const net = broken();
  await silent('what a forwarder says', net.amendForwarder(reportTo(AGENT)), 'broken.test', {
    forward: [net.forwarder],
  });
  await silent('a spent budget', broken(), 'broken.test', { limits: { signatures: 1 } });
  await silent('what somebody else reports', broken(), '_er.1.x.broken.test');
  await silent('an anchor that is out of date here', broken(), 'broken.test', {
    anchors: ROOT_ANCHORS,
  });
  const fiveOctets = alterReply((reply) => ({
    ...reply,
    answer: reply.answer.map((record) => ({ ...record, rdata: new Uint8Array(5) })),
  }));
  const unsigned = internet({
    ...ZONES,
    'plain.test': { records: ['@ A 192.0.2.7'], signing: 'unsigned' },
  });
  await silent(
    'what no proof is expected of',
    unsigned.amend('plain.test', fiveOctets, reportTo(AGENT)),
    'plain.test',
  );
  await silent(
    'the agent of the zone above',
    internet(ZONES).amend('test', reportTo(AGENT)).amend('broken.test', corruptSignatures('A')),
  );
});

t.test('a report about a report has no end, so there is none', async (t) => {
  const other = Name.parse('reports.fine.test');
  const net = broken()
    .amend('agent-domain.example', corruptSignatures('TXT', 'NSEC', 'SOA'), reportTo(other))
    .amend('fine.test', reportTo(AGENT), removeSignatures());
  const resolver = resolverOn(net, { reportErrors: 'on' });
  await ask(resolver, 'broken.test', 'A');
  await settled(net);
  t.equal(told(net).length, 1);
  const led = broken().amend(
    'agent-domain.example',
    reportTo(other),
    alterPlan((plan) => ({
      ...plan,
      records: plan.records.map((record) =>
        record.type === 'TXT'
          ? { ...record, type: 'CNAME', rdata: Name.parse('www.broken.test').wire }
          : record,
      ),
    })),
    corruptSignatures('TXT'),
  );
  led.amend('broken.test', corruptSignatures('TXT', 'NSEC', 'SOA'));
  await ask(resolverOn(led, { reportErrors: 'on' }), 'broken.test', 'A');
  await settled(led);
  t.same(
    told(led).filter((name) => name.startsWith('_er.16.')),
    [],
    'nor where its alias leads to something bogus',
  );
});

t.test(
  'what is asked of a forwarder is told to nobody, whatever else is asked of others',
  async (t) => {
    const net = broken().amendForwarder(reportTo(AGENT));
    const name = Name.parse('broken.test');
    const nameservers = [{ host: name, addresses: [net.forwarder] }];
    const zones = [{ name, role: 'forwarder', nameservers }] as const;
    const resolver = resolverOn(net, { reportErrors: 'on', zones });
    t.match(await ask(resolver, 'www.broken.test', 'A'), /^bogus /);
    t.equal(
      await ask(resolver, 'www.fine.test', 'A'),
      'secure 192.0.2.3',
      'asked of its own servers',
    );
    await settled(net);
    t.same(told(net), []);
  },
);

t.test('a stale answer that stands in is no reason not to tell', async (t) => {
  const net = internet(ZONES);
  const resolver = resolverOn(net, { reportErrors: 'on', serveStale: {} });
  const name = Name.parse('www.broken.test');
  await resolver.lookup(name, 'A', { stale: 'allowed' });
  net.clock.advance(3_601_000);
  net.amend('broken.test', corruptSignatures('A'), reportTo(AGENT));
  for (let i = 0; i < 5; i += 1) {
    const outcome = await resolver.lookup(name, 'A', { stale: 'allowed' });
    t.equal(outcome.stale?.because?.reason, 'signature-invalid');
  }
  await settled(net);
  t.same(reports(net), ['_er.1.www.broken.test.6._er.a01.agent-domain.example.']);
});

t.test('an agent that leads round and round costs little more than a question does', async (t) => {
  const circle = {
    ...ZONES,
    'agent-domain.example': ['*.a01 CNAME one.round.test.'],
    'round.test': ['one CNAME two', 'two CNAME one'],
  } as const;
  const cost = async (zones: typeof circle | typeof ZONES): Promise<number> => {
    const net = internet(zones).amend('broken.test', corruptSignatures('A'), reportTo(AGENT));
    await ask(resolverOn(net, { reportErrors: 'on' }), 'broken.test', 'A');
    await settled(net);
    return net.log.length;
  };
  const [straight, round] = [await cost(ZONES), await cost(circle)];
  t.ok(round - straight <= 8, `${straight} and ${round} queries`);
});

t.test('the client neither waits for the report nor sees anything of it', async (t) => {
  const time = async (net: Internet, reportErrors: 'on' | 'off') => {
    const began = net.clock.now();
    const said = await ask(resolverOn(net, { reportErrors }), 'broken.test', 'A');
    return [net.clock.now() - began, said];
  };
  const dead = () => broken().amend('agent-domain.example', silence());
  t.same(await time(dead(), 'on'), await time(dead(), 'off'));
});

t.test('a flood of failures is no flood of reports', async (t) => {
  const names = Array.from({ length: 150 }, (_, i) => `n${i}`);
  const zones = { ...ZONES, 'broken.test': names.map((name) => `${name} A 192.0.2.1`) };
  const flooded = async (agent: readonly Amendment[]): Promise<number> => {
    const net = internet(zones)
      .amend('broken.test', corruptSignatures('A'), reportTo(AGENT))
      .amend('agent-domain.example', ...agent);
    const resolver = resolverOn(net, { reportErrors: 'on' });
    for (const name of names) await ask(resolver, `${name}.broken.test`, 'A');
    return told(net).length;
  };
  t.equal(await flooded([]), 60, 'so many in a minute');
  t.ok((await flooded([silence()])) <= 20, 'and so many at a time');
});

t.test(
  'what is bogus is tried again when its TTL is over, if that is within a minute',
  async (t) => {
    const net = internet({
      'broken.test': ['a 20 A 192.0.2.1', 'b 1 A 192.0.2.1', 'c 3600 A 192.0.2.1'],
    }).amend('broken.test', corruptSignatures('A'));
    const resolver = resolverOn(net);
    const isAsked = async (name: string): Promise<boolean> => {
      const before = net.log.length;
      await ask(resolver, `${name}.broken.test`, 'A');
      return net.log.length > before;
    };
    for (const [name, seconds] of [
      ['a', 20],
      ['b', 5],
      ['c', 60],
    ] as const) {
      t.equal(await isAsked(name), true);
      net.clock.advance(seconds * 1000 - 500);
      t.equal(await isAsked(name), false, name);
      net.clock.advance(1_000);
      t.equal(await isAsked(name), true, name);
    }
  },
);
