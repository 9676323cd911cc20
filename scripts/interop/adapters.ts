/**
 * The adapters at a real Postfix: by each software one message to each peer, which Postfix's log must show in TLS, or not at all.
 * @module
 */
import { fileURLToPath } from 'node:url';
import type { Crew } from './crew.ts';
import { sendByHaraka } from './haraka.ts';
import type { Lab } from './lab.ts';
import type { Peer } from './peers.ts';
import type { Postfix } from './postfix.ts';
import { print, type Score, table } from './score.ts';
import type { AdapterEnd, AdapterJob, Software } from './send-by.ts';

const TIMEOUT_MS = 120_000;
const SEND_BY = fileURLToPath(new URL('./send-by.js', import.meta.url));
const SOFTWARE = ['nodemailer', 'mx-connect', 'Haraka'] as const;

interface AtPostfix {
  readonly score: Score;
  readonly postfix: Postfix;
  readonly peers: readonly Peer[];
}

export async function runAdapters(
  crew: Crew,
  lab: Lab,
  { score, postfix, peers }: AtPostfix,
): Promise<void> {
  const rows: string[][] = [];
  for (const by of SOFTWARE) {
    const before = new Map(peers.map((peer) => [peer.id, taken(postfix, peer).length]));
    const ends = await (by === 'Haraka'
      ? sendByHaraka(
          crew,
          lab,
          peers.map(({ domain }) => domain),
        )
      : send(crew, lab, peers, by));
    for (const peer of peers) {
      const end = ends.get(peer.domain) ?? 'nothing was heard of it';
      const sessions = taken(postfix, peer).slice(before.get(peer.id));
      const problem = problemOf(peer, end, sessions);
      const title = `${by} to ${peer.domain} (${postfix.version}: ${peer.claim})`;
      score.check('adapters', title, problem === undefined, problem);
      rows.push([by, peer.domain, peer.claim, end.slice(0, 60), problem ?? '']);
    }
  }
  print('mail software on Node at a real Postfix:');
  for (const line of table(rows)) print(`  ${line}`);
}

/** `disconnect from ... ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7` for each message that was taken. */
const taken = (postfix: Postfix, peer: Peer): readonly string[] =>
  postfix.logOf(peer).filter((line) => / disconnect from .* data=1 /.test(line));

function problemOf(peer: Peer, end: string, sessions: readonly string[]): string | undefined {
  const isToGo = peer.expect.startsWith('deliver');
  if (!isToGo) {
    const status = peer.starttls === 'not offered' ? '4.7.4' : '4.7.5';
    if (!end.startsWith(`421 ${status} `)) return `heard "${end}" instead of 421 ${status}`;
    return sessions.length === 0 ? undefined : 'Postfix took a message all the same';
  }
  if (end !== 'delivered') return `heard "${end}"`;
  if (sessions.length !== 1) return `Postfix took ${sessions.length} messages`;
  return sessions[0]?.includes(' starttls=1 ') ? undefined : 'it travelled in clear';
}

async function send(
  crew: Crew,
  lab: Lab,
  peers: readonly Peer[],
  by: Software,
): Promise<ReadonlyMap<string, string>> {
  const jobs = peers.map(({ domain }): AdapterJob => ({ by, domain }));
  const files = [lab.path('root.hints'), lab.path('anchor.ds')];
  const command = lab.inside('res', [process.execPath, SEND_BY, ...files]);
  const input = jobs.map((job) => `${JSON.stringify(job)}\n`).join('');
  const { stdout, stderr } = await crew.run(command, { timeoutMs: TIMEOUT_MS, input });
  if (stderr !== '') print(`send-by: ${stderr.trim()}`);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line): AdapterEnd => JSON.parse(line)));
}
