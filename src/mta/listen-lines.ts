/**
 * Lines that a client sends, one by one and each in its time, until its octets are somebody else's business: a door.
 *
 * Does not: take a line of more than 2048 octets; RFC 5321 section 4.5.3.1.4 has 512.
 * @module
 */
import type { Socket } from 'node:net';

const MAX_LINE = 2048;
const LF = 0x0a;

export class LineReader {
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #isOver = false;
  #wake: () => void = () => {};

  readonly #hear = (octets: Buffer): void => {
    this.#pending = Buffer.concat([this.#pending, octets]);
    if (this.#pending.length > MAX_LINE) this.#socket.pause();
    this.#wake();
  };

  readonly #end = (): void => {
    this.#isOver = true;
    this.#wake();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#hear);
    socket.once('close', this.#end);
  }

  /** Without its end; `undefined` where none comes in time, or the client has gone or sends something else. */
  async next(timeoutMs: number): Promise<string | undefined> {
    const timer = setTimeout(this.#end, timeoutMs);
    try {
      for (;;) {
        const end = this.#pending.indexOf(LF);
        if (end >= 0 && end < MAX_LINE) return this.#take(end);
        if (this.#isOver || this.#pending.length > MAX_LINE) return undefined;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** What has come behind the last line. From here on the socket is the caller's alone. */
  release(): Buffer {
    this.#socket.off('data', this.#hear).off('close', this.#end);
    return this.#pending;
  }

  #take(end: number): string {
    const line = this.#pending.toString('latin1', 0, end).replace(/\r$/, '');
    this.#pending = this.#pending.subarray(end + 1);
    if (this.#pending.length <= MAX_LINE) this.#socket.resume();
    return line;
  }
}
