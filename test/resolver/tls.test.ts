/**
 * DNS over TLS to forwarders, on real sockets of loopback: who is spoken to, and who is not.
 *
 * Expected values are those of RFC 7858 section 3, RFC 8310 section 5.1 (strict) and RFC 7766 section 6.2.1 (reuse).
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import { defaultPolicy } from '../../src/dnssec/context.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import type { Delivery, ServerAddress, Transport } from '../../src/environment.ts';
import { nodeEnvironment } from '../../src/environment-node.ts';
import { packNameservers, unpackNameservers } from '../../src/resolver/packed.ts';
import { createResolver } from '../../src/resolver/resolver.ts';
import { createTransport } from '../../src/resolver/udp-tcp.ts';
import { type CertificateDescription, issueChain } from '../../src/testing/certificates.ts';
import { internet } from '../../src/testing/index.ts';
import { spawned } from '../cli/support.ts';
import { listenOn, serve } from '../loopback.ts';

const { clock, random } = nodeEnvironment();
const LONG_MS = 60_000;
const tcp = { over: 'tcp', timeoutMs: LONG_MS, accept: () => true } as const;
const NAMES = ['one.example', 'two.example'] as const;
const QUERY = Uint8Array.of(0xab, 0xcd, 1, 2, 3);
const textOf = (delivery: Delivery): string =>
  delivery.kind === 'reply' ? Buffer.from(delivery.bytes).toString('latin1') : delivery.kind;

interface TlsServer {
  readonly port: number;
  /** The PEM of who signed its certificates. */
  readonly roots: readonly string[];
  /** Connections whose handshake is done on this side, by the name that the client asked for. */
  readonly names: string[];
  /** Queries that came in, from all connections. */
  readonly queries: Uint8Array[];
  readonly sockets: ReadonlySet<TLSSocket>;
  /** Resolves once every connection has been closed: nothing more can come in. */
  ended(): Promise<unknown>;
}

type Answer = (query: Uint8Array, socket: TLSSocket) => Uint8Array | Promise<Uint8Array>;
const echo: Answer = (query) => query;

/** A resolver's front of TLS: one certificate for both names. */
async function tlsServer(
  test: Test,
  answer: Answer = echo,
  leaf: CertificateDescription = {},
  names: readonly string[] = NAMES,
): Promise<TlsServer> {
  const [own, intermediate, root] = issueChain(names, leaf);
  const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const seen = { names: [] as string[], queries: [] as Uint8Array[] };
  const sockets = new Set<TLSSocket>();
  const server = createTlsServer({ key, cert: own.pem + intermediate.pem }, (socket) => {
    seen.names.push(String(socket.servername));
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    onMessages(socket, (query) => {
      seen.queries.push(query);
      void Promise.resolve(answer(query, socket)).then((reply) => socket.write(framed(reply)));
    });
  });
  server.on('tlsClientError', () => {});
  const all = new Set<Socket>();
  server.on('connection', (socket) => all.add(socket));
  const { port } = await listenOn(test, server);
  const ended = (): Promise<unknown> =>
    Promise.all([...all].filter(({ closed }) => !closed).map((socket) => once(socket, 'close')));
  return { port, roots: [root.pem], sockets, ended, ...seen };
}

function onMessages(socket: Socket, take: (message: Uint8Array) => void): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      take(new Uint8Array(pending.subarray(2, end)));
      pending = pending.subarray(end);
    }
  });
}

const framed = (message: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(message.length >> 8, message.length & 0xff), message]);

const at = (port: number, tlsName: string): ServerAddress => ({ ip: '127.0.0.1', port, tlsName });
const transportFor = ({ roots }: Pick<TlsServer, 'roots'>): Transport =>
  createTransport(random, { tlsRoots: roots });

