// What a judgement carries beside its status: where a failure lies, the proof that goes along, how long it holds, and
// where a missed cut is looked for.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import type { Limits } from '../../src/dnssec/budget.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import {
  bare,
  broken,
  crowd,
  expanded,
  fault,
  faultOf,
  found,
  judgement,
  proofOf,
  SOA,
  signed,
  text,
  ttlOf,
  types,
  UNSIGNED,
  WIDE,
  ZONE,
} from './crafted.ts';
import { reply, wordsOf } from './world.ts';

t.test('too many records in either section', async (t) => {
  const a = signed('www@ 300 A 192.0.2.1');
  const large = crowd('www@ 300 TXT a', 'TXT');
  const expected =
    'indeterminate unusable-records of www.example.com. TXT in example.com.: rrset-records';
  t.equal(fault('www@', 'A', reply('NOERROR', [a, large])), expected);
  t.match(
    fault('www@', 'A', reply('NOERROR', [a], [crowd('x@ 300 SOA . . 1 1 1 1 1', 'SOA')])),
    /^indeterminate unusable-records of x.example.com. SOA/,
  );
  const other = crowd('x@ 300 TXT a', 'TXT');
  t.equal(wordsOf(found('www@', 'A', reply('NOERROR', [a, other], [other]))), 'secure records');
});

t.test('ANY: all that came, under the least TTL and the weakest status', async (t) => {
  const [a, txt] = [signed('www@ 100 A 192.0.2.1'), signed('www@ 50 TXT x')];
  const one = found('www@', 'ANY', reply('NOERROR', [a]));
  t.notOk('found' in one && 'others' in one.found, 'one alone has no others');
  for (const answer of [
    [a, txt],
    [txt, a],
  ]) {
    const both = found('www@', 'ANY', reply('NOERROR', answer));
    t.equal(wordsOf(both), 'secure records');
    t.equal(ttlOf(both), 50);
    t.equal('found' in both && both.found.kind === 'records' && both.found.others?.length, 1);
  }
  const made = expanded('*.wild@ 300 A 192.0.2.3', 'x.wild@');
  const own = signed('x.wild@ 300 TXT x');
  const optOut = signed(WIDE);
  const nsec = signed('a.wild@ 300 NSEC z.wild@ A');
  for (const answer of [
    [made, own],
    [own, made],
  ]) {
    const insecure = found('x.wild@', 'ANY', reply('NOERROR', answer, [optOut]));
    t.match(insecure, { status: 'insecure', reason: 'opt-out' });
    t.equal(proofOf(insecure), 'NSEC3');
    const secure = found('x.wild@', 'ANY', reply('NOERROR', answer, [nsec]));
    t.equal(wordsOf(secure), 'secure records');
    t.equal(proofOf(secure), 'NSEC');
  }
  const alike = [made, expanded('*.wild@ 300 TXT x', 'x.wild@')];
  t.equal(proofOf(found('x.wild@', 'ANY', reply('NOERROR', alike, [nsec]))), 'NSEC', 'once');
  t.equal(
    fault('www@', 'ANY', reply('NOERROR', [a, bare('www@ 50 TXT x')])),
    'bogus rrsigs-missing of www.example.com. TXT in example.com.',
  );
});

t.test('a wildcard: the proof goes along and bounds the TTL', async (t) => {
  const made = expanded('*.wild@ 300 A 192.0.2.3', 'x.wild@');
  const ask = (authority: RRset[], limits?: Partial<Limits>) =>
    found('x.wild@', 'A', reply('NOERROR', [made], authority), limits ? { limits } : {});
  const secure = ask([signed('a.wild@ 60 NSEC z.wild@ A')]);
  t.equal(wordsOf(secure), 'secure records');
  t.equal(ttlOf(secure), 60);
  t.equal(faultOf(ask([])), 'bogus wildcard-unproven of x.wild.example.com. A in example.com.');
  t.equal(
    faultOf(ask([signed(WIDE)], { 'nsec3-hashes': 0 })),
    'indeterminate budget-spent of x.wild.example.com. A in example.com.: nsec3-hashes',
  );
  t.equal(
    faultOf(ask([bare('a.wild@ 60 NSEC z.wild@ A')])),
    'bogus rrsigs-missing of x.wild.example.com. A in example.com.',
    'a denial without signature',
  );
});

