/**
 * Writes docs/rfc-map.md: for each RFC what the sources say about how far it is implemented, and which section is
 * cited in which file. `npm run rfc-map`, or with `-- --check` to see whether the file is up to date (exit code 1).
 *
 * Does not: judge. Yes, Partial and No come from docs/rfc-status.json, where a person writes them with a sentence.
 * @module
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type Citation,
  citationsIn,
  printMap,
  type Statuses,
  statusProblems,
} from './rfc-map/citations.ts';

/** The repository, from build/scripts/. */
const ROOT = new URL('../../', import.meta.url);
const MAP = new URL('docs/rfc-map.md', ROOT);
const STATUS = new URL('docs/rfc-status.json', ROOT);

function allCitations(): Citation[] {
  const paths = readdirSync(new URL('src/', ROOT), { recursive: true, encoding: 'utf8' });
  return paths
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .flatMap((path) => citationsIn(path, readFileSync(new URL(`src/${path}`, ROOT), 'utf8')));
}

function isCheck(): boolean | undefined {
  try {
    return parseArgs({ options: { check: { type: 'boolean', default: false } } }).values.check;
  } catch {
    return undefined; // an option that there is not
  }
}

const check = isCheck();
const citations = allCitations();
const statuses = JSON.parse(readFileSync(STATUS, 'utf8')) as Statuses; // our own file; checked below
const problems = statusProblems(statuses);
const map = printMap(citations, statuses);
if (check === undefined) {
  console.error('usage: npm run rfc-map [-- --check]');
  process.exitCode = 2;
} else if (problems.length > 0) {
  console.error(`docs/rfc-status.json: ${problems.join('; ')}`);
  process.exitCode = 1;
} else if (check) {
  const current = existsSync(MAP) ? readFileSync(MAP, 'utf8') : '';
  if (current === map) console.log('docs/rfc-map.md is up to date');
  else {
    console.error('docs/rfc-map.md is out of date: run "npm run rfc-map"');
    process.exitCode = 1;
  }
} else {
  mkdirSync(new URL('docs/', ROOT), { recursive: true });
  writeFileSync(MAP, map);
  console.log(`docs/rfc-map.md: ${citations.length} citations`);
}
