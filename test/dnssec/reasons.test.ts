// Every row of the reason table that needs no resolver, each by one scenario with one thing wrong.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import { REASONS, type Reason } from '../../src/dnssec/reason.ts';
import {
  type Amendment,
  addDs,
  alterDs,
  alterPlan,
  alterRecords,
  corruptSignatures,
  crowdSignatures,
  dropDs,
  expireSignatures,
  futureSignatures,
  type Internet,
  internet,
  removeDenial,
  removeSignatures,
  resign,
  type Signing,
  servfail,
  signKeysByZskOnly,
  withoutZoneKeyFlag,
  wrongDs,
  wrongKeyTag,
} from '../../src/testing/index.ts';
import { makeRecord } from '../../src/testing/zone.ts';
import { contextAt, policy } from './support.ts';
import {
  type Case,
  contextOf,
  delegationOf,
  denialOf,
  judgementOf,
  keysOf,
  reply,
  replyOf,
  settle,
  trustOf,
} from './world.ts';

/** Reasons that come from walking, asking and configuration: test/resolver/ has their scenarios. */
const RESOLVERS: readonly Reason[] = [
  'no-trust-anchor',
  'negative-trust-anchor',
  'ds-unproven',
  'referral-forged',
  'anchor-outdated',
  'signatures-stripped',
  'network-error',
  'alias-loop',
];

const ZONE = 'example.com';
const CHILD = 'child.example.com';
const RECORDS = ['www A 192.0.2.1', '*.wild A 192.0.2.2', 'www TXT text'];
const LONG = `${'a'.repeat(60)}.`;

function net(amendments: readonly Amendment[], signing: Signing = {}): Internet {
  const long = `long DNAME ${LONG.repeat(3)}${ZONE}.`;
  return internet({
    [ZONE]: { records: [...RECORDS, long], signing },
    [CHILD]: ['www A 192.0.2.3'],
  }).amend(ZONE, ...amendments);
}
const reasonIn = (x: object): unknown => ('reason' in x ? x.reason : 'none');

/** The reason of an answer, the zone's own keys taken for validated. */
function answer(world: Internet, label: string, type: RRType, given: Partial<Case> = {}): unknown {
  const trust = { status: 'secure', keys: keysOf(world, ZONE), ttl: 3600 } as const;
  const name = `${label}.${ZONE}`;
  return reasonIn(settle(judgementOf(world, { zone: ZONE, name, type, trust, ...given })));
}
const www = (...amendments: readonly Amendment[]): unknown => answer(net(amendments), 'www', 'A');
const trust = (amendments: readonly Amendment[], signing?: Signing): unknown =>
  reasonIn(trustOf(net(amendments, signing), ZONE));
const child = (world: Internet): unknown =>
  reasonIn(delegationOf(world.amend(CHILD, dropDs()), { zone: ZONE, name: CHILD, type: 'A' }));
const insecure = { status: 'insecure', reason: 'no-ds-proven', ttl: 60 } as const;

/** RSA with a modulus of 512 bits, which nothing is verified with. */
const shortKey = alterPlan((plan) => {
  const publicKey = Uint8Array.of(1, 3, ...new Uint8Array(64).fill(255));
  const rdata = encode('DNSKEY', { flags: 256, protocol: 3, algorithm: 8, publicKey });
  return { ...plan, records: [...plan.records, makeRecord(plan.zone, 'DNSKEY', 3600, rdata)] };
});

const cutShort = alterRecords(({ records }) =>
  records.map((one) => (one.type === 'A' ? { ...one, rdata: one.rdata.subarray(1) } : one)),
);

