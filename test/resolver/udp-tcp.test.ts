/** Exchanges over real sockets of the loopback interface: what is heard, what is not, and how each of them ends. */
import { spawn } from 'node:child_process';
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { getEventListeners, once } from 'node:events';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import t, { type Test } from 'tap';
import type { Delivery, ExchangeOptions, ServerAddress } from '../../src/environment.ts';
import { nodeEnvironment } from '../../src/environment-node.ts';
import { createTransport, pickPort } from '../../src/resolver/udp-tcp.ts';
import { seededRandom } from '../../src/testing/clock.ts';
import { serve } from '../loopback.ts';

const { clock, random, transport } = nodeEnvironment();
const QUERY = Uint8Array.of(0xab, 0xcd, 1, 2, 3);
/** Long enough for the busiest machine; no test waits for it. */
const LONG_MS = 60_000;
/** Waited for where the claim is that nothing comes. */
const SHORT_MS = 150;

const always = (): boolean => true;
const udp = { over: 'udp', timeoutMs: LONG_MS, accept: always } as const;
const tcp = { over: 'tcp', timeoutMs: LONG_MS, accept: always } as const;
const textOf = (delivery: Delivery): string =>
  delivery.kind === 'reply' ? Buffer.from(delivery.bytes).toString('latin1') : delivery.kind;

const skipIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1')
  ? false
  : 'this machine has no ::1';

/** Answers each datagram with `reply`, until the test ends. */
async function udpServer(
  test: Test,
  reply: (query: Buffer, from: RemoteInfo, socket: UdpSocket) => void,
  ip = '127.0.0.1',
): Promise<ServerAddress> {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (query, from) => reply(query, from, socket));
  await new Promise<void>((resolve) => socket.bind(0, ip, resolve));
  test.teardown(() => socket.close());
  return { ip, port: socket.address().port };
}

const say = (socket: UdpSocket, text: string, { port, address }: RemoteInfo): void =>
  socket.send(text, port, address);
const framed = (text: string): Buffer =>
  Buffer.concat([Buffer.of(text.length >> 8, text.length & 0xff), Buffer.from(text, 'latin1')]);

/** A port at which nobody listens: it was free a moment ago. */
async function closedPort(test: Test): Promise<ServerAddress> {
  let address: ServerAddress = { ip: '127.0.0.1', port: 1 };
  await test.test('a port is opened and closed', async (inner) => {
    address = await udpServer(inner, () => {});
  });
  return address;
}

