/**
 * `danelaw control COMMAND`: asks the daemon that runs here.
 * @module
 */
import { askControl } from '../server/listen-control.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import { HELP, misuse, parse, SHARED } from './options.ts';
import type { Terminal } from './terminal.ts';

/** Where the service unit has it. */
const DEFAULT_SOCKET = '/run/danelaw/control';

export interface ControlWords {
  readonly socket: string;
  readonly words: readonly string[];
}

export function parseControl(args: readonly string[]): ControlWords | typeof HELP {
  const { values, positionals } = parse('control', args, {
    help: SHARED.help,
    socket: { type: 'string' },
  });
  if (values.help) return HELP;
  if (positionals.length === 0) throw misuse('control', 'control needs a command');
  return { socket: values.socket ?? DEFAULT_SOCKET, words: positionals };
}

export async function control({ socket, words }: ControlWords, terminal: Terminal) {
  const answer = await askControl(socket, words).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Misuse(
      `${socket}: ${code}: is a daemon running with that control socket (serve --control), and are you its user?`,
    );
  });
  if (!answer) throw new Misuse(`${socket}: the daemon did not answer to the end`);
  if (answer.kind === 'refused') throw new Misuse(answer.text);
  terminal.print(answer.text);
  return EXIT.fine;
}
