/**
 * The receiving half of the lab's delivery rig (../shared/lab/mta): its SMTP servers, each with manners of its own, and
 * its name servers that misbehave before a sound one.
 * @module
 */
import { writeFileSync } from 'node:fs';
import type { Crew } from './crew.ts';
import type { Lab } from './lab.ts';

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
