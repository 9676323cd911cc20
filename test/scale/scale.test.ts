// The simulation at scale in its short form with its clock, and the parts of the soak that judge: what loss may change, and
// what a leak is.
import t from 'tap';
import { handwrittenIn } from '../../scripts/scale/report.ts';
import { runModel } from '../../scripts/scale/run.ts';
import { type HostTruth, judgePlan, type Truth } from '../../scripts/scale/truth.ts';
import { makeTurn } from '../../scripts/scale/turn.ts';
import { growthOf, judgeOutcome, LEAK_OCTETS, type Minute } from '../../scripts/soak/verdict.ts';
import type { DeliveryPlan, HostPlan } from '../../src/dane/plan.ts';
import { Name } from '../../src/dns/name.ts';
import type { Fault, Outcome } from '../../src/dnssec/outcome.ts';
import { VirtualClock } from '../../src/testing/clock.ts';

const DESTINATIONS = 500;
const LOSS = 0.05;

/**
 * Of one destination at most: a referral, its keys and MX; A, AAAA and TLSA of two hosts; and where its name servers or its
 * mail hosts are a provider's that nobody has met before, that provider's referral and keys, and an address of its server.
 */
const MOST_QUERIES = 3 + 2 * 3 + 3;

t.test(
  'five hundred destinations under 5 % loss: no wrong decision, and few that wait',
  async (t) => {
    const result = await runModel({ destinations: DESTINATIONS, loss: LOSS, seed: 7 });
    const { wrong, mistakes, decisions, right, delayed, packets, lost, caches } = result;
    t.strictSame(
      wrong,
      { downgraded: 0, upgraded: 0, absent: 0, bogus: 0, other: 0 },
      mistakes.join(),
    );
    const waiting = Object.values(delayed).reduce((sum, count) => sum + count, 0);
    t.equal(right + waiting, decisions, 'every decision is right, or waits');
    // Both of two servers silent twice: a tenth to the fourth power for each of some ten questions, so 1 in 1000 decisions.
    t.ok(waiting < decisions / 100, `${waiting} of ${decisions} wait`);
    t.equal(result.destinations, DESTINATIONS);
    t.ok(decisions > DESTINATIONS, 'some are met again');
    // A packet and its reply both come through with 0.95 * 0.95; the others are sent again.
    const most = MOST_QUERIES / (1 - LOSS) ** 2;
    t.ok(packets / DESTINATIONS < most, `${packets / DESTINATIONS} queries a destination`);
    t.ok(lost > packets * 0.07 && lost < packets * 0.13, 'the network did lose packets');
    t.ok(caches.some(({ bytes }) => bytes > 0));
  },
);

t.test('half of the packets lost: decisions wait, and none is wrong', async (t) => {
  const { wrong, mistakes, delayed, right } = await runModel({
    destinations: 150,
    loss: 0.5,
    seed: 3,
  });
  t.strictSame(
    wrong,
    { downgraded: 0, upgraded: 0, absent: 0, bogus: 0, other: 0 },
    mistakes.join(),
  );
  t.ok(Object.keys(delayed).length > 0, 'so the judge has seen what it lets pass');
  t.ok(right > 0);
});

t.test(
  'nothing lost: every decision is right, at once, with the same packets each time',
  async (t) => {
    const options = { destinations: 150, loss: 0, seed: 5 } as const;
    const first = await runModel(options);
    t.equal(first.right, first.decisions, first.mistakes.join());
    t.ok(first.waitMs.max < 2000);
    const second = await runModel(options);
    t.strictSame([second.packets, second.octets], [first.packets, first.octets]);
  },
);

t.test('what a report says by hand stands in the next one', (t) => {
  const handwritten = '\n## Reading it\n- Tenfold more take less each.\n\n## And\nmore\n';
  t.equal(handwrittenIn(`# Scale\n\n| a |\n${handwritten}`), handwritten);
  t.equal(handwrittenIn('# Scale\n'), '');
  t.end();
});

for (const [name, turn] of [
  ['the event loop', undefined],
  ['the model', makeTurn()],
] as const)
  t.test(`virtual time by turns of ${name}: each wakes when its time comes`, async (t) => {
    const clock = new VirtualClock(1000, turn);
    const woken: string[] = [];
    const end = new AbortController();
    const sleep = async (name: string, ms: number, signal?: AbortSignal): Promise<void> => {
      await clock.sleep(ms, signal);
      woken.push(`${name} ${clock.now()}`);
    };
    // Reversed, so that the order of the heap is not that of sleeping; a dozen fills three of its levels.
    const many = Array.from({ length: 12 }, (_, i) => sleep(`late${i}`, 1200 - 100 * i));
    const all = [
      sleep('second', 50),
      sleep('third', 50),
      sleep('aborted', 60_000, end.signal),
      sleep('first', 10).then(async () => {
        for (let i = 0; i < 100; i += 1) await undefined;
        woken.push(`settled ${clock.now()}`); // before time goes on
        end.abort();
        await sleep('after', 5);
      }),
      ...many,
    ];
    clock.alarm(40, () => woken.push(`called ${clock.now()}`));
    await Promise.all(all);
    t.strictSame(woken.slice(0, 7), [
      'first 1010',
      'settled 1010',
      'aborted 1010',
      'after 1015',
      'called 1040',
      'second 1050',
      'third 1050',
    ]);
    t.strictSame(
      woken.slice(7),
      Array.from({ length: 12 }, (_, i) => `late${11 - i} ${1100 + 100 * i}`),
    );
  });

