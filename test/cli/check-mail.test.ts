/**
 * `danelaw check` with MTA-STS, the operator's policy and the message's own wish: a real policy host over HTTPS and real mail
 * hosts on loopback. Rows 37 to 44 and cases P44 to P48 of ../shared/spec/dane-decisions.md and dane-cases.md.
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { nodeEnvironment } from '../../src/environment-node.ts';
import {
  corruptSignatures,
  internet,
  issue,
  issueChain,
  type MailHost,
  type MailHostDescription,
  serveOnLoopback,
  startMailHost,
  tlsaFor,
} from '../../src/testing/index.ts';
import { command, NO_NETWORK, type Ran } from './support.ts';

const ROOT = issue({ kind: 'authority', subject: 'Testing Root' });
/** Domains with a policy, and what it says; the mail host of each is mx below it. */
const POLICIES: Readonly<Record<string, { mode: string; mx: string }>> = {
  'listed.com': { mode: 'enforce', mx: '*.listed.com' },
  'unlisted.com': { mode: 'enforce', mx: 'other.unlisted.com' },
  'dane.com': { mode: 'enforce', mx: 'mx.dane.com' },
  'mismatch.com': { mode: 'enforce', mx: 'mx.mismatch.com' },
  'forged.com': { mode: 'enforce', mx: 'mx.forged.com' },
  'unusable.com': { mode: 'enforce', mx: 'mx.unusable.com' },
  'bad.com': { mode: 'enforce', mx: 'mx.bad.com' },
  'testing.com': { mode: 'testing', mx: 'mx.testing.com' },
  'off.com': { mode: 'none', mx: 'mx.off.com' },
};
const DOMAINS = [...Object.keys(POLICIES), 'lost.com', 'plain.com', 'knows.com', 'unsigned.com'];
const HOSTS = DOMAINS.map((domain) => `mx.${domain}`);

/** The web's authorities vouch for it, for every mail host. */
const publicly = [issue({ names: HOSTS }, ROOT)];
const privately = issueChain(HOSTS);
const other = issueChain(HOSTS);

const GOOD = '192.0.2.1';
const SELF = '192.0.2.2';
const CLEAR = '192.0.2.3';
const KNOWS = '192.0.2.4';
const WEB = '192.0.2.80';

const TLSA_OF = {
  publicly: tlsaFor(publicly, 3, 1, 1).toLowerCase(),
  privately: tlsaFor(privately, 3, 1, 1).toLowerCase(),
  nobody: tlsaFor(other, 3, 1, 1).toLowerCase(),
  unusable: `3 1 7 ${'ab'.repeat(32)}`,
};

const zone = (domain: string, address: string, tlsa?: keyof typeof TLSA_OF): string[] => [
  '@ MX 10 mx',
  `mx A ${address}`,
  ...(tlsa ? [`_25._tcp.mx TLSA ${TLSA_OF[tlsa]}`] : []),
  ...(POLICIES[domain] || domain === 'lost.com'
    ? ['_mta-sts TXT "v=STSv1; id=20261130;"', `mta-sts A ${WEB}`]
    : []),
];

const net = internet(
  {
    'listed.com': zone('listed.com', GOOD),
    'unlisted.com': zone('unlisted.com', GOOD, 'publicly'),
    'dane.com': zone('dane.com', SELF, 'privately'),
    'mismatch.com': zone('mismatch.com', GOOD, 'nobody'),
    'forged.com': zone('forged.com', GOOD, 'publicly'),
    'unusable.com': zone('unusable.com', GOOD, 'unusable'),
    'bad.com': zone('bad.com', SELF, 'unusable'),
    'testing.com': { records: zone('testing.com', SELF), signing: 'unsigned' },
    'off.com': zone('off.com', SELF),
    'lost.com': zone('lost.com', GOOD),
    'knows.com': zone('knows.com', KNOWS),
    'unsigned.com': { records: zone('unsigned.com', KNOWS), signing: 'unsigned' },
    'plain.com': zone('plain.com', CLEAR, 'publicly'),
  },
  { now: Date.now(), latencyMs: 1 },
).amend('forged.com', corruptSignatures('TLSA'));

