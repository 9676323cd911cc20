// What is packed is read back as it was: every field, letter case and octet, TTLs less what has passed.
import t from 'tap';
import { Name, ROOT } from '../../src/dns/name.ts';
import { decode } from '../../src/dns/rdata.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import type { Found } from '../../src/dnssec/judge.ts';
import {
  packEvidence,
  packFound,
  packNameservers,
  packRdata,
  unpackEvidence,
  unpackFound,
  unpackNameservers,
  unpackRdata,
} from '../../src/resolver/packed.ts';
import { seededRandom } from '../../src/testing/index.ts';

/** The same number draws the same case. */
class Draw {
  readonly #random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  octets(length: number): Uint8Array {
    return Uint8Array.from(this.#random.bytes(length));
  }

  below(bound: number): number {
    const [a = 0, b = 0, c = 0] = this.#random.bytes(3);
    return ((a << 16) | (b << 8) | c) % bound;
  }

  several<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  /** Labels of any octets, the longest ones included; many end alike, so that pointers are written. */
  name(): Name {
    const tail = Name.parse(
      ['.', 'com', 'Com', 'example.com', 'a.EXAMPLE.com'][this.below(5)] ?? '.',
    );
    const labels = this.several(3, () => {
      const length = 1 + this.below(this.below(4) === 0 ? 63 : 4);
      return [length, ...this.octets(length)];
    });
    return Name.fromWire(Uint8Array.from([...labels.flat(), ...tail.wire]));
  }

  set(): RRset {
    const owner = this.name();
    const lengths = [0, 1, 4, 255, 256, this.below(400)];
    const rdata = this.several(3, () => this.octets(lengths[this.below(6)] ?? 0));
    const signatures = this.several(2, () =>
      signature(this.name(), this.octets(this.below(300)), this.below(1e6)),
    );
    const type = (['A', 'TXT', 'NSEC', 'TYPE65280'] as const)[this.below(4)] ?? 'A';
    const set = { owner, type, ttl: 100 + this.below(1e6), rdata, signatures };
    return this.below(5) === 0 ? { ...set, defect: 'an A of 5 octets – ü' } : set;
  }

  found(): Found {
    const proof = this.several(3, () => this.set());
    switch (this.below(5)) {
      case 0:
        return { kind: 'records', rrset: this.set(), proof };
      case 1:
        return {
          kind: 'records',
          rrset: this.set(),
          others: this.several(4, () => this.set()),
          proof,
        };
      case 2: {
        const records = [this.set(), ...this.several(1, () => this.set())];
        return { kind: 'alias', owner: this.name(), target: this.name(), records, proof };
      }
      case 3:
        return { kind: 'nodata', proof };
      default:
        return { kind: 'nxdomain', proof };
    }
  }
}

function signature(signer: Name, octets: Uint8Array, ttl: number): RRset['signatures'][number] {
  // Type covered, algorithm, labels, original TTL, times, key tag (RFC 4034 section 3.1).
  const fixed = [0, 1, 13, 2, 0, 0, 1, 44, 255, 0, 0, 0, 1, 0, 0, 0, 255, 254];
  const rdata = Uint8Array.from([...fixed, ...signer.wire, ...octets]);
  return Object.assign(decode('RRSIG', rdata), { ttl, rdata });
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const nameOf = (name: Name): string => `${hex(name.wire)} ${name.labels}`;

/** All that an RRset says, in plain values, `seconds` later. */
const setOf = ({ owner, type, ttl, rdata, signatures, defect }: RRset, seconds: number) => ({
  owner: nameOf(owner),
  type,
  ttl: Math.max(0, ttl - seconds),
  rdata: rdata.map(hex),
  signatures: signatures.map(({ signer, signature, rdata, ...rest }) => ({
    ...rest,
    signer: nameOf(signer),
    signature: hex(signature),
    rdata: hex(rdata),
  })),
  defect,
});

function plain(found: Found, seconds = 0): unknown {
  const sets = (list: readonly RRset[]) => list.map((set) => setOf(set, seconds));
  const { kind } = found;
  const proof = sets(found.proof);
  if (found.kind === 'records')
    return {
      kind,
      proof,
      rrset: setOf(found.rrset, seconds),
      others: found.others && sets(found.others),
    };
  if (found.kind !== 'alias') return { kind, proof };
  const { owner, target, records } = found;
  return { kind, proof, owner: nameOf(owner), target: nameOf(target), records: sets(records) };
}

t.test('300 drawn findings are read back as they were, and their RRsets counted', (t) => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 300; seed += 1) {
    const found = new Draw(seed).found();
    kinds.add(found.kind);
    const { packed, rrsets } = packFound(found);
    t.strictSame(plain(unpackFound(packed, 0)), plain(found), `seed ${seed}`);
    const own = { records: 1, alias: 0, nodata: 0, nxdomain: 0 }[found.kind];
    const more =
      found.kind === 'records' ? found.others : found.kind === 'alias' ? found.records : [];
    t.equal(rrsets, own + (more?.length ?? 0) + found.proof.length);
  }
  t.equal(kinds.size, 4, 'of every kind');
  t.end();
});

