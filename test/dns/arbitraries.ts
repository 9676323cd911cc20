/**
 * Random names, records and messages, made from the same table that the reader works by.
 *
 * Does not: make anything malformed; scripts/fuzz.ts does that.
 * @module
 */
import fc from 'fast-check';
import { printIPv4, printIPv6 } from '../../src/dns/address.ts';
import { RCODES, type Rcode, type RRType, typeOf } from '../../src/dns/codes.ts';
import type { Edns } from '../../src/dns/edns.ts';
import type { Kind, Values } from '../../src/dns/field.ts';
import type { Message, Question } from '../../src/dns/message.ts';
import { type Name, ROOT } from '../../src/dns/name.ts';
import type { Location, Prefix } from '../../src/dns/rare-fields.ts';
import { encode, type Fields, RDATA, type TypedRRType } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import type { SvcParam } from '../../src/dns/svc-params.ts';

/** Objects with the usual prototype, for deep comparison with our own. */
const plainRecord = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>; // every key is required

export const octets = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });

/** Labels of every kind of octet, and the ordinary ones more often. */
const label = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('www', 'mail', 'Example', 'com', '_25', '_tcp', '*', 'a'),
  },
  { weight: 1, arbitrary: octets(1, 63).map((bytes) => String.fromCharCode(...bytes)) },
);

/** Few enough distinct ones that suffixes repeat, so that compression has work. */
export const name: fc.Arbitrary<Name> = fc
  .array(label, { maxLength: 6 })
  .map((labels) => labels.reduceRight<Name>((parent, text) => parent.child(text) ?? parent, ROOT));

const type: fc.Arbitrary<RRType> = fc.oneof(
  fc
    .constantFrom('A', 'MX', 'NSEC', 'RRSIG', 'TLSA', 'DS')
    .map((text) => typeOf(text === 'A' ? 1 : text.length)),
  fc.integer({ min: 1, max: 0xffff }).map(typeOf),
);

const types = fc
  .uniqueArray(fc.integer({ min: 1, max: 0xffff }), { maxLength: 8 })
  .map((codes) => codes.sort((a, b) => a - b).map(typeOf));

/** Keys without a prescribed form, so that any octets will do. */
const svcParams: fc.Arbitrary<readonly SvcParam[]> = fc
  .uniqueArray(plainRecord({ key: fc.integer({ min: 20, max: 0xffff }), value: octets(0, 20) }), {
    maxLength: 4,
    selector: ({ key }) => key,
  })
  .map((params) => params.sort((a, b) => a.key - b.key));

const integer = (bits: 8 | 16 | 32) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const rest = octets(0, 80);

/** One digit times a power of ten, in its one form: zero has no power. */
const precision = fc
  .integer({ min: 0, max: 99 })
  .map((n) => (n < 10 ? 0 : (Math.floor(n / 10) << 4) | (n % 10)));

const arc = (degrees: number) =>
  fc.integer({ min: -degrees * 3_600_000, max: degrees * 3_600_000 }).map((n) => 2 ** 31 + n);

const location: fc.Arbitrary<Location> = plainRecord({
  size: precision,
  horizontalPrecision: precision,
  verticalPrecision: precision,
  latitude: arc(90),
  longitude: arc(180),
  altitude: integer(32),
});

const prefixes: fc.Arbitrary<readonly Prefix[]> = fc.array(
  fc.constantFrom(1, 2).chain((family) =>
    plainRecord({
      family: fc.constant(family),
      length: fc.integer({ min: 0, max: family === 1 ? 32 : 128 }),
      negated: fc.boolean(),
      address: octets(0, family === 1 ? 4 : 16).map((bytes) =>
        bytes.slice(0, bytes.findLastIndex((octet) => octet !== 0) + 1),
      ),
    }),
  ),
  { maxLength: 3 },
);