t.test('aliases of a secure zone', async (t) => {
  const cname = found('a@', 'A', reply('NOERROR', [signed('a@ 300 CNAME t.example.')]));
  t.equal('found' in cname && cname.found.kind === 'alias' && types(cname.found.records), 'CNAME');
  t.match(cname, { status: 'secure', ttl: 300 });
  const two = bare('a@ 300 CNAME t.example.', 'a@ 300 CNAME u.example.');
  t.equal(
    fault(
      'a@',
      'A',
      reply('NOERROR', [{ ...two, signatures: signed('a@ 300 A 192.0.2.1').signatures }]),
    ),
    'bogus malformed-records of a.example.com. CNAME in example.com.',
  );
  const dname = signed('d@ 300 DNAME t.example.');
  const link = found('x.d@', 'A', reply('NOERROR', [dname]));
  t.equal(
    'found' in link && link.found.kind === 'alias' && types(link.found.records),
    'DNAME CNAME',
  );
  const expected = 'bogus malformed-records of d.example.com. DNAME in example.com.';
  t.equal(fault('x.d@', 'A', reply('NOERROR', [broken(dname)])), expected);
  const rdata = [...dname.rdata, ...dname.rdata];
  t.equal(fault('x.d@', 'A', reply('NOERROR', [{ ...dname, rdata }])), expected, 'two');
  const deep = signed(`d@ 300 DNAME ${`${'y'.repeat(60)}.`.repeat(4)}`);
  const long = found(`${'x'.repeat(20)}.d@`, 'A', reply('NOERROR', [deep]));
  t.equal(faultOf(long), 'indeterminate alias-too-long of d.example.com. DNAME in example.com.');
  const wild = { ...signed('*.w@ 300 DNAME t.example.'), owner: Name.parse(text('d.w@')) };
  t.equal(
    fault('x.d.w@', 'A', reply('NOERROR', [wild])),
    'bogus wildcard-unproven of d.w.example.com. DNAME in example.com.',
  );
});

t.test(
  'absence: SOA and proof go along, and the least TTL counts (RFC 2308 section 5)',
  async (t) => {
    const nsec = (ttl = 300) => signed(`www@ ${ttl} NSEC z@ A`);
    const ask = (authority: RRset[], limits?: Partial<Limits>) =>
      found('www@', 'MX', reply('NOERROR', [], authority), limits ? { limits } : {});
    const whole = ask([SOA(300, 40), nsec()]);
    t.equal(proofOf(whole), 'SOA NSEC');
    t.equal(ttlOf(whole), 40, 'the minimum of the SOA');
    t.equal(ttlOf(ask([SOA(30, 40), nsec()])), 30, 'its TTL');
    t.equal(ttlOf(ask([SOA(), nsec(20)])), 20, 'that of the NSEC');
    t.equal(proofOf(ask([nsec()])), 'NSEC', 'without SOA');
    t.equal(proofOf(ask([broken(SOA()), nsec()])), 'NSEC', 'with one that cannot be read');
    const unsigned = { ...SOA(), signatures: [] };
    t.equal(
      faultOf(ask([unsigned, nsec()])),
      'bogus rrsigs-missing of example.com. SOA in example.com.',
    );
    t.equal(
      faultOf(ask([SOA(), nsec()], { signatures: 1 })),
      'indeterminate budget-spent of example.com. SOA in example.com.: signatures',
    );
    t.equal(
      faultOf(ask([SOA(), nsec()], { signatures: 0 })),
      'indeterminate budget-spent of www.example.com. MX in example.com.: signatures',
    );
  },
);

