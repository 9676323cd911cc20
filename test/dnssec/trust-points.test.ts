// Trust points at their borders: odd anchors, odd keys in a set that a good anchor signed, and what is forgotten. The
// states of RFC 5011 themselves are in rollover.test.ts.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import type { Anchor } from '../../src/dnssec/anchors.ts';
import { type Observation, observe } from '../../src/dnssec/rollover.ts';
import {
  type AnchorKey,
  anchorsOf,
  keyIdOf,
  startPoint,
  type TrustPoint,
} from '../../src/dnssec/trust-point.ts';
import { dsOf, type SigningKey, withDnskey } from '../../src/testing/keys.ts';
import { type KeySetOptions, keySet, ksk, ROOT_ZONE, revokedForm } from './key-sets.ts';
import { contextAt } from './support.ts';

const T0 = Date.UTC(2026, 10, 24);
const DAY = 86_400_000;
const [A, B] = [ksk('a'), ksk('b')];

const anchor = (...keys: readonly SigningKey[]): Anchor => ({
  name: ROOT_ZONE,
  ds: [],
  keys: keys.map(({ dnskey }) => dnskey),
});
const start = (...keys: readonly SigningKey[]): TrustPoint => startPoint(anchor(...keys), T0);
const see = (point: TrustPoint, days: number, set: Omit<KeySetOptions, 'at'>): Observation => {
  const at = T0 + days * DAY;
  return observe(point, keySet({ ...set, at }), contextAt(at / 1000));
};
const statesOf = ({ keys }: TrustPoint): string => keys.map(({ state }) => state).join(' ');
const kindsOf = ({ events }: Observation): string =>
  events.map((one) => ('reason' in one ? `${one.kind} ${one.reason}` : one.kind)).join(' ');

t.test('only zone keys that are not revoked can be anchors', async (t) => {
  const fields = decode('DNSKEY', A.dnskey);
  const noZoneKey = encode('DNSKEY', { ...fields, flags: 1 });
  const odd = [revokedForm(A).dnskey, noZoneKey, Uint8Array.of(1)];
  t.equal(statesOf(startPoint({ name: ROOT_ZONE, ds: [], keys: odd }, T0)), '');
  t.equal(statesOf(startPoint({ name: ROOT_ZONE, ds: [], keys: [...odd, B.dnskey] }, T0)), 'valid');
});

t.test('a point below the root is in force by a DS, or by a key', async (t) => {
  const name = Name.parse('example.com');
  const sizeOf = (more: Partial<Anchor>): number =>
    anchorsOf([startPoint({ name, ds: [], keys: [], ...more }, T0)]).size;
  t.equal(sizeOf({}), 0);
  t.equal(sizeOf({ ds: [dsOf(name, A, 2)] }), 1);
  t.equal(sizeOf({ keys: [A.dnskey] }), 1);
});

t.test('a key is the same whatever its flags, and another under another algorithm', async (t) => {
  const fields = decode('DNSKEY', A.dnskey);
  t.equal(keyIdOf(revokedForm(A).dnskey), keyIdOf(A.dnskey));
  t.not(keyIdOf(encode('DNSKEY', { ...fields, algorithm: 8 })), keyIdOf(A.dnskey));
});

t.test('no set, and no budget for its signatures', async (t) => {
  t.equal(
    kindsOf(observe(start(A), undefined, contextAt(T0 / 1000))),
    'not-validated dnskey-missing',
  );
  const none = contextAt(T0 / 1000, undefined, { signatures: 0 });
  const spent = observe(start(A), keySet({ signers: [A], at: T0 }), none);
  t.equal(kindsOf(spent), 'not-validated budget-spent');
  t.equal(statesOf(spent.point), 'valid');
});

t.test(
  'a DS that names a key which is trusted already is used up, and nothing is told',
  async (t) => {
    const point = startPoint({ ...anchor(A), ds: [dsOf(ROOT_ZONE, A, 2)] }, T0);
    const seen = see(point, 0, { signers: [A] });
    t.equal(statesOf(seen.point), 'valid');
    t.equal(kindsOf(seen), '');
    t.equal(seen.point.ds.length, 0);
  },
);

