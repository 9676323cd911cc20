/** The readers of certificates and of SMTP replies: strictness row by row, and that no octets make them throw or stall. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import * as fc from 'fast-check';
import t from 'tap';
import { type CertificateDescription, issue } from '../../src/testing/certificates.ts';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  utf8String,
} from '../../src/testing/der.ts';
import { type Certificate, isSpki, parseCertificate, parseKey } from '../../src/tls/certificate.ts';
import { DerError, DerReader, sameOctets } from '../../src/tls/der.ts';
import { isNameWithin, nameKey } from '../../src/tls/distinguished-name.ts';
import { matchHost } from '../../src/tls/identity.ts';
import { PathFinder } from '../../src/tls/path.ts';
import { importKey, keyKind, rsaBits } from '../../src/tls/public-key.ts';
import { verifySignature } from '../../src/tls/signature.ts';
import { ehloKeywords, type Progress, ReplyReader } from '../../src/tls/smtp.ts';

function read(der: Uint8Array): Certificate {
  const parsed = parseCertificate(der);
  if (parsed.kind === 'malformed') throw new Error(parsed.why);
  return parsed.certificate;
}

const hex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replace(/ /g, ''), 'hex'));

t.test('DER', async (t) => {
  /** What the reader makes of one value, or why it refuses. */
  const attempt = (octets: string, take: (reader: DerReader) => unknown): unknown => {
    const reader = new DerReader(hex(octets));
    try {
      const value = take(reader);
      reader.finish();
      return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
    } catch (error) {
      if (error instanceof DerError) return error.message;
      throw error;
    }
  };
  const rows: [string, (reader: DerReader) => unknown, unknown][] = [
    // Lengths: X.690 section 8.1.3 and 10.1
    ['0400', (r) => r.contents(4), ''],
    ['04 01 ff', (r) => r.contents(4), 'ff'],
    [`04 8180 ${'00'.repeat(128)}`, (r) => r.contents(4), '00'.repeat(128)],
    [`04 8101 ff`, (r) => r.contents(4), 'length not in its shortest form'],
    [`04 820080 ${'00'.repeat(128)}`, (r) => r.contents(4), 'length not in its shortest form'],
    ['24 80 0401ff 0000', (r) => r.contents(0x24), 'indefinite length'],
    ['30 80 0000', (r) => r.enter(0x30), 'indefinite length'],
    ['04 85 0000000001 ff', (r) => r.contents(4), 'runs past the end'],
    ['04 84 ffffffff', (r) => r.contents(4), 'runs past the end'],
    ['04 ff', (r) => r.contents(4), 'runs past the end'],
    ['04 02 ff', (r) => r.contents(4), 'runs past the end'],
    ['04 82 01', (r) => r.contents(4), 'runs past the end'],
    ['04', (r) => r.contents(4), 'runs past the end'],
    ['', (r) => r.contents(4), 'expected tag 0x04, found the end'],
    ['1f 81 01 00', (r) => r.element(), 'tag of more than one octet'],
    ['0400 00', (r) => r.contents(4), 'octets left over'],
    // An inner length may not reach beyond the outer one.
    ['30 03 0403ffffff', (r) => r.enter(0x30).contents(4), 'runs past the end'],
    // Booleans and integers: X.690 section 11.1 and 8.3.2
    ['0101ff', (r) => r.boolean(), true],
    ['010100', (r) => r.boolean(), false],
    ['010101', (r) => r.boolean(), 'not a DER boolean'],
    ['0102ffff', (r) => r.boolean(), 'not a DER boolean'],
    ['0100', (r) => r.boolean(), 'not a DER boolean'],
    ['02020080', (r) => r.integer(), '0080'],
    ['0202007f', (r) => r.integer(), 'integer not in its shortest form'],
    ['0202ff80', (r) => r.integer(), 'integer not in its shortest form'],
    ['0200', (r) => r.integer(), 'empty integer'],
    ['020101', (r) => r.count(), 1],
    ['0201ff', (r) => r.count(), 'negative number'],
    ['02047fffffff', (r) => r.count(), 0x7fffffff],
    ['020900ffffffffffffffff', (r) => r.count(), 0x7fffffff],
    // Object identifiers: X.690 section 8.19
    ['0603551d11', (r) => r.oid(), '2.5.29.17'],
    ['06092a864886f70d01010b', (r) => r.oid(), '1.2.840.113549.1.1.11'],
    ['0603883703', (r) => r.oid(), '2.999.3'],
    ['0600', (r) => r.oid(), 'not an object identifier'],
    ['060280', (r) => r.oid(), 'runs past the end'],
    ['06015580', (r) => r.oid(), 'octets left over'],
    ['06025580', (r) => r.oid(), 'not an object identifier'],
    ['0604551d8011', (r) => r.oid(), 'not an object identifier'], // section 8.19.2: no padding
    ['060655ffffffff7f', (r) => r.oid(), `2.5.${2 ** 35 - 1}`],
    // An arc of 2^70 - 1, which no number counts exactly.
    [`060a${'ff'.repeat(9)}7f`, (r) => r.oid(), `2.${2n ** 70n - 1n - 80n}`],
    [`0641${'2a'.repeat(65)}`, (r) => r.oid(), 'not an object identifier'],
    // Bit strings: X.690 section 8.6
    ['030200ff', (r) => r.octetsOfBits(), 'ff'],
    ['0300', (r) => r.octetsOfBits(), 'bit string that does not end with an octet'],
    ['030201fe', (r) => r.octetsOfBits(), 'bit string that does not end with an octet'],
    ['03020780', (r) => r.flags(), 0x8000],
    ['0303070080', (r) => r.flags(), 0x0080],
    ['030100', (r) => r.flags(), 0],
    ['030108', (r) => r.flags(), 'not a bit string'],
    ['030107', (r) => r.flags(), 'not a bit string'],
  ];
  for (const [octets, take, expected] of rows)
    t.equal(attempt(octets, take), expected, octets.slice(0, 40));

  const time = (tag: number, text: string): unknown =>
    attempt(Buffer.from([tag, text.length, ...Buffer.from(text)]).toString('hex'), (r) => r.time());
  const UTC = 0x17;
  const GENERAL = 0x18;
  // RFC 5280 section 4.1.2.5.1: 50 to 99 are of the twentieth century
  t.equal(time(UTC, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59));
  t.equal(time(UTC, '500101000000Z'), Date.UTC(1950, 0, 1));
  t.equal(time(GENERAL, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59));
  t.equal(time(GENERAL, '20240229000000Z'), Date.UTC(2024, 1, 29));
  for (const text of [
    '230229000000Z',
    '231301000000Z',
    '230100000000Z',
    '230101240000Z',
    '230101006000Z',
    '230101000060Z',
  ])
    t.equal(time(UTC, text), 'no such time', text);
  for (const text of [
    '2301010000Z',
    '230101000000',
    '230101000000+0000',
    '230101000000z',
    ' 30101000000Z',
  ])
    t.equal(time(UTC, text), 'time not in the form of RFC 5280', text);
  t.equal(time(GENERAL, '20230101000000.5Z'), 'time not in the form of RFC 5280');
});

