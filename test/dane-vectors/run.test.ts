// The runner of chain vectors: what it says of small folders written here, and every corpus that lies beside the project.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type Report, report } from '../../scripts/dane-vectors/report.ts';
import { listVectors } from '../../scripts/dane-vectors/suite.ts';
import { usableRecords } from '../../src/dane/tlsa.ts';
import { issueChain, tlsaFor } from '../../src/testing/certificates.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/dane-vectors.js', import.meta.url));
const CORPORA = fileURLToPath(new URL('../../../../shared/corpora/', import.meta.url));
const absent = (...paths: readonly string[]): string | false =>
  paths.every((path) => existsSync(join(CORPORA, path))) ? false : '../shared/corpora is not there';

const chain = issueChain(['mx.example.com']);
const [leaf, intermediate, root] = chain;
const base64 = (der: Uint8Array): string => Buffer.from(der).toString('base64');

/** A vector that holds: the intermediate by its key, one step above the leaf. */
function vector(id: string, expect: object): object {
  const [usage, selector, matchingType, data] = tlsaFor([leaf, intermediate], 2, 1, 1).split(' ');
  const record = { usage: Number(usage), selector: Number(selector), data };
  return {
    id,
    referenceIds: ['mx.example.com'],
    noDaneEeNameChecks: true,
    trustRoots: [],
    chain: ['leaf', 'intermediate'],
    tlsa: [{ ...record, matchingType: Number(matchingType) }],
    expect,
  };
}

const RIGHT = { ok: true, matchDepth: 1 };
const VECTORS = {
  verifyTime: Math.floor(Date.now() / 1000),
  certificates: { leaf: base64(leaf.der), intermediate: base64(intermediate.der) },
  vectors: [
    vector('right', RIGHT),
    vector('wrong', { ok: false, matchDepth: -1 }),
    vector('deeper', { ok: true, matchDepth: 2 }),
    { ...vector('broken', RIGHT), chain: ['nobody'] },
  ],
};
const limboCase = (id: string, more: object): object => ({
  id,
  validation_kind: 'SERVER',
  peer_certificate: leaf.pem,
  untrusted_intermediates: [intermediate.pem],
  trusted_certs: [root.pem],
  expected_peer_name: { kind: 'DNS', value: 'mx.example.com' },
  expected_result: 'SUCCESS',
  ...more,
});
const LIMBO = {
  version: 1,
  testcases: [
    limboCase('right', {}),
    limboCase('no depth left', { max_chain_depth: 0, expected_result: 'FAILURE' }),
    limboCase('depth enough', { max_chain_depth: 1 }),
    limboCase('another time', { validation_time: '2001-01-01T00:00:00Z' }),
    limboCase('an address', { expected_peer_name: { kind: 'IP', value: '192.0.2.1' } }),
    limboCase('a client', { validation_kind: 'CLIENT' }),
  ],
};

interface Entry {
  readonly file: string;
  readonly applicability: string;
}

/** A folder of its own, gone after the test. */
function folder(test: Tap, entries: readonly Entry[], format = '../DANE-VECTORS.md'): string {
  const path = mkdtempSync(join(tmpdir(), 'dane-vectors-'));
  test.teardown(() => rmSync(path, { recursive: true }));
  writeFileSync(join(path, 'vectors.json'), JSON.stringify(VECTORS));
  writeFileSync(join(path, 'limbo.json'), JSON.stringify(LIMBO));
  writeFileSync(join(path, 'manifest.json'), JSON.stringify({ format, entries }));
  return path;
}
type Tap = { teardown(end: () => void): void };
const must = (id: string, file = 'vectors.json'): Entry => ({
  file: `${file}#${id}`,
  applicability: 'must',
});

function runScript(...argv: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...argv], {
    encoding: 'utf8',
  });
  return { status, lines: stdout.trimEnd().split('\n'), stderr };
}

