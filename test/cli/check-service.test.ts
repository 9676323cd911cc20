/**
 * `danelaw check --protocol`: services by SRV records (RFC 7673) and hosts by name, with signed zones and real servers that
 * speak IMAP, POP3, XMPP, SMTP and TLS on loopback.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ServerAddress } from '../../src/environment.ts';
import { nodeEnvironment } from '../../src/environment-node.ts';
import {
  corruptSignatures,
  internet,
  issue,
  serveOnLoopback,
  startMailHost,
  tlsaFor,
} from '../../src/testing/index.ts';
import { type ServiceDescription, startService } from '../tls/service-host.ts';
import { command, NO_NETWORK, type Ran } from './support.ts';

const root = issue({ kind: 'authority', subject: 'Testing Root' });
const forHost = issue({ subject: 'x', names: ['imap.example.net'] }, root);
const forDomain = issue({ subject: 'x', names: ['example.com'] }, root);
const forOther = issue({ subject: 'x', names: ['other.example'] }, root);
const alone = issue({ subject: 'x', names: ['imap.example.net'] });
const [EE, EE_ALONE] = [tlsaFor([forHost], 3, 1, 1), tlsaFor([alone], 3, 1, 1)];
const OF_OTHER = tlsaFor([forOther], 3, 1, 1);

/** Servers by address and port. */
const SERVERS: Readonly<Record<string, ServiceDescription>> = {
  '192.0.2.1 9143': { speaks: 'imap', chain: [alone] },
  '192.0.2.1 993': { speaks: 'direct', chain: [forHost, root] },
  '192.0.2.1 995': { speaks: 'direct', chain: [alone] },
  '192.0.2.1 110': { speaks: 'pop3', chain: [forHost, root] },
  '192.0.2.2 143': { speaks: 'imap', chain: [forHost, root] },
  '192.0.2.2 110': { speaks: 'pop3', chain: [forHost, root] },
  '192.0.2.3 5222': { speaks: 'xmpp', chain: [forDomain, root] },
  '192.0.2.4 143': { speaks: 'imap', chain: [forOther, root] },
  '192.0.2.5 143': { speaks: 'imap', chain: [forHost, root], fault: 'no-starttls' },
  '192.0.2.6 143': { speaks: 'imap', chain: [forHost, root], fault: 'injection' },
};
const net = internet(
  {
    // RFC 7673 section 3.3: the port of the SRV record, below its target.
    'example.com': [
      '_imap._tcp SRV 10 0 9143 imap.example.net.',
      '_pop3._tcp SRV 10 0 110 pkix.example.net.',
      '_xmpp-client._tcp SRV 10 0 5222 xmpp.example.net.',
      '_pop3s._tcp SRV 0 0 0 .',
      '_submission._tcp SRV 10 0 587 smtp.example.net.',
    ],
    'second.com': [
      '_imap._tcp SRV 10 0 143 wrong.example.net.',
      '_imap._tcp SRV 20 0 143 pkix.example.net.',
    ],
    'third.com': ['_pop3._tcp SRV 10 0 110 imap.example.net.'],
    'strict.com': ['_imap._tcp SRV 10 0 143 wrong.example.net.'],
    'bogus.com': ['_imap._tcp SRV 10 0 9143 imap.example.net.'],
    'loose.com': {
      records: ['_imap._tcp SRV 10 0 9143 imap.example.net.'],
      signing: 'unsigned',
    },
    'example.net': [
      'imap A 192.0.2.1',
      `_9143._tcp.imap TLSA ${EE_ALONE}`,
      'pkix A 192.0.2.2',
      `_110._tcp.pkix TLSA 3 1 9 00`,
      `_993._tcp.imap TLSA ${tlsaFor([forHost], 1, 1, 1)}`,
      `_995._tcp.imap TLSA ${tlsaFor([alone], 1, 1, 1)}`,
      `_110._tcp.imap TLSA 3 1 9 00`,
      'xmpp A 192.0.2.3',
      `_5222._tcp.xmpp TLSA ${tlsaFor([forDomain, root], 2, 0, 1)}`,
      'wrong A 192.0.2.4',
      `_143._tcp.wrong TLSA ${EE}`,
      'stripped A 192.0.2.5',
      `_143._tcp.stripped TLSA ${EE}`,
      'injected A 192.0.2.6',
      `_143._tcp.injected TLSA ${EE}`,
      'smtp A 192.0.2.7',
      `_587._tcp.smtp TLSA ${OF_OTHER}`,
      'plain A 192.0.2.2',
    ],
    'bad-tlsa.net': ['imap A 192.0.2.2', `_143._tcp.imap TLSA ${EE}`],
  },
  { now: Date.now(), latencyMs: 1 },
)
  .amend('bogus.com', corruptSignatures('SRV'))
  .amend('bad-tlsa.net', corruptSignatures('TLSA'));

