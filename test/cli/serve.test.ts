/**
 * `danelaw serve` on real sockets of loopback, in front of the testing internet.
 *
 * Expected values are those of RFC 1035 section 4.2, RFC 4035 section 3.2 and RFC 2181 section 9.
 */
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { parseServe } from '../../src/cli/serve-options.ts';
import type { RRType } from '../../src/dns/codes.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name } from '../../src/dns/name.ts';
import { parseState, writeState } from '../../src/dnssec/anchor-state.ts';
import { nodeEnvironment } from '../../src/environment-node.ts';
import { corruptSignatures, internet } from '../../src/testing/index.ts';
import { serveOnLoopback } from '../../src/testing/loopback.ts';
import { command, NO_NETWORK, type Ran } from './support.ts';

const net = internet(
  {
    'example.com': {
      records: [
        'www A 192.0.2.80',
        'root-key-sentinel-is-ta-00001 A 192.0.2.81',
        'root-key-sentinel-not-ta-00001 A 192.0.2.82',
        ...Array.from({ length: 20 }, (_, i) => `large TXT "${`${i} `.padEnd(100, 'x')}"`),
      ],
    },
    // Some 10 kB each, under any name.
    'wild.com': {
      records: Array.from({ length: 40 }, (_, i) => `* TXT "${`${i} `.padEnd(250, 'x')}"`),
      signing: 'unsigned', // else one answer would speak for all names (RFC 8198)
    },
    'plain.net': { records: ['www A 192.0.2.90', 'short 1 A 192.0.2.81'], signing: 'unsigned' },
    'bad.com': ['www A 192.0.2.99'],
  },
  { now: Date.now() },
).amend('bad.com', corruptSignatures('A'));

const files = t.testdir({ hints: net.hints, anchors: net.anchors });
const root = ['--root-hints', join(files, 'hints'), '--trust-anchor', join(files, 'anchors')];

interface Asked {
  readonly type?: RRType;
  readonly id?: number;
  readonly ad?: boolean;
  readonly cd?: boolean;
  readonly rd?: boolean;
  readonly edns?: { readonly udpSize: number; readonly dnssecOk: boolean };
}

function queryFor(name: string, asked: Asked = {}): Uint8Array {
  const { type = 'A', id = 4711, ad = false, cd = false, rd = true, edns } = asked;
  return writeMessage({
    id,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: rd,
    recursionAvailable: false,
    authenticData: ad,
    checkingDisabled: cd,
    rcode: 'NOERROR',
    questions: [{ name: Name.parse(name), type }],
    answer: [],
    authority: [],
    additional: [],
    edns: edns && { ...edns, version: 0, options: [] },
  });
}

function read(bytes: Uint8Array): Message {
  const parsed = parseMessage(bytes);
  if (parsed.kind === 'malformed') throw new Error(parsed.reason);
  return parsed.message;
}

function overUdp(port: number, query: Uint8Array): Promise<Uint8Array> {
  const socket = createSocket('udp4');
  const send = (): void => socket.send(query, port, '127.0.0.1');
  return new Promise((resolve) => {
    // As every client does: a datagram may be lost where the machine is busy.
    const again = setInterval(send, 2000);
    socket.on('message', (bytes) => {
      clearInterval(again);
      socket.close();
      resolve(new Uint8Array(bytes));
    });
    send();
  });
}

/** Octets sent as they are; what came until the other side closed or `count` messages were there. */
function overTcp(port: number, octets: Uint8Array, count: number): Promise<Uint8Array[]> {
  const socket = connect(port, '127.0.0.1');
  socket.write(octets);
  let pending = Buffer.alloc(0);
  const messages: Uint8Array[] = [];
  return new Promise((resolve) => {
    socket.on('error', () => resolve(messages));
    socket.on('close', () => resolve(messages));
    socket.on('data', (data) => {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        messages.push(new Uint8Array(pending.subarray(2, end)));
        pending = pending.subarray(end);
      }
      if (messages.length === count) socket.destroy();
    });
  });
}

const framed = (query: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 0xff), query]);

interface Served {
  readonly port: number;
  /** As SIGTERM would. */
  stop(): void;
  readonly ran: Promise<Ran>;
}

