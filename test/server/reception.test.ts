/**
 * Clients in numbers, and clients that lie: what waits, who is turned away, and what forwarders cannot talk us into.
 *
 * The counts are those of the limits table: 10 000 waiting questions, 1000 of one client that is not of this machine.
 */
import t from 'tap';
import type { RRType } from '../../src/dns/codes.ts';
import { edesOf } from '../../src/dns/edns.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { parseNetwork } from '../../src/dns/network.ts';
import { failed } from '../../src/dnssec/outcome.ts';
import type { Environment } from '../../src/environment.ts';
import { isLoopback, leadsTo } from '../../src/server/access.ts';
import { type AnswerQuery, makeAnswerClient, makeAnswerQuery } from '../../src/server/answer.ts';
import { type Caller, Reception } from '../../src/server/reception.ts';
import { refuse } from '../../src/server/view.ts';
import { WaitingRoom } from '../../src/server/waiting.ts';
import { VirtualClock } from '../../src/testing/clock.ts';
import { alterReply, internet } from '../../src/testing/index.ts';
import { clientQuery } from '../client-query.ts';
import { resolverOn } from '../resolver/support.ts';

const queryOf = (id: number, name: string, more: Partial<Message> = {}): Message =>
  clientQuery(name, 'A', { id, authenticData: true, edns: undefined, ...more });

const read = (bytes: Uint8Array): Message => {
  const parsed = parseMessage(bytes);
  if (parsed.kind === 'malformed') throw new Error(parsed.reason);
  return parsed.message;
};

/** All that clients get, by the id of their query. */
class Crowd {
  readonly replies = new Map<number, string>();
  #id = 0;

