/**
 * From the words of a command line to an exit code: picks the command, and turns misuse into one line.
 *
 * Does not: touch the process (main.ts).
 * @module
 */
import { readFileSync } from 'node:fs';
import { check } from './check.ts';
import { parseCheck } from './check-options.ts';
import { control, parseControl } from './control.ts';
import { demo } from './demo.ts';
import { domain } from './domain.ts';
import { EXIT } from './exit.ts';
import { HELP_TEXTS } from './help.ts';
import { Misuse } from './misuse.ts';
import { mtaSts } from './mta-sts.ts';
import { parseMtaSts } from './mta-sts-options.ts';
import { HELP, parseDemo, parseDomainWords, parseQuery } from './options.ts';
import { parsePolicyCheck, policyCheck } from './policy.ts';
import { query } from './query.ts';
import { serve } from './serve.ts';
import { parseServe } from './serve-options.ts';
import type { Terminal } from './terminal.ts';
import { tlsaCreate } from './tlsa-create.ts';
import { makeParseUserKey, parseCreate, parsePlan, parseVerify } from './tlsa-options.ts';
import { tlsaPlan } from './tlsa-plan.ts';
import { tlsaVerify } from './tlsa-verify.ts';
import { userKeys } from './user-keys.ts';
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
    for (const line of error.lines) surroundings.terminal.note(line);
    surroundings.terminal.note(`danelaw: ${error.message}`);
    return EXIT.misuse;
  }
}

type Run = (args: readonly string[], surroundings: Surroundings) => Promise<number>;
type Helped = Exclude<keyof typeof HELP_TEXTS, 'main'>;
type CommandName = Exclude<Helped, `tlsa ${string}` | `policy ${string}`>;

/** Words of the command line, parsed for one command and handed to it. */
function command<W>(
  name: Helped,
  parse: (args: readonly string[], now: number) => W | typeof HELP,
  act: (words: W, terminal: Terminal, world: World) => Promise<number>,
): Run {
  return async (args, { terminal, world }) => {
    const words = parse(args, world.environment.clock.now());
    if (words !== HELP) return act(words, terminal, world);
    terminal.print(HELP_TEXTS[name]);
    return EXIT.fine;
  };
}

const TLSA: Readonly<Record<string, Run>> = {
  create: command('tlsa create', parseCreate, tlsaCreate),
  verify: command('tlsa verify', parseVerify, tlsaVerify),
  plan: command('tlsa plan', parsePlan, tlsaPlan),
};
const POLICY: Readonly<Record<string, Run>> = {
  check: command('policy check', parsePolicyCheck, policyCheck),
};

/** A command that has commands of its own. */
const group =
  (name: 'tlsa' | 'policy', commands: Readonly<Record<string, Run>>): Run =>
  async ([first, ...rest], surroundings) => {
    if (first === '-h' || first === '--help') {
      surroundings.terminal.print(HELP_TEXTS[name]);
      return EXIT.fine;
    }
    const act = first !== undefined && Object.hasOwn(commands, first) ? commands[first] : undefined;
    if (act) return act(rest, surroundings);
    const what =
      first === undefined ? `${name} needs to know what to do` : `"${first}" is not known`;
    throw new Misuse(
      `${what}: use ${Object.keys(commands).join(', ')}; see danelaw ${name} --help`,
    );
  };

const COMMANDS: Readonly<Record<CommandName, Run>> = {
  check: command('check', parseCheck, check),
  domain: command('domain', parseDomainWords, domain),
  tlsa: group('tlsa', TLSA),
  policy: group('policy', POLICY),
  openpgpkey: command('openpgpkey', makeParseUserKey('OPENPGPKEY'), userKeys),
  smimea: command('smimea', makeParseUserKey('SMIMEA'), userKeys),
  'mta-sts': command('mta-sts', parseMtaSts, mtaSts),
  query: command('query', parseQuery, query),
  serve: command('serve', parseServe, serve),
  control: command('control', parseControl, control),
  demo: command('demo', parseDemo, ({ form }, ...place) => demo(form, ...place)),
};
const NAMES = Object.keys(COMMANDS)
  .join(', ')
  .replace(/, ([^,]*)$/, ' or $1');

const isCommand = (word: string): word is CommandName => Object.hasOwn(COMMANDS, word);

async function dispatch(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { terminal, world, bare } = surroundings;
  const [first, ...rest] = args;
  switch (first) {
    case undefined:
      if (bare === 'demo') return demo('text', terminal, world);
      throw new Misuse(`a command is missing: ${NAMES}; see danelaw --help`);
    case '-h':
    case '--help':
    case 'help':
      terminal.print(HELP_TEXTS.main);
      return EXIT.fine;
    case '-V':
    case '--version':
      terminal.print(version());
      return EXIT.fine;
    default:
      return isCommand(first)
        ? COMMANDS[first](rest, surroundings)
        : withoutCommand(first, args, surroundings);
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
  throw new Misuse(`"${first}" is no command and no domain: use ${NAMES}; see danelaw --help`);
}

const isAscii = (text: string): boolean => [...text].every((char) => char <= '\u007f');

function version(): string {
  // Beside build/ and src/ alike, in the repository and in the package.
  const file = new URL('../../../package.json', import.meta.url);
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof parsed === 'object' && parsed && 'version' in parsed ? String(parsed.version) : '?';
}
