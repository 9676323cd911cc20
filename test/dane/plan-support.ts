/**
 * A delivery plan as the real resolver and validator make it, on zones of a test's own, and what comes of it at real
 * servers on loopback.
 */
import type { Test } from 'tap';
import { type Checked, checkDestination } from '../../src/dane/check.ts';
import {
  type DeliveryPlan,
  type HostPlan,
  type PlanOptions,
  planDelivery,
} from '../../src/dane/plan.ts';
import { printTlsa } from '../../src/dane/tlsa.ts';
import { Name } from '../../src/dns/name.ts';
import type { Resolver, ResolverOptions } from '../../src/resolver/resolver.ts';
import { type Amendment, type Internet, internet, type Zones } from '../../src/testing/index.ts';
import { type MailHostDescription, startMailHost } from '../../src/testing/mailhost.ts';
import { resolverOn } from '../resolver/support.ts';
import { plain } from './fake-lookup.ts';
import { I, L, NOW, tlsa, U } from './matcher-support.ts';

/** TLSA records of the cast of matcher-support.ts: the key of L, the authority I, and what matches nothing. */
export const EE = `TLSA ${printTlsa(tlsa(3, 1, 1, L))}`;
export const TA = `TLSA ${printTlsa(tlsa(2, 0, 1, I))}`;
export const WRONG = `TLSA ${printTlsa(tlsa(3, 1, 1, U))}`;
/** PKIX-EE: RFC 7672 section 3.1.3 makes it unusable for SMTP. */
export const UNUSABLE = `TLSA ${printTlsa(tlsa(1, 1, 1, L))}`;

export interface Case {
  readonly zones: Zones;
  readonly amend?: Readonly<Record<string, readonly Amendment[]>>;
  readonly domain?: string;
  readonly terms?: PlanOptions;
  readonly resolver?: (net: Internet) => Partial<ResolverOptions>;
}

export interface Planned {
  readonly net: Internet;
  readonly resolver: Resolver;
  readonly plan: DeliveryPlan;
  /** One line for the plan, or one for each host. */
  readonly words: readonly string[];
  /** The TLSA questions that reached a server, each once, in order. */
  readonly tlsaAsked: readonly string[];
}

export const DOMAIN = 'example.com';

export function open({ zones, amend = {}, resolver }: Case) {
  const net = internet(zones, { now: NOW });
  for (const [zone, amendments] of Object.entries(amend)) net.amend(zone, ...amendments);
  return { net, resolver: resolverOn(net, resolver?.(net) ?? {}) };
}

export async function planned(one: Case): Promise<Planned> {
  const { net, resolver } = open(one);
  const plan = await planDelivery(Name.parse(one.domain ?? DOMAIN), resolver.lookup, one.terms);
  return { net, resolver, plan, words: show(plan), tlsaAsked: tlsaAsked(net) };
}

/** What the plan comes to. */
export const words = async (one: Case): Promise<readonly string[]> => (await planned(one)).words;

export const tlsaAsked = (net: Internet): readonly string[] => [
  ...new Set(net.log.flatMap(({ type, name }) => (type === 'TLSA' ? [plain(name)] : []))),
];

export function show(plan: DeliveryPlan): readonly string[] {
  if (plan.kind !== 'deliver')
    return [`${plan.kind} ${plan.why}${'lack' in plan ? `: ${plan.lack.why}` : ''}`];
  return plan.hosts.map((host) => `${plain(host.host)}: ${showHost(host)}`);
}

function showHost(plan: HostPlan): string {
  if (plan.tls !== 'authenticate') {
    const lack = 'lack' in plan ? `: ${plan.lack.why}` : '';
    const reason = 'reason' in plan ? ` (${plan.reason})` : '';
    const step = 'step' in plan ? ` (${plan.step})` : '';
    return `${plan.tls} ${plan.why}${lack}${reason}${step}`;
  }
  const word = plan.halfDane ? 'half-dane' : 'authenticate';
  return `${word} ${plain(plan.baseDomain)} as ${plan.names.map(plain).join(' ')}`;
}

/** What listens at an address of the internet in memory; nobody, where there is none. */
export type Servers = Readonly<Record<string, Omit<MailHostDescription, 'name'>>>;

/** Plans, shakes hands with real servers, and decides. */
export async function checked(t: Test, one: Case, servers: Servers = {}): Promise<Checked> {
  const { resolver } = open(one);
  const ports = new Map<string, number>();
  for (const [ip, description] of Object.entries(servers)) {
    const host = await startMailHost({ name: 'mx', ...description });
    t.teardown(() => host.close());
    ports.set(ip, host.address.port);
  }
  const { halfDane = 'dane', mandatory = false, port = 25 } = one.terms ?? {};
  return checkDestination(Name.parse(one.domain ?? DOMAIN), {
    lookup: resolver.lookup,
    halfDane,
    mandatory,
    port,
    probe: {
      clientName: 'client.example',
      now: Date.now,
      // Port 1 of loopback: nobody listens there.
      dial: ({ ip }) => ({ ip: '127.0.0.1', port: ports.get(ip) ?? 1 }),
    },
  });
}

/** `defer mx.example.com dane-no-match 4.7.5`: action, host, reason and code, as far as there are. */
export function told({ decision }: Checked): string {
  const host = 'host' in decision && decision.host ? plain(decision.host) : '';
  const channel = 'channel' in decision ? decision.channel : '';
  const dsn = 'dsn' in decision ? (decision.dsn ?? '') : '';
  return [decision.action, channel, host, decision.reason, dsn]
    .filter((word) => word !== '')
    .join(' ');
}
