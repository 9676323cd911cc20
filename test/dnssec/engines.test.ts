// Both engines on what honest signers never make: their verdicts must agree on every input, not only on good ones.
import {
  constants,
  createPrivateKey,
  generateKeyPairSync,
  privateEncrypt,
  sign,
} from 'node:crypto';
import type { EdwardsPoint, EdwardsPointCons } from '@noble/curves/abstract/edwards.js';
import { ed448 } from '@noble/curves/ed448.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { shake256 } from '@noble/hashes/sha3.js';
import { concatBytes } from '@noble/hashes/utils.js';
import t from 'tap';
import { encode } from '../../src/dns/rdata.ts';
import { type KeyMaterial, parseDnsKey } from '../../src/dnssec/dnskey.ts';
import { KeyStore } from '../../src/dnssec/engine.ts';
import { ENGINES } from './support.ts';

/** `true`, `false` or, where they differ, both. */
function verdictOf(key: KeyMaterial, data: Uint8Array, signature: Uint8Array): string {
  const verdicts = ENGINES.map((engine) => engine.importKey(key)?.(data, signature) ?? false);
  return [...new Set(verdicts)].map(String).join(' and ');
}

/** The same for a DNSKEY, with what is refused before an engine is asked: versions of OpenSSL differ on R of small order. */
function verdictOfKey(
  curve: 'ed25519' | 'ed448',
  publicKey: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): string {
  const algorithm = curve === 'ed25519' ? 15 : 16;
  const key = parseDnsKey(encode('DNSKEY', { flags: 256, protocol: 3, algorithm, publicKey }));
  const verdicts = ENGINES.map((engine) => {
    const verifier = key && new KeyStore(engine).verifierOf(key);
    return typeof verifier === 'function' ? verifier(data, signature) : verifier;
  });
  return [...new Set(verdicts)].map(String).join(' and ');
}

interface Curve {
  readonly curve: 'ed25519' | 'ed448';
  readonly Point: EdwardsPointCons;
  readonly octets: number;
  readonly cofactor: bigint;
  readonly challenge: (data: Uint8Array) => Uint8Array;
}
const DOM4 = Uint8Array.from([...'SigEd448\0\0'].map((char) => char.charCodeAt(0)));
const CURVES: readonly Curve[] = [
  { curve: 'ed25519', Point: ed25519.Point, octets: 32, cofactor: 8n, challenge: sha512 },
  {
    curve: 'ed448',
    Point: ed448.Point,
    octets: 57,
    cofactor: 4n,
    challenge: (data) => shake256(concatBytes(DOM4, data), { dkLen: 114 }),
  },
];

const fromLittleEndian = (octets: Uint8Array): bigint =>
  octets.reduceRight((value, octet) => (value << 8n) | BigInt(octet), 0n);
function toLittleEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** Double and add: noble's own multiplication reduces the scalar. */
function multiply(point: EdwardsPoint, scalar: bigint, { Point }: Curve): EdwardsPoint {
  let product = Point.ZERO;
  for (const bit of scalar.toString(2)) {
    product = product.double();
    if (bit === '1') product = product.add(point);
  }
  return product;
}

/** A point whose order is the whole cofactor. */
function torsionOf(curve: Curve): EdwardsPoint {
  const { Point, cofactor, octets } = curve;
  for (let y = 2n; ; y += 1n) {
    try {
      const point = multiply(
        Point.fromBytes(toLittleEndian(y, octets), false),
        Point.Fn.ORDER,
        curve,
      );
      if (!multiply(point, cofactor / 2n, curve).equals(Point.ZERO)) return point;
    } catch {
      // no point has this y
    }
  }
}

for (const one of CURVES)
  t.test(`${one.curve}: components of small order, S too large, R not reduced`, async (t) => {
    const { curve, Point, octets, cofactor, challenge } = one;
    const order = Point.Fn.ORDER;
    const secret = 123_456_789_123_456_789n;
    const torsion = torsionOf(one);
    const differ: string[] = [];
    const accepted: string[] = [];
    let tried = 0;
    const check = (
      what: string,
      key: Uint8Array,
      message: Uint8Array,
      signature: Uint8Array,
    ): void => {
      const verdict = verdictOfKey(curve, key, message, signature);
      tried += 1;
      if (verdict.includes('and')) differ.push(`${what}: ${verdict}`);
      if (verdict === 'true') accepted.push(what);
    };
    const signed = (
      key: Uint8Array,
      r: Uint8Array,
      nonce: bigint,
      message: Uint8Array,
    ): Uint8Array => {
      const k = fromLittleEndian(challenge(concatBytes(r, key, message))) % order;
      return concatBytes(r, toLittleEndian((nonce + k * secret) % order, octets));
    };
    for (let inKey = 0n; inKey < cofactor; inKey += 1n)
      for (let inR = 0n; inR < cofactor; inR += 1n) {
        const nonce = 987_654_321n + inR;
        const key = Point.BASE.multiply(secret)
          .add(multiply(torsion, inKey, one))
          .toBytes();
        const r = Point.BASE.multiply(nonce)
          .add(multiply(torsion, inR, one))
          .toBytes();
        const message = Uint8Array.of(Number(inKey));
        const signature = signed(key, r, nonce, message);
        check(`A+${inKey}T R+${inR}T`, key, message, signature);
        const large = fromLittleEndian(signature.subarray(octets)) + order;
        check('S+L', key, message, concatBytes(r, toLittleEndian(large, octets)));
      }
    const key = Point.BASE.multiply(secret).toBytes();
    for (let i = 0n; i < cofactor; i += 1n) {
      const { y } = multiply(torsion, i, one).toAffine();
      for (const written of [y, y + Point.Fp.ORDER])
        for (const sign of [0, 0x80]) {
          if (written >= 1n << (curve === 'ed25519' ? 255n : 448n)) continue;
          const r = toLittleEndian(written, octets);
          r[octets - 1] = (r[octets - 1] ?? 0) | sign;
          for (const last of [1, 2, 3]) {
            const message = Uint8Array.of(last);
            check(`R of small order, y ${written}`, key, message, signed(key, r, 0n, message));
          }
        }
    }
    t.same(differ, [], `${tried} signatures`);
    t.ok(accepted.includes('A+0T R+0T'), 'the honest one is accepted');
    t.notOk(
      accepted.some((what) => what.startsWith('R of small')),
      'R of small order is refused',
    );
    t.notOk(accepted.includes('S+L'), 'S is below the order (RFC 8032 sections 5.1.7 and 5.2.7)');
  });

