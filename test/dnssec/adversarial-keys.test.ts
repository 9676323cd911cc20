// Section 5a of ../shared/spec/adversarial.md: keys and DS. One case a row, named after it.
import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import { collectRRsets, findRRset, type RR } from '../../src/dns/rrset.ts';
import { checkKeys } from '../../src/dnssec/delegation.ts';
import type { Engine } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import {
  type Algorithm,
  type Amendment,
  addDs,
  alterDs,
  alterKeys,
  alterPlan,
  alterRecords,
  corruptSignatures,
  crowdKeys,
  type Internet,
  removeSignatures,
  resign,
  signKeysByZskOnly,
  wrongDs,
} from '../../src/testing/index.ts';
import { dsOf, signingKey, withDnskey } from '../../src/testing/keys.ts';
import { signRRset } from '../../src/testing/signer.ts';
import { collectSets, coveredType, makeRecord } from '../../src/testing/zone.ts';
import { judgeData, judgeKeys, WWW, ZONE, zoneWith } from './example-zone.ts';
import { ENGINES, LEGACY, octets, policy } from './support.ts';
import { contextOf, keysOf, replyOf, trustOf } from './world.ts';

t.test('row 4: HashTrap: 100 DS x 100 keys of one tag', async (t) => {
  const { keyTag, algorithm } = firstKey(zoneWith([]));
  const lines = Array.from({ length: 100 }, (_, i) => {
    const digest = i.toString(16).padStart(64, '0');
    return `@ DS ${keyTag} ${algorithm} 2 ${digest}`;
  });
  const net = zoneWith([
    crowdKeys(99),
    alterPlan((plan) => ({ ...plan, ds: [] })),
    addDs(...lines),
  ]);
  let digests = 0;
  const counting: Engine = {
    ...nativeEngine,
    hash: (name, data) => {
      digests += 1;
      return nativeEngine.hash(name, data);
    },
  };
  t.same(judgeKeys(net, counting), {
    status: 'bogus',
    reason: 'dnskey-missing',
    ede: 9,
    signatures: 0,
  });
  t.equal(digests, 16, 'eight DS, two keys each');
});

function firstKey(net: Internet) {
  const [key] = keysOf(net, ZONE).keys;
  if (!key) throw new RangeError('the zone has no key');
  return key;
}

/** RFC 3110 section 2. */

function rsaKey(exponent: readonly number[], modulus: Uint8Array): Uint8Array {
  const length =
    exponent.length < 256 ? [exponent.length] : [0, exponent.length >> 8, exponent.length & 255];
  return Uint8Array.of(...length, ...exponent, ...modulus);
}

const modulusOf = (publicKey: Uint8Array): Uint8Array =>
  publicKey.subarray(1 + (publicKey[0] ?? 0));

const changeKey = (change: (publicKey: Uint8Array) => Uint8Array): Amendment =>
  alterKeys((key) => ({ ...key, publicKey: change(key.publicKey) }));

interface KeyCase {
  readonly row: string;
  readonly algorithm: Algorithm;
  readonly change: (publicKey: Uint8Array) => Uint8Array;
}

