// The relay on loopback: who gets a greeting, who hears 421 before a word of mail, and what is bounded.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { corruptSignatures } from '../../src/testing/index.ts';
import {
  CHAIN,
  EE,
  EE_OF_OTHER,
  half,
  OTHER,
  one,
  type Scene,
  TLSA,
  two,
} from './deliver-support.ts';
import { Client, relayOn } from './relay-support.ts';

const OFFERS = { '192.0.2.1': {} };
const TAKEN = ['250', '250', '250', '354', '250', '221'];

interface Row {
  readonly claim: string;
  readonly scene: Scene;
  /** The relay's greeting. */
  readonly greeting: RegExp;
  /** What the servers have got in the end; nothing where it is left out. */
  readonly taken?: readonly string[];
}

/** Greetings are RFC 5321 section 3.1; enhanced codes those of the decision table (RFC 7672 section 2.2, RFC 7505 section 4). */
const ROWS: readonly Row[] = [
  {
    claim: 'the certificate matches: verified',
    scene: { zones: one(EE), hosts: OFFERS },
    greeting: /^220 relay\.example ESMTP by way of mx\.example\.com, verified$/,
    taken: ['192.0.2.1 tls <you@example.com>'],
  },
  {
    claim: 'it does not match: 421 4.7.5',
    scene: { zones: one(EE_OF_OTHER), hosts: OFFERS },
    greeting: /^421 4\.7\.5 mx\.example\.com: /,
  },
  {
    claim: 'secure TLSA records, and no STARTTLS: 421 4.7.4',
    scene: { zones: one(EE), hosts: { '192.0.2.1': { fault: 'no-starttls' } } },
    greeting: /^421 4\.7\.4 mx\.example\.com: the server does not offer STARTTLS$/,
  },
  {
    claim: 'secure TLSA records, and the handshake fails: never in clear',
    scene: { zones: one(EE), hosts: { '192.0.2.1': { fault: 'handshake-alert' } } },
    greeting: /^421 4\.7\.5 mx\.example\.com: /,
  },
  {
    claim: 'the second host is as its plan demands',
    scene: { zones: two([EE], [EE]), hosts: { '192.0.2.1': { chain: OTHER }, '192.0.2.2': {} } },
    greeting: /^220 .* mx2\.example\.com, verified$/,
    taken: ['192.0.2.2 tls <you@example.com>'],
  },
  {
    claim: 'the second address of the host is',
    scene: {
      zones: {
        'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', 'mx A 192.0.2.2', ...TLSA('mx', EE)],
      },
      hosts: { '192.0.2.1': { chain: OTHER }, '192.0.2.2': {} },
    },
    greeting: /^220 .*, verified$/,
    taken: ['192.0.2.2 tls <you@example.com>'],
  },
  {
    claim: 'unsigned MX records: half-dane',
    scene: { zones: half(EE), hosts: OFFERS },
    greeting: /^220 .* mx\.example\.net, half-dane$/,
    taken: ['192.0.2.1 tls <you@example.com>'],
  },
  {
    claim: 'no TLSA records: TLS with any certificate',
    scene: { zones: one(), hosts: { '192.0.2.1': { chain: OTHER } } },
    greeting: /^220 .*, encrypted$/,
    taken: ['192.0.2.1 tls <you@example.com>'],
  },
  {
    claim: 'neither TLSA records nor TLS: in clear',
    scene: { zones: one(), hosts: { '192.0.2.1': { fault: 'starttls-refused' } } },
    greeting: /^220 .*, clear$/,
    taken: ['192.0.2.1 clear <you@example.com>'],
  },
  {
    claim: 'bogus TLSA records: 421',
    scene: {
      zones: one(EE),
      amend: (net) => net.amend('example.com', corruptSignatures('TLSA')),
      hosts: OFFERS,
    },
    greeting: /^421 4\.7\.5 /,
  },
  {
    claim: 'bogus MX records: 421 4.4.3, for nobody knows the hosts',
    scene: {
      zones: one(EE),
      amend: (net) => net.amend('example.com', corruptSignatures('MX')),
      hosts: OFFERS,
    },
    greeting: /^421 4\.4\.3 /,
  },
  {
    claim: 'nobody listens: 421 4.4.1',
    scene: { zones: one(EE) },
    greeting: /^421 4\.4\.1 mx\.example\.com: no connection could be made/,
  },
  {
    claim: 'null MX: 554 5.1.10, for good',
    scene: { zones: { 'example.com': ['@ MX 0 .'] } },
    greeting: /^554 5\.1\.10 /,
  },
  {
    claim: 'DANE is demanded, and there is none: 421 4.7.5',
    scene: { zones: one(), terms: { mandatoryDane: true }, hosts: OFFERS },
    greeting: /^421 4\.7\.5 /,
  },
];

