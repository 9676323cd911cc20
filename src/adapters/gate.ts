/**
 * The way out for mail software in this process: a relay on a Unix socket that nobody else may reach, and connections through
 * it that are handed out once they may carry mail.
 *
 * Does not: judge anything; mta/listen-relay.ts and what it stands on do.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNextHop } from '../dane/next-hop.ts';
import { type RelayOptions, startRelay } from '../index.ts';

/** What `startRelay` takes, but for place and next hop. */
export type GateOptions = Omit<RelayOptions, 'at' | 'nextHop'>;

/** Why there is no connection to hand out, in the fields that nodemailer's and mx-connect's errors have. */
export class GateError extends Error {
  override readonly name = 'GateError';
  readonly code = 'EDANE';
  readonly command = 'CONN';
  /** 421, or 554 where the destination takes no mail. */
  readonly responseCode: number;
  /** The relay's whole line: `421 4.7.5 mx.example.com: no TLSA record matches`. */
  readonly response: string;
  /** RFC 3463. */
  readonly enhancedCode: string;
  readonly category: 'dane' | 'network';
  readonly temporary: boolean;

  constructor(response: string) {
    const [, code = '421', status = '4.4.2', why = ''] =
      /^(\d{3}) (?:(\d\.\d{1,3}\.\d{1,3}) )?(.*)$/.exec(response) ?? [];
    super(why === '' ? 'the relay closed the connection' : why);
    this.responseCode = Number(code);
    this.response = response;
    this.enhancedCode = status;
    this.category = /^\d\.7\./.test(status) ? 'dane' : 'network';
    this.temporary = !code.startsWith('5');
  }
}

export interface Gate {
  /**
   * A connection to a host of the next hop that mail may go over: SMTP in clear, its greeting not read yet.
   * @throws GateError where there is none
   */
  connect(nextHop: string): Promise<Socket>;
}

/** Those of software that brings no options, and of each options object. */
const DEFAULTS: GateOptions = {};
const gates = new WeakMap<GateOptions, Promise<Gate>>();

/** The same gate for the same object. It does not keep the process, and needs no closing. */
export function gateFor(options: GateOptions = DEFAULTS): Promise<Gate> {
  const known = gates.get(options);
  if (known) return known;
  const gate = openGate(options);
  gates.set(options, gate);
  gate.catch(() => gates.delete(options)); // another time there may be room
  return gate;
}

async function openGate(options: GateOptions): Promise<Gate> {
  const path = join(privateFolder(), 'relay');
  const relay = await startRelay({ ...options, at: { path } });
  relay.unref();
  return { connect: async (nextHop) => greeted(path, checked(nextHop)) };
}

/** A line end within it, from a recipient's address, would have the rest taken for the client's own commands. */
function checked(nextHop: string): string {
  const parsed = parseNextHop(nextHop);
  if (parsed.kind === 'parsed') return nextHop;
  throw new GateError(`501 5.1.2 ${parsed.why.replace(/\p{Cc}+/gu, ' ')}`);
}

/** Nobody but this user may look into it, which is what keeps others from the sockets there. */
export function privateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'danelaw-'));
  if (folders.size === 0) process.once('exit', removeFolders);
  folders.add(folder);
  return folder;
}

const folders = new Set<string>();

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** RFC 5321 section 4.5.3.1.5, and as much again. */
const MAX_GREETING = 1024;

/** Looks at the greeting and leaves it where it is, for whoever speaks SMTP on the socket. */
async function greeted(path: string, nextHop: string): Promise<Socket> {
  const socket = connect(path);
  socket.write(`XDANE ${nextHop}\r\n`);
  const line = await firstLine(socket);
  if (line.startsWith('220 ')) return socket;
  socket.destroy();
  throw new GateError(line);
}

function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const octets: Buffer | null = socket.read();
      if (!octets) return;
      const end = octets.indexOf('\r\n');
      if (end < 0 && octets.length < MAX_GREETING) {
        socket.unshift(octets);
        return;
      }
      settle();
      socket.unshift(octets);
      resolve(octets.toString('latin1', 0, end));
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
    };
    const end = (): void => fail(new GateError(''));
    const settle = (): void => {
      socket.off('readable', look).off('error', fail).off('end', end);
    };
    socket.on('readable', look).on('error', fail).on('end', end);
  });
}
