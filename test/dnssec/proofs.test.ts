// What NSEC and NSEC3 records prove, from records made for the case: the claim, and exactly the records that it rests
// on, since a client with DO validates those (RFC 4035 section 3.1.3, RFC 5155 section 7.2).
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { base32hex } from '../../src/dns/radix.ts';
import { encode } from '../../src/dns/rdata.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import {
  type Denial,
  proveExpansion,
  proveNegative,
  proveNoDs,
  readDenial,
} from '../../src/dnssec/denial.ts';
import {
  type Nsec,
  proveByNsec,
  proveExpansionByNsec,
  proveNoDsByNsec,
  readNsec,
} from '../../src/dnssec/nsec.ts';
import {
  hashPrice,
  type Nsec3,
  proveByNsec3,
  proveExpansionByNsec3,
  proveNoDsByNsec3,
  readNsec3,
} from '../../src/dnssec/nsec3.ts';
import {
  type DsProof,
  isAncestorSide,
  type NegativeProof,
  proven,
  readBitmap,
} from '../../src/dnssec/proof.ts';
import { nsec3Hash } from '../../src/testing/zone.ts';
import { contextAt } from './support.ts';

const name = (text: string): Name => Name.parse(text);
const APEX = name('example');

const setAt = (owner: Name, type: RRset['type'], ...rdata: Uint8Array[]): RRset => ({
  owner,
  type,
  ttl: 300,
  rdata,
  signatures: [],
});

const nsec = (owner: string, next: string, ...types: RRType[]): Nsec => ({
  owner: name(owner),
  next: name(next),
  types,
  rrset: setAt(name(owner), 'NSEC'),
});
const claim = (of: string, type: RRType = 'A') =>
  ({ name: name(of), type, rcode: 'NOERROR' }) as const;

/** `nodata a. b.`, `unsigned a. (opt-out)`, `unproven`: what was proved, and by which records. */
function wordsOf(proof: NegativeProof | DsProof): string {
  if (!('used' in proof)) return proof.kind;
  const what = proof.kind === 'proven' ? proof.absence : proof.kind;
  const why = proof.insecure === undefined ? '' : ` (${proof.insecure})`;
  return `${[what, ...proof.used.map(({ owner }) => owner.toString())].join(' ')}${why}`;
}

t.test('NSEC: no such record, no such name', async (t) => {
  const prove = (of: string, ...records: Nsec[]) => wordsOf(proveByNsec(records, claim(of)));
  const apex = nsec('example', 'b.example', 'SOA', 'NS');
  t.equal(prove('b.example', nsec('b.example', 'd.example', 'MX')), 'nodata b.example.');
  t.equal(prove('c.example', apex, nsec('b.example', 'd.example')), 'nxdomain b.example. example.');
  t.equal(prove('c.example', nsec('b.example', 'd.example')), 'unproven', 'nothing of *.example');
  t.equal(prove('d.example', apex, nsec('b.example', 'd.example')), 'unproven', 'the end exists');
  t.equal(prove('d.example', nsec('b.example', 'x.d.example')), 'nodata b.example.', 'in between');
  t.equal(prove('a.example', nsec('example', 'example', 'SOA')), 'nxdomain example.', 'one name');
  const wild = nsec('*.example', 'b.example', 'MX');
  t.equal(prove('c.example', nsec('b.example', 'example'), wild), 'nodata b.example. *.example.');
  t.equal(
    wordsOf(proveByNsec([nsec('b.example', 'example'), wild], claim('c.example', 'MX'))),
    'contradicted',
    'the wildcard has it',
  );
  const below = nsec('example', 'a.*.example');
  t.equal(
    prove('c.example', nsec('b.example', 'example'), below),
    'nodata b.example. example.',
    'the wildcard lies in between',
  );
});

t.test('NSEC: the name that a wildcard answered for does not exist', async (t) => {
  const prove = (of: string, encloser: string, ...records: Nsec[]) =>
    wordsOf(proveExpansionByNsec(records, name(of), name(encloser)));
  t.equal(prove('c.example', 'example', nsec('b.example', 'd.example')), 'nxdomain b.example.');
  t.equal(prove('c.example', 'example', nsec('b.example', 'x.c.example')), 'unproven');
  t.equal(prove('b.example', 'b.example', nsec('b.example', 'd.example')), 'unproven', 'it does');
  t.equal(
    prove('x.b.example', 'example', nsec('b.example', 'd.example')),
    'unproven',
    'a closer encloser',
  );
});

