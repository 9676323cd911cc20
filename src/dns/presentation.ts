/**
 * RDATA as text, by the table of rdata.ts.
 *
 * Implements RFC 1035 section 5.1 and, for types that the table does not know and for RDATA that does not fit its type,
 * RFC 3597 section 5 (`\# 4 c0000201`). Does not: owner, TTL, class (zone-file.ts).
 * @module
 */

import type { TextForm } from './codec.ts';
import type { RRType } from './codes.ts';
import { FormatError } from './cursor.ts';
import type { Kind } from './field.ts';
import { TEXT } from './field-text.ts';
import type { Name } from './name.ts';
import { sameOctets } from './octets.ts';
import { hex } from './radix.ts';
import {
  decode,
  defectOf,
  encode,
  type Fields,
  isTyped,
  RDATA,
  type Rdata,
  type TypedRRType,
} from './rdata.ts';
import { TokenReader } from './token-reader.ts';
import { readTokens, TextError } from './tokens.ts';

/** A type's fields with their text forms, in the order of the text, which is the wire's. */
function textFields(type: TypedRRType): [name: string, form: TextForm<unknown>][] {
  const kinds: [string, Kind][] = Object.entries(RDATA[type]);
  // The form is only given values of the same row, which have the kind's type.
  return kinds.map(([name, kind]) => [name, TEXT[kind] as TextForm<unknown>]);
}

/**
 * `10 mail.example.com.`; in the form of RFC 3597 where the type is unknown, the octets do not fit it, or its own form
 * would not give the same octets back (a type bitmap with trailing zeros).
 */
export function printRdata(type: RRType, rdata: Rdata): string {
  if (!isTyped(type) || type === 'NULL') return printOpaque(rdata);
  try {
    const fields = decode(type, rdata);
    if (!sameOctets(encode(type, fields), rdata)) return printOpaque(rdata);
    const values: Readonly<Record<string, unknown>> = fields;
    const texts = textFields(type).map(([name, form]) => form.print(values[name]));
    return texts.filter((text) => text !== '').join(' ');
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return printOpaque(rdata);
  }
}

export const printOpaque = (rdata: Rdata): string =>
  rdata.length === 0 ? '\\# 0' : `\\# ${rdata.length} ${hex.print(rdata)}`;

/**
 * Reads the data of one record.
 * @param origin  what names without a final dot are relative to; without it they are absolute all the same
 * @throws {@link TextError}, NameError or RangeError, saying what is wrong
 */
export function parseRdata(type: RRType, text: string, origin?: Name): Rdata {
  return readFields(type, new TokenReader(readTokens(text), origin));
}

/** The same from tokens, all of which must belong to the record. */
export function readFields(type: RRType, tokens: TokenReader): Rdata {
  if (tokens.peek() === '\\#') return parseOpaque(tokens);
  if (!isTyped(type) || type === 'NULL')
    throw new TextError(`${type} has no text form here: write \\# LENGTH HEX`);
  const values: Record<string, unknown> = {};
  for (const [name, form] of textFields(type)) values[name] = form.parse(tokens, `${type} ${name}`);
  if (tokens.left > 0)
    throw new TextError(
      `${type} has more fields than it should: "${tokens.next('field')}" is left over`,
    );
  // Made from the row that `Fields` is derived from.
  const rdata = encode(type, values as unknown as Fields[typeof type]);
  const defect = defectOf(type, rdata);
  if (defect !== undefined) throw new TextError(`the data does not fit ${defect}`);
  return rdata;
}

/** RFC 3597 section 5. Allowed for known types too, fitting or not: that is how a test writes a broken record. */
function parseOpaque(tokens: TokenReader): Rdata {
  tokens.next('\\#');
  const length = tokens.next('length');
  const octets = hex.parse(tokens.rest().join(''));
  if (!/^\d{1,5}$/.test(length) || !octets) throw new TextError('\\# needs a length and hex');
  if (octets.length !== Number(length))
    throw new TextError(`\\# says ${length} octets, but ${octets.length} follow`);
  return octets;
}