t.test('certificates', async (t) => {
  const good = issue({ subject: 'mx.example.com', names: ['mx.example.com'] });
  t.equal(read(good.der).defect, undefined);
  t.same(read(good.der).spki, good.spki);
  t.ok(isSpki(good.spki));

  await t.test('octets behind, missing or changed in the outline', async (t) => {
    const longer = Buffer.concat([good.der, Uint8Array.of(0)]);
    t.match(parseCertificate(longer), { kind: 'malformed', why: 'octets left over' });
    t.match(parseCertificate(good.der.subarray(0, -1)), {
      kind: 'malformed',
      why: 'runs past the end',
    });
    t.match(parseCertificate(new Uint8Array(0)), { kind: 'malformed', offset: 0 });
    t.match(parseCertificate(Buffer.from(good.pem)), { kind: 'malformed' }, 'PEM in place of DER');
    for (let cut = 0; cut < good.der.length; cut += 1)
      t.equal(parseCertificate(good.der.subarray(0, cut)).kind, 'malformed');
    t.notOk(isSpki(good.der));
    t.notOk(isSpki(Buffer.concat([good.spki, Uint8Array.of(0)])));
  });

  await t.test('rules that leave a certificate with a defect', async (t) => {
    const defect = (more: CertificateDescription): string | undefined =>
      read(issue({ subject: 'x.example', ...more }).der).defect;
    const extension = (
      id: string,
      value: Uint8Array,
      weight?: 'critical',
    ): CertificateDescription => ({
      extensions: [{ id, value, ...(weight && { weight }) }],
    });
    t.equal(defect({}), undefined);
    t.match(defect(extension('2.5.29.19', sequence())), /2\.5\.29\.19 stands there twice/);
    t.equal(
      defect(extension('1.2.3', new Uint8Array(0))),
      undefined,
      'an unknown one may hold anything',
    );
    t.match(defect(extension('2.5.29.37', sequence(boolean(true)))), /expected tag 0x06/);
    t.match(
      defect(extension('2.5.29.17', sequence(implicit(7, Uint8Array.of(1, 2, 3))))),
      /IP address/,
    );
    t.match(defect(extension('2.5.29.17', utf8String('mx'))), /expected tag 0x30/);
    t.match(defect(extension('2.5.29.17', Buffer.concat([sequence(), sequence()]))), /left over/);
    t.match(
      defect(extension('2.5.29.30', sequence(explicit(1, integer(Uint8Array.of(1)))))),
      /expected tag 0x30/,
    );
  });

  await t.test('a defect in one part leaves the key readable, for DANE-EE', async (t) => {
    const twice = issue({ extensions: [{ id: '2.5.29.15', value: Uint8Array.of(3, 2, 7, 0x80) }] });
    t.same(read(twice.der).spki, twice.spki);
    t.equal(matchHost(read(twice.der), ['mx.example.com']), undefined);
  });

  await t.test('put together by hand', async (t) => {
    const algorithm = sequence(objectId('1.2.840.10045.4.3.2'));
    const name = sequence(set(sequence(objectId('2.5.4.3'), utf8String('x.example'))));
    const moment = Buffer.concat([Uint8Array.of(0x17, 13), Buffer.from('260101000000Z')]);
    const validity = sequence(moment, moment);
    const put = (
      change: Partial<
        Record<'version' | 'serial' | 'issuer' | 'subject' | 'validity' | 'tail', Uint8Array>
      >,
    ) =>
      sequence(
        sequence(
          change.version ?? explicit(0, integer(Uint8Array.of(2))),
          change.serial ?? integer(Uint8Array.of(1)),
          algorithm,
          change.issuer ?? name,
          change.validity ?? validity,
          change.subject ?? name,
          good.spki,
          change.tail ?? new Uint8Array(0),
        ),
        algorithm,
        bitString(Uint8Array.of(1)),
      );
    const usage = explicit(
      3,
      sequence(sequence(objectId('2.5.29.15'), octetString(Uint8Array.of(3, 2, 7, 0x80)))),
    );
    t.equal(read(put({})).defect, undefined);
    const rows: [string, Parameters<typeof put>[0], RegExp][] = [
      ['version 4', { version: explicit(0, integer(Uint8Array.of(3))) }, /unknown version/],
      ['a negative serial number', { serial: Uint8Array.of(2, 1, 0x80) }, /negative serial/],
      ['no issuer', { issuer: sequence() }, /empty issuer/],
      ['an issuer that is no name', { issuer: sequence(set()) }, /no name/],
      ['a subject that is no name', { subject: sequence(boolean(true)) }, /no name/],
      ['three times', { validity: sequence(moment, moment, moment) }, /left over/],
      ['one time', { validity: sequence(moment) }, /expected tag/],
      ['extensions in version 1', { version: new Uint8Array(0), tail: usage }, /not version 3/],
      ['extensions twice', { tail: Buffer.concat([usage, usage]) }, /left over/],
    ];
    for (const [claim, change, expected] of rows)
      t.match(read(put(change)).defect, expected, claim);
    const stuffed = explicit(0, Buffer.concat([integer(Uint8Array.of(2)), boolean(true)]));
    t.match(parseCertificate(put({ version: stuffed })), { kind: 'malformed', why: /left over/ });
    const never = read(put({ validity: sequence() }));
    t.ok(never.notBefore > never.notAfter, 'without times it is never valid');
  });
});

