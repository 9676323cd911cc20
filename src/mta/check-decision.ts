/**
 * What a sender does with mail for a destination on the operator's terms, with MTA-STS and by the message's own wish: the last
 * word of a check, made of the plan and of what the hosts have shown.
 *
 * The rules are those of a delivery, by the same functions: demand.ts, permit.ts, trouble.ts. Where DANE alone has decided, the
 * words are those of dane/decision.ts. Does not: look up, connect (check.ts), or send.
 * @module
 */
import { type Attempt, type ContactPlan, printContact, printHost } from '../dane/attempt.ts';
import { tlsaName } from '../dane/base-domain.ts';
import { type Decision, type DecisionReason, decide, withPassedOver } from '../dane/decision.ts';
import { printLack } from '../dane/lack.ts';
import type { DeliveryPlan, HostPlan } from '../dane/plan.ts';
import type { Name } from '../dns/name.ts';
import { type Demand, daneForce, type Exclusion, type StsStance, type Wish } from './demand.ts';
import { shut } from './meeting.ts';
import { overlooked, type Permission, permit, type Shown } from './permit.ts';
import type { Fate } from './smtp-session.ts';
import type { StsVerdict } from './sts-certificate.ts';
import type { Terms } from './terms.ts';
import {
  endOf,
  excluded,
  lacksRequireTls,
  neverBegan,
  OUT_OF_TIME,
  type Trouble,
  type TroubleReason,
  unreached,
} from './trouble.ts';

/** Why, as one word: those of DANE, of a trouble, and of what stands beside DANE. */
export type MailReason =
  | DecisionReason
  | TroubleReason
  /** TLSA records are looked at, and do not bind. */
  | 'dane-not-applied'
  | 'mta-sts'
  | 'requiretls'
  | 'tls-verify';

type Reasoned<D> = D extends Decision ? Omit<D, 'reason'> & { readonly reason: MailReason } : never;

export type MailDecision =
  | Reasoned<Decision>
  /** A public authority vouches for the certificate, where DANE has no word. */
  | {
      readonly action: 'deliver-trusted';
      readonly host: Name;
      /** Unless nothing was probed. */
      readonly address?: string;
      readonly reason: MailReason;
      readonly why: string;
    };

/** One connection, and what the authorities say of it, where somebody wants to know. */
export interface SeenAttempt extends Attempt {
  readonly byRoots?: StsVerdict;
  /** Where the message needs it: whether EHLO under TLS announces REQUIRETLS, or why that is not known. */
  readonly requireTls?: 'announced' | 'missing' | Fate;
}

/** One host: what it has to show, and what it has shown. */
export interface HostSight {
  readonly plan: HostPlan;
  /** Of the MTA-STS policy, where one counts. */
  readonly stance: StsStance | undefined;
  /** `undefined` for a host that is not to be contacted. */
  readonly demand: Demand | Exclusion | undefined;
  /** One for each address tried; `undefined` where nobody was to be connected to. */
  readonly attempts: readonly SeenAttempt[] | undefined;
  /** What DANE would have kept from this host, where DANE does not bind. */
  readonly lifted?: Trouble;
}

/** All that the decision depends on beside the hosts. */
export interface Scene {
  readonly plan: DeliveryPlan;
  readonly terms: Terms;
  readonly wish: Wish;
  readonly port: number;
}

export interface Decided {
  readonly decision: MailDecision;
  /** What DANE would have stopped, had it been binding. */
  readonly overlooked: readonly Trouble[];
}

type Deliver = Extract<DeliveryPlan, { kind: 'deliver' }>;
type Open = Scene & { readonly plan: Deliver };

/** Decides. Pure. */
export function decideMail(scene: Scene, sights: readonly HostSight[]): Decided {
  const { plan } = scene;
  if (plan.kind !== 'deliver') return { decision: decide(plan), overlooked: [] };
  const troubles: Trouble[] = [];
  const missed: Trouble[] = [];
  for (const sight of sights) {
    if (sight.lifted) missed.push(sight.lifted);
    const met = atHost(sight, { ...scene, plan });
    if (met.kind === 'stop') troubles.push(...met.troubles);
    else {
      const decision = withPassedOver(met.decision, troubles);
      return { decision, overlooked: [...missed, ...met.overlooked] };
    }
  }
  return { decision: allFailed({ ...scene, plan }, troubles), overlooked: missed };
}

function allFailed({ plan, wish }: Open, troubles: readonly Trouble[]): MailDecision {
  const { kind, trouble } = endOf(troubles, plan, wish);
  const { host, fault } = trouble;
  const { reason, why, dsn } = toldOf(trouble);
  if (kind === 'refuse' && reason === 'no-address') return { action: kind, reason, why, dsn };
  const others = plan.hosts.length - 1;
  const more = others === 0 ? '' : `; no other of the ${plan.hosts.length} hosts will do`;
  const told = { reason, why: `${why}${more}`, dsn };
  if (kind === 'refuse') return { action: kind, ...told };
  return { action: kind, ...told, ...(host && { host }), ...(fault && { fault }) };
}

