/**
 * What must hold for any octets: what the reader lets through can be grouped, printed, bridged and written again.
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { isMetaType, type RRType } from '../../src/dns/codes.ts';
import { FormatError } from '../../src/dns/cursor.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { type Bridged, fromPacket, type Packet, toPacket } from '../../src/dns/packet.ts';
import { canonicalRdata, decode, defectOf, followsPointers, isTyped } from '../../src/dns/rdata.ts';
import { collectRRsets, type RR } from '../../src/dns/rrset.ts';
import { parseZone, printRecord } from '../../src/dns/zone-file.ts';
import { Dice } from './dice.ts';
import { mutate } from './mutator.ts';

export type Round =
  | { readonly kind: 'rejected'; readonly readMs: number }
  | { readonly kind: 'accepted'; readonly readMs: number; readonly bridged: boolean }
  | { readonly kind: 'finding'; readonly readMs: number; readonly what: string };

/** The octets that a seed stands for. */
export const octetsOf = (corpus: readonly Uint8Array[], seed: number): Uint8Array =>
  mutate(corpus, new Dice(seed));

/** Reads the octets and whatever follows from them. */
export function playRound(octets: Uint8Array): Round {
  const start = performance.now();
  let readMs = 0;
  try {
    const parsed = parseMessage(octets);
    readMs = performance.now() - start;
    if (parsed.kind === 'malformed') return { kind: 'rejected', readMs };
    const { message } = parsed;
    const bridged = toPacket(message);
    const what = wrongRecords(message) ?? wrongCopy(message) ?? wrongBridge(message, bridged);
    if (what !== undefined) return { kind: 'finding', readMs, what };
    return { kind: 'accepted', readMs, bridged: bridged.kind === 'value' };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'finding', readMs, what: `exception: ${text}` };
  }
}

const recordsOf = ({ answer, authority, additional }: Message): RR[] => [
  ...answer,
  ...authority,
  ...additional,
];

function wrongRecords(message: Message): string | undefined {
  collectRRsets(message.answer);
  collectRRsets(message.authority, 'RRSIG');
  collectRRsets(message.additional);
  for (const record of recordsOf(message)) {
    const what = wrongRecord(record);
    if (what !== undefined) return `${what}: ${printRecord(record).slice(0, 500)}`;
  }
  return undefined;
}

/** Longer data is not turned into text and back: it takes milliseconds, and shorter data shows the same. */
const MAX_TEXT = 2000;

function wrongRecord(record: RR): string | undefined {
  const { type, rdata, defect } = record;
  if (defectOf(type, rdata) === undefined && defect !== undefined && !isCompressed(defect))
    return 'a defect that uncompressed octets do not have';
  if (defect === undefined && defectOf(type, rdata) !== undefined)
    return 'a defect that was not seen';
  if (canonicalRdata(type, rdata).length !== rdata.length)
    return 'canonical form of another length';
  if (decodes(type, rdata) !== (isTyped(type) && defectOf(type, rdata) === undefined))
    return 'fields that can be read only sometimes';
  if (rdata.length > MAX_TEXT || isMetaType(type)) return undefined;
  const zone = parseZone(printRecord(record));
  const [back] = zone.kind === 'records' ? zone.records : [];
  const same =
    back?.owner.toString() === record.owner.toString() &&
    back.class === record.class &&
    isDeepStrictEqual(back.rdata, rdata);
  return same ? undefined : 'text that does not give the record back';
}

/** Where a pointer stood in the message, the octets as they are kept may look well-formed by chance. */
const isCompressed = (defect: string): boolean => /name runs past|octets left over/.test(defect);

function decodes(type: RRType, rdata: Uint8Array): boolean {
  if (!isTyped(type)) return false;
  try {
    decode(type, rdata);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** Uncompressed data may not fit a message again. */
const MAX_COPY = 60_000;

function wrongCopy(message: Message): string | undefined {
  if (recordsOf(message).some(({ type, defect }) => defect !== undefined && followsPointers(type)))
    return undefined; // see there
  const octets = writeMessage(message);
  if (octets.length > MAX_COPY) return undefined;
  const again = parseMessage(octets);
  if (again.kind === 'malformed') return `what was written is malformed: ${again.reason}`;
  return isDeepStrictEqual(again.message, message)
    ? undefined
    : 'what was written is another message';
}

function wrongBridge(message: Message, bridged: Bridged<Packet>): string | undefined {
  if (bridged.kind === 'refused') return undefined;
  const back = fromPacket(bridged.value);
  if (back.kind === 'refused') return `the bridge takes it one way only: ${back.reason}`;
  return isDeepStrictEqual(back.value, message)
    ? undefined
    : 'the bridge brings back another message';
}