for (const { claim, scene, greeting, taken } of ROWS)
  t.test(claim, async (t) => {
    const playing = await relayOn(t, scene);
    const client = new Client(playing.relay.at);
    t.match((await client.hear())[0], greeting);
    if (taken) t.strictSame(await client.send(), TAKEN);
    else {
      t.strictSame(await client.hear(), ['closed']);
      t.strictSame(playing.mailCommands(), [], 'no server has heard a word of mail');
    }
    t.strictSame(playing.taken(), taken ?? []);
  });

t.test("EHLO is the server's own, but for STARTTLS and REQUIRETLS", async (t) => {
  const host = { tlsExtensions: ['REQUIRETLS'], extensions: ['SIZE 1000'] };
  const { relay, hosts } = await relayOn(t, { zones: one(EE), hosts: { '192.0.2.1': host } });
  const client = new Client(relay.at);
  await client.hear();
  t.strictSame(await client.ask('MAIL FROM:<me@sender.example>'), ['503 5.5.1 EHLO first']);
  t.strictSame(await client.ask('ehlo me.example'), [
    '250 mx.example.com',
    'XDANE verified',
    'PIPELINING',
    'ENHANCEDSTATUSCODES',
    'SIZE 1000',
  ]);
  t.ok(
    hosts.get('192.0.2.1')?.commands.includes('tls ehlo me.example'),
    "by the client's own name",
  );
  t.match((await client.ask('STARTTLS'))[0], /^502 /, 'the server, in TLS already, knows no other');
});

t.test('what protects the connection is said by the relay alone', async (t) => {
  const host = { tlsExtensions: ['XDANE verified', 'xdane=verified'] };
  const { relay } = await relayOn(t, { zones: one(), hosts: { '192.0.2.1': host } });
  const client = new Client(relay.at);
  await client.hear();
  const said = (await client.ask('EHLO me.example')).filter((line) => /^xdane/i.test(line));
  t.strictSame(said, ['XDANE encrypted'], 'there are no TLSA records');
});

t.test('an HTTP request with SMTP in its body sends no mail', async (t) => {
  const mail = 'EHLO me.example\r\nMAIL FROM:<>\r\nRCPT TO:<you@example.com>\r\nDATA\r\nx\r\n.';
  for (const head of ['POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n', 'POST / HTTP/1.0\r\n']) {
    const { relay, mailCommands } = await relayOn(t, { zones: one(EE), hosts: OFFERS });
    const client = new Client(relay.at);
    await client.hear();
    t.match((await client.ask(`${head}\r\n${mail}`))[0], /^503 /);
    t.strictSame(await client.hear(), ['421 4.7.0 this is SMTP']);
    t.strictSame(await client.hear(), ['closed']);
    t.strictSame(mailCommands(), []);
  }
});

t.test('STARTTLS is not shown where the connection is in clear either', async (t) => {
  const { relay } = await relayOn(t, {
    zones: one(),
    hosts: { '192.0.2.1': { fault: 'handshake-alert' } },
  });
  const client = new Client(relay.at);
  t.match((await client.hear())[0], /, clear$/);
  t.notOk((await client.ask('EHLO me.example')).includes('STARTTLS'));
});

t.test('a server that knows HELO only', async (t) => {
  const { relay, taken } = await relayOn(t, {
    zones: one(),
    hosts: { '192.0.2.1': { fault: 'ehlo-rejected' } },
  });
  const client = new Client(relay.at);
  await client.hear();
  t.match((await client.ask('EHLO me.example'))[0], /^502 /);
  t.strictSame(await client.ask('HELO me.example'), ['250 mx.example.com']);
  await client.ask('MAIL FROM:<>');
  await client.ask('RCPT TO:<you@example.com>');
  await client.ask('DATA');
  await client.ask('.');
  t.strictSame(taken(), ['192.0.2.1 clear <you@example.com>']);
});