t.test('UDP', async (t) => {
  await t.test('the query arrives as it is, and its reply is delivered', async (t) => {
    const seen: Buffer[] = [];
    const to = await udpServer(t, (query, from, socket) => {
      seen.push(query);
      say(socket, 'hello', from);
    });
    t.equal(textOf(await transport.exchange(to, QUERY, udp)), 'hello');
    t.same(seen, [Buffer.from(QUERY)]);
  });

  await t.test('works over IPv6', { skip: skipIpv6 }, async (t) => {
    const to = await udpServer(t, (_, from, socket) => say(socket, 'six', from), '::1');
    t.equal(textOf(await transport.exchange(to, QUERY, udp)), 'six');
    const long = { ip: '0:0:0:0:0:0:0:1', port: to.port };
    t.equal(textOf(await transport.exchange(long, QUERY, udp)), 'six', 'however it is spelled');
  });

  await t.test('a reply from another port is not heard', async (t) => {
    const stranger = createSocket('udp4');
    t.teardown(() => stranger.close());
    const to = await udpServer(t, (_, from, socket) => {
      stranger.send('forged', from.port, from.address, () => say(socket, 'true', from));
    });
    const heard: string[] = [];
    const accept = (reply: Uint8Array): boolean => {
      heard.push(Buffer.from(reply).toString());
      return true;
    };
    t.equal(textOf(await transport.exchange(to, QUERY, { ...udp, accept })), 'true');
    t.same(heard, ['true']);
  });

  await t.test('a reply from another address is not heard', async (t) => {
    const stranger = createSocket('udp4');
    t.teardown(() => stranger.close());
    const to = await udpServer(t, (_, from, socket) => {
      // The right port, on another address of loopback.
      stranger.bind(to.port, '127.0.0.2', () =>
        stranger.send('forged', from.port, from.address, () => say(socket, 'true', from)),
      );
    });
    t.equal(textOf(await transport.exchange(to, QUERY, udp)), 'true');
  });

  await t.test('what is not accepted does not end the exchange', async (t) => {
    const to = await udpServer(t, (_, from, socket) => {
      for (const text of ['one', '', 'two', 'three']) say(socket, text, from);
    });
    const accept = (reply: Uint8Array): boolean => Buffer.from(reply).toString() === 'two';
    t.equal(textOf(await transport.exchange(to, QUERY, { ...udp, accept })), 'two');
  });

  await t.test('the largest datagram comes whole', async (t) => {
    const largest = 'x'.repeat(65_507); // 65 535 less the headers of IPv4 and UDP
    const to = await udpServer(t, (_, from, socket) => say(socket, largest, from));
    t.equal(textOf(await transport.exchange(to, QUERY, udp)), largest);
  });

  await t.test('silence is a timeout', async (t) => {
    const to = await udpServer(t, () => {});
    const how = { ...udp, timeoutMs: SHORT_MS };
    t.same(await transport.exchange(to, QUERY, how), { kind: 'timeout' });
  });

  await t.test('replies that are not accepted do not postpone the timeout', async (t) => {
    const to = await udpServer(t, (_, from, socket) => {
      const chatter = setInterval(() => say(socket, 'no', from), 5);
      t.teardown(() => clearInterval(chatter));
    });
    const how = { ...udp, timeoutMs: SHORT_MS, accept: () => false };
    t.same(await transport.exchange(to, QUERY, how), { kind: 'timeout' });
  });

  await t.test('a closed port is told at once', async (t) => {
    const to = await closedPort(t);
    const delivery = await transport.exchange(to, QUERY, udp);
    t.same(delivery, { kind: 'unreachable', code: 'ECONNREFUSED' });
  });

  await t.test('what cannot be sent is unreachable, whatever the reason', async (t) => {
    const rows: [ServerAddress, Uint8Array, string][] = [
      [{ ip: 'localhost', port: 53 }, QUERY, 'EINVAL'], // a name is not looked up
      [{ ip: '127.0.0.1', port: 0 }, QUERY, 'EINVAL'],
      [{ ip: '127.0.0.1', port: 65_536 }, QUERY, 'EINVAL'],
      [{ ip: '255.255.255.255', port: 53 }, QUERY, 'EACCES'], // broadcast needs a flag on the socket
      [{ ip: '127.0.0.1', port: 53 }, new Uint8Array(65_535), 'EMSGSIZE'],
      [{ ip: '127.0.0.1', port: 53 }, new Uint8Array(65_536), 'EMSGSIZE'],
    ];
    for (const [to, query, code] of rows)
      t.same(await transport.exchange(to, query, udp), { kind: 'unreachable', code }, to.ip);
  });
});

