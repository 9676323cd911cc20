/**
 * Names and faults that keep no reply alive: what the reader makes are views of the message, and a view keeps all of it.
 *
 * Does not: copy records (packed.ts does).
 * @module
 */
import { Name } from '../dns/name.ts';
import type { Fault } from '../dnssec/outcome.ts';

export const ownName = ({ wire, labels }: Name): Name => Name.trusted(new Uint8Array(wire), labels);

export function ownFault(fault: Fault): Fault {
  const { zone, owner, detail } = fault;
  const owned = { ...fault, zone: ownName(zone), owner: ownName(owner) };
  return detail?.kind === 'record'
    ? { ...owned, detail: { ...detail, owner: ownName(detail.owner) } }
    : owned;
}
