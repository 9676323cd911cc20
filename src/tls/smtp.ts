/**
 * What SMTP servers say: replies put together from octets, and the extensions that EHLO announces.
 *
 * Implements RFC 5321 section 4.2 (replies, also of several lines) and section 4.1.1.1 (the answer to EHLO) as a client
 * needs them. Does not: send anything, know what a reply means for the session.
 * @module
 */

import { latin1 } from './der.ts';

export interface Reply {
  /** 200 to 599. */
  readonly code: number;
  /** Without codes and line ends; octets other than printable ASCII have become `?`, for the text goes into logs. */
  readonly lines: readonly string[];
}

export type Progress =
  | { readonly kind: 'incomplete' }
  /** `left` octets came behind the reply and are dropped. */
  | { readonly kind: 'reply'; readonly reply: Reply; readonly left: number }
  | { readonly kind: 'malformed'; readonly why: string };

/**
 * Octets in one line with its end. RFC 5321 section 4.5.3.1.5 says 512; servers that boast in their greetings exceed
 * it, none by as much as fourfold.
 */
const MAX_LINE = 2048;
/** Octets in one reply: a server that announces a hundred extensions stays far below. It stops endless replies. */
const MAX_REPLY = 32_768;

const LF = 0x0a;

/** Puts one reply after the other together. Linear in the octets, in pieces of any size. */
export class ReplyReader {
  #line = '';
  #lines: string[] = [];
  #code: number | undefined;
  #octets = 0;

  /** Takes the next octets, up to the end of the reply. */
  push(octets: Uint8Array): Progress {
    let at = 0;
    while (at < octets.length) {
      const end = octets.indexOf(LF, at);
      const piece = octets.subarray(at, end < 0 ? octets.length : end + 1);
      at += piece.length;
      this.#octets += piece.length;
      this.#line += latin1(piece.subarray(0, MAX_LINE + 1));
      if (this.#line.length > MAX_LINE) return malformed('a line that does not end');
      if (this.#octets > MAX_REPLY) return malformed('a reply that does not end');
      if (end < 0) break;
      const progress = this.#endLine(octets.length - at);
      if (progress.kind !== 'incomplete') return progress;
    }
    return { kind: 'incomplete' };
  }

  #endLine(left: number): Progress {
    // RFC 5321 section 2.3.8 wants CRLF. A bare LF splits lines all the same, so that none is hidden in another.
    const line = LINE.exec(this.#line.replace(/\r?\n$/, ''));
    this.#line = '';
    if (!line) return malformed('a line that is no SMTP reply');
    const [, digits = '', separator, text = ''] = line;
    const code = Number(digits);
    // RFC 5321 section 4.2.1: the same code in each line
    if (this.#code !== undefined && code !== this.#code) return malformed('a reply with two codes');
    this.#code = code;
    this.#lines.push(text.replace(/[^\t -~]/g, '?'));
    if (separator === '-') return { kind: 'incomplete' };
    const reply = { code, lines: this.#lines };
    [this.#lines, this.#code, this.#octets] = [[], undefined, 0];
    return { kind: 'reply', reply, left };
  }
}

/** A code alone is a whole line too: RFC 5321 section 4.2 asks clients to bear with that. */
const LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/s;

/** The keywords announced by a reply to EHLO, in upper case. The first line only greets. */
export const ehloKeywords = ({ lines }: Reply): ReadonlySet<string> =>
  new Set(lines.slice(1).map((line) => line.split(/[ \t=]/, 1)[0]?.toUpperCase() ?? ''));

/** What kind of answer it is, by the first digit (RFC 5321 section 4.2.1). */
export const classOf = ({ code }: Reply): 'positive' | 'intermediate' | 'negative' =>
  code < 300 ? 'positive' : code < 400 ? 'intermediate' : 'negative';

/** The text on one line. */
export const textOf = ({ lines }: Reply): string => lines.join(' ');

const malformed = (why: string): Progress => ({ kind: 'malformed', why });
