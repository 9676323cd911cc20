import assert from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { FormatError, Reader } from '../../src/dns/cursor.ts';
import { Name, NameError, ROOT } from '../../src/dns/name.ts';
import { latin1, sameOctets } from '../../src/dns/octets.ts';
import { checkTypes, readTypes, writeTypes } from '../../src/dns/type-bitmap.ts';
import { Writer } from '../../src/dns/writer.ts';
import { name as anyName, octets } from './arbitraries.ts';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const name = (text: string): Name => Name.parse(text);

t.test('text of names (RFC 1035 section 5.1, RFC 4343 section 2.1)', (t) => {
  const cases: [text: string, wire: string, printed: string][] = [
    ['.', '00', '.'],
    ['example', '07 6578616d706c65 00', 'example.'],
    ['example.', '07 6578616d706c65 00', 'example.'],
    ['a\\.b.c', '03 61 2e 62 01 63 00', 'a\\.b.c.'],
    ['\\000\\255.', '02 00 ff 00', '\\000\\255.'],
    ['\\097.', '01 61 00', 'a.'],
    ['a b', '03 612062 00', 'a\\032b.'],
    ['\\"\\(\\)\\;\\@\\$\\\\', '07 22 28 29 3b 40 24 5c 00', '\\"\\(\\)\\;\\@\\$\\\\.'],
    ['_25._tcp.*', '03 5f3235 04 5f746370 01 2a 00', '_25._tcp.*.'],
    ['\\\\.\\.', '01 5c 01 2e 00', '\\\\.\\..'],
    // RFC 4343 section 2.1: Donald\032E\.\032Eastlake\0323rd.example
    [
      'Donald\\032E\\.\\032Eastlake\\0323rd.example',
      '16 446f6e616c6420452e20456173746c616b6520337264 07 6578616d706c65 00',
      'Donald\\032E\\.\\032Eastlake\\0323rd.example.',
    ],
  ];
  for (const [text, wire, printed] of cases) {
    t.same(name(text).wire, hex(wire), text);
    t.equal(Name.fromWire(hex(wire)).toString(), printed);
    t.equal(JSON.stringify(name(text)), JSON.stringify(printed));
  }
  t.end();
});

t.test('text that is no name', (t) => {
  const long = 'a'.repeat(63);
  const cases: [text: string, problem: RegExp][] = [
    ['', /must not be empty/],
    ['..', /empty label/],
    ['a..b', /empty label/],
    ['.a', /empty label/],
    ['a\\', /broken escape/],
    ['a\\1', /broken escape/],
    ['a\\12', /broken escape/],
    ['a\\1x2', /broken escape/],
    ['a\\256', /above \\255/],
    ['münchen.example', /not ASCII.*A-labels/],
    ['bank\u212a.com', /not ASCII/],
    ['a\\é', /broken escape/],
    [`${long}a`, /longer than 63/],
    [`${long}.${long}.${long}.${'a'.repeat(62)}`, /longer than 255/],
    [`${'a.'.repeat(128)}`, /longer than 255/],
  ];
  for (const [text, problem] of cases) {
    t.throws(() => name(text), NameError);
    t.throws(() => name(text), { message: problem }, JSON.stringify(text.slice(0, 40)));
  }
  t.equal(name(`${long}.${long}.${long}.${'a'.repeat(61)}`).wire.length, 255, '255 octets are one');
  t.equal(name('a.'.repeat(127)).labels, 127, 'and 127 labels');
  t.equal(name('\\097'.repeat(63)).wire.length, 65, 'an escape counts as one octet');
  t.end();
});

t.test('octets that are no name', (t) => {
  for (const wire of [
    '',
    '01',
    '0161',
    '00 00',
    '40 00',
    'c0 0c',
    '02 61 00',
    `${'0161'.repeat(128)} 00`,
  ])
    t.throws(() => Name.fromWire(hex(wire)), NameError, wire.slice(0, 20));
  t.end();
});

t.test('relative names', (t) => {
  const origin = name('example.com');
  t.equal(String(Name.parse('mail', origin)), 'mail.example.com.');
  t.equal(String(Name.parse('mail.', origin)), 'mail.');
  t.equal(String(Name.parse('@', origin)), 'example.com.');
  t.equal(String(Name.parse('@')), '\\@.', 'without an origin it is a label');
  t.equal(Name.parse('mail', origin).labels, 3);
  t.throws(() => Name.parse('a'.repeat(63), name(`${'a.'.repeat(100)}`)), /longer than 255/);
  t.end();
});

t.test('letters fold, and nothing else does (RFC 4343 section 3)', (t) => {
  t.ok(name('ExAmPlE.COM').equals(name('example.com')));
  t.equal(String(name('ExAmPlE')), 'ExAmPlE.', 'letter case is kept');
  t.same(name('ExAmPlE').canonical.wire, name('example').wire);
  for (let octet = 0; octet < 256; octet += 1) {
    const isLetter = (octet >= 0x41 && octet <= 0x5a) || (octet >= 0x61 && octet <= 0x7a);
    const [one, other] = [
      ROOT.child(Uint8Array.of(octet)),
      ROOT.child(Uint8Array.of(octet ^ 0x20)),
    ];
    if (one && other && one.equals(other) !== isLetter) t.fail(`octet ${octet}`);
  }
  // A label of 0x41 octets would be the letter A, could a label be that long.
  t.notOk(name(`${'a'.repeat(33)}.b`).equals(name(`${'a'.repeat(33)}.c`)));
  t.notOk(name('a\\.b').equals(name('a.b')), 'a dot in a label is no border');
  t.end();
});

