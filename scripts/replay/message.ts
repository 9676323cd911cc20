/**
 * Entries as messages: the canned answer to a query, and the query of a client.
 * @module
 */
import { OPCODES, RCODES, type Rcode } from '../../src/dns/codes.ts';
import type { Edns, EdnsOption } from '../../src/dns/edns.ts';
import { type Message, writeMessage } from '../../src/dns/message.ts';
import type { Dialect, Entry } from './scenario.ts';

const UDP_SIZE = 4096;

const has = (entry: Entry, word: string): boolean => entry.reply.includes(word);

export const rcodeOf = ({ reply }: Entry): Rcode =>
  // NOTIMPL is how the format spells it.
  reply.includes('NOTIMPL')
    ? 'NOTIMP'
    : ((Object.keys(RCODES) as (keyof typeof RCODES)[]).find((rcode) => reply.includes(rcode)) ??
      'NOERROR');

const opcodeOf = ({ reply }: Entry): number =>
  Object.entries(OPCODES).find(([word]) => reply.includes(word))?.[1] ?? OPCODES.QUERY;

/** The message that an entry writes down. */
export function messageOf(entry: Entry, dialect: Dialect): Message {
  return {
    id: 0,
    response: has(entry, 'QR'),
    opcode: opcodeOf(entry),
    authoritative: has(entry, 'AA'),
    truncated: has(entry, 'TC'),
    recursionDesired: has(entry, 'RD'),
    recursionAvailable: has(entry, 'RA'),
    authenticData: has(entry, 'AD'),
    checkingDisabled: has(entry, 'CD'),
    rcode: rcodeOf(entry),
    questions: entry.question ? [entry.question] : [],
    answer: entry.answer,
    authority: entry.authority,
    additional: entry.additional,
    edns: ednsOf(entry, dialect),
  };
}

function ednsOf(entry: Entry, dialect: Dialect): Edns | undefined {
  const dnssecOk = has(entry, 'DO');
  if (!dnssecOk && !entry.options && dialect === 'unbound') return undefined;
  return { udpSize: UDP_SIZE, version: 0, dnssecOk, options: optionsOf(entry) };
}

function optionsOf({ options }: Entry): readonly EdnsOption[] {
  const found: EdnsOption[] = [];
  const octets = options ?? new Uint8Array();
  for (let at = 0; at + 4 <= octets.length; ) {
    const code = ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
    const length = ((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0);
    found.push({ code, data: octets.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return found;
}

/** What a server that holds `entry` sends back to `query`. */
export function replyTo(query: Message, entry: Entry, dialect: Dialect): Uint8Array {
  if (entry.raw) return withId(entry.raw, query.id);
  const message = messageOf(entry, dialect);
  const edns = query.edns && {
    ...(message.edns ?? { udpSize: UDP_SIZE, version: 0, options: [] }),
    dnssecOk: query.edns.dnssecOk,
  };
  const questions = entry.adjust.includes('copy_query') ? query.questions : message.questions;
  return writeMessage({ ...message, id: query.id, questions, edns });
}

/** What a server says that knows nothing of a query: deckard's SERVFAIL. */
export const servfail = (query: Message): Uint8Array =>
  writeMessage({ ...query, response: true, recursionDesired: false, rcode: 'SERVFAIL' });

function withId(octets: Uint8Array, id: number): Uint8Array {
  const copy = Uint8Array.from(octets);
  copy[0] = id >> 8;
  copy[1] = id & 0xff;
  return copy;
}