const SCENARIOS: Readonly<Partial<Record<Reason, () => unknown>>> = {
  'no-ds-proven': () => child(net([])),
  'opt-out': () => child(net([], { denial: { spans: 'optOut' } })),
  'unsupported-algorithm': () => trust([alterDs((ds) => ({ ...ds, algorithm: 12 }))]),
  'unsupported-digest': () => trust([alterDs((ds) => ({ ...ds, digestType: 3 }))]),
  'weak-key': () => trust([shortKey]),
  'nsec3-iterations': () => answer(net([], { denial: { iterations: 51 } }), 'nope', 'A'),
  'never-signed': () => answer(net([]), 'www', 'RRSIG'),

  'rrsigs-missing': () => www(removeSignatures('A')),
  'signature-invalid': () => www(corruptSignatures('A')),
  'signature-expired': () => www(expireSignatures('A')),
  'signature-not-yet-valid': () => www(futureSignatures('A')),
  'signature-dates-reversed': () => www(resign({ inception: 2000, expiration: 1000 }, 'A')),
  'signature-labels': () => www(resign({ labels: 4 }, 'A')),
  'too-many-failures': () => www(crowdSignatures(8, 'A')),
  'signing-key-missing': () => www(wrongKeyTag('A')),
  'signing-key-unusable': () => www(withoutZoneKeyFlag()),
  'dnskey-missing': () => trust([wrongDs('digest'), addDs(`@ DS 1 13 2 ${'00'.repeat(32)}`)]),
  'dnskey-unsigned': () => trust([signKeysByZskOnly()], { keys: 'ksk-zsk' }),
  'denial-missing': () => answer(net([removeDenial()]), 'nope', 'A'),
  'denial-contradicted': () => {
    const world = net([]);
    return answer(world, 'www', 'A', { reply: replyOf(world, ZONE, `www.${ZONE}`, 'MX') });
  },
  'denial-parameters': () => {
    const chains = ['aa', 'bb'].flatMap((salt) => denialOf(net([], { denial: { salt } }), ZONE));
    return answer(net([]), 'nope', 'A', {
      reply: reply('NXDOMAIN', [], [...chains.slice(0, 2), ...chains.slice(-2)]),
    });
  },
  'too-many-nsec3': () => {
    const records = Array.from({ length: 20 }, (_, i) => `n${i} A 192.0.2.1`);
    const world = internet({ [ZONE]: { records, signing: { denial: 'nsec3' } } });
    return answer(world, 'nope', 'A', { reply: reply('NXDOMAIN', [], denialOf(world, ZONE)) });
  },
  'wildcard-unproven': () => answer(net([removeDenial()]), 'x.wild', 'A'),
  'malformed-records': () => www(cutShort),

  'budget-spent': () => {
    const world = net([]);
    const context = contextAt(contextOf(world).now / 1000, policy(), { signatures: 0 });
    return answer(world, 'www', 'A', { context });
  },
  'alias-too-long': () => answer(net([]), `${LONG.repeat(1)}long`, 'A'),
  'unusable-records': () => answer(net([cutShort]), 'www', 'A', { trust: insecure }),
  unreachable: () =>
    answer(net([servfail()]), 'www', 'A', { trust: insecure, reply: reply('SERVFAIL', []) }),
};

for (const [reason, scenario] of Object.entries(SCENARIOS))
  t.test(reason, async (t) => {
    t.equal(scenario(), reason);
  });

t.test('every reason has its scenario here or in the resolver', async (t) => {
  t.same([...Object.keys(SCENARIOS), ...RESOLVERS].sort(), Object.keys(REASONS).sort());
});

t.test('one thing is wrong in each: without it all is well', async (t) => {
  const world = net([]);
  t.equal(www(), 'none');
  t.equal(answer(world, 'nope', 'A'), 'none');
  t.equal(answer(world, 'x.wild', 'A'), 'none');
  t.equal(answer(world, 'x.long', 'A'), 'none', 'a name that fits');
  t.equal(trust([]), 'none');
  t.equal(trust([], { keys: 'ksk-zsk' }), 'none');
  const types = denialOf(world, ZONE).flatMap(({ rdata }) =>
    rdata.map((one) => decode('NSEC', one).types),
  );
  t.ok(
    types.some((list) => list.includes('TXT')),
    'the zone is the one meant',
  );
  t.equal(
    Name.parse(LONG.repeat(4)).wire.length,
    245,
    'four such labels fit, but not below the zone',
  );
});
