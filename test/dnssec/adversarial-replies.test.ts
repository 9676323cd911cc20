// Section 5c of ../shared/spec/adversarial.md (chain of trust and delegation) as far as no resolver is needed, rows 90,
// 106, 129 and 132, and what a reply can try beside them. One case a row, named after it.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { collectRRsets, type RR, type RRset } from '../../src/dns/rrset.ts';
import { checkKeys } from '../../src/dnssec/delegation.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import type { ZoneTrust } from '../../src/dnssec/verify.ts';
import {
  type Amendment,
  alterRecords,
  corruptDenial,
  corruptSignatures,
  dropDs,
  expireSignatures,
  type Internet,
  internet,
  type Nsec3Options,
  removeDenial,
  removeSignatures,
  strip,
  stripDsFromReferrals,
} from '../../src/testing/index.ts';
import { makeRecord } from '../../src/testing/zone.ts';
import {
  contextOf,
  delegationOf,
  delegationWords,
  denialOf,
  judgementOf,
  record,
  reply,
  replyOf,
  settle,
  signedBy,
  told,
  trustedOf,
  verdictOf,
  wordsOf,
} from './world.ts';

const ZONE = 'example.com';
const RECORDS = [
  'www A 192.0.2.1',
  'www TXT two',
  'alias CNAME www',
  'dname DNAME other.example.com.',
  'dname TXT here',
  '*.wild CNAME www',
];
const net = (denial: 'nsec' | Nsec3Options, ...amendments: readonly Amendment[]): Internet =>
  internet({
    [ZONE]: { records: RECORDS, signing: { denial } },
    'signed.example.com': ['www A 192.0.2.6'],
    'plain.example.com': { records: ['www A 192.0.2.7'], signing: 'unsigned' },
    'island.example.com': ['www A 192.0.2.8'],
  })
    .amend('island.example.com', dropDs())
    .amend(ZONE, ...amendments);

const name = (label: string): string => `${label}.${ZONE}`;
const from = (world: Internet, label: string, type: RRType = 'A'): Reply =>
  replyOf(world, ZONE, name(label), type);
const ask = (world: Internet, label: string, type: RRType = 'A', given?: Reply): string =>
  verdictOf(world, { zone: ZONE, name: name(label), type, ...(given && { reply: given }) });
const cut = (world: Internet, label: string, type: RRType = 'A', given?: Reply): string => {
  const one = { zone: ZONE, name: name(label), type, ...(given && { reply: given }) };
  return delegationWords(delegationOf(world, one));
};

