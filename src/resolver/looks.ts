/**
 * What a delegation looks like before anybody has judged it: worth asking for keys, or for what only a signed zone has.
 *
 * Implements RFC 7672 section 2.2.2 (no TLSA questions into zones that cannot be secure) together with RFC 4035 section
 * 5.2 (a DS that is not supported secures nothing). Does not: believe anything (trust.ts).
 * @module
 */
import { decode } from '../dns/rdata.ts';
import type { Policy } from '../dnssec/context.ts';
import { isAnySupported } from '../dnssec/ds.ts';
import type { TrustPoints } from './trust-points.ts';
import type { ZoneCut } from './zone.ts';

/** True where the delegation, as far as it has been seen, shows a signed zone. */
export function looksSigned(cut: ZoneCut, points: TrustPoints): boolean {
  if (points.negativeFor(cut.name)) return false;
  if (points.anchors.has(cut.name.key)) return true;
  return cut.parent !== undefined && cut.showsDs && looksSigned(cut.parent, points);
}

interface Rules {
  readonly points: TrustPoints;
  readonly policy: Policy;
}

/** The same, and each DS RRset on the way has a record of an algorithm and a digest type that are supported. */
export function looksSecure(cut: ZoneCut, { points, policy }: Rules): boolean {
  if (!looksSigned(cut, points)) return false;
  for (let at: ZoneCut | undefined = cut; at && !points.anchors.has(at.name.key); at = at.parent) {
    const { ds } = at.evidence;
    if (!ds || ds.defect !== undefined) continue;
    if (
      !isAnySupported(
        ds.rdata.map((rdata) => decode('DS', rdata)),
        policy,
      )
    )
      return false;
  }
  return true;
}
