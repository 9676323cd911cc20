/**
 * What protocols other than SMTP say to each other before TLS: the shape of such a dialogue, and the lines that most consist of.
 *
 * A dialogue takes octets and makes moves. Does not: touch sockets (connect-service.ts).
 * @module
 */
import { latin1 } from './der.ts';

/** What the client is waiting for. */
export type Turn = 'greeting' | 'capability' | 'starttls';

export type Move =
  /** Not all of it is there. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'say'; readonly text: string; readonly next: Turn; readonly left: number }
  /** The server awaits a ClientHello. */
  | { readonly kind: 'ready'; readonly left: number }
  | { readonly kind: 'no-starttls' }
  /** The server does not want to talk, or no TLS. */
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'malformed'; readonly why: string };

/** One conversation, up to where TLS may begin. `left` octets came behind what was awaited; nobody reads them. */
export interface Dialogue {
  /** What the client says before it has heard anything; left out where the server speaks first. */
  readonly opening?: string;
  push(octets: Uint8Array): Move;
}

export const WAIT: Move = { kind: 'wait' };
export const malformed = (why: string): Move => ({ kind: 'malformed', why });

/** Octets in one line: IMAP servers announce what they can do in one, of some hundred octets. It stops lines without end. */
const MAX_LINE = 8192;
/** Octets until TLS: servers need less than a thousand. It stops those that talk without end. */
const MAX_OCTETS = 65_536;
const LF = 0x0a;

/** Hands over line after line, without its end, until one makes a move. Linear in the octets, in pieces of any size. */
export class LineReader {
  #line = '';
  #octets = 0;
  readonly #take: (line: string, left: number) => Move;

  /** @param take  is given each line, and how many octets are left behind it */
  constructor(take: (line: string, left: number) => Move) {
    this.#take = take;
  }

  push(octets: Uint8Array): Move {
    let at = 0;
    while (at < octets.length) {
      const end = octets.indexOf(LF, at);
      const piece = octets.subarray(at, end < 0 ? octets.length : end + 1);
      at += piece.length;
      this.#octets += piece.length;
      this.#line += latin1(piece.subarray(0, MAX_LINE + 1));
      if (this.#line.length > MAX_LINE) return malformed('a line that does not end');
      if (this.#octets > MAX_OCTETS) return malformed('more than any server has to say before TLS');
      if (end < 0) break;
      const line = this.#line.replace(/\r?\n$/, '');
      this.#line = '';
      const move = this.#take(line, octets.length - at);
      if (move.kind !== 'wait') return move;
    }
    return WAIT;
  }
}

/** Others' words on one line of a log. */
export const printable = (text: string): string => text.replace(/[^\t -~]/g, '?').slice(0, 512);
