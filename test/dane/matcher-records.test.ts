// Cases M35 to M63 of ../shared/spec/dane-cases.md: which records count, keys of all kinds, and hostile lists.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import t from 'tap';
import { usableRecords, whyUnusable } from '../../src/dane/tlsa.ts';
import {
  type CertificateDescription,
  type IssuedCertificate,
  issue,
} from '../../src/testing/certificates.ts';
import { bitString, objectId, sequence } from '../../src/testing/der.ts';
import {
  authority,
  type Case,
  EXPIRED,
  I,
  L,
  matcherCase,
  R,
  server,
  show,
  tlsa,
  U,
  verify,
  wrong,
} from './matcher-support.ts';

const RIGHT = tlsa(3, 1, 1, L);
/** Records beside each other, against L and I. */
const beside = (
  claim: string,
  records: Case['records'],
  expect: Case['expect'],
  more: Partial<Case> = {},
): Case => ({ claim, records, chain: [L, I], expect, ...more });

matcherCase('M35', [
  beside(
    'the stronger digest decides: 3 1 2 wrong',
    [wrong(tlsa(3, 1, 2, L)), RIGHT],
    'dane-no-match',
  ),
]);
matcherCase('M36', [
  beside('Full is never set aside', [wrong(tlsa(3, 1, 2, L)), tlsa(3, 1, 0, L)], 0),
]);
const SHORT = { ...tlsa(3, 1, 2, L), associationData: new Uint8Array(63) };
matcherCase('M37', [beside('a malformed stronger digest hides nothing', [SHORT, RIGHT], 0)]);
matcherCase('M38', [beside('digests of another selector', [wrong(tlsa(3, 0, 2, L)), RIGHT], 0)]);
matcherCase('M39', [beside('digests of another usage', [wrong(tlsa(2, 1, 2, L)), RIGHT], 0)]);
matcherCase('M40', [
  beside('a matching type that nobody knows', [{ ...RIGHT, matchingType: 9 }, RIGHT], 0),
]);
matcherCase('M41', [
  beside(
    'an order of the operator: SHA2-256 first',
    [tlsa(3, 1, 2, L), wrong(RIGHT)],
    'dane-no-match',
    { options: { digests: [1, 2] } },
  ),
  beside('the same records in the usual order', [tlsa(3, 1, 2, L), wrong(RIGHT)], 0),
]);
matcherCase('M42', [beside('the next key and this one', [tlsa(3, 1, 1, U), RIGHT], 0)]);
matcherCase('M43', [
  beside('the issuer where the key is wrong', [wrong(RIGHT), tlsa(2, 1, 1, I)], 1),
]);
matcherCase('M44', [
  beside(
    'but not for another name',
    [wrong(RIGHT), tlsa(2, 1, 1, I)],
    'certificate-host-mismatch',
    { names: ['mx.example.net'] },
  ),
]);

const derOf = ({ der }: IssuedCertificate): Uint8Array => der;
const many = (count: number, record: Case['records'][number]) =>
  Array.from({ length: count }, () => record);
/** A certificate of some 60 kB: what a TLSA record may hold at most. */
const HUGE = authority('Huge', undefined, {
  extensions: [{ id: '1.3.6.1.4.1.99999.1', value: new Uint8Array(60_000) }],
});
t.test('M45: hostile record sets cost little, and the answer is right', async (t) => {
  const timed = (one: Pick<Case, 'records' | 'chain'>): string => {
    const start = performance.now();
    const verdict = verify(one, one.chain.map(derOf));
    const spent = performance.now() - start;
    // Some milliseconds on an idle machine; this one may be busy.
    t.ok(spent < 2000, `${spent.toFixed(0)} ms`);
    return show(verdict);
  };
  const digests = Array.from({ length: 1400 }, (_, i) =>
    tlsa(3, 1, 1, { ...L, spki: Uint8Array.of(i >> 8, i) }),
  );
  t.equal(timed({ records: many(200, RIGHT), chain: [L] }), '0', 'two hundred times the same');
  t.equal(timed({ records: [...digests.slice(1201), RIGHT], chain: [L] }), '0', 'one of 200');
  t.equal(timed({ records: [...digests, RIGHT], chain: [L] }), '0', 'as many as 64 KiB hold');
  t.equal(timed({ records: digests, chain: [L] }), 'dane-no-match');
  // The order in a record set is not signed: no order may bring a weaker digest to bear (RFC 7671 section 9).
  const hidden = [RIGHT, ...digests.slice(0, 999), wrong(tlsa(3, 1, 2, L))];
  t.equal(timed({ records: hidden, chain: [L] }), 'dane-no-match', 'SHA2-512 behind a thousand');

  const keys = [HUGE, ...Array.from({ length: 20 }, (_, i) => authority(`Key ${i}`))];
  const bare = keys.map((key) => tlsa(2, 1, 0, key));
  const chain = [L, I, R];
  t.equal(timed({ records: bare, chain }), 'dane-no-match', 'bare keys');
  t.equal(timed({ records: [...bare, tlsa(2, 1, 0, I)], chain: [L] }), '0', 'one of them right');
  const flood = Array.from({ length: 500 }, (_, i) => {
    const spki = Uint8Array.from(L.spki);
    spki.set([i >> 8, i], spki.length - 2);
    return tlsa(2, 1, 0, { ...L, spki });
  });
  t.equal(timed({ records: flood, chain }), 'certificate-not-trusted', 'more than are tried');
  const hindered = verify({ records: [tlsa(2, 0, 1, R), ...flood] }, chain.map(derOf));
  t.match(
    hindered,
    { detail: 'more paths than can be followed' },
    'nobody looks for a broken path',
  );
  t.equal(timed({ records: many(200, tlsa(2, 0, 0, U)), chain }), 'dane-no-match');
  t.ok(HUGE.der.length > 60_000);
  t.equal(timed({ records: [tlsa(2, 0, 0, HUGE)], chain: [server(HUGE)] }), '1', '64 KiB of 2 0 0');
});

