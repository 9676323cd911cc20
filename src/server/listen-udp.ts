/**
 * Questions over UDP: a door.
 *
 * Implements RFC 1035 section 4.2.1. Does not: answer (reception.ts does).
 * @module
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ServerAddress } from '../environment.ts';
import { clientAt } from './access.ts';
import type { PassedSocket } from './listen-passed.ts';
import type { Caller, Reception } from './reception.ts';

/** A place where questions are taken. */
export interface Listener {
  /** With the port that the system has given where 0 was asked for. */
  readonly at: ServerAddress;
  /** From now on nothing is taken; what was taken is still answered. */
  stopTaking(): void;
  close(): Promise<void>;
}

/** Bursts are held here while a signature is computed. The system may give less. */
const RECEIVE_BUFFER = 4_194_304;

/**
 * Rejects with the system's error where nobody can listen there.
 * @param to  an address, or a socket that is bound already
 */
export function listenUdp(
  to: ServerAddress | PassedSocket,
  reception: Reception,
): Promise<Listener> {
  const socket = makeSocket('fd' in to ? to.family === 6 : isIPv6(to.ip));
  let isTaking = true;
  socket.on('message', (bytes, from) => {
    if (isTaking) reception.take(bytes, new UdpCaller(socket, from));
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    const bound =
      'fd' in to
        ? { fd: to.fd, exclusive: true }
        : { address: to.ip, port: to.port, exclusive: true };
    socket.bind(bound, () => {
      socket.off('error', reject);
      // What a send brings back (a client that has gone) is nobody's loss.
      socket.on('error', () => {});
      resolve({
        at: { ip: 'fd' in to ? socket.address().address : to.ip, port: socket.address().port },
        stopTaking: () => {
          isTaking = false;
        },
        close: () => new Promise((closed) => socket.close(() => closed())),
      });
    });
  });
}

function makeSocket(isSix: boolean): Socket {
  return createSocket({
    type: isSix ? 'udp6' : 'udp4',
    ipv6Only: isSix,
    recvBufferSize: RECEIVE_BUFFER,
    // Addresses only are sent to, and Node would look even them up, a tick of the loop for each.
    lookup: (address, _options, found) => found(null, address, isSix ? 6 : 4),
  });
}

class UdpCaller implements Caller {
  readonly over = 'udp';
  readonly #socket: Socket;
  readonly #from: RemoteInfo;

  constructor(socket: Socket, from: RemoteInfo) {
    this.#socket = socket;
    this.#from = from;
  }

  get client(): string | undefined {
    return clientAt(this.#from.address);
  }

  reply(response: Uint8Array): void {
    const { port, address } = this.#from;
    try {
      this.#socket.send(response, port, address, ignore);
    } catch {
      // The socket is closed, or port 0 asked: nobody is there to be answered.
    }
  }
}

/** The client may be gone, and the socket closed. */
const ignore = (): void => {};
