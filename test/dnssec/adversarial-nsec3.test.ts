// Section 5b of ../shared/spec/adversarial.md: what only NSEC3 has. One case a row, named after it.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { base32hex } from '../../src/dns/radix.ts';
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
import { nsec3Hash } from '../../src/testing/zone.ts';
import {
  contextOf,
  covers,
  delegationOf,
  delegationWords,
  denialOf,
  judgementOf,
  matches,
  record,
  reply,
  replyOf,
  settle,
  signedBy,
  told,
  verdictOf,
  wordsOf,
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

t.test('row 57: NSEC3 records of different parameters', async (t) => {
  const chains = [0, 8, 123].map((iterations) => from(net({ iterations }), 'nope').authority);
  const context = contextOf(net('nsec'));
  const given = reply('NXDOMAIN', [], chains.flat());
  const one = { zone: ZONE, name: name('nope'), type: 'A', reply: given, context } as const;
  t.match(told(settle(judgementOf(net('nsec'), one))), {
    status: 'bogus',
    reason: 'denial-parameters',
    ede: 6,
  });
  t.equal(context.budget.used('nsec3-hashes'), 0);
  const salts = ['', 'aa'].flatMap((salt) => from(net({ salt }), 'nope').authority);
  t.equal(
    ask(net('nsec'), 'nope', 'A', reply('NXDOMAIN', [], salts)),
    'bogus denial-parameters',
    'salt',
  );
});

t.test('rows 59 and 60: NSEC3 that costs too much', async (t) => {
  const judged = (options: Nsec3Options, ...amendments: readonly Amendment[]) => {
    const world = internet({
      [ZONE]: { records: ['@ MX 0 .'], signing: { denial: options } },
    }).amend(ZONE, ...amendments);
    const context = contextOf(world);
    const finding = settle(
      judgementOf(world, { zone: ZONE, name: name('nope'), type: 'A', context }),
    );
    return [wordsOf(finding), told(finding).ede, context.budget.used('nsec3-hashes')];
  };
  t.equal(judged({ iterations: 50 })[0], 'secure nxdomain');
  for (const iterations of [51, 500, 65_535])
    t.same(judged({ iterations }), ['insecure nxdomain', 27, 0], `${iterations} iterations`);
  t.same(judged({ iterations: 65_535 }, corruptDenial()), ['bogus signature-invalid', 6, 0]);
  const salt = 'ab'.repeat(255);
  t.same(judged({ iterations: 50, salt }), ['insecure nxdomain', 27, 0], 'price 255');
  t.equal(judged({ iterations: 9, salt })[0], 'secure nxdomain', 'price 50');
});

t.test('row 59: other positive answers of the zone stay secure', async (t) => {
  const world = net({ iterations: 51 });
  t.equal(ask(world, 'host'), 'secure records');
  t.equal(ask(world, 'x.wild'), 'insecure records', 'a wildcard needs its denial');
  t.equal(
    delegationWords(delegationOf(world, { zone: ZONE, name: name('plain'), type: 'A' })),
    'unsigned nsec3-iterations',
  );
  t.equal(
    delegationWords(delegationOf(world, { zone: ZONE, name: name('signed'), type: 'A' })),
    'signed',
  );
});

t.test('row 61: the closest encloser is searched among 120 labels', async (t) => {
  const long = `${'a.'.repeat(118)}${ZONE}`;
  const spread = (salt: string) => {
    const world = internet({
      [ZONE]: { records: [], signing: { denial: { salt, iterations: 50 } } },
    });
    const useless = denialOf(world, ZONE).filter((set) => !matches(set, ZONE));
    return { world, given: reply('NXDOMAIN', [], useless) };
  };
  const { world, given } = spread('00');
  const context = contextOf(world);
  const finding = settle(
    judgementOf(world, { zone: ZONE, name: long, type: 'A', reply: given, context }),
  );
  t.equal(wordsOf(finding), 'bogus denial-missing');
  t.ok(context.budget.used('nsec3-hashes') <= 120, `${context.budget.used('nsec3-hashes')} hashes`);
  const together = contextOf(world);
  const found = Array.from({ length: 11 }, (_, i) => {
    const one = spread(`0${i.toString(16)}`);
    return told(
      settle(
        judgementOf(one.world, {
          zone: ZONE,
          name: long,
          type: 'A',
          reply: one.given,
          context: together,
        }),
      ),
    );
  });
  t.match(found.at(-1), { status: 'indeterminate', reason: 'budget-spent', limit: 'nsec3-hashes' });
  t.notOk(found.some(({ status }) => status === 'insecure' || status === 'secure'));
  t.equal(together.budget.used('nsec3-hashes'), 600);
});

t.test('rows 63 and 64: opt-out', async (t) => {
  const optOut = { spans: 'optOut' } as const;
  const world = net(optOut);
  t.equal(ask(world, 'nope'), 'insecure nxdomain');
  t.equal(ask(world, 'host', 'MX'), 'secure nodata', 'a name with an NSEC3 of its own');
  const plain = { zone: ZONE, name: name('plain'), type: 'A' } as const;
  t.equal(delegationWords(delegationOf(world, plain)), 'unsigned opt-out');
  const words = (amendment: Amendment): string =>
    delegationWords(delegationOf(net(optOut, amendment), plain));
  t.equal(
    words(removeSignatures('NSEC3')),
    'silent',
    '64 without RRSIG: the DS has to be asked for',
  );
  t.equal(words(corruptDenial()), 'failed bogus signature-invalid', '64 with a bad one');
  for (const label of ['signed', 'host'])
    for (const authority of [evidence(world), denialOf(world, ZONE).filter(isNear(world, label))]) {
      const given = reply(
        'NOERROR',
        [],
        authority.filter((set) => !matches(set, name(label))),
      );
      const delegation = delegationOf(world, {
        zone: ZONE,
        name: name(label),
        type: 'DS',
        reply: given,
      });
      t.equal(
        delegationWords(delegation),
        'failed bogus denial-missing',
        `no span covers ${label}`,
      );
    }
});

t.test('row 65: an NSEC3 at the apex of a zone that is called like a hash', async (t) => {
  const parent = net({ iterations: 0 });
  const hash = base32hex.print(nsec3Hash(Name.parse(ZONE), 0, new Uint8Array()));
  const child = `${hash}.${ZONE}`;
  const world = internet({ [ZONE]: { signing: { denial: 'nsec3' } }, [child]: {} });
  const nsec3 = record(`${child}. 300 NSEC3 1 1 0 - ${hash} NS SOA RRSIG DNSKEY`);
  const forged = reply('NXDOMAIN', [], [signedBy(world, child, nsec3)]);
  t.equal(ask(parent, 'nope', 'A', forged), 'bogus denial-missing', "as the parent's");
  t.equal(
    verdictOf(world, { zone: child, name: `nope.${child}`, type: 'A', reply: forged }),
    'bogus denial-missing',
  );
  const own = record(`${hash}.x.${ZONE}. 300 NSEC3 1 1 0 - ${hash} NS SOA RRSIG DNSKEY`);
  t.equal(
    ask(parent, 'nope', 'A', reply('NXDOMAIN', [], [signedBy(parent, ZONE, own)])),
    'bogus denial-missing',
    'two labels below',
  );
});

t.test('an NSEC3 with a flag or a hash that is not known is ignored', async (t) => {
  const change = (field: 'flags' | 'hashAlgorithm', value: number) => [
    alterRecords(({ records }) =>
      records.map((one) =>
        one.type === 'NSEC3'
          ? { ...one, rdata: encode('NSEC3', { ...decode('NSEC3', one.rdata), [field]: value }) }
          : one,
      ),
    ),
    resign({}, 'NSEC3'),
  ];
  for (const flags of [2, 3, 0x80])
    t.equal(
      ask(net({}, ...change('flags', flags)), 'nope'),
      'bogus denial-missing',
      `flags ${flags}`,
    );
  t.equal(ask(net({}, ...change('flags', 1)), 'nope'), 'insecure nxdomain', 'opt-out is known');
  t.equal(ask(net({}, ...change('hashAlgorithm', 2)), 'nope'), 'bogus denial-missing', 'hash 2');
});

t.test('row 67: more NSEC3 records than any proof needs', async (t) => {
  const records = Array.from({ length: 300 }, (_, i) => `n${i} A 192.0.2.1`);
  const world = internet({ [ZONE]: { records, signing: { denial: 'nsec3' } } });
  const all = denialOf(world, ZONE);
  const whole = replyOf(world, ZONE, name('nope'), 'A').authority;
  const more = all.filter(
    (set) => !whole.some(({ owner, type }) => type === 'NSEC3' && owner.equals(set.owner)),
  );
  const judged = (count: number) => {
    const context = contextOf(world);
    const proof = whole.filter(({ type }) => type === 'NSEC3');
    const given = reply('NXDOMAIN', [], [...proof, ...more.slice(0, count - proof.length)]);
    const one = { zone: ZONE, name: name('nope'), type: 'A', reply: given, context } as const;
    const { used } = context.budget;
    return {
      ...told(settle(judgementOf(world, one))),
      work: used.call(context.budget, 'nsec3-hashes') + used.call(context.budget, 'signatures'),
    };
  };
  t.match(judged(10), { status: 'secure' });
  for (const count of [11, 300])
    t.match(judged(count), {
      status: 'bogus',
      reason: 'too-many-nsec3',
      ede: 6,
      limit: 'nsec3-records',
      work: 0,
    });
});

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
