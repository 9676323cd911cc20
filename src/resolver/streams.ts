/**
 * TCP connections to servers, with TLS where their address has a name to prove: kept for the next query, shared by several.
 *
 * Implements RFC 7766 section 6.2 (reuse, pipelining, replies in any order, idle connections closed) and section 8, RFC 1035
 * section 4.2.2 (each message behind its length), RFC 7858 section 3 and RFC 8310 section 5 (strict: a server that does not
 * prove its name is sent nothing, and a connection serves that name alone). An idle connection never keeps the process
 * alive, and gives way where sockets are short. Does not: look into messages beyond their id, or ask again but for a
 * connection lost under way.
 * @module
 */
import { connect as connectTcp, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect as connectTls,
  type PeerCertificate,
  TLSSocket,
} from 'node:tls';
import type { Delivery, ExchangeOptions, ServerAddress } from '../environment.ts';
import { serverKey } from './server-address.ts';
import { codeOf, Pending, type Slots, unreachable } from './sockets.ts';

/** What one lost connection takes with it, and what a server that answers in order can hold up (Unbound 32, BIND none). */
const MAX_IN_FLIGHT = 100;

export interface StreamOptions {
  /** How long a connection is kept without a query. */
  readonly idleMs: number;
  /** Certificates, in PEM, of the authorities that may vouch for TLS names; Node's where it is left out. */
  readonly tlsRoots?: readonly string[] | undefined;
}

export class Streams {
  readonly #slots: Slots;
  readonly #options: StreamOptions;
  readonly #byServer = new Map<string, Set<Stream>>();
  /** The one that has been idle for longest comes first. */
  readonly #idle = new Set<Stream>();

  constructor(slots: Slots, options: StreamOptions) {
    this.#slots = slots;
    this.#options = options;
    slots.onShortage = () => {
      const [longest] = this.#idle;
      longest?.close(CANCELED);
    };
  }

  async exchange(to: ServerAddress, query: Uint8Array, how: ExchangeOptions): Promise<Delivery> {
    if (how.signal?.aborted) return { kind: 'timeout' };
    const key = serverKey(to);
    const isFree = this.#joinable(key, query) !== undefined || this.#slots.takeFree();
    if (!isFree && !(await this.#slots.take(how.signal))) return { kind: 'timeout' };
    // From here to the sending nobody else comes between: who finds a connection sees every id that is on it.
    const known = this.#joinable(key, query);
    // While this one waited for a slot, others have opened a connection, or left one.
    if (known && !isFree) this.#slots.release();
    const stream = known ?? this.#tryOpen(() => this.#openShared(to, key));
    if (!(stream instanceof Stream)) return stream;
    const pending = new Pending(how);
    stream.send(query, pending);
    return pending.delivery;
  }

  /** Node throws where it cannot even begin, over certificates that are none for instance. The slot is free again then. */
  #tryOpen(open: () => Stream): Stream | Delivery {
    try {
      return open();
    } catch (error) {
      this.#slots.release();
      return unreachable(codeOf(error));
    }
  }

  #joinable(key: string, query: Uint8Array): Stream | undefined {
    for (const stream of this.#byServer.get(key) ?? []) if (stream.takes(query)) return stream;
    return undefined;
  }

  #openShared(to: ServerAddress, key: string): Stream {
    const stream = this.#open(to, key, 'shared');
    const streams = this.#byServer.get(key);
    if (streams) streams.add(stream);
    else this.#byServer.set(key, new Set([stream]));
    return stream;
  }

