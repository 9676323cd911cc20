/**
 * The control socket: a door. A Unix socket that only the daemon's own user can open.
 *
 * Does not: know the commands (control.ts).
 * @module
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { umask } from 'node:process';
import {
  type Control,
  type ControlAnswer,
  MAX_REQUEST,
  parseAnswer,
  parseRequest,
  writeAnswer,
  writeRequest,
} from './control.ts';

export interface ControlListener {
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 8;
const PATIENCE_MS = 10_000;
/** An explanation of the longest question takes some 100 kB. */
const MAX_ANSWER = 4_000_000;
const OWNER_ONLY = 0o177;

/**
 * Rejects with the system's error. A socket that a daemon left behind is replaced; one that answers is not.
 * @param report  told of what Danelaw did wrong
 */
export async function listenControl(
  path: string,
  control: Control,
  report: (error: unknown) => void,
): Promise<ControlListener> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    take(socket, control, report);
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await listen(server, path);
  } catch (error) {
    // Whatever is no socket is somebody's file.
    if (!isTaken(error) || !lstatSync(path).isSocket() || (await answers(path))) throw error;
    unlinkSync(path);
    await listen(server, path);
  }
  server.on('error', () => {}); // one connection that cannot be taken is no reason to stop
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** One command, sent to the daemon at `path`. Rejects with the system's error. */
export function askControl(
  path: string,
  words: readonly string[],
): Promise<ControlAnswer | undefined> {
  const socket = connect(path);
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.setTimeout(3 * PATIENCE_MS, () => socket.destroy());
    socket.on('data', (data: Buffer) => {
      length += data.length;
      if (length > MAX_ANSWER) socket.destroy();
      else chunks.push(data);
    });
    socket.on('close', () => resolve(parseAnswer(Buffer.concat(chunks).toString('utf8'))));
    socket.write(writeRequest(words));
  });
}

function take(socket: Socket, control: Control, report: (error: unknown) => void): void {
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const onData = (data: string): void => {
    pending += data;
    const end = pending.indexOf('\n');
    if (end < 0 && pending.length <= MAX_REQUEST) return;
    socket.off('data', onData);
    socket.setTimeout(0); // an explanation may take as long as a question
    const words = end < 0 ? undefined : parseRequest(pending.slice(0, end));
    const answer = words ? control(words) : Promise.resolve(NO_REQUEST);
    answer.then(
      (one) => socket.end(writeAnswer(one)),
      (error: unknown) => {
        report(error);
        socket.destroy();
      },
    );
  };
  socket.on('data', onData);
}

const NO_REQUEST: ControlAnswer = { kind: 'refused', text: 'that is no request' };

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    const before = umask(OWNER_ONLY); // the socket is made before the call returns
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
    umask(before);
  });

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

/** Whether somebody listens there. */
const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
