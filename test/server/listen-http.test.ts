/** Metrics over HTTP, for clients that would keep others from them. */
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { listenHttp } from '../../src/server/listen-http.ts';

/** Above what the system takes from a server ahead of its client: 6 MB for TCP with Linux's usual settings. */
const LONG = 'x'.repeat(8_000_000);

t.test('clients that do not fetch their answers do not keep others out for good', async (t) => {
  const pages = {
    '/long': () => ({ status: 200, body: LONG }) as const,
    '/health': () => ({ status: 200, body: 'fine' }) as const,
  };
  const { at, close } = await listenHttp({ ip: '127.0.0.1', port: 0 }, pages, 2000);
  t.teardown(close);
  const ask = (path: string) => {
    const socket = connect(at.port, at.ip);
    t.teardown(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    return socket;
  };
  await Promise.all(Array.from({ length: 16 }, () => once(ask('/long'), 'readable')));
  t.equal(await lastWord(ask('/health')), '', 'now there is no room');
  for (let tries = 0; tries < 1500; tries += 1) {
    if ((await lastWord(ask('/health'))).includes('fine')) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.fail('nobody has made room');
});

async function lastWord(socket: ReturnType<typeof connect>): Promise<string> {
  let said = '';
  socket.on('data', (octets) => {
    said += String(octets);
  });
  await once(socket, 'close');
  return said;
}
