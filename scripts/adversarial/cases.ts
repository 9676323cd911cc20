/**
 * Rows of the decision table and cases of matcher and policy, the tests whose titles begin with their numbers, and the table
 * that joins them.
 *
 * Does not: read files (see ../adversarial.ts).
 * @module
 */

export interface Case {
  /** `decision 12`, `M18b`, `P07`. */
  readonly id: string;
  readonly name: string;
}

export interface CaseTest {
  readonly id: string;
  readonly file: string;
  /** Behind the numbers. */
  readonly title: string;
}

/** The 46 rows, named by what they are about: MX, address, TLSA, STARTTLS. */
export const parseDecisions = (markdown: string): readonly Case[] =>
  cellsOf(markdown, /^\d+$/).map(([number = '', ...cells]) => ({
    id: `decision ${number}`,
    name: cells
      .slice(0, 4)
      .filter((cell) => cell !== '-')
      .join('; '),
  }));

/** M and P cases, named by their situation. */
export const parseCases = (markdown: string): readonly Case[] =>
  cellsOf(markdown, /^[MP]\d\d[a-z]?$/).map(([id = '', name = '']) => ({ id, name }));

function cellsOf(markdown: string, id: RegExp): readonly (readonly string[])[] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .replace(/\*\*/g, '')
        .slice(2)
        .split(/ \| | \|$/),
    )
    .filter(([first = '']) => id.test(first));
}

const ID = String.raw`(?:decision \d+|[MP]\d\d[a-z]?|[S+]\d+)`;
const TITLE = new RegExp(
  String.raw`['"\`](${ID}(?:, ${ID})*): ((?:[^'"\`\\]|\\.|(?<=\w)'(?=\w))+)`,
  'g',
);
/** The table-driven cases of the matcher, with the first claim of each. */
const MATCHER =
  /matcherCase\(\s*'(M\d\d[a-z]?)',(?:(?!matcherCase)[^'"`])*(?:['"`]((?:[^'"`\\\n]|\\.)*)['"`])?/g;

/** The tests of one file whose titles begin with numbers of rows or cases. */
export function caseTestsIn(file: string, source: string): readonly CaseTest[] {
  const code = source.replace(/^\s*(?:\/\/|\*).*$/gm, '');
  const titled = [...code.matchAll(TITLE)].flatMap(([, ids = '', title = '']) =>
    ids.split(', ').map((id) => ({ id, file, title: plain(title) })),
  );
  const tabled = [...code.matchAll(MATCHER)].map(([, id = '', title = '']) => ({
    id,
    file,
    title: plain(title),
  }));
  return [...titled, ...tabled];
}

const plain = (title: string): string =>
  title.replace(/\$\{(\w+)\}/g, '($1)').replace(/\\(.)/g, '$1');

const BEGIN = '<!-- Written by `npm run adversarial` from the titles of the tests. -->';
const END = '<!-- End of what is written. -->';

/** The document with its tables made anew; its prose stays. */
export function fillTables(
  document: string,
  cases: readonly Case[],
  tests: readonly CaseTest[],
): string {
  const [before, rest] = cut(document, BEGIN);
  const [, after] = cut(rest, END);
  return `${before}${BEGIN}\n${printCases(cases, tests)}\n${END}${after}`;
}

function cut(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new RangeError(`the document has no line ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

function printCases(cases: readonly Case[], tests: readonly CaseTest[]): string {
  const untested = cases.filter(({ id }) => !tests.some((one) => one.id === id));
  const told = untested.length === 0 ? 'none' : untested.map(({ id }) => id).join(', ');
  return [
    `${cases.length - untested.length} of ${cases.length} have a test; without one: ${told}.`,
    '',
    '| row or case | what | tests |',
    '|---|---|---|',
    ...cases.map(({ id, name }) => `| ${id} | ${inCell(name)} | ${listOf(id, tests)} |`),
  ].join('\n');
}

function listOf(id: string, tests: readonly CaseTest[]): string {
  const lines = tests
    .filter((one) => one.id === id)
    .map(({ file, title }) => `${file}: ${inCell(title)}`);
  return [...new Set(lines)].join('<br>');
}

const inCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
