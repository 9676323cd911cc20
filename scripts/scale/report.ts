/**
 * docs/scale.md: what a destination costs as their number grows, one column a size.
 * @module
 */
import { PROVIDERS } from './population.ts';
import type { RunResult } from './run.ts';

/** Of each of two halves, at most: Node's option. It is full most of the time. */
export const NURSERY_MB = 256;

export interface Stage extends RunResult {
  /** ISO 8601. */
  readonly begun: string;
  readonly peakBytes: number;
  readonly seconds: number;
  /** That it ran on. */
  readonly commit: string;
}

export interface ScaleReport {
  readonly date: string;
  readonly loss: number;
  readonly seed: number;
  readonly cacheMb: number | undefined;
  readonly stages: readonly Stage[];
}

type Cell = (stage: Stage) => string;

const fixed = (value: number, digits = 2): string => value.toFixed(digits);
const megabytes = (octets: number): string => fixed(octets / 1e6, 1);
const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);
const share = (part: number, whole: number): string => `${fixed((100 * part) / whole, 4)} %`;

const ROWS: readonly (readonly [string, Cell])[] = [
  ['decisions, repeats included', ({ decisions }) => String(decisions)],
  ['queries a destination', ({ packets, destinations }) => fixed(packets / destinations)],
  ['queries a decision', ({ packets, decisions }) => fixed(packets / decisions)],
  ['octets received a destination', ({ octets, destinations }) => fixed(octets / destinations, 0)],
  ['waiting, median, ms', ({ waitMs }) => String(waitMs.p50)],
  ['95 %, ms', ({ waitMs }) => String(waitMs.p95)],
  ['99 %, ms', ({ waitMs }) => String(waitMs.p99)],
  ['longest, ms', ({ waitMs }) => String(waitMs.max)],
  ['right decisions', ({ right }) => String(right)],
  ['delayed', ({ delayed, decisions }) => `${sum(delayed)} (${share(sum(delayed), decisions)})`],
  [
    '... by reason',
    ({ delayed }) =>
      Object.entries(delayed)
        .map(([why, count]) => `${why} ${count}`)
        .join(', ') || '-',
  ],
  ['to authenticate, planned without', ({ wrong }) => String(wrong.downgraded)],
  ['planned to authenticate without proof', ({ wrong }) => String(wrong.upgraded)],
  ['fault taken for absence', ({ wrong }) => String(wrong.absent)],
  ['fault taken for a forgery', ({ wrong }) => String(wrong.bogus)],
  ['otherwise wrong', ({ wrong }) => String(wrong.other)],
  ['CPU seconds a 1000 destinations', ({ cpuMs, destinations }) => fixed(cpuMs / destinations)],
  ['heap held at the end, MB', ({ heldBytes }) => megabytes(heldBytes)],
  ['peak resident, MB', ({ peakBytes }) => megabytes(peakBytes)],
  ['virtual time, s', ({ virtualMs }) => fixed(virtualMs / 1000, 0)],
  ['real time, s', ({ seconds }) => fixed(seconds, 0)],
  ['begun (UTC)', ({ begun }) => begun.slice(11, 19)],
  ['commit', ({ commit }) => commit],
];

export function tabulate(stages: readonly Stage[]): string {
  const print = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const caches = [...new Set(stages.flatMap((stage) => stage.caches.map(({ name }) => name)))];
  const cacheRows = caches.map((name): readonly [string, Cell] => [
    `cache: ${name}, MB (entries)`,
    (stage) => {
      const found = stage.caches.find((one) => one.name === name);
      return found ? `${megabytes(found.bytes)} (${found.entries})` : '-';
    },
  ]);
  return [
    print(['distinct destinations', ...stages.map(sizeOf)]),
    print(['---', ...stages.map(() => '---')]),
    ...[...ROWS, ...cacheRows].map(([name, cell]) => print([name, ...stages.map(cell)])),
  ].join('\n');
}

const sizeOf = ({ destinations, isWhole }: Stage): string =>
  isWhole ? String(destinations) : `${destinations} (stopped by the clock)`;

export function printReport({ date, loss, seed, cacheMb, stages }: ScaleReport): string {
  const mistakes = stages.flatMap((stage) => stage.mistakes);
  const cache =
    cacheMb === undefined ? 'the caches at their default bounds' : `caches of ${cacheMb} MB`;
  return `# Scale
Made by \`npm run scale -- --loss ${loss} --seed ${seed}${cacheMb === undefined ? '' : ` --cache-mb ${cacheMb}`}\` on ${date}: one fresh process a size, ${cache}.

A model in memory and in virtual time: \`planDelivery\` over the real resolver, whose Transport answers from zones that are made when they are asked for and follow from the seed. Proportions are the lab's (\`../shared/lab\`): 20 top-level zones, three of them unsigned, six with opt-out; of the domains 60 % signed, 45 % with mail hosts of their own (three of four with TLSA records), 20 % with name servers of their own, the others spread over ${PROVIDERS} providers by Zipf's law (exponent 0.9), two of three providers with TLSA, some behind aliases; one name in a hundred is mistyped and does not exist. Every destination is planned for once, in random order, and one decision in five is for one that was met before, by a popularity of 1 / rank; 200 are under way at once. Each packet is lost with ${fixed(100 * loss, 0)} % on each of its ways; round trips are 10 ms to the root, 20 to top-level zones, 20 to 80 to all others.

Digests are real and signatures make-believe: they have the right size and always verify, for this is about queries, waiting and memory. So CPU seconds are without signatures, and with the making of the model's own replies. NSEC3 records span nothing but the name denied, as online signers make them (RFC 7129 appendix B), so their aggressive use (RFC 8198) saves nothing here. Of the peak most is Node's nursery, ${NURSERY_MB} MB and as much again to copy into. The heap held is what the resolver has in its caches and around them: what the model made is forgotten before it is counted.

${tabulate(stages)}

The model knows what each decision must come to. Loss may delay a decision; nothing else about it may change.
${mistakes.length > 0 ? `\n${mistakes.map((line) => `- ${line}`).join('\n')}\n` : ''}`;
}

const HANDWRITTEN = '\n## Reading it\n';

/** What stands in a report from "Reading it" on, for the next report to end with. */
export function handwrittenIn(text: string): string {
  const from = text.indexOf(HANDWRITTEN);
  return from < 0 ? '' : text.slice(from);
}
