// RFC 5011: the state table of section 4, the times of section 2, and the rows of adversarial.md about them. States are
// written as lines `20326 valid`; times are days after T0.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import type { Anchor } from '../../src/dnssec/anchors.ts';
import { parseDnsKey } from '../../src/dnssec/dnskey.ts';
import {
  type AnchorEvent,
  missQuery,
  type Observation,
  observe,
} from '../../src/dnssec/rollover.ts';
import {
  addAnchor,
  anchorsOf,
  startPoint,
  type TrustPoint,
  unrevoked,
} from '../../src/dnssec/trust-point.ts';
import { dsOf, type SigningKey } from '../../src/testing/keys.ts';
import { type KeySetOptions, keySet, ksk, ROOT_ZONE, revokedForm, zsk } from './key-sets.ts';
import { contextAt } from './support.ts';

const T0 = Date.UTC(2026, 10, 24);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const [A, B, C] = [ksk('a'), ksk('b'), ksk('c')];
const Z = zsk('z');

const keys = (...all: readonly SigningKey[]): Anchor => ({
  name: ROOT_ZONE,
  ds: [],
  keys: all.map(({ dnskey }) => dnskey),
});
const start = (...all: readonly SigningKey[]): TrustPoint => startPoint(keys(...all), T0);

/** One key set seen so many days after T0. */
const see = (
  point: TrustPoint,
  days: number,
  set: Omit<KeySetOptions, 'at'> | undefined,
): Observation => {
  const at = T0 + days * DAY;
  return observe(point, set && keySet({ ...set, at }), contextAt(at / 1000));
};

const NAMES = new Map(
  [A, B, C, Z].map((key) => [String(key.dnskey), 'ABCZ'[[A, B, C, Z].indexOf(key)]]),
);
const show = ({ keys: all, ds }: TrustPoint): readonly string[] => [
  ...all.map(({ rdata, state }) => `${NAMES.get(String(rdata))} ${state}`),
  ...ds.map(() => 'a DS'),
];
const kinds = (events: readonly AnchorEvent[]): readonly string[] =>
  events.map((event) => {
    if (event.kind === 'not-validated') return `not-validated ${event.reason}`;
    const key = [A, B, C, Z].find(({ tag }) => tag === event.keyTag);
    return `${event.kind} ${key && NAMES.get(String(key.dnskey))}`;
  });
const days = (ms: number): number => (ms - T0) / DAY;
const inForce = (point: TrustPoint): readonly string[] =>
  (anchorsOf([point]).get(ROOT_ZONE.key)?.keys ?? []).map(
    (rdata) => NAMES.get(String(rdata)) ?? '',
  );

t.test('a new key is trusted when it has stayed for 30 days and is seen again', (t) => {
  const both = { signers: [A], others: [B, Z] };
  const first = see(start(A), 0, both);
  t.strictSame(show(first.point), ['A valid', 'B addpend'], 'a key without SEP bit is none');
  t.strictSame(kinds(first.events), ['pending B']);
  t.strictSame(inForce(first.point), ['A']);
  const early = see(first.point, 30 - 1 / 24, both);
  t.strictSame(show(early.point), ['A valid', 'B addpend']);
  const late = see(early.point, 30, both);
  t.strictSame([show(late.point), kinds(late.events)], [['A valid', 'B valid'], ['trusted B']]);
  t.strictSame(inForce(late.point), ['A', 'B']);
  const alone = see(late.point, 45, { signers: [B], others: [Z] });
  t.strictSame(show(alone.point), ['A missing', 'B valid'], 'it can stand alone');
  t.end();
});

