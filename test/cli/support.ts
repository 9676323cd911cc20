// What the tests of cli/ share: a terminal that remembers, worlds on the testing internet, and the command as a process.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { run, type Surroundings } from '../../src/cli/run.ts';
import { makeTerminal } from '../../src/cli/terminal.ts';
import type { World } from '../../src/cli/world.ts';
import type { Environment } from '../../src/environment.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Setting {
  readonly environment: Environment;
  readonly dial?: World['dial'];
  /** Whether the streams are terminals. */
  readonly isTTY?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly bare?: Surroundings['bare'];
  readonly untilStopped?: World['untilStopped'];
  readonly webRoots?: readonly string[];
  /** Told of each text on standard error while the command runs. */
  readonly onError?: (text: string) => void;
}

/** A network that must not be used: whoever sends has passed the check of the command line. */
export const NO_NETWORK: Environment = {
  clock: {
    now: () => 0,
    sleep: () => Promise.reject(new Error('slept')),
    alarm: () => () => undefined,
  },
  random: { bytes: (length) => new Uint8Array(length) },
  transport: { exchange: () => Promise.reject(new Error('sent a packet')) },
};

/** One command line in this process. */
export async function command(
  args: readonly string[],
  { environment, dial, isTTY = false, env = {}, bare = 'help', ...more }: Setting,
): Promise<Ran> {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    isTTY,
    write: (text: string) => {
      written[name] += text;
      if (name === 'err') more.onError?.(text);
    },
  });
  const { untilStopped, webRoots } = more;
  const world = {
    environment,
    clientName: 'client.example',
    ...(dial && { dial }),
    ...(untilStopped && { untilStopped }),
    ...(webRoots && { webRoots }),
  };
  const terminal = makeTerminal(stream('out'), stream('err'), env);
  const code = await run(args, { terminal, world, bare });
  return { code, ...written };
}

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** The same as a process of its own. */
export function spawned(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const { npm_lifecycle_event: _, ...inherited } = process.env;
    const options = { env: { ...inherited, ...env }, maxBuffer: 10_000_000 };
    const child = execFile(process.execPath, [MAIN, ...args], options, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}
