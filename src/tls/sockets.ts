/**
 * One TCP connection to a mail server, step by step: connected, a reply, silence, TLS.
 *
 * Implements RFC 7672 section 8.1 and 8.2 (TLS versions, SNI, no anonymous ciphers) and RFC 3207 section 6 (nothing in
 * clear is read as if it came under TLS) for the client. Does not: know the order of the steps (connect.ts).
 * @module
 */
import { constants } from 'node:crypto';
import { isIP, connect as netConnect, type Socket } from 'node:net';
import {
  DEFAULT_CIPHERS,
  DEFAULT_MAX_VERSION,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import type { ServerAddress } from '../environment.ts';
import type { Move } from './dialogue.ts';
import { type Failure, protocolError, type Stage } from './failure.ts';
import { type Reply, ReplyReader } from './smtp.ts';

export interface CallOptions {
  /** For each step: TCP connect, each SMTP reply, the handshake. Default 30 000. */
  readonly stepMs?: number;
  /** For everything together. Default 120 000. */
  readonly totalMs?: number;
  readonly signal?: AbortSignal;
}

/** Longer than any step of a healthy server takes; RFC 5321 section 4.5.3.2 grants minutes, for mail that has time. */
const STEP_MS = 30_000;
/** Room for four slow steps; after it the next host is worth more than this one. */
const TOTAL_MS = 120_000;

export const QUIT = 'QUIT\r\n';

export type Said = { readonly kind: 'reply'; readonly reply: Reply };
export type Moved = Exclude<Move, { readonly kind: 'wait' }>;
export type Done = { readonly kind: 'done' };
export type Secured = { readonly kind: 'secured'; readonly socket: TLSSocket };

/** One TCP connection. Whatever ends it, at whatever time, is the result of the step under way. */
export class Call {
  readonly #options: CallOptions;
  readonly #socket: Socket;
  readonly #total: NodeJS.Timeout;
  readonly #failure: Promise<Failure>;
  readonly #replies = new ReplyReader();
  #stage: Stage = 'connect';
  #fail: (failure: Failure) => void = () => {};
  /** Takes the reply that is waited for; unset while the server has nothing to say. */
  #listener: ((heard: Said | Failure) => void) | undefined;
  /** The same for protocols other than SMTP. */
  #mover: ((octets: Uint8Array) => void) | undefined;
  #spokeOutOfTurn = false;
  #tls: TLSSocket | undefined;

  readonly #giveUp = (): void => this.#fail({ kind: 'timeout', during: this.#stage });
  readonly #hangUp = (): void => this.#fail({ kind: 'closed', during: this.#stage });

  constructor({ ip, port }: ServerAddress, options: CallOptions) {
    this.#options = options;
    this.#failure = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#total = setTimeout(this.#giveUp, bounded(options.totalMs ?? TOTAL_MS));
    options.signal?.addEventListener('abort', this.#giveUp);
    this.#socket = netConnect({ host: ip, port, noDelay: true });
    this.#socket.on('error', (error) => {
      if (this.#stage !== 'connect') this.#hangUp();
      else this.#fail({ kind: 'connect-failed', code: codeOf(error) });
    });
    this.#socket.on('close', this.#hangUp);
    this.#socket.on('data', (octets) => this.#hear(octets));
  }

  connected(): Promise<Done | Failure> {
    return this.#step('connect', (done) => {
      this.#socket.once('connect', () => done({ kind: 'done' }));
    });
  }

  /** The server's next reply, to `command` if there is one. */
  reply(during: Stage, command?: string): Promise<Said | Failure> {
    return this.#step<Said>(during, (done) => {
      this.#listener = done;
      if (this.#spokeOutOfTurn) done(protocolError(during, 'a reply to nothing'));
      else if (command !== undefined) this.#socket.write(`${command}\r\n`);
    });
  }

  /** Says something, if there is something to say; `read` is given what comes until it makes a move. */
  move(
    during: Stage,
    text: string | undefined,
    read: (octets: Uint8Array) => Move,
  ): Promise<Moved | Failure> {
    return this.#step<Moved>(during, (done) => {
      this.#mover = (octets) => {
        const move = read(octets);
        if (move.kind === 'wait') return;
        this.#mover = undefined;
        this.#spokeOutOfTurn = 'left' in move && move.left > 0;
        done(move);
      };
      if (this.#spokeOutOfTurn) done({ kind: 'malformed', why: 'an answer to nothing' });
      else if (text !== undefined) this.#socket.write(text);
    });
  }

  /**
   * Whether the server is silent after its 220, as it must be until it has our ClientHello. Two turns of the event loop
   * find what has arrived in packets of its own; what comes later, OpenSSL refuses to read as TLS.
   */
  nothingFollows(): Promise<Done | Failure> {
    return this.#step<Done>('starttls', (done) => {
      const tell = (): void => done(this.#spokeOutOfTurn ? { kind: 'injected' } : { kind: 'done' });
      setImmediate(() => setImmediate(tell));
    });
  }

  secure(serverName: string): Promise<Secured | Failure> {
    this.#socket.removeAllListeners('data');
    return this.#step<Secured>('handshake', (done) => {
      const socket = startTls(this.#socket, serverName);
      if (socket instanceof Error) {
        done(whyNoHandshake(socket));
        return;
      }
      this.#tls = socket;
      socket.once('secureConnect', () => done({ kind: 'secured', socket }));
      // Stays for ever: an error that nobody listens to would end the process.
      socket.on('error', (error) => done(whyNoHandshake(error, socket.getProtocol())));
      socket.on('close', this.#hangUp);
    });
  }

  /** The timers stop; the connection is the caller's now. */
  release(): Socket {
    this.#stop();
    if (this.#tls) return this.#tls;
    this.#socket.removeAllListeners('data');
    this.#socket.pause(); // what comes meanwhile waits for the next listener
    return this.#socket;
  }

  /**
   * The timers stop, and so does the connection.
   * @param farewell  what is said to a server that took part so far
   */
  end(failure: Failure, farewell = QUIT): void {
    this.#stop();
    switch (failure.kind) {
      case 'smtp-refused':
      case 'starttls-refused':
      case 'no-starttls':
        // RFC 5321 section 4.1.1.10: who leaves says so. The answer is not waited for.
        if (this.#socket.writable) this.#socket.write(farewell);
        this.#socket.destroySoon();
        return;
      case 'connect-failed':
      case 'timeout':
      case 'closed':
      case 'injected':
      case 'protocol-error':
      case 'handshake-failed':
        this.#tls?.destroy();
        this.#socket.destroy();
    }
  }

  #stop(): void {
    clearTimeout(this.#total);
    this.#options.signal?.removeEventListener('abort', this.#giveUp);
  }

  async #step<T>(
    stage: Stage,
    start: (done: (result: T | Failure) => void) => void,
  ): Promise<T | Failure> {
    this.#stage = stage;
    const timer = setTimeout(this.#giveUp, bounded(this.#options.stepMs ?? STEP_MS));
    try {
      return await Promise.race([new Promise<T | Failure>(start), this.#failure]);
    } finally {
      clearTimeout(timer);
    }
  }

  #hear(octets: Uint8Array): void {
    if (this.#mover) {
      this.#mover(octets);
      return;
    }
    const listener = this.#listener;
    if (!listener) {
      this.#spokeOutOfTurn = true;
      return;
    }
    const progress = this.#replies.push(octets);
    if (progress.kind === 'incomplete') return;
    this.#listener = undefined;
    if (progress.kind === 'malformed') listener(protocolError(this.#stage, progress.why));
    else if (progress.left > 0 && this.#stage !== 'starttls')
      listener(protocolError(this.#stage, 'two replies at once'));
    else {
      this.#spokeOutOfTurn = progress.left > 0;
      listener(progress);
    }
  }
}

/**
 * RFC 7672 section 8.1 and 8.2. The peer is judged later by the TLSA records, so OpenSSL's own verdict is not asked.
 * @returns an error where this process was started with ciphers that OpenSSL does not know
 */
function startTls(socket: Socket, serverName: string): TLSSocket | Error {
  try {
    return tlsConnect({
      socket,
      ...(isHostName(serverName) && { servername: serverName }),
      minVersion: 'TLSv1.2',
      ciphers: `${DEFAULT_CIPHERS}:!aNULL:!eNULL`,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION, // it could bring other certificates than those judged
      rejectUnauthorized: false,
      ca: [], // no roots, so that `authorized` cannot come out true
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** What OpenSSL says of octets that are no TLS record; later in the handshake, of records that change their version. */
const NOT_TLS = 'ERR_SSL_WRONG_VERSION_NUMBER';
const HANG_UPS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_SSL_UNEXPECTED_EOF_WHILE_READING',
]);

/** @param version  what is spoken so far: OpenSSL's newest until a ServerHello names an older one */
function whyNoHandshake(error: Error, version?: string | null): Failure {
  const code = codeOf(error);
  if (HANG_UPS.has(code)) return { kind: 'closed', during: 'handshake' };
  if (code === NOT_TLS && version === DEFAULT_MAX_VERSION) return { kind: 'injected' };
  const reason = 'reason' in error ? error.reason : undefined;
  return {
    kind: 'handshake-failed',
    code,
    why: typeof reason === 'string' ? reason : error.message,
  };
}

/** What Node's timers can count; a longer one, Infinity too, would end at once. */
const bounded = (ms: number): number => Math.min(ms, 2 ** 31 - 1);

/** What RFC 6066 section 3 lets into SNI: no address, nothing that only the DNS could spell. */
const isHostName = (name: string): boolean =>
  isIP(name) === 0 && name.length <= 253 && /^[\w-]+(\.[\w-]+)*$/.test(name);

/** The system's or OpenSSL's code. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'EIO';
}
