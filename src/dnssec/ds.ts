/**
 * Which keys of a zone its parent's DS records name.
 *
 * Implements RFC 4034 section 5.1.4, RFC 4509 section 3 (a SHA-1 digest is passed over where a better one stands
 * beside it) and RFC 6840 section 5.2 (what is not supported is disregarded; nothing left makes the zone insecure).
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Fields } from '../dns/rdata.ts';
import { digestOf, isSupported } from './algorithms.ts';
import type { Context, Policy } from './context.ts';
import type { DnsKey } from './dnskey.ts';
import type { InsecureReason } from './reason.ts';

export type Ds = Fields['DS'];

export type DsMatch =
  | { readonly kind: 'matched'; readonly keys: readonly DnsKey[] }
  | { readonly kind: 'unsupported'; readonly reason: InsecureReason }
  | { readonly kind: 'no-match' };

const SHA1_DIGEST = 1;
/** @param keys  the zone's key set, in the order of the message; whether a key may be used is not looked at here */
export function matchDs(
  zone: Name,
  ds: readonly Ds[],
  keys: readonly DnsKey[],
  { policy, budget: { limits } }: Context,
): DsMatch {
  const { algorithms } = policy;
  const known = ds.filter(({ algorithm }) => isSupported(algorithms, algorithm));
  const supported = known.filter(({ digestType }) => algorithms.digests.has(digestType));
  if (ds.length > 0 && supported.length === 0) {
    return {
      kind: 'unsupported',
      reason: known.length === 0 ? 'unsupported-algorithm' : 'unsupported-digest',
    };
  }
  const better = supported.filter(({ digestType }) => digestType !== SHA1_DIGEST);
  const considered = (better.length > 0 ? better : supported).slice(0, limits['ds-considered']);
  const matched = new Set<DnsKey>();
  for (const one of considered)
    for (const key of namedBy(one, keys).slice(0, limits['keys-tried']))
      if (!matched.has(key) && isDigestOf(zone, one, key, policy)) matched.add(key);
  return matched.size > 0 ? { kind: 'matched', keys: [...matched] } : { kind: 'no-match' };
}

/** Whether any of them could vouch for a key (RFC 4035 section 5.2): without one the zone is as good as unsigned. */
export const isAnySupported = (ds: readonly Ds[], { algorithms }: Policy): boolean =>
  ds.some(
    ({ algorithm, digestType }) =>
      isSupported(algorithms, algorithm) && algorithms.digests.has(digestType),
  );

const namedBy = ({ keyTag, algorithm }: Ds, keys: readonly DnsKey[]): readonly DnsKey[] =>
  keys.filter((key) => key.keyTag === keyTag && key.algorithm === algorithm);

/** digest = hash(owner in canonical form | DNSKEY RDATA) */
function isDigestOf(
  zone: Name,
  { digestType, digest }: Ds,
  { rdata }: DnsKey,
  { keys }: Policy,
): boolean {
  const hash = digestOf(digestType);
  if (!hash) return false;
  const owner = zone.canonical.wire;
  const data = new Uint8Array(owner.length + rdata.length);
  data.set(owner);
  data.set(rdata, owner.length);
  const expected = keys.engine.hash(hash, data);
  return expected.length === digest.length && expected.every((octet, i) => octet === digest[i]);
}
