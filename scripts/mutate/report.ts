/**
 * The figures of a campaign for people: a table by file, what is left, and what is harmless.
 * @module
 */
import { HARMLESS, type Harmless } from './harmless.ts';
import type { Mutant } from './instrument.ts';
import { isKilled, LOADING, type State } from './state.ts';

export interface Judged {
  readonly mutant: Mutant;
  readonly fate: 'killed' | 'timeout' | 'survived' | 'unreached' | 'not run' | 'harmless';
  /** Why it is harmless. */
  readonly why?: string;
  /** By which test. */
  readonly by?: string;
  /** What survived was run by quick tests only. */
  readonly isQuick?: boolean;
}

const fits = ({ file, line, to }: Harmless, mutant: Mutant): boolean =>
  mutant.file === file && mutant.text.includes(line) && mutant.to.includes(to);

/** Whoever is killed is killed; only what survived can be harmless. */
export function fateOf(mutant: Mutant, { results }: State): Judged {
  const result = results[mutant.id];
  if (!result) return { mutant, fate: 'not run' };
  if (isKilled(result)) return { mutant, fate: result.kind, by: result.by };
  const row = HARMLESS.find((one) => fits(one, mutant));
  if (row) return { mutant, fate: 'harmless', why: row.why };
  const isQuick = result.kind === 'survived' && result.tests === 'quick';
  return { mutant, fate: result.kind, isQuick };
}

/** Rows of the list that explain nothing any more. */
export const staleRows = (judged: readonly Judged[]): readonly Harmless[] =>
  HARMLESS.filter(
    (row) =>
      judged.some(({ mutant }) => mutant.file === row.file) &&
      !judged.some(({ mutant, fate }) => fate === 'harmless' && fits(row, mutant)),
  );

interface Figures {
  readonly all: number;
  readonly killed: number;
  readonly harmless: number;
  readonly left: number;
  readonly notRun: number;
  /** Killed, of all that are not harmless; what was not run counts as not killed. */
  readonly score: string;
}

export function count(judged: readonly Judged[]): Figures {
  const having = (...fates: Judged['fate'][]): number =>
    judged.filter(({ fate }) => fates.includes(fate)).length;
  const killed = having('killed', 'timeout');
  const left = having('survived', 'unreached');
  const [harmless, notRun] = [having('harmless'), having('not run')];
  const counted = judged.length - harmless;
  // Rounded down: 89.96 is not 90.
  const score = counted === 0 ? '-' : (Math.floor((1000 * killed) / counted) / 10).toFixed(1);
  return { all: judged.length, killed, harmless, left, notRun, score };
}

const row = (name: string, { all, killed, harmless, left, notRun, score }: Figures): string =>
  `| ${name} | ${all} | ${killed} | ${harmless} | ${left} | ${notRun} | ${score} |`;

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

/** Only the part that differs, with a little of what is around it. */
export function difference({ from, to }: Mutant): string {
  let start = 0;
  while (start < from.length && from[start] === to[start]) start += 1;
  let end = 0;
  while (end < Math.min(from.length, to.length) - start && from.at(-1 - end) === to.at(-1 - end))
    end += 1;
  const cut = (text: string): string =>
    text.slice(Math.max(0, start - 40), Math.min(text.length, text.length - end + 25));
  return `${code(cut(from))} to ${code(cut(to))}`;
}

function line({ mutant, fate, why, isQuick }: Judged): string {
  const what = `- ${mutant.file}:${mutant.line}: ${difference(mutant)}`;
  if (why !== undefined) return `${what}: ${why}`;
  return `${what} (${fate}${isQuick ? ', slow tests not run' : ''})`;
}

/** How the killed ones died, where it was not a test that failed. */
function deaths(judged: readonly Judged[]): string {
  const killed = judged.filter(({ fate }) => fate === 'killed' || fate === 'timeout');
  const loading = killed.filter(({ by }) => by === LOADING).length;
  const endless = killed.filter(({ fate, by }) => fate === 'timeout' && by !== LOADING).length;
  return `Of those killed, ${endless} made a test run without end and ${loading} kept the modules from being loaded; a test failed on the others.`;
}

export interface Made {
  readonly day: string;
  readonly commit: string;
}

export function printReport(judged: readonly Judged[], { day, commit }: Made): string {
  const files = [...new Set(judged.map(({ mutant }) => mutant.file))].sort();
  const left = judged.filter(({ fate }) => fate === 'survived' || fate === 'unreached');
  const harmless = judged.filter(({ fate }) => fate === 'harmless');
  return [
    '# Mutation testing of src/dnssec',
    `Made by \`npm run mutate -- --report docs/mutation.md\` on ${day} at commit ${commit}; do not edit. Explanations live in \`scripts/mutate/harmless.ts\`.`,
    '',
    'One thing at a time is changed in the compiled code (a border, a condition, a negation, a constant, a check left out),',
    'and the tests that reach it must notice. `npm run mutate -- [--only FILE] [--workers 2] [--minutes M] [--report FILE]`',
    'goes on where the last run stopped; `--fresh` begins anew, `--thorough` runs slow tests too on what is left. The score is the',
    'killed among all that are not harmless. A mutant is killed by a test that fails or does not end with it, passes in time',
    'without it, and fails with it once more.',
    deaths(judged),
    '',
    '| file | mutants | killed | harmless | left | not run | score, % |',
    '|---|---|---|---|---|---|---|',
    ...files.map((file) => row(file, count(judged.filter(({ mutant }) => mutant.file === file)))),
    row('all', count(judged)),
    '',
    '## Left',
    ...(left.length > 0 ? left.map(line) : ['None.']),
    '',
    '## Harmless',
    ...(harmless.length > 0 ? harmless.map(line) : ['None.']),
    '',
  ].join('\n');
}
