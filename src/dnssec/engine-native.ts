/**
 * The fast engine: node:crypto, which is OpenSSL.
 *
 * Keys are imported in the form that costs least: JWK, but SPKI for P-384 and PKCS#1 for RSA (the wrong one costs 2 to
 * 50 times more). Does not: run asynchronously, though for elliptic curves the thread pool would double the rate.
 * @module
 */
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import type { KeyMaterial } from './dnskey.ts';
import type { Engine, Verifier } from './engine.ts';

export const nativeEngine: Engine = {
  name: 'native',
  hash: (name, data) => hash(name, data, 'buffer'),
  importKey: (material) => {
    try {
      const check = verifierOf(material, importKey(material));
      return (data, signature) => {
        try {
          return check(data, signature);
        } catch {
          return false; // whatever OpenSSL cannot compute, it cannot verify
        }
      };
    } catch {
      return undefined; // OpenSSL throws for a point that is not on its curve
    }
  },
};

function verifierOf(material: KeyMaterial, key: KeyObject): Verifier {
  switch (material.kind) {
    case 'rsa':
      return (data, signature) => verify(material.hash, data, key, signature);
    case 'ecdsa':
      return (data, signature) =>
        verify(material.hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
    case 'eddsa':
      return (data, signature) => verify(null, data, key, signature);
  }
}

const base64url = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url');
const jwk = (key: Record<string, string>): KeyObject => createPublicKey({ key, format: 'jwk' });

function importKey(material: KeyMaterial): KeyObject {
  switch (material.kind) {
    case 'rsa':
      return createPublicKey({
        key: Buffer.from(pkcs1(material.modulus, material.exponent)),
        format: 'der',
        type: 'pkcs1',
      });
    case 'ecdsa': {
      const { point, curve } = material;
      if (curve === 'p384')
        return createPublicKey({
          key: Buffer.concat([P384_SPKI, point]),
          format: 'der',
          type: 'spki',
        });
      return jwk({
        kty: 'EC',
        crv: 'P-256',
        x: base64url(point.subarray(0, 32)),
        y: base64url(point.subarray(32)),
      });
    }
    case 'eddsa':
      return jwk({
        kty: 'OKP',
        crv: material.curve === 'ed25519' ? 'Ed25519' : 'Ed448',
        x: base64url(material.point),
      });
  }
}

/** SubjectPublicKeyInfo of an uncompressed secp384r1 point, up to its x (RFC 5480 section 2). */
const P384_SPKI = Buffer.from('3076301006072a8648ce3d020106052b8104002203620004', 'hex');

/** RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 appendix A.1.1). */
const pkcs1 = (modulus: Uint8Array, exponent: Uint8Array): number[] =>
  der(0x30, [...derInteger(modulus), ...derInteger(exponent)]);
/** A leading zero keeps a number with its top bit set positive. */
const derInteger = (octets: Uint8Array): number[] =>
  der(0x02, (octets[0] ?? 0) & 0x80 ? [0, ...octets] : [...octets]);

function der(tag: number, content: number[]): number[] {
  const { length } = content;
  if (length < 0x80) return [tag, length, ...content];
  return length < 0x100
    ? [tag, 0x81, length, ...content]
    : [tag, 0x82, length >> 8, length & 0xff, ...content];
}
