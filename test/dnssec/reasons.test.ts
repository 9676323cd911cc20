// Every row of the reason table that needs no resolver, each by one scenario with one thing wrong.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import type { Delegation } from '../../src/dnssec/delegation.ts';
import { explainCase } from '../../src/dnssec/explanation.ts';
import type { Finding } from '../../src/dnssec/judge.ts';
import { explain, REASONS, type Reason } from '../../src/dnssec/reason.ts';
import type { ZoneTrust } from '../../src/dnssec/verify.ts';
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
  withProtocol,
  wrongDs,
  wrongKeyTag,
} from '../../src/testing/index.ts';
import { makeRecord } from '../../src/testing/zone.ts';
import { RESOLVER_REASONS } from './resolver-reasons.ts';
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
interface Told {
  readonly reason: Reason | 'none';
  /** What people are told. */
  readonly words: string;
}
const tell = (x: Finding | ZoneTrust | Extract<Delegation, { kind: 'unsigned' }>): Told => {
  if (!('reason' in x)) return { reason: 'none', words: '' };
  const about = 'fault' in x ? x.fault : x.cause;
  return { reason: x.reason, words: explainCase(x.reason, about) };
};

/** The reason of an answer, the zone's own keys taken for validated. */
function answer(world: Internet, label: string, type: RRType, given: Partial<Case> = {}): Told {
  const trust = { status: 'secure', keys: keysOf(world, ZONE), ttl: 3600 } as const;
  const name = `${label}.${ZONE}`;
  return tell(settle(judgementOf(world, { zone: ZONE, name, type, trust, ...given })));
}
const www = (...amendments: readonly Amendment[]): Told => answer(net(amendments), 'www', 'A');
const trust = (amendments: readonly Amendment[], signing?: Signing): Told =>
  tell(trustOf(net(amendments, signing), ZONE));
function child(world: Internet): Told {
  const one = { zone: ZONE, name: CHILD, type: 'A' } as const;
  const delegation = delegationOf(world.amend(CHILD, dropDs()), one);
  if (delegation.kind !== 'unsigned') throw new RangeError(`the delegation is ${delegation.kind}`);
  return tell(delegation);
}
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

const SCENARIOS: Readonly<Partial<Record<Reason, () => Told>>> = {
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
  'signing-key-barred': () => www(withProtocol(2)),
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

const KEY = '\\d+ ECDSAP256SHA256';
const RRSIG = `RRSIG by key ${KEY}`;
const FROM_TO = 'valid from (\\S+) to (\\S+), judged at 2026-07-01T00:00:00Z';
const whole = (text: string): RegExp => new RegExp(`^: ${text}$`);

/** What the sentence adds to the text of the table: what was expected and what was found. */
const EXPLAINED: Readonly<Partial<Record<Reason, RegExp>>> = {
  'no-ds-proven': whole('by the record at child.example.com.'),
  'opt-out': whole('by the record at [0-9a-v]{32}.example.com.'),
  'unsupported-algorithm': whole(
    `expected \\d+ ECC-GOST by SHA-256; the key set has ${KEY}, and it is signed by ${KEY}`,
  ),
  'unsupported-digest': whole(
    `expected ${KEY} by GOST; the key set has ${KEY}, and it is signed by ${KEY}`,
  ),
  'weak-key': whole('key \\d+ RSASHA256 has 512 bits, where 1024 are the least'),
  'nsec3-iterations': whole(
    '51 iterations with a salt of 0 octets, where 50 iterations without one are the most',
  ),
  'rrsigs-missing': whole('there is no RRSIG'),
  'signature-invalid': whole(RRSIG),
  'signature-expired': whole(
    `${RRSIG}, ${FROM_TO.replace('to (\\S+)', 'to 2026-06-29T00:00:00Z')}`,
  ),
  'signature-not-yet-valid': whole(
    `${RRSIG}, ${FROM_TO.replace('from (\\S+)', 'from 2026-08-01T00:00:00Z')}`,
  ),
  'signature-dates-reversed': whole(
    `${RRSIG}, valid from 1970-01-01T00:33:20Z to 1970-01-01T00:16:40Z, judged at 2026-07-01T00:00:00Z`,
  ),
  'signature-labels': whole(`${RRSIG} with 4 labels`),
  'too-many-failures': whole(RRSIG),
  'signing-key-missing': whole(`${RRSIG}; the zone's keys are ${KEY}`),
  'signing-key-unusable': whole(`${RRSIG}; the zone's keys are ${KEY}`),
  'signing-key-barred': whole(`${RRSIG}; the zone's keys are ${KEY}`),
  'dnskey-missing': whole(
    `expected ${KEY} by SHA-256, 1 ECDSAP256SHA256 by SHA-256; the key set has ${KEY}, and it is signed by ${KEY}`,
  ),
  'dnskey-unsigned': whole(
    `expected ${KEY} by SHA-256; the key set has ${KEY}, ${KEY}, and it is signed by ${KEY}`,
  ),
  'denial-missing': whole(
    "there is no NSEC or NSEC3 record of the zone's beside the answer for nope.example.com.",
  ),
  'denial-contradicted': whole('the record at www.example.com. lists A TXT RRSIG NSEC'),
  'denial-parameters': whole('iterations and salt are 0 aa and 0 bb'),
  'too-many-nsec3': whole('\\d+ records, where 10 are the most'),
  'wildcard-unproven': whole(
    "there is no NSEC or NSEC3 record of the zone's beside the answer for x.wild.example.com.",
  ),
  'malformed-records': /^: /,
  'unusable-records': /^: /,
};

for (const [reason, scenario] of Object.entries(SCENARIOS))
  t.test(reason, async (t) => {
    const { reason: found, words } = scenario();
    t.equal(found, reason);
    const [text, expected] = [explain(found as Reason).text, EXPLAINED[reason as Reason]];
    t.ok(words.startsWith(text), 'the text of the table comes first');
    if (expected) t.match(words.slice(text.length), expected);
    else t.equal(words, text, 'there is no more to say');
  });

t.test('every reason has its scenario here or in the resolver', async (t) => {
  t.same([...Object.keys(SCENARIOS), ...RESOLVER_REASONS].sort(), Object.keys(REASONS).sort());
});

t.test('one thing is wrong in each: without it all is well', async (t) => {
  const world = net([]);
  t.equal(www().reason, 'none');
  t.equal(answer(world, 'nope', 'A').reason, 'none');
  t.equal(answer(world, 'x.wild', 'A').reason, 'none');
  t.equal(answer(world, 'x.long', 'A').reason, 'none', 'a name that fits');
  t.equal(trust([]).reason, 'none');
  t.equal(trust([], { keys: 'ksk-zsk' }).reason, 'none');
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
