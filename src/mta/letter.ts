/**
 * The octets of a message on their way into DATA, and the addresses around it.
 *
 * Implements RFC 5321 section 4.5.2 (transparency), section 2.3.8 (CR and LF stand together or not at all) and section 4.1.2
 * (paths) as a sender needs them. Does not: read headers, or change what a message says.
 * @module
 */
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

export type Letter =
  | {
      readonly kind: 'letter';
      /** As DATA wants it, without the final dot: each line that begins with a dot has one more. */
      readonly octets: Uint8Array;
      /** Of the message itself, as SIZE counts (RFC 1870 section 5). */
      readonly size: number;
      readonly isAscii: boolean;
    }
  /**
   * A CR or an LF that stands alone: servers differ in what they take it for, and a second message could hide behind it. To
   * mend it would break signatures over the body.
   */
  | { readonly kind: 'bare'; readonly character: 'CR' | 'LF'; readonly at: number };

/** Makes a message ready for DATA. A last line without its end gets one. Linear in the octets. */
export function readLetter(data: Uint8Array): Letter {
  let dots = data[0] === DOT ? 1 : 0;
  let high = 0;
  for (let at = 0; at < data.length; at += 1) {
    const octet = data[at] ?? 0;
    high |= octet;
    if (octet === CR && data[at + 1] !== LF) return { kind: 'bare', character: 'CR', at };
    if (octet !== LF) continue;
    if (data[at - 1] !== CR) return { kind: 'bare', character: 'LF', at };
    if (data[at + 1] === DOT) dots += 1;
  }
  const isEnded = data.length === 0 || data.at(-1) === LF;
  const size = data.length + (isEnded ? 0 : 2);
  const octets = stuff(data, size + dots);
  if (!isEnded) octets.set([CR, LF], octets.length - 2);
  return { kind: 'letter', octets, size, isAscii: high < 0x80 };
}

function stuff(data: Uint8Array, length: number): Uint8Array {
  const octets = new Uint8Array(length);
  let to = 0;
  for (let at = 0; at < data.length; at += 1) {
    const octet = data[at] ?? 0;
    const isFirst = at === 0 || data[at - 1] === LF;
    if (octet === DOT && isFirst) {
      octets[to] = DOT;
      to += 1;
    }
    octets[to] = octet;
    to += 1;
  }
  return octets;
}

/** A path without its brackets (RFC 5321 section 4.1.2, RFC 6531 section 3.3): nothing in it may end the command line. */
const MAILBOX = /^(?:"(?:[^"\\\p{Cc}]|\\[ -~])*"|[^\s"<>()[\],;:\\@\p{Cc}]+)@[^\s<>@\p{Cc}]+$/u;
/** RFC 5321 section 4.5.3.1.3, with the brackets. */
const MAX_PATH = 256;

/** @throws TypeError when `address` cannot stand in an envelope; `what` names the argument */
export function checkMailbox(address: string, what: string): void {
  const octets = new TextEncoder().encode(address).length;
  if (octets > MAX_PATH - 2 || !MAILBOX.test(address))
    throw new TypeError(`${what}: ${JSON.stringify(address)} is no mailbox`);
}

/** Whether it takes SMTPUTF8 (RFC 6531) to say it. */
export const isInternational = (address: string): boolean => /[^ -~]/.test(address);
