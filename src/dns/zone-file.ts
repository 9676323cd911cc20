/**
 * Master files: text to records, and one record to text.
 *
 * Implements RFC 1035 section 5, RFC 2308 section 4 ($TTL) and RFC 3597 section 5. TTLs may use units (`1h30m`).
 * Does not: $INCLUDE (no I/O here), $GENERATE, checks on the zone as a whole.
 * @module
 */
import { CLASS_IN, isMetaType, parseClass, parseType, printClass } from './codes.ts';
import { parsePeriod } from './field-text.ts';
import { type Name, NameError } from './name.ts';
import { printOpaque, printRdata, readFields } from './presentation.ts';
import { defectOf } from './rdata.ts';
import type { RR } from './rrset.ts';
import { parseName, TokenReader } from './token-reader.ts';
import { type Entry, readEntries, TextError, type Token } from './tokens.ts';

/** Where a zone file is wrong, and what to do about it. */
export interface ZoneFileError {
  /** Of the line on which the record begins; the first is 1. */
  readonly line: number;
  readonly message: string;
}

export type ZoneFile =
  | { readonly kind: 'records'; readonly records: readonly RR[] }
  | { readonly kind: 'errors'; readonly errors: readonly ZoneFileError[] };

/** RFC 2181 section 8. */
const MAX_TTL = 0x7fffffff;

/** What an entry inherits from those before it. */
interface Context {
  origin: Name | undefined;
  owner: Name | undefined;
  class: number;
  /** From `$TTL`. */
  defaultTtl: number | undefined;
  /** The last one stated (RFC 1035 section 5.1). */
  lastTtl: number | undefined;
}

/**
 * Reads a master file.
 *
 * @param origin  where names without a final dot hang until a `$ORIGIN` says otherwise; with neither, every name is
 *                absolute
 * @param defaultTtl  seconds, for records before any `$TTL`; files whose TTLs mean nothing need not state them
 * @returns every record, or every error
 * @example
 * parseZone('$TTL 1h\n@ MX 10 mail\nmail A 192.0.2.1', Name.parse('example.com'))
 */
export function parseZone(text: string, origin?: Name, defaultTtl?: number): ZoneFile {
  const context: Context = {
    origin,
    owner: undefined,
    class: CLASS_IN,
    defaultTtl,
    lastTtl: undefined,
  };
  const records: RR[] = [];
  const errors: ZoneFileError[] = [];
  for (const entry of readEntries(text)) {
    try {
      const record = readEntry(entry, context);
      if (record) records.push(record);
    } catch (error) {
      if (!isTextProblem(error)) throw error;
      errors.push({ line: entry.line, message: error.message });
    }
  }
  return errors.length > 0 ? { kind: 'errors', errors } : { kind: 'records', records };
}

/** What the readers of text throw: about the text, its names, and the range of its numbers. */
const isTextProblem = (error: unknown): error is Error =>
  error instanceof TextError || error instanceof NameError || error instanceof RangeError;

function readEntry(entry: Entry, context: Context): RR | undefined {
  if (entry.problem !== undefined) throw new TextError(entry.problem);
  const [first] = entry.tokens;
  if (first && !first.quoted && !entry.indented && first.text.startsWith('$')) {
    readDirective(first.text.toUpperCase(), entry.tokens.slice(1), context);
    return undefined;
  }
  return readRecord(entry, context);
}

function readDirective(directive: string, tokens: readonly Token[], context: Context): void {
  const [argument, ...more] = tokens;
  if (!argument || more.length > 0) throw new TextError(`${directive} needs exactly one argument`);
  if (directive === '$ORIGIN') context.origin = parseName(argument.text, context.origin);
  else if (directive === '$TTL') context.defaultTtl = parseTtl(argument.text);
  else throw new TextError(`${directive} is not supported: write the records out`);
}

function readRecord(entry: Entry, context: Context): RR {
  const tokens = [...entry.tokens];
  const owner = entry.indented
    ? context.owner
    : parseName(tokens.shift()?.text ?? '', context.origin);
  if (!owner) throw new TextError('the first record has no owner: start its line with a name');
  context.owner = owner;
  const ttl = takeTtlAndClass(tokens, context);
  const typeText = tokens.shift()?.text;
  const type = typeText === undefined ? undefined : parseType(typeText);
  if (!type)
    throw new TextError(`"${typeText ?? ''}" is no record type: use a mnemonic or TYPE1234`);
  if (isMetaType(type)) throw new TextError(`${type} cannot stand in a zone`);
  const rdata = readFields(type, new TokenReader(tokens, context.origin));
  const defect = defectOf(type, rdata);
  return { owner, type, class: context.class, ttl, rdata, ...(defect !== undefined && { defect }) };
}

/** `[TTL] [class]` or `[class] [TTL]` (RFC 1035 section 5.1): what stands there is taken off, the rest inherited. */
function takeTtlAndClass(tokens: Token[], context: Context): number {
  let stated: number | undefined;
  for (let i = 0; i < 2; i += 1) {
    const text = tokens[0]?.text ?? '';
    const classCode = parseClass(text);
    if (classCode !== undefined && parseType(text) === undefined) context.class = classCode;
    else if (stated === undefined && /^\d/.test(text)) stated = parseTtl(text);
    else break;
    tokens.shift();
  }
  if (stated !== undefined) context.lastTtl = stated;
  const ttl = stated ?? context.defaultTtl ?? context.lastTtl;
  if (ttl === undefined)
    throw new TextError('the TTL is unknown: state it, or put a line "$TTL 3600" above');
  return ttl;
}

function parseTtl(text: string): number {
  const seconds = parsePeriod(text);
  if (seconds === undefined || seconds > MAX_TTL) {
    throw new TextError(
      `"${text}" is no TTL: write seconds up to ${MAX_TTL}, or units as in 1h30m`,
    );
  }
  return seconds;
}

/** One line: `example.com. 3600 IN MX 10 mail.example.com.` */
export function printRecord({ owner, ttl, class: code, type, rdata, defect }: RR): string {
  const data = defect === undefined ? printRdata(type, rdata) : printOpaque(rdata);
  return `${owner} ${ttl} ${printClass(code)} ${type} ${data}`;
}