t.test('TCP', async (t) => {
  await t.test('the query comes framed, in one segment, and the reply unframed', async (t) => {
    const seen: Buffer[] = [];
    const to = await serve(t, (socket) =>
      socket.on('data', (data) => {
        seen.push(data);
        socket.write(framed('hello'));
      }),
    );
    t.equal(textOf(await transport.exchange(to, QUERY, tcp)), 'hello');
    t.same(seen, [Buffer.from([0, QUERY.length, ...QUERY])]);
  });

  await t.test('works over IPv6', { skip: skipIpv6 }, async (t) => {
    const to = await serve(t, (socket) => socket.write(framed('six')), '::1');
    t.equal(textOf(await transport.exchange(to, QUERY, tcp)), 'six');
  });

  await t.test('a reply in single octets is put together', async (t) => {
    const to = await serve(t, (socket) => {
      socket.setNoDelay(true);
      const octets = [...framed('bit by bit')];
      const drip = (): void => {
        const octet = octets.shift();
        if (octet !== undefined) socket.write(Uint8Array.of(octet), () => setImmediate(drip));
      };
      drip();
    });
    t.equal(textOf(await transport.exchange(to, QUERY, tcp)), 'bit by bit');
  });

  await t.test('of several messages in one segment the first accepted counts', async (t) => {
    const to = await serve(t, (socket) =>
      socket.write(Buffer.concat(['', 'one', 'two', 'three'].map(framed))),
    );
    const heard: string[] = [];
    const accept = (reply: Uint8Array): boolean => {
      const text = Buffer.from(reply).toString();
      heard.push(text);
      return text === 'two';
    };
    t.equal(textOf(await transport.exchange(to, QUERY, { ...tcp, accept })), 'two');
    t.same(heard, ['', 'one', 'two'], 'and nobody is asked about the rest');
  });

  await t.test('65 535 octets, the most there can be, come whole', async (t) => {
    const largest = 'y'.repeat(65_535);
    const to = await serve(t, (socket) => socket.write(framed(largest)));
    t.equal(textOf(await transport.exchange(to, QUERY, tcp)), largest);
  });

  await t.test('a drip that never ends is a timeout', async (t) => {
    const to = await serve(t, (socket) => {
      socket.write(Uint8Array.of(0xff, 0xff));
      const drip = setInterval(() => socket.write('z'), 5);
      socket.on('close', () => clearInterval(drip));
    });
    const how = { ...tcp, timeoutMs: SHORT_MS };
    t.same(await transport.exchange(to, QUERY, how), { kind: 'timeout' });
  });

  await t.test('a server that hangs up is unreachable', async (t) => {
    const [silent, halfway, reset] = [
      await serve(t, (socket) => socket.end()),
      await serve(t, (socket) => socket.end(framed('half').subarray(0, 4))),
      await serve(t, (socket) => socket.resetAndDestroy()),
    ];
    for (const to of [silent, halfway, reset])
      t.same(await transport.exchange(to, QUERY, tcp), { kind: 'unreachable', code: 'ECONNRESET' });
  });

  await t.test('a closed port is unreachable', async (t) => {
    const delivery = await transport.exchange(await closedPort(t), QUERY, tcp);
    t.same(delivery, { kind: 'unreachable', code: 'ECONNREFUSED' });
  });
});

/** A query whose reply `echoes` knows by its id. */
const query = (id: number): Uint8Array => Uint8Array.of(id >> 8, id & 0xff, 0x51);
const echoing = (id: number, how: Partial<ExchangeOptions> = {}): ExchangeOptions => ({
  ...tcp,
  accept: (reply) => (((reply[0] ?? 0) << 8) | (reply[1] ?? 0)) === id,
  ...how,
});

interface Arrived {
  readonly id: number;
  readonly connection: number;
  /** How many pieces of this connection came before. */
  readonly piece: number;
  readonly socket: Socket;
  echo(): void;
}

/** Tells of each query as it arrives; the queries of these tests have three octets. */
async function streamServer(test: Test, onQuery: (arrived: Arrived) => void) {
  let connections = 0;
  const arrivals: Arrived[] = [];
  const server = await serve(test, (socket) => {
    const connection = connections;
    connections += 1;
    let pieces = 0;
    let rest = Buffer.alloc(0);
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      for (; rest.length >= 5; rest = rest.subarray(5)) {
        const frame = Buffer.from(rest.subarray(0, 5));
        const echo = (): void => void socket.write(frame);
        const arrived = { id: frame.readUInt16BE(2), connection, piece: pieces, socket, echo };
        arrivals.push(arrived);
        onQuery(arrived);
      }
      pieces += 1;
    });
  });
  const connectionsOf = (): number[] => arrivals.map(({ connection }) => connection);
  return { ...server, arrivals, connectionsOf };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(setImmediate);
};