t.test('NSEC: what the parent says of a delegation (RFC 6840 section 4.4)', async (t) => {
  const prove = (of: string, ...records: Nsec[]) => wordsOf(proveNoDsByNsec(records, name(of)));
  const at = (...types: RRType[]) => prove('b.example', nsec('b.example', 'd.example', ...types));
  t.equal(at('NS'), 'unsigned b.example.');
  t.equal(at('A'), 'not-a-cut b.example.');
  t.equal(at('NS', 'DS'), 'contradicted');
  t.equal(at('NS', 'SOA'), 'unproven', "the child's own");
  t.equal(prove('c.example', nsec('b.example', 'd.example')), 'nothing-below b.example.');
  t.equal(prove('c.example', nsec('b.example', 'x.c.example')), 'not-a-cut b.example.');
  t.equal(prove('d.example', nsec('b.example', 'd.example')), 'unproven', 'the end exists');
  t.equal(
    prove('x.b.example', nsec('b.example', 'd.example', 'DNAME')),
    'nothing-below b.example.',
  );
  t.equal(prove('x.b.example', nsec('b.example', 'd.example', 'DNAME', 'NS')), 'unproven');
  t.equal(prove('x.b.example', nsec('b.example', 'd.example', 'NS')), 'unproven');
});

t.test('NSEC RRsets that prove nothing', async (t) => {
  const rdata = (next: string) => encode('NSEC', { next: name(next), types: ['A'] });
  const read = (owner: string, ...all: Uint8Array[]) =>
    readNsec(setAt(name(owner), 'NSEC', ...all), APEX) !== undefined;
  t.ok(read('b.example', rdata('d.example')));
  t.ok(read('b.example', rdata('example')), 'the last one');
  t.ok(read('example', rdata('example')), 'the only one');
  t.notOk(read('b.example', rdata('b.example')), 'to itself, and not the apex');
  t.notOk(read('b.example', rdata('a.example')), 'backwards');
  t.notOk(read('b.example', rdata('d.example'), rdata('c.example')), 'two records');
  t.notOk(read('b.example'), 'none');
  const broken = { ...setAt(name('b.example'), 'NSEC', rdata('d.example')), defect: 'short' };
  t.equal(readNsec(broken, APEX), undefined);
});

t.test('type bitmaps', async (t) => {
  const set = setAt(APEX, 'NSEC');
  const read = (type: RRType, ...types: RRType[]) =>
    wordsOf(readBitmap(types, { name: APEX, type }, set));
  t.equal(read('A'), 'nodata example.');
  t.equal(read('ANY'), 'nodata example.', 'an empty non-terminal');
  t.equal(read('ANY', 'A'), 'contradicted');
  t.equal(read('A', 'CNAME'), 'contradicted', 'RFC 6840 section 4.3');
  t.equal(read('A', 'NS'), 'unproven', "the parent's side");
  t.equal(read('DS', 'NS'), 'nodata example.');
  t.equal(read('DS', 'NS', 'SOA'), 'unproven');
  t.ok(isAncestorSide(['NS']));
  t.notOk(isAncestorSide(['NS', 'SOA']));
  t.notOk(isAncestorSide(['A']));
  t.equal(wordsOf(proven('nodata', [set, set])), 'nodata example.', 'each record once');
});

const hashOf = (of: string): string => base32hex.print(nsec3Hash(name(of), 1, Uint8Array.of(7)));
const LAST = 'v'.repeat(32);
const FIRST = '0'.repeat(32);
/** One NSEC3 with a span of its own, owner named after it. */
const nsec3 = (hash: string, next: string, more: Partial<Nsec3> = {}): Nsec3 => ({
  hash,
  next,
  optOut: false,
  types: [],
  iterations: 1,
  salt: Uint8Array.of(7),
  rrset: setAt(name(more.rrset ? 'x' : `${hash}.example`), 'NSEC3'),
  ...more,
});
const labelled = (label: string, record: Nsec3): Nsec3 => ({
  ...record,
  rrset: setAt(name(`${label}.example`), 'NSEC3'),
});
/** The hashes next to one: a span that holds nothing but it. */
function around(of: string): [string, string] {
  const digits = '0123456789abcdefghijklmnopqrstuv';
  const hash = hashOf(of);
  const at = hash.split('').findLastIndex((digit) => digit !== '0' && digit !== 'v');
  const shift = (by: number) =>
    `${hash.slice(0, at)}${digits[digits.indexOf(hash[at] ?? '') + by]}${hash.slice(at + 1)}`;
  return [shift(-1), shift(1)];
}
const matching = (of: string, label: string, ...types: RRType[]): Nsec3 =>
  labelled(label, nsec3(hashOf(of), around(of)[1], { types }));
const covering = (of: string, label: string, optOut = false): Nsec3 =>
  labelled(label, nsec3(...around(of), { optOut }));
const chain = (records: readonly Nsec3[], limit = 600) => ({
  zone: APEX,
  records,
  context: contextAt(0, undefined, { 'nsec3-hashes': limit }),
});

