/**
 * Sends messages with the library's `deliver`, on Danelaw's own resolver: `send.js HINTS ANCHORS`, with a line of JSON on standard
 * input for each message, and one on standard output for each that has ended. Runs in the namespace of the lab's resolver.
 *
 * Does not: keep a queue. What is deferred is told as deferred.
 * @module
 */
import { createInterface } from 'node:readline';
import { parseNextHop } from '../../src/dane/next-hop.ts';
import { openOverTcp } from '../../src/mta/contact.ts';
import { deliver } from '../../src/mta/deliver.ts';
import { DEFAULT_TERMS } from '../../src/mta/terms.ts';
import { openLabResolver } from './lab-resolver.ts';
import { each } from './score.ts';

/** One message. */
export interface Job {
  /** Its subject, too. */
  readonly id: string;
  readonly recipient: string;
  readonly nextHop: string;
}

/** What became of it. */
export interface Sent {
  readonly id: string;
  /** `lost`: nothing was heard of it, which is never as it should be. */
  readonly kind: 'delivered' | 'deferred' | 'failed' | 'lost';
  readonly dsn: string;
  readonly why: string;
  /** Where it was delivered: how. */
  readonly tls?: string;
  readonly milliseconds: number;
}

const WIDTH = 4;

const [hints = '', anchors = ''] = process.argv.slice(2);
const { lookup } = openLabResolver(hints, anchors);
const jobs: Job[] = [];
for await (const line of createInterface({ input: process.stdin })) jobs.push(JSON.parse(line));
await each(jobs, WIDTH, async (job) => {
  process.stdout.write(`${JSON.stringify(await send(job))}\n`);
});
process.exit(0); // kept connections of the resolver are not waited for

async function send({ id, recipient, nextHop }: Job): Promise<Sent> {
  const parsed = parseNextHop(nextHop);
  if (parsed.kind === 'malformed') throw new TypeError(parsed.why);
  const began = performance.now();
  const lines = ['From: <probe@sender.lab>', `To: <${recipient}>`, `Subject: ${id}`, '', 'lab', ''];
  const { recipients } = await deliver(
    { from: 'probe@sender.lab', to: [recipient], data: Buffer.from(lines.join('\r\n')) },
    parsed.nextHop,
    {
      lookup,
      terms: { ...DEFAULT_TERMS, useDane: true, mtaSts: 'off' },
      clock: { now: Date.now },
      connect: openOverTcp,
      clientName: 'sender.lab',
      families: 'ipv4', // the lab has no other
    },
  );
  const [end] = recipients;
  if (!end) throw new Error(`${id}: nothing became of it`);
  const milliseconds = Math.round(performance.now() - began);
  const { kind, dsn, why } = end;
  return { id, kind, dsn, why, milliseconds, ...(end.kind === 'delivered' && { tls: end.tls }) };
}
