// What a client sees: one query in octets to a resolver on the testing internet, one response back.
//
// Expected flags, sections and codes are those of RFC 4035 section 3.2, RFC 6840 section 5, RFC 2308 section 2, RFC 6672
// section 2.2 and RFC 8914, cited where a row needs it.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { edesOf } from '../../src/dns/edns.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { printRdata } from '../../src/dns/presentation.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { makeAnswerClient } from '../../src/server/answer.ts';
import { respond } from '../../src/server/view.ts';
import {
  alterReply,
  corruptSignatures,
  internet,
  onlyFor,
  removeSignatures,
  silence,
  withoutZoneKeyFlag,
  type Zones,
} from '../../src/testing/index.ts';
import { record, signedBy } from '../dnssec/world.ts';
import { resolverOn } from '../resolver/support.ts';

const LONG = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}`;
const SOUND: Zones = {
  'example.com': [
    'www A 192.0.2.1',
    'alias CNAME www',
    'out CNAME www.plain.net.',
    '*.wild TXT "w"',
    `long DNAME ${LONG}.example.net.`,
    'tree DNAME example.net.',
    'again DNAME example.com.',
  ],
  'example.net': ['www A 192.0.2.10'],
  'plain.net': { records: ['www A 192.0.2.80'], signing: 'unsigned' },
};

interface Flags {
  readonly rd?: boolean;
  readonly cd?: boolean;
  readonly ad?: boolean;
  readonly edns?: 'none' | 'plain' | 'do';
}

const query = (name: string, type: RRType, flags: Flags = {}): Message => {
  const { rd = true, cd = false, ad = false, edns = 'do' } = flags;
  return {
    id: 0x1234,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: rd,
    recursionAvailable: false,
    authenticData: ad,
    checkingDisabled: cd,
    rcode: 'NOERROR',
    questions: [{ name: Name.parse(name), type }],
    answer: [],
    authority: [],
    additional: [],
    edns:
      edns === 'none'
        ? undefined
        : { udpSize: 1232, version: 0, dnssecOk: edns === 'do', options: [] },
  };
};

const world = (...amendments: Parameters<ReturnType<typeof internet>['amend']>[1][]) => {
  const net = internet(SOUND);
  for (const amendment of amendments) net.amend('example.com', amendment);
  return net;
};

type Client = (name: string, type: RRType, flags?: Flags) => Promise<Message>;

const clientOf = (
  net = world(),
  withoutRecursion: 'refused' | 'from-cache' = 'refused',
): Client => {
  const answer = makeAnswerClient(resolverOn(net), { withoutRecursion });
  return async (name, type, flags) => {
    const response = await answer(writeMessage(query(name, type, flags)));
    if (!response) throw new Error('no answer');
    const parsed = parseMessage(writeMessage(response));
    if (parsed.kind === 'malformed') throw new Error(parsed.reason);
    return parsed.message;
  };
};

const line = ({ owner, type, rdata }: RR): string =>
  type === 'RRSIG'
    ? `${owner} RRSIG ${printRdata(type, rdata).split(' ')[0]}`
    : `${owner} ${type} ${printRdata(type, rdata)}`;
const types = (records: readonly RR[]): string =>
  [...new Set(records.map(({ type }) => type))].sort().join(' ');
const codes = ({ edns }: Message): number[] => edesOf(edns).map(({ code }) => code);

t.test('a secure answer, by what the client has set', async (t) => {
  const ask = clientOf();
  const signed = await ask('www.example.com', 'A');
  t.same(signed.answer.map(line), ['www.example.com. A 192.0.2.1', 'www.example.com. RRSIG A']);
  t.ok(signed.authenticData, 'AD for DO');
  t.ok(signed.edns?.dnssecOk, 'DO is copied: RFC 3225 section 3');
  t.equal(signed.authority.length, 0);
  const plain = await ask('www.example.com', 'A', { edns: 'none' });
  t.same(plain.answer.map(line), ['www.example.com. A 192.0.2.1'], 'no DNSSEC records without DO');
  t.notOk(plain.authenticData, 'nor AD, which this client does not read: row 134');
  t.equal(plain.edns, undefined, 'no OPT to who sent none: RFC 6891 section 7');
  const reading = await ask('www.example.com', 'A', { edns: 'none', ad: true });
  t.ok(reading.authenticData, 'AD without DO: RFC 6840 section 5.7');
  const checking = await ask('www.example.com', 'A', { cd: true });
  t.notOk(checking.authenticData, 'who checks for himself is told nothing');
  t.ok(checking.checkingDisabled, 'CD is copied: RFC 4035 section 3.2.2');
  t.equal(checking.answer.length, 2);
  for (const response of [signed, plain, reading, checking]) {
    t.ok(response.response && response.recursionAvailable && response.recursionDesired);
    t.notOk(response.authoritative || response.truncated);
    t.equal(response.id, 0x1234);
  }
});

t.test('DNSSEC records that were asked for come without DO', async (t) => {
  const ask = clientOf();
  const response = await ask('example.com', 'NSEC', { edns: 'none' });
  t.equal(types(response.answer), 'NSEC');
});

t.test('aliases come in their order; the weakest decides AD', async (t) => {
  const ask = clientOf();
  const inside = await ask('alias.example.com', 'A', { edns: 'plain', ad: true });
  t.same(inside.answer.map(line), [
    'alias.example.com. CNAME www.example.com.',
    'www.example.com. A 192.0.2.1',
  ]);
  t.ok(inside.authenticData);
  const out = await ask('out.example.com', 'A', { edns: 'plain', ad: true });
  t.same(out.answer.map(line), [
    'out.example.com. CNAME www.plain.net.',
    'www.plain.net. A 192.0.2.80',
  ]);
  t.notOk(out.authenticData);
  const tree = await ask('www.tree.example.com', 'A', { edns: 'plain' });
  t.same(tree.answer.map(line), [
    'tree.example.com. DNAME example.net.',
    'www.tree.example.com. CNAME www.example.net.',
    'www.example.net. A 192.0.2.10',
  ]);
  const twice = await ask('www.again.again.example.com', 'A', { edns: 'plain' });
  const dnames = twice.answer.filter(({ type }) => type === 'DNAME');
  t.equal(dnames.length, 1, 'a DNAME that serves twice is shown once');
  t.match(twice.answer.map(line).at(-1), / A 192\.0\.2\.1$/);
});

t.test('a CNAME that a DNAME stands for is not followed when it was asked for', async (t) => {
  const response = await clientOf()('www.tree.example.com', 'CNAME', { edns: 'plain', ad: true });
  t.same(response.answer.map(line), [
    'tree.example.com. DNAME example.net.',
    'www.tree.example.com. CNAME www.example.net.',
  ]);
  t.ok(response.authenticData);
});

t.test('absences bring their proof to who wants it', async (t) => {
  const ask = clientOf();
  const nodata = await ask('www.example.com', 'AAAA');
  t.equal(nodata.rcode, 'NOERROR');
  t.equal(types(nodata.authority), 'NSEC RRSIG SOA');
  const nxdomain = await ask('nope.example.com', 'A');
  t.equal(nxdomain.rcode, 'NXDOMAIN');
  t.equal(types(nxdomain.authority), 'NSEC RRSIG SOA');
  t.ok(nxdomain.authenticData);
  const plain = await ask('nope.example.com', 'A', { edns: 'none' });
  t.equal(types(plain.authority), 'SOA', 'RFC 2308 section 2: for the TTL');
  const wild = await ask('x.wild.example.com', 'TXT');
  t.equal(
    types(wild.authority),
    'NSEC RRSIG',
    'RFC 4035 section 3.1.3.3: that the name is not there',
  );
  t.ok(wild.authenticData);
});

t.test(
  'row 70: NXNAME: the name does not exist, and the proof looks like one of NODATA',
  async (t) => {
    const net = world();
    const owner = 'nope.example.com';
    const nsec = record(`${owner}. 300 NSEC \\000.${owner}. RRSIG NSEC NXNAME`);
    const { signatures } = signedBy(net, 'example.com', nsec);
    const denial = [
      nsec,
      ...signatures.map(({ rdata }): RR => ({ ...nsec, type: 'RRSIG', rdata })),
    ];
    net.amend(
      'example.com',
      onlyFor(
        { below: Name.parse(owner) },
        alterReply((reply) => ({
          ...reply,
          rcode: 'NOERROR',
          authority: denial,
        })),
      ),
    );
    const ask = clientOf(net);
    const proved = await ask(owner, 'A');
    t.equal(proved.rcode, 'NOERROR', 'with DO, and without CO: RFC 9824 section 5.1');
    t.ok(proved.authenticData);
    t.equal((await ask(owner, 'A', { edns: 'none' })).rcode, 'NXDOMAIN', 'who wants no proof');
  },
);

t.test('a forgery gives SERVFAIL, no data, and why', async (t) => {
  const ask = clientOf(world(corruptSignatures('A')));
  for (const flags of [{}, { edns: 'plain' }, { ad: true }] as const) {
    const response = await ask('www.example.com', 'A', flags);
    t.equal(response.rcode, 'SERVFAIL');
    t.equal(response.answer.length + response.authority.length + response.additional.length, 0);
    t.same(codes(response), [6]);
    t.notOk(response.authenticData);
  }
  const [told] = edesOf((await ask('www.example.com', 'A')).edns);
  t.match(told?.text, /^www\.example\.com\. A: no signature/);
});

t.test('a code of its own comes before the one for bogus: RFC 8914 section 2', async (t) => {
  t.same(codes(await clientOf(world(removeSignatures('A')))('www.example.com', 'A')), [10, 6]);
  const flagless = await clientOf(world(withoutZoneKeyFlag()))('www.example.com', 'A');
  t.same(codes(flagless), [11, 6], 'each once');
});

t.test('silence gives SERVFAIL and EDE 22, with CD too', async (t) => {
  const ask = clientOf(world(silence()));
  const response = await ask('www.example.com', 'A');
  t.equal(response.rcode, 'SERVFAIL');
  t.same(codes(response), [22]);
  t.equal((await ask('www.example.com', 'A', { cd: true })).rcode, 'SERVFAIL');
});

t.test('a limit is told by its name', async (t) => {
  const net = world();
  const resolver = resolverOn(net, { limits: { queries: 2 } });
  const outcome = await resolver.lookup(Name.parse('www.example.com'), 'A');
  t.same(edesOf(respond(query('www.example.com', 'A'), outcome).edns), [
    { code: 0, text: 'queries' },
  ]);
});

t.test('with CD a bogus answer comes as it is, and nobody else gets it: row 100', async (t) => {
  const net = world(corruptSignatures('A'));
  const ask = clientOf(net);
  const unchecked = await ask('www.example.com', 'A', { cd: true });
  t.equal(unchecked.rcode, 'NOERROR');
  t.same(unchecked.answer.map(line), ['www.example.com. A 192.0.2.1', 'www.example.com. RRSIG A']);
  t.notOk(unchecked.authenticData);
  t.equal((await ask('www.example.com', 'A')).rcode, 'SERVFAIL');
  const alias = await ask('alias.example.com', 'A', { cd: true });
  t.equal(types(alias.answer), 'A CNAME RRSIG', 'aliases are followed');
});

t.test('a DNAME that leads too far is shown: RFC 6672 section 2.2, row 92', async (t) => {
  const response = await clientOf()(`${LONG}.long.example.com`, 'A');
  t.equal(response.rcode, 'YXDOMAIN');
  t.equal(types(response.answer), 'DNAME RRSIG');
  t.notOk(response.authenticData);
});

t.test('who does not desire recursion', async (t) => {
  const refused = await clientOf()('www.example.com', 'A', { rd: false });
  t.equal(refused.rcode, 'REFUSED');
  t.same(codes(refused), [18]);
  const net = world();
  const ask = clientOf(net, 'from-cache');
  const referral = await ask('www.example.com', 'A', { rd: false });
  t.equal(referral.rcode, 'NOERROR');
  t.equal(types(referral.authority), 'NS', 'RFC 1034 section 4.3.1: where to ask, no absence');
  t.notOk(referral.authenticData);
  t.equal(net.log.length, 0, 'and no packet');
  await ask('www.example.com', 'A');
  const before = net.log.length;
  const known = await ask('www.example.com', 'A', { rd: false });
  t.equal(known.answer.length, 2);
  t.notOk(known.recursionDesired);
  t.equal(net.log.length, before);
});

t.test('ANY: all that came, AD if all is proved; RRSIG: data, never AD: row 132', async (t) => {
  const ask = clientOf();
  const any = await ask('example.com', 'ANY');
  t.ok(any.authenticData);
  t.match(types(any.answer), /DNSKEY.* SOA$/);
  t.notOk((await ask('www.example.com', 'RRSIG')).authenticData);
  const broken = clientOf(world(corruptSignatures('A')));
  t.equal((await broken('www.example.com', 'ANY')).rcode, 'SERVFAIL');
});

t.test('TTLs count down, and no longer than the proof allows', async (t) => {
  const net = world();
  const ask = clientOf(net);
  const [first] = (await ask('www.example.com', 'A')).answer;
  net.clock.advance(100_000);
  const [later] = (await ask('www.example.com', 'A')).answer;
  t.equal((first?.ttl ?? 0) - (later?.ttl ?? 0), 100);
  const absence = await ask('nope.example.com', 'A');
  const ttls = absence.authority.map(({ ttl }) => ttl);
  t.ok(Math.max(...ttls) <= 3600, 'RFC 2308 section 5: an hour at most');
});

t.test('questions that are none of a resolver’s', async (t) => {
  const ask = clientOf();
  const base = query('www.example.com', 'A');
  const answer = makeAnswerClient(resolverOn(world()), { withoutRecursion: 'refused' });
  const told = async (changed: Partial<Message>): Promise<string | undefined> =>
    (await answer(writeMessage({ ...base, ...changed })))?.rcode;
  t.equal(await told({ opcode: 4 }), 'NOTIMP', 'NOTIFY: row 117');
  t.equal(await told({ questions: [] }), 'FORMERR');
  t.equal(await told({ questions: [...base.questions, ...base.questions] }), 'FORMERR', 'RFC 9619');
  const edns = { udpSize: 1232, version: 1, dnssecOk: true, options: [] };
  t.equal(await told({ edns }), 'BADVERS', 'RFC 6891 section 6.1.3');
  t.equal(
    await told({ questions: [{ name: Name.parse('version.bind'), type: 'TXT', class: 3 }] }),
    'REFUSED',
  );
  t.equal((await ask('example.com', 'AXFR')).rcode, 'NOTIMP');
  const nxname = await ask('example.com', 'NXNAME');
  t.equal(nxname.rcode, 'FORMERR');
  t.same(codes(nxname), [30], 'RFC 9824 section 4');
  t.equal(await answer(new Uint8Array(11)), undefined, 'too few octets for a header');
  t.equal(
    await answer(writeMessage({ ...base, response: true })),
    undefined,
    'no answer to answers',
  );
  const cut = await answer(writeMessage(base).subarray(0, 20));
  t.equal(cut?.rcode, 'FORMERR');
  t.equal(cut?.id, 0x1234);
});

t.test('sentinels: RFC 8509 section 3', async (t) => {
  const net = internet({
    'example.com': [
      'root-key-sentinel-is-ta-00001 A 192.0.2.1',
      'root-key-sentinel-not-ta-00001 A 192.0.2.1',
    ],
  });
  const root = { name: Name.parse('.'), ds: [], keys: [] };
  const options = { withoutRecursion: 'refused', rootAnchor: () => root } as const;
  const answer = makeAnswerClient(resolverOn(net), options);
  const told = async (owner: string, flags?: Flags): Promise<string | undefined> =>
    (await answer(writeMessage(query(`${owner}.example.com`, 'A', flags))))?.rcode;
  t.equal(await told('root-key-sentinel-is-ta-00001'), 'SERVFAIL', 'that key is no anchor');
  t.equal(await told('root-key-sentinel-not-ta-00001'), 'NOERROR');
  t.equal(await told('root-key-sentinel-is-ta-00001', { cd: true }), 'NOERROR');
});

t.test('a question that was not sent has no response', async (t) => {
  const resolver = resolverOn(world());
  const outcome = await resolver.lookup(Name.parse('www.plain.net'), 'TLSA', { ask: 'if-signed' });
  t.throws(() => respond(query('www.plain.net', 'TLSA'), outcome), RangeError);
});