t.test('only keys that may one day verify something wait for trust', async (t) => {
  const rsa = (algorithm: number, octets: number): SigningKey =>
    withDnskey(
      ksk('x'),
      encode('DNSKEY', {
        flags: 257,
        protocol: 3,
        algorithm,
        publicKey: Uint8Array.of(1, 3, ...new Uint8Array(octets).fill(255)),
      }),
    );
  const flagged = (flags: number): SigningKey =>
    withDnskey(B, encode('DNSKEY', { ...decode('DNSKEY', B.dnskey), flags }));
  const pending = (other: SigningKey): string =>
    kindsOf(see(start(A), 0, { signers: [A], others: [other] }));
  t.equal(pending(rsa(8, 256)), 'pending', 'RSA of 2048 bits');
  t.equal(pending(rsa(5, 256)), '', 'with SHA-1 (RFC 9905)');
  t.equal(pending(rsa(8, 64)), '', 'of 512 bits');
  t.equal(pending(flagged(257)), 'pending');
  t.equal(pending(flagged(256)), '', 'without the SEP bit');
  t.equal(pending(flagged(1)), '', 'no zone key');
  t.equal(pending(flagged(0x181)), '', 'revoked, by whomever');
});

t.test('twenty wait at most, over several sets too', async (t) => {
  const some = Array.from({ length: 15 }, (_, i) => ksk(`some ${i}`));
  const more = Array.from({ length: 15 }, (_, i) => ksk(`more ${i}`));
  const first = see(start(A), 0, { signers: [A], others: some }).point;
  const second = see(first, 1, { signers: [A], others: [...some, ...more] }).point;
  t.equal(second.keys.length, 21);
  const third = see(second, 2, { signers: [A], others: [...some, ...more, B] }).point;
  t.equal(third.keys.length, 21, 'there is no room');
});

t.test('the shortest of the anchors’ signatures says how long a set was good for', async (t) => {
  const at = T0 + 500;
  const set = (ttl: number, lifetime: number): RRset =>
    keySet({ signers: [A, B], at, ttl, lifetime });
  const [long, short] = [set(172_800, 20 * 86_400), set(86_400, 5 * 86_400)];
  const [byA] = long.signatures;
  const [, byB] = short.signatures;
  if (!byA || !byB) return t.fail('two signatures');
  for (const signatures of [
    [byA, byB],
    [byB, byA],
  ]) {
    const { point } = observe(start(A, B), { ...long, signatures }, contextAt(at / 1000));
    t.strictSame(point.seen, { at, originalTtl: 86_400, expiresAt: at + 5 * DAY });
  }
});

t.test('a missing key stays so without another word', async (t) => {
  const gone = see(start(A, B), 0, { signers: [A] });
  t.equal(kindsOf(gone), 'missing');
  t.match(gone.events, [{ keyTag: B.tag, algorithm: 13 }]);
  const later = see(gone.point, 1, { signers: [A] });
  t.equal(kindsOf(later), '');
  t.equal(statesOf(later.point), 'valid missing');
});

t.test('RFC 5011 section 2.4.2: removed 30 days after a revoked key was last seen', async (t) => {
  const out = see(start(A, B), 0, { signers: [revokedForm(A), B] }).point;
  const again = see(out, 20, { signers: [revokedForm(A), B] }).point;
  const before = see(again, 50 - 1 / 86_400, { signers: [B] });
  t.equal(statesOf(before.point), 'valid revoked', 'they are counted from day 20');
  const after = see(again, 50, { signers: [B] });
  t.equal(kindsOf(after), 'removed');
  t.equal(statesOf(after.point), 'valid removed');
});

t.test(
  'of removed keys the last fifty are remembered, and no other key is forgotten for them',
  async (t) => {
    const removed = (count: number): AnchorKey[] =>
      Array.from({ length: count }, (_, i) => ({
        state: 'removed',
        rdata: ksk(`removed ${i}`).dnskey,
        since: T0,
      }));
    const [valid] = start(A).keys;
    if (!valid) return t.fail('a key');
    for (const [count, kept] of [
      [3, 3],
      [50, 50],
      [52, 50],
    ] as const) {
      const all = removed(count);
      const { point } = see({ ...start(A), keys: [valid, ...all] }, 0, { signers: [A] });
      t.equal(statesOf(point), ['valid', ...Array(kept).fill('removed')].join(' '), `${count}`);
      t.strictSame(point.keys.slice(1), all.slice(count - kept), 'the last ones');
    }
  },
);
