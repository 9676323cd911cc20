// Rows 104, 105 and 128 of ../shared/spec/adversarial.md: replies that nobody should read, sockets that nobody else should
// hear; servers that break on minimised names; and a machine that is short of sockets.
import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { cookieOf, type Edns, makeCookie } from '../../src/dns/edns.ts';
import { writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { nodeEnvironment } from '../../src/environment-node.ts';
import { makeAnswerClient } from '../../src/server/answer.ts';
import {
  type Amendment,
  alterReply,
  answerWith,
  cookies,
  internet,
  onlyFor,
  silence,
  type Zones,
} from '../../src/testing/index.ts';
import { clientQuery } from '../client-query.ts';
import { find, told } from './adversarial-support.ts';
import { ask, resolverOn } from './support.ts';

const [A, B] = ['198.18.9.1', '198.18.9.2'] as const;
const TWO: Zones = {
  'example.com': {
    records: ['www A 192.0.2.1'],
    servers: { 'ns1.example.com': A, 'ns2.example.com': B },
  },
};

/** The head of the reply with its question, then one answer whose octets are made by `make`, who is told where they begin. */
const raw = (make: (at: number) => readonly number[]): Amendment =>
  alterReply((reply) => {
    const head = writeMessage({
      ...reply,
      answer: [],
      authority: [],
      additional: [],
      edns: undefined,
    });
    const bytes = Uint8Array.from([...head, ...make(head.length)]);
    bytes[7] = 1;
    return bytes;
  });
const TAIL = [0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4, 192, 0, 2, 66];
const pointer = (to: number): readonly number[] => [0xc0 | (to >> 8), to & 0xff];
const label = new Array<number>(64).fill(0x61).with(0, 63);

const BOMBS: Readonly<Record<string, Amendment>> = {
  'a chain of 128 pointers': raw((at) => {
    // In the data of a record of an unknown type: the root, and pointers each to the one before.
    const data = [0];
    for (let i = 0, to = at + 11; i < 127; i += 1, to = at + 11 + data.length - 2)
      data.push(...pointer(to));
    const length = [data.length >> 8, data.length & 0xff];
    return [
      0,
      0xff,
      0,
      0,
      1,
      0,
      0,
      0,
      0,
      ...length,
      ...data,
      ...pointer(at + 11 + data.length - 2),
      ...TAIL,
    ];
  }),
  'a pointer to itself': raw((at) => [...pointer(at), ...TAIL]),
  'a pointer forward': raw((at) => [...pointer(at + 2), ...TAIL]),
  'label type 0x40': raw(() => [0x41, 0x61, 0, ...TAIL]),
  'a name of more than 255 octets': raw(() => [...label, ...label, ...label, ...label, 0, ...TAIL]),
};

async function nextServer(test: Test, bad: Amendment): Promise<void> {
  let met = 0;
  for (let seed = 1; seed <= 6; seed += 1) {
    const net = internet(TWO, { seed }).amend('example.com', onlyFor({ server: A }, bad));
    test.equal(await ask(resolverOn(net), 'www.example.com', 'A'), 'secure 192.0.2.1');
    met += net.log.filter(({ server }) => server === A).length;
  }
  test.ok(met > 0, 'the next server is asked');
  const all = internet(TWO).amend('example.com', bad);
  test.same(
    told(await find(all, 'www.example.com')),
    ['indeterminate', 'unreachable', 22],
    'from all of them',
  );
}

for (const [title, bomb] of Object.entries(BOMBS))
  t.test(`row 104: ${title}`, (t) => nextServer(t, bomb));

/** With one OPT more than there may be. */
const twoOpt: Amendment = alterReply((reply) => {
  const bytes = writeMessage(reply);
  const more = Uint8Array.from([...bytes, 0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0]);
  more[11] = (more[11] ?? 0) + 1;
  return more;
});
const options = (count: number, edns: Edns | undefined): Edns | undefined =>
  edns && {
    ...edns,
    options: Array.from({ length: count }, () => ({ code: 3, data: new Uint8Array() })),
  };

t.test('row 105: two OPT in a reply', (t) => nextServer(t, twoOpt));
t.test('row 105: 101 options in a reply', (t) =>
  nextServer(
    t,
    alterReply((reply) => ({ ...reply, edns: options(101, reply.edns) })),
  ),
);
t.test('row 105: 100 options are read', async (t) => {
  const net = internet(TWO).amend(
    'example.com',
    alterReply((reply) => ({ ...reply, edns: options(100, reply.edns) })),
  );
  t.equal(await ask(resolverOn(net), 'www.example.com', 'A'), 'secure 192.0.2.1');
});

t.test('row 105: two OPT or 101 options in a query get FORMERR', async (t) => {
  const answer = makeAnswerClient(resolverOn(internet(TWO)), { withoutRecursion: 'refused' });
  const edns: Edns = { udpSize: 1232, version: 0, dnssecOk: true, options: [] };
  const query = clientQuery('www.example.com', 'A', { edns });
  const bytes = Uint8Array.from([...writeMessage(query), 0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0]);
  bytes[11] = 2;
  t.equal((await answer(bytes))?.rcode, 'FORMERR');
  t.equal((await answer(writeMessage({ ...query, edns: options(101, edns) })))?.rcode, 'FORMERR');
  t.equal((await answer(writeMessage(query)))?.rcode, 'NOERROR');
});

t.test('row 105: of two COOKIE options the first counts', async (t) => {
  const server = new Uint8Array(16).fill(0x5c);
  const withTwo = (order: 'right-first' | 'wrong-first'): Amendment =>
    alterReply((reply, { query }) => {
      const sent = cookieOf(query.edns);
      if (!sent || !reply.edns) return reply;
      const pair = [
        makeCookie({ client: sent.client, server }),
        makeCookie({ client: new Uint8Array(8), server }),
      ];
      const two = order === 'right-first' ? pair : pair.reverse();
      return { ...reply, edns: { ...reply.edns, options: two } };
    });
  for (const [order, over] of [
    ['right-first', 'udp udp'],
    ['wrong-first', 'udp udp tcp tcp'],
  ] as const) {
    const net = internet(TWO).amend(
      'example.com',
      cookies(),
      onlyFor({ over: 'udp' }, withTwo(order)),
    );
    t.equal(await ask(resolverOn(net), 'www.example.com', 'A'), 'secure 192.0.2.1');
    const paths = net.log
      .filter(({ zone }) => zone?.equals(Name.parse('example.com')))
      .map((one) => one.over);
    t.equal(paths.sort().reverse().join(' '), over, order);
  }
});

t.test(
  'minimisation: a server that denies names without data does not hide those below',
  async (t) => {
    // com is asked for example.com alone; it breaks on that, and knows the whole name.
    const short = Name.parse('example.com');
    for (const [title, broken] of Object.entries({
      NXDOMAIN: answerWith('NXDOMAIN'),
      REFUSED: answerWith('REFUSED'),
      SERVFAIL: answerWith('SERVFAIL'),
      FORMERR: answerWith('FORMERR'),
      silence: silence(),
    })) {
      const isShort: Amendment = {
        reply: (replies, request) =>
          request.question.name.equals(short) && request.question.type === 'A'
            ? (broken.reply?.(replies, request) ?? replies)
            : replies,
      };
      const net = internet(TWO).amend('com', isShort);
      t.equal(await ask(resolverOn(net), 'www.example.com', 'A'), 'secure 192.0.2.1', title);
    }
  },
);

t.test('minimisation: _tcp answered NXDOMAIN does not hide _25._tcp below it', async (t) => {
  const zones: Zones = {
    mx: ['_25._tcp TLSA 3 1 1 00ff'],
    'mx.example.com': ['_25._tcp TLSA 3 1 1 00ff'],
  };
  for (const host of ['mx', 'mx.example.com']) {
    const between = Name.parse(`_tcp.${host}`);
    const net = internet(zones).amend(host, {
      reply: (replies, request) =>
        request.question.name.equals(between)
          ? (answerWith('NXDOMAIN').reply?.(replies, request) ?? replies)
          : replies,
    });
    const resolver = resolverOn(net);
    t.equal(await ask(resolver, `_25._tcp.${host}`, 'TLSA'), 'secure 3 1 1 00FF', host);
    await ask(resolver, `_tcp.${host}`, 'A');
    t.equal(await ask(resolverOn(net), `_25._tcp.${host}`, 'TLSA'), 'secure 3 1 1 00FF');
    const later = resolverOn(net);
    await ask(later, `_tcp.${host}`, 'TLSA');
    t.equal(
      await ask(later, `_25._tcp.${host}`, 'TLSA'),
      'secure 3 1 1 00FF',
      'nor does it from the cache',
    );
  }
});

const { transport } = nodeEnvironment();
const bound = (ip: string): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(0, ip, () => resolve(socket));
  });

