/**
 * What can go wrong between dialling a mail server and the end of the TLS handshake.
 * @module
 */

export type Stage =
  | 'connect'
  | 'greeting'
  | 'ehlo'
  | 'helo'
  /** Of IMAP and POP3: what the server can do. */
  | 'capability'
  | 'starttls'
  | 'handshake';

export type Failure =
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
  | NoTls
  /** Octets in clear followed the 220, where only TLS may (RFC 3207 section 6); they are never read as anything. */
  | { readonly kind: 'injected' }
  /** Not SMTP, or more of it than any server needs. */
  | { readonly kind: 'protocol-error'; readonly during: Stage; readonly why: string }
  /** `code` is OpenSSL's or the system's, `why` its text. */
  | { readonly kind: 'handshake-failed'; readonly code: string; readonly why: string };

/** The server has no TLS to give; the session in clear goes on as far as it is concerned. */
export type NoTls =
  /** EHLO does not announce STARTTLS, or is rejected where HELO is accepted. */
  | { readonly kind: 'no-starttls'; readonly ehlo: 'not-announced' | 'rejected' }
  | { readonly kind: 'starttls-refused'; readonly code: number; readonly text: string };

export const protocolError = (during: Stage, why: string): Failure => ({
  kind: 'protocol-error',
  during,
  why,
});
