/**
 * Writes docs/adversarial.md: the rows of ../shared/spec/adversarial.md, and the tests that carry their numbers.
 * `npm run adversarial`, or with `-- --check` to see whether the file is up to date (exit code 1).
 *
 * Does not: run the tests. Without the table of cases there is nothing to write or to check, and it says so.
 * @module
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseRows, printTable, type RowTest, testsIn } from './adversarial/rows.ts';

/** The repository, from build/scripts/. */
const ROOT = new URL('../../', import.meta.url);
const SPEC = new URL('../shared/spec/adversarial.md', ROOT);
const TABLE = new URL('docs/adversarial.md', ROOT);
/** Tests of other folders name the rows of other tables. */
const FOLDERS = ['dns', 'dnssec', 'resolver', 'server', 'tls'];

const allTests = (): readonly RowTest[] =>
  FOLDERS.flatMap((folder) =>
    readdirSync(new URL(`test/${folder}/`, ROOT))
      .filter((file) => file.endsWith('.test.ts'))
      .sort()
      .flatMap((file) =>
        testsIn(`${folder}/${file}`, readFileSync(new URL(`test/${folder}/${file}`, ROOT), 'utf8')),
      ),
  );

function main(check: boolean): number {
  if (!existsSync(SPEC)) {
    console.log('../shared/spec/adversarial.md is not here: nothing to compare with');
    return 0;
  }
  const table = printTable(parseRows(readFileSync(SPEC, 'utf8')), allTests());
  if (!check) {
    writeFileSync(TABLE, table);
    console.log('docs/adversarial.md is written');
    return 0;
  }
  const current = existsSync(TABLE) ? readFileSync(TABLE, 'utf8') : '';
  if (current === table) console.log('docs/adversarial.md is up to date');
  else console.error('docs/adversarial.md is out of date: run "npm run adversarial"');
  return current === table ? 0 : 1;
}

try {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  process.exitCode = main(values.check);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error('usage: npm run adversarial [-- --check]');
  process.exitCode = 2;
}