/** What a probe of a port from `ip` meets: the error of the ICMP message that comes back. */
async function probe(ip: string, port: number): Promise<string> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, ip, resolve));
  const met = new Promise<string>((resolve) => {
    socket.on('error', (error) => resolve(String('code' in error ? error.code : error)));
    setTimeout(() => resolve('silence'), 2_000).unref();
  });
  socket.connect(port, '127.0.0.1', () => socket.send('x'));
  const code = await met;
  socket.close();
  return code;
}

t.test(
  'row 128: the port of a query looks closed to everybody but the server',
  { skip: process.platform === 'linux' ? false : 'loopback addresses beyond 127.0.0.1' },
  async (t) => {
    const server = await bound('127.0.0.1');
    t.teardown(() => server.close());
    const arrived = new Promise<{ port: number; address: string }>((resolve) =>
      server.once('message', (_, from) => resolve(from)),
    );
    const { port } = server.address();
    const exchange = transport.exchange({ ip: '127.0.0.1', port }, Uint8Array.of(1), {
      over: 'udp',
      timeoutMs: 30_000,
      accept: () => true,
    });
    const from = await arrived;
    t.equal(
      await probe('127.0.0.2', from.port),
      'ECONNREFUSED',
      'as any port at which nobody listens',
    );
    const closed = await bound('127.0.0.1');
    const other = closed.address().port;
    closed.close();
    const refused = await transport.exchange({ ip: '127.0.0.1', port: other }, Uint8Array.of(1), {
      over: 'udp',
      timeoutMs: 30_000,
      accept: () => true,
    });
    t.same(refused, { kind: 'unreachable', code: 'ECONNREFUSED' });
    server.send('true', from.port, from.address);
    const delivery = await exchange;
    t.equal(
      delivery.kind === 'reply' && Buffer.from(delivery.bytes).toString(),
      'true',
      'ICMP about other peers has no effect',
    );
  },
);