  #open(to: ServerAddress, key: string, use: 'shared' | 'single'): Stream {
    const stream = new Stream(to, use, this.#options, {
      onIdle: () => {
        if (this.#slots.isShort) stream.close(CANCELED);
        else this.#idle.add(stream);
      },
      onBusy: () => this.#idle.delete(stream),
      onLost: (query, pending) => void this.#sendAgain(to, key, query, pending),
      onClose: () => this.#forget(key, stream),
    });
    return stream;
  }

  /** On a connection of its own: a server that closes after each answer would lose it once more. */
  async #sendAgain(
    to: ServerAddress,
    key: string,
    query: Uint8Array,
    pending: Pending,
  ): Promise<void> {
    if (!this.#slots.takeFree() && !(await this.#slots.take(undefined))) return;
    if (pending.isSettled) this.#slots.release();
    else {
      const stream = this.#tryOpen(() => this.#open(to, key, 'single'));
      if (stream instanceof Stream) stream.send(query, pending);
      else pending.settle(stream);
    }
  }

  #forget(key: string, stream: Stream): void {
    this.#idle.delete(stream);
    const streams = this.#byServer.get(key);
    streams?.delete(stream);
    if (streams?.size === 0) this.#byServer.delete(key);
    this.#slots.release();
  }
}

interface Events {
  /** Nothing is in flight. The stream may be closed by it. */
  onIdle(): void;
  onBusy(): void;
  /** The connection has ended before the reply came, and another may do better. */
  onLost(query: Uint8Array, pending: Pending): void;
  onClose(): void;
}

interface InFlight {
  readonly query: Uint8Array;
  /** The query that a connection was opened for is not sent again: a fresh one was no better. */
  readonly ifLost: 'fail' | 'send-again';
}

