import assert from 'node:assert';
import { decode as decodePacket, encode as encodePacket } from 'dns-packet';
import fc from 'fast-check';
import t from 'tap';
import { codeOf, type RRType } from '../../src/dns/codes.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import {
  type Bridged,
  fromPacket,
  fromPacketAnswer,
  fromPacketQuestion,
  type Packet,
  type PacketAnswer,
  toPacket,
  toPacketAnswer,
  toPacketQuestion,
} from '../../src/dns/packet.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import { defectOf } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { message as anyMessage, record as anyRecord } from './arbitraries.ts';

function rr(owner: string, type: RRType, data: string): RR {
  const rdata = parseRdata(type, data);
  const defect = defectOf(type, rdata);
  return {
    owner: Name.parse(owner),
    type,
    class: 1,
    ttl: 300,
    rdata,
    ...(defect !== undefined && { defect }),
  };
}

const bridgedValue = <T>(bridged: Bridged<T>): T => {
  if (bridged.kind === 'refused') throw new Error(bridged.reason);
  return bridged.value;
};
const refusal = (bridged: Bridged<unknown>): string =>
  bridged.kind === 'refused' ? bridged.reason : 'none';

/** dns-packet's own reading of its own writing of one answer. */
const throughDnsPacket = (answer: PacketAnswer): unknown => {
  const packet = { answers: [answer] } as Parameters<typeof encodePacket>[0]; // the declaration lacks numbered types
  return decodePacket(encodePacket(packet)).answers?.[0];
};

/** Records that crossed as octets under a number that dns-packet has a name for: it would misread them. */
const isReadable = ({ type }: PacketAnswer): boolean =>
  !type.startsWith('UNKNOWN_') || Number(type.slice(8)) >= 0xff00;

t.test('a record crosses as dns-packet would have read it', (t) => {
  const cases: [record: RR, data: unknown][] = [
    [rr('a.example', 'A', '192.0.2.1'), '192.0.2.1'],
    [rr('a.example', 'AAAA', '2001:db8::1'), '2001:db8::1'],
    [rr('a.example', 'MX', '10 mail.example'), { preference: 10, exchange: 'mail.example' }],
    [rr('a.example', 'NS', '.'), '.'],
    [rr('a.example', 'TXT', 'a "b c"'), [Buffer.from('a'), Buffer.from('b c')]],
    [
      rr('a.example', 'SOA', 'ns.example first\\.last.example 1 2 3 4 5'),
      {
        mname: 'ns.example',
        rname: 'first\\.last.example',
        serial: 1,
        refresh: 2,
        retry: 3,
        expire: 4,
        minimum: 5,
      },
    ],
    [
      rr('a.example', 'TLSA', '3 1 1 abcd'),
      { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from('abcd', 'hex') },
    ],
    [
      rr('a.example', 'NSEC', 'b.example. A MX TYPE65'),
      { nextDomain: 'b.example', rrtypes: ['A', 'MX', 'UNKNOWN_65'] },
    ],
    [rr('a.example', 'CDS', '1 8 2 abcd'), Buffer.from('00010802abcd', 'hex')],
  ];
  for (const [record, data] of cases) {
    const answer = bridgedValue(toPacketAnswer(record));
    t.same(
      answer,
      { name: 'a.example', type: record.type, class: 'IN', ttl: 300, flush: false, data },
      record.type,
    );
    t.same(bridgedValue(fromPacketAnswer(answer)), record, 'and back');
  }
  t.end();
});