const servers: Record<string, MailHostDescription> = {
  [GOOD]: { name: 'mx.listed.com', chain: publicly },
  [SELF]: { name: 'mx.dane.com', chain: privately, tlsExtensions: ['REQUIRETLS'] },
  [KNOWS]: { name: 'mx.knows.com', chain: publicly, tlsExtensions: ['REQUIRETLS'] },
  [CLEAR]: { name: 'mx.plain.com', chain: publicly, fault: 'no-starttls' },
};
const open = new Map<string, MailHost>();
for (const [ip, description] of Object.entries(servers))
  open.set(ip, await startMailHost(description));
const loopback = await serveOnLoopback(net, open);

const fetched: string[] = [];
const leaf = issue({ names: DOMAINS.map((domain) => `mta-sts.${domain}`) }, ROOT);
const web = createServer(
  { key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: leaf.pem },
  ({ headers: { host = '' } }, response) => {
    fetched.push(host);
    const policy = POLICIES[host.replace('mta-sts.', '')];
    if (!policy) response.statusCode = 404;
    response.setHeader('content-type', 'text/plain');
    response.end(
      policy && `version: STSv1\nmode: ${policy.mode}\nmx: ${policy.mx}\nmax_age: 86400\n`,
    );
  },
);
await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', () => resolve()));
// An IP server on 127.0.0.1 has an address with a port.
const { port: webPort } = web.address() as AddressInfo;

t.teardown(async () => {
  web.closeAllConnections();
  web.close();
  await loopback.close();
  for (const host of open.values()) await host.close();
});

const node = nodeEnvironment();
const files = t.testdir({});
const file = (name: string, text: string): string => {
  const path = join(files, name);
  writeFileSync(path, text);
  return path;
};
const hints = file('hints', net.hints);
const anchors = file('anchors', net.anchors);

const check = (...args: readonly string[]): Promise<Ran> =>
  command(['check', ...args, '--root-hints', hints, '--trust-anchor', anchors], {
    environment: { ...node, transport: loopback.through(node.transport) },
    dial: (to) => (to.port === 443 ? { ip: '127.0.0.1', port: webPort } : loopback.dial(to)),
    webRoots: [ROOT.pem],
  });
const json = async (...args: readonly string[]) => {
  const { code, out, err } = await check(...args, '--json');
  if (err !== '') throw new Error(err);
  return { code, view: JSON.parse(out) };
};

t.test('an enforced policy, no DANE: TLS with a certificate of an authority', async (t) => {
  const { code, view } = await json('listed.com');
  t.equal(code, 0);
  t.match(view, {
    action: 'deliver-trusted',
    reason: 'mta-sts',
    host: 'mx.listed.com',
    address: GOOD,
    mtaSts: {
      record: 'secure',
      id: '20261130',
      mode: 'enforce',
      mx: ['*.listed.com'],
      maxAge: 86400,
    },
    hosts: [
      {
        tls: 'opportunistic',
        why: 'no-tlsa',
        mtaSts: 'listed',
        attempts: [{ pkix: { kind: 'valid' } }],
      },
    ],
  });
  const { out } = await check('listed.com');
  const lines = out.trimEnd().split('\n');
  t.equal(lines[1], '  MTA-STS enforce (id 20261130, max_age 86400, record secure): *.listed.com');
  t.ok(lines.includes('      in the MTA-STS policy: yes'));
  t.match(out, /192\.0\.2\.1: TLSv1\.3 TLS_\w+, PKIX valid for the host, \d+ ms/);
  t.equal(
    lines.at(-1),
    'listed.com: deliver trusted to mx.listed.com: a trusted authority vouches for the certificate of mx.listed.com under its name, as the MTA-STS policy demands',
  );
});

