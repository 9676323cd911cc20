/**
 * nodemailer, mx-connect and Haraka's own rules, as published: each delivers where the TLSA records match and sends nothing
 * where they do not. Expected codes are those of the decision table (RFC 7672 section 2.2).
 */

/**
 * nodemailer, mx-connect and Haraka's own rules, as published: each delivers where the TLSA records match and sends nothing
 * where they do not. Expected codes are those of the decision table (RFC 7672 section 2.2).
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { GateError } from '../../src/adapters/gate.ts';
import { register } from '../../src/adapters/haraka.ts';
import { daneDelivery, daneHook, zoneMtaPlugin } from '../../src/adapters/mx-connect.ts';
import { daneTransport } from '../../src/adapters/nodemailer.ts';
import { EE, EE_OF_OTHER, half, OTHER, one, type Scene, two } from '../mta/deliver-support.ts';
import { Client } from '../mta/relay-support.ts';
import { type Setting, settingOf } from './adapters-support.ts';
import { HarakaMx, mxConnect, nodemailer, resolveMxHosts, SMTPConnection } from './peers.ts';

const MAIL = {
  from: 'me@sender.example',
  to: 'you@example.com',
  subject: 'test',
  text: 'hello',
} as const;

/** What became of one message: `delivered`, or the error's own words. */
type Mailer = (test: Test, setting: Setting) => Promise<string>;

const byNodemailer =
  (smtp: object): Mailer =>
  async (test, { options }) => {
    const transport = nodemailer.createTransport(daneTransport('example.com', smtp, options));
    test.teardown(() => transport.close());
    return transport.sendMail(MAIL).then(() => 'delivered', wordsOf);
  };

/** As ZoneMTA's sender does it: mx-connect for the socket, nodemailer's SMTPConnection on it, TLS if it is offered. */
const byMxConnect: Mailer = async (_, { options }) => {
  try {
    const { socket } = await mxConnect(daneDelivery('example.com', options));
    return await speak(socket);
  } catch (error) {
    return wordsOf(error);
  }
};

function speak(connection: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const smtp = new SMTPConnection({ connection, opportunisticTLS: true, host: 'mx.example.com' });
    smtp.on('error', reject);
    smtp.connect(() => {
      smtp.send({ from: MAIL.from, to: [MAIL.to] }, 'Subject: test\r\n\r\nhello\r\n', (error) => {
        smtp.quit();
        if (error) reject(error);
        else resolve('delivered');
      });
    });
  });
}

/** A plugin as Haraka loads it, and what its hook for `get_mx` says. */
function harakaPlugin(options: Setting['options']) {
  const hooks: string[] = [];
  const plugin = {
    register_hook: (hook: string, method: string, priority?: number) => {
      hooks.push(`${hook} ${method} ${priority}`);
    },
  };
  register(plugin, options);
  const getMx = Reflect.get(plugin, 'danelaw_get_mx') as (
    next: (code: number, result: unknown) => void,
    hmail: object,
    domain: string,
  ) => void; // what register has put there
  const ask = (domain: string): Promise<readonly [number, unknown]> =>
    new Promise((resolve) => getMx((code, result) => resolve([code, result]), {}, domain));
  return { hooks, ask };
}

/** Haraka's rules for MX, then a client in place of its outbound; the interop suite has Haraka itself. */
const byHaraka: Mailer = async (_, { options }) => {
  const [code, result] = await harakaPlugin(options).ask('example.com');
  if (code !== 906) return `get_mx ${code}`;
  const [mx] = await resolveMxHosts([new HarakaMx(result)]);
  if (mx?.path === undefined) return 'no path';
  const client = new Client({ path: mx.path });
  const [greeting = ''] = await client.hear();
  if (!greeting.startsWith('220 ')) return greeting;
  return (await client.send()).at(4) === '250' ? 'delivered' : 'refused';
};

const wordsOf = (error: unknown): string =>
  error instanceof GateError ? error.response : `${error}`;

