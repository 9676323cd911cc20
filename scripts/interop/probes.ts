/**
 * Every probe question of the lab, put to `danelaw query` and to Unbound, and held against `lab.json`.
 *
 * An answer with AD means secure, one without AD insecure, SERVFAIL bogus (RFC 4035 section 3.2.3). Where validators
 * may differ by policy (`cls` is `info`) the expectation is a decision of our own. Does not: judge Unbound; where it
 * differs, a line says so.
 * @module
 */
import type { Crew } from './crew.ts';
import { tail } from './crew.ts';
import type { Lab, Probe } from './lab.ts';
import { each, print, progress, type Score, table } from './score.ts';

/** Processes at once: as many as the machines that this runs on have cores, at least. */
const WIDTH = 2;

/** A query that takes longer is a failure of its own: Postfix gives up a look-up after 10 to 15 seconds. */
const TIMEOUT_MS = 30_000;

type Status = 'secure' | 'insecure' | 'bogus' | 'indeterminate';

interface Expected {
  readonly status: Status;
  readonly rcode: readonly string[];
  /** The number in DECISIONS.md, where this is our choice. */
  readonly decision?: number;
}

/** Our choices where `lab.json` leaves one open. */
const CHOICES: Readonly<Record<string, Expected>> = {
  rsasha1: { status: 'insecure', rcode: ['NOERROR'], decision: 1 },
  iter140: { status: 'insecure', rcode: ['NXDOMAIN'], decision: 3 },
  iter2000: { status: 'insecure', rcode: ['NXDOMAIN'], decision: 3 },
  revoked: { status: 'bogus', rcode: ['SERVFAIL'], decision: 5 },
  cnameloop: { status: 'indeterminate', rcode: ['SERVFAIL'], decision: 11 },
};

/** Nobody answers for these zones: that is no proof of anything, so it is not bogus either. */
const UNREACHABLE: ReadonlySet<string> = new Set(['alldead', 'lame']);

export function expect({ kind, rcode, ad }: Probe): Expected {
  const choice = CHOICES[kind];
  if (choice) return choice;
  if (UNREACHABLE.has(kind)) return { status: 'indeterminate', rcode: ['SERVFAIL'] };
  if (rcode.includes('SERVFAIL')) return { status: 'bogus', rcode };
  return { status: ad === 1 ? 'secure' : 'insecure', rcode };
}

/** What `danelaw query --json` prints, as far as it is looked at. */
interface Report {
  readonly status: Status | 'no report';
  readonly rcode: string;
  readonly reason?: string;
  readonly why?: string;
  readonly answer?: readonly string[];
}

interface Unbound {
  readonly rcode: string;
  readonly ad: 0 | 1;
}

export interface Row {
  readonly probe: Probe;
  readonly expected: Expected;
  readonly got: Report;
  readonly code: number | undefined;
  readonly milliseconds: number;
  /** `undefined` where Unbound was not asked. */
  readonly unbound: Unbound | undefined;
  readonly agrees: boolean;
}

export async function runProbes(crew: Crew, lab: Lab, score: Score): Promise<Row[]> {
  const unbound = await score.time('Unbound on the probes', () => askUnbound(lab));
  const rows: Row[] = [];
  await score.time('danelaw on the probes', async () => {
    const { probes } = lab.file;
    await each(probes, WIDTH, async (probe) => {
      rows.push(await ask(crew, lab, { probe, unbound: unbound.get(key(probe)) }));
      if (rows.length % 25 === 0) progress(`probes: ${rows.length} of ${probes.length}`);
    });
  });
  for (const row of rows) scoreRow(score, row);
  scoreDanger(score, rows);
  for (const [kind, { decision = 0 }] of Object.entries(CHOICES))
    scoreDecision(score, lab, { kind, decision });
  report(rows);
  return rows;
}

const key = ({ q, type }: Probe): string => `${q} ${type}`;

/** The lab's own bench puts the same questions to Unbound: empty cache, EDNS with DO, TCP after truncation. */
async function askUnbound(lab: Lab): Promise<ReadonlyMap<string, Unbound>> {
  // As the bench writes it.
  const { probes } = (await lab.bench('correct', '--resolvers', 'unbound')) as {
    probes: readonly (Probe & { got: { unbound?: Unbound } })[];
  };
  const answers = new Map<string, Unbound>();
  for (const probe of probes) if (probe.got.unbound) answers.set(key(probe), probe.got.unbound);
  return answers;
}

