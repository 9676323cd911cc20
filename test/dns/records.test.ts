import t from 'tap';
import { codeOf, type RRType, typeOf } from '../../src/dns/codes.ts';
import { cookieOf, edesOf, makeCookie, makeEde } from '../../src/dns/edns.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { parseRdata, printRdata } from '../../src/dns/presentation.ts';
import { canonicalRdata, decode, defectOf, encode, isTyped } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { parseZone, printRecord } from '../../src/dns/zone-file.ts';
import { TYPED } from './arbitraries.ts';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const ascii = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
/** `_text` preceded by its length, as character-strings and labels are. */
const counted = (text: string): string => text.length.toString(16).padStart(2, '0') + ascii(text);
const wireName = (text: string): string =>
  `${text.split('.').filter(Boolean).map(counted).join('')}00`;

/** Text as a zone file has it, and the wire form put together from the RFC that defines the type. */
const RECORDS: readonly [type: RRType, text: string, wire: string][] = [
  ['PTR', 'host.example.', wireName('host.example')],
  ['CNAME', 'host.example.', wireName('host.example')],
  ['DNAME', 'example.net.', wireName('example.net')],
  ['MB', 'a.', wireName('a')],
  ['MINFO', 'a. b.', wireName('a') + wireName('b')],
  ['HINFO', '"DEC-2060" "TOPS20"', counted('DEC-2060') + counted('TOPS20')], // RFC 1035 section 3.3.2
  [
    'RP',
    'louie.trantor.umd.edu. LAM1.people.umd.edu.',
    wireName('louie.trantor.umd.edu') + wireName('LAM1.people.umd.edu'),
  ], // RFC 1183 section 2.2
  ['AFSDB', '1 a.', `0001${wireName('a')}`],
  ['RT', '10 a.', `000a${wireName('a')}`],
  ['PX', '50 a. b.', `0032${wireName('a')}${wireName('b')}`], // RFC 2163 section 4
  ['KX', '10 a.', `000a${wireName('a')}`], // RFC 2230 section 3.1
  ['SRV', '0 5 5060 sip.example.com.', `0000 0005 13c4${wireName('sip.example.com')}`], // RFC 2782
  // RFC 3403 section 6.1
  [
    'NAPTR',
    '100 50 "a" "z3950+N2L+N2C" "" cidserver.example.com.',
    `0064 0032 ${counted('a')}${counted('z3950+N2L+N2C')}00${wireName('cidserver.example.com')}`,
  ],
  [
    'SSHFP',
    '2 1 123456789ABCDEF67890123456789ABCDEF67890',
    '02 01 123456789abcdef67890123456789abcdef67890',
  ], // RFC 4255 section 3.2
  [
    'DS',
    '60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118',
    'ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118',
  ], // RFC 4034 section 5.4
  ['CDS', '0 0 0 00', '0000 00 00 00'], // RFC 8078 section 4
  ['CDNSKEY', '0 3 0 AA==', '0000 03 00 00'],
  ['KEY', '256 3 8 AQID', '0100 03 08 010203'],
  [
    'SIG',
    'TYPE0 8 0 0 19700101000000 19700101000000 1 . AQID',
    `0000 08 00 00000000 00000000 00000000 0001 00 010203`,
  ],
  [
    'NSEC3',
    '1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG',
    '01 01 000c 04 aabbccdd 14 174eb2409fe28bcb4887a1836f957f0a8425e27b 0006 400000000002',
  ], // RFC 5155 appendix A
  ['CSYNC', '66 3 A NS AAAA', '00000042 0003 0004 60000008'], // RFC 7477 section 2.1.1
  ['ZONEMD', '2018031500 1 1 FEBE3D4CE2EC2FFA', '7848b78c 01 01 febe3d4ce2ec2ffa'],
  ['SMIMEA', '3 0 0 ABCD', '03 00 00 abcd'],
  ['OPENPGPKEY', 'AQID', '010203'],
  [
    'DHCID',
    'AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=',
    '000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40',
  ], // RFC 4701 section 3.6.2
  [
    'CAA',
    '0 issue "ca1.example.net; account=230123"',
    `00 ${counted('issue')}${ascii('ca1.example.net; account=230123')}`,
  ], // RFC 8659 section 4.2
  [
    'URI',
    '10 1 "ftp://ftp1.example.com/public"',
    `000a 0001 ${ascii('ftp://ftp1.example.com/public')}`,
  ], // RFC 7553 section 4.6
  ['SPF', '"v=spf1 -all"', counted('v=spf1 -all')],
  ['EUI64', '00-00-5e-ef-10-00-00-2a', '00005eef1000002a'], // RFC 7043 section 4.3
  ['NULL', '\\# 3 010203', '010203'],
];

