/**
 * Sends one message to one next hop: looks up, plans, tries every address of every host with the full check, and says what
 * became of each recipient.
 *
 * Implements RFC 7672 section 2.2 and RFC 8689 section 4.2 as the decision table joins them with the operator's terms. No
 * verdict outlives its connection, and no TLS session is resumed. Does not: keep a queue (queue.ts), write bounces, or send
 * one message to two next hops.
 * @module
 */
import type { NextHop } from '../dane/next-hop.ts';
import { type Delivered, deferredAll, failedAll } from './delivered.ts';
import type { Wish } from './demand.ts';
import type { DeliverParts, Message } from './errand.ts';
import { travel } from './journey.ts';
import { checkMailbox, readLetter } from './letter.ts';
import { prepare } from './prepare.ts';
import type { Trouble } from './trouble.ts';

/**
 * Delivers. Rejects only for a caller's mistake, or with the reason of `signal` while it looks up.
 *
 * @throws TypeError when an address cannot stand in an envelope, or there is no recipient
 */
export async function deliver(
  message: Message,
  nextHop: NextHop,
  parts: DeliverParts,
): Promise<Delivered> {
  checkEnvelope(message);
  const letter = readLetter(message.data);
  if (letter.kind === 'bare') return failedAll(message, bare(letter));
  const prepared = await prepare(nextHop, parts, wishOf(message), message.purpose);
  switch (prepared.kind) {
    case 'ready':
      return travel({ ...prepared.trip, message, letter });
    case 'refuse':
      return failedAll(message, prepared.trouble);
    case 'defer':
      return deferredAll(message, prepared.trouble, prepared.retryAt);
  }
}

function checkEnvelope({ from, to }: Message): void {
  if (from !== '') checkMailbox(from, 'return path');
  if (to.length === 0) throw new TypeError('to: there is no recipient');
  for (const recipient of to) checkMailbox(recipient, 'recipient');
}

const bare = ({ character, at }: { character: string; at: number }): Trouble => ({
  nature: 'mail',
  reason: 'bare-cr-or-lf',
  why: `octet ${at} of the message is a ${character} that stands alone`,
  dsn: '5.6.0',
});

/** RFC 8689 section 4.1: beside REQUIRETLS the header field is ignored. */
function wishOf({ requireTls, tlsRequired, purpose }: Message): Wish {
  if (requireTls) return 'required';
  return tlsRequired === 'no' || purpose === 'tls-report' ? 'optional' : 'as-usual';
}