t.test('a moment that has passed when the clock is moved wakes on the next turn', async (t) => {
  const clock = new VirtualClock(1000);
  const sleeping = clock.sleep(100);
  clock.advance(500);
  await sleeping;
  t.equal(clock.now(), 1500);
  const again = clock.sleep(100);
  clock.advance(-1000);
  await again;
  t.equal(clock.now(), 1600, 'put back, it gets there nevertheless');
  t.strictSame(await clock.sleep(100, AbortSignal.abort()), undefined);
  t.equal(clock.now(), 1600, 'who has been told to stop does not sleep');
});

const host = Name.parse('mx1.example.com');
const fault: Fault = { zone: host.parent, owner: host, type: 'A' };
const truth = (of: HostTruth): Truth => ({
  kind: 'hosts',
  hosts: new Map([['mx1.example.com.', of]]),
});
const deliver = (...hosts: readonly HostPlan[]): DeliveryPlan => ({
  kind: 'deliver',
  route: { via: 'mx', domain: host.parent, expanded: host.parent, security: { status: 'secure' } },
  hosts,
  surplus: 0,
});
const reachable = { host, preference: 10, addresses: ['192.0.2.1'] };
const noTlsa: HostPlan = { tls: 'opportunistic', ...reachable, why: 'no-tlsa' };
const silent: HostPlan = {
  ...{ tls: 'unreachable', host, preference: 10 },
  ...{ why: 'unreachable', fault, step: 'addresses' },
};
const forged: HostPlan = { ...silent, why: 'signature-invalid' };
const authenticated: HostPlan = {
  ...{ tls: 'authenticate', ...reachable },
  ...{ baseDomain: host, records: [], names: [host], halfDane: false },
};

t.test('each mistake of a plan is told as what it is', async (t) => {
  const cases: readonly (readonly [string, DeliveryPlan, Truth, string])[] = [
    ['as it is', deliver(authenticated), truth('authenticate'), 'right'],
    ['without its TLSA', deliver(noTlsa), truth('authenticate'), 'downgraded'],
    ['with TLSA that nobody proved', deliver(authenticated), truth('insecure-mx'), 'upgraded'],
    ['for another reason', deliver(noTlsa), truth('insecure-mx'), 'other'],
    ['silence', deliver(silent), truth('authenticate'), 'delayed'],
    ['silence as forgery', deliver(forged), truth('authenticate'), 'bogus'],
    ['no hosts', deliver(), truth('no-tlsa'), 'absent'],
    [
      'no address',
      deliver({ tls: 'unreachable', host, preference: 10, why: 'no-address' }),
      truth('no-tlsa'),
      'absent',
    ],
    ['deferred', { kind: 'defer', why: 'unreachable', fault }, truth('no-tlsa'), 'delayed'],
    [
      'refused',
      { kind: 'refused', why: 'no-such-domain', security: { status: 'secure' } },
      truth('no-tlsa'),
      'absent',
    ],
  ];
  for (const [name, plan, expected, verdict] of cases) {
    const judged = judgePlan(plan, expected);
    t.equal(judged.kind === 'wrong' ? judged.mistake : judged.kind, verdict, name);
  }
});

const base = {
  question: { name: host, type: 'A' },
  aliases: [],
  trace: [],
  spent: { queries: 0, bytes: 0, signatures: 0, hashes: 0, milliseconds: 0 },
  expiresAt: 0,
} as const;
const absent = { kind: 'nxdomain', proof: [] } as const;
const OUTCOMES: readonly Outcome[] = [
  { ...base, status: 'secure', answer: absent },
  { ...base, status: 'insecure', answer: absent, reason: 'no-ds-proven' },
  { ...base, status: 'bogus', reason: 'signature-invalid', fault },
  { ...base, status: 'indeterminate', reason: 'unreachable', fault },
];

t.test(
  'of the soak: loss may turn any status into indeterminate, and into nothing else',
  async (t) => {
    for (const { status: expected } of OUTCOMES)
      for (const outcome of OUTCOMES) {
        const asked = {
          kind: 'lookup',
          name: host,
          type: 'A',
          expected,
          rcode: ['NXDOMAIN'],
        } as const;
        const verdict = judgeOutcome(outcome, asked);
        const seen = typeof verdict === 'string' ? verdict : 'wrong';
        const { status } = outcome;
        const due =
          status === expected ? 'right' : status === 'indeterminate' ? 'delayed' : 'wrong';
        t.equal(seen, due, `${expected} seen as ${status}`);
      }
    const asked = { kind: 'lookup', name: host, type: 'A', rcode: ['NOERROR'] } as const;
    const [secure] = OUTCOMES;
    t.ok(secure && typeof judgeOutcome(secure, { ...asked, expected: 'secure' }) !== 'string');
  },
);

t.test(
  'of the soak: what is kept for each question is a leak, what fills at the start is none',
  async (t) => {
    const minutes = (held: (minute: number) => number): Minute[] =>
      Array.from({ length: 30 }, (_, i) => ({
        minute: i + 1,
        questions: 2400,
        statuses: { secure: 0, insecure: 0, bogus: 0, indeterminate: 0 },
        ...{ plans: 0, delayed: 0, wrong: 0, packets: 0, unanswered: 0 },
        ...{ p50Ms: 0, p99Ms: 0, maxMs: 0, rss: 0, events: [] },
        held: held(i + 1),
      }));
    const leaks = (held: (minute: number) => number): boolean => {
      const { slope, allowed } = growthOf(minutes(held));
      return slope > allowed;
    };
    const filling = (minute: number): number => 3e7 * Math.min(1, minute / 10);
    t.notOk(leaks(filling));
    t.notOk(
      leaks((minute) => filling(minute) + (minute % 2) * 200_000),
      'noise',
    );
    t.ok(leaks((minute) => filling(minute) + minute * 2400 * LEAK_OCTETS * 1.1));
  },
);
