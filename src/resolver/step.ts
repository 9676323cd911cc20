/**
 * The line in a trace for what was found, and the zone that a question belongs to.
 * @module
 */
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { KeyName } from '../dnssec/detail.ts';
import type { Finding } from '../dnssec/judge.ts';
import type { NegativeAnchor } from '../dnssec/negative-anchors.ts';
import { failed, type Step } from '../dnssec/outcome.ts';

/** The DS of a name belongs to the zone above it. */
export const placeOf = ({ name, type }: Question): Name => (type === 'DS' ? name.parent : name);

/** The line in the trace. */
export function stepOf(
  { name, type }: Question,
  finding: Finding,
  zone: Name,
  negative: NegativeAnchor | undefined,
): Extract<Step, { kind: 'finding' }> {
  // The commonest one with each field by its name: a spread would cost more than all the rest.
  if (finding.status === 'secure' && !negative) {
    const signedBy = signersOf(finding.found);
    return { kind: 'finding', zone, owner: name, type, status: 'secure', signedBy };
  }
  const shown = negative && { negativeAnchor: negative.name };
  const common = { kind: 'finding', zone, owner: name, type, ...shown } as const;
  if (failed(finding))
    return { ...common, status: finding.status, reason: finding.reason, signedBy: [] };
  const { status } = finding;
  return finding.status === 'insecure'
    ? { ...common, status, reason: finding.reason, signedBy: [] }
    : { ...common, status, signedBy: signersOf(finding.found) };
}

function signersOf(found: Extract<Finding, { status: 'secure' }>['found']): readonly KeyName[] {
  if (found.kind === 'records' && found.proof.length === 0) {
    const [first] = found.rrset.signatures;
    return first ? [{ keyTag: first.keyTag, algorithm: first.algorithm }] : [];
  }
  const own: readonly RRset[] =
    found.kind === 'records' ? [found.rrset] : found.kind === 'alias' ? found.records : [];
  const keys = new Map<string, KeyName>();
  // The first signature of a secure RRset is the one that verified.
  const signatures = [...own, ...found.proof].flatMap((set) => set.signatures.slice(0, 1));
  for (const { keyTag, algorithm } of signatures)
    keys.set(`${keyTag} ${algorithm}`, { keyTag, algorithm });
  return [...keys.values()];
}