t.test('row 138: a connection serves the name it was verified for, and no other', async (t) => {
  const server = await tlsServer(t);
  const transport = transportFor(server);
  const ask = async (name: string): Promise<string> =>
    textOf(await transport.exchange(at(server.port, name), QUERY, tcp));
  t.equal(await ask('one.example'), textOf({ kind: 'reply', bytes: QUERY }));
  t.equal(await ask('one.example'), textOf({ kind: 'reply', bytes: QUERY }));
  t.same(server.names, ['one.example'], 'the same name: the same connection');
  t.equal(await ask('two.example'), textOf({ kind: 'reply', bytes: QUERY }));
  t.same(server.names, ['one.example', 'two.example'], 'another name is proved by itself');
  t.equal(await ask('three.example'), 'unverified', 'which this server cannot');
  t.equal(server.queries.length, 3);
  await ask('one.example');
  t.equal(
    server.names.filter((name) => name === 'one.example').length,
    1,
    'the first is still of use',
  );
});

t.test(
  'row 138: nor does a plain connection serve a name, or one with TLS a plain question',
  async (t) => {
    const server = await tlsServer(t);
    const transport = transportFor(server);
    await transport.exchange(at(server.port, 'one.example'), QUERY, tcp);
    const plain = { ip: '127.0.0.1', port: server.port };
    t.not(textOf(await transport.exchange(plain, QUERY, { ...tcp, timeoutMs: 5000 })), 'reply');
    t.equal(server.queries.length, 1, 'the plain question did not go into TLS');
  },
);

t.test('who does not prove the name is sent nothing', async (t) => {
  const day = 86_400_000;
  const cases: [
    what: string,
    leaf: CertificateDescription,
    names: readonly string[],
    code: RegExp,
  ][] = [
    ['another name', {}, ['other.example'], /^ERR_TLS_CERT_ALTNAME_INVALID$/],
    ['an expired certificate', { notAfter: Date.now() - day / 2 }, NAMES, /^CERT_HAS_EXPIRED$/],
    ['one not yet valid', { notBefore: Date.now() + day }, NAMES, /^CERT_NOT_YET_VALID$/],
    ['one for other uses', { usages: ['1.3.6.1.5.5.7.3.4'] }, NAMES, /^INVALID_PURPOSE$/],
  ];
  for (const [what, leaf, names, code] of cases) {
    const server = await tlsServer(t, echo, leaf, names);
    const delivery = await transportFor(server).exchange(
      at(server.port, 'one.example'),
      QUERY,
      tcp,
    );
    t.match(delivery, { kind: 'unverified', code }, what);
    await server.ended();
    t.same(server.queries, [], what);
  }
  const server = await tlsServer(t);
  const stranger = await createTransport(random).exchange(
    at(server.port, 'one.example'),
    QUERY,
    tcp,
  );
  t.match(stranger, { kind: 'unverified' }, 'an authority that nobody knows');
  const many = await Promise.all(
    [1, 2, 3].map((id) =>
      createTransport(random).exchange(
        at(server.port, 'one.example'),
        Uint8Array.of(0, id, 1),
        tcp,
      ),
    ),
  );
  t.same(
    many.map(({ kind }) => kind),
    ['unverified', 'unverified', 'unverified'],
  );
  await server.ended();
  t.same(server.queries, []);
});

t.test('NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing', async (t) => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  const server = await tlsServer(t);
  const delivery = await createTransport(random).exchange(
    at(server.port, 'one.example'),
    QUERY,
    tcp,
  );
  t.match(delivery, { kind: 'unverified' });
  t.same(server.queries, []);
});

t.test('a server without TLS sees no question, over TCP or UDP', async (t) => {
  const heard: Buffer[] = [];
  const server = await serve(t, (socket) => {
    socket.on('data', (data) => {
      heard.push(data);
      socket.end(framed(QUERY));
    });
  });
  const transport = createTransport(random);
  const to = at(server.port, 'one.example');
  t.match(await transport.exchange(to, QUERY, tcp), { kind: 'unverified', code: /SSL|EPROTO/ });
  t.ok(heard.length > 0 && heard.every((data) => !data.includes(Buffer.from(QUERY))));
  t.equal(
    heard[0]?.[0],
    0x16,
    'what it heard was the beginning of a handshake (RFC 8446 section 5.1)',
  );
  t.match(await transport.exchange(to, QUERY, { ...tcp, over: 'udp' }), { kind: 'unreachable' });
});

