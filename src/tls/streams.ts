/**
 * An SMTP session over a socket that is open, in TLS or in clear: commands go out, replies come in, each in its time.
 *
 * Implements RFC 5321 section 4.2 (one reply to each command) for the client. Does not: connect (connect.ts), or know what
 * is said.
 * @module
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Answer, Channel } from './channel.ts';
import { ReplyReader } from './smtp.ts';

/** For the answer to QUIT, on which nothing depends any more. */
const QUIT_MS = 1_000;
const QUIT = new TextEncoder().encode('QUIT\r\n');

/** Takes over a socket to which nobody else listens. Being aborted is a timeout of what is under way. */
export function openChannel(
  socket: Socket,
  layer: Channel['layer'],
  signal?: AbortSignal,
): Channel {
  return new SocketChannel(socket, layer, signal);
}

type Broken = Exclude<Answer, { kind: 'reply' }>;

class SocketChannel implements Channel {
  readonly layer: Channel['layer'];
  readonly #socket: Socket;
  readonly #signal: AbortSignal | undefined;
  readonly #replies = new ReplyReader();
  /** What ended the session; nothing is said after it. */
  #broken: Broken | undefined;
  /** Takes the answer that is waited for. */
  #listener: ((answer: Answer) => void) | undefined;

  readonly #giveUp = (): void => this.#break({ kind: 'timeout' });

  readonly #hear = (octets: Uint8Array): void => {
    const progress = this.#replies.push(octets);
    if (progress.kind === 'incomplete') return;
    const listener = this.#listener;
    if (progress.kind === 'malformed') this.#break({ kind: 'protocol-error', why: progress.why });
    else if (progress.left > 0) this.#break({ kind: 'protocol-error', why: 'two replies at once' });
    else if (listener) {
      this.#listener = undefined;
      listener(progress);
    } else this.#break({ kind: 'protocol-error', why: 'a reply to nothing' });
  };

  constructor(socket: Socket, layer: Channel['layer'], signal: AbortSignal | undefined) {
    this.layer = layer;
    this.#socket = socket;
    this.#signal = signal;
    if (signal?.aborted) this.#broken = { kind: 'timeout' };
    signal?.addEventListener('abort', this.#giveUp);
    socket.on('data', this.#hear);
    socket.on('error', () => this.#break({ kind: 'closed' }));
    socket.on('close', () => this.#break({ kind: 'closed' }));
    socket.resume();
  }

  ask(octets: Uint8Array, timeoutMs: number): Promise<Answer> {
    return this.#wait<never>(octets, timeoutMs, () => {});
  }

  send(octets: Uint8Array, timeoutMs: number): Promise<Answer | { readonly kind: 'sent' }> {
    return this.#wait<{ readonly kind: 'sent' }>(octets, timeoutMs, (done) =>
      done({ kind: 'sent' }),
    );
  }

  release(): Duplex | undefined {
    if (this.#broken) return undefined;
    this.#broken = { kind: 'closed' };
    this.#signal?.removeEventListener('abort', this.#giveUp);
    this.#socket.off('data', this.#hear);
    this.#socket.pause(); // what comes meanwhile waits for the next listener
    return this.#socket;
  }

  async close(): Promise<void> {
    if (!this.#broken) await this.ask(QUIT, QUIT_MS);
    this.#signal?.removeEventListener('abort', this.#giveUp);
    this.#broken ??= { kind: 'closed' };
    this.#socket.destroy();
  }

  /** @param written  called when the system has taken the octets */
  async #wait<T>(
    octets: Uint8Array,
    timeoutMs: number,
    written: (done: (answer: T) => void) => void,
  ): Promise<Answer | T> {
    if (this.#broken) return this.#broken;
    const timer = setTimeout(this.#giveUp, Math.min(timeoutMs, 2 ** 31 - 1));
    try {
      return await new Promise<Answer | T>((resolve) => {
        this.#listener = resolve;
        this.#socket.write(octets, (error) => {
          // Of a socket that was closed before it came here, nobody else tells.
          if (error) this.#break({ kind: 'closed' });
          else written(resolve);
        });
      });
    } finally {
      clearTimeout(timer);
      this.#listener = undefined;
    }
  }

  #break(broken: Broken): void {
    this.#broken ??= broken;
    this.#listener?.(this.#broken);
    this.#listener = undefined;
    this.#socket.destroy();
  }
}
