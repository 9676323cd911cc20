// What a forger off the path has to guess, and what the resolver does where somebody has guessed wrong: rows 120 and 124 to
// 127 of adversarial.md. Rows 116, 124 and 128 on real sockets are in udp-tcp.test.ts.
import t from 'tap';
import { cookieOf } from '../../src/dns/edns.ts';
import { Name } from '../../src/dns/name.ts';
import type { Resolver } from '../../src/resolver/resolver.ts';
import {
  type Amendment,
  answerWith,
  cookies,
  type Internet,
  internet,
  leaveOutCookie,
  leaveOutEdns,
  lowerCase,
  onlyFor,
  precededBy,
  type Request,
  times,
  truncate,
  unreachable,
  watch,
  wrongCookie,
  wrongId,
  wrongQuestion,
} from '../../src/testing/index.ts';
import { ask, resolverOn, show } from './support.ts';

const QUARTER_MS = 15 * 60_000;

/** A resolver that knows the zone's servers and keys, and the questions that they get from then on. */
async function warm(
  ...amendments: readonly Amendment[]
): Promise<{ net: Internet; resolver: Resolver; seen: Request[]; overTcp: () => number }> {
  const hosts = Array.from({ length: 9 }, (_, i) => `h${i} A 192.0.2.${i}`);
  const net = internet({ 'example.com': hosts });
  const resolver = resolverOn(net);
  t.equal(await ask(resolver, 'h0.example.com', 'A'), 'secure 192.0.2.0');
  const seen: Request[] = [];
  net.amend(
    'example.com',
    watch((request) => seen.push(request)),
    ...amendments,
  );
  return { net, resolver, seen, overTcp: () => seen.filter(({ over }) => over === 'tcp').length };
}
const udpOnly = (amendment: Amendment): Amendment => onlyFor({ over: 'udp' }, amendment);
const paths = (seen: readonly Request[]): string => seen.map(({ over }) => over).join(' ');

t.test('row 120: an error over UDP leads to TCP and leaves no mark', async (t) => {
  for (const rcode of ['FORMERR', 'NOTIMP'] as const) {
    const { resolver, seen } = await warm(times(1, precededBy(answerWith(rcode))));
    t.equal(await ask(resolver, 'h1.example.com', 'A'), 'secure 192.0.2.1', rcode);
    t.equal(paths(seen), 'udp tcp');
    t.equal(await ask(resolver, 'h2.example.com', 'A'), 'secure 192.0.2.2');
    t.equal(paths(seen), 'udp tcp udp');
    t.ok(seen.every(({ query }) => query.edns?.dnssecOk));
  }
});

t.test('row 120: so does a reply without EDNS', async (t) => {
  const { resolver, seen } = await warm(times(1, precededBy(leaveOutEdns())));
  for (const i of [1, 2])
    t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
  t.equal(paths(seen), 'udp tcp udp');
  t.ok(seen.every(({ query }) => query.edns?.dnssecOk));
});

t.test(
  'row 120: a server that answers without EDNS over TCP, too, need not say so each time',
  async (t) => {
    const { net, resolver, seen } = await warm(leaveOutEdns());
    for (const i of [1, 2])
      t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
    t.equal(paths(seen), 'udp tcp udp');
    t.ok(
      seen.every(({ query }) => query.edns?.dnssecOk),
      'it is sent EDNS all the same',
    );
    net.clock.advance(QUARTER_MS);
    await ask(resolver, 'h3.example.com', 'A');
    t.equal(paths(seen), 'udp tcp udp udp tcp', 'but after a quarter of an hour');
  },
);

t.test('row 120: nor must it speak TCP', async (t) => {
  const { resolver } = await warm(leaveOutEdns(), onlyFor({ over: 'tcp' }, unreachable()));
  for (const i of [1, 2])
    t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
});

t.test('row 124: a wrong id, name, type or class leads to TCP at once', async (t) => {
  for (const wrong of [wrongId(), ...(['name', 'type', 'class'] as const).map(wrongQuestion)]) {
    const { resolver, seen } = await warm(times(1, precededBy(wrong)));
    for (const i of [1, 2])
      t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
    t.equal(paths(seen), 'udp tcp udp');
  }
});

t.test('row 125: the letter case is drawn for each query, and nobody above sees it', async (t) => {
  const { resolver, seen } = await warm();
  const name = Name.parse('h1.ExamPLE.com');
  const outcome = await resolver.lookup(name, 'A');
  t.equal(show(outcome), 'secure 192.0.2.1');
  for (let i = 2; i < 9; i += 1) await ask(resolver, `h${i}.example.com`, 'A');
  const zones = seen.map(({ question }) => question.name.parent.toString());
  // Ten letters: that two of the eight are alike has a probability of 28 / 1024 for a good generator; this one is seeded.
  t.ok(new Set(zones).size >= 7, zones.join());
  t.ok(seen.every(({ over }) => over === 'udp'));
  if (outcome.status === 'secure' && outcome.answer.kind === 'records')
    t.equal(outcome.answer.rrset.owner.toString(), 'h1.ExamPLE.com.');
  else t.fail('no records');
});

t.test('row 125: a changed case over UDP leads to TCP, each time', async (t) => {
  const { resolver, seen } = await warm(udpOnly(lowerCase()));
  for (const i of [1, 2])
    t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
  t.equal(paths(seen), 'udp tcp udp tcp');
  const [udp, tcp] = seen.map(({ question }) => question.name.toString());
  t.equal(udp, tcp, 'TCP is asked in the same case, so that a server which changes it cannot hide');
});

