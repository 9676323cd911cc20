/**
 * A real Postfix as the receiving side: unpacked from its Debian package, not installed, with one smtpd service for
 * each peer.
 *
 * It takes mail for every peer into its queue. Does not: deliver anything from there; the daemons behind smtpd are there
 * because it will not start without them.
 * @module
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeAccounts, POSTDROP, POSTFIX } from './accounts.ts';
import type { Crew } from './crew.ts';
import type { Lab } from './lab.ts';
import type { MailServer, Peer } from './peers.ts';

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

export interface Postfix extends MailServer {
  /** Log lines of the service of one peer. */
  logOf(peer: Peer): readonly string[];
}

export async function startPostfix(crew: Crew, lab: Lab, peers: readonly Peer[]): Promise<Postfix> {
  const home = lab.path('postfix');
  const packaged = lab.path('mta', 'pkg', 'postfix');
  layOut(home);
  const enter = makeAccounts(home);
  writeFileSync(join(home, 'conf', 'main.cf'), mainConfiguration(home, packaged, peers));
  writeFileSync(join(home, 'conf', 'master.cf'), masterConfiguration(peers));
  const log = join(home, 'maillog');
  rmSync(log, { force: true }); // of an earlier run
  await crew.start(
    lab.inside('sld', [
      enter,
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
  const took: MailServer['took'] = (peer) => {
    // `disconnect from ... ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7`; `data=0/1` where it was refused.
    const line = logOf(peer).find((one) => / disconnect from .* data=1 /.test(one));
    if (line === undefined) return undefined;
    return line.includes(' starttls=1 ') ? 'tls' : 'clear';
  };
  return { version: `Postfix ${version}`, logOf, took };
}

function layOut(home: string): void {
  for (const folder of ['conf', 'data']) mkdirSync(join(home, folder), { recursive: true });
  for (const queue of [...QUEUES, 'maildrop', 'public', 'pid'])
    mkdirSync(join(home, 'queue', queue), { recursive: true });
  chownSync(join(home, 'data'), POSTFIX, POSTFIX);
  for (const queue of QUEUES) {
    chownSync(join(home, 'queue', queue), POSTFIX, POSTFIX);
    chmodSync(join(home, 'queue', queue), 0o700);
  }
  chownSync(join(home, 'queue', 'maildrop'), POSTFIX, POSTDROP);
  chmodSync(join(home, 'queue', 'maildrop'), 0o730);
  chownSync(join(home, 'queue', 'public'), POSTFIX, POSTDROP);
  chmodSync(join(home, 'queue', 'public'), 0o710);
}

const mainConfiguration = (home: string, packaged: string, peers: readonly Peer[]): string => `
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
virtual_mailbox_domains = ${peers.map(({ domain }) => domain).join(', ')}
virtual_mailbox_maps = static:all
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
