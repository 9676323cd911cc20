/**
 * Tries the addresses of one host as a sender would, up to the point where mail could go, and lets go again.
 *
 * Implements row 33 of the decision table: each address gets the full check, and the next one is tried where it fails
 * (RFC 7672 section 2.2). Does not: send mail, or decide among hosts (decision.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import { type ConnectOptions, type Contact, connect, type Handshake } from '../tls/connect.ts';
import { type Attempt, type ContactPlan, printHost, weigh } from './attempt.ts';
import type { HostPlan } from './plan.ts';
import { type Peer, type Verdict, type VerifyOptions, verifyPeer } from './verify.ts';

export interface ProbeOptions extends Omit<ConnectOptions, 'serverName'> {
  /** 25 where it is left out. */
  readonly port?: number;
  /** The time by which certificates are judged, milliseconds since 1970. */
  readonly now: () => number;
  /** How they are judged: the order of digests, the shortest RSA key, SHA-1. */
  readonly certificates?: VerifyOptions;
  /**
   * Whether mail may use this address, so that no other is tried; by the plan for the host where it is left out.
   *
   * `socket`: of a handshake, still open, for who wants to go on with EHLO; to be left without listeners.
   */
  readonly suffices?: (
    plan: ContactPlan,
    attempt: Attempt,
    socket: Handshake['socket'] | undefined,
  ) => boolean | Promise<boolean>;
  /** Shakes hands with a server; tls/connect.ts where it is left out. */
  readonly connect?: typeof connect;
}

export interface HostProbe {
  readonly host: Name;
  /** One for each address tried, in order: the last one is the first that mail may use, if any is. */
  readonly attempts: readonly Attempt[];
}

/**
 * Connects to the addresses of a host in turn until one will do. The peer's certificates are judged before anything is
 * sent under TLS. Hosts that must not be contacted are not: their probe has no attempts.
 */
export async function probeHost(plan: HostPlan, options: ProbeOptions): Promise<HostProbe> {
  const attempts: Attempt[] = [];
  if (plan.tls === 'unreachable') return { host: plan.host, attempts };
  for (const address of plan.addresses) {
    if (options.signal?.aborted) break;
    const { attempt, isEnough } = await tryAddress(plan, address, options);
    attempts.push(attempt);
    if (isEnough) break;
  }
  return { host: plan.host, attempts };
}

const sufficesForPlan = (plan: ContactPlan, attempt: Attempt): boolean =>
  weigh(plan, attempt).kind !== 'failed';

async function tryAddress(
  plan: ContactPlan,
  ip: string,
  {
    port = 25,
    now,
    certificates = {},
    connect: shakeHands = connect,
    suffices = sufficesForPlan,
    ...options
  }: ProbeOptions,
): Promise<{ readonly attempt: Attempt; readonly isEnough: boolean }> {
  const start = now();
  const serverName = printHost(plan.tls === 'opportunistic' ? plan.host : plan.baseDomain);
  const contact = await shakeHands({ ip, port }, { ...options, serverName });
  const verdict = judge(plan, contact, { now: now(), options: certificates });
  const milliseconds = now() - start;
  if (contact.kind !== 'handshake') {
    const attempt = { address: ip, contact, milliseconds };
    return { attempt, isEnough: await suffices(plan, attempt, undefined) };
  }
  const { socket, close, ...met } = contact;
  const attempt = { address: ip, contact: met, ...(verdict && { verdict }), milliseconds };
  const isEnough = await suffices(plan, attempt, socket);
  await close();
  return { attempt, isEnough };
}

function judge(
  plan: ContactPlan,
  contact: Contact,
  how: Pick<Peer, 'now' | 'options'>,
): Verdict | undefined {
  if (plan.tls !== 'authenticate' || contact.kind !== 'handshake') return undefined;
  return verifyPeer({ records: plan.records, chain: contact.chain, names: plan.names, ...how });
}
