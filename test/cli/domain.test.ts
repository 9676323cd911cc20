/**
 * `danelaw domain` on the testing internet. What it has to print stands in ../shared/spec/momentum.md, where Momentum's
 * console text is quoted.
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import t from 'tap';
import { corruptSignatures, type Internet, internet, issue } from '../../src/testing/index.ts';
import { listenOn } from '../loopback.ts';
import { command, type Ran } from './support.ts';

/** The example of momentum.md, whose last line is shown there up to where it was cut (`\`, `...`). */
const EXAMPLE = `Domain 'comcast.net' has 8 MXs and a TTL of 58 seconds +dnssec
  [50 mx2c1.comcast.net. TTL:7198] +dnssec
TLSA '_25._tcp.mx2c1.comcast.net' has a TTL of 120 seconds +dnssec
  3 1 1 29b116c43593748345aa7f4c43717e792f94137a88b93d674de2ce1162f98625
  [96.102.18.146]:0 IPv4 (0.00ms con 0.00ms dlv)
`;
const EE = '3 1 1 29b116c43593748345aa7f4c43717e792f94137a88b93d674de2ce1162f98625';
const OTHERS = ['mx1a1', 'mx1c1', 'mx1h1', 'mx2a1', 'mx2h1', 'mx3a1', 'mx3c1'];

