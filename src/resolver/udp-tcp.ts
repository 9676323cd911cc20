/**
 * Packets on real sockets: a query to one server and what comes back.
 *
 * Implements the Transport of environment.ts: a fresh UDP socket on a random port for each query (RFC 5452 section 9.2),
 * TCP connections that are shared and kept (streams.ts). Does not: look into messages, or try again.
 * @module
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { isIP } from 'node:net';
import type {
  Delivery,
  ExchangeOptions,
  Random,
  ServerAddress,
  Transport,
} from '../environment.ts';
import { codeOf, despiteShortage, Pending, Slots, unreachable } from './sockets.ts';
import { Streams } from './streams.ts';

export interface TransportOptions {
  /** Sockets open at once; further exchanges wait, and their time counts from when they are sent. Default 512. */
  readonly maxSockets?: number;
  /** How long a TCP connection is kept for the next query. Default 10 000. */
  readonly tcpIdleMs?: number;
  /** Certificates, in PEM, that may vouch for the names of DNS over TLS. Default: Node's, with those of NODE_EXTRA_CA_CERTS. */
  readonly tlsRoots?: readonly string[];
}

/** Half of the 1024 files that a process may open on most systems: the rest is for clients and for files. */
const MAX_SOCKETS = 512;
/** A burst of questions is over by then, and few servers wait longer (RFC 7766 section 6.2.3: of the order of seconds). */
const TCP_IDLE_MS = 10_000;
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

/** Makes the transport. `random` picks the ports. */
export function createTransport(random: Random, options: TransportOptions = {}): Transport {
  const slots = new Slots(options.maxSockets ?? MAX_SOCKETS);
  const { tcpIdleMs: idleMs = TCP_IDLE_MS, tlsRoots } = options;
  const streams = new Streams(slots, { idleMs, tlsRoots });
  const withSlot: Transport['exchange'] = (to, query, how) => {
    const exchange = exchangeUdp(to, query, how, random);
    void exchange.then(slots.release);
    return exchange;
  };
  const overUdp: Transport['exchange'] = (to, query, how) => {
    if (!how.signal?.aborted && slots.takeFree()) return withSlot(to, query, how);
    return slots
      .take(how.signal)
      .then((taken) => (taken ? withSlot(to, query, how) : { kind: 'timeout' }));
  };
  return {
    exchange: async (to, query, how) => {
      if (!isAddress(to)) return unreachable('EINVAL');
      if (to.tlsName !== undefined && how.over === 'udp') return unreachable('EPROTONOSUPPORT');
      if (query.length > MAX_MESSAGE) return unreachable('EMSGSIZE');
      return despiteShortage(how, () =>
        how.over === 'tcp' ? streams.exchange(to, query, how) : overUdp(to, query, how),
      );
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
  const exchange = new Pending(how);
  const open = (bindsLeft: number): void => {
    const port = pickPort(random);
    if (port === undefined) {
      exchange.settle(unreachable('EADDRNOTAVAIL'));
      return;
    }
    const isIpv6 = isIP(to.ip) === 6;
    const socket = createSocket({
      type: isIpv6 ? 'udp6' : 'udp4',
      ipv6Only: isIpv6,
      // Only addresses are bound and connected to; Node would look even them up, in a turn of the loop for each.
      lookup: (address, _options, found) => found(null, address, isIpv6 ? 6 : 4),
    });
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
  exchange: Pending,
): void {
  const speak = (): void => {
    // IPv4 addresses have one spelling; of an IPv6 address the system's is compared.
    const server = isIP(to.ip) === 4 ? { address: to.ip, port: to.port } : socket.remoteAddress();
    socket.on('message', (message, { address, port }) => {
      // What came between bind and connect was let through from anywhere. The octets are copied: what Node hands out may
      // be a view of a buffer that it uses again.
      if (address === server.address && port === server.port)
        exchange.offer(new Uint8Array(message));
    });
    socket.send(query, (error) => {
      if (error) exchange.settle(unreachable(codeOf(error)));
    });
  };
  // Not as connect's callback: that one gets the error too, in place of the 'error' event.
  socket.once('connect', () => exchange.attempt(speak));
  socket.connect(to.port, to.ip);
}

const isAddress = ({ ip, port }: ServerAddress): boolean =>
  isIP(ip) !== 0 && Number.isInteger(port) && port > 0 && port <= 0xffff;
