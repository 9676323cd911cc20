/**
 * An SMTP server on loopback that speaks STARTTLS (RFC 5321, RFC 3207), rightly or with one fault.
 *
 * Takes mail and keeps it in memory. Does not: deliver anything, authenticate clients.
 * @module
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { ServerAddress } from '../environment.ts';
import type { IssuedCertificate } from './certificates.ts';

export type MailFault =
  /** Takes the connection and says nothing. */
  | 'silent'
  /** 554 in place of the greeting. */
  | 'greeting-refused'
  /** Knows HELO only. */
  | 'ehlo-rejected'
  /** STARTTLS is not announced, and refused when asked for. */
  | 'no-starttls'
  /** STARTTLS is announced, then answered with 454. */
  | 'starttls-refused'
  /** A line in clear comes right behind the 220. */
  | 'injection'
  /** An alert in place of the ServerHello. */
  | 'handshake-alert'
  /** Nothing comes after the 220. */
  | 'handshake-silent'
  /** The connection ends after the 220. */
  | 'handshake-closed';

export interface MailHostDescription {
  /** What it calls itself. */
  readonly name: string;
  /** What it presents, leaf first: exactly these certificates in this order. */
  readonly chain: readonly IssuedCertificate[];
  /** Another chain, with a key of another kind, for clients that prefer that. */
  readonly otherChain?: readonly IssuedCertificate[];
  readonly fault?: MailFault;
  /** OpenSSL's list, TLS 1.2 alone with it; its default where it is left out. */
  readonly ciphers?: string;
  /** Announced beside the usual ones: `SIZE 1000`, `8BITMIME`. */
  readonly extensions?: readonly string[];
  /** Announced under TLS only: `REQUIRETLS` (RFC 8689 section 2). */
  readonly tlsExtensions?: readonly string[];
  /** What it says or does at a step in place of the usual reply. */
  readonly answers?: Readonly<Partial<Record<MailStep, string | MailSulk>>>;
  /** Hears each command before it is answered. */
  readonly heard?: (command: string) => void;
}

/** A greeting, a command (under TLS alone with `tls `), or the end of a message. */
export type MailStep = 'greeting' | 'end' | MailVerb | `tls ${MailVerb | 'end'}`;
type MailVerb = 'EHLO' | 'HELO' | 'STARTTLS' | 'MAIL' | 'RCPT' | 'DATA';

/** Says nothing; ends the connection; says 354 and then reads no further. */
export type MailSulk = 'silence' | 'hang-up' | 'deafness';

/** A message that was taken. */
export interface TakenMail {
  /** What it came in. */
  readonly layer: 'clear' | 'tls';
  /** Behind `MAIL FROM:`, with its parameters. */
  readonly from: string;
  /** Behind each `RCPT TO:` that was not refused. */
  readonly to: readonly string[];
  readonly text: string;
}

export interface MailHost {
  /** Where it really listens, on 127.0.0.1. */
  readonly address: ServerAddress;
  /** Every command so far, those under TLS marked by a leading `tls `. */
  readonly commands: readonly string[];
  /** The text of every message that was taken. */
  readonly messages: readonly string[];
  /** The same with their envelopes. */
  readonly mails: readonly TakenMail[];
  close(): Promise<void>;
}

