/**
 * Names and faults that keep no reply alive: what the reader makes are views of the message, and a view keeps all of it.
 *
 * Does not: copy records (packed.ts does), but for the DNAME of a fault.
 * @module
 */
import { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Detail } from '../dnssec/detail.ts';
import type { Failure, Fault } from '../dnssec/outcome.ts';

export const ownName = ({ wire, labels }: Name): Name => Name.trusted(new Uint8Array(wire), labels);

/** Those that have been copied: a failure is known by its identity, which a second copy would take from it. */
const owned = new WeakSet<Fault>();

export function ownFault(fault: Fault): Fault {
  if (owned.has(fault)) return fault;
  const { zone, owner, detail, dname } = fault;
  const copy: Fault = {
    ...fault,
    zone: ownName(zone),
    owner: ownName(owner),
    ...(detail && { detail: ownDetail(detail) }),
    ...(dname && { dname: ownRRset(dname) }),
  };
  owned.add(copy);
  return copy;
}

export function ownFailure(failure: Failure): Failure {
  const fault = ownFault(failure.fault);
  return fault === failure.fault ? failure : { ...failure, fault };
}

/** More types than this say no more about what exists, and a bitmap may list 65 536. */
const MOST_TYPES = 32;
/** Pairs of iterations and salt: two would be one too many. */
const MOST_PARAMETERS = 8;

function ownDetail(detail: Detail): Detail {
  switch (detail.kind) {
    case 'record':
      return { ...detail, owner: ownName(detail.owner) };
    case 'denial':
      return { ...detail, name: ownName(detail.name) };
    case 'exists': {
      const types = detail.types.slice(0, MOST_TYPES);
      return { ...detail, name: ownName(detail.name), types };
    }
    case 'signers':
      return { ...detail, signers: detail.signers.map(ownName) };
    case 'parameters':
      return { ...detail, found: detail.found.slice(0, MOST_PARAMETERS) };
    case 'signature':
    case 'keys':
    case 'iterations':
    case 'count':
    case 'weak-key':
    case 'defect':
    case 'private-address':
    case 'servers':
      return detail;
  }
}

/** Without signatures: it is shown, and proves nothing. */
const ownRRset = ({ owner, type, ttl, rdata }: RRset): RRset => ({
  owner: ownName(owner),
  type,
  ttl,
  rdata: rdata.map((one) => new Uint8Array(one)),
  signatures: [],
});

/** An object with some fields, and one octet of a name or text. Estimates, rather too large. */
const OBJECT_OCTETS = 200;
const CHARACTER_OCTETS = 2;

/** What a fault takes once it is owned. */
export function faultOctets({ zone, owner, detail, dname }: Fault): number {
  const names = [zone, owner, ...(dname ? [dname.owner] : []), ...namesIn(detail)];
  const texts = textsIn(detail);
  const characters =
    names.reduce((sum, { wire }) => sum + wire.length, 0) +
    texts.reduce((sum, text) => sum + text.length, 0) +
    (dname?.rdata.reduce((sum, { length }) => sum + length, 0) ?? 0);
  const objects = 4 + names.length + texts.length + keysIn(detail);
  return objects * OBJECT_OCTETS + characters * CHARACTER_OCTETS;
}

function namesIn(detail: Detail | undefined): readonly Name[] {
  if (detail?.kind === 'signers') return detail.signers;
  if (detail?.kind === 'record') return [detail.owner];
  return detail?.kind === 'denial' || detail?.kind === 'exists' ? [detail.name] : [];
}

function textsIn(detail: Detail | undefined): readonly string[] {
  if (detail?.kind === 'parameters') return detail.found;
  if (detail?.kind === 'defect' || detail?.kind === 'private-address') return [detail.text];
  return detail?.kind === 'servers' ? detail.servers.map(({ ip, said }) => ip + said) : [];
}

function keysIn(detail: Detail | undefined): number {
  if (detail?.kind === 'signature') return 1 + detail.keys.length;
  if (detail?.kind !== 'keys') return 0;
  return detail.expected.length + detail.found.length + detail.signedBy.length;
}
