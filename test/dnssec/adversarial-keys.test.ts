// Section 5a of ../shared/spec/adversarial.md: signatures, keys, DS. One case a row, named after it.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { decode, encode, type Fields } from '../../src/dns/rdata.ts';
import { collectRRsets, type RR } from '../../src/dns/rrset.ts';
import { SHA1_ALGORITHMS } from '../../src/dnssec/algorithms.ts';
import type { Engine } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import type { ZoneTrust } from '../../src/dnssec/verify.ts';
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
  crowdSignatures,
  duplicateRecords,
  type Internet,
  internet,
  removeSignatures,
  resign,
  revoked,
  type Signing,
  signKeysByZskOnly,
  withoutZoneKeyFlag,
  withProtocol,
  wrongAlgorithm,
  wrongDs,
  wrongKeyTag,
  wrongSigner,
} from '../../src/testing/index.ts';
import { signingKey } from '../../src/testing/keys.ts';
import { signRRset } from '../../src/testing/signer.ts';
import { collectSets, coveredType, makeRecord } from '../../src/testing/zone.ts';
import { ENGINES, policy } from './support.ts';
import {
  contextOf,
  judgementOf,
  keysOf,
  replyOf,
  settle,
  told,
  trustOf,
  verdictOf,
} from './world.ts';

const ZONE = 'example.com';
const WWW = 'www.example.com';
const RECORDS = ['www A 192.0.2.80', 'www A 192.0.2.81', '@ MX 10 mail'];

const zoneWith = (amendments: readonly Amendment[], signing: Signing = {}): Internet =>
  internet({ [ZONE]: { records: RECORDS, signing } }).amend(ZONE, ...amendments);

/** The published keys, taken for validated: then only the data's own signature is in question. */
const believed = (net: Internet): ZoneTrust => ({
  status: 'secure',
  keys: keysOf(net, ZONE),
  ttl: 3600,
});

/** `www A` judged under the published keys: what it comes to, and how many signatures were computed. */
function judgeData(net: Internet, { engine = nativeEngine as Engine, later = 0 } = {}) {
  const context = contextOf(net, { later, rules: policy(engine, SHA1_ALGORITHMS) });
  const trust = believed(net);
  const finding = settle(judgementOf(net, { zone: ZONE, name: WWW, type: 'A', trust, context }));
  return { ...told(finding), signatures: context.budget.used('signatures') };
}

/** The zone's own trust: DS against DNSKEY. */
function judgeKeys(net: Internet, engine: Engine = nativeEngine) {
  const context = contextOf(net, { rules: policy(engine) });
  const trust = trustOf(net, ZONE, context);
  return { ...told(trust), signatures: context.budget.used('signatures') };
}

t.test('1 KeyTrap: 100 keys of one tag x 100 bad signatures', async (t) => {
  const net = zoneWith([crowdKeys(99), crowdSignatures(99, 'A'), corruptSignatures('A')]);
  t.equal(keysOf(net, ZONE).keys.length, 100);
  t.same(judgeData(net), {
    status: 'bogus',
    reason: 'too-many-failures',
    ede: 6,
    limit: 'failed-signatures',
    signatures: 8,
  });
});

t.test('2 SigJam: one key, 200 bad signatures', async (t) => {
  t.same(judgeData(zoneWith([crowdSignatures(199, 'A'), corruptSignatures('A')])), {
    status: 'bogus',
    reason: 'too-many-failures',
    ede: 6,
    limit: 'failed-signatures',
    signatures: 8,
  });
});

t.test('3 LockCram: 100 keys of one tag, the last made the only signature', async (t) => {
  t.same(judgeData(zoneWith([crowdKeys(99)])), {
    status: 'bogus',
    reason: 'signature-invalid',
    ede: 6,
    limit: 'keys-tried',
    signatures: 2,
  });
});

