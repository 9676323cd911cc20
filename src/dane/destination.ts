/**
 * Where mail for a domain goes: its MX hosts, or the domain itself, and the addresses of each.
 *
 * Implements RFC 5321 section 5.1 (MX, implicit MX), RFC 7505 section 3 (null MX), RFC 7672 section 2.2.1 (aliases of
 * the next-hop domain, order by preference) and section 2.2.2 (A and AAAA). Does not: ask for TLSA records, connect,
 * or shuffle hosts of equal preference, which RFC 5321 leaves to the sender.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import {
  type Failure,
  failed,
  type Insecure,
  type Insecurity,
  insecurityOf,
  type Lookup,
  type Secure,
} from '../dnssec/outcome.ts';

/**
 * MX hosts looked at, best preference first. It stops a domain with a hundred MX records from starting hundreds of
 * questions; Postfix tries the addresses of 5 at most, the largest providers publish fewer than 10.
 */
export const MAX_HOSTS = 20;

/** Addresses of one host that are kept, half of them for each family where both have many. Postfix tries 5 in all. */
export const MAX_ADDRESSES = 16;

export type Security =
  | { readonly status: 'secure' }
  | ({ readonly status: 'insecure' } & Insecurity);

export interface MailHost {
  readonly name: Name;
  /** Of the MX record; `undefined` for a host that no MX record named. */
  readonly preference: number | undefined;
}

/** How the hosts were found, on which the names in a certificate depend (RFC 7672 section 3.2.2). */
export interface Route {
  /**
   * `implicit`: the domain has no MX record and is its own host; `relay`: the operator said not to look for one; `literal`:
   * the next hop is an address, which stands in place of a name.
   */
  readonly via: 'mx' | 'implicit' | 'relay' | 'literal';
  /** The next-hop domain as it was given. */
  readonly domain: Name;
  /** The next-hop domain with its aliases followed: the owner of the MX records. */
  readonly expanded: Name;
  /** Of the MX records and every alias that led to them, or of the proof that there are none; `secure` where none were asked for. */
  readonly security: Security;
}

export type Destination =
  | {
      readonly kind: 'hosts';
      readonly route: Route;
      readonly hosts: readonly MailHost[];
      /** How many more MX hosts there were than `MAX_HOSTS`. */
      readonly surplus: number;
    }
  | {
      readonly kind: 'refused';
      readonly why: 'null-mx' | 'no-such-domain';
      readonly security: Security;
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Asks for the MX records of `domain` and says which hosts take its mail. */
export async function findHosts(
  domain: Name,
  lookup: Lookup,
  signal?: AbortSignal,
): Promise<Destination> {
  const mx = await lookup(domain, 'MX', signal && { signal });
  if (failed(mx)) return { kind: 'failed', failure: failureOf(mx) };
  const security = securityOf(mx);
  if (mx.answer.kind === 'nxdomain') return { kind: 'refused', why: 'no-such-domain', security };
  const expanded = mx.aliases.at(-1)?.target ?? domain;
  const records = recordsOf(mx);
  if (!records) {
    const route: Route = { via: 'implicit', domain, expanded, security };
    return { kind: 'hosts', route, hosts: [{ name: domain, preference: undefined }], surplus: 0 };
  }
  const hosts = hostsOf(records);
  // A `.` beside other hosts is ignored; where nothing else is left, the domain takes no mail. RFC 7505 section 3
  // wants a single record of preference 0, but a root that is no host cannot mean anything else.
  if (hosts.length === 0) return { kind: 'refused', why: 'null-mx', security };
  return {
    kind: 'hosts',
    route: { via: 'mx', domain, expanded, security },
    hosts: hosts.slice(0, MAX_HOSTS),
    surplus: Math.max(0, hosts.length - MAX_HOSTS),
  };
}

/** Best preference first, each host once, without the root. */
function hostsOf(mx: RRset): MailHost[] {
  const hosts = new Map<string, MailHost>();
  const sorted = mx.rdata
    .map((rdata) => decode('MX', rdata))
    .sort((a, b) => a.preference - b.preference);
  for (const { preference, exchange } of sorted) {
    if (exchange.isRoot || hosts.has(exchange.key)) continue;
    hosts.set(exchange.key, { name: exchange, preference });
  }
  return [...hosts.values()];
}

export type Addresses =
  | {
      readonly kind: 'found';
      /** Text form, IPv4 and IPv6 in turn as long as there are both. */
      readonly addresses: readonly string[];
      /** The outcomes that brought them: one or two. */
      readonly outcomes: readonly (Secure | Insecure)[];
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Which of a host's addresses a sender can use, and so asks for. */
export type Families = 'both' | 'ipv4' | 'ipv6';

/**
 * Asks for the addresses of a host, of both families unless the sender has but one.
 *
 * An error in either makes the host unreachable although the other may have addresses: RFC 7672 section 2.2.2 wants
 * it for "any query in the process", and an attacker who blocks one family must not choose the other's path.
 */
export async function findAddresses(
  host: Name,
  lookup: Lookup,
  signal?: AbortSignal,
  families: Families = 'both',
): Promise<Addresses> {
  const options = signal && { signal };
  const [v4, v6] = await Promise.all([
    families === 'ipv6' ? undefined : lookup(host, 'A', options),
    families === 'ipv4' ? undefined : lookup(host, 'AAAA', options),
  ]);
  if (v4 && failed(v4)) return { kind: 'failed', failure: failureOf(v4) };
  if (v6 && failed(v6)) return { kind: 'failed', failure: failureOf(v6) };
  const outcomes = [v4, v6].flatMap((outcome) => (outcome && recordsOf(outcome) ? [outcome] : []));
  if (outcomes.length === 0) return { kind: 'none' };
  const a = (v4 && recordsOf(v4)?.rdata.map((rdata) => decode('A', rdata).address)) ?? [];
  const aaaa = (v6 && recordsOf(v6)?.rdata.map((rdata) => decode('AAAA', rdata).address)) ?? [];
  return { kind: 'found', addresses: inTurn(a, aaaa).slice(0, MAX_ADDRESSES), outcomes };
}

function inTurn<T>(first: readonly T[], second: readonly T[]): T[] {
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, i) => [
    ...first.slice(i, i + 1),
    ...second.slice(i, i + 1),
  ]).flat();
}

/** The record set of a positive answer. A question that was not asked brought none. */
export const recordsOf = ({ answer }: Secure | Insecure): RRset | undefined =>
  answer.kind === 'records' ? answer.rrset : undefined;

export const securityOf = (outcome: Secure | Insecure): Security =>
  outcome.status === 'secure'
    ? { status: 'secure' }
    : { status: 'insecure', ...insecurityOf(outcome) };

/** A failure without the outcome that carried it. */
export const failureOf = (failure: Failure): Failure =>
  failure.status === 'bogus'
    ? { status: 'bogus', reason: failure.reason, fault: failure.fault }
    : { status: 'indeterminate', reason: failure.reason, fault: failure.fault };
