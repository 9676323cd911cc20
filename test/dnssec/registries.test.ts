// Numbers that stand in a registry or an RFC, and borders of small functions that no scenario meets.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { nsec3Hash } from '../../src/dnssec/nsec3-hash.ts';
import { insecurityOf } from '../../src/dnssec/outcome.ts';
import { REASONS, type Reason } from '../../src/dnssec/reason.ts';
import {
  APEX,
  bare,
  fault,
  faultOf,
  found,
  judgement,
  SOA,
  signed,
  UNSIGNED,
  world,
  ZONE,
} from './crafted.ts';
import { ENGINES } from './support.ts';
import { reply, replyOf, wordsOf } from './world.ts';

/** RFC 8914 sections 4.1 to 4.25, and the registry that it made for 25 and 27. */
const CODES = {
  'Other Error': 0,
  'Unsupported DNSKEY Algorithm': 1,
  'Unsupported DS Digest Type': 2,
  'DNSSEC Bogus': 6,
  'Signature Expired': 7,
  'Signature Not Yet Valid': 8,
  'DNSKEY Missing': 9,
  'RRSIGs Missing': 10,
  'No Zone Key Bit Set': 11,
  'NSEC Missing': 12,
  Blocked: 15,
  'No Reachable Authority': 22,
  'Network Error': 23,
  'Signature Expired before Valid': 25,
  'Unsupported NSEC3 Iterations Value': 27,
  none: undefined,
} as const;
const TOLD: Readonly<Record<Reason, readonly [status: string, code: keyof typeof CODES]>> = {
  'no-ds-proven': ['insecure', 'none'],
  'opt-out': ['insecure', 'none'],
  'no-trust-anchor': ['insecure', 'none'],
  'negative-trust-anchor': ['insecure', 'none'],
  'unsupported-algorithm': ['insecure', 'Unsupported DNSKEY Algorithm'],
  'unsupported-digest': ['insecure', 'Unsupported DS Digest Type'],
  'weak-key': ['insecure', 'Unsupported DNSKEY Algorithm'],
  'nsec3-iterations': ['insecure', 'Unsupported NSEC3 Iterations Value'],
  'never-signed': ['insecure', 'none'],
  'rrsigs-missing': ['bogus', 'RRSIGs Missing'],
  'signature-invalid': ['bogus', 'DNSSEC Bogus'],
  'signature-expired': ['bogus', 'Signature Expired'],
  'signature-not-yet-valid': ['bogus', 'Signature Not Yet Valid'],
  'signature-dates-reversed': ['bogus', 'Signature Expired before Valid'],
  'signature-labels': ['bogus', 'DNSSEC Bogus'],
  'too-many-failures': ['bogus', 'DNSSEC Bogus'],
  'signing-key-missing': ['bogus', 'DNSKEY Missing'],
  'signing-key-unusable': ['bogus', 'No Zone Key Bit Set'],
  'signing-key-barred': ['bogus', 'DNSSEC Bogus'],
  'dnskey-missing': ['bogus', 'DNSKEY Missing'],
  'dnskey-unsigned': ['bogus', 'RRSIGs Missing'],
  'ds-unproven': ['bogus', 'RRSIGs Missing'],
  'referral-forged': ['bogus', 'DNSSEC Bogus'],
  'denial-missing': ['bogus', 'NSEC Missing'],
  'denial-contradicted': ['bogus', 'DNSSEC Bogus'],
  'denial-parameters': ['bogus', 'DNSSEC Bogus'],
  'too-many-nsec3': ['bogus', 'DNSSEC Bogus'],
  'wildcard-unproven': ['bogus', 'DNSSEC Bogus'],
  'malformed-records': ['bogus', 'Other Error'],
  'anchor-outdated': ['bogus', 'DNSKEY Missing'],
  'signatures-stripped': ['bogus', 'RRSIGs Missing'],
  unreachable: ['indeterminate', 'No Reachable Authority'],
  'network-error': ['indeterminate', 'Network Error'],
  'budget-spent': ['indeterminate', 'Other Error'],
  'alias-loop': ['indeterminate', 'Other Error'],
  'alias-too-long': ['indeterminate', 'Other Error'],
  'private-address': ['indeterminate', 'Blocked'],
  'unusable-records': ['indeterminate', 'Other Error'],
};