t.test('NSEC3: no such record, no such name', async (t) => {
  const prove = (of: string, type: RRType, ...records: Nsec3[]) =>
    wordsOf(proveByNsec3(chain(records), claim(of, type)));
  const apex = matching('example', 'apex', 'SOA', 'NS');
  const wild = covering('*.example', 'wild');
  t.equal(prove('c.example', 'A', matching('c.example', 'c', 'MX')), 'nodata c.example.');
  t.equal(
    prove('c.example', 'A', apex, covering('c.example', 'cover'), wild),
    'nxdomain apex.example. cover.example. wild.example.',
  );
  t.equal(
    prove('c.example', 'A', apex, covering('c.example', 'cover', true), wild),
    'nxdomain apex.example. cover.example. wild.example. (opt-out)',
  );
  t.equal(
    prove('c.example', 'A', apex, covering('c.example', 'cover'), matching('*.example', 'wild')),
    'nodata apex.example. cover.example. wild.example.',
  );
  t.equal(
    prove('c.example', 'DS', apex, covering('c.example', 'cover', true)),
    'nodata apex.example. cover.example. (opt-out)',
    'RFC 5155 section 8.6',
  );
  t.equal(
    prove('c.example', 'DS', apex, covering('c.example', 'cover', true), wild),
    'nodata apex.example. cover.example. (opt-out)',
    'and nothing is said of the wildcard',
  );
  t.equal(
    prove('c.example', 'A', apex, covering('c.example', 'cover', true)),
    'nodata apex.example. cover.example. (opt-out)',
    'erratum 3441',
  );
  t.equal(prove('c.example', 'A', apex, covering('c.example', 'cover')), 'unproven');
  t.equal(prove('C.Example', 'A', matching('c.example', 'c', 'MX')), 'nodata c.example.', 'folded');
});

t.test('NSEC3: a span holds neither of its ends, and the last one wraps', async (t) => {
  const prove = (from: string, to: string) =>
    wordsOf(
      proveExpansionByNsec3(chain([labelled('s', nsec3(from, to))]), name('c.example'), APEX),
    );
  const [before, after] = around('c.example');
  const hash = hashOf('c.example');
  t.equal(prove(before, after), 'nxdomain s.example.');
  t.equal(prove(hash, after), 'unproven');
  t.equal(prove(before, hash), 'unproven');
  t.equal(prove(hash, FIRST), 'unproven', 'the last begins there');
  t.equal(prove(LAST, hash), 'unproven', 'the last ends there');
  t.equal(prove(before, FIRST), 'nxdomain s.example.');
  t.equal(prove(LAST, after), 'nxdomain s.example.');
  t.equal(prove(after, after), 'nxdomain s.example.', 'the only one');
  t.equal(prove(hash, hash), 'unproven', 'the only one, at the name');
});

t.test('NSEC3: what the parent says of a delegation (RFC 5155 section 8.9)', async (t) => {
  const prove = (of: string, ...records: Nsec3[]) =>
    wordsOf(proveNoDsByNsec3(chain(records), name(of)));
  const at = (...types: RRType[]) => prove('b.example', matching('b.example', 'b', ...types));
  t.equal(at('NS'), 'unsigned b.example.');
  t.equal(at('A'), 'not-a-cut b.example.');
  t.equal(at('NS', 'DS'), 'contradicted');
  t.equal(at('NS', 'SOA'), 'unproven', "the child's own");
  const apex = matching('example', 'apex', 'SOA', 'NS');
  t.equal(
    prove('b.example', apex, covering('b.example', 'cover', true)),
    'unsigned apex.example. cover.example. (opt-out)',
  );
  t.equal(
    prove('b.example', apex, covering('b.example', 'cover')),
    'nothing-below apex.example. cover.example.',
  );
  const below = (...types: RRType[]) =>
    prove('x.b.example', matching('b.example', 'b', ...types), covering('x.b.example', 'cover'));
  t.equal(below('A'), 'nothing-below b.example. cover.example.');
  t.equal(below('NS'), 'unproven', 'not for this zone to say');
  t.equal(below('DNAME'), 'nothing-below b.example.', 'RFC 6672 section 2.4');
  t.equal(below('NS', 'DNAME'), 'unproven');
});

t.test('NSEC3: a name is hashed once, and no name beyond the limit', async (t) => {
  const records = [matching('example', 'apex', 'SOA', 'NS'), covering('c.example', 'cover')];
  const given = chain([...records, covering('*.example', 'wild')], 3);
  t.equal(proveByNsec3(given, claim('c.example')).kind, 'proven', 'name, apex, wildcard');
  t.equal(proveByNsec3(given, claim('c.example')).kind, 'proven', 'once more');
  t.equal(given.context.budget.used('nsec3-hashes'), 3);
  t.same(proveByNsec3(chain(records, 2), claim('c.example')), {
    kind: 'spent',
    limit: 'nsec3-hashes',
  });
  t.throws(
    () => proveByNsec3(Object.assign(chain(records), { context: undefined }), claim('c.example')),
    TypeError,
    'what is no matter of the budget is no answer',
  );
});

