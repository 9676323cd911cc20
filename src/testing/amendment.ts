/**
 * What an amendment is: one change to a zone, at one of three moments. The ready ones are in amend-zone.ts,
 * amend-keys.ts and amend-reply.ts.
 * @module
 */
import type { Message, Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { Fields, Rdata } from '../dns/rdata.ts';
import type { RR } from '../dns/rrset.ts';
import type { SigningKey } from './keys.ts';

/** A zone on the point of being signed. */
export interface ZonePlan {
  readonly zone: Name;
  /** Without DNSKEY, RRSIG, NSEC and NSEC3. */
  readonly records: readonly RR[];
  /** None for an unsigned zone. */
  readonly keys: readonly SigningKey[];
  /** The DS that the parent will publish and sign. */
  readonly ds: readonly Rdata[];
}

/** What a signature may be made to claim in place of the truth; it is computed over the claim. */
export type SignatureClaims = Partial<Omit<Fields['RRSIG'], 'typeCovered' | 'signature'>>;

/** A zone that has just been signed. */
export interface SignedZone {
  readonly zone: Name;
  readonly records: readonly RR[];
  /** Makes an RRSIG of the zone anew, with the key that made it, over what it now claims. */
  readonly resign: (signature: RR, claims: SignatureClaims) => RR;
}

/** A question as it reached a server. */
export interface Request {
  readonly question: Question;
  readonly query: Message;
  /** The server's IP address. */
  readonly server: string;
  readonly over: 'udp' | 'tcp';
}

/** What comes back: messages or raw octets in order of arrival (none is silence), or a refusal of the port. */
export type Treatment = readonly (Message | Uint8Array)[] | 'unreachable';

export interface Amendment {
  /** Changes what is signed, and what the parent says of it. */
  readonly plan?: (plan: ZonePlan) => ZonePlan;
  /** Changes what is served, once all of it is signed. */
  readonly records?: (signed: SignedZone) => readonly RR[];
  /** Changes what a server of the zone sends back. */
  readonly reply?: (replies: Treatment, request: Request) => Treatment;
  /** Virtual milliseconds that the servers of this zone take longer. */
  readonly delayMs?: number;
}