t.test(
  'entry points of the first set take the place of the zone key that a point begins with',
  (t) => {
    const first = see(start(Z), 0, { signers: [Z, A], others: [B] });
    t.strictSame(show(first.point), ['Z removed', 'A valid', 'B valid']);
    t.strictSame(kinds(first.events), ['trusted A', 'trusted B', 'replaced Z']);
    t.strictSame(inForce(first.point), ['A', 'B']);
    const second = see(first.point, 1, { signers: [Z, A], others: [B, C] });
    t.strictSame(kinds(second.events), ['pending C'], 'never later');
    const byZ = see(first.point, 1, { signers: [Z], others: [A, B] });
    t.strictSame(
      kinds(byZ.events).map((kind) => kind.split(' ')[0]),
      ['not-validated'],
      'Z speaks no more',
    );
    const again = addAnchor(first.point, keys(Z), contextAt((T0 + DAY) / 1000));
    t.strictSame(inForce(again), ['A', 'B'], 'nor when it is configured still, at the next start');
    const rolled = see(first.point, 1, { signers: [A], others: [zsk('next')] });
    t.strictSame(show(rolled.point), ['Z removed', 'A valid', 'B missing'], 'zone keys may roll');
    const failed = see(missQuery(start(Z), T0), 3, { signers: [Z, A] });
    t.strictSame(kinds(failed.events), ['trusted A', 'replaced Z'], 'the first that is validated');
    t.end();
  },
);

t.test("an entry point that has not signed the first set takes nobody's place", (t) => {
  const alone = see(start(Z), 0, { signers: [Z], others: [A] });
  t.strictSame(show(alone.point), ['Z valid', 'A addpend']);
  t.end();
});

t.test('no other point takes anything from its first set', (t) => {
  const set = { signers: [Z, A], others: [B] };
  t.strictSame(show(see(start(Z, A), 0, set).point), ['Z valid', 'A valid', 'B addpend']);
  const named: Anchor = { ...keys(Z), ds: [dsOf(ROOT_ZONE, A, 2)] };
  const byDs = see(startPoint(named, T0), 0, set).point;
  t.strictSame(show(byDs), ['Z valid', 'A valid', 'B addpend'], 'a DS beside it');
  const onlyZones = see(start(Z), 0, { signers: [Z] }).point;
  t.strictSame(kinds(see(onlyZones, 1, set).events), ['pending A', 'pending B'], 'the second set');
  t.end();
});

t.test(
  'a zone key vouches for no first set that it has not signed, and for no revoked key',
  (t) => {
    const forged = see(start(Z), 0, { signers: [A], others: [Z, B] });
    t.strictSame(show(forged.point), ['Z valid']);
    t.strictSame(kinds(forged.events), ['not-validated signing-key-missing']);
    const revokedA = see(start(Z), 0, { signers: [Z, revokedForm(A)], others: [B] });
    t.strictSame(show(revokedA.point), ['Z valid', 'B addpend'], 'no key that revokes itself');
    const other = zsk('other');
    const twin = see(start(Z, other), 0, { signers: [Z, revokedForm(other)], others: [B] });
    t.strictSame(inForce(twin.point), ['Z'], 'an anchor has been given up: nothing is taken');
    t.strictSame(kinds(twin.events).at(-1), 'pending B');
    t.end();
  },
);

t.test('time alone trusts no key: it must be seen after the hold-down', (t) => {
  const first = see(start(A), 0, { signers: [A], others: [B] });
  const failed = see(first.point, 60, undefined);
  t.strictSame(show(failed.point), ['A valid', 'B addpend']);
  t.end();
});

t.test('adversarial row 84: seen for 29 d 23 h, then gone from one set: back to START', (t) => {
  let { point } = see(start(A), 0, { signers: [A], others: [B] });
  for (const day of [10, 20, 29 + 23 / 24])
    ({ point } = see(point, day, { signers: [A], others: [B] }));
  const gone = see(point, 30, { signers: [A] });
  t.strictSame([show(gone.point), kinds(gone.events)], [['A valid'], ['withdrawn B']]);
  const back = see(gone.point, 31, { signers: [A], others: [B] });
  t.strictSame(kinds(back.events), ['pending B'], 'its month begins anew');
  t.strictSame(show(see(back.point, 60, { signers: [A], others: [B] }).point), [
    'A valid',
    'B addpend',
  ]);
  t.strictSame(show(see(back.point, 61, { signers: [A], others: [B] }).point), [
    'A valid',
    'B valid',
  ]);
  t.end();
});

