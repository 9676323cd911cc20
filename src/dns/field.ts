/**
 * The kinds of field that RDATA is made of, and how each is checked, read and written on the wire.
 *
 * Does not: know record types (rdata.ts), text (presentation.ts), pointers inside RDATA (rdata.ts follows them; what
 * arrives here is uncompressed).
 * @module
 */
import { parseIPv4, parseIPv6, printIPv4, printIPv6 } from './address.ts';
import type { Codec } from './codec.ts';
import { codeOf, type RRType, typeOf } from './codes.ts';
import type { Reader } from './cursor.ts';
import type { Name } from './name.ts';
import {
  type Gateway,
  gateway,
  type HostIdentity,
  hostIdentity,
  type Location,
  location,
  type Prefix,
  prefixes,
} from './rare-fields.ts';
import { readSvcParams, type SvcParam, writeSvcParams } from './svc-params.ts';
import { checkTypes, readTypes, writeTypes } from './type-bitmap.ts';

/** The kinds, and what a program sees of each. */
export interface Values {
  readonly u8: number;
  readonly u16: number;
  readonly u32: number;
  /** The same on the wire as `u8` and `u16`; text may use the registry's mnemonics (RFC 4034 appendix A.1). */
  readonly algorithm: number;
  readonly certificateType: number;
  /** Seconds as `u32`; text may use units (`1h30m`). */
  readonly period: number;
  /** 32 bits of seconds, compared by serial arithmetic (RFC 4034 section 3.1.5). */
  readonly time: number;
  readonly type: RRType;
  /** Compressed on the wire, folded in canonical form: the types of RFC 1035. */
  readonly compressibleName: Name;
  /** Never compressed by us, but read so (RFC 3597 section 4); folded in canonical form. */
  readonly oldName: Name;
  /** Never compressed; folded in canonical form (RFC 4034 section 6.2). */
  readonly foldedName: Name;
  /** Never compressed, never folded (RFC 6840 section 5.1 for NSEC, RFC 3597 section 7 for newer types). */
  readonly name: Name;
  readonly ipv4: string;
  readonly ipv6: string;
  /** A `<character-string>`: at most 255 octets (RFC 1035 section 3.3). */
  readonly string: Uint8Array;
  /** One or more character-strings to the end. */
  readonly strings: readonly Uint8Array[];
  /** A character-string of letters and digits: the tag of a CAA (RFC 8659 section 4.1). */
  readonly tag: string;
  /** All octets to the end; the four differ in how they are printed. */
  readonly text: Uint8Array;
  readonly hex: Uint8Array;
  readonly base64: Uint8Array;
  readonly opaque: Uint8Array;
  /** Up to 255 octets, printed as hex or `-` (RFC 5155 section 3.3). */
  readonly salt: Uint8Array;
  /** 1 to 255 octets, printed as base32hex (RFC 5155 section 3.3). */
  readonly hash: Uint8Array;
  readonly types: readonly RRType[];
  readonly svcParams: readonly SvcParam[];
  readonly eui48: Uint8Array;
  readonly eui64: Uint8Array;
  readonly location: Location;
  readonly prefixes: readonly Prefix[];
  readonly gateway: Gateway;
  readonly hostIdentity: HostIdentity;
}

export type Kind = keyof Values;

/** The kinds that hold a name. */
export type NameKind = 'compressibleName' | 'oldName' | 'foldedName' | 'name';

const number = (octets: 1 | 2 | 4): Codec<number> => ({
  check: (reader) => reader.skip(octets),
  read: (reader) => (octets === 1 ? reader.u8() : octets === 2 ? reader.u16() : reader.u32()),
  write: (writer, value) => {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * octets)) {
      throw new RangeError(`${value} is not an integer of ${octets} octets`);
    }
    if (octets === 1) writer.u8(value);
    else if (octets === 2) writer.u16(value);
    else writer.u32(value);
  },
});

/** Uncompressed: in RDATA that is kept, no pointer can stand (see `readRdata`). */
const plainName: Codec<Name> = {
  check: (reader) => reader.skipPlainName(),
  read: (reader) => reader.plainName(),
  write: (writer, value) => writer.octets(value.wire),
};

