/**
 * One SMTP server on the wire: TCP, greeting, EHLO, STARTTLS and the TLS handshake, up to the point where the peer's
 * certificates are known and no byte of mail has been sent.
 *
 * Implements RFC 5321 section 3.1 and 3.2 (session initiation), RFC 3207 (STARTTLS) and RFC 7672 section 8.1 and 8.2
 * (TLS versions, SNI, no anonymous ciphers) for the client. Does not: judge the certificate (see dane/verify.ts).
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
import { classOf, ehloKeywords, type Reply, ReplyReader, textOf } from './smtp.ts';

export interface ConnectOptions {
  /** What EHLO says about us: a host name that this client is known by. */
  readonly clientName: string;
  /** Sent as SNI: the TLSA base domain as A-labels, without the final dot (RFC 7672 section 8.1). */
  readonly serverName: string;
  /** Where packets for an address really go: a test or a demo maps the world to ports of 127.0.0.1. */
  readonly dial?: (address: ServerAddress) => ServerAddress;
  /** For each step: TCP connect, each SMTP reply, the handshake. Default 30 000. */
  readonly stepMs?: number;
  /** For everything together. Default 120 000. */
  readonly totalMs?: number;
  readonly signal?: AbortSignal;
}

export type Stage = 'connect' | 'greeting' | 'ehlo' | 'helo' | 'starttls' | 'handshake';

/** TLS stands; whether with the right peer is for the caller to judge, before anything else is sent. */
export interface Handshake {
  readonly kind: 'handshake';
  /** DER certificates in the order in which they were presented, extras included; empty if the peer sent none. */
  readonly chain: readonly Uint8Array[];
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
  /** The standard name, `TLS_AES_256_GCM_SHA384` for instance. */
  readonly cipher: string;
  /** The greeting's first line. */
  readonly greeting: string;
  /** Ready for EHLO (RFC 3207 section 4.2: the session starts anew). The caller owns it. */
  readonly socket: TLSSocket;
  /** Says QUIT, waits briefly for the answer and closes. Never rejects. */
  close(): Promise<void>;
}

export type Contact =
  | Handshake
  /** No TCP connection; `code` is the system's: ECONNREFUSED, ENETUNREACH. */
  | { readonly kind: 'connect-failed'; readonly code: string }
  | { readonly kind: 'timeout'; readonly during: Stage }
  /** The server closed or reset the connection. */
  | { readonly kind: 'closed'; readonly during: Stage }
  /** Greeting or EHLO (and HELO) answered with 4xx or 5xx. */
  | {
      readonly kind: 'smtp-refused';
      readonly during: Stage;
      readonly code: number;
      readonly text: string;
    }
  /** EHLO does not announce STARTTLS, or is rejected where HELO is accepted. */
  | { readonly kind: 'no-starttls'; readonly ehlo: 'not-announced' | 'rejected' }
  | { readonly kind: 'starttls-refused'; readonly code: number; readonly text: string }
  /** Octets in clear followed the 220, where only TLS may (RFC 3207 section 6); they are never read as anything. */
  | { readonly kind: 'injected' }
  /** Not SMTP, or more of it than any server needs. */
  | { readonly kind: 'protocol-error'; readonly during: Stage; readonly why: string }
  /** `code` is OpenSSL's or the system's, `why` its text. */
  | { readonly kind: 'handshake-failed'; readonly code: string; readonly why: string };

/** Longer than any step of a healthy server takes; RFC 5321 section 4.5.3.2 grants minutes, for mail that has time. */
const STEP_MS = 30_000;
/** Room for four slow steps; after it the next host is worth more than this one. */
const TOTAL_MS = 120_000;
/** For the answer to QUIT, on which nothing depends any more. */
const QUIT_MS = 1_000;
/** Certificates taken over. The 100 kB that OpenSSL reads hold some 300; it stops a list that runs in circles. */
const MAX_CHAIN = 400;

/**
 * Shakes hands with the SMTP server at `to`. Never rejects, but for a `clientName` that cannot be sent: every way to
 * fail is a value. Being aborted is a timeout of the step under way.
 *
 * @throws TypeError when `clientName` is not printable ASCII without spaces
 */
export async function connect(to: ServerAddress, options: ConnectOptions): Promise<Contact> {
  if (!/^[!-~]{1,255}$/.test(options.clientName))
    throw new TypeError('clientName must be a host name or an address literal');
  if (options.signal?.aborted) return { kind: 'timeout', during: 'connect' };
  const place = options.dial?.(to) ?? to;
  if (!isAddress(place)) return { kind: 'connect-failed', code: 'EINVAL' };
  const call = new Call(place, options);
  const contact = await converse(call, options);
  call.end(contact);
  return contact;
}

type Failure = Exclude<Contact, Handshake>;
type Said = { readonly kind: 'reply'; readonly reply: Reply };
type Done = { readonly kind: 'done' };
type Secured = { readonly kind: 'secured'; readonly socket: TLSSocket };