t.test('adversarial row 83: a key set that no anchor has signed changes nothing', (t) => {
  const forged: readonly [string, Omit<KeySetOptions, 'at'>, string][] = [
    ['signed by the new key alone', { signers: [B], others: [A] }, 'signing-key-missing'],
    ['without any anchor', { signers: [B] }, 'dnskey-missing'],
    ['an expired one, replayed', { signers: [A], others: [B], lifetime: -60 }, 'signature-expired'],
  ];
  for (const [claim, set, reason] of forged) {
    const before = start(A);
    const { point, events } = see(before, 1, set);
    t.strictSame(show(point), ['A valid'], claim);
    t.strictSame(kinds(events), [`not-validated ${reason}`], claim);
    t.equal(point.nextQueryAt, T0 + DAY + HOUR, 'asked again in an hour');
  }
  const pending = see(start(A), 0, { signers: [A], others: [B] }).point;
  const { point } = see(pending, 31, { signers: [B, C] });
  t.strictSame(show(point), ['A valid', 'B addpend'], 'nor does it remove, or end a hold-down');
  t.end();
});

t.test('a signature that does not verify vouches for nothing', (t) => {
  const set = keySet({ signers: [A], others: [B], at: T0 });
  const broken = set.signatures.map((one) => ({
    ...one,
    signature: one.signature.map((octet, i) => (i === 5 ? octet ^ 1 : octet)),
  }));
  const { point, events } = observe(start(A), { ...set, signatures: broken }, contextAt(T0 / 1000));
  t.strictSame([show(point), kinds(events)], [['A valid'], ['not-validated signature-invalid']]);
  t.end();
});

t.test('a longer original TTL makes the hold-down longer', (t) => {
  const ttl = 40 * 86_400;
  const { point } = see(start(A), 0, { signers: [A], others: [B], ttl, lifetime: 100 * 86_400 });
  const [, b] = point.keys;
  t.equal(b?.state === 'addpend' && days(b.until), 40);
  t.end();
});

t.test('a trusted key that goes is missing, still trusted, and may return', (t) => {
  const gone = see(start(A, B), 0, { signers: [A] });
  t.strictSame([show(gone.point), kinds(gone.events)], [['A valid', 'B missing'], ['missing B']]);
  t.strictSame(inForce(gone.point), ['A', 'B']);
  const alone = see(gone.point, 400, { signers: [B] });
  t.strictSame(
    [show(alone.point), kinds(alone.events)],
    [
      ['A missing', 'B valid'],
      ['missing A', 'returned B'],
    ],
  );
  t.end();
});

t.test('adversarial row 33: a key that revokes itself is out at once and for good', (t) => {
  const out = revokedForm(A);
  const { point, events } = see(start(A, B), 0, { signers: [out, B], others: [Z] });
  t.strictSame([show(point), kinds(events)], [['B valid', 'A revoked'], ['revoked A']]);
  t.equal(events[0]?.kind === 'revoked' && events[0].revokedTag, out.tag);
  t.not(out.tag, A.tag, 'its tag changes with its flags');
  t.strictSame(inForce(point), ['B']);
  const again = see(point, 1, { signers: [A, B] });
  t.strictSame(show(again.point), ['B valid', 'A revoked'], 'it comes back without the bit: no');
  t.strictSame(kinds(see(point, 1, { signers: [A] }).events), ['not-validated dnskey-missing']);
  const removed = see(see(again.point, 20, { signers: [B] }).point, 32, { signers: [B] });
  t.strictSame(
    [show(removed.point), kinds(removed.events)],
    [['B valid', 'A removed'], ['removed A']],
  );
  const later = see(removed.point, 90, { signers: [B], others: [A] });
  t.strictSame([show(later.point), kinds(later.events)], [['B valid', 'A removed'], []]);
  t.end();
});

