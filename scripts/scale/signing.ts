/**
 * Keys and signatures of the right shape with octets that mean nothing: see engine.ts.
 * @module
 */
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import { Chance, mix } from './dice.ts';
import { TYPE, u16, u32, type Wire } from './packet.ts';

/** What signs a zone: its DNSKEY RRset, and by which of its keys what is signed. */
export interface Keys {
  readonly algorithm: number;
  readonly dnskeys: readonly Wire[];
  readonly ds: Wire;
  readonly keyTag: number;
  readonly dataTag: number;
  /** Octets that mean nothing, as many as the key's signatures have. */
  readonly keySignature: Wire;
  readonly dataSignature: Wire;
}

/** As in the lab: signing keys of 2048 bits; the smaller ones of top-level zones and the root. */
type Size = 'large' | 'small';
const RSA_OCTETS: Readonly<Record<Size, number>> = { large: 256, small: 160 };
const POINT_OCTETS: Readonly<Record<number, number>> = { 13: 64, 14: 96, 15: 32, 16: 57 };
const SIGNATURE_OCTETS: Readonly<Record<number, number>> = { 13: 64, 14: 96, 15: 64, 16: 114 };
const DUMMY = Array.from({ length: 256 }, (_, i) => String.fromCharCode(0x41 + (i % 23))).join('');

const ED448 = 16;
/** The last octet of a point holds its sign alone (RFC 8032 section 5.2.2). */
const ED448_END = '\0';
const isRsa = (algorithm: number): boolean => algorithm === 8 || algorithm === 10;

/** A public key that is none, but looks like one: odd and long enough, or reduced (all that is looked at). */
function publicKey(algorithm: number, size: Size, chance: Chance): Wire {
  const octets = isRsa(algorithm) ? RSA_OCTETS[size] : (POINT_OCTETS[algorithm] ?? 64);
  // Eight octets make it its own; the others would only take time.
  const own = u32(chance.word()) + u32(chance.word());
  const rest = DUMMY.slice(0, octets - own.length - 2);
  const key = `\xc1${own}${rest}${algorithm === ED448 ? ED448_END : '\x41'}`;
  return isRsa(algorithm) ? `\x03\x01\x00\x01${key}` : key;
}

function signatureOf(algorithm: number, size: Size): Wire {
  if (algorithm === ED448) return DUMMY.slice(0, 56) + ED448_END + DUMMY.slice(0, 57);
  return DUMMY.slice(0, isRsa(algorithm) ? RSA_OCTETS[size] : SIGNATURE_OCTETS[algorithm]);
}

export interface KeyPlan {
  readonly apex: Wire;
  readonly seed: number;
  readonly algorithm: number;
  /** One key for everything, or one for keys and one for data. */
  readonly isSplit: boolean;
  readonly dataSize: Size;
}

export function makeKeys({ apex, seed, algorithm, isSplit, dataSize }: KeyPlan): Keys {
  const chance = new Chance(mix(seed, algorithm));
  const dnskey = (flags: number, size: Size): Wire =>
    `${u16(flags)}\x03${String.fromCharCode(algorithm)}${publicKey(algorithm, size, chance)}`;
  const signing = dnskey(257, 'large');
  const data = isSplit ? dnskey(256, dataSize) : signing;
  const keyTag = tagOf(signing);
  const digest = nativeEngine.hash('sha256', Buffer.from(apex + signing, 'latin1'));
  return {
    algorithm,
    dnskeys: isSplit ? [signing, data] : [signing],
    ds: `${u16(keyTag)}${String.fromCharCode(algorithm, 2)}${Buffer.from(digest).toString('latin1')}`,
    keyTag,
    dataTag: tagOf(data),
    keySignature: signatureOf(algorithm, 'large'),
    dataSignature: signatureOf(algorithm, isSplit ? dataSize : 'large'),
  };
}

/** RFC 4034 appendix B. */
function tagOf(rdata: Wire): number {
  let sum = 0;
  for (let i = 0; i < rdata.length; i += 1) {
    const octet = rdata.charCodeAt(i);
    sum += i % 2 === 0 ? octet << 8 : octet;
  }
  return (sum + (sum >>> 16)) & 0xffff;
}

export interface Times {
  /** Seconds since 1970. */
  readonly inception: number;
  readonly expiration: number;
}

export interface Covered {
  readonly type: number;
  readonly labels: number;
  readonly ttl: number;
}

/** RDATA of an RRSIG (RFC 4034 section 3.1). */
export function rrsig(
  keys: Keys,
  signer: Wire,
  { type, labels, ttl }: Covered,
  times: Times,
): Wire {
  const isKeys = type === TYPE.DNSKEY;
  return (
    u16(type) +
    String.fromCharCode(keys.algorithm, labels) +
    u32(ttl) +
    u32(times.expiration) +
    u32(times.inception) +
    u16(isKeys ? keys.keyTag : keys.dataTag) +
    signer +
    (isKeys ? keys.keySignature : keys.dataSignature)
  );
}
