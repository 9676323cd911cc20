/**
 * RDATA as one table: for each type the list of its fields, from which the wire, canonical, presentation and object
 * forms all follow.
 *
 * Implements RFC 3597 (types that are not in the table are opaque octets; section 4 says where pointers are followed),
 * RFC 4034 section 6.2 as RFC 6840 section 5.1 corrects it (whose names are folded). Does not: judge values (a TLSA
 * with usage 200 is well-formed).
 * @module
 */

import type { Codec } from './codec.ts';
import { isKnownType, type KnownType, type RRType } from './codes.ts';
import { BrokenName, FormatError, Reader } from './cursor.ts';
import { CODECS, type Kind, type Values } from './field.ts';
import { Writer } from './writer.ts';

/** Uncompressed, letter case as received. */
export type Rdata = Uint8Array;

const keyFields = {
  flags: 'u16',
  protocol: 'u8',
  algorithm: 'algorithm',
  publicKey: 'base64',
} as const;
const signatureFields = {
  typeCovered: 'type',
  algorithm: 'algorithm',
  labels: 'u8',
  originalTtl: 'u32',
  expiration: 'time',
  inception: 'time',
  keyTag: 'u16',
} as const;
const digestFields = {
  keyTag: 'u16',
  algorithm: 'algorithm',
  digestType: 'u8',
  digest: 'hex',
} as const;
const certificateFields = {
  usage: 'u8',
  selector: 'u8',
  matchingType: 'u8',
  associationData: 'hex',
} as const;
const serviceFields = { priority: 'u16', target: 'name', params: 'svcParams' } as const;

/** The one truth about RDATA. Fields stand in the order of the wire. */
export const RDATA = {
  A: { address: 'ipv4' },
  AAAA: { address: 'ipv6' },
  // RFC 1035 section 3.3
  NS: { target: 'compressibleName' },
  MD: { target: 'compressibleName' },
  MF: { target: 'compressibleName' },
  CNAME: { target: 'compressibleName' },
  SOA: {
    mname: 'compressibleName',
    rname: 'compressibleName',
    serial: 'u32',
    refresh: 'period',
    retry: 'period',
    expire: 'period',
    minimum: 'period',
  },
  MB: { target: 'compressibleName' },
  MG: { target: 'compressibleName' },
  MR: { target: 'compressibleName' },
  NULL: { data: 'opaque' },
  PTR: { target: 'compressibleName' },
  HINFO: { cpu: 'string', os: 'string' },
  MINFO: { rmailbox: 'compressibleName', emailbox: 'compressibleName' },
  MX: { preference: 'u16', exchange: 'compressibleName' },
  TXT: { strings: 'strings' },
  // RFC 1183, 2163, 2230, 2782, 3403, 6672
  RP: { mailbox: 'oldName', text: 'oldName' },
  AFSDB: { subtype: 'u16', hostname: 'oldName' },
  RT: { preference: 'u16', intermediate: 'oldName' },
  PX: { preference: 'u16', map822: 'oldName', mapX400: 'oldName' },
  KX: { preference: 'u16', exchanger: 'foldedName' },
  SRV: { priority: 'u16', weight: 'u16', port: 'u16', target: 'oldName' },
  NAPTR: {
    order: 'u16',
    preference: 'u16',
    flags: 'string',
    services: 'string',
    regexp: 'string',
    replacement: 'oldName',
  },
  DNAME: { target: 'foldedName' },
  // RFC 4034, 5155, 7344, 2535
  DS: digestFields,
  CDS: digestFields,
  DNSKEY: keyFields,
  CDNSKEY: keyFields,
  KEY: keyFields,
  RRSIG: { ...signatureFields, signer: 'foldedName', signature: 'base64' },
  SIG: { ...signatureFields, signer: 'oldName', signature: 'base64' },
  NSEC: { next: 'name', types: 'types' },
  NSEC3: {
    hashAlgorithm: 'u8',
    flags: 'u8',
    iterations: 'u16',
    salt: 'salt',
    nextHashed: 'hash',
    types: 'types',
  },
  NSEC3PARAM: { hashAlgorithm: 'u8', flags: 'u8', iterations: 'u16', salt: 'salt' },
  CSYNC: { serial: 'u32', flags: 'u16', types: 'types' },
  ZONEMD: { serial: 'u32', scheme: 'u8', hashAlgorithm: 'u8', digest: 'hex' },
  // Keys and certificates: RFC 6698, 8162, 7929, 4255, 4398, 4701, 8659
  TLSA: certificateFields,
  SMIMEA: certificateFields,
  OPENPGPKEY: { publicKey: 'base64' },
  SSHFP: { algorithm: 'u8', fingerprintType: 'u8', fingerprint: 'hex' },
  CERT: {
    certificateType: 'certificateType',
    keyTag: 'u16',
    algorithm: 'algorithm',
    certificate: 'base64',
  },
  DHCID: { digest: 'base64' },
  CAA: { flags: 'u8', tag: 'tag', value: 'text' },
  // RFC 1876, 3123, 4025, 8005
  LOC: { location: 'location' },
  APL: { prefixes: 'prefixes' },
  IPSECKEY: { precedence: 'u8', gateway: 'gateway', publicKey: 'base64' },
  HIP: { host: 'hostIdentity' },
  // RFC 9460, 7208, 7043, 7553
  SVCB: serviceFields,
  HTTPS: serviceFields,
  SPF: { strings: 'strings' },
  EUI48: { address: 'eui48' },
  EUI64: { address: 'eui64' },
  URI: { priority: 'u16', weight: 'u16', target: 'text' },
} as const satisfies Partial<Record<KnownType, Readonly<Record<string, Kind>>>>;

