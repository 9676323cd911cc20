/**
 * `danelaw check` and `danelaw demo` through real sockets on loopback: what they print, and their exit codes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DEMANDS } from '../../src/cli/demo-demands.ts';
import { nodeEnvironment } from '../../src/environment-node.ts';
import {
  corruptSignatures,
  internet,
  issueChain,
  type MailHost,
  type MailHostDescription,
  serveOnLoopback,
  startMailHost,
  tlsaFor,
} from '../../src/testing/index.ts';
import { command, type Ran, type Setting, spawned } from './support.ts';

const chain = issueChain(['mx.example.com']);
const other = issueChain(['mx.example.com']);
const EE = tlsaFor(chain, 3, 1, 1).toLowerCase();
const EE_OF_OTHER = tlsaFor(other, 3, 1, 1).toLowerCase();

const net = internet(
  {
    'example.com': [
      '@ MX 10 mx',
      'mx A 192.0.2.1',
      `_25._tcp.mx TLSA ${EE}`,
      `_26._tcp.mx TLSA ${EE_OF_OTHER}`,
    ],
    'mismatch.com': [
      '@ MX 10 mx',
      '@ MX 20 gone',
      'mx A 192.0.2.1',
      `_25._tcp.mx TLSA ${EE_OF_OTHER}`,
    ],
    'plain.net': { records: ['@ MX 0 mx', 'mx A 192.0.2.2'], signing: 'unsigned' },
    'bad.com': ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx TLSA ${EE}`],
    'null.com': ['@ MX 0 .'],
  },
  { now: Date.now(), latencyMs: 1 },
).amend('bad.com', corruptSignatures('TLSA'));

const servers: Record<string, MailHostDescription> = {
  '192.0.2.1': { name: 'mx.example.com', chain },
  '192.0.2.2': { name: 'mx.plain.net', chain, fault: 'no-starttls' },
};
const open = new Map<string, MailHost>();
for (const [ip, description] of Object.entries(servers))
  open.set(ip, await startMailHost(description));
const loopback = await serveOnLoopback(net, open);
t.teardown(async () => {
  await loopback.close();
  for (const host of open.values()) await host.close();
});

const node = nodeEnvironment();
const setting: Setting = {
  environment: { ...node, transport: loopback.through(node.transport) },
  dial: loopback.dial,
};
const files = t.testdir({});
const [hints, anchors] = [join(files, 'hints'), join(files, 'anchors')];
writeFileSync(hints, net.hints);
writeFileSync(anchors, net.anchors);

const check = (args: readonly string[], more: Partial<Setting> = {}): Promise<Ran> =>
  command(['check', ...args, '--root-hints', hints, '--trust-anchor', anchors], {
    ...setting,
    ...more,
  });
const json = async (...args: readonly string[]) => {
  const { code, out } = await check([...args, '--json']);
  return { code, view: JSON.parse(out) };
};

t.test('authenticated: the plan, the probe, the verdict', async (t) => {
  const { code, view } = await json('example.com');
  t.equal(code, 0);
  t.match(view, {
    domain: 'example.com',
    action: 'deliver-authenticated',
    reason: 'tlsa-matches',
    host: 'mx.example.com',
    address: '192.0.2.1',
    mx: { status: 'secure' },
    hosts: [
      {
        host: 'mx.example.com',
        preference: 10,
        tls: 'authenticate',
        addresses: ['192.0.2.1'],
        baseDomain: 'mx.example.com',
        records: [EE],
        names: ['mx.example.com', 'example.com'],
        attempts: [
          {
            address: '192.0.2.1',
            contact: 'handshake',
            detail: /^TLSv1\.3 TLS_/,
            presents: EE,
            verdict: { kind: 'authenticated', by: EE, depth: 0 },
            milliseconds: Number,
          },
        ],
      },
    ],
    spent: { queries: Number, bytes: Number, signatures: Number, hashes: 0, milliseconds: Number },
  });
  for (const key of ['dsn', 'fault', 'channel', 'surplus']) t.notOk(Object.hasOwn(view, key), key);
  t.notOk(
    open.get('192.0.2.1')?.commands.some((line) => /MAIL|RCPT|DATA/.test(line)),
    'no mail',
  );
});

t.test('one bit of difference: defer, with the record and its zone', async (t) => {
  const { code, view } = await json('mismatch.com');
  t.equal(code, 1);
  t.match(view, {
    action: 'defer',
    reason: 'dane-no-match',
    dsn: '4.7.5',
    host: 'mx.mismatch.com',
    fault: { zone: 'mismatch.com.', owner: '_25._tcp.mx.mismatch.com.', type: 'TLSA' },
    hosts: [
      {
        attempts: [
          {
            presents: EE,
            verdict: {
              kind: 'not-authenticated',
              reason: 'dane-no-match',
              tried: [{ record: EE_OF_OTHER, why: 'dane-no-match' }],
            },
          },
        ],
      },
      {
        host: 'gone.mismatch.com',
        tls: 'unreachable',
        why: 'no-address',
        addresses: { length: 0 },
        attempts: { length: 0 },
      },
    ],
  });
});

t.test('opportunistic, in clear', async (t) => {
  const { code, view } = await json('plain.net');
  t.equal(code, 0);
  t.match(view, {
    action: 'deliver-opportunistically',
    channel: 'clear',
    reason: 'insecure-mx',
    why: /in clear, for the server does not offer STARTTLS/,
    fault: { zone: 'plain.net.', owner: 'plain.net.', type: 'MX' },
    mx: { status: 'insecure', reason: 'no-ds-proven', why: /no DS record: by the record at / },
    hosts: [{ tls: 'opportunistic', why: 'insecure-mx', attempts: [{ contact: 'no-starttls' }] }],
  });
});

t.test('a TLSA look-up that fails is never "no TLSA"', async (t) => {
  const { code, view } = await json('bad.com');
  t.equal(code, 1);
  t.match(view, {
    action: 'defer',
    reason: 'signature-invalid',
    dsn: '4.7.5',
    fault: { zone: 'bad.com.', owner: '_25._tcp.mx.bad.com.', type: 'TLSA' },
    hosts: [
      {
        tls: 'unreachable',
        why: 'signature-invalid',
        because: /verifies: RRSIG by key \d+ ECDSAP256SHA256$/,
        attempts: { length: 0 },
      },
    ],
  });
});

t.test('refused', async (t) => {
  const { code, view } = await json('null.com');
  t.equal(code, 1);
  t.match(view, {
    action: 'refuse',
    reason: 'null-mx',
    dsn: '5.1.10',
    hosts: { length: 0 },
    mx: { status: 'secure' },
  });
});

t.test('without probe: the plan alone, and no connection', async (t) => {
  const before = open.get('192.0.2.1')?.commands.length;
  const { code, view } = await json('example.com', '--no-probe');
  t.equal(code, 0);
  t.match(view, { action: 'deliver-authenticated', reason: 'tlsa-usable' });
  t.notOk(Object.hasOwn(view.hosts[0], 'attempts'));
  t.equal(open.get('192.0.2.1')?.commands.length, before);
});

t.test('another port has TLSA records of its own', async (t) => {
  const { view } = await json('example.com', '--port', '26', '--no-probe');
  t.match(view, { hosts: [{ records: [EE_OF_OTHER] }] });
});

t.test('a host in brackets is asked for no MX; an address takes part in no DANE', async (t) => {
  const { view } = await json('[mx.example.com]:26', '--no-probe');
  t.match(view, { domain: 'mx.example.com', hosts: [{ records: [EE_OF_OTHER] }] });
  t.notOk(Object.hasOwn(view, 'mx'));
  const address = await json('[192.0.2.1]', '--no-probe');
  t.match(address.view, {
    domain: '192.0.2.1',
    action: 'deliver-opportunistically',
    reason: 'address-literal',
  });
  const { out } = await check(['[mx.example.com]', '--no-probe']);
  t.match(out, /^mx\.example\.com: no MX look-up: the mail goes to this very host\n/);
});

t.test('DANE on demand, and half-DANE, from the command line', async (t) => {
  const { code, view } = await json('plain.net', '--mandatory');
  t.equal(code, 1);
  t.match(view, {
    action: 'defer',
    reason: 'dane-required',
    dsn: '4.7.5',
    why: /^DANE is demanded, but the MX records are not secured by DNSSEC: /,
    fault: { zone: 'net.', owner: 'plain.net.', type: 'DS' },
    mx: { status: 'insecure', reason: 'no-ds-proven' },
  });
  const wrong = await check(['plain.net', '--half-dane', 'yes']);
  t.equal(wrong.code, 2);
  t.match(wrong.err, /--half-dane: "yes" is no half-DANE policy: use dane, encrypt or may/);
});

t.test('text: the last line is what a sender does', async (t) => {
  const { out, err } = await check(['mismatch.com']);
  const lines = out.trimEnd().split('\n');
  t.equal(
    lines.at(-1),
    `mismatch.com: defer (4.7.5): mx.mismatch.com: no certificate matches a TLSA record: the server shows a P-256 key, TLSA ${EE}; no other of the 2 hosts will do; see TLSA _25._tcp.mx.mismatch.com. in the zone mismatch.com.`,
  );
  t.equal(lines[0], 'mismatch.com: MX secure');
  t.equal(lines[1], '  MTA-STS none: no record v=STSv1');
  t.equal(lines[2], '  10 mx.mismatch.com: authenticate');
  t.ok(lines.includes(`        its key is that of TLSA ${EE}`), 'and what would have matched');
  t.equal(err, '');
  const short = await command(
    ['example.com', '--root-hints', hints, '--trust-anchor', anchors],
    setting,
  );
  t.match(
    short.out,
    /\nexample\.com: deliver authenticated to mx\.example\.com: /,
    'check is implied',
  );
});

t.test('an unreachable network: defer, and no stack trace', async (t) => {
  const transport = {
    exchange: async () => ({ kind: 'unreachable', code: 'ENETUNREACH' }) as const,
  };
  const { code, out, err } = await check(['example.com'], { environment: { ...node, transport } });
  t.equal(code, 1);
  t.match(
    out,
    /example\.com: defer \(4\.4\.3\): the mail hosts could not be determined: no packet could be sent/,
  );
  t.equal(err, '');
});

t.test('a time limit ends in defer', async (t) => {
  const transport = { exchange: () => new Promise<never>(() => {}) };
  const { code, out } = await check(['example.com', '--timeout', '0.01', '--json'], {
    environment: { ...node, transport },
  });
  t.equal(code, 1);
  t.match(JSON.parse(out), { action: 'defer', reason: 'budget-spent', hosts: { length: 0 } });
});

t.test('progress names servers on a terminal', async (t) => {
  const { err } = await check(['example.com'], { isTTY: true });
  t.match(err, /asking 198\.18\.0\.\d+: /);
  t.match(err, /connecting to 192\.0\.2\.1 port 25/);
});

t.test('the demo, as npm start runs it: every row as demanded, exit code 0', async (t) => {
  const { code, out, err } = await spawned(['demo', '--json']);
  t.equal(code, 0);
  t.equal(err, '');
  const { rows, asDemanded, total } = JSON.parse(out);
  t.equal(total, DEMANDS.length);
  t.equal(asDemanded, total);
  for (const { demand, result } of rows)
    t.strictSame(
      { action: result.action, reason: result.reason },
      { action: demand.action, reason: demand.reason },
      `row ${demand.row}: ${demand.domain}: ${demand.shows}`,
    );
});

t.test('the demo covers what a sender meets', async (t) => {
  const rows = new Set(DEMANDS.map(({ row }) => row));
  for (const row of [
    1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 21, 24, 25, 26, 27, 28, 29, 30, 31, 33, 34,
  ])
    t.ok(rows.has(row), `row ${row}`);
  t.equal(new Set(DEMANDS.map(({ domain }) => domain)).size, DEMANDS.length);
});

t.test('npm start without words is the demo; a demo that goes wrong says so', async (t) => {
  const table = await spawned([], { npm_lifecycle_event: 'start' });
  t.equal(table.code, 0);
  t.match(
    table.out,
    new RegExp(`${DEMANDS.length} destinations in .* s, all as RFC 7672 demands\n$`),
  );
  for (const { domain } of DEMANDS) t.match(table.out, new RegExp(`^${domain} `, 'm'));
  const transport = { exchange: async () => ({ kind: 'timeout' }) as const };
  const { environment } = setting;
  const broken = await command(['demo'], { environment: { ...environment, transport } });
  t.equal(broken.code, 1);
  t.match(broken.out, /WRONG: deliver-authenticated for tlsa-matches is demanded/);
  t.match(broken.out, /NOT as RFC 7672 demands/);
});
