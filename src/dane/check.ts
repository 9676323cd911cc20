/**
 * One call for one destination: look up, plan, probe, decide; with every outcome that the verdict rests on.
 *
 * Does not: know where answers come from (a `Lookup` is given), or print.
 * @module
 */
import { Name } from '../dns/name.ts';
import type { Lookup, Outcome } from '../dnssec/outcome.ts';
import { type Decision, decide } from './decision.ts';
import type { NextHop } from './next-hop.ts';
import { type DeliveryPlan, type HostPlan, type PlanOptions, planNextHop } from './plan.ts';
import { type HostProbe, type ProbeOptions, probeHost } from './probe.ts';

export interface CheckOptions extends Pick<PlanOptions, 'halfDane' | 'mandatory'> {
  readonly lookup: Lookup;
  /** How to connect to the mail hosts, or that nobody shall. */
  readonly probe: ProbeOptions | 'none';
  /** Of the SMTP servers: 25 where it is left out. */
  readonly port?: number;
  /** Ends look-ups with a rejection, and probes early. */
  readonly signal?: AbortSignal;
}

export interface Checked {
  /** The next-hop domain; an address as a name where the next hop is one. */
  readonly domain: Name;
  readonly plan: DeliveryPlan;
  /** One for each host of the plan, in its order; `undefined` where nothing was to be probed. */
  readonly probes: readonly HostProbe[] | undefined;
  readonly decision: Decision;
  /** Every question that was asked, with its answer, its proof and what it cost, in the order in which they ended. */
  readonly outcomes: readonly Outcome[];
}

/** Hosts probed at the same time: a domain with twenty shall not cost twenty connections at once. */
const PROBES_AT_ONCE = 4;

/**
 * Checks a destination: what does a sender do with mail for `domain`, and how is that known?
 *
 * Hosts that a sender would not need are probed too: who runs them wants to know.
 */
export const checkDestination = (domain: Name, options: CheckOptions): Promise<Checked> =>
  checkNextHop({ kind: 'domain', name: domain }, options);

/** The same for a next hop as an operator writes it (next-hop.ts). A port that it names is the one that counts. */
export async function checkNextHop(nextHop: NextHop, options: CheckOptions): Promise<Checked> {
  const { probe, signal, lookup: _, ...terms } = options;
  const { port = options.port ?? 25 } = nextHop;
  const outcomes: Outcome[] = [];
  const lookup: Lookup = async (...question) => {
    const outcome = await options.lookup(...question);
    outcomes.push(outcome);
    return outcome;
  };
  const plan = await planNextHop(nextHop, lookup, {
    ...terms,
    port,
    ...(signal && { signal }),
  });
  const hosts = plan.kind === 'deliver' ? plan.hosts : [];
  const probes =
    probe === 'none'
      ? undefined
      : await probeAll(hosts, { ...probe, port, ...(signal && { signal }) });
  const domain = nextHop.kind === 'literal' ? Name.parse(nextHop.address) : nextHop.name;
  return { domain, plan, probes, decision: decide(plan, probes, { port }), outcomes };
}

/** In the order of the hosts, a few at a time. */
export async function probeAll(
  hosts: readonly HostPlan[],
  options: ProbeOptions,
): Promise<readonly HostProbe[]> {
  const probes: HostProbe[] = [];
  for (let at = 0; at < hosts.length; at += PROBES_AT_ONCE) {
    const batch = hosts.slice(at, at + PROBES_AT_ONCE);
    probes.push(...(await Promise.all(batch.map((host) => probeHost(host, options)))));
  }
  return probes;
}