/** The decision table, beside an enforced policy. */
const ROWS = [
  {
    row: 'decision 37: a host that is not listed is left out, although DANE matches',
    domain: 'unlisted.com',
    want: { action: 'defer', reason: 'sts-mx-mismatch', dsn: '4.7.5' },
    host: { mtaSts: 'not-listed', attempts: [{ verdict: { kind: 'authenticated' } }] },
  },
  {
    row: 'decision 37: DANE alone judges the certificate',
    domain: 'dane.com',
    want: { action: 'deliver-authenticated', reason: 'tlsa-matches' },
    host: {
      mtaSts: 'listed',
      attempts: [{ pkix: { kind: 'invalid', result: 'certificate-not-trusted' } }],
    },
  },
  {
    row: 'decision 38: a valid certificate does not rescue what DANE refuses',
    domain: 'mismatch.com',
    want: {
      action: 'defer',
      reason: 'dane-no-match',
      dsn: '4.7.5',
      fault: { owner: '_25._tcp.mx.mismatch.com.', type: 'TLSA' },
    },
    host: { mtaSts: 'listed', attempts: [{ pkix: { kind: 'valid' } }] },
  },
  {
    row: 'decision 39: nor does it rescue a TLSA look-up that fails',
    domain: 'forged.com',
    want: { action: 'defer', reason: 'signature-invalid', dsn: '4.7.5' },
    host: { tls: 'unreachable', mtaSts: 'listed', attempts: { length: 0 } },
  },
  {
    row: 'decision 40: where no record can be used, MTA-STS adds authentication',
    domain: 'bad.com',
    want: { action: 'defer', reason: 'certificate-not-trusted', dsn: '4.7.5' },
    host: { tls: 'encrypt', attempts: [{ pkix: { kind: 'invalid' } }] },
  },
  {
    row: 'P48: no record can be used, and a good certificate: by MTA-STS',
    domain: 'unusable.com',
    want: { action: 'deliver-trusted', reason: 'mta-sts' },
    host: { tls: 'encrypt', attempts: [{ pkix: { kind: 'valid' } }] },
  },
  {
    row: 'P47: a policy in testing mode keeps nothing',
    domain: 'testing.com',
    want: {
      action: 'deliver-opportunistically',
      reason: 'insecure-mx',
      channel: 'tls',
      mtaSts: { mode: 'testing', record: 'insecure' },
    },
    host: { mtaSts: 'listed', attempts: [{ pkix: { kind: 'invalid' } }] },
  },
  {
    row: 'a policy that says none is none',
    domain: 'off.com',
    want: { action: 'deliver-opportunistically', reason: 'no-tlsa', mtaSts: { mode: 'none' } },
    host: { mtaSts: undefined, attempts: [{ pkix: undefined }] },
  },
  {
    row: 'a policy that cannot be had counts for nothing, and it is said why',
    domain: 'lost.com',
    want: {
      action: 'deliver-opportunistically',
      reason: 'no-tlsa',
      mtaSts: { record: 'secure', mode: undefined, why: /^sts-policy-fetch-error \(.+\)$/ },
    },
    host: { mtaSts: undefined, attempts: [{ pkix: undefined }] },
  },
];
for (const { row, domain, want, host } of ROWS)
  t.test(row, async (t) => {
    const { code, view } = await json(domain);
    t.equal(code, want.action === 'defer' ? 1 : 0);
    t.match(view, { ...want, hosts: [host] });
  });

t.test('who is to connect to nobody fetches no policy, and says so', async (t) => {
  const before = [fetched.length, open.get(GOOD)?.commands.length];
  const { view } = await json('listed.com', '--no-probe');
  t.match(view.mtaSts, { record: 'secure', id: '20261130', mode: undefined });
  t.match(view.mtaSts.why, /not fetched/);
  t.match(view, { action: 'deliver-opportunistically', channel: 'unknown' });
  const without = await json('listed.com', '--no-mta-sts');
  t.equal(without.view.mtaSts, undefined);
  t.match(without.view, { action: 'deliver-opportunistically', channel: 'tls' });
  t.equal(fetched.length, before[0], 'nor with --no-mta-sts');
  const none = await json('plain.com', '--no-probe');
  t.match(none.view.mtaSts, { record: 'none', mode: 'none', why: 'no record v=STSv1' });
});