t.test('of several denials that do not count, the first is told', async (t) => {
  const wild = expanded('*.w@ 300 NSEC z@ A', 'x.w@');
  const good = signed('www@ 300 NSEC z@ A');
  const corrupt = {
    ...good,
    signatures: good.signatures.map((one) => ({ ...one, signature: one.signature.map(() => 1) })),
  };
  const ask = (...authority: RRset[]) => fault('www@', 'MX', reply('NOERROR', [], authority));
  const at = 'of www.example.com. MX in example.com.';
  t.equal(ask(corrupt, wild), `bogus signature-invalid ${at}`);
  t.equal(ask(wild, corrupt), `bogus signature-labels ${at}`);
  const apex = bare('example.com. 300 NSEC z@ NS SOA');
  t.equal(
    fault(ZONE, 'MX', reply('NOERROR', [], [apex])),
    `bogus rrsigs-missing ${at.replace('www.', '')}`,
  );
});

t.test('NSEC3: the price counts the salt, up to that of 50 iterations without', async (t) => {
  const wide = (iterations: number, octets: number) =>
    signed(
      `${'0'.repeat(32)}@ 300 NSEC3 1 0 ${iterations} ${'ab'.repeat(octets)} ${'v'.repeat(32)} A`,
    );
  const ask = (iterations: number, octets: number) =>
    wordsOf(found('www@', 'MX', reply('NOERROR', [], [wide(iterations, octets)])));
  t.equal(ask(50, 1), 'bogus denial-missing', '51 blocks');
  t.equal(ask(51, 1), 'insecure nodata', '52 blocks');
  t.equal(ask(16, 109), 'bogus denial-missing', '17 times 3 blocks');
  t.equal(ask(25, 45), 'insecure nodata', '26 times 2 blocks');
  t.equal(ask(50, 45), 'insecure nodata');
});

t.test('an insecure zone is read as it is', async (t) => {
  const trust = UNSIGNED;
  const ask = (name: string, type: RRType, given: Reply) => found(name, type, given, { trust });
  const soa = bare('example.com. 300 SOA ns.example.com. h.example.com. 1 2 3 4 40');
  const nsec = bare('www@ 300 NSEC z@ A');
  const nsec3 = bare(WIDE);
  const absent = ask(
    'www@',
    'MX',
    reply('NOERROR', [], [soa, nsec, nsec3, bare('www@ 300 NS a@')]),
  );
  t.equal(wordsOf(absent), 'insecure nodata');
  t.equal(proofOf(absent), 'SOA NSEC NSEC3', 'what clients with anchors of their own need');
  t.equal(ttlOf(absent), 40);
  t.equal(ttlOf(ask('www@', 'MX', reply('NOERROR', [], [nsec]))), 0, 'no SOA: not kept');
  t.equal(ttlOf(ask('www@', 'MX', reply('NOERROR', [], [broken(soa)]))), 0, 'nor with a bad one');
  t.equal(wordsOf(ask('www@', 'MX', reply('NXDOMAIN', [], [soa]))), 'insecure nxdomain');
  t.equal(proofOf(ask(ZONE, 'MX', reply('NOERROR', [], [soa]))), 'SOA', 'at the apex');
  const other = bare('x@ 300 SOA ns.example.com. h.example.com. 1 2 3 4 40');
  t.equal(proofOf(ask('www@', 'MX', reply('NOERROR', [], [other]))), '', 'of another name');

  const cname = ask('a@', 'A', reply('NOERROR', [bare('a@ 70 CNAME t.example.')]));
  t.match(cname, { status: 'insecure', ttl: 70, found: { kind: 'alias', proof: { length: 0 } } });
  t.equal('found' in cname && cname.found.kind === 'alias' && types(cname.found.records), 'CNAME');
  const two = bare('a@ 300 CNAME t.example.', 'a@ 300 CNAME u.example.');
  t.equal(
    faultOf(ask('a@', 'A', reply('NOERROR', [two]))),
    'indeterminate unusable-records of a.example.com. CNAME in example.com.',
  );
  const dname = bare('d@ 80 DNAME t.example.');
  const link = ask('x.d@', 'A', reply('NOERROR', [dname]));
  t.match(link, { status: 'insecure', ttl: 80 });
  t.equal(
    'found' in link && link.found.kind === 'alias' && types(link.found.records),
    'DNAME CNAME',
  );
  for (const bad of [broken(dname), { ...dname, rdata: [...dname.rdata, ...dname.rdata] }])
    t.equal(
      faultOf(ask('x.d@', 'A', reply('NOERROR', [bad]))),
      'indeterminate unusable-records of d.example.com. DNAME in example.com.',
    );
  const [a, txt] = [bare('www@ 100 A 192.0.2.1'), bare('www@ 50 TXT x')];
  const any = ask('www@', 'ANY', reply('NOERROR', [a, txt]));
  t.equal(ttlOf(any), 50);
  t.equal(
    faultOf(ask('www@', 'ANY', reply('NOERROR', [a, broken(txt)]))),
    'indeterminate unusable-records of www.example.com. TXT in example.com.',
  );
});

