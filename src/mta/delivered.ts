/**
 * What became of a message, recipient by recipient.
 * @module
 */
import type { FaultyRecord } from '../dane/decision.ts';
import type { Name } from '../dns/name.ts';
import type { Protection } from './permit.ts';
import type { Trouble, TroubleReason } from './trouble.ts';

export type RecipientEnd =
  | {
      readonly kind: 'delivered';
      readonly recipient: string;
      /** Of class 2. */
      readonly dsn: string;
      /** What the server said. */
      readonly why: string;
      readonly host: Name;
      readonly address: string;
      readonly tls: Protection;
    }
  /** Not yet: class 4. */
  | (NotTaken & {
      readonly kind: 'deferred';
      /**
       * Milliseconds since 1970: from then on the DNS may say something else about what keeps the message. Unset where it
       * is not the DNS.
       */
      readonly retryAt?: number;
    })
  /** For good: class 5. */
  | (NotTaken & { readonly kind: 'failed' });

interface NotTaken {
  readonly recipient: string;
  readonly dsn: string;
  readonly reason: TroubleReason;
  readonly why: string;
  readonly host?: Name;
  readonly address?: string;
  /** The record set at fault. */
  readonly fault?: FaultyRecord;
}

export interface Delivered {
  /** In the order of the message's `to`. */
  readonly recipients: readonly RecipientEnd[];
  /** What DANE would have stopped, had it been binding: audit, `enable_dane` off, `TLS-Required: No`. */
  readonly overlooked: readonly Trouble[];
}

type To = { readonly to: readonly string[] };

export const failedAll = ({ to }: To, trouble: Trouble): Delivered => ({
  recipients: to.map((recipient) => failedEnd(recipient, trouble)),
  overlooked: [],
});

export const deferredAll = ({ to }: To, trouble: Trouble, retryAt?: number): Delivered => ({
  recipients: to.map((recipient) => deferredEnd(recipient, trouble, retryAt)),
  overlooked: [],
});

export const failedEnd = (recipient: string, trouble: Trouble): RecipientEnd => ({
  kind: 'failed',
  ...notTaken(recipient, trouble),
});

export const deferredEnd = (
  recipient: string,
  trouble: Trouble,
  retryAt?: number,
): RecipientEnd => ({
  kind: 'deferred',
  ...notTaken(recipient, trouble),
  ...(retryAt !== undefined && Number.isFinite(retryAt) && { retryAt }),
});

function notTaken(recipient: string, trouble: Trouble): NotTaken {
  const { nature: _, ...rest } = trouble;
  return { recipient, ...rest };
}
