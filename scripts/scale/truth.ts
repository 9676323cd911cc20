/**
 * What a delivery plan ought to say, and what one that says something else got wrong.
 *
 * Packet loss may make a decision wait: a deferred delivery, or a host that is not to be contacted now, for a reason
 * whose status is indeterminate. It may change nothing else. Does not: plan, or look anything up.
 * @module
 */
import type { DeliveryPlan, HostPlan } from '../../src/dane/plan.ts';
import { explain, type FailureReason } from '../../src/dnssec/reason.ts';

/** What the plan of one host comes to: its TLS, and why where it is opportunistic. */
export type HostTruth = 'authenticate' | 'no-tlsa' | 'insecure-mx' | 'insecure-address';

export type Truth =
  /** By the text of the host's name. */
  | { readonly kind: 'hosts'; readonly hosts: ReadonlyMap<string, HostTruth> }
  | { readonly kind: 'refused'; readonly why: 'null-mx' | 'no-such-domain' };

export type Mistake =
  /** Something of it is to be authenticated and the plan does without. */
  | 'downgraded'
  /** The plan authenticates by what was never proved. */
  | 'upgraded'
  /** What could not be had was taken for what does not exist. */
  | 'absent'
  /** A network fault was taken for a forgery. */
  | 'bogus'
  /** The right thing for another reason, or a refusal where there is none. */
  | 'other';

export type Judged =
  | { readonly kind: 'right' }
  | { readonly kind: 'delayed'; readonly why: FailureReason }
  | { readonly kind: 'wrong'; readonly mistake: Mistake; readonly what: string };

export function judgePlan(plan: DeliveryPlan, truth: Truth): Judged {
  switch (plan.kind) {
    case 'defer':
      if (plan.why === 'dane-required') return wrong('other', plan.why);
      return failedBy(plan.why, 'the domain');
    case 'refused': {
      const isTrue = truth.kind === 'refused' && truth.why === plan.why;
      return isTrue ? RIGHT : wrong('absent', `refused: ${plan.why}`);
    }
    case 'deliver':
      if (truth.kind === 'refused') return wrong('other', `hosts where it is ${truth.why}`);
      return judgeHosts(plan.hosts, truth.hosts);
  }
}

function judgeHosts(hosts: readonly HostPlan[], truth: ReadonlyMap<string, HostTruth>): Judged {
  const judged = hosts.map((host) => judgeHost(host, truth.get(String(host.host))));
  const worst =
    judged.find(({ kind }) => kind === 'wrong') ?? judged.find(({ kind }) => kind === 'delayed');
  if (worst) return worst;
  const names = hosts.map(({ host }) => String(host));
  const lost = [...truth.keys()].filter((name) => !names.includes(name));
  return lost.length === 0 ? RIGHT : wrong('absent', `without ${lost.join(', ')}`);
}

function judgeHost(plan: HostPlan, truth: HostTruth | undefined): Judged {
  const { host, tls } = plan;
  if (truth === undefined) return wrong('other', `${host} is no host of it`);
  switch (tls) {
    case 'unreachable':
      if (plan.why === 'no-address') return wrong('absent', `${host} without address`);
      if (plan.why === 'dane-required') return wrong('other', `${host}: ${plan.why}`);
      return failedBy(plan.why, String(host));
    case 'authenticate':
      return truth === 'authenticate' ? RIGHT : wrong('upgraded', `${host} is ${truth}`);
    case 'encrypt':
      return wrong('other', `${host}: ${plan.why}`);
    case 'opportunistic':
      if (plan.why === truth) return RIGHT;
      return wrong(
        truth === 'authenticate' ? 'downgraded' : 'other',
        `${host}: ${plan.why} where it is ${truth}`,
      );
  }
}

function failedBy(why: FailureReason | 'no-address', where: string): Judged {
  if (why === 'no-address') return wrong('absent', where);
  return explain(why).status === 'bogus'
    ? wrong('bogus', `${where}: ${why}`)
    : { kind: 'delayed', why };
}

const RIGHT: Judged = { kind: 'right' };
const wrong = (mistake: Mistake, what: string): Judged => ({ kind: 'wrong', mistake, what });