t.test('above and below', (t) => {
  const host = name('a.b.Example.com');
  t.ok(host.isAtOrBelow(name('example.COM')));
  t.ok(host.isAtOrBelow(host) && !host.isBelow(host));
  t.ok(host.isBelow(ROOT) && !ROOT.isBelow(ROOT) && ROOT.isRoot);
  t.notOk(name('badexample.com').isAtOrBelow(name('example.com')), 'labels count, not characters');
  // The wire of "x\007example.com" ends with that of "example.com", in the midst of a label.
  t.notOk(name('x\\007example.com').isAtOrBelow(name('example.com')));
  t.notOk(name('com').isAtOrBelow(name('example.com')));
  t.equal(String(host.parent), 'b.Example.com.');
  t.equal(ROOT.parent, ROOT);
  t.equal(String(host.ancestor(1)), 'com.');
  t.equal(host.ancestor(9), host);
  t.same(host.label(2), Uint8Array.from(Buffer.from('Example')));
  t.equal(host.commonLabels(name('x.EXAMPLE.com')), 2);
  t.equal(host.commonLabels(name('org')), 0);
  t.equal(host.commonLabels(host), 4);
  t.end();
});

t.test('names made of names', (t) => {
  const full = name(`${'a.'.repeat(126)}b`); // 255 octets
  t.equal(String(name('example').wildcard), '*.example.');
  t.ok(name('*.example').isWildcard);
  t.notOk(name('**.example').isWildcard || name('a.*').isWildcard);
  t.equal(full.child('x'), undefined, 'too long');
  t.equal(full.wildcard, undefined);
  t.throws(() => ROOT.child(''), NameError);
  t.throws(() => ROOT.child('a'.repeat(64)), NameError);
  t.throws(() => ROOT.child('\u0141'), NameError, 'a character above U+00FF would lose bits');
  t.equal(String(ROOT.child('a.b')), 'a\\.b.', 'a label is octets: its dot is one of them');
  // RFC 6672 section 2.2
  const [from, to] = [name('example.com'), name('example.net')];
  t.equal(String(name('a.x.Example.com').replaceSuffix(from, to)), 'a.x.example.net.');
  t.equal(String(name('foo.example.com').replaceSuffix(from, ROOT)), 'foo.');
  t.throws(() => from.replaceSuffix(from, to), NameError, 'a DNAME does not apply to its owner');
  t.throws(() => name('badexample.com').replaceSuffix(from, to), NameError);
  t.equal(full.replaceSuffix(name('b'), name('bcd')), undefined, 'YXDOMAIN');
  t.end();
});

