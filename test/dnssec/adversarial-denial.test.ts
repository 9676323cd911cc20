// Section 5b of ../shared/spec/adversarial.md: denial of existence, NSEC and NSEC3 alike. One case a row, named after it.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import type { Reply } from '../../src/dnssec/reply.ts';
import {
  type Amendment,
  alterRecords,
  corruptDenial,
  type Internet,
  internet,
  type Nsec3Options,
  removeSignatures,
  resign,
  type Zones,
} from '../../src/testing/index.ts';
import {
  covers,
  delegationOf,
  delegationWords,
  denialOf,
  judgementOf,
  matches,
  record,
  reply,
  replyOf,
  setsOf,
  settle,
  signedBy,
  told,
  verdictOf,
} from './world.ts';

const ZONE = 'example.com';
const RECORDS = [
  'host A 192.0.2.1',
  'deep.ent A 192.0.2.2',
  '*.wild A 192.0.2.3',
  'wild A 192.0.2.4',
  'exact.wild A 192.0.2.5',
  'dname DNAME other.example.com.',
];
const around: Zones = {
  'signed.example.com': ['www A 192.0.2.6'],
  'plain.example.com': { records: ['www A 192.0.2.7'], signing: 'unsigned' },
};

const MODES: Readonly<Record<string, 'nsec' | Nsec3Options>> = {
  nsec: 'nsec',
  nsec3: { iterations: 2, salt: 'ab' },
};
const net = (denial: 'nsec' | Nsec3Options, ...amendments: readonly Amendment[]): Internet =>
  internet({ ...around, [ZONE]: { records: RECORDS, signing: { denial } } }).amend(
    ZONE,
    ...amendments,
  );

const name = (label: string): string => `${label}.${ZONE}`;
const ask = (world: Internet, label: string, type: RRType = 'A', given?: Reply): string =>
  verdictOf(world, { zone: ZONE, name: name(label), type, ...(given && { reply: given }) });
const from = (world: Internet, label: string, type: RRType = 'A'): Reply =>
  replyOf(world, ZONE, name(label), type);

/** The first NSEC3s of a zone that stay under the limit of ten a reply. */
const evidence = (world: Internet, zone = ZONE): readonly RRset[] =>
  denialOf(world, zone).slice(0, 10);

