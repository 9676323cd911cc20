/**
 * Master file text cut into entries and tokens, and the escapes inside them.
 *
 * Implements RFC 1035 section 5.1: parentheses, comments, quoted strings, `\X` and `\DDD`. One pass, linear.
 * Does not: know records; see zone-file.ts and field-text.ts.
 * @module
 */

export interface Token {
  /** As written, escapes untouched, the quotes of a quoted string taken off. */
  readonly text: string;
  readonly quoted: boolean;
}

/** One logical line: what stands between two line ends that no parenthesis holds together. */
export interface Entry {
  /** The line it begins on; the first is 1. */
  readonly line: number;
  /** It began with a blank: the owner of the entry before is meant. */
  readonly indented: boolean;
  readonly tokens: readonly Token[];
  /** What is wrong with the text itself: then `tokens` is incomplete. */
  readonly problem?: string;
}

/** The text is not what a zone file may say here. The message tells the reader of the file what to do. */
export class TextError extends TypeError {
  override readonly name = 'TextError';
}

/** Whatever ends an unquoted token. */
const ENDS_TOKEN = new Set([' ', '\t', '\r', '\n', '(', ')', ';', undefined]);

/** Entries without tokens are left out. */
export function readEntries(text: string): Entry[] {
  return new Scanner(text).entries();
}

/** The tokens of text that is one entry, whatever lines it covers. */
export function readTokens(text: string): readonly Token[] {
  const [entry] = new Scanner(`(${text}\n)`).entries();
  if (entry?.problem !== undefined) throw new TextError(entry.problem);
  return entry?.tokens ?? [];
}

class Scanner {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  entries(): Entry[] {
    const entries: Entry[] = [];
    while (this.#at < this.#text.length) {
      const entry = this.#entry();
      if (entry.tokens.length > 0 || entry.problem !== undefined) entries.push(entry);
    }
    return entries;
  }

  #entry(): Entry {
    const line = this.#line;
    const indented = this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t';
    const tokens: Token[] = [];
    let depth = 0;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || (char === '\n' && depth === 0)) break;
      if (char === '\n') this.#line += 1;
      if (char === '(') depth += 1;
      if (char === ')') depth -= 1;
      if (depth < 0)
        return this.#give({ line, indented, tokens, problem: 'a ")" has no "(" before it' });
      if (char === ';') this.#skipComment();
      else if (char === '"') {
        const token = this.#quoted();
        if (!token)
          return this.#give({
            line,
            indented,
            tokens,
            problem: 'a quoted string is not closed: add a " at its end',
          });
        tokens.push(token);
      } else if (ENDS_TOKEN.has(char)) this.#at += 1;
      else tokens.push(this.#plain());
    }
    this.#endLine();
    if (depth > 0) return { line, indented, tokens, problem: 'a "(" is not closed: add a ")"' };
    return { line, indented, tokens };
  }

  #endLine(): void {
    this.#at += 1;
    this.#line += 1;
  }

  /** After a problem, reading goes on at the next line. */
  #give(entry: Entry): Entry {
    while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at += 1;
    this.#endLine();
    return entry;
  }

  #skipComment(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at += 1;
  }

  /** A quoted string; it may not run over the end of its line. */
  #quoted(): Token | undefined {
    const start = this.#at + 1;
    const end = this.#closingQuote(start);
    if (end === undefined) return undefined;
    this.#at = end + 1;
    return { text: this.#text.slice(start, end), quoted: true };
  }

  /** An unquoted token; a quote in its midst (`alpn="h2"`, RFC 9460 section 2.1) runs to the closing one. */
  #plain(): Token {
    const start = this.#at;
    while (!ENDS_TOKEN.has(this.#text[this.#at])) {
      const char = this.#text[this.#at];
      if (char === '\\' && this.#text[this.#at + 1] !== '\n') this.#at += 2;
      else if (char === '"') this.#at = (this.#closingQuote(this.#at + 1) ?? this.#at) + 1;
      else this.#at += 1;
    }
    return { text: this.#text.slice(start, this.#at), quoted: false };
  }

  #closingQuote(from: number): number | undefined {
    for (let at = from; at < this.#text.length; at += 1) {
      const char = this.#text[at];
      if (char === '"') return at;
      if (char === '\n') return undefined;
      if (char === '\\') at += 1;
    }
    return undefined;
  }
}

const BACKSLASH = 0x5c;
const isDigit = (octet: number | undefined): boolean =>
  octet !== undefined && octet >= 0x30 && octet <= 0x39;

/** The octets that text with escapes stands for; characters outside ASCII as UTF-8. */
export function unescapeText(text: string): Uint8Array {
  const source = new TextEncoder().encode(text);
  const octets = new Uint8Array(source.length);
  let length = 0;
  for (let at = 0; at < source.length; at += 1) {
    let octet = source[at] ?? 0;
    if (octet === BACKSLASH) {
      const escaped = readEscape(source, at + 1);
      octet = escaped.octet;
      at += escaped.length;
    }
    octets[length++] = octet;
  }
  return octets.slice(0, length);
}

function readEscape(source: Uint8Array, at: number): { octet: number; length: 1 | 3 } {
  const first = source[at];
  if (first === undefined)
    throw new TextError('a backslash stands at the end: write it twice to mean itself');
  if (!isDigit(first)) return { octet: first, length: 1 };
  const digits = String.fromCharCode(...source.subarray(at, at + 3));
  if (!/^\d{3}$/.test(digits) || Number(digits) > 255) {
    throw new TextError(`\\${digits} is no octet: write three digits, at most 255`);
  }
  return { octet: Number(digits), length: 3 };
}

/** A quoted string for any octets. */
export function quote(octets: Uint8Array): string {
  let text = '"';
  for (const octet of octets) {
    if (octet < 0x20 || octet > 0x7e) text += `\\${String(octet).padStart(3, '0')}`;
    else if (octet === 0x22 || octet === 0x5c) text += `\\${String.fromCharCode(octet)}`;
    else text += String.fromCharCode(octet);
  }
  return `${text}"`;
}