async function started(
  args: readonly string[] = [],
  onError: (text: string) => void = () => {},
): Promise<Served> {
  const loopback = await serveOnLoopback(net);
  t.teardown(() => loopback.close());
  const real = nodeEnvironment();
  const environment = { ...real, transport: loopback.through(real.transport) };
  let stop = (): void => {};
  const untilStopped = (): Promise<void> =>
    new Promise((resolve) => {
      stop = resolve;
    });
  let told = (_line: string): void => {};
  const line = new Promise<string>((resolve) => {
    told = (text) => (text.includes('listening on') ? resolve(text) : undefined);
  });
  const ran = command(['serve', '--listen', '127.0.0.1:0', ...root, ...args], {
    environment,
    untilStopped,
    onError: (text) => {
      told(text);
      onError(text);
    },
  });
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(await line)?.[1]);
  return { port, stop: () => stop(), ran };
}

t.test('a client on loopback', async (t) => {
  const { port, stop, ran } = await started();
  const udp = async (name: string, asked?: Asked): Promise<Message> =>
    read(await overUdp(port, queryFor(name, asked)));

  t.test('gets proven data over UDP, and AD where it reads it', async (t) => {
    const plain = await udp('www.example.com');
    t.match(plain, { id: 4711, response: true, recursionAvailable: true, rcode: 'NOERROR' });
    t.equal(plain.answer.length, 1);
    t.equal(plain.authenticData, false, 'RFC 6840 section 5.8');
    t.equal((await udp('www.example.com', { ad: true })).authenticData, true);
    const probe = await udp('.', { type: 'NS', ad: true });
    t.equal(probe.authenticData, true, 'by this Postfix tells whether it may rely on AD');
    t.equal((await udp('www.plain.net', { ad: true })).authenticData, false);
    t.match(await udp('www.bad.com'), { rcode: 'SERVFAIL', answer: { length: 0 } });
    t.equal((await udp('www.bad.com', { cd: true })).answer.length, 1, 'CD: it checks by itself');
  });

  t.test('learns by sentinels which root keys are trusted (RFC 8509)', async (t) => {
    t.match(await udp('root-key-sentinel-is-ta-00001.example.com'), { rcode: 'SERVFAIL' });
    t.match(await udp('root-key-sentinel-not-ta-00001.example.com'), { rcode: 'NOERROR' });
  });

  t.test('is answered without recursion desired', async (t) => {
    t.match(await udp('ready-probe.invalid', { rd: false }), { rcode: 'REFUSED' });
  });

  t.test('gets TC above its size, and the whole over TCP', async (t) => {
    const asked = { type: 'TXT' as const, edns: { udpSize: 1232, dnssecOk: true } };
    const cut = await overUdp(port, queryFor('large.example.com', asked));
    t.ok(cut.length <= 1232, `${cut.length} octets`);
    t.match(read(cut), { truncated: true, answer: { length: 0 } });
    const plain = await overUdp(port, queryFor('large.example.com', { type: 'TXT' }));
    t.ok(plain.length <= 512, 'without EDNS (RFC 1035 section 4.2.1)');
    const room = { ...asked, edns: { udpSize: 4096, dnssecOk: true } };
    t.match(await udp('large.example.com', room), { truncated: false });
    const [whole] = await overTcp(port, framed(queryFor('large.example.com', asked)), 1);
    t.match(whole && read(whole), { truncated: false });
    t.equal(whole && read(whole).answer.length, 21, 'twenty records and a signature');
  });

  t.test('asks several questions on one connection, in pieces', async (t) => {
    const octets = Buffer.concat(
      [1, 2, 3].map((id) => framed(queryFor('www.example.com', { id }))),
    );
    const replies = await overTcp(port, octets, 3);
    t.same(replies.map((one) => read(one).id).sort(), [1, 2, 3]);
  });

  t.test(
    'row 137: a PROXYv2 header ends its connection, and its datagram gets no answer',
    async (t) => {
      const header = Buffer.from('0d0a0d0a000d0a515549540a21110000', 'hex');
      const octets = Buffer.concat([header, framed(queryFor('www.example.com'))]);
      t.same(await overTcp(port, octets, 1), [], 'closed without an answer');
      const socket = createSocket('udp4');
      const ids: number[] = [];
      const answered = new Promise<void>((resolve) => {
        socket.on('message', (bytes) => {
          ids.push(read(bytes).id);
          if (ids.at(-1) === 2) resolve();
        });
      });
      socket.send(
        Buffer.concat([header, queryFor('www.example.com', { id: 1 })]),
        port,
        '127.0.0.1',
      );
      socket.send(queryFor('www.example.com', { id: 2 }), port, '127.0.0.1');
      await answered;
      socket.close();
      t.same(ids, [2]);
    },
  );

  await t.test('and once told to stop, the daemon ends with 0', async (t) => {
    stop();
    t.match(await ran, { code: 0, out: '' });
  });
});