const toldOf = ({ reason, why, dsn }: Trouble) => ({ reason, why, dsn });

type AtHost =
  | { readonly kind: 'stop'; readonly troubles: readonly Trouble[] }
  | ({ readonly kind: 'go' } & Decided);

function atHost({ plan, demand, attempts, lifted }: HostSight, scene: Open): AtHost {
  if (plan.tls === 'unreachable') {
    const trouble = unreached(scene.plan, plan, scene.port);
    return { kind: 'stop', troubles: [lifted ? { ...trouble, dsn: '4.4.3' } : trouble] };
  }
  if (demand?.kind === 'skip') return { kind: 'stop', troubles: [excluded(demand, plan.host)] };
  if (!demand)
    throw new TypeError(`demand: ${printHost(plan.host)} may be contacted, and has none`);
  if (!attempts) return { kind: 'go', decision: asPlanned(plan, demand, scene), overlooked: [] };
  const troubles: Trouble[] = [];
  for (const attempt of attempts) {
    const met = judgeAttempt(plan, demand, attempt, scene);
    if (met.kind === 'stop') troubles.push(met.trouble);
    else {
      const missed =
        demand.judge === 'dane' ? undefined : overlooked(met.shown, attempt.address, scene.terms);
      const decision = tell(plan, demand, { ...met, attempt }, scene);
      return { kind: 'go', decision, overlooked: missed ? [missed] : [] };
    }
  }
  if (attempts.length > 0) return { kind: 'stop', troubles };
  const why = `there was no time left to try ${printHost(plan.host)}`;
  return { kind: 'stop', troubles: [{ ...OUT_OF_TIME, why, host: plan.host }] };
}

type Judged =
  | { readonly kind: 'stop'; readonly trouble: Trouble }
  | { readonly kind: 'go'; readonly shown: Shown; readonly permission: Go };
type Go = Extract<Permission, { kind: 'go' }>;

/** Whether mail may go the way that one connection has shown. */
export function judgeAttempt(
  plan: ContactPlan,
  demand: Demand,
  seen: SeenAttempt,
  scene: Pick<Scene, 'port'>,
): Judged {
  const shown = showing(plan, demand, seen, scene);
  if ('nature' in shown) return { kind: 'stop', trouble: shown };
  const permission = permit(demand, shown);
  if (permission.kind === 'go') {
    const trouble = withoutRequireTls(plan, seen);
    return trouble ? { kind: 'stop', trouble } : { kind: 'go', shown, permission };
  }
  const { reason, why, dsn } = permission;
  const { host } = plan;
  const at = { nature: 'tls', host, address: seen.address } as const;
  const trouble: Trouble = { ...at, reason, why: `${printHost(host)}: ${why}`, dsn };
  if (demand.judge !== 'dane' || plan.tls === 'opportunistic') return { kind: 'stop', trouble };
  const owner = tlsaName(plan.baseDomain, scene.port);
  return {
    kind: 'stop',
    trouble: { ...trouble, ...(owner && { fault: { owner, type: 'TLSA' } }) },
  };
}

/** RFC 8689 section 4.2.1: a server that does not know it gets no such message. */
function withoutRequireTls({ host }: ContactPlan, seen: SeenAttempt): Trouble | undefined {
  const { address, requireTls = 'announced' } = seen;
  if (requireTls === 'announced') return undefined;
  return requireTls === 'missing'
    ? lacksRequireTls(host, address)
    : neverBegan(requireTls, host, address);
}

/** The connection as a delivery would have it; a check asks for TLS even where a delivery would not. */
function showing(
  plan: ContactPlan,
  { starttls, afterFailure }: Demand,
  { byRoots, requireTls: _, ...attempt }: SeenAttempt,
  scene: Pick<Scene, 'port'>,
): Shown | Trouble {
  const { contact } = attempt;
  if (contact.kind === 'handshake') {
    if (starttls === 'skip') return { plan, layer: 'clear' };
    return { plan, layer: 'tls', attempt, ...(byRoots && { byRoots }) };
  }
  const { trouble, isAboutTls } = shut(scene, plan, { ...attempt, contact });
  if (!isAboutTls) return trouble;
  if (starttls === 'skip') return { plan, layer: 'clear' };
  const isWithoutTls = contact.kind === 'no-starttls' || contact.kind === 'starttls-refused';
  const goesOn = afterFailure === 'in-clear' || (starttls === 'try' && isWithoutTls);
  return goesOn ? { plan, layer: 'clear', attempt } : trouble;
}

/** The plan as if this were its only host, of several. */
const alone = (host: HostPlan): Deliver => ({
  kind: 'deliver',
  route: { via: 'relay', domain: host.host, expanded: host.host, security: { status: 'secure' } },
  hosts: [host],
  surplus: 1,
});

