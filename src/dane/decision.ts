/**
 * What a sender does with mail for a destination now: the last word, made of the plan and of what its hosts did.
 *
 * Implements the rows of the decision table that the DNS and the hosts decide, with half-DANE and column M: RFC 7672 section 2.2 (the next host, or wait),
 * section 2.2.1 (a host without TLSA records is not passed over for a later one with them), RFC 7505 section 4.1 (null
 * MX) and RFC 5321 section 5.1 (no such domain, no address). Codes are those of RFC 3463 that the table names. Does
 * not: look up, connect, or keep a queue.
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import type { LimitName } from '../dnssec/budget.ts';
import { explainCase } from '../dnssec/explanation.ts';
import type { FailureReason } from '../dnssec/reason.ts';
import {
  type ContactPlan,
  type ContactReason,
  NO_STARTTLS,
  printHost,
  type Result,
  TLS_FAILED,
  weigh,
} from './attempt.ts';
import { tlsaName } from './base-domain.ts';
import { NAMED_INSECURELY, printLack, WHY_ENCRYPT } from './lack.ts';
import type { MismatchReason } from './mismatch.ts';
import type { DeliveryPlan, Lack, Unreachable, Weakness } from './plan.ts';
import type { HostProbe } from './probe.ts';
import { printTlsa, type Tlsa } from './tlsa.ts';

export type Action = Decision['action'];

/** Why, as one word: those of the plan, of the DNS, of the connection and of the certificate. */
export type DecisionReason =
  | 'tlsa-matches'
  /** Without probe: there are usable TLSA records. */
  | 'tlsa-usable'
  | 'tlsa-unusable'
  /** Insecure MX records named the host, which is then never verified. */
  | 'half-dane'
  /** The operator demands DANE. */
  | 'dane-required'
  | Weakness['why']
  | FailureReason
  | ContactReason
  | MismatchReason
  | 'no-address'
  | 'not-probed'
  | 'null-mx'
  | 'no-such-domain';

/** The record set at fault, and its zone where that is known. */
export interface FaultyRecord {
  readonly zone?: Name;
  readonly owner: Name;
  readonly type: RRType;
  readonly limit?: LimitName;
}

interface Told {
  readonly reason: DecisionReason;
  /** The same in words, without the record at fault. */
  readonly why: string;
}
interface At extends Told {
  readonly host: Name;
  /** Unless nothing was probed. */
  readonly address?: string;
}

export type Decision =
  | (At & { readonly action: 'deliver-authenticated'; readonly by?: Tlsa })
  /** The records match, but insecure MX records named the host (RFC 7672 section 2.2.1). */
  | (At & { readonly action: 'deliver-half-dane'; readonly by?: Tlsa })
  | (At & { readonly action: 'deliver-encrypted' })
  | (At & {
      readonly action: 'deliver-opportunistically';
      /** What the probe found; `unknown` without one. */
      readonly channel: 'tls' | 'clear' | 'unknown';
    })
  /** Wait, and try again. `host`: the one whose trouble is told. */
  | (Told & {
      readonly action: 'defer';
      readonly host?: Name;
      readonly dsn?: string;
      readonly fault?: FaultyRecord;
    })
  | (Told & { readonly action: 'refuse'; readonly dsn: string });

export interface DecideOptions {
  /** 25 where it is left out. */
  readonly port?: number;
}

/**
 * Decides.
 *
 * @param probes  one for each host of the plan, in any order; left out, the decision is what the plan alone allows
 * @example
 * const { action, why } = decide(plan, probes); // 'deliver-authenticated', 'the certificate of ... matches TLSA 3 1 1 ...'
 */
export function decide(
  plan: DeliveryPlan,
  probes?: readonly HostProbe[],
  options: DecideOptions = {},
): Decision {
  switch (plan.kind) {
    case 'refused':
      return REFUSALS[plan.why];
    case 'defer': {
      if (plan.why === 'dane-required') return daneRequired(plan.lack);
      const { why: reason, fault } = plan;
      const why = `the mail hosts could not be determined: ${explainCase(reason, fault)}`;
      return { action: 'defer', reason, why, dsn: LOOKUP_FAILED, fault };
    }
    case 'deliver':
      return amongHosts(plan, probes, options.port ?? 25);
  }
}

