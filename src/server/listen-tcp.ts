/**
 * Questions over TCP: a door.
 *
 * Implements RFC 1035 section 4.2.2 (each message behind its length) and RFC 7766 sections 6.2.1.1 (pipelining), 6.2.3
 * (idle connections are closed) and 7 (answers in any order). Connections, questions on one of them and octets that a
 * client does not fetch are bounded. Does not: answer (reception.ts does).
 * @module
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { ServerAddress } from '../environment.ts';
import { clientAt } from './access.ts';
import { startsProxied } from './answer.ts';
import type { PassedSocket } from './listen-passed.ts';
import type { Listener } from './listen-udp.ts';
import type { Caller, Reception } from './reception.ts';

export interface TcpLimits {
  /** Open at once; a further one takes the place of the one that has been idle longest, or is refused. */
  readonly connections: number;
  /** Without a whole question and without an answer being fetched, milliseconds. */
  readonly idleMs: number;
}

/** A quarter of the 1024 files that a process may open on most systems: half is for upstream sockets. */
const MAX_CONNECTIONS = 256;
/** RFC 7766 section 6.2.3 asks for some seconds. */
const IDLE_MS = 10_000;
/** Questions under way on one connection; it is not read further until one is answered. */
const MAX_IN_FLIGHT = 100;
/** Octets that lie ready for a client; above them its connection is not read. */
const MAX_UNFETCHED = 262_144;

export const TCP_LIMITS: TcpLimits = { connections: MAX_CONNECTIONS, idleMs: IDLE_MS };

/** Rejects with the system's error where nobody can listen there. */
export function listenTcp(
  to: ServerAddress | PassedSocket,
  reception: Reception,
  { connections, idleMs }: TcpLimits = TCP_LIMITS,
): Promise<Listener> {
  const open = new Set<Connection>();
  const server = createServer({ noDelay: true }, (socket) => {
    // A stranger's connection would take the place of a client's.
    if (!reception.admits(clientAt(socket.remoteAddress ?? ''))) {
      socket.destroy();
      return;
    }
    if (open.size >= connections && !closeIdlest(open)) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, reception);
    open.add(connection);
    socket.on('close', () => open.delete(connection));
  });
  const sweep = setInterval(
    () => {
      const before = performance.now() - idleMs;
      for (const one of open) if (one.quietSince < before) one.close();
    },
    Math.min(1000, idleMs),
  ).unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      clearInterval(sweep);
      reject(error);
    });
    const place =
      'fd' in to ? { fd: to.fd } : { host: to.ip, port: to.port, exclusive: true, ipv6Only: true };
    server.listen(place, () => resolve(listenerOf(server, { to, open, sweep })));
  });
}

interface Running {
  readonly to: ServerAddress | PassedSocket;
  readonly open: ReadonlySet<Connection>;
  readonly sweep: NodeJS.Timeout;
}

function listenerOf(server: Server, { to, open, sweep }: Running): Listener {
  const bound = server.address();
  const closed = new Promise<void>((resolve) => server.on('close', () => resolve()));
  // One connection that cannot be accepted (no file descriptor left) is no reason to stop.
  server.on('error', () => {});
  return {
    at: placeOf(to, bound),
    stopTaking: () => {
      server.close();
      for (const one of open) one.stopTaking();
    },
    close: () => {
      clearInterval(sweep);
      if (server.listening) server.close();
      for (const one of open) one.finish();
      return closed;
    },
  };
}

function placeOf(
  to: ServerAddress | PassedSocket,
  bound: ReturnType<Server['address']>,
): ServerAddress {
  if (typeof bound !== 'object' || !bound) throw new Error('a TCP server without an address');
  return { ip: 'fd' in to ? bound.address : to.ip, port: bound.port };
}

/** @returns whether there was one */
function closeIdlest(open: ReadonlySet<Connection>): boolean {
  let idlest: Connection | undefined;
  for (const one of open)
    if (one.quietSince < (idlest?.quietSince ?? Number.POSITIVE_INFINITY)) idlest = one;
  idlest?.close();
  return idlest !== undefined;
}

class Connection {
  readonly client: string | undefined;
  readonly #socket: Socket;
  readonly #reception: Reception;
  #pending: Buffer = Buffer.alloc(0);
  #inFlight = 0;
  #isTaking = true;
  #hasEnded = false;
  #isReading = false;
  #lastAt = performance.now();

  constructor(socket: Socket, reception: Reception) {
    this.#socket = socket;
    this.#reception = reception;
    this.client = clientAt(socket.remoteAddress ?? '');
    socket.on('data', (data: Buffer) => {
      this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
      this.#read();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#endIfDone();
    });
    socket.on('drain', () => {
      this.#lastAt = performance.now();
      this.#read();
    });
    socket.on('error', () => socket.destroy());
  }

  /** Since when nothing has come or gone that matters; infinitely late while a question is being worked on. */
  get quietSince(): number {
    const isBusy = this.#inFlight > 0 && this.#socket.writableLength === 0;
    return isBusy ? Number.POSITIVE_INFINITY : this.#lastAt;
  }

  answer(response: Uint8Array): void {
    this.#inFlight -= 1;
    this.#lastAt = performance.now();
    if (this.#socket.destroyed) return;
    const framed = Buffer.allocUnsafe(2 + response.length);
    framed.writeUInt16BE(response.length);
    framed.set(response, 2);
    this.#socket.write(framed);
    this.#read();
    this.#endIfDone();
  }

  stopTaking(): void {
    this.#isTaking = false;
    this.#endIfDone();
  }

  /** What has been written still goes out, if the other side fetches it at once. */
  finish(): void {
    this.#socket.end(() => this.#socket.destroy());
    if (this.#socket.writableLength > 0) return;
    this.#socket.destroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  #endIfDone(): void {
    if ((this.#hasEnded || !this.#isTaking) && this.#inFlight === 0) this.#socket.end();
  }

  /** Answers at once may call it from within itself: the outer call goes on. */
  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const end = this.#readAll();
    this.#isReading = false;
    if (end === 'broken') this.close();
    else if (this.#mayTakeMore) this.#socket.resume();
    else this.#socket.pause();
  }

  #readAll(): 'fine' | 'broken' {
    while (this.#isTaking && this.#mayTakeMore) {
      if (startsProxied(this.#pending)) return 'broken';
      if (this.#pending.length < 2) break;
      const end = 2 + this.#pending.readUInt16BE(0);
      if (this.#pending.length < end) break;
      const query = this.#pending.subarray(2, end);
      this.#pending = this.#pending.subarray(end);
      this.#lastAt = performance.now();
      this.#inFlight += 1;
      if (this.#reception.take(query, new TcpCaller(this)) === 'ignored') return 'broken';
    }
    return 'fine';
  }

  get #mayTakeMore(): boolean {
    return this.#inFlight < MAX_IN_FLIGHT && this.#socket.writableLength < MAX_UNFETCHED;
  }
}

class TcpCaller implements Caller {
  readonly over = 'tcp';
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get client(): string | undefined {
    return this.#connection.client;
  }

  reply(response: Uint8Array): void {
    this.#connection.answer(response);
  }
}
