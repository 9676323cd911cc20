/**
 * Reads scenario files of both dialects. A file that breaks the format is a value with the line where it does.
 *
 * Does not: know what settings mean (see settings.ts).
 * @module
 */
import { FormatProblem, type Line, Lines, withoutComment } from './lines.ts';
import { type Defaults, initialDefaults, readDirective, readEntry } from './parse-entry.ts';
import type { Dialect, Entry, Range, Scenario, Setting, Step } from './scenario.ts';

export type Parsed =
  | { readonly kind: 'scenario'; readonly scenario: Scenario }
  | { readonly kind: 'broken'; readonly line: number; readonly message: string };

/** @param dialect  where it is known; else the configuration tells */
export function parseScenario(text: string, dialect?: Dialect): Parsed {
  try {
    return { kind: 'scenario', scenario: readScenario(new Lines(text), dialect) };
  } catch (error) {
    if (!(error instanceof FormatProblem)) throw error;
    return { kind: 'broken', line: error.line, message: error.message };
  }
}

function readScenario(lines: Lines, dialect: Dialect | undefined): Scenario {
  const { settings, files } = readConfiguration(lines);
  const begin = lines.expect('SCENARIO_BEGIN');
  if (!begin.text.startsWith('SCENARIO_BEGIN'))
    throw new FormatProblem(begin.number, 'SCENARIO_BEGIN should stand here');
  return {
    dialect: dialect ?? dialectOf(settings),
    title: begin.text.slice('SCENARIO_BEGIN'.length).trim(),
    settings,
    files,
    ...readBody(lines),
  };
}

/** Deckard's files name the root's server in one flat list; in unbound's dialect it is a zone with a name. */
const dialectOf = (settings: readonly Setting[]): Dialect =>
  settings.some(({ key }) => key === 'stub-addr') && !settings.some(({ key }) => key === 'name')
    ? 'deckard'
    : 'unbound';

const FILE_BLOCKS: Readonly<Record<string, string>> = {
  AUTOTRUST_FILE: 'AUTOTRUST_END',
  TEMPFILE_CONTENTS: 'TEMPFILE_END',
};

function readConfiguration(lines: Lines): Pick<Scenario, 'settings' | 'files'> {
  const settings: Setting[] = [];
  const files = new Map<string, readonly string[]>();
  const place = { section: 'server', block: 0 };
  for (;;) {
    const line = lines.expect('CONFIG_END');
    const text = withoutComment(line.text, '#');
    const [word = '', id = ''] = text.split(/\s+/);
    if (word.startsWith('CONFIG_END')) return { settings, files };
    const end = FILE_BLOCKS[word];
    if (end) files.set(id, lines.until(end));
    else if (word !== 'COMMANDLINE') readSetting({ ...line, text }, place, settings);
  }
}

/** `key: value`, or several of them on one line; a key without value opens a section. */
function readSetting(
  { number, text }: Line,
  place: { section: string; block: number },
  settings: Setting[],
): void {
  const [before, ...pairs] = text.split(KEY);
  if (before !== '' || pairs.length === 0)
    throw new FormatProblem(number, `"${text}" is no setting: "key: value" should stand here`);
  for (let i = 0; i < pairs.length; i += 2) {
    const [key = '', value = ''] = [pairs[i], pairs[i + 1]?.trim()];
    if (value !== '') settings.push({ line: number, ...place, key, value: unquote(value) });
    else {
      place.section = key;
      place.block += 1;
    }
  }
}

/** A colon that a blank follows ends a key; those of IPv6 addresses do not. */
const KEY = /(?:^|\s)([a-z][a-z0-9-]*):(?=\s|$)/;

const unquote = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;

function readBody(lines: Lines): Pick<Scenario, 'ranges' | 'steps'> {
  const ranges: Range[] = [];
  const steps: Step[] = [];
  const defaults = initialDefaults();
  for (;;) {
    const line = lines.expect('SCENARIO_END');
    const [word = ''] = line.text.split(/\s+/);
    if (word.startsWith('SCENARIO_END')) return { ranges, steps };
    if (word === 'RANGE_BEGIN') ranges.push(readRange(line, lines, defaults));
    else if (word === 'STEP') steps.push(readStep(line, lines, defaults, steps.at(-1)));
    else if (!readDirective(line, defaults))
      throw new FormatProblem(
        line.number,
        `RANGE_BEGIN, STEP or SCENARIO_END should stand here, not "${line.text}"`,
      );
  }
}

function readRange(begin: Line, lines: Lines, defaults: Defaults): Range {
  const [, first = '', last = '', ...addresses] = begin.text.split(/\s+/);
  const [from, to] = [Number(first), Number(last)];
  if (!(from <= to))
    throw new FormatProblem(begin.number, 'RANGE_BEGIN needs two numbers, the first not above');
  const entries: Entry[] = [];
  for (;;) {
    const line = lines.expect('RANGE_END');
    const [word, value = ''] = line.text.split(/\s+/);
    if (word?.startsWith('RANGE_END')) return { from, to, addresses, entries };
    if (word === 'ADDRESS') addresses.push(value);
    else if (!readDirective(line, defaults)) {
      lines.back();
      entries.push(readEntry(lines, defaults));
    }
  }
}

function readStep(
  { number: line, text }: Line,
  lines: Lines,
  defaults: Defaults,
  previous: Step | undefined,
): Step {
  const [, count = '', word = '', ...rest] = text.split(/\s+/);
  const number = Number(count);
  if (!/^\d+$/.test(count)) throw new FormatProblem(line, `"${count}" is no number of a step`);
  if (previous && number <= previous.number)
    throw new FormatProblem(
      line,
      `step ${number} follows step ${previous.number}: numbers must rise`,
    );
  const common = { number, line };
  switch (word) {
    case 'QUERY':
      return { ...common, kind: 'query', entry: readEntry(lines, defaults) };
    case 'CHECK_ANSWER':
      return { ...common, kind: 'check-answer', entry: readEntry(lines, defaults) };
    case 'CHECK_OUT_QUERY': {
      const address = rest[0] === 'ADDRESS' ? rest[1] : undefined;
      return { ...common, kind: 'check-out-query', entry: readEntry(lines, defaults), address };
    }
    case 'REPLY':
      return { ...common, kind: 'reply', entry: readEntry(lines, defaults) };
    case 'TIMEOUT':
      return { ...common, kind: 'timeout' };
    case 'ERROR':
      return { ...common, kind: 'error' };
    case 'TRAFFIC':
      return { ...common, kind: 'traffic' };
    case 'NOTHING':
      return { ...common, kind: 'nothing' };
    case 'TIME_PASSES':
      return { ...common, kind: 'time-passes', seconds: rest.slice(1).join(' ') };
    case 'ASSIGN':
      return { ...common, ...readAssignment(line, rest.join(' ')) };
    case 'CHECK_AUTOTRUST':
    case 'CHECK_TEMPFILE':
      lines.until('FILE_BEGIN');
      return { ...common, kind: 'check-file', id: rest[0] ?? '', lines: lines.until('FILE_END') };
    case 'INFRA_RTT':
    case 'FLUSH_MESSAGE':
    case 'EXPIRE_MESSAGE':
      return { ...common, kind: 'internal', word };
    default:
      throw new FormatProblem(line, `"${word}" is no kind of step`);
  }
}

function readAssignment(line: number, text: string) {
  const [, name, expression] = /^(\w+)\s*=\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || expression === undefined)
    throw new FormatProblem(line, 'ASSIGN needs "name = expression"');
  return { kind: 'assign', name, expression } as const;
}