t.test('row 128: a random port for each query', async (t) => {
  const server = await bound('127.0.0.1');
  t.teardown(() => server.close());
  const ports: number[] = [];
  server.on('message', (_, from) => {
    ports.push(from.port);
    server.send('x', from.port, from.address);
  });
  const to = { ip: '127.0.0.1', port: server.address().port };
  for (let i = 0; i < 40; i += 1)
    await transport.exchange(to, Uint8Array.of(i), {
      over: 'udp',
      timeoutMs: 30_000,
      accept: () => true,
    });
  // Of 40 draws from 64 000 ports, two coincide with a probability of 1.2 in a hundred, five with one of 10^-9.
  t.ok(new Set(ports).size > 36, `${new Set(ports).size} ports`);
  t.ok(new Set(ports.map((port) => port >> 12)).size > 6, 'all over the range');
});

/** More exchanges at once than the process may have files open, each of them answered. */
const SHORT_OF_FILES = `
const { nodeEnvironment } = await import(process.argv[1]);
const { createSocket } = await import('node:dgram');
const server = createSocket('udp4');
server.on('message', (message, from) => setTimeout(() => server.send(message, from.port, from.address), 30));
await new Promise((resolve) => server.bind(0, '127.0.0.1', resolve));
const to = { ip: '127.0.0.1', port: server.address().port };
const { transport } = nodeEnvironment();
const how = { over: 'udp', timeoutMs: 60000, accept: () => true };
const all = await Promise.all(Array.from({ length: 200 }, (_, i) => transport.exchange(to, Uint8Array.of(i), how)));
const briefly = await Promise.all(Array.from({ length: 200 }, (_, i) => transport.exchange(to, Uint8Array.of(i), { ...how, timeoutMs: 1 })));
console.log(JSON.stringify([all.filter(({ kind }) => kind === 'reply').length, briefly.length]));
server.close();
`;

t.test(
  'EMFILE: a question waits for a socket, and none is lost',
  { skip: process.platform === 'linux' ? false : 'ulimit' },
  async (t) => {
    const module = new URL('../../src/environment-node.js', import.meta.url).href;
    const command = 'ulimit -n 64; exec "$0" --input-type=module -e "$1" "$2"';
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      command,
      process.execPath,
      SHORT_OF_FILES,
      module,
    ]);
    t.same(JSON.parse(stdout), [200, 200]);
  },
);

for (const code of ['EMFILE', 'EADDRINUSE', 'EADDRNOTAVAIL', 'ENETUNREACH', 'ENOBUFS'])
  t.test(`${code}: nothing can be sent, and it is said`, async (t) => {
    const net = internet(TWO);
    let isShort = true;
    const environment = {
      clock: net.clock,
      random: net.random,
      transport: {
        exchange: async (...[to, query, how]: Parameters<typeof net.transport.exchange>) =>
          isShort
            ? ({ kind: 'unreachable', code } as const)
            : net.transport.exchange(to, query, how),
      },
    };
    const resolver = resolverOn(net, { environment });
    t.same(told(await resolver.lookup(Name.parse('www.example.com'), 'A')), [
      'indeterminate',
      'network-error',
      23,
    ]);
    isShort = false;
    net.clock.advance(5_100);
    const outcome = await resolver.lookup(Name.parse('www.example.com'), 'A');
    t.same(told(outcome), ['secure'], 'and it is over when it is over');
    t.ok(outcome.spent.milliseconds < 100, `${outcome.spent.milliseconds} ms`);
  });
