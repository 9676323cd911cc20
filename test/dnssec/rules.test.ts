// The small rules under the proofs, each on both sides of its border: tables, budget, anchors, aliases, canonical form,
// key octets and the store of keys. Expected values come from the RFC named beside them.
import { generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { Name, ROOT } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import type { RRset, Rrsig } from '../../src/dns/rrset.ts';
import {
  algorithmOf,
  DEFAULT_ALGORITHMS,
  isSupported,
  printAlgorithm,
} from '../../src/dnssec/algorithms.ts';
import { cnameTarget, findDname, substitute, synthesise } from '../../src/dnssec/alias.ts';
import {
  anchorsFrom,
  closestAnchor,
  findUnsupported,
  parseAnchors,
} from '../../src/dnssec/anchors.ts';
import { Budget, LIMITS } from '../../src/dnssec/budget.ts';
import { canonicalSet, countedLabels, signedData } from '../../src/dnssec/canonical.ts';
import { defaultPolicy } from '../../src/dnssec/context.ts';
import { isWeak, parseDnsKey, readKeyMaterial } from '../../src/dnssec/dnskey.ts';
import { matchDs } from '../../src/dnssec/ds.ts';
import { isLowOrder } from '../../src/dnssec/edwards.ts';
import { KeyStore } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import { contextAt, ENGINES, octets as octetsOf, rr } from './support.ts';

const name = (text: string): Name => Name.parse(text);
const setOf = (owner: string, type: RRset['type'], ...rdata: Uint8Array[]): RRset => ({
  owner: name(owner),
  type,
  ttl: 300,
  rdata,
  signatures: [],
});

t.test('algorithms by number, as IANA lists them', async (t) => {
  const names = { 1: 'RSAMD5', 3: 'DSA', 6: 'DSA-NSEC3-SHA1', 12: 'ECC-GOST', 23: 'ECC-GOST12' };
  for (const [number, known] of Object.entries(names))
    t.equal(printAlgorithm(Number(number)), known);
  t.equal(printAlgorithm(8), 'RSASHA256');
  t.equal(printAlgorithm(17), 'SM2SM3');
  t.equal(printAlgorithm(99), '99', 'a number that has no name');
  t.match(algorithmOf(15), { kind: 'eddsa', curve: 'ed25519' }, 'RFC 8080 section 3');
  t.match(algorithmOf(16), { kind: 'eddsa', curve: 'ed448' });
  t.notOk(
    isSupported({ ...DEFAULT_ALGORITHMS, algorithms: new Set([200]) }, 200),
    'no code for it',
  );
});

t.test('the rules of this version are those that SECURITY.md and RFC 9276 name', async (t) => {
  const { signatureTimes, inceptionSkewMs, nsec3Iterations, algorithms } =
    defaultPolicy(nativeEngine);
  t.same(
    { signatureTimes, inceptionSkewMs, nsec3Iterations },
    { signatureTimes: 'checked', inceptionSkewMs: 60_000, nsec3Iterations: 50 },
  );
  t.same([...algorithms.algorithms], [8, 10, 13, 14, 15, 16], 'RFC 9905 section 2');
  t.same([...algorithms.digests], [1, 2, 4]);
  t.equal(algorithms.rsaMinimumBits, 1024);
  t.same(LIMITS, {
    signatures: 32,
    'nsec3-hashes': 600,
    queries: 200,
    'bytes-received': 100_000,
    'wall-clock': 10_000,
    'queries-per-fetch': 50,
    'delegation-depth': 16,
    'nested-resolutions': 7,
    'server-lookups': 10,
    'alias-links': 11,
    'rrset-records': 100,
    'failed-signatures': 8,
    'rrsigs-tried': 8,
    'keys-tried': 2,
    'ds-considered': 8,
    'nsec3-records': 10,
  });
});

t.test(
  'a budget lets exactly its limit through, and remembers the first one that was hit',
  async (t) => {
    const counted = ['signatures', 'nsec3-hashes', 'queries', 'server-lookups'] as const;
    for (const limit of counted) {
      const budget = new Budget({ [limit]: 2 });
      t.equal(budget.used(limit), 0);
      t.same([budget.spend(limit), budget.spend(limit)], [true, true]);
      t.equal(budget.exceeded, undefined);
      t.equal(budget.spend(limit), false);
      t.equal(budget.used(limit), 2);
      t.equal(budget.exceeded, limit);
    }
    const budget = new Budget({ 'bytes-received': 10 });
    t.equal(budget.used('bytes-received'), 0);
    t.equal(budget.receive(10), true, 'all of it');
    t.equal(budget.receive(1), false);
    t.equal(budget.exceeded, 'bytes-received');
    budget.exceed('wall-clock');
    t.equal(budget.exceeded, 'bytes-received', 'the first');
  },
);

t.test(
  'anchors: DS and DNSKEY records of a name stay together, other types are ignored',
  async (t) => {
    const [ds, key] = ['example. 0 DS 1 8 2 00', 'example. 0 DNSKEY 257 3 8 AQAB'].map(rr);
    const [other, txt] = ['example. 0 DNSKEY 257 3 13 AQAC', 'example. 0 TXT x'].map(rr);
    const records = [ds, key, other, txt].filter((record) => record !== undefined);
    const anchor = anchorsFrom(records).get(name('example').key);
    t.same(anchor?.ds, [ds?.rdata]);
    t.same(anchor?.keys, [key?.rdata, other?.rdata]);
    t.same(parseAnchors('; nothing\n'), {
      kind: 'errors',
      errors: ['it has no DS and no DNSKEY record'],
    });
    const broken = parseAnchors('. DS 1 8 2 00\n. DS x\n');
    t.match(broken, { kind: 'errors', errors: [/^line 2: ./] });
  },
);

t.test('anchors of which nothing counts are found: their zones would be believed unsigned', (t) => {
  const found = (...lines: readonly string[]): string | undefined =>
    findUnsupported(anchorsFrom(lines.map(rr)), DEFAULT_ALGORITHMS)?.name.toString();
  t.equal(found('. 0 DS 1 250 2 00'), '.', 'an algorithm that nobody knows');
  t.equal(found('. 0 DS 1 8 9 00'), '.', 'a digest type that nobody knows');
  t.equal(found('. 0 DS 1 5 2 00'), '.', 'RSA with SHA-1 does not count (RFC 9905)');
  t.equal(found('. 0 DNSKEY 257 3 250 AQAB'), '.');
  t.equal(
    found('. 0 DS 1 8 2 00', 'b.example. 0 DS 1 250 2 00'),
    'b.example.',
    'each zone by itself',
  );
  t.equal(found('. 0 DS 1 250 2 00', '. 0 DS 1 8 9 00'), '.', 'two halves are no whole');
  t.equal(found('. 0 DS 1 250 2 00', '. 0 DS 1 8 2 00'), undefined, 'one that counts is enough');
  t.equal(found('. 0 DS 1 250 2 00', '. 0 DNSKEY 257 3 8 AQAB'), undefined);
  t.equal(found('. 0 DNSKEY 257 3 250 AQAB', '. 0 DS 1 13 4 00'), undefined);
  t.end();
});

t.test('the closest anchor stands at the name or above it, the root included', async (t) => {
  const anchors = anchorsFrom(['. 0 DS 1 8 2 00', 'b.example. 0 DS 2 8 2 00'].map(rr));
  const closest = (at: string) => closestAnchor(anchors, name(at))?.name.toString();
  t.equal(closest('b.example'), 'b.example.');
  t.equal(closest('a.b.example'), 'b.example.');
  t.equal(closest('example'), '.');
  t.equal(closest('.'), '.');
  t.equal(closestAnchor(anchorsFrom([]), name('example')), undefined);
});

t.test('aliases', async (t) => {
  const dname = (owner: string) => setOf(owner, 'DNAME', encode('DNAME', { target: name('t.') }));
  const found = (owner: string, at: string, set = dname(owner)) =>
    findDname({ rcode: 'NOERROR', answer: [set], authority: [] }, name(at), name('zone.example'));
  t.ok(found('zone.example', 'x.zone.example'), 'of the apex');
  t.ok(found('d.zone.example', 'x.d.zone.example'));
  t.notOk(found('d.zone.example', 'd.zone.example'), 'RFC 6672 section 2.3: not at its owner');
  t.notOk(found('example', 'x.zone.example'), 'not above the zone');
  t.notOk(found('d.zone.example', 'x.zone.example'), 'not beside the name');
  const txt = setOf('d.zone.example', 'TXT', Uint8Array.of(1, 120));
  t.notOk(found('d.zone.example', 'x.d.zone.example', txt), 'of no other type');

  const one = encode('DNAME', { target: name('t.') });
  t.equal(substitute(setOf('d', 'DNAME', one), name('x.d'))?.toString(), 'x.t.');
  t.equal(substitute(setOf('d', 'DNAME', one, one), name('x.d')), undefined, 'two of them');
  t.equal(substitute(setOf('d', 'DNAME'), name('x.d')), undefined, 'none');

  const made = synthesise(name('x.d'), name('x.t'), 60);
  const [rdata] = made.rdata;
  t.match({ ...made, owner: made.owner.toString() }, { owner: 'x.d.', type: 'CNAME', ttl: 60 });
  t.equal(rdata && decode('CNAME', rdata).target.toString(), 'x.t.', 'RFC 6672 section 3.1');
  t.same(made.signatures, []);

  const cname = encode('CNAME', { target: name('t.') });
  t.equal(cnameTarget(setOf('a', 'CNAME', cname))?.toString(), 't.');
  t.equal(cnameTarget(setOf('a', 'CNAME', cname, cname)), undefined, 'RFC 2181 section 10.1');
  t.equal(cnameTarget(setOf('a', 'CNAME')), undefined);
  t.equal(cnameTarget({ ...setOf('a', 'CNAME', cname), defect: 'short' }), undefined);
});

t.test(
  'canonical order: unsigned octets, the shorter first, duplicates once (RFC 4034 section 6.3)',
  async (t) => {
    const octets = (...all: number[]) => Uint8Array.from(all);
    const sorted = canonicalSet(
      setOf(
        'a',
        'NULL',
        octets(200),
        octets(1, 0),
        octets(1),
        octets(),
        octets(1),
        octets(0, 9),
        octets(1, 255),
        octets(1, 3),
      ),
    );
    t.same(
      sorted.map((rdata) => [...rdata]),
      [[], [0, 9], [1], [1, 0], [1, 3], [1, 255], [200]],
    );
  },
);

const signature = (signer: string, labels: number): Rrsig => {
  const fields = {
    typeCovered: 'A',
    algorithm: 13,
    labels,
    originalTtl: 0x01020304,
    expiration: 2,
    inception: 1,
    keyTag: 7,
    signer: name(signer),
    signature: Uint8Array.of(9),
  } as const;
  return { ...fields, ttl: 300, rdata: encode('RRSIG', fields) };
};

t.test(
  'signed data: names folded, the wildcard in place of what it made (RFC 4034 sections 3.1.8.1 and 6.2)',
  async (t) => {
    const set = setOf('X.Y.Example', 'A', Uint8Array.of(192, 0, 2, 1));
    const dataFor = (labels: number, from: RRset = set) => {
      const data = signedData(from, signature('EXAMPLE', labels), from.rdata);
      return data && [...data];
    };
    const signer = [...name('example').wire];
    const record = (owner: string) => [
      ...name(owner).wire,
      0,
      1,
      0,
      1,
      1,
      2,
      3,
      4,
      0,
      4,
      192,
      0,
      2,
      1,
    ];
    t.same(dataFor(3)?.slice(18), [...signer, ...record('x.y.example')]);
    t.same(dataFor(2)?.slice(18), [...signer, ...record('*.y.example')]);
    t.equal(dataFor(4), undefined, 'more labels than the owner has');
    const wild = setOf('*.Y.example', 'A', Uint8Array.of(192, 0, 2, 1));
    t.same(dataFor(2, wild)?.slice(18), [...signer, ...record('*.y.example')]);
    t.equal(countedLabels(wild.owner), 2, 'RFC 4034 section 3.1.3');
  },
);

const dnskey = (flags: number, algorithm: number, publicKey: readonly number[]) =>
  parseDnsKey(Uint8Array.of(flags >> 8, flags & 255, 3, algorithm, ...publicKey));

t.test('key tags (RFC 4034 appendix B)', async (t) => {
  t.equal(
    dnskey(0x100, 1, [1, 3, 0x11, 0x22, 0x33])?.keyTag,
    0x1122,
    'algorithm 1: of the modulus',
  );
  // Sums of octet pairs: 0100 + 0302 + 05 in the high octet of an odd length.
  t.equal(dnskey(0x100, 2, [5])?.keyTag, 0x0100 + 0x0302 + 0x0500);
  t.equal(dnskey(0x100, 1, [])?.keyTag, (0 << 8) | 3, 'octets are missing: of the header');
  t.equal(parseDnsKey(Uint8Array.of(1, 0, 3)), undefined);
  // FFFF twice with the header overflows 16 bits twice: the carry comes back in.
  t.equal(dnskey(0x100, 8, [255, 255, 255, 255])?.keyTag, (0x100 + 0x308 + 0x1fffe + 2) & 0xffff);
});

const exponentOf = (octets: number[], modulusOctets: number[]) =>
  readKeyMaterial({
    ...(dnskey(0x100, 8, []) ?? {
      rdata: Uint8Array.of(),
      flags: 0,
      keyTag: 0,
      isZoneKey: true,
      isRevoked: false,
    }),
    algorithm: 8,
    publicKey: Uint8Array.from([octets.length, ...octets, ...modulusOctets]),
  });
const modulus = (octets: number, first = 0x80): number[] => [
  first,
  ...Array.from({ length: octets - 2 }, () => 7),
  1,
];

t.test(
  'RSA keys: sizes and exponents on both sides of the limits (RFC 3110 section 2)',
  async (t) => {
    const takes = (exponent: number[], of = modulus(128)) => exponentOf(exponent, of) !== undefined;
    t.ok(takes([1, 0, 1]));
    t.ok(takes([3]), 'three is the least');
    t.notOk(takes([1]));
    t.notOk(takes([4]), 'even');
    t.ok(takes([1, 0, 0, 0, 1]), '2^32 + 1 is the most');
    t.notOk(takes([1, 0, 0, 0, 3]));
    t.notOk(takes([2, 0, 0, 0, 1]));
    t.notOk(takes([1, 0, 0, 0, 0, 1]), 'six octets');
    t.notOk(takes([1, 0, 1], [...modulus(127), 2]), 'an even modulus');
    t.ok(takes([1, 0, 1], modulus(512)), '4096 bits');
    t.notOk(takes([1, 0, 1], modulus(513, 1)), '4097 bits');
    t.ok(takes([1, 0, 1], modulus(64)), '512 bits');
    t.notOk(takes([1, 0, 1], modulus(64, 0x7f)), '511 bits');
    t.notOk(takes([1, 0, 1], []), 'no modulus');
    t.notOk(takes([1, 0, 1], [0]), 'a modulus of nothing but zeros');
    t.notOk(takes([0], modulus(128)), 'an exponent of zero');
  },
);

t.test('a key is weak below the bits of the table, and only a key that counts', async (t) => {
  const weak = (algorithm: number, publicKey: readonly number[]) => {
    const key = dnskey(0x100, algorithm, publicKey);
    return key && isWeak(DEFAULT_ALGORITHMS, key);
  };
  const rsa = (octets: number, first?: number) => [1, 3, ...modulus(octets, first)];
  t.equal(weak(8, rsa(128)), false, '1024 bits');
  t.equal(weak(8, rsa(128, 0x7f)), true, '1023 bits');
  t.equal(weak(8, [1, 3, 0, ...modulus(127)]), true, 'leading zeros count nothing');
  t.equal(weak(8, [1, 3]), false, 'no modulus: no key');
  t.equal(weak(8, [1, 3, 0, 0]), true, 'a modulus of zeros');
  t.equal(weak(8, [1, 3, ...new Uint8Array(130)]), true, 'many of them');
  t.equal(
    weak(8, [0, 1, 0, ...new Uint8Array(255), 3, ...modulus(128)]),
    false,
    'a length of two octets',
  );
  t.equal(weak(13, [1, 3, 5, 7]), false, 'no RSA');
  t.equal(weak(5, rsa(64)), false, 'an algorithm that does not count');
});

t.test('keys whose octets cannot be right are no keys', async (t) => {
  const material = (algorithm: number, octets: number) => {
    const key = dnskey(0x100, algorithm, [...Array.from({ length: octets - 1 }, () => 3), 0]);
    return key && readKeyMaterial(key)?.kind;
  };
  t.equal(material(13, 64), 'ecdsa');
  t.equal(material(13, 63), undefined);
  t.equal(material(14, 96), 'ecdsa');
  t.equal(material(15, 32), 'eddsa');
  t.equal(material(16, 57), 'eddsa');
  t.equal(material(16, 58), undefined);
  t.equal(material(99, 64), undefined, 'an algorithm that nobody knows');
});

t.test('a digest type that counts but has no code matches nothing', async (t) => {
  const key = dnskey(0x101, 13, [1, 2, 3]);
  const algorithms = { ...DEFAULT_ALGORITHMS, digests: new Set([2, 9]) };
  const context = contextAt(0, { ...defaultPolicy(nativeEngine), algorithms });
  const ds = { keyTag: key?.keyTag ?? 0, algorithm: 13, digestType: 9, digest: new Uint8Array() };
  t.same(matchDs(ROOT, [ds], key ? [key] : [], context), { kind: 'no-match' });
});

t.test('a DS digest is over the folded name (RFC 4034 section 5.1.4)', async (t) => {
  const key = dnskey(0x101, 13, [1, 2, 3]);
  if (!key) return t.fail('no key');
  const digest = nativeEngine.hash(
    'sha256',
    Uint8Array.from([...name('example').wire, ...key.rdata]),
  );
  const ds = { keyTag: key.keyTag, algorithm: 13, digestType: 2, digest };
  const context = contextAt(0);
  t.match(matchDs(name('EXAMPLE'), [ds], [key], context), { kind: 'matched' });
});

t.test('keys are imported once, and the last thousand or so are kept', async (t) => {
  let imported = 0;
  const storeOf = () =>
    new KeyStore({
      name: 'native',
      hash: nativeEngine.hash,
      importKey: () => {
        imported += 1;
        return () => true;
      },
    });
  let store = storeOf();
  const keyOf = (n: number, length = 64) => {
    const key = dnskey(0x100, 13, [n >> 8, n & 255, ...new Uint8Array(length - 2)]);
    if (!key) throw new RangeError('no key');
    return key;
  };
  const first = store.verifierOf(keyOf(1));
  t.equal(store.verifierOf(keyOf(1)), first);
  t.equal(imported, 1, 'once');
  for (let n = 2; n <= 500; n += 1) store.verifierOf(keyOf(n));
  store.verifierOf(keyOf(501));
  t.equal(store.verifierOf(keyOf(1)), first, 'of the older generation');
  t.equal(imported, 501);
  for (let n = 1000; n < 2000; n += 1) store.verifierOf(keyOf(n));
  imported = 0;
  t.not(store.verifierOf(keyOf(2)), undefined);
  t.equal(imported, 1, 'two generations later it is gone');
  store = storeOf();
  for (let n = 1; n <= 1001; n += 1) store.verifierOf(keyOf(n));
  imported = 0;
  store.verifierOf(keyOf(501));
  t.equal(imported, 0, 'the older generation are 501 to 1000');
  store.verifierOf(keyOf(500));
  t.equal(imported, 1, 'and what came before is gone');
  const rsa = (octets: number) =>
    store.verifierOf({
      ...keyOf(1),
      algorithm: 8,
      publicKey: Uint8Array.from([1, 3, ...new Uint8Array(octets - 2 - 128), ...modulus(128)]),
    });
  t.type(rsa(4096), 'function', '4096 octets of key, most of them zeros');
  t.equal(rsa(4097), 'refused');
});

/** A number as curves write it: little-endian. */
const littleEndian = (value: bigint, octets: number): Uint8Array =>
  Uint8Array.from({ length: octets }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const PRIMES = { ed25519: 2n ** 255n - 19n, ed448: 2n ** 448n - 2n ** 224n - 1n };

t.test(
  'points of small order and coordinates that are not reduced (RFC 8032 section 5)',
  async (t) => {
    for (const [curve, octets] of [
      ['ed25519', 32],
      ['ed448', 57],
    ] as const) {
      const p = PRIMES[curve];
      const isRefused = (y: bigint) => isLowOrder(curve, littleEndian(y, octets));
      for (const y of [0n, 1n, p - 1n, p, p + 1n]) t.equal(isRefused(y), true, `${curve} ${y}`);
      for (const y of [2n, 3n, p - 2n]) t.equal(isRefused(y), false, `${curve} ${y}`);
      const sign = 1n << BigInt(8 * octets - 1);
      t.equal(isRefused(sign | 1n), true, 'whatever the sign');
      t.equal(isRefused(sign | 2n), false);
    }
    const order8 = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a';
    t.equal(isLowOrder('ed25519', octetsOf(order8)), true, 'order 8');
  },
);

t.test(
  'EdDSA: S below the order, R on the curve (RFC 8032 sections 5.1.7 and 5.2.7)',
  async (t) => {
    const orders = {
      ed25519: 2n ** 252n + 27742317777372353535851937790883648493n,
      ed448: 2n ** 446n - 13818066809895115352007386748515426880336692474882178609894547503885n,
    };
    for (const curve of ['ed25519', 'ed448'] as const) {
      const pair =
        curve === 'ed448' ? generateKeyPairSync('ed448') : generateKeyPairSync('ed25519');
      const { x = '' } = pair.publicKey.export({ format: 'jwk' });
      const point = new Uint8Array(Buffer.from(x, 'base64url'));
      const data = Uint8Array.of(1, 2, 3);
      const good = new Uint8Array(sign(null, data, pair.privateKey));
      const withS = Uint8Array.from(good);
      withS.set(littleEndian(orders[curve], point.length), point.length);
      for (const engine of ENGINES) {
        const check = engine.importKey({ kind: 'eddsa', curve, point });
        t.equal(check?.(data, good), true, `${curve} on ${engine.name}`);
        t.equal(check?.(data, withS), false, `S is the order, on ${engine.name}`);
        for (const y of [2n, 3n, 4n, 5n, 6n, 7n]) {
          const withR = Uint8Array.from(good);
          withR.set(littleEndian(y, point.length)); // about half of these are no points
          t.equal(check?.(data, withR), false, `y of R is ${y}, on ${engine.name}`);
        }
      }
    }
  },
);