const unusable = (one: Omit<Case, 'expect' | 'chain'>): Case => ({
  ...one,
  chain: [L, I, R],
  expect: 'no-usable-record',
});
matcherCase('M46', [
  unusable({
    claim: 'a PKIX usage between mail servers (RFC 7672 section 3.1.3)',
    records: [tlsa(1, 1, 1, L)],
  }),
]);
matcherCase('M47', [
  beside('a PKIX usage beside a wrong key', [tlsa(0, 0, 1, I), wrong(RIGHT)], 'dane-no-match'),
]);
const filled = (octets: number) => new Uint8Array(octets).fill(7);
matcherCase(
  'M48',
  [
    { usage: 4 },
    { usage: 255 },
    { selector: 2 },
    { selector: 255 },
    { matchingType: 3 },
    { matchingType: 255 },
  ].map((change) =>
    unusable({ claim: `unknown: ${JSON.stringify(change)}`, records: [{ ...RIGHT, ...change }] }),
  ),
);
matcherCase(
  'M49',
  [31, 33, 0].flatMap((octets) => [
    unusable({
      claim: `a digest of ${octets} octets`,
      records: [{ ...RIGHT, associationData: filled(octets) }],
    }),
    unusable({
      claim: `${octets} octets where a certificate should be`,
      records: [{ ...RIGHT, matchingType: 0, associationData: filled(octets) }],
    }),
  ]),
);

const pkcs1 = new Uint8Array(
  generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'pkcs1',
    format: 'der',
  }),
);
matcherCase('M50', [
  unusable({
    claim: '3 0 0 that is no certificate',
    records: [{ ...tlsa(3, 0, 0, L), associationData: L.spki }],
  }),
  unusable({
    claim: '3 0 0 with an octet behind it',
    records: [{ ...tlsa(3, 0, 0, L), associationData: Buffer.concat([L.der, Uint8Array.of(0)]) }],
  }),
  unusable({
    claim: '3 1 0 that is PKCS#1',
    records: [{ ...tlsa(3, 1, 0, L), associationData: pkcs1 }],
  }),
]);

t.test('M51: a set of nothing else is unusable as a whole', async (t) => {
  const set = [
    tlsa(1, 1, 1, L),
    { ...RIGHT, usage: 4 },
    { ...RIGHT, associationData: filled(31) },
    { ...tlsa(3, 1, 0, L), associationData: pkcs1 },
  ];
  t.same(usableRecords(set), []);
  t.same(
    set.map((record) => whyUnusable(record)),
    ['pkix-usage', 'unknown-usage', 'wrong-digest-length', 'not-a-key'],
  );
});

/** The same public key in other octets. */
const respelled = (spki: Uint8Array, privateKey: KeyObject): IssuedCertificate =>
  server(I, { keyOf: { privateKey, spki } });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));