/** The types whose fields are known. */
export type TypedRRType = keyof typeof RDATA;

/** The fields of each type as a program sees them. */
export type Fields = {
  readonly [T in TypedRRType]: {
    readonly [F in keyof (typeof RDATA)[T]]: (typeof RDATA)[T][F] extends Kind
      ? Values[(typeof RDATA)[T][F]]
      : never;
  };
};

interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly codec: Codec<unknown>;
}

interface Layout {
  readonly fields: readonly Field[];
  /** Some name in it may arrive compressed. */
  readonly pointers: boolean;
  /** Some name in it is folded in canonical form. */
  readonly folds: boolean;
  /** Set where the number of octets is all that can be wrong with it: from the first to the second of these. */
  readonly lengths: readonly [least: number, most: number] | undefined;
}

/** Octets of the kinds that have a fixed number of them and may hold any. */
const FIXED: Partial<Readonly<Record<Kind, number>>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  algorithm: 1,
  certificateType: 2,
  period: 4,
  time: 4,
  type: 2,
  ipv4: 4,
  ipv6: 16,
  eui48: 6,
  eui64: 8,
};
const isOpen = (kind: Kind | undefined): boolean =>
  kind === 'text' || kind === 'hex' || kind === 'base64' || kind === 'opaque';

function lengthsOf(kinds: readonly Kind[]): Layout['lengths'] {
  const open = isOpen(kinds.at(-1));
  const fixed = (open ? kinds.slice(0, -1) : kinds).map((kind) => FIXED[kind]);
  if (fixed.includes(undefined)) return undefined;
  const least = fixed.reduce<number>((sum, octets = 0) => sum + octets, 0);
  return [least, open ? 0xffff : least];
}

const isCompressible = (kind: Kind): boolean => kind === 'compressibleName' || kind === 'oldName';
const isFolded = (kind: Kind): boolean => isCompressible(kind) || kind === 'foldedName';

function layoutOf(spec: Readonly<Record<string, Kind>>): Layout {
  const fields = Object.entries(spec).map(([name, kind]): Field => {
    // Only this module pairs codecs with values, and it takes both from the same row.
    const codec = CODECS[kind] as Codec<unknown>;
    return { name, kind, codec };
  });
  return {
    fields,
    pointers: fields.some(({ kind }) => isCompressible(kind)),
    folds: fields.some(({ kind }) => isFolded(kind)),
    lengths: lengthsOf(Object.values(spec)),
  };
}

const LAYOUTS: ReadonlyMap<RRType, Layout> = new Map(
  Object.entries(RDATA).map(([type, spec]) => [type as TypedRRType, layoutOf(spec)]),
);

export const isTyped = (type: RRType): type is TypedRRType =>
  isKnownType(type) && Object.hasOwn(RDATA, type);

/**
 * Whether pointers are followed in RDATA of this type. A record of it that has a `defect` is bound to the message that
 * it came in: its octets would mean something else in another.
 */
export const followsPointers = (type: RRType): boolean => LAYOUTS.get(type)?.pointers === true;

/**
 * The fields of RDATA; those that are octets or names are views of it.
 * @throws {@link FormatError} when it does not fit its type: the reader has marked such a record with `defect`
 */