t.test('distinguished names', async (t) => {
  const name = (...rdns: [tag: number, text: string][][]): Uint8Array =>
    sequence(
      ...rdns.map((rdn) =>
        set(
          ...rdn.map(([tag, text]) =>
            sequence(
              objectId('2.5.4.3'),
              Uint8Array.of(tag, text.length, ...Buffer.from(text, 'latin1')),
            ),
          ),
        ),
      ),
    );
  const UTF8 = 0x0c;
  const PRINTABLE = 0x13;
  const BMP = 0x1e;
  const same: [Uint8Array, Uint8Array][] = [
    [name([[UTF8, 'Acme CA']]), name([[PRINTABLE, 'ACME  ca ']])],
    [name([[UTF8, 'ab']]), name([[BMP, '\0a\0b']])],
    [
      name([
        [UTF8, 'a'],
        [UTF8, 'b'],
      ]),
      name([
        [UTF8, 'b'],
        [UTF8, 'a'],
      ]),
    ],
  ];
  for (const [a, b] of same) t.equal(nameKey(a), nameKey(b));
  const different: [Uint8Array, Uint8Array][] = [
    [name([[UTF8, 'a']]), name([[UTF8, 'b']])],
    [
      name([
        [UTF8, 'a'],
        [UTF8, 'b'],
      ]),
      name([[UTF8, 'a']], [[UTF8, 'b']]),
    ],
    [
      name([[UTF8, 'a,"b']]),
      name([
        [UTF8, 'a'],
        [UTF8, 'b'],
      ]),
    ],
    [name([[UTF8, '\xff']]), name([[UTF8, '\xfe']])],
    [name([[UTF8, '\xef\xbb\xbfa']]), name([[UTF8, 'a']])],
    [name([[UTF8, '\xff']]), name([[UTF8, '\xef\xbf\xbd']])],
    [sequence(), sequence(set())],
    [name([[BMP, '\0a']]), name([[BMP, '\0a\0']])], // half a character more
    [name([[UTF8, '\xe2\x84\xaa']]), name([[UTF8, 'k']])],
  ];
  for (const [a, b] of different) t.not(nameKey(a), nameKey(b));
  // More names than are remembered, twice over, each in octets of its own.
  const keys = new Set<string>();
  for (let i = 0; i < 2400; i += 1) keys.add(nameKey(name([[UTF8, `Name ${i % 1200}`]])));
  t.equal(keys.size, 1200, 'no name is taken for another that was met before');
  const [one, two] = [name([[UTF8, 'a']]), name([[UTF8, 'a']], [[UTF8, 'b']])];
  t.equal(isNameWithin(two, one), true);
  t.equal(isNameWithin(one, two), false);
  t.equal(isNameWithin(one, sequence()), true);
  t.equal(
    isNameWithin(sequence(set()), one),
    undefined,
    'what cannot be read is neither in nor out',
  );
});

