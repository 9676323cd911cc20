/**
 * Why a host did not take a message, and which of several such troubles the sender hears of.
 *
 * Implements RFC 8689 section 4.2.1 (when a message with REQUIRETLS fails, and with which code) and the order of decision
 * 18 of DECISIONS.md: what somebody can mend comes before what the network may mend by itself. Codes are those of RFC
 * 3463 that the decision table names.
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import { type DecisionReason, decide, type FaultyRecord } from '../dane/decision.ts';
import type { DeliveryPlan, HostPlan, Unreachable } from '../dane/plan.ts';
import type { Name } from '../dns/name.ts';
import type { Exclusion, Wish } from './demand.ts';
import type { Fate, FateReason } from './smtp-session.ts';

type Deliver = Extract<DeliveryPlan, { kind: 'deliver' }>;

export type TroubleReason =
  | DecisionReason
  | Exclude<FateReason, 'accepted'>
  /** An enforced MTA-STS policy does not list the host (RFC 8461 section 5). */
  | 'sts-mx-mismatch'
  /** REQUIRETLS, and neither DNSSEC nor MTA-STS vouches for the host's name (RFC 8689 section 4.2.1). */
  | 'mx-not-validated'
  /** REQUIRETLS, and the server does not know it. */
  | 'no-requiretls'
  /** The message cannot be sent to anybody as it is. */
  | 'bare-cr-or-lf';

export interface Trouble {
  /** What kind of thing went wrong: RFC 8689 gives up over TLS, and waits for the DNS and the network. */
  readonly nature: 'lookup' | 'network' | 'tls' | 'requiretls' | 'mail';
  readonly reason: TroubleReason;
  readonly why: string;
  /** Of class 4, unless the message failed for good. */
  readonly dsn: string;
  readonly host?: Name;
  readonly address?: string;
  readonly fault?: FaultyRecord;
}

const SECURITY = '4.7.5';

/** Of a host that the plan does not let contact. */
export function unreached(
  plan: Extract<DeliveryPlan, { kind: 'deliver' }>,
  planned: Unreachable,
  port: number,
): Trouble {
  const decision = decide({ ...plan, hosts: [planned], surplus: 1 }, [], { port });
  const { reason, why } = decision;
  const dsn = 'dsn' in decision && decision.dsn !== undefined ? decision.dsn : '4.4.3';
  const fault = 'fault' in decision ? decision.fault : undefined;
  return { nature: 'lookup', reason, why, dsn, host: planned.host, ...(fault && { fault }) };
}

const EXCLUSIONS: Readonly<Record<Exclusion['why'], string>> = {
  'sts-mx-mismatch': "is not in the domain's MTA-STS policy",
  'mx-not-validated':
    'is vouched for neither by DNSSEC nor by MTA-STS, and the message has REQUIRETLS',
};

/** Of a host that mail does not go to, whatever it shows. */
export const excluded = ({ why: reason }: Exclusion, host: Name): Trouble => ({
  nature: 'tls',
  reason,
  why: `${printHost(host)} ${EXCLUSIONS[reason]}`,
  dsn: SECURITY,
  host,
});

/** Row 8 of the decision table. */
const noHost = ({ length }: readonly HostPlan[]): Trouble => ({
  nature: 'lookup',
  reason: 'no-address',
  why: length === 1 ? 'its mail host has no address' : 'none of its mail hosts has an address',
  dsn: '5.4.4',
});

export const OUT_OF_TIME: Trouble = {
  nature: 'network',
  reason: 'not-probed',
  why: 'there was no time left to try a host',
  dsn: '4.4.7',
};

/** What a server said of the message, or of one recipient. */
export const ofFate = ({ reason, dsn, why }: Fate, host: Name, address: string): Trouble => ({
  nature: 'mail',
  reason: reason === 'accepted' ? 'protocol-error' : reason,
  why: `${printHost(host)}: ${why}`,
  dsn,
  host,
  address,
});

/** Of a session that never began: the host is out for now, whatever it says. */
export function neverBegan(fate: Fate, host: Name, address: string): Trouble {
  const trouble = ofFate(fate, host, address);
  return { ...trouble, nature: 'network', dsn: trouble.dsn.replace(/^5/, '4') };
}

export const lacksRequireTls = (host: Name, address: string): Trouble => ({
  nature: 'requiretls',
  reason: 'no-requiretls',
  why: `${printHost(host)} does not know REQUIRETLS`,
  dsn: '4.7.30',
  host,
  address,
});

/** The one that least goes away by itself. */
const toTell = (troubles: readonly Trouble[]): Trouble | undefined =>
  troubles.find(({ dsn }) => dsn === SECURITY) ??
  troubles.find(({ nature }) => nature === 'tls' || nature === 'requiretls') ??
  troubles.find(({ nature }) => nature === 'mail') ??
  troubles.find(({ reason }) => reason !== 'no-address') ??
  troubles[0];

/** RFC 8689 section 4.2.1: `Encryption needed` and `REQUIRETLS support required`. */
const ENCRYPTION_NEEDED = '5.7.10';
export const REQUIRETLS_NEEDED = '5.7.30';

/**
 * The end of a message with REQUIRETLS that no host could take, if it is one: not while a host or a record could not be
 * reached.
 */
function requireTlsEnd(troubles: readonly Trouble[]): Trouble | undefined {
  const final = troubles.filter(({ nature }) => nature === 'tls' || nature === 'requiretls');
  if (final.length === 0 || final.length < troubles.length) return undefined;
  const told = final.find(({ nature }) => nature === 'tls') ?? final[0];
  return told && { ...told, dsn: told.nature === 'tls' ? ENCRYPTION_NEEDED : REQUIRETLS_NEEDED };
}

export interface Ended {
  readonly kind: 'refuse' | 'defer';
  readonly trouble: Trouble;
}

/** What the sender hears where nobody was reached, or nobody has taken the mail: never, or not now. */
export function endOf(
  troubles: readonly Trouble[],
  { hosts, surplus }: Pick<Deliver, 'hosts' | 'surplus'>,
  wish: Wish,
): Ended {
  const end = wish === 'required' ? requireTlsEnd(troubles) : undefined;
  if (end) return { kind: 'refuse', trouble: end };
  const isNowhere = troubles.length > 0 && troubles.every(({ reason }) => reason === 'no-address');
  if (isNowhere && surplus === 0) return { kind: 'refuse', trouble: noHost(hosts) };
  return { kind: 'defer', trouble: toTell(troubles) ?? OUT_OF_TIME };
}

/** RFC 3463 section 3.5: no answer, bad connection; section 3.6 for what is no SMTP. */
export const NETWORK_DSN: Readonly<Partial<Record<TroubleReason, string>>> = {
  'connect-failed': '4.4.1',
  timeout: '4.4.1',
  closed: '4.4.2',
  'protocol-error': '4.5.0',
};
