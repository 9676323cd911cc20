/** STARTTLS handshakes with servers that do it right, servers with one fault each, and OpenSSL's own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import type { ServerAddress } from '../../src/environment.ts';
import { type IssuedCertificate, issue, issueChain } from '../../src/testing/certificates.ts';
import { type MailFault, startMailHost } from '../../src/testing/mailhost.ts';
import {
  type ConnectOptions,
  type Contact,
  connect,
  type Handshake,
} from '../../src/tls/connect.ts';
import { serve, speaking } from '../loopback.ts';

/** No test waits as long, unless the machine stands still. */
const options: ConnectOptions = {
  clientName: 'client.example',
  serverName: 'mx.example.com',
  stepMs: 30_000,
  totalMs: 60_000,
};
/** For servers that are meant to be too slow. */
const SHORT_MS = 200;

const chain = issueChain(['mx.example.com']);
const [leaf, intermediate, root] = chain;

const serverContext = (
  list: readonly IssuedCertificate[] = [leaf, intermediate],
  more: SecureContextOptions = {},
) =>
  createSecureContext({
    key: list[0]?.privateKey.export({ type: 'pkcs8', format: 'pem' }) ?? '',
    cert: list.map(({ pem }) => pem).join(''),
    ...more,
  });

const GREETING = '220 mx.example.com ESMTP\r\n';
const EHLO = '250-mx.example.com\r\n250-PIPELINING\r\n250 STARTTLS\r\n';
const READY = '220 go ahead\r\n';
const TO_TLS = [GREETING, EHLO, READY];

/** STARTTLS, then TLS by Node with this context. */
const secured = (context = serverContext(), onSecure: (socket: TLSSocket) => void = () => {}) =>
  speaking(TO_TLS, (socket) => {
    const tls = new TLSSocket(socket, { isServer: true, secureContext: context });
    tls.on('error', () => tls.destroy());
    tls.once('secure', () => onSecure(tls));
    tls.resume(); // else it does not see the end
  });

const fingerprints = (list: readonly Uint8Array[]): string[] =>
  list.map((der) => createHash('sha256').update(der).digest('hex'));

/** The handshake; fails the test with what came in its place. */
function succeeded(test: Test, contact: Contact): Handshake {
  if (contact.kind === 'handshake') {
    test.teardown(() => contact.socket.destroy());
    return contact;
  }
  throw new Error(`no handshake: ${JSON.stringify(contact)}`);
}