t.test('canonical order is one (RFC 4034 section 6.1)', (t) => {
  const property = fc.property(anyName, anyName, anyName, (a, b, c) => {
    assert.equal(a.compare(b) === 0, a.equals(b));
    assert.equal(Math.sign(a.compare(b)), -Math.sign(b.compare(a)));
    if (a.compare(b) <= 0 && b.compare(c) <= 0) assert.ok(a.compare(c) <= 0);
    if (a.isBelow(b)) assert.ok(a.compare(b) > 0, 'a parent comes before its children');
    assert.deepStrictEqual(Name.parse(String(a)), a);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
  t.ok(name('a').compare(name('\\001.a')) < 0 && name('a.b').compare(name('aa.b')) < 0);
  t.end();
});

t.test('the reader stays inside its bounds', (t) => {
  const reader = new Reader(hex('0102 03040506 0708 09'));
  t.same([reader.u8(), reader.u8(), reader.u32(), reader.u16()], [1, 2, 0x03040506, 0x0708]);
  t.throws(() => reader.u16(), FormatError);
  t.equal(reader.offset, 8, 'what fails reads nothing');
  t.equal(new Reader(hex('ffffffff')).u32(), 0xffffffff, 'unsigned');
  const outer = new Reader(hex('aa 0361 bb'));
  t.equal(outer.u8(), 0xaa);
  const inner = outer.within(2);
  t.equal(outer.offset, 3, 'the outer reader has passed over it');
  t.throws(() => inner.name(), { message: 'name runs past the end' });
  t.throws(() => outer.within(2), FormatError);
  const narrowed = new Reader(hex('0102 03'));
  const before = narrowed.narrow(2);
  t.equal(narrowed.left, 2);
  narrowed.u8();
  narrowed.widen(before);
  t.same(
    [narrowed.offset, narrowed.left],
    [2, 1],
    'what was left of the bounded octets is passed over',
  );
  t.throws(() => narrowed.narrow(2), FormatError);
  const error = new FormatError('why', 7);
  t.ok(error instanceof Error && error instanceof FormatError);
  t.match(error, { name: 'FormatError', message: 'why', offset: 7 });
  t.end();
});

t.test('the writer', (t) => {
  const writer = new Writer();
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0xfffefdfc);
  writer.octets(hex('0a0b'));
  writer.patchU16(1, 0xaabb);
  t.same(writer.finish(), hex('01 aabb fffefdfc 0a0b'));

  const [first, second] = [new Writer(), new Writer()];
  first.octets(new Uint8Array(1000).fill(1));
  second.octets(new Uint8Array(1000).fill(2));
  first.octets(new Uint8Array(5000).fill(1));
  const long = first.finish();
  const text = second.finishAsText();
  const third = new Writer();
  third.octets(new Uint8Array(900).fill(3));
  t.same(long, new Uint8Array(6000).fill(1), 'it grows as it must');
  t.same(text, '\u0002'.repeat(1000), 'each has a sheet of its own');
  t.same(third.finish(), new Uint8Array(900).fill(3));
  t.same(long, new Uint8Array(6000).fill(1), 'what was finished is nobody else’s');
  third.u8(4);
  t.same(new Writer().finish(), new Uint8Array(), 'nor is what is written too late');

  const threeNames = (): Writer => {
    const names = new Writer();
    names.name(name('a.example').wire);
    names.name(name('b.example').wire);
    names.name(name('b.EXAMPLE').wire);
    return names;
  };
  t.same(
    threeNames().finish(),
    hex('0161 076578616d706c65 00 0162 c002 0162 074558414d504c45 00'),
    'letter case must be the same',
  );
  const names = threeNames();
  names.truncate(11);
  names.name(name('b.example').wire);
  t.same(
    names.finish(),
    hex('0161 076578616d706c65 00 0162 c002'),
    'nothing points at what was taken back',
  );
  const taken = new Writer();
  taken.name(name('a.example').wire);
  taken.truncate(0);
  taken.name(name('b').wire);
  taken.name(name('example').wire);
  t.same(taken.finish(), hex('0162 00 076578616d706c65 00'), 'nor where it was the first name');
  t.end();
});

t.test('no pointer reaches beyond 0x3fff', (t) => {
  for (const before of [0x3ffe, 0x3fff, 0x4000]) {
    const writer = new Writer();
    writer.octets(new Uint8Array(before));
    writer.name(name('a').wire);
    writer.name(name('a').wire);
    const written = writer.finish().subarray(before);
    const pointed = [...hex('0161 00'), 0xc0 | (before >> 8), before & 0xff];
    t.same(
      written,
      Uint8Array.from(before < 0x4000 ? pointed : hex('0161 00 0161 00')),
      `${before}`,
    );
  }
  t.end();
});

t.test('names are read back, whatever was compressed', (t) => {
  const property = fc.property(fc.array(anyName, { maxLength: 20 }), (names) => {
    const writer = new Writer();
    for (const one of names) writer.name(one.wire);
    const bytes = writer.finish();
    for (const keeping of ['views', 'copies'] as const) {
      const reader = new Reader(bytes, 0, bytes.length, new Map(), keeping);
      assert.deepStrictEqual(
        names.map(() => reader.name()),
        names,
      );
      assert.equal(reader.left, 0);
    }
    const plain = new Reader(bytes); // and without remembering any
    assert.deepStrictEqual(
      names.map(() => plain.name()),
      names,
    );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
  t.end();
});

t.test('octets as strings', (t) => {
  const property = fc.property(octets(0, 1100), octets(0, 4), (a, b) => {
    assert.equal(latin1(a).length, a.length);
    assert.equal(latin1(a), String.fromCharCode(...a));
    assert.equal(latin1(a) === latin1(b), sameOctets(a, b));
    assert.ok(sameOctets(a, a.slice()));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
  t.end();
});

t.test('type bitmaps (RFC 4034 section 4.1.2)', (t) => {
  const write = (...types: Parameters<typeof writeTypes>[1]): Uint8Array => {
    const writer = new Writer();
    writeTypes(writer, types);
    return writer.finish();
  };
  // RFC 4034 section 4.3
  const example = hex(`0006 400100000003 041b ${'00'.repeat(26)} 20`);
  t.same(write('A', 'MX', 'RRSIG', 'NSEC', 'TYPE1234'), example);
  t.same(write('TYPE1234', 'NSEC', 'A', 'A', 'RRSIG', 'MX'), example, 'in any order, and twice');
  t.same(readTypes(new Reader(example)), ['A', 'MX', 'RRSIG', 'NSEC', 'TYPE1234']);
  t.same(write(), new Uint8Array(), 'no types, no window (an empty non-terminal of NSEC3)');
  t.same(readTypes(new Reader(hex('0002 4000'))), ['A'], 'trailing zeros are read');
  t.same(write('TYPE0', 'TYPE65535'), hex(`0001 80 ff20 ${'00'.repeat(31)} 01`));
  for (const wrong of ['00', '0000', '0021', '0001', '0101 40 0001 40', '0001 40 0001 40'])
    for (const read of [readTypes, checkTypes])
      t.throws(() => read(new Reader(hex(wrong))), FormatError, wrong);
  t.end();
});
