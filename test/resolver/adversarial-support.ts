// What the tests of sections 5d to 5f share: a question on the testing internet, and what it came to in the rows' words.
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { parseZone } from '../../src/dns/zone-file.ts';
import { failed, type Outcome } from '../../src/dnssec/outcome.ts';
import { explain } from '../../src/dnssec/reason.ts';
import type { ResolverOptions } from '../../src/resolver/resolver.ts';
import type { Internet } from '../../src/testing/index.ts';
import { resolverOn } from './support.ts';

export const find = (
  net: Internet,
  name: string,
  type: RRType = 'A',
  options: Partial<ResolverOptions> = {},
): Promise<Outcome> => resolverOn(net, options).lookup(Name.parse(name), type);

/** Status, reason, EDE and the limit that was hit, as the rows state them. */
export function told(outcome: Outcome): readonly (string | number)[] {
  if (outcome.status === 'secure') return ['secure'];
  const { ede } = explain(outcome.reason);
  const limit = failed(outcome) ? outcome.fault.limit : undefined;
  return [
    outcome.status,
    outcome.reason,
    ...(ede === undefined ? [] : [ede]),
    ...(limit ? [limit] : []),
  ];
}

/** Records of one section from zone-file lines with absolute names. */
export function records(...lines: readonly string[]): readonly RR[] {
  const file = parseZone(['$TTL 3600', ...lines].join('\n'), Name.parse('.'));
  if (file.kind === 'errors')
    throw new RangeError(file.errors.map(({ message }) => message).join());
  return file.records;
}

/** Questions that reached one server, for one name and type where they are given. */
export const asked = (net: Internet, server: string, name?: string, type?: RRType): number =>
  net.log.filter(
    (one) =>
      one.server === server &&
      (name === undefined || one.name.equals(Name.parse(name))) &&
      (type === undefined || one.type === type),
  ).length;

/** Questions that leave while `work` is under way. */
export async function cost(net: Internet, work: () => Promise<unknown>): Promise<number> {
  const before = net.log.length;
  await work();
  return net.log.length - before;
}
