/**
 * One SMTP server on the wire: TCP, greeting, EHLO, STARTTLS and the TLS handshake, up to the point where the peer's
 * certificates are known and no byte of mail has been sent; or, for senders that may, up to EHLO in clear.
 *
 * Implements RFC 5321 section 3.1 and 3.2 (session initiation) and RFC 3207 (STARTTLS) for the client. Does not: judge the
 * certificate (see dane/verify.ts), or touch packets (sockets.ts).
 * @module
 */
import { isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ServerAddress } from '../environment.ts';
import { type Failure, type NoTls, protocolError, type Stage } from './failure.ts';
import { classOf, ehloKeywords, type Reply, textOf } from './smtp.ts';
import { Call, type CallOptions, QUIT, type Said } from './sockets.ts';

export interface ConnectOptions extends CallOptions {
  /** What EHLO says about us: a host name that this client is known by. */
  readonly clientName: string;
  /** Sent as SNI: the TLSA base domain as A-labels, without the final dot (RFC 7672 section 8.1). */
  readonly serverName: string;
  /** Where packets for an address really go: a test or a demo maps the world to ports of 127.0.0.1. */
  readonly dial?: (address: ServerAddress) => ServerAddress;
}

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

export type Contact = Handshake | Failure;

/** A session that goes on in clear, EHLO or HELO behind it. */
export interface InClear {
  readonly kind: 'clear';
  /** Why there is no TLS: the server's doing, or nobody has asked for it. */
  readonly why: NoTls | 'not-asked';
  /** The answer to EHLO, or to HELO where the server knows no more. */
  readonly hello: Reply;
  /** Ready for the next command. The caller owns it. */
  readonly socket: Socket;
}

export interface OpenOptions extends ConnectOptions {
  /**
   * `require`: TLS or nothing; `try`: in clear where the server has none to give; `skip`: in clear, as if the server had
   * none. A handshake that fails ends the connection in any case.
   */
  readonly starttls: 'require' | 'try' | 'skip';
}

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
  const opened = await open(to, { ...options, starttls: 'require' });
  if (opened.kind !== 'clear') return opened;
  opened.socket.destroy();
  throw new Error('a session in clear where TLS is required');
}

/** The same for senders that may go on in clear, as `starttls` says. */
export async function open(to: ServerAddress, options: OpenOptions): Promise<Contact | InClear> {
  if (!/^[!-~]{1,255}$/.test(options.clientName))
    throw new TypeError('clientName must be a host name or an address literal');
  const call = dial(to, options);
  if (!(call instanceof Call)) return call;
  const end = await converse(call, options);
  if (end.kind === 'in-clear') {
    return { kind: 'clear', why: end.why, hello: end.hello, socket: call.release() };
  }
  if (end.kind === 'handshake') call.release();
  else call.end(end);
  return end;
}

/** Begins to connect, if there is somebody to connect to. */
export function dial(
  to: ServerAddress,
  options: Pick<ConnectOptions, 'dial'> & CallOptions,
): Call | Failure {
  if (options.signal?.aborted) return { kind: 'timeout', during: 'connect' };
  const place = options.dial?.(to) ?? to;
  return isAddress(place) ? new Call(place, options) : { kind: 'connect-failed', code: 'EINVAL' };
}

interface StaysClear {
  readonly kind: 'in-clear';
  readonly why: NoTls | 'not-asked';
  readonly hello: Reply;
}

/** RFC 3207 section 4, each step in its turn; the first failure is the last word. */
async function converse(
  call: Call,
  options: OpenOptions,
): Promise<Handshake | StaysClear | Failure> {
  const connected = await call.connected();
  if (connected.kind !== 'done') return connected;
  const greeting = await call.reply('greeting');
  if (greeting.kind !== 'reply') return greeting;
  const unwelcome = refusal(greeting.reply, 'greeting');
  if (unwelcome) return unwelcome;
  const greeted = await sayHello(call, options.clientName);
  if (greeted.kind !== 'greeted') return greeted;
  const { hello, ehlo } = greeted;
  if (options.starttls === 'skip') return { kind: 'in-clear', why: 'not-asked', hello };
  const ready = await askForTls(call, hello, ehlo);
  if (isNoTls(ready))
    return options.starttls === 'try' ? { kind: 'in-clear', why: ready, hello } : ready;
  if (ready.kind !== 'reply') return ready;
  const clear = await call.nothingFollows();
  if (clear.kind !== 'done') return clear;
  const secured = await call.secure(options.serverName);
  if (secured.kind !== 'secured') return secured;
  return handshake(secured.socket, greeting.reply.lines[0] ?? '');
}

const isNoTls = (end: Said | Failure): end is NoTls =>
  end.kind === 'no-starttls' || end.kind === 'starttls-refused';

interface Greeted {
  readonly kind: 'greeted';
  readonly hello: Reply;
  readonly ehlo: 'accepted' | 'rejected';
}

async function sayHello(call: Call, clientName: string): Promise<Greeted | Failure> {
  const ehlo = await call.reply('ehlo', `EHLO ${clientName}`);
  if (ehlo.kind !== 'reply') return ehlo;
  const rejection = refusal(ehlo.reply, 'ehlo');
  if (!rejection) return { kind: 'greeted', hello: ehlo.reply, ehlo: 'accepted' };
  return ehlo.reply.code >= 500 ? fallBack(call, clientName, rejection) : rejection;
}

/** RFC 5321 section 3.2: a server that rejects EHLO may know HELO. A hang-up says less than the rejection did. */
async function fallBack(
  call: Call,
  clientName: string,
  rejection: Failure,
): Promise<Greeted | Failure> {
  const helo = await call.reply('helo', `HELO ${clientName}`);
  if (helo.kind === 'closed') return rejection;
  if (helo.kind !== 'reply') return helo;
  const refused = refusal(helo.reply, 'helo');
  return refused ?? { kind: 'greeted', hello: helo.reply, ehlo: 'rejected' };
}

async function askForTls(call: Call, hello: Reply, ehlo: Greeted['ehlo']): Promise<Said | Failure> {
  if (ehlo === 'rejected') return { kind: 'no-starttls', ehlo };
  if (!ehloKeywords(hello).has('STARTTLS')) return { kind: 'no-starttls', ehlo: 'not-announced' };
  const answer = await call.reply('starttls', 'STARTTLS');
  if (answer.kind !== 'reply' || answer.reply.code === 220) return answer;
  const { reply } = answer;
  return classOf(reply) === 'negative'
    ? { kind: 'starttls-refused', code: reply.code, text: textOf(reply) }
    : protocolError('starttls', `${reply.code} in answer to STARTTLS`);
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

export function handshake(socket: TLSSocket, greeting: string, farewell = QUIT): Handshake {
  return {
    kind: 'handshake',
    chain: presentedChain(socket),
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    greeting,
    socket,
    close: () => sayGoodbye(socket, farewell),
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

function sayGoodbye(socket: TLSSocket, farewell: string): Promise<void> {
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
    socket.write(farewell);
  });
}

const isAddress = ({ ip, port }: ServerAddress): boolean =>
  isIP(ip) !== 0 && Number.isInteger(port) && port > 0 && port <= 0xffff;
