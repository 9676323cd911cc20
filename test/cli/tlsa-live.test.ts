/**
 * `danelaw tlsa verify` and `danelaw tlsa plan` with real servers on loopback: mail servers that speak TLS, and name servers of
 * which one lags behind.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { nodeEnvironment } from '../../src/environment-node.ts';
import {
  internet,
  issueChain,
  type Loopback,
  type MailHost,
  type MailHostDescription,
  serveOnLoopback,
  startMailHost,
  tlsaFor,
  type Zones,
} from '../../src/testing/index.ts';
import { startService } from '../tls/service-host.ts';
import { command, NO_NETWORK, type Ran, type Setting } from './support.ts';

const one = issueChain(['mx.example.com']);
const two = issueChain(['mx.example.com']);
const tlsa = (chain: typeof one, ...numbers: [0 | 1 | 2 | 3, 0 | 1, 0 | 1 | 2]): string =>
  tlsaFor(chain, ...numbers).toLowerCase();
const [OLD, NEW] = [tlsa(one, 3, 1, 1), tlsa(two, 3, 1, 1)];

/** The second one is the server that may lag behind. */
const [NS1, NS2] = ['198.51.100.1', '198.51.100.2'];
const zones = (...records: readonly string[]): Zones => ({
  'example.com': {
    servers: { 'ns1.example.com': NS1, 'ns2.example.com': NS2 },
    records: [
      '@ MX 10 mx',
      '@ MX 20 mx2',
      'mx A 192.0.2.1',
      'mx A 192.0.2.2',
      'mx2 A 192.0.2.3',
      ...records.map((record) => `_25._tcp.mx 3600 TLSA ${record}`),
      `_25._tcp.mx2 TLSA ${NEW}`,
      `_25._tcp.mx3 604800 TLSA ${OLD}`,
      `_587._tcp.mx TLSA ${OLD}`,
      '_26._tcp.mx CNAME _25._tcp.mx',
    ],
  },
  'loose.com': { records: ['@ MX 10 mx2.example.com.'], signing: 'unsigned' },
  'plain.com': { records: ['mx A 192.0.2.1', `_25._tcp.mx TLSA ${OLD}`], signing: 'unsigned' },
});
const now = Date.now();
const [before, between] = [zones(OLD), zones(OLD, NEW)].map((all) =>
  internet(all, { now, latencyMs: 1 }),
);
if (!before || !between) throw new Error('two internets');

const open: MailHost[] = [];
const mailHosts = new Map<string, MailHost>();
async function listenAt(ip: string, description: Partial<MailHostDescription>): Promise<void> {
  const host = await startMailHost({ name: 'mx.example.com', chain: one, ...description });
  open.push(host);
  mailHosts.set(ip, host);
}
await listenAt('192.0.2.1', {});
await listenAt('192.0.2.2', { chain: two });
await listenAt('192.0.2.3', { chain: two });
const [old, young] = await Promise.all(
  [before, between].map((net) => serveOnLoopback(net, mailHosts)),
);
if (!old || !young) throw new Error('two internets');
t.teardown(async () => {
  await Promise.all([old.close(), young.close()]);
  await Promise.all(open.map((host) => host.close()));
});

const node = nodeEnvironment();
/** What the second server says, and everybody else. */
const setting = (others: Loopback, second: Loopback): Setting => ({
  environment: {
    ...node,
    transport: {
      exchange: (to, query, how) =>
        node.transport.exchange((to.ip === NS2 ? second : others).dial(to), query, how),
    },
  },
  // Other ports of a server are played by its only one.
  dial: ({ ip }) => others.dial({ ip, port: 25 }),
});
const files = t.testdir({});
const file = (name: string, text: string): string => {
  writeFileSync(join(files, name), text);
  return join(files, name);
};
const root = [
  ...['--root-hints', file('hints', before.hints)],
  ...['--trust-anchor', file('anchors', before.anchors)],
];
const tlsaCommand = (args: readonly string[], how = setting(old, old)): Promise<Ran> =>
  command(['tlsa', ...args, ...root], how);
const pem = (chain: typeof one): string => chain.map((certificate) => certificate.pem).join('');
const pair = ['--current', file('one.pem', pem(one)), '--next', file('two.pem', pem(two))];

t.test('verify: every address has to show what the records say', async (t) => {
  const whole = await tlsaCommand(['verify', 'mx.example.com:25']);
  t.equal(whole.code, 1, 'the second address shows another certificate');
  t.match(whole.out, /192\.0\.2\.1: TLSv1\.3 \S+, authenticated by 3 1 1 /);
  t.match(whole.out, /192\.0\.2\.2: TLSv1\.3 \S+, not authenticated: dane-no-match/);
  t.match(whole.out, /^mx\.example\.com: not verified$/m);
  const first = await tlsaCommand(['verify', 'mx.example.com', '--connect', '192.0.2.1']);
  t.equal(first.code, 0);
  t.match(first.out, /^mx\.example\.com: verified: every address/m);
  const otherPort = await tlsaCommand(['verify', 'mx.example.com:587', '--connect', '192.0.2.1']);
  t.equal(otherPort.code, 0, 'the records of another port');
  t.notOk(
    open.some(({ commands }) => commands.some((line) => /MAIL|DATA/.test(line))),
    'no mail',
  );
});