/** Directory server failure, which Postfix uses for failed MX and address look-ups. */
const LOOKUP_FAILED = '4.4.3';

const REFUSALS = {
  // RFC 7505 section 4.1 and RFC 3463: "Recipient address has null MX", "Bad destination system address".
  'null-mx': {
    action: 'refuse',
    reason: 'null-mx',
    why: 'the domain takes no mail: its only MX record names no host',
    dsn: '5.1.10',
  },
  'no-such-domain': {
    action: 'refuse',
    reason: 'no-such-domain',
    why: 'there is no such domain',
    dsn: '5.1.2',
  },
} as const;

type Deliver = Extract<DeliveryPlan, { kind: 'deliver' }>;
type Trouble = Extract<Decision, { action: 'defer' }>;

/** In order of preference; the first that mail may go to ends the search. */
function amongHosts(
  plan: Deliver,
  probes: readonly HostProbe[] | undefined,
  port: number,
): Decision {
  const troubles: Trouble[] = [];
  for (const host of plan.hosts) {
    if (host.tls === 'unreachable') {
      troubles.push(unreachable(host));
      continue;
    }
    const probe = probes?.find((one) => one.host.equals(host.host));
    const decision = probes ? atHost(host, probe, port) : asPlanned(host);
    if (decision.action !== 'defer') return withPassedOver(decision, troubles);
    troubles.push(decision);
  }
  return allFailed(plan, troubles);
}

/** A host that is less than authenticated takes the mail, and a better one has failed its TLSA records: who reads it must know. */
export function withPassedOver<D extends Pick<Told, 'why'> & { readonly action: string }>(
  decision: D,
  troubles: readonly { readonly why: string; readonly dsn?: string }[],
): D {
  const worst = troubles.find(({ dsn }) => dsn === TLS_FAILED || dsn === NO_STARTTLS);
  if (decision.action === 'deliver-authenticated' || !worst) return decision;
  return { ...decision, why: `${decision.why}; passed over ${worst.why}` };
}

/**
 * No host is left. Told is the trouble that least goes away by itself: one of security before one of the network, and
 * the better host before the others.
 */
function allFailed({ hosts, surplus }: Deliver, troubles: readonly Trouble[]): Decision {
  const told =
    troubles.find(({ dsn }) => dsn === TLS_FAILED) ??
    troubles.find(({ reason }) => reason !== 'no-address');
  if (told) {
    const others = hosts.length - 1;
    if (others === 0) return told;
    return { ...told, why: `${told.why}; no other of the ${hosts.length} hosts will do` };
  }
  const why =
    hosts.length === 1 ? 'its mail host has no address' : 'none of its mail hosts has an address';
  // Hosts that were left out might have one: row 8 fails the mail only where every host ended so.
  if (surplus > 0) return { action: 'defer', reason: 'no-address', why, dsn: '4.4.4' };
  return { action: 'refuse', reason: 'no-address', why, dsn: '5.4.4' };
}

function unreachable(plan: Unreachable): Trouble {
  const { host } = plan;
  if (plan.why === 'no-address')
    return {
      action: 'defer',
      host,
      reason: plan.why,
      why: `${printHost(host)} has no address`,
      dsn: '4.4.4',
    };
  if (plan.why === 'dane-required') return daneRequired(plan.lack, host);
  const { why: reason, fault, step } = plan;
  const isTlsa = step === 'tlsa';
  const what = isTlsa ? 'TLSA records' : 'addresses';
  const why = `the ${what} of ${printHost(host)} could not be determined: ${explainCase(reason, fault)}`;
  return { action: 'defer', host, reason, why, dsn: isTlsa ? TLS_FAILED : LOOKUP_FAILED, fault };
}

