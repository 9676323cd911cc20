/**
 * The configuration file of `danelaw serve`: what it comes to, what the command line changes of it, and all that can be
 * wrong with it, each with its line.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Misuse } from '../../src/cli/misuse.ts';
import { parseServe, type ServeWords } from '../../src/cli/serve-options.ts';
import { SETTING_KEYS } from '../../src/cli/serve-settings.ts';
import { internet } from '../../src/testing/index.ts';
import { command, NO_NETWORK } from './support.ts';

const NOW = Date.parse('2026-07-01T00:00:00Z');
const net = internet({ 'example.com': ['www A 192.0.2.80'] }, { now: NOW });

const FULL = `# everything
listen = ["127.0.0.1:5353", "192.0.2.53:53"]
allow = ["192.0.2.0/24", "2001:db8::/32"]
root_hints = "hints" # beside this file
trust_anchor = "anchors"
state = "var"
stub = ["corp.example 192.0.2.1 192.0.2.2@5353"]
negative_anchor = ["bad.example 2026-07-02T00:00Z told on Monday"]
private_address = ["10.0.0.0/8"]
private_domain = ["lan"]
cache_mb = 8
cache_min_ttl = 60
serve_stale = 600
report_errors = true
metrics = "127.0.0.1:9153"
log = "none"
control = "ctl"
workers = 1
ipv6 = false
qname_minimisation = false
engine = "noble"
`;

const folder = t.testdir({
  hints: net.hints,
  anchors: net.anchors,
  'full.toml': FULL,
  'plain.toml': 'cache_mb = 8\nipv6 = true\nreport_errors = false\n',
  'open.toml': 'cache_mb = 8\nlisten = ["127.0.0.1:53",\n  "192.0.2.53:53"]\n',
  'circle.toml': 'forward = "127.0.0.1@5353"\nlisten = ["127.0.0.1:5353"]\nroot_hints = "hints"\n',
  'wrong.toml': `cache_mb = "8"
cache-min-ttl = 60
listen = "127.0.0.1:53"
state = 7
report_errors = "yes"
serve_stale = 0
negative_anchor = ["bad.example"]
trust_anchor = "nowhere"
forward = "localhost"
private_domain = ["lan"]
private_address = ["10.0.0.1/8"]
allow = []

[metric]
listen = "127.0.0.1:9153"
`,
  'broken.toml': 'cache_mb = 8\nlisten = [\n',
  'deep.toml': `listen = ${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  'binary.toml': Buffer.from([0xff, 0xfe, 0x00]),
});
const file = (name: string): string => join(folder, name);

const wordsOf = (...args: string[]): ServeWords => {
  const words = parseServe(args, NOW);
  if (words === 'help') throw new Error('help');
  return words;
};

function misuseOf(...args: string[]): Misuse {
  try {
    parseServe(args, NOW);
  } catch (error) {
    if (error instanceof Misuse) return error;
    throw error;
  }
  throw new Error('nothing is wrong');
}

t.test('each option has a key, and the file means what the command line does', (t) => {
  const fromFile = wordsOf('--config', file('full.toml'));
  const fromWords = wordsOf(
    ...['--listen', '127.0.0.1:5353', '--listen', '192.0.2.53:53'],
    ...['--allow', '192.0.2.0/24', '--allow', '2001:db8::/32'],
    ...['--root-hints', file('hints'), '--trust-anchor', file('anchors'), '--state', file('var')],
    ...['--stub', 'corp.example 192.0.2.1 192.0.2.2@5353'],
    ...['--negative-anchor', 'bad.example 2026-07-02T00:00Z told on Monday'],
    ...['--private-address', '10.0.0.0/8', '--private-domain', 'lan', '--cache-mb', '8'],
    ...['--cache-min-ttl', '60', '--serve-stale', '600', '--report-errors', '--workers', '1'],
    ...['--metrics', '127.0.0.1:9153', '--log', 'none', '--control', file('ctl')],
    ...['--no-ipv6', '--no-qname-minimisation', '--engine', 'noble'],
  );
  t.same(fromFile, fromWords);
  t.equal(fromFile.families, 'ipv4');
  t.equal(fromFile.engine.name, 'noble');
  const left = SETTING_KEYS.filter((key) => !new RegExp(`^${key} = `, 'm').test(FULL));
  t.same(left, ['forward', 'policy'], 'these two exclude others or need a file of their own');
  t.end();
});

t.test('the defaults hold where the file says nothing, and the command line beats it', (t) => {
  const { listeners, families, reportErrors, cacheBytes } = wordsOf('--config', file('plain.toml'));
  t.same(listeners, wordsOf().listeners);
  t.same([families, reportErrors, cacheBytes], [undefined, undefined, 8 * 1_048_576]);
  const beaten = wordsOf('--config', file('full.toml'), '--cache-mb', '9', '--listen', '[::1]:54');
  t.same([beaten.cacheBytes, beaten.leastTtl], [9 * 1_048_576, 60]);
  t.same(beaten.listeners, [{ ip: '::1', port: 54 }], 'a list is replaced, not added to');
  t.end();
});

t.test('all that is wrong is told at once, each with its line and what to do', (t) => {
  const { message, lines } = misuseOf('--config', file('wrong.toml'));
  t.equal(message, `--config: ${file('wrong.toml')} is refused`);
  const expected = [
    /:1:12: cache_mb is a whole number, not "8"; write it without quotes$/,
    /:2:1: there is no option "cache-min-ttl"; did you mean cache_min_ttl\?$/,
    /:3:10: listen is a list of texts, not "127\.0\.0\.1:53"; write listen = \["/,
    /:4:9: state is a text, not 7; write it in double quotes$/,
    /:5:17: report_errors is true or false, not "yes"; write report_errors = true$/,
    /:6:15: serve_stale does not do: "0" does not do: give seconds from 1/,
    /:7:19: negative_anchor does not do: .*write 'NAME UNTIL REASON'/,
    /:8:16: trust_anchor does not do: .*nowhere/,
    /:9:11: forward does not do: "localhost" is no server address/,
    /:11:19: private_address does not do: "10\.0\.0\.1\/8" is no network/,
    /:12:9: allow is a list of texts, not an empty list/,
    /:14:2: there is no section "metric"; did you mean metrics\?/,
  ];
  t.equal(lines.length, expected.length, lines.join('\n'));
  for (const [i, pattern] of expected.entries()) t.match(lines[i], pattern);
  t.end();
});

t.test('settings that do not go together are told where they stand', (t) => {
  t.match(
    misuseOf('--config', file('open.toml')).lines.join('\n'),
    /open\.toml:2:1: --listen: 192\.0\.2\.53 is open to others: say with --allow/,
  );
  const allowed = wordsOf('--config', file('open.toml'), '--allow', '192.0.2.0/24');
  t.equal(allowed.listeners.length, 2, 'the two together are fine');
  const { lines } = misuseOf('--config', file('circle.toml'));
  t.match(
    lines[0],
    /circle\.toml:1:1: --forward 127\.0\.0\.1: that is where danelaw itself listens/,
  );
  t.match(lines[1], /circle\.toml:3:1: --root-hints and --forward exclude each other/);
  t.equal(lines.length, 2);
  t.match(
    misuseOf('--config', file('plain.toml'), '--listen', '192.0.2.53').message,
    /^--listen: 192\.0\.2\.53 is open to others/,
    'what the command line says is no line of the file',
  );
  t.end();
});

t.test('a file that is none', (t) => {
  t.match(misuseOf('--config', file('broken.toml')).lines, [/:\d+:\d+: this is no TOML: /]);
  t.match(misuseOf('--config', file('deep.toml')).lines, [/:1:1: this is no TOML: .*too deep/]);
  t.match(misuseOf('--config', file('binary.toml')).message, /binary\.toml is no text in UTF-8/);
  t.match(misuseOf('--config', file('none.toml')).message, /--config: .*none\.toml /);
  t.match(misuseOf('--config', folder).message, /--config: /);
  t.match(misuseOf('--config', '/dev/zero').message, /--config: \/dev\/zero /);
  t.end();
});

t.test('--check-config says what is wrong, or that nothing is, and opens nothing', async (t) => {
  const environment = { ...NO_NETWORK, clock: { ...NO_NETWORK.clock, now: () => NOW } };
  const check = (name: string) =>
    command(['serve', '--check-config', '--config', file(name)], { environment });
  const fine = await check('full.toml');
  t.equal(fine.code, 0, fine.err);
  t.equal(fine.out, 'The configuration is fine.\n');
  t.throws(() => readFileSync(file('var')), 'no folder for state was made');
  const wrong = await check('wrong.toml');
  t.equal(wrong.code, 2);
  t.equal(wrong.out, '');
  const told = wrong.err.trimEnd().split('\n');
  t.equal(told.length, 13);
  t.equal(told.at(-1), `danelaw: --config: ${file('wrong.toml')} is refused`);
});

t.test('docs/serve.md tells of each key', (t) => {
  const text = readFileSync(new URL('../../../docs/serve.md', import.meta.url), 'utf8');
  const [, keys = ''] = text.split('\n## ');
  const rows = [...keys.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
  t.same([...rows].sort(), [...SETTING_KEYS].sort());
  const { listeners } = wordsOf();
  t.same(listeners, [
    { ip: '127.0.0.1', port: 53 },
    { ip: '::1', port: 53 },
  ]);
  t.end();
});
