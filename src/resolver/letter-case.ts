/**
 * The letter case of a question's name as a secret: a forger who does not see the query must guess it.
 *
 * Implements draft-vixie-dnsext-dns0x20. Names are equal whatever their case (RFC 4343 section 3), and servers copy the
 * question as it came. Does not: decide what a changed case means.
 * @module
 */
import type { Message } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { RR } from '../dns/rrset.ts';

/** Upper and lower case differ in this bit. */
const CASE = 0x20;
/** Where the question's name stands in a message (RFC 1035 section 4.1.1). */
const QUESTION_AT = 12;

const isLetter = (octet: number): boolean => {
  const lower = octet | CASE;
  return lower >= 0x61 && lower <= 0x7a;
};

/** Octets of randomness that {@link mixCase} takes for a name. */
export const bitsFor = ({ wire }: Name): number => (wire.length + 7) >> 3;

/** The name with each letter's case drawn anew. Length octets (at most 63) are no letters. */
export function mixCase(name: Name, random: Uint8Array): Name {
  const wire = name.wire.slice();
  for (let i = 0; i < wire.length; i += 1) {
    const octet = wire[i] ?? 0;
    const isUpper = ((random[i >> 3] ?? 0) >> (i & 7)) & 1;
    if (isLetter(octet)) wire[i] = isUpper ? octet & ~CASE : octet | CASE;
  }
  return name.spelled(wire);
}

/** Whether a reply to a question for `asked` repeats it octet for octet; or does not repeat it at all. */
export function keepsCase(reply: Uint8Array, { wire }: Name): boolean {
  const hasQuestion = ((reply[4] ?? 0) << 8) + (reply[5] ?? 0) > 0;
  for (let i = 0; hasQuestion && i < wire.length; i += 1)
    if (wire[i] !== reply[QUESTION_AT + i]) return false;
  return true;
}

/**
 * Owners that are written out, spelled like `name`. Those that point to the question are so already, for it was read as if
 * it were spelled like that: nobody above sees the dice.
 */
export function withOwner(message: Message, name: Name): Message {
  const isOdd = ({ owner }: RR): boolean =>
    owner.key === name.key && owner.wire.some((octet, i) => octet !== name.wire[i]);
  if (!message.answer.some(isOdd)) return message;
  const answer = message.answer.map((record) =>
    isOdd(record) ? { ...record, owner: name } : record,
  );
  return { ...message, answer };
}