  ask(reception: Reception, count: number, client: string | undefined): readonly number[] {
    return Array.from({ length: count }, () => {
      this.#id += 1;
      const caller: Caller = {
        over: 'udp',
        client,
        reply: (bytes) => {
          const { id, rcode } = read(bytes);
          this.replies.set(id, rcode);
        },
      };
      reception.take(writeMessage(queryOf(this.#id, `n${this.#id}.example`)), caller);
      return this.#id;
    });
  }

  got(ids: readonly number[], rcode: string): number {
    return ids.filter((id) => this.replies.get(id) === rcode).length;
  }
}

/** A resolver that holds everything back until it is told to let go. */
class Dam implements AnswerQuery {
  #held: (() => void)[] = [];

  atOnce(query: Message): Message | undefined {
    return query.recursionDesired ? undefined : refuse(query, 'REFUSED');
  }

  later(query: Message): Promise<Message> {
    return new Promise((resolve) => this.#held.push(() => resolve(refuse(query, 'NXDOMAIN'))));
  }

  async open(): Promise<void> {
    while (this.#held.length > 0) {
      for (const release of this.#held.splice(0)) release();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const behind = (dam: Dam) => {
  const clock = new VirtualClock(0);
  const report = (error: unknown): void => {
    t.fail(String(error));
  };
  return { clock, reception: new Reception({ answer: dam, clock, report }) };
};

t.test(
  'row 111: 12 000 held questions, 3000 of one client: 1000 of his wait, the oldest get SERVFAIL',
  async (t) => {
    const dam = new Dam();
    const { reception } = behind(dam);
    const crowd = new Crowd();
    const his = crowd.ask(reception, 3000, '192.0.2.66');
    t.equal(reception.waiting, 1000);
    t.equal(reception.underWay, 1000, 'no work is begun above that');
    t.equal(crowd.got(his.slice(0, 2000), 'SERVFAIL'), 2000, 'his oldest');
    const others = Array.from({ length: 90 }, (_, i) =>
      crowd.ask(reception, 100, `198.51.100.${i}`),
    );
    t.equal(reception.waiting, 10_000);
    t.equal(crowd.got(others.flat(), 'SERVFAIL'), 0);
    t.ok(reception.underWay <= 10_000, 'memory: bounded by what is under way and what waits');
    await dam.open();
    t.equal(crowd.got(others.flat(), 'NXDOMAIN'), 9000);
    t.equal(crowd.replies.size, 12_000, 'each got one answer');
    t.equal(crowd.got(his, 'NXDOMAIN'), 1000, 'of those that waited, none was lost');
    t.equal(reception.waiting + reception.underWay, 0);
  },
);

t.test(
  'row 123: 20 000 questions from loopback: the oldest 10 000 get SERVFAIL, the rest waits',
  async (t) => {
    const dam = new Dam();
    const { reception } = behind(dam);
    const crowd = new Crowd();
    const all = crowd.ask(reception, 20_000, undefined);
    t.equal(reception.waiting, 10_000);
    t.equal(reception.underWay, 10_000);
    t.equal(crowd.got(all.slice(0, 10_000), 'SERVFAIL'), 10_000, 'neither REFUSED nor silence');
    t.equal(crowd.replies.size, 10_000);
    const health: string[] = [];
    const reply = (bytes: Uint8Array): number => health.push(read(bytes).rcode);
    const probe = queryOf(1, 'ready-probe.invalid', { recursionDesired: false });
    reception.take(writeMessage(probe), { over: 'udp', client: undefined, reply });
    t.same(health, ['REFUSED'], 'whoever asks whether it lives is answered at once');
    await dam.open();
    t.equal(crowd.got(all.slice(10_000), 'NXDOMAIN'), 10_000);
  },
);

t.test('the waiting room', async (t) => {
  const clock = new VirtualClock(0);
  const log: string[] = [];
  const ends: (() => void)[] = [];
  const room = new WaitingRoom<string>(() => clock.now(), { all: 2, perClient: 1, patienceMs: 10 });
  const guest = (name: string, client: string | undefined) => ({
    client,
    work: () => {
      log.push(`${name} begins`);
      return new Promise<string>((resolve) => ends.push(() => resolve(name)));
    },
    serve: (result: string) => {
      log.push(`${result} served`);
    },
    turnAway: () => {
      log.push(`${name} turned away`);
    },
  });
  room.enter(guest('a1', 'a'));
  room.enter(guest('a2', 'a'));
  t.same(log.splice(0), ['a1 begins', 'a1 turned away'], 'a2 waits until a1 has ended');
  room.enter(guest('b1', 'b'));
  t.same(log.splice(0), ['b1 begins']);
  ends.shift()?.();
  await Promise.resolve();
  await Promise.resolve();
  t.same(log.splice(0), ['a2 begins'], 'the answer for a1 is nobody’s');
  room.enter(guest('c1', 'c'));
  t.same(log.splice(0), ['a2 turned away'], 'the longest wait, whosever it is');
  clock.advance(11);
  ends.shift()?.();
  await Promise.resolve();
  await Promise.resolve();
  t.same(log.splice(0), ['b1 served', 'c1 turned away'], 'nobody waits for that any more');
  t.end();
});

const signed = { 'example.com': ['www A 192.0.2.1'] };
const DO = { udpSize: 1232, version: 0, dnssecOk: true, options: [] };

t.test('row 133: AD of a forwarder is worth nothing', async (t) => {
  const lie = alterReply((reply) => ({
    ...reply,
    authenticData: true,
    answer: reply.answer.map((rr) =>
      rr.type === 'A' ? { ...rr, rdata: Uint8Array.of(192, 0, 2, 66) } : rr,
    ),
  }));
  const net = internet({
    ...signed,
    'plain.net': { records: ['www A 192.0.2.9'], signing: 'unsigned' },
  });
  net.amendForwarder(lie);
  const answer = makeAnswerClient(resolverOn(net, { forward: [net.forwarder] }), {
    withoutRecursion: 'refused',
  });
  const ask = (name: string) => answer(writeMessage(queryOf(1, name, { edns: DO })));
  t.match(await ask('www.example.com'), {
    rcode: 'SERVFAIL',
    authenticData: false,
    answer: { length: 0 },
  });
  t.match(await ask('www.plain.net'), { rcode: 'NOERROR', authenticData: false });
});

t.test(
  'row 135: RRSIG and NSEC for clients with DO, and without it only where they are asked for',
  async (t) => {
    const answer = makeAnswerClient(resolverOn(internet(signed)), { withoutRecursion: 'refused' });
    const types = async (name: string, type: RRType, edns: Message['edns']) => {
      const questions = [{ name: Name.parse(name), type }];
      const response = await answer(writeMessage(queryOf(1, name, { edns, questions })));
      return [...(response?.answer ?? []), ...(response?.authority ?? [])].map((rr) => rr.type);
    };
    t.same(await types('www.example.com', 'A', DO), ['A', 'RRSIG']);
    t.same(await types('www.example.com', 'A', undefined), ['A']);
    const absent = await types('none.example.com', 'A', DO);
    for (const type of ['SOA', 'NSEC', 'RRSIG'] as const) t.ok(absent.includes(type), type);
    t.same(await types('none.example.com', 'A', { ...DO, dnssecOk: false }), ['SOA']);
    t.same(await types('www.example.com', 'NSEC', undefined), ['NSEC'], 'asked for');
    t.ok((await types('www.example.com', 'RRSIG', undefined)).includes('RRSIG'), 'asked for');
  },
);

/** Every packet to a forwarder comes back as a client's question. */
async function goRound(forwarders: number) {
  const net = internet(signed);
  let sent = 0;
  const environment: Environment = {
    clock: net.clock,
    random: net.random,
    transport: {
      exchange: async (_to, query, { timeoutMs, accept }) => {
        sent += 1;
        await net.clock.sleep(1);
        const back = answer(query).then((response) => response && writeMessage(response));
        const late = net.clock.sleep(timeoutMs).then(() => undefined);
        const bytes = await Promise.race([back, late]);
        return bytes && accept(bytes) ? { kind: 'reply', bytes } : { kind: 'timeout' };
      },
    },
  };
  const forward = Array.from({ length: forwarders }, (_, i) => ({ ip: `192.0.2.${i}`, port: 53 }));
  const resolver = resolverOn(net, { environment, forward });
  const answer = makeAnswerClient(resolver, { withoutRecursion: 'refused' });
  const start = net.clock.now();
  const outcome = await resolver.lookup(Name.parse('www.example.com'), 'A');
  const milliseconds = net.clock.now() - start;
  const during = sent;
  for (let second = 0; second < 60; second += 1) await net.clock.sleep(1000);
  return { outcome, sent: during, milliseconds, after: sent - during };
}

t.test(
  'row 136: a forwarder that sends the question back costs at most 200 queries and 10 s',
  async (t) => {
    for (const forwarders of [1, 2, 6]) {
      const { outcome, sent, milliseconds, after } = await goRound(forwarders);
      const what = `${forwarders} forwarders`;
      t.equal(outcome.status, 'indeterminate', what);
      t.ok(outcome.spent.queries <= 200, `${what}: ${outcome.spent.queries} queries of its own`);
      t.ok(sent <= 200, `${what}: ${sent} queries all in all`);
      t.ok(milliseconds <= 10_100, `${what}: ${milliseconds} ms`);
      t.equal(after, 0, `${what}: it ends with the answer`);
      // One forwarder falls silent before any limit is reached; with more of them the time runs out.
      const [reason, limit] =
        forwarders === 1 ? ['unreachable', undefined] : ['budget-spent', 'wall-clock'];
      t.equal(failed(outcome) && outcome.reason, reason, what);
      t.equal(failed(outcome) ? outcome.fault.limit : 'none', limit, `${what}: the limit is named`);
    }
  },
);

t.test('row 137: a client subnet option changes nothing, nor goes further', async (t) => {
  const net = internet(signed);
  const { clock, random } = net;
  const sent: Uint8Array[] = [];
  const transport: Environment['transport'] = {
    exchange: (to, query, how) => {
      sent.push(query);
      return net.transport.exchange(to, query, how);
    },
  };
  const resolver = resolverOn(net, { environment: { clock, random, transport } });
  const answer = makeAnswerClient(resolver, { withoutRecursion: 'refused' });
  const subnet = { code: 8, data: Uint8Array.of(0, 1, 24, 0, 203, 0, 113) };
  const edns = { ...DO, options: [subnet] };
  const response = await answer(writeMessage(queryOf(1, 'www.example.com', { edns })));
  t.match(response, { rcode: 'NOERROR', authenticData: true });
  t.notOk(
    response?.edns?.options.some(({ code }) => code === 8),
    'RFC 7871 section 7.2.2: no scope is given',
  );
  const options = sent.flatMap((query) => {
    const parsed = parseMessage(query);
    return parsed.kind === 'message' ? (parsed.message.edns?.options ?? []) : [];
  });
  t.ok(options.length > 0, 'queries carry options of our own (a cookie)');
  t.notOk(
    options.some(({ code }) => code === 8),
    'and none of the client',
  );
});

t.test('addresses of this machine', (t) => {
  for (const ip of ['127.0.0.1', '127.255.0.3', '::1', '::ffff:127.0.0.1'])
    t.ok(isLoopback(ip), ip);
  for (const ip of ['192.0.2.1', '::', '::2', '::ffff:192.0.2.1', 'fe80::1', ''])
    t.notOk(isLoopback(ip), ip);
  t.ok(leadsTo({ ip: '::1', port: 53 }, { ip: '0:0:0:0:0:0:0:1', port: 53 }));
  t.notOk(leadsTo({ ip: '::1', port: 53 }, { ip: '::1', port: 54 }));
  t.ok(leadsTo({ ip: '::ffff:127.0.0.1', port: 53 }, { ip: '127.0.0.1', port: 53 }));
  t.ok(leadsTo({ ip: '0.0.0.0', port: 53 }, { ip: '127.0.0.1', port: 53 }));
  t.notOk(leadsTo({ ip: '0.0.0.0', port: 53 }, { ip: '192.0.2.1', port: 53 }));
  t.notOk(leadsTo({ ip: '10.0.0.0', port: 53 }, { ip: '127.0.0.1', port: 53 }));
  t.end();
});

t.test('the queries of the daemon are read once', (t) => {
  const answer = makeAnswerQuery(resolverOn(internet(signed)), { withoutRecursion: 'refused' });
  t.equal(
    answer.atOnce(queryOf(1, 'www.example.com'), 'from-cache'),
    undefined,
    'nothing is known yet',
  );
  t.equal(answer.atOnce(queryOf(1, 'a.example', { opcode: 4 }), 'plain')?.rcode, 'NOTIMP');
  t.end();
});

t.test('a response that cannot be written is reported, and its client gets SERVFAIL', async (t) => {
  const unwritable = (query: Message): Message => ({
    ...refuse(query, 'NOERROR'),
    get answer(): never {
      throw new Error('unwritable');
    },
  });
  for (const when of ['at once', 'later'] as const) {
    const errors: string[] = [];
    const answer: AnswerQuery = {
      atOnce: (query) => (when === 'at once' ? unwritable(query) : undefined),
      later: async (query) => unwritable(query),
    };
    const report = (error: unknown): void => void errors.push(String(error));
    const reception = new Reception({ answer, clock: new VirtualClock(0), report });
    const rcodes: string[] = [];
    const ask = (reply: Caller['reply']): void => {
      reception.take(writeMessage(queryOf(1, 'a.example')), {
        over: 'udp',
        client: undefined,
        reply,
      });
    };
    ask((bytes) => rcodes.push(read(bytes).rcode));
    ask(() => {
      throw new Error('gone');
    });
    await new Promise((resolve) => setImmediate(resolve));
    t.same(rcodes, ['SERVFAIL'], when);
    t.same(errors.sort(), ['Error: gone', 'Error: unwritable', 'Error: unwritable'], when);
    t.same([reception.waiting, reception.underWay], [0, 0], `${when}: nothing is left behind`);
  }
});

t.test('a stranger is refused in few octets (RFC 5358), and who is no query hears nothing', (t) => {
  const clock = new VirtualClock(0);
  const network = parseNetwork('192.0.2.0/28');
  if (!network) throw new Error('no network');
  const answer: AnswerQuery = {
    atOnce: (query) => refuse(query, 'NXDOMAIN'),
    later: async (query) => refuse(query, 'NXDOMAIN'),
  };
  const report = (error: unknown): void => {
    t.fail(String(error));
  };
  const reception = new Reception({ answer, clock, report, allow: [network] });
  const query = writeMessage(clientQuery('www.example.com', 'A', { id: 1 }));
  const ask = (bytes: Uint8Array, client: string | undefined): Message | undefined => {
    const got: Uint8Array[] = [];
    reception.take(bytes, { over: 'udp', client, reply: (one) => got.push(one) });
    const [only] = got;
    if (only) t.ok(only.length <= query.length + 17, `${only.length} octets`);
    return only && read(only);
  };
  t.equal(ask(query, '192.0.2.15')?.rcode, 'NXDOMAIN');
  t.equal(ask(query, undefined)?.rcode, 'NXDOMAIN', 'this machine');
  for (const stranger of ['192.0.2.16', '2001:db8::1', '::ffff:192.0.2.1', '64:ff9b::192.0.2.1']) {
    const refused = ask(query, stranger);
    t.equal(refused?.rcode, 'REFUSED', stranger);
    t.same(
      edesOf(refused?.edns).map(({ code }) => code),
      [18],
      'RFC 8914 section 4.19',
    );
  }
  const cut = query.subarray(0, 20);
  t.equal(ask(cut, undefined)?.rcode, 'FORMERR');
  t.equal(ask(cut, '192.0.2.16'), undefined);
  t.end();
});