/** Whether the plan for the host says all that is demanded of it. */
function isByPlan(plan: ContactPlan, demand: Demand, { terms, wish }: Scene): boolean {
  if (demand.judge === 'dane') return true;
  if (demand.judge !== 'nobody') return false;
  return plan.tls === 'opportunistic'
    ? demand.starttls === 'try'
    : daneForce(terms, wish) === 'binding';
}

function asPlanned(plan: ContactPlan, demand: Demand, scene: Open): MailDecision {
  if (isByPlan(plan, demand, scene)) return decide(alone(plan), undefined, scene);
  const { host } = plan;
  const { reason, because } = basisOf(plan, scene);
  const not = 'nothing was probed';
  if (demand.judge !== 'nobody') {
    const why = `${printHost(host)} must show a certificate that a trusted authority vouches for${byWhom(demand)}; ${not}`;
    return { action: 'deliver-trusted', host, reason: reasonFor(demand), why };
  }
  switch (demand.starttls) {
    case 'require':
      return {
        action: 'deliver-encrypted',
        host,
        reason,
        why: `${because}; ${MUST}, ${ofWhom(demand)}; ${not}`,
      };
    case 'try':
      return opportunistic(host, reason, 'unknown', `${because}; ${not}`);
    case 'skip':
      return opportunistic(host, reason, 'clear', `${because}; ${NO_TLS}; ${not}`);
  }
}

const MUST = 'TLS, which the operator demands';
const NO_TLS = 'in clear, for the operator wants no TLS';

/** Mail that is only encrypted says with what. */
const ofWhom = ({ judge }: Demand): string =>
  judge === 'authorities'
    ? 'with a certificate that a trusted authority has issued for another name'
    : 'whatever the certificate';

const opportunistic = (
  host: Name,
  reason: MailReason,
  channel: 'tls' | 'clear' | 'unknown',
  why: string,
) => ({ action: 'deliver-opportunistically', host, reason, channel, why }) as const;

/** Why DANE has no word here. */
function basisOf(
  plan: ContactPlan,
  { terms, wish }: Scene,
): { readonly reason: MailReason; readonly because: string } {
  if (plan.tls === 'opportunistic')
    return { reason: plan.why, because: printLack(plan, plan.host) };
  return { reason: 'dane-not-applied', because: whyNotApplied(terms, wish) };
}

/** A clause. */
export function whyNotApplied({ exception, audit, enableDane }: Terms, wish: Wish): string {
  if (exception) {
    const until = new Date(exception.expires).toISOString().slice(0, 10);
    return `DANE is reported and not applied until ${until} (${exception.reason})`;
  }
  if (audit) return 'DANE is reported and not applied (audit)';
  if (!enableDane) return 'DANE is looked at and not applied';
  return wish === 'optional'
    ? 'the message does without TLS (TLS-Required: No)'
    : 'DANE has no word on this host';
}

function byWhom({ for: reason, judge }: Demand): string {
  const name = judge === 'authorities' ? '' : ' under its name';
  switch (reason) {
    case 'sts':
      return `${name}, as the MTA-STS policy demands`;
    case 'requiretls':
      return `${name}, as REQUIRETLS demands`;
    case 'operator':
      return `${name}, as the operator demands`;
  }
}

const reasonFor = ({ for: reason }: Demand): MailReason => REASONS[reason];

const REASONS = {
  sts: 'mta-sts',
  requiretls: 'requiretls',
  operator: 'tls-verify',
} as const;

interface Allowed {
  readonly shown: Shown;
  readonly permission: Go;
  readonly attempt: SeenAttempt;
}

function tell(
  plan: ContactPlan,
  demand: Demand,
  { shown, permission, attempt }: Allowed,
  scene: Open,
): MailDecision {
  const { host } = plan;
  const { address } = attempt;
  if (isByPlan(plan, demand, scene))
    return decide(alone(plan), [{ host, attempts: [attempt] }], scene);
  const { reason, because } = basisOf(plan, scene);
  switch (permission.protection) {
    case 'sts':
    case 'authorities': {
      const why = `a trusted authority vouches for the certificate of ${printHost(host)}${byWhom(demand)}`;
      return { action: 'deliver-trusted', host, address, reason: reasonFor(demand), why };
    }
    case 'clear': {
      const met = shown.attempt?.contact;
      const clear = met && met.kind !== 'handshake' ? `in clear, for ${printContact(met)}` : NO_TLS;
      return { ...opportunistic(host, reason, 'clear', `${because}; ${clear}`), address };
    }
    default: {
      if (demand.starttls === 'require') {
        const why = `${because}; ${MUST}, ${ofWhom(demand)}`;
        return { action: 'deliver-encrypted', host, address, reason, why };
      }
      const why = `${because}; over TLS, ${ofWhom(demand)}`;
      return { ...opportunistic(host, reason, 'tls', why), address };
    }
  }
}
