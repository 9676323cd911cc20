/**
 * Rollovers by RFC 7671 section 8: for each state of zone and server, which steps may be taken, and why the others not.
 */
import t from 'tap';
import {
  type Action,
  type Chain,
  planRollover,
  type RolloverFacts,
  type ServerView,
} from '../../src/dane/rollover-plan.ts';
import { printTlsa, type Tlsa } from '../../src/dane/tlsa.ts';
import { type Combination, makeTlsa } from '../../src/dane/tlsa-make.ts';
import { Name } from '../../src/dns/name.ts';
import { type IssuedCertificate, issue, issueChain } from '../../src/testing/certificates.ts';
import { type Credential, readCredentials } from '../../src/tls/pem.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const HOUR_MS = 3_600_000;
const TTL = 3600;

function chainOf(...certificates: readonly IssuedCertificate[]): Chain {
  const read = readCredentials(Buffer.from(certificates.map(({ pem }) => pem).join('')));
  if (read.kind === 'unreadable') throw new Error(read.why);
  return read.list;
}
const one = chainOf(...issueChain(['mx.example.com']));
const two = chainOf(...issueChain(['mx.example.com']));

const numbers = (text: string): Combination => {
  const [usage = 0, selector = 0, matchingType = 0] = text.split(' ').map(Number);
  return { usage, selector, matchingType };
};
function record(chain: Chain, text: string): Tlsa {
  const combination = numbers(text);
  const subject: Credential | undefined = combination.usage % 2 === 0 ? chain.at(-1) : chain[0];
  const made = subject && makeTlsa(subject, combination);
  if (!made) throw new RangeError(text);
  return made;
}
const server = (name: string, ...records: readonly Tlsa[]): ServerView => ({
  server: name,
  answer:
    records.length === 0
      ? { kind: 'none' }
      : { kind: 'records', records, ttl: TTL, signedUntil: NOW + 100 * HOUR_MS },
});
const facts = (more: Partial<RolloverFacts>): RolloverFacts => ({
  host: Name.parse('mx.example.com'),
  servers: [],
  current: one,
  next: two,
  live: 'current',
  now: NOW,
  ...more,
});
const [OLD, NEW] = [record(one, '3 1 1'), record(two, '3 1 1')];

/** What each step comes to, in short. */
const states = (given: Partial<RolloverFacts>): string =>
  planRollover(facts(given))
    .steps.map(({ state }) => state)
    .join(' ');
function refusal(action: Action, given: Partial<RolloverFacts>): string {
  const step = planRollover(facts(given)).steps.find((one) => one.action === action);
  return step?.refused.join('; ') ?? '';
}

t.test(
  'RFC 7671 section 8.1: the next record is published first, beside the current one',
  async (t) => {
    const given = { servers: [server('ns1', OLD), server('ns2', OLD)] };
    const plan = planRollover(facts(given));
    t.strictSame(plan.transitional.map(printTlsa), [OLD, NEW].map(printTlsa));
    t.strictSame(plan.final.map(printTlsa), [printTlsa(NEW)]);
    t.equal(plan.waitSeconds, 2 * TTL, 'two TTLs');
    t.strictSame(plan.problems, []);
    t.equal(states(given), 'allowed refused refused');
  },
);

t.test(
  'the next chain before its record is at every server: refused, with the server',
  async (t) => {
    const since = NOW - 10 * HOUR_MS;
    const servers = [server('ns1', OLD, NEW), server('ns2', OLD)];
    t.equal(refusal('deploy', { servers, since }), `ns2 has no record ${printTlsa(NEW)} yet`);
    const silent: ServerView = { server: 'ns3', answer: { kind: 'failed', why: 'no answer' } };
    const deaf = { servers: [server('ns1', OLD, NEW), silent], since };
    t.equal(refusal('deploy', deaf), 'ns3 cannot be asked: no answer');
    t.strictSame(planRollover(facts(deaf)).problems, ['ns3: no answer']);
    t.match(refusal('deploy', { since }), /no server of the zone/);
  },
);

