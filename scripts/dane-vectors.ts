/**
 * Runs vectors of certificate chains: `npm run dane-vectors -- [--json FILE] [--verbose] PATH...`
 *
 * PATH is a folder with a manifest, or one of such folders. What fails is told in one line with expected and got; so is
 * every entry that differs and need not agree, which counts as skipped. The last line counts. Exit code 0: none failed;
 * 1: some did; 2: it could not be begun.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Report, report, tabulate, toJson } from './dane-vectors/report.ts';
import { listVectors } from './dane-vectors/suite.ts';
import { countResults } from './replay/report.ts';

function print({ listed, result, expected, got, why }: Report): string {
  const said = `${listed.path}: expected ${expected}, got ${got}`;
  switch (result) {
    case 'pass':
      return `pass ${listed.path}: ${got}`;
    case 'fail':
      return `FAIL ${said}`;
    case 'skip':
      return `skip ${said}; ${why}`;
  }
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, verbose: { type: 'boolean', default: false } },
  });
  if (positionals.length === 0) throw new TypeError('PATH is missing: folders with a manifest');
  const listed = positionals.flatMap(listVectors);
  if (listed.length === 0) throw new TypeError(`no vectors in ${positionals.join(' ')}`);
  const reports: Report[] = [];
  for (const one of listed) {
    const done = report(one);
    if (done.result !== 'pass' || values.verbose) console.log(print(done));
    if (values.verbose && done.detail !== undefined) console.log(`  ${done.detail}`);
    reports.push(done);
  }
  if (values.json !== undefined) writeFileSync(values.json, toJson(reports));
  console.log(`\n${tabulate(reports)}\n`);
  console.log(countResults(reports));
  return reports.some(({ result }) => result === 'fail') ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
