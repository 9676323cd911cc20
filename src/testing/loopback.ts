/**
 * The testing internet on real sockets: every server's address, with its ports 53 and 25, is played by a free port of
 * 127.0.0.1. Needs no privilege.
 *
 * Over UDP a closed port is silence here. Does not: speed up time; give `internet` the present as its `now`.
 * @module
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import type { ServerAddress, Transport } from '../environment.ts';
import type { Internet, ServerReply } from './description.ts';
import type { MailHost } from './mailhost.ts';

export interface Loopback {
  /** Where an address of this internet really listens; a port that refuses connections where nobody does. */
  dial(address: ServerAddress): ServerAddress;
  /** The same for packets: a transport whose questions arrive here. */
  through(transport: Transport): Transport;
  close(): Promise<void>;
}

/** Nobody listens at the port of tcpmux. */
const NOWHERE: ServerAddress = { ip: '127.0.0.1', port: 1 };
/** Tries to find a port that is free over UDP and TCP at once. */
const MAX_TRIES = 20;

/**
 * Serves an internet on loopback.
 * @param mailHosts  SMTP servers by the IP address at which this internet knows them
 */
export async function serveOnLoopback(
  net: Internet,
  mailHosts: ReadonlyMap<string, MailHost> = new Map(),
): Promise<Loopback> {
  const places = new Map<string, ServerAddress>();
  for (const [ip, { address }] of mailHosts) places.set(`${ip} 25`, address);
  const started: NameServer[] = [];
  for (const ip of net.servers) {
    const server = await startNameServer(net, ip);
    started.push(server);
    places.set(`${ip} 53`, { ip: '127.0.0.1', port: server.port });
  }
  const dial = ({ ip, port }: ServerAddress): ServerAddress =>
    places.get(`${ip} ${port}`) ?? NOWHERE;
  return {
    dial,
    through: (transport) => ({
      exchange: (to, query, how) => transport.exchange(dial(to), query, how),
    }),
    close: async () => {
      await Promise.all(started.map((server) => server.close()));
    },
  };
}

interface NameServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Both protocols at one port, as clients expect. */
async function startNameServer(net: Internet, ip: string): Promise<NameServer> {
  for (let tries = 1; ; tries += 1) {
    const udp = await bindUdp(net, ip);
    const { port } = udp.address();
    try {
      const tcp = await listenTcp(net, ip, port);
      return { port, close: () => closeBoth(udp, tcp) };
    } catch (error) {
      udp.close();
      if (tries === MAX_TRIES) throw error;
    }
  }
}

function bindUdp(net: Internet, ip: string): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    answerLater(net.answer(ip, new Uint8Array(query), 'udp'), (reply) => {
      // The client may be gone; nobody waits for the outcome.
      if (reply.kind === 'packets')
        for (const packet of reply.packets) socket.send(packet, port, address, () => {});
    });
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });
}

interface TcpServer {
  readonly server: Server;
  readonly sockets: ReadonlySet<Socket>;
}

function listenTcp(net: Internet, ip: string, port: number): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serveStream(net, ip, socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve({ server, sockets }));
  });
}

/** RFC 1035 section 4.2.2: each message behind its length in two octets. */
function serveStream(net: Internet, ip: string, socket: Socket): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const query = new Uint8Array(pending.subarray(2, end));
      pending = pending.subarray(end);
      answerLater(net.answer(ip, query, 'tcp'), (reply) => {
        if (reply.kind === 'unreachable') socket.destroy();
        else for (const packet of reply.packets) socket.write(framed(packet));
      });
    }
  });
}

function framed(packet: Uint8Array): Uint8Array {
  const length = Uint8Array.of(packet.length >> 8, packet.length & 0xff);
  return Buffer.concat([length, packet]);
}

function answerLater(reply: ServerReply, send: (reply: ServerReply) => void): void {
  setTimeout(() => send(reply), reply.delayMs).unref();
}

async function closeBoth(udp: UdpSocket, { server, sockets }: TcpServer): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await Promise.all([
    new Promise<void>((resolve) => udp.close(() => resolve())),
    new Promise<void>((resolve) => server.close(() => resolve())),
  ]);
}
