/**
 * What the next connection to a host has to show before mail goes: made of the host's plan, the operator's terms, the
 * domain's MTA-STS policy and the message's own wish.
 *
 * Implements RFC 7672 section 2.2 (secure TLSA records oblige to TLS, whatever else is configured), RFC 8461 section 2 and
 * section 5 (MTA-STS beside DANE: it never rescues, and it may add) and RFC 8689 section 4.2. Does not: judge what a host
 * shows (permit.ts).
 * @module
 */
import type { ContactPlan } from '../dane/attempt.ts';
import type { Opportunistic, Unreachable } from '../dane/plan.ts';
import type { OpenOptions } from '../tls/connect.ts';
import type { Terms } from './terms.ts';

/** RFC 8689: REQUIRETLS, `TLS-Required: No`, or neither. */
export type Wish = 'as-usual' | 'required' | 'optional';

/** What MTA-STS says of one host. */
export interface StsStance {
  readonly mode: 'enforce' | 'testing';
  readonly host: 'listed' | 'not-listed';
}

/** Everything but the host's own plan. */
export interface Standing {
  readonly terms: Terms;
  readonly wish: Wish;
  /** Of the MX records, or of the proof that there are none. */
  readonly route: 'secure' | 'insecure';
  readonly sts: StsStance | undefined;
}

/** Who has the last word on the certificate: the TLSA records, the authorities, those and the host's name, or nobody. */
export type Judge = 'dane' | 'authorities' | 'authorities-and-name' | 'nobody';

export interface Demand {
  readonly kind: 'contact';
  readonly starttls: OpenOptions['starttls'];
  /** Whether a connection in clear follows a handshake that failed. */
  readonly afterFailure: 'next-address' | 'in-clear';
  readonly judge: Judge;
  /** What authorities and name are checked for. */
  readonly for: 'sts' | 'requiretls' | 'operator';
}

/** Mail does not go to this host, whatever it shows. */
export interface Exclusion {
  readonly kind: 'skip';
  readonly why: 'sts-mx-mismatch' | 'mx-not-validated';
}

/** How far DANE counts: the records bind, are judged for the report alone, or are not looked at. */
export type DaneForce = 'binding' | 'reported' | 'off';

/** `mandatory_dane` is no wish: it holds even where somebody has forgotten to switch DANE on. */
export function daneForce(terms: Terms, wish: Wish): DaneForce {
  if (!terms.useDane && !terms.mandatoryDane) return 'off';
  const isLifted = wish === 'optional' && !keepsMandatory(terms);
  if (terms.audit || isLifted) return 'reported';
  return terms.enableDane || terms.mandatoryDane ? 'binding' : 'reported';
}

/** RFC 8689 section 3 speaks of policies asserted by the recipient's domain; an operator may keep his own. */
const keepsMandatory = ({ tlsRequiredNo, mandatoryDane }: Terms): boolean =>
  tlsRequiredNo === 'keeps-mandatory' && mandatoryDane;

export function demandOf(plan: ContactPlan, standing: Standing): Demand | Exclusion {
  const { terms, wish, route, sts } = standing;
  const isBound = daneForce(terms, wish) === 'binding';
  if (wish === 'required' && route === 'insecure' && sts?.host !== 'listed')
    return { kind: 'skip', why: 'mx-not-validated' };
  const byDane = isBound && plan.tls === 'authenticate';
  const stsCounts = sts?.mode === 'enforce' && wish !== 'optional';
  // Who forges unsigned MX records may have TLSA records for the host that he names: then the list is all there is.
  const isProven = byDane && !plan.halfDane;
  if (stsCounts && sts.host === 'not-listed' && (terms.stsMxFilter || !isProven))
    return { kind: 'skip', why: 'sts-mx-mismatch' };
  if (byDane) return strict('dane', 'operator');
  if (stsCounts) return strict('authorities-and-name', 'sts');
  if (wish === 'required') return strict('authorities-and-name', 'requiretls');
  if (isBound && plan.tls === 'encrypt') return strict('nobody', 'operator');
  if (wish === 'optional' && terms.tlsRequiredNo === 'overrides-mandatory') return LENIENT;
  return byTerms(terms);
}

const strict = (judge: Judge, reason: Demand['for']): Demand => ({
  kind: 'contact',
  starttls: 'require',
  afterFailure: 'next-address',
  judge,
  for: reason,
});

/** RFC 8689 section 4.2.2: TLS if possible, and never a failure for the want of it. */
const LENIENT: Demand = {
  kind: 'contact',
  starttls: 'try',
  afterFailure: 'in-clear',
  judge: 'nobody',
  for: 'operator',
};

/** Where neither DANE nor MTA-STS has spoken. */
function byTerms({ tls, tlsVerify, tlsIfavailableFallback }: Terms): Demand {
  const judge = JUDGES[tlsVerify];
  switch (tls) {
    case 'no':
      return { ...LENIENT, starttls: 'skip' };
    case 'required':
      return strict(judge, 'operator');
    case 'ifavailable':
      return {
        ...LENIENT,
        judge,
        afterFailure: tlsIfavailableFallback ? 'in-clear' : 'next-address',
      };
  }
}

const JUDGES: Readonly<Record<Terms['tlsVerify'], Judge>> = {
  no: 'nobody',
  optional: 'nobody',
  ca: 'authorities',
  host: 'authorities-and-name',
};

/** A host that DANE keeps from being contacted may be where DANE does not bind: as if there were no DANE. */
export const isLetGo = (planned: Unreachable, terms: Terms, wish: Wish): boolean =>
  (planned.why === 'dane-required' || ('step' in planned && planned.step === 'tlsa')) &&
  daneForce(terms, wish) !== 'binding';

/** The same host as if it had no TLSA records. */
export const withoutDane = ({
  host,
  preference,
  addresses,
}: Pick<ContactPlan, 'host' | 'preference' | 'addresses'>): Opportunistic => ({
  tls: 'opportunistic',
  host,
  preference,
  addresses,
  why: 'no-tlsa',
});
