import assert from 'node:assert';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { parseIPv4, parseIPv6, printIPv6 } from '../../src/dns/address.ts';
import {
  codeOf,
  isKnownType,
  parseClass,
  parseType,
  printClass,
  type RRType,
  rcodeOf,
  typeOf,
} from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { parseRdata, printRdata } from '../../src/dns/presentation.ts';
import { base32hex, base64, hex } from '../../src/dns/radix.ts';
import { canonicalRdata, decode, defectOf, encode } from '../../src/dns/rdata.ts';
import { parseZone, printRecord } from '../../src/dns/zone-file.ts';
import { fieldsOf, octets, record, TYPED } from './arbitraries.ts';

const bytes = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const origin = Name.parse('example.com');

interface Vector {
  readonly type: RRType;
  readonly rdata: string;
  readonly wireHex: string;
}

/** Every record with text and wire form, wherever it stands in a file. */
function vectorsIn(value: unknown): Vector[] {
  if (Array.isArray(value)) return value.flatMap(vectorsIn);
  if (typeof value !== 'object' || !value) return [];
  const inside = Object.values(value).flatMap(vectorsIn);
  const { type, rdata, wireHex } = value as Record<string, unknown>; // any object has some string keys
  const isVector =
    typeof type === 'string' && typeof rdata === 'string' && typeof wireHex === 'string';
  return isVector ? [{ type: type as RRType, rdata, wireHex }, ...inside] : inside;
}

const folder = new URL('../../../../shared/corpora/rfc-vectors/', import.meta.url);
const skip = existsSync(folder) ? false : 'needs ../shared';

t.test('the records printed in the RFCs, text and wire', { skip }, (t) => {
  const files = readdirSync(folder).filter(
    (file) => file.endsWith('.json') && file !== 'manifest.json',
  );
  const vectors = files.flatMap((file) =>
    vectorsIn(JSON.parse(readFileSync(new URL(file, folder), 'utf8'))),
  );
  t.ok(vectors.length > 250, 'the corpus is there');
  for (const { type, rdata, wireHex } of vectors) {
    const wire = bytes(wireHex);
    const text = printRdata(type, wire);
    t.same(parseRdata(type, rdata), wire, `${type} ${rdata.slice(0, 50)}`);
    t.same(parseRdata(type, text), wire, 'and back through our own text');
    t.equal(defectOf(type, wire), undefined);
    // RFC 5952 and the order of types apart, the text is the RFC's own.
    if (type !== 'AAAA' && type !== 'NSEC3') t.equal(text.toLowerCase(), rdata.toLowerCase());
  }
  t.end();
});

t.test('canonical order of names (RFC 4034 section 6.1)', (t) => {
  const order = [
    'example',
    'a.example',
    'yljkjljk.a.example',
    'Z.a.example',
    'zABC.a.EXAMPLE',
    'z.example',
    '\\001.z.example',
    '*.z.example',
    '\\200.z.example',
  ].map((text) => Name.parse(text));
  const shuffled = [...order].reverse().sort((a, b) => a.compare(b));
  t.same(shuffled.map(String), order.map(String));
  t.end();
});

t.test('every kind of record survives text', (t) => {
  for (const type of TYPED) {
    const property = fc.property(fieldsOf(type), (fields) => {
      const rdata = encode(type, fields);
      assert.deepStrictEqual(decode(type, rdata), fields);
      assert.equal(defectOf(type, rdata), undefined);
      assert.deepStrictEqual(parseRdata(type, printRdata(type, rdata)), rdata);
      assert.deepStrictEqual(
        canonicalRdata(type, canonicalRdata(type, rdata)),
        canonicalRdata(type, rdata),
      );
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: 60 }), type);
  }
  t.end();
});

t.test('any octets survive text, whatever their type says', (t) => {
  const property = fc.property(
    fc.constantFrom<RRType>(...TYPED, 'TYPE65280'),
    octets(0, 40),
    (type, rdata) => {
      const text = printRdata(type, rdata);
      assert.deepStrictEqual(parseRdata(type, text), rdata);
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }));
  t.end();
});

