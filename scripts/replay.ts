/**
 * Runs replay scenarios: `npm run replay -- [--json FILE] [--verbose] [--engine noble|native] PATH...`
 *
 * PATH is a scenario file, or a folder of them. What fails is told in one line with step, expected and got; the last line
 * counts. Exit code 0: none failed; 1: some did; 2: it could not be begun.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DEFAULT_NSEC3_ITERATIONS } from '../src/dnssec/context.ts';
import { nativeEngine } from '../src/dnssec/engine-native.ts';
import { nobleEngine } from '../src/dnssec/engine-noble.ts';
import { findLacking, LACKING } from './replay/lacking.ts';
import { FormatProblem } from './replay/lines.ts';
import { parseScenario } from './replay/parse.ts';
import { compareErrors, countResults, type Report, tabulate, toJson } from './replay/report.ts';
import { run } from './replay/run.ts';
import { setUp } from './replay/settings.ts';
import { type Listed, listScenarios } from './replay/suite.ts';

const ENGINES = { noble: nobleEngine, native: nativeEngine } as const;
const isEngine = (name: string): name is keyof typeof ENGINES => Object.hasOwn(ENGINES, name);

/** The replay sets were written when Unbound's limit was this; the catalogue of broken zones was not. */
const NSEC3_ITERATIONS_OF_THE_TIME = 150;

interface Options {
  readonly engine: keyof typeof ENGINES;
  readonly verbose: boolean;
}

async function runOne(listed: Listed, { engine, verbose }: Options): Promise<Report> {
  const parsed = parseScenario(readFileSync(listed.path, 'latin1'), listed.dialect);
  if (parsed.kind === 'broken') return fail(listed, `line ${parsed.line}: ${parsed.message}`);
  const { scenario } = parsed;
  const lacking = findLacking(scenario, listed.features);
  if (lacking !== undefined)
    return { ...ended(listed, 'skip'), why: `${lacking}: ${LACKING[lacking]}` };
  try {
    const setup = setUp(scenario, {
      engine: ENGINES[engine],
      features: listed.features,
      nsec3Iterations:
        listed.name === 'misconfigured-zones'
          ? DEFAULT_NSEC3_ITERATIONS
          : NSEC3_ITERATIONS_OF_THE_TIME,
    });
    if (verbose) console.log(`${listed.path}: ${scenario.title}`);
    const tell = verbose ? (event: string) => console.log(`  ${event}`) : undefined;
    return { ...ended(listed, 'fail'), ...(await run(scenario, setup, tell)) };
  } catch (error) {
    if (!(error instanceof FormatProblem)) throw error;
    return fail(listed, `line ${error.line}: ${error.message}`);
  }
}

const ended = (listed: Listed, result: Report['result']): Report => ({
  listed,
  result,
  level: undefined,
  why: undefined,
  errors: new Set(),
});
const fail = (listed: Listed, why: string): Report => ({ ...ended(listed, 'fail'), why });

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      engine: { type: 'string', default: 'native' },
    },
  });
  const { engine, verbose, json } = values;
  if (!isEngine(engine)) throw new TypeError(`--engine ${engine}: noble or native`);
  if (positionals.length === 0) throw new TypeError('PATH is missing: scenario files or folders');
  const reports: Report[] = [];
  for (const listed of positionals.flatMap(listScenarios)) {
    const report = await runOne(listed, { engine, verbose });
    if (report.result === 'fail') console.log(`FAIL ${listed.path}: ${report.why}`);
    else if (verbose && report.why) console.log(`${report.result} ${listed.path}: ${report.why}`);
    reports.push(report);
  }
  if (json !== undefined) writeFileSync(json, toJson(reports));
  const errors = compareErrors(reports);
  if (errors) console.log(errors);
  if (reports.length > 0) console.log(`\n${tabulate(reports)}\n`);
  console.log(countResults(reports));
  return reports.some(({ result }) => result === 'fail') ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