/** Everything that may be done with a certificate from a stranger before it is trusted. */
function exercise(der: Uint8Array): void {
  const parsed = parseCertificate(der);
  const key = parseKey(der);
  isSpki(der);
  if (parsed.kind === 'malformed') {
    if (key.kind !== 'malformed') throw new Error('a key in what is no certificate');
    return;
  }
  const { certificate } = parsed;
  if (key.kind === 'malformed' || !sameOctets(key.key.spki, certificate.spki))
    throw new Error('a certificate with two keys');
  matchHost(certificate, ['mx.example.com']);
  nameKey(certificate.subject);
  rsaBits(certificate.spki);
  verifySignature(certificate, certificate.spki);
  for (const path of new PathFinder(certificate, [certificate]).paths())
    if (path.length > 2) return;
}

t.test('no octets make the reader throw', async (t) => {
  const seeds = [
    issue({ subject: 'mx.example.com', names: ['mx.example.com', '*.example.org'] }),
    issue({
      kind: 'authority',
      subject: 'CA',
      key: 'rsa',
      pathLength: 3,
      usages: ['1.3.6.1.5.5.7.3.1'],
    }),
    issue({ kind: 'authority', key: 'ed25519', subject: 'Ed' }),
  ].map(({ der }) => der);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => exercise(octets)),
    { numRuns: 3000 },
  );
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat({ max: 4 }),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      // What DER readers stumble over: lengths of several octets, indefinite ones, long tags, nothing.
      fc
        .constantFrom(
          '80',
          '84ffffffff',
          '8400000000',
          '3080',
          '1f8100',
          '0000',
          'ff',
          '0200',
          '3000',
          '3100',
        )
        .map(hex),
    ),
  });
  const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...seeds), edits, (seed, list) => {
      let octets: Uint8Array = seed;
      for (const { at, remove, insert } of list) {
        const start = Math.floor(at * octets.length);
        octets = Buffer.concat([
          octets.subarray(0, start),
          insert,
          octets.subarray(start + remove),
        ]);
      }
      exercise(new Uint8Array(octets));
    }),
    { numRuns: 3000 },
  );
  for (const seed of seeds)
    for (let at = 0; at < seed.length; at += 1) {
      const flipped = Uint8Array.from(seed);
      flipped[at] = (flipped[at] ?? 0) ^ 0xff;
      exercise(flipped);
    }
  t.pass('neither random ones nor mutants');
});

