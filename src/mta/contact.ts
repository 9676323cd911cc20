/**
 * One connection to a mail host, ready for mail: a channel, and what it is worth.
 *
 * Does not: decide what may be said on it (permit.ts), or judge certificates.
 * @module
 */
import type { ServerAddress } from '../environment.ts';
import type { Channel } from '../tls/channel.ts';
import { type Handshake, type OpenOptions, open } from '../tls/connect.ts';
import type { Failure, NoTls } from '../tls/failure.ts';
import type { Reply } from '../tls/smtp.ts';
import { openChannel } from '../tls/streams.ts';

export type TlsMet = Omit<Handshake, 'socket' | 'close'>;

export type Opened =
  | { readonly kind: 'tls'; readonly met: TlsMet; readonly channel: Channel }
  | {
      readonly kind: 'clear';
      readonly why: NoTls | 'not-asked';
      /** The answer to EHLO, or to HELO. */
      readonly hello: Reply;
      readonly channel: Channel;
    }
  | { readonly kind: 'shut'; readonly failure: Failure };

/** Opens a connection, up to the point where mail could go. Never rejects. */
export type Open = (to: ServerAddress, options: OpenOptions) => Promise<Opened>;

/** Over TCP, by tls/connect.ts. */
export const openOverTcp: Open = async (to, options) => {
  const opened = await open(to, options);
  switch (opened.kind) {
    case 'handshake': {
      const { socket, close: _, ...met } = opened;
      return { kind: 'tls', met, channel: openChannel(socket, 'tls', options.signal) };
    }
    case 'clear': {
      const { why, hello, socket } = opened;
      return { kind: 'clear', why, hello, channel: openChannel(socket, 'clear', options.signal) };
    }
    default:
      return { kind: 'shut', failure: opened };
  }
};
