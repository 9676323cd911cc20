/**
 * Tokens taken one after the other, and the two readings that every record type shares: integers and names.
 * @module
 */
import { Name } from './name.ts';
import { TextError, type Token } from './tokens.ts';

/** The tokens of one record's data, taken one after the other. */
export class TokenReader {
  readonly origin: Name | undefined;
  readonly #tokens: readonly Token[];
  #at = 0;

  /** @param origin  what names without a final dot are relative to */
  constructor(tokens: readonly Token[], origin?: Name) {
    this.#tokens = tokens;
    this.origin = origin;
  }

  get left(): number {
    return this.#tokens.length - this.#at;
  }

  /** The next token when it is not a quoted string. */
  peek(): string | undefined {
    const token = this.#tokens[this.#at];
    return token?.quoted ? undefined : token?.text;
  }

  next(what: string): string {
    const token = this.#tokens[this.#at];
    if (!token) throw new TextError(`${what} is missing`);
    this.#at += 1;
    return token.text;
  }

  rest(): string[] {
    const texts = this.#tokens.slice(this.#at).map(({ text }) => text);
    this.#at = this.#tokens.length;
    return texts;
  }
}

/** A decimal integer of `bits` bits; `name` is the field's, for the message. */
export function parseInteger(text: string, name: string, bits: 8 | 16 | 32): number {
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value >= 2 ** bits) {
    throw new TextError(`${name} "${text}" is not a number from 0 to ${2 ** bits - 1}`);
  }
  return value;
}

/** A name of a zone file: without `origin` absolute, final dot or not. */
export function parseName(text: string, origin: Name | undefined): Name {
  if (text === '@' && !origin)
    throw new TextError('"@" stands for the origin, but there is none: add a $ORIGIN line');
  return Name.parse(text, origin);
}
