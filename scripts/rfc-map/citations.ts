/**
 * Citations in sources, spelled `RFC 4035 section 5.3.1`, and the table that they make.
 * @module
 */

export interface Citation {
  readonly rfc: number;
  /** `5.3.1`, `appendix B`, `erratum 3441`; undefined where the RFC is cited as a whole. */
  readonly section: string | undefined;
  /** From src/. */
  readonly path: string;
}

/** How far an RFC is implemented, in the words of a person. */
export type Statuses = Readonly<Record<string, readonly [status: Status, what: string]>>;
const STATUSES = ['Yes', 'Partial', 'No'] as const;
export type Status = (typeof STATUSES)[number];

/** `section 5`, `sections 3.1, 3.2 and 4`; appendices have letters, errata and sections numbers. */
const list = (word: string, place: string): string =>
  String.raw`(?:${word})\s${place}(?:(?:, | and | to )${place})*`;
const PLACES = [
  list('sections?', String.raw`\d+(?:\.\d+)*`),
  list('appendix|appendices', String.raw`[A-Z]\b(?:\.\d+)*`),
  list('erratum|errata', String.raw`\d+`),
].join('|');
const CITATION = new RegExp(String.raw`\bRFC (\d{3,5})((?:(?: |, | and )(?:${PLACES}))*)`, 'g');

/** Line ends inside comments are blanks, so that a citation may run over one. */
const joinLines = (text: string): string => text.replaceAll(/\n\s*(?:\*|\/\/)?\s*/g, ' ');

export function citationsIn(path: string, text: string): Citation[] {
  return [...joinLines(text).matchAll(CITATION)].flatMap(([, number, places]) =>
    sectionsOf(places ?? '').map((section) => ({ rfc: Number(number), section, path })),
  );
}

function sectionsOf(places: string): (string | undefined)[] {
  if (places === '') return [undefined];
  let prefix = '';
  return [...places.matchAll(/section|appendi|errat|\b[A-Z]?(?:\.?\d+)+|\b[A-Z]\b/g)].flatMap(
    ([word]) => {
      if (word === 'section') prefix = '';
      else if (word === 'appendi') prefix = 'appendix ';
      else if (word === 'errat') prefix = 'erratum ';
      else return [`${prefix}${word}`];
      return [];
    },
  );
}

/** Every row needs one of the three words and a sentence. An RFC without a row is cited, and nothing is claimed. */
export const statusProblems = (statuses: Statuses): string[] =>
  Object.entries(statuses)
    .filter(([, [status, what]]) => !STATUSES.includes(status) || !what)
    .map(([rfc]) => `RFC ${rfc} needs Yes, Partial or No, and a sentence`);

const inOrder = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

function printRow(rfc: string, citations: readonly Citation[], statuses: Statuses): string {
  const [status, what] = statuses[rfc] ?? ['', 'cited'];
  const bySection = new Map<string, Set<string>>();
  for (const { section = 'as a whole', path } of citations)
    bySection.set(section, (bySection.get(section) ?? new Set()).add(path));
  const places = [...bySection]
    .sort(([a], [b]) => inOrder(a, b))
    .map(([section, paths]) => `${section}: ${[...paths].sort(inOrder).join(', ')}`);
  return `| ${rfc} | ${status} | ${what} | ${places.join('<br>')} |`;
}

export function printMap(citations: readonly Citation[], statuses: Statuses): string {
  const rfcs = [...new Set([...citations.map(({ rfc }) => String(rfc)), ...Object.keys(statuses)])];
  const rows = rfcs.sort(inOrder).map((rfc) =>
    printRow(
      rfc,
      citations.filter((one) => String(one.rfc) === rfc),
      statuses,
    ),
  );
  return `${[
    '# RFC map',
    'Made by `npm run rfc-map` from the citations in `src/` and from `docs/rfc-status.json`; do not edit.',
    '',
    '| RFC | implemented | what | sections and files |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')}\n`;
}
