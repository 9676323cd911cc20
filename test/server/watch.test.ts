/**
 * What the daemon counts and tells: once each, so many at a time, in lines that no stranger can break; and an alarm when
 * nothing can be proved any more.
 */
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import type { Lookup, Outcome } from '../../src/dnssec/outcome.ts';
import type { BogusReason } from '../../src/dnssec/reason.ts';
import { logfmt } from '../../src/server/logfmt.ts';
import { Watch } from '../../src/server/watch.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { corruptSignatures, internet } from '../../src/testing/index.ts';
import { resolverOn } from '../resolver/support.ts';

const zones = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [`z${i}.com`, ['www A 192.0.2.1']]),
);
const net = internet({ ...zones, 'good.net': ['www A 192.0.2.2'] });
for (const zone of Object.keys(zones)) net.amend(zone, corruptSignatures('A'));
const { lookup } = resolverOn(net);
const bogus = await lookup(Name.parse('www.z0.com'), 'A');
const secure = await lookup(Name.parse('www.good.net'), 'A');

interface Watched {
  readonly clock: VirtualClock;
  readonly watch: Watch;
  readonly lines: string[];
  /** As if this had come from the network. */
  take(outcome: Outcome): Promise<void>;
}

function watched(): Watched {
  const clock = new VirtualClock(0);
  const lines: string[] = [];
  const watch = new Watch({ clock, tell: (line) => lines.push(line) });
  const take = async (outcome: Outcome): Promise<void> => {
    const one: Lookup = watch.watch(async () => outcome);
    await one(outcome.question.name, outcome.question.type);
  };
  return { clock, watch, lines, take };
}

function brokenAs(name: string, reason: BogusReason, zone = name): Outcome {
  if (bogus.status !== 'bogus') throw new Error(bogus.status);
  const fault = { ...bogus.fault, zone: Name.parse(zone), detail: undefined };
  const { detail: _, ...plain } = fault;
  return { ...bogus, question: { name: Name.parse(name), type: 'A' }, reason, fault: plain };
}

t.test('a flood of failures is told in so many lines, and the rest is counted', async (t) => {
  const { clock, lines, take } = watched();
  for (let i = 0; i < 500; i += 1)
    await take(brokenAs(`n${i}.example`, 'signature-invalid', 'example.com'));
  t.equal(lines.length, 20);
  clock.advance(1000);
  await take(brokenAs('later.example', 'signature-invalid', 'example.com'));
  t.equal(lines.length, 21);
  t.match(lines[20], /name=later\.example\. .* unsaid=480$/);
  clock.advance(59_000);
  await take(brokenAs('later.example', 'signature-invalid', 'example.com'));
  t.equal(lines.length, 21, 'the same one not within a minute');
  clock.advance(1000);
  await take(brokenAs('later.example', 'signature-invalid', 'example.com'));
  t.equal(lines.length, 22);
});

t.test('ten zones bogus and nothing proved: an alarm with its likely cause', async (t) => {
  const causes: [BogusReason, RegExp][] = [
    ['signature-expired', /clock/],
    ['anchor-outdated', /trust anchors/],
    ['rrsigs-missing', /removes signatures/],
    ['signature-invalid', /forged/],
  ];
  for (const [reason, cause] of causes) {
    const { watch, lines, take } = watched();
    for (let i = 0; i < 9; i += 1) await take(brokenAs(`z${i}.example`, reason));
    for (let i = 0; i < 9; i += 1) await take(brokenAs('z0.example', reason));
    t.equal(watch.health.kind, 'fine', 'nine zones, however often');
    await take(brokenAs('z9.example', reason));
    t.equal(watch.health.kind, 'all-bogus');
    t.match(lines.at(-1), /^event=alarm what="nothing can be proved" likely=/);
    t.match(lines.at(-1), cause);
    await take({ ...secure, spent: { ...secure.spent, queries: 0 } });
    t.equal(watch.health.kind, 'all-bogus', 'what the cache still has proves nothing');
    await take(secure);
    t.equal(watch.health.kind, 'fine');
    t.equal(lines.at(-1), 'event=alarm-over');
  }
  const { watch, take } = watched();
  for (let i = 0; i < 10; i += 1)
    await take(brokenAs(`n${i}.one.example`, 'signature-invalid', 'one.example'));
  t.equal(watch.health.kind, 'fine', 'one zone with many names');
  for (let i = 0; i < 10; i += 1)
    await take(brokenAs(`n${i}.one.example`, 'signature-expired', '.'));
  t.equal(watch.health.kind, 'all-bogus', 'the root itself');
});

t.test('no text of a stranger breaks a line or adds a key', (t) => {
  const line = logfmt({ event: 'failed', name: 'a"b\nevent=alarm \u2028\u0085x', ede: 6 });
  t.equal(line, 'event=failed name="a\\"b\\nevent=alarm \\u2028\\u0085x" ede=6');
  t.ok(logfmt({ why: 'x'.repeat(10_000) }).length < 400);
  t.end();
});
