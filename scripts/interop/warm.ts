/**
 * One resolver that knows the root and the top-level zones, and is then asked for domains that it has never seen.
 *
 * Runs in the resolver's namespace of the lab, where latency.ts starts it: warm.js HINTS ANCHORS NAME... and prints one
 * sample for each name as JSON. Does not: count packets on the wire.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Name } from '../../src/dns/name.ts';
import type { Lookup } from '../../src/dnssec/outcome.ts';
import { openLabResolver } from './lab-resolver.ts';
import type { Sample } from './latency.ts';

/** Between questions, so that a late packet of one is not counted with the next. */
const PAUSE_MS = 60;

const [hintsFile = '', anchorsFile = '', ...names] = process.argv.slice(2);
const { lookup } = openLabResolver(hintsFile, anchorsFile);

const questions = names.map((name) => Name.parse(name));
await warm(questions);
const samples: Sample[] = [];
for (const question of questions) samples.push(await ask(question, lookup));
process.stdout.write(JSON.stringify(samples));

/** Two names that do not exist, under each top-level zone of the questions: the root's and the zone's keys are known then. */
async function warm(wanted: readonly Name[]): Promise<void> {
  const zones = new Map(wanted.map((name) => [name.ancestor(1).key, name.ancestor(1)]));
  for (const zone of zones.values())
    for (const label of ['warm-a', 'warm-b']) await lookup(Name.parse(`${label}.${zone}`), 'MX');
  await sleep(PAUSE_MS);
}

async function ask(name: Name, resolve: Lookup): Promise<Sample> {
  const from = secondsNow();
  const { status, trace } = await resolve(name, 'TLSA');
  const to = secondsNow();
  await sleep(PAUSE_MS);
  const exchanges = trace.filter((step) => step.kind === 'exchange');
  const timeouts = exchanges.filter(({ result }) => result === 'timeout').length;
  return { name: String(name), status, from, to, queries: exchanges.length, timeouts };
}

/** Since 1970, to the microsecond, on the scale of a packet capture. */
function secondsNow(): number {
  return (performance.timeOrigin + performance.now()) / 1000;
}