for (const [mode, denial] of Object.entries(MODES)) {
  t.test(`${mode}: what is true is secure`, async (t) => {
    const world = net(denial);
    t.equal(ask(world, 'host', 'MX'), 'secure nodata');
    t.equal(ask(world, 'nope'), 'secure nxdomain');
    t.equal(ask(world, 'a.b.nope'), 'secure nxdomain');
    t.equal(ask(world, 'ent'), 'secure nodata', 'an empty non-terminal');
    t.equal(ask(world, 'x.wild'), 'secure records', 'a wildcard');
    t.equal(ask(world, 'x.wild', 'MX'), 'secure nodata', 'a wildcard without the type');
    t.equal(ask(world, '*.wild'), 'secure records', 'the wildcard by its own name');
    t.equal(ask(world, 'x.dname'), 'secure alias');
    t.equal(ask(world, 'plain', 'DS'), 'secure nodata');
    t.equal(ask(world, 'signed', 'DS'), 'secure records');
    t.equal(ask(world, 'nope', 'DS'), 'secure nxdomain');
  });

  t.test(`row 44, ${mode}: the parent's side of a cut denies nothing at or below it`, async (t) => {
    const world = net(denial);
    for (const rcode of ['NXDOMAIN', 'NOERROR'] as const)
      for (const label of ['signed', 'www.signed', 'plain', 'www.plain', 'nope.plain']) {
        const forged = reply(rcode, [], denialOf(world, ZONE).filter(isNear(world, label)));
        t.equal(ask(world, label, 'A', forged), 'bogus denial-missing', `${label} ${rcode}`);
      }
    const forged = reply('NOERROR', [], evidence(world, 'signed.example.com'));
    t.equal(
      ask(world, 'signed', 'DS', forged),
      'bogus denial-missing',
      "the child's word about DS",
    );
  });

  t.test(`${mode}: denials of other zones are none of this one's`, async (t) => {
    const world = net(denial);
    for (const zone of ['com', 'signed.example.com', '.']) {
      const forged = reply('NXDOMAIN', [], evidence(world, zone));
      t.equal(ask(world, 'host', 'A', forged), 'bogus denial-missing', zone);
    }
    const zone = 'signed.example.com';
    const given = reply('NXDOMAIN', [], evidence(world));
    t.equal(
      verdictOf(world, { zone, name: `www.${zone}`, type: 'A', reply: given }),
      'bogus denial-missing',
    );
  });

  t.test(`${mode}: a name below a DNAME is not denied`, async (t) => {
    const world = net(denial);
    const forged = reply('NXDOMAIN', [], denialOf(world, ZONE).filter(isNear(world, 'x.dname')));
    t.equal(ask(world, 'x.dname', 'A', forged), 'bogus denial-missing');
  });

  t.test(`row 50, ${mode}: no word about the wildcard`, async (t) => {
    const world = net(denial);
    const whole = from(world, 'nope');
    const wildcard = `*.${ZONE}`;
    const without = whole.authority.filter(
      (set) => !covers(set, wildcard) || covers(set, name('nope')),
    );
    if (without.length < whole.authority.length)
      t.equal(ask(world, 'nope', 'A', { ...whole, authority: without }), 'bogus denial-missing');
    const hidden = from(world, 'x.wild', 'MX');
    const noWildcard = hidden.authority.filter((set) => !matches(set, `*.wild.${ZONE}`));
    t.equal(noWildcard.length, hidden.authority.length - 1);
    const finding = settle(
      judgementOf(world, {
        zone: ZONE,
        name: name('x.wild'),
        type: 'MX',
        reply: { ...hidden, authority: noWildcard },
      }),
    );
    t.match(told(finding), { status: 'bogus', reason: 'denial-missing', ede: 12 });
  });

  t.test(`row 51, ${mode}: a wildcard answer without proof`, async (t) => {
    const world = net(denial);
    const given = { ...from(world, 'x.wild'), authority: [] };
    const finding = settle(
      judgementOf(world, { zone: ZONE, name: name('x.wild'), type: 'A', reply: given }),
    );
    t.match(told(finding), { status: 'bogus', reason: 'wildcard-unproven', ede: 6 });
  });

  t.test(`row 52, ${mode}: a wildcard replayed for what exists`, async (t) => {
    const world = net(denial);
    const [wild] = from(world, 'x.wild').answer;
    if (!wild) throw new RangeError('no wildcard');
    for (const label of ['exact.wild', 'x.exact.wild']) {
      const answer = [{ ...wild, owner: Name.parse(name(label)) }];
      for (const authority of [evidence(world), denialOf(world, ZONE).filter(isNear(world, label))])
        t.equal(
          ask(world, label, 'A', reply('NOERROR', answer, authority)),
          'bogus wildcard-unproven',
          label,
        );
    }
    t.equal(
      ask(world, 'wild', 'A', reply('NOERROR', [{ ...wild, owner: Name.parse(name('wild')) }])),
      'bogus signature-invalid',
    );
  });

  t.test(`row 54, ${mode}: NXDOMAIN for an empty non-terminal`, async (t) => {
    const world = net(denial);
    t.equal(ask(world, 'ent', 'A', { ...from(world, 'ent'), rcode: 'NXDOMAIN' }), 'secure nodata');
    t.equal(
      delegationWords(delegationOf(world, { zone: ZONE, name: name('ent'), type: 'DS' })),
      'not-a-cut',
    );
  });

  t.test(`row 56, ${mode}: the bit of the type is set`, async (t) => {
    const world = net(denial);
    const nodata = from(world, 'host', 'MX');
    const finding = settle(
      judgementOf(world, { zone: ZONE, name: name('host'), type: 'A', reply: nodata }),
    );
    t.match(told(finding), { status: 'bogus', reason: 'denial-contradicted', ede: 6 });
    for (const rcode of ['NOERROR', 'NXDOMAIN'] as const)
      t.equal(
        ask(world, 'host', 'ANY', { ...nodata, rcode }),
        'bogus denial-contradicted',
        'any bit, for ANY',
      );
    const wild = from(world, 'x.wild', 'MX');
    t.equal(ask(world, 'x.wild', 'A', wild), 'bogus denial-contradicted', 'at the wildcard');
    const signed = reply(
      'NOERROR',
      [],
      denialOf(world, ZONE).filter((set) => matches(set, name('signed'))),
    );
    t.equal(ask(world, 'signed', 'DS', signed), 'bogus denial-contradicted', 'DS');
    t.equal(
      delegationWords(
        delegationOf(world, { zone: ZONE, name: name('signed'), type: 'DS', reply: signed }),
      ),
      'failed bogus denial-contradicted',
    );
  });

  t.test(`${mode}: an unverified denial says nothing`, async (t) => {
    const bad = net(denial, corruptDenial());
    t.equal(ask(bad, 'nope'), 'bogus signature-invalid');
    t.equal(ask(bad, 'x.wild'), 'bogus signature-invalid');
    const unsigned = net(denial, removeSignatures('NSEC', 'NSEC3'));
    t.equal(ask(unsigned, 'nope'), 'bogus rrsigs-missing');
  });
}

