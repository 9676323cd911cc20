/**
 * What users get wrong: exit code 2, one line on standard error that says what to do, nothing on standard output, and
 * no packet.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parseForwarder, parseServer } from '../../src/cli/arguments.ts';
import type { ServerAddress } from '../../src/environment.ts';
import { command, NO_NETWORK, spawned } from './support.ts';

const files = t.testdir({
  'empty.hints': '; nothing\n',
  'wrong.hints': '. 3600 NS a.example.\na.example. 3600 A 192.0.2.300\n',
  'nameless.hints': 'a.example. 3600 A 192.0.2.1\n',
  'good.hints': '. 3600 NS a.example.\na.example. 3600 A 192.0.2.1\n',
  'wrong.anchors': '. DS 20326 8 2 e06d\n; a comment\n. DS zero 8 2 00\n. DNSKEY 257 3 8 ??\n',
  'other.anchors': '. 3600 TXT "no key"\n',
  'unknown.anchors':
    '. DS 20326 250 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d\n',
  directory: {},
});
const file = (name: string): string => join(files, name);
const LONG = `${'a'.repeat(64)}.example`;

const CASES: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [[], /command is missing: check, domain, .* or demo;/],
  [['chekc'], /"chekc" is no command and no domain/],
  [['localhost'], /no command and no domain/],
  [['--colour'], /Unknown option '--colour'; see danelaw check --help/],

  [['check'], /check needs a domain/],
  [['check', 'a.example', 'b.example'], /"b.example" is one word too many/],
  [['check', 'a..example'], /"a..example" has an empty label/],
  [['check', LONG], /longer than 63 octets/],
  [['check', `${'a.'.repeat(128)}example`], /longer than 255 octets/],
  [['check', ''], /must not be empty/],
  [['check', '.'], /the root takes no mail/],
  [['check', 'exam ple.com'], /is no mail domain/],
  [['check', 'a\n\u001b[2Jb.example'], /is no next hop/],
  [['check', '*.example.com'], /is no mail domain/],
  [['check', 'a\\.b.example'], /is no mail domain/],
  [['check', 'bob@example.com'], /mail address: give the part behind the @, example.com/],
  [['bob@example.com'], /mail address: give the part behind the @, example.com/],
  [['check', 'https://example.com/'], /give the host alone/],
  [['check', '192.0.2.1'], /is an address: write it in brackets, \[192\.0\.2\.1\]/],
  [['check', '2001:db8::1'], /is an address: write it as \[IPv6:2001:db8::1\]/],
  [['check', '[mx.example.com'], /no next hop: write example\.com, \[mx\.example\.com\]/],
  [['check', '[mx.example.com]:0'], /"0" is no port/],
  [['check', '[mx.example.com]:587', '--port', '25'], /names a port: leave out --port/],
  [['check', 'a\u00ad\u2048.example'], /no form as A-labels/],

  [['domain'], /domain needs a domain; see danelaw domain --help/],
  [['domain', 'bob@example.com'], /mail address: give the part behind the @/],
  [['domain', 'a.example', '--port', '25'], /Unknown option '--port'/],

  [['query'], /query needs a name and a record type/],
  [['query', 'example.com'], /query needs a name and a record type/],
  [['query', 'example.com', 'MXX'], /"MXX" is no record type/],
  [['query', 'example.com', 'TYPE65536'], /"TYPE65536" is no record type/],
  [['query', 'example.com', 'TYPE'], /is no record type/],
  [['query', 'example.com', 'ANY'], /ANY is not supported/],
  [['query', 'example.com', 'TYPE255'], /ANY is not supported/],
  [['query', 'example.com', 'axfr'], /AXFR cannot be asked for/],
  [['query', 'example.com', 'IXFR'], /IXFR cannot be asked for/],
  [['query', 'example.com', 'OPT'], /OPT cannot be asked for/],
  [['query', 'example.com', 'TYPE0'], /TYPE0 cannot be asked for/],
  [['query', 'a\\999.example', 'A'], /escape above/],
  [['query', 'a.example', 'A', '--engine', 'wasm'], /"wasm" is no engine: use native or noble/],
  [['query', 'a.example', 'A', '--no-probe'], /Unknown option '--no-probe'; see danelaw query/],

  [['check', 'a.example', '--port', '0'], /"0" is no port/],
  [['check', 'a.example', '--port', '65536'], /"65536" is no port/],
  [['check', 'a.example', '--port', 'smtp'], /"smtp" is no port/],
  [['check', 'a.example', '--port'], /--port/],
  [['check', 'a.example', '--port=-1'], /"-1" is no port/],
  [['check', 'a.example', '--timeout', '0'], /"0" is no time/],
  [['check', 'a.example', '--timeout', 'soon'], /"soon" is no time/],
  [['check', 'a.example', '--timeout', '1e9'], /"1e9" is no time/],
  [['check', 'a.example', '--json=yes'], /--json/],

  [['check', 'a.example', '--forward', 'localhost'], /"localhost" is no server address/],
  [['check', 'a.example', '--forward', '192.0.2.256'], /no server address/],
  [['check', 'a.example', '--forward', '[::1'], /no server address/],
  [['check', 'a.example', '--forward', '[127.0.0.1]:53'], /no server address/],
  [['check', 'a.example', '--forward', '::1:'], /no server address/],
  [['check', 'a.example', '--forward', '127.0.0.1:'], /"" is no port/],
  [['check', 'a.example', '--forward', '[::1]:99999'], /"99999" is no port/],
  [['check', 'a.example', '--forward', '192.0.2.1@0'], /"0" is no port/],
  [['check', 'a.example', '--forward', '192.0.2.1:53@53'], /no server address/],
  [['check', 'a.example', '--forward', 'dns.example#dns.example'], /no server address/],
  [['check', 'a.example', '--forward', '192.0.2.1#'], /"" is no name of a server's certificate/],
  [['check', 'a.example', '--forward', '192.0.2.1#192.0.2.1'], /"192.0.2.1" is no name of/],
  [['check', 'a.example', '--forward', '192.0.2.1#a.example#b'], /"a.example#b" is no name/],
  [['check', 'a.example', '--forward', '192.0.2.1#a.example@853'], /"a.example@853" is no name/],

  [['check', 'a.example', '--root-hints', file('none')], /none cannot be read: there is no such/],
  [['check', 'a.example', '--root-hints', file('directory')], /it is a directory/],
  [['check', 'a.example', '--root-hints', '/dev/zero'], /\/dev\/zero/],
  [['check', 'a.example', '--root-hints', file('empty.hints')], /empty.hints: it names no root/],
  [['check', 'a.example', '--root-hints', file('wrong.hints')], /wrong.hints: line 2: /],
  [['check', 'a.example', '--root-hints', file('nameless.hints')], /it names no root server/],
  [['check', 'a.example', '--trust-anchor', file('none')], /none cannot be read/],
  [
    ['check', 'a.example', '--trust-anchor', file('wrong.anchors')],
    /anchors: line \d: .*\(and 1 more\)/,
  ],
  [['check', 'a.example', '--trust-anchor', file('other.anchors')], /it has no DS and no DNSKEY/],
  [
    ['check', 'a.example', '--trust-anchor', file('unknown.anchors')],
    /unknown.anchors: of \. it has no key .* supported; all below would count as unsigned/,
  ],
  [['serve', '--trust-anchor', file('unknown.anchors')], /unknown.anchors: of \. it has no key/],
  [
    ['check', 'a.example', '--root-hints', file('good.hints'), '--forward', '::1'],
    /--root-hints and --forward exclude each other/,
  ],
  [['demo', 'a.example'], /"a.example" is one word too many; see danelaw demo --help/],
  [['demo', '--port', '25'], /Unknown option '--port'/],
];

t.test('one line that says what to do, exit code 2, no packet', async (t) => {
  for (const [args, says] of CASES) {
    const { code, out, err } = await command(args, { environment: NO_NETWORK });
    const what = `danelaw ${args.join(' ').slice(0, 60)}`;
    t.equal(code, 2, what);
    t.equal(out, '', `${what}: standard output`);
    t.match(err, says, `${what}: standard error`);
    t.match(err, /^danelaw: [^\n]*\n$/, `${what}: one line`);
  }
});

t.test(
  'an unreadable file',
  { skip: process.getuid?.() === 0 && 'root reads everything' },
  async (t) => {
    const secret = file('secret');
    writeFileSync(secret, '');
    chmodSync(secret, 0);
    const args = ['check', 'a.example', '--root-hints', secret];
    const { code, err } = await command(args, { environment: NO_NETWORK });
    t.equal(code, 2);
    t.match(err, /cannot be read: you are not allowed to/);
  },
);

t.test('server addresses in all their forms', async (t) => {
  const cases: readonly [string, string, number][] = [
    ['192.0.2.1', '192.0.2.1', 53],
    ['127.0.0.1:5353', '127.0.0.1', 5353],
    ['::1', '::1', 53],
    ['[::1]', '::1', 53],
    ['[::1]:5353', '::1', 5353],
    ['2001:db8::5353', '2001:db8::5353', 53],
  ];
  for (const [text, ip, port] of cases) t.strictSame(parseServer(text), { ip, port }, text);
});

t.test('forwarders in all their forms, as Unbound spells them', async (t) => {
  const cases: readonly [string, ServerAddress][] = [
    ['192.0.2.1', { ip: '192.0.2.1', port: 53 }],
    ['[::1]:5353', { ip: '::1', port: 5353 }],
    ['192.0.2.1@5353', { ip: '192.0.2.1', port: 5353 }],
    ['2001:db8::1@5353', { ip: '2001:db8::1', port: 5353 }],
    ['[::1]@5353', { ip: '::1', port: 5353 }],
    // RFC 7858 section 3.1: port 853.
    ['192.0.2.1#dns.example', { ip: '192.0.2.1', port: 853, tlsName: 'dns.example' }],
    ['::1@8853#dns.example', { ip: '::1', port: 8853, tlsName: 'dns.example' }],
    ['192.0.2.1:8853#dns.example', { ip: '192.0.2.1', port: 8853, tlsName: 'dns.example' }],
  ];
  for (const [text, address] of cases) t.strictSame(parseForwarder(text), address, text);
});

t.test('help and version', async (t) => {
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { code, out } = await command(args, { environment: NO_NETWORK });
    t.equal(code, 0);
    t.match(out, /danelaw check DOMAIN/);
  }
  for (const name of ['check', 'domain', 'query', 'demo']) {
    const { code, out } = await command([name, '--help'], { environment: NO_NETWORK });
    t.equal(code, 0);
    t.match(out, new RegExp(`^danelaw ${name}`));
    t.ok(
      out.split('\n').every((line) => line.length <= 90),
      'fits a terminal',
    );
  }
  const { out } = await command(['--version'], { environment: NO_NETWORK });
  t.match(out, /^\d+\.\d+\.\d+\n$/);
});

t.test('the same as a process', async (t) => {
  const runs = await Promise.all([
    spawned([]),
    spawned(['--version']),
    spawned(['check', 'bob@example.com']),
    spawned(['query', 'a..b', 'A']),
  ]);
  t.strictSame(
    runs.map(({ code }) => code),
    [2, 0, 2, 2],
  );
  for (const { code, err, out } of runs) {
    t.notMatch(`${out}${err}`, /\n +at /, 'no stack trace');
    if (code === 2) t.match(err, /^danelaw: [^\n]*\n$/);
  }
});

t.test('a closed pipe is no reason to complain', async (t) => {
  const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (data) => {
    err += data;
  });
  const [code] = await once(child, 'close');
  t.equal(code, 0);
  t.equal(err, '');
});

t.test('a mistake of ours is one line that asks for a report, exit code 3', async (t) => {
  const error = 'new RangeError("first line\\nsecond line")';
  for (const mistake of [`() => { throw ${error}; }`, `() => Promise.reject(${error})`]) {
    // Not before main.ts listens: what goes wrong earlier is Node's to tell.
    const whenReady = `process.on('newListener', (name) => {
      if (name === 'unhandledRejection') setImmediate(${mistake});
    });`;
    const script = `data:text/javascript,${encodeURIComponent(whenReady)}`;
    const { code, err } = await spawned(['demo'], { NODE_OPTIONS: `--import ${script}` });
    t.equal(code, 3);
    t.match(err, /^danelaw: internal error: RangeError: first line; please report it[^\n]*\n$/);
  }
});
