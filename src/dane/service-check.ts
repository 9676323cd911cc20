/**
 * One call for one service of a domain, or for one host: plan, shake hands, judge, and say with which server a client may talk.
 *
 * Implements RFC 7673 section 4 (what the certificate must show, with TLSA records and without usable ones) and RFC 7671
 * section 5 (all four usages: outside of SMTP between servers the PKIX usages count). Does not: log in.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Lookup } from '../dnssec/outcome.ts';
import type { Random, ServerAddress } from '../environment.ts';
import { type Certificate, parseCertificate } from '../tls/certificate.ts';
import type { Refused, ServiceContact } from '../tls/connect-service.ts';
import { matchHost } from '../tls/identity.ts';
import { Comparisons } from '../tls/name-constraints.ts';
import { verifyByRoots } from '../tls/pkix.ts';
import { type Met, printHost } from './attempt.ts';
import { planDelivery } from './plan.ts';
import { planService, type ServerPlan, type ServicePlan } from './service.ts';
import { usableRecords } from './tlsa.ts';
import { type Verdict, verifyPeer } from './verify.ts';

/** A service by SRV records, or a host that the user named himself. */
export type Target =
  | { readonly kind: 'service'; readonly service: string; readonly domain: Name }
  | { readonly kind: 'host'; readonly host: Name; readonly port: number };