/** Whether a denial record matches or covers the name or a name above it: all that an attacker could use. */
function isNear(world: Internet, label: string): (set: RRset) => boolean {
  const asked = Name.parse(name(label));
  const names = Array.from({ length: asked.labels - 1 }, (_, i) =>
    asked.ancestor(asked.labels - i),
  );
  const all = denialOf(world, ZONE);
  const useful = all.filter((set) =>
    names.some((one) => matches(set, String(one)) || covers(set, String(one))),
  );
  return (set) => useful.some(({ owner }) => owner.equals(set.owner));
}

t.test('row 43: an NSEC that leads out of the zone, or back', async (t) => {
  const lead = (next: string) => [
    alterRecords(({ records }) =>
      records.map((one) => {
        if (one.type !== 'NSEC') return one;
        const { types } = decode('NSEC', one.rdata);
        return { ...one, rdata: encode('NSEC', { next: Name.parse(next), types }) };
      }),
    ),
    resign({}, 'NSEC'),
  ];
  for (const next of ['zzz.com', 'net', 'com', 'a.example.com'])
    t.equal(ask(net('nsec', ...lead(next)), 'nope'), 'bogus denial-missing', next);
});

t.test('row 70: NXNAME', async (t) => {
  const world = net('nsec');
  const denies = (types: string): Reply =>
    reply(
      'NOERROR',
      [],
      [signedBy(world, ZONE, record(`nope.${ZONE}. 300 NSEC \\000.nope.${ZONE}. ${types}`))],
    );
  t.equal(ask(world, 'nope', 'A', denies('RRSIG NSEC NXNAME')), 'secure nxdomain');
  t.equal(ask(world, 'nope', 'ANY', denies('RRSIG NSEC NXNAME')), 'secure nxdomain');
  t.equal(
    ask(world, 'x.nope', 'A', denies('RRSIG NSEC NXNAME')),
    'bogus denial-missing',
    'for exactly that name',
  );
  t.equal(
    ask(world, 'nope', 'A', denies('MX RRSIG NSEC NXNAME')),
    'secure nodata',
    'beside a type it says nothing',
  );
  t.equal(ask(world, 'nope', 'MX', denies('MX RRSIG NSEC NXNAME')), 'bogus denial-contradicted');
  const given = denies('RRSIG NSEC NXNAME');
  const delegation = delegationOf(world, {
    zone: ZONE,
    name: name('nope'),
    type: 'DS',
    reply: given,
  });
  t.equal(delegationWords(delegation), 'not-a-cut');
});

t.test('an NSEC that a wildcard made denies nothing', async (t) => {
  const world = net('nsec');
  const nsec = denialOf(world, ZONE).find((set) => matches(set, `*.wild.${ZONE}`));
  if (!nsec) throw new RangeError('no such NSEC');
  const expanded = { ...nsec, owner: Name.parse(`exact.wild.${ZONE}`) };
  t.equal(
    ask(world, 'exact.wild', 'MX', reply('NOERROR', [], [expanded])),
    'bogus signature-labels',
  );
});

t.test('the life of an absence', async (t) => {
  const world = net('nsec');
  const finding = settle(judgementOf(world, { zone: ZONE, name: name('nope'), type: 'A' }));
  t.equal('ttl' in finding && finding.ttl, 900, 'SOA minimum (RFC 2308 section 5)');
  const whole = from(world, 'nope');
  const soa = setsOf(world, 'com').filter(({ type }) => type === 'SOA');
  const foreign = {
    ...whole,
    authority: [...soa, ...whole.authority.filter(({ type }) => type !== 'SOA')],
  };
  const other = settle(
    judgementOf(world, { zone: ZONE, name: name('nope'), type: 'A', reply: foreign }),
  );
  t.match(
    'found' in other && other.found.proof.map(({ type }) => type),
    ['NSEC'],
    "another zone's SOA is no part of it",
  );
});
