// The resolver against attackers: what they forge is never believed, costs no more than the limits, and is forgotten
// when they leave. First the holes that were found, one scenario each; then an attacker who changes whatever the dice say.
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name, ROOT } from '../../src/dns/name.ts';
import type { Resolver } from '../../src/resolver/resolver.ts';
import {
  type Internet,
  internet,
  onlyFor,
  stripDnssec,
  times,
  type Zones,
} from '../../src/testing/index.ts';
import { readLines } from '../../src/testing/zone.ts';
import { runCase } from './cases.ts';
import { ask, resolverOn, show } from './support.ts';

/** A name server of the attacker's. It stays when he has left the path. */
const LIAR = '198.18.66.6';
const ZONES: Zones = {
  'example.com': ['www A 192.0.2.1', '_25._tcp.mx TLSA 3 1 1 00ff'],
  'evil.net': { records: ['x A 192.0.2.66'], servers: { 'ns.evil.net': LIAR } },
};

interface Seen {
  readonly name: string;
  readonly type: RRType;
}
type Forge = (seen: Seen, message: Message) => Message | undefined;

const empty = (message: Message): Message => ({
  ...message,
  rcode: 'NOERROR',
  authoritative: false,
  answer: [],
  authority: [],
  additional: [],
});
const referral = (message: Message, ...lines: readonly string[]): Message => ({
  ...empty(message),
  authority: readLines(lines, ROOT),
});

/** A resolver behind a path that the attacker leaves when `stop` is called. */
function underAttack(net: Internet, forge: Forge): { resolver: Resolver; stop: () => void } {
  let isOnPath = true;
  const { clock, random } = net;
  const resolver = resolverOn(net, {
    environment: {
      clock,
      random,
      transport: {
        exchange: async (to, query, how) => {
          const delivery = await net.transport.exchange(to, query, how);
          const reply = delivery.kind === 'reply' ? parseMessage(delivery.bytes) : undefined;
          const [question] = reply?.kind === 'message' ? reply.message.questions : [];
          if (reply?.kind !== 'message' || !question) return delivery;
          const seen: Seen = { name: question.name.canonical.toString(), type: question.type };
          const isHisOwn = question.name.isAtOrBelow(Name.parse('evil.net'));
          const nothing = { ...empty(reply.message), authoritative: true };
          const forged =
            to.ip === LIAR && !isHisOwn ? nothing : isOnPath && forge(seen, reply.message);
          return forged ? { kind: 'reply', bytes: writeMessage(forged) } : delivery;
        },
      },
    },
  });
  return {
    resolver,
    stop: () => {
      isOnPath = false;
    },
  };
}

type Asked = readonly [name: string, type: RRType, when?: 'if-signed'];
const WWW: Asked = ['www.example.com', 'A'];
const NS = '86400 NS ns.evil.net.';
const DAY_LONG: readonly {
  readonly claim: string;
  readonly zones?: Zones;
  readonly forge: Forge;
  readonly ask?: Asked;
}[] = [
  {
    claim: 'a referral to a name that is no cut',
    forge: ({ name, type }, message) =>
      name === 'www.example.com.' && type === 'A'
        ? referral(message, `www.example.com. ${NS}`)
        : undefined,
  },
  {
    claim: 'a referral from the root for a whole top-level domain',
    forge: ({ name, type }, message) =>
      name === 'com.' && type === 'A' ? referral(message, `com. ${NS}`) : undefined,
  },
  {
    claim: 'a referral with more servers than answer',
    forge: ({ name, type }, message) =>
      name === 'example.com.' && type === 'A'
        ? referral(message, `example.com. ${NS}`, 'example.com. 86400 NS ns9.evil.net.')
        : undefined,
  },
  {
    claim: 'a referral that only a question for signed zones meets',
    forge: ({ type }, message) =>
      type === 'TLSA' ? referral(message, `_tcp.mx.example.com. ${NS}`) : undefined,
    ask: ['_25._tcp.mx.example.com', 'TLSA', 'if-signed'],
  },
  {
    claim: 'the address of a name server without glue',
    zones: {
      'example.com': { records: ['www A 192.0.2.1'], servers: { 'dns.host.net': '198.18.77.1' } },
      'host.net': [],
      'evil.net': ZONES['evil.net'] ?? [],
    },
    forge: ({ name, type }, message) =>
      name === 'dns.host.net.' && type === 'A'
        ? {
            ...empty(message),
            authoritative: true,
            answer: readLines([`dns.host.net. 86400 A ${LIAR}`], ROOT),
          }
        : undefined,
  },
  {
    claim: 'a referral on the way to the address of a name server without glue',
    zones: {
      'example.com': { records: ['www A 192.0.2.1'], servers: { 'dns.host.net': '198.18.77.1' } },
      'host.net': [],
      'evil.net': ZONES['evil.net'] ?? [],
    },
    forge: ({ name, type }, message) =>
      name === 'host.net.' && type === 'A' ? referral(message, `host.net. ${NS}`) : undefined,
  },
];