const MAILERS: Readonly<Record<string, Mailer>> = {
  nodemailer: byNodemailer({}),
  'nodemailer with a pool': byNodemailer({ pool: true }),
  'mx-connect': byMxConnect,
  'Haraka by its rules': byHaraka,
};

interface Row {
  readonly claim: string;
  readonly scene: Scene;
  readonly expect: RegExp;
  readonly taken?: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    claim: 'right TLSA, and a certificate that no authority vouches for',
    scene: { zones: one(EE), hosts: { '192.0.2.1': {} } },
    expect: /^delivered$/,
    taken: ['192.0.2.1 tls <you@example.com>'],
  },
  {
    claim: 'wrong TLSA',
    scene: { zones: one(EE_OF_OTHER), hosts: { '192.0.2.1': {} } },
    expect: /^421 4\.7\.5 mx\.example\.com: /,
  },
  {
    claim: 'right TLSA at the second host',
    scene: { zones: two([EE], [EE]), hosts: { '192.0.2.1': { chain: OTHER }, '192.0.2.2': {} } },
    expect: /^delivered$/,
    taken: ['192.0.2.2 tls <you@example.com>'],
  },
  {
    claim: 'TLSA, and STARTTLS stripped',
    scene: { zones: one(EE), hosts: { '192.0.2.1': { fault: 'no-starttls' } } },
    expect: /^421 4\.7\.4 /,
  },
  {
    claim: 'unsigned, without TLS',
    scene: { zones: half(), hosts: { '192.0.2.1': { fault: 'no-starttls' } } },
    expect: /^delivered$/,
    taken: ['192.0.2.1 clear <you@example.com>'],
  },
  {
    claim: 'null MX',
    scene: { zones: { 'example.com': ['@ MX 0 .'] } },
    expect: /^554 5\.1\.10 /,
  },
];

for (const [name, mailer] of Object.entries(MAILERS))
  for (const { claim, scene, expect, taken = [] } of ROWS)
    t.test(`${name}: ${claim}`, async (t) => {
      const setting = await settingOf(t, scene);
      t.match(await mailer(t, setting), expect);
      t.strictSame(setting.taken(), taken);
      if (taken.length === 0) t.strictSame(setting.mailCommands(), [], 'not a word of mail');
    });

t.test('nodemailer hears what SMTP said, as of any server', async (t) => {
  const setting = await settingOf(t, ROWS[1]?.scene ?? { zones: {} });
  const transport = nodemailer.createTransport(daneTransport('example.com', {}, setting.options));
  await t.rejects(transport.sendMail(MAIL), {
    code: 'EDANE',
    command: 'CONN',
    responseCode: 421,
    enhancedCode: '4.7.5',
    category: 'dane',
    temporary: true,
  });
});

t.test('nodemailer: options that lead past the relay are refused at the start', (t) => {
  const contrary = [
    { host: 'mx.example.com' },
    { requireTLS: true },
    { secure: true },
    { proxy: 'socks5://127.0.0.1:1080' },
    { tls: { rejectUnauthorized: false } },
  ];
  for (const smtp of contrary)
    t.throws(() => daneTransport('example.com', smtp), TypeError, Object.keys(smtp).join());
  t.throws(() => daneTransport('you@example.com'), TypeError);
  t.doesNotThrow(() => daneTransport('[mx.example.com]:587', { name: 'me.example', pool: true }));
  t.end();
});

t.test('nodemailer: options that are put in later lead nowhere', async (t) => {
  const setting = await settingOf(t, ROWS[0]?.scene ?? { zones: {} });
  const transport = daneTransport('example.com', {}, setting.options);
  const late = nodemailer.createTransport({ ...transport, requireTLS: true });
  await t.rejects(late.sendMail(MAIL), { message: /requireTLS/ });
  t.match(transport.host, /\.invalid$/, 'nobody to send to for another getSocket');
  t.strictSame(setting.taken(), []);
});

