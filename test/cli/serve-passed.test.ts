/**
 * Sockets that a service manager passes, by systemd's own tool, which starts the daemon with the first packet: sd_listen_fds(3).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parseMessage, writeMessage } from '../../src/dns/message.ts';
import { clientQuery } from '../client-query.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const isThere = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const skip = isThere('systemd-socket-activate') ? false : 'systemd is not installed here';

/** Answered without asking anybody. */
const query = writeMessage(clientQuery('a.example', 'A', { id: 7, recursionDesired: false }));

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : 0));
    });
  });

function activate(...args: string[]): ChildProcess {
  const command = [...args, process.execPath, MAIN, 'serve'];
  const child = spawn('systemd-socket-activate', command, { stdio: 'ignore' });
  t.teardown(() => {
    child.kill('SIGTERM');
  });
  return child;
}

const rcodeOf = (bytes: Uint8Array): string => {
  const parsed = parseMessage(bytes);
  return parsed.kind === 'message' ? parsed.message.rcode : parsed.reason;
};

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    child.on('exit', resolve);
    child.kill('SIGTERM');
  });

t.test('a UDP socket that was passed is answered at', { skip }, async (t) => {
  const port = await freePort();
  const child = activate('--datagram', '-l', `127.0.0.1:${port}`);
  const socket = createSocket('udp4');
  const reply = await new Promise<Uint8Array>((resolve) => {
    const send = (): void => socket.send(query, port, '127.0.0.1');
    socket.on('error', () => {});
    const again = setInterval(send, 300);
    socket.on('message', (bytes) => {
      clearInterval(again);
      resolve(bytes);
    });
  });
  socket.close();
  t.equal(rcodeOf(reply), 'REFUSED');
  t.equal(await ended(child), 0, 'SIGTERM ends it');
});

t.test('a TCP socket that was passed is answered at', { skip }, async (t) => {
  const port = await freePort();
  const child = activate('-l', `127.0.0.1:${port}`);
  const attempt = (): Promise<Uint8Array | undefined> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => setTimeout(() => resolve(undefined), 200));
      socket.on('data', (bytes) => {
        socket.destroy();
        resolve(bytes.subarray(2));
      });
      socket.write(Buffer.concat([Uint8Array.of(0, query.length), query]));
    });
  let reply: Uint8Array | undefined;
  while (!reply) reply = await attempt();
  t.equal(rcodeOf(reply), 'REFUSED');
  t.equal(await ended(child), 0);
});

t.test('the units are what systemd takes for units', { skip }, (t) => {
  const units = ['danelaw.service', 'danelaw.socket'].map((name) =>
    fileURLToPath(new URL(`../../../systemd/${name}`, import.meta.url)),
  );
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], {
    encoding: 'utf8',
  });
  const ours = stderr
    .split('\n')
    .filter((line) => line.includes('danelaw') && !line.includes('is not executable'));
  t.same(ours, []);
  t.end();
});
