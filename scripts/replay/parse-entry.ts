/**
 * Entries of a scenario file: ENTRY_BEGIN to ENTRY_END, and the records in them.
 * @module
 */
import { CLASS_IN, parseClass, parseType } from '../../src/dns/codes.ts';
import type { Question } from '../../src/dns/message.ts';
import { Name, ROOT } from '../../src/dns/name.ts';
import { hex } from '../../src/dns/radix.ts';
import { defectOf } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { parseZone } from '../../src/dns/zone-file.ts';
import { FormatProblem, type Line, type Lines, withoutComment } from './lines.ts';
import type { Entry } from './scenario.ts';

/** `$ORIGIN` and `$TTL`, in force until changed. */
export interface Defaults {
  origin: Name;
  ttl: number;
}

/** What the format says where the file says nothing. */
export const initialDefaults = (): Defaults => ({ origin: ROOT, ttl: 3600 });

/** Takes a `$ORIGIN` or `$TTL` line; false where the line is none. */
export function readDirective({ number, text }: Line, defaults: Defaults): boolean {
  const [word, value = ''] = text.split(/\s+/);
  if (word === '$ORIGIN') defaults.origin = nameAt(number, value, defaults);
  else if (word === '$TTL') defaults.ttl = Number(value);
  else return false;
  if (Number.isNaN(defaults.ttl)) throw new FormatProblem(number, `"${value}" is no TTL`);
  return true;
}

const SECTIONS = ['QUESTION', 'ANSWER', 'AUTHORITY', 'ADDITIONAL'] as const;
type Section = (typeof SECTIONS)[number];

/** What an entry has so far. */
interface Draft {
  readonly match: string[];
  readonly adjust: string[];
  readonly reply: string[];
  readonly records: Record<Section, RR[]>;
  question: Question | undefined;
  raw: Uint8Array | undefined;
  options: Uint8Array | undefined;
}

/** Reads the entry that begins on the next line. */
export function readEntry(lines: Lines, defaults: Defaults): Entry {
  const begin = lines.expect('an entry');
  if (!begin.text.startsWith('ENTRY_BEGIN'))
    throw new FormatProblem(begin.number, `ENTRY_BEGIN should stand here, not "${begin.text}"`);
  const draft: Draft = {
    match: [],
    adjust: [],
    reply: [],
    records: { QUESTION: [], ANSWER: [], AUTHORITY: [], ADDITIONAL: [] },
    question: undefined,
    raw: undefined,
    options: undefined,
  };
  let section: Section = 'ANSWER';
  for (;;) {
    const line = lines.expect('ENTRY_END');
    if (line.text.startsWith('ENTRY_END')) return finish(begin.number, draft);
    section = readLine(line, section, draft, lines, defaults);
  }
}

const finish = (line: number, draft: Draft): Entry => ({
  line,
  match: draft.match,
  adjust: draft.adjust,
  reply: draft.reply,
  question: draft.question,
  answer: draft.records.ANSWER,
  authority: draft.records.AUTHORITY,
  additional: draft.records.ADDITIONAL,
  raw: draft.raw,
  options: draft.options,
});

/** @returns the section that the next record belongs to */
function readLine(
  line: Line,
  section: Section,
  draft: Draft,
  lines: Lines,
  defaults: Defaults,
): Section {
  const { number, text } = line;
  const [word = ''] = text.split(/[\s;]+/);
  if (word === 'MATCH') draft.match.push(...words(text));
  else if (word === 'ADJUST') draft.adjust.push(...words(text));
  else if (word === 'REPLY') draft.reply.push(...words(text));
  else if (word === 'SECTION') return readSection(number, words(text)[0] ?? '');
  else if (word.startsWith('HEX_ANSWER_BEGIN'))
    draft.raw = octetsAt(number, lines.until('HEX_ANSWER_END'));
  else if (word.startsWith('HEX_EDNSDATA_BEGIN'))
    draft.options = octetsAt(number, lines.until('HEX_EDNSDATA_END'));
  else if (word === 'RAW') draft.raw = octetsAt(number, [lines.expect('octets in hex').text]);
  else if (word === 'MANDATORY')
    return section; // that it is used is not checked
  else if (word === 'EXTRA_PACKET')
    throw new FormatProblem(number, 'EXTRA_PACKET: answers of several messages are not read');
  else if (readDirective(line, defaults)) return section;
  else if (section === 'QUESTION') draft.question ??= readQuestion(line, defaults);
  else draft.records[section].push(readRecord(line, defaults));
  return section;
}

/** The words after the keyword. */
const words = (text: string): string[] => withoutComment(text, '#').split(/\s+/).slice(1);

function readSection(line: number, name: string): Section {
  const section = SECTIONS.find((known) => known === name);
  if (!section) throw new FormatProblem(line, `"${name}" is no section of a message`);
  return section;
}

function octetsAt(line: number, texts: readonly string[]): Uint8Array {
  const digits = texts.map((text) => withoutComment(text).replaceAll(/\s/g, '')).join('');
  const octets = hex.parse(digits);
  if (!octets) throw new FormatProblem(line, 'these are no octets in hex');
  return octets;
}

function nameAt(line: number, text: string, { origin }: Defaults): Name {
  try {
    return Name.parse(text, origin);
  } catch (error) {
    throw new FormatProblem(line, messageOf(error));
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function readQuestion({ number, text }: Line, defaults: Defaults): Question {
  const [owner = '', ...rest] = text.split(/\s+/);
  const [first = '', second] = rest.filter((word) => !/^\d+$/.test(word)); // some state a TTL
  const isClass = parseClass(first) !== undefined && second !== undefined;
  const type = parseType(isClass ? second : first);
  if (!type)
    throw new FormatProblem(number, `"${text}" is no question: it needs a name and a type`);
  const name = nameAt(number, owner, defaults);
  return isClass ? { name, type, class: parseClass(first) ?? CLASS_IN } : { name, type };
}

/** A record on one line. */
function readRecord({ number, text }: Line, { origin, ttl }: Defaults): RR {
  const file = parseZone(text, origin, ttl);
  if (file.kind === 'records' && file.records[0]) return file.records[0];
  const record = readUnfinished(text, origin, ttl);
  if (record) return record;
  const [error] = file.kind === 'errors' ? file.errors : [];
  throw new FormatProblem(number, error?.message ?? `"${text}" is no record`);
}

/** Some records have an empty last field on purpose, such as an RRSIG without signature: RDATA cut short. */
function readUnfinished(text: string, origin: Name, ttl: number): RR | undefined {
  const file = parseZone(`${text} AAAA`, origin, ttl);
  const record = file.kind === 'records' ? file.records[0] : undefined;
  if (!record) return undefined;
  const rdata = record.rdata.subarray(0, record.rdata.length - 3); // AAAA is three octets in base64
  const defect = defectOf(record.type, rdata);
  return { ...record, rdata, ...(defect !== undefined && { defect }) };
}