const toEnd: Codec<Uint8Array> = {
  check: (reader) => reader.skip(reader.left),
  read: (reader) => reader.keep(reader.left),
  write: (writer, value) => writer.octets(value),
};

const fixed = (length: number): Codec<Uint8Array> => ({
  check: (reader) => reader.skip(length),
  read: (reader) => reader.keep(length),
  write: (writer, value) => {
    if (value.length !== length)
      throw new RangeError(`${value.length} octets where ${length} are needed`);
    writer.octets(value);
  },
});

/** A length octet and that many octets. */
const prefixed = (least: 0 | 1): Codec<Uint8Array> => {
  const lengthOf = (reader: Reader): number => {
    const length = reader.u8();
    if (length < least) reader.fail('empty where at least one octet is needed');
    return length;
  };
  return {
    check: (reader) => reader.skip(lengthOf(reader)),
    read: (reader) => reader.keep(lengthOf(reader)),
    write: (writer, value) => {
      if (value.length < least || value.length > 255)
        throw new RangeError(`${value.length} octets do not fit a field of ${least} to 255`);
      writer.u8(value.length);
      writer.octets(value);
    },
  };
};

const string = prefixed(0);
const nonEmpty = prefixed(1);

const strings: Codec<readonly Uint8Array[]> = {
  check: (reader) => {
    do string.check(reader);
    while (reader.left > 0);
  },
  read: (reader) => {
    const all: Uint8Array[] = [];
    do all.push(string.read(reader));
    while (reader.left > 0);
    return all;
  },
  write: (writer, value) => {
    if (value.length === 0) throw new RangeError('at least one string is needed');
    for (const one of value) string.write(writer, one);
  },
};

const TAG = /^[0-9A-Za-z]+$/;
const readTag = (reader: Reader): string => {
  const text = String.fromCharCode(...nonEmpty.read(reader));
  return TAG.test(text) ? text : reader.fail('tag is not made of letters and digits');
};
const tag: Codec<string> = {
  check: readTag,
  read: readTag,
  write: (writer, value) => {
    if (!TAG.test(value)) throw new RangeError(`"${value}" is not made of letters and digits`);
    nonEmpty.write(
      writer,
      Uint8Array.from(value, (char) => char.charCodeAt(0)),
    );
  },
};

const address = (
  length: 4 | 16,
  print: (octets: Uint8Array) => string,
  parse: (text: string) => Uint8Array | undefined,
): Codec<string> => ({
  check: (reader) => reader.skip(length),
  read: (reader) => print(reader.view(length)),
  write: (writer, value) => {
    const octets = parse(value);
    if (!octets) throw new RangeError(`"${value}" is no IPv${length === 4 ? 4 : 6} address`);
    writer.octets(octets);
  },
});

const u8 = number(1);
const u16 = number(2);
const u32 = number(4);

export const CODECS: { readonly [K in Kind]: Codec<Values[K]> } = {
  u8,
  u16,
  u32,
  algorithm: u8,
  certificateType: u16,
  period: u32,
  time: u32,
  type: {
    check: u16.check,
    read: (reader) => typeOf(reader.u16()),
    write: (writer, value) => u16.write(writer, codeOf(value)),
  },
  compressibleName: plainName,
  oldName: plainName,
  foldedName: plainName,
  name: plainName,
  ipv4: address(4, printIPv4, parseIPv4),
  ipv6: address(16, printIPv6, parseIPv6),
  string,
  strings,
  tag,
  text: toEnd,
  hex: toEnd,
  base64: toEnd,
  opaque: toEnd,
  salt: string,
  hash: nonEmpty,
  types: { check: checkTypes, read: readTypes, write: writeTypes },
  svcParams: { check: readSvcParams, read: readSvcParams, write: writeSvcParams },
  eui48: fixed(6),
  eui64: fixed(8),
  location,
  prefixes,
  gateway,
  hostIdentity,
};
