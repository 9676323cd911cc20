/**
 * Servers at this machine's own addresses, for scenarios that allow them (Unbound's `do-not-query-localhost: no`).
 *
 * Danelaw follows no delegation that leads there, and no option makes it: so glue shows other addresses, and what goes to
 * those comes back. Does not: touch answers, which clients are to see as they were written.
 * @module
 */
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import type { RR } from '../../src/dns/rrset.ts';
import type { Delivery, Transport } from '../../src/environment.ts';

/** From RFC 2544's block for benchmarks: no address of it is anybody's. */
const SHOWN = [198, 18] as const;

/** `transport`, whose 0.0.x.y is shown as 198.18.x.y. */
export const showElsewhere = (transport: Transport): Transport => ({
  exchange: async (to, query, how) => {
    const ip = to.ip.replace(new RegExp(`^${SHOWN.join('\\.')}\\.`), '0.0.');
    const delivery = await transport.exchange({ ...to, ip }, query, how);
    return delivery.kind === 'reply' ? shown(delivery) : delivery;
  },
});

function shown(delivery: Extract<Delivery, { kind: 'reply' }>): Delivery {
  const parsed = parseMessage(delivery.bytes);
  if (parsed.kind !== 'message') return delivery;
  const { message } = parsed;
  const changed: Message = { ...message, additional: message.additional.map(lift) };
  return { ...delivery, bytes: writeMessage(changed) };
}

function lift(record: RR): RR {
  const [a, b, c = 0, d = 0] = record.rdata;
  const isHere = record.type === 'A' && a === 0 && b === 0;
  return isHere ? { ...record, rdata: Uint8Array.of(...SHOWN, c, d) } : record;
}