/** Column M of the table. */
const daneRequired = (lack: Lack, host?: Name): Trouble => ({
  action: 'defer',
  reason: 'dane-required',
  why: `DANE is demanded, but ${printLack(lack, host)}`,
  dsn: TLS_FAILED,
  ...(host && { host }),
  ...('cause' in lack && lack.cause && { fault: lack.cause }),
});

/** Without probe: what the plan allows if the host does its part. */
function asPlanned(plan: ContactPlan): Decision {
  const { host } = plan;
  switch (plan.tls) {
    case 'authenticate': {
      const why = `${printHost(host)} must show a certificate that ${oneOf(plan.records)} vouches for`;
      return plan.halfDane
        ? {
            action: 'deliver-half-dane',
            host,
            reason: 'half-dane',
            why: `${why}, but ${NAMED_INSECURELY}; nothing was probed`,
          }
        : {
            action: 'deliver-authenticated',
            host,
            reason: 'tlsa-usable',
            why: `${why}; nothing was probed`,
          };
    }
    case 'encrypt': {
      const why = `${printHost(host)} must speak TLS, since it has ${WHY_ENCRYPT[plan.why]}; nothing was probed`;
      return { action: 'deliver-encrypted', host, reason: plan.why, why };
    }
    case 'opportunistic': {
      const why = `${printLack(plan, host)}; nothing was probed`;
      return {
        action: 'deliver-opportunistically',
        host,
        reason: plan.why,
        why,
        channel: 'unknown',
      };
    }
  }
}

const oneOf = ({ length }: readonly unknown[]): string =>
  length === 1 ? 'its TLSA record' : `one of its ${length} TLSA records`;

/** The first address that will do, or the trouble with the last one. */
function atHost(plan: ContactPlan, probe: HostProbe | undefined, port: number): Decision {
  const { host } = plan;
  let last: Extract<Result, { kind: 'failed' }> | undefined;
  for (const attempt of probe?.attempts ?? []) {
    const result = weigh(plan, attempt);
    if (result.kind !== 'failed') return deliver(plan, attempt.address, result);
    // What is wrong with a certificate says more than a silent second address.
    if (last?.dsn === undefined || result.dsn !== undefined) last = result;
  }
  if (!last) {
    const why = `there was no time left to try ${printHost(host)}`;
    return { action: 'defer', host, reason: 'not-probed', why };
  }
  const { reason, why, dsn } = last;
  const trouble: Trouble = { action: 'defer', host, reason, why: `${printHost(host)}: ${why}` };
  if (dsn === undefined) return trouble;
  const owner = plan.tls === 'opportunistic' ? undefined : tlsaName(plan.baseDomain, port);
  return { ...trouble, dsn, ...(owner && { fault: { owner, type: 'TLSA' } }) };
}

function deliver(
  plan: ContactPlan,
  address: string,
  result: Exclude<Result, { kind: 'failed' }>,
): Decision {
  const { host } = plan;
  if (plan.tls === 'opportunistic') {
    const base = { action: 'deliver-opportunistically', host, address, reason: plan.why } as const;
    const because = printLack(plan, host);
    return result.kind === 'clear'
      ? { ...base, channel: 'clear', why: `${because}; in clear, for ${result.why}` }
      : { ...base, channel: 'tls', why: `${because}; over TLS, whatever the certificate` };
  }
  if (result.kind === 'authenticated') {
    const { by } = result;
    const why = `the certificate of ${printHost(host)} matches TLSA ${shorten(printTlsa(by))}`;
    const met = { host, address, by } as const;
    return plan.tls === 'authenticate' && plan.halfDane
      ? {
          action: 'deliver-half-dane',
          ...met,
          reason: 'half-dane',
          why: `${why}, but ${NAMED_INSECURELY}`,
        }
      : { action: 'deliver-authenticated', ...met, reason: 'tlsa-matches', why };
  }
  const reason = plan.tls === 'encrypt' ? plan.why : 'tlsa-unusable';
  const why = `${printHost(host)} has ${WHY_ENCRYPT[reason]}: TLS, whatever the certificate`;
  return { action: 'deliver-encrypted', host, address, reason, why };
}

/** Enough of a record to find it in a zone file. */
const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}...` : text);