t.test('4 HashTrap: 100 DS x 100 keys of one tag', async (t) => {
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

const firstKey = (net: Internet) => {
  const [key] = keysOf(net, ZONE).keys;
  if (!key) throw new RangeError('the zone has no key');
  return key;
};

t.test('5 the good signature stands last', async (t) => {
  const nth = (count: number): Internet => {
    const extra = Array.from({ length: count - 1 }, (_, i) => signingKey(13, `extra ${i}`, 'data'));
    const own = alterPlan((plan) => ({ ...plan, keys: [...extra, ...plan.keys] }));
    return zoneWith([own, alterRecords(({ records }) => spoilAllButLast(records))]);
  };
  t.same(judgeData(nth(8)), { status: 'secure', signatures: 8 });
  t.same(judgeData(nth(9)), {
    status: 'bogus',
    reason: 'too-many-failures',
    ede: 6,
    limit: 'failed-signatures',
    signatures: 8,
  });
});

function spoilAllButLast(records: readonly RR[]): readonly RR[] {
  const isOverData = (record: RR): boolean =>
    record.type === 'RRSIG' && coveredType(record) === 'A' && record.owner.equals(Name.parse(WWW));
  const last = records.findLast(isOverData);
  return records.map((record) =>
    isOverData(record) && record !== last ? flipLast(record) : record,
  );
}
const flipLast = (record: RR): RR => ({
  ...record,
  rdata: record.rdata.map((octet, i, all) => (i === all.length - 1 ? octet ^ 1 : octet)),
});

t.test('6 keys that fit by tag and algorithm, and are garbage', async (t) => {
  const net = zoneWith([crowdKeys(100)]);
  const { zone, keys } = keysOf(net, ZONE);
  const trust = { status: 'secure', keys: { zone, keys: keys.slice(0, 100) }, ttl: 60 } as const;
  for (const engine of ENGINES) {
    const context = contextOf(net, { rules: policy(engine) });
    const judged = judgementOf(net, { zone: ZONE, name: WWW, type: 'A', trust, context });
    t.same(told(settle(judged)), {
      status: 'bogus',
      reason: 'signature-invalid',
      ede: 6,
      limit: 'keys-tried',
    });
    t.equal(context.budget.used('signatures'), 2, `on ${engine.name}`);
  }
});

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
const UNUSABLE_KEYS: readonly KeyCase[] = [
  { row: '7 a truncated ECDSA key', algorithm: 13, change: (key) => key.subarray(0, 40) },
  {
    row: '7 an RSA exponent past the end',
    algorithm: 8,
    change: (key) => key.map((o, i) => (i === 0 ? 255 : o)),
  },
  { row: '7 an empty key', algorithm: 8, change: () => new Uint8Array() },
  {
    row: '7 an RSA key of its exponent length alone',
    algorithm: 8,
    change: () => Uint8Array.of(0),
  },
  { row: '8 RSA exponent 1', algorithm: 8, change: (key) => rsaKey([1], modulusOf(key)) },
  {
    row: '8 an even RSA exponent',
    algorithm: 8,
    change: (key) => rsaKey([1, 0, 0], modulusOf(key)),
  },
  {
    row: '8 RSA exponent 2^32+3',
    algorithm: 8,
    change: (key) => rsaKey([1, 0, 0, 0, 3], modulusOf(key)),
  },
  {
    row: '8 RSA exponent 2^64+1',
    algorithm: 8,
    change: (key) => rsaKey([1, 0, 0, 0, 0, 0, 0, 0, 1], modulusOf(key)),
  },
  {
    row: '8 an RSA modulus of 65 536 bits',
    algorithm: 8,
    change: () => rsaKey([1, 0, 1], new Uint8Array(8192).fill(255)),
  },
  {
    row: '8 an RSA modulus of 4104 bits',
    algorithm: 8,
    change: () => rsaKey([1, 0, 1], new Uint8Array(513).fill(255)),
  },
  {
    row: '8 an RSA modulus of half a megabit',
    algorithm: 8,
    change: () => rsaKey([1, 0, 1], new Uint8Array(60_000).fill(255)),
  },
  { row: '10 a P-256 key of 63 octets', algorithm: 13, change: (key) => key.subarray(0, 63) },
  { row: '10 a P-384 key of 97 octets', algorithm: 14, change: (key) => Uint8Array.of(...key, 0) },
  {
    row: '11 the neutral point as Ed25519 key',
    algorithm: 15,
    change: (key) => key.map((_, i) => (i === 0 ? 1 : 0)),
  },
  {
    row: '11 the neutral point as Ed448 key',
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

t.test('9 leading zeros of RSA numbers count nothing', async (t) => {
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

const alterSignature = (change: (signature: Uint8Array) => Uint8Array): Amendment =>
  alterRecords(({ records }) =>
    records.map((record) => {
      if (record.type !== 'RRSIG' || coveredType(record) !== 'A') return record;
      const fields = decode('RRSIG', record.rdata);
      return {
        ...record,
        rdata: encode('RRSIG', { ...fields, signature: change(fields.signature) }),
      };
    }),
  );

/** RFC 8032 section 5.1: the order of the base point, little-endian. */
const L25519 = 2n ** 252n + 27742317777372353535851937790883648493n;
function addOrder(signature: Uint8Array): Uint8Array {
  const changed = signature.slice();
  let s = L25519;
  for (let i = 63; i >= 32; i -= 1) s += BigInt(changed[i] ?? 0) << BigInt(8 * (i - 32));
  for (let i = 32; i < 64; i += 1) {
    changed[i] = Number(s & 255n);
    s >>= 8n;
  }
  return changed;
}

const BAD_SIGNATURES: readonly [row: string, Algorithm, (signature: Uint8Array) => Uint8Array][] = [
  ['10 a P-256 signature of 63 octets', 13, (signature) => signature.subarray(1)],
  ['10 an empty P-256 signature', 13, () => new Uint8Array()],
  ['10 r = 0', 13, (signature) => signature.map((octet, i) => (i < 32 ? 0 : octet))],
  ['10 s = 0', 13, (signature) => signature.map((octet, i) => (i < 32 ? octet : 0))],
  ['10 r and s all ones', 13, (signature) => signature.map(() => 255)],
  ['10 an RSA signature with a zero in front', 8, (signature) => Uint8Array.of(0, ...signature)],
  ['10 an RSA signature of all ones', 8, (signature) => signature.map(() => 255)],
  ['10 an RSA signature of zeros', 8, (signature) => signature.map(() => 0)],
  ['11 Ed25519 with S + L', 15, addOrder],
  ['11 Ed448 of all ones', 16, (signature) => signature.map(() => 255)],
  [
    '12 one bit flipped',
    13,
    (signature) => signature.map((octet, i) => (i === 20 ? octet ^ 4 : octet)),
  ],
];
for (const [row, algorithm, change] of BAD_SIGNATURES)
  t.test(row, async (t) => {
    const net = zoneWith([alterSignature(change)], { algorithms: [algorithm] });
    for (const engine of ENGINES)
      t.same(
        judgeData(net, { engine }),
        { status: 'bogus', reason: 'signature-invalid', ede: 6, signatures: 1 },
        `on ${engine.name}`,
      );
  });

t.test('13 to 16: no key fits, or none that may sign', async (t) => {
  const missing = { status: 'bogus', reason: 'signing-key-missing', ede: 9, signatures: 0 };
  const unusable = { status: 'bogus', reason: 'signing-key-unusable', ede: 11, signatures: 0 };
  t.same(judgeData(zoneWith([wrongKeyTag('A')])), missing, '13 key tag');
  t.same(judgeData(zoneWith([wrongAlgorithm(15, 'A')])), missing, '14 algorithm');
  t.same(judgeData(zoneWith([withoutZoneKeyFlag()])), unusable, '15 flags, the data');
  t.same(judgeKeys(zoneWith([withoutZoneKeyFlag()])), unusable, '15 flags, the key set');
  t.same(judgeData(zoneWith([withProtocol(2)])), unusable, '16 protocol, the data');
  t.same(judgeKeys(zoneWith([withProtocol(2)])), unusable, '16 protocol, the key set');
});

t.test('17 the only DS is wrong', async (t) => {
  for (const field of ['keyTag', 'digest', 'algorithm', 'digestType'] as const)
    t.same(
      judgeKeys(zoneWith([wrongDs(field)])),
      { status: 'bogus', reason: 'dnskey-missing', ede: 9, signatures: 0 },
      field,
    );
});

t.test('18 expired and not yet valid', async (t) => {
  const net = zoneWith([]);
  const [signature] = replyOf(net, ZONE, WWW, 'A').answer[0]?.signatures ?? [];
  const now = net.clock.now() / 1000;
  const at = (seconds: number) => judgeData(net, { later: seconds - now });
  const { inception = 0, expiration = 0 } = signature ?? {};
  t.same(at(expiration), { status: 'secure', signatures: 1 }, 'exactly at expiration');
  t.match(at(expiration + 1), { reason: 'signature-expired', ede: 7, signatures: 0 });
  t.match(at(inception - 61), { reason: 'signature-not-yet-valid', ede: 8, signatures: 0 });
  t.same(at(inception - 59), { status: 'secure', signatures: 1 }, 'by the skew of 60 s');
});

t.test('20 a period of validity across 2^32', async (t) => {
  const net = zoneWith([resign({ inception: 2 ** 32 - 5000, expiration: 5000 }, 'A')]);
  const now = net.clock.now() / 1000;
  const at = (seconds: number) => judgeData(net, { later: seconds - now });
  t.equal(at(2 ** 32 - 500).status, 'secure', 'before the wrap');
  t.equal(at(2 ** 32 + 500).status, 'secure', 'after it');
  t.equal(at(2 ** 32 + 5001).reason, 'signature-expired');
  t.equal(at(2 ** 32 - 5061).reason, 'signature-not-yet-valid');
});

t.test('22 to 24: labels and signer that do not fit the owner', async (t) => {
  const labels = { status: 'bogus', reason: 'signature-labels', ede: 6, signatures: 0 };
  t.same(judgeData(zoneWith([resign({ labels: 4 }, 'A')])), labels, '22 more than the owner has');
  t.same(judgeData(zoneWith([resign({ labels: 1 }, 'A')])), labels, '23 fewer than the signer has');
  t.same(judgeData(zoneWith([resign({ labels: 0 }, 'A')])), labels, '23 none');
  const missing = { status: 'bogus', reason: 'rrsigs-missing', ede: 10, signatures: 0 };
  for (const signer of ['sibling.com', 'www.example.com', 'com', '.', 'unrelated.org'])
    t.same(judgeData(zoneWith([wrongSigner(Name.parse(signer), 'A')])), missing, `24 ${signer}`);
});

t.test('24 a forged signer steers where a cut is looked for, not the status', async (t) => {
  const towards = (signer: string): string => {
    const net = zoneWith([wrongSigner(Name.parse(signer), 'A')]);
    const judgement = judgementOf(net, { zone: ZONE, name: WWW, type: 'A' });
    return judgement.kind === 'missed-cut' ? judgement.towards.toString() : 'settled';
  };
  t.equal(towards('www.example.com'), 'www.example.com.', 'a signer below the zone, at the name');
  t.equal(towards('sibling.com'), 'www.example.com.', 'no signer of the zone: as if unsigned');
  t.equal(towards('deep.www.example.com'), 'www.example.com.', 'never below the name');
});

t.test("26 the parent's key signs the child's key set", async (t) => {
  const forge = alterRecords(({ records }) => {
    const zone = Name.parse(ZONE);
    const set = collectSets(records).find(({ type }) => type === 'DNSKEY');
    const times = { inception: 1_782_000_000, expiration: 1_785_000_000 };
    const com = Name.parse('com');
    if (!set) return records;
    const signature = signRRset(set, signingKey(13, com.key), { signer: com, ...times });
    const isOverKeys = (record: RR) => record.type === 'RRSIG' && coveredType(record) === 'DNSKEY';
    return [
      ...records.filter((record) => !(isOverKeys(record) && record.owner.equals(zone))),
      signature,
    ];
  });
  t.same(judgeKeys(zoneWith([forge])), {
    status: 'bogus',
    reason: 'dnskey-unsigned',
    ede: 10,
    signatures: 0,
  });
});

t.test('28 duplicates, another order, other letter case', async (t) => {
  const net = zoneWith([duplicateRecords()]);
  t.equal(judgeData(net).status, 'secure', 'twice and in reverse order');
  t.equal(
    verdictOf(net, { zone: ZONE, name: 'wWw.eXamPle.COM', type: 'A' }),
    'secure records',
    'owner in mixed case',
  );
});

t.test('29 TTL above the original; original TTL changed', async (t) => {
  const raise = alterRecords(({ records }) =>
    records.map((record) => ({ ...record, ttl: 50_000 })),
  );
  const finding = settle(judgementOf(zoneWith([raise]), { zone: ZONE, name: WWW, type: 'A' }));
  t.equal('ttl' in finding && finding.ttl, 3600, 'cut to the original TTL');
  const late = zoneWith([raise]);
  const trust = believed(late);
  const context = contextOf(late, { later: 30 * 86_400 - 100 });
  const last = settle(judgementOf(late, { zone: ZONE, name: WWW, type: 'A', trust, context }));
  t.equal('ttl' in last && last.ttl, 100, 'cut to what is left of the signature');
  const lowered = alterRecords(({ records }) =>
    records.map((record) => (record.type === 'RRSIG' ? { ...record, ttl: 7 } : record)),
  );
  const short = settle(judgementOf(zoneWith([lowered]), { zone: ZONE, name: WWW, type: 'A' }));
  t.equal('ttl' in short && short.ttl, 7, "cut to the RRSIG's own");
  const original = (fields: Fields['RRSIG']) => ({ ...fields, originalTtl: 50_000 });
  const net = zoneWith([
    alterRecords(({ records }) =>
      records.map((record) =>
        record.type === 'RRSIG' && coveredType(record) === 'A'
          ? { ...record, rdata: encode('RRSIG', original(decode('RRSIG', record.rdata))) }
          : record,
      ),
    ),
  ]);
  t.equal(judgeData(net).reason, 'signature-invalid');
});

t.test('30 names in the data of old types are folded', async (t) => {
  const lines = [
    '@ MX 10 mail.example.com.',
    '@ SRV 0 0 25 mail.example.com.',
    '@ PX 10 map.example.com. x400.example.com.',
    '@ RP box.example.com. text.example.com.',
    '@ NAPTR 1 1 "S" "Sip" "" next.example.com.',
  ];
  const swap = alterRecords(({ records }) =>
    records.map((record) =>
      ['MX', 'SRV', 'PX', 'RP', 'NAPTR'].includes(record.type)
        ? { ...record, rdata: upperAfterQuotes(record) }
        : record,
    ),
  );
  const net = internet({ [ZONE]: lines }).amend(ZONE, swap);
  for (const type of ['MX', 'SRV', 'PX', 'RP', 'NAPTR'] as const)
    t.equal(verdictOf(net, { zone: ZONE, name: ZONE, type }), 'secure records', type);
});

/** Upper case for the letters of names, which stand after the strings of a NAPTR. */
function upperAfterQuotes({ type, rdata }: RR): Uint8Array {
  const from = type === 'NAPTR' ? 10 : 0;
  return rdata.map((octet, i) =>
    i >= from && octet >= 0x61 && octet <= 0x7a ? octet - 32 : octet,
  );
}

t.test('30 a name in the data of a newer type is not', async (t) => {
  const upper = alterRecords(({ records }) =>
    records.map((record) =>
      record.type === 'SVCB' ? { ...record, rdata: upperAfterQuotes(record) } : record,
    ),
  );
  const net = internet({ [ZONE]: ['@ SVCB 1 svc.example.com.'] }).amend(ZONE, upper);
  t.equal(verdictOf(net, { zone: ZONE, name: ZONE, type: 'SVCB' }), 'bogus signature-invalid');
});

t.test('32 a revoked key signs data', async (t) => {
  const zsk = alterKeys((key) => (key.flags & 1 ? key : { ...key, flags: key.flags | 0x80 }));
  const net = zoneWith([zsk], { keys: 'ksk-zsk' });
  t.equal(judgeKeys(net).status, 'secure', 'the key set is signed by the other key');
  t.same(judgeData(net), {
    status: 'bogus',
    reason: 'signing-key-unusable',
    ede: 11,
    signatures: 0,
  });
  t.equal(judgeKeys(zoneWith([revoked()])).reason, 'dnskey-missing', 'nor is it an entry');
});

t.test('34 to 36: what DS records count', async (t) => {
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

t.test('38 no signature by the better algorithm, a bad one by the other', async (t) => {
  const only8 = alterRecords(({ records }) =>
    records.filter(
      (record) =>
        !(
          record.type === 'RRSIG' &&
          decode('RRSIG', record.rdata).algorithm === 13 &&
          coveredType(record) === 'A'
        ),
    ),
  );
  const net = zoneWith([only8, corruptSignatures('A')], { algorithms: [8, 13] });
  t.match(judgeData(net), { status: 'bogus', reason: 'signature-invalid', signatures: 1 });
  const whole = zoneWith([only8], { algorithms: [8, 13] });
  t.equal(judgeData(whole).status, 'secure', 'any valid path is enough (RFC 6840 section 5.11)');
});

t.test('38 SHA-1 beside a better algorithm is no way down', async (t) => {
  const isGood = (record: RR): boolean =>
    record.type === 'RRSIG' &&
    coveredType(record) === 'A' &&
    decode('RRSIG', record.rdata).algorithm === 13;
  const strip = alterRecords(({ records }) => records.filter((record) => !isGood(record)));
  const net = zoneWith([strip], { algorithms: [7, 13] });
  t.equal(verdictOf(net, { zone: ZONE, name: WWW, type: 'A' }), 'bogus signing-key-missing');
});

t.test('40 and 42: a key set that nobody vouches for', async (t) => {
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
