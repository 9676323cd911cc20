import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FIXED_OPTIONS, SETTING_OPTIONS, TERM_OPTIONS } from '../../src/mta/policy-options.ts';
import { parsePolicy } from '../../src/mta/policy-parse.ts';
import { command, NO_NETWORK } from './support.ts';

const NOW = Date.parse('2026-11-30T00:00:00Z');
const place = t.testdir({
  'good.toml': `dane = {}
use_dane = true
dane_digests = ["sha2-256", "sha2-512"]
[binding.old]
enable_dane = false
[domain."broken.example"]
exception = { reason = "ticket 4711", expires = 2026-12-24T00:00:00Z }
[domain."over.example"]
exception = { reason = "ticket 4712", expires = 2026-11-01T00:00:00Z }
`,
  'bad.toml': 'use_dane = true\ntls = "yes"\n',
  'latin.toml': Buffer.from('# caf\xe9\n', 'latin1'),
  'large.toml': `# ${'x'.repeat(262_144)}`,
});
const file = (name: string): string => join(place, name);
const environment = { ...NO_NETWORK, clock: { ...NO_NETWORK.clock, now: () => NOW } };
const check = (...args: string[]) => command(['policy', 'check', ...args], { environment });

t.test('all that is wrong, as editors read it, and exit code 2', async (t) => {
  const path = file('bad.toml');
  const { code, out } = await check(path);
  t.equal(code, 2);
  t.same(
    out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(';')[0]),
    [
      `${path}:1:1: use_dane = true without dane = {}: DANE is enabled in two steps`,
      `${path}:2:7: tls is one of "no", "ifavailable" or "required", not "yes"`,
    ],
  );
  const { code: coded, out: json } = await check(path, '--json');
  t.equal(coded, 2);
  const { problems } = JSON.parse(json);
  t.same(
    problems.map(({ line, column }: Record<string, number>) => [line, column]),
    [
      [1, 1],
      [2, 7],
    ],
  );
});

t.test('a file that is fine, and an exception that has expired', async (t) => {
  const path = file('good.toml');
  const { code, out } = await check(path);
  t.equal(code, 0);
  t.equal(
    out,
    `${path}: fine; DANE is looked up for all domains\n${path}:9:1: the exception for over.example has expired and does not count\n`,
  );
});

t.test('S21, P51: the terms of a delivery, and the line that each is from', async (t) => {
  const path = file('good.toml');
  const { code, out } = await check(path, '--for', 'broken.example', '--binding', 'old');
  t.equal(code, 0);
  const lines = out.split('\n');
  for (const line of [
    `use_dane = true  # ${path}:2:1 (global)`,
    `enable_dane = false  # ${path}:5:1 (binding old)`,
    'tls = "ifavailable"  # default',
    'mta_sts = true  # default',
    `dane_audit = true  # ${path}:7:1 (domain broken.example)`,
    `dane_digests = ["sha2-256", "sha2-512"]  # ${path}:3:1 (global)`,
  ])
    t.ok(lines.includes(line), `${line} in\n${out}`);
  const over = await check(path, '--for', 'over.example');
  t.ok(over.out.includes('dane_audit = false  # default'), over.out);
  const json = JSON.parse((await check(path, '--for', 'other.example', '--json')).out);
  t.equal(json.dane, 'for all domains');
  t.same(json.terms[0], {
    option: 'use_dane',
    value: 'true',
    from: { line: 2, column: 1, section: 'global' },
  });
});

t.test('what it is told to print can be written into a file again', async (t) => {
  const { out } = await check(file('good.toml'), '--for', 'broken.example');
  const [, , ...terms] = out.split('\n');
  const lines = terms.filter((line) => !line.startsWith('exception'));
  t.equal(parsePolicy(['dane = {}', ...lines].join('\n')).kind, 'policy', out);
});

t.test('files that are none, and words that are missing', async (t) => {
  const cases: [args: string[], says: RegExp][] = [
    [[], /policy check needs a file; see danelaw policy check --help/],
    [[file('no.toml')], /cannot be read: there is no such file/],
    [[file('latin.toml')], /is no text in UTF-8/],
    [[file('large.toml')], /is too large/],
    [[file('good.toml'), '--binding', 'old'], /need a domain: give --for DOMAIN/],
    [[file('good.toml'), '--for', 'bob@a.example'], /--for: .*mail address/],
  ];
  for (const [args, says] of cases) {
    const { code, out, err } = await check(...args);
    t.same([code, out], [2, '']);
    t.match(err, says);
  }
  const { code, err } = await command(['policy'], { environment });
  t.equal(code, 2);
  t.match(err, /policy needs to know what to do: use check/);
});

t.test('docs/policy.md has every option, and its example is a policy', (t) => {
  const text = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)];
  const documented = new Map(rows.map(([, name = '', scopes = '']) => [name, scopes]));
  const options = [...TERM_OPTIONS, ...FIXED_OPTIONS, ...SETTING_OPTIONS];
  t.same([...documented.keys()].sort(), options.map(([name]) => name).sort());
  for (const [name, { scopes }] of options) {
    const said = scopes.length === 4 ? 'all' : scopes.join(', ');
    t.equal(documented.get(name), said, name);
  }
  const [, example = ''] = /```toml\n([^`]*)```/.exec(text) ?? [];
  t.equal(parsePolicy(example).kind, 'policy');
  t.end();
});
