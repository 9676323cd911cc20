/** TCP servers of a test's own, on loopback, which end with it. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';
import type { ServerAddress } from '../src/environment.ts';

type Tap = Pick<Test, 'teardown'>;

interface Listening extends ServerAddress {
  /** Those that are still open. */
  readonly sockets: ReadonlySet<Socket>;
}

/** Has the server listen, at a free port, until the test ends. */
export async function listenOn(test: Tap, server: Server, ip = '127.0.0.1'): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, ip, resolve));
  test.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new TypeError('no port');
  return { ip, port: address.port, sockets };
}

/** A TCP server that does with each connection what it is told. */
export function serve(
  test: Tap,
  onConnection: (socket: Socket) => void,
  ip?: string,
): Promise<Listening> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  });
  return listenOn(test, server, ip);
}

/** Says each line of `script` when the client has said something, the first at once; then leaves the rest to `then`. */
export const speaking =
  (script: readonly string[], then: (socket: Socket) => void = () => {}) =>
  (socket: Socket): void => {
    const [greeting, ...replies] = script;
    const next = (): void => {
      const reply = replies.shift();
      if (reply !== undefined) socket.write(reply);
      if (replies.length > 0) socket.once('data', next);
      else then(socket);
    };
    if (greeting !== undefined) socket.write(greeting);
    if (replies.length > 0) socket.once('data', next);
    else then(socket);
  };