t.test('--cache-mb bounds what is kept', async (t) => {
  // 60 answers of 10 kB: less than 64 MB, more than the half of one that answers get.
  const names = Array.from({ length: 60 }, (_, i) => `n${i}.wild.com`);
  for (const [args, isKept] of [[[], true] as const, [['--cache-mb', '1'], false] as const]) {
    const { port, stop, ran } = await started(args);
    const fetch = async (name: string): Promise<Message | undefined> => {
      const [reply] = await overTcp(port, framed(queryFor(name, { type: 'TXT' })), 1);
      return reply && read(reply);
    };
    for (const name of names) await fetch(name);
    const before = net.log.length;
    t.equal((await fetch('n0.wild.com'))?.answer.length, 40);
    t.equal(net.log.length === before, isKept, args.join(' '));
    stop();
    await ran;
  }
});

t.test('--state keeps trust anchors over a restart', async (t) => {
  const folder = join(t.testdir(), 'var', 'danelaw');
  const file = join(folder, 'trust-anchors');
  let look = (): void => {};
  const looked = new Promise<void>((resolve) => {
    look = resolve;
  });
  const first = await started(['--state', folder], (text) => {
    if (/trust anchors: key \d+ of \. is trusted/.test(text)) look();
  });
  await looked;
  const answer = read(await overUdp(first.port, queryFor('www.example.com', { ad: true })));
  t.equal(answer.authenticData, true);
  first.stop();
  t.match(await first.ran, { code: 0 });
  const kept = readFileSync(file, 'latin1');
  t.match(kept, /^valid \d+ 257 3 /m, 'the key itself, and no longer its digest alone');

  const second = await started(['--state', folder]);
  second.stop();
  const { err } = await second.ran;
  t.notMatch(err, /trust anchors/, 'nothing is due');
  const followed = (text: string): readonly string[] =>
    text.split('\n').filter((line) => !/^(written|sha256) /.test(line));
  t.strictSame(followed(readFileSync(file, 'latin1')), followed(kept));

  const state = parseState(kept, Date.now());
  if (state.kind === 'refused') return t.fail(state.why);
  const refused: [text: string, why: RegExp][] = [
    [kept.slice(0, -100), /trust-anchors: line \d+: .*cut off/],
    ['; autotrust trust anchor file\n', /trust-anchors: line 1: .*another program's/],
    [writeState(state.state, Date.now() + 7_200_000), /trust-anchors: line 2: .*in the future/],
  ];
  for (const [text, why] of refused) {
    writeFileSync(file, text);
    const third = await command(['serve', '--listen', '127.0.0.1:0', ...root, '--state', folder], {
      environment: { ...NO_NETWORK, clock: nodeEnvironment().clock },
    });
    t.equal(third.code, 2, String(why));
    t.match(third.err, why);
    t.equal(readFileSync(file, 'latin1'), text, 'and left for somebody to look at');
  }
});

t.test('exceptions and borders that its operator has drawn', async (t) => {
  const until = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const { port, stop, ran } = await started([
    ...['--negative-anchor', `bad.com ${until} told on Monday`],
    ...['--private-address', '192.0.2.80/32', '--private-address', '192.0.2.90'],
    ...['--private-domain', 'plain.net', '--cache-min-ttl', '60'],
    ...['--stub', `wild.com ${serversOf('wild.com').join(' ')}`],
  ]);
  const udp = async (name: string, asked?: Asked): Promise<Message> =>
    read(await overUdp(port, queryFor(name, asked)));
  t.match(await udp('www.bad.com', { ad: true }), { rcode: 'NOERROR', authenticData: false });
  t.match(await udp('www.example.com'), { rcode: 'SERVFAIL', answer: { length: 0 } }, 'row 102');
  t.match(await udp('www.plain.net'), { rcode: 'NOERROR' }, 'a private domain');
  t.match(await udp('short.plain.net'), { answer: [{ ttl: 60 }] }, 'a floor under TTLs');
  const before = net.log.length;
  const edns = { udpSize: 4096, dnssecOk: false };
  t.match(await udp('a.wild.com', { type: 'TXT', ad: true, edns }), { rcode: 'NOERROR' });
  t.ok(net.log[before]?.zone?.equals(Name.parse('wild.com')), 'its own servers were asked first');
  stop();
  t.equal((await ran).code, 0);
});

/** Where the servers of a zone of this internet are. */
function serversOf(zone: string): readonly string[] {
  const reply = net.log.filter((one) => one.zone?.equals(Name.parse(zone)));
  return [...new Set(reply.map(({ server }) => server))];
}

t.test('metrics, health and a log line for what fails', async (t) => {
  let lines = '';
  const { port, stop, ran } = await started(['--metrics', '127.0.0.1:0'], (text) => {
    lines += text;
  });
  const at = /metrics on (http:\/\/127\.0\.0\.1:\d+)\/metrics/.exec(lines)?.[1];
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`${at}${path}`, { method });
    return { status: response.status, body: await response.text() };
  };
  await overUdp(port, queryFor('www.example.com', { ad: true }));
  await overUdp(port, queryFor('www.example.com', { ad: true }));
  for (let i = 0; i < 5; i += 1) await overUdp(port, queryFor('www.bad.com'));
  const { status, body } = await get('/metrics');
  t.equal(status, 200);
  for (const line of [
    'danelaw_outcomes_total{status="secure",reason="none",from="network"} 1',
    'danelaw_outcomes_total{status="secure",reason="none",from="cache"} 1',
    'danelaw_outcomes_total{status="bogus",reason="signature-invalid",from="network"} 1',
    'danelaw_responses_total{rcode="NOERROR",over="udp"} 2',
    'danelaw_responses_total{rcode="SERVFAIL",over="udp"} 5',
    'danelaw_questions_waiting 0',
    'danelaw_healthy 1',
  ])
    t.ok(body.split('\n').includes(line), line);
  t.match(body, /^danelaw_upstream_total\{over="udp",result="reply"\} [1-9]\d*$/m);
  t.match(body, /^danelaw_cache_bytes\{map="answers"\} [1-9]\d*$/m);
  t.same(await get('/health'), { status: 200, body: 'fine\n' });
  t.equal((await get('/')).status, 404);
  t.equal((await get('/__proto__')).status, 404);
  t.equal((await get('/metrics', 'POST')).status, 405);
  const told = lines.split('\n').filter((line) => line.includes('event='));
  t.equal(told.length, 1, 'five times the same is told once');
  t.match(
    told[0],
    /^danelaw: event=failed name=www\.bad\.com\. type=A status=bogus reason=signature-invalid zone=bad\.com\. .*ede=6 why="no signature/,
  );
  stop();
  t.equal((await ran).code, 0);
});