export const VALUES: { readonly [K in Kind]: fc.Arbitrary<Values[K]> } = {
  u8: integer(8),
  u16: integer(16),
  u32: integer(32),
  algorithm: integer(8),
  certificateType: integer(16),
  period: integer(32),
  time: integer(32),
  type,
  compressibleName: name,
  oldName: name,
  foldedName: name,
  name,
  ipv4: octets(4, 4).map(printIPv4),
  ipv6: octets(16, 16).map(printIPv6),
  string: octets(0, 40),
  strings: fc.array(octets(0, 40), { minLength: 1, maxLength: 4 }),
  tag: fc.stringMatching(/^[0-9a-zA-Z]{1,15}$/),
  text: rest,
  hex: rest,
  base64: rest,
  opaque: rest,
  salt: octets(0, 40),
  hash: octets(1, 40),
  types,
  svcParams,
  eui48: octets(6, 6),
  eui64: octets(8, 8),
  location,
  prefixes,
  gateway: plainRecord({
    algorithm: integer(8),
    host: fc.oneof(
      fc.constant(undefined),
      octets(4, 4).map(printIPv4),
      octets(16, 16).map(printIPv6),
      name,
    ),
  }),
  hostIdentity: plainRecord({
    algorithm: integer(8),
    tag: octets(1, 40),
    publicKey: octets(1, 40),
    servers: fc.array(name, { maxLength: 3 }),
  }),
};

export const TYPED = Object.keys(RDATA) as TypedRRType[]; // keys of a constant table

export function fieldsOf<T extends TypedRRType>(type: T): fc.Arbitrary<Fields[T]> {
  const kinds: [string, Kind][] = Object.entries(RDATA[type]);
  const model = Object.fromEntries(
    kinds.map(([field, kind]) => [field, VALUES[kind] as fc.Arbitrary<unknown>]),
  );
  return plainRecord(model) as unknown as fc.Arbitrary<Fields[T]>; // same row of the table
}

export const ttl = fc.integer({ min: 0, max: 0x7fffffff });

const typedRecord = fc.constantFrom(...TYPED).chain((type) =>
  plainRecord({
    owner: name,
    type: fc.constant(type),
    class: fc.constant(1),
    ttl,
    rdata: fieldsOf(type).map((fields) => encode(type, fields)),
  }),
);

const unknownRecord: fc.Arbitrary<RR> = plainRecord({
  owner: name,
  type: fc.integer({ min: 0xff00, max: 0xfffe }).map(typeOf),
  class: integer(16),
  ttl,
  rdata: octets(0, 60),
});

export const record: fc.Arbitrary<RR> = fc.oneof(
  { weight: 6, arbitrary: typedRecord },
  { weight: 1, arbitrary: unknownRecord },
);

export const question: fc.Arbitrary<Required<Question>> = plainRecord({
  name,
  type: integer(16).map(typeOf),
  class: integer(16),
});

export const edns: fc.Arbitrary<Edns> = plainRecord({
  udpSize: fc.integer({ min: 512, max: 0xffff }),
  version: integer(8),
  dnssecOk: fc.boolean(),
  options: fc.array(plainRecord({ code: integer(16), data: octets(0, 30) }), { maxLength: 5 }),
});

const rcodes = Object.keys(RCODES) as Rcode[]; // keys of a constant table
const header = {
  id: integer(16),
  response: fc.boolean(),
  opcode: fc.integer({ min: 0, max: 15 }),
  authoritative: fc.boolean(),
  truncated: fc.boolean(),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  authenticData: fc.boolean(),
  checkingDisabled: fc.boolean(),
  questions: fc.array(question, { maxLength: 2 }),
  answer: fc.array(record, { maxLength: 6 }),
  authority: fc.array(record, { maxLength: 4 }),
  additional: fc.array(record, { maxLength: 4 }),
};

export const message: fc.Arbitrary<Message> = fc.oneof(
  plainRecord({ ...header, rcode: fc.constantFrom(...rcodes), edns }),
  plainRecord({
    ...header,
    rcode: fc.constantFrom<Rcode>('NOERROR', 'NXDOMAIN', 'SERVFAIL', 'RCODE12'),
    edns: fc.constant(undefined),
  }),
);
