/**
 * docs/soak.md: the claims with what was seen, and one row a minute.
 * @module
 */
import { growthOf, LEAK_OCTETS, type Minute, SETTLED_AFTER } from './verdict.ts';

export interface Soak {
  readonly commit: string;
  readonly date: string;
  readonly lossPercent: number;
  readonly rows: readonly Minute[];
  readonly wrong: readonly string[];
  readonly rejections: readonly string[];
}

export interface Claim {
  readonly claim: string;
  readonly ok: boolean;
  readonly seen: string;
}

/** Nothing may take longer than the question's own ten seconds, and a plan asks three one after the other. */
const LONGEST_MS = 33_000;

export function claimsOf({ rows, wrong, rejections }: Soak): readonly Claim[] {
  const { minutes, slope, allowed } = growthOf(rows);
  const longest = Math.max(...rows.map(({ maxMs }) => maxMs));
  const growth = {
    claim: `no growth of memory after ${SETTLED_AFTER} minutes: heapUsed and external, after forced collections, by at most ${LEAK_OCTETS} octets a question`,
    ok: slope <= allowed,
    seen: `${kilobytes(slope)} kB a minute over ${minutes} minutes, ${kilobytes(allowed)} allowed`,
  };
  return [
    { claim: 'no wrong status', ok: wrong.length === 0, seen: `${wrong.length} wrong` },
    ...(minutes >= 3 ? [growth] : []),
    {
      claim: 'no unhandled rejection',
      ok: rejections.length === 0,
      seen: `${rejections.length} unhandled`,
    },
    {
      claim: `every question ends within ${LONGEST_MS / 1000} s`,
      ok: longest <= LONGEST_MS,
      seen: `longest ${(longest / 1000).toFixed(1)} s`,
    },
  ];
}

export function printSoak(soak: Soak): string {
  const { commit, date, lossPercent, rows, wrong, rejections } = soak;
  const sum = (of: (row: Minute) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  const questions = sum((row) => row.questions);
  const claims = claimsOf(soak).map(
    ({ claim, ok, seen }) => `| ${claim} | ${ok ? 'holds' : '**broken**'} | ${seen} |`,
  );
  return `# Soak
Made by \`npm run soak -- --minutes ${rows.length} --report docs/soak.md\` on ${date}, commit ${commit}.

One resolver in one Node process asks real NSD and Knot servers (\`../shared/lab\`, round trips of 10, 20 and 40 ms to root, top-level zones and the rest) that lose ${lossPercent} % of all packets each way. Its servers are restarted and its clock is set two hours forward and back, as the table says. It is asked for ${questions} things: the lab's probes of sound, unsigned and broken zones; MX, A, AAAA and TLSA of its domains; names that do not exist; and \`planDelivery\`. What each must come to follows from the lab's own description of its zones. Loss may turn an expectation into *indeterminate*, which is counted as delayed, and into nothing else.

| claim | | seen |
|---|---|---|
${claims.join('\n')}

Of ${questions} questions ${sum((row) => row.delayed)} were delayed (${percent(
    sum((row) => row.delayed),
    questions,
  )}), and ${sum((row) => row.unanswered)} of ${sum((row) => row.packets)} packets stayed without a reply (${percent(
    sum((row) => row.unanswered),
    sum((row) => row.packets),
  )}: lost on one of the two ways, sent while a server restarted, or to servers of the lab that are dead on purpose).
${wrong.length + rejections.length > 0 ? `\n${[...wrong, ...rejections].map((line) => `- ${line.split('\n')[0]}`).join('\n')}\n` : ''}
${tableOf(rows)}

Times are of a whole question or plan, most of which the caches answer; *held* is \`heapUsed\` and \`external\` after forced collections.
`;
}

const HEAD = [
  'minute',
  'questions',
  'secure',
  'insecure',
  'bogus',
  'indeterminate',
  'plans',
  'delayed',
  'wrong',
  'packets',
  'no reply',
  'p50 ms',
  'p99 ms',
  'max ms',
  'held MB',
  'RSS MB',
  'events',
];

function tableOf(rows: readonly Minute[]): string {
  const lines = rows.map(
    ({ minute, questions, statuses, plans, delayed, wrong, packets, unanswered, ...rest }) => [
      minute,
      questions,
      statuses.secure,
      statuses.insecure,
      statuses.bogus,
      statuses.indeterminate,
      plans,
      delayed,
      wrong,
      packets,
      unanswered,
      rest.p50Ms,
      rest.p99Ms,
      rest.maxMs,
      megabytes(rest.held),
      megabytes(rest.rss),
      rest.events.join(', '),
    ],
  );
  const print = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [print(HEAD), print(HEAD.map(() => '---')), ...lines.map(print)].join('\n');
}

const kilobytes = (octets: number): string => (octets / 1000).toFixed(0);
const megabytes = (octets: number): string => (octets / 1e6).toFixed(1);
const percent = (part: number, whole: number): string =>
  `${((100 * part) / (whole || 1)).toFixed(2)} %`;