t.test('TCP connections are kept and shared', async (t) => {
  const exchange = (to: ServerAddress, id: number, how?: Partial<ExchangeOptions>) =>
    transport.exchange(to, query(id), echoing(id, how));

  await t.test('the next query takes the connection of the last', async (t) => {
    const to = await streamServer(t, ({ echo }) => echo());
    for (let id = 1; id <= 3; id += 1) t.equal((await exchange(to, id)).kind, 'reply');
    t.same(to.connectionsOf(), [0, 0, 0]);
  });

  await t.test('one that is idle for as long as is said is closed', async (t) => {
    const brief = createTransport(random, { tcpIdleMs: 20 });
    const to = await streamServer(t, ({ echo }) => echo());
    t.equal((await brief.exchange(to, query(1), echoing(1))).kind, 'reply');
    await until(() => to.sockets.size === 0);
    t.equal((await brief.exchange(to, query(2), echoing(2))).kind, 'reply');
    t.same(to.connectionsOf(), [0, 1]);
  });

  await t.test(
    'queries at once share a connection and a segment; replies in any order',
    async (t) => {
      const to = await streamServer(t, () => {
        if (to.arrivals.length === 20) for (const one of [...to.arrivals].reverse()) one.echo();
      });
      const ids = Array.from({ length: 20 }, (_, i) => 1000 + i);
      const replies = await Promise.all(ids.map((id) => exchange(to, id)));
      t.same(
        replies.map((reply) => reply.kind === 'reply' && reply.bytes),
        ids.map(query),
        'each its own',
      );
      t.same(new Set(to.connectionsOf()), new Set([0]));
      // All of one turn are written at once; what was queued before the connection stood may make another segment.
      t.ok(new Set(to.arrivals.map(({ piece }) => piece)).size <= 2);
    },
  );

  await t.test('two with the same id never meet on one connection', async (t) => {
    const to = await streamServer(t, () => {
      if (to.arrivals.length === 2) for (const { echo } of to.arrivals) echo();
    });
    await Promise.all([exchange(to, 7), exchange(to, 7)]);
    t.same(to.connectionsOf().sort(), [0, 1]);
  });

  await t.test('the hundred and first in flight opens a second connection', async (t) => {
    const to = await streamServer(t, () => {
      if (to.arrivals.length === 101) for (const { echo } of to.arrivals) echo();
    });
    const ids = Array.from({ length: 101 }, (_, i) => i);
    const replies = await Promise.all(ids.map((id) => exchange(to, id)));
    t.ok(replies.every(({ kind }) => kind === 'reply'));
    t.equal(to.connectionsOf().filter((connection) => connection === 0).length, 100);
    t.equal(to.connectionsOf().filter((connection) => connection === 1).length, 1);
  });

  await t.test('a server that has closed an idle one is asked once more', async (t) => {
    const to = await streamServer(t, ({ id, connection, socket, echo }) => {
      if (id === 1 || connection > 0) echo();
      else socket.resetAndDestroy();
    });
    t.equal((await exchange(to, 1)).kind, 'reply');
    t.equal((await exchange(to, 2)).kind, 'reply');
    t.same(to.connectionsOf(), [0, 0, 1]);
  });

  await t.test('but only once, and not where the connection was fresh', async (t) => {
    const to = await streamServer(t, ({ id, socket, echo }) => {
      if (id === 1) echo();
      else socket.destroy();
    });
    t.equal((await exchange(to, 1)).kind, 'reply');
    t.match(await exchange(to, 2), { kind: 'unreachable', code: 'ECONNRESET' });
    t.same(to.connectionsOf(), [0, 0, 1]);
    t.match(await exchange(to, 3), { kind: 'unreachable', code: 'ECONNRESET' });
    t.same(to.connectionsOf(), [0, 0, 1, 2]);
  });

  await t.test('a server that closes after each answer serves all of many at once', async (t) => {
    const served = new Set<number>();
    const to = await streamServer(t, ({ connection, socket, echo }) => {
      if (served.has(connection)) return;
      served.add(connection);
      echo();
      socket.end();
    });
    const replies = await Promise.all(Array.from({ length: 8 }, (_, id) => exchange(to, id)));
    t.ok(replies.every(({ kind }) => kind === 'reply'));
    t.equal(served.size, 8);
  });

  await t.test('after a timeout nobody else trusts the connection', async (t) => {
    const to = await streamServer(t, ({ id, echo }) => {
      if (id !== 2) echo();
    });
    await exchange(to, 1);
    t.equal((await exchange(to, 2, { timeoutMs: SHORT_MS })).kind, 'timeout');
    await until(() => to.sockets.size === 0);
    t.equal((await exchange(to, 3)).kind, 'reply');
    t.same(to.connectionsOf(), [0, 0, 1]);
  });

  await t.test('row 116: one that drips holds up its own queries and nobody’s after', async (t) => {
    const to = await streamServer(t, ({ connection, socket, echo }) => {
      if (connection > 0) {
        echo();
        return;
      }
      socket.write(Uint8Array.of(0xff, 0xff));
      const drip = setInterval(() => socket.write('z'), 5);
      socket.on('close', () => clearInterval(drip));
    });
    t.equal((await exchange(to, 1, { timeoutMs: SHORT_MS })).kind, 'timeout');
    t.equal((await exchange(to, 2)).kind, 'reply');
    await until(() => to.sockets.size === 1);
    t.pass('the dripping one is closed');
  });

  await t.test('a server that speaks unasked is not kept', async (t) => {
    const to = await streamServer(t, ({ echo }) => {
      echo();
      setImmediate(echo);
    });
    await exchange(to, 1);
    await until(() => to.sockets.size === 0);
    t.equal((await exchange(to, 2)).kind, 'reply');
  });

  await t.test('idle ones give way where sockets are short', async (t) => {
    const narrow = createTransport(random, { maxSockets: 2 });
    const servers: Awaited<ReturnType<typeof streamServer>>[] = [];
    for (let i = 0; i < 3; i += 1) servers.push(await streamServer(t, ({ echo }) => echo()));
    for (const to of servers)
      t.equal((await narrow.exchange(to, query(1), echoing(1))).kind, 'reply');
    await until(() => servers[0]?.sockets.size === 0);
    t.equal(servers[1]?.sockets.size, 1, 'the one that was idle for longest');
    const echo = await udpServer(t, (_, from, socket) => say(socket, 'x', from));
    t.equal((await narrow.exchange(echo, QUERY, udp)).kind, 'reply', 'for UDP, too');
    await until(() => servers[1]?.sockets.size === 0);
  });

  await t.test('an idle one does not keep the process', async (t) => {
    const to = await streamServer(t, ({ echo }) => echo());
    const script = `
      const { nodeEnvironment } = await import(${JSON.stringify(new URL('../../src/environment-node.js', import.meta.url).href)});
      const { transport } = nodeEnvironment({ tcpIdleMs: 2 ** 30 });
      const how = { over: 'tcp', timeoutMs: 20_000, accept: () => true };
      const { kind } = await transport.exchange({ ip: '127.0.0.1', port: ${to.port} }, Uint8Array.of(0, 1, 2), how);
      process.exitCode = kind === 'reply' ? 7 : 1;`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    const [code] = await once(child, 'exit');
    t.equal(code, 7, 'it ended by itself');
  });
});

