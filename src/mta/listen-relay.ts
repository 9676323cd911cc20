/**
 * A relay on this machine that gives DANE to software which cannot judge a certificate itself: a door.
 *
 * It connects as a delivery of our own would (RFC 7672 section 2.2), and only over a connection that mail may go over does a
 * client get its greeting; then octets go to and fro, STARTTLS taken out of what EHLO announces. Where no host is as its plan
 * demands the client hears 421 with the reason, before it has said a word of mail, and its queue waits. Implements RFC 5321
 * section 3.1 (a greeting of class 4 or 5) as a server. Does not: read mail, or queue it; REQUIRETLS (RFC 8689) is not announced,
 * for the client's own leg is in clear.
 * @module
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { printHost } from '../dane/attempt.ts';
import { type NextHop, parseNextHop } from '../dane/next-hop.ts';
import type { ServerAddress } from '../environment.ts';
import { classOf, type Reply } from '../tls/smtp.ts';
import { LineReader } from './listen-lines.ts';
import type { Passage } from './passage.ts';
import { SESSION_TIMES } from './smtp-session.ts';
import type { Trouble } from './trouble.ts';
import type { Way } from './ways.ts';

/** A Unix socket that is not there yet, or a port of this machine alone; 0: the system chooses one. */
export type RelayPlace = { readonly path: string } | ServerAddress;

export interface RelayParts {
  readonly at: RelayPlace;
  /** Where all of it goes; left out, a client says so in a first line: `XDANE example.com`, before the greeting. */
  readonly nextHop?: NextHop;
  readonly open: (nextHop: NextHop, signal: AbortSignal) => Promise<Passage>;
  /** What it calls itself: a host name. */
  readonly name: string;
  readonly limits?: Partial<RelayLimits>;
}

export interface RelayLimits {
  /** Clients at once; a further one hears 421. */
  readonly connections: number;
  /** For look-ups, all hosts and all their addresses together; what clients wait for a greeting. */
  readonly patienceMs: number;
  /** Without an octet in either direction. */
  readonly idleMs: number;
}

/** Two files each: a quarter of the 1024 that a process may open on most systems. */
const MAX_CONNECTIONS = 128;
/** RFC 5321 section 4.5.3.2.1 has clients wait for 5 minutes. */
const PATIENCE_MS = 240_000;
/** RFC 5321 section 4.5.3.2.6: the longest that a server may be silent, behind the end of a message. */
const IDLE_MS = 600_000;
/** RFC 5321 section 4.5.3.2.7: what a server waits for the next command. */
const COMMAND_MS = 300_000;
/** For a destination, which a program of this machine has ready when it connects. */
const DESTINATION_MS = 30_000;
/** For what is under way when one side has gone. */
const FLUSH_MS = 1_000;

export interface Relay {
  readonly at: RelayPlace;
  /** Waiting for clients does not keep the process; a session does. */
  unref(): void;
  /** Takes nobody new; sessions go on to their end. */
  retire(): void;
  /** Ends every session. */
  close(): Promise<void>;
}

/**
 * Listens. Rejects with the system's error where it cannot.
 * @throws TypeError for an address that is not of this machine alone: whoever reaches the relay sends mail by it
 */
export async function listenRelay(parts: RelayParts): Promise<Relay> {
  const { at, limits } = parts;
  if ('ip' in at && !/^(127\.\d+\.\d+\.\d+|::1)$/.test(at.ip))
    throw new TypeError(`${at.ip} is not of this machine alone: give 127.0.0.1, ::1 or a path`);
  const open = new Set<Session>();
  const server = createServer({ noDelay: true }, (socket) => {
    if (open.size >= (limits?.connections ?? MAX_CONNECTIONS)) {
      turnAway(socket);
      return;
    }
    const session = new Session(socket, parts);
    open.add(session);
    socket.once('close', () => open.delete(session));
    session.run();
  });
  await listen(server, at);
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  return {
    at: 'ip' in at ? { ...at, port } : at,
    unref: () => {
      server.unref();
    },
    retire: () => {
      server.close();
    },
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of open) session.end();
      return closed;
    },
  };
}

/** What such a client still says is never read, so its end would never be met with: the socket would stay for good. */
function turnAway(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.end('421 4.3.2 too many connections\r\n');
  const timer = setTimeout(() => socket.destroy(), FLUSH_MS);
  socket.once('close', () => clearTimeout(timer));
}

function listen(server: Server, at: RelayPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen('ip' in at ? { host: at.ip, port: at.port } : { path: at.path }, () => {
      // One connection that cannot be accepted (no file descriptor left) is no reason to stop.
      server.off('error', reject).on('error', () => {});
      resolve();
    });
  });
}

/** One client, and one connection to a mail host. */
class Session {
  readonly #client: Socket;
  readonly #parts: RelayParts;
  readonly #lines: LineReader;
  readonly #gone = new AbortController();

  constructor(client: Socket, parts: RelayParts) {
    this.#client = client;
    this.#parts = parts;
    this.#lines = new LineReader(client);
    client.on('error', () => client.destroy());
    client.once('close', () => this.#gone.abort());
  }

  end(): void {
    this.#client.destroy();
  }

  async run(): Promise<void> {
    const nextHop = this.#parts.nextHop ?? (await this.#readDestination());
    if (!nextHop) return;
    const passage = await this.#open(nextHop);
    if (this.#gone.signal.aborted) {
      if (passage?.kind === 'open') await passage.way.meeting.channel.close();
      return;
    }
    if (passage?.kind === 'open') await this.#serve(passage.way);
    else this.#leave(passage ? farewell(passage) : OUT_OF_TIME);
  }

  async #readDestination(): Promise<NextHop | undefined> {
    const line = await this.#lines.next(DESTINATION_MS);
    if (line === undefined) this.end();
    else {
      const [, text = ''] = /^XDANE +(\S+)$/i.exec(line) ?? [];
      const parsed = parseNextHop(text);
      if (parsed.kind === 'parsed') return parsed.nextHop;
      this.#leave(`501 5.5.4 ${inOneLine(`XDANE and a next hop first: ${parsed.why}`)}`);
    }
    return undefined;
  }

