/** Handshakes with IMAP, POP3, XMPP and direct TLS servers that do it right, and with one fault each. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import t from 'tap';
import { issueChain } from '../../src/testing/certificates.ts';
import {
  connectService,
  type ServiceConnectOptions,
  type ServiceContact,
} from '../../src/tls/connect-service.ts';
import type { ProtocolName } from '../../src/tls/protocols.ts';
import { type ServiceFault, type ServiceHost, startService } from './service-host.ts';

const chain = issueChain(['im.example.com']);
const SPEAKS = {
  imap: 'imap',
  pop3: 'pop3',
  'xmpp-client': 'xmpp',
  'xmpp-server': 'xmpp',
} as const;
type Talking = keyof typeof SPEAKS;
const TALKING = Object.keys(SPEAKS) as Talking[]; // the keys of the table above

const options = (protocol: ProtocolName): ServiceConnectOptions => ({
  protocol,
  domain: 'im.example.com',
  clientName: 'client.example',
  serverName: 'im.example.com',
  stepMs: 30_000,
  totalMs: 60_000,
});
const start = (test: Parameters<typeof startService>[0], protocol: Talking, fault?: ServiceFault) =>
  startService(test, { speaks: SPEAKS[protocol], chain, ...(fault && { fault }) });

async function finish(contact: ServiceContact): Promise<string> {
  if (contact.kind !== 'handshake') return JSON.stringify(contact);
  const [leaf] = contact.chain;
  await contact.close();
  return createHash('sha256')
    .update(leaf ?? '')
    .digest('hex');
}
const LEAF = createHash('sha256').update(chain[0].der).digest('hex');

t.test('the certificates of a server that does it right, and a farewell under TLS', async (t) => {
  for (const protocol of TALKING) {
    const host = await start(t, protocol);
    const contact = await connectService(host, options(protocol));
    t.equal(contact.kind === 'handshake' && contact.chain.length, 3, protocol);
    t.equal(await finish(contact), LEAF);
    t.notOk(
      host.heard.some((line) => /LOGIN|AUTH|USER/i.test(line)),
      'nobody logs in',
    );
  }
  for (const protocol of [
    'imaps',
    'pop3s',
    'submissions',
    'xmpps-client',
    'xmpps-server',
  ] as const) {
    const host = await startService(t, { speaks: 'direct', chain });
    t.equal(await finish(await connectService(host, options(protocol))), LEAF, protocol);
    t.ok(
      host.heard.every((line) => line.startsWith('tls ')),
      'nothing in clear',
    );
  }
});

t.test('OpenSSL finds the same way to TLS with these servers', async (t) => {
  for (const protocol of ['imap', 'pop3', 'xmpp'] as const) {
    const host = await startService(t, { speaks: protocol, chain });
    const args = ['s_client', '-connect', `${host.ip}:${host.port}`, '-starttls', protocol];
    const more = protocol === 'xmpp' ? ['-xmpphost', 'im.example.com'] : [];
    const out = await outputOf('openssl', [...args, ...more]);
    t.match(out, /BEGIN CERTIFICATE/, protocol);
  }
});

function outputOf(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.on('close', () => resolve(out));
    child.stdin.end();
  });
}

t.test('each fault has its name, with the step that it was in', async (t) => {
  const faults: Readonly<Record<string, (contact: ServiceContact) => void>> = {
    closed: ({ kind }) => t.equal(kind, 'closed'),
    'closed-handshake': (contact) => t.strictSame(contact, { kind: 'closed', during: 'handshake' }),
    endless: (contact) => {
      t.equal(contact.kind, 'protocol-error');
      t.equal(contact.kind === 'protocol-error' && contact.during, 'greeting');
    },
    refused: (contact) => t.equal(contact.kind, 'refused'),
    'no-starttls': (contact) =>
      t.strictSame(contact, { kind: 'no-starttls', ehlo: 'not-announced' }),
    'starttls-refused': (contact) =>
      t.equal(contact.kind === 'refused' && contact.during, 'starttls'),
  };
  for (const protocol of TALKING)
    for (const [fault, check] of Object.entries(faults)) {
      const host = await start(t, protocol, fault as ServiceFault); // the keys of the table above
      t.comment(`${protocol} ${fault}`);
      check(await connectService(host, options(protocol)));
    }
});

t.test('text in clear behind the go-ahead is an injection, and never read', async (t) => {
  for (const protocol of TALKING)
    for (const fault of ['injection', 'late-injection'] as const) {
      const host = await start(t, protocol, fault);
      const contact = await connectService(host, options(protocol));
      t.strictSame(contact, { kind: 'injected' }, `${protocol} ${fault}`);
    }
});

t.test('a server that stalls is given up at each step', async (t) => {
  const during = {
    silent: 'greeting',
    'silent-capability': { imap: 'capability', pop3: 'capability', xmpp: 'greeting' },
    'silent-starttls': 'starttls',
    'silent-handshake': 'handshake',
  } as const;
  const all = TALKING.flatMap((protocol) =>
    Object.entries(during).map(async ([fault, step]) => {
      const host = await start(t, protocol, fault as ServiceFault); // the keys of the table above
      const contact = await connectService(host, { ...options(protocol), stepMs: 300 });
      const expected = typeof step === 'string' ? step : step[SPEAKS[protocol]];
      t.strictSame(contact, { kind: 'timeout', during: expected }, `${protocol} ${fault}`);
    }),
  );
  await Promise.all(all);
  const host: ServiceHost = await startService(t, { speaks: 'direct', chain, fault: 'silent' });
  const direct = await connectService(host, { ...options('imaps'), totalMs: 300 });
  t.strictSame(direct, { kind: 'timeout', during: 'handshake' });
});

t.test('nobody there, and being aborted', async (t) => {
  const nobody = await connectService({ ip: '127.0.0.1', port: 1 }, options('imap'));
  t.strictSame(nobody, { kind: 'connect-failed', code: 'ECONNREFUSED' });
  const stop = new AbortController();
  stop.abort();
  const host = await start(t, 'imap');
  const aborted = await connectService(host, { ...options('imap'), signal: stop.signal });
  t.strictSame(aborted, { kind: 'timeout', during: 'connect' });
  t.strictSame(host.heard, []);
});
