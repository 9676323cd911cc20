/**
 * A real Exim as the receiving side: unpacked from its Debian package, not installed, one process for all peers, with the
 * certificate of the address that was called. It takes mail for everybody and throws it away.
 * @module
 */
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { EXIM, makeAccounts } from './accounts.ts';
import type { Crew } from './crew.ts';
import type { Lab } from './lab.ts';
import type { MailServer, Peer } from './peers.ts';

export async function startExim(crew: Crew, lab: Lab, peers: readonly Peer[]): Promise<MailServer> {
  const home = lab.path('exim');
  for (const folder of ['spool', 'log', 'keys']) {
    mkdirSync(join(home, folder), { recursive: true });
    chownSync(join(home, folder), EXIM, EXIM);
  }
  // Read when a client says STARTTLS, and by then Exim is not root any more.
  const keyOf = ({ id }: Peer) => join(home, 'keys', `${id}.pem`);
  for (const peer of peers) {
    cpSync(peer.key, keyOf(peer));
    chownSync(keyOf(peer), EXIM, EXIM);
  }
  const enter = makeAccounts(home);
  const program = lab.path('mta', 'pkg', 'exim4-daemon-light', 'usr/sbin/exim4');
  writeFileSync(join(home, 'conf'), configuration({ home, program, peers, keyOf }));
  const log = join(home, 'log', 'main');
  rmSync(log, { force: true }); // of an earlier run
  const read = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []);
  await crew.start(lab.inside('sld', [enter, program, '-C', join(home, 'conf'), '-bdf']), {
    file: join(home, 'out'),
    ready: () => read().some((line) => line.includes('daemon started')),
  });
  const started = read().find((line) => line.includes('daemon started'));
  const version = /exim ([\d.]+) daemon/.exec(started ?? '')?.[1] ?? 'of unknown version';
  return {
    version: `Exim ${version}`,
    // `<= sender ... I=[198.18.80.1]:25 P=esmtps`: a message arrived, `s` for TLS.
    took: ({ address }) => {
      const line = read().find((one) => one.includes(' <= ') && one.includes(`I=[${address}]`));
      if (line === undefined) return undefined;
      return / P=esmtps/.test(line) ? 'tls' : 'clear';
    },
  };
}

/** Written into the configuration, since Exim does not take file names from what a client may have said. */
const byAddress = (peers: readonly Peer[], value: (peer: Peer) => string): string =>
  peers.reduceRight(
    (rest, peer) =>
      `\${if eq{$received_ip_address}{${peer.address}}{${value(peer)}}${rest === '' ? '' : `{${rest}}`}}`,
    '',
  );

interface Parts {
  readonly home: string;
  readonly program: string;
  readonly peers: readonly Peer[];
  keyOf(peer: Peer): string;
}

const configuration = ({ home, program, peers, keyOf }: Parts): string => `
exim_path = ${program}
spool_directory = ${home}/spool
log_file_path = ${home}/log/%s
primary_hostname = receiver.lab
keep_environment =
disable_ipv6 = true
local_interfaces = ${peers.map(({ address }) => address).join(' : ')}
daemon_smtp_ports = 25
check_spool_space = 0
check_spool_inodes = 0
check_log_space = 0
check_log_inodes = 0
never_users =
host_lookup =
rfc1413_query_timeout = 0s
log_selector = +tls_cipher +incoming_interface +smtp_connection
tls_advertise_hosts = ${byAddress(peers, ({ starttls }) => (starttls === 'not offered' ? '' : '*'))}
tls_certificate = ${byAddress(peers, ({ chain }) => chain)}
tls_privatekey = ${byAddress(peers, keyOf)}
acl_smtp_rcpt = all
acl_smtp_data = all
begin acl
all:
  accept
begin routers
away:
  driver = redirect
  data = :blackhole:
`;
