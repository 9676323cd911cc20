/**
 * What `dns.lookup` is asked for and what it gives, without asking anybody.
 *
 * Implements RFC 6761 section 6.3 (`localhost` is not looked up). Does not: ask (promises.ts does), or know hints: addresses
 * are neither mapped nor left out by what this machine has.
 * @module
 */
import { Name } from '../dns/name.ts';
import type { Outcome } from '../dnssec/outcome.ts';
import { type DnsCall, DnsError, failureAmong } from './dns-error.ts';

export interface HostAddress {
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

export interface LookupManner {
  readonly families: readonly (4 | 6)[];
  readonly all: boolean;
  readonly order: 'ipv4first' | 'ipv6first';
}

export interface LookupOptions {
  /** 0: both. */
  readonly family?: 0 | 4 | 6 | 'IPv4' | 'IPv6' | undefined;
  readonly all?: boolean | undefined;
  /** The DNS has no order of families, so `verbatim` is IPv4 first. */
  readonly order?: 'ipv4first' | 'ipv6first' | 'verbatim' | undefined;
}

const FAMILIES: ReadonlyMap<unknown, LookupManner['families']> = new Map<
  unknown,
  LookupManner['families']
>([
  [undefined, [4, 6]],
  [0, [4, 6]],
  [4, [4]],
  ['IPv4', [4]],
  [6, [6]],
  ['IPv6', [6]],
]);
const ORDERS: ReadonlySet<unknown> = new Set([undefined, 'ipv4first', 'ipv6first', 'verbatim']);

/**
 * A number stands for the family alone, as with Node.
 * @throws TypeError for a family or order that there is not
 */
export function readManner(given: unknown): LookupManner {
  const options: Readonly<Record<string, unknown>> =
    typeof given === 'object' && given !== null ? { ...given } : { family: given };
  const families = FAMILIES.get(options.family);
  if (!families) throw new TypeError(`family: "${options.family}" is none of 0, 4 and 6`);
  const { order } = options;
  if (!ORDERS.has(order))
    throw new TypeError(`order: "${order}" is none of ipv4first, ipv6first and verbatim`);
  const all = options.all === true;
  return { families, all, order: order === 'ipv6first' ? order : 'ipv4first' };
}

const LOCALHOST = Name.parse('localhost');
export const isLocal = (name: Name): boolean => name.isAtOrBelow(LOCALHOST);

export const localAddresses = ({ families }: LookupManner): HostAddress[] =>
  families.map((family) => ({ address: family === 4 ? '127.0.0.1' : '::1', family }));

/** getaddrinfo tells "not now" from "not at all": what could not be proved absent is not absent. */
export function noAddress(outcomes: readonly Outcome[], call: DnsCall): DnsError {
  const { code, proof } = failureAmong(outcomes);
  return new DnsError(
    code === 'ENODATA' || code === 'ENOTFOUND' ? 'ENOTFOUND' : 'EAI_AGAIN',
    call,
    proof,
  );
}
