// What people are told of a failure beside its reason: which piece of a proof is missing, which keys were expected and found.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { base32hex } from '../../src/dns/radix.ts';
import { encode } from '../../src/dns/rdata.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import { printDigestType } from '../../src/dnssec/algorithms.ts';
import { checkDelegation, checkKeys, evidenceIn } from '../../src/dnssec/delegation.ts';
import { nameKeys, signatureDetail } from '../../src/dnssec/detail.ts';
import { explainCase } from '../../src/dnssec/explanation.ts';
import type { Fault } from '../../src/dnssec/outcome.ts';
import { explain, type Reason } from '../../src/dnssec/reason.ts';
import { nsec3Hash } from '../../src/testing/zone.ts';
import {
  APEX,
  bare,
  crowd,
  expanded,
  found,
  judgement,
  keys,
  signed,
  text,
  WIDE,
  world,
  ZONE,
} from './crafted.ts';
import { contextOf, record, reply, replyOf, signedBy, trustedOf } from './world.ts';

/** What the sentence adds to that of the table. */
const wordsFor = (reason: Reason, about: Pick<Fault, 'detail' | 'servers'> | undefined): string =>
  explainCase(reason, about).slice(explain(reason).text.length).replace(/^: /, '');
interface Explainable {
  readonly status?: string;
  readonly reason?: Reason;
  readonly fault?: Fault;
  readonly cause?: Fault;
}
const say = (given: Explainable): string =>
  given.reason ? wordsFor(given.reason, given.fault ?? given.cause) : 'nothing is wrong';

const denied = (name: string, type: RRType, ...authority: RRset[]): string =>
  say(found(name, type, reply('NOERROR', [], authority)));
const answered = (answer: RRset, name: string, ...authority: RRset[]): string =>
  say(found(name, 'A', reply('NOERROR', [answer], authority)));
function delegated(child: string, ...authority: RRset[]): string {
  const name = Name.parse(text(child));
  const given = evidenceIn(reply('NOERROR', [], authority), name);
  const said = checkDelegation(name, given, keys, contextOf(world));
  return said.kind === 'failed' ? say(said.failure) : said.kind;
}

t.test('NSEC: the piece that is missing', async (t) => {
  t.equal(
    denied('w@', 'A', signed('z@ 300 NSEC zz@ A')),
    `no NSEC record matches or spans w.${ZONE}.`,
  );
  t.equal(
    denied('w@', 'A', signed('v@ 300 NSEC x@ A')),
    `nothing is said about the wildcard *.${ZONE}.`,
  );
  const made = expanded('*.w@ 300 A 192.0.2.9', 'x.w@');
  t.equal(
    answered(made, 'x.w@', signed('z@ 300 NSEC zz@ A')),
    `no NSEC record matches or spans x.w.${ZONE}.`,
  );
  t.equal(
    answered(expanded('*@ 300 A 192.0.2.9', 'x.w@'), 'x.w@', signed('a.w@ 300 NSEC z.w@ A')),
    `no NSEC record matches or spans x.w.${ZONE}.`,
    'it shows w, below which the wildcard of the zone does not reach',
  );
  const wrong = 'the record is of the wrong side of the zone cut at';
  t.equal(denied('w@', 'A', signed('w@ 300 NSEC z@ NS')), `${wrong} w.${ZONE}.`);
  t.equal(delegated('child@', signed('child@ 300 NSEC z@ NS SOA')), `${wrong} child.${ZONE}.`);
  t.equal(
    delegated('child@', signed('z@ 300 NSEC zz@ A')),
    `no NSEC record matches or spans child.${ZONE}.`,
  );
});

const hashOf = (name: string): bigint =>
  BigInt(
    `0x${Buffer.from(nsec3Hash(Name.parse(text(name)), 0, new Uint8Array())).toString('hex')}`,
  );
const print = (hash: bigint): string =>
  base32hex.print(Buffer.from(hash.toString(16).padStart(40, '0'), 'hex'));
/** Matches the name, and spans nothing. */
const match = (name: string, types: string): RRset =>
  signed(`${print(hashOf(name))}@ 300 NSEC3 1 0 0 - ${print(hashOf(name) + 1n)} ${types}`);
/** Spans the name and no other. */
const span = (name: string): RRset =>
  signed(`${print(hashOf(name) - 1n)}@ 300 NSEC3 1 0 0 - ${print(hashOf(name) + 1n)} A`);

