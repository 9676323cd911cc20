import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import type { Lookup } from '../../src/dnssec/outcome.ts';
import { limitMx, type MxRate } from '../../src/mta/mx-rate.ts';
import { internet } from '../../src/testing/index.ts';
import { resolverOn } from '../resolver/support.ts';

const NAME = Name.parse('example.com');

/** Two look-ups in each second, and three may wait. */
function limited(rate: Partial<MxRate> = {}) {
  const net = internet({ 'example.com': ['@ MX 10 mx', 'mx A 192.0.2.25'] });
  const { lookup } = resolverOn(net);
  const begun: number[] = [];
  const start = net.clock.now();
  const counted: Lookup = (name, type, options) => {
    begun.push(net.clock.now() - start);
    return lookup(name, type, options);
  };
  const limit = limitMx(counted, { queries: 2, periodMs: 1000, maxQueue: 3, ...rate }, net.clock);
  const ask = () => limit.lookup(NAME, 'MX');
  return { net, begun, ask, ...limit };
}

t.test(
  '+7: so many at once, the next ones later, and those on top of them fail for now',
  async (t) => {
    const { begun, ask, counters } = limited();
    const outcomes = await Promise.all(Array.from({ length: 7 }, ask));
    t.same(
      outcomes.map(({ status }) => status),
      [...Array(5).fill('secure'), 'indeterminate', 'indeterminate'],
    );
    const [sixth] = outcomes.slice(5);
    t.match(sixth, { reason: 'budget-spent', question: { type: 'MX' } });
    // Two in the first second, two in the second, one in the third.
    t.same(begun, [0, 0, 1000, 1000, 2000]);
    t.same(counters(), { immediate: 2, queued: 3, drained: 3, overflow: 2 });
  },
);

t.test('a period begins with the first look-up in it', async (t) => {
  const { net, begun, ask, counters } = limited();
  await ask();
  net.clock.advance(5000);
  await Promise.all([ask(), ask()]);
  t.equal(counters().immediate, 3);
  t.equal(counters().queued, 0);
  t.equal(begun.length, 3);
});

t.test('nobody overtakes those who wait', async (t) => {
  const { net, begun, ask } = limited({ queries: 1 });
  const first = [ask(), ask(), ask()];
  await first[1];
  // The second period has just begun; the third in the line waits for the next one.
  await Promise.all([...first, ask()]);
  t.same(begun, [0, 1000, 2000, 3000]);
  t.ok(net.clock.now() > 0);
});

t.test('other types are not limited, and who leaves the line is told so', async (t) => {
  const { lookup, ask, counters } = limited({ queries: 1 });
  await ask();
  const stop = new AbortController();
  const waiting = lookup(NAME, 'MX', { signal: stop.signal });
  stop.abort(new Error('left'));
  await t.rejects(waiting, { message: 'left' });
  await lookup(NAME, 'A');
  t.equal(counters().queued, 1);
});
