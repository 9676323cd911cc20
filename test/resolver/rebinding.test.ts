/**
 * Row 102 of ../shared/spec/adversarial.md with rebinding protection on: public names that lead into the private network.
 *
 * What is blocked follows from the networks given; EDE 15 from RFC 8914 section 4.16.
 */
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { type Message, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { parseNetwork } from '../../src/dns/network.ts';
import { makeAnswerClient } from '../../src/server/answer.ts';
import { alterPlan, corruptSignatures, internet, silence } from '../../src/testing/index.ts';
import { clientQuery } from '../client-query.ts';
import { ask, networkOf, resolverOn, show } from './support.ts';

const QUERY = clientQuery('.', 'A', {
  questions: [],
  edns: { udpSize: 1232, version: 0, dnssecOk: false, options: [] },
});

const PRIVATE = ['10.0.0.0/8', '127.0.0.0/8', '192.168.0.0/16', 'fd00::/8', 'fe80::/10', '::1'];

t.test('row 102: rebinding protection blocks public names that lead inside', async (t) => {
  const net = internet({
    'example.com': [
      'four A 127.0.0.1',
      'some A 192.0.2.1',
      'some A 10.1.2.3',
      'six AAAA fe80::15',
      'self AAAA ::1',
      // RFC 4291 section 2.5.5.2: sockets take it for 10.1.2.3.
      'mapped AAAA ::ffff:10.1.2.3',
      'hint HTTPS 1 . ipv4hint=192.0.2.1,10.1.2.3',
      'hint6 SVCB 1 . ipv6hint=2001:db8::1,fd12::1',
      'alias CNAME four',
      'away CNAME intern.corp.example.',
      'near A 11.0.0.0',
      'near6 AAAA fec0::1',
      'fine HTTPS 1 . ipv4hint=192.0.2.1 ipv6hint=2001:db8::1',
      'text TXT "10.1.2.3"',
      'any TXT "t"',
      'any A 10.1.2.3',
    ],
    'corp.example': ['intern A 10.0.0.7'],
    'bad.example': ['www A 10.1.2.3'],
    'plain.net': { records: ['www A 192.168.1.1'], signing: 'unsigned' },
  }).amend('bad.example', corruptSignatures('A'));
  const privateAddresses = PRIVATE.map(networkOf);
  const privateDomains = [Name.parse('corp.example')];
  const resolver = resolverOn(net, { privateAddresses, privateDomains });
  const shut = 'indeterminate (private-address)';
  for (const [owner, type] of [
    ['four', 'A'],
    ['some', 'A'],
    ['six', 'AAAA'],
    ['self', 'AAAA'],
    ['mapped', 'AAAA'],
    ['hint', 'HTTPS'],
    ['hint6', 'SVCB'],
    ['alias', 'A'],
    ['any', 'ANY'],
  ] as const) {
    t.equal(await ask(resolver, `${owner}.example.com`, type), shut, owner);
    const known = resolver.recall(Name.parse(`${owner}.example.com`), type);
    t.equal(known && show(known), shut, `${owner}, from the cache`);
  }
  t.equal(await ask(resolver, 'www.plain.net', 'A'), shut, 'unsigned');
  for (const [owner, type, data] of [
    ['near', 'A', /^secure 11\.0\.0\.0$/],
    ['near6', 'AAAA', /^secure fec0::1$/],
    ['fine', 'HTTPS', /^secure /],
    ['text', 'TXT', /^secure /],
    ['away', 'A', /^secure 10\.0\.0\.7$/],
  ] as const)
    t.match(await ask(resolver, `${owner}.example.com`, type), data, owner);
  t.equal(await ask(resolver, 'intern.corp.example', 'A'), 'secure 10.0.0.7', 'exempt');

  // What a client sees, CD or not: EDE 15, no data (RFC 8914 section 4.16).
  const answer = makeAnswerClient(resolver, { withoutRecursion: 'refused' });
  for (const owner of ['four.example.com', 'www.bad.example'])
    for (const checkingDisabled of [false, true]) {
      const reply = await answer(
        writeMessage({
          ...QUERY,
          checkingDisabled,
          questions: [{ name: Name.parse(owner), type: 'A' }],
        }),
      );
      t.match(reply, { rcode: 'SERVFAIL', answer: { length: 0 }, authority: { length: 0 } }, owner);
      const codes = reply?.edns?.options.map(({ data }) => data[1]);
      const isJudged = owner === 'www.bad.example' && !checkingDisabled;
      t.same(codes, isJudged ? [6] : [15], owner);
    }
});

t.test('row 102: networks as they are written', async (t) => {
  for (const text of PRIVATE) t.ok(parseNetwork(text), text);
  for (const text of [
    '10.0.0.1/8',
    '10.0.0.0/33',
    'fd00::/129',
    'fd01::/8',
    '10/8',
    '',
    'a/8',
    '::1/',
  ])
    t.equal(parseNetwork(text), undefined, text);
});

t.test('row 102: no way round leads inside', async (t) => {
  const silent = { isOn: false };
  const asSwitched = silence();
  const net = internet({
    'example.com': [
      // Systems take the unspecified address for this host (RFC 1122 section 3.2.1.3).
      'zero A 0.0.0.0',
      'zero6 AAAA ::',
      'mapped AAAA ::ffff:0.0.0.0',
      // RFC 6052 section 2.1: a translator may take it for 10.1.2.3.
      'nat AAAA 64:ff9b::10.1.2.3',
      'hint HTTPS 1 . ipv6hint=64:ff9b::10.1.2.3',
      'form HTTPS 0 four.example.com.',
      'tree DNAME inner.example.com.',
      'four.inner A 10.1.2.3',
      'public AAAA 64:ff9b::192.0.2.1',
      'brief 1 A 10.1.2.3',
    ],
  }).amend('example.com', {
    reply: (replies, request) =>
      silent.isOn && asSwitched.reply ? asSwitched.reply(replies, request) : replies,
  });
  const privateAddresses = PRIVATE.map(networkOf);
  const resolver = resolverOn(net, { privateAddresses, serveStale: {} });
  const answer = makeAnswerClient(resolver, { withoutRecursion: 'from-cache' });
  const cases = [
    ['zero', 'A'],
    ['zero6', 'AAAA'],
    ['mapped', 'AAAA'],
    ['nat', 'AAAA'],
    ['hint', 'HTTPS'],
    ['four.tree', 'A'],
    ['brief', 'A'],
  ] as const;
  const seen = async (owner: string, type: RRType, flags: Partial<Message> = {}) => {
    const questions = [{ name: Name.parse(`${owner}.example.com`), type }];
    return answer(writeMessage({ ...QUERY, ...flags, questions }));
  };
  for (const round of ['fresh', 'expired', 'and nobody answers']) {
    for (const [owner, type] of cases)
      for (const flags of [{}, { checkingDisabled: true }, { recursionDesired: false }])
        t.same((await seen(owner, type, flags))?.answer, [], `${owner}, ${round}`);
    t.match(await seen('public', 'AAAA'), { rcode: 'NOERROR', answer: [{ type: 'AAAA' }] });
    silent.isOn = round !== 'fresh';
    net.clock.advance(3_601_000);
  }
});

t.test('row 102: hints that are cut off are neither answered nor a crash', async (t) => {
  // RFC 9460 section 2.2: SvcPriority, TargetName, then key, length, value.
  const key = (number: number, ...value: readonly number[]) => [
    0,
    number,
    0,
    value.length,
    ...value,
  ];
  for (const [what, rdata] of [
    ['two octets too many', [0, 1, 0, ...key(4, 10, 1, 2, 3, 10, 1)]],
    ['three octets', [0, 1, 0, ...key(4, 10, 1, 2)]],
    ['no value', [0, 1, 0, ...key(4)]],
    ['a length that is cut off', [0, 1, 0, 0, 4, 0]],
    ['twice', [0, 1, 0, ...key(4, 10, 1, 2, 3), ...key(4, 10, 1, 2, 3)]],
    ['no target', [0, 1]],
    ['nothing', []],
    ['in alias form', [0, 0, 0, ...key(4, 10, 1, 2, 3)]],
  ] as const)
    for (const how of [{}, { signing: 'unsigned' }] as const) {
      const net = internet({ 'example.com': { records: ['www HTTPS 1 .'], ...how } }).amend(
        'example.com',
        alterPlan((plan) => ({
          ...plan,
          records: plan.records.map((record) =>
            record.type === 'HTTPS' ? { ...record, rdata: Uint8Array.from(rdata) } : record,
          ),
        })),
      );
      const resolver = resolverOn(net, { privateAddresses: PRIVATE.map(networkOf) });
      for (const type of ['HTTPS', 'ANY'] as const) {
        const said = await ask(resolver, 'www.example.com', type);
        t.match(said, /^(bogus|indeterminate) /, `${what}, ${type}`);
      }
    }
});