t.test(
  'an abort ends an exchange at once, before it starts, in the queue and on its way',
  async (t) => {
    const quiet = await udpServer(t, () => {});
    const mute = await serve(t, () => {});
    for (const [to, how] of [
      [quiet, udp],
      [mute, tcp],
    ] as const) {
      const narrow = createTransport(random, { maxSockets: 1 });
      const controller = new AbortController();
      const { signal } = controller;
      const sent = narrow.exchange(to, QUERY, { ...how, signal });
      const queued = narrow.exchange(to, QUERY, { ...how, signal });
      await new Promise(setImmediate);
      controller.abort();
      const late = narrow.exchange(to, QUERY, { ...how, signal });
      for (const delivery of [sent, queued, late]) t.same(await delivery, { kind: 'timeout' });
      t.equal(getEventListeners(signal, 'abort').length, 0, 'nothing still listens to the signal');
    }
  },
);

t.test('a finished exchange leaves nothing at the signal', async (t) => {
  const to = await udpServer(t, (_, from, socket) => say(socket, 'x', from));
  const { signal } = new AbortController();
  await transport.exchange(to, QUERY, { ...udp, signal });
  t.equal(getEventListeners(signal, 'abort').length, 0);
});

t.test('many exchanges at once', async (t) => {
  const ports = new Set<number>();
  const echo = (query: Buffer, from: RemoteInfo, socket: UdpSocket): void => {
    ports.add(from.port);
    socket.send(query, from.port, from.address);
  };
  // Five servers, for the queue of one socket holds some 250 datagrams that have not been read yet.
  const servers: ServerAddress[] = [];
  for (let i = 0; i < 5; i += 1) servers.push(await udpServer(t, echo));
  await t.test(
    '500 over UDP each get their own reply, by ports spread over the range',
    async (t) => {
      const queries = Array.from({ length: 500 }, (_, i) => Uint8Array.of(i >> 8, i & 0xff));
      const replies = await Promise.all(
        queries.map((query, i) => {
          const to = servers[i % 5] ?? { ip: '127.0.0.1', port: 1 };
          const accept = (reply: Uint8Array): boolean => reply.join() === query.join();
          return transport.exchange(to, query, { ...udp, accept });
        }),
      );
      t.ok(replies.every(({ kind }) => kind === 'reply'));
      // Of 500 draws from 64 000 ports some two coincide by chance; ten or more would be one case in thousands.
      t.ok(ports.size > 490, `${ports.size} ports`);
      // Sixteenths of the range: each holds 31 on the average; none is empty but with probability 16 * (15/16)^500.
      t.equal(
        new Set([...ports].map((port) => port >> 12)).size,
        16,
        'everywhere in 1024 to 65535',
      );
      t.ok([...ports].every((port) => port >= 1024));
    },
  );

  await t.test('no more sockets are open than allowed; the others wait their turn', async (t) => {
    const narrow = createTransport(random, { maxSockets: 8 });
    const batches: number[] = [];
    let waiting: Socket[] = [];
    // Nobody gets a reply before eight wait for one.
    const to = await serve(t, (socket) =>
      socket.on('data', () => {
        waiting.push(socket);
        if (waiting.length !== 8) return;
        setTimeout(() => {
          batches.push(waiting.length);
          for (const one of waiting) one.write(framed('x'));
          waiting = [];
        }, 10);
      }),
    );
    const replies = await Promise.all(
      Array.from({ length: 96 }, () => narrow.exchange(to, QUERY, tcp)),
    );
    t.ok(replies.every(({ kind }) => kind === 'reply'));
    t.same(batches, new Array(12).fill(8));
  });
});

