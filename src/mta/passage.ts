/**
 * A connection to a next hop that mail may go over, for whoever speaks SMTP himself.
 *
 * Implements RFC 7672 section 2.2 by the same look-ups, plan and checks as a delivery of our own. Does not: say anything on
 * the connection, or speak for a single message: REQUIRETLS and `TLS-Required: No` (RFC 8689) are not known here.
 * @module
 */
import type { NextHop } from '../dane/next-hop.ts';
import type { DeliverParts } from './errand.ts';
import { prepare } from './prepare.ts';
import type { Trouble } from './trouble.ts';
import { type Way, Ways } from './ways.ts';

export type Passage =
  | { readonly kind: 'open'; readonly way: Way }
  /** Never, or not now. */
  | { readonly kind: 'refuse' | 'defer'; readonly trouble: Trouble };

/** Goes from host to host and from address to address until one is as its plan demands. Rejects only with the reason of `signal`. */
export async function openPassage(nextHop: NextHop, parts: DeliverParts): Promise<Passage> {
  const prepared = await prepare(nextHop, parts, 'as-usual');
  if (prepared.kind !== 'ready') return prepared;
  const ways = new Ways(prepared.trip);
  for await (const way of ways.open()) return { kind: 'open', way };
  return ways.endedAt();
}