for (const [mode, denial] of [
  ['nsec', 'nsec'],
  ['nsec3', { salt: 'ff' }],
] as const) {
  t.test(`${mode}: what a parent says of its children`, async (t) => {
    const world = net(denial);
    t.equal(cut(world, 'signed'), 'signed');
    t.equal(cut(world, 'plain'), 'unsigned no-ds-proven');
    t.equal(cut(world, 'island'), 'unsigned no-ds-proven', '41 signed, but without DS');
    t.equal(cut(world, 'www', 'DS'), 'not-a-cut');
    t.equal(cut(world, 'nope', 'DS'), 'nothing-below');
    t.equal(cut(world, 'a.b.nope', 'DS'), 'nothing-below');
    t.equal(cut(world, 'alias', 'DS'), 'not-a-cut', '74 (b) a signed CNAME');
    t.equal(cut(world, 'x.dname', 'DS'), 'nothing-below', 'a signed DNAME above, with its CNAME');
    t.equal(cut(world, 'x.wild', 'DS'), 'nothing-below', 'a CNAME that a wildcard made');
    t.equal(cut(world, 'a.x.wild', 'DS'), 'nothing-below', 'and deeper');
  });

  t.test(`rows 71 and 72, ${mode}: no DS, and no proof that holds`, async (t) => {
    t.equal(cut(net(denial, stripDsFromReferrals()), 'signed'), 'silent', '71 nothing at all');
    t.equal(cut(net(denial, removeDenial()), 'plain'), 'silent', '71');
    t.equal(cut(net(denial, corruptDenial()), 'plain'), 'failed bogus signature-invalid', '72');
    t.equal(
      cut(net(denial, expireSignatures('NSEC', 'NSEC3')), 'plain'),
      'failed bogus signature-expired',
      '72',
    );
    t.equal(cut(net(denial, corruptSignatures('DS')), 'signed'), 'failed bogus signature-invalid');
    t.equal(cut(net(denial, removeSignatures('DS')), 'signed'), 'failed bogus rrsigs-missing');
  });

  t.test(`${mode}: a signed delegation is never made unsigned`, async (t) => {
    const world = net(denial);
    const all = denialOf(world, ZONE);
    const ofChild = denialOf(world, 'signed.example.com');
    for (const sets of [
      [],
      all,
      ofChild,
      [...all, ...ofChild],
      denialOf(world, 'com'),
      ...all.map((set) => [set]),
    ])
      for (const rcode of ['NOERROR', 'NXDOMAIN'] as const)
        t.notMatch(
          cut(world, 'signed', 'DS', reply(rcode, [], sets)),
          /unsigned|not-a-cut|nothing/,
        );
    const other = from(world, 'plain');
    t.equal(
      cut(world, 'signed', 'A', other),
      'failed bogus denial-missing',
      "another child's proof",
    );
    const wild = signedBy(world, ZONE, record(`*.${ZONE}. 300 DS 1 13 2 ${'00'.repeat(32)}`));
    const made = [{ ...wild, owner: Name.parse(name('signed')) }];
    t.equal(
      cut(world, 'signed', 'DS', reply('NOERROR', made, all)),
      'failed bogus wildcard-unproven',
    );
  });

  t.test(`row 73, ${mode}: an unsigned NXDOMAIN for the DS`, async (t) => {
    const world = net(denial);
    const soa = record(`${ZONE}. 300 SOA ns.${ZONE}. x.${ZONE}. 1 1 1 1 300`);
    t.equal(cut(world, 'signed', 'DS', reply('NXDOMAIN', [], collectRRsets([soa]))), 'silent');
    t.equal(cut(world, 'signed', 'DS', reply('SERVFAIL', [])), 'silent');
  });

  t.test(`row 74, ${mode}: (a) an alias at a delegation`, async (t) => {
    const world = net(denial);
    const forged = collectRRsets([record(`signed.${ZONE}. 300 CNAME evil.test.`)]);
    t.equal(cut(world, 'signed', 'DS', reply('NOERROR', forged)), 'failed bogus rrsigs-missing');
    const childs = [
      signedBy(world, `signed.${ZONE}`, record(`signed.${ZONE}. 300 CNAME evil.test.`)),
    ];
    t.equal(cut(world, 'signed', 'DS', reply('NOERROR', childs)), 'failed bogus rrsigs-missing');
    const [wild] = from(world, 'x.wild').answer;
    const replayed = wild ? [{ ...wild, owner: Name.parse(name('signed')) }] : [];
    t.match(
      cut(world, 'signed', 'DS', reply('NOERROR', replayed, denialOf(world, ZONE))),
      /^failed bogus/,
    );
    const above = wild ? [{ ...wild, owner: Name.parse(name('x.y.wild')) }] : [];
    t.equal(
      cut(world, 'x.y.wild', 'DS', reply('NOERROR', above)),
      'failed bogus denial-missing',
      'without proof',
    );
  });
}

t.test('an alias that a wildcard made in an opt-out span hides nothing securely', async (t) => {
  const world = net({ spans: 'optOut' });
  t.equal(cut(world, 'x.wild', 'DS'), 'unsigned opt-out');
});