const POLICY = file(
  'policy.toml',
  `dane = {}
use_dane = true

[binding_group.bulk]
tls = "required"
tls_verify = "host"

[binding.old]
enable_dane = false

[domain."mismatch.com"]
exception = { reason = "their records are wrong, ticket 4711", expires = 2126-01-31T12:00:00Z }

[domain."unlisted.com"]
sts_mx_filter = false

[domain."off.com"]
use_dane = false
tls = "no"
tls_verify = "no"

[domain."forged.com"]
dane_audit = true
mta_sts = false

[domain."plain.com"]
exception = { reason = "long mended", expires = 2020-01-31T12:00:00Z }
`,
);

t.test('the policy: its terms, with their lines, and what DANE would have stopped', async (t) => {
  const { code, view } = await json('mismatch.com', '--policy', POLICY, '--no-mta-sts');
  t.equal(code, 0);
  t.match(view, {
    action: 'deliver-opportunistically',
    channel: 'tls',
    reason: 'dane-not-applied',
    why: /^DANE is reported and not applied until 2126-01-31 \(their records are wrong, ticket 4711\); over TLS/,
    policy: {
      file: POLICY,
      terms: [
        { option: 'use_dane', value: 'true', from: { line: 2, column: 1, section: 'global' } },
        { option: 'dane_audit', value: 'true', from: { line: 12 } },
        { option: 'exception', from: { line: 12, section: 'domain mismatch.com' } },
      ],
    },
    overlooked: [{ reason: 'dane-no-match', why: /^mx\.mismatch\.com: no certificate matches/ }],
  });
  const { out } = await check('mismatch.com', '--policy', POLICY, '--binding', 'old');
  t.match(out, `policy ${POLICY}: use_dane = true (2:1), enable_dane = false (9:1, binding old)`);
  t.match(out, /DANE would have stopped the mail: mx\.mismatch\.com: no certificate matches/);
  t.match(out, /deliver trusted/, 'DANE does not bind, so the MTA-STS policy counts');
});

/** Terms of the file, one after the other. */
const TERMS = [
  {
    what: 'sts_mx_filter = false: DANE may go past the list',
    args: ['unlisted.com'],
    want: { action: 'deliver-authenticated' },
  },
  {
    what: 'use_dane = false, tls = "no": in clear, whatever the host can do',
    args: ['off.com'],
    want: {
      action: 'deliver-opportunistically',
      channel: 'clear',
      reason: 'dane-off',
      why: 'DANE is switched off here; in clear, for the operator wants no TLS',
    },
  },
  {
    what: 'dane_audit, a TLSA look-up that fails: delivered, and told',
    args: ['forged.com'],
    want: {
      action: 'deliver-opportunistically',
      channel: 'tls',
      address: GOOD,
      mtaSts: undefined,
      overlooked: [{ reason: 'signature-invalid' }],
    },
  },
  {
    what: 'an exception that has expired does not count: in clear is not enough',
    args: ['plain.com'],
    want: {
      action: 'defer',
      reason: 'no-starttls',
      dsn: '4.7.4',
      policy: { expired: '2020-01-31T12:00:00.000Z' },
    },
  },
  {
    what: 'enable_dane = false: in clear will do, and DANE would have stopped it',
    args: ['plain.com', '--binding', 'old'],
    want: {
      action: 'deliver-opportunistically',
      channel: 'clear',
      overlooked: [{ reason: 'no-starttls' }],
    },
  },
  {
    what: 'tls_verify = "host" passes where no policy and no record speaks',
    args: ['lost.com', '--binding-group', 'bulk'],
    want: { action: 'deliver-trusted', reason: 'tls-verify' },
  },
  {
    what: '... and stops a certificate that nobody vouches for',
    args: ['testing.com', '--binding-group', 'bulk'],
    want: { action: 'defer', reason: 'certificate-not-trusted', dsn: '4.7.5' },
  },
];
for (const { what, args, want } of TERMS)
  t.test(what, async (t) => {
    const { view } = await json(...args, '--policy', POLICY);
    t.match(view, want);
  });