/** Waits until the server has seen the end of every connection. */
async function allGone({ sockets }: { readonly sockets: ReadonlySet<Socket> }): Promise<void> {
  while (sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

t.test('a mail host that does it right', async (t) => {
  const host = await startMailHost({ name: 'mx.example.com', chain: [leaf, intermediate] });
  t.teardown(() => host.close());
  const to = { ip: '192.0.2.25', port: 25 };
  const dialled: ServerAddress[] = [];
  const dial = (address: ServerAddress): ServerAddress => {
    dialled.push(address);
    return host.address;
  };
  const contact = succeeded(t, await connect(to, { ...options, dial }));
  t.same(dialled, [to], 'the address goes through dial');
  t.same(fingerprints(contact.chain), fingerprints([leaf.der, intermediate.der]));
  t.equal(contact.protocol, 'TLSv1.3');
  t.match(contact.cipher, /^TLS_\w+$/);
  t.equal(contact.greeting, 'mx.example.com ESMTP');
  t.same(host.commands, ['EHLO client.example', 'STARTTLS'], 'nothing is said under TLS yet');
  contact.socket.write('EHLO client.example\r\n');
  const [answer] = await once(contact.socket, 'data');
  t.match(String(answer), /^250-mx\.example\.com\r\n/, 'the socket is ready for a new session');
  await contact.close();
  t.equal(host.commands.at(-1), 'tls QUIT');
  t.ok(contact.socket.destroyed);
  await contact.close();
  t.pass('closing twice does no harm');
});

t.test('each fault of a mail host has its own result', async (t) => {
  const rows: [MailFault, object][] = [
    ['silent', { kind: 'timeout', during: 'greeting' }],
    [
      'greeting-refused',
      { kind: 'smtp-refused', during: 'greeting', code: 554, text: 'mx.example.com no' },
    ],
    ['ehlo-rejected', { kind: 'no-starttls', ehlo: 'rejected' }],
    ['no-starttls', { kind: 'no-starttls', ehlo: 'not-announced' }],
    ['starttls-refused', { kind: 'starttls-refused', code: 454, text: '4.7.0 not now' }],
    ['injection', { kind: 'injected' }],
    [
      'handshake-alert',
      { kind: 'handshake-failed', code: /ALERT_HANDSHAKE_FAILURE/, why: /alert/ },
    ],
    ['handshake-silent', { kind: 'timeout', during: 'handshake' }],
    ['handshake-closed', { kind: 'closed', during: 'handshake' }],
  ];
  for (const [fault, expected] of rows) {
    const host = await startMailHost({ name: 'mx.example.com', chain, fault });
    const isSlow = 'kind' in expected && expected.kind === 'timeout';
    const contact = await connect(host.address, {
      ...options,
      ...(isSlow && { stepMs: SHORT_MS }),
    });
    t.match(contact, expected, fault);
    t.notOk(
      host.commands.some((command) => /^(tls|MAIL)/.test(command)),
      'no mail was begun',
    );
    await host.close();
  }
});

t.test('every step', async (t) => {
  const failing = async (
    script: (socket: Socket) => void,
    expected: object,
    claim: string,
    more: Partial<ConnectOptions> = {},
  ): Promise<void> => {
    const server = await serve(t, script);
    t.match(await connect(server, { ...options, ...more }), expected, claim);
    await allGone(server);
  };

  const upTo = (count: number, then: (socket: Socket) => void) =>
    speaking(TO_TLS.slice(0, count), then);
  // The client has spoken before each step but the first: its words are read, so that the end is no reset by chance.
  const stages = ['greeting', 'ehlo', 'starttls', 'handshake'] as const;
  for (const [i, during] of stages.entries()) {
    // Before the greeting the server cannot know whether the client has seen that it is connected.
    const early = i === 0 ? /connect|greeting/ : during;
    const heard = (act: (socket: Socket) => void) => (socket: Socket) => {
      if (i === 0) act(socket);
      else socket.once('data', () => act(socket));
    };
    await failing(
      upTo(
        i,
        heard((socket) => socket.end()),
      ),
      { kind: 'closed', during },
      `closed during ${during}`,
    );
    await failing(
      upTo(
        i,
        heard((socket) => socket.resetAndDestroy()),
      ),
      i === 0 ? { kind: /closed|connect-failed/ } : { kind: 'closed', during },
      `reset during ${during}`,
    );
    await failing(
      upTo(i, (socket) => socket.resume()),
      { kind: 'timeout', during },
      `silent during ${during}`,
      { stepMs: SHORT_MS },
    );
    await failing(
      upTo(i, (socket) => socket.resume()),
      { kind: 'timeout', during },
      `silent during ${during}, until the time for everything is over`,
      { totalMs: SHORT_MS },
    );
    const controller = new AbortController();
    await failing(
      upTo(
        i,
        heard(() => controller.abort()),
      ),
      { kind: 'timeout', during: early },
      `aborted during ${during}`,
      { signal: controller.signal },
    );
    t.equal(getEventListeners(controller.signal, 'abort').length, 0);
  }

  await failing(
    speaking([], (socket) => {
      const drip = setInterval(() => socket.write('220-wait\r\n'), 10);
      socket.on('close', () => clearInterval(drip));
    }),
    { kind: 'timeout', during: 'greeting' },
    'a greeting that trickles has the time of one step, not of one for each line',
    { stepMs: SHORT_MS },
  );
  await failing(
    speaking([GREETING, '421 4.3.2 closing\r\n'], (socket) => socket.end()),
    { kind: 'smtp-refused', during: 'ehlo', code: 421, text: '4.3.2 closing' },
    'a server that shuts down at EHLO is not asked by HELO',
  );
  await failing(
    speaking([GREETING, '550 no\r\n', '550 still no\r\n']),
    { kind: 'smtp-refused', during: 'helo', code: 550, text: 'still no' },
    'EHLO and HELO refused',
  );
  await failing(
    speaking([GREETING, '550 5.7.1 go away\r\n'], (socket) => socket.end()),
    { kind: 'smtp-refused', during: 'ehlo', code: 550, text: '5.7.1 go away' },
    'EHLO refused and hung up',
  );
  await failing(
    speaking([GREETING, '250-STARTTLS\r\n250 PIPELINING\r\n']),
    { kind: 'no-starttls', ehlo: 'not-announced' },
    'a host named STARTTLS announces nothing by its name',
  );
  await failing(
    speaking([GREETING, '250-x\r\n250 XSTARTTLS STARTTLS\r\n']),
    { kind: 'no-starttls', ehlo: 'not-announced' },
    'neither does a parameter of another extension',
  );

  const protocolErrors: [string, readonly string[], Contact['kind'] | string][] = [
    ['a web server', ['HTTP/1.1 400 Bad Request\r\n\r\n'], 'greeting'],
    ['binary', ['\x00\x01\x02\x03\n'], 'greeting'],
    ['a line of 3 kB', [`220 ${'x'.repeat(3000)}\r\n`], 'greeting'],
    ['a line without end', ['x'.repeat(100_000)], 'greeting'],
    ['a greeting of 40 kB', ['220-hello there, dear client\r\n'.repeat(1400)], 'greeting'],
    ['a second greeting at once', [GREETING + GREETING], 'greeting'],
    ['an intermediate greeting', ['354 go on\r\n'], 'greeting'],
    ['two codes in one reply', [GREETING, '250-x\r\n220 STARTTLS\r\n'], 'ehlo'],
    ['an intermediate answer to EHLO', [GREETING, '334 \r\n'], 'ehlo'],
    ['250 in answer to STARTTLS', [GREETING, EHLO, '250 fine\r\n'], 'starttls'],
  ];
  for (const [claim, script, during] of protocolErrors)
    await failing(speaking(script), { kind: 'protocol-error', during, why: String }, claim);
});

t.test('replies are put together from any pieces', async (t) => {
  const server = await serve(t, (socket) => {
    socket.setNoDelay(true);
    const queue = [...GREETING];
    const drip = (): void => {
      const octet = queue.shift();
      if (octet !== undefined) socket.write(octet, 'latin1', () => setImmediate(drip));
    };
    drip();
    const script = ['250-mx\r\n250-8BITMIME\n250 starttls\r\n', '220\r\n'];
    socket.on('data', function answer() {
      queue.push(...(script.shift() ?? ''));
      drip();
      if (script.length > 0) return;
      socket.off('data', answer);
      socket.pause();
      const wait = setInterval(() => {
        if (queue.length > 0) return;
        clearInterval(wait);
        const tls = new TLSSocket(socket, { isServer: true, secureContext: serverContext() });
        tls.on('error', () => tls.destroy());
      }, 1);
    });
  });
  const contact = succeeded(t, await connect(server, options));
  t.equal(contact.greeting, 'mx.example.com ESMTP');
  t.equal(contact.chain.length, 2, 'lower case, bare LF and a code without text are understood');
});

t.test('nothing in clear is taken for protected', async (t) => {
  const FORGED = '250-mx.example.com\r\n250 AUTH PLAIN\r\n';
  const injections: [string, (socket: Socket) => void][] = [
    ['in the packet of the 220', (socket) => socket.write(READY + FORGED)],
    ['a single octet in the packet of the 220', (socket) => socket.write(`${READY}\n`)],
    [
      'in a packet of its own, behind the 220',
      (socket) => socket.write(READY, () => socket.write(FORGED)),
    ],
    [
      'some time behind the 220',
      (socket) => socket.write(READY, () => setTimeout(() => socket.write(FORGED), 50)),
    ],
    [
      'in answer to the ClientHello',
      (socket) => socket.write(READY, () => socket.once('data', () => socket.write(FORGED))),
    ],
  ];
  for (const [claim, inject] of injections) {
    const server = await serve(
      t,
      speaking([GREETING, EHLO], (socket) => {
        socket.setNoDelay(true);
        socket.once('data', () => inject(socket));
      }),
    );
    t.same(await connect(server, options), { kind: 'injected' }, claim);
    await allGone(server);
  }
  const server = await serve(
    t,
    speaking([GREETING, EHLO], (socket) =>
      socket.once('data', () => {
        socket.write(READY + FORGED);
        const tls = new TLSSocket(socket, { isServer: true, secureContext: serverContext() });
        tls.on('error', () => tls.destroy());
      }),
    ),
  );
  t.same(await connect(server, options), { kind: 'injected' }, 'even where TLS would follow');
});

t.test('a TLS server that loses its way is not taken for an injection', async (t) => {
  const behind = await serve(t, (socket) => {
    const secureContext = serverContext(chain, { maxVersion: 'TLSv1.2' });
    const tls = new TLSSocket(socket, { isServer: true, secureContext });
    tls.on('error', () => tls.destroy());
  });
  const server = await serve(
    t,
    speaking(TO_TLS, (socket) => {
      const relay = netConnect(behind.port, behind.ip);
      relay.on('error', () => socket.destroy());
      socket.pipe(relay);
      relay.once('data', (data) => {
        // The record behind the ServerHello says version 3.2 of a sudden.
        data.writeUInt8(2, 5 + data.readUInt16BE(3) + 2);
        socket.write(data);
      });
    }),
  );
  t.match(await connect(server, options), { kind: 'handshake-failed', why: /version/ });
});

t.test('certificates come as they were presented', async (t) => {
  const other = issue({ kind: 'authority', subject: 'Somebody Else' });
  const selfSigned = issue({ subject: 'mx.example.com', names: ['mx.example.com'] });
  const long = Array.from({ length: 60 }, (_, i) => issue({ subject: `Padding ${i}` }));
  const lists: [string, readonly IssuedCertificate[]][] = [
    ['the leaf alone', [leaf]],
    ['a self-signed one', [selfSigned]],
    ['the chain with its root', chain],
    ['a stranger between them', [leaf, other, intermediate]],
    ['in the wrong order', [leaf, root, other, intermediate]],
    ['one twice', [leaf, intermediate, intermediate, root]],
    ['a self-signed one twice, which links to itself', [selfSigned, selfSigned]],
    ['sixty', [leaf, ...long]],
  ];
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [claim, list] of lists) {
      const server = await serve(t, secured(serverContext(list, { maxVersion })));
      const contact = succeeded(t, await connect(server, options));
      const presented = fingerprints(contact.chain);
      t.same(presented, fingerprints(list.map(({ der }) => der)), `${claim}, ${maxVersion}`);
      t.equal(contact.protocol, maxVersion);
    }
  }
  const huge = Array.from({ length: 300 }, () => intermediate);
  const server = await serve(t, secured(serverContext([leaf, ...huge])));
  t.match(
    await connect(server, options),
    { kind: 'handshake-failed', code: /EXCESSIVE/ },
    'a list above the 100 kB that OpenSSL reads',
  );
});

