/**
 * EDNS(0): the OPT record and the options that Danelaw speaks (RFC 6891, 7873, 8914).
 * @module
 */
import type { ExtendedError } from './codes.ts';

export interface EdnsOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** RFC 8914 section 2: INFO-CODE and EXTRA-TEXT. */
export interface Ede {
  readonly code: ExtendedError | number;
  readonly text: string;
}

export interface Edns {
  /** Largest UDP payload that the sender takes; at least 512. */
  readonly udpSize: number;
  readonly version: number;
  /** DO: the sender wants DNSSEC records (RFC 3225). */
  readonly dnssecOk: boolean;
  /** In the order of the message, unknown ones included. */
  readonly options: readonly EdnsOption[];
}