t.test('zones survive printing', (t) => {
  const property = fc.property(fc.array(record, { maxLength: 8 }), (records) => {
    const zone = parseZone(records.map(printRecord).join('\n'));
    assert.deepStrictEqual(zone, { kind: 'records', records });
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }));
  t.end();
});

t.test('text and wire of single records', (t) => {
  const cases: [type: RRType, text: string, wire: string, printed?: string][] = [
    ['A', '192.0.2.1', 'c0000201'],
    ['AAAA', '2001:DB8:0:0::1', '20010db8000000000000000000000001', '2001:db8::1'],
    ['MX', '10 mail', '000a 046d61696c 076578616d706c65 03636f6d 00', '10 mail.example.com.'],
    ['NS', '@', '076578616d706c65 03636f6d 00', 'example.com.'],
    [
      'TXT',
      'plain "a b;(" "\\"\\\\\\200" ""',
      '05706c61696e 0561 20 62 3b28 03 22 5c c8 00',
      '"plain" "a b;(" "\\"\\\\\\200" ""',
    ],
    ['TLSA', '3 1 1 ABcd 0123', '030101abcd0123', '3 1 1 ABCD0123'],
    ['DNSKEY', '256 3 RSASHA256 AwEA AQ==', '0100 03 08 03010001', '256 3 8 AwEAAQ=='],
    [
      'SOA',
      '. . 1 1h 15m 1w2d 1d',
      '00 00 00000001 00000e10 00000384 000bdd80 00015180',
      '. . 1 3600 900 777600 86400',
    ],
    // RFC 4034 section 4.3
    [
      'NSEC',
      'host.example.com. A MX RRSIG NSEC TYPE1234',
      `04686f7374 076578616d706c65 03636f6d 00
      0006 400100000003 041b ${'00'.repeat(26)} 20`,
    ],
    [
      'RRSIG',
      'MX 5 3 86400 1075821183 20040203151303 2642 . oJB1',
      '000f 05 03 00015180 401fba7f 401fba7f 0a52 00 a09075',
      'MX 5 3 86400 20040203151303 20040203151303 2642 . oJB1',
    ],
    ['NSEC3PARAM', '1 0 0 -', '01 00 0000 00'],
    ['CAA', '128 issue "ca.example"', '80 05 6973737565 63612e6578616d706c65'],
    // RFC 9460 appendix D.2: figures 3, 4, 6, 8 and 9
    [
      'SVCB',
      '16 foo.example.org. port=53',
      '0010 03666f6f 076578616d706c65 036f7267 00 0003 0002 0035',
    ],
    [
      'SVCB',
      '1 foo.example.org. key667="hello\\210qoo"',
      '0001 03666f6f 076578616d706c65 036f7267 00 029b 0009 68656c6c6fd2716f6f',
    ],
    [
      'SVCB',
      '1 foo.example.org. ipv6hint="2001:db8::1,2001:db8::53:1"',
      `0001 03666f6f 076578616d706c65 036f7267 00 0006 0020
      20010db8000000000000000000000001 20010db8000000000000000000530001`,
      '1 foo.example.org. ipv6hint=2001:db8::1,2001:db8::53:1',
    ],
    [
      'SVCB',
      '16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1',
      `0010 03666f6f 076578616d706c65 036f7267 00
      0000 0004 0001 0004 0001 0009 02 6832 05 68332d3139 0004 0004 c0000201`,
      '16 foo.example.org. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1',
    ],
    [
      'SVCB',
      '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
      `0010 03666f6f 076578616d706c65 036f7267 00
      0001 000c 08 66 5c 6f6f 2c 626172 02 6832`,
    ],
    ['HTTPS', '0 .', '0000 00'],
    // RFC 3123 section 6, RFC 4025 section 3.2, RFC 7043 section 3.3
    ['APL', '1:192.168.32.0/21 !1:192.168.38.0/28', '0001 15 03 c0a820 0001 1c 83 c0a826'],
    ['IPSECKEY', '10 1 2 192.0.2.38 AQNRU3mG', '0a 01 02 c0000226 010351537986'],
    ['IPSECKEY', '10 0 2 . AQNRU3mG', '0a 00 02 010351537986'],
    [
      'IPSECKEY',
      '10 3 2 mygateway.example.com. AQNRU3mG',
      '0a 03 02 096d7967617465776179 076578616d706c65 03636f6d 00 010351537986',
    ],
    ['EUI48', '00-00-5e-00-53-2a', '00005e00532a'],
    // RFC 1876 appendix A: the standard precisions
    [
      'LOC',
      '42 21 54 N 71 6 18 W -24m 30m',
      '00 33 16 13 89172dd0 70be15f0 00988d20',
      '42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m',
    ],
    [
      'HIP',
      '2 200100107B1A74DF AwEA rvs.example.com.',
      '08 02 0003 200100107b1a74df 030100 03727673 076578616d706c65 03636f6d 00',
    ],
    ['CERT', 'PKIX 12345 8 AQID', '0001 3039 08 010203', '1 12345 8 AQID'],
    // RFC 3597 section 5
    ['TYPE65280', '\\# 3 ab cdEF', 'abcdef', '\\# 3 abcdef'],
    ['TYPE65280', '\\# 0', ''],
    ['A', '\\# 4 0A000001', '0a000001', '10.0.0.1'],
  ];
  for (const [type, text, wire, printed = text] of cases) {
    t.same(parseRdata(type, text, origin), bytes(wire), `${type} ${text}`);
    t.equal(printRdata(type, bytes(wire)), printed, 'and printed');
  }
  t.end();
});