/** The other points of small order on Edwards25519, as every list of them has them. */
const LOW_ORDER = [
  [2, `ec${'ff'.repeat(30)}7f`],
  [4, '00'.repeat(32)],
  [8, '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
  [8, 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
] as const;

const UNUSABLE_KEYS: readonly KeyCase[] = [
  { row: 'row 7: a truncated ECDSA key', algorithm: 13, change: (key) => key.subarray(0, 40) },
  {
    row: 'row 7: an RSA exponent past the end',
    algorithm: 8,
    change: (key) => key.map((o, i) => (i === 0 ? 255 : o)),
  },
  { row: 'row 7: an empty key', algorithm: 8, change: () => new Uint8Array() },
  {
    row: 'row 7: an RSA key of its exponent length alone',
    algorithm: 8,
    change: () => Uint8Array.of(0),
  },
  { row: 'row 8: RSA exponent 1', algorithm: 8, change: (key) => rsaKey([1], modulusOf(key)) },
  {
    row: 'row 8: an even RSA exponent',
    algorithm: 8,
    change: (key) => rsaKey([1, 0, 0], modulusOf(key)),
  },
  {
    row: 'row 8: RSA exponent 2^32+3',
    algorithm: 8,
    change: (key) => rsaKey([1, 0, 0, 0, 3], modulusOf(key)),
  },
  {
    row: 'row 8: RSA exponent 2^64+1',
    algorithm: 8,
    change: (key) => rsaKey([1, 0, 0, 0, 0, 0, 0, 0, 1], modulusOf(key)),
  },
  {
    row: 'row 8: an RSA modulus of 65 536 bits',
    algorithm: 8,
    change: () => rsaKey([1, 0, 1], new Uint8Array(8192).fill(255)),
  },
  {
    row: 'row 8: an RSA modulus of 4104 bits',
    algorithm: 8,
    change: () => rsaKey([1, 0, 1], new Uint8Array(513).fill(255)),
  },
  {
    row: 'row 8: an RSA modulus of half a megabit',
    algorithm: 8,
    change: () => rsaKey([1, 0, 1], new Uint8Array(60_000).fill(255)),
  },
  { row: 'row 10: a P-256 key of 63 octets', algorithm: 13, change: (key) => key.subarray(0, 63) },
  {
    row: 'row 10: a P-384 key of 97 octets',
    algorithm: 14,
    change: (key) => Uint8Array.of(...key, 0),
  },
  {
    row: 'row 11: the neutral point as Ed25519 key',
    algorithm: 15,
    change: (key) => key.map((_, i) => (i === 0 ? 1 : 0)),
  },
  ...LOW_ORDER.map(([order, point]) => ({
    row: `row 11: a point of order ${order} as Ed25519 key`,
    algorithm: 15 as const,
    change: () => octets(point),
  })),
  {
    row: 'row 11: the neutral point as Ed448 key',
    algorithm: 16,
    change: (key) => key.map((_, i) => (i === 0 ? 1 : 0)),
  },
];

for (const { row, algorithm, change } of UNUSABLE_KEYS)
  t.test(row, async (t) => {
    const net = zoneWith([changeKey(change)], { algorithms: [algorithm] });
    for (const engine of ENGINES)
      t.same(
        judgeKeys(net, engine),
        { status: 'bogus', reason: 'signature-invalid', ede: 6, signatures: 0 },
        `on ${engine.name}`,
      );
  });

t.test('row 9: leading zeros of RSA numbers count nothing', async (t) => {
  const zeros = (key: Uint8Array): Uint8Array =>
    rsaKey(
      [0, 0, ...key.subarray(1, 1 + (key[0] ?? 0))],
      Uint8Array.of(0, 0, 0, ...modulusOf(key)),
    );
  const long = (key: Uint8Array): Uint8Array =>
    rsaKey([...new Uint8Array(300), ...key.subarray(1, 1 + (key[0] ?? 0))], modulusOf(key));
  for (const change of [zeros, long]) {
    const net = zoneWith([changeKey(change)], { algorithms: [8] });
    for (const engine of ENGINES) {
      t.equal(judgeKeys(net, engine).status, 'secure', `the zone on ${engine.name}`);
      t.equal(judgeData(net, { engine }).status, 'secure', `its data on ${engine.name}`);
    }
  }
});

/** RFC 8032 section 5.1: the order of the base point, little-endian. */

t.test('row 17: the only DS is wrong', async (t) => {
  for (const field of ['keyTag', 'digest', 'algorithm', 'digestType'] as const)
    t.same(
      judgeKeys(zoneWith([wrongDs(field)])),
      { status: 'bogus', reason: 'dnskey-missing', ede: 9, signatures: 0 },
      field,
    );
});

t.test(
  "row 26: a key of the root or of the top-level zone signs the child's key set",
  async (t) => {
    for (const ancestor of ['com', '.']) {
      const forge = alterRecords(({ records }) => {
        const zone = Name.parse(ZONE);
        const set = collectSets(records).find(({ type }) => type === 'DNSKEY');
        const times = { inception: 1_782_000_000, expiration: 1_785_000_000 };
        const signer = Name.parse(ancestor);
        if (!set) return records;
        const signature = signRRset(set, signingKey(13, signer.key), { signer, ...times });
        const isOverKeys = (record: RR) =>
          record.type === 'RRSIG' && coveredType(record) === 'DNSKEY';
        return [
          ...records.filter((record) => !(isOverKeys(record) && record.owner.equals(zone))),
          signature,
        ];
      });
      const unsigned = { status: 'bogus', reason: 'dnskey-unsigned', ede: 10, signatures: 0 };
      t.same(judgeKeys(zoneWith([forge])), unsigned, ancestor);
    }
  },
);

/** Upper case for the letters of names, which stand after the strings of a NAPTR. */

t.test('rows 34 to 36: what DS records count', async (t) => {
  const unknown = alterDs((ds) => ({ ...ds, algorithm: 200 }));
  t.same(judgeKeys(zoneWith([unknown])), {
    status: 'insecure',
    reason: 'unsupported-algorithm',
    ede: 1,
    signatures: 0,
  });
  const digest = alterDs((ds) => ({ ...ds, digestType: 200 }));
  t.match(judgeKeys(zoneWith([digest])), { reason: 'unsupported-digest', ede: 2, signatures: 0 });
  const other = addDs(`@ DS 4711 200 2 ${'00'.repeat(32)}`, `@ DS 4711 13 200 ${'00'.repeat(32)}`);
  t.match(judgeKeys(zoneWith([wrongDs('digest'), other])), { status: 'bogus', ede: 9 }, '35');
  t.equal(judgeKeys(zoneWith([other])).status, 'secure', '35 and the other way round');
  t.equal(judgeKeys(zoneWith([], { digests: [1] })).status, 'secure', '36 (a)');
  const onlySha1 = alterDs((ds) =>
    ds.digestType === 1 ? ds : { ...ds, digest: ds.digest.map(() => 7) },
  );
  for (const better of [2, 4] as const)
    t.match(
      judgeKeys(zoneWith([onlySha1], { digests: [1, better] })),
      { status: 'bogus', reason: 'dnskey-missing' },
      `36 (b) beside digest type ${better}`,
    );
  for (const algorithm of [5, 7] as const)
    t.same(
      judgeKeys(zoneWith([], { algorithms: [algorithm] })),
      { status: 'insecure', reason: 'unsupported-algorithm', ede: 1, signatures: 0 },
      `36 (c) algorithm ${algorithm}`,
    );
});

t.test('rows 40 and 42: a key set that nobody vouches for', async (t) => {
  const net = zoneWith([signKeysByZskOnly()], { keys: 'ksk-zsk' });
  t.same(judgeKeys(net), { status: 'bogus', reason: 'dnskey-unsigned', ede: 10, signatures: 0 });
  const none = zoneWith([
    alterRecords(({ records }) => records.filter(({ type }) => type !== 'DNSKEY')),
  ]);
  t.same(judgeKeys(none), { status: 'bogus', reason: 'dnskey-missing', ede: 9, signatures: 0 });
  t.equal(judgeKeys(zoneWith([removeSignatures('DNSKEY')])).reason, 'dnskey-unsigned');
});

t.test('a key set with a malformed key, or with too many, is refused whole', async (t) => {
  const more = (count: number) =>
    alterRecords(({ zone, records, resign: again }) => {
      const extra = Array.from({ length: count }, (_, i) =>
        makeRecord(zone, 'DNSKEY', 3600, Uint8Array.of(1, 0, 3, 13, i)),
      );
      const all = [...records, ...extra];
      return all.map((record) =>
        record.type === 'RRSIG' && coveredType(record) === 'DNSKEY' ? again(record, {}) : record,
      );
    });
  t.equal(judgeKeys(zoneWith([more(99), resign({}, 'DNSKEY')])).status, 'secure', '100 records');
  t.same(judgeKeys(zoneWith([more(100), resign({}, 'DNSKEY')])), {
    status: 'indeterminate',
    reason: 'unusable-records',
    ede: 0,
    limit: 'rrset-records',
    signatures: 0,
  });
  const short = alterRecords(({ zone, records }) => [
    ...records,
    makeRecord(zone, 'DNSKEY', 3600, Uint8Array.of(1, 0, 3)),
  ]);
  t.match(judgeKeys(zoneWith([short, resign({}, 'DNSKEY')])), {
    reason: 'malformed-records',
    ede: 0,
  });
});

t.test('a short RSA key makes a zone insecure only if it could sign', async (t) => {
  // Modulus of 512 bits; it need not be a product of two primes, since nothing is verified with it.
  const weak = (flags: number, algorithm: number): Amendment =>
    alterPlan((plan) => {
      const publicKey = rsaKey([1, 0, 1], new Uint8Array(64).fill(255));
      const rdata = encode('DNSKEY', { flags, protocol: 3, algorithm, publicKey });
      return { ...plan, records: [...plan.records, makeRecord(plan.zone, 'DNSKEY', 3600, rdata)] };
    });
  t.match(judgeKeys(zoneWith([weak(0x100, 8)])), {
    status: 'insecure',
    reason: 'weak-key',
    ede: 1,
  });
  t.equal(judgeKeys(zoneWith([weak(0x180, 8)])).status, 'secure', 'revoked');
  t.equal(judgeKeys(zoneWith([weak(0, 8)])).status, 'secure', 'no zone key');
  t.equal(judgeKeys(zoneWith([weak(0x100, 7)])).status, 'secure', 'an algorithm that never counts');
  const unsigned = zoneWith([weak(0x100, 8), corruptSignatures('DNSKEY')]);
  t.equal(judgeKeys(unsigned).reason, 'signature-invalid', 'and only in a validated key set');
});

t.test('collected RRsets keep one of each record', async (t) => {
  const [set] = collectRRsets(zoneRecords().flatMap((record) => [record, record]));
  t.equal(set?.rdata.length, 2);
});

const zoneRecords = (): RR[] =>
  [80, 81].map((last) => makeRecord(Name.parse(WWW), 'A', 60, Uint8Array.of(192, 0, 2, last)));

t.test('a zone signed with RSA of 512 bits', async (t) => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 512 });
  const { n = '' } = privateKey.export({ format: 'jwk' });
  const publicKey = rsaKey([1, 0, 1], new Uint8Array(Buffer.from(n, 'base64url')));
  const dnskey = encode('DNSKEY', { flags: 257, protocol: 3, algorithm: 8, publicKey });
  const key = { ...withDnskey(signingKey(8, 'short'), dnskey), privateKey };
  const short = alterPlan((plan) => ({ ...plan, keys: [key], ds: [dsOf(plan.zone, key, 2)] }));
  const net = zoneWith([short]);
  t.match(
    judgeKeys(net),
    { status: 'insecure', reason: 'weak-key', ede: 1 },
    'under the default table',
  );
  for (const engine of ENGINES) {
    const legacy = contextOf(net, { rules: policy(engine, LEGACY) });
    t.equal(
      trustOf(net, ZONE, legacy).status,
      'secure',
      `under a table with 512 bits, on ${engine.name}`,
    );
  }
});