t.test('questions share a connection, and their replies come in any order', async (t) => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await tlsServer(t, async (query) => {
    if (query[1] === 1) await held;
    else release();
    return query;
  });
  const transport = transportFor(server);
  const replies = await Promise.all(
    [1, 2].map((id) => {
      const query = Uint8Array.of(0, id, 7);
      const accept = (reply: Uint8Array): boolean => reply[1] === id;
      return transport.exchange(at(server.port, 'one.example'), query, { ...tcp, accept });
    }),
  );
  t.same(
    replies.map(({ kind }) => kind),
    ['reply', 'reply'],
  );
  t.equal(server.names.length, 1);
});

t.test('a connection that the server has closed is made and verified anew', async (t) => {
  const server = await tlsServer(t);
  const transport = transportFor(server);
  const to = at(server.port, 'one.example');
  await transport.exchange(to, QUERY, tcp);
  for (const socket of server.sockets) {
    socket.destroy();
    await once(socket, 'close');
  }
  t.equal((await transport.exchange(to, QUERY, tcp)).kind, 'reply');
  t.same(server.names, ['one.example', 'one.example']);
});

t.test('a resolver on a forwarder with TLS', async (t) => {
  const net = internet(
    {
      'example.com': ['www A 192.0.2.80'],
      'plain.net': { records: ['www A 192.0.2.90'], signing: 'unsigned' },
    },
    { now: Date.now() },
  );
  const parsed = parseAnchors(net.anchors);
  if (parsed.kind === 'errors') throw new Error('this internet has a root');
  const answer: Answer = (query) => {
    const reply = net.answer(net.forwarder.ip, query, 'tcp');
    if (reply.kind !== 'packets' || !reply.packets[0]) throw new Error('no reply');
    return reply.packets[0];
  };
  const resolverOn = ({ roots }: Pick<TlsServer, 'roots'>, forward: readonly ServerAddress[]) =>
    createResolver({
      environment: { clock, random, transport: createTransport(random, { tlsRoots: roots }) },
      policy: defaultPolicy(nativeEngine),
      anchors: parsed.anchors,
      forward,
    });

  await t.test('all of its questions go through one verified connection', async (t) => {
    const server = await tlsServer(t, answer);
    const { lookup } = resolverOn(server, [at(server.port, 'one.example')]);
    const secure = await lookup(Name.parse('www.example.com'), 'A');
    t.equal(secure.status, 'secure');
    t.equal((await lookup(Name.parse('www.plain.net'), 'A')).status, 'insecure');
    const overs = secure.trace.flatMap((step) => (step.kind === 'exchange' ? step.over : []));
    t.ok(overs.length > 0 && overs.every((over) => over === 'tls'), 'cuts below it keep the name');
    t.ok(server.names.every((name) => name === 'one.example'));
  });

  await t.test(
    'the command takes roots from the file that NODE_EXTRA_CA_CERTS names',
    async (t) => {
      const server = await tlsServer(t, answer);
      const folder = t.testdir({ anchors: net.anchors, roots: server.roots.join('') });
      const forward = `127.0.0.1@${server.port}#one.example`;
      const anchors = ['--trust-anchor', `${folder}/anchors`];
      const args = ['query', 'www.example.com', 'A', '--trace', '--forward', forward, ...anchors];
      const known = await spawned(args, { NODE_EXTRA_CA_CERTS: `${folder}/roots` });
      t.match(known.out, /^;; www\.example\.com\. A: secure, NOERROR$/m);
      t.match(known.out, /at 127\.0\.0\.1 \(tls\): www\.example\.com\. A -> answer/);
      t.equal(known.code, 0);
      const seen = server.queries.length;
      const unknown = await spawned(args);
      t.equal(unknown.code, 1);
      t.match(unknown.out, /does not prove its TLS name \(/);
      t.equal(server.queries.length, seen, 'without it, nothing is asked');
    },
  );

  await t.test('who does not prove the name is named, and nothing else is tried', async (t) => {
    const server = await tlsServer(t, answer, {}, ['other.example']);
    const { lookup } = resolverOn(server, [at(server.port, 'one.example')]);
    const outcome = await lookup(Name.parse('www.example.com'), 'A');
    t.match(outcome, {
      status: 'indeterminate',
      reason: 'network-error',
      fault: {
        detail: {
          kind: 'servers',
          servers: [
            {
              ip: '127.0.0.1',
              said: /does not prove its TLS name \(ERR_TLS_CERT_ALTNAME_INVALID\)/,
            },
          ],
        },
      },
    });
    t.same(server.queries, []);
  });
});

t.test('a packed name server keeps the name of its TLS', (t) => {
  const host = Name.parse('forwarder.example');
  const nameservers = [
    { host, addresses: [at(853, 'one.example'), { ip: '::1', port: 53 }] },
    // As many as an operator cares to give: a count of one octet would come back as 44.
    {
      host,
      addresses: Array.from({ length: 300 }, (_, i) => ({ ip: `192.0.2.${i % 256}`, port: i + 1 })),
    },
  ];
  t.strictSame(unpackNameservers(packNameservers(nameservers)), nameservers);
  t.end();
});

t.test('roots that are no certificates are a failure, and take no socket', async (t) => {
  const server = await tlsServer(t);
  const transport = createTransport(random, { tlsRoots: ['none'], maxSockets: 1 });
  const plain = await tcpEcho(t);
  for (let i = 0; i < 2; i += 1) {
    const delivery = await transport.exchange(at(server.port, 'one.example'), QUERY, tcp);
    t.match(delivery, { kind: /^un(reachable|verified)$/ });
  }
  t.same(server.queries, []);
  t.equal((await transport.exchange(plain, QUERY, tcp)).kind, 'reply', 'the only socket is free');
});

const tcpEcho = (test: Test): Promise<ServerAddress> =>
  serve(test, (socket) => onMessages(socket, (query) => socket.end(framed(query))));

t.test('what a certificate has to say to prove a name', async (t) => {
  // RFC 9525 section 2: the common name is no name of a server; section 6.3: a wildcard is the whole of one label.
  const [altName, name] = ['2.5.29.17', 'one.dns.example'];
  const cases: [
    what: string,
    leaf: CertificateDescription,
    names: readonly string[],
    kind: string,
  ][] = [
    ['nothing but a common name', { subject: name, without: [altName] }, [], 'unverified'],
    ['a common name beside another', { subject: name }, ['other.example'], 'unverified'],
    ['a wildcard for the label', {}, ['*.dns.example'], 'reply'],
    ['a wildcard for two labels', {}, ['*.example'], 'unverified'],
    ['a wildcard above all', {}, ['*'], 'unverified'],
    ['the name with an octet behind it', {}, [`${name}\0.evil.example`], 'unverified'],
    ['two names in one, as Node prints them', {}, [`evil.example, DNS:${name}`], 'unverified'],
    ['the name in another case', {}, ['ONE.dns.Example'], 'reply'],
  ];
  for (const [what, leaf, names, kind] of cases) {
    const server = await tlsServer(t, echo, leaf, names);
    const delivery = await transportFor(server).exchange(at(server.port, name), QUERY, tcp);
    t.equal(delivery.kind, kind, what);
    if (kind === 'reply') continue;
    await server.ended();
    t.same(server.queries, [], what);
  }
});

t.test('what a server says before it has proved its name is not heard', async (t) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const [own, intermediate, root] = issueChain(['other.example']);
    const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const cert = own.pem + intermediate.pem;
    const server = createTlsServer({ key, cert, maxVersion }, (socket) => {
      socket.on('error', () => socket.destroy());
      for (let i = 0; i < 50; i += 1) socket.write(framed(QUERY));
    });
    server.on('tlsClientError', () => {});
    const { port } = await listenOn(t, server);
    const to = at(port, 'one.example');
    const delivery = await transportFor({ roots: [root.pem] }).exchange(to, QUERY, tcp);
    t.match(delivery, { kind: 'unverified' }, maxVersion);
  }
  const { port } = await serve(t, (socket) => socket.write(framed(QUERY)));
  const inClear = await createTransport(random).exchange(at(port, 'one.example'), QUERY, tcp);
  t.match(inClear, { kind: 'unverified' }, 'in clear, before the handshake');
});

