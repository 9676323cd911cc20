/**
 * What an SMTP client needs of a connection that is open: say something, hear what the server says to it.
 *
 * Does not: know sockets (streams.ts opens a channel over one) or SMTP's commands (mta/smtp-session.ts).
 * @module
 */
import type { Duplex } from 'node:stream';
import type { Reply } from './smtp.ts';

/** What came of waiting for the server. After anything but a reply the channel is of no more use. */
export type Answer =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'timeout' }
  /** The server closed or reset the connection. */
  | { readonly kind: 'closed' }
  /** Not SMTP, or more of it than any server needs, or a reply to nothing. */
  | { readonly kind: 'protocol-error'; readonly why: string };

export interface Channel {
  /** What the octets travel in. */
  readonly layer: 'tls' | 'clear';
  /** Writes the octets and waits for one reply. One call at a time. Never rejects. */
  ask(octets: Uint8Array, timeoutMs: number): Promise<Answer>;
  /** Writes what gets no reply of its own, until the system has taken it. A server that answers all the same ends it. */
  send(octets: Uint8Array, timeoutMs: number): Promise<Answer | { readonly kind: 'sent' }>;
  /**
   * Hands over what the octets travel on, between two replies; `undefined` where the session has ended. The channel is of no
   * more use then, and what was handed over is the caller's to close.
   */
  release(): Duplex | undefined;
  /** Says QUIT if the session still stands, waits briefly for the answer and closes. Never rejects. */
  close(): Promise<void>;
}
