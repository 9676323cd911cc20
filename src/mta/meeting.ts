/**
 * One connection to one address of a host, with everything looked at that a permission may rest on.
 *
 * The certificate is judged before a byte is said under TLS. Does not: decide (permit.ts), or send.
 * @module
 */
import {
  type Attempt,
  CONTACTS,
  type ContactPlan,
  type Met,
  printContact,
  printHost,
} from '../dane/attempt.ts';
import { tlsaName } from '../dane/base-domain.ts';
import { type VerifyOptions, verifyPeer } from '../dane/verify.ts';
import type { Channel } from '../tls/channel.ts';
import type { Failure } from '../tls/failure.ts';
import type { Reply } from '../tls/smtp.ts';
import type { Opened } from './contact.ts';
import type { Demand } from './demand.ts';
import type { Trip } from './errand.ts';
import type { StsFinding } from './mta-sts.ts';
import { failedAtTls, type Shown } from './permit.ts';
import { refusedStatus } from './smtp-session.ts';
import { judgeSts, type StsPeer, type StsVerdict } from './sts-certificate.ts';
import type { Terms } from './terms.ts';
import { NETWORK_DSN, type Trouble } from './trouble.ts';

export type Meeting =
  | {
      readonly kind: 'met';
      readonly shown: Shown;
      readonly channel: Channel;
      /** The answer to EHLO, where it has been said. */
      readonly hello?: Reply;
    }
  | {
      readonly kind: 'shut';
      readonly trouble: Trouble;
      /** The server takes part in SMTP; what failed is its TLS. */
      readonly isAboutTls: boolean;
    };

/** Where and how to connect. */
export interface Call {
  readonly plan: ContactPlan;
  readonly address: string;
  readonly demand: Demand;
}

export async function meet(trip: Trip, call: Call): Promise<Meeting> {
  const { clock } = trip.parts;
  const { plan } = call;
  const start = clock.now();
  const opened = await connect(trip, call);
  const when = { now: clock.now(), start };
  switch (opened.kind) {
    case 'shut': {
      const attempt = { ...attemptAt(trip, call, opened.failure, when), contact: opened.failure };
      trip.tell({ kind: 'attempt', plan, attempt });
      return shut(trip, plan, attempt);
    }
    case 'clear': {
      const { channel, hello, why } = opened;
      // Of a session that was in clear because we wanted no TLS there is nothing to report.
      if (why === 'not-asked')
        return { kind: 'met', shown: { plan, layer: 'clear' }, channel, hello };
      const attempt = attemptAt(trip, call, why, when);
      trip.tell({ kind: 'attempt', plan, attempt });
      return { kind: 'met', shown: { plan, layer: 'clear', attempt }, channel, hello };
    }
    case 'tls': {
      const { channel, met } = opened;
      const attempt = attemptAt(trip, call, met, when);
      const byRoots = judgeByRoots(trip, call, met.chain, when.now);
      trip.tell({ kind: 'attempt', plan, attempt, ...(byRoots && { stsVerdict: byRoots }) });
      const shown: Shown = { plan, layer: 'tls', attempt, ...(byRoots && { byRoots }) };
      return { kind: 'met', shown, channel };
    }
  }
}

function connect({ parts, port }: Trip, { plan, address, demand }: Call): Promise<Opened> {
  const { clientName, dial, stepMs, totalMs, signal } = parts;
  const serverName = printHost(plan.tls === 'opportunistic' ? plan.host : plan.baseDomain);
  return parts.connect(
    { ip: address, port },
    {
      clientName,
      serverName,
      starttls: demand.starttls,
      ...(dial && { dial }),
      ...(stepMs !== undefined && { stepMs }),
      ...(totalMs !== undefined && { totalMs }),
      ...(signal && { signal }),
    },
  );
}

interface When {
  readonly now: number;
  readonly start: number;
}

function attemptAt(
  { parts }: Trip,
  { plan, address }: Call,
  contact: Met,
  { now, start }: When,
): Attempt {
  const base = { address, contact, milliseconds: now - start };
  if (contact.kind !== 'handshake' || plan.tls !== 'authenticate') return base;
  const { records, names } = plan;
  const options = verifyOptions(parts.terms);
  return { ...base, verdict: verifyPeer({ records, names, chain: contact.chain, now, options }) };
}

function judgeByRoots(
  { parts, sts }: Trip,
  { plan, demand }: Call,
  chain: readonly Uint8Array[],
  now: number,
): StsVerdict | undefined {
  if (!needsRoots(demand, sts)) return undefined;
  const { roots = [], terms } = parts;
  return judgeSts({ chain, host: plan.host, roots, now, ...rulesOf(terms) });
}

/** Whether somebody wants to know what the authorities say: the demand, or a report about the MTA-STS policy. */
export const needsRoots = ({ judge }: Demand, { kind }: StsFinding): boolean =>
  (judge !== 'dane' && judge !== 'nobody') || kind === 'policy';

/** How the operator has certificates read. */
export const rulesOf = ({
  minimumRsaBits,
  sha1,
}: Terms): Pick<StsPeer, 'minimumRsaBits' | 'sha1'> => ({
  ...(minimumRsaBits !== undefined && { minimumRsaBits }),
  ...(sha1 && { sha1 }),
});

export const verifyOptions = (terms: Terms): VerifyOptions => ({
  ...(terms.digestOrder && { digests: terms.digestOrder }),
  ...rulesOf(terms),
});

/** What it comes to that a connection brought neither TLS nor what may follow without. */
export function shut(
  { port }: Pick<Trip, 'port'>,
  plan: ContactPlan,
  attempt: Attempt & { contact: Failure },
): Extract<Meeting, { kind: 'shut' }> {
  const { address, contact } = attempt;
  const isAboutTls = failedAtTls(plan, attempt);
  const owner = plan.tls === 'opportunistic' ? undefined : tlsaName(plan.baseDomain, port);
  const trouble: Trouble = {
    nature: isAboutTls ? 'tls' : 'network',
    reason: contact.kind,
    why: `${printHost(plan.host)}: ${printContact(contact)}`,
    dsn: dsnOf(contact),
    host: plan.host,
    address,
    ...(isAboutTls && owner && { fault: { owner, type: 'TLSA' } }),
  };
  return { kind: 'shut', trouble, isAboutTls };
}

/** A refusal before STARTTLS says why itself; it counts as temporary, whatever its class. */
function dsnOf(contact: Failure): string {
  if (contact.kind === 'smtp-refused') return refusedStatus(contact);
  if ('during' in contact && contact.during === 'handshake') return '4.7.5';
  return CONTACTS[contact.kind].dsn ?? NETWORK_DSN[contact.kind] ?? '4.4.0';
}