t.test(
  'each reason has its status, and the code of RFC 8914 that names the same fault',
  async (t) => {
    for (const [reason, [status, name]] of Object.entries(TOLD)) {
      const row = REASONS[reason as Reason]; // the keys of a record of reasons
      t.same([row.status, row.ede], [status, CODES[name]], reason);
    }
    t.equal(Object.keys(TOLD).length, Object.keys(REASONS).length);
  },
);

t.test('NSEC3 hashes with salts of every length around a block of SHA-1', async (t) => {
  const name = Uint8Array.of(7, ...Buffer.from('example'), 0);
  // RFC 5155 section 5: IH(salt, x, k) = H(IH(salt, x, k-1) || salt).
  const expected = (salt: Uint8Array, iterations: number): string => {
    let digest: Uint8Array = name;
    for (let i = 0; i <= iterations; i += 1)
      digest = createHash('sha1').update(digest).update(salt).digest();
    return Buffer.from(digest).toString('hex');
  };
  const wrong: string[] = [];
  for (const engine of ENGINES)
    for (let length = 0; length <= 120; length += 1) {
      const salt = new Uint8Array(length).fill(length);
      const hash = Buffer.from(nsec3Hash(engine, name, 2, salt)).toString('hex');
      if (hash !== expected(salt, 2)) wrong.push(`${engine.name} ${length}`);
    }
  t.same(wrong, []);
});

t.test('the engines know their names, and RSA with each hash that has a DigestInfo', async (t) => {
  t.same(
    ENGINES.map(({ name }) => name),
    ['noble', 'native'],
  );
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));
  const data = Uint8Array.of(1, 2, 3);
  for (const hash of ['sha1', 'sha256', 'sha384', 'sha512'] as const)
    for (const engine of ENGINES) {
      const material = { kind: 'rsa', hash, modulus: octets(n), exponent: octets(e) } as const;
      const verify = engine.importKey(material);
      const signature = new Uint8Array(sign(hash, data, privateKey));
      t.equal(verify?.(data, signature), true, `${engine.name} ${hash}`);
      t.equal(verify?.(Uint8Array.of(1, 2, 4), signature), false, `${engine.name} ${hash}`);
    }
});

t.test('why a zone is insecure goes along with what is read in it', async (t) => {
  const { owner } = SOA();
  const cause = { zone: owner, owner, type: 'DS' } as const;
  const answer = reply('NOERROR', [bare('www@ 300 A 192.0.2.1')]);
  const trust = { status: 'insecure', reason: 'no-ds-proven', ttl: 3600, cause } as const;
  const withCause = found('www@', 'A', answer, { trust });
  t.same('cause' in withCause && withCause.cause, cause);
  t.notOk('cause' in found('www@', 'A', answer, { trust: UNSIGNED }), 'nor where there is none');
  t.same(insecurityOf({ reason: 'opt-out', cause }), { reason: 'opt-out', cause });
  t.notOk('cause' in insecurityOf({ reason: 'opt-out' }));
});

t.test('judgements that name what they are about', async (t) => {
  const data = replyOf(world, ZONE, `www.${ZONE}`, 'RRSIG');
  const rrsigs = found('www@', 'RRSIG', data);
  t.match(rrsigs, { reason: 'never-signed', cause: { type: 'RRSIG', zone: APEX } });
  const soa = { ...SOA(), signatures: [] };
  const said = judgement('www@', 'MX', reply('NOERROR', [], [soa]));
  t.equal(said.kind, 'missed-cut');
  t.equal(
    said.kind === 'missed-cut' && faultOf(said.otherwise),
    `bogus rrsigs-missing of ${ZONE}. SOA in ${ZONE}.`,
    'not even the SOA is signed',
  );
  t.equal(fault('www@', 'A', reply('NOERROR', [signed('www@ 300 A 192.0.2.1')])), 'secure records');
});

t.test('of a CNAME and what stands beside it, the first in the reply counts', async (t) => {
  const cname = signed('www@ 300 CNAME x@');
  const a = signed('www@ 300 A 192.0.2.1');
  const read = (...answer: Parameters<typeof reply>[1]): string =>
    wordsOf(found('www@', 'A', reply('NOERROR', answer)));
  t.equal(read(a), 'secure records');
  t.equal(read(a, cname), 'secure records');
  t.equal(read(cname, a), read(cname), 'as if the other were not there');
  t.not(read(cname), 'secure records');
});