const places = new Map<string, ServerAddress>();
const heard = new Map<string, readonly string[]>();
for (const [place, description] of Object.entries(SERVERS)) {
  const host = await startService(t, description);
  places.set(place, { ip: host.ip, port: host.port });
  heard.set(place, host.heard);
}
const smtp = await startMailHost({ name: 'smtp.example.net', chain: [forOther, root] });
places.set('192.0.2.7 587', smtp.address);
const loopback = await serveOnLoopback(net);
t.teardown(async () => {
  await loopback.close();
  await smtp.close();
});

const node = nodeEnvironment();
const files = t.testdir({});
writeFileSync(join(files, 'hints'), net.hints);
writeFileSync(join(files, 'anchors'), net.anchors);
const start = ['--root-hints', join(files, 'hints'), '--trust-anchor', join(files, 'anchors')];
const check = (...args: readonly string[]): Promise<Ran> =>
  command(['check', ...args, ...start], {
    environment: { ...node, transport: loopback.through(node.transport) },
    dial: ({ ip, port }) => places.get(`${ip} ${port}`) ?? { ip: '127.0.0.1', port: 1 },
    webRoots: [root.pem],
  });
const json = async (...args: readonly string[]) => {
  const { code, out } = await check(...args, '--json');
  return { code, view: JSON.parse(out) };
};

t.test(
  'P62: the port of a secure SRV record, with the TLSA records below its target',
  async (t) => {
    const { code, view } = await json('example.com', '--protocol', 'imap');
    t.equal(code, 0);
    t.match(view, {
      protocol: 'imap',
      domain: 'example.com',
      action: 'connect',
      by: 'dane',
      server: 'imap.example.net',
      address: '192.0.2.1',
      srv: 'secure',
      servers: [{ target: 'imap.example.net', port: 9143, tls: 'authenticate' }],
    });
    t.strictSame(view.servers[0].records, [EE_ALONE.toLowerCase()]);
    t.ok(
      heard.get('192.0.2.1 9143')?.includes('tls d9 LOGOUT\r\n'),
      'by STARTTLS, without logging in',
    );
  },
);

t.test('P62: with zero usable records PKIX decides, by service domain or target', async (t) => {
  const { code, out } = await check('example.com', '--protocol', 'pop3');
  t.match(out, /pkix\.example\.net port 110: pkix \(tlsa-unusable\)/);
  t.equal(code, 1, 'its certificate is for neither name');
  t.match(
    out,
    /no public authority vouches for it: it is for none of example\.com, pkix\.example\.net/,
  );
  const target = await json('third.com', '--protocol', 'pop3');
  t.equal(target.code, 0, 'here it is for the target');
  t.match(target.view, { by: 'pkix', why: 'a public authority vouches for imap.example.net' });
});

t.test(
  'PKIX-EE counts outside of SMTP between servers: record and authority together',
  async (t) => {
    const both = await json('imap.example.net', '--protocol', 'imaps');
    t.equal(both.code, 0);
    t.match(both.view, { by: 'dane', why: /^authenticated by TLSA 1 1 1 / });
    const selfSigned = await json('imap.example.net', '--protocol', 'pop3s');
    t.equal(selfSigned.code, 1, 'the record matches, and no authority vouches');
  },
);

t.test('DANE-TA of an XMPP server: the service domain may stand in the certificate', async (t) => {
  const { code, view } = await json('example.com', '--protocol', 'xmpp-client');
  t.equal(code, 0);
  t.match(view, { action: 'connect', by: 'dane', why: /^authenticated by TLSA 2 0 1 / });
  t.match(heard.get('192.0.2.3 5222')?.[0], /to='example\.com'/);
});