t.test('RSA: blocks that a lenient parser would take', async (t) => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024, publicExponent: 3 });
  const { n = '' } = privateKey.export({ format: 'jwk' });
  const modulus = new Uint8Array(Buffer.from(n, 'base64url'));
  const key: KeyMaterial = { kind: 'rsa', hash: 'sha256', modulus, exponent: Uint8Array.of(3) };
  const data = Buffer.from('data');
  const good = new Uint8Array(sign('sha256', data, privateKey));
  t.equal(verdictOf(key, data, good), 'true');
  const raw = (block: Uint8Array): Uint8Array =>
    new Uint8Array(
      privateEncrypt(
        {
          key: createPrivateKey(privateKey.export({ type: 'pkcs1', format: 'pem' })),
          padding: constants.RSA_NO_PADDING,
        },
        block,
      ),
    );
  const block = blockOf(good, modulus);
  t.equal(verdictOf(key, data, raw(block)), 'true', 'the block is read rightly');
  const [start] = [block.indexOf(0, 2)];
  const info = block.subarray(start);
  const wrong: Record<string, Uint8Array> = {
    'block type 2': block.map((octet, i) => (i === 1 ? 2 : octet)),
    'a padding octet that is not FF': block.map((octet, i) => (i === 5 ? 0xfe : octet)),
    'padding cut short, garbage behind the digest (CVE-2006-4339)': concatBytes(
      Uint8Array.of(0, 1, ...new Uint8Array(8).fill(0xff)),
      info,
      new Uint8Array(block.length - 10 - info.length).fill(7),
    ),
    'parameters left out of the DigestInfo': concatBytes(
      Uint8Array.of(0, 1, ...new Uint8Array(start).fill(0xff)),
      Uint8Array.of(0, 0x30, 0x2f, 0x30, 0x0b, ...info.subarray(5, 16), ...info.subarray(18)),
    ),
    'another hash in the DigestInfo': block.map((octet, i) => (i === start + 15 ? 3 : octet)),
    'the digest alone': concatBytes(new Uint8Array(block.length - 32), info.subarray(-32)),
    nothing: new Uint8Array(block.length),
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    t.equal(bytes.length, block.length, `${what} fills the block`);
    t.equal(verdictOf(key, data, raw(bytes)), 'false', what);
  }
  t.equal(verdictOf(key, data, modulus), 'false', 's = n');
});

/** The block under a good signature: s^3 mod n. */
function blockOf(signature: Uint8Array, modulus: Uint8Array): Uint8Array {
  const number = (octets: Uint8Array): bigint => BigInt(`0x${Buffer.from(octets).toString('hex')}`);
  const cube = number(signature) ** 3n % number(modulus);
  return new Uint8Array(Buffer.from(cube.toString(16).padStart(modulus.length * 2, '0'), 'hex'));
}

t.test(
  'ECDSA: s above half the order, points off the curve, coordinates not reduced',
  async (t) => {
    for (const [namedCurve, curve, hash, size, order, prime] of [
      [
        'P-256',
        'p256',
        'sha256',
        32,
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
        2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
      ],
      [
        'P-384',
        'p384',
        'sha384',
        48,
        0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
        2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
      ],
    ] as const) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
      const point = concatBytes(Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'));
      const key: KeyMaterial = { kind: 'ecdsa', curve, hash, point };
      const data = Buffer.from('data');
      const signature = new Uint8Array(
        sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
      );
      const number = (octets: Uint8Array): bigint =>
        BigInt(`0x${Buffer.from(octets).toString('hex')}`);
      const octets = (value: bigint): Uint8Array =>
        new Uint8Array(Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex'));
      const r = signature.subarray(0, size);
      const s = number(signature.subarray(size));
      t.equal(verdictOf(key, data, signature), 'true', namedCurve);
      t.equal(
        verdictOf(key, data, concatBytes(r, octets(order - s))),
        'true',
        'the other s is as good',
      );
      t.equal(verdictOf(key, data, concatBytes(r, octets(order))), 'false', 's = n');
      t.equal(verdictOf(key, data, concatBytes(octets(order), octets(s))), 'false', 'r = n');
      for (const length of [0, 1, size, 2 * size - 1, 2 * size + 1])
        t.equal(verdictOf(key, data, new Uint8Array(length).fill(1)), 'false', `${length} octets`);
      const off: Record<string, Uint8Array> = {
        'off the curve': point.map((octet, i) => (i === 0 ? octet ^ 1 : octet)),
        'the point zero': new Uint8Array(2 * size),
        'x = p': concatBytes(octets(prime), point.subarray(size)),
      };
      for (const [what, bad] of Object.entries(off))
        t.equal(verdictOf({ ...key, point: bad }, data, signature), 'false', what);
    }
  },
);
