/**
 * Our reader beside dns-packet's, in one run: figures mean something as ratios only.
 * @module
 */
import Benchmark from 'benchmark';
import { decode } from 'dns-packet';
import { parseMessage, writeMessage } from '../src/dns/message.ts';
import { collectRRsets } from '../src/dns/rrset.ts';
import { HOSTILE } from '../test/dns/hostile.ts';
import { MESSAGES } from './messages.ts';

/** Seconds a case: enough for two figures, and the whole for a minute. */
const MAX_TIME_S = 1;

function perSecond(run: () => void): number {
  const bench = new Benchmark('', run, { maxTime: MAX_TIME_S });
  bench.run();
  return bench.hz;
}

const thousands = (hz: number): string => `${Math.round(hz / 1000)}k/s`;

function compare(title: string, octets: Uint8Array): string {
  const buffer = Buffer.from(octets);
  const parsed = parseMessage(octets);
  if (parsed.kind === 'malformed') throw new TypeError(`${title}: ${parsed.reason}`);
  const { message } = parsed;
  const ours = perSecond(() => parseMessage(octets));
  const theirs = perSecond(() => decode(buffer));
  const collected = perSecond(() => {
    collectRRsets(message.answer);
    collectRRsets(message.authority);
  });
  const written = perSecond(() => writeMessage(message));
  return [
    title.padEnd(26),
    `${octets.length} B`.padStart(7),
    thousands(ours).padStart(8),
    thousands(theirs).padStart(11),
    (ours / theirs).toFixed(1).padStart(6),
    thousands(collected).padStart(9),
    thousands(written).padStart(8),
  ].join(' ');
}

export function benchReader(): void {
  console.log('                                   parse  dns-packet  ratio   RRsets    write');
  for (const [title, octets] of Object.entries(MESSAGES)) console.log(compare(title, octets));
  console.log('\n64 KiB of hostile octets, ms a message');
  for (const [title, make] of Object.entries(HOSTILE)) {
    const octets = make();
    const ms = 1000 / perSecond(() => parseMessage(octets));
    console.log(`${title.padEnd(48)} ${ms.toFixed(2)}`);
  }
}
