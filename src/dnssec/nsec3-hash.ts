/**
 * The hash of NSEC3: RFC 5155 section 5.
 * @module
 */
import type { Engine } from './engine.ts';

/**
 * SHA-1 over the name and the salt, and `iterations` times more over the digest and the salt.
 * @param name  wire form in lower case
 * @returns 20 octets
 */
export function nsec3Hash(
  engine: Engine,
  name: Uint8Array,
  iterations: number,
  salt: Uint8Array,
): Uint8Array {
  let digest = engine.hash('sha1', concat(name, salt));
  for (let i = 0; i < iterations; i += 1) digest = engine.hash('sha1', concat(digest, salt));
  return digest;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
