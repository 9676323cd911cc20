/**
 * Packets on real sockets: a query to one server and what comes back.
 *
 * Implements the Transport of environment.ts: a fresh UDP socket on a random port for each query (RFC 5452 section 9.2),
 * TCP with each message behind its length (RFC 1035 section 4.2.2, RFC 7766 section 8). Does not: look into messages,
 * try again, or keep TCP connections for the next query.
 * @module
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import type {
  Delivery,
  ExchangeOptions,
  Random,
  ServerAddress,
  Transport,
} from '../environment.ts';

export interface TransportOptions {
  /** Sockets open at once; further exchanges wait, and their time counts from when they are sent. Default 512. */
  readonly maxSockets?: number;
}

/** Half of the 1024 files that a process may open on most systems: the rest is for clients and for files. */
const MAX_SOCKETS = 512;
/** Ports tried until one is free. With a thousand taken out of 64 000, eight failures in a row mean something else. */
const MAX_BINDS = 8;
/** Draws for one port. One in 63 falls on a port that is not used, so the limit only stops a broken generator. */
const MAX_DRAWS = 32;
/** Below lie the ports of system services (RFC 6335 section 6). */
const FIRST_PORT = 1024;
/**
 * Ports whose packets firewalls drop or rewrite, since worms and amplifiers come from there or tunnels end there: SQL
 * Server, SSDP, NFS, IPsec, VXLAN, SIP, multicast DNS, memcached. A query sent from one would time out for no reason.
 */
const DENIED_PORTS: ReadonlySet<number> = new Set([
  1434, 1900, 2049, 4500, 4789, 5060, 5353, 11211,
]);
/** RFC 1035 section 4.2.2: the length has two octets. */
const MAX_MESSAGE = 0xffff;
/** What Node's timers can count; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Makes the transport. `random` picks the ports. */
export function createTransport(random: Random, options: TransportOptions = {}): Transport {
  const slots = new Slots(options.maxSockets ?? MAX_SOCKETS);
  return {
    exchange: async (to, query, how) => {
      if (!isAddress(to)) return unreachable('EINVAL');
      if (query.length > MAX_MESSAGE) return unreachable('EMSGSIZE');
      if (!(await slots.take(how.signal))) return { kind: 'timeout' };
      try {
        return await (how.over === 'udp'
          ? exchangeUdp(to, query, how, random)
          : exchangeTcp(to, query, how));
      } finally {
        slots.release();
      }
    },
  };
}

/** A port for a query, all of them being equally likely; `undefined` when the generator is broken. */
export function pickPort(random: Random): number | undefined {
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const [high = 0, low = 0] = random.bytes(2);
    const port = (high << 8) | low;
    if (port >= FIRST_PORT && !DENIED_PORTS.has(port)) return port;
  }
  return undefined;
}

function exchangeUdp(
  to: ServerAddress,
  query: Uint8Array,
  how: ExchangeOptions,
  random: Random,
): Promise<Delivery> {
  const exchange = new Exchange(how);
  const open = (bindsLeft: number): void => {
    const port = pickPort(random);
    if (port === undefined) {
      exchange.settle(unreachable('EADDRNOTAVAIL'));
      return;
    }
    const isIpv6 = isIP(to.ip) === 6;
    const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6 });
    exchange.holds(() => socket.close());
    let isBound = false;
    socket.on('error', (error) => {
      const isTaken = !isBound && codeOf(error) === 'EADDRINUSE';
      if (isTaken && bindsLeft > 1) exchange.attempt(() => open(bindsLeft - 1));
      else exchange.settle(unreachable(codeOf(error)));
    });
    // Exclusive: workers of a cluster would otherwise share one port and steal each other's replies.
    socket.bind({ port, exclusive: true }, () => {
      isBound = true;
      exchange.attempt(() => converse(socket, to, query, exchange));
    });
  };
  exchange.attempt(() => open(MAX_BINDS));
  return exchange.delivery;
}

/** Connected, a socket hears nobody else, and is told when the port over there is closed. */
function converse(
  socket: UdpSocket,
  to: ServerAddress,
  query: Uint8Array,
  exchange: Exchange,
): void {
  const speak = (): void => {
    const server = socket.remoteAddress();
    socket.on('message', (message, { address, port }) => {
      // What came between bind and connect was let through from anywhere.
      if (address === server.address && port === server.port) exchange.offer(message);
    });
    socket.send(query, (error) => {
      if (error) exchange.settle(unreachable(codeOf(error)));
    });
  };
  // Not as connect's callback: that one gets the error too, in place of the 'error' event.
  socket.once('connect', () => exchange.attempt(speak));
  socket.connect(to.port, to.ip);
}

function exchangeTcp(
  to: ServerAddress,
  query: Uint8Array,
  how: ExchangeOptions,
): Promise<Delivery> {
  const exchange = new Exchange(how);
  exchange.attempt(() => {
    const socket = connect({ host: to.ip, port: to.port, noDelay: true });
    exchange.holds(() => socket.destroy());
    const unframe = makeUnframe((message) => exchange.offer(message));
    socket.on('error', (error) => exchange.settle(unreachable(codeOf(error))));
    socket.on('data', unframe);
    // The server has closed, and said nothing that was accepted.
    socket.on('close', () => exchange.settle(unreachable('ECONNRESET')));
    // RFC 7766 section 8: length and message in one write, since some servers read no further than one segment.
    socket.write(frame(query));
  });
  return exchange.delivery;
}

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

/** One exchange under way. What comes first, be it reply, error, time or abort, settles it and closes its socket. */
class Exchange {
  readonly delivery: Promise<Delivery>;
  readonly #how: ExchangeOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #giveUp = (): void => this.settle({ kind: 'timeout' });
  #resolve: (delivery: Delivery) => void = () => {};
  #close: () => void = () => {};
  #isSettled = false;

  constructor(how: ExchangeOptions) {
    this.#how = how;
    this.delivery = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#timer = setTimeout(this.#giveUp, Math.min(how.timeoutMs, MAX_TIMER_MS));
    how.signal?.addEventListener('abort', this.#giveUp);
    if (how.signal?.aborted) this.#giveUp();
  }

  /** The next step, unless all is over. Node throws some errors in place of telling the socket. */
  attempt(step: () => void): void {
    if (this.#isSettled) return;
    try {
      step();
    } catch (error) {
      this.settle(unreachable(codeOf(error)));
    }
  }

  /** `close` ends the socket that is in use from now on; the one before it is closed. */
  holds(close: () => void): void {
    this.#close();
    this.#close = close;
  }

  /** The octets are copied: what Node hands out may be a view of a buffer that it uses again. */
  offer(reply: Uint8Array): void {
    if (this.#isSettled) return;
    const bytes = new Uint8Array(reply);
    if (this.#how.accept(bytes)) this.settle({ kind: 'reply', bytes });
  }

  settle(delivery: Delivery): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#how.signal?.removeEventListener('abort', this.#giveUp);
    this.#close();
    this.#resolve(delivery);
  }
}

/** A counter of free sockets, first come, first served. */
class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves to false, without a slot, when `signal` aborts first. */
  take(signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#waiting.delete(enter);
        resolve(false);
      };
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve(true);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.add(enter);
    });
  }

  /** Hands the slot to who has waited longest. */
  release(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

const isAddress = ({ ip, port }: ServerAddress): boolean =>
  isIP(ip) !== 0 && Number.isInteger(port) && port > 0 && port <= 0xffff;

const unreachable = (code: string): Delivery => ({ kind: 'unreachable', code });

/** The system's code, or Node's where there is none. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'EIO';
}
