/**
 * Sends one message to one next hop: looks up, plans, tries every address of every host with the full check, and says what
 * became of each recipient.
 *
 * Implements RFC 7672 section 2.2 and RFC 8689 section 4.2 as the decision table joins them with the operator's terms. No
 * verdict outlives its connection, and no TLS session is resumed. Does not: keep a queue (queue.ts), write bounces, or send
 * one message to two next hops.
 * @module
 */
import { decide } from '../dane/decision.ts';
import type { NextHop } from '../dane/next-hop.ts';
import { type DeliveryPlan, type PlanOptions, planNextHop } from '../dane/plan.ts';
import { failed, type Lookup, type Outcome } from '../dnssec/outcome.ts';
import { type Delivered, deferredAll, failedAll } from './delivered.ts';
import { daneForce, type Wish } from './demand.ts';
import type { DeliverParts, Message } from './errand.ts';
import { travel } from './journey.ts';
import { checkMailbox, readLetter } from './letter.ts';
import type { StsFinding } from './mta-sts.ts';
import { type Met, sessionsOf } from './sessions.ts';
import { termsAt } from './terms.ts';
import type { Trouble } from './trouble.ts';

/**
 * Delivers. Rejects only for a caller's mistake, or with the reason of `signal` while it looks up.
 *
 * @throws TypeError when an address cannot stand in an envelope, or there is no recipient
 */
export async function deliver(
  message: Message,
  nextHop: NextHop,
  given: DeliverParts,
): Promise<Delivered> {
  checkEnvelope(message);
  const letter = readLetter(message.data);
  if (letter.kind === 'bare') return failedAll(message, bare(letter));
  const parts = { ...given, terms: termsAt(given.terms, given.clock.now()) };
  const wish = wishOf(message);
  const expiry = new Expiry();
  const lookup: Lookup = async (...question) => {
    const outcome = await parts.lookup(...question);
    expiry.note(outcome);
    return outcome;
  };
  const [plan, sts] = await Promise.all([
    planNextHop(nextHop, lookup, planOptions(parts, wish)),
    findSts(nextHop, parts),
  ]);
  const tell = teller(message, nextHop, parts, sts);
  tell({ kind: 'sts' });
  if (plan.kind !== 'deliver') {
    tell({ kind: 'no-hosts', plan });
    return endedBefore(message, plan, expiry);
  }
  return travel({
    parts: { ...parts, lookup },
    message,
    letter,
    plan,
    port: nextHop.port ?? SMTP_PORT,
    wish,
    sts,
    tell,
    retryAt: () => expiry.at,
  });
}

/** RFC 5321 section 4.5.4.2. */
const SMTP_PORT = 25;

const NO_STS: StsFinding = { kind: 'none' };

/** The domain's own, or that of the relay that the operator names (RFC 8461 section 3.4); an address has none. */
function findSts(nextHop: NextHop, { sts, terms, signal }: DeliverParts): Promise<StsFinding> {
  if (nextHop.kind === 'literal' || !sts || terms.mtaSts === 'off') return Promise.resolve(NO_STS);
  return sts.find(nextHop.name, signal);
}

/** An address has no policy domain, so no report tells of it. */
function teller(
  { purpose }: Message,
  nextHop: NextHop,
  { met: hear, report, clock }: DeliverParts,
  sts: StsFinding,
): (met: Met) => void {
  return (met) => {
    if (hear) tellAnyway(hear, met);
    if (!report || nextHop.kind === 'literal') return;
    const { name: domain } = nextHop;
    const circumstances = { domain, sts, at: clock.now(), ...(purpose && { purpose }) };
    for (const session of sessionsOf(met, circumstances)) tellAnyway(report, session);
  };
}

/**
 * A listener that throws keeps no mail: who never hears that a recipient has been served would serve him again, and the
 * connection would stay open.
 */
function tellAnyway<T>(listener: (told: T) => void, told: T): void {
  try {
    listener(told);
  } catch {
    // the listener's own business
  }
}

function checkEnvelope({ from, to }: Message): void {
  if (from !== '') checkMailbox(from, 'return path');
  if (to.length === 0) throw new TypeError('to: there is no recipient');
  for (const recipient of to) checkMailbox(recipient, 'recipient');
}

const bare = ({ character, at }: { character: string; at: number }): Trouble => ({
  nature: 'mail',
  reason: 'bare-cr-or-lf',
  why: `octet ${at} of the message is a ${character} that stands alone`,
  dsn: '5.6.0',
});

/** RFC 8689 section 4.1: beside REQUIRETLS the header field is ignored. */
function wishOf({ requireTls, tlsRequired, purpose }: Message): Wish {
  if (requireTls) return 'required';
  return tlsRequired === 'no' || purpose === 'tls-report' ? 'optional' : 'as-usual';
}

/** Until when the TLSA records that were met say what they said; a failure, until when it is remembered. */
class Expiry {
  at: number | undefined;

  note(outcome: Outcome): void {
    if (outcome.question.type !== 'TLSA' && !failed(outcome)) return;
    this.at = Math.min(this.at ?? Number.POSITIVE_INFINITY, outcome.expiresAt);
  }
}

function planOptions({ terms, families, signal }: DeliverParts, wish: Wish): PlanOptions {
  const force = daneForce(terms, wish);
  return {
    dane: force === 'off' ? 'off' : 'on',
    halfDane: terms.halfDane,
    mandatory: terms.mandatoryDane && force === 'binding',
    ...(families && { families }),
    ...(signal && { signal }),
  };
}

/** Nobody was to be contacted. */
function endedBefore(message: Message, plan: DeliveryPlan, expiry: Expiry): Delivered {
  const decision = decide(plan);
  switch (decision.action) {
    case 'refuse':
    case 'defer': {
      const { reason, why, dsn = '4.4.3' } = decision;
      const fault = 'fault' in decision ? decision.fault : undefined;
      const trouble: Trouble = { nature: 'lookup', reason, why, dsn, ...(fault && { fault }) };
      return decision.action === 'refuse'
        ? failedAll(message, trouble)
        : deferredAll(message, trouble, expiry.at);
    }
    default:
      throw new Error(`${decision.action} without a host`);
  }
}