t.test('what one forged packet did ends with the memory of failures', async (t) => {
  for (const { claim, zones = ZONES, forge, ask: how = WWW } of DAY_LONG) {
    const net = internet(zones);
    const { resolver, stop } = underAttack(net, forge);
    const [name, type, when = 'always'] = how;
    const lookup = async (): Promise<string> =>
      show(await resolver.lookup(Name.parse(name), type, { ask: when }));
    t.match(await lookup(), /^(bogus|indeterminate)/, `${claim}: it fails`);
    stop();
    net.clock.advance(61_000);
    const isRight = t.match(await lookup(), /^secure/, `${claim}: a minute later it does not`);
    if (!isRight) t.comment(net.transcript());
  }
});

t.test('a failure of a zone is remembered no longer for the names below it', async (t) => {
  const strip = onlyFor({ types: ['DNSKEY'] }, times(1, stripDnssec()));
  const net = internet(ZONES).amend('.', strip);
  const resolver = resolverOn(net);
  t.match(await ask(resolver, 'net', 'A'), /^bogus/, 'the root has no keys');
  net.clock.advance(59_000);
  t.match(await ask(resolver, 'com', 'A'), /^bogus/, 'remembered');
  net.clock.advance(2_000);
  t.equal(await ask(resolver, 'com', 'A'), 'secure nodata', 'and not for a minute more');
});

t.test('who joins the work of a later question does not wait for its deadline', async (t) => {
  const hosts = (zone: string, third: number) =>
    Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [
        `ns${i}.${zone}`,
        [2 * i + 1, 2 * i + 2].map((last) => `198.18.${third}.${last}`),
      ]),
    );
  const net = internet({
    'slow.net': { records: ['a CNAME www.example.com.'], servers: hosts('slow.net', 101) },
    'example.com': { records: ['www A 192.0.2.1'], servers: hosts('example.com', 102) },
  });
  const { clock, random } = net;
  const start = clock.now();
  // slow.net answers after two seconds and a half, example.com never: its first question has begun a moment before.
  const isSilent = (ip: string): boolean =>
    ip.startsWith('198.18.102.') || (ip.startsWith('198.18.101.') && clock.now() < start + 2_500);
  const resolver = resolverOn(net, {
    limits: { 'wall-clock': 4_000 },
    environment: {
      clock,
      random,
      transport: {
        exchange: async (to, query, how) => {
          if (!isSilent(to.ip)) return net.transport.exchange(to, query, how);
          await clock.sleep(how.timeoutMs);
          return { kind: 'timeout' };
        },
      },
    },
  });
  const first = resolver.lookup(Name.parse('a.slow.net'), 'A');
  await clock.sleep(2_400);
  const second = resolver.lookup(Name.parse('www.example.com'), 'A');
  const outcome = await first;
  t.match(outcome, { status: 'indeterminate', reason: 'budget-spent' });
  t.ok(outcome.spent.milliseconds <= 4_050, `it took ${outcome.spent.milliseconds} ms`);
  t.match(await second, { status: 'indeterminate' });
});

/** Enough to meet each change of a reply a few times; thousands were run when it was written. */
const CASES = 40;

t.test('an attacker on the path, at random', async (t) => {
  for (let seed = 0; seed < CASES; seed += 1) {
    const wrong = await runCase(seed, { after: true });
    t.same(wrong, [], `seed ${seed}`);
  }
});