t.test('NSEC3: the piece that is missing', async (t) => {
  const wrong = 'the record is of the wrong side of the zone cut at';
  const apex = match(text('@'), 'NS SOA');
  t.equal(denied('w@', 'A', span('w@')), `no NSEC3 record matches an ancestor of w.${ZONE}.`);
  t.equal(denied('x.d@', 'A', match('d@', 'NS'), span('x.d@')), `${wrong} d.${ZONE}.`);
  t.equal(denied('w@', 'A', apex), `no NSEC3 record spans the next closer name w.${ZONE}.`);
  t.equal(denied('w@', 'A', apex, span('w@')), `nothing is said about the wildcard *.${ZONE}.`);
  const made = expanded('*.w@ 300 A 192.0.2.9', 'y.x.w@');
  t.equal(
    answered(made, 'y.x.w@', apex),
    `no NSEC3 record spans the next closer name x.w.${ZONE}.`,
    'one label more than the wildcard has below its asterisk',
  );
  t.equal(delegated('child@', match('child@', 'NS SOA')), `${wrong} child.${ZONE}.`);
  t.equal(
    delegated('child@', span('child@')),
    `no NSEC3 record matches an ancestor of child.${ZONE}.`,
  );
  t.equal(delegated('x.d@', match('d@', 'NS'), span('x.d@')), `${wrong} d.${ZONE}.`);
  t.equal(delegated('child@', apex), `no NSEC3 record spans the next closer name child.${ZONE}.`);
});

t.test(
  'NSEC3 whose parameters differ are named with them, a salt of none as a hyphen',
  async (t) => {
    // RFC 5155 section 3.3: the presentation of an empty salt.
    const other = signed(`${print(1n)}@ 300 NSEC3 1 0 2 ab ${print(2n)} A`);
    t.match(
      denied('w@', 'A', match('w@', 'A'), other),
      /^iterations and salt are (0 - and 2 ab|2 ab and 0 -)$/i,
    );
  },
);

t.test('RRSIGs that are missing, or by others', async (t) => {
  t.equal(denied(ZONE, 'MX', bare('example.com. 300 NSEC z@ NS SOA')), 'there is no RRSIG');
  const child = `child.${ZONE}`;
  const [one] = signedBy(world, child, record(`www.${child}. 300 A 192.0.2.2`)).signatures;
  if (!one) return t.fail('no signature');
  const other = { ...one, signer: Name.parse('other.example') };
  const set = { ...bare('www@ 300 A 192.0.2.1'), signatures: [one, one, other] };
  const said = judgement('www@', 'A', reply('NOERROR', [set]));
  const failure = said.kind === 'missed-cut' ? said.otherwise : said.finding;
  t.equal(say(failure), `the only RRSIGs are by ${child}., other.example.`, 'each once');
  const many = Array.from({ length: 9 }, (_, i) => ({
    ...one,
    signer: Name.parse(`s${i}.example`),
  }));
  const crowded = judgement('www@', 'A', reply('NOERROR', [{ ...set, signatures: many }]));
  const words = say(crowded.kind === 'missed-cut' ? crowded.otherwise : crowded.finding);
  t.match(words, / s0\.example\., .* s7\.example\.$/, 'eight are enough');
});

t.test('an opt-out span is named, not the encloser that stands before it', async (t) => {
  const apex = match(text('@'), 'NS SOA');
  const name = Name.parse(text('child@'));
  const evidence = evidenceIn(reply('NOERROR', [], [apex, signed(WIDE)]), name);
  const said = checkDelegation(name, evidence, keys, contextOf(world));
  if (said.kind !== 'unsigned') return t.fail(said.kind);
  t.equal(say(said), `by the record at ${'0'.repeat(32)}.${ZONE}.`);
  t.match(said.cause, { type: 'DS', owner: name, zone: APEX });
  const flat = evidenceIn(reply('NOERROR', [], [signed('child@ 300 NSEC z@ NS')]), name);
  const nsec = checkDelegation(name, flat, keys, contextOf(world));
  t.equal(nsec.kind === 'unsigned' && say(nsec), `by the record at child.${ZONE}.`);
});