t.test('TTLs are counted down, to 0 at least (RFC 1035 section 3.2.1)', (t) => {
  const found = new Draw(7).found();
  const { packed } = packFound(found);
  for (const seconds of [1, 99, 2_000_000])
    for (const set of unpackFound(packed, seconds).proof) t.ok(set.ttl >= 0);
  const set = { ...new Draw(8).set(), signatures: [], ttl: 300 };
  const one = packFound({ kind: 'records', rrset: set, proof: [set] }).packed;
  for (const [seconds, left] of [
    [0, 300],
    [299, 1],
    [300, 0],
    [301, 0],
  ] as const)
    t.match(unpackFound(one, seconds), { rrset: { ttl: left }, proof: [{ ttl: left }] });
  t.end();
});

t.test('RDATA of 0 and of 65535 octets, before and after what a pointer can reach', (t) => {
  const draw = new Draw(9);
  const owner = Name.parse('a.Example');
  const rdata = [draw.octets(65_535), new Uint8Array(0), draw.octets(65_535)];
  const set = (name: Name): RRset => ({ owner: name, type: 'TXT', ttl: 1, rdata, signatures: [] });
  const names = [
    owner,
    Name.parse('b.Example'),
    Name.parse('c.b.other'),
    Name.parse('c.b.other'),
    ROOT,
  ];
  const found: Found = { kind: 'nodata', proof: names.map(set) };
  t.strictSame(plain(unpackFound(packFound(found).packed, 0)), plain(found));
  t.strictSame(unpackRdata(packRdata(rdata)).map(hex), rdata.map(hex));
  t.same(unpackRdata(packRdata([])), []);
  t.end();
});

t.test('what is read back keeps nothing else alive: its octets are its own', (t) => {
  const draw = new Draw(10);
  const rdata = draw.octets(8);
  const before = hex(rdata);
  const packed = packRdata([rdata]);
  rdata.fill(0);
  t.same(unpackRdata(packed).map(hex), [before], 'octets changed later are not seen');
  unpackRdata(packed)[0]?.fill(0);
  t.same(unpackRdata(packed).map(hex), [before], 'nor what a reader does to his');
  t.end();
});

t.test('evidence of every shape, and name servers', (t) => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const draw = new Draw(seed);
    const ds = (seed & 1) === 0 ? undefined : draw.set();
    const alias = (seed & 2) === 0 ? undefined : draw.set();
    const denial = draw.several(3, () => draw.set());
    const read = unpackEvidence(packEvidence({ ds, alias, denial }));
    t.strictSame(read.ds && setOf(read.ds, 0), ds && setOf(ds, 0));
    t.strictSame(read.alias && setOf(read.alias, 0), alias && setOf(alias, 0));
    t.strictSame(
      read.denial.map((set) => setOf(set, 0)),
      denial.map((set) => setOf(set, 0)),
    );
    const servers = draw.several(20, () => ({
      host: draw.name(),
      addresses: draw.several(4, () => ({ ip: '2001:db8::1', port: draw.below(65_536) })),
    }));
    const told = (list: typeof servers) =>
      list.map(({ host, addresses }) => [nameOf(host), addresses]);
    t.strictSame(
      told([...unpackNameservers(packNameservers(servers))] as typeof servers),
      told(servers),
    );
  }
  t.end();
});
