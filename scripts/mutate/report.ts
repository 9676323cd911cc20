/**
 * The figures of a campaign for people: a table by file, what is left, and what is harmless.
 * @module
 */
import { HARMLESS, type Harmless } from './harmless.ts';
import type { Mutant } from './instrument.ts';
import { isKilled, type State } from './state.ts';

export interface Judged {
  readonly mutant: Mutant;
  readonly fate: 'killed' | 'timeout' | 'survived' | 'unreached' | 'not run' | 'harmless';
  readonly why?: string;
}

const fits = ({ file, line, to }: Harmless, mutant: Mutant): boolean =>
  mutant.file === file && mutant.text.includes(line) && mutant.to.includes(to);

/** Whoever is killed is killed; only what survived can be harmless. */
export function fateOf(mutant: Mutant, { results }: State): Judged {
  const result = results[mutant.id];
  if (!result) return { mutant, fate: 'not run' };
  if (isKilled(result)) return { mutant, fate: result.kind };
  const row = HARMLESS.find((one) => fits(one, mutant));
  return row ? { mutant, fate: 'harmless', why: row.why } : { mutant, fate: result.kind };
}

/** Rows of the list that explain nothing any more. */
export const staleRows = (judged: readonly Judged[]): readonly Harmless[] =>
  HARMLESS.filter(
    (row) => !judged.some(({ mutant, fate }) => fate === 'harmless' && fits(row, mutant)),
  );

interface Figures {
  readonly all: number;
  readonly killed: number;
  readonly harmless: number;
  readonly left: number;
  readonly score: string;
}

export function count(judged: readonly Judged[]): Figures {
  const having = (...fates: Judged['fate'][]): number =>
    judged.filter(({ fate }) => fates.includes(fate)).length;
  const killed = having('killed', 'timeout');
  const left = having('survived', 'unreached');
  const score = killed + left === 0 ? '-' : ((100 * killed) / (killed + left)).toFixed(1);
  return { all: judged.length, killed, harmless: having('harmless'), left, score };
}

const row = (name: string, { all, killed, harmless, left, score }: Figures): string =>
  `| ${name} | ${all} | ${killed} | ${harmless} | ${left} | ${score} |`;

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

const line = ({ mutant, fate, why }: Judged): string =>
  `- ${mutant.file}:${mutant.line}: ${difference(mutant)}${why ? `: ${why}` : ` (${fate})`}`;

export function printReport(judged: readonly Judged[], day: string): string {
  const files = [...new Set(judged.map(({ mutant }) => mutant.file))].sort();
  const left = judged.filter(({ fate }) => fate === 'survived' || fate === 'unreached');
  const harmless = judged.filter(({ fate }) => fate === 'harmless');
  return [
    '# Mutation testing of src/dnssec',
    `Made by \`npm run mutate -- --report docs/mutation.md\` on ${day}; do not edit. Explanations live in \`scripts/mutate/harmless.ts\`.`,
    '',
    'One thing at a time is changed in the compiled code (a border, a condition, a negation, a constant, a check left out),',
    'and the tests that reach it must notice. `npm run mutate -- [--only FILE] [--workers 2] [--minutes M] [--report FILE]`',
    'goes on where the last run stopped; `--fresh` begins anew. The score leaves out what is harmless.',
    '',
    '| file | mutants | killed | harmless | left | score, % |',
    '|---|---|---|---|---|---|',
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
