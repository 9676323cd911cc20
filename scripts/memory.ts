/**
 * How many octets the caches take for each RRset that they hold, and what a hit costs.
 *
 * One pass of MX, A, AAAA and TLSA over signed domains in memory; the growth of `heapUsed + external` after forced
 * collections, divided by the RRsets held. Does not: open sockets.
 * @module
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Name } from '../src/dns/name.ts';
import { parseAnchors } from '../src/dnssec/anchors.ts';
import { defaultPolicy } from '../src/dnssec/context.ts';
import { nativeEngine } from '../src/dnssec/engine-native.ts';
import { parseHints } from '../src/resolver/hints.ts';
import { createResolver, type Resolver } from '../src/resolver/resolver.ts';
import { type SmallInternet, smallInternet } from './memory/small-internet.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // the flag makes it a global of every new context

function octetsInUse(): number {
  for (let i = 0; i < 6; i += 1) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function makeResolver(net: SmallInternet): Resolver {
  const hints = parseHints(net.hints);
  const anchors = parseAnchors(net.anchors);
  if (hints.kind === 'errors' || anchors.kind === 'errors') throw new Error('a broken internet');
  return createResolver({
    environment: net,
    policy: defaultPolicy(nativeEngine),
    hints: hints.nameservers,
    anchors: anchors.anchors,
    cacheBytes: 1e9,
  });
}

const questionsOf = (
  domain: string,
): readonly (readonly [string, 'MX' | 'A' | 'AAAA' | 'TLSA'])[] => [
  [domain, 'MX'],
  [`mail.${domain}`, 'A'],
  [`mail.${domain}`, 'AAAA'],
  [`_25._tcp.mail.${domain}`, 'TLSA'],
];

async function pass(resolver: Resolver, domains: readonly string[]): Promise<void> {
  for (const domain of domains)
    for (const [name, type] of questionsOf(domain)) {
      const { status } = await resolver.lookup(Name.parse(name), type);
      if (status !== 'secure') throw new Error(`${name} ${type}: ${status}`);
    }
  // So that work that nobody waits for has ended too.
  await new Promise((resolve) => setTimeout(resolve, 200));
}

/** Microseconds for one question that the cache answers, least of several rounds. */
async function hitCost(resolver: Resolver, domains: readonly string[]): Promise<number> {
  const questions = domains
    .slice(0, 500)
    .flatMap(questionsOf)
    .map(([name, type]) => ({ name: Name.parse(name), type }));
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round += 1) {
    const start = performance.now();
    for (const { name, type } of questions) await resolver.lookup(name, type);
    least = Math.min(least, (performance.now() - start) / questions.length);
  }
  return least * 1000;
}

const count = Number(process.argv[2] ?? 4000);
/** More than the engine keeps imported keys. */
const warmUp = 1_100;
const net = smallInternet(count);
// Code, keys of the engine and the tables of the internet are there before the measuring begins.
await pass(makeResolver(net), net.domains.slice(0, warmUp));
const resolver = makeResolver(net);
await pass(resolver, net.domains.slice(0, warmUp));
const before = octetsInUse();
const heldBefore = resolver.held();
await pass(resolver, net.domains.slice(warmUp));
const grown = octetsInUse() - before;
const rows = Object.entries(resolver.held()).map(([map, held]) => {
  const less = heldBefore[map as keyof typeof heldBefore];
  return {
    map,
    entries: held.entries - less.entries,
    rrsets: held.rrsets - less.rrsets,
    bytes: held.bytes - less.bytes,
  };
});
console.log(`Node ${process.version}, ${count - warmUp} domains`);
for (const { map, entries, rrsets, bytes } of rows)
  console.log(
    `${map.padEnd(10)} ${entries} entries, ${rrsets} RRsets, ${bytes} octets by its own count`,
  );
const rrsets = rows.reduce((sum, row) => sum + row.rrsets, 0);
const counted = rows.reduce((sum, row) => sum + row.bytes, 0);
console.log(`counted    ${counted} octets, ${(counted / grown).toFixed(2)} of the growth`);
console.log(
  `grown      ${grown} octets, ${Math.round(grown / rrsets)} for each of ${rrsets} RRsets`,
);
console.log(`a hit      ${(await hitCost(resolver, net.domains.slice(warmUp))).toFixed(1)} us`);
