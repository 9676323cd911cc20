/**
 * Service parameters of SVCB and HTTPS (RFC 9460 section 2.2).
 *
 * A parameter is a key and its octets; what the values of the keys of RFC 9460 section 7 must look like is checked
 * here, because section 2.2 makes a record with an ill-formed value malformed. Does not: presentation form.
 * @module
 */
import type { Reader } from './cursor.ts';
import type { Writer } from './writer.ts';

export interface SvcParam {
  readonly key: number;
  readonly value: Uint8Array;
}

/** Names of the keys, from the registry of RFC 9460 section 14.3.2. */
export const SVC_KEYS = {
  mandatory: 0,
  alpn: 1,
  'no-default-alpn': 2,
  port: 3,
  ipv4hint: 4,
  ech: 5,
  ipv6hint: 6,
  dohpath: 7,
  ohttp: 8,
} as const satisfies Record<string, number>;

/** In ascending order of their keys, as they must stand. */
export function readSvcParams(reader: Reader): readonly SvcParam[] {
  const params: SvcParam[] = [];
  let previous = -1;
  while (reader.left > 0) {
    const key = reader.u16();
    if (key <= previous) reader.fail('service parameters are not in strictly ascending order');
    const value = reader.keep(reader.u16());
    if (!isWellFormed(key, value)) reader.fail(`value of service parameter ${key} is ill-formed`);
    params.push({ key, value });
    previous = key;
  }
  return params;
}

export function writeSvcParams(writer: Writer, params: readonly SvcParam[]): void {
  for (const { key, value } of [...params].sort((a, b) => a.key - b.key)) {
    writer.u16(key);
    writer.u16(value.length);
    writer.octets(value);
  }
}

/** RFC 9460 section 7: the shape of each value. Keys that are not known may hold anything. */
function isWellFormed(key: number, value: Uint8Array): boolean {
  const { length } = value;
  if (key === SVC_KEYS.mandatory) return length > 0 && length % 2 === 0 && isAscending(value);
  if (key === SVC_KEYS.alpn) return length > 0 && isListOfStrings(value);
  if (key === SVC_KEYS['no-default-alpn'] || key === SVC_KEYS.ohttp) return length === 0;
  if (key === SVC_KEYS.port) return length === 2;
  if (key === SVC_KEYS.ipv4hint) return length > 0 && length % 4 === 0;
  if (key === SVC_KEYS.ipv6hint) return length > 0 && length % 16 === 0;
  return true;
}

/** RFC 9460 section 8: keys in strictly ascending order, `mandatory` itself (0) not among them. */
function isAscending(keys: Uint8Array): boolean {
  let previous = 0;
  for (let i = 0; i < keys.length; i += 2) {
    const key = ((keys[i] ?? 0) << 8) | (keys[i + 1] ?? 0);
    if (key <= previous) return false;
    previous = key;
  }
  return true;
}

/** RFC 9460 section 7.1.1: length-prefixed, none empty. */
function isListOfStrings(value: Uint8Array): boolean {
  let at = 0;
  while (at < value.length) {
    const length = value[at] ?? 0;
    if (length === 0) return false;
    at += 1 + length;
  }
  return at === value.length;
}