t.test('every type in text and on the wire', (t) => {
  for (const [type, text, wire] of RECORDS) {
    t.same(parseRdata(type, text), hex(wire), `${type} ${text}`);
    t.equal(printRdata(type, hex(wire)), text);
    t.equal(defectOf(type, hex(wire)), undefined);
    if (isTyped(type)) t.same(encode(type, decode(type, hex(wire))), hex(wire));
    // RFC 3597 section 5: the same octets under the number of the type
    const generic = `x. 1 IN TYPE${codeOf(type)} \\# ${hex(wire).length} ${wire}`;
    t.match(parseZone(generic), { records: [{ type, rdata: hex(wire) }] }, generic.slice(0, 20));
    t.same(parseZone(generic), parseZone(`x. 1 IN ${type} ${text}`));
  }
  const covered = new Set(RECORDS.map(([type]) => type));
  const elsewhere =
    'A AAAA NS MD MF SOA MG MR MX TXT DNSKEY RRSIG NSEC NSEC3PARAM TLSA CERT LOC APL IPSECKEY HIP SVCB HTTPS EUI48';
  t.same(
    TYPED.filter((type) => !covered.has(type) && !elsewhere.split(' ').includes(type)),
    [],
    'every type of the table stands here or in presentation.test.ts',
  );
  t.end();
});

