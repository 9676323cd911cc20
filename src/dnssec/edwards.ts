/**
 * Edwards points of small order: public keys under which a signature can be made without a private key.
 *
 * OpenSSL takes them and noble does not, so they are refused before either is asked. Coordinates that are not reduced
 * are refused with them (RFC 8032 sections 5.1.3 and 5.2.3). Does not: any arithmetic.
 * @module
 */

const P25519 = 2n ** 255n - 19n;
const P448 = 2n ** 448n - 2n ** 224n - 1n;

/** The y coordinates of the points of order 8 on edwards25519, as their little-endian encodings. */
const ORDER_8 = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((text) =>
  littleEndian(Uint8Array.from(text.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16))),
);

/** y is 1 at order 1, -1 at order 2 and 0 at order 4 on both curves; edwards448 has none of order 8. */
const LOW_ORDER = {
  ed25519: { p: P25519, signMask: 0x7f, ys: new Set([0n, 1n, P25519 - 1n, ...ORDER_8]) },
  ed448: { p: P448, signMask: 0x7f, ys: new Set([0n, 1n, P448 - 1n]) },
} as const;

/** True for an encoding that is of small order or not reduced, whatever its sign bit. */
export function isLowOrder(curve: 'ed25519' | 'ed448', point: Uint8Array): boolean {
  const { p, signMask, ys } = LOW_ORDER[curve];
  const unsigned = Uint8Array.from(point);
  unsigned[point.length - 1] = (point.at(-1) ?? 0) & signMask;
  const y = littleEndian(unsigned);
  return y >= p || ys.has(y);
}

function littleEndian(octets: Uint8Array): bigint {
  let value = 0n;
  for (let i = octets.length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(octets[i] ?? 0);
  return value;
}