/** `missed-cut towards x`, or the fault where none is looked for. */
function towards(name: string, type: RRType, given: Reply): string {
  const one = judgement(name, type, given);
  return one.kind === 'missed-cut' ? `towards ${one.towards}` : faultOf(one.finding);
}

t.test('where a missed cut is looked for', async (t) => {
  const child = 'child.example.com';
  const line = 'www.child@ 300 A 203.0.113.1';
  const answer = (...sets: RRset[]) => reply('NOERROR', sets);
  t.equal(towards('www.child@', 'A', answer(signed(line, child))), 'towards child.example.com.');
  t.equal(towards('www.child@', 'A', answer(bare(line))), 'towards www.child.example.com.');
  const own = signed(line);
  const corrupt = own.signatures.map((one) => ({ ...one, signature: one.signature.map(() => 1) }));
  t.equal(
    towards('www.child@', 'A', answer({ ...own, signatures: corrupt })),
    'bogus signature-invalid of www.child.example.com. A in example.com.',
    'the zone itself signed it',
  );
  t.equal(
    towards('www.child@', 'A', answer(broken(signed(line, child)))),
    'towards child.example.com.',
    'malformed, maybe of an unsigned child',
  );
  t.equal(
    towards('child@', 'A', answer(signed('child@ 300 A 203.0.113.1', child))),
    'towards child.example.com.',
    'a signer at the name',
  );
  const signers = [...corrupt, ...signed('child@ 300 A 203.0.113.1', child).signatures];
  t.equal(
    towards('child@', 'A', answer({ ...bare('child@ 300 A 203.0.113.1'), signatures: signers })),
    'towards child.example.com.',
    'a lower signer goes before the zone',
  );
  t.equal(
    towards('child@', 'DS', answer(bare(`child@ 300 DS 1 13 2 ${'00'.repeat(32)}`))),
    'bogus rrsigs-missing of child.example.com. DS in example.com.',
    'a DS belongs to the parent, which is this zone',
  );
  t.equal(
    towards('x.child@', 'DS', answer(bare(`x.child@ 300 DS 1 13 2 ${'00'.repeat(32)}`))),
    'towards child.example.com.',
  );
  t.equal(
    towards('example.com.', 'A', answer(bare('example.com. 300 A 203.0.113.1'))),
    'bogus rrsigs-missing of example.com. A in example.com.',
    'there is no cut at the apex',
  );
  const nothing = (...authority: RRset[]) => reply('NOERROR', [], authority);
  const soa = 'child@ 300 SOA ns.child@ h.child@ 1 2 3 4 5';
  t.equal(towards('www.child@', 'MX', nothing(signed(soa, child))), 'towards child.example.com.');
  const nsec = 'www.child@ 300 NSEC child@ A';
  t.equal(
    towards('x.www.child@', 'MX', nothing(signed(nsec, child))),
    'towards child.example.com.',
  );
  const nsec3 = `${'0'.repeat(32)}.child@ 300 NSEC3 1 0 0 - ${'v'.repeat(32)} A`;
  t.equal(
    towards('x.www.child@', 'MX', nothing(signed(nsec3, child))),
    'towards child.example.com.',
  );
  t.equal(
    towards('x.www.child@', 'MX', nothing(signed('child@ 300 NS ns.child@', child))),
    'towards x.www.child.example.com.',
    'nothing else tells of a denial',
  );
});
