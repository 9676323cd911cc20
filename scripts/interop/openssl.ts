/**
 * `openssl s_server` as the receiving side, behind a few lines of SMTP.
 * @module
 */
import { fileURLToPath } from 'node:url';
import type { Crew } from './crew.ts';
import type { Lab } from './lab.ts';
import type { Peer } from './peers.ts';

/** On 127.0.0.1 of the namespace, where nothing else listens. */
const FIRST_PORT = 4400;

/** @returns OpenSSL's version */
export async function startOpenssl(crew: Crew, lab: Lab, peers: readonly Peer[]): Promise<string> {
  const port = (peer: Peer) => FIRST_PORT + peers.indexOf(peer);
  for (const peer of peers) {
    const accept = ['-accept', `127.0.0.1:${port(peer)}`, '-naccept', '100'];
    const files = ['-cert', peer.chain, '-cert_chain', peer.issuers, '-key', peer.key];
    // -rev: it answers by itself; in its other modes it ends with its standard input.
    await crew.start(lab.inside('sld', ['openssl', 's_server', '-rev', ...accept, ...files]), {
      file: lab.path('run', `openssl-${peer.id}.out`),
      ready: (said) => said.includes('ACCEPT'),
    });
  }
  const front = fileURLToPath(new URL('./smtp-front.js', import.meta.url));
  const pairs = peers.map((peer) => `${peer.address}=${port(peer)}`);
  await crew.start(lab.inside('sld', [process.execPath, front, ...pairs]), {
    file: lab.path('run', 'smtp-front.out'),
    ready: (said) => said.includes('ready'),
  });
  return (await crew.must(['openssl', 'version'])).split(' ').slice(0, 2).join(' ');
}