t.test('handshakes that stall or break end in time, and give their sockets back', async (t) => {
  const heard: Buffer[] = [];
  const meetings: [what: string, meet: (socket: Socket) => void][] = [
    ['silence', (socket) => socket.resume()],
    ['a closed door', (socket) => socket.end()],
    ['closed in the middle', (socket) => socket.once('data', () => socket.end())],
    ['broken off in the middle', (socket) => socket.once('data', () => socket.resetAndDestroy())],
    // The head of a record of 16 kB that never comes (RFC 8446 section 5.1).
    [
      'half a record',
      (socket) => socket.once('data', () => socket.write(Uint8Array.of(0x16, 3, 3, 0x40, 0))),
    ],
    // RFC 8446 section 6: fatal, handshake_failure.
    [
      'an alert',
      (socket) => socket.once('data', () => socket.write(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40))),
    ],
  ];
  const transport = createTransport(random, { maxSockets: 2 });
  for (const [what, meet] of meetings) {
    const { port } = await serve(t, (socket) => {
      socket.on('data', (data) => heard.push(data));
      meet(socket);
    });
    const how = { ...tcp, timeoutMs: 300 };
    const many = await Promise.all(
      [1, 2, 3, 4, 5].map((id) =>
        transport.exchange(at(port, 'one.example'), Uint8Array.of(id, ...QUERY), how),
      ),
    );
    t.ok(
      many.every(({ kind }) => kind !== 'reply'),
      `${what}: ${many.map(({ kind }) => kind)}`,
    );
  }
  t.ok(heard.every((data) => !data.includes(Buffer.from(QUERY))));
  t.equal((await transport.exchange(await tcpEcho(t), QUERY, tcp)).kind, 'reply');
  t.equal((await transport.exchange(await tcpEcho(t), QUERY, tcp)).kind, 'reply');
});

