/**
 * EDNS(0): the OPT record and the options that Danelaw speaks.
 *
 * Implements RFC 6891 section 6.1 (the record), RFC 7873 section 4 (cookies), RFC 8914 section 2 (extended errors) and RFC
 * 9567 section 5 (report channels).
 * Does not: decide which options to send, or whether a cookie is the right one.
 * @module
 */
import { codeOf, type ExtendedError, OPTIONS } from './codes.ts';
import type { Reader } from './cursor.ts';
import { Name, NameError } from './name.ts';
import type { Writer } from './writer.ts';

export interface EdnsOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** RFC 8914 section 2: INFO-CODE and EXTRA-TEXT. */
export interface Ede {
  readonly code: ExtendedError | number;
  readonly text: string;
}

/** RFC 7873 section 4: 8 octets of the client's, and once the server has answered 8 to 32 of its own. */
export interface Cookie {
  readonly client: Uint8Array;
  readonly server: Uint8Array | undefined;
}

export interface Edns {
  /** Largest UDP payload that the sender takes; at least 512. */
  readonly udpSize: number;
  readonly version: number;
  /** DO: the sender wants DNSSEC records (RFC 3225). */
  readonly dnssecOk: boolean;
  /** In the order of the message, unknown ones included. */
  readonly options: readonly EdnsOption[];
}

/** RFC 6891 section 6.2.3: values lower than 512 are treated as 512. */
const LEAST_UDP_SIZE = 512;
/** No honest sender comes near it; a record of 16,000 empty options is work without an answer (CVE-2026-41292). */
const MAX_OPTIONS = 100;
const DNSSEC_OK = 0x8000;

/**
 * Reads what follows the type of an OPT record.
 * @param reader  at the class field; the RDATA must lie inside
 * @returns the record and the upper eight bits of the RCODE (RFC 6891 section 6.1.3)
 */
export function readOpt(reader: Reader): { edns: Edns; upperRcode: number } {
  const udpSize = Math.max(reader.u16(), LEAST_UDP_SIZE);
  const upperRcode = reader.u8();
  const version = reader.u8();
  const dnssecOk = (reader.u16() & DNSSEC_OK) !== 0;
  const options = readOptions(reader.within(reader.u16()));
  return { edns: { udpSize, version, dnssecOk, options }, upperRcode };
}

function readOptions(reader: Reader): EdnsOption[] {
  const options: EdnsOption[] = [];
  while (reader.left > 0) {
    if (options.length === MAX_OPTIONS) reader.fail(`more than ${MAX_OPTIONS} EDNS options`);
    const code = reader.u16();
    options.push({ code, data: reader.keep(reader.u16()) });
  }
  return options;
}

export function writeOpt(writer: Writer, edns: Edns, upperRcode: number): void {
  writer.u8(0); // the root
  writer.u16(codeOf('OPT'));
  writer.u16(edns.udpSize);
  writer.u8(upperRcode);
  writer.u8(edns.version);
  writer.u16(edns.dnssecOk ? DNSSEC_OK : 0);
  writer.u16(lengthOfOptions(edns));
  for (const { code, data } of edns.options) {
    writer.u16(code);
    writer.u16(data.length);
    writer.octets(data);
  }
}

const lengthOfOptions = (edns: Edns): number =>
  edns.options.reduce((sum, { data }) => sum + 4 + data.length, 0);

/** Octets that {@link writeOpt} takes: a root owner, ten octets of header, the options. */
export const lengthOfOpt = (edns: Edns): number => 11 + lengthOfOptions(edns);

/** Every extended error of a message, in its order. Options too short for a code are passed over. */
export function edesOf(edns: Edns | undefined): Ede[] {
  const found: Ede[] = [];
  for (const { code, data } of edns?.options ?? []) {
    if (code !== OPTIONS.EDE || data.length < 2) continue;
    found.push({ code: ((data[0] ?? 0) << 8) | (data[1] ?? 0), text: readText(data.subarray(2)) });
  }
  return found;
}

/** RFC 8914 section 2: UTF-8, which some senders end with a zero octet. */
const readText = (octets: Uint8Array): string =>
  new TextDecoder().decode(octets).replace(/\0$/, '');

export function makeEde({ code, text }: Ede): EdnsOption {
  const extra = new TextEncoder().encode(text);
  const data = new Uint8Array(2 + extra.length);
  data[0] = code >>> 8;
  data[1] = code & 0xff;
  data.set(extra, 2);
  return { code: OPTIONS.EDE, data };
}

/**
 * The cookie of a message: the first one counts (RFC 7873 section 5).
 * @returns `undefined` where there is none or its length is wrong (RFC 7873 section 4)
 */
export function cookieOf(edns: Edns | undefined): Cookie | undefined {
  const data = edns?.options.find(({ code }) => code === OPTIONS.COOKIE)?.data;
  if (!data) return undefined;
  if (data.length === 8) return { client: data, server: undefined };
  if (data.length < 16 || data.length > 40) return undefined;
  return { client: data.subarray(0, 8), server: data.subarray(8) };
}

/** @throws RangeError for a part whose length RFC 7873 section 4 forbids */
export function makeCookie({ client, server }: Cookie): EdnsOption {
  if (client.length !== 8) throw new RangeError('a client cookie has 8 octets');
  if (server && (server.length < 8 || server.length > 32))
    throw new RangeError('a server cookie has 8 to 32 octets');
  const data = new Uint8Array(client.length + (server?.length ?? 0));
  data.set(client);
  if (server) data.set(server, client.length);
  return { code: OPTIONS.COOKIE, data };
}

/**
 * The agent that wants to know what is wrong with a message; the first one counts.
 * @returns `undefined` where there is none, where it is the root, which is none either (RFC 9567 section 6.1), or where the
 *   octets are not one whole name without compression
 */
export function agentOf(edns: Edns | undefined): Name | undefined {
  const data = edns?.options.find(({ code }) => code === OPTIONS.REPORT_CHANNEL)?.data;
  if (!data) return undefined;
  try {
    const agent = Name.fromWire(new Uint8Array(data));
    return agent.isRoot ? undefined : agent;
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}