t.test('the next chain before two TTLs have passed: refused until then', async (t) => {
  const servers = [server('ns1', OLD, NEW), server('ns2', NEW, OLD)];
  t.equal(states({ servers }), 'done refused refused');
  t.match(refusal('deploy', { servers }), /come back with --since 2026-11-30T12:00Z$/);
  const early = { servers, since: NOW - 2 * HOUR_MS + 1 };
  t.match(refusal('deploy', early), /caches may hold older records until 2026-11-30T12:01Z/);
  t.equal(states({ servers, since: NOW - 2 * HOUR_MS }), 'done allowed refused');
  // Caches hold what was there before with the TTL that it had.
  const longer = { servers, since: NOW - 2 * HOUR_MS, longestTtl: 2 * TTL };
  t.match(refusal('deploy', longer), /until 2026-11-30T14:00Z/);
});

t.test('the longest TTL of any server counts', async (t) => {
  const slow: ServerView = {
    server: 'ns2',
    answer: { kind: 'records', records: [OLD], ttl: 86_400, signedUntil: NOW },
  };
  t.equal(planRollover(facts({ servers: [server('ns1', OLD), slow] })).waitSeconds, 2 * 86_400);
});

t.test('the current record goes only when every address shows the next chain', async (t) => {
  const servers = [server('ns1', OLD, NEW)];
  const cases = {
    current: /still shows the current certificate/,
    mixed: /not every address of the server shows the next/,
    other: /neither the current nor the next/,
    unknown: /not known which certificate/,
  } as const;
  for (const [live, why] of Object.entries(cases))
    t.match(refusal('remove', { servers, live: live as keyof typeof cases }), why); // keys of the table above
  t.equal(states({ servers, live: 'next' }), 'done done allowed');
  t.equal(states({ servers: [server('ns1', NEW)], live: 'next' }), 'done done done');
  // Else there would be nothing that matches.
  t.match(refusal('remove', { servers: [server('ns1', OLD)], live: 'next' }), /ns1 has no record/);
});

t.test('a combination that the live chain does not match is told as broken today', async (t) => {
  const { problems } = planRollover(facts({ servers: [server('ns1', NEW)] }));
  t.strictSame(problems, ['ns1: no record 3 1 1 matches the certificate that the server shows']);
  // RFC 7671 section 8: each combination must match on its own.
  const half = { servers: [server('ns1', OLD, record(two, '3 1 2'))] };
  t.strictSame(planRollover(facts(half)).problems, [
    'ns1: no record 3 1 2 matches the certificate that the server shows',
  ]);
  const mended = planRollover(facts(half)).transitional.map(printTlsa);
  t.ok(mended.includes(printTlsa(record(one, '3 1 2'))), 'publishing mends it');
  const late = planRollover(facts({ servers: [server('ns1', OLD)], live: 'next' }));
  t.match(late.problems[0], /^ns1: no record 3 1 1 matches/);
  t.match(refusal('publish', { servers: [server('ns1', OLD)], live: 'other' }), /right files\?$/);
});

t.test(
  'RFC 7671 section 8.2: DANE-TA comes with the next chain in place, and not before',
  async (t) => {
    const target = [numbers('2 0 1')];
    const servers = [server('ns1', OLD)];
    const plan = planRollover(facts({ servers, target }));
    t.strictSame(plan.transitional.map(printTlsa), [OLD, NEW].map(printTlsa), 'two of 3 1 1');
    t.strictSame(plan.final.map(printTlsa), [printTlsa(record(two, '2 0 1'))]);
    const done = { servers: [server('ns1', OLD, NEW)], target, live: 'next' } as const;
    t.equal(states(done), 'done done allowed');
  },
);

t.test('RFC 7671 section 8.3: every combination gets a record of the next key', async (t) => {
  const servers = [server('ns1', OLD, record(one, '3 1 2'))];
  const { transitional, final } = planRollover(facts({ servers }));
  const all = [OLD, record(one, '3 1 2'), NEW, record(two, '3 1 2')];
  t.strictSame(transitional.map(printTlsa), all.map(printTlsa));
  t.strictSame(final.map(printTlsa), [NEW, record(two, '3 1 2')].map(printTlsa));
});