t.test('text that is wrong says what is wrong', (t) => {
  const cases: [type: RRType, text: string, message: RegExp][] = [
    ['A', '192.0.2', /no IPv4 address/],
    ['A', '192.0.2.01', /no IPv4 address/],
    ['AAAA', '::1::', /no IPv6 address/],
    ['MX', '10', /MX exchange is missing/],
    ['MX', '65536 a', /not a number from 0 to 65535/],
    ['MX', '10 a b', /"b" is left over/],
    ['MX', '10 a..b', /empty label/],
    ['TXT', '', /TXT strings is missing/],
    ['TXT', `"${'a'.repeat(256)}"`, /256 octets: split it/],
    ['TXT', '"a', /not closed/],
    ['TXT', '\\256', /no octet/],
    ['TXT', 'a\\', /backslash/],
    ['TLSA', '3 1 1 abc', /not in hex/],
    ['DNSKEY', '256 3 8 AwE', /not in base64/],
    ['DNSKEY', '256 3 NOSUCH AwEA', /algorithm "NOSUCH"/],
    ['NSEC', 'a. A NOSUCH', /"NOSUCH" is no record type/],
    ['NSEC3', '1 0 0 - !!', /base32hex/],
    ['RRSIG', 'A 8 2 1 20049999999999 1 1 . AA==', /no time/],
    ['CAA', '0 is-sue "x"', /letters and digits/],
    ['SVCB', '1 . port=a', /no port/],
    ['SVCB', '1 . nosuch=1', /no service parameter/],
    ['SVCB', '1 . port=1 port=2', /stands twice/],
    ['SVCB', '1 . alpn=""', /1 to 255 octets/],
    ['SVCB', '1 . ipv4hint=1.2.3', /IPv4 addresses/],
    ['APL', '3:aa/1', /no prefix/],
    ['IPSECKEY', '1 1 2 nowhere. AA==', /no gateway of type 1/],
    ['LOC', '91 N 0 E 0', /up to 90 degrees/],
    ['LOC', '1 N 0 E x', /no metres/],
    ['EUI48', '00-00', /joined by hyphens/],
    ['TYPE65280', 'abc', /write \\# LENGTH HEX/],
    ['TYPE65280', '\\# 2 ab', /says 2 octets, but 1 follow/],
    ['TYPE65280', '\\# x ab', /a length and hex/],
  ];
  for (const [type, text, message] of cases)
    t.throws(() => parseRdata(type, text), { message }, `${type} ${text}`);
  t.throws(() => encode('A', { address: 'x' }), RangeError);
  t.throws(() => encode('MX', { preference: -1, exchange: origin }), RangeError);
  t.throws(() => encode('TXT', { strings: [] }), RangeError);
  t.throws(() => encode('EUI48', { address: new Uint8Array(5) }), RangeError);
  t.end();
});

t.test('canonical RDATA (RFC 4034 section 6.2, RFC 6840 section 5.1)', (t) => {
  const folded = (type: RRType, text: string) =>
    printRdata(type, canonicalRdata(type, parseRdata(type, text)));
  t.equal(folded('MX', '10 MAIL.Example.'), '10 mail.example.');
  t.equal(folded('SOA', 'A. B. 1 2 3 4 5'), 'a. b. 1 2 3 4 5');
  t.equal(folded('SRV', '1 2 3 A.'), '1 2 3 a.');
  t.equal(folded('NAPTR', '1 2 "U" "X" "Y" A.'), '1 2 "U" "X" "Y" a.');
  t.equal(folded('DNAME', 'A.'), 'a.');
  t.equal(
    folded('RRSIG', 'A 8 1 1 1 1 1 A. AA=='),
    'A 8 1 1 19700101000001 19700101000001 1 a. AA==',
  );
  t.equal(folded('NSEC', 'A. A'), 'A. A', 'NSEC is not folded');
  t.equal(folded('SVCB', '0 A.'), '0 A.', 'newer types are not folded');
  t.equal(folded('TXT', '"A"'), '"A"', 'text is not folded');
  t.same(
    canonicalRdata('MX', bytes('000a 0341')),
    bytes('000a 0341'),
    'a defective record stays as it is',
  );
  t.end();
});

t.test('zone files', (t) => {
  const zone = parseZone(
    [
      '; the zone of RFC 1035 section 5.3, with what later RFCs added',
      '$ORIGIN ISI.EDU.',
      '$TTL 1h',
      '@   IN  SOA     VENERA      Action\\.domains (',
      '                                 20     ; SERIAL',
      '                                 7200 600',
      '                                 3600000',
      '                                 60)    ; MINIMUM',
      '        NS      A.ISI.EDU.',
      '        1d IN MX      10      VENERA',
      'VENERA  IN 60 A       10.1.0.52',
      '        60 CH A       10.1.0.53',
      '$ORIGIN sub',
      'x A 10.0.0.1 ; class CH stays, as every field that is left out',
      '(y) IN A \\# 5 0a00000100\r',
    ].join('\n'),
  );
  if (zone.kind !== 'records') throw new Error(JSON.stringify(zone.errors));
  t.same(zone.records.map(printRecord), [
    'ISI.EDU. 3600 IN SOA VENERA.ISI.EDU. Action\\.domains.ISI.EDU. 20 7200 600 3600000 60',
    'ISI.EDU. 3600 IN NS A.ISI.EDU.',
    'ISI.EDU. 86400 IN MX 10 VENERA.ISI.EDU.',
    'VENERA.ISI.EDU. 60 IN A 10.1.0.52',
    'VENERA.ISI.EDU. 60 CH A 10.1.0.53',
    'x.sub.ISI.EDU. 3600 CH A 10.0.0.1',
    'y.sub.ISI.EDU. 3600 IN A \\# 5 0a00000100',
  ]);
  t.match(zone.records[6]?.defect, /octets left over/, 'a record may be broken on purpose');
  t.end();
});

t.test('every error of a zone file has its line and says what to do', (t) => {
  const zone = parseZone(
    'a A 192.0.2.1\n$TTL 5x\n$TTL 60\n\n@ A 192.0.2.1\n$INCLUDE x\nb A (\n192.0.2)\nc TXT "\nd ANY x\ne\nf A )\ng A (',
  );
  if (zone.kind !== 'errors') throw new Error('no errors');
  t.match(zone.errors, [
    { line: 1, message: /the TTL is unknown.*\$TTL 3600/ },
    { line: 2, message: /no TTL: write seconds/ },
    { line: 5, message: /no origin|there is none: add a \$ORIGIN/ },
    { line: 6, message: /\$INCLUDE is not supported: write the records out/ },
    { line: 7, message: /no IPv4 address/ },
    { line: 9, message: /not closed: add a "/ },
    { line: 10, message: /ANY cannot stand in a zone/ },
    { line: 11, message: /no record type/ },
    { line: 12, message: /"\)" has no "\("/ },
    { line: 13, message: /"\(" is not closed/ },
  ]);
  t.equal(zone.errors.length, 10);
  t.match(parseZone(' A 192.0.2.1'), { errors: [{ line: 1, message: /no owner/ }] });
  t.end();
});

t.test('addresses', (t) => {
  // RFC 5952 section 4 and 5
  const cases: [text: string, printed: string][] = [
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0DB8::0001', '2001:db8::1'],
    ['::', '::'],
    ['1::', '1::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['0:0:1::', '0:0:1::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ];
  for (const [text, printed] of cases)
    t.equal(printIPv6(parseIPv6(text) ?? new Uint8Array(16)), printed, text);
  for (const text of [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::1.2.3',
    '1.2.3.4::',
    'g::',
    '1:2:3:4:5:6:7::8',
    '::%eth0',
  ]) {
    t.equal(parseIPv6(text), undefined, `"${text}" is no IPv6 address`);
  }
  for (const text of ['1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1.2.3.4 ', ''])
    t.equal(parseIPv4(text), undefined, `"${text}" is no IPv4 address`);
  const property = fc.property(octets(16, 16), (address) =>
    assert.deepStrictEqual(parseIPv6(printIPv6(address)), address),
  );
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

t.test('base 16, 32 and 64', (t) => {
  // RFC 4648 section 10
  const words = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((word) =>
    Uint8Array.from(Buffer.from(word)),
  );
  t.same(words.map(base64.print), ['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy']);
  t.same(words.map(base32hex.print), [
    '',
    'co',
    'cpng',
    'cpnmu',
    'cpnmuog',
    'cpnmuoj1',
    'cpnmuoj1e8',
  ]);
  t.same(words.map(hex.print), [
    '',
    '66',
    '666f',
    '666f6f',
    '666f6f62',
    '666f6f6261',
    '666f6f626172',
  ]);
  for (const radix of [base64, base32hex, hex])
    for (const word of words) t.same(radix.parse(radix.print(word)), word);
  for (const text of ['Zg=', 'Zg', 'Zh==', 'Z===', '====', 'Zg==Zg==', 'Zm9*', 'Zm 9'])
    t.equal(base64.parse(text), undefined, text);
  for (const text of ['c', 'cp0', 'cw', 'co======'])
    t.equal(base32hex.parse(text), undefined, text);
  for (const text of ['6', '6g', '0x66']) t.equal(hex.parse(text), undefined, text);
  t.end();
});

t.test('codes', (t) => {
  for (let code = 0; code <= 0xffff; code += 1) {
    if (codeOf(typeOf(code)) !== code || parseType(typeOf(code)) !== typeOf(code))
      t.fail(`type ${code}`);
    if (parseClass(printClass(code)) !== code) t.fail(`class ${code}`);
  }
  t.equal(parseType('type52'), 'TLSA', 'one spelling a type');
  for (const text of ['TYPE65536', 'TYPE', 'TYPE-1', 'TYPE1x', '', 'constructor'])
    t.equal(parseType(text), undefined, text);
  t.equal(isKnownType('toString'), false);
  t.equal(rcodeOf(4000), 'RCODE4000');
  t.end();
});