t.test('mx-connect: what its callers decide by', async (t) => {
  const wrong = await settingOf(t, ROWS[1]?.scene ?? { zones: {} });
  await t.rejects(mxConnect(daneDelivery('example.com', wrong.options)), {
    code: 'EDANE',
    category: 'dane',
    temporary: true,
    response: /^421 4\.7\.5 /,
  });
  const nowhere = await settingOf(t, { zones: one(EE) });
  await t.rejects(mxConnect(daneDelivery('example.com', nowhere.options)), {
    code: 'EDANE',
    category: 'network',
    temporary: true,
  });
  const never = await settingOf(t, { zones: { 'example.com': ['@ MX 0 .'] } });
  await t.rejects(mxConnect(daneDelivery('example.com', never.options)), {
    code: 'EDANE',
    temporary: false,
  });
  t.throws(() => daneDelivery('you@example.com'), TypeError);
});

t.test(
  'ZoneMTA: its hooks get a socket for the domain, and its own look-ups are left out',
  async (t) => {
    const setting = await settingOf(t, ROWS[0]?.scene ?? { zones: {} });
    const hooks = new Map<string, (...parameters: never[]) => void>();
    zoneMtaPlugin({ addHook: (name, hook) => hooks.set(name, hook) }, setting.options);
    const delivery: { domain: string; mx?: object[]; skipSTS?: boolean } = {
      domain: 'example.com',
    };
    const run = (name: string, ...parameters: unknown[]): Promise<void> =>
      new Promise((resolve, reject) => {
        const done = (error?: Error): void => (error ? reject(error) : resolve());
        (hooks.get(name) as (...all: unknown[]) => void)(...parameters, done); // the map's own, by its name
      });
    await run('sender:fetch', delivery);
    t.equal(delivery.skipSTS, true);
    // lib/sender.js: what the delivery says, and sender:connect as mx-connect's hook.
    const { socket } = await mxConnect({
      target: delivery.domain,
      mx: delivery.mx,
      connectHook: (_: object, connection: object, done: (error?: unknown) => void) =>
        run('sender:connect', delivery, connection).then(() => done(), done),
    });
    t.equal(await speak(socket), 'delivered');
    t.strictSame(setting.taken(), ['192.0.2.1 tls <you@example.com>']);
    t.throws(
      () => zoneMtaPlugin({} as never),
      TypeError,
      'what cannot be enforced is said at start',
    );
  },
);

t.test('a hook is handed each failure', async (t) => {
  const setting = await settingOf(t, ROWS[1]?.scene ?? { zones: {} });
  const connection: { socket?: never } = {};
  const error = await new Promise((resolve) =>
    daneHook(setting.options)({ domain: 'example.com' }, connection, resolve),
  );
  t.ok(error instanceof GateError);
  t.notOk('socket' in connection);
});

t.test("a domain with commands behind it is none, and nobody's mail goes with it", async (t) => {
  const setting = await settingOf(t, ROWS[0]?.scene ?? { zones: {} });
  const commands = [
    'EHLO x',
    'MAIL FROM:<>',
    'RCPT TO:<you@example.com>',
    'DATA',
    'x',
    '.',
    'QUIT',
  ];
  const domain = ['example.com', ...commands].join('\r\n');
  const connection: { socket?: Socket } = {};
  const error = await new Promise((resolve) =>
    daneHook(setting.options)({ domain }, connection, resolve),
  );
  if (connection.socket) await once(connection.socket.resume(), 'close');
  t.ok(error instanceof GateError && !error.temporary);
  t.strictSame(setting.mailCommands(), []);
});

t.test(
  'Haraka: the hook comes first, a domain keeps its socket, nonsense is no domain',
  async (t) => {
    const setting = await settingOf(t, ROWS[0]?.scene ?? { zones: {} });
    const { hooks, ask } = harakaPlugin(setting.options);
    t.strictSame(hooks, ['get_mx danelaw_get_mx -100']);
    const [first, again, other] = [
      await ask('example.com'),
      await ask('example.com'),
      await ask('example.net'),
    ];
    t.strictSame(first, again);
    t.notSame(first, other);
    t.equal((await ask('exa mple'))[0], 902);
    t.throws(() => register({} as never), TypeError, 'what cannot be enforced is said at start');
  },
);
