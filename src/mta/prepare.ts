/**
 * What stands between a next hop and the first connection: the look-ups, the plan, the domain's MTA-STS policy.
 *
 * Implements RFC 7672 section 2.2 as far as look-ups decide it. Does not: connect (ways.ts).
 * @module
 */
import { decide } from '../dane/decision.ts';
import type { NextHop } from '../dane/next-hop.ts';
import { type DeliveryPlan, type PlanOptions, planNextHop } from '../dane/plan.ts';
import { failed, type Lookup, type Outcome } from '../dnssec/outcome.ts';
import { daneForce, type Wish } from './demand.ts';
import type { DeliverParts, Message, Trip } from './errand.ts';
import type { StsFinding } from './mta-sts.ts';
import { type Met, sessionsOf } from './sessions.ts';
import { termsAt } from './terms.ts';
import type { Trouble } from './trouble.ts';

export type Prepared =
  | { readonly kind: 'ready'; readonly trip: Trip }
  /** There is nobody to contact: never, or not now. */
  | { readonly kind: 'refuse'; readonly trouble: Trouble }
  | {
      readonly kind: 'defer';
      readonly trouble: Trouble;
      /** Milliseconds since 1970: from then on the DNS may say something else. */
      readonly retryAt: number | undefined;
    };

/** Looks up and plans. Rejects only with the reason of `signal`. */
export async function prepare(
  nextHop: NextHop,
  given: DeliverParts,
  wish: Wish,
  purpose?: Message['purpose'],
): Promise<Prepared> {
  const parts = { ...given, terms: termsAt(given.terms, given.clock.now()) };
  const expiry = new Expiry();
  const lookup: Lookup = async (...question) => {
    const outcome = await parts.lookup(...question);
    expiry.note(outcome);
    return outcome;
  };
  const ask = () => planNextHop(nextHop, lookup, planOptions(parts, wish));
  const [plan, sts] = await Promise.all([ask(), findSts(nextHop, parts)]);
  const tell = teller(purpose, nextHop, parts, sts);
  tell({ kind: 'sts' });
  if (plan.kind !== 'deliver') {
    tell({ kind: 'no-hosts', plan });
    return endedBefore(plan, expiry);
  }
  const port = nextHop.port ?? SMTP_PORT;
  const retryAt = (): number | undefined => expiry.at;
  const isStale = (): boolean => expiry.at !== undefined && expiry.at <= parts.clock.now();
  const renew = async (): Promise<Trip['plan'] | Trouble> => {
    expiry.at = undefined;
    const renewed = await ask();
    return renewed.kind === 'deliver' ? renewed : endedBefore(renewed, expiry).trouble;
  };
  const asking = { isStale, renew, retryAt };
  const trip = { parts: { ...parts, lookup }, plan, port, wish, sts, tell, ...asking };
  return { kind: 'ready', trip };
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
  purpose: Message['purpose'],
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

/** Until when the TLSA records that were met say what they said; a failure, until when it is remembered. */
class Expiry {
  at: number | undefined;

  note(outcome: Outcome): void {
    if (outcome.question.type !== 'TLSA' && !failed(outcome)) return;
    this.at = Math.min(this.at ?? Number.POSITIVE_INFINITY, outcome.expiresAt);
  }
}

/** What the terms, and the message's own wish, ask of the look-ups. */
export function planOptions(
  { terms, families, signal }: Pick<DeliverParts, 'terms' | 'families' | 'signal'>,
  wish: Wish,
): PlanOptions {
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
function endedBefore(plan: DeliveryPlan, expiry: Expiry): Exclude<Prepared, { kind: 'ready' }> {
  const decision = decide(plan);
  switch (decision.action) {
    case 'refuse':
    case 'defer': {
      const { reason, why, dsn = '4.4.3' } = decision;
      const fault = 'fault' in decision ? decision.fault : undefined;
      const trouble: Trouble = { nature: 'lookup', reason, why, dsn, ...(fault && { fault }) };
      return decision.action === 'refuse'
        ? { kind: 'refuse', trouble }
        : { kind: 'defer', trouble, retryAt: expiry.at };
    }
    default:
      throw new Error(`${decision.action} without a host`);
  }
}