t.test('public keys', async (t) => {
  await t.test('none is taken for another, however many were seen', async (t) => {
    // More than are kept. Each has signed a certificate, and vouches for its own and for its neighbour's not.
    const roots = Array.from({ length: 300 }, (_, i) =>
      issue({ kind: 'authority', subject: `${i}` }),
    );
    const certificates = roots.map(({ der }) => read(der));
    for (let round = 0; round < 2; round += 1)
      for (const [i, certificate] of certificates.entries()) {
        const neighbour = certificates[(i + 1) % certificates.length];
        const own = verifySignature(certificate, certificate.spki);
        if (!own || !neighbour || verifySignature(certificate, neighbour.spki)) {
          t.fail(`key ${i}`);
          return;
        }
      }
    const [first] = certificates;
    t.ok(first && importKey(first.spki) === importKey(Uint8Array.from(first.spki)), 'kept');
  });

  await t.test('what was found good once is good for the same octets only', async (t) => {
    const root = issue({ kind: 'authority', subject: 'Root' });
    const other = issue({ kind: 'authority', subject: 'Root' });
    const below = issue({ kind: 'authority', subject: 'Below' }, root);
    const certificate = read(below.der);
    for (let round = 0; round < 2; round += 1) {
      t.ok(verifySignature(certificate, root.spki));
      t.notOk(verifySignature(certificate, other.spki), 'another key');
      const { length } = below.der;
      const ends = [certificate.tbs.byteOffset - certificate.der.byteOffset + 40, length - 1];
      for (const at of ends) {
        const flipped = Uint8Array.from(below.der);
        flipped[at] = (flipped[at] ?? 0) ^ 1;
        const parsed = parseCertificate(flipped);
        t.notOk(
          parsed.kind === 'certificate' && verifySignature(parsed.certificate, root.spki),
          `a bit flipped at ${at} of ${length}`,
        );
      }
      const moved = { ...certificate, signature: certificate.signature.subarray(1) };
      t.notOk(verifySignature(moved, root.spki), 'an octet less');
    }
  });

  await t.test('in one form or another', async (t) => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }));
    const x = (key: Uint8Array) => importKey(key)?.export({ format: 'jwk' }).x;
    const point = spki.subarray(-65);
    const compressed = Uint8Array.of(2 + ((point[64] ?? 0) & 1), ...point.subarray(1, 33));
    const p256 = objectId('1.2.840.10045.3.1.7');
    const ec = (parameters: Uint8Array, bits: Uint8Array) =>
      sequence(sequence(objectId('1.2.840.10045.2.1'), parameters), bitString(bits));
    t.equal(x(spki), pair.publicKey.export({ format: 'jwk' }).x);
    t.equal(x(ec(p256, compressed)), x(spki), 'a compressed point');
    const off = Uint8Array.from(point);
    off[64] = (off[64] ?? 0) ^ 1;
    t.equal(importKey(ec(p256, off)), undefined, 'a point that lies on no curve');
    t.equal(importKey(ec(p256, point.subarray(0, 64))), undefined, 'half of one octet less');
    t.equal(
      importKey(ec(Buffer.concat([p256, Uint8Array.of(5, 0)]), point)),
      undefined,
      'a curve with something behind it',
    );
    t.equal(
      importKey(sequence(sequence(objectId('1.2.3')), bitString(new Uint8Array(5000)))),
      undefined,
      'nothing that anybody uses is as long',
    );
  });

  await t.test('what they are called', async (t) => {
    const kind = (pair: { publicKey: KeyObject }) =>
      keyKind(new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' })));
    t.equal(kind(generateKeyPairSync('rsa', { modulusLength: 1024 })), 'RSA 1024');
    t.equal(kind(generateKeyPairSync('rsa-pss', { modulusLength: 1024 })), 'RSA-PSS 1024');
    t.equal(kind(generateKeyPairSync('ec', { namedCurve: 'P-384' })), 'P-384');
    t.equal(kind(generateKeyPairSync('ed25519')), 'Ed25519');
    t.equal(keyKind(Uint8Array.of(5, 0)), 'unreadable');
    t.equal(keyKind(sequence(sequence(objectId('1.2.3')), bitString(Uint8Array.of(1)))), '1.2.3');
  });
});

