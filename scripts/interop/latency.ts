/**
 * How many rounds and packets one TLSA question takes once the root and the top-level zone are known, over links with
 * latency, and how long beside Unbound.
 *
 * A round is an exchange sent after the former was answered; the packets are those that the lab's delayer saw go by,
 * not what the resolver says of itself. Does not: measure throughput.
 * @module
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Crew } from './crew.ts';
import type { Domain, Lab } from './lab.ts';
import { print, type Score } from './score.ts';

/** Round-trip times in milliseconds to the root, to top-level zones and to everybody else. */
const ROUND_TRIPS = ['10', '20', '40'] as const;

/** Issue 2: "takes 2 rounds and at most 3 upstream queries". */
const ROUNDS = 2;
const QUERIES = 3;

/** Domains asked for, at least. */
const SAMPLES = 20;

/** One question as the process in the namespace measured it. Times are seconds since 1970. */
export interface Sample {
  readonly name: string;
  readonly status: string;
  readonly from: number;
  readonly to: number;
  /** What the outcome's own trace says, and how many of these were given up. */
  readonly queries: number;
  readonly timeouts: number;
}

/** What the lab's bench/dns.mjs gives. */
interface Wire {
  upstream(pcap: string): readonly unknown[];
  rounds(all: readonly unknown[], from: number, to: number): { rounds: number; queries: number };
}

export interface Latency {
  readonly samples: readonly (Sample & { rounds: number; packets: number })[];
  readonly medianMs: number;
  readonly unboundMs: number;
}

export async function runLatency(crew: Crew, lab: Lab, score: Score): Promise<Latency> {
  const unbound = await score.time('Unbound with latency', () => askUnbound(lab));
  const samples = await score.time('danelaw with latency', () => measure(crew, lab));
  const calm = samples.filter((sample) => !disturbed(sample));
  const claim = `at least ${SAMPLES} domains answered without a stall`;
  score.check('latency', claim, calm.length >= SAMPLES, `${calm.length} of ${samples.length}`);
  for (const sample of samples) scoreSample(score, sample);
  const medianMs = median(samples.map(({ from, to }) => (to - from) * 1000));
  print(
    `one TLSA question, root and TLD known, round trips of ${ROUND_TRIPS.join('/')} ms: median ${medianMs.toFixed(1)} ms over ${samples.length} domains; ` +
      `Unbound ${unbound.ms_median.toFixed(1)} ms in ${unbound.seq_rounds_median} rounds and ${unbound.upstream_queries_median} queries (ratio ${(medianMs / unbound.ms_median).toFixed(2)})`,
  );
  return { samples, medianMs, unboundMs: unbound.ms_median };
}

function scoreSample(score: Score, sample: Latency['samples'][number]): void {
  const { name, status, rounds, packets, queries } = sample;
  const seen = `${status}, ${rounds} rounds, ${packets} queries`;
  if (queries !== packets)
    print(`note: the trace of ${name} shows ${queries} exchanges, the wire ${packets}`);
  if (disturbed(sample)) {
    print(`note: ${name} met a stall of this machine: ${seen}`);
    return;
  }
  const ok = status === 'secure' && rounds === ROUNDS && packets <= QUERIES;
  const claim = `${name} TLSA is secure after ${ROUNDS} rounds and at most ${QUERIES} queries`;
  score.check('latency', claim, ok, seen);
}

/**
 * A packet was given up although the links lose none: the machine stood still for longer than the resolver waits for
 * an unknown server. Such a sample says nothing about rounds.
 */
const disturbed = ({ status, timeouts }: Sample): boolean => status === 'secure' && timeouts > 0;

interface Median {
  readonly ms_median: number;
  readonly seq_rounds_median: number;
  readonly upstream_queries_median: number;
}

async function askUnbound(lab: Lab): Promise<Median> {
  const options = ['--resolvers', 'unbound', '--k', '7', '--rtt', ROUND_TRIPS.join(',')];
  // As the bench writes it.
  const result = (await lab.bench('warm-tlsa', ...options)) as { unbound: { self: Median } };
  return result.unbound.self;
}

async function measure(crew: Crew, lab: Lab): Promise<Latency['samples']> {
  const pcap = lab.path('run', 'danelaw.pcap');
  await lab.net('latency', ...ROUND_TRIPS, pcap);
  const script = fileURLToPath(new URL('./warm.js', import.meta.url));
  const names = unseen(lab).map(({ mx: [host] }) => `_25._tcp.${host}`);
  // As the bench runs the resolvers that it measures: with priority over the rest of the machine.
  const command = lab.inside('res', [
    ...['nice', '-n', '-10', 'taskset', '-c', '0', process.execPath],
    script,
    lab.path('root.hints'),
    lab.path('anchor.ds'),
    ...names,
  ]);
  const stdout = await crew.must(command, { timeoutMs: 120_000 });
  await lab.net('fast'); // ends the delayer, which writes the capture's last packets
  const samples: readonly Sample[] = JSON.parse(stdout);
  // A module of the lab, in JavaScript.
  const wire = (await import(pathToFileURL(lab.script('bench/dns.mjs')).href)) as Wire;
  const all = wire.upstream(pcap);
  return samples.map((sample) => {
    const { rounds, queries } = wire.rounds(all, sample.from, sample.to);
    return { ...sample, rounds, packets: queries };
  });
}

/** Class `self` of the bench: signed, with name servers of its own (glue in the referral), a mail host and TLSA. */
function unseen(lab: Lab): readonly Domain[] {
  const { doms, tlds } = lab.file;
  const signedTlds = new Set(tlds.filter(({ alg }) => alg > 0).map(({ name }) => name));
  return doms.filter(
    ({ signed, own, tlsa, self, tld }) => signed && own && tlsa && self && signedTlds.has(tld),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
