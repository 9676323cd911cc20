/**
 * Messages of 64 KiB that are made to cost as much as they can: one for each loop of the reader.
 *
 * Does not: judge; message.test.ts and scripts/fuzz.ts measure them.
 * @module
 */
import { codeOf, type RRType } from '../../src/dns/codes.ts';

const SIZE = 0xffff;
const HEADER = 12;

/** A response that holds `body`, with these counts. */
function message(counts: readonly [number, number, number, number], body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, 0x8000);
  for (const [i, count] of counts.entries()) view.setUint16(4 + 2 * i, count);
  bytes.set(body, HEADER);
  return bytes;
}

const u16 = (value: number): number[] => [value >> 8, value & 0xff];

/** A record; its owner and data are octets as they stand in the message. */
const record = (owner: readonly number[], type: RRType, rdata: readonly number[]): number[] => [
  ...owner,
  ...u16(codeOf(type)),
  ...[0, 1, 0, 0, 0, 1],
  ...u16(rdata.length),
  ...rdata,
];

const ROOT = [0];
const pointerTo = (at: number): number[] => u16(0xc000 | at);
const repeat = (octets: readonly number[], times: number): number[] =>
  Array.from({ length: times }, () => octets).flat();

/** The first records, then as many more as fit, each made from its number. */
function filled(
  first: readonly (readonly number[])[],
  more: (i: number) => readonly number[],
  size: number,
): Uint8Array {
  const octets = first.flat();
  let count = first.length;
  for (;;) {
    const next = more(count);
    if (HEADER + octets.length + next.length > size) break;
    for (const octet of next) octets.push(octet);
    count += 1;
  }
  return message([0, count, 0, 0], Uint8Array.from(octets));
}

/** `length` octets of RDATA out of many equal parts, with a head before them. */
const bulk = (type: RRType, head: readonly number[], part: readonly number[], size: number) => {
  const room = size - HEADER - 11 - head.length;
  return filled(
    [record(ROOT, type, [...head, ...repeat(part, Math.floor(room / part.length))])],
    () => repeat(ROOT, size),
    size,
  );
};

/** A name of 255 octets that stands at octet 12 of the message: 127 labels. */
const LONG = [...repeat([1, 0x41], 127), 0];
const LONG_AT = pointerTo(HEADER);
const longOwner = record(LONG, 'NULL', []);
/** The same without its first label, so that one label of another's still fits. */
const ALMOST = pointerTo(HEADER + 2);
const distinct = (i: number): number[] => [1, i & 0xff];

/** A chain of pointers in opaque data, each to the one before; then owners that all point at its end. */
function chain(links: number, size: number): Uint8Array {
  const start = HEADER + 12 + 1;
  const data = [0];
  for (let i = 0; i < links; i += 1) data.push(...pointerTo(start + Math.max(0, 2 * i - 1) - 1));
  const end = HEADER + 12 + 2 * links - 1;
  return filled(
    [record(pointerTo(4), 'TYPE65280', data)],
    () => record(pointerTo(end), 'TYPE65280', []),
    size,
  );
}

/** Parameters in ascending order, empty. */
const params = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => [...u16(i + 100), 0, 0]).flat();

const allTypes = [
  ...ROOT,
  ...Array.from({ length: 256 }, (_, i) => [i, 32, ...repeat([0xff], 32)]).flat(),
];
const signature = (covered: number): number[] => [...u16(covered), 8, 0, ...repeat([0], 14), 0, 1];

/** Every kind, by name; each may be asked for in any size up to 65535 octets. */
export const HOSTILE: Readonly<Record<string, (size?: number) => Uint8Array>> = {
  'owners behind 126 pointers': (size = SIZE) => chain(126, size),
  'a chain of pointers that is too long': (size = SIZE) => chain(Math.min(8000, size >> 3), size),
  'long owners': (size = SIZE) => filled([longOwner], () => record(LONG_AT, 'TYPE65280', []), size),
  'long owners that differ in a label': (size = SIZE) =>
    filled([longOwner], (i) => record([...distinct(i), ...ALMOST], 'TYPE65280', []), size),
  'long owners that differ in two labels': (size = SIZE) =>
    filled(
      [longOwner],
      (i) =>
        record([...distinct(i), ...distinct(i >> 8), ...pointerTo(HEADER + 4)], 'TYPE65280', []),
      size,
    ),
  'owners that point to every label of a long one': (size = SIZE) =>
    filled([longOwner], (i) => record(pointerTo(HEADER + 2 * (i % 127)), 'TYPE65280', []), size),
  'long names in data': (size = SIZE) =>
    filled([longOwner], () => record(ROOT, 'MINFO', [...LONG_AT, ...LONG_AT]), size),
  'long names that differ in data': (size = SIZE) =>
    filled([longOwner], (i) => record(ROOT, 'NS', [...distinct(i), ...ALMOST]), size),
  'records with a defect each': (size = SIZE) => filled([], () => record(ROOT, 'A', []), size),
  'long owners with a defect each': (size = SIZE) =>
    filled([longOwner], () => record(LONG_AT, 'SOA', [0]), size),
  'records that are empty': (size = SIZE) => filled([], () => record(ROOT, 'TYPE65280', []), size),
  'addresses of one owner': (size = SIZE) =>
    filled([], (i) => record(ROOT, 'A', [0, 0, ...u16(i)]), size),
  'types, each once': (size = SIZE) =>
    filled([], (i) => record(ROOT, `TYPE${0xa000 + i}`, []), size),
  questions: (size = SIZE) => {
    const count = Math.floor((size - HEADER) / 5);
    return message([count, 0, 0, 0], Uint8Array.from(repeat([0, 0, 1, 0, 1], count)));
  },
  'bitmaps of all types': (size = SIZE) => filled([], () => record(ROOT, 'NSEC', allTypes), size),
  'service parameters': (size = SIZE) =>
    filled(
      [record(ROOT, 'SVCB', [0, 1, 0, ...params(Math.floor((size - HEADER - 14) / 4))])],
      () => repeat(ROOT, size),
      size,
    ),
  'protocols of a service': (size = SIZE) => {
    const ids = Math.floor((size - HEADER - 18) / 2);
    return filled(
      [record(ROOT, 'SVCB', [0, 1, 0, ...u16(1), ...u16(2 * ids), ...repeat([1, 0x61], ids)])],
      () => repeat(ROOT, size),
      size,
    );
  },
  'strings that are empty': (size = SIZE) => bulk('TXT', [], [0], size),
  'strings of one octet': (size = SIZE) => bulk('TXT', [], [1, 0x61], size),
  prefixes: (size = SIZE) => bulk('APL', [], [0, 1, 0, 0], size),
  'rendezvous servers': (size = SIZE) => bulk('HIP', [1, 2, 0, 1, 0, 0], [0], size),
  'one record of opaque octets': (size = SIZE) => bulk('TYPE65280', [], [0xff], size),
  'signatures over one RRset': (size = SIZE) =>
    filled([record(ROOT, 'A', [192, 0, 2, 1])], () => record(ROOT, 'RRSIG', signature(1)), size),
  'signatures over nothing': (size = SIZE) =>
    filled([longOwner], (i) => record(LONG_AT, 'RRSIG', signature(0xa000 + i)), size),
  'EDNS options': (size = SIZE) => {
    const count = Math.floor((size - HEADER - 11) / 4);
    return message([0, 0, 0, 1], Uint8Array.from(record(ROOT, 'OPT', repeat([0, 3, 0, 0], count))));
  },
  'counts that lie': () => message([0xffff, 0xffff, 0xffff, 0xffff], new Uint8Array()),
};
