/**
 * A real Postfix as the receiving side: unpacked from its Debian package, not installed, with one smtpd service for
 * each peer.
 *
 * Its accounts are bind mounts in a mount namespace, as the lab's delivery rig does it for the sending side. Does not:
 * deliver anything; the daemons behind smtpd are there because it will not start without them.
 * @module
 */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Crew } from './crew.ts';
import type { Lab } from './lab.ts';
import type { Peer } from './peers.ts';

/** Accounts that need not exist on the machine. The numbers are the delivery rig's. */
const UID = 64251;
const POSTDROP = 64253;

const QUEUES = [
  'active',
  'bounce',
  'corrupt',
  'defer',
  'deferred',
  'flush',
  'hold',
  'incoming',
  'private',
  'saved',
  'trace',
];

export interface Postfix {
  /** `Postfix 3.7.11`, as its log says. */
  readonly version: string;
  /** Log lines of the service of one peer. */
  logOf(peer: Peer): readonly string[];
}

export async function startPostfix(crew: Crew, lab: Lab, peers: readonly Peer[]): Promise<Postfix> {
  const home = lab.path('postfix');
  const packaged = lab.path('mta', 'pkg', 'postfix');
  layOut(home);
  writeFileSync(join(home, 'conf', 'main.cf'), mainConfiguration(home, packaged));
  writeFileSync(join(home, 'conf', 'master.cf'), masterConfiguration(peers));
  const log = join(home, 'maillog');
  await crew.start(
    lab.inside('sld', [
      join(home, 'in'),
      join(packaged, 'usr/lib/postfix/sbin/master'),
      '-c',
      join(home, 'conf'),
      '-s',
    ]),
    {
      file: join(home, 'out'),
      ready: () => existsSync(log) && readFileSync(log, 'utf8').includes('daemon started'),
      env: { LD_LIBRARY_PATH: join(packaged, 'usr/lib/postfix'), MAIL_CONFIG: join(home, 'conf') },
    },
  );
  const read = () => readFileSync(log, 'utf8').split('\n');
  const started = read().find((line) => line.includes('daemon started'));
  const version = /version ([\d.]+)/.exec(started ?? '')?.[1] ?? 'of unknown version';
  const logOf = ({ id }: Peer) => read().filter((line) => line.includes(` postfix/${id}/smtpd[`));
  return { version: `Postfix ${version}`, logOf };
}

function layOut(home: string): void {
  for (const folder of ['conf', 'data', 'etc']) mkdirSync(join(home, folder), { recursive: true });
  for (const queue of [...QUEUES, 'maildrop', 'public', 'pid'])
    mkdirSync(join(home, 'queue', queue), { recursive: true });
  chownSync(join(home, 'data'), UID, UID);
  for (const queue of QUEUES) {
    chownSync(join(home, 'queue', queue), UID, UID);
    chmodSync(join(home, 'queue', queue), 0o700);
  }
  chownSync(join(home, 'queue', 'maildrop'), UID, POSTDROP);
  chmodSync(join(home, 'queue', 'maildrop'), 0o730);
  chownSync(join(home, 'queue', 'public'), UID, POSTDROP);
  chmodSync(join(home, 'queue', 'public'), 0o710);
  for (const file of ['passwd', 'group']) cpSync(join('/etc', file), join(home, 'etc', file));
  writeFileSync(join(home, 'etc', 'resolv.conf'), 'nameserver 127.0.0.1\n');
  account(
    join(home, 'etc', 'passwd'),
    'postfix',
    `x:${UID}:${UID}::/nonexistent:/usr/sbin/nologin`,
  );
  account(join(home, 'etc', 'group'), 'postfix', `x:${UID}:`);
  account(join(home, 'etc', 'group'), 'postdrop', `x:${POSTDROP}:`);
  const mounts = `for f in resolv.conf passwd group; do mount --bind "${home}/etc/$f" "/etc/$f" || exit 1; done`;
  writeFileSync(join(home, 'in'), `#!/bin/sh\n${mounts}\nexec "$@"\n`);
  chmodSync(join(home, 'in'), 0o755);
}

/** Puts our line for an account in place of the machine's, so that the numbers are known. */
function account(file: string, name: string, rest: string): void {
  const others = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(`${name}:`));
  writeFileSync(file, `${others.join('\n')}\n`);
  appendFileSync(file, `${name}:${rest}\n`);
}

const mainConfiguration = (home: string, packaged: string): string => `
compatibility_level = 3.6
queue_directory = ${home}/queue
data_directory = ${home}/data
command_directory = ${packaged}/usr/sbin
daemon_directory = ${packaged}/usr/lib/postfix/sbin
shlib_directory = ${packaged}/usr/lib/postfix
meta_directory = ${home}/conf
sendmail_path = ${packaged}/usr/sbin/sendmail
import_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ=UTC LANG=C
export_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ LANG
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
maillog_file = ${home}/maillog
maillog_file_prefixes = ${home}
myhostname = receiver.lab
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_transport = error:no local mail
notify_classes =
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
`;

const masterConfiguration = (peers: readonly Peer[]): string => `
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
${peers.map(service).join('\n')}
`;

const service = ({ id, address, key, chain, starttls }: Peer): string => `
${address}:25 inet n - n - - smtpd
  -o syslog_name=postfix/${id}
  -o smtpd_tls_chain_files=${key},${chain}
  -o smtpd_tls_security_level=${starttls === 'not offered' ? 'none' : 'may'}`;
