/**
 * Fields that are more than one number or string and occur in one rare type each: LOC, APL, IPSECKEY, HIP.
 *
 * Implements RFC 1876 section 2, RFC 3123 section 4, RFC 4025 section 2 and RFC 8005 section 5 on the wire.
 * Does not: text (rare-fields-text.ts).
 * @module
 */
import { parseIPv4, parseIPv6, printIPv4, printIPv6 } from './address.ts';
import type { Codec } from './codec.ts';
import type { Reader } from './cursor.ts';
import { Name } from './name.ts';
import type { Writer } from './writer.ts';

/** RFC 1876 section 2, numbers as on the wire. */
export interface Location {
  /** Centimetres as base (upper four bits) and power of ten (lower four). */
  readonly size: number;
  readonly horizontalPrecision: number;
  readonly verticalPrecision: number;
  /** Thousandths of a second of arc; 2 to the power of 31 is the equator, more is north. */
  readonly latitude: number;
  /** Likewise; 2 to the power of 31 is the prime meridian, more is east. */
  readonly longitude: number;
  /** Centimetres above a base 100,000 m below the WGS 84 spheroid. */
  readonly altitude: number;
}

export const ORIGIN_OF_ARC: number = 2 ** 31;
const DEGREE = 3_600_000;

export const location: Codec<Location> = {
  check: readLocation,
  read: readLocation,
  write: (writer, value) => {
    writer.u8(0);
    writer.u8(value.size);
    writer.u8(value.horizontalPrecision);
    writer.u8(value.verticalPrecision);
    writer.u32(value.latitude);
    writer.u32(value.longitude);
    writer.u32(value.altitude);
  },
};

function readLocation(reader: Reader): Location {
  if (reader.u8() !== 0) reader.fail('version is not 0');
  const size = readPrecision(reader);
  const horizontalPrecision = readPrecision(reader);
  const verticalPrecision = readPrecision(reader);
  const latitude = reader.u32();
  const longitude = reader.u32();
  if (Math.abs(latitude - ORIGIN_OF_ARC) > 90 * DEGREE) reader.fail('latitude beyond the poles');
  if (Math.abs(longitude - ORIGIN_OF_ARC) > 180 * DEGREE)
    reader.fail('longitude beyond 180 degrees');
  return {
    size,
    horizontalPrecision,
    verticalPrecision,
    latitude,
    longitude,
    altitude: reader.u32(),
  };
}

function readPrecision(reader: Reader): number {
  const octet = reader.u8();
  if (octet >> 4 > 9 || (octet & 15) > 9) reader.fail('precision is not made of two digits');
  return octet;
}

/** RFC 3123 section 4: one item of an APL. */
export interface Prefix {
  /** 1 is IPv4, 2 is IPv6. */
  readonly family: number;
  readonly length: number;
  readonly negated: boolean;
  /** Without trailing zero octets. */
  readonly address: Uint8Array;
}

const WIDTH: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

export const prefixes: Codec<readonly Prefix[]> = {
  check: readPrefixes,
  read: readPrefixes,
  write: (writer, value) => {
    for (const { family, length, negated, address } of value) {
      writer.u16(family);
      writer.u8(length);
      writer.u8((negated ? 0x80 : 0) | address.length);
      writer.octets(address);
    }
  },
};

function readPrefixes(reader: Reader): readonly Prefix[] {
  const all: Prefix[] = [];
  while (reader.left > 0) {
    const family = reader.u16();
    const length = reader.u8();
    const sign = reader.u8();
    const address = reader.keep(sign & 0x7f);
    const width = WIDTH[family] ?? 127;
    if (address.length > width || (width <= 16 && length > 8 * width))
      reader.fail('prefix longer than an address');
    if (address.at(-1) === 0) reader.fail('prefix with trailing zero octets');
    all.push({ family, length, negated: sign >= 0x80, address });
  }
  return all;
}

/** RFC 4025 section 2: the gateway of an IPSECKEY: none, an address as text, or a name. */
export interface Gateway {
  readonly algorithm: number;
  readonly host: Name | string | undefined;
}

export const gateway: Codec<Gateway> = {
  check: readGateway,
  read: readGateway,
  write: (writer, { algorithm, host }) => {
    const octets = typeof host === 'string' ? (parseIPv4(host) ?? parseIPv6(host)) : host?.wire;
    if (host !== undefined && !octets) throw new RangeError(`"${String(host)}" is no address`);
    writer.u8(gatewayType(host));
    writer.u8(algorithm);
    if (octets) writer.octets(octets);
  },
};

export function gatewayType(host: Gateway['host']): 0 | 1 | 2 | 3 {
  if (host === undefined) return 0;
  if (host instanceof Name) return 3;
  return host.includes(':') ? 2 : 1;
}

function readGateway(reader: Reader): Gateway {
  const type = reader.u8();
  const algorithm = reader.u8();
  if (type === 0) return { algorithm, host: undefined };
  if (type === 1) return { algorithm, host: printIPv4(reader.view(4)) };
  if (type === 2) return { algorithm, host: printIPv6(reader.view(16)) };
  if (type === 3) return { algorithm, host: reader.plainName() };
  return reader.fail('unknown type of gateway');
}

/** RFC 8005 section 5: what a HIP record says. */
export interface HostIdentity {
  readonly algorithm: number;
  /** The Host Identity Tag. */
  readonly tag: Uint8Array;
  readonly publicKey: Uint8Array;
  /** Rendezvous servers, in order of preference. */
  readonly servers: readonly Name[];
}

export const hostIdentity: Codec<HostIdentity> = {
  check: readHostIdentity,
  read: readHostIdentity,
  write: (writer: Writer, { algorithm, tag, publicKey, servers }) => {
    writer.u8(tag.length);
    writer.u8(algorithm);
    writer.u16(publicKey.length);
    writer.octets(tag);
    writer.octets(publicKey);
    for (const server of servers) writer.octets(server.wire);
  },
};

function readHostIdentity(reader: Reader): HostIdentity {
  const tagLength = reader.u8();
  const algorithm = reader.u8();
  const keyLength = reader.u16();
  const tag = reader.keep(tagLength);
  const publicKey = reader.keep(keyLength);
  if (tagLength === 0 || keyLength === 0) reader.fail('tag or key is empty');
  const servers: Name[] = [];
  while (reader.left > 0) servers.push(reader.plainName());
  return { algorithm, tag, publicKey, servers };
}
