/**
 * `danelaw check` end to end: from the lab's root to a verdict on a real Postfix, on `openssl s_server`, and on the 69
 * destinations of the lab's delivery rig.
 *
 * Then `deliver` of the library at all of them (deliveries.ts). That the peers saw a handshake and no mail from `check` is read
 * from their logs.
 * @module
 */
import { runAdapters } from './adapters.ts';
import type { Crew } from './crew.ts';
import { tail } from './crew.ts';
import { type DeliveryRow, runMatrix, runRig } from './deliveries.ts';
import { startExim } from './exim.ts';
import type { Lab, MailCase } from './lab.ts';
import { startOpenssl } from './openssl.ts';
import type { Action, Peer } from './peers.ts';
import { type Postfix, startPostfix } from './postfix.ts';
import { type RigLogs, scoreContacts, startRig } from './rig.ts';
import { each, print, progress, type Score, table } from './score.ts';

const WIDTH = 2;

/** The slowest destination has name servers that never answer for TLSA. */
const TIMEOUT_MS = 60_000;

/** What `danelaw check --json` prints, as far as it is looked at. */
interface Report {
  readonly action: Action | 'no report';
  readonly why?: string;
  readonly reason?: string;
  /** The MX host that takes the message. */
  readonly host?: string;
}

interface Checked {
  readonly got: Report;
  readonly code: number | undefined;
  readonly milliseconds: number;
}

export interface MailRow extends Checked {
  readonly destination: string;
  readonly about: string;
  readonly expected: Action;
}

export interface Mail {
  readonly checks: readonly MailRow[];
  readonly deliveries: readonly DeliveryRow[];
}

export async function runMail(
  crew: Crew,
  lab: Lab,
  { score, peers }: { score: Score; peers: readonly Peer[] },
): Promise<Mail> {
  const of = (server: Peer['server']) => peers.filter((peer) => peer.server === server);
  const postfix = await startPostfix(crew, lab, of('postfix'));
  const exim = await startExim(crew, lab, of('exim'));
  const openssl = await startOpenssl(crew, lab, of('openssl'));
  const versions = { postfix: postfix.version, exim: exim.version, openssl };
  const real = await score.time('danelaw check at Postfix, Exim and OpenSSL', () =>
    checkPeers(crew, lab, { score, peers, postfix, versions }),
  );
  const matrix = await score.time('deliver at Postfix and Exim', () =>
    runMatrix(crew, lab, { score, peers, servers: { postfix, exim } }),
  );
  await score.time('mail software on Node at Postfix', () =>
    runAdapters(crew, lab, { score, postfix, peers: of('postfix') }),
  );
  const logs = await startRig(crew, lab);
  const checks = await score.time('danelaw check on the mail destinations', () =>
    checkRig(crew, lab, { score, logs }),
  );
  const rig = await score.time('deliver to the mail destinations', () =>
    runRig(crew, lab, { score, logs }),
  );
  return { checks: [...real, ...checks], deliveries: [...matrix, ...rig] };
}

interface AtPeers {
  readonly score: Score;
  readonly peers: readonly Peer[];
  readonly postfix: Postfix;
  readonly versions: Readonly<Record<Peer['server'], string>>;
}

async function checkPeers(
  crew: Crew,
  lab: Lab,
  { score, peers, postfix, versions }: AtPeers,
): Promise<MailRow[]> {
  const rows: MailRow[] = [];
  await each(peers, WIDTH, async (peer) => {
    const about = `${versions[peer.server]}: ${peer.claim}`;
    const row = { destination: peer.domain, about, expected: peer.expect };
    rows.push({ ...row, ...(await check(crew, lab, [peer.domain])) });
  });
  for (const row of rows) scoreAction(score, row);
  for (const peer of peers) if (peer.server === 'postfix') scoreLog(score, peer, postfix);
  print('danelaw check at real mail servers:');
  for (const line of table(rows.map(columns))) print(`  ${line}`);
  return rows;
}

