/**
 * From the words of a command line to an exit code: picks the command, and turns misuse into one line.
 *
 * Does not: touch the process (main.ts).
 * @module
 */
import { readFileSync } from 'node:fs';
import { check } from './check.ts';
import { demo } from './demo.ts';
import { EXIT } from './exit.ts';
import { HELP_TEXTS } from './help.ts';
import { Misuse } from './misuse.ts';
import { HELP, parseCheck, parseDemo, parseQuery, parseServe } from './options.ts';
import { query } from './query.ts';
import { serve } from './serve.ts';
import type { Terminal } from './terminal.ts';
import type { World } from './world.ts';

export interface Surroundings {
  readonly terminal: Terminal;
  readonly world: World;
  /** What to do without any word: `npm start` runs the demo. */
  readonly bare: 'demo' | 'help';
}

/** Runs one command line. Rejects for mistakes of Danelaw only. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await dispatch(args, surroundings);
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    surroundings.terminal.note(`danelaw: ${error.message}`);
    return EXIT.misuse;
  }
}

async function dispatch(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { terminal, world, bare } = surroundings;
  const [first, ...rest] = args;
  const now = world.environment.clock.now();
  switch (first) {
    case undefined:
      if (bare === 'demo') return demo('text', terminal, world);
      throw new Misuse('a command is missing: check, query, serve or demo; see danelaw --help');
    case '-h':
    case '--help':
    case 'help':
      terminal.print(HELP_TEXTS.main);
      return EXIT.fine;
    case '-V':
    case '--version':
      terminal.print(version());
      return EXIT.fine;
    case 'check': {
      const words = parseCheck(rest, now);
      return words === HELP ? help('check', terminal) : check(words, terminal, world);
    }
    case 'query': {
      const words = parseQuery(rest, now);
      return words === HELP ? help('query', terminal) : query(words, terminal, world);
    }
    case 'serve': {
      const words = parseServe(rest, now);
      return words === HELP ? help('serve', terminal) : serve(words, terminal, world);
    }
    case 'demo': {
      const words = parseDemo(rest);
      return words === HELP ? help('demo', terminal) : demo(words.form, terminal, world);
    }
    default:
      return withoutCommand(first, args, surroundings);
  }
}

/** `danelaw example.com` is short for `danelaw check example.com`, and options may come first. */
function withoutCommand(
  first: string,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  if (first.startsWith('-') || /[.@]/.test(first) || !isAscii(first))
    return dispatch(['check', ...args], surroundings);
  throw new Misuse(
    `"${first}" is no command and no domain: use check, query, serve or demo; see danelaw --help`,
  );
}

const isAscii = (text: string): boolean => [...text].every((char) => char <= '\u007f');

function help(command: keyof typeof HELP_TEXTS, terminal: Terminal): number {
  terminal.print(HELP_TEXTS[command]);
  return EXIT.fine;
}

function version(): string {
  // Beside build/ and src/ alike, in the repository and in the package.
  const file = new URL('../../../package.json', import.meta.url);
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof parsed === 'object' && parsed && 'version' in parsed ? String(parsed.version) : '?';
}