t.test('a client that sends ahead, and a message of a megabyte', async (t) => {
  const { relay, hosts } = await relayOn(t, { zones: one(EE), hosts: OFFERS });
  const client = new Client(relay.at);
  await client.hear();
  const text = `${'x'.repeat(76)}\r\n`.repeat(13_000);
  client.say('EHLO me.example\r\nMAIL FROM:<>\r\nRCPT TO:<you@example.com>\r\nDATA');
  for (const code of ['250', '250', '250', '354'])
    t.equal((await client.hear())[0]?.slice(0, 3), code);
  t.match((await client.ask(`${text}.`))[0], /^250 /);
  t.equal(hosts.get('192.0.2.1')?.messages[0]?.length, text.length - 2);
});

t.test('over a Unix socket, with the destination in the first line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'danelaw-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'relay');
  const scene = { zones: { ...one(EE), 'bad.example': ['@ MX 0 .'] }, hosts: OFFERS };
  const { relay, taken } = await relayOn(t, scene, { at: { path }, nextHop: 'first-line' });
  const client = new Client(relay.at);
  t.match((await client.ask('XDANE example.com'))[0], /^220 .*, verified$/);
  t.strictSame(await client.send(), TAKEN);
  t.match((await new Client(relay.at).ask('XDANE bad.example'))[0], /^554 /);
  t.match((await new Client(relay.at).ask('EHLO me.example'))[0], /^501 5\.5\.4 XDANE/);
  t.match(
    (await new Client(relay.at).ask('XDANE you@example.com'))[0],
    /^501 5\.5\.4 .* mail address/,
  );
  t.match(await new Client(relay.at).ask('x'.repeat(5000)), ['closed']);
  t.strictSame(taken(), ['192.0.2.1 tls <you@example.com>']);
});

t.test('patience has an end, and the client hears of it', async (t) => {
  const scene: Scene = { zones: one(EE), hosts: { '192.0.2.1': { fault: 'silent' } } };
  const { relay } = await relayOn(t, scene, { limits: { patienceMs: 100 } });
  t.match((await new Client(relay.at).hear())[0], /^421 4\.4\.[17] /);
});

t.test('a client that leaves takes the connection to the server along', async (t) => {
  let heard = (): void => {};
  const ehlo = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const scene: Scene = {
    zones: one(EE),
    hosts: { '192.0.2.1': { heard: () => heard(), answers: { EHLO: 'silence' } } },
  };
  let ended = (): void => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const { relay } = await relayOn(t, {
    ...scene,
    parts: { met: (met) => (met.kind === 'attempt' ? ended() : undefined) },
  });
  const client = new Client(relay.at);
  await ehlo;
  client.socket.destroy();
  await end; // of a step that would have 30 s
});

t.test('clients at once are bounded, and a silent session ends', async (t) => {
  const limits = { connections: 1, idleMs: 100 };
  const { relay } = await relayOn(t, { zones: one(EE), hosts: OFFERS }, { limits });
  const client = new Client(relay.at);
  await client.hear();
  t.strictSame(await new Client(relay.at).hear(), ['421 4.3.2 too many connections']);
  await client.ask('EHLO me.example');
  t.strictSame(await client.hear(), ['closed']);
});

t.test('nothing is left of a client that was turned away and said QUIT', async (t) => {
  const limits = { connections: 0 };
  const { relay } = await relayOn(t, { zones: one(EE), hosts: OFFERS }, { limits });
  const client = new Client(relay.at);
  await client.hear();
  const gone = once(client.socket, 'close');
  client.socket.end('QUIT\r\n');
  await gone;
  await relay.close(); // which waits for every socket
});

t.test('a server that hangs up is no silence', async (t) => {
  const hosts = { '192.0.2.1': { chain: CHAIN, answers: { 'tls EHLO': 'hang-up' } } } as const;
  const { relay } = await relayOn(t, { zones: one(EE), hosts });
  const client = new Client(relay.at);
  await client.hear();
  t.match((await client.ask('EHLO me.example'))[0], /^421 4\.4\.2 /);
});

t.test('it ends when it is told to', async (t) => {
  const { relay } = await relayOn(t, { zones: one(EE), hosts: OFFERS });
  const client = new Client(relay.at);
  await client.hear();
  const gone = once(client.socket, 'close');
  await relay.close();
  await gone;
});

t.test('it listens on this machine alone', async (t) => {
  const scene = { zones: one(EE) };
  for (const ip of ['0.0.0.0', '::', '192.0.2.1', '::ffff:127.0.0.1'])
    await t.rejects(relayOn(t, scene, { at: { ip, port: 0 } }), TypeError, ip);
  await t.rejects(relayOn(t, scene, { at: { path: '/dev/null/relay' } }), { code: 'ENOTDIR' });
});
