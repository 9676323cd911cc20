/**
 * The one face of the two crypto engines, and the store of imported keys before it.
 *
 * Synchronous and pure: an engine answers and never throws. Both give the same verdict on every input; what the
 * libraries see differently is refused in dnskey.ts or here, before either is asked.
 * @module
 */
import { latin1 } from '../dns/octets.ts';
import type { HashName } from './algorithms.ts';
import { type DnsKey, type KeyMaterial, readKeyMaterial } from './dnskey.ts';
import { isLowOrder } from './edwards.ts';

/** Whether `signature` over `data` was made by the key that the verifier was made for. */
export type Verifier = (data: Uint8Array, signature: Uint8Array) => boolean;

export interface Engine {
  readonly name: 'noble' | 'native';
  hash(name: HashName, data: Uint8Array): Uint8Array;
  /** @returns `undefined` when the key cannot be used: a point that is not on its curve */
  importKey(key: KeyMaterial): Verifier | undefined;
}

/** Signature octets by curve; for RSA they are the modulus's (RFC 3110 section 3, RFC 6605 section 4, RFC 8080 section 4). */
const SIGNATURE_OCTETS = { p256: 64, p384: 96, ed25519: 64, ed448: 114 } as const;

/**
 * Two generations of this many keys are kept: a KeyObject takes 2.4 kB, and importing a P-256 key takes as long as
 * verifying with it.
 */
const GENERATION = 500;

/** No key is longer: a modulus of 4096 bits takes 515 octets, and the rest is room for leading zeros. */
const KEY_OCTETS = 4096;

/** `refused`: by rules, before any engine was asked. `broken`: an engine looked at it and cannot use it. */
export type Imported = Verifier | 'refused' | 'broken';

/** Imports a key when a signature first names it, and keeps it while it is used. */
export class KeyStore {
  readonly engine: Engine;
  #young = new Map<string, Imported>();
  #old = new Map<string, Imported>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** The verifier of a key; it says no to a signature of the wrong size without computing anything. */
  verifierOf(key: DnsKey): Imported {
    if (key.publicKey.length > KEY_OCTETS) return 'refused';
    const id = String.fromCharCode(key.algorithm) + latin1(key.publicKey);
    const known = this.#young.get(id);
    if (known !== undefined) return known;
    const verifier = this.#old.get(id) ?? this.#import(key);
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(id, verifier);
    return verifier;
  }

  #import(key: DnsKey): Imported {
    const material = readKeyMaterial(key);
    if (!material) return 'refused';
    const verifier = this.engine.importKey(material);
    if (!verifier) return 'broken';
    const octets =
      material.kind === 'rsa' ? material.modulus.length : SIGNATURE_OCTETS[material.curve];
    return (data, signature) =>
      signature.length === octets && isHonest(material, signature) && verifier(data, signature);
  }
}

/**
 * False for an EdDSA signature whose R is of small order or not reduced: no honest signer makes one, and versions of
 * OpenSSL differ on it.
 */
const isHonest = (material: KeyMaterial, signature: Uint8Array): boolean =>
  material.kind !== 'eddsa' ||
  !isLowOrder(material.curve, signature.subarray(0, signature.length / 2));
