// What the tests of resolver/ share: a resolver on the testing internet.
import type { RRType } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { type Network, parseNetwork } from '../../src/dns/network.ts';
import { printRdata } from '../../src/dns/presentation.ts';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import { failed, type Outcome } from '../../src/dnssec/outcome.ts';
import { parseHints } from '../../src/resolver/hints.ts';
import {
  createResolver,
  type Resolver,
  type ResolverOptions,
} from '../../src/resolver/resolver.ts';
import type { Internet } from '../../src/testing/index.ts';
import { policy } from '../dnssec/support.ts';

/** A resolver that knows nothing yet but the root's hints and key. */
export function resolverOn(net: Internet, options: Partial<ResolverOptions> = {}): Resolver {
  const hints = parseHints(net.hints);
  const anchors = parseAnchors(net.anchors);
  if (hints.kind === 'errors' || anchors.kind === 'errors') throw new Error('a broken internet');
  const { clock, random, transport } = net;
  return createResolver({
    environment: { clock, random, transport },
    policy: policy(),
    priming: 'off',
    hints: hints.nameservers,
    anchors: anchors.anchors,
    ...options,
  });
}

export function networkOf(text: string): Network {
  const network = parseNetwork(text);
  if (!network) throw new RangeError(`${text} is no network`);
  return network;
}

/** One line for an outcome: `secure 192.0.2.1`, `insecure nxdomain (no-ds-proven)`, `bogus (rrsigs-missing)`. */
export function show(outcome: Outcome): string {
  if (failed(outcome)) return `${outcome.status} (${outcome.reason})`;
  const { answer } = outcome;
  const data =
    answer.kind === 'records'
      ? answer.rrset.rdata.map((rdata) => printRdata(answer.rrset.type, rdata)).join(', ')
      : answer.kind;
  return outcome.status === 'secure' ? `secure ${data}` : `insecure ${data} (${outcome.reason})`;
}

export const ask = async (resolver: Resolver, name: string, type: RRType): Promise<string> =>
  show(await resolver.lookup(Name.parse(name), type));

export const isSynthesised = ({ trace }: Outcome): boolean =>
  trace.some((step) => step.kind === 'finding' && step.synthesised === true);

/** What a question comes to, and how: `secure nxdomain, made` cost no packet, `secure nxdomain, asked` did. */
export async function told(resolver: Resolver, name: string, type: RRType = 'A'): Promise<string> {
  const outcome = await resolver.lookup(Name.parse(name), type);
  const how = isSynthesised(outcome) ? 'made' : outcome.spent.queries > 0 ? 'asked' : 'cached';
  return `${show(outcome)}, ${how}`;
}
