/**
 * The receiving half of the lab's delivery rig (../shared/lab/mta): its SMTP servers, each with manners of its own, and
 * its name servers that misbehave before a sound one.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Crew } from './crew.ts';
import type { Lab } from './lab.ts';
import type { Score } from './score.ts';

/** Files with a line of JSON for each connection, handshake and message, and for each question. */
export interface RigLogs {
  readonly receiver: string;
  readonly faulty: string;
}

export async function startRig(crew: Crew, lab: Lab): Promise<RigLogs> {
  const receiver = lab.path('run', 'receiver.jsonl');
  const faulty = lab.path('run', 'faulty.jsonl');
  for (const log of [receiver, faulty]) writeFileSync(log, '');
  const node = (script: string, log: string) => [
    process.execPath,
    lab.script(script),
    lab.state,
    log,
  ];
  const ready = (said: string) => said.includes('ready');
  await crew.start(lab.inside('sld', node('mta/receiver.mjs', receiver)), {
    file: lab.path('run', 'receiver.out'),
    ready,
  });
  writeFileSync(lab.path('run', 'nsd-fault.conf'), soundServer(lab));
  await crew.start(
    lab.inside('tld', ['nsd', '-d', '-V', '1', '-c', lab.path('run', 'nsd-fault.conf')]),
    {
      file: lab.path('run', 'nsd-fault.out'),
      ready: (said) => said.includes('nsd started'),
    },
  );
  await crew.start(lab.inside('tld', node('mta/faulty.mjs', faulty)), {
    file: lab.path('run', 'faulty.out'),
    ready,
  });
  return { receiver, faulty };
}

/** The NSD behind the faulty servers, configured as the rig's run.sh does it. */
const soundServer = (lab: Lab): string => `server:
  ip-address: 127.0.0.1
  port: 5353
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "${lab.state}"
  database: ""
  pidfile: "${lab.path('run', 'nsd-fault.pid')}"
  xfrdfile: "${lab.path('run', 'nsd-fault.xfrd')}"
  zonelistfile: "${lab.path('run', 'nsd-fault.zonelist')}"
  xfrdir: "${lab.path('run')}"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
include: "${lab.path('nsd-fault.zones')}"
`;

/** Lines of JSON that the rig's own servers write. */
export const readLines = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/**
 * What the rig's servers saw: hosts that must not be contacted (RFC 7672 section 2.1.2), zones that must not be asked
 * for TLSA (section 2.2.2), and faulty answers without which the row would say nothing.
 */
export function scoreContacts(score: Score, lab: Lab, logs: RigLogs): void {
  const contacted = new Set(readLines<{ addr: string }>(logs.receiver).map(({ addr }) => addr));
  const asked = readLines<{ zone: string; type: string; fault: string | null }>(logs.faulty);
  const { mail, faults } = lab.file;
  for (const { kind, rcpt, want } of mail) {
    const touched = want.untouched.some((address) => contacted.has(address));
    if (want.untouched.length > 0)
      score.check('mail', `${kind}: ${want.untouched} not contacted`, !touched);
    const spared = asked.filter(({ zone }) => zone === want.noTlsaQuery);
    const tlsa = spared.some(({ type }) => type === 'TLSA');
    if (want.noTlsaQuery !== null)
      score.check('mail', `${kind}: asked, but not for TLSA`, spared.length > 0 && !tlsa);
    const domain = rcpt.replace(/^.*@/, '');
    const met = asked.some(({ zone, fault }) => zone === domain && fault !== null);
    if (faults.some(({ zone }) => zone === domain))
      score.check('mail', `${kind}: the faulty answer was met`, met);
  }
}