t.test('+7: the counters of the limit on MX look-ups', async (t) => {
  const folder = t.testdir({ 'policy.toml': 'dns_rate_limit_enabled = true\n' });
  let lines = '';
  const words = ['--policy', `${folder}/policy.toml`, '--metrics', '127.0.0.1:0'];
  const { port, stop, ran } = await started(words, (text) => {
    lines += text;
  });
  await overUdp(port, queryFor('www.example.com', { type: 'MX' }));
  await overUdp(port, queryFor('www.example.com'));
  const at = /metrics on (\S+)/.exec(lines)?.[1] ?? '';
  const body = await (await fetch(at)).text();
  // One MX question, far below the limit: it went at once, and the other one is not counted.
  for (const line of [
    'danelaw_mx_lookups_total{became="immediate"} 1',
    'danelaw_mx_lookups_total{became="queued"} 0',
    'danelaw_mx_lookups_total{became="overflow"} 0',
  ])
    t.ok(body.split('\n').includes(line), line);
  stop();
  t.equal((await ran).code, 0);
});

t.test('a place that is taken is told with what to do', async (t) => {
  const first = await started();
  const args = ['serve', '--listen', `127.0.0.1:${first.port}`];
  const second = await command(args, { environment: NO_NETWORK });
  t.equal(second.code, 2);
  t.match(
    second.err,
    /cannot listen on 127\.0\.0\.1:\d+ over udp: another program does .*--listen/,
  );
  first.stop();
  t.equal((await first.ran).code, 0);
});

