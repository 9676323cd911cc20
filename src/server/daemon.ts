/**
 * The daemon: listeners in front of a resolver, and their end.
 *
 * Does not: read options, or watch for signals.
 * @module
 */
import type { Clock, ServerAddress } from '../environment.ts';
import type { PassedSocket } from './listen-passed.ts';
import { listenTcp } from './listen-tcp.ts';
import { type Listener, listenUdp } from './listen-udp.ts';
import { Reception, type ReceptionParts } from './reception.ts';

export interface Daemon {
  /** Where it listens, over UDP and TCP alike. */
  readonly listeners: readonly ServerAddress[];
  /** Questions that have no answer yet, and pieces of work that have not ended. */
  load(): { readonly waiting: number; readonly underWay: number };
  /** Takes nothing more, answers what it has taken, closes. */
  stop(): Promise<void>;
}

export interface DaemonOptions extends ReceptionParts {
  readonly listeners: readonly ServerAddress[];
  /** Opened by the service manager. */
  readonly passed?: readonly PassedSocket[];
}

type Over = 'udp' | 'tcp' | 'http';

/** Nobody can listen there; `code` is the system's. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly at: ServerAddress;
  readonly over: Over;
  readonly code: string;

  constructor(at: ServerAddress, over: Over, code: string) {
    super(`${at.ip} port ${at.port} over ${over}: ${code}`);
    this.at = at;
    this.over = over;
    this.code = code;
  }
}

/** How long questions may still take once the daemon is told to stop: service managers kill after some seconds more. */
const LAST_CALL_MS = 3000;
const LOOK_MS = 20;

/**
 * Opens every listener, or none.
 * @throws ListenError where one cannot be opened
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const reception = new Reception(options);
  const open: Listener[] = [];
  const places: ServerAddress[] = [];
  try {
    for (const socket of options.passed ?? []) {
      const listen = socket.over === 'udp' ? listenUdp : listenTcp;
      const one = await named(
        { ip: `fd ${socket.fd}`, port: 0 },
        socket.over,
        listen(socket, reception),
      );
      open.push(one);
      places.push(one.at);
    }
    for (const address of options.listeners) {
      const pair = await listenBoth(address, reception);
      open.push(...pair);
      places.push(pair[0].at);
    }
  } catch (error) {
    await Promise.all(open.map((one) => one.close()));
    throw error;
  }
  const load = () => ({ waiting: reception.waiting, underWay: reception.underWay });
  return { listeners: places, load, stop: () => stop(open, reception, options.clock) };
}

/** Where the system chooses the port, somebody else may have it over TCP. */
const MAX_TRIES = 20;

/** Both protocols at one port, as clients expect. */
async function listenBoth(
  address: ServerAddress,
  reception: Reception,
): Promise<readonly [Listener, Listener]> {
  for (let tries = 1; ; tries += 1) {
    const udp = await named(address, 'udp', listenUdp(address, reception));
    try {
      return [udp, await named(udp.at, 'tcp', listenTcp(udp.at, reception))];
    } catch (error) {
      await udp.close();
      if (address.port !== 0 || tries === MAX_TRIES) throw error;
    }
  }
}

/** @throws ListenError where the system refuses */
export async function named<L>(at: ServerAddress, over: Over, opening: Promise<L>): Promise<L> {
  try {
    return await opening;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new ListenError(at, over, code);
  }
}

async function stop(open: readonly Listener[], reception: Reception, clock: Clock): Promise<void> {
  for (const one of open) one.stopTaking();
  const until = clock.now() + LAST_CALL_MS;
  while (reception.waiting > 0 && clock.now() < until) await clock.sleep(LOOK_MS);
  reception.turnAwayAll();
  await Promise.all(open.map((one) => one.close()));
}