/** RFC 3207 section 4, each step in its turn; the first failure is the last word. */
async function converse(call: Call, options: ConnectOptions): Promise<Contact> {
  const connected = await call.connected();
  if (connected.kind !== 'done') return connected;
  const greeting = await call.reply('greeting');
  if (greeting.kind !== 'reply') return greeting;
  const unwelcome = refusal(greeting.reply, 'greeting');
  if (unwelcome) return unwelcome;
  const ready = await askForTls(call, options.clientName);
  if (ready.kind !== 'reply') return ready;
  const clear = await call.nothingFollows();
  if (clear.kind !== 'done') return clear;
  const secured = await call.secure(options.serverName);
  if (secured.kind !== 'secured') return secured;
  return handshake(secured.socket, greeting.reply.lines[0] ?? '');
}

async function askForTls(call: Call, clientName: string): Promise<Said | Failure> {
  const ehlo = await call.reply('ehlo', `EHLO ${clientName}`);
  if (ehlo.kind !== 'reply') return ehlo;
  const rejection = refusal(ehlo.reply, 'ehlo');
  if (rejection) return ehlo.reply.code >= 500 ? fallBack(call, clientName, rejection) : rejection;
  if (!ehloKeywords(ehlo.reply).has('STARTTLS'))
    return { kind: 'no-starttls', ehlo: 'not-announced' };
  const answer = await call.reply('starttls', 'STARTTLS');
  if (answer.kind !== 'reply' || answer.reply.code === 220) return answer;
  const { reply } = answer;
  return classOf(reply) === 'negative'
    ? { kind: 'starttls-refused', code: reply.code, text: textOf(reply) }
    : protocolError('starttls', `${reply.code} in answer to STARTTLS`);
}

/** RFC 5321 section 3.2: a server that rejects EHLO may know HELO. A hang-up says less than the rejection did. */
async function fallBack(call: Call, clientName: string, rejection: Failure): Promise<Failure> {
  const helo = await call.reply('helo', `HELO ${clientName}`);
  if (helo.kind === 'closed') return rejection;
  if (helo.kind !== 'reply') return helo;
  return refusal(helo.reply, 'helo') ?? { kind: 'no-starttls', ehlo: 'rejected' };
}

function refusal(reply: Reply, during: Stage): Failure | undefined {
  switch (classOf(reply)) {
    case 'positive':
      return undefined;
    case 'intermediate':
      return protocolError(during, `${reply.code} where a session starts`);
    case 'negative':
      return { kind: 'smtp-refused', during, code: reply.code, text: textOf(reply) };
  }
}

/** One TCP connection. Whatever ends it, at whatever time, is the result of the step under way. */
class Call {
  readonly #options: ConnectOptions;
  readonly #socket: Socket;
  readonly #total: NodeJS.Timeout;
  readonly #failure: Promise<Failure>;
  readonly #replies = new ReplyReader();
  #stage: Stage = 'connect';
  #fail: (failure: Failure) => void = () => {};
  /** Takes the reply that is waited for; unset while the server has nothing to say. */
  #listener: ((heard: Said | Failure) => void) | undefined;
  #spokeOutOfTurn = false;
  #tls: TLSSocket | undefined;

  readonly #giveUp = (): void => this.#fail({ kind: 'timeout', during: this.#stage });
  readonly #hangUp = (): void => this.#fail({ kind: 'closed', during: this.#stage });

  constructor({ ip, port }: ServerAddress, options: ConnectOptions) {
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

  /** The timers stop, and so does the connection unless it is now the caller's. */
  end(contact: Contact): void {
    clearTimeout(this.#total);
    this.#options.signal?.removeEventListener('abort', this.#giveUp);
    switch (contact.kind) {
      case 'handshake':
        return;
      case 'smtp-refused':
      case 'starttls-refused':
      case 'no-starttls':
        // RFC 5321 section 4.1.1.10: who leaves says so. The answer is not waited for.
        if (this.#socket.writable) this.#socket.write('QUIT\r\n');
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

function handshake(socket: TLSSocket, greeting: string): Handshake {
  return {
    kind: 'handshake',
    chain: presentedChain(socket),
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    greeting,
    socket,
    close: () => sayQuit(socket),
  };
}

/**
 * Node links what the peer sent into a list, in the order in which it was sent: `issuerCertificate` is the next one, not
 * the issuer. (`getPeerCertificate` leaves out what OpenSSL finds no place for.)
 */
function presentedChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next = socket.getPeerX509Certificate();
  while (next && chain.length < MAX_CHAIN) {
    chain.push(new Uint8Array(next.raw));
    next = next.issuerCertificate;
  }
  return chain;
}

function sayQuit(socket: TLSSocket): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    };
    const timer = setTimeout(end, QUIT_MS);
    socket.once('close', end);
    socket.once('data', end);
    socket.write('QUIT\r\n');
  });
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

const protocolError = (during: Stage, why: string): Failure => ({
  kind: 'protocol-error',
  during,
  why,
});

const isAddress = ({ ip, port }: ServerAddress): boolean =>
  isIP(ip) !== 0 && Number.isInteger(port) && port > 0 && port <= 0xffff;

/** What RFC 6066 section 3 lets into SNI: no address, nothing that only the DNS could spell. */
const isHostName = (name: string): boolean =>
  isIP(name) === 0 && name.length <= 253 && /^[\w-]+(\.[\w-]+)*$/.test(name);

/** The system's or OpenSSL's code. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'EIO';
}