t.test('row 74: (a) a CNAME in place of the DNSKEY', async (t) => {
  const world = net('nsec');
  const zone = Name.parse(ZONE);
  t.match(told(checkKeys(zone, trustedOf(world, ZONE), undefined, contextOf(world))), {
    status: 'bogus',
    reason: 'dnskey-missing',
    ede: 9,
  });
});

t.test('row 76: the answer of a child whose cut was not seen', async (t) => {
  const world = net('nsec');
  const towards = (child: string, type: RRType = 'A', label = 'www'): string => {
    const asked = `${label}${label && '.'}${child}.${ZONE}`;
    const given = replyOf(world, `${child}.${ZONE}`, asked, type);
    const judgement = judgementOf(world, { zone: ZONE, name: asked, type, reply: given });
    return judgement.kind === 'missed-cut' ? String(judgement.towards) : wordsOf(judgement.finding);
  };
  t.equal(towards('signed'), 'signed.example.com.', 'its signer');
  t.equal(towards('signed', 'MX'), 'signed.example.com.', 'the signer of its denial');
  t.equal(towards('plain'), 'www.plain.example.com.', 'nothing is signed: the name');
  t.equal(towards('plain', 'MX'), 'www.plain.example.com.');
  t.equal(towards('signed', 'DS', 'x.y'), 'signed.example.com.', 'a DS question, above its name');
});

t.test('row 90: DNAME with a CNAME of its own', async (t) => {
  const world = net('nsec');
  const whole = from(world, 'x.dname');
  const forged = collectRRsets([record(`x.dname.${ZONE}. 300 CNAME evil.test.`)]);
  const swapped = whole.answer.map((set) => (set.type === 'CNAME' ? (forged[0] ?? set) : set));
  const finding = settle(
    judgementOf(world, {
      zone: ZONE,
      name: name('x.dname'),
      type: 'A',
      reply: { ...whole, answer: swapped },
    }),
  );
  t.equal(
    'found' in finding && finding.found.kind === 'alias' && String(finding.found.target),
    `x.other.${ZONE}.`,
    '(a)',
  );
  t.equal(ask(world, 'x.dname', 'A', reply('NOERROR', forged)), 'bogus rrsigs-missing', '(b)');
  t.equal(ask(world, 'x.dname', 'CNAME'), 'secure alias', 'where the CNAME itself was asked for');
  t.equal(ask(world, 'dname', 'TXT'), 'secure records', 'beside the DNAME');
  const wild = signedBy(world, ZONE, record(`*.any.${ZONE}. 300 DNAME evil.test.`));
  const made = [{ ...wild, owner: Name.parse(name('x.any')) }];
  const given = reply('NOERROR', made, denialOf(world, ZONE));
  t.equal(ask(world, 'a.x.any', 'A', given), 'bogus wildcard-unproven', 'RFC 6672 section 3.3');
  const unsigned = { ...whole, answer: whole.answer.map((set) => ({ ...set, signatures: [] })) };
  t.equal(
    ask(world, 'x.dname', 'A', unsigned),
    'bogus rrsigs-missing',
    'a DNAME without signature',
  );
});

const at = (owner: string, type: RRType, rdata: readonly number[]): RRset => ({
  owner: Name.parse(owner),
  type,
  ttl: 300,
  rdata: [Uint8Array.from(rdata)],
  signatures: [],
  defect: 'cut short',
});
const UNSIGNED: ZoneTrust = { status: 'insecure', reason: 'no-ds-proven', ttl: 60 };