t.test('verify: a domain stands for its mail hosts', async (t) => {
  const { code, out } = await tlsaCommand(['verify', 'example.com', '--json']);
  t.equal(code, 1);
  const view = JSON.parse(out);
  t.match(view, {
    name: 'example.com',
    result: 'not-verified',
    hosts: [
      { host: 'mx.example.com', preference: 10 },
      { host: 'mx2.example.com', attempts: [{ verdict: { kind: 'authenticated', by: NEW } }] },
    ],
  });
  t.equal(view.hosts[0].attempts.length, 2);
  // With the record of the next key at every server, both addresses will do.
  t.equal((await tlsaCommand(['verify', 'example.com'], setting(young, young))).code, 0);
});

t.test('verify: records that are not published yet', async (t) => {
  const at = ['--connect', '192.0.2.2'];
  const given = (record: string): Promise<Ran> =>
    tlsaCommand(['verify', 'mx.example.com', '--record', record, ...at]);
  t.equal((await given(NEW)).code, 0);
  t.equal((await given(tlsa(two, 2, 0, 1))).code, 0, 'the root that the server sends');
  t.equal((await given(OLD)).code, 1);
  t.match((await given(tlsa(two, 1, 1, 1))).out, /not verified/, 'no usage for mail servers');
  const offline = await command(['tlsa', 'verify', 'mx.example.com', '--record', NEW, ...at], {
    ...setting(old, old),
    environment: { ...NO_NETWORK, clock: node.clock },
  });
  t.equal(offline.code, 0, 'with an address too no question is asked');
  t.equal(
    (await tlsaCommand(['verify', 'mx.example.com:25', '--record', NEW, '--record', OLD])).code,
    0,
  );
});