t.test('what dns-packet would change crosses as octets', (t) => {
  // PLATFORM.md section 2: R8, R10, R14, R16, N1, N2, N9, R18, adversarial 106
  const cases: [claim: string, record: RR][] = [
    ['a DNSKEY of another protocol', rr('a', 'DNSKEY', '256 2 8 AwEA')],
    ['an SSHFP with an unknown hash', rr('a', 'SSHFP', '1 9 abcd')],
    ['SVCB, which it does not know', rr('a', 'SVCB', '1 . port=443')],
    ['OPENPGPKEY, which it does not know', rr('a', 'OPENPGPKEY', 'AwEA')],
    ['an unknown type', rr('a', 'TYPE65280', '\\# 2 abcd')],
    ['a bitmap with trailing zeros', rr('a', 'NSEC', '\\# 6 00 0003 400000')],
    ['a dot inside a label', rr('a', 'NS', 'a\\.b.example')],
    ['an octet outside ASCII', rr('a', 'CNAME', '\\255.example')],
    ['a letter that others fold', rr('a', 'CNAME', 'ban\\226\\132\\170.com')],
    ['an empty-looking label', rr('a', 'CNAME', 'victim\\.com\\..evil')],
    ['a line end in a label', rr('a', 'CNAME', 'a\\010.b')],
    ['a backslash in a mailbox', rr('a', 'SOA', '. a\\\\.b. 1 2 3 4 5')],
    ['text that is not UTF-8', rr('a', 'CAA', '0 issue "\\255"')],
    ['HINFO that is not UTF-8', rr('a', 'HINFO', '"\\255" ""')],
    ['NAPTR that is not UTF-8', rr('a', 'NAPTR', '1 2 "\\200" "" "" .')],
    ['TLSA of two octets', rr('a', 'TLSA', '\\# 2 0301')],
    ['a DS cut short', rr('a', 'DS', '\\# 3 000108')],
    ['an AAAA cut short', rr('a', 'AAAA', '\\# 2 2001')],
    ['RRSIG whose signer is compressed', rr('a', 'RRSIG', `\\# 21 ${'00'.repeat(18)} c00c 00`)],
    ['SMIMEA, which it does not know', rr('a', 'SMIMEA', '3 1 1 abcd')],
    ['ZONEMD, which it does not know', rr('a', 'ZONEMD', '1 1 1 abcd')],
    ['CSYNC, which it does not know', rr('a', 'CSYNC', '1 1 A')],
    ['URI, which its declaration knows only', rr('a', 'URI', '1 1 "a"')],
    ['a bitmap window of 33 octets', rr('a', 'NSEC', `\\# 36 00 0021 ${'01'.repeat(33)}`)],
    ['bitmap windows out of order', rr('a', 'NSEC', '\\# 7 00 010101 000101')],
    ['an A of five octets', rr('a', 'A', '\\# 5 c000020100')],
    ['an A of none', rr('a', 'A', '\\# 0')],
  ];
  for (const [claim, record] of cases) {
    const answer = bridgedValue(toPacketAnswer(record));
    const type = `UNKNOWN_${codeOf(record.type)}`;
    t.match(answer, { type, data: Buffer.from(record.rdata) }, claim);
    t.same(bridgedValue(fromPacketAnswer(answer)), record, 'and comes back unchanged');
  }
  t.end();
});

t.test('what it has no place for is refused', (t) => {
  t.match(refusal(toPacketAnswer(rr('a\\.b', 'A', '192.0.2.1'))), /no text for the name a\\\.b\./);
  t.match(refusal(toPacketAnswer(rr('\\255', 'A', '192.0.2.1'))), /no text for the name/);
  t.match(refusal(toPacketAnswer({ ...rr('a', 'A', '192.0.2.1'), class: 0x8001 })), /class 32769/);
  t.match(
    refusal(toPacketQuestion({ name: Name.parse('a\\032b'), type: 'A' })),
    /no text for the name/,
  );
  t.same(bridgedValue(toPacketQuestion({ name: Name.parse('a'), type: 'HTTPS' })), {
    name: 'a',
    type: 'UNKNOWN_65',
    class: 'IN',
  });
  t.end();
});