t.test(
  'what has no text of its own is printed by RFC 3597 section 5, and comes back the same',
  (t) => {
    const cases: [claim: string, type: RRType, wire: string][] = [
      ['a bitmap with trailing zeros', 'NSEC', '00 0003 400000'],
      ['a bitmap with an empty window', 'NSEC', '00 0001 00'],
      [
        'a LOC whose precision is a zero with a power',
        'LOC',
        '00 03 16 13 80000000 80000000 00989680',
      ],
      ['a prefix of a family without text', 'APL', '0003 08 01 0a'],
      ['an A of five octets', 'A', 'c000020100'],
      ['a name with a label type that there is not', 'SVCB', '0001 4100'],
      ['a compressed name where none is allowed', 'RRSIG', `${'00'.repeat(18)} c00c 00`],
      ['a pointer in kept octets', 'NS', 'c000'],
      ['a pointer that even leads backward', 'MINFO', '00 c000'],
      ['an unknown type', 'TYPE65280', 'abcd'],
      ['nothing at all', 'TYPE65280', ''],
    ];
    for (const [claim, type, wire] of cases) {
      const rdata = hex(wire);
      const text = printRdata(type, rdata);
      t.match(text, /^\\# \d+/, claim);
      t.same(parseRdata(type, text), rdata);
      t.match(parseZone(`a. 1 ${type} ${text}`), { kind: 'records', records: [{ rdata }] });
      t.same(canonicalRdata(type, rdata), rdata, 'and is left alone by canonical form');
    }
    t.match(defectOf('SVCB', hex('0001 4100')), /unknown label type/);
    t.match(defectOf('MINFO', hex('00 c000')), /compressed name/);
    t.end();
  },
);

t.test('text whose values do not fit their type is an error', (t) => {
  const cases: [type: RRType, text: string][] = [
    ['SVCB', '1 . no-default-alpn=1'],
    ['SVCB', '1 . mandatory=mandatory port=1'],
    ['SVCB', '1 . mandatory=port,port port=1'],
    ['HIP', '2 "" AQID'],
  ];
  for (const [type, text] of cases) {
    t.throws(
      () => parseRdata(type, text),
      { message: /does not fit|ill-formed|empty/ },
      `${type} ${text}`,
    );
    t.match(parseZone(`a. 1 ${type} ${text}`), { kind: 'errors' });
  }
  t.end();
});

t.test('a zone file gives the same records however it is written', (t) => {
  const plain = parseZone('mail.example.com. 3600 IN MX 10 mx.example.com.');
  const origin = Name.parse('example.com');
  for (const text of [
    'mail 3600 IN MX 10 mx',
    'mail IN 3600 MX 10 mx',
    'mail 1h MX 10 mx.example.com.',
    '$TTL 1h\nmail MX 10 mx',
    '$TTL 60m\r\nmail MX 10 mx\r\n',
    '$ttl 3600 ; comment\n$origin com.\n$ORIGIN example\nmail\tmx\t10\tmx',
    'mail 3600 MX ( 10\n mx ) ; comment ( "',
    'mail 3600 CLASS1 TYPE15 \\# 18 000a 026d78 07 6578616d706c65 ( 03636f6d\n00 )',
    'm\\097il 3600 MX 10 \\109x',
    '; nothing\n\n   ; nor here\n$TTL 3600\nmail MX 10 mx',
  ])
    t.same(parseZone(text, origin), plain, JSON.stringify(text));
  t.match(parseZone('a 1 CH A 192.0.2.1').kind, 'records');
  t.match(parseZone('a. 1 CLASS255 TXT x'), { records: [{ class: 255 }] });
  const any: RR = { owner: origin, type: 'TXT', class: 255, ttl: 1, rdata: hex('0161') };
  t.match(parseZone(printRecord(any)), { records: [any] }, 'class ANY is not printed as the type');
  t.end();
});

t.test('long zone files take linear time', (t) => {
  const least = (lines: number): number => {
    const text = `$TTL 1\n${'a.example. TXT "b" ( "c"\n) ; d\n'.repeat(lines)}x TXT "${'\\"'.repeat(lines)}\n`;
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i += 1) {
      const start = performance.now();
      parseZone(text);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };
  const linear = [1, 2, 3, 4].some(() => least(16_000) < 5 + 10 * least(4000));
  t.ok(linear, 'four times the lines take about four times as long');
  t.end();
});

const empty: Message = {
  id: 1,
  response: true,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 'NOERROR',
  questions: [],
  answer: [],
  authority: [],
  additional: [],
  edns: undefined,
};
const edns = { udpSize: 1232, version: 0, dnssecOk: true, options: [] };

t.test('what no message can say is refused', (t) => {
  t.throws(() => writeMessage({ ...empty, rcode: 'RCODE4096', edns }), RangeError);
  t.doesNotThrow(() => writeMessage({ ...empty, rcode: 'RCODE4095', edns }));
  t.throws(() => writeMessage({ ...empty, rcode: 'RCODE16' }), RangeError);
  const large = { code: 65001, data: new Uint8Array(65_530) };
  t.throws(() => writeMessage({ ...empty, edns: { ...edns, options: [large] } }), RangeError);
  t.throws(
    () => codeOf('HTTP' as RRType),
    RangeError,
    'a type that there is not is not written as 0',
  );
  t.throws(() => codeOf('TYPE65536'), RangeError);
  t.equal(codeOf(typeOf(65535)), 65535);
  const huge: RR = {
    owner: Name.parse('a'),
    type: 'TXT',
    class: 1,
    ttl: 1,
    rdata: new Uint8Array(70_000),
  };
  const cut = parseMessage(writeMessage({ ...empty, answer: [huge] }, { maxSize: 100_000 }));
  t.match(
    cut,
    { message: { truncated: true, answer: { length: 0 } } },
    'a message ends at 65535 octets',
  );
  t.end();
});

t.test('counts and truncation stand at the borders of RRsets, whatever the limit', (t) => {
  const rr = (owner: string, type: RRType, text: string): RR => ({
    owner: Name.parse(owner),
    type,
    class: 1,
    ttl: 1,
    rdata: parseRdata(type, text),
  });
  const sig = (owner: string, covered: string): RR =>
    rr(owner, 'RRSIG', `${covered} 13 1 1 20300101000000 20200101000000 1 . ${'A'.repeat(86)}==`);
  const answer = [
    rr('a', 'A', '192.0.2.1'),
    rr('a', 'A', '192.0.2.2'),
    sig('a', 'A'),
    rr('a', 'TXT', 'x'),
    sig('a', 'TXT'),
  ];
  const authority = [rr('b', 'NS', 'c'), rr('b', 'NS', 'd')];
  const additional = [rr('c', 'A', '192.0.2.3'), rr('c', 'AAAA', '2001:db8::1')];
  const message: Message = { ...empty, answer, authority, additional, edns };
  const full = writeMessage(message).length;
  const seen = new Set<string>();
  for (let maxSize = 12; maxSize <= full; maxSize += 1) {
    const octets = writeMessage(message, { maxSize });
    const parsed = parseMessage(octets); // fails if a count is wrong
    if (parsed.kind === 'malformed') return t.fail(`${parsed.reason} at a limit of ${maxSize}`);
    const { message: read } = parsed;
    if (maxSize >= 23 && octets.length > maxSize) t.fail(`${octets.length} octets for ${maxSize}`);
    const shape = [read.answer.length, read.authority.length, read.additional.length];
    seen.add(`${shape} ${read.truncated ? 'TC' : ''}`);
    t.same(read.edns, edns);
  }
  t.same(
    [...seen],
    ['0,0,0 TC', '3,0,0 TC', '5,0,0 TC', '5,2,0 ', '5,2,1 ', '5,2,2 '],
    'only whole RRsets with their RRSIGs; TC until nothing but additional records is missing',
  );
  return t.end();
});

t.test('cookies and extended errors at their edges', (t) => {
  const client = new Uint8Array(8);
  for (const length of [0, 7, 33])
    t.throws(() => makeCookie({ client, server: new Uint8Array(length) }), RangeError, `${length}`);
  t.throws(() => makeCookie({ client: new Uint8Array(7), server: undefined }), RangeError);
  for (const length of [8, 32]) {
    const cookie = { client, server: new Uint8Array(length) };
    t.same(cookieOf({ ...edns, options: [makeCookie(cookie)] }), cookie);
  }
  // RFC 8914 section 2: text may be anything; what is no UTF-8 must not make it fail
  const options = [makeEde({ code: 65535, text: '' }), { code: 15, data: hex('0000 ff') }];
  t.same(edesOf({ ...edns, options }), [
    { code: 65535, text: '' },
    { code: 0, text: '\ufffd' },
  ]);
  t.end();
});