t.test('row 136: a forwarder that is an own listener is refused at the start', async (t) => {
  const circles: [listen: string, forward: string][] = [
    ['127.0.0.1:5353', '127.0.0.1:5353'],
    ['[::1]:5353', '[0:0::1]:5353'],
    ['127.0.0.1:5353', '::ffff:127.0.0.1@5353'],
    // Where a packet to no address in particular goes.
    ['127.0.0.1:5353', '0.0.0.0@5353'],
    ['[::1]:5353', '::@5353'],
  ];
  for (const [listen, forward] of circles) {
    const args = ['serve', '--listen', listen, '--forward', forward];
    const { code, err } = await command(args, { environment: NO_NETWORK });
    t.equal(code, 2, listen);
    t.match(err, /that is where danelaw itself listens/, listen);
  }
  const { err } = await command(['serve', '--forward', '127.0.0.1'], { environment: NO_NETWORK });
  t.match(err, /that is where danelaw itself listens/, 'where it listens without a word');
  const stub = ['serve', '--stub', 'corp.example 192.0.2.1 127.0.0.1'];
  t.match(
    (await command(stub, { environment: NO_NETWORK })).err,
    /--stub 127.0.0.1: that is where/,
  );
});

t.test(
  '--serve-stale stands with or without a number of seconds, --report-errors by itself',
  (t) => {
    const stale = (...args: string[]) => {
      const words = parseServe(args, Date.now());
      return words === 'help' ? undefined : words.longestStaleMs;
    };
    t.equal(stale(), undefined, 'off');
    t.equal(stale('--serve-stale'), 86_400_000, 'a day (RFC 8767 section 5)');
    t.equal(stale('--serve-stale', '--no-ipv6'), 86_400_000);
    t.equal(stale('--serve-stale', '600', '--no-ipv6'), 600_000);
    t.equal(stale('--serve-stale=600'), 600_000);
    t.match(parseServe([], Date.now()), { reportErrors: undefined, leastTtl: undefined });
    t.match(parseServe(['--cache-min-ttl', '90'], Date.now()), { leastTtl: 90 });
    t.match(parseServe(['--report-errors'], Date.now()), { reportErrors: 'on' });
    t.end();
  },
);

t.test('words that a daemon cannot work by', async (t) => {
  const wrong: [args: string[], why: RegExp][] = [
    [['--listen', '0.0.0.0:53'], /stands for all addresses.*give each address/],
    [['--listen', '192.0.2.1:53'], /is open to others: say with --allow whose questions/],
    [['--listen', '[::]:53', '--allow', '::1'], /stands for all addresses/],
    [['--allow', '0.0.0.0/0'], /"0\.0\.0\.0\/0" is everybody/],
    [['--allow', 'lan'], /--allow: "lan" is no network/],
    [['--metrics', '192.0.2.1:9153'], /--metrics: 192\.0\.2\.1 is open to others/],
    [['--log', 'all'], /--log: "all" is not known: use failures or none/],
    [['--check-config'], /needs a --config/],
    [['--workers', '2'], /--workers: .*not supported yet, give 1/],
    [['--private-address', '10.0.0.1/8'], /"10.0.0.1\/8" is no network: write 10.0.0.0\/8/],
    [['--stub', 'corp.example'], /"corp.example" is no stub zone: write 'ZONE ADDR...'/],
    [['--stub', 'corp.example ns.corp.example'], /"ns.corp.example" is no server address/],
    [['--stub', 'corp.example ::1#ns.corp.example'], /only a forwarder is asked over TLS/],
    [['--stub', '. 192.0.2.1'], /give the servers of the root by --root-hints/],
    [['--stub', 'a.example ::1', '--stub', 'A.example. ::2'], /A\.example\. is given twice/],
    [['--private-domain', 'lan', '--private-address', '10/8'], /--private-address: "10\/8"/],
    [['--private-domain', 'lan'], /--private-address: give that as well/],
    [['--private-domain', 'lan, corp'], /--private-domain: "lan, corp" is no domain name/],
    [['--negative-anchor', 'bad.com'], /is no negative trust anchor/],
    [['--cache-mb', '0'], /"0" is no size/],
    [['--cache-min-ttl', '91'], /--cache-min-ttl: "91" does not do: give seconds from 0 to 90/],
    [['--serve-stale', '0'], /seconds from 1 to 259200/],
    [['--serve-stale=259201'], /seconds from 1 to 259200/],
    [['--serve-stale', 'yes'], /one word too many/],
    [['example.com'], /one word too many/],
  ];
  for (const [args, why] of wrong) {
    const { code, err } = await command(['serve', ...args], { environment: NO_NETWORK });
    t.equal(code, 2, args.join(' '));
    t.match(err, why, args.join(' '));
  }
});