  /** `undefined` where time is up. */
  async #open(nextHop: NextHop): Promise<Passage | undefined> {
    const patience = AbortSignal.timeout(this.#parts.limits?.patienceMs ?? PATIENCE_MS);
    const signal = AbortSignal.any([this.#gone.signal, patience]);
    try {
      return await this.#parts.open(nextHop, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      return { kind: 'defer', trouble: internal(error) };
    }
  }

  async #serve(way: Way): Promise<void> {
    const { plan, meeting, protection } = way;
    const host = printHost(plan.host);
    this.#say(`220 ${this.#parts.name} ESMTP by way of ${host}, ${protection}`);
    for (;;) {
      const line = await this.#lines.next(COMMAND_MS);
      const verb = line?.split(' ', 1)[0]?.toUpperCase();
      if (line === undefined || verb === 'QUIT') {
        await meeting.channel.close();
        this.#leave('221 2.0.0 bye');
        return;
      }
      if (!isCommand(verb)) {
        await meeting.channel.close();
        this.#leave('421 4.7.0 this is SMTP');
        return;
      }
      if (verb !== 'EHLO' && verb !== 'HELO') this.#say('503 5.5.1 EHLO first');
      else if ((await this.#greet(line, way)) === 'over') return;
    }
  }

  /** Hands the client's own EHLO on, and with the answer the connection. */
  async #greet(line: string, { meeting: { channel }, protection }: Way): Promise<'over' | 'again'> {
    const answer = await channel.ask(new TextEncoder().encode(`${line}\r\n`), SESSION_TIMES.ehlo);
    const upstream =
      answer.kind === 'reply' && classOf(answer.reply) === 'positive'
        ? channel.release()
        : undefined;
    if (answer.kind !== 'reply') {
      this.#leave('421 4.4.2 the connection to the mail host was lost');
      await channel.close();
      return 'over';
    }
    this.#client.write(printReply(answer.reply, upstream ? protection : undefined));
    if (!upstream) return 'again';
    this.#splice(upstream);
    return 'over';
  }

  #splice(upstream: Duplex): void {
    const client = this.#client;
    if (client.destroyed) {
      upstream.destroy();
      return;
    }
    client.setTimeout(this.#parts.limits?.idleMs ?? IDLE_MS, () => client.destroy());
    upstream.on('error', () => upstream.destroy());
    upstream.once('close', () => client.destroySoon());
    client.once('close', () => {
      upstream.end();
      setTimeout(() => upstream.destroy(), FLUSH_MS).unref();
    });
    const early = this.#lines.release();
    if (early.length > 0) upstream.write(early);
    client.pipe(upstream);
    upstream.pipe(client);
  }

  #say(line: string): void {
    if (this.#client.writable) this.#client.write(`${line}\r\n`);
  }

  /** A client that says QUIT all the same shall not find a closed door, which some take for a fault of their own. */
  #leave(line: string): void {
    const client = this.#client;
    this.#say(line);
    client.end();
    const timer = setTimeout(() => client.destroy(), FLUSH_MS);
    client.once('close', () => clearTimeout(timer));
  }
}

/**
 * A browser or an HTTP client that somebody else steers has its header lines in front of what it would smuggle in: `Host:`, or
 * an empty line at least.
 */
const isCommand = (verb: string | undefined): boolean => /^[A-Z]+$/.test(verb ?? '');

const OUT_OF_TIME = '421 4.4.7 there was no time left to try a host';

function farewell({ kind, trouble: { dsn, why } }: Exclude<Passage, { kind: 'open' }>): string {
  return kind === 'refuse'
    ? `554 ${dsn} ${inOneLine(why)}`
    : `421 ${dsn.replace(/^5/, '4')} ${inOneLine(why)}`;
}

const internal = (error: unknown): Trouble => ({
  nature: 'network',
  reason: 'not-probed',
  why: `internal error: ${error instanceof Error ? error.message : String(error)}`,
  dsn: '4.3.0',
});

/** RFC 5321 section 4.5.3.1.5: 512 octets with code and line end. */
const MAX_TEXT = 480;
const inOneLine = (text: string): string => text.replace(/[^ -~]+/g, ' ').slice(0, MAX_TEXT);

/** What belongs to the leg that is behind us, and what nobody but the relay may say. */
const WITHHELD: ReadonlySet<string | undefined> = new Set(['STARTTLS', 'REQUIRETLS', 'XDANE']);

/** With `protection`, for clients that want to know, in an extension of our own (RFC 5321 section 4.1.5). */
function printReply({ code, lines }: Reply, protection?: Way['protection']): string {
  const [first = '', ...rest] = lines;
  const shown = rest.filter((line) => !WITHHELD.has(line.split(/[ \t=]/, 1)[0]?.toUpperCase()));
  const own = protection === undefined || rest.length === 0 ? [] : [`XDANE ${protection}`];
  const all = [first, ...own, ...shown];
  return all.map((line, i) => `${code}${i < all.length - 1 ? '-' : ' '}${line}\r\n`).join('');
}