t.test(
  'a renewal that keeps the key, or the authority, changes no record and waits for nothing',
  async (t) => {
    const [leaf, ...above] = issueChain(['mx.example.com']);
    const renewed = issue({ subject: 'mx', names: ['mx.example.com'], keyOf: leaf }, above[0]);
    const key = { current: chainOf(leaf), next: chainOf(renewed) };
    const servers = [server('ns1', record(key.current, '3 1 1'))];
    t.equal(states({ ...key, servers }), 'done allowed refused');
    t.equal(planRollover(facts({ ...key, servers })).waitSeconds, 0);
    const other = issue({ subject: 'mx', names: ['mx.example.com'] }, above[0]);
    const authority = { current: chainOf(leaf, ...above), next: chainOf(other, ...above) };
    const anchored = [server('ns1', record(authority.current, '2 0 1'))];
    t.equal(states({ ...authority, servers: anchored }), 'done allowed refused');
    // With 3 0 1 the same renewal is a rollover.
    const whole = [server('ns1', record(key.current, '3 0 1'))];
    t.equal(states({ ...key, servers: whole }), 'allowed refused refused');
  },
);

t.test('the first records are of both, and 3 1 1', async (t) => {
  const servers = [server('ns1')];
  const { transitional, problems } = planRollover(facts({ servers }));
  t.strictSame(transitional.map(printTlsa), [OLD, NEW].map(printTlsa));
  t.strictSame(problems, [], 'none is not wrong');
  t.equal(states({ servers }), 'allowed refused refused');
});

t.test('what cannot be made of what was given stops every step', async (t) => {
  const key: Chain = [{ kind: 'key', spki: issue({}).spki }];
  const given = { servers: [server('ns1', record(one, '3 0 1'))], next: key };
  t.equal(states(given), 'refused refused refused');
  t.match(refusal('publish', given), /no record 3 0 1 can be made/);
  const alone = { servers: [server('ns1', record(one, '2 0 1'))], next: two.slice(0, 1) };
  t.match(refusal('publish', alone), /no record 2 0 1 can be made/);
});

t.test('an authority that clients cannot reach from the next certificate stops it', async (t) => {
  const [leaf, ...above] = issueChain(['mx.example.com']);
  const current = chainOf(leaf, ...above);
  const servers = [server('ns1', record(current, '2 0 1'))];
  const why = (next: Chain): string => refusal('deploy', { current, next, servers });
  const [stranger] = issueChain(['mx.example.com']);
  t.match(why(chainOf(stranger, ...above)), /under 2 0 1: .*do not make a path/);
  const other = issue({ names: ['mail.example.net'] }, above[0]);
  t.match(why(chainOf(other, ...above)), /under 2 0 1: .*holds no name of the mail server/);
  const ended = issue({ names: ['mx.example.com'], notAfter: NOW - HOUR_MS }, above[0]);
  t.match(why(chainOf(ended, ...above)), /under 2 0 1: .*has expired/);
  const good = issue({ names: ['mx.example.com'] }, above[0]);
  t.equal(why(chainOf(good, ...above)), '');
});

t.test(
  'that records match both certificates is enough only if no others came before',
  async (t) => {
    const [leaf, ...above] = issueChain(['mx.example.com']);
    const renewed = issue({ names: ['mx.example.com'], keyOf: leaf }, above[0]);
    const [current, next] = [chainOf(leaf), chainOf(renewed)];
    const servers = [server('ns1', record(current, '3 1 1'))];
    const deploy = planRollover(facts({ current, next, servers })).steps[1];
    t.match(deploy, { action: 'deploy', state: 'allowed', provided: /the same two TTLs ago/ });
    // Caches may hold a 3 0 1 of the current certificate, which was replaced an hour ago.
    const young = { current, next, servers, since: NOW - HOUR_MS };
    t.match(refusal('deploy', young), /caches may hold older records until/);
    t.equal(states({ ...young, since: NOW - 2 * HOUR_MS }), 'done allowed refused');
  },
);
