/**
 * The library's `deliver` end to end: one message to each peer that a real Postfix or Exim receives for, and one to each mail
 * destination of the lab's delivery rig, which must end as the rig's table says, none excused.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Crew } from './crew.ts';
import type { Lab, MailCase } from './lab.ts';
import type { Action, MailServer, Peer } from './peers.ts';
import { type RigLogs, readLines, scoreContacts } from './rig.ts';
import { print, type Score, table } from './score.ts';
import type { Job, Sent } from './send.ts';

/** The slowest destinations have name servers that never answer for TLSA. */
const TIMEOUT_MS = 300_000;

const SEND = fileURLToPath(new URL('./send.js', import.meta.url));

export interface DeliveryRow extends Sent {
  readonly destination: string;
  readonly about: string;
  readonly problems: readonly string[];
}

export interface Receivers {
  readonly servers: Readonly<Record<'postfix' | 'exim', MailServer>>;
  readonly peers: readonly Peer[];
}

export async function runMatrix(
  crew: Crew,
  lab: Lab,
  { score, servers, peers }: Receivers & { score: Score },
): Promise<DeliveryRow[]> {
  const asked = peers.flatMap((peer) =>
    peer.server === 'openssl' ? [] : [{ peer, server: servers[peer.server] }],
  );
  const jobs = asked.map(({ peer: { id, domain } }) => ({
    id,
    recipient: `u@${domain}`,
    nextHop: domain,
  }));
  const sent = await send(crew, lab, jobs);
  const rows = asked.map(({ peer, server }) => {
    const { id, domain, claim } = peer;
    const end = sent.get(id) ?? lost(id);
    const problems = matrixProblems(peer, end, server.took(peer));
    return { ...end, destination: domain, about: `${server.version}: ${claim}`, problems };
  });
  settle(score, rows);
  print('deliver at real mail servers:');
  for (const line of table(rows.map(columns))) print(`  ${line}`);
  return rows;
}

/** How a message must have travelled. */
const TRAVELS: Readonly<Partial<Record<Action, string>>> = {
  'deliver-authenticated': 'verified',
  'deliver-encrypted': 'encrypted',
  'deliver-opportunistically': 'encrypted',
};

function matrixProblems(peer: Peer, end: Sent, took: 'tls' | 'clear' | undefined): string[] {
  const tls = TRAVELS[peer.expect];
  if (tls !== undefined) {
    return [
      ...differ('ended', end.kind, 'delivered'),
      ...differ('travelled', end.tls, tls),
      ...differ('by its log, the server took it over', took, 'tls'),
    ];
  }
  return [
    ...differ('ended', end.kind, 'deferred'),
    ...differ('status', end.dsn, peer.starttls === 'not offered' ? '4.7.4' : '4.7.5'),
    ...differ('by its log, the server took it over', took, undefined),
  ];
}

const differ = (what: string, got: unknown, expected: unknown): string[] =>
  got === expected ? [] : [`${what} ${got ?? 'nothing'} instead of ${expected ?? 'nothing'}`];

export async function runRig(
  crew: Crew,
  lab: Lab,
  { score, logs }: { score: Score; logs: RigLogs },
): Promise<DeliveryRow[]> {
  for (const log of [logs.receiver, logs.faulty]) writeFileSync(log, '');
  const cases = lab.file.mail;
  const jobs = cases.map(({ kind, rcpt, transport }) => ({
    id: kind,
    recipient: rcpt,
    nextHop: transport ?? domainOf(rcpt),
  }));
  const sent = await send(crew, lab, jobs);
  const taken = readLines<Taken>(logs.receiver).filter(({ event }) => event === 'mail');
  const rows = cases.map((one) => {
    const end = sent.get(one.kind) ?? lost(one.kind);
    const at = taken.filter(({ subject }) => subject === one.kind);
    const about = `row ${one.row}${one.about && `, ${one.about}`}`;
    return { ...end, destination: domainOf(one.rcpt), about, problems: rigProblems(one, end, at) };
  });
  settle(score, rows);
  scoreContacts(score, lab, logs);
  const wrong = rows.filter(({ problems }) => problems.length > 0);
  print(
    `deliver to ${rows.length} mail destinations: ${rows.length - wrong.length} ended as they must`,
  );
  for (const line of table(wrong.map(columns))) print(`  ${line}`);
  return rows;
}

/** A message that a server of the rig took. */
interface Taken {
  readonly event: string;
  readonly addr: string;
  readonly subject: string;
  /** Of the session; `null` in clear. */
  readonly tls: object | null;
}

/** What `deliver` may say, by what the rig's table wants. */
const WAYS: Readonly<Record<MailCase['want']['as'], readonly (string | undefined)[]>> = {
  verified: ['verified'],
  trusted: ['half-dane'],
  encrypted: ['encrypted'],
  opportunistic: ['encrypted', 'clear'],
  deferred: [undefined],
  failed: [undefined],
};

function rigProblems({ want, hosts }: MailCase, end: Sent, taken: readonly Taken[]): string[] {
  const problems: string[] = [];
  if (!WAYS[want.as].includes(end.tls))
    problems.push(`${end.tls ?? end.kind} instead of ${want.as}`);
  if (want.as === 'deferred' || want.as === 'failed') {
    problems.push(...differ('ended', end.kind, want.as));
    if (want.dsn !== null) problems.push(...differ('status', end.dsn, want.dsn));
    if (taken.length > 0) problems.push('a host got the message all the same');
    return problems;
  }
  const [one] = taken;
  problems.push(...differ('messages taken', taken.length, 1));
  if (one && end.tls !== 'clear' && one.tls === null) problems.push('it travelled in clear');
  const host = hosts.find(({ addr }) => addr === one?.addr);
  if (want.via !== null) problems.push(...differ('through', host?.label, want.via));
  return problems;
}

async function send(
  crew: Crew,
  lab: Lab,
  jobs: readonly Job[],
): Promise<ReadonlyMap<string, Sent>> {
  const command = lab.inside('res', [
    process.execPath,
    SEND,
    lab.path('root.hints'),
    lab.path('anchor.ds'),
  ]);
  const input = jobs.map((job) => `${JSON.stringify(job)}\n`).join('');
  const { stdout, stderr } = await crew.run(command, { timeoutMs: TIMEOUT_MS, input });
  if (stderr !== '') print(`send: ${stderr.trim()}`);
  const lines = stdout.split('\n').filter((line) => line !== '');
  const sent: readonly Sent[] = lines.map((line) => JSON.parse(line));
  return new Map(sent.map((one) => [one.id, one]));
}

const lost = (id: string): Sent => ({
  id,
  kind: 'lost',
  dsn: '-',
  why: 'nothing was heard of it',
  milliseconds: 0,
});

function settle(score: Score, rows: readonly DeliveryRow[]): void {
  for (const { destination, about, problems, why } of rows) {
    const ok = problems.length === 0;
    const title = `deliver to ${destination} (${about})`;
    score.check('deliveries', title, ok, ok ? undefined : `${problems.join('; ')}: ${why}`);
  }
}

const columns = ({ destination, about, kind, tls, dsn, problems, milliseconds }: DeliveryRow) => [
  destination,
  about,
  `${kind}${tls === undefined ? '' : `, ${tls}`}`,
  dsn,
  problems.join('; '),
  `${milliseconds} ms`,
];

const domainOf = (address: string): string => address.replace(/^.*@/, '');