export interface ServiceCheckOptions {
  readonly lookup: Lookup;
  readonly random: Random;
  /** Shakes hands with one server, or that nobody shall. */
  readonly connect: ((to: ServerAddress, serverName: string) => Promise<ServiceContact>) | 'none';
  /** Authorities that are trusted where PKIX counts. */
  readonly roots: readonly Certificate[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

export type ServiceVerdict =
  | Verdict
  /** By a public authority; `name` is the one in the certificate that fits. */
  | { readonly kind: 'trusted'; readonly name: string }
  | { readonly kind: 'untrusted'; readonly why: string };

export interface ServiceAttempt {
  readonly address: string;
  readonly contact: Met | Refused;
  /** Where TLS stood. */
  readonly verdict?: ServiceVerdict;
}

export interface ServiceChecked {
  readonly target: Target;
  readonly plan: ServicePlan;
  /** For each server of the plan, in its order; `undefined` where nobody was to be contacted. */
  readonly attempts: readonly (readonly ServiceAttempt[])[] | undefined;
}

/** Plans, and tries the addresses of each server in turn until one will do. */
export async function checkService(
  target: Target,
  options: ServiceCheckOptions,
): Promise<ServiceChecked> {
  const plan = await planFor(target, options);
  const { connect } = options;
  if (connect === 'none' || plan.kind !== 'connect') return { target, plan, attempts: undefined };
  const attempts: (readonly ServiceAttempt[])[] = [];
  for (const server of plan.servers) attempts.push(await tryServer(server, connect, options));
  return { target, plan, attempts };
}

async function planFor(target: Target, options: ServiceCheckOptions): Promise<ServicePlan> {
  const { lookup, random, signal } = options;
  if (target.kind === 'service') {
    const { service, domain } = target;
    return planService({ service, domain }, lookup, { random, ...(signal && { signal }) });
  }
  const { host, port } = target;
  const plan = await planDelivery(host, lookup, { port, mx: 'skip', ...(signal && { signal }) });
  const security = { status: 'secure' } as const; // nobody but the user has said which host
  if (plan.kind !== 'deliver') return { kind: 'none', why: 'no-srv', security };
  const servers = plan.hosts.map((one) => asServer(one, port));
  return { kind: 'connect', security, servers, surplus: 0 };
}

type Hosts = Extract<Awaited<ReturnType<typeof planDelivery>>, { kind: 'deliver' }>['hosts'];

/** RFC 7671 knows no more of another protocol than that the PKIX usages count, and that names are those of the host. */
function asServer(plan: Hosts[number], port: number): ServerPlan {
  const { host: target } = plan;
  const server = { target, port, priority: 0, weight: 0 };
  if (plan.tls === 'unreachable')
    return plan.why === 'no-address' || !('fault' in plan)
      ? { tls: 'unreachable', ...server, why: 'no-address' }
      : { tls: 'unreachable', ...server, why: plan.why, fault: plan.fault, step: plan.step };
  const { addresses } = plan;
  const reachable = { ...server, addresses, names: [target], serverName: target };
  if (plan.tls === 'opportunistic')
    return plan.why === 'insecure-address' || plan.why === 'insecure-tlsa'
      ? {
          ...reachable,
          tls: 'by-protocol',
          why: plan.why,
          reason: plan.reason,
          ...(plan.cause && { cause: plan.cause }),
        }
      : { ...reachable, tls: 'by-protocol', why: 'no-tlsa' };
  const { baseDomain, records } = plan;
  const names = 'names' in plan ? plan.names : [baseDomain];
  return usableRecords(records, { usages: 'all' }).length > 0
    ? { ...reachable, tls: 'authenticate', baseDomain, records, names, serverName: baseDomain }
    : { ...reachable, tls: 'pkix', baseDomain, records, why: 'tlsa-unusable' };
}

async function tryServer(
  plan: ServerPlan,
  connect: Exclude<ServiceCheckOptions['connect'], 'none'>,
  options: ServiceCheckOptions,
): Promise<readonly ServiceAttempt[]> {
  if (plan.tls === 'unreachable') return [];
  const attempts: ServiceAttempt[] = [];
  for (const ip of plan.addresses) {
    if (options.signal?.aborted) break;
    const contact = await connect({ ip, port: plan.port }, printHost(plan.serverName));
    if (contact.kind !== 'handshake') {
      attempts.push({ address: ip, contact });
      continue;
    }
    const { socket: _, close, ...met } = contact;
    const verdict = judge(plan, contact.chain, options);
    await close();
    attempts.push({ address: ip, contact: met, verdict });
    if (isGood(verdict)) break;
  }
  return attempts;
}

export const isGood = ({ kind }: ServiceVerdict): boolean =>
  kind === 'authenticated' || kind === 'trusted';

function judge(
  plan: Exclude<ServerPlan, { tls: 'unreachable' }>,
  chain: readonly Uint8Array[],
  { roots, now }: ServiceCheckOptions,
): ServiceVerdict {
  const { names } = plan;
  if (plan.tls !== 'authenticate') return judgeByRoots(chain, names, { roots, now: now() });
  const trustRoots = roots.map(({ der }) => der);
  const { records } = plan;
  return verifyPeer({ records, chain, names, now: now(), options: { usages: 'all', trustRoots } });
}

/** OpenSSL's level 1, as for TLSA records. */
const MINIMUM_RSA_BITS = 1024;

function judgeByRoots(
  chain: readonly Uint8Array[],
  names: readonly Name[],
  { roots, now }: { readonly roots: readonly Certificate[]; readonly now: number },
): ServiceVerdict {
  const [leaf, ...others] = chain.flatMap((der) => {
    const parsed = parseCertificate(der);
    return parsed.kind === 'certificate' ? [parsed.certificate] : [];
  });
  if (!leaf || leaf.der !== chain[0]) return untrusted('there is no certificate that can be read');
  const rules = {
    now,
    minimumRsaBits: MINIMUM_RSA_BITS,
    sha1: 'refuse',
    comparisons: new Comparisons(),
  } as const;
  const found = verifyByRoots({ leaf, others, roots }, rules);
  if (found.kind === 'untrusted')
    return untrusted(found.problem?.text ?? 'no path leads to an authority that is trusted here');
  const name = matchHost(leaf, names.map(printHost));
  return name === undefined
    ? untrusted(`it is for none of ${names.map(printHost).join(', ')}`)
    : { kind: 'trusted', name };
}

const untrusted = (why: string): ServiceVerdict => ({ kind: 'untrusted', why });
