/**
 * The two streams of a command as it sees them: text out, notes and progress on standard error, colour where wanted.
 *
 * Does not: exit, or read.
 * @module
 */
import { styleText } from 'node:util';

export interface Terminal {
  /** Writes whole lines to standard output. */
  print(...lines: readonly string[]): void;
  /** One line on standard error. */
  note(line: string): void;
  /** One line on standard error that the next one replaces; nothing where that is no terminal. */
  progress(line: string): void;
  readonly paint: Paint;
}

export type Tone = 'good' | 'fair' | 'bad' | 'faint' | 'strong';
export type Paint = (tone: Tone, text: string) => string;

interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const STYLES = {
  good: 'green',
  fair: 'yellow',
  bad: 'red',
  faint: 'dim',
  strong: 'bold',
} as const satisfies Record<Tone, string>;

/** Where a terminal does not say how wide it is, or says 0. */
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[K';

/** Makes a terminal of two streams. Colour goes to terminals only, and not where NO_COLOR is set (no-color.org). */
export function makeTerminal(
  out: Stream,
  err: Stream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isColoured = out.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  let isLineUsed = false;
  const clear = (): void => {
    if (isLineUsed) err.write(CLEAR_LINE);
    isLineUsed = false;
  };
  return {
    print: (...lines) => {
      clear();
      out.write(lines.map((line) => `${line}\n`).join(''));
    },
    note: (line) => {
      clear();
      err.write(`${line.replace(/\p{Cc}+/gu, ' ')}\n`); // words of the command line may hold anything
    },
    progress: (line) => {
      if (err.isTTY !== true) return;
      err.write(`${CLEAR_LINE}${line.slice(0, (err.columns || DEFAULT_COLUMNS) - 1)}`);
      isLineUsed = true;
    },
    // Whether to style at all is decided above: styleText itself looks at standard output in newer versions only.
    paint: (tone, text) =>
      isColoured ? styleText(STYLES[tone], text, { validateStream: false }) : text,
  };
}