t.test('row 106: data that does not fit its type', async (t) => {
  const world = net('nsec');
  for (const type of ['A', 'SVCB', 'LOC', 'NAPTR', 'APL', 'CNAME', 'PX'] as const) {
    const one = {
      zone: ZONE,
      name: name('www'),
      type,
      reply: reply('NOERROR', [at(name('www'), type, [1, 2, 3, 4, 5])]),
    };
    t.match(
      told(settle(judgementOf(world, one))),
      { status: 'bogus', reason: 'malformed-records', ede: 0 },
      `${type}, signed zone`,
    );
    const insecure = settle(judgementOf(world, { ...one, trust: UNSIGNED }));
    t.match(
      told(insecure),
      { status: 'indeterminate', reason: 'unusable-records', ede: 0 },
      `${type}, unsigned zone`,
    );
  }
  const broken = alterRecords(({ records }) =>
    records.map(
      (one): RR =>
        one.type === 'NSEC' ? { ...one, rdata: one.rdata.subarray(0, one.rdata.length - 1) } : one,
    ),
  );
  t.match(ask(net('nsec', broken), 'nope'), /^bogus/, 'NSEC');
  const ds = reply('NOERROR', [at(name('signed'), 'DS', [1, 2])]);
  // BRID and HHIT (RFC 9886) are octets to us, of whatever length: they are judged by their signature alone.
  for (const type of ['TYPE67', 'TYPE68'] as const) {
    const rdata = [new Uint8Array()];
    const set = { owner: Name.parse(name('www')), type, ttl: 300, rdata, signatures: [] };
    t.equal(ask(world, 'www', type, reply('NOERROR', [set])), 'bogus rrsigs-missing', type);
  }
  t.equal(cut(world, 'signed', 'DS', ds), 'failed bogus malformed-records', 'DS');
});

t.test('row 129: nothing at all', async (t) => {
  const world = net('nsec');
  const one = { zone: ZONE, name: name('nope'), type: 'A', reply: reply('NOERROR', []) } as const;
  const judgement = judgementOf(world, one);
  t.equal(judgement.kind, 'missed-cut', 'a cut is looked for first');
  t.match(told(settle(judgement)), { status: 'bogus', reason: 'denial-missing', ede: 12 });
});

t.test('row 132: ANY: each RRset counts', async (t) => {
  const world = net('nsec');
  const finding = settle(judgementOf(world, { zone: ZONE, name: name('www'), type: 'ANY' }));
  t.equal(wordsOf(finding), 'secure records');
  const types = (x: typeof finding): unknown =>
    'found' in x &&
    x.found.kind === 'records' &&
    [x.found.rrset, ...(x.found.others ?? [])].map(({ type }) => type).sort();
  t.same(types(finding), ['A', 'NSEC', 'TXT']);
  t.equal(ask(net('nsec', corruptSignatures('TXT')), 'www', 'ANY'), 'bogus signature-invalid');
  t.equal(ask(net('nsec', removeSignatures('TXT')), 'www', 'ANY'), 'bogus rrsigs-missing');
  t.equal(ask(world, 'alias', 'ANY'), 'secure records', 'a CNAME is not followed');
  t.equal(ask(world, 'x.dname', 'ANY'), 'secure alias', 'a DNAME is');
  t.equal(ask(world, 'nope', 'ANY'), 'secure nxdomain');
  const insecure = settle(
    judgementOf(world, { zone: ZONE, name: name('www'), type: 'ANY', trust: UNSIGNED }),
  );
  t.same(types(insecure), ['A', 'NSEC', 'TXT']);
  t.equal(insecure.status, 'insecure');
});

t.test('row 132: RRSIG: data is insecure, all else is proved', async (t) => {
  const world = net('nsec');
  t.equal(ask(world, 'www', 'RRSIG'), 'insecure records');
  t.equal(ask(world, 'nope', 'RRSIG'), 'secure nxdomain');
  t.equal(ask(world, 'www', 'RRSIG', reply('NOERROR', [])), 'bogus denial-missing');
  t.equal(ask(world, 'www', 'RRSIG', reply('NXDOMAIN', [])), 'bogus denial-missing');
  const forged = collectRRsets([record(`www.${ZONE}. 300 CNAME evil.test.`)]);
  t.equal(ask(world, 'www', 'RRSIG', reply('NOERROR', forged)), 'bogus rrsigs-missing');
});