t.test('the certificate is not judged here', async (t) => {
  const expired = issue({ subject: 'elsewhere.example', notBefore: 0, notAfter: 1 });
  const server = await serve(t, secured(serverContext([expired])));
  const contact = succeeded(t, await connect(server, options));
  t.same(fingerprints(contact.chain), fingerprints([expired.der]));
  t.equal(contact.socket.authorized, false, 'and nothing says that it was found good');
});

t.test('SNI says the TLSA base domain, and no more than a host name can', async (t) => {
  const rows: [string, string | false][] = [
    ['mx.example.com', 'mx.example.com'],
    ['_dane.mx1-a.example', '_dane.mx1-a.example'],
    ['192.0.2.1', false],
    ['2001:db8::1', false],
    ['', false],
    ['mx\\032a.example', false],
    ['mx\0evil.example', false],
    [`${'a.'.repeat(126)}toolong`, false],
  ];
  for (const [serverName, expected] of rows) {
    let seen: unknown;
    const onSecure = (tls: TLSSocket & { servername?: unknown }): void => {
      seen = tls.servername;
      tls.write('seen');
    };
    const server = await serve(t, secured(serverContext(), onSecure));
    const contact = succeeded(t, await connect(server, { ...options, serverName }));
    await once(contact.socket, 'data');
    t.equal(seen ?? false, expected, JSON.stringify(serverName).slice(0, 40));
  }
});

