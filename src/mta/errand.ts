/**
 * What a delivery is given, and what it tells on its way.
 * @module
 */
import type { Families } from '../dane/destination.ts';
import type { DeliveryPlan } from '../dane/plan.ts';
import type { Lookup } from '../dnssec/outcome.ts';
import type { Clock, ServerAddress } from '../environment.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { Open } from './contact.ts';
import type { Wish } from './demand.ts';
import type { Letter } from './letter.ts';
import type { StsCache, StsFinding } from './mta-sts.ts';
import type { Met } from './sessions.ts';
import type { SessionTimes } from './smtp-session.ts';
import type { Terms } from './terms.ts';
import type { TlsSession } from './tlsrpt.ts';
import type { Trouble } from './trouble.ts';

export interface Message {
  /** The return path, without brackets; empty for a bounce. */
  readonly from: string;
  /** Recipients at this next hop, each once. */
  readonly to: readonly string[];
  /** Header and body, with CRLF at the end of each line and dots as they are. */
  readonly data: Uint8Array;
  /** It came with REQUIRETLS (RFC 8689 section 2). */
  readonly requireTls?: boolean;
  /** It has the header field `TLS-Required: No` (RFC 8689 section 3), which counts for nothing beside REQUIRETLS. */
  readonly tlsRequired?: 'no';
  /** Our own TLSRPT report: nothing keeps it, and no report tells of it (RFC 8460 section 3 and section 5.3). */
  readonly purpose?: 'tls-report';
}

export interface DeliverParts {
  readonly lookup: Lookup;
  /** For this destination (policy.ts). */
  readonly terms: Terms;
  /** MTA-STS policies; none are looked for where it is left out. */
  readonly sts?: Pick<StsCache, 'find'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly connect: Open;
  /** What EHLO says about us: a host name that this client is known by. */
  readonly clientName: string;
  /** Authorities that are trusted where DANE has no word: MTA-STS, REQUIRETLS, `tls_verify`. None where it is left out. */
  readonly roots?: readonly Certificate[];
  /** Addresses that this machine can reach: `both` where it is left out. */
  readonly families?: Families;
  /** Where packets for an address really go. */
  readonly dial?: (address: ServerAddress) => ServerAddress;
  /** For each step up to the handshake, and all of them. */
  readonly stepMs?: number;
  readonly totalMs?: number;
  /** For the steps after it; those of RFC 5321 section 4.5.3.2 where it is left out. */
  readonly times?: SessionTimes;
  /** Hears of each connection, and of each host that was passed over, as it happens. */
  readonly met?: (met: Met) => void;
  /** Hears of each session that a TLS report counts. */
  readonly report?: (session: TlsSession) => void;
  readonly signal?: AbortSignal;
}

/** Hosts to try in their order, and on what terms. */
export interface Trip {
  readonly parts: DeliverParts;
  readonly plan: Extract<DeliveryPlan, { kind: 'deliver' }>;
  readonly port: number;
  readonly wish: Wish;
  readonly sts: StsFinding;
  /** Passes on what was met, for reports and logs. */
  readonly tell: (met: Met) => void;
  /** Whether something that the plan rests on has ended since. */
  readonly isStale: () => boolean;
  /** The plan as it is now, or why there is none. */
  readonly renew: () => Promise<Trip['plan'] | Trouble>;
  /** When to ask the DNS again, by what it has said so far. */
  readonly retryAt: () => number | undefined;
}

/** A message, ready to go to the hosts of a plan. */
export interface Errand extends Trip {
  readonly message: Message;
  readonly letter: Extract<Letter, { kind: 'letter' }>;
}