t.test('errors are no answers, signed zone or not', async (t) => {
  const world = net('nsec');
  for (const rcode of ['SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR', 'YXDOMAIN'] as const) {
    const one = { zone: ZONE, name: name('www'), type: 'A', reply: reply(rcode, []) } as const;
    t.match(told(settle(judgementOf(world, { ...one, trust: UNSIGNED }))), {
      status: 'indeterminate',
      reason: 'unreachable',
    });
    t.equal(settle(judgementOf(world, one)).status, 'bogus', `${rcode} in a signed zone`);
  }
});

t.test('records of other names, zones and sections answer nothing', async (t) => {
  const world = net('nsec');
  const whole = from(world, 'www');
  t.equal(ask(world, 'alias', 'A', whole), 'bogus denial-missing', 'the owner is another');
  t.equal(
    ask(world, 'www', 'A', reply('NOERROR', [], whole.answer)),
    'bogus denial-missing',
    'in the authority section',
  );
  const moved = whole.answer.map((set) => ({ ...set, owner: Name.parse(name('evil')) }));
  t.match(ask(world, 'evil', 'A', reply('NOERROR', moved)), /^bogus/, 'renamed');
  const parent = [signedBy(world, 'com', record(`www.${ZONE}. 300 A 203.0.113.1`))];
  t.equal(
    ask(world, 'www', 'A', reply('NOERROR', parent)),
    'bogus rrsigs-missing',
    'signed by the parent',
  );
  const child = [signedBy(world, 'signed.example.com', record(`www.${ZONE}. 300 A 203.0.113.1`))];
  t.equal(
    ask(world, 'www', 'A', reply('NOERROR', child)),
    'bogus rrsigs-missing',
    'signed by a child',
  );
  const outside = [signedBy(world, ZONE, record('www.example.net. 300 A 203.0.113.1'))];
  t.equal(
    verdictOf(world, {
      zone: ZONE,
      name: 'www.example.net',
      type: 'A',
      reply: reply('NOERROR', outside),
    }),
    'bogus signature-labels',
    'a zone signs nothing outside itself',
  );
});

t.test('more records than an RRset has', async (t) => {
  const many = (count: number): Reply => {
    const records = Array.from({ length: count }, (_, i) =>
      makeRecord(Name.parse(name('www')), 'A', 300, Uint8Array.of(192, 0, 2, i)),
    );
    return reply('NOERROR', collectRRsets(records));
  };
  const world = net('nsec');
  const one = { zone: ZONE, name: name('www'), type: 'A' } as const;
  for (const trust of [UNSIGNED, undefined])
    t.match(
      told(settle(judgementOf(world, { ...one, reply: many(101), ...(trust && { trust }) }))),
      { status: 'indeterminate', reason: 'unusable-records', limit: 'rrset-records' },
    );
  t.equal(
    settle(judgementOf(world, { ...one, reply: many(100), trust: UNSIGNED })).status,
    'insecure',
  );
  const ds = Array.from({ length: 101 }, (_, i) =>
    record(`signed.${ZONE}. 300 DS ${i} 13 2 ${'00'.repeat(32)}`),
  );
  t.equal(
    cut(world, 'signed', 'DS', reply('NOERROR', collectRRsets(ds))),
    'failed indeterminate unusable-records',
  );
});

t.test('a signed zone served by a server that knows no DNSSEC', async (t) => {
  const world = net('nsec', strip());
  const trust = { status: 'secure', keys: { zone: Name.parse(ZONE), keys: [] }, ttl: 60 } as const;
  for (const [label, type] of [
    ['www', 'A'],
    ['www', 'MX'],
    ['nope', 'A'],
    ['alias', 'A'],
    ['x.dname', 'A'],
  ] as const)
    t.match(
      verdictOf(world, { zone: ZONE, name: name(label), type, trust }),
      /^bogus/,
      `${label} ${type}`,
    );
});