t.test('ports', async (t) => {
  t.test('are drawn again where the draw is reserved or on the deny list', async (t) => {
    const draws = [0, 53, 1023, 1434, 5353, 11_211, 1024].map((port) =>
      Uint8Array.of(port >> 8, port & 0xff),
    );
    const scripted = { bytes: () => draws.shift() ?? new Uint8Array(2) };
    t.equal(pickPort(scripted), 1024);
  });

  t.test('all others come up, none is favoured', async (t) => {
    const source = seededRandom(7);
    const counts = new Map<number, number>();
    for (let i = 0; i < 64_000; i += 1) {
      const port = pickPort(source) ?? 0;
      counts.set(port >> 10, (counts.get(port >> 10) ?? 0) + 1);
    }
    t.equal(counts.size, 63, 'each block of 1024 from 1024 up');
    // 1016 on the average, standard deviation 32.
    for (const count of counts.values()) t.ok(count > 850 && count < 1180, `${count} in a block`);
  });

  t.test('a taken port is given up for another', async (t) => {
    const taken = await udpServer(t, () => {});
    const to = await udpServer(t, (_, from, socket) => say(socket, String(from.port), from));
    const free = taken.port === 40_000 ? 40_001 : 40_000;
    const draws = [taken.port, taken.port, free, ...Array.from({ length: 5 }, (_, i) => free + i)];
    const scripted = {
      bytes: () => {
        const port = draws.shift() ?? 0;
        return Uint8Array.of(port >> 8, port & 0xff);
      },
    };
    const blocked = createSocket('udp4');
    await new Promise<void>((resolve) =>
      blocked.bind(taken.port, '0.0.0.0', resolve).on('error', () => resolve()),
    );
    t.teardown(() => blocked.close());
    const port = Number(textOf(await createTransport(scripted).exchange(to, QUERY, udp)));
    t.ok(port >= free && port < free + 5, `asked from ${port}`);
  });

  t.test('where none is free the query is not sent, and the bind not tried for ever', async (t) => {
    const taken = await udpServer(t, () => {});
    let draws = 0;
    const stuck = {
      bytes: () => {
        draws += 1;
        return Uint8Array.of(taken.port >> 8, taken.port & 0xff);
      },
    };
    const delivery = await createTransport(stuck).exchange(taken, QUERY, udp);
    t.same(delivery, { kind: 'unreachable', code: 'EADDRINUSE' });
    t.equal(draws, 8);
  });

  t.test('a generator that is broken sends nothing', async (t) => {
    const zeros = { bytes: (length: number) => new Uint8Array(length) };
    const to = await udpServer(t, () => {});
    const delivery = await createTransport(zeros).exchange(to, QUERY, udp);
    t.same(delivery, { kind: 'unreachable', code: 'EADDRNOTAVAIL' });
  });
});

