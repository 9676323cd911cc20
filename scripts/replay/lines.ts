/**
 * The lines of a scenario file, one after the other, comments and blanks left out.
 * @module
 */

/** The file breaks the format: thrown by the readers of this folder, caught in parse.ts. */
export class FormatProblem extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

export interface Line {
  /** The first is 1. */
  readonly number: number;
  /** Without blanks and comments at either end. */
  readonly text: string;
}

export class Lines {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/);
  }

  /** The line read last. */
  get number(): number {
    return this.#at;
  }

  /** The next line with something on it; `undefined` at the end. */
  next(): Line | undefined {
    while (this.#at < this.#lines.length) {
      const text = withoutComment(this.#lines[this.#at] ?? '');
      this.#at += 1;
      if (text !== '' && !text.startsWith('#')) return { number: this.#at, text };
    }
    return undefined;
  }

  /** @param what  is missing where the file ends here */
  expect(what: string): Line {
    const line = this.next();
    if (!line) throw new FormatProblem(this.#at, `the file ends before ${what}`);
    return line;
  }

  /** The lines as they stand up to the one that begins with `end`, which is taken too. */
  until(end: string): readonly string[] {
    const start = this.#at;
    while (this.#at < this.#lines.length) {
      this.#at += 1;
      if (this.#lines[this.#at - 1]?.trim().startsWith(end))
        return this.#lines.slice(start, this.#at - 1);
    }
    throw new FormatProblem(start, `no ${end} follows`);
  }

  /** Makes `next` give the last line once more. */
  back(): void {
    this.#at -= 1;
  }
}

/** Cuts at the first `mark` outside double quotes, and takes the blanks off. */
export function withoutComment(text: string, mark = ';'): string {
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === mark && !quoted) return text.slice(0, i).trim();
  }
  return text.trim();
}