t.test('verify: without proof nothing is verified', async (t) => {
  const plain = await tlsaCommand(['verify', 'mx.plain.com:25']);
  t.equal(plain.code, 1);
  t.match(plain.out, /mx\.plain\.com: opportunistic \(insecure-address/);
  const absent = await tlsaCommand(['verify', 'absent.example.com']);
  t.equal(absent.code, 1);
  t.match(absent.out, /not verified: no-such-domain/);
});

t.test('verify: hosts that unsigned MX records name are half-dane, never verified', async (t) => {
  const { code, out } = await tlsaCommand(['verify', 'loose.com']);
  t.equal(code, 0, 'as for check');
  t.match(out, /^loose\.com: half-dane: every address/m);
  t.notMatch(out, /verified/);
});

t.test('plan: before anything is done', async (t) => {
  const { code, out } = await tlsaCommand(['plan', 'mx.example.com', ...pair, '--json']);
  const view = JSON.parse(out);
  t.equal(code, 1, 'one address shows a certificate without a record');
  t.match(view, {
    owner: '_25._tcp.mx.example.com.',
    zone: 'example.com.',
    live: 'mixed',
    servers: [
      { server: `ns1.example.com. ${NS1}`, ttl: 3600, signedUntil: /^2\d{3}-.*Z$/ },
      { server: `ns2.example.com. ${NS2}`, ttl: 3600 },
    ],
    problems: [/^ns1\.example\.com\. 198\.51\.100\.1: no record 3 1 1 matches/, /^ns2/],
    waitSeconds: 7200,
  });
  t.strictSame(view.servers[0].records, [OLD]);
  t.strictSame(view.transitional, [OLD, NEW]);
  t.strictSame(view.final, [NEW]);
});

t.test(
  'plan: a TTL of a week is waited for twice, though no answer is kept for so long here',
  async (t) => {
    const { out } = await tlsaCommand(['plan', 'mx3.example.com', ...pair, '--no-probe', '--json']);
    t.equal(JSON.parse(out).waitSeconds, 2 * 604_800);
  },
);

t.test('plan: a server of the zone that lags behind stops the next certificate', async (t) => {
  const lagging = setting(young, old);
  const since = ['--since', '2026-01-01T00:00Z'];
  const deploy = ['plan', 'mx.example.com', ...pair, '--step', 'deploy', '--no-probe'];
  const { code, out } = await tlsaCommand([...deploy, ...since], lagging);
  t.equal(code, 1);
  t.match(out, `ns2.example.com. ${NS2} has no record ${NEW} yet`);
  t.notMatch(out, `ns1.example.com. ${NS1} has no record`);
  // The same from the other side: the resolver's own answer may come from either.
  t.equal((await tlsaCommand([...deploy, ...since], setting(old, young))).code, 1);
  const synced = await tlsaCommand([...deploy, ...since], setting(young, young));
  t.equal(synced.code, 0, synced.out);
});

t.test('plan: two TTLs have to pass first', async (t) => {
  const synced = setting(young, young);
  const deploy = ['plan', 'mx.example.com', ...pair, '--step', 'deploy', '--no-probe'];
  const first = await tlsaCommand(deploy, synced);
  t.equal(first.code, 1);
  t.match(first.out, /come back with --since \d{4}-\d\d-\d\dT\d\d:\d\dZ/);
  const hourAgo = new Date(now - 3_600_000).toISOString().replace(/:\d\d\.\d+Z$/, 'Z');
  const second = await tlsaCommand([...deploy, '--since', hourAgo], synced);
  t.equal(second.code, 1);
  t.match(second.out, /caches may hold older records until/);
  t.equal(
    (await tlsaCommand(['plan', 'mx.example.com', ...pair, '--step', 'publish'], synced)).code,
    0,
  );
});

t.test('plan: the old record goes when every address shows the next certificate', async (t) => {
  const synced = setting(young, young);
  const remove = [...pair, '--step', 'remove'];
  const early = await tlsaCommand(['plan', 'mx.example.com', ...remove], synced);
  t.equal(early.code, 1);
  t.match(early.out, /not every address of the server shows the next certificate/);
  const unseen = await tlsaCommand(['plan', 'mx.example.com', ...remove, '--no-probe'], synced);
  t.match(unseen.out, /not known which certificate/);
  const late = await tlsaCommand(['plan', 'mx2.example.com', ...remove], synced);
  t.equal(late.code, 0, late.out);
});

t.test('plan: a host that speaks another protocol is asked in that', async (t) => {
  const imap = await startService(t, { speaks: 'imap', chain: two });
  const there = { ...setting(young, young), dial: () => imap };
  const words = ['plan', 'mx2.example.com:143', ...pair, '--protocol', 'imap', '--json'];
  t.equal(JSON.parse((await tlsaCommand(words, there)).out).live, 'next');
  const smtp = ['plan', 'mx2.example.com:143', ...pair, '--json'];
  t.equal(JSON.parse((await tlsaCommand(smtp, there)).out).live, 'unknown', 'it is no SMTP');
});

t.test('plan: where an alias leads, and where nothing is signed', async (t) => {
  const aliased = await tlsaCommand(['plan', 'mx.example.com:26', ...pair, '--no-probe', '--json']);
  t.equal(JSON.parse(aliased.out).owner, '_25._tcp.mx.example.com.');
  const plain = await tlsaCommand(['plan', 'mx.plain.com', ...pair]);
  t.equal(plain.code, 1);
  t.match(plain.err, /plain\.com\. is not proved by DNSSEC/);
});

t.test('mistakes on the command line', async (t) => {
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['verify'], /tlsa verify needs a host or domain/],
    [['verify', 'mx.example.com:0'], /"0" is no port/],
    [['verify', '192.0.2.1:25'], /is an address/],
    [['verify', 'a.example', '--record', '3 1 1'], /is no TLSA record: write/],
    [['verify', 'a.example', '--record', '3 1 1 abc'], /is no TLSA record: write/],
    [
      ['verify', 'a.example', '--record', '3 1 1 abcd'],
      /of no use to anybody: wrong-digest-length/,
    ],
    [['verify', 'a.example', '--connect', 'mx'], /"mx" is no server address/],
    [['plan', ...pair], /tlsa plan needs a host/],
    [['plan', 'a.example'], /needs --current FILE and --next FILE/],
    [
      ['plan', 'a.example', '--current', join(files, 'none'), '--next', 'x'],
      /--current: .*none cannot be read/,
    ],
    [
      ['plan', 'a.example', ...pair, '--step', 'go'],
      /"go" is no step: use publish, deploy or remove/,
    ],
    [['plan', 'a.example', ...pair, '--since', 'today'], /"today" is no time/],
    [['plan', 'a.example', ...pair, '--since', '2099-01-01'], /is still to come/],
  ];
  for (const [args, says] of cases) {
    const { code, out, err } = await command(['tlsa', ...args], { environment: NO_NETWORK });
    t.equal(code, 2, args.join(' ').slice(0, 60));
    t.equal(out, '');
    t.match(err, says);
  }
  for (const name of ['verify', 'plan']) {
    const { out } = await command(['tlsa', name, '--help'], { environment: NO_NETWORK });
    t.ok(
      out.split('\n').every((line) => line.length <= 90),
      'fits a terminal',
    );
  }
});
