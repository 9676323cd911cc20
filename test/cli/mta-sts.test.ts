/** `danelaw mta-sts` on the testing internet, with a real policy host on loopback. +5 of ../shared/spec/momentum.md. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { internet, issue } from '../../src/testing/index.ts';
import { command, NO_NETWORK } from './support.ts';

const NOW = Date.now();
const DAY = 86_400_000;
const ROOT = issue({ kind: 'authority', subject: 'Testing Root' });
const LEAF = issue({ names: ['mta-sts.gmail.com'] }, ROOT);
const POLICY = [
  'version: STSv1',
  'mode: enforce',
  'mx: gmail-smtp-in.l.google.com',
  'mx: *.gmail-smtp-in.l.google.com',
  'max_age: 86400',
];

const net = internet(
  {
    'gmail.com': {
      records: ['_mta-sts 185 TXT "v=STSv1; id=20190429T010101;"', 'mta-sts A 192.0.2.1'],
      signing: 'unsigned',
    },
    'wrong.com': ['_mta-sts 185 TXT "v=STSv1; id=1;"', 'mta-sts A 192.0.2.1'],
    'none.com': ['@ A 192.0.2.1'],
  },
  { now: NOW, latencyMs: 1 },
);

const server = createServer(
  { key: LEAF.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: LEAF.pem },
  (_, response) => {
    response.setHeader('content-type', 'text/plain');
    response.end(POLICY.join('\r\n'));
  },
);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
t.teardown(() => {
  server.closeAllConnections();
  server.close();
});
// An IP server on 127.0.0.1 has an address with a port.
const { port } = server.address() as AddressInfo;

const files = t.testdir({ state: {} });
const hints = join(files, 'root.hints');
const anchors = join(files, 'root.anchors');
writeFileSync(hints, net.hints);
writeFileSync(anchors, net.anchors);
const state = join(files, 'state');

/** In a folder, on the internet of this test. */
function run(words: readonly string[], folder = state) {
  const place = ['--state', folder, '--root-hints', hints, '--trust-anchor', anchors];
  return command(['mta-sts', ...words, ...place], {
    environment: net,
    dial: () => ({ ip: '127.0.0.1', port }),
    webRoots: [ROOT.pem],
  });
}

t.test("+5: Momentum's console: refresh, list and show", async (t) => {
  const empty = await run(['list']);
  t.same(empty, { code: 0, out: 'Total domains: 0\n', err: '' });
  const refreshed = await run(['refresh', 'gmail.com']);
  t.same(refreshed, { code: 0, out: 'MTA-STS policy for gmail.com refreshed.\n', err: '' });
  t.same(await run(['list']), { code: 0, out: 'gmail.com\nTotal domains: 1\n', err: '' });
  const { out, code } = await run(['show', 'gmail.com']);
  t.equal(code, 0);
  // The example of the model; the time that is left until the refresh depends on how long this took.
  const want = [
    "Domain 'gmail.com' has MTA-STS TXT and a TTL of 185 seconds",
    '        id: 20190429T010101',
    '        max_age: 86400 seconds; refresh in N seconds',
    '        mode: enforce',
    '        mxlist:',
    '               gmail-smtp-in.l.google.com',
    '               *.gmail-smtp-in.l.google.com',
    '',
  ];
  t.same(out.replace(/refresh in 8639\d|refresh in 86400/, 'refresh in N').split('\n'), want);
  const json = JSON.parse((await run(['show', 'gmail.com', '--json'])).out);
  t.match(json, {
    domain: 'gmail.com',
    record: { kind: 'id', id: '20190429T010101', status: 'insecure' },
    policy: {
      mode: 'enforce',
      maxAge: 86400,
      mx: ['gmail-smtp-in.l.google.com', '*.gmail-smtp-in.l.google.com'],
    },
  });
});

t.test('what cannot be had is told with its reason, and exit code 1', async (t) => {
  const wrong = await run(['refresh', 'wrong.com']);
  t.equal(wrong.code, 1);
  t.equal(
    wrong.out,
    'MTA-STS policy for wrong.com not refreshed: sts-webpki-invalid (ERR_TLS_CERT_ALTNAME_INVALID)\n',
  );
  const none = await run(['refresh', 'none.com']);
  t.equal(none.code, 1);
  t.match(none.out, /not refreshed: sts-policy-fetch-error \(no-txt-record\)/);
  const shown = await run(['show', 'none.com']);
  t.same(shown, {
    code: 1,
    out: "Domain 'none.com' has no MTA-STS TXT: no record v=STSv1\n",
    err: '',
  });
  const signed = await run(['show', 'wrong.com']);
  t.equal(signed.out, "Domain 'wrong.com' has MTA-STS TXT and a TTL of 185 seconds +dnssec\n");
});

t.test('+5: purge removes what has expired, and nothing else', async (t) => {
  const file = join(state, 'mta-sts');
  await run(['refresh', 'gmail.com']);
  const before = readFileSync(file, 'utf8');
  t.equal((await run(['purge'])).out, 'Removed: 0, kept: 1\n');
  await net.clock.sleep(DAY + 60_000);
  t.equal((await run(['purge', '--dry-run'])).out, 'gmail.com\nTo remove: 1, kept: 0\n');
  t.equal(readFileSync(file, 'utf8'), before);
  t.equal((await run(['list'])).out, 'Total domains: 0\n', 'it is not listed either');
  t.equal((await run(['purge'])).out, 'gmail.com\nRemoved: 1, kept: 0\n');
  t.not(readFileSync(file, 'utf8'), before);
});

t.test('misuse', async (t) => {
  const torn = join(files, 'torn');
  mkdirSync(torn);
  writeFileSync(join(torn, 'mta-sts'), 'danelaw mta-sts policies 1\n{"domain":');
  const cases: [args: readonly string[], says: RegExp][] = [
    [[], /needs to know what to do: list, show, refresh or purge/],
    [['drop'], /"drop" is not known: use list, show, refresh or purge/],
    [['show', '--state', state], /mta-sts show needs a domain/],
    [['refresh', '--state', state], /mta-sts refresh needs a domain/],
    [['list', 'a.example', '--state', state], /"a.example" is one word too many/],
    [['show', 'a.example', 'b.example', '--state', state], /"b.example" is one word too many/],
    [['show', '192.0.2.1', '--state', state], /is an address/],
    [['list'], /needs --state DIR/],
    [['list', '--dry-run', '--state', state], /--dry-run: only purge removes something/],
    [
      ['list', '--state', torn],
      /--state: .*mta-sts: line 2: it is cut off: .*; look at it, or give another folder/,
    ],
  ];
  for (const [args, says] of cases) {
    const { code, out, err } = await command(['mta-sts', ...args], { environment: NO_NETWORK });
    t.equal(code, 2, args.join(' '));
    t.match(err, says);
    t.equal(out, '');
  }
  const nowhere = await run(['refresh', 'gmail.com'], join(files, 'nowhere'));
  t.equal(nowhere.code, 2);
  t.match(nowhere.err, /--state: .*ENOENT/);
});