const columns = ({ destination, about, expected, got, milliseconds }: MailRow): string[] => [
  destination,
  about,
  got.action === expected ? got.action : `${got.action} instead of ${expected}`,
  got.reason ?? '',
  `${Math.round(milliseconds)} ms`,
];

async function check(crew: Crew, lab: Lab, what: readonly string[]): Promise<Checked> {
  const command = lab.danelaw('check', ...what, '--json');
  const { code, stdout, stderr, milliseconds } = await crew.run(command, { timeoutMs: TIMEOUT_MS });
  const got = read(stdout) ?? { action: 'no report', why: tail(stderr + stdout) };
  return { got, code, milliseconds };
}

function read(stdout: string): Report | undefined {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

function scoreAction(score: Score, { destination, about, expected, got, code }: MailRow): void {
  const seen = `${got.action} ${got.reason ?? ''} ${got.why ?? ''}`.trim();
  const ok = got.action === expected;
  score.check('mail', `${destination} (${about}): ${expected}`, ok, ok ? undefined : seen);
  const due = got.action.startsWith('deliver') ? 0 : 1;
  if (code !== due) score.check('mail', `${destination} exits ${due}`, false, String(code));
}

/** Postfix closes each session with its counts of commands: `ehlo=2 starttls=1 quit=1 commands=4`. */
function scoreLog(score: Score, peer: Peer, postfix: Postfix): void {
  const log = postfix.logOf(peer);
  const sessions = log.filter((line) => line.includes(' disconnect from '));
  const offered = peer.starttls !== 'not offered';
  const handshakes = log.filter((line) => line.includes('TLS connection established'));
  const clean = sessions.length > 0 && !sessions.some((line) => / (mail|rcpt|data)=/.test(line));
  score.check(
    'mail',
    `${peer.domain}: Postfix saw ${offered ? 'a handshake' : 'no handshake'} and no mail`,
    clean && handshakes.length > 0 === offered,
    tail(log.join('\n')),
  );
}

const ACTIONS: Readonly<Record<MailCase['want']['as'], Action>> = {
  verified: 'deliver-authenticated',
  trusted: 'deliver-half-dane',
  encrypted: 'deliver-encrypted',
  opportunistic: 'deliver-opportunistically',
  deferred: 'defer',
  failed: 'refuse',
};

async function checkRig(
  crew: Crew,
  lab: Lab,
  { score, logs }: { score: Score; logs: RigLogs },
): Promise<MailRow[]> {
  const cases = lab.file.mail;
  const rows = new Map<MailCase, MailRow>();
  await each(cases, WIDTH, async (one) => {
    const destination = one.rcpt.replace(/^.*@/, '');
    const expected = ACTIONS[one.want.as];
    const about = `row ${one.row}${one.about && `, ${one.about}`}`;
    const checked = await check(crew, lab, nextHop(one));
    rows.set(one, { destination, about, expected, ...checked });
    if (rows.size % 10 === 0) progress(`mail destinations: ${rows.size} of ${cases.length}`);
  });
  for (const row of rows.values()) scoreAction(score, row);
  for (const [{ kind, want, hosts }, { got }] of rows) {
    const via = hosts.find(({ label }) => label === want.via)?.name;
    if (via !== undefined)
      score.check('mail', `${kind}: through ${via}`, got.host === via, got.host);
  }
  scoreContacts(score, lab, logs);
  const different = [...rows.values()].filter(({ got, expected }) => got.action !== expected);
  print(
    `danelaw check on ${cases.length} mail destinations: ${cases.length - different.length} as the decision table demands`,
  );
  for (const line of table(different.map(columns))) print(`  ${line}`);
  return [...rows.values()];
}

/** The domain, or a relay host with its port, which is not subject to a look-up of MX. */
function nextHop({ rcpt, transport }: MailCase): readonly string[] {
  return [transport ?? rcpt.replace(/^.*@/, '')];
}
