// One RRset under one zone's keys, where an engine that always says yes or no leaves only the rules: borders of the
// signature's fields, what bounds the TTL, and the limits of KeyTrap. And RSA of sizes that key files seldom have.
import { generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { encode } from '../../src/dns/rdata.ts';
import type { RRset, Rrsig } from '../../src/dns/rrset.ts';
import type { Limits } from '../../src/dnssec/budget.ts';
import type { Policy } from '../../src/dnssec/context.ts';
import { type DnsKey, parseDnsKey } from '../../src/dnssec/dnskey.ts';
import { KeyStore } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import { makeRsaKey, verifyRsa } from '../../src/dnssec/rsa.ts';
import { type Verdict, verifyRRset } from '../../src/dnssec/verify.ts';
import { contextAt, ENGINES, policy } from './support.ts';

const APEX = Name.parse('example');
const OWNER = Name.parse('www.example');
const NOW = 1_000_000;

const keyWith = (flags: number, last = 0): DnsKey => {
  const octets = new Uint8Array(64);
  octets[63] = last;
  const key = parseDnsKey(Uint8Array.of(flags >> 8, flags & 255, 3, 13, ...octets));
  if (!key) throw new RangeError('no key');
  return key;
};
const KEY = keyWith(0x100);

/** An RRSIG by the key; `more` says what is odd about it. */
function signature(more: Partial<Rrsig> = {}): Rrsig {
  const fields = {
    typeCovered: 'A',
    algorithm: 13,
    labels: 2,
    originalTtl: 3600,
    expiration: NOW + 7200,
    inception: NOW - 7200,
    keyTag: KEY.keyTag,
    signer: APEX,
    signature: new Uint8Array(64),
    ...more,
  } as const;
  return { ttl: 3600, rdata: encode('RRSIG', fields), ...fields };
}
const setWith = (signatures: readonly Rrsig[], more: Partial<RRset> = {}): RRset => ({
  owner: OWNER,
  type: 'A',
  ttl: 3600,
  rdata: [Uint8Array.of(192, 0, 2, 1)],
  signatures,
  ...more,
});

const saying = (answer: boolean): Policy => ({
  ...policy(),
  keys: new KeyStore({ ...nativeEngine, importKey: () => () => answer }),
});
interface Given {
  readonly keys?: readonly DnsKey[];
  readonly rules?: Policy;
  readonly seconds?: number;
  readonly limits?: Partial<Limits>;
}
const verify = (
  set: RRset,
  { keys = [KEY], rules = saying(true), ...given }: Given = {},
): Verdict =>
  verifyRRset(set, { zone: APEX, keys }, contextAt(given.seconds ?? NOW, rules, given.limits));
const wordsOf = (verdict: Verdict): string =>
  verdict.kind === 'invalid'
    ? [verdict.reason, ...(verdict.limit ? [verdict.limit] : [])].join(' ')
    : verdict.kind;
const judged = (set: RRset, given?: Given): string => wordsOf(verify(set, given));

t.test(
  'both ends belong to the period of a signature, to the second (RFC 4034 section 3.1.5)',
  async (t) => {
    const at = (seconds: number) => judged(setWith([signature()]), { seconds });
    t.equal(at(NOW + 7200), 'valid');
    t.equal(at(NOW + 7200.9), 'valid', 'the second is not over');
    t.equal(at(NOW + 7201), 'signature-expired');
    t.equal(at(NOW - 7200 - 60), 'valid', 'a minute for clocks that differ');
    t.equal(at(NOW - 7200 - 61), 'signature-not-yet-valid');
    const rules = { ...saying(true), inceptionSkewMs: 1999 };
    t.equal(
      judged(setWith([signature()]), { seconds: NOW - 7202, rules }),
      'signature-not-yet-valid',
    );
    const reversed = signature({ expiration: NOW - 1, inception: NOW });
    t.equal(judged(setWith([reversed])), 'signature-dates-reversed');
    const instant = signature({ expiration: NOW, inception: NOW });
    t.equal(judged(setWith([instant])), 'valid', 'a period of one second');
  },
);

t.test('times can be left unchecked, for data whose time is over', async (t) => {
  const rules: Policy = { ...saying(true), signatureTimes: 'ignored' };
  const verdict = verify(setWith([signature()]), { seconds: NOW + 9999, rules });
  t.equal(verdict.kind === 'valid' && verdict.rrset.ttl, 3600);
});

t.test('the TTL is the least of four (RFC 4035 section 5.3.3)', async (t) => {
  const ttlOf = (set: RRset, seconds = NOW) => {
    const verdict = verify(set, { seconds });
    return verdict.kind === 'valid' && verdict.rrset.ttl;
  };
  t.equal(ttlOf(setWith([signature()])), 3600);
  t.equal(ttlOf(setWith([signature()], { ttl: 10 })), 10);
  t.equal(ttlOf(setWith([signature()], { ttl: 0 })), 0);
  t.equal(ttlOf(setWith([signature({ ttl: 20 })])), 20);
  t.equal(ttlOf(setWith([signature({ originalTtl: 30 })])), 30);
  t.equal(ttlOf(setWith([signature()]), NOW + 7160.5), 40, 'until the expiration, whole seconds');
});

t.test(
  'only the key set itself may be signed by a revoked key (RFC 5011 section 2.1)',
  async (t) => {
    const keys = [keyWith(0x180)];
    const by = (more: Partial<RRset>, labels = 1) =>
      judged(setWith([signature({ keyTag: keys[0]?.keyTag ?? 0, labels })], more), { keys });
    t.equal(by({ owner: APEX, type: 'DNSKEY' }), 'valid');
    t.equal(by({ owner: APEX }), 'signing-key-barred', 'other data at the apex');
    t.equal(by({ type: 'DNSKEY' }, 2), 'signing-key-barred', 'a key set elsewhere');
  },
);

t.test('the signature that verified comes first, and eight go along', async (t) => {
  const expired = signature({ expiration: NOW - 1, keyTag: 1 });
  const good = signature();
  const verdict = verify(setWith([expired, good]));
  t.same(verdict.kind === 'valid' && verdict.rrset.signatures, [good, expired]);
  const others = Array.from({ length: 9 }, () => signature({ signer: Name.parse('other') }));
  const many = verify(setWith([...others, good]));
  const signatures = many.kind === 'valid' ? many.rrset.signatures : [];
  t.equal(signatures.length, 8);
  t.equal(signatures[0], good);
});

t.test('eight signatures of the zone are tried, and a ninth is named as the limit', async (t) => {
  const wrong = (count: number) => Array.from({ length: count }, () => signature({ labels: 3 }));
  t.equal(judged(setWith([...wrong(7), signature()])), 'valid');
  t.equal(judged(setWith(wrong(8))), 'signature-labels');
  t.equal(judged(setWith([...wrong(8), signature()])), 'signature-labels rrsigs-tried');
});

t.test('two keys of one tag are tried, and a third is named as the limit', async (t) => {
  // Octets that stand at even places weigh 256: one less there and 256 more in the odd ones leave the sum as it is.
  const twin = (i: number): DnsKey => ({ ...keyWith(0x100, i + 1), keyTag: KEY.keyTag });
  const rules = saying(false);
  t.equal(judged(setWith([signature()]), { keys: [KEY, twin(1)], rules }), 'signature-invalid');
  const three = [KEY, twin(1), twin(2)];
  t.equal(judged(setWith([signature()]), { keys: three, rules }), 'signature-invalid keys-tried');
  const [one, two] = [signature(), signature({ keyTag: 7 })];
  const keys = [...three, { ...keyWith(0x100, 9), keyTag: 7 }];
  t.equal(
    judged(setWith([one, two]), { keys, rules }),
    'signature-invalid keys-tried',
    'the first of two that came equally far is told',
  );
});

t.test('the candidate that came furthest is told', async (t) => {
  const labels = signature({ labels: 3 });
  const expired = signature({ expiration: NOW - 1 });
  for (const both of [
    [labels, expired],
    [expired, labels],
  ])
    t.equal(judged(setWith(both)), 'signature-expired');
});

t.test('failures and signatures have limits of their own', async (t) => {
  const rules = saying(false);
  const many = Array.from({ length: 8 }, () => signature());
  t.equal(judged(setWith(many), { rules }), 'too-many-failures failed-signatures');
  t.equal(judged(setWith(many.slice(1)), { rules }), 'signature-invalid', 'seven');
  t.equal(judged(setWith([signature()]), { limits: { signatures: 0 } }), 'spent');
  t.equal(judged(setWith([signature()]), { limits: { signatures: 1 } }), 'valid');
});

/** 00 01 FF ... FF 00 DigestInfo (RFC 8017 section 9.2), for a digest of zeros by SHA-256. */
const encodedMessage = (octets: number): Uint8Array => {
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex');
  const padding = octets - info.length - 32 - 3;
  return Uint8Array.from([0, 1, ...Array(padding).fill(255), 0, ...info, ...Array(32).fill(0)]);
};

t.test(
  'RSA: at least eight octets of padding, and no second signature beside the one below n',
  async (t) => {
    // With the exponent 1 a signature is the encoded message itself.
    const verifies = (octets: number, change = (s: Uint8Array) => s) => {
      const modulus = new Uint8Array(octets).fill(1);
      modulus[0] = 0x80;
      const key = makeRsaKey(modulus, Uint8Array.of(1));
      return verifyRsa(key, 'sha256', new Uint8Array(32), change(encodedMessage(octets)));
    };
    t.equal(verifies(62), true, 'eight');
    t.equal(verifies(61), false, 'seven');
    t.equal(verifies(128), true);
    const plusModulus = (s: Uint8Array): Uint8Array => {
      const sum = Uint8Array.from(s);
      let carry = 0;
      for (let i = s.length - 1; i >= 0; i -= 1) {
        const digit = (s[i] ?? 0) + (i === 0 ? 0x80 : 1) + carry;
        sum[i] = digit & 255;
        carry = digit >> 8;
      }
      return sum;
    };
    t.equal(verifies(128, plusModulus), false, 'RFC 8017 section 5.2.2: s is below n');
  },
);

t.test('RSA of 2040 and 2048 bits, and what node:crypto signs with it', async (t) => {
  for (const modulusLength of [2040, 2048]) {
    // With a leading zero the modulus takes 256 octets, the first length that one octet cannot hold.
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
    const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
    const [modulus, exponent] = [n, e].map(
      (text) => new Uint8Array(Buffer.from(text, 'base64url')),
    );
    if (!modulus || !exponent) return t.fail('no key');
    const data = Uint8Array.of(1, 2, 3);
    const made = new Uint8Array(sign('sha256', data, privateKey));
    for (const engine of ENGINES) {
      const check = engine.importKey({ kind: 'rsa', hash: 'sha256', modulus, exponent });
      t.equal(check?.(data, made), true, engine.name);
      t.equal(check?.(Uint8Array.of(1, 2, 4), made), false, engine.name);
    }
  }
});

t.test(
  'a signature that was computed before is not computed again, and passes no other check',
  async (t) => {
    const again = (
      made: Rrsig,
      { seconds = NOW, key = KEY, set = setWith([made]) } = {},
    ): string => {
      const context = { ...contextAt(seconds, saying(false)), computed: new Set([made]) };
      const words = wordsOf(verifyRRset(set, { zone: APEX, keys: [key] }, context));
      t.equal(context.budget.used('signatures'), words === 'signature-invalid' ? 1 : 0, words);
      return words;
    };
    t.equal(again(signature()), 'valid');
    t.equal(again(signature(), { seconds: NOW + 7201 }), 'signature-expired');
    t.equal(again(signature(), { seconds: NOW - 7300 }), 'signature-not-yet-valid');
    t.equal(again(signature(), { key: keyWith(0x100, 1) }), 'signing-key-missing');
    t.equal(again(signature(), { key: keyWith(0) }), 'signing-key-missing');
    t.equal(again(signature({ labels: 3 })), 'signature-labels');
    t.equal(again(signature({ labels: 0 })), 'signature-labels');
    const elsewhere = setWith([signature()], { owner: Name.parse('www.other') });
    t.equal(again(signature(), { set: elsewhere }), 'signature-labels');
    t.equal(
      again(signature(), { set: setWith([signature()]) }),
      'signature-invalid',
      'an equal one',
    );
  },
);