t.test('the clock of this machine', async (t) => {
  // Its timers do not keep the process.
  const keep = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(keep));
  const { signal } = new AbortController();
  const start = clock.now();
  await clock.sleep(20, signal);
  t.ok(clock.now() - start >= 19, 'sleeps as long as it is told');
  t.equal(getEventListeners(signal, 'abort').length, 0, 'and leaves nothing at the signal');

  const controller = new AbortController();
  const sleeps = [LONG_MS, 10 * 2 ** 31, Number.POSITIVE_INFINITY].map((ms) =>
    clock.sleep(ms, controller.signal),
  );
  let awake = 0;
  for (const sleeper of sleeps) sleeper.then(() => (awake += 1));
  await clock.sleep(20);
  t.equal(awake, 0, 'however long: a timer of Node that is set too far ahead ends at once');
  controller.abort();
  await Promise.all(sleeps);
  t.equal(getEventListeners(controller.signal, 'abort').length, 0, 'an abort wakes all');
  await clock.sleep(LONG_MS, AbortSignal.abort());
});

t.test('randomness: as many octets as asked for, not the same twice', async (t) => {
  t.equal(random.bytes(0).length, 0);
  t.equal(random.bytes(32).length, 32);
  t.not(random.bytes(16).join(), random.bytes(16).join());
  t.equal(random.bytes(1).constructor, Uint8Array);
  const long = random.bytes(10_000);
  t.equal(new Set(long).size, 256, 'each value is there, beyond what is drawn ahead too');
  // Of 4000 draws of eight octets no two are alike, but with probability 4000^2 / 2^65.
  const draws = Array.from({ length: 4000 }, () => random.bytes(8).join());
  t.equal(new Set(draws).size, 4000);
});
