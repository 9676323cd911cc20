// Section 5a of ../shared/spec/adversarial.md: signatures. One case a row, named after it.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { decode, encode, type Fields } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import {
  type Algorithm,
  type Amendment,
  alterKeys,
  alterPlan,
  alterRecords,
  corruptSignatures,
  crowdKeys,
  crowdSignatures,
  duplicateRecords,
  type Internet,
  internet,
  resign,
  revoked,
  withoutZoneKeyFlag,
  withProtocol,
  wrongAlgorithm,
  wrongKeyTag,
  wrongSigner,
} from '../../src/testing/index.ts';
import { signingKey } from '../../src/testing/keys.ts';
import { coveredType } from '../../src/testing/zone.ts';
import { believed, judgeData, judgeKeys, WWW, ZONE, zoneWith } from './example-zone.ts';
import { ENGINES, policy } from './support.ts';
import { contextOf, judgementOf, keysOf, replyOf, settle, told, verdictOf } from './world.ts';

t.test('row 1: KeyTrap: 100 keys of one tag x 100 bad signatures', async (t) => {
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

t.test('row 2: SigJam: one key, 200 bad signatures', async (t) => {
  t.same(judgeData(zoneWith([crowdSignatures(199, 'A'), corruptSignatures('A')])), {
    status: 'bogus',
    reason: 'too-many-failures',
    ede: 6,
    limit: 'failed-signatures',
    signatures: 8,
  });
});

t.test('row 3: LockCram: 100 keys of one tag, the last made the only signature', async (t) => {
  t.same(judgeData(zoneWith([crowdKeys(99)])), {
    status: 'bogus',
    reason: 'signature-invalid',
    ede: 6,
    limit: 'keys-tried',
    signatures: 2,
  });
});

t.test('row 5: the good signature stands last', async (t) => {
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

t.test('row 6: keys that fit by tag and algorithm, and are garbage', async (t) => {
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
  ['row 10: a P-256 signature of 63 octets', 13, (signature) => signature.subarray(1)],
  ['row 10: an empty P-256 signature', 13, () => new Uint8Array()],
  ['row 10: r = 0', 13, (signature) => signature.map((octet, i) => (i < 32 ? 0 : octet))],
  ['row 10: s = 0', 13, (signature) => signature.map((octet, i) => (i < 32 ? octet : 0))],
  ['row 10: r and s all ones', 13, (signature) => signature.map(() => 255)],
  [
    'row 10: an RSA signature with a zero in front',
    8,
    (signature) => Uint8Array.of(0, ...signature),
  ],
  ['row 10: an RSA signature of all ones', 8, (signature) => signature.map(() => 255)],
  ['row 10: an RSA signature of zeros', 8, (signature) => signature.map(() => 0)],
  ['row 11: Ed25519 with S + L', 15, addOrder],
  ['row 11: Ed448 of all ones', 16, (signature) => signature.map(() => 255)],
  [
    'row 12: one bit flipped',
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

t.test('rows 13 to 16: no key fits, or none that may sign', async (t) => {
  const missing = { status: 'bogus', reason: 'signing-key-missing', ede: 9, signatures: 0 };
  const unusable = { status: 'bogus', reason: 'signing-key-unusable', ede: 11, signatures: 0 };
  t.same(judgeData(zoneWith([wrongKeyTag('A')])), missing, '13 key tag');
  t.same(judgeData(zoneWith([wrongAlgorithm(15, 'A')])), missing, '14 algorithm');
  t.same(judgeData(zoneWith([withoutZoneKeyFlag()])), unusable, '15 flags, the data');
  t.same(judgeKeys(zoneWith([withoutZoneKeyFlag()])), unusable, '15 flags, the key set');
  const barred = { status: 'bogus', reason: 'signing-key-barred', ede: 6, signatures: 0 };
  t.same(judgeData(zoneWith([withProtocol(2)])), barred, '16 protocol, the data');
  t.same(judgeKeys(zoneWith([withProtocol(2)])), barred, '16 protocol, the key set');
});

t.test('row 18: expired and not yet valid', async (t) => {
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

t.test('row 20: a period of validity across 2^32', async (t) => {
  const net = zoneWith([resign({ inception: 2 ** 32 - 5000, expiration: 5000 }, 'A')]);
  const now = net.clock.now() / 1000;
  const at = (seconds: number) => judgeData(net, { later: seconds - now });
  t.equal(at(2 ** 32 - 500).status, 'secure', 'before the wrap');
  t.equal(at(2 ** 32 + 500).status, 'secure', 'after it');
  t.equal(at(2 ** 32 + 5001).reason, 'signature-expired');
  t.equal(at(2 ** 32 - 5061).reason, 'signature-not-yet-valid');
});

t.test('rows 22 to 24: labels and signer that do not fit the owner', async (t) => {
  const labels = { status: 'bogus', reason: 'signature-labels', ede: 6, signatures: 0 };
  t.same(judgeData(zoneWith([resign({ labels: 4 }, 'A')])), labels, '22 more than the owner has');
  t.same(judgeData(zoneWith([resign({ labels: 1 }, 'A')])), labels, '23 fewer than the signer has');
  t.same(judgeData(zoneWith([resign({ labels: 0 }, 'A')])), labels, '23 none');
  const missing = { status: 'bogus', reason: 'rrsigs-missing', ede: 10, signatures: 0 };
  for (const signer of ['sibling.com', 'www.example.com', 'com', '.', 'unrelated.org'])
    t.same(judgeData(zoneWith([wrongSigner(Name.parse(signer), 'A')])), missing, `24 ${signer}`);
});

t.test('row 24: a forged signer steers where a cut is looked for, not the status', async (t) => {
  const towards = (signer: string): string => {
    const net = zoneWith([wrongSigner(Name.parse(signer), 'A')]);
    const judgement = judgementOf(net, { zone: ZONE, name: WWW, type: 'A' });
    return judgement.kind === 'missed-cut' ? judgement.towards.toString() : 'settled';
  };
  t.equal(towards('www.example.com'), 'www.example.com.', 'a signer below the zone, at the name');
  t.equal(towards('sibling.com'), 'www.example.com.', 'no signer of the zone: as if unsigned');
  t.equal(towards('deep.www.example.com'), 'www.example.com.', 'never below the name');
});

t.test('row 28: duplicates, another order, other letter case', async (t) => {
  const net = zoneWith([duplicateRecords()]);
  t.equal(judgeData(net).status, 'secure', 'twice and in reverse order');
  t.equal(
    verdictOf(net, { zone: ZONE, name: 'wWw.eXamPle.COM', type: 'A' }),
    'secure records',
    'owner in mixed case',
  );
});

t.test('row 29: TTL above the original; original TTL changed', async (t) => {
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

t.test('row 30: names in the data of old types are folded', async (t) => {
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

function upperAfterQuotes({ type, rdata }: RR): Uint8Array {
  const from = type === 'NAPTR' ? 10 : 0;
  return rdata.map((octet, i) =>
    i >= from && octet >= 0x61 && octet <= 0x7a ? octet - 32 : octet,
  );
}

t.test('row 30: a name in the data of a newer type is not', async (t) => {
  const upper = alterRecords(({ records }) =>
    records.map((record) =>
      record.type === 'SVCB' ? { ...record, rdata: upperAfterQuotes(record) } : record,
    ),
  );
  const net = internet({ [ZONE]: ['@ SVCB 1 svc.example.com.'] }).amend(ZONE, upper);
  t.equal(verdictOf(net, { zone: ZONE, name: ZONE, type: 'SVCB' }), 'bogus signature-invalid');
});

t.test('row 32: a revoked key signs data', async (t) => {
  const zsk = alterKeys((key) => (key.flags & 1 ? key : { ...key, flags: key.flags | 0x80 }));
  const net = zoneWith([zsk], { keys: 'ksk-zsk' });
  t.equal(judgeKeys(net).status, 'secure', 'the key set is signed by the other key');
  t.same(judgeData(net), {
    status: 'bogus',
    reason: 'signing-key-barred',
    ede: 6,
    signatures: 0,
  });
  t.equal(judgeKeys(zoneWith([revoked()])).reason, 'dnskey-missing', 'nor is it an entry');
});

t.test('row 38: no signature by the better algorithm, a bad one by the other', async (t) => {
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

t.test('row 38: SHA-1 beside a better algorithm is no way down', async (t) => {
  const isGood = (record: RR): boolean =>
    record.type === 'RRSIG' &&
    coveredType(record) === 'A' &&
    decode('RRSIG', record.rdata).algorithm === 13;
  const strip = alterRecords(({ records }) => records.filter((record) => !isGood(record)));
  const net = zoneWith([strip], { algorithms: [7, 13] });
  t.equal(verdictOf(net, { zone: ZONE, name: WWW, type: 'A' }), 'bogus signing-key-missing');
});
