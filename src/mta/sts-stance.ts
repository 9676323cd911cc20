/**
 * What a domain's MTA-STS policy says of one mail host, as demand.ts weighs it against DANE and the operator's terms.
 *
 * Implements RFC 8461 section 4.1 and section 5 (modes). Does not: find policies (mta-sts.ts), judge certificates
 * (sts-certificate.ts), or decide (demand.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { StsStance } from './demand.ts';
import type { StsFinding } from './mta-sts.ts';
import { stsAllows } from './sts-policy.ts';
import type { Terms } from './terms.ts';

/** `undefined` for every host where no policy counts: there is none, it says `none`, or the operator has no use for it. */
export function stanceOf(
  sts: StsFinding,
  { mtaSts }: Pick<Terms, 'mtaSts'>,
): (host: Name) => StsStance | undefined {
  if (sts.kind !== 'policy' || mtaSts === 'off') return () => undefined;
  const { policy } = sts;
  const { mode } = policy;
  if (mode === 'none') return () => undefined;
  return (host) => ({ mode, host: stsAllows(policy, host) ? 'listed' : 'not-listed' });
}
