/**
 * How long `planDelivery` takes for domains that were never asked for, root and top-level zones known, in the namespace of
 * the lab's resolver: `ip netns exec NS-res node build/scripts/lab-decisions.js LAB_STATE [COUNT]`.
 *
 * The lab's latency has been set before (`net.sh latency 10 20 40`); the ideals are those of its report for these round
 * trips. Does not: start the lab, count packets, or compare with other resolvers (they cannot plan).
 * @module
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { planDelivery } from '../src/dane/plan.ts';
import { Name } from '../src/dns/name.ts';
import { openLabResolver } from './interop/lab-resolver.ts';

/** What is read of the lab's list of domains. */
interface Lab {
  readonly tlds: readonly { readonly name: string; readonly alg: number | null }[];
  readonly provs: readonly {
    readonly i: number;
    readonly signed: boolean;
    readonly tlsa: boolean;
  }[];
  readonly doms: readonly {
    readonly name: string;
    readonly tld: string;
    readonly signed: boolean;
    readonly own: boolean;
    readonly tlsa: boolean;
    readonly self: boolean;
    readonly prov: number;
  }[];
}

/** Milliseconds: a round trip to the top-level zone's servers and two to the domain's; one of each where the provider is known. */
const IDEAL = { self: 100, provmx: 60 } as const;
const PAUSE_MS = 40;

const [state = '', count = '100'] = process.argv.slice(2);
const lab = JSON.parse(readFileSync(`${state}/lab.json`, 'utf8')) as Lab;
const { lookup } = openLabResolver(`${state}/root.hints`, `${state}/anchor.ds`);
const signedZones = new Set(lab.tlds.filter(({ alg }) => alg).map(({ name }) => name));
const withTlsa = new Set(lab.provs.filter((one) => one.signed && one.tlsa).map(({ i }) => i));
const signed = lab.doms.filter((one) => one.signed && signedZones.has(one.tld));
for (const { name } of lab.tlds)
  for (const label of ['warm-a', 'warm-b']) await lookup(Name.parse(`${label}.${name}`), 'MX');
const self = signed.filter((one) => one.own && one.tlsa && one.self);
const provmx = signed.filter((one) => !one.own && withTlsa.has(one.prov));
// Each provider is met once before the measured ones, so that it is known.
const known = [...withTlsa].flatMap((i) => provmx.find(({ prov }) => prov === i) ?? []);
await measure(known);
await report('self', self);
await report(
  'provmx',
  provmx.filter((one) => !known.includes(one)),
);

async function measure(domains: Lab['doms']): Promise<readonly number[]> {
  const times: number[] = [];
  for (const { name } of domains) {
    const began = performance.now();
    const plan = await planDelivery(Name.parse(name), lookup);
    times.push(performance.now() - began);
    if (plan.kind !== 'deliver' || plan.hosts.some(({ tls }) => tls === 'unreachable'))
      throw new Error(`${name}: the plan is ${JSON.stringify(plan)}`);
    await sleep(PAUSE_MS);
  }
  return times.sort((a, b) => a - b);
}

async function report(kind: keyof typeof IDEAL, domains: Lab['doms']): Promise<void> {
  const times = await measure(domains.slice(0, Number(count)));
  const median = times[times.length >> 1] ?? Number.NaN;
  const ratio = (median / IDEAL[kind]).toFixed(2);
  const p95 = times[Math.floor(times.length * 0.95)] ?? Number.NaN;
  process.stdout.write(
    `${kind}: ${times.length} decisions, median ${median.toFixed(1)} ms (${ratio} times the ideal), p95 ${p95.toFixed(1)} ms\n`,
  );
}