t.test('row 33: one of two keys is revoked, and both sign the key set', async (t) => {
  const old = signingKey(13, 'old');
  const { flags, ...rest } = decode('DNSKEY', old.dnskey);
  const revokedKey = withDnskey(old, encode('DNSKEY', { ...rest, flags: flags | 0x80 }));
  t.not(revokedKey.tag, old.tag, 'the key tag changes with the flag');
  const roll = (...named: readonly ('old' | 'revoked' | 'new')[]): Internet =>
    zoneWith([
      alterPlan((plan) => {
        const [current] = plan.keys;
        if (!current) throw new RangeError('the zone has no key');
        const keys = { old, revoked: revokedKey, new: current };
        const ds = named.map((one) => dsOf(plan.zone, keys[one], 2));
        return { ...plan, keys: [revokedKey, current], ds };
      }),
    ]);
  t.equal(judgeKeys(roll('old', 'new')).status, 'secure', 'by the other key');
  t.equal(judgeData(roll('old', 'new')).status, 'secure');
  t.equal(judgeKeys(roll('old')).reason, 'dnskey-missing', 'the anchor is out of date');
  t.equal(
    judgeKeys(roll('revoked')).reason,
    'dnskey-missing',
    'a DS for a revoked key is no entry',
  );
});

t.test('anchors: what does not count beside what does', async (t) => {
  const net = zoneWith([]);
  const zone = Name.parse(ZONE);
  const set = findRRset(replyOf(net, ZONE, ZONE, 'DNSKEY').answer, zone, 'DNSKEY');
  const own = firstKey(net).rdata;
  const key = (algorithm: number): Uint8Array =>
    Uint8Array.of(1, 1, 3, algorithm, ...new Uint8Array(64).fill(9));
  const ds = (algorithm: number, digestType: number): Uint8Array =>
    encode('DS', { keyTag: 1, algorithm, digestType, digest: new Uint8Array(32) });
  const judged = (trusted: {
    ds?: readonly Uint8Array[];
    keys?: readonly Uint8Array[];
  }): string => {
    const trust = checkKeys(
      zone,
      { ds: [], keys: [], ttl: Infinity, ...trusted },
      set,
      contextOf(net),
    );
    return 'reason' in trust ? `${trust.status} ${trust.reason}` : trust.status;
  };
  t.equal(judged({ keys: [own] }), 'secure');
  t.equal(judged({ keys: [key(13), own] }), 'secure');
  t.equal(judged({ keys: [key(12)], ds: [ds(13, 2)] }), 'bogus dnskey-missing');
  t.equal(
    judged({ keys: [key(13)], ds: [ds(12, 2)] }),
    'bogus dnskey-missing',
    'a supported key matches nothing',
  );
  t.equal(judged({ keys: [key(12)], ds: [ds(12, 2)] }), 'insecure unsupported-algorithm');
  t.equal(judged({ keys: [key(12)] }), 'insecure unsupported-algorithm');
  t.equal(judged({ ds: [ds(13, 3)] }), 'insecure unsupported-digest');
  t.equal(judged({}), 'bogus dnskey-missing', 'no anchor is no proof of anything');
});