const RSA_BARE = sequence(
  sequence(objectId('1.2.840.113549.1.1.1')),
  bitString(new Uint8Array(rsa.publicKey.export({ type: 'pkcs1', format: 'der' }))),
);
const point = spkiOf(ec.publicKey).subarray(-65);
const compressed = Uint8Array.of(2 + ((point[64] ?? 0) & 1), ...point.subarray(1, 33));
const EC_COMPRESSED = sequence(
  sequence(objectId('1.2.840.10045.2.1'), objectId('1.2.840.10045.3.1.7')),
  bitString(compressed),
);
const explicitCurve = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
matcherCase(
  'M52',
  (
    [
      ['RSA without NULL', respelled(RSA_BARE, rsa.privateKey), spkiOf(rsa.publicKey)],
      ['a compressed point', respelled(EC_COMPRESSED, ec.privateKey), spkiOf(ec.publicKey)],
      [
        'a curve spelled out',
        respelled(spkiOf(explicitCurve.publicKey), explicitCurve.privateKey),
        spkiOf(ec.publicKey),
      ],
    ] as const
  ).flatMap(([claim, leaf, usual]) => {
    const chain = [leaf, I];
    const unserved =
      claim === 'a curve spelled out' ? { unserved: 'TLS has named curves only' } : {};
    return [
      {
        claim: `${claim}: the octets as sent`,
        records: [tlsa(3, 1, 1, leaf)],
        chain,
        expect: 0,
        ...unserved,
      },
      {
        claim: `${claim}: not those of the usual form`,
        records: [tlsa(3, 1, 1, { ...leaf, spki: usual })],
        chain,
        expect: 'dane-no-match',
        ...unserved,
      },
    ] as const;
  }),
);

const keyed = (pair: { privateKey: KeyObject; publicKey: KeyObject }): IssuedCertificate =>
  server(I, { keyOf: { privateKey: pair.privateKey, spki: spkiOf(pair.publicKey) } });
matcherCase(
  'M53',
  Object.entries({
    'RSA-PSS': keyed(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })),
    Ed25519: keyed(generateKeyPairSync('ed25519')),
    Ed448: keyed(generateKeyPairSync('ed448')),
    'P-384': keyed(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  }).map(([claim, leaf]) => ({
    claim: `${claim}, 3 1 1`,
    records: [tlsa(3, 1, 1, leaf)],
    chain: [leaf],
    expect: 0,
  })),
);

const FORTY = Array.from({ length: 38 }, (_, i) => authority(`Padding ${i}`));
matcherCase('M55', [
  {
    claim: 'no certificate',
    records: [RIGHT],
    chain: [],
    expect: 'no-certificate',
    unserved: 'a TLS server has one',
  },
  {
    claim: 'forty certificates, those that count at the end',
    records: [tlsa(2, 0, 1, R)],
    chain: [L, ...FORTY, R, I],
    expect: 2,
  },
]);
matcherCase('M56', [
  {
    claim: 'the root before the intermediate',
    records: [tlsa(2, 0, 1, R)],
    chain: [L, R, I],
    expect: 2,
  },
  {
    claim: 'padding, and all of it twice',
    records: [tlsa(2, 0, 1, R)],
    chain: [L, U, R, I, U, L, I, R],
    expect: 2,
  },
]);

const R2 = authority('Root 2');
/** R's key, certified by R2. */
const CROSS = issue({ kind: 'authority', subject: 'Root', keyOf: R }, R2);
const orders = <T>(list: readonly T[]): T[][] =>
  list.length === 0
    ? [[]]
    : list.flatMap((first) =>
        orders(list.filter((one) => one !== first)).map((rest) => [first, ...rest]),
      );
t.test('M57: a cross-signed root, certificates in any order', async (t) => {
  for (const above of orders([I, R, CROSS, R2])) {
    const chain = [L, ...above].map(derOf);
    const at = (...records: Case['records']) => show(verify({ records }, chain));
    t.equal(at(tlsa(2, 0, 1, R)), '2');
    t.equal(at(tlsa(2, 0, 1, R2)), '3');
    t.equal(at(tlsa(2, 0, 1, CROSS)), '2');
    t.equal(at(tlsa(2, 0, 0, R2)), '3');
  }
});
matcherCase('M57', [
  {
    claim: 'over TLS, the other path first',
    records: [tlsa(2, 0, 1, R)],
    chain: [L, I, CROSS, R, R2],
    expect: 2,
    openssl: 'follows the first path only',
  },
]);

const keyOf = (certificate: IssuedCertificate | undefined) => certificate && { keyOf: certificate };

