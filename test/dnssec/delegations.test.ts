// What a zone's parent says of it and what its own keys come to: where a failure lies, and how long the rest holds.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { base32hex } from '../../src/dns/radix.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import type { Limits } from '../../src/dnssec/budget.ts';
import { checkDelegation, checkKeys, evidenceIn } from '../../src/dnssec/delegation.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import type { ZoneTrust } from '../../src/dnssec/verify.ts';
import { internet, signKeysByZskOnly } from '../../src/testing/index.ts';
import { nsec3Hash } from '../../src/testing/zone.ts';
import {
  APEX,
  bare,
  broken,
  crowd,
  expanded,
  faultOf,
  keys,
  signed,
  text,
  WIDE,
  within,
  world,
  ZONE,
} from './crafted.ts';
import { contextOf, reply, replyOf, trustedOf } from './world.ts';

const delegation = (given: Reply, child = 'child@', limits?: Partial<Limits>): string => {
  const name = Name.parse(text(child));
  const context = limits ? within(limits) : contextOf(world);
  const said = checkDelegation(name, evidenceIn(given, name), keys, context);
  if (said.kind === 'failed') return faultOf(said.failure);
  return said.kind === 'unsigned' ? `unsigned ${said.reason} ${said.ttl}` : said.kind;
};

t.test('delegations: where the fault lies', async (t) => {
  const referral = (...sets: RRset[]) => reply('NOERROR', [], sets);
  const line = `child@ 300 DS 1 13 2 ${'00'.repeat(32)}`;
  const at = 'of child.example.com. DS in example.com.';
  t.equal(delegation(referral(signed(line))), 'signed');
  t.equal(delegation(referral(bare(line))), `bogus rrsigs-missing ${at}`);
  t.equal(delegation(referral(broken(signed(line)))), `bogus malformed-records ${at}`);
  const wild = {
    ...signed(`*@ 300 DS 1 13 2 ${'00'.repeat(32)}`),
    owner: Name.parse(text('child@')),
  };
  t.equal(delegation(referral(wild)), `bogus wildcard-unproven ${at}`);
  t.equal(
    delegation(referral(signed(line)), 'child@', { signatures: 0 }),
    `indeterminate budget-spent ${at}: signatures`,
  );
  t.equal(
    delegation(referral(crowd('child@ 300 NSEC x@ NS', 'NSEC'))),
    'indeterminate unusable-records of child.example.com. NSEC in example.com.: rrset-records',
  );
  const cnames = crowd('child@ 300 CNAME x@', 'CNAME');
  t.equal(
    delegation(reply('NOERROR', [cnames])),
    'indeterminate unusable-records of child.example.com. CNAME in example.com.: rrset-records',
  );
  t.equal(delegation(referral(signed('z@ 300 NSEC zz@ A'))), `bogus denial-missing ${at}`);
  t.equal(
    delegation(referral(signed('child@ 300 NSEC z@ NS')), 'child@', { signatures: 0 }),
    `indeterminate budget-spent ${at}: signatures`,
  );
  t.equal(delegation(referral(signed('child@ 200 NSEC z@ NS'))), 'unsigned no-ds-proven 200');
  t.equal(delegation(referral()), 'silent');
  t.equal(delegation(referral(crowd('child@ 300 NS a@', 'NS'))), 'silent', 'NS is no evidence');
  t.equal(delegation(referral(signed('child@ 300 TXT x'))), 'silent', 'a TXT denies nothing');
});

t.test('delegations: an alias where a DS was asked for', async (t) => {
  const cname = 'child@ 300 CNAME x.example.';
  const dname = 'd@ 300 DNAME x.example.';
  const answer = (answer: RRset[], authority: RRset[] = []) => reply('NOERROR', answer, authority);
  t.equal(delegation(answer([signed(cname)])), 'not-a-cut');
  t.equal(delegation(answer([signed(dname)]), 'x.d@'), 'nothing-below');
  t.equal(
    delegation(answer([signed(dname), bare('x.d@ 300 CNAME x.x.example.')]), 'x.d@'),
    'nothing-below',
    'the CNAME goes with it',
  );
  t.equal(
    delegation(answer([signed(dname), signed('x.d@ 300 CNAME x.x.example.')]), 'x.d@'),
    'not-a-cut',
    'a CNAME that speaks for itself',
  );
  t.equal(delegation(answer([signed(dname)]), 'd@'), 'silent', 'a DNAME says nothing at its owner');
  t.equal(delegation(answer([signed('d@ 300 TXT x')]), 'x.d@'), 'silent', 'a TXT is no alias');
  t.equal(
    delegation(answer([bare(cname)])),
    'bogus rrsigs-missing of child.example.com. CNAME in example.com.',
  );
  t.equal(
    delegation(answer([signed(cname)]), 'child@', { signatures: 0 }),
    'indeterminate budget-spent of child.example.com. CNAME in example.com.: signatures',
  );
  const made = expanded('*.wild@ 300 CNAME x.example.', 'x.wild@');
  const proofs = [signed('a.wild@ 300 NSEC z.wild@ A')];
  t.equal(delegation(answer([made], proofs), 'x.wild@'), 'nothing-below');
  t.equal(delegation(answer([made], [signed(WIDE)]), 'x.wild@'), 'unsigned opt-out 300');
  t.equal(
    delegation(answer([made]), 'x.wild@'),
    'bogus denial-missing of x.wild.example.com. DS in example.com.',
  );
});