t.test('a connection that has gone dead costs one question', async (t) => {
  const answered = new Set<Socket>();
  const server = await tlsServer(t, (query, socket) => {
    if (answered.has(socket)) return new Promise<Uint8Array>(() => {}); // as a middlebox that has forgotten it
    answered.add(socket);
    return query;
  });
  const transport = transportFor(server);
  const ask = (timeoutMs: number) =>
    transport.exchange(at(server.port, 'one.example'), QUERY, { ...tcp, timeoutMs });
  t.equal((await ask(LONG_MS)).kind, 'reply');
  t.equal((await ask(300)).kind, 'timeout');
  t.equal((await ask(LONG_MS)).kind, 'reply');
  t.same(server.names, ['one.example', 'one.example'], 'proved anew');
});

t.test('another certificate behind the same address is another proof to give', async (t) => {
  const [own, intermediate, root] = issueChain(NAMES);
  const context = (certificates: typeof own, above = intermediate) => ({
    key: certificates.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: certificates.pem + above.pem,
  });
  const [queries, resumed] = [[] as Uint8Array[], [] as boolean[]];
  const sockets = new Set<TLSSocket>();
  const server = createTlsServer(context(own), (socket) => {
    sockets.add(socket);
    resumed.push(socket.isSessionReused());
    t.equal(socket.alpnProtocol, false);
    socket.on('error', () => socket.destroy());
    onMessages(socket, (query) => {
      queries.push(query);
      socket.write(framed(query));
    });
  });
  server.on('tlsClientError', () => {});
  const { port } = await listenOn(t, server);
  const transport = transportFor({ roots: [root.pem] });
  const ask = () => transport.exchange(at(port, 'one.example'), QUERY, tcp);
  const hangUp = async (): Promise<void> => {
    for (const socket of sockets) {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    }
    sockets.clear();
  };
  t.equal((await ask()).kind, 'reply');
  await hangUp();
  t.equal((await ask()).kind, 'reply');
  t.same(resumed, [false, false], 'a session that is resumed would prove nothing anew');
  await hangUp();
  const [stranger, above] = issueChain(NAMES);
  server.setSecureContext(context(stranger, above));
  t.match(await ask(), { kind: 'unverified' });
  server.setSecureContext(context(issueChain(['other.example'])[0]));
  t.match(await ask(), { kind: 'unverified' });
  t.equal(queries.length, 2);
  await hangUp();
});