t.test('revocation needs the key’s own signature, and nobody else’s', (t) => {
  const out = revokedForm(A);
  const unsigned = see(start(A, B), 0, { signers: [B], others: [out] });
  t.strictSame(show(unsigned.point), ['A missing', 'B valid'], 'B cannot revoke A');
  const alone = see(start(A, B), 0, { signers: [out] });
  t.strictSame(
    show(alone.point),
    ['B valid', 'A revoked'],
    'A can, in a set that is else worthless',
  );
  t.strictSame(kinds(alone.events), ['revoked A', 'not-validated dnskey-missing']);
  const smuggled = see(start(A, B), 0, { signers: [out], others: [C] });
  t.strictSame(show(smuggled.point), ['B valid', 'A revoked'], 'and adds nothing by that');
  t.end();
});

t.test('a pending key whose vouchers are all revoked begins anew', (t) => {
  const pending = see(start(A, B), 0, { signers: [A], others: [B, C] });
  t.strictSame(kinds(pending.events), ['pending C']);
  const { point, events } = see(pending.point, 20, { signers: [revokedForm(A), B], others: [C] });
  t.strictSame(kinds(events), ['revoked A', 'unvouched C', 'pending C']);
  const c = point.keys.find((key) => key.state === 'addpend');
  t.equal(c?.state === 'addpend' && days(c.until), 50);
  const kept = see(see(start(A, B), 0, { signers: [A, B], others: [C] }).point, 20, {
    signers: [revokedForm(A), B],
    others: [C],
  });
  t.strictSame(kinds(kept.events), ['revoked A'], 'one of two is enough');
  t.end();
});

t.test('a pending key that revokes itself never comes', (t) => {
  const { point } = see(start(A), 0, { signers: [A], others: [B] });
  const out = see(point, 1, { signers: [A, revokedForm(B)] });
  t.strictSame(show(out.point), ['A valid', 'B revoked']);
  t.strictSame(show(see(out.point, 40, { signers: [A], others: [B] }).point), [
    'A valid',
    'B revoked',
  ]);
  t.end();
});

t.test(
  'all revoked: below the root the trust point is gone, at the root nothing validates',
  (t) => {
    const set = { signers: [revokedForm(A)] };
    const root = see(start(A), 0, set).point;
    t.strictSame(anchorsOf([root]).get(ROOT_ZONE.key), { name: ROOT_ZONE, ds: [], keys: [] });
    const zone = Name.parse('example.com');
    const point = startPoint({ ...keys(A), name: zone }, T0);
    const below = observe(point, keySet({ ...set, zone, at: T0 }), contextAt(T0 / 1000)).point;
    t.strictSame([show(below), anchorsOf([below]).size], [['A revoked'], 0]);
    t.end();
  },
);

t.test('configured DS records become keys when these are seen', (t) => {
  const ds = [A, B].map((key) => dsOf(ROOT_ZONE, key, 2));
  const point = startPoint({ name: ROOT_ZONE, ds, keys: [] }, T0);
  const one = see(point, 0, { signers: [A], others: [C] });
  t.strictSame(
    [show(one.point), kinds(one.events)],
    [
      ['A valid', 'C addpend', 'a DS'],
      ['trusted A', 'pending C'],
    ],
  );
  t.strictSame(show(see(one.point, 1, { signers: [B, A], others: [C] }).point), [
    'A valid',
    'C addpend',
    'B valid',
  ]);
  const revoked = see(point, 0, { signers: [revokedForm(A), B] });
  t.strictSame(
    show(revoked.point),
    ['A revoked', 'B valid'],
    'even if the first sight is its revocation',
  );
  t.strictSame(kinds(see(point, 0, { signers: [C], others: [A, B] }).events), [
    'not-validated signing-key-missing',
  ]);
  t.end();
});

