// What the rows of ../shared/spec/adversarial.md about KeyTrap and NSEC3 cost: signatures, hashes, and the time of the
// longest single call into dnssec/, which may be 25 ms on the native engine. Time is CPU time of this process, the best
// of five runs: a busy machine makes it no longer.
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { findRRset } from '../../src/dns/rrset.ts';
import type { Context } from '../../src/dnssec/context.ts';
import { checkKeys } from '../../src/dnssec/delegation.ts';
import type { Engine } from '../../src/dnssec/engine.ts';
import { judge } from '../../src/dnssec/judge.ts';
import {
  type Amendment,
  addDs,
  alterPlan,
  corruptDenial,
  corruptSignatures,
  crowdKeys,
  crowdSignatures,
  type Internet,
  internet,
  type Nsec3Options,
  type Signing,
} from '../../src/testing/index.ts';
import { believed, WWW, ZONE, zoneWith } from './example-zone.ts';
import { ENGINES, policy } from './support.ts';
import {
  type Case,
  contextOf,
  denialOf,
  keysOf,
  matches,
  reply,
  replyOf,
  settle,
  type Told,
  told,
  trustedOf,
} from './world.ts';

const LONGEST_MS = 25;
const RUNS = 5;

interface Trial {
  readonly row: string;
  readonly expect: Partial<Told>;
  readonly signatures: number;
  /** At most. */
  readonly hashes: number;
  /** Everything but the call itself is made beforehand. */
  readonly prepare: () => { readonly net: Internet; readonly call: (context: Context) => Told };
}

/** A question judged under the zone's published keys. */
function judged(
  net: Internet,
  { name, type, ...given }: Omit<Case, 'zone'>,
): ReturnType<Trial['prepare']> {
  const question = { name: Name.parse(name), type };
  const answer = given.reply ?? replyOf(net, ZONE, name, type);
  const trust = believed(net);
  const zone = Name.parse(ZONE);
  return {
    net,
    call: (context) => {
      const judgement = judge(question, answer, zone, trust, context);
      return told(settle(judgement));
    },
  };
}

const data =
  (amendments: readonly Amendment[], signing: Signing = {}) =>
  () =>
    judged(zoneWith(amendments, signing), { name: WWW, type: 'A' });

const hashTrap = (): ReturnType<Trial['prepare']> => {
  const [key] = keysOf(zoneWith([]), ZONE).keys;
  if (!key) throw new RangeError('the zone has no key');
  const lines = Array.from(
    { length: 100 },
    (_, i) => `@ DS ${key.keyTag} ${key.algorithm} 2 ${i.toString(16).padStart(64, '0')}`,
  );
  const net = zoneWith([
    crowdKeys(99),
    alterPlan((plan) => ({ ...plan, ds: [] })),
    addDs(...lines),
  ]);
  const zone = Name.parse(ZONE);
  const set = findRRset(replyOf(net, ZONE, ZONE, 'DNSKEY').answer, zone, 'DNSKEY');
  const trusted = trustedOf(net, ZONE);
  return { net, call: (context) => told(checkKeys(zone, trusted, set, context)) };
};

const absence =
  (denial: Nsec3Options, ...amendments: readonly Amendment[]) =>
  () => {
    const net = internet({ [ZONE]: { records: ['@ MX 0 .'], signing: { denial } } });
    return judged(net.amend(ZONE, ...amendments), { name: `a.b.c.nope.${ZONE}`, type: 'A' });
  };

/** No NSEC3 matches any of the 118 ancestors of the name. */
const longWalk = (): ReturnType<Trial['prepare']> => {
  const net = internet({ [ZONE]: { records: [], signing: { denial: { iterations: 50 } } } });
  const useless = denialOf(net, ZONE).filter((set) => !matches(set, ZONE));
  const name = `${'a.'.repeat(118)}${ZONE}`;
  return judged(net, { name, type: 'A', reply: reply('NXDOMAIN', [], useless) });
};

const crowd = (count: number) => () => {
  const records = Array.from({ length: 300 }, (_, i) => `n${i} A 192.0.2.1`);
  const net = internet({ [ZONE]: { records, signing: { denial: 'nsec3' } } });
  const sets = denialOf(net, ZONE).slice(0, count);
  return judged(net, { name: `nope.${ZONE}`, type: 'A', reply: reply('NXDOMAIN', [], sets) });
};

