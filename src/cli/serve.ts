/**
 * `danelaw serve`: the resolver for the programs of this machine, until it is told to stop.
 * @module
 */
import type { ServerAddress } from '../environment.ts';
import { makeAnswerQuery } from '../server/answer.ts';
import { ListenError, startDaemon } from '../server/daemon.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import type { ServeWords } from './options.ts';
import type { Terminal } from './terminal.ts';
import { openResolver, type World } from './world.ts';

export async function serve(words: ServeWords, terminal: Terminal, world: World): Promise<number> {
  const { cacheBytes } = words;
  const resolver = openResolver(words, world, {
    priming: 'on',
    ...(cacheBytes !== undefined && { cacheBytes }),
  });
  const stopped = world.untilStopped?.() ?? new Promise<void>(() => {});
  const daemon = await startDaemon({
    listeners: words.listeners,
    clock: world.environment.clock,
    answer: makeAnswerQuery(resolver, { withoutRecursion: 'refused' }),
    report: (error) =>
      terminal.note(`danelaw: internal error: ${inOneLine(error)}; please report it`),
  }).catch(misuseOf);
  terminal.note(`danelaw: listening on ${daemon.listeners.map(textOf).join(' and ')}`);
  await stopped;
  await daemon.stop();
  return EXIT.fine;
}

const textOf = ({ ip, port }: ServerAddress): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;

function inOneLine(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.split('\n').slice(0, 2).join(' ');
}

/** What the operator can do about it. */
function misuseOf(error: unknown): never {
  if (!(error instanceof ListenError)) throw error;
  const { at, over, code } = error;
  throw new Misuse(`cannot listen on ${textOf(at)} over ${over}: ${adviceOn(code, at)}`);
}

function adviceOn(code: string, { ip, port }: ServerAddress): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another program does (ss -lntup 'sport = :${port}' shows which): stop it, or give another port with --listen`;
    case 'EACCES':
      return 'ports below 1024 need CAP_NET_BIND_SERVICE or root: grant it, or give another port with --listen';
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${ip}: give one that it has with --listen`;
    default:
      return code;
  }
}
