// The simulation at scale in its short form, and the parts of the soak that judge: what loss may change, and what a leak is.
import t from 'tap';
import { runModel } from '../../scripts/scale/run.ts';
import { type HostTruth, judgePlan, type Truth } from '../../scripts/scale/truth.ts';
import { growthOf, judgeOutcome, LEAK_OCTETS, type Minute } from '../../scripts/soak/verdict.ts';
import type { DeliveryPlan, HostPlan } from '../../src/dane/plan.ts';
import { Name } from '../../src/dns/name.ts';
import type { Fault, Outcome } from '../../src/dnssec/outcome.ts';

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
  ...{ baseDomain: host, records: [], names: [host] },
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