t.test('row 125: it is given up where TCP changes it, too, and for that server only', async (t) => {
  const { net, resolver, seen } = await warm(lowerCase());
  for (const i of [1, 2, 3])
    t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
  t.equal(paths(seen), 'udp tcp udp udp');
  net.clock.advance(QUARTER_MS);
  await ask(resolver, 'h4.example.com', 'A');
  t.equal(paths(seen), 'udp tcp udp udp udp tcp', 'and for a quarter of an hour only');
});

const cookiesIn = (seen: readonly Request[]) => seen.map(({ query }) => cookieOf(query.edns));
const hex = (octets: Uint8Array | undefined): string => Buffer.from(octets ?? []).toString('hex');

t.test(
  'RFC 7873 section 5.1: a server that has none is never sent the same one twice',
  async (t) => {
    const { resolver, seen } = await warm();
    for (const i of [1, 2, 3]) await ask(resolver, `h${i}.example.com`, 'A');
    const sent = cookiesIn(seen);
    t.ok(sent.every((cookie) => cookie && !cookie.server));
    t.equal(new Set(sent.map((cookie) => hex(cookie?.client))).size, 3);
  },
);

t.test('RFC 7873 section 5.1: a server’s cookie is sent back, for a day', async (t) => {
  const { net, resolver, seen } = await warm(cookies());
  for (const i of [1, 2, 3]) await ask(resolver, `h${i}.example.com`, 'A');
  const [first, second, third] = cookiesIn(seen);
  t.equal(first?.server, undefined);
  t.equal(hex(second?.server), '5c'.repeat(16));
  t.same(third, second);
  t.equal(hex(first?.client), hex(second?.client));
  t.equal(paths(seen), 'udp udp udp');
  net.clock.advance(86_400_000);
  await ask(resolver, 'h4.example.com', 'A');
  t.equal(cookiesIn(seen).at(-1)?.server, undefined);
  t.not(hex(cookiesIn(seen).at(-1)?.client), hex(first?.client));
});

t.test('row 126: a wrong client cookie leads to TCP', async (t) => {
  const { resolver, seen } = await warm(cookies(), times(1, precededBy(wrongCookie())));
  for (const i of [1, 2])
    t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
  t.equal(paths(seen), 'udp tcp udp');
});

t.test('row 126: none from a server that sent one before leads to TCP', async (t) => {
  const { net, resolver, seen } = await warm(cookies());
  await ask(resolver, 'h1.example.com', 'A');
  net.amend('example.com', udpOnly(leaveOutCookie()));
  for (const i of [2, 3])
    t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
  t.equal(paths(seen), 'udp udp tcp udp tcp', 'each time, for TCP shows that the server has them');
});

t.test('row 126: a server that has none over TCP either has given them up', async (t) => {
  const { net, resolver, seen } = await warm(cookies());
  await ask(resolver, 'h1.example.com', 'A');
  net.amend('example.com', leaveOutCookie());
  for (const i of [2, 3])
    t.equal(await ask(resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
  t.equal(paths(seen), 'udp udp tcp udp');
  t.equal(cookiesIn(seen).at(-1), undefined, 'and is sent none for a quarter of an hour');
});

t.test('row 126: an error with a cookie missing is no error of the server’s', async (t) => {
  const { net, resolver, seen } = await warm(cookies());
  await ask(resolver, 'h1.example.com', 'A');
  for (const rcode of ['SERVFAIL', 'REFUSED', 'NXDOMAIN'] as const) {
    const i = seen.length;
    const forged = precededBy({
      reply: (replies, request) => {
        const failed = answerWith(rcode).reply?.(replies, request) ?? replies;
        return leaveOutCookie().reply?.(failed, request) ?? failed;
      },
    });
    net.amend('example.com', times(1, forged));
    t.equal(await ask(resolver, `h${i + 1}.example.com`, 'A'), `secure 192.0.2.${i + 1}`, rcode);
    t.match(paths(seen), /udp tcp$/);
  }
});

t.test(
  'RFC 7873 section 5.3: BADCOOKIE is met with the new cookie once, then with TCP',
  async (t) => {
    const demanding = await warm(cookies('required'));
    for (const i of [1, 2])
      t.equal(await ask(demanding.resolver, `h${i}.example.com`, 'A'), `secure 192.0.2.${i}`);
    t.equal(paths(demanding.seen), 'udp udp udp');
    const inconsistent = await warm(cookies('never-right'));
    t.equal(await ask(inconsistent.resolver, 'h1.example.com', 'A'), 'secure 192.0.2.1');
    t.equal(paths(inconsistent.seen), 'udp udp tcp');
    const forged = await warm(precededBy(times(1, udpOnly(answerWith('BADCOOKIE')))));
    t.equal(await ask(forged.resolver, 'h1.example.com', 'A'), 'secure 192.0.2.1');
    t.equal(paths(forged.seen), 'udp tcp', 'without a cookie of ours it is nobody’s word');
  },
);

t.test('row 127: 1232 octets are offered; what is longer comes over TCP', async (t) => {
  const { resolver, seen } = await warm(truncate());
  t.equal(await ask(resolver, 'h1.example.com', 'A'), 'secure 192.0.2.1');
  t.equal(paths(seen), 'udp tcp');
  t.equal(seen[0]?.query.edns?.udpSize, 1232);
});