t.test('no session is taken up again: certificates come each time', async (t) => {
  const context = serverContext();
  const reused: boolean[] = [];
  const server = await serve(
    t,
    secured(context, (tls) => {
      reused.push(tls.isSessionReused());
      tls.write('x');
    }),
  );
  for (let i = 0; i < 3; i += 1) {
    const contact = succeeded(t, await connect(server, options));
    await once(contact.socket, 'data'); // tickets of TLS 1.3 have come by now
    t.equal(contact.chain.length, 2);
    contact.socket.destroy();
  }
  t.same(reused, [false, false, false]);
});

t.test('what cannot be dialled', async (t) => {
  const closed = await new Promise<ServerAddress>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 1;
      server.close(() => resolve({ ip: '127.0.0.1', port }));
    });
  });
  t.same(await connect(closed, options), { kind: 'connect-failed', code: 'ECONNREFUSED' });
  for (const to of [
    { ip: 'localhost', port: 25 },
    { ip: '127.0.0.1', port: 70_000 },
    { ip: '', port: 25 },
  ])
    t.same(await connect(to, options), { kind: 'connect-failed', code: 'EINVAL' });
  const aborted = { ...options, signal: AbortSignal.abort() };
  t.same(await connect(closed, aborted), { kind: 'timeout', during: 'connect' });
  for (const clientName of ['', 'a b', 'evil\r\nSTARTTLS', 'ü.example'])
    await t.rejects(connect(closed, { ...options, clientName }), TypeError);
});

