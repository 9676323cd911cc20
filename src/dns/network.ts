/**
 * Networks: addresses that begin with the same bits.
 *
 * Does not: know what an address stands for (one that has another in it, one that means this host).
 * @module
 */
import { parseIPv4, parseIPv6, printIPv4, printIPv6 } from './address.ts';

export interface Network {
  /** Four or sixteen; those behind `bits` are zero. */
  readonly octets: Uint8Array;
  readonly bits: number;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address; `undefined` for anything else, a prefix with bits behind its length included. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const octets = parseIPv4(address) ?? parseIPv6(address);
  if (!octets) return undefined;
  const bits = length === undefined ? octets.length * 8 : Number(length);
  if (bits > octets.length * 8) return undefined;
  const hasMore = octets.some((octet, i) => (octet & ~maskOf(i, bits)) !== 0);
  return hasMore ? undefined : { octets, bits };
}

/** Of one family with it, and with its bits. */
export const liesIn = (address: Uint8Array, { octets, bits }: Network): boolean =>
  address.length === octets.length &&
  octets.every((octet, i) => (((address[i] ?? 0) ^ octet) & maskOf(i, bits)) === 0);

export const printAddress = (octets: Uint8Array): string =>
  octets.length === 4 ? printIPv4(octets) : printIPv6(octets);
export const printNetwork = ({ octets, bits }: Network): string =>
  `${printAddress(octets)}/${bits}`;

/** Of the octet at `index`, the bits that belong to the first `bits` of all. */
const maskOf = (index: number, bits: number): number =>
  (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff;