t.test('nothing that a forwarder says leads its questions out of TLS', async (t) => {
  const net = internet({ 'example.com': ['www A 192.0.2.80'] }, { now: Date.now() });
  const anchors = parseAnchors(net.anchors);
  if (anchors.kind === 'errors') throw new Error('this internet has a root');
  const [host, zone] = [Name.parse('ns.evil.example'), Name.parse('com')];
  const common = { class: 1, ttl: 3600 } as const;
  const ns = { ...common, owner: zone, type: 'NS', rdata: host.wire } as const;
  const glue = { ...common, owner: host, type: 'A', rdata: Uint8Array.of(127, 0, 0, 1) } as const;
  type Change = (reply: Message) => Message;
  const changes: [what: string, change: Change][] = [
    [
      'a referral with glue',
      (reply) => ({ ...reply, answer: [], authority: [ns], additional: [glue] }),
    ],
    ['a truncated reply', (reply) => ({ ...reply, truncated: true, answer: [] })],
    ['REFUSED', (reply) => ({ ...reply, rcode: 'REFUSED', answer: [], authority: [] })],
    ['FORMERR without EDNS', (reply) => ({ ...reply, rcode: 'FORMERR', edns: undefined })],
    [
      'servers of its own beside the answer',
      (reply) => ({ ...reply, authority: [ns], additional: [glue] }),
    ],
  ];
  for (const [what, change] of changes) {
    const server = await tlsServer(t, (query) => {
      const reply = net.answer(net.forwarder.ip, query, 'tcp');
      if (reply.kind !== 'packets' || !reply.packets[0]) throw new Error('no reply');
      const parsed = parseMessage(reply.packets[0]);
      if (parsed.kind !== 'message') throw new Error('no message');
      return writeMessage(change(parsed.message));
    });
    const inner = transportFor(server);
    const ways = new Set<string>();
    const transport: Transport = {
      exchange: (to, query, how) => {
        ways.add(`${to.ip} ${to.port} ${to.tlsName} ${how.over}`);
        return inner.exchange(to, query, how);
      },
    };
    const { lookup, fetchUnchecked } = createResolver({
      environment: { clock, random, transport },
      policy: defaultPolicy(nativeEngine),
      anchors: anchors.anchors,
      forward: [at(server.port, 'one.example')],
      reportErrors: 'on',
    });
    const outcome = await lookup(Name.parse('www.example.com'), 'A');
    t.not(outcome.status, 'insecure', what);
    await fetchUnchecked(Name.parse('www.example.com'), 'A');
    t.same([...ways], [`127.0.0.1 ${server.port} one.example tcp`], what);
  }
});