t.test('after the handshake', async (t) => {
  await t.test('an error on the socket hurts nobody', async (t) => {
    const server = await serve(
      t,
      secured(serverContext(), (tls) => tls.write('x')),
    );
    const contact = succeeded(t, await connect(server, options));
    await once(contact.socket, 'data');
    for (const socket of server.sockets) socket.resetAndDestroy();
    contact.socket.write('x');
    while (!contact.socket.closed) await new Promise(setImmediate);
    await contact.close();
  });

  await t.test('a server that does not answer QUIT is left all the same', async (t) => {
    const server = await serve(t, secured());
    const contact = succeeded(t, await connect(server, options));
    await contact.close();
    t.ok(contact.socket.destroyed);
    await allGone(server);
  });

  await t.test('the abort that ended nothing ends nothing later', async (t) => {
    const controller = new AbortController();
    const server = await serve(
      t,
      secured(serverContext(), (tls) => tls.pipe(tls)),
    );
    const contact = succeeded(t, await connect(server, { ...options, signal: controller.signal }));
    t.equal(getEventListeners(controller.signal, 'abort').length, 0);
    controller.abort();
    contact.socket.write('still here');
    t.equal(String(await once(contact.socket, 'data')), 'still here');
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

t.test(
  "OpenSSL's server",
  { skip: hasOpenssl ? false : 'there is no openssl program' },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'danelaw-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const rsa = issueChain(['mx.example.com'], { key: 'rsa' });
    const pem = (list: readonly IssuedCertificate[]): string => list.map((c) => c.pem).join('');
    const certificate = [
      '-cert',
      file('leaf.pem', rsa[0].pem),
      '-key',
      file('key.pem', String(rsa[0].privateKey.export({ type: 'pkcs8', format: 'pem' }))),
      '-cert_chain',
      file('chain.pem', pem([rsa[2], root, rsa[1]])),
    ];

    /** `openssl s_server` knows no STARTTLS: this speaks SMTP up to the 220 and hands the rest through. */
    const behindStarttls = async (
      args: readonly string[],
      onReady: (child: ChildProcess) => void = () => {},
    ) => {
      const child = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', ...args]);
      t.teardown(() => child.kill());
      const port = await new Promise<number>((resolve, reject) => {
        let output = '';
        child.stdout.on('data', (data) => {
          output += data;
          const found = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(output);
          if (found) resolve(Number(found[1]));
        });
        child.stderr.on('data', (data) => {
          output += data;
        });
        child.once('exit', () => reject(new Error(output)));
      });
      onReady(child);
      return serve(
        t,
        speaking(TO_TLS, (socket) => {
          const behind = netConnect(port, '127.0.0.1');
          behind.on('error', () => socket.destroy());
          socket.pipe(behind).pipe(socket);
        }),
      );
    };

    for (const [version, flag] of [
      ['TLSv1.3', '-tls1_3'],
      ['TLSv1.2', '-tls1_2'],
    ] as const)
      await t.test(`${version}: certificates in presented order`, async (t) => {
        const contact = succeeded(
          t,
          await connect(await behindStarttls([...certificate, flag]), options),
        );
        t.equal(contact.protocol, version);
        const expected = [rsa[0], rsa[2], root, rsa[1]].map(({ der }) => der);
        t.same(fingerprints(contact.chain), fingerprints(expected));
      });

    await t.test('TLS 1.1 is refused', async (t) => {
      const server = await behindStarttls([
        ...certificate,
        '-tls1_1',
        '-cipher',
        'ALL:@SECLEVEL=0',
      ]);
      t.match(await connect(server, options), {
        kind: 'handshake-failed',
        why: /version|protocol/,
      });
    });

    await t.test('a server that knows anonymous ciphers only is refused', async (t) => {
      const server = await behindStarttls(['-nocert', '-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0']);
      t.match(await connect(server, options), {
        kind: 'handshake-failed',
        why: /handshake failure/,
      });
    });

    await t.test('a renegotiation is refused', async (t) => {
      let stdin: ChildProcess['stdin'] = null;
      const server = await behindStarttls([...certificate, '-tls1_2'], (child) => {
        stdin = child.stdin;
      });
      const contact = succeeded(t, await connect(server, options));
      const errors: Error[] = [];
      contact.socket.on('error', (error) => errors.push(error));
      (stdin as ChildProcess['stdin'])?.write('r\n'); // has OpenSSL ask the client for a new handshake
      while (!contact.socket.closed) await new Promise((resolve) => setTimeout(resolve, 5));
      t.match(errors, [/handshake failure/], 'no second certificate takes the place of the first');
    });
  },
);
