/**
 * `danelaw control` and a daemon on loopback: what each command does to it, and what comes in over the socket otherwise.
 */
import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { nodeEnvironment } from '../../src/environment-node.ts';
import { corruptSignatures, internet } from '../../src/testing/index.ts';
import { serveOnLoopback } from '../../src/testing/loopback.ts';
import { command, NO_NETWORK, type Ran } from './support.ts';

const net = internet(
  { 'example.com': ['www A 192.0.2.80'], 'bad.com': ['www A 192.0.2.99'] },
  { now: Date.now() },
).amend('bad.com', corruptSignatures('A'));
const folder = t.testdir({ hints: net.hints, anchors: net.anchors });
const file = (name: string): string => join(folder, name);
const socket = file('ctl');
const root = ['--root-hints', file('hints'), '--trust-anchor', file('anchors')];

async function started(...args: string[]): Promise<{ stop(): void; ran: Promise<Ran> }> {
  const loopback = await serveOnLoopback(net);
  t.teardown(() => loopback.close());
  const real = nodeEnvironment();
  let stop = (): void => {};
  let ready = (): void => {};
  const listening = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const ran = command(['serve', '--listen', '127.0.0.1:0', ...root, ...args], {
    environment: { ...real, transport: loopback.through(real.transport) },
    untilStopped: () =>
      new Promise((resolve) => {
        stop = resolve;
      }),
    onError: (text) => {
      if (text.includes('listening on')) ready();
    },
  });
  await Promise.race([listening, ran]);
  return { stop: () => stop(), ran };
}

const control = (...words: string[]): Promise<Ran> =>
  command(['control', '--socket', socket, ...words], { environment: NO_NETWORK });

/** What the daemon says to octets. */
const raw = (octets: string): Promise<string> =>
  new Promise((resolve) => {
    const client = connect(socket);
    let got = '';
    client.on('data', (data) => {
      got += data;
    });
    client.on('error', () => {});
    client.on('close', () => resolve(got));
    client.write(octets);
  });

t.test('a running daemon is asked and changed', async (t) => {
  const { stop, ran } = await started('--control', socket);
  t.equal(statSync(socket).mode & 0o777, 0o600, "open to the daemon's user alone");

  const explained = await control('explain', 'www.example.com', 'A');
  t.equal(explained.code, 0, explained.err);
  t.match(explained.out, /www\.example\.com\..*192\.0\.2\.80/);
  t.match(explained.out, /secure/);
  t.match(
    (await control('explain', 'www.bad.com', 'A')).out,
    /bogus.*signature-invalid|no signature/,
  );
  t.match((await control('stats')).out, /^danelaw_outcomes_total\{status="secure".*\} 1$/m);

  const before = net.log.length;
  await control('explain', 'www.example.com', 'A');
  t.equal(net.log.length, before, 'from the cache');
  t.match((await control('flush', 'example.com')).out, /^[1-9]\d* entries forgotten\n$/);
  await control('explain', 'www.example.com', 'A');
  const zones = net.log.slice(before).map(({ zone }) => String(zone));
  t.ok(zones.includes('example.com.'), 'asked anew');
  t.ok(zones.includes('com.'), 'and the delegation with its DS');
  t.notOk(zones.includes('.'), 'what lies above is still known');

  t.equal((await control('nta', 'list')).out, 'there is none\n');
  const until = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  t.equal((await control('nta', 'add', `bad.com ${until} ticket 4711`)).code, 0);
  t.match((await control('nta', 'list')).out, /^bad\.com\. \S+ ticket 4711\n$/);
  t.match((await control('explain', 'www.bad.com', 'A')).out, /192\.0\.2\.99/);
  t.equal((await control('nta', 'remove', 'bad.com')).code, 0);
  t.notMatch((await control('explain', 'www.bad.com', 'A')).out, /192\.0\.2\.99/);

  t.test('what is wrong with a command is told', async (t) => {
    const wrong: [words: string[], why: RegExp][] = [
      [['restart'], /"restart" is not known: use stats, flush NAME/],
      [['flush'], /it takes NAME/],
      [['flush', 'a..b'], /a\.\.b|empty/],
      [['explain', 'www.example.com', 'ANY'], /ANY is not supported/],
      [['nta', 'add', 'bad.com'], /is no negative trust anchor/],
      [['nta', 'add', 'bad.com 2000-01-01 old'], /is over/],
      [['nta', 'remove', 'good.com'], /there is none at good\.com\./],
      [['nta'], /use nta list/],
      [['stats', 'now'], /it takes nothing/],
    ];
    for (const [words, why] of wrong) {
      const { code, out, err } = await control(...words);
      t.equal(code, 2, words.join(' '));
      t.equal(out, '');
      t.match(err, why, words.join(' '));
    }
  });

  t.test('what is no request is refused, and hurts nobody', async (t) => {
    for (const octets of ['stats\n', '{"a":1}\n', '[1]\n', '\n', 'x'.repeat(100_000)])
      t.match(await raw(octets), /^refused\n|^$/, octets.slice(0, 10));
    t.equal((await control('stats')).code, 0);
  });

  await t.test('a second daemon does not take the socket away', async (t) => {
    const second = await (await started('--control', socket)).ran;
    t.equal(second.code, 2);
    t.match(second.err, /--control: .*ctl: EADDRINUSE; another daemon answers there/);
    t.equal((await control('stats')).code, 0);
  });

  stop();
  t.match(await ran, { code: 0 });
  t.match((await control('stats')).err, /ctl: ENOENT: is a daemon running/);
});

t.test('a socket that was left behind is replaced, a file is not', async (t) => {
  // What a killed process leaves: the name, and nobody behind it.
  const script = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  t.ok(statSync(socket).isSocket());
  const { stop, ran } = await started('--control', socket);
  t.equal((await control('stats')).code, 0);
  stop();
  t.equal((await ran).code, 0);
  writeFileSync(file('plain'), 'mine');
  const refused = await (await started('--control', file('plain'))).ran;
  t.equal(refused.code, 2);
  t.equal(statSync(file('plain')).size, 4, 'nobody knows whose it is');
  t.match(
    (await (await started('--control', file('no/where'))).ran).err,
    /give a path in a folder/,
  );
});
