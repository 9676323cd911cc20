// What the answers' cache hands back: every status as it was put in, failures that hold nothing but themselves, and no
// finding made of octets that are not whole.
import t from 'tap';
import { parseType, type RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import { anchorsFrom } from '../../src/dnssec/anchors.ts';
import type { Finding } from '../../src/dnssec/judge.ts';
import { type Fault, failed, type Outcome } from '../../src/dnssec/outcome.ts';
import { Answers } from '../../src/resolver/answers.ts';
import { faultOctets, ownFault } from '../../src/resolver/own.ts';
import { packFound, unpackFound } from '../../src/resolver/packed.ts';
import {
  corruptSignatures,
  internet,
  removeSignatures,
  shiftSignatures,
  VirtualClock,
} from '../../src/testing/index.ts';
import { ask, resolverOn } from './support.ts';

t.test(
  'a failure that is kept keeps no reply alive, and is weighed by what it holds',
  async (t) => {
    const types = Array.from({ length: 2_000 }, (_, i) => `TYPE${1_000 + 8 * i}`);
    const net = internet({
      // Each reply is some 40 kB; a view of it would keep all of that.
      'example.com': Array.from({ length: 90 }, (_, i) => `www TXT "${`${i} `.padEnd(250, 'x')}"`),
      'short.com': [`tree DNAME ${`${'y'.repeat(60)}.`.repeat(3)}example.com.`],
      'types.com': ['www A 192.0.2.1'],
    })
      .amend('example.com', corruptSignatures('TXT'))
      .amend('types.com', removeSignatures('A'));
    const resolver = resolverOn(net);
    const cases: readonly [string, RRType, RegExp][] = [
      ['www.example.com', 'TXT', /^bogus \(signature-invalid\)$/],
      ['www.types.com', 'A', /^bogus \(rrsigs-missing\)$/],
      [`${'z'.repeat(60)}.${'z'.repeat(60)}.tree.short.com`, 'A', /alias-too-long/],
    ];
    for (const [owner, type, shown] of cases) {
      t.match(await ask(resolver, owner, type), shown);
      const known = resolver.recall(Name.parse(owner), type);
      if (!known || !failed(known)) return t.fail('it is not kept');
      for (const octets of octetsIn(known.fault))
        t.equal(octets.buffer.byteLength, octets.length, `${owner}: ${Buffer.from(octets)}`);
    }
    const zone = Name.parse('example.com');
    const fault = { zone, owner: zone, type: 'A' } as const;
    const listed = {
      ...fault,
      detail: { kind: 'exists', name: zone, types: types.map((one) => parseType(one)) },
    };
    const kept = ownFault(listed as Fault);
    t.ok(kept.detail?.kind === 'exists' && kept.detail.types.length <= 32);
    t.equal(ownFault(kept), kept, 'it stays the same object');
    const signers = Array.from({ length: 8 }, (_, i) =>
      Name.parse(`${'s'.repeat(60)}.${i}.example`),
    );
    const long = faultOctets({ ...fault, detail: { kind: 'signers', signers } });
    t.ok(long - faultOctets(fault) > 8 * 64, 'names are counted');
    t.end();
  },
);

/** All arrays of octets in a value, however deep. */
function octetsIn(value: unknown): readonly Uint8Array[] {
  if (value instanceof Uint8Array) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(octetsIn);
}

t.test('every status comes back as it was kept, with its reason and cause', async (t) => {
  const clock = new VirtualClock(1_000_000);
  const zone = Name.parse('example.com');
  const answers = new Answers(clock, { bytes: 1_000_000, closestZone: () => zone });
  const rrset = {
    owner: zone,
    type: 'A',
    ttl: 300,
    rdata: [Uint8Array.of(192, 0, 2, 1)],
    signatures: [],
  } as const;
  const found = { kind: 'records', rrset, proof: [] } as const;
  const fault: Fault = { zone, owner: zone, type: 'DS', limit: 'signatures' };
  const ttl = 300;
  const findings: Readonly<Record<string, Finding>> = {
    secure: { status: 'secure', found, ttl },
    'insecure, by configuration': { status: 'insecure', found, ttl, reason: 'no-trust-anchor' },
    'insecure, by proof': { status: 'insecure', found, ttl, reason: 'no-ds-proven', cause: fault },
    'insecure, for another reason': {
      status: 'insecure',
      found,
      ttl,
      reason: 'opt-out',
      cause: fault,
    },
    'secure absence': { status: 'secure', found: { kind: 'nodata', proof: [] }, ttl },
    'insecure absence': {
      status: 'insecure',
      found: { kind: 'nxdomain', proof: [] },
      ttl,
      reason: 'no-trust-anchor',
    },
    bogus: { status: 'bogus', reason: 'signature-invalid', fault },
    indeterminate: { status: 'indeterminate', reason: 'budget-spent', fault },
  };
  const stand = { anchors: anchorsFrom([]), negative: undefined };
  for (const [what, finding] of Object.entries(findings)) {
    const name = Name.parse(`${what.replaceAll(/\W/g, '')}.example.com`);
    const question = { name, type: 'A' } as const;
    answers.keep(question, { finding, zone, expiresAt: clock.now() + 300_000, stand });
    const known = answers.recall(question)?.finding;
    t.same(known && Object.keys(known).sort(), Object.keys(finding).sort(), what);
    t.match(known, { ...finding, ...('found' in finding && { found: finding.found }) }, what);
  }
});

t.test('octets that are not whole are no finding', async (t) => {
  const owner = Name.parse('www.example.com');
  const rdata = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)];
  const rrset = { owner, type: 'A', ttl: 300, rdata, signatures: [] } as const;
  const { packed } = packFound({ kind: 'records', rrset, proof: [rrset] });
  t.ok(unpackFound(packed, 0));
  for (let length = 0; length < packed.length; length += 1)
    t.throws(() => unpackFound(packed.slice(0, length), 0), `cut off after ${length} octets`);
  t.throws(
    () => unpackFound(`\u0009${packed.slice(1)}`, 0),
    RangeError,
    'a kind that there is not',
  );
});

