/**
 * DNS messages: octets to values and back (RFC 1035 section 4, RFC 6891, RFC 3597).
 *
 * The reader is strict and linear. What it cannot read is the value `malformed`, with the reason and the offset;
 * nothing throws past it. Does not: decide whether a message answers a question.
 * @module
 */
import type { Rcode, RRType } from './codes.ts';
import type { Edns } from './edns.ts';
import type { Name } from './name.ts';
import type { RR } from './rrset.ts';

export interface Question {
  readonly name: Name;
  readonly type: RRType;
  /** IN where it is left out. */
  readonly class?: number;
}

export interface Message {
  readonly id: number;
  /** QR: true for a response. */
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** The upper bits of EDNS merged in. */
  readonly rcode: Rcode;
  readonly questions: readonly Question[];
  readonly answer: readonly RR[];
  readonly authority: readonly RR[];
  /** Without the OPT record, which is `edns`. */
  readonly additional: readonly RR[];
  readonly edns: Edns | undefined;
}

export type Parsed =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'malformed'; readonly reason: string; readonly offset: number };