t.test('M57: authorities that bridge each other, of which one path is in date', async (t) => {
  const count = 8;
  const root = authority('Bridge root');
  const heads = Array.from({ length: count }, (_, i) => authority(`Bridge ${i}`));
  const certify = (head: number, issuer: IssuedCertificate, more: CertificateDescription = {}) =>
    issue({ kind: 'authority', subject: `Bridge ${head}`, ...keyOf(heads[head]), ...more }, issuer);
  // Head i is certified in date by head i + 1, the last one by the root; by all the others and the root in times past.
  const crosses = heads.flatMap((_, head) =>
    [...heads, root].flatMap((issuer, i) => {
      if (i === head) return [];
      return [certify(head, issuer, i === head + 1 ? {} : EXPIRED)];
    }),
  );
  const leaf = server(heads[0]);
  const verdict = verify({ records: [tlsa(2, 0, 1, root)] }, [leaf, ...crosses, root].map(derOf));
  t.equal(show(verdict), String(count + 1), 'it is found among hundreds');
  const broken = [leaf, ...crosses.filter((_, i) => i !== 0), root].map(derOf);
  t.equal(show(verify({ records: [tlsa(2, 0, 1, root)] }, broken)), 'certificate-expired');
});
const PKIX = { usages: 'all', trustRoots: [R.der] } as const;
matcherCase('M58', [
  beside('PKIX-TA(0) on the way to a trusted root', [tlsa(0, 0, 1, I)], 1, { options: PKIX }),
  beside('PKIX-EE(1) under a trusted root', [tlsa(1, 1, 1, L)], 0, { options: PKIX }),
  beside('PKIX-TA(0) of the root', [tlsa(0, 1, 2, R)], 2, { options: PKIX }),
  beside('PKIX-EE(1) without a trusted root', [tlsa(1, 1, 1, L)], 'certificate-not-trusted', {
    options: { usages: 'all', trustRoots: [U.der] },
  }),
  beside('PKIX-EE(1) of the issuer', [tlsa(1, 1, 1, I)], 'dane-no-match', { options: PKIX }),
  beside('PKIX-EE(1) for another name', [tlsa(1, 1, 1, L)], 'certificate-host-mismatch', {
    options: PKIX,
    names: ['mx.example.net'],
  }),
]);

const rsaLeaf = (modulusLength: number): IssuedCertificate =>
  keyed(generateKeyPairSync('rsa', { modulusLength }));
const SHA1_LEAF = server(I, { digest: 'sha1' });
const RSA_1024 = rsaLeaf(1024);
const RSA_768 = rsaLeaf(768);
matcherCase('M61', [
  {
    claim: '(a) 3 1 1 of a leaf signed with SHA-1',
    records: [tlsa(3, 1, 1, SHA1_LEAF)],
    chain: [SHA1_LEAF],
    expect: 0,
  },
  {
    claim: '(b) RSA with 1024 bits',
    records: [tlsa(3, 1, 1, RSA_1024)],
    chain: [RSA_1024],
    expect: 0,
  },
  {
    claim: '(b) the same where the setting says 2048',
    records: [tlsa(3, 1, 1, RSA_1024)],
    chain: [RSA_1024],
    options: { minimumRsaBits: 2048 },
    expect: 'certificate-not-trusted',
  },
  {
    claim: '(c) RSA with 768 bits',
    records: [tlsa(3, 1, 1, RSA_768)],
    chain: [RSA_768],
    expect: 'certificate-not-trusted',
  },
]);
t.test('M61: (b) a weak key is told', async (t) => {
  t.match(verify({ records: [tlsa(3, 1, 1, RSA_1024)] }, [RSA_1024.der]), { weakKey: 1024 });
});

const I_SHA1 = authority('SHA-1 intermediate', R, { digest: 'sha1' });
const BY_SHA1 = server(I_SHA1);
matcherCase('M62', [
  {
    claim: 'an intermediate signed with SHA-1',
    records: [tlsa(2, 0, 1, R)],
    chain: [BY_SHA1, I_SHA1, R],
    expect: 'certificate-not-trusted',
  },
  {
    claim: 'a leaf signed with SHA-1',
    records: [tlsa(2, 0, 1, I)],
    chain: [SHA1_LEAF, I],
    expect: 'certificate-not-trusted',
  },
  {
    claim: 'the same where the setting accepts it',
    records: [tlsa(2, 0, 1, R)],
    chain: [BY_SHA1, I_SHA1, R],
    options: { sha1: 'accept' },
    expect: 2,
  },
  {
    claim: 'SHA-1 in the signature of the trust anchor itself',
    records: [tlsa(2, 0, 1, I_SHA1)],
    chain: [BY_SHA1, I_SHA1],
    expect: 1,
  },
]);

const CLIENT = server(I, { usages: ['1.3.6.1.5.5.7.3.2'] });
matcherCase('M63', [
  {
    claim: '(a) a leaf for clients, 3 1 1',
    records: [tlsa(3, 1, 1, CLIENT)],
    chain: [CLIENT, I],
    expect: 0,
  },
  {
    claim: '(b) the same, 2 0 1',
    records: [tlsa(2, 0, 1, I)],
    chain: [CLIENT, I],
    expect: 'certificate-not-trusted',
  },
  { claim: 'no purpose at all', records: [tlsa(2, 0, 1, I)], chain: [L, I], expect: 1 },
]);
