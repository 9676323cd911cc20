/**
 * The doors to the outside world: time, randomness and packets. Everything else in src/ is a function of its
 * arguments. `environment-node.ts` opens them for Node; `testing/` gives stand-ins with virtual time.
 *
 * Time is milliseconds since 1970-01-01T00:00Z, except where an RFC field counts seconds (`ttl`, inception).
 * @module
 */

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z. */
  now(): number;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface AlarmClock extends Clock {
  /**
   * Calls `ring` after `ms` milliseconds, unless what is returned is called before. For what is waited for with each
   * packet: there an AbortSignal would cost more than all else about the wait.
   */
  alarm(ms: number, ring: () => void): () => void;
}

export interface Random {
  /** `length` unpredictable octets. */
  bytes(length: number): Uint8Array;
}

/** Where a packet goes: an IPv4 or IPv6 address in text form (no zone, no brackets) and a port. */
export interface ServerAddress {
  readonly ip: string;
  readonly port: number;
  /** Inside of TLS and no other way (RFC 7858): what is sent there goes to nobody who does not prove this DNS name. */
  readonly tlsName?: string;
}

export type Delivery =
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  | { readonly kind: 'timeout' }
  /** Nothing could be sent or the other side refused: `code` is the system's, ECONNREFUSED or EMFILE for instance. */
  | { readonly kind: 'unreachable'; readonly code: string }
  /** No TLS, or none with the name of the address: nothing was sent. `code` is Node's, CERT_HAS_EXPIRED for instance. */
  | { readonly kind: 'unverified'; readonly code: string };

export interface ExchangeOptions {
  /** An address with a TLS name takes `tcp` only. */
  readonly over: 'udp' | 'tcp';
  readonly timeoutMs: number;
  /** Called with each datagram (or TCP message) that reaches the socket; `false` keeps listening. */
  accept(reply: Uint8Array): boolean;
  readonly signal?: AbortSignal;
}

export interface Transport {
  /** Sends `query` without any framing, then listens until `accept` says yes or `timeoutMs` has passed. Never rejects. */
  exchange(to: ServerAddress, query: Uint8Array, how: ExchangeOptions): Promise<Delivery>;
}

/** The three doors together. */
export interface Environment {
  readonly clock: AlarmClock;
  readonly random: Random;
  readonly transport: Transport;
}
