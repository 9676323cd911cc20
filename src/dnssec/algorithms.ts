/**
 * The algorithms and digest types of DNSSEC, and which of them count.
 *
 * Implements the registries of RFC 4034 appendix A as RFC 9904 and RFC 9905 leave them. What counts is an argument
 * (`AlgorithmTable`), so that a test can bring back what the default has retired.
 * Does not: DSA (3, 6), GOST (12), RSA/MD5 (1), SM2 (17): they are unsupported.
 * @module
 */

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export type Algorithm =
  | { readonly mnemonic: string; readonly kind: 'rsa'; readonly hash: HashName }
  | {
      readonly mnemonic: string;
      readonly kind: 'ecdsa';
      readonly curve: 'p256' | 'p384';
      readonly hash: HashName;
    }
  | { readonly mnemonic: string; readonly kind: 'eddsa'; readonly curve: 'ed25519' | 'ed448' };

/** By algorithm number: RFC 3110, 5155, 5702, 6605, 8080. */
const ALGORITHMS: Readonly<Record<number, Algorithm>> = {
  5: { mnemonic: 'RSASHA1', kind: 'rsa', hash: 'sha1' },
  7: { mnemonic: 'RSASHA1-NSEC3-SHA1', kind: 'rsa', hash: 'sha1' },
  8: { mnemonic: 'RSASHA256', kind: 'rsa', hash: 'sha256' },
  10: { mnemonic: 'RSASHA512', kind: 'rsa', hash: 'sha512' },
  13: { mnemonic: 'ECDSAP256SHA256', kind: 'ecdsa', curve: 'p256', hash: 'sha256' },
  14: { mnemonic: 'ECDSAP384SHA384', kind: 'ecdsa', curve: 'p384', hash: 'sha384' },
  15: { mnemonic: 'ED25519', kind: 'eddsa', curve: 'ed25519' },
  16: { mnemonic: 'ED448', kind: 'eddsa', curve: 'ed448' },
};

/** By digest type: RFC 4034 section 5.1.4, RFC 4509, RFC 6605. */
const DIGESTS: Readonly<Record<number, HashName>> = { 1: 'sha1', 2: 'sha256', 4: 'sha384' };

/** Mnemonics of algorithms that are known by name only. */
const RETIRED: Readonly<Record<number, string>> = {
  1: 'RSAMD5',
  3: 'DSA',
  6: 'DSA-NSEC3-SHA1',
  12: 'ECC-GOST',
  17: 'SM2SM3',
  23: 'ECC-GOST12',
};

export const algorithmOf = (number: number): Algorithm | undefined => ALGORITHMS[number];
export const digestOf = (type: number): HashName | undefined => DIGESTS[type];

/** `ECDSAP256SHA256`, or the number where no name is known. */
export const printAlgorithm = (number: number): string =>
  ALGORITHMS[number]?.mnemonic ?? RETIRED[number] ?? String(number);

/** RFC 4034 section 5.1.4, RFC 4509, RFC 6605; 3 is RFC 5933's. */
const DIGEST_NAMES: Readonly<Record<number, string>> = {
  1: 'SHA-1',
  2: 'SHA-256',
  3: 'GOST',
  4: 'SHA-384',
};
export const printDigestType = (type: number): string =>
  DIGEST_NAMES[type] ?? `digest type ${type}`;

/** Which algorithms and digest types count. A zone that has no others is insecure. */
export interface AlgorithmTable {
  readonly algorithms: ReadonlySet<number>;
  readonly digests: ReadonlySet<number>;
  /** A zone that publishes an RSA key with fewer significant bits is insecure: 512 bits fall within hours. */
  readonly rsaMinimumBits: number;
}

/** RFC 9905 section 2: algorithms 5 and 7 prove nothing any more; a DS digest of type 1 still does (RFC 9904). */
export const DEFAULT_ALGORITHMS: AlgorithmTable = {
  algorithms: new Set([8, 10, 13, 14, 15, 16]),
  digests: new Set([1, 2, 4]),
  rsaMinimumBits: 1024,
};

/** The documented switch of RFC 9905: RSA with SHA-1 is verified again. */
export const SHA1_ALGORITHMS: AlgorithmTable = {
  ...DEFAULT_ALGORITHMS,
  algorithms: new Set([5, 7, ...DEFAULT_ALGORITHMS.algorithms]),
};

export const isSupported = (table: AlgorithmTable, algorithm: number): boolean =>
  table.algorithms.has(algorithm) && algorithm in ALGORITHMS;
