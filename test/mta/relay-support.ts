/**
 * The relay between a client and real SMTP servers on loopback, whose DNS is the signed internet in memory.
 */
import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import type { NextHop } from '../../src/dane/next-hop.ts';
import { openOverTcp } from '../../src/mta/contact.ts';
import type { DeliverParts } from '../../src/mta/errand.ts';
import {
  listenRelay,
  type Relay,
  type RelayParts,
  type RelayPlace,
} from '../../src/mta/listen-relay.ts';
import { openPassage } from '../../src/mta/passage.ts';
import type { Internet } from '../../src/testing/description.ts';
import { internet } from '../../src/testing/internet.ts';
import { type MailHost, startMailHost } from '../../src/testing/mailhost.ts';
import { ReplyReader } from '../../src/tls/smtp.ts';
import { resolverOn } from '../resolver/support.ts';
import { CHAIN, DANE_ON, MX, NOW, ROOTS, readNextHop, type Scene } from './deliver-support.ts';

export interface Playing {
  readonly relay: Relay;
  readonly hosts: ReadonlyMap<string, MailHost>;
  /** `192.0.2.1 tls <a@example.com>` for each mail taken. */
  readonly taken: () => readonly string[];
  /** What the servers have heard that is about mail. */
  readonly mailCommands: () => readonly string[];
}

type Manner = Partial<Omit<RelayParts, 'nextHop'>> & { readonly nextHop?: string | 'first-line' };

export interface Stage {
  readonly net: Internet;
  readonly parts: DeliverParts;
  readonly hosts: ReadonlyMap<string, MailHost>;
}

/** Servers of a scene by their address, and the parts of a delivery that finds them. */
export async function stage(test: Test, scene: Scene): Promise<Stage> {
  const hosts = new Map<string, MailHost>();
  for (const [ip, description] of Object.entries(scene.hosts ?? {})) {
    const host = await startMailHost({ name: MX, chain: CHAIN, ...description });
    test.teardown(() => host.close());
    hosts.set(ip, host);
  }
  const bare = internet(scene.zones, { now: NOW });
  const net = scene.amend?.(bare) ?? bare;
  const parts: DeliverParts = {
    lookup: resolverOn(net).lookup,
    terms: { ...DANE_ON, ...scene.terms },
    clock: net.clock,
    connect: openOverTcp,
    clientName: 'client.example',
    dial: ({ ip, port }) => (port === 25 ? hosts.get(ip)?.address : undefined) ?? NOWHERE,
    roots: ROOTS,
    ...scene.parts,
  };
  return { net, parts, hosts };
}

/** Nobody listens at the port of tcpmux. */
const NOWHERE = { ip: '127.0.0.1', port: 1 } as const;

export async function relayOn(test: Test, scene: Scene, manner: Manner = {}): Promise<Playing> {
  const { parts, hosts } = await stage(test, scene);
  const { nextHop = 'example.com', ...more } = manner;
  const relay = await listenRelay({
    at: { ip: '127.0.0.1', port: 0 },
    ...(nextHop !== 'first-line' && { nextHop: readNextHop(nextHop) }),
    open: (to: NextHop, signal: AbortSignal) => openPassage(to, { ...parts, signal }),
    name: 'relay.example',
    ...more,
  });
  test.teardown(() => relay.close());
  return {
    relay,
    hosts,
    taken: () =>
      [...hosts].flatMap(([ip, { mails }]) =>
        mails.map(({ layer, to }) => `${ip} ${layer} ${to.join(' ')}`),
      ),
    mailCommands: () =>
      [...hosts.values()].flatMap(({ commands }) =>
        commands.filter((command) => /^(tls )?(MAIL|RCPT|DATA)/.test(command)),
      ),
  };
}

/** A client that speaks line by line. */
export class Client {
  readonly socket: Socket;
  readonly #replies: string[][] = [];
  #wake: () => void = () => {};
  #isOver = false;

  constructor(at: RelayPlace) {
    this.socket = 'ip' in at ? connect(at.port, at.ip) : connect(at.path);
    const reader = new ReplyReader();
    this.socket.on('data', (octets: Uint8Array) => {
      let rest = octets;
      for (;;) {
        const progress = reader.push(rest);
        if (progress.kind !== 'reply') break;
        const { code, lines } = progress.reply;
        this.#replies.push([`${code} ${lines[0]}`, ...lines.slice(1)]);
        rest = rest.subarray(rest.length - progress.left);
      }
      this.#wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  say(line: string): void {
    this.socket.write(`${line}\r\n`);
  }

  /** The next reply, first line with code; `['closed']` where there is none. */
  async hear(): Promise<readonly string[]> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply) return reply;
      if (this.#isOver) return ['closed'];
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async ask(line: string): Promise<readonly string[]> {
    this.say(line);
    return this.hear();
  }

  /** One message, from EHLO to QUIT; what each step was answered. */
  async send(text = 'Subject: test\r\n\r\nhello'): Promise<readonly string[]> {
    const replies: (string | undefined)[] = [];
    const lines = [
      'EHLO me.example',
      'MAIL FROM:<me@sender.example>',
      'RCPT TO:<you@example.com>',
      'DATA',
    ];
    for (const line of [...lines, `${text}\r\n.`, 'QUIT']) replies.push((await this.ask(line))[0]);
    return replies.map((reply) => reply?.slice(0, 3) ?? '');
  }
}