/** Starts an SMTP server at a free port of 127.0.0.1. */
export async function startMailHost(description: MailHostDescription): Promise<MailHost> {
  const commands: string[] = [];
  const mails: TakenMail[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    new Session(socket, description, { commands, mails }).greet();
  });
  const port = await listen(server);
  return {
    address: { ip: '127.0.0.1', port },
    commands,
    mails,
    get messages() {
      return mails.map(({ text }) => text);
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

interface Ledger {
  readonly commands: string[];
  readonly mails: TakenMail[];
}

/** A fatal TLS alert, handshake_failure (RFC 8446 section 6.2). */
const ALERT = Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28);
const REFUSES_TLS: ReadonlySet<MailFault> = new Set([
  'ehlo-rejected',
  'no-starttls',
  'starttls-refused',
]);
const UNKNOWN = '502 5.5.1 what';
/** What an attacker adds in clear, to be taken for the first reply under TLS (CVE-2011-0411). */
const INJECTED = '220 2.0.0 go ahead\r\n250 2.0.0 forged';
/** More than any command of a test; a client that sends more is cut off. */
const MAX_LINE = 4096;

/** One connection, from clear text to TLS. */
class Session {
  readonly #description: MailHostDescription;
  readonly #ledger: Ledger;
  #socket: Socket;
  #layer: 'clear' | 'tls' = 'clear';
  #pending = '';
  /** Lines of the message under way. */
  #message: string[] | undefined;
  #from = '';
  #to: string[] = [];

  constructor(socket: Socket, description: MailHostDescription, ledger: Ledger) {
    this.#socket = socket;
    this.#description = description;
    this.#ledger = ledger;
    this.#attend(socket);
  }

  greet(): void {
    const { name, fault } = this.#description;
    if (fault === 'silent') return;
    const usual = fault === 'greeting-refused' ? `554 ${name} no` : `220 ${name} ESMTP`;
    this.#answer('greeting', usual);
  }

  #attend(socket: Socket): void {
    socket.on('error', () => socket.destroy()); // the client went away, or disliked the certificate
    socket.on('data', (data) => this.#read(data.toString('latin1')));
  }

  #read(text: string): void {
    this.#pending += text;
    const lines = this.#pending.split('\r\n');
    this.#pending = lines.pop() ?? '';
    if (this.#pending.length > MAX_LINE) this.#socket.destroy();
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (this.#message) this.#text(line, this.#message);
    else this.#command(line);
  }

  #text(line: string, message: string[]): void {
    if (line !== '.') {
      message.push(line.replace(/^\./, '')); // RFC 5321 section 4.5.2
      return;
    }
    this.#message = undefined;
    const reply = this.#answer('end', '250 2.0.0 taken');
    if (!reply.startsWith('2')) return;
    const [layer, from, to] = [this.#layer, this.#from, this.#to];
    this.#ledger.mails.push({ layer, from, to, text: message.join('\r\n') });
  }

  #command(line: string): void {
    const heard = this.#layer === 'tls' ? `tls ${line}` : line;
    this.#ledger.commands.push(heard);
    this.#description.heard?.(heard);
    const verb = line.split(' ', 1)[0]?.toUpperCase() ?? '';
    const reply = this.#answer(verb, this.#replyTo(verb));
    this.#follow(verb, line, reply);
  }

  /** What a reply sets going. */
  #follow(verb: string, line: string, reply: string): void {
    const isTaken = /^[23]/.test(reply);
    const argument = line.slice(line.indexOf(':') + 1);
    if (verb === 'QUIT') this.#socket.end();
    else if (!isTaken) return;
    else if (verb === 'STARTTLS' && this.#takesTls()) this.#startTls();
    else if (verb === 'MAIL') [this.#from, this.#to] = [argument, []];
    else if (verb === 'RCPT') this.#to.push(argument);
    else if (verb === 'DATA') this.#message = [];
  }

  /** The usual reply, or what the description says. */
  #answer(step: string, usual: string): string {
    const answers: Readonly<Record<string, string | undefined>> = this.#description.answers ?? {};
    const answer = (this.#layer === 'tls' ? answers[`tls ${step}`] : undefined) ?? answers[step];
    switch (answer) {
      case 'silence':
        return '';
      case 'hang-up':
        this.#socket.end();
        return '';
      case 'deafness':
        this.#socket.pause();
        break;
      default:
        this.#say(answer ?? usual);
        return answer ?? usual;
    }
    this.#say(usual);
    return usual;
  }

  #replyTo(verb: string): string {
    const { name, fault } = this.#description;
    switch (verb) {
      case 'EHLO':
        return fault === 'ehlo-rejected' ? UNKNOWN : this.#extensions();
      case 'HELO':
        return `250 ${name}`;
      case 'STARTTLS':
        if (this.#takesTls()) return fault === 'injection' ? INJECTED : '220 2.0.0 go ahead';
        return fault === 'starttls-refused' ? '454 4.7.0 not now' : UNKNOWN;
      case 'MAIL':
      case 'RCPT':
      case 'RSET':
      case 'NOOP':
        return '250 2.0.0 fine';
      case 'DATA':
        return '354 go on';
      case 'QUIT':
        return '221 2.0.0 bye';
      default:
        return UNKNOWN;
    }
  }

  #takesTls(): boolean {
    const { fault } = this.#description;
    return this.#layer === 'clear' && (fault === undefined || !REFUSES_TLS.has(fault));
  }

  #extensions(): string {
    const { name, fault, extensions = [], tlsExtensions = [] } = this.#description;
    const isClear = this.#layer === 'clear';
    const lines = [
      name,
      'PIPELINING',
      'ENHANCEDSTATUSCODES',
      ...extensions,
      ...(isClear ? [] : tlsExtensions),
      ...(isClear && fault !== 'no-starttls' ? ['STARTTLS'] : []),
    ];
    return lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n');
  }

  #startTls(): void {
    const { fault } = this.#description;
    this.#socket.removeAllListeners('data');
    this.#pending = '';
    // The ClientHello is awaited: what came before it would be an injection.
    if (fault === 'handshake-closed') this.#socket.once('data', () => this.#socket.destroy());
    else if (fault === 'handshake-alert') this.#socket.once('data', () => this.#socket.end(ALERT));
    else if (fault === 'handshake-silent') this.#socket.resume();
    else this.#secure();
  }

  #secure(): void {
    const { chain, otherChain = [], ciphers } = this.#description;
    const leaves = [chain[0], otherChain[0]].filter((leaf) => leaf !== undefined);
    if (leaves.length === 0)
      throw new RangeError('a mail host without certificates cannot speak TLS');
    const secureContext = createSecureContext({
      // OpenSSL's usual level, 2 from version 3.2 on, refuses to serve short keys and SHA-1, which clients may meet.
      ciphers: ciphers ?? 'DEFAULT:@SECLEVEL=0',
      key: leaves.map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' })),
      cert: [chain, otherChain]
        .filter(({ length }) => length > 0)
        .map((list) => list.map(({ pem }) => pem).join('')),
      minVersion: 'TLSv1.2',
      ...(ciphers !== undefined && { maxVersion: 'TLSv1.2', dhparam: 'auto' }),
    });
    this.#socket = new TLSSocket(this.#socket, { isServer: true, secureContext });
    this.#layer = 'tls';
    this.#attend(this.#socket);
  }

  #say(text: string): void {
    this.#socket.write(`${text}\r\n`);
  }
}