t.test('only a must entry fails, and each failure has one line', async (t) => {
  const path = folder(t, [
    must('right'),
    must('wrong'),
    { file: 'vectors.json#wrong', applicability: 'openssl-specific' },
    { file: 'vectors.json#right', applicability: 'openssl-specific' },
  ]);
  const json = join(path, 'out.json');
  const { status, lines } = runScript('--json', json, path);
  t.equal(status, 1);
  t.equal(lines.at(-1), '2 passed, 1 failed, 1 skipped');
  const failures = lines.filter((line) => line.startsWith('FAIL'));
  t.equal(failures.length, 1);
  t.match(
    failures[0],
    /vectors\.json#wrong: expected not authenticated .*, got authenticated at depth 1$/,
  );
  t.match(
    lines.find((line) => line.startsWith('skip')),
    /#wrong: .*; openssl-specific: /,
  );
  const results = JSON.parse(readFileSync(json, 'utf8')) as {
    result: string;
    why: string | null;
  }[];
  t.same(
    results.map(({ result }) => result),
    ['pass', 'fail', 'skip', 'pass'],
  );
  t.same(
    results.map(({ why }) => typeof why === 'string'),
    [false, false, true, false],
    'a reason for what was skipped',
  );
  const quiet = folder(t, [must('right'), must('right', 'limbo.json')]);
  t.match(runScript(quiet), { status: 0, lines: /2 passed, 0 failed, 0 skipped/ });
  t.match(runScript('--verbose', quiet).lines[0], /^pass .*#right: authenticated at depth 1$/);
});

t.test('what must agree', async (t) => {
  const resultOf = (id: string, file?: string): string => {
    const [listed] = listVectors(folder(t, [must(id, file)]));
    if (!listed) throw new RangeError('one entry');
    const { result, expected, got } = report(listed);
    return `${result}: ${expected} | ${got}`;
  };
  t.equal(resultOf('deeper'), 'fail: authenticated at depth 2 | authenticated at depth 1');
  t.equal(resultOf('no such thing'), 'fail: a vector | none of this name');
  t.match(resultOf('broken'), /^fail: .*no certificate "nobody"/);
  const rows: [string, RegExp][] = [
    ['right', /^pass/],
    ['no depth left', /^pass: FAILURE/],
    ['depth enough', /^pass: SUCCESS/],
    ['another time', /^fail: SUCCESS \| FAILURE \(valid from .*at depth 2\)/],
    ['an address', /^fail: SUCCESS \| FAILURE \(not named 192\.0\.2\.1\)/],
    ['a client', /^fail: SUCCESS \| nothing/],
  ];
  for (const [id, expected] of rows) t.match(resultOf(id, 'limbo.json'), expected, id);
});

t.test('what cannot be begun', async (t) => {
  t.match(runScript(), { status: 2, stderr: /PATH is missing/ });
  t.match(runScript('/no/such/folder'), { status: 2, stderr: /ENOENT/ });
  const other = folder(t, [must('right')], '../RPL-FORMAT.md');
  t.match(runScript(other), { status: 2, stderr: /RPL-FORMAT.md" are not run here/ });
  const empty = mkdtempSync(join(tmpdir(), 'dane-vectors-'));
  t.teardown(() => rmSync(empty, { recursive: true }));
  t.match(runScript(empty), { status: 2, stderr: /no vectors/ });
  mkdirSync(join(empty, 'inner'));
  writeFileSync(join(empty, 'inner', 'manifest.json'), JSON.stringify({ format: 'x.md' }));
  t.match(runScript(empty), { status: 2, stderr: /no vectors/ }, 'what lies beside is passed over');
});

t.test('the corpora: every must entry agrees', async (t) => {
  // How many there are in the collection as it was made, so that none goes missing.
  const suites = { 'openssl-danetest': 33, 'dane-openssl-oracle': 399, 'x509-limbo': 62 };
  for (const [suite, count] of Object.entries(suites))
    await t.test(suite, { skip: absent(suite) }, async (t) => {
      const reports = listVectors(join(CORPORA, suite)).map(report);
      const show = ({ listed, expected, got }: Report): string =>
        `${listed.path}: expected ${expected}, got ${got}`;
      const musts = reports.filter(({ listed }) => listed.applicability === 'must');
      t.same(musts.filter(({ result }) => result !== 'pass').map(show), []);
      t.equal(musts.length, count);
      const skipped = reports.filter(({ result }) => result === 'skip');
      t.same(
        skipped.filter(({ why }) => why?.endsWith('no must')),
        [],
        'every other difference has a reason of its own',
      );
      t.comment(`${skipped.length} differ that may`);
    });
});

t.test(
  'apart from keys off their curve, usable records are those that OpenSSL could use',
  { skip: absent('dane-openssl-oracle') },
  async (t) => {
    interface OracleVector {
      readonly title: string;
      readonly usableRecords: number;
      readonly tlsa: readonly {
        readonly usage: number;
        readonly selector: number;
        readonly matchingType: number;
        readonly data: string;
      }[];
    }
    const file = join(CORPORA, 'dane-openssl-oracle', 'vectors.json');
    // The corpora are test data whose form their manifests vouch for.
    const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: OracleVector[] };
    const differently = vectors.filter(({ tlsa, usableRecords: count }) => {
      const records = tlsa.map(({ data, ...fields }) => ({
        ...fields,
        associationData: Buffer.from(data, 'hex'),
      }));
      return usableRecords(records, { usages: 'all' }).length !== count;
    });
    // One bit off in an uncompressed point and it lies on no curve. OpenSSL sets such a key aside, and mail would go out
    // unauthenticated; here it is a key like any other, and matches nothing.
    t.ok(
      differently.every(
        ({ title, tlsa: [first] }) =>
          /data altered|full wrong/.test(title) &&
          first?.selector === 1 &&
          first.matchingType === 0,
      ),
    );
    t.ok(vectors.length - differently.length > 400, 'most agree');
  },
);
