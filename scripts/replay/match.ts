/**
 * MATCH: whether a message is the one that an entry means, and how an answer differs from the one expected.
 *
 * Sections are compared as sets of records, names in any letter case, TTLs only where the entry says so.
 * @module
 */
import type { Edns } from '../../src/dns/edns.ts';
import { edesOf } from '../../src/dns/edns.ts';
import type { Message } from '../../src/dns/message.ts';
import { printRdata } from '../../src/dns/presentation.ts';
import { hex } from '../../src/dns/radix.ts';
import { canonicalRdata } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { messageOf, rcodeOf } from './message.ts';
import type { Dialect, Entry } from './scenario.ts';

export interface Received {
  readonly message: Message;
  readonly over: 'udp' | 'tcp';
}

/** Whether an upstream query is the one that `entry` waits for. */
export const matchesQuery = (entry: Entry, received: Received, dialect: Dialect): boolean =>
  entry.match.every((word) => matchesWord(word, entry, received, dialect));

function matchesWord(word: string, entry: Entry, received: Received, dialect: Dialect): boolean {
  const { message, over } = received;
  const [got] = message.questions;
  const expected = entry.question;
  switch (word) {
    case 'opcode':
      return message.opcode === messageOf(entry, dialect).opcode;
    case 'qtype':
      return got?.type === expected?.type;
    case 'qname':
      return expected !== undefined && got?.name.equals(expected.name) === true;
    case 'question':
      return (
        got?.type === expected?.type &&
        expected !== undefined &&
        got?.name.equals(expected.name) === true
      );
    case 'subdomain':
      return expected !== undefined && got?.name.isAtOrBelow(expected.name) === true;
    case 'TCP':
      return over === 'tcp';
    case 'UDP':
      return over === 'udp';
    case 'DO':
      return message.edns?.dnssecOk === true;
    case 'noedns':
      return message.edns === undefined;
    default:
      return true; // what only an answer can have
  }
}

/** What differs, level by level: `core` decides; `full` is told beside it. */
export interface Difference {
  readonly core: string | undefined;
  readonly full: string | undefined;
}

export function compareAnswer(entry: Entry, got: Message, dialect: Dialect): Difference {
  const expected = messageOf(entry, dialect);
  const core =
    compareQuestion(entry, got) ??
    compareRcode(entry, got) ??
    compareEde(entry, got.edns) ??
    compareAd(entry, expected, got) ??
    (asks(entry, 'answer') ? compareSection('answer', expected, got, entry) : undefined);
  return { core, full: core ?? compareRest(entry, expected, got) };
}

const isAll = ({ match }: Entry): boolean => match.includes('all') || match.includes('all_noedns');
const asks = (entry: Entry, word: string): boolean => isAll(entry) || entry.match.includes(word);

/** An answer to another question would mean that the answers of two clients were mixed up. */
function compareQuestion({ question, match }: Entry, got: Message): string | undefined {
  const [asked] = got.questions;
  if (!question || match.includes('subdomain')) return undefined;
  return asked?.type === question.type && asked.name.equals(question.name)
    ? undefined
    : `expected an answer to ${question.name} ${question.type}, got one to ${asked?.name} ${asked?.type}`;
}

function compareRcode(entry: Entry, got: Message): string | undefined {
  const expected = rcodeOf(entry);
  return asks(entry, 'rcode') && expected !== got.rcode
    ? `expected ${expected}, got ${got.rcode}${because(got.edns)}`
    : undefined;
}

/** What our own response says about its failure, for who has to find it. */
function because(edns: Edns | undefined): string {
  const texts = edesOf(edns).map(({ code, text }) => `EDE ${code} ${text}`.trim());
  return texts.length > 0 ? ` (${texts.join('; ')})` : '';
}

function compareAd(entry: Entry, expected: Message, got: Message): string | undefined {
  const counts = got.rcode === 'NOERROR' || got.rcode === 'NXDOMAIN';
  if (!asks(entry, 'flags') || !counts || expected.authenticData === got.authenticData)
    return undefined;
  return expected.authenticData
    ? `expected AD, got none${because(got.edns)}`
    : 'got AD unexpectedly';
}

function compareEde({ match }: Entry, edns: Edns | undefined): string | undefined {
  const codes = edesOf(edns).map(({ code }) => code);
  for (const word of match) {
    const [, wanted] = /^ede=(\w+)$/.exec(word) ?? [];
    if (wanted === undefined) continue;
    const isThere = wanted === 'any' ? codes.length > 0 : codes.includes(Number(wanted));
    if (!isThere)
      return `expected EDE ${wanted}, got ${codes.length > 0 ? codes.join(', ') : 'none'}`;
  }
  return undefined;
}

type SectionName = 'answer' | 'authority' | 'additional';

function compareSection(
  section: SectionName,
  expected: Message,
  got: Message,
  entry: Entry,
  how: 'equal' | 'at-least' = 'equal',
): string | undefined {
  const withTtl = entry.match.includes('ttl');
  const wanted = keysOf(expected[section], withTtl);
  const there = keysOf(got[section], withTtl);
  const missing = firstNotIn(wanted, there);
  if (missing) return `${section}: missing ${missing}${because(got.edns)}`;
  const surplus = how === 'equal' ? firstNotIn(there, wanted) : undefined;
  return surplus && `${section}: unexpected ${surplus}`;
}

/** Records for people, by what makes two of them the same; one that is there twice counts twice. */
function keysOf(records: readonly RR[], withTtl: boolean): Map<string, string> {
  const keys = new Map<string, string>();
  for (const { owner, type, ttl, rdata } of records) {
    let key = `${owner.key} ${type} ${withTtl ? ttl : ''} ${hex.print(canonicalRdata(type, rdata))}`;
    while (keys.has(key)) key += ' again';
    keys.set(key, `${owner} ${ttl} ${type} ${printRdata(type, rdata)}`.slice(0, 120));
  }
  return keys;
}

function firstNotIn(some: Map<string, string>, others: Map<string, string>): string | undefined {
  for (const [key, text] of some) if (!others.has(key)) return text;
  return undefined;
}

function compareRest(entry: Entry, expected: Message, got: Message): string | undefined {
  const flags = asks(entry, 'flags') ? compareFlags(expected, got) : undefined;
  if (flags) return flags;
  // Denial records that one resolver leaves out another one gives; a client is served by either.
  const isNegative = expected.answer.length === 0 && expected.authority.length > 0;
  const how = isNegative && got.edns?.dnssecOk ? 'at-least' : 'equal';
  const authority = asks(entry, 'authority')
    ? compareSection('authority', expected, got, entry, how)
    : undefined;
  if (authority) return authority;
  return asks(entry, 'additional') ? compareSection('additional', expected, got, entry) : undefined;
}

const FLAGS = {
  QR: 'response',
  AA: 'authoritative',
  TC: 'truncated',
  RD: 'recursionDesired',
  RA: 'recursionAvailable',
  AD: 'authenticData',
  CD: 'checkingDisabled',
} as const satisfies Record<string, keyof Message>;

function compareFlags(expected: Message, got: Message): string | undefined {
  for (const [flag, field] of Object.entries(FLAGS))
    if (expected[field] !== got[field])
      return expected[field] ? `flag ${flag} is missing` : `flag ${flag} unexpectedly`;
  const wantsDo = expected.edns?.dnssecOk === true;
  return wantsDo && !got.edns?.dnssecOk ? 'flag DO is missing' : undefined;
}