t.test('octets that mean something in their own message only are refused', (t) => {
  const cases: [claim: string, record: RR][] = [
    ['NS with octets after a name', rr('a', 'NS', '\\# 3 00c00c')],
    ['NS with RDLENGTH 1', rr('a', 'NS', '\\# 1 01')],
    ['AFSDB with a pointer', rr('a', 'AFSDB', '\\# 4 0001c00c')],
    ['type 0, which stands for every type that it does not know', rr('a', 'TYPE0', '\\# 0')],
  ];
  for (const [claim, record] of cases) t.not(refusal(toPacketAnswer(record)), 'none', claim);
  t.end();
});

t.test('options cross as octets, and an OPT stands alone in the additional section', (t) => {
  const options = [
    { code: 8, data: Uint8Array.of(0, 1) }, // dns-packet throws a message with a short client subnet away
    { code: 10, data: new Uint8Array(7) },
    { code: 15, data: Uint8Array.of(0, 6, 0x6e, 0x6f) },
    { code: 12, data: new Uint8Array(3) },
  ];
  const message: Message = {
    id: 1,
    response: true,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: false,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: 'BADVERS', // its upper bits stand in the OPT
    questions: [],
    answer: [],
    authority: [],
    additional: [],
    edns: { udpSize: 1232, version: 0, dnssecOk: true, options },
  };
  const packet = bridgedValue(toPacket(message));
  t.same(bridgedValue(fromPacket(packet)), message);
  const [opt] = packet.additionals ?? [];
  t.ok(opt);
  const twice: Packet = { ...packet, additionals: opt ? [opt, opt] : [] };
  t.match(refusal(fromPacket(twice)), /more than one OPT/);
  const answers = [opt] as unknown as PacketAnswer[]; // the declaration forbids it, plain JavaScript does not
  t.match(refusal(fromPacket({ ...packet, answers })), /OPT outside the additional section/);
  t.end();
});

t.test('objects that dns-packet would encode as something else are refused', (t) => {
  const base = { name: 'a.example', ttl: 300 };
  const cases: [claim: string, answer: PacketAnswer][] = [
    ['a label of 64 octets', { ...base, type: 'CNAME', data: 'a'.repeat(64) }],
    ['a label of 200 octets', { ...base, type: 'CNAME', data: 'a'.repeat(200) }],
    ['a name of 300 octets', { ...base, type: 'CNAME', data: 'abc.'.repeat(75) }],
    ['an empty label', { ...base, type: 'CNAME', data: 'victim.com..evil' }],
    ['an owner with an empty label', { type: 'A', name: 'a..b', data: '192.0.2.1' }],
    ['a line end', { ...base, type: 'MX', data: { preference: 1, exchange: 'a.\nb' } }],
    ['a type that it does not know', { ...base, type: 'URI', data: Buffer.alloc(5) }],
    ['a string of 300 octets', { ...base, type: 'TXT', data: 'a'.repeat(300) }],
    [
      'a type in a bitmap that it does not know',
      { ...base, type: 'NSEC', data: { nextDomain: 'b', rrtypes: ['A', 'SVCB'] } },
    ],
    ['the flush bit', { ...base, type: 'A', data: '192.0.2.1', flush: true }],
    ['a number too large', { ...base, type: 'MX', data: { preference: 65536, exchange: 'a' } }],
    ['a fraction', { ...base, type: 'MX', data: { preference: 1.5, exchange: 'a' } }],
    ['a TTL with the top bit set', { ...base, ttl: 2 ** 31, type: 'A', data: '192.0.2.1' }],
    ['no address', { ...base, type: 'A', data: 'example' }],
    ['a type past 65535', { ...base, type: 'UNKNOWN_65536', data: Buffer.alloc(1) }],
    ['a pointer in octets', { ...base, type: 'AFSDB', data: Buffer.from('0001c00c', 'hex') }],
  ];
  for (const [claim, answer] of cases) t.not(refusal(fromPacketAnswer(answer)), 'none', claim);
  t.match(refusal(fromPacketQuestion({ name: 'a', type: 'UNKNOWN_0' })), /knows no type/);
  const opt = {
    name: '.',
    type: 'OPT',
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as const;
  const packet = (udpPayloadSize: number): Packet => ({
    additionals: [{ ...opt, options: [], udpPayloadSize }],
  });
  t.equal(refusal(fromPacket(packet(1232))), 'none');
  t.match(refusal(fromPacket(packet(0))), /cannot say 0 octets/, 'dns-packet writes 4096 for 0');
  t.end();
});

t.test('objects as people write them', (t) => {
  const txt = ['a', Buffer.from('b')];
  const answer: PacketAnswer = { name: 'A.example.', type: 'TXT', data: txt };
  t.same(bridgedValue(fromPacketAnswer(answer)), { ...rr('A.example', 'TXT', 'a b'), ttl: 0 });
  t.same(txt, ['a', Buffer.from('b')], 'the object is not written into');
  const mx: PacketAnswer = { name: 'a.example', ttl: 300, type: 'MX', data: { exchange: 'b.' } };
  t.same(
    bridgedValue(fromPacketAnswer(mx)),
    rr('a.example', 'MX', '0 b'),
    "defaults are dns-packet's",
  );
  const aaaa: PacketAnswer = { name: 'a.example', ttl: 300, type: 'AAAA', data: '2001:DB8:0::1' };
  t.same(bridgedValue(fromPacketAnswer(aaaa)), rr('a.example', 'AAAA', '2001:db8::1'));
  t.same(bridgedValue(fromPacketQuestion({ name: 'a', type: 'MX' })), {
    name: Name.parse('a'),
    type: 'MX',
    class: 1,
  });
  t.end();
});

t.test('any record crosses unchanged or is refused', (t) => {
  let crossed = 0;
  const property = fc.property(anyRecord, (record) => {
    const bridged = toPacketAnswer(record);
    if (bridged.kind === 'refused') return;
    crossed += 1;
    assert.deepStrictEqual(bridgedValue(fromPacketAnswer(bridged.value)), record);
    if (isReadable(bridged.value)) {
      assert.deepStrictEqual(throughDnsPacket(bridged.value), bridged.value);
    }
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1500 }));
  t.ok(crossed > 300, `${crossed} of 1500 crossed`);
  t.end();
});

