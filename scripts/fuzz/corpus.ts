/**
 * Well-formed messages to start from: every record type, written by us (compressed) and by dns-packet (not), and small
 * ones of the hostile kinds.
 *
 * Does not: change from run to run; a seed must mean the same tomorrow.
 * @module
 */
import { encode } from 'dns-packet';
import fc from 'fast-check';
import { MESSAGES } from '../../bench/messages.ts';
import { type Message, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { toPacket } from '../../src/dns/packet.ts';
import { encode as encodeRdata } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import { message as anyMessage, fieldsOf, TYPED } from '../../test/dns/arbitraries.ts';
import { HOSTILE } from '../../test/dns/hostile.ts';

/** Any number will do, as long as it stays. */
const SEED = 1035;
const OWNER = Name.parse('www.Example.com');

/** Three records of one type below one owner. */
function messageOf(answer: readonly RR[]): Message {
  const [any] = fc.sample(anyMessage, { numRuns: 1, seed: SEED });
  if (!any) throw new TypeError('no message');
  return { ...any, answer, authority: [], additional: [] };
}

const typedMessages = (): Message[] =>
  TYPED.map((type) => {
    const fields = fc.sample(fieldsOf(type), { numRuns: 3, seed: SEED });
    return messageOf(
      fields.map((one) => ({
        owner: OWNER,
        type,
        class: 1,
        ttl: 300,
        rdata: encodeRdata(type, one),
      })),
    );
  });

/** The same message as dns-packet writes it, where it can. */
function byDnsPacket(message: Message): Uint8Array[] {
  const bridged = toPacket(message);
  if (bridged.kind === 'refused') return [];
  const packet = bridged.value as Parameters<typeof encode>[0]; // the declaration lacks numbered types
  return [new Uint8Array(encode(packet))];
}

export function makeCorpus(): readonly Uint8Array[] {
  const random = fc.sample(anyMessage, { numRuns: 200, seed: SEED });
  const messages = [...typedMessages(), ...random];
  return [
    ...messages.map((message) => writeMessage(message)),
    ...messages.flatMap(byDnsPacket),
    ...Object.values(MESSAGES),
    ...Object.values(HOSTILE).map((make) => make(1200)),
  ];
}