t.test('delegations: what opt-out proves holds for the least TTL of its records', async (t) => {
  const apex = base32hex.print(nsec3Hash(APEX, 0, new Uint8Array()));
  const match = signed(`${apex}@ 100 NSEC3 1 1 0 - ${'v'.repeat(32)} NS SOA`);
  t.equal(delegation(reply('NOERROR', [], [signed(WIDE), match])), 'unsigned opt-out 100');
});

t.test('key sets: where the fault lies, and how long they hold', async (t) => {
  const trusted = trustedOf(world, ZONE);
  const dnskey = replyOf(world, ZONE, ZONE, 'DNSKEY').answer.find(({ type }) => type === 'DNSKEY');
  if (!dnskey) return t.fail('no key set');
  const check = (set: RRset | undefined, more: object = {}, limits?: Partial<Limits>): ZoneTrust =>
    checkKeys(APEX, { ...trusted, ...more }, set, limits ? within(limits) : contextOf(world));
  const at = 'of example.com. DNSKEY in example.com.';
  t.match(check(dnskey, { ttl: 77 }), { status: 'secure', ttl: 77 });
  t.match(check({ ...dnskey, ttl: 66 }, { ttl: 77 }), { status: 'secure', ttl: 66 });
  t.equal(faultOf(check(undefined)), `bogus dnskey-missing ${at}`);
  t.equal(faultOf(check(broken(dnskey))), `bogus malformed-records ${at}`);
  t.equal(faultOf(check({ ...dnskey, signatures: [] })), `bogus dnskey-unsigned ${at}`);
  t.equal(
    faultOf(check(dnskey, {}, { signatures: 0 })),
    `indeterminate budget-spent ${at}: signatures`,
  );
  const large = { ...dnskey, rdata: [...dnskey.rdata, ...Array(100).fill(dnskey.rdata[0])] };
  t.equal(faultOf(check(large)), `indeterminate unusable-records ${at}: rrset-records`);
  const anchored = { ds: [], keys: dnskey.rdata };
  t.equal(check(dnskey, anchored).status, 'secure', 'anchors of DNSKEY records');
  t.equal(check(dnskey, { ...anchored, ds: trusted.ds }).status, 'secure', 'and of both kinds');
  const other = Uint8Array.from(dnskey.rdata[0] ?? []).map((octet, i) => (i > 5 ? 9 : octet));
  t.equal(faultOf(check(dnskey, { ds: [], keys: [other] })), `bogus dnskey-missing ${at}`);
  t.equal(check(dnskey, { keys: [other] }).status, 'secure', 'the DS still vouches');
  const unknown = Uint8Array.of(1, 1, 3, 200, 1);
  const unsupported = check(dnskey, { ds: [], keys: [unknown] });
  t.match(unsupported, {
    status: 'insecure',
    reason: 'unsupported-algorithm',
  });
  t.equal(check(dnskey, { ds: [], keys: [unknown, ...dnskey.rdata] }).status, 'secure');
  t.equal(check(dnskey, { ds: [], keys: [Uint8Array.of(1), ...dnskey.rdata] }).status, 'secure');
});

t.test('an anchor of a DS and one of a DNSKEY: either may vouch', async (t) => {
  for (const amendments of [[], [signKeysByZskOnly()]]) {
    const two = internet({
      [ZONE]: { records: ['www A 192.0.2.1'], signing: { keys: 'ksk-zsk' } },
    });
    const net = two.amend(ZONE, ...amendments);
    const dnskey = replyOf(net, ZONE, ZONE, 'DNSKEY').answer.find(({ type }) => type === 'DNSKEY');
    const { ds } = trustedOf(net, ZONE);
    // The DS names the key-signing key (flag SEP, RFC 4034 section 2.1.1).
    const zsk = (dnskey?.rdata ?? []).filter((rdata) => ((rdata[1] ?? 0) & 1) === 0);
    t.equal(zsk.length, 1);
    const trust = checkKeys(APEX, { ds, keys: zsk, ttl: 60 }, dnskey, contextOf(net));
    t.equal(trust.status, 'secure', amendments.length === 0 ? 'by the DS' : 'by the DNSKEY');
  }
});
