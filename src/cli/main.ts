#!/usr/bin/env node
/**
 * The command `danelaw`: the process around run.ts.
 *
 * Does not: decide anything.
 * @module
 */
import { clientName, nodeEnvironment } from '../environment-node.ts';
import { passedSockets } from '../server/listen-passed.ts';
import { EXIT } from './exit.ts';
import { run } from './run.ts';
import { makeTerminal } from './terminal.ts';

const { stdout, stderr, env, argv } = process;

/** No stack trace: whoever reads this did not write the program. */
function giveUp(error: unknown): never {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const [line] = message.split('\n');
  stderr.write(
    `danelaw: internal error: ${line}; please report it with the command that you ran\n`,
  );
  process.exit(EXIT.internal);
}
process.on('uncaughtException', giveUp);
process.on('unhandledRejection', giveUp);

// `danelaw ... | head`: who closes the pipe has read enough.
for (const stream of [stdout, stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.fine);
    giveUp(error);
  });

/** SIGTERM from service managers, SIGINT from keyboards. A second one does not wait. */
const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });

// The resolver's timers do not keep the process, and a command may be doing nothing but wait.
const awake = setInterval(() => {}, 60_000);
const code = await run(argv.slice(2), {
  terminal: makeTerminal(stdout, stderr, env),
  world: {
    environment: nodeEnvironment(),
    clientName: clientName(),
    untilStopped,
    passed: passedSockets,
  },
  bare: env.npm_lifecycle_event === 'start' ? 'demo' : 'help',
});
clearInterval(awake);
process.exitCode = code;
// Work that nobody waits for any more would keep the process: leave once all is written.
stdout.write('', () => process.exit(code));
