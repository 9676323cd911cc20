import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { citationsIn, printMap, statusProblems } from '../scripts/rfc-map/citations.ts';
import {
  citationProblems,
  cycleProblems,
  emptyMatchProblems,
  packageProblems,
  pictureProblems,
  problemsIn,
} from './house-rules.ts';

/** The repository, from build/test/. */
const ROOT = new URL('../../', import.meta.url);

const pathsIn = (folder: string): string[] =>
  readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}${path}`);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

const sources = new Map(pathsIn('src/').map((path) => [path.slice('src/'.length), read(path)]));
const manifest = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }; // our own file
const packages = Object.keys(manifest.dependencies);

t.test('src/ keeps the house rules', (t) => {
  t.ok(sources.size > 50, `${sources.size} files looked at`);
  t.same(problemsIn(sources, packages), []);
  t.end();
});

t.test('so do citations elsewhere', (t) => {
  const others = [...pathsIn('test/'), ...pathsIn('scripts/'), ...pathsIn('bench/')].filter(
    (path) => path !== 'test/layout.test.ts',
  );
  t.same(
    others.flatMap((path) => citationProblems(path, read(path))),
    [],
  );
  t.end();
});

t.test('tests match nothing with an empty array', (t) => {
  const others = pathsIn('test/').filter((path) => path !== 'test/layout.test.ts');
  const problems = others.flatMap((path) => emptyMatchProblems(path, read(path)));
  t.same(problems, []);
  const wrong = "t.match(view, {\n  status: 'bogus',\n  answer: [],\n});";
  t.same(emptyMatchProblems('a.test.ts', wrong), [
    'a.test.ts matches answer with [], which any array does',
  ]);
  t.end();
});

t.test('no folder of tests is left out by npm test', (t) => {
  const configured = read('.taprc');
  const folders = new Set(
    pathsIn('test/')
      .filter((path) => path.endsWith('.test.ts'))
      .map((path) => path.split('/').at(-2)),
  );
  for (const folder of folders) {
    if (folder === 'test') continue;
    const inSuite = existsSync(new URL(`test/suites/${folder}.test.ts`, ROOT));
    const named = new RegExp(`[{,/]${folder}[},/]`).test(configured);
    t.not(inSuite, named, `${folder} is run as a suite or file by file`);
  }
  t.end();
});

const picture = existsSync(new URL('ARCHITECTURE.md', ROOT)) ? read('ARCHITECTURE.md') : undefined;
t.test(
  'ARCHITECTURE.md and the sources agree',
  { skip: picture === undefined && 'there is no ARCHITECTURE.md yet' },
  (t) => {
    const paths = ['src/', 'test/', 'scripts/', 'bench/'].flatMap(pathsIn);
    t.same(pictureProblems(picture ?? '', paths), []);
    t.end();
  },
);

t.test('citations are found', (t) => {
  const found = (text: string): string[] =>
    citationsIn('a.ts', text).map(({ rfc, section = '-' }) => `${rfc} ${section}`);
  t.same(found('RFC 4035 section 5.3.1.'), ['4035 5.3.1']);
  t.same(found('RFC 4034 sections 3.1, 3.2 and 4 and appendix B, RFC 5155 erratum 3441'), [
    '4034 3.1',
    '4034 3.2',
    '4034 4',
    '4034 appendix B',
    '5155 erratum 3441',
  ]);
  t.same(found(' * (RFC 2181\n * section 9), RFC 1035'), ['2181 9', '1035 -'], 'over a line end');
  t.same(found('RFC 8078 section 4 A record'), ['8078 4']);
  const statuses = { '4035': ['Partial', 'validation'] } as const;
  t.match(
    printMap(citationsIn('dns/a.ts', 'RFC 4035 section 5'), statuses),
    /\| 4035 \| Partial \| validation \| 5: dns\/a\.ts \|/,
  );
  t.same(statusProblems(statuses), []);
  t.equal(statusProblems({ '1': ['Yes', ''] }).length, 1);
  t.end();
});

t.test('each rule can be broken', (t) => {
  const header = '/** What it is. */\n';
  const cases: [claim: string, path: string, text: string, problem: RegExp | undefined][] = [
    ['nothing wrong', 'dns/a.ts', `${header}export const a = 1;\n`, undefined],
    ['down is fine', 'dnssec/a.ts', `${header}import { b } from '../dns/b.ts';\n`, undefined],
    [
      'up is not',
      'dns/a.ts',
      `${header}import { b } from '../dnssec/b.ts';\n`,
      /must not import dnssec\/b/,
    ],
    [
      'not for a type',
      'dns/a.ts',
      `${header}import type { B } from '../resolver/b.ts';\n`,
      /must not import/,
    ],
    [
      'nor later',
      'dns/a.ts',
      `${header}export const f = () => import('../dane/b.ts');\n`,
      /must not import/,
    ],
    [
      'nor through another export',
      'dns/a.ts',
      `${header}export { b } from '../dnssec/b.ts';\n`,
      /must not import/,
    ],
    [
      'resolver and dane do not meet',
      'resolver/a.ts',
      `${header}import '../dane/b.ts';\n`,
      /must not import/,
    ],
    [
      'nor the other way',
      'dane/a.ts',
      `${header}import { b } from '../resolver/b.ts';\n`,
      /must not import/,
    ],
    [
      'tls knows no DNS',
      'tls/a.ts',
      `${header}import { Name } from '../dns/name.ts';\n`,
      /must not import/,
    ],
    [
      'but the doors',
      'tls/a.ts',
      `${header}import type { Clock } from '../environment.ts';\n`,
      undefined,
    ],
    [
      'testing knows no resolver',
      'testing/a.ts',
      `${header}import '../resolver/b.ts';\n`,
      /must not import/,
    ],
    [
      'nobody imports the tests',
      'dane/a.ts',
      `${header}import '../testing/b.ts';\n`,
      /must not import/,
    ],
    ['a part without a floor', 'attic/a.ts', `${header}import '../dns/b.ts';\n`, /must not import/],
    [
      'the clock',
      'dane/a.ts',
      `${header}export const now = Date.now();\n`,
      /touches the outside: Date.now/,
    ],
    [
      'the clock by another name',
      'dane/a.ts',
      `${header}const d = new Date();\n`,
      /touches the outside/,
    ],
    ['a date of an argument', 'dane/a.ts', `${header}const d = new Date(x);\n`, undefined],
    ['a timer', 'resolver/a.ts', `${header}setTimeout(f, 1);\n`, /touches the outside/],
    ['another', 'resolver/a.ts', `${header}setImmediate(f);\n`, /touches the outside/],
    ['chance', 'resolver/a.ts', `${header}Math.random();\n`, /touches the outside/],
    [
      'a file',
      'dane/a.ts',
      `${header}import { readFile } from 'node:fs/promises';\n`,
      /touches the outside/,
    ],
    [
      'a socket',
      'resolver/a.ts',
      `${header}import { createSocket } from 'node:dgram';\n`,
      /touches the outside/,
    ],
    ['the process', 'dane/a.ts', `${header}process.exit();\n`, /touches the outside/],
    ['a door', 'resolver/udp-tcp.ts', `${header}import { connect } from 'node:net';\n`, undefined],
    [
      'a door for files',
      'mta/policy-file.ts',
      `${header}import { readFile } from 'node:fs';\n`,
      undefined,
    ],
    [
      'a comment is no code',
      'dns/a.ts',
      `${header}// Date.now() is not ours\n/* await */\n`,
      undefined,
    ],
    [
      'a link is no comment',
      'dns/a.ts',
      `${header}const u = 'https://a'; Date.now();\n`,
      /touches/,
    ],
    [
      'waiting',
      'dnssec/a.ts',
      `${header}export const f = async () => {};\n`,
      /must be synchronous/,
    ],
    ['promising', 'dns/a.ts', `${header}export type P = Promise<void>;\n`, /must be synchronous/],
    [
      'hashing',
      'dane/a.ts',
      `${header}import { hash } from 'node:crypto';\n`,
      /must not use node:crypto/,
    ],
    [
      'hashing where it belongs',
      'tls/a.ts',
      `${header}import { hash } from 'node:crypto';\n`,
      undefined,
    ],
    ['450 lines', 'dns/a.ts', `${header}${'\n'.repeat(449)}`, undefined],
    ['451 lines', 'dns/a.ts', `${header}${'\n'.repeat(450)}`, /451 lines/],
    ['no header', 'dns/a.ts', 'export const a = 1;\n', /no header comment/],
    ['a header below #!', 'cli/a.ts', `#!/usr/bin/env node\n${header}`, undefined],
    ['a default export', 'dns/a.ts', `${header}export default 1;\n`, /default export/],
    ['a barrel', 'dns/a.ts', `${header}export * from './b.ts';\n`, /passes on/],
    ['a small barrel', 'dns/a.ts', `${header}export {\n  b,\n} from './b.ts';\n`, /passes on/],
    ['the one barrel', 'index.ts', `${header}export { b } from './dns/b.ts';\n`, undefined],
    ['a name in camel case', 'dns/zoneFile.ts', header, /kebab-case/],
    ['a name that says nothing', 'dns/name-utils.ts', header, /named after nothing/],
    [
      'a package of the tests',
      'dns/a.ts',
      `${header}import fc from 'fast-check';\n`,
      /not in "dependencies"/,
    ],
    [
      'a package that is shipped',
      'dnssec/a.ts',
      `${header}import { p256 } from '@noble/curves/nist.js';\n`,
      undefined,
    ],
    ['a citation run together', 'dns/a.ts', `${header}// RFC4035 says so\n`, /cites as "RFC4035"/],
    ['a citation with a sign', 'dns/a.ts', `${header}// RFC 4035 § 5\n`, /cites as/],
    ['a citation turned round', 'dns/a.ts', `${header}// section 5.3 of RFC 4035\n`, /cites as/],
    ['a citation with a comma', 'dns/a.ts', `${header}// RFC 4035, section 5.3\n`, /cites as/],
  ];
  for (const [claim, path, text, problem] of cases) {
    const found = problemsIn(new Map([[path, text]]), ['@noble/curves']);
    if (problem) t.match(found.join('\n'), problem, claim);
    else t.same(found, [], claim);
  }
  const circle = new Map([
    ['dns/a.ts', `import type { B } from './b.ts';`],
    ['dns/b.ts', `import { c } from './c.ts';`],
    ['dns/c.ts', `import { A } from './a.ts';`],
  ]);
  t.same(cycleProblems(circle), ['cycle: dns/a.ts -> dns/b.ts -> dns/c.ts -> dns/a.ts']);
  t.same(packageProblems('dns/a.ts', `import 'dns-packet-2';`, ['dns-packet']).length, 1);
  t.same(
    pictureProblems('`dns/name.ts`, gone.ts, listen-*.ts in dns/', [
      'src/dns/name.ts',
      'src/tls/der.ts',
    ]),
    [
      'ARCHITECTURE.md names gone.ts, which there is not',
      'ARCHITECTURE.md does not name the folder tls/',
    ],
  );
  t.end();
});