t.test('key sets: what was expected and what there is', async (t) => {
  const trusted = trustedOf(world, ZONE);
  const dnskey = replyOf(world, ZONE, ZONE, 'DNSKEY').answer.find(({ type }) => type === 'DNSKEY');
  const [key] = keys.keys;
  if (!dnskey || !key) return t.fail('no key set');
  const check = (given: object, set: RRset | undefined = dnskey): Explainable =>
    checkKeys(APEX, { ...trusted, ...given }, set, contextOf(world));
  const name = `${key.keyTag} ECDSAP256SHA256`;
  const ds = (keyTag: number, algorithm = 13, digestType = 2) =>
    encode('DS', { keyTag, algorithm, digestType, digest: new Uint8Array(32) });
  const has = `the key set has ${name}, and it is signed by ${name}`;
  t.equal(say(check({ ds: [ds(7)] })), `expected 7 ECDSAP256SHA256 by SHA-256; ${has}`);
  const other = Uint8Array.from(key.rdata).map((octet, i) => (i > 5 ? 9 : octet));
  const otherTag = nameKeys([{ keyTag: tagOf(other), algorithm: 13 }])[0]?.keyTag;
  t.equal(say(check({ ds: [], keys: [other] })), `expected ${otherTag} ECDSAP256SHA256; ${has}`);
  t.equal(
    say(check({ ds: [ds(7)], keys: [other] })),
    `expected 7 ECDSAP256SHA256 by SHA-256, ${otherTag} ECDSAP256SHA256; ${has}`,
  );
  const many = say(check({ ds: Array.from({ length: 9 }, (_, i) => ds(i + 1)) }));
  t.match(many, /^expected 1 .*, 8 ECDSAP256SHA256 by SHA-256; /, 'eight are enough');
  const bareSet = { ...dnskey, signatures: [] };
  t.equal(
    say(check({}, bareSet)),
    `expected ${name} by SHA-256; the key set has ${name}, and it has no RRSIG`,
  );
  const unsupported = check({ ds: [ds(7, 200)] });
  t.match(unsupported, { status: 'insecure', cause: { type: 'DS', owner: APEX, zone: APEX } });
  t.equal(say(unsupported), `expected 7 200 by SHA-256; ${has}`);
  t.match(check({ ds: [ds(7)] }, crowd('example.com. 300 DNSKEY 256 3 13 AAAA', 'DNSKEY')), {
    fault: { owner: APEX },
  });
});

/** RFC 4034 appendix B. */
function tagOf(rdata: Uint8Array): number {
  const sum = rdata.reduce((all, octet, i) => all + (i % 2 === 0 ? octet << 8 : octet), 0);
  return (sum + (sum >> 16)) & 0xffff;
}

t.test(
  'a key set with a key that lacks the Zone Key bit says so beside what is wrong',
  async (t) => {
    // RFC 8914 section 4.12: "the requestor is unable to find a DNSKEY with the Zone Key bit".
    const trusted = trustedOf(world, ZONE);
    const dnskey = replyOf(world, ZONE, ZONE, 'DNSKEY').answer.find(
      ({ type }) => type === 'DNSKEY',
    );
    const [key] = dnskey?.rdata ?? [];
    if (!dnskey || !key) return t.fail('no key set');
    const without = Uint8Array.from(key, (octet, i) => (i === 0 ? octet & ~1 : octet));
    const also = (...rdata: Uint8Array[]) => {
      const trust = checkKeys(APEX, trusted, { ...dnskey, rdata }, contextOf(world));
      return 'fault' in trust ? trust.fault.also : trust.status;
    };
    t.equal(also(without), 11);
    t.equal(also(key, without), 11, 'one is enough');
    const foreign = key.map((octet, i) => (i > 5 ? 9 : octet));
    t.equal(also(foreign), undefined, 'every key has it');
    const trust = checkKeys(APEX, trusted, dnskey, contextOf(world));
    t.notOk('fault' in trust);
  },
);

t.test('the time of validation is cut to seconds', async (t) => {
  const [one] = signed('www@ 300 A 192.0.2.1').signatures;
  if (!one) return t.fail('no signature');
  t.match(signatureDetail(one, [], 1_000_999), { at: 1000, keys: { length: 0 } });
  const nine = Array.from({ length: 9 }, (_, keyTag) => ({ keyTag, algorithm: 8 }));
  t.equal(nameKeys(nine).length, 8);
  t.same(nameKeys(nine.slice(0, 2)), nine.slice(0, 2));
});

t.test('sentences', async (t) => {
  t.equal(wordsFor('unreachable', undefined), '');
  t.equal(wordsFor('unreachable', {}), '');
  t.equal(wordsFor('unreachable', { servers: ['a', 'b'] }), 'asked of the servers a and b');
  const detail = { kind: 'defect', text: 'cut off' } as const;
  t.equal(
    wordsFor('malformed-records', { detail, servers: ['a'] }),
    'cut off; asked of the servers a',
  );
  const servers = [
    { ip: '192.0.2.1', said: 'timeout' },
    { ip: '192.0.2.2', said: 'refused' },
  ];
  t.equal(
    wordsFor('unreachable', { detail: { kind: 'servers', servers } }),
    '192.0.2.1 timeout, 192.0.2.2 refused',
  );
  t.equal(
    wordsFor('dnskey-missing', { detail: { kind: 'keys', expected: [], found: [], signedBy: [] } }),
    'expected nothing; the key set has none, and it has no RRSIG',
  );
  // The registry of digest algorithms of DS records: RFC 3658, RFC 4509, RFC 6605.
  t.same([1, 2, 4, 9].map(printDigestType), ['SHA-1', 'SHA-256', 'SHA-384', 'digest type 9']);
});