const net = internet(
  {
    // The MX records came with a TTL of 59. One round of 700 ms later, at the addresses and TLSA records, 58 are left.
    'comcast.net': [
      '@ 59 MX 50 mx2c1',
      ...OTHERS.map((host) => `@ 59 MX 100 ${host}`),
      'mx2c1 7198 A 96.102.18.146',
      `_25._tcp.mx2c1 120 TLSA ${EE}`,
      ...OTHERS.map((host) => `${host} 7198 A 96.102.18.147`),
    ],
    'example.com': [
      '@ 300 MX 10 mx',
      'mx 200 A 192.0.2.1',
      'mx 100 AAAA 2001:db8::1',
      `_25._tcp.mx 60 TLSA ${EE}`,
      `_25._tcp.mx 60 TLSA 2 1 1 ${EE.slice(6)}`,
      '_mta-sts 185 TXT "v=STSv1; id=20190429T010101;"',
    ],
    'two-sts.com': [
      '@ A 192.0.2.1',
      '_mta-sts TXT "v=STSv1; id=1;"',
      '_mta-sts TXT "v=STSv1; id=2;"',
    ],
    'alias.com': ['@ MX 10 mx', 'mx CNAME mail', 'mail A 192.0.2.1', `_25._tcp.mail TLSA ${EE}`],
    'plain.com': { records: ['@ MX 10 mx', 'mx A 192.0.2.1'], signing: 'unsigned' },
    'half.com': ['@ MX 10 mx.plain.com.', '@ MX 20 mx', 'mx A 192.0.2.1'],
    'loose.com': ['@ MX 10 mx', 'mx A 192.0.2.1', '_25._tcp.mx CNAME tlsa.plain-tlsa.com.'],
    'plain-tlsa.com': { records: [`tlsa TLSA ${EE}`], signing: 'unsigned' },
    'bad-tlsa.com': ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx TLSA ${EE}`],
    'bad-a.com': ['@ MX 10 mx', 'mx A 192.0.2.1'],
    'bad.com': ['@ MX 10 mx', 'mx A 192.0.2.1'],
    'null.com': ['@ MX 0 .'],
  },
  { latencyMs: 700 },
)
  .amend('bad-tlsa.com', corruptSignatures('TLSA'))
  .amend('bad-a.com', corruptSignatures('A'))
  .amend('bad.com', corruptSignatures('MX'));

const files = t.testdir({});
function rootOf({ hints, anchors }: Internet): string[] {
  writeFileSync(join(files, 'hints'), hints);
  writeFileSync(join(files, 'anchors'), anchors);
  return ['--root-hints', join(files, 'hints'), '--trust-anchor', join(files, 'anchors')];
}
const root = rootOf(net);
const domain = (...args: readonly string[]): Promise<Ran> =>
  command(['domain', ...args, ...root], { environment: net });
const lines = async (name: string): Promise<readonly string[]> =>
  (await domain(name)).out.trimEnd().split('\n');
const untimed = (line: string): string => line.replace(/(TTL:|TTL of )\d+/g, '$1N');

t.test('S31: the example of the model, character for character', async (t) => {
  const { code, out, err } = await domain('comcast.net');
  t.equal(code, 0);
  t.equal(out.slice(0, EXAMPLE.length), EXAMPLE);
  t.equal(err, '');
  t.equal(out.match(/^ {2}\[\d+ /gm)?.length, 8, 'and the seven other hosts');
});

t.test('P60: the console text for a domain with signed MX, address and usable TLSA', async (t) => {
  t.strictSame((await lines('example.com')).map(untimed), [
    "Domain 'example.com' has 1 MXs and a TTL of N seconds +dnssec",
    '  [10 mx.example.com. TTL:N] +dnssec',
    "TLSA '_25._tcp.mx.example.com' has a TTL of N seconds +dnssec",
    `  ${EE}`,
    `  2 1 1 ${EE.slice(6)}`,
    '  [192.0.2.1]:0 IPv4 (0.00ms con 0.00ms dlv)',
    '  [2001:db8::1]:0 IPv6 (0.00ms con 0.00ms dlv)',
    "Domain 'example.com' has MTA-STS TXT and a TTL of N seconds +dnssec",
    '        id: 20190429T010101',
    '        no policy to be had: sts-policy-fetch-error: no-address',
  ]);
});

t.test('S29: the TLSA record is shown if there is one, at the name that has it', async (t) => {
  const out = (await lines('alias.com')).map(untimed);
  t.ok(out.includes("TLSA '_25._tcp.mail.alias.com' has a TTL of N seconds +dnssec"));
  t.ok(out.includes(`  ${EE}`));
  t.notOk((await lines('half.com')).some((line) => line.startsWith('TLSA')));
});

t.test('S30: +dnssec stands on validated records, and on no others', async (t) => {
  t.strictSame((await lines('half.com')).map(untimed), [
    "Domain 'half.com' has 2 MXs and a TTL of N seconds +dnssec",
    '  [10 mx.plain.com. TTL:N]',
    '  [192.0.2.1]:0 IPv4 (0.00ms con 0.00ms dlv)',
    '  [20 mx.half.com. TTL:N] +dnssec',
    '  [192.0.2.1]:0 IPv4 (0.00ms con 0.00ms dlv)',
  ]);
  t.strictSame((await lines('plain.com')).map(untimed), [
    "Domain 'plain.com' has 1 MXs and a TTL of N seconds",
    '  [10 mx.plain.com. TTL:N]',
    '  [192.0.2.1]:0 IPv4 (0.00ms con 0.00ms dlv)',
  ]);
  const loose = (await lines('loose.com')).map(untimed);
  t.ok(loose.includes("TLSA '_25._tcp.mx.loose.com' has a TTL of N seconds"), loose.join('|'));
});

t.test('what fails its proof shows no data, and says why', async (t) => {
  const tlsa = await domain('bad-tlsa.com');
  t.equal(tlsa.code, 1, 'its only host is not to be contacted');
  t.match(tlsa.out, /^TLSA '_25\._tcp\.mx\.bad-tlsa\.com' is not to be had: bogus: \S/m);
  t.notMatch(tlsa.out, EE);
  const address = await domain('bad-a.com');
  t.equal(address.code, 1);
  t.match(address.out, /^ {2}\[10 mx\.bad-a\.com\.\] has no addresses to be had: bogus: \S/m);
  t.notMatch(address.out, /192\.0\.2/);
  const mx = await domain('bad.com');
  t.equal(mx.code, 1);
  t.match(mx.out, /^Domain 'bad\.com' has no MXs to be had: bogus: \S[^\n]*\n$/);
});

t.test('domains that take no mail, and one that is its own host', async (t) => {
  const none = await domain('null.com');
  t.equal(none.code, 1);
  t.match(
    none.out,
    /^Domain 'null\.com' takes no mail \(null MX\) and a TTL of \d+ seconds \+dnssec\n$/,
  );
  const absent = await domain('absent.com');
  t.equal(absent.code, 1);
  t.match(absent.out, /^Domain 'absent\.com' does not exist and a TTL of \d+ seconds \+dnssec\n$/);
  // Two MTA-STS records are none (RFC 8461 section 3.1).
  t.strictSame((await lines('two-sts.com')).map(untimed), [
    "Domain 'two-sts.com' has 0 MXs and a TTL of N seconds +dnssec",
    '  [0 two-sts.com. TTL:N] +dnssec',
    '  [192.0.2.1]:0 IPv4 (0.00ms con 0.00ms dlv)',
  ]);
});

t.test('the same as JSON', async (t) => {
  const { code, out } = await domain('example.com', '--json');
  t.equal(code, 0);
  t.match(JSON.parse(out), {
    domain: 'example.com',
    mx: { status: 'secure', count: 1, ttl: Number },
    hosts: [
      {
        host: 'mx.example.com.',
        preference: 10,
        status: 'secure',
        ttl: Number,
        addresses: [
          { address: '192.0.2.1', family: 'IPv4' },
          { address: '2001:db8::1', family: 'IPv6' },
        ],
        tlsa: {
          name: '_25._tcp.mx.example.com',
          status: 'secure',
          ttl: Number,
          records: [EE, `2 1 1 ${EE.slice(6)}`],
        },
      },
    ],
    mtaSts: { status: 'secure', ttl: Number, id: '20190429T010101' },
  });
});

t.test('MTA-STS: the policy as `mta_sts show domain` has it', async (t) => {
  const authority = issue({ kind: 'authority', subject: 'Testing Root' });
  const leaf = issue({ subject: 'x', names: ['mta-sts.gmail.com'] }, authority);
  const key = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const policy =
    'version: STSv1\nmode: enforce\nmx: gmail-smtp-in.l.google.com\nmx: *.gmail-smtp-in.l.google.com\nmax_age: 86400\n';
  const server = createServer({ key, cert: leaf.pem }, (_, response) => {
    response.setHeader('content-type', 'text/plain');
    response.end(policy);
  });
  const place = await listenOn(t, server);
  const google = internet(
    {
      'gmail.com': {
        records: [
          '@ A 192.0.2.1',
          '_mta-sts 185 TXT "v=STSv1; id=20190429T010101;"',
          'mta-sts A 192.0.2.2',
        ],
        signing: 'unsigned',
      },
    },
    { now: Date.now(), latencyMs: 0 },
  );
  const there = rootOf(google);
  const { out } = await command(['domain', 'gmail.com', ...there], {
    environment: google,
    dial: () => place,
    webRoots: [authority.pem],
  });
  // The example of Momentum's documentation of mta_sts, fetched 25 seconds before.
  const expected = `Domain 'gmail.com' has MTA-STS TXT and a TTL of 185 seconds
        id: 20190429T010101
        max_age: 86400 seconds; refresh in 86400 seconds
        mode: enforce
        mxlist:
               gmail-smtp-in.l.google.com
               *.gmail-smtp-in.l.google.com
`;
  t.ok(out.endsWith(expected), out);
  rootOf(net);
});

t.test('the time for all of it is bounded', async (t) => {
  const { code, out, err } = await domain('example.com', '--timeout', '0.5');
  t.equal(code, 1);
  t.equal(out, '');
  t.match(err, /no answer in the time that --timeout allows/);
});