t.test('any message crosses unchanged or is refused', (t) => {
  const property = fc.property(anyMessage, (message) => {
    const bridged = toPacket(message);
    if (bridged.kind === 'refused') return;
    assert.deepStrictEqual(bridgedValue(fromPacket(bridged.value)), message);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
  t.end();
});

/** The message without what dns-packet cannot carry as objects. */
function readableOf(message: Message): Message {
  const isCarried = (record: RR): boolean => {
    const bridged = toPacketAnswer(record);
    return bridged.kind === 'value' && isReadable(bridged.value);
  };
  return {
    ...message,
    questions: message.questions.filter((question) => toPacketQuestion(question).kind === 'value'),
    answer: message.answer.filter(isCarried),
    authority: message.authority.filter(isCarried),
    additional: [],
    // It reads past the end of those that it knows.
    edns: message.edns && {
      ...message.edns,
      options: message.edns.options.filter(({ code }) => code > 14),
    },
  };
}

t.test('dns-packet reads what we write, and we read what it writes', (t) => {
  let records = 0;
  const property = fc.property(anyMessage, (random) => {
    const message = readableOf(random);
    records += message.answer.length + message.authority.length;
    const packet = bridgedValue(toPacket(message));
    const theirs = decodePacket(Buffer.from(writeMessage(message)));
    assert.deepStrictEqual(theirs.questions, packet.questions);
    assert.deepStrictEqual(theirs.answers, packet.answers);
    assert.deepStrictEqual(theirs.authorities, packet.authorities);
    const encoded = encodePacket(packet as Parameters<typeof encodePacket>[0]); // see above
    assert.deepStrictEqual(parseMessage(encoded), { kind: 'message', message });
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
  t.ok(records > 400, `${records} records compared`);
  t.end();
});