const DAY_S = 86_400;
/** The signer's: from a day ago to thirty days from now. */
const LEFT_S = 40;

t.test('nothing that is kept outlives a signature that it rests on', async (t) => {
  const zones = {
    'example.com': ['www A 192.0.2.1', '* TXT "w"', 'alias CNAME www', 'tree DNAME example.net.'],
    'example.net': ['www A 192.0.2.2'],
  };
  const questions: readonly [string, RRType][] = [
    ['www.example.com', 'A'],
    ['www.example.com', 'AAAA'],
    ['none.example.com', 'A'],
    ['none.example.com', 'TXT'],
    ['alias.example.com', 'A'],
    ['www.tree.example.com', 'A'],
    ['example.com', 'DS'],
  ];
  const signed: readonly (readonly [zone: string, types: readonly RRType[]])[] = [
    ['example.com', []],
    ['example.com', ['DNSKEY']],
    ['example.com', ['NSEC']],
    ['example.com', ['SOA']],
    ['example.com', ['CNAME', 'DNAME']],
    ['com', ['DS']],
    ['com', ['DNSKEY']],
    ['.', ['DS', 'DNSKEY']],
  ];
  for (const [zone, types] of signed) {
    const net = internet(zones).amend(zone, shiftSignatures(LEFT_S - 30 * DAY_S, types));
    const end = net.clock.now() + LEFT_S * 1000;
    const resolver = resolverOn(net);
    for (const [owner, type] of questions) {
      const first = await resolver.lookup(Name.parse(owner), type);
      t.equal(first.status, 'secure', `${owner} ${type} while ${zone} ${types} is valid`);
    }
    const before = net.log.length;
    net.clock.advance(end - net.clock.now() - 1_000);
    for (let i = 0; i < 12; i += 1) {
      net.clock.advance(250);
      const now = net.clock.now();
      for (const [owner, type] of questions) {
        const known = resolver.recall(Name.parse(owner), type);
        const longest = known?.status === 'secure' ? longestTtl(known, zone, types) : undefined;
        if (longest === undefined) continue;
        const what = `${owner} ${type} on ${zone} ${types}, ${(end - now) / 1000} s before the end`;
        // It is valid for the whole of its last second (RFC 4034 section 3.1.5 counts seconds).
        if (now >= end + 1_000) t.fail(what);
        if (longest > Math.floor((end - now) / 1000) + 1) t.fail(`TTL ${longest} of ${what}`);
      }
    }
    t.equal(net.log.length, before, 'the cache alone was asked');
    net.clock.advance(2_000);
    const later = await resolver.lookup(Name.parse('www.example.com'), 'MX');
    if (REVOKING.test(`${zone} ${types}`))
      t.equal(later.status, 'bogus', `${zone} ${types} afterwards`);
  }
});

/** Without these there is no MX question to be answered; what vouches for a zone above was asked once, and holds. */
const REVOKING = /^(example\.com (|DNSKEY|NSEC)|com DS)$/;

type Secure = Extract<Outcome, { status: 'secure' }>;
const setsIn = ({ aliases, answer }: Secure): readonly RRset[] => [
  ...aliases.flatMap(({ records, proof }) => [...records, ...proof]),
  ...(answer.kind === 'records' ? [answer.rrset] : []),
  ...answer.proof,
];
/** Of the RRsets with a signature by the zone over one of these types, or any; `undefined` where there is none. */
function longestTtl(outcome: Secure, zone: string, types: readonly RRType[]): number | undefined {
  const by = Name.parse(zone);
  const sets = setsIn(outcome).filter(
    ({ type, signatures }) =>
      (types.length === 0 || types.includes(type)) &&
      signatures.some(({ signer }) => signer.equals(by)),
  );
  return sets.length > 0 ? Math.max(...sets.map(({ ttl }) => ttl)) : undefined;
}