/** One connection. It holds a slot from its beginning to its close. */
class Stream {
  readonly #socket: Socket;
  readonly #events: Events;
  readonly #idleMs: number;
  readonly #inFlight = new Map<Pending, InFlight>();
  /** Two queries with the same id must not meet on one connection: nobody could tell their replies apart. */
  readonly #ids = new Set<number>();
  /** `ending`: takes no more queries, and closes with the last reply. */
  #state: 'fresh' | 'used' | 'ending' | 'closed';
  /** Messages may be sent, and have not been before. */
  #isConnected = false;
  #isCorked = false;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(to: ServerAddress, use: 'shared' | 'single', options: StreamOptions, events: Events) {
    this.#events = events;
    this.#idleMs = options.idleMs;
    this.#state = use === 'single' ? 'ending' : 'fresh';
    this.#socket = open(to, options, () => {
      this.#isConnected = true;
    });
    this.#socket.on(
      'data',
      makeUnframe((message) => this.#deliver(message)),
    );
    this.#socket.on('error', (error) => this.close(this.#failureOf(error)));
    this.#socket.on('end', () => this.close(RESET));
    this.#socket.on('close', () => this.close(RESET));
  }

  takes(query: Uint8Array): boolean {
    const isOpen = this.#state === 'fresh' || this.#state === 'used';
    return isOpen && this.#inFlight.size < MAX_IN_FLIGHT && !this.#ids.has(idOf(query));
  }

  send(query: Uint8Array, pending: Pending): void {
    const ifLost = this.#state === 'used' ? 'send-again' : 'fail';
    if (this.#state === 'fresh') this.#state = 'used';
    clearTimeout(this.#idleTimer);
    this.#events.onBusy();
    this.#socket.ref();
    this.#inFlight.set(pending, { query, ifLost });
    this.#ids.add(idOf(query));
    pending.holds((end) => this.#leave(pending, end));
    if (pending.isSettled) this.#leave(pending, undefined);
    else pending.attempt(() => this.#write(query));
  }

  /** Queries of one turn go out together. RFC 7766 section 8: a length in a segment of its own is too little for some servers. */
  #write(query: Uint8Array): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame(query));
  }

  /** A server that speaks unasked is none to keep. */
  #deliver(message: Uint8Array): void {
    if (this.#inFlight.size === 0) this.close(RESET);
    for (const pending of this.#inFlight.keys()) if (pending.offer(message)) return;
  }

  /** After a timeout the reply may still come, or half of one has: this connection is for those who wait already. */
  #leave(pending: Pending, end: Delivery | undefined): void {
    const left = this.#inFlight.get(pending);
    if (!left) return;
    this.#inFlight.delete(pending);
    this.#ids.delete(idOf(left.query));
    if (end?.kind !== 'reply') this.#state = 'ending';
    if (this.#inFlight.size > 0) return;
    if (this.#state === 'ending') this.close(CANCELED);
    else this.#rest();
  }

  #rest(): void {
    this.#socket.unref();
    this.#idleTimer = setTimeout(() => this.close(CANCELED), this.#idleMs).unref();
    this.#events.onIdle();
  }

  /** Until TLS is agreed on, all that TLS finds fault with is that. */
  #failureOf(error: unknown): Delivery {
    const code = codeOf(error);
    if (!(this.#socket instanceof TLSSocket) || this.#isConnected) return unreachable(code);
    const isRefused = this.#socket.authorizationError !== null || /^(ERR_|EPROTO$)/.test(code);
    return isRefused ? { kind: 'unverified', code } : unreachable(code);
  }

  /** @param end  for those whose replies have not come */
  close(end: Delivery): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#idleTimer);
    const lost = [...this.#inFlight];
    this.#inFlight.clear();
    this.#socket.destroy();
    this.#events.onClose();
    for (const [pending, { query, ifLost }] of lost)
      if (ifLost === 'send-again' && this.#isConnected) this.#events.onLost(query, pending);
      else pending.settle(end);
  }
}

const CANCELED = unreachable('ECANCELED');
const RESET = unreachable('ECONNRESET');

/** @param onReady  called when what is written goes out to whom it is meant for */
function open(to: ServerAddress, { tlsRoots }: StreamOptions, onReady: () => void): Socket {
  const place = { host: to.ip, port: to.port };
  if (to.tlsName === undefined)
    return connectTcp({ ...place, noDelay: true }).once('connect', onReady);
  const socket = connectTls({
    ...place,
    servername: to.tlsName,
    minVersion: 'TLSv1.2',
    // Said, for NODE_TLS_REJECT_UNAUTHORIZED changes only what is left out.
    rejectUnauthorized: true,
    checkServerIdentity: checkName,
    ...(tlsRoots && { ca: [...tlsRoots] }),
  });
  // Node takes what is written early, and might send it before it has looked at the certificate.
  socket.cork();
  socket.once('secureConnect', () => {
    onReady();
    socket.uncork();
  });
  return socket.setNoDelay(true);
}

/** As Node does, but for the common name, which is no name of a server (RFC 9525 section 2) and which Node falls back on. */
const checkName = (name: string, certificate: PeerCertificate): Error | undefined =>
  checkServerIdentity(name, {
    ...certificate,
    subject: { ...certificate.subject, CN: '' },
  });

/** The first two octets of a message (RFC 1035 section 4.1.1). */
const idOf = (query: Uint8Array): number => ((query[0] ?? 0) << 8) | (query[1] ?? 0);

function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(2 + message.length);
  framed.set([message.length >> 8, message.length & 0xff]);
  framed.set(message, 2);
  return framed;
}

/** Takes a stream in pieces of any size and hands on each message as it is complete; linear in the octets. */
function makeUnframe(onMessage: (message: Uint8Array) => void): (piece: Uint8Array) => void {
  let length: number[] = [];
  let message: Uint8Array | undefined;
  let filled = 0;
  return (piece) => {
    for (let at = 0; at < piece.length || message?.length === filled; ) {
      if (!message) {
        length.push(piece[at++] ?? 0);
        const [high = 0, low] = length;
        if (low !== undefined) message = new Uint8Array((high << 8) | low);
      } else if (filled < message.length) {
        const part = piece.subarray(at, at + message.length - filled);
        message.set(part, filled);
        filled += part.length;
        at += part.length;
      } else {
        const complete = message;
        [length, message, filled] = [[], undefined, 0];
        onMessage(complete);
      }
    }
  };
}