export function decode<T extends TypedRRType>(type: T, rdata: Rdata): Fields[T] {
  const reader = new Reader(rdata);
  const fields: Record<string, unknown> = {};
  for (const { name, codec } of layout(type).fields) fields[name] = codec.read(reader);
  if (reader.left > 0) reader.fail('octets left over');
  // The row of the table that made `fields` is the one that `Fields` is derived from.
  return fields as Fields[T];
}

/**
 * RDATA from its fields.
 * @throws RangeError when a value does not fit its field
 */
export function encode<T extends TypedRRType>(type: T, fields: Fields[T]): Rdata {
  const writer = new Writer();
  const values: Readonly<Record<string, unknown>> = fields;
  for (const { name, codec } of layout(type).fields) codec.write(writer, values[name]);
  if (writer.length > 0xffff) throw new RangeError(`${type} RDATA longer than 65535 octets`);
  return writer.finish();
}

/** RFC 4034 section 6.2: the octets as received, with the names of the older types in lower case. */
export function canonicalRdata(type: RRType, rdata: Rdata): Rdata {
  const known = LAYOUTS.get(type);
  if (!known?.folds) return rdata;
  const folded = new Uint8Array(rdata); // and not `slice`, which for a Buffer would be a view
  const reader = new Reader(rdata);
  try {
    for (const { kind, codec } of known.fields) {
      const start = reader.offset;
      if (isFolded(kind)) folded.set(reader.plainName().canonical.wire, start);
      else codec.check(reader);
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return rdata; // a defective record: nothing is folded and no signature will match
  }
  return folded;
}

/** Why uncompressed RDATA does not fit its type, or `undefined` when it does. */
export function defectOf(type: RRType, rdata: Rdata): string | undefined {
  const known = LAYOUTS.get(type);
  if (!known) return undefined;
  try {
    check(known, new Reader(rdata));
    return undefined;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return `${type}: ${error.message}`;
  }
}

/**
 * Reads the RDATA that `reader` is bounded to: pointers followed, structure checked.
 * @throws {@link BrokenName} for a name that spoils the message; everything else is a `defect`
 */
export function readRdata(type: RRType, reader: Reader): { rdata: Rdata; defect?: string } {
  const known = LAYOUTS.get(type);
  if (!known) return { rdata: reader.keep(reader.left) };
  const start = reader.offset;
  const end = start + reader.left;
  try {
    return { rdata: known.pointers ? expand(known, reader) : check(known, reader) };
  } catch (error) {
    if (!(error instanceof FormatError) || error instanceof BrokenName) throw error;
    return { rdata: reader.between(start, end), defect: `${type}: ${error.message}` };
  }
}

function check({ fields, lengths }: Layout, reader: Reader): Rdata {
  const { left } = reader;
  if (lengths && left >= lengths[0] && left <= lengths[1]) return reader.keep(left);
  const start = reader.offset;
  for (const { codec } of fields) codec.check(reader);
  if (reader.left > 0) reader.fail('octets left over');
  return reader.between(start, reader.offset);
}

function expand({ fields }: Layout, reader: Reader): Rdata {
  if (fields.length === 1) return expandName(reader);
  const parts: Uint8Array[] = [];
  for (const { kind, codec } of fields) {
    const start = reader.offset;
    if (isCompressible(kind)) parts.push(reader.name().wire);
    else {
      codec.check(reader);
      parts.push(reader.bytes.subarray(start, reader.offset));
    }
  }
  if (reader.left > 0) reader.fail('octets left over');
  return concat(parts);
}

/** The commonest: NS, CNAME, PTR. */
function expandName(reader: Reader): Rdata {
  const { wire } = reader.name();
  if (reader.left > 0) reader.fail('octets left over');
  return wire;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Writes RDATA into a message: the names of RFC 1035's types compressed, everything else as it is. RDATA that does not
 * fit its type goes out as it came.
 */
export function writeRdata(writer: Writer, type: RRType, rdata: Rdata): void {
  const known = LAYOUTS.get(type);
  if (!known?.pointers || defectOf(type, rdata) !== undefined) {
    writer.octets(rdata);
    return;
  }
  const reader = new Reader(rdata);
  for (const { kind, codec } of known.fields) {
    const start = reader.offset;
    codec.check(reader);
    const octets = rdata.subarray(start, reader.offset);
    if (kind === 'compressibleName') writer.name(octets);
    else writer.octets(octets);
  }
}

function layout(type: TypedRRType): Layout {
  const found = LAYOUTS.get(type);
  if (!found) throw new TypeError(`${type} has no fields that are known here`);
  return found;
}
