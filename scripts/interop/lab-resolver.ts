/**
 * A resolver that starts from a lab's root: its hints and its trust anchor.
 *
 * Does not: know where the lab's files lie, or run in its namespace by itself.
 * @module
 */
import { readFileSync } from 'node:fs';
import { parseAnchors } from '../../src/dnssec/anchors.ts';
import { defaultPolicy } from '../../src/dnssec/context.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import type { Environment } from '../../src/environment.ts';
import { nodeEnvironment } from '../../src/environment-node.ts';
import { parseHints } from '../../src/resolver/hints.ts';
import { createResolver, type Resolver } from '../../src/resolver/resolver.ts';

/** @throws TypeError where a file is not what it should be; the system's error where it cannot be read */
export function openLabResolver(
  hintsFile: string,
  anchorsFile: string,
  environment: Environment = nodeEnvironment(),
): Resolver {
  const hints = parseHints(readFileSync(hintsFile, 'utf8'));
  if (hints.kind === 'errors') throw new TypeError(`${hintsFile}: no root hints`);
  const anchors = parseAnchors(readFileSync(anchorsFile, 'utf8'));
  if (anchors.kind === 'errors') throw new TypeError(`${anchorsFile}: no trust anchors`);
  return createResolver({
    environment,
    policy: defaultPolicy(nativeEngine),
    hints: hints.nameservers,
    anchors: anchors.anchors,
    families: 'ipv4', // the lab has no other
  });
}