const fields = {
  hashAlgorithm: 1,
  flags: 0,
  iterations: 0,
  salt: new Uint8Array(),
  nextHashed: new Uint8Array(20),
  types: [],
};

t.test('NSEC3 RRsets that prove nothing', async (t) => {
  const rdata = encode('NSEC3', fields);
  const owner = `${FIRST}.example`;
  const read = (at: string, ...all: Uint8Array[]) =>
    readNsec3(setAt(name(at), 'NSEC3', ...all), APEX) !== undefined;
  t.ok(read(owner, rdata));
  t.notOk(read(owner, rdata, rdata), 'two records');
  t.notOk(read(owner), 'none');
  t.equal(readNsec3({ ...setAt(name(owner), 'NSEC3', rdata), defect: 'short' }, APEX), undefined);
  t.notOk(read('00.example', rdata), 'a hash of one octet');
  t.notOk(read('xyz.example', rdata), 'no hash at all');
  t.notOk(read(`${FIRST}.x.example`, rdata), 'two labels below');
  t.notOk(read('example', rdata), 'the apex itself');
});

t.test('the price of a hash: SHA-1 blocks of 64 octets', async (t) => {
  const price = (iterations: number, octets: number) =>
    hashPrice({ ...nsec3(FIRST, LAST), iterations, salt: new Uint8Array(octets) });
  t.equal(price(0, 0), 1);
  t.equal(price(50, 0), 51);
  t.equal(price(50, 44), 51, '64 octets');
  t.equal(price(50, 45), 102, '65 octets');
  t.equal(price(1, 255), 10, '275 octets');
});

const readable = (more: object): Denial => ({
  kind: 'readable',
  nsec: [],
  nsec3: undefined,
  tooCostly: [],
  rejected: undefined,
  ...more,
});

t.test('denial that costs too much is insecure, whatever was asked', async (t) => {
  const set = setAt(APEX, 'NSEC3');
  const costly = readable({ tooCostly: [set] });
  const at = { name: name('a.example'), type: 'A' } as const;
  const common = { kind: 'proven', used: [set], insecure: 'nsec3-iterations' } as const;
  t.same(proveNegative(costly, { ...at, rcode: 'NXDOMAIN' }), { ...common, absence: 'nxdomain' });
  t.same(proveNegative(costly, { ...at, rcode: 'NOERROR' }), { ...common, absence: 'nodata' });
  t.same(proveExpansion(costly, at.name, APEX), { ...common, absence: 'nxdomain' });
  t.same(proveNoDs(costly, at.name), { ...common, kind: 'unsigned' });
});

t.test('a denial that could not be read says so of every claim', async (t) => {
  const at = { name: name('a.example'), type: 'A', rcode: 'NOERROR' } as const;
  const spent = { kind: 'spent', limit: 'signatures' } as const;
  for (const proof of [
    proveNegative(spent, at),
    proveExpansion(spent, at.name, APEX),
    proveNoDs(spent, at.name),
  ])
    t.equal(proof, spent);
  const hashes = readable({ nsec3: chain([matching('example', 'apex')], 0) });
  t.same(proveNegative(hashes, at), { kind: 'spent', limit: 'nsec3-hashes' });
});

t.test('more NSEC3 records than any proof needs are refused before one is verified', async (t) => {
  const [rdata, other] = [encode('NSEC3', fields), encode('NSEC3', { ...fields, iterations: 1 })];
  const signed = (label: string, ...all: Uint8Array[]): RRset => {
    const rrsig = {
      typeCovered: 'NSEC3',
      algorithm: 13,
      labels: 2,
      originalTtl: 300,
      expiration: 2,
      inception: 0,
      keyTag: 1,
      signer: APEX,
      signature: new Uint8Array(),
    } as const;
    const set = setAt(name(`${label}.example`), 'NSEC3', ...all);
    return { ...set, signatures: [{ ...rrsig, ttl: 300, rdata: encode('RRSIG', rrsig) }] };
  };
  const read = (...sets: RRset[]) => {
    const denial = readDenial(sets, { zone: APEX, keys: [] }, contextAt(1));
    return denial.kind === 'failed' ? [denial.reason, denial.limit] : denial.kind;
  };
  const many = (count: number) => Array.from({ length: count }, () => rdata);
  t.same(read(signed(FIRST, ...many(11))), ['too-many-nsec3', 'nsec3-records']);
  t.equal(read(signed(FIRST, ...many(10))), 'readable');
  t.same(read(signed(FIRST, rdata), signed(LAST, other)), ['denial-parameters', undefined]);
  t.equal(read(signed(FIRST, rdata), signed('no-hash', other)), 'readable', 'that one is ignored');
});
