/**
 * The portable engine: @noble/curves, @noble/hashes and our own RSA, in TypeScript from end to end.
 *
 * ECDSA takes every s (DNSSEC signers do not normalise it). EdDSA is checked as OpenSSL does it, so that both engines
 * agree on signatures with components of small order: Ed25519 without the cofactor, so that R must come out octet for
 * octet; Ed448 with it (RFC 8032 section 5.2.7 allows both). R of small order is refused before (engine.ts).
 * @module
 */
import type { EdwardsPointCons } from '@noble/curves/abstract/edwards.js';
import { ed448 } from '@noble/curves/ed448.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { shake256 } from '@noble/hashes/sha3.js';
import { concatBytes } from '@noble/hashes/utils.js';
import type { HashName } from './algorithms.ts';
import type { KeyMaterial } from './dnskey.ts';
import type { Engine, Verifier } from './engine.ts';
import { makeRsaKey, verifyRsa } from './rsa.ts';

const HASHES = { sha1, sha256, sha384, sha512 } satisfies Record<
  HashName,
  (data: Uint8Array) => Uint8Array
>;
const WEIERSTRASS = { p256, p384 };

/** RFC 8032 sections 5.1 and 5.2: the hash over R, A and the message; Ed448 puts dom4 with an empty context first. */
const EDWARDS: Readonly<
  Record<
    'ed25519' | 'ed448',
    {
      Point: EdwardsPointCons;
      cofactor: 'ignored' | 'cleared';
      challenge: (data: Uint8Array) => Uint8Array;
    }
  >
> = {
  ed25519: { Point: ed25519.Point, cofactor: 'ignored', challenge: sha512 },
  ed448: {
    Point: ed448.Point,
    cofactor: 'cleared',
    challenge: (data) => shake256(concatBytes(DOM4, data), { dkLen: 114 }),
  },
};
const DOM4 = Uint8Array.from([...'SigEd448\0\0'].map((char) => char.charCodeAt(0)));

export const nobleEngine: Engine = {
  name: 'noble',
  hash: (name, data) => HASHES[name](data),
  importKey: (material) => {
    try {
      return verifierOf(material);
    } catch {
      return undefined; // noble throws for a point that is not on its curve
    }
  },
};

function verifierOf(material: KeyMaterial): Verifier {
  switch (material.kind) {
    case 'rsa': {
      const key = makeRsaKey(material.modulus, material.exponent);
      const hash = HASHES[material.hash];
      return (data, signature) => verifyRsa(key, material.hash, hash(data), signature);
    }
    case 'ecdsa':
      return ecdsaVerifier(material);
    case 'eddsa':
      return eddsaVerifier(material);
  }
}

function ecdsaVerifier({ curve, hash, point }: Extract<KeyMaterial, { kind: 'ecdsa' }>): Verifier {
  const { Point, verify } = WEIERSTRASS[curve];
  const publicKey = concatBytes(Uint8Array.of(4), point);
  Point.fromBytes(publicKey).assertValidity();
  return (data, signature) => {
    try {
      return verify(signature, HASHES[hash](data), publicKey, { prehash: false, lowS: false });
    } catch {
      return false; // r or s out of range
    }
  };
}

function eddsaVerifier({ curve, point }: Extract<KeyMaterial, { kind: 'eddsa' }>): Verifier {
  const { Point, cofactor, challenge } = EDWARDS[curve];
  const order = Point.Fn.ORDER;
  const minusA = Point.fromBytes(point, false).negate();
  return (data, signature) => {
    const r = signature.subarray(0, point.length);
    const s = fromLittleEndian(signature.subarray(point.length));
    if (s >= order) return false;
    const k = fromLittleEndian(challenge(concatBytes(r, point, data))) % order;
    const expected = Point.BASE.multiplyUnsafe(s).add(minusA.multiplyUnsafe(k));
    if (cofactor === 'ignored') return expected.toBytes().every((octet, i) => octet === r[i]);
    try {
      return Point.fromBytes(r, false).subtract(expected).isSmallOrder();
    } catch {
      return false; // R is no point of the curve
    }
  };
}

function fromLittleEndian(octets: Uint8Array): bigint {
  let value = 0n;
  for (let i = octets.length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(octets[i] ?? 0);
  return value;
}