t.test(
  'an anchor that the operator adds need not wait, and cannot bring back a revoked one',
  (t) => {
    const { point } = see(start(A), 0, { signers: [A], others: [B] });
    const context = contextAt(T0 / 1000);
    const ds = (key: SigningKey): Anchor => ({
      name: ROOT_ZONE,
      ds: [dsOf(ROOT_ZONE, key, 2)],
      keys: [],
    });
    t.strictSame(show(addAnchor(point, ds(B), context)), ['A valid', 'B valid']);
    t.strictSame(show(addAnchor(point, keys(B), context)), ['A valid', 'B valid']);
    t.strictSame(show(addAnchor(point, ds(C), context)), ['A valid', 'B addpend', 'a DS']);
    t.strictSame(show(addAnchor(addAnchor(point, ds(C), context), ds(C), context)).length, 3);
    t.strictSame(show(addAnchor(point, keys(A, C), context)), ['A valid', 'B addpend', 'C valid']);
    const out = see(point, 1, { signers: [revokedForm(A)] }).point;
    t.strictSame(show(addAnchor(out, keys(A), context)), ['B addpend', 'A revoked']);
    t.strictSame(show(addAnchor(out, ds(A), context)), ['B addpend', 'A revoked']);
    t.end();
  },
);

t.test('the next query: RFC 5011 section 2.3', (t) => {
  const next = (ttl: number, lifetime: number): number =>
    days(see(start(A), 0, { signers: [A], ttl, lifetime }).point.nextQueryAt);
  t.equal(next(172_800, 21 * 86_400), 1, 'half the original TTL');
  t.equal(next(172_800, 86_400), 0.5, 'half the time to the expiration');
  t.equal(next(90 * 86_400, 90 * 86_400), 15, 'at most 15 days');
  t.equal(next(60, 86_400), 1 / 24, 'at least an hour');
  const retry = (ttl: number, lifetime: number): number => {
    const { point } = see(start(A), 0, { signers: [A], ttl, lifetime });
    return days(missQuery(point, T0).nextQueryAt);
  };
  t.equal(retry(172_800, 21 * 86_400), 0.2, 'a tenth of the original TTL');
  t.equal(retry(90 * 86_400, 90 * 86_400), 1, 'at most a day');
  t.equal(retry(172_800, 6 * 3600), 1 / 24, 'at least an hour');
  t.equal(days(missQuery(start(A), T0).nextQueryAt), 1 / 24, 'and an hour where nothing is known');
  t.end();
});

t.test('a crowd of new keys is not all remembered, and costs no signatures', (t) => {
  const crowd = Array.from({ length: 30 }, (_, i) => ksk(`crowd ${i}`));
  const context = contextAt(T0 / 1000);
  const { point } = observe(start(A), keySet({ signers: [A], others: crowd, at: T0 }), context);
  t.equal(point.keys.filter(({ state }) => state === 'addpend').length, 20);
  t.equal(context.budget.used('signatures'), 1);
  const large = Array.from({ length: 100 }, (_, i) => ksk(`crowd ${i}`));
  const refused = observe(
    start(A),
    keySet({ signers: [A], others: large, at: T0 }),
    contextAt(T0 / 1000),
  );
  t.strictSame(kinds(refused.events), ['not-validated unusable-records']);
  t.end();
});

t.test('KSK-2017 is called 20454 once it is revoked', (t) => {
  // RFC 9718 section 2.3 shows the key.
  const text =
    '8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=';
  const [now, revoked] = [257, 385].map((flags) => parseRdata('DNSKEY', `${flags} 3 ${text}`));
  if (!now || !revoked) throw new Error('two keys');
  t.equal(parseDnsKey(now)?.keyTag, 20326);
  t.equal(parseDnsKey(revoked)?.keyTag, 20454);
  t.strictSame(unrevoked(revoked), now);
  t.end();
});

t.test('signatures are judged at the time of the policy, states dated by the clock', (t) => {
  const set = keySet({ signers: [A, revokedForm(B)], at: T0 });
  const point = start(A, B);
  const today = contextAt(T0 / 1000);
  const late = { ...today, now: T0 + 1000 * DAY };
  t.strictSame(show(observe(point, set, late).point), ['A valid', 'B valid'], 'long expired');
  const policy = { ...late.policy, validationTime: T0 };
  const { point: next } = observe(point, set, { ...late, policy });
  t.strictSame(show(next), ['A valid', 'B revoked']);
  t.match(next.keys[1], { since: late.now });
  const then = observe(point, set, today).point;
  t.equal(next.nextQueryAt - late.now, then.nextQueryAt - T0, 'the same pause');
  t.end();
});