async function ask(
  crew: Crew,
  lab: Lab,
  { probe, unbound }: Pick<Row, 'probe' | 'unbound'>,
): Promise<Row> {
  const command = lab.danelaw('query', probe.q, probe.type, '--trace', '--json');
  const { code, stdout, stderr, milliseconds } = await crew.run(command, { timeoutMs: TIMEOUT_MS });
  const got = read(stdout) ?? { status: 'no report', rcode: '-', why: tail(stderr + stdout) };
  const expected = expect(probe);
  const agrees = got.status === expected.status && expected.rcode.includes(got.rcode);
  return { probe, expected, got, code, milliseconds: Math.round(milliseconds), unbound, agrees };
}

function read(stdout: string): Report | undefined {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

const answered = ({ status }: Report): boolean => status === 'secure' || status === 'insecure';

function scoreRow(score: Score, row: Row): void {
  const { probe, expected, got, code } = row;
  const decision = expected.decision ? ` (decision ${expected.decision})` : '';
  const want = `${expected.rcode.join(' or ')} ${expected.status}${decision}`;
  const seen = `${got.rcode} ${got.status}${got.reason ? ` ${got.reason}` : ''}`;
  score.check('probes', `${key(probe)} is ${want}`, row.agrees, row.agrees ? undefined : seen);
  const due = answered(got) ? 0 : 1;
  if (code !== due) score.check('probes', `${key(probe)} exits ${due}`, false, String(code));
}

/** The two mistakes that matter more than all others, apart from mere disagreement. */
function scoreDanger(score: Score, rows: readonly Row[]): void {
  const refused = rows.filter(({ expected }) => expected.rcode.includes('SERVFAIL'));
  const names = (found: readonly Row[]) => found.map(({ probe }) => key(probe)).join(', ');
  const data = refused.filter(({ got }) => answered(got) || (got.answer?.length ?? 0) > 0);
  score.check('probes', 'no bogus answer comes out as data', data.length === 0, names(data));
  const secure = rows.filter(
    ({ expected, got }) => expected.status !== 'secure' && got.status === 'secure',
  );
  score.check(
    'probes',
    'nothing that is not proven comes out as secure',
    secure.length === 0,
    names(secure),
  );
}

/** A choice stands in DECISIONS.md under its number, and names the probe. */
export function scoreDecision(
  score: Score,
  lab: Lab,
  { kind, decision }: { kind: string; decision: number },
): void {
  const row = lab.decision(decision);
  const ok = row.includes(`\`${kind}\``);
  score.check('decisions', `decision ${decision} names ${kind}`, ok, ok ? undefined : row);
}

function agreesWithUnbound({ got, unbound }: Row): boolean {
  return (
    unbound !== undefined &&
    got.rcode === unbound.rcode &&
    (got.status === 'secure') === (unbound.ad === 1)
  );
}

function report(rows: readonly Row[]): void {
  const different = rows.filter((row) => !row.agrees || !agreesWithUnbound(row));
  const lines = different.map(({ probe, expected, got, unbound, milliseconds }) => [
    key(probe),
    `${expected.rcode.join('|')} ${expected.status}`,
    expected.decision ? `decision ${expected.decision}` : '',
    `${got.rcode} ${got.status}`,
    got.reason ?? '',
    unbound ? `${unbound.rcode}${unbound.ad ? ' AD' : ''}` : '-',
    `${milliseconds} ms`,
  ]);
  const head = ['question', 'expected', '', 'danelaw', 'reason', 'Unbound', 'time'];
  if (lines.length > 0) print(`Where danelaw, lab.json and Unbound are not of one mind:`);
  for (const line of table(lines.length > 0 ? [head, ...lines] : [])) print(`  ${line}`);
  const agreed = rows.filter(({ agrees }) => agrees).length;
  const peers = rows.filter(agreesWithUnbound).length;
  const slowest = rows.reduce((most, row) => Math.max(most, row.milliseconds), 0);
  print(
    `danelaw agrees with lab.json on ${agreed} of ${rows.length}, with Unbound on ${peers}; slowest ${slowest} ms`,
  );
}
