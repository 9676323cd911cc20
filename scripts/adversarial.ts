/**
 * Writes what joins rows of the specifications and tests that carry their numbers: docs/adversarial.md for the rows of
 * ../shared/spec/adversarial.md, and the table in docs/dane.md for dane-decisions.md and dane-cases.md.
 * `npm run adversarial`, or with `-- --check` to see whether both are up to date (exit code 1).
 *
 * Does not: run the tests. Without the specifications there is nothing to write or to check, and it says so.
 * @module
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { caseTestsIn, fillTables, parseCases, parseDecisions } from './adversarial/cases.ts';
import { parseRows, printTable, testsIn } from './adversarial/rows.ts';

/** The repository, from build/scripts/. */
const ROOT = new URL('../../', import.meta.url);
const SPEC = new URL('../shared/spec/', ROOT);
/** Tests of other folders name the rows of other tables. */
const FOLDERS = ['dns', 'dnssec', 'resolver', 'server', 'tls'];
/** Where rows of the decision table and cases of DANE are tested. */
const DANE_FOLDERS = ['cli', 'dane', 'mta', 'resolver', 'server', 'tls'];

interface Written {
  readonly path: string;
  readonly text: string;
}

const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const spec = (name: string): string => readFileSync(new URL(name, SPEC), 'utf8');

/** What `find` finds in the tests of these folders, file by file. */
const inTests = <T>(
  folders: readonly string[],
  find: (file: string, source: string) => readonly T[],
): readonly T[] =>
  folders.flatMap((folder) =>
    readdirSync(new URL(`test/${folder}/`, ROOT))
      .filter((file) => file.endsWith('.test.ts'))
      .sort()
      .flatMap((file) => find(`${folder}/${file}`, read(`test/${folder}/${file}`))),
  );

function adversarial(): Written {
  const text = printTable(parseRows(spec('adversarial.md')), inTests(FOLDERS, testsIn));
  return { path: 'docs/adversarial.md', text };
}

function dane(): Written {
  const path = 'docs/dane.md';
  const cases = [
    ...parseDecisions(spec('dane-decisions.md')),
    ...parseCases(spec('dane-cases.md')),
  ];
  return { path, text: fillTables(read(path), cases, inTests(DANE_FOLDERS, caseTestsIn)) };
}

function main(check: boolean): number {
  if (!existsSync(SPEC)) {
    console.log('../shared/spec is not here: nothing to compare with');
    return 0;
  }
  const stale = [adversarial(), dane()].filter(({ path, text }) => {
    const target = new URL(path, ROOT);
    return !existsSync(target) || readFileSync(target, 'utf8') !== text;
  });
  if (!check) for (const { path, text } of stale) writeFileSync(new URL(path, ROOT), text);
  if (stale.length === 0) console.log('docs/adversarial.md and docs/dane.md are up to date');
  for (const { path } of stale) {
    if (check) console.error(`${path} is out of date: run "npm run adversarial"`);
    else console.log(`${path} is written`);
  }
  return check && stale.length > 0 ? 1 : 0;
}

try {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  process.exitCode = main(values.check);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error('usage: npm run adversarial [-- --check]');
  process.exitCode = 2;
}
