/**
 * Make-believe cryptography: digests are real, and every signature verifies.
 *
 * What it stands in for costs the same in any validator and is measured elsewhere; here the question is how many queries
 * go out, how long anybody waits and what is kept. Does not: prove anything. For simulations only.
 * @module
 */
import type { Engine } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';

export const believingEngine: Engine = {
  name: 'native',
  hash: (name, data) => nativeEngine.hash(name, data),
  importKey: () => () => true,
};
