// RFC 9609: the root's servers by its own word, in the background, with the hints to fall back on.
import t from 'tap';
import { alterReply, type Internet, internet, onlyFor, silence } from '../../src/testing/index.ts';
import { records } from './adversarial-support.ts';
import { ask, resolverOn } from './support.ts';

const DAY_MS = 86_400_000;
const [HINTED, OTHER] = ['198.18.8.1', '198.18.8.2'] as const;
/** The hints know one server, the root names another. */
const world = (): Internet => {
  const net = internet({
    '.': { servers: { 'a.root': HINTED, 'b.root': OTHER } },
    'example.com': ['www A 192.0.2.1'],
    'example.net': ['www A 192.0.2.2'],
    'example.org': ['www A 192.0.2.3'],
  });
  return net.amend(
    '.',
    onlyFor(
      { types: ['NS'] },
      alterReply((reply) => ({
        ...reply,
        answer: records('. NS b.root.'),
        additional: records(`b.root. A ${OTHER}`),
      })),
    ),
  );
};
const HINTS = {
  priming: 'on',
  hints: [
    { host: records('. NS a.root.')[0]?.owner ?? never(), addresses: [{ ip: HINTED, port: 53 }] },
  ],
} as const;
function never(): never {
  throw new RangeError('no record');
}
const rootQueries = (net: Internet, type: string): readonly string[] =>
  net.log.filter((one) => one.name.isRoot && one.type === type).map(({ server }) => server);

t.test('beside the first question, once, and it costs that one nothing', async (t) => {
  const net = world();
  const resolver = resolverOn(net, HINTS);
  const began = net.clock.now();
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'secure 192.0.2.1');
  t.equal(net.clock.now() - began, 30, 'three rounds of ten milliseconds, as without');
  t.equal(net.log.length, 6 + 1);
  t.same(rootQueries(net, 'NS'), [HINTED]);
  t.equal(await ask(resolver, 'www.example.net', 'A'), 'secure 192.0.2.2');
  t.same(rootQueries(net, 'NS'), [HINTED], 'once');
  t.equal(
    net.log.findLast(({ zone }) => zone?.isRoot)?.server,
    OTHER,
    'and the servers that it named are asked',
  );
});

t.test('again when the set expires, from the hints', async (t) => {
  const net = world();
  const resolver = resolverOn(net, HINTS);
  await ask(resolver, 'www.example.com', 'A');
  net.clock.advance(DAY_MS + 1000);
  await ask(resolver, 'www.example.net', 'A');
  t.same(rootQueries(net, 'NS'), [HINTED, HINTED]);
});

t.test('a clock that is put back gives what was named no more time', async (t) => {
  const net = world();
  const resolver = resolverOn(net, HINTS);
  await ask(resolver, 'www.example.com', 'A');
  net.clock.advance(-365 * DAY_MS); // it would hold for a year and a day
  const began = net.log.length;
  await ask(resolver, 'www.example.net', 'A');
  const asked = net.log.slice(began).filter(({ zone }) => zone?.isRoot);
  t.equal(asked.find(({ type }) => type !== 'NS')?.server, HINTED, 'the hints are asked');
  t.same(rootQueries(net, 'NS'), [HINTED, HINTED], 'and the root for its servers, at once');
});

t.test('where it fails the hints go on', async (t) => {
  const net = world().amend('.', onlyFor({ types: ['NS'] }, silence()));
  const resolver = resolverOn(net, HINTS);
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'secure 192.0.2.1');
  t.equal(await ask(resolver, 'www.example.net', 'A'), 'secure 192.0.2.2');
});

t.test('servers that it named and that are dead are given up for the hints', async (t) => {
  const net = world();
  const resolver = resolverOn(net, HINTS);
  t.equal(await ask(resolver, 'www.example.com', 'A'), 'secure 192.0.2.1');
  net.amend('.', onlyFor({ server: OTHER }, silence()));
  await ask(resolver, 'www.example.net', 'A');
  t.equal(await ask(resolver, 'www.example.org', 'A'), 'secure 192.0.2.3');
});

t.test('neither for forwarders nor where it is off', async (t) => {
  const off = world();
  await ask(resolverOn(off, { ...HINTS, priming: 'off' }), 'www.example.com', 'A');
  t.same(rootQueries(off, 'NS'), []);
  const forwarded = world();
  await ask(
    resolverOn(forwarded, { priming: 'on', forward: [forwarded.forwarder] }),
    'www.example.com',
    'A',
  );
  t.same(rootQueries(forwarded, 'NS'), []);
});
