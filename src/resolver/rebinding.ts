/**
 * Rebinding protection: a name of the public DNS that leads to an address of the private network is not answered.
 *
 * A page from such a name would have its reader's browser talk to what stands inside, as if that were the page's own
 * server. Does nothing unless networks are given (Unbound's `private-address`, with `private-domain` for names that may).
 * Does not: bear on name servers' addresses (zone.ts), nor on what is kept: each answer is looked at as it is given.
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { liesIn, type Network, printAddress, printNetwork } from '../dns/network.ts';
import { decode, type Rdata } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';
import { SVC_KEYS } from '../dns/svc-params.ts';
import type { Failure } from '../dnssec/outcome.ts';

export interface Private {
  readonly networks: readonly Network[];
  /** Names at and below which addresses may lie in them. */
  readonly domains: readonly Name[];
}

/** The record sets of one answer, of names in `zone`: the failure that takes their place where one is blocked. */
export function blocked(
  sets: readonly RRset[],
  zone: Name,
  { networks, domains }: Private,
): Failure | undefined {
  if (networks.length === 0) return undefined;
  for (const { owner, type, rdata } of sets) {
    if (!MAY_LEAD.has(type) || domains.some((domain) => owner.isAtOrBelow(domain))) continue;
    for (const octets of rdata.flatMap((one) => addressesIn(type, one))) {
      const network = networks.find((one) => isIn(octets, one));
      if (!network) continue;
      const text = `${printAddress(octets)} lies in ${printNetwork(network)}`;
      const fault = { zone, owner, type, detail: { kind: 'private-address', text } } as const;
      return { status: 'indeterminate', reason: 'private-address', fault };
    }
  }
  return undefined;
}

const MAY_LEAD: ReadonlySet<RRType> = new Set(['A', 'AAAA', 'SVCB', 'HTTPS']);
const HINTS: ReadonlyMap<number, 4 | 16> = new Map([
  [SVC_KEYS.ipv4hint, 4],
  [SVC_KEYS.ipv6hint, 16],
]);

/** The address of an A or AAAA record, or the hints of RFC 9460 section 7.3, which clients may use in place of one. */
function addressesIn(type: RRType, rdata: Rdata): readonly Uint8Array[] {
  if (type === 'A' || type === 'AAAA') return [rdata];
  return decode('SVCB', rdata).params.flatMap(({ key, value }) => {
    const length = HINTS.get(key);
    if (length === undefined) return [];
    const count = value.length / length;
    return Array.from({ length: count }, (_, i) => value.subarray(i * length, (i + 1) * length));
  });
}

const isIn = (address: Uint8Array, network: Network): boolean =>
  meanings(address).some((meant) => liesIn(meant, network));

/**
 * Where packets to an address may end up: with one that has an IPv4 address in it, where that leads; with the unspecified
 * one, which systems take for this host (RFC 1122 section 3.2.1.3), at loopback.
 */
function meanings(address: Uint8Array): readonly Uint8Array[] {
  const hasOther = EMBEDDING.some((prefix) => prefix.every((octet, i) => address[i] === octet));
  const all = hasOther ? [address, address.subarray(MAPPED.length)] : [address];
  const isNobody = all.some((one) => one.every((octet) => octet === 0));
  return isNobody ? [...all, ...LOOPBACK] : all;
}

/** RFC 4291 section 2.5.5.2. */
const MAPPED: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
/** NAT64, RFC 6052 section 2.1: translators should drop private addresses in it (section 3.1), and not all do. */
const TRANSLATED: readonly number[] = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
const EMBEDDING = [MAPPED, TRANSLATED] as const;
const LOOPBACK: readonly Uint8Array[] = [
  Uint8Array.of(127, 0, 0, 1),
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
];