t.test('mandatory DANE from the file and from the option come to the same', async (t) => {
  const mandatory = file('mandatory.toml', 'dane = {}\nuse_dane = true\nmandatory_dane = true\n');
  const want = { action: 'defer', reason: 'dane-required', dsn: '4.7.5' };
  t.match((await json('lost.com', '--policy', mandatory)).view, want);
  t.match((await json('lost.com', '--mandatory')).view, want);
});

/** The decision table, for messages with a wish of their own. */
const WISHES = [
  {
    row: 'decision 41: REQUIRETLS, the TLSA record matches, and the server knows it',
    args: ['dane.com', '--message', 'requiretls'],
    want: {
      action: 'deliver-authenticated',
      message: 'requiretls',
      hosts: [{ attempts: [{ requireTls: 'announced' }] }],
    },
  },
  {
    row: 'decision 41: REQUIRETLS, no TLSA record: an authority has to vouch for the host',
    args: ['knows.com', '--message', 'requiretls'],
    want: { action: 'deliver-trusted', reason: 'requiretls', host: 'mx.knows.com' },
  },
  {
    row: 'decision 42: REQUIRETLS, and nothing vouches for the name of the host',
    args: ['unsigned.com', '--message', 'requiretls'],
    want: { action: 'refuse', reason: 'mx-not-validated', dsn: '5.7.10' },
  },
  {
    row: 'decision 42: REQUIRETLS, and no host is authenticated',
    args: ['mismatch.com', '--message', 'requiretls'],
    want: { action: 'refuse', reason: 'dane-no-match', dsn: '5.7.10' },
  },
  {
    row: 'decision 42: REQUIRETLS, and a TLSA look-up that fails: it waits',
    args: ['forged.com', '--message', 'requiretls'],
    want: { action: 'defer', reason: 'signature-invalid', dsn: '4.7.5' },
  },
  {
    row: 'decision 43: REQUIRETLS, and the server does not know it',
    args: ['listed.com', '--message', 'requiretls'],
    want: {
      action: 'refuse',
      reason: 'no-requiretls',
      dsn: '5.7.30',
      hosts: [{ attempts: [{ pkix: { kind: 'valid' }, requireTls: 'missing' }] }],
    },
  },
  {
    row: 'decision 44: TLS-Required: No, and a certificate that DANE refuses',
    args: ['mismatch.com', '--message', 'tls-required-no'],
    want: {
      action: 'deliver-opportunistically',
      channel: 'tls',
      message: 'tls-required-no',
      overlooked: [{ reason: 'dane-no-match' }],
    },
  },
  {
    row: 'decision 44: TLS-Required: No, and a TLSA look-up that fails',
    args: ['forged.com', '--message', 'tls-required-no'],
    want: {
      action: 'deliver-opportunistically',
      channel: 'tls',
      overlooked: [{ reason: 'signature-invalid' }],
    },
  },
];
for (const { row, args, want } of WISHES)
  t.test(row, async (t) => {
    const { view } = await json(...args);
    t.match(view, want);
  });

t.test('nothing but EHLO is said under TLS, and no mail is sent', (t) => {
  const said = [...open.values()].flatMap(({ commands }) => commands);
  const inTls = said.filter((line) => line.startsWith('tls '));
  t.same([...new Set(inTls)].sort(), ['tls EHLO client.example', 'tls QUIT']);
  t.end();
});

t.test('command lines that cannot be meant', async (t) => {
  const broken = file('broken.toml', 'use_dane = true\nus_dane = 1\n');
  const cases: [string[], RegExp][] = [
    [['--policy', POLICY, '--mandatory'], /--half-dane and --mandatory are said in the file/],
    [['--binding', 'old'], /--binding and --binding-group need --policy FILE/],
    [['--policy', join(files, 'missing')], /--policy: .*missing /],
    [['--policy', broken], /broken\.toml:2:1: /],
    [['--protocol', 'imap', '--policy', POLICY], /are for mail between servers/],
    [
      ['--message', 'urgent'],
      /--message: "urgent" is not known: use requiretls or tls-required-no/,
    ],
  ];
  for (const [words, message] of cases) {
    const { code, err } = await command(['check', 'example.com', ...words], {
      environment: NO_NETWORK,
    });
    t.equal(code, 2, words.join(' '));
    t.match(err, message);
  }
});
