/**
 * A verdict about a peer that a pool of connections can keep beside one of them, and hold against what is true later.
 *
 * A connection that stands may carry another message only if its peer would be judged the same now: for the same domain,
 * under the same records, with the same key, and while the records last. Implements what RFC 7672 section 2.2 asks of each
 * connection for those that are used again. Does not: keep connections; deliver.ts never uses one twice.
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import type { Authenticate, HostPlan } from '../dane/plan.ts';
import { printTlsa } from '../dane/tlsa.ts';
import type { Name } from '../dns/name.ts';
import { parseKey } from '../tls/certificate.ts';
import { fingerprint } from '../tls/fingerprint.ts';

/** Plain data, so that it can be kept as it is. */
export interface VerdictToken {
  /** The next-hop domain. */
  readonly domain: string;
  readonly baseDomain: string;
  /** SHA2-256 over the TLSA records, in an order that is always the same, and the names that a certificate may carry. */
  readonly tlsa: string;
  /** SHA2-256 over the SubjectPublicKeyInfo that the peer has shown. */
  readonly peerKey: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** A peer that was authenticated. */
export interface Authenticated {
  readonly domain: Name;
  readonly plan: Authenticate;
  /** As presented, the server's own first. */
  readonly chain: readonly Uint8Array[];
  /** Until when the records that it rests on say what they say, milliseconds since 1970. */
  readonly expiresAt: number;
}

/** @throws RangeError when the chain does not begin with a certificate: then nobody was authenticated */
export function makeToken({ domain, plan, chain, expiresAt }: Authenticated): VerdictToken {
  const peerKey = keyOf(chain);
  if (peerKey === undefined) throw new RangeError('chain: there is no certificate');
  const { baseDomain } = plan;
  return {
    domain: print(domain),
    baseDomain: print(baseDomain),
    tlsa: digestOf(plan),
    peerKey,
    expiresAt,
  };
}

export type TokenVerdict =
  | 'valid'
  | 'other-domain'
  /** The host is no longer one that DANE authenticates. */
  | 'other-demand'
  | 'other-base-domain'
  | 'other-records'
  | 'other-key'
  | 'expired';

/** What is true when the connection is to be used again: the plan made anew, and the key that its peer has shown. */
export interface Now {
  readonly domain: Name;
  readonly plan: HostPlan;
  readonly chain: readonly Uint8Array[];
  readonly now: number;
}

/** Anything but `valid`: the connection is closed, and a new one judged. Pure. */
export function checkToken(token: VerdictToken, { domain, plan, chain, now }: Now): TokenVerdict {
  if (now >= token.expiresAt) return 'expired';
  if (print(domain) !== token.domain) return 'other-domain';
  if (plan.tls !== 'authenticate') return 'other-demand';
  if (print(plan.baseDomain) !== token.baseDomain) return 'other-base-domain';
  if (digestOf(plan) !== token.tlsa) return 'other-records';
  return keyOf(chain) === token.peerKey ? 'valid' : 'other-key';
}

const print = (name: Name): string => printHost(name).toLowerCase();

function digestOf({ records, names, halfDane }: Authenticate): string {
  const lines = [
    ...records.map(printTlsa).sort(),
    ...names.map(print),
    halfDane ? 'half-dane' : 'dane',
  ];
  return hex(fingerprint(new TextEncoder().encode(lines.join('\n')), 'sha256'));
}

function keyOf([leaf]: readonly Uint8Array[]): string | undefined {
  if (!leaf) return undefined;
  const parsed = parseKey(leaf);
  return parsed.kind === 'key' ? hex(fingerprint(parsed.key.spki, 'sha256')) : undefined;
}

const hex = (octets: Uint8Array): string =>
  Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