t.test('one server after the other, until one does what it owes', async (t) => {
  const { code, view } = await json('second.com', '--protocol', 'imap');
  t.equal(view.servers[0].attempts[0].good, false);
  t.match(view.servers[0].attempts[0].verdict, /^not authenticated: dane-no-match/);
  t.equal(view.servers[1].tls, 'by-protocol');
  t.equal(code, 1, 'and the second one is for another name');
  const strict = await check('strict.com', '--protocol', 'imap');
  t.equal(strict.code, 1);
  t.match(strict.out, /^strict\.com: imap: refuse: no server did what it owes a client$/m);
});

t.test('insecure SRV records: RFC 7673 does not apply, and the target is no name', async (t) => {
  const { code, view } = await json('loose.com', '--protocol', 'imap');
  t.equal(code, 1);
  t.equal(view.srv, 'insecure');
  t.match(view.servers[0], { tls: 'by-protocol', why: 'insecure-srv' });
  t.strictSame(view.servers[0].names, ['loose.com']);
});

t.test('what cannot be proved is not connected to', async (t) => {
  const bogus = await json('bogus.com', '--protocol', 'imap');
  t.equal(bogus.code, 1);
  t.match(bogus.view, { action: 'defer', srv: 'indeterminate' });
  t.strictSame(bogus.view.servers, []);
  const tlsa = await json('imap.bad-tlsa.net', '--protocol', 'imap');
  t.equal(tlsa.code, 1);
  t.equal(tlsa.view.action, 'defer');
  t.equal(tlsa.view.servers[0].tls, 'unreachable');
});

t.test('a domain without the service, and one that says so', async (t) => {
  const none = await check('example.com', '--protocol', 'pop3s');
  t.equal(none.code, 1);
  t.match(none.out, /pop3s: refuse: the domain says that it has no such service/);
});

t.test('a host by name, at the usual port or another', async (t) => {
  const stripped = await check('stripped.example.net', '--protocol', 'imap');
  t.equal(stripped.code, 1);
  t.match(stripped.out, /192\.0\.2\.5: the server does not offer STARTTLS/);
  t.notMatch(stripped.out, /SRV/);
  const injected = await check('injected.example.net', '--protocol', 'imap');
  t.equal(injected.code, 1);
  t.match(injected.out, /text in clear followed the answer to STARTTLS/);
  const at = await json('imap.example.net', '--protocol', 'imap', '--port', '9143');
  t.equal(at.code, 0);
  t.notOk(Object.hasOwn(at.view, 'srv'));
  const plain = await json('plain.example.net', '--protocol', 'imap');
  t.match(plain.view.servers[0], { tls: 'by-protocol', why: 'no-tlsa' });
});

t.test('submission is SMTP with the TLSA records of its port', async (t) => {
  const { code, view } = await json('example.com', '--protocol', 'submission');
  t.equal(code, 0);
  t.match(view, { action: 'connect', by: 'dane', server: 'smtp.example.net' });
  t.ok(smtp.commands.includes('STARTTLS'));
  t.notOk(smtp.commands.some((line) => /MAIL|AUTH/.test(line)));
});

t.test('planned only, and in no time', async (t) => {
  const before = heard.get('192.0.2.1 9143')?.length;
  const { code, view } = await json('example.com', '--protocol', 'imap', '--no-probe');
  t.equal(code, 0);
  t.equal(view.action, 'planned');
  t.equal(heard.get('192.0.2.1 9143')?.length, before);
  const late = await check('example.com', '--protocol', 'imap', '--timeout', '0.001');
  t.equal(late.code, 1);
  t.match(late.err, /no answer in the time that --timeout allows/);
});

t.test('mistakes on the command line', async (t) => {
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [
      ['a.example', '--protocol', 'ftp'],
      /"ftp" is no protocol that can be checked: use submission, /,
    ],
    [['a.example', '--protocol', 'toString'], /is no protocol/],
    [['a.example', '--protocol', 'imap', '--mandatory'], /are for mail between servers/],
    [['a.example', '--protocol', 'imap', '--half-dane', 'may'], /are for mail between servers/],
    [['192.0.2.1', '--protocol', 'imap'], /is an address/],
  ];
  for (const [args, says] of cases) {
    const { code, err } = await command(['check', ...args], { environment: NO_NETWORK });
    t.equal(code, 2);
    t.match(err, says);
  }
});