t.test('time grows with the octets and no faster', async (t) => {
  const milliseconds = (run: () => void): number => {
    const start = performance.now();
    run();
    return performance.now() - start;
  };
  const extensions = (id: string, value: Uint8Array): Uint8Array =>
    issue({ subject: 'x', extensions: [{ id, value }] }).der;
  const repeated = (count: number, part: Uint8Array): Uint8Array =>
    Buffer.concat(Array.from({ length: count }, () => part));
  const shapes: [string, (count: number) => Uint8Array][] = [
    [
      'names',
      (n) => extensions('2.5.29.17', sequence(repeated(n, implicit(2, new Uint8Array(0))))),
    ],
    ['purposes', (n) => extensions('2.5.29.37', sequence(repeated(n, Uint8Array.of(6, 1, 0x2a))))],
    [
      'one long purpose',
      (n) =>
        extensions(
          '2.5.29.37',
          sequence(
            Buffer.concat([
              hex('0683'),
              Uint8Array.of((2 * n) >> 16, (2 * n) >> 8, 2 * n),
              new Uint8Array(2 * n).fill(0x2a),
            ]),
          ),
        ),
    ],
    [
      'nesting',
      (n) =>
        Array.from({ length: Math.min(n, 3000) }).reduce<Uint8Array>(
          (inner) => sequence(inner),
          new Uint8Array(0),
        ),
    ],
    [
      'extensions',
      (n) =>
        issue({
          extensions: Array.from({ length: Math.min(n, 3000) }, (_, i) => ({
            id: `1.3.${i}`,
            value: new Uint8Array(0),
          })),
        }).der,
    ],
    ['one long text', (n) => issue({ subject: 'x'.repeat(2 * n) }).der],
    ['spaces', (n) => issue({ subject: ' '.repeat(2 * n) }).der],
  ];
  for (const [claim, make] of shapes) {
    const [small, large] = [make(1500), make(24_000)];
    t.equal(parseCertificate(large).kind, claim === 'nesting' ? 'malformed' : 'certificate');
    const best = (octets: Uint8Array): number =>
      Math.min(...Array.from({ length: 5 }, () => milliseconds(() => exercise(octets))));
    best(large); // the first runs are the compiler's
    const [quick, slow] = [best(small), best(large)];
    // Sixteen times as many octets: linear is sixteenfold, quadratic 256-fold. The constant is for a busy machine.
    t.ok(slow < 80 * quick + 20, `${claim}: ${quick.toFixed(2)} and ${slow.toFixed(2)} ms`);
  }
});

