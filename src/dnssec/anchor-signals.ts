/**
 * What a validator tells others about its trust anchors: the key tag query of RFC 8145 section 5, and the sentinel of
 * RFC 8509 section 3.
 *
 * Does not: send anything (resolver/refresh.ts does), answer anybody (server/ does).
 * @module
 */

import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { latin1 } from '../dns/octets.ts';
import { decode } from '../dns/rdata.ts';
import type { Anchor } from './anchors.ts';
import { parseDnsKey } from './dnskey.ts';
import type { Status } from './outcome.ts';

/** In ascending order, each once. */
export function keyTagsOf({ ds, keys }: Anchor): readonly number[] {
  const tags = [
    ...ds.map((rdata) => decode('DS', rdata).keyTag),
    ...keys.flatMap((rdata) => parseDnsKey(rdata)?.keyTag ?? []),
  ];
  return [...new Set(tags)].sort((a, b) => a - b);
}

/** Tags that fit into one label, four digits and a hyphen each. */
const MOST_TAGS = 12;

/**
 * The name whose question, of type NULL, tells the zone's servers which keys are trusted: `_ta-4f66-9728.`
 * @returns `undefined` where there is nothing to tell, or no room for it
 */
export function keyTagName(anchor: Anchor): Name | undefined {
  const tags = keyTagsOf(anchor).slice(0, MOST_TAGS);
  if (tags.length === 0) return undefined;
  const digits = tags.map((tag) => tag.toString(16).padStart(4, '0'));
  return anchor.name.child(`_ta-${digits.join('-')}`);
}

export interface Sentinel {
  readonly asks: 'is-ta' | 'not-ta';
  readonly keyTag: number;
}

/** The sentinel that a name begins with: `root-key-sentinel-is-ta-20326.example.com`. */
export function sentinelIn(name: Name): Sentinel | undefined {
  if (name.isRoot) return undefined;
  const label = latin1(name.label(0)).toLowerCase();
  const [, asks, digits] = /^root-key-sentinel-(is-ta|not-ta)-(\d{5})$/.exec(label) ?? [];
  const keyTag = Number(digits);
  if (asks === undefined || keyTag > 0xffff) return undefined;
  return { asks: asks === 'is-ta' ? 'is-ta' : 'not-ta', keyTag };
}

/**
 * Whether a client gets the answer or SERVFAIL: RFC 8509 section 3.
 *
 * @param root  the root's trust anchor in force; a client that set CD is not asked about here
 */
export function judgeSentinel(
  { name, type }: Question,
  status: Status,
  root: Anchor | undefined,
): 'as-it-is' | 'servfail' {
  if (status !== 'secure' || (type !== 'A' && type !== 'AAAA')) return 'as-it-is';
  const sentinel = sentinelIn(name);
  if (!sentinel) return 'as-it-is';
  const isTrusted = root !== undefined && keyTagsOf(root).includes(sentinel.keyTag);
  return isTrusted === (sentinel.asks === 'is-ta') ? 'as-it-is' : 'servfail';
}