const TRAP = [crowdKeys(99), crowdSignatures(99, 'A'), corruptSignatures('A')];
const TOO_MANY: Partial<Told> = { reason: 'too-many-failures', limit: 'failed-signatures' };
const TOO_COSTLY: Partial<Told> = { status: 'insecure', reason: 'nsec3-iterations', ede: 27 };
const LONG_SALT = 'ab'.repeat(255);

const TRIALS: readonly Trial[] = [
  { row: 'row 1: KeyTrap', expect: TOO_MANY, signatures: 8, hashes: 0, prepare: data(TRAP) },
  {
    row: 'row 2: SigJam with P-384, the dearest to verify',
    expect: TOO_MANY,
    signatures: 8,
    hashes: 0,
    prepare: data([crowdSignatures(199, 'A'), corruptSignatures('A')], { algorithms: [14] }),
  },
  {
    row: 'row 2: SigJam',
    expect: TOO_MANY,
    signatures: 8,
    hashes: 0,
    prepare: data([crowdSignatures(199, 'A'), corruptSignatures('A')]),
  },
  {
    row: 'row 3: LockCram',
    expect: { reason: 'signature-invalid', limit: 'keys-tried' },
    signatures: 2,
    hashes: 0,
    prepare: data([crowdKeys(99)]),
  },
  {
    row: 'row 4: HashTrap',
    expect: { reason: 'dnskey-missing', ede: 9 },
    signatures: 0,
    hashes: 0,
    prepare: hashTrap,
  },
  {
    row: 'row 59: 50 iterations',
    expect: { status: 'secure' },
    signatures: 3,
    hashes: 6,
    prepare: absence({ iterations: 50 }),
  },
  ...[51, 500, 65_535].map((iterations) => ({
    row: `row 59: ${iterations} iterations`,
    expect: TOO_COSTLY,
    signatures: 3,
    hashes: 0,
    prepare: absence({ iterations }),
  })),
  {
    row: 'row 59: 65535 iterations with a bad RRSIG',
    expect: { status: 'bogus', reason: 'signature-invalid' },
    signatures: 2,
    hashes: 0,
    prepare: absence({ iterations: 65_535 }, corruptDenial()),
  },
  {
    row: 'row 60: a salt of 255 octets with 50 iterations',
    expect: TOO_COSTLY,
    signatures: 3,
    hashes: 0,
    prepare: absence({ iterations: 50, salt: LONG_SALT }),
  },
  {
    row: 'row 60: a salt of 255 octets with 9 iterations',
    expect: { status: 'secure' },
    signatures: 3,
    hashes: 6,
    prepare: absence({ iterations: 9, salt: LONG_SALT }),
  },
  {
    row: 'row 61: the closest encloser among 120 labels',
    expect: { reason: 'denial-missing' },
    signatures: 1,
    hashes: 120,
    prepare: longWalk,
  },
  ...[11, 300].map((count) => ({
    row: `row 67: ${count} NSEC3 records`,
    expect: { reason: 'too-many-nsec3', limit: 'nsec3-records' } as const,
    signatures: 0,
    hashes: 0,
    prepare: crowd(count),
  })),
];

for (const { row, expect, signatures, hashes, prepare } of TRIALS)
  t.test(row, async (t) => {
    const { net, call } = prepare();
    for (const engine of ENGINES) {
      let best = Number.POSITIVE_INFINITY;
      for (let run = 0; run < RUNS; run += 1) {
        const { ms, found, context } = timed(net, engine, call);
        best = Math.min(best, ms);
        if (run > 0) continue;
        t.match(found, expect, engine.name);
        const { budget } = context;
        t.ok(budget.used('signatures') <= signatures, `${budget.used('signatures')} signatures`);
        t.ok(budget.used('nsec3-hashes') <= hashes, `${budget.used('nsec3-hashes')} hashes`);
      }
      if (engine.name === 'native') t.ok(best <= LONGEST_MS, `native: ${best.toFixed(1)} ms`);
      else t.comment(`${engine.name}: ${best.toFixed(1)} ms`);
    }
  });

/** One run with nothing imported and nothing paid for yet. */
function timed(net: Internet, engine: Engine, call: (context: Context) => Told) {
  const context = contextOf(net, { rules: policy(engine) });
  const start = process.cpuUsage();
  const found = call(context);
  const { user, system } = process.cpuUsage(start);
  return { ms: (user + system) / 1000, found, context };
}