t.test('SMTP replies', async (t) => {
  const all = (octets: Uint8Array, pieces: readonly number[]): Progress => {
    const reader = new ReplyReader();
    let at = 0;
    for (const size of [...pieces, octets.length]) {
      const progress = reader.push(octets.subarray(at, at + size));
      at += size;
      if (progress.kind !== 'incomplete') return progress;
      if (at >= octets.length) break;
    }
    return { kind: 'incomplete' };
  };
  const rows: [string, object][] = [
    ['250 ok\r\n', { kind: 'reply', reply: { code: 250, lines: ['ok'] }, left: 0 }],
    ['250\r\n', { reply: { code: 250, lines: [''] } }],
    ['250 \r\n', { reply: { lines: [''] } }],
    ['250-a\r\n250-b\r\n250 c\r\n', { reply: { code: 250, lines: ['a', 'b', 'c'] } }],
    ['250-\r\n250\r\n', { reply: { lines: ['', ''] } }],
    ['554 a\tb\x1b[31m\x00\xe9\r\n', { reply: { code: 554, lines: ['a\tb?[31m??'] } }],
    ['250 a\rb\r\n', { reply: { lines: ['a?b'] } }],
    ['250 ok\n', { reply: { lines: ['ok'] } }],
    ['250 ok\r\n250 again\r\n', { reply: { lines: ['ok'] }, left: 11 }],
    ['250 ok\r\nx', { left: 1 }],
    ['250 ok\r', { kind: 'incomplete' }],
    ['250-ok\r\n', { kind: 'incomplete' }],
    ['250-ok\r\n550 no\r\n', { kind: 'malformed', why: /two codes/ }],
    ['250ok\r\n', { kind: 'malformed' }],
    ['25 ok\r\n', { kind: 'malformed' }],
    ['2500 ok\r\n', { kind: 'malformed' }],
    ['150 ok\r\n', { kind: 'malformed' }],
    ['650 ok\r\n', { kind: 'malformed' }],
    ['\r\n', { kind: 'malformed' }],
    ['EHLO x\r\n', { kind: 'malformed' }],
    [`250 ${'x'.repeat(2042)}\r\n`, { kind: 'reply' }], // 2048 octets
    [`250 ${'x'.repeat(2043)}\r\n`, { kind: 'malformed', why: /line/ }],
    ['x'.repeat(2049), { kind: 'malformed', why: /line/ }],
    ['250-ok\r\n'.repeat(4096), { kind: 'incomplete' }], // 32768 octets
    ['250-ok\r\n'.repeat(4097), { kind: 'malformed', why: /reply/ }],
  ];
  for (const [text, expected] of rows) {
    const octets = Buffer.from(text, 'latin1');
    t.match(all(octets, []), expected, JSON.stringify(text).slice(0, 50));
  }
  t.test('pieces do not matter', async (t) => {
    const octet = fc.constantFrom(...Buffer.from('250- \r\nx'));
    const octets = fc.array(octet, { maxLength: 60 }).map((list) => Uint8Array.from(list));
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 });
    // How much is left behind a reply depends on the pieces; nothing else does.
    const gist = (progress: Progress): string => JSON.stringify({ ...progress, left: undefined });
    fc.assert(
      fc.property(octets, sizes, (list, pieces) => gist(all(list, pieces)) === gist(all(list, []))),
    );
    t.pass();
  });

  const keywords = (text: string): string[] => {
    const progress = new ReplyReader().push(Buffer.from(text));
    if (progress.kind !== 'reply') throw new Error(progress.kind);
    return [...ehloKeywords(progress.reply)];
  };
  t.same(keywords('250-STARTTLS\r\n250-size 100\r\n250-AUTH=LOGIN\r\n250 StartTLS\r\n'), [
    'SIZE',
    'AUTH',
    'STARTTLS',
  ]);
  t.same(keywords('250 STARTTLS\r\n'), []);
});
