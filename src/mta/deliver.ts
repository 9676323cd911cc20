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
import { type DeliveryPlan, planDelivery } from '../dane/plan.ts';
import type { Name } from '../dns/name.ts';
import { failed, type Lookup, type Outcome } from '../dnssec/outcome.ts';
import { type Delivered, deferredAll, failedAll } from './delivered.ts';
import { daneForce, type Wish } from './demand.ts';
import type { DeliverParts, Message } from './errand.ts';
import { travel } from './journey.ts';
import { checkMailbox, readLetter } from './letter.ts';
import type { StsFinding } from './mta-sts.ts';
import { literalName, type NextHop } from './next-hop.ts';
import { type Met, sessionsOf } from './sessions.ts';
import type { Trouble } from './trouble.ts';

/**
 * Delivers. Rejects only for a caller's mistake, or with the reason of `signal` while it looks up.
 *
 * @throws TypeError when an address cannot stand in an envelope, or there is no recipient
 */
export async function deliver(
  message: Message,
  nextHop: NextHop,
  parts: DeliverParts,
): Promise<Delivered> {
  checkEnvelope(message);
  const letter = readLetter(message.data);
  if (letter.kind === 'bare') return failedAll(message, bare(letter));
  const wish = wishOf(message);
  const isMandatory = parts.terms.mandatoryDane && daneForce(parts.terms, wish) === 'binding';
  if (nextHop.kind === 'address' && isMandatory) return deferredAll(message, NO_DANE_FOR_ADDRESSES);
  const expiry = new Expiry();
  const lookup = lookupFor(parts, wish, expiry);
  const finding = findSts(nextHop, parts);
  const plan = await planHop(nextHop, lookup, parts, isMandatory);
  const sts = await finding;
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
    port: nextHop.port,
    wish,
    sts,
    tell,
    retryAt: () => expiry.at,
  });
}

function domainOf(nextHop: NextHop): Name | undefined {
  switch (nextHop.kind) {
    case 'domain':
      return nextHop.domain;
    case 'host':
      return nextHop.host;
    case 'address':
      return undefined;
  }
}

const NO_STS: StsFinding = { kind: 'none' };

/** Policies are the domain's own (RFC 8461 section 3); a relay that the operator names has none. */
function findSts(nextHop: NextHop, { sts, terms, signal }: DeliverParts): Promise<StsFinding> {
  if (nextHop.kind !== 'domain' || !sts || terms.mtaSts === 'off') return Promise.resolve(NO_STS);
  return sts.find(nextHop.domain, signal);
}

/** An address has no policy domain, so no report tells of it. */
function teller(
  { purpose }: Message,
  nextHop: NextHop,
  { met: hear, report, clock }: DeliverParts,
  sts: StsFinding,
): (met: Met) => void {
  const reported = domainOf(nextHop);
  return (met) => {
    hear?.(met);
    if (!report || !reported) return;
    const circumstances = { domain: reported, sts, at: clock.now(), ...(purpose && { purpose }) };
    for (const session of sessionsOf(met, circumstances)) report(session);
  };
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

/** Row 36 of the decision table, column M. */
const NO_DANE_FOR_ADDRESSES: Trouble = {
  nature: 'tls',
  reason: 'dane-required',
  why: 'DANE is demanded, but the next hop is an address, which DANE cannot speak of',
  dsn: '4.7.5',
};

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

function lookupFor({ lookup, terms }: DeliverParts, wish: Wish, expiry: Expiry): Lookup {
  const isOff = daneForce(terms, wish) === 'off';
  return async (name, type, options) => {
    if (isOff && type === 'TLSA') return neverAsked(name);
    const outcome = await lookup(name, type, options);
    expiry.note(outcome);
    return outcome;
  };
}

/** With `use_dane` off no TLSA question leaves. */
const neverAsked = (name: Name): Outcome => ({
  status: 'insecure',
  reason: 'no-ds-proven',
  answer: { kind: 'not-asked' },
  question: { name, type: 'TLSA' },
  aliases: [],
  trace: [],
  spent: { queries: 0, bytes: 0, signatures: 0, hashes: 0, milliseconds: 0 },
  expiresAt: Number.POSITIVE_INFINITY,
});

function planHop(
  nextHop: NextHop,
  lookup: Lookup,
  { terms, families, signal }: DeliverParts,
  mandatory: boolean,
): Promise<DeliveryPlan> {
  const { port } = nextHop;
  const options = {
    port,
    halfDane: terms.halfDane,
    mandatory,
    ...(families && { families }),
    ...(signal && { signal }),
  };
  switch (nextHop.kind) {
    case 'domain':
      return planDelivery(nextHop.domain, lookup, options);
    case 'host':
      return planDelivery(nextHop.host, lookup, { ...options, mx: 'skip' });
    case 'address':
      return Promise.resolve(planLiteral(nextHop.address));
  }
}

/** An address in place of a name: no TLSA record can speak of it. */
function planLiteral(address: string): DeliveryPlan {
  const host = literalName(address);
  return {
    kind: 'deliver',
    route: { via: 'relay', domain: host, expanded: host, security: { status: 'secure' } },
    hosts: [
      { tls: 'opportunistic', host, preference: undefined, addresses: [address], why: 'no-tlsa' },
    ],
    surplus: 0,
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
