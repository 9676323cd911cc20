/**
 * State as text: one line of JSON a thing, the name of the format before and a digest behind, so that a file that is cut
 * off, altered or somebody else's is told from a whole one.
 *
 * The digest is no secret: who may write the file may change what is in it. Does not: touch files, or know what the lines
 * mean.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { hex } from '../dns/radix.ts';

export type Unsealed = { readonly kind: 'lines'; readonly lines: readonly string[] } | Refused;
export interface Refused {
  readonly kind: 'refused';
  /** The first that is wrong; the first of all is 1. */
  readonly line: number;
  readonly why: string;
}

/** What stands in front of the lines: the first of them has this number. */
export const FIRST_LINE = 2;

/** @param header  name and version of the format */
export function seal(header: string, values: readonly unknown[]): string {
  const lines = [header, ...values.map((value) => JSON.stringify(value))];
  const body = lines.map((line) => `${line}\n`).join('');
  return `${body}sha256 ${digestOf(body)}\n`;
}

const digestOf = (body: string): string => hex.print(sha256(new TextEncoder().encode(body)));

export function unseal(header: string, text: string): Unsealed {
  const lines = text.split('\n');
  if (lines[0] !== header) return refused(1, `it does not begin with "${header}"`);
  const last = lines.length - 2;
  const digest = /^sha256 ([0-9a-f]{64})$/.exec(lines[last] ?? '')?.[1];
  if (lines.at(-1) !== '' || digest === undefined || last < 1)
    return refused(lines.length, 'it is cut off: the last line is no digest');
  const body = lines.slice(0, last);
  if (digest !== digestOf(body.map((line) => `${line}\n`).join('')))
    return refused(
      last + 1,
      'its digest is of something else: it was altered, or not written to its end',
    );
  return { kind: 'lines', lines: body.slice(1) };
}

export const refused = (line: number, why: string): Refused => ({ kind: 'refused', line, why });

/** The object of a line; without any key where it is none. */
export function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
