// What hostile servers, policies and moments could do to whoever delivers mail; each of these once came off.
import { once } from 'node:events';
import { createServer, connect as netConnect } from 'node:net';
import t, { type Test } from 'tap';
import { Name } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import type { Lookup } from '../../src/dnssec/outcome.ts';
import { type Open, openOverTcp } from '../../src/mta/contact.ts';
import { deliver } from '../../src/mta/deliver.ts';
import { StsCache } from '../../src/mta/mta-sts.ts';
import { LARGEST_POLICY, parsePolicy } from '../../src/mta/sts-policy.ts';
import { findStsRecord } from '../../src/mta/sts-txt.ts';
import { dayOf, TlsReports } from '../../src/mta/tlsrpt.ts';
import { findTlsrptRecord } from '../../src/mta/tlsrpt-record.ts';
import type { Internet } from '../../src/testing/description.ts';
import { alterPlan, servfail } from '../../src/testing/index.ts';
import { internet } from '../../src/testing/internet.ts';
import { openChannel } from '../../src/tls/streams.ts';
import { fakeLookup } from '../dane/fake-lookup.ts';
import { resolverOn } from '../resolver/support.ts';
import {
  CHAIN,
  DANE_ON,
  EE,
  EE_OF_OTHER,
  MX,
  NOW,
  one,
  play,
  readNextHop,
  show,
  two,
} from './deliver-support.ts';

const octetsOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const DATA = octetsOf('Subject: test\r\n\r\nhello\r\n');

/** Whoever looks for the end of blanks from each of them needs some seconds for these, on the fastest machine. */
const MANY = 64_000;
const LINEAR_MS = 1_000;

t.test('blanks in policies and in TXT records take linear time', async (t) => {
  const policy = `version: STSv1\nmode: none\nmax_age: 1\nx: a${' '.repeat(MANY)}b\n`;
  t.ok(policy.length <= LARGEST_POLICY);
  const start = performance.now();
  t.equal(parsePolicy(octetsOf(policy), { id: 'a', fetchedAt: 0 }).kind, 'policy');
  t.ok(performance.now() - start < LINEAR_MS, `policy: ${performance.now() - start} ms`);
  const asked = async (
    find: typeof findStsRecord | typeof findTlsrptRecord,
    name: string,
    text: string,
  ) => {
    const { lookup } = fakeLookup({ records: { [`TXT ${name}.example.com`]: [text] } });
    const begin = performance.now();
    const found = await find(Name.parse('example.com'), lookup, { now: 0 });
    t.ok(performance.now() - begin < LINEAR_MS, `${name}: ${performance.now() - begin} ms`);
    return found;
  };
  const blanks = ' '.repeat(MANY);
  t.same(await asked(findStsRecord, '_mta-sts', `v=STSv1; id=1; a=b${blanks}c`), {
    kind: 'none',
    why: 'the record v=STSv1 is malformed',
  });
  const rua = `v=TLSRPTv1; rua=mailto:a@example.com${blanks},mailto:b@example.com`;
  t.equal((await asked(findTlsrptRecord, '_smtp._tls', rua)).kind, 'record');
});

t.test('a connection that is gone when the session takes it over is told at once', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const socket = netConnect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  await once(socket, 'close');
  const start = performance.now();
  const answer = await openChannel(socket, 'clear').ask(octetsOf('EHLO a.example\r\n'), 10_000);
  t.same(answer, { kind: 'closed' });
  t.ok(performance.now() - start < 5_000, 'long before the time for an answer is up');
});

t.test(
  'two look-ups that are aborted at different times reject once, and nothing is left over',
  async (t) => {
    const leftOver: unknown[] = [];
    const note = (error: unknown): unknown => leftOver.push(error);
    process.on('unhandledRejection', note);
    t.teardown(() => process.off('unhandledRejection', note));
    const stop = new AbortController();
    const enough = new Error('enough');
    const lookup: Lookup = (_, type) =>
      new Promise((_, reject) => {
        stop.signal.addEventListener('abort', () => {
          if (type === 'MX') reject(enough);
          else setImmediate(() => reject(enough));
        });
        if (type !== 'MX') setImmediate(() => stop.abort());
      });
    const fetch = async () => t.fail('nothing is fetched') as never;
    const clock = { now: () => NOW };
    const delivering = deliver(
      { from: '', to: ['you@example.com'], data: DATA },
      readNextHop('example.com'),
      {
        lookup,
        clock,
        terms: DANE_ON,
        connect: openOverTcp,
        clientName: 'client.example',
        sts: new StsCache({ lookup, fetch, clock }),
        signal: stop.signal,
      },
    );
    await t.rejects(delivering, enough);
    for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
    t.same(leftOver, []);
  },
);

t.test(
  'a host that refuses EHLO under TLS for good keeps the mail waiting, with a code that says so',
  async (t) => {
    const answers = { 'tls EHLO': '550 5.7.1 go away' };
    const { ends } = await play(t, { zones: one(EE), hosts: { '192.0.2.1': { answers } } });
    t.same(ends, ['deferred 4.7.1 smtp-refused mx.example.com']);
  },
);

t.test('a listener that throws keeps no mail', async (t) => {
  const throws = (): never => {
    throw new Error('a listener of the caller');
  };
  const { ends, taken } = await play(t, {
    zones: one(EE),
    hosts: { '192.0.2.1': {} },
    parts: { met: throws, report: throws },
  });
  t.same(ends, ['delivered verified mx.example.com 2.0.0']);
  t.same(taken, ['192.0.2.1 tls <you@example.com>']);
});

/** An SMTP server in clear that takes the first recipient and puts off every other. */
async function startPickyHost(t: Test) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('220 picky\r\n');
    let recipients = 0;
    const reply = (line: string): string => {
      if (line === 'DATA') return '354 go on';
      if (line.startsWith('RCPT')) return ++recipients > 1 ? '450 later' : '250 fine';
      return line === '.' || /^(EHLO|MAIL|QUIT)/.test(line) ? '250 fine' : '';
    };
    socket.on('data', (octets) => {
      for (const line of octets.toString('latin1').split('\r\n')) {
        const said = reply(line);
        if (said !== '') socket.write(`${said}\r\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  return { ip: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0 };
}

t.test('who gives up in the middle hears which recipients have been served', async (t) => {
  const picky = await startPickyHost(t);
  const net = internet(two([], [EE]), { now: NOW }).amend('example.com', servfail('TLSA'));
  const { lookup } = resolverOn(net);
  const stop = new AbortController();
  let isServed = false;
  const { recipients } = await deliver(
    { from: '', to: ['a@example.com', 'b@example.com'], data: DATA },
    readNextHop('example.com'),
    {
      lookup: (name, type, options) => {
        if (isServed) stop.abort();
        return lookup(name, type, options);
      },
      // DANE is looked at and does not bind, so that the second host's addresses are asked for once more.
      terms: { ...DANE_ON, audit: true },
      clock: net.clock,
      connect: openOverTcp,
      clientName: 'client.example',
      dial: () => picky,
      met: ({ kind }) => {
        isServed ||= kind === 'attempt';
      },
      signal: stop.signal,
    },
  );
  t.ok(stop.signal.aborted);
  t.same(
    recipients.map(show).map((end) => end.split(' ', 1)),
    [['delivered'], ['deferred']],
  );
});

t.test(
  'a stranger with many domains of long policies does not drive out the policy of another',
  async (t) => {
    const policyOf = (text: string) => {
      const parsed = parsePolicy(octetsOf(text), { id: 'a', fetchedAt: NOW });
      if (parsed.kind === 'invalid') throw new Error(parsed.why);
      return parsed.policy;
    };
    const text = 'version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n';
    const long = policyOf(`${text}note: ${'x'.repeat(LARGEST_POLICY - 100)}\n`);
    // 600 of 64 KiB are more than the 32 MiB that are kept.
    const strangers = Array.from({ length: 600 }, (_, i) => Name.parse(`a${i}.example.net`));
    const cache = new StsCache({
      lookup: fakeLookup({ records: {} }).lookup,
      fetch: async () => t.fail('nothing is fetched') as never,
      clock: { now: () => NOW },
      kept: [
        { domain: Name.parse('example.com'), policy: policyOf(text) },
        ...strangers.map((domain) => ({ domain, policy: long })),
      ],
    });
    const { kind } = await cache.find(Name.parse('example.com'));
    t.equal(kind, 'policy', 'although its TXT record has gone');
    t.ok(cache.policies.length < 600, 'some of the others have gone');
  },
);

t.test(
  'a domain that rolls long records at each delivery does not take the room of other reports',
  (t) => {
    const reports = new TlsReports();
    const session = { policyType: 'tlsa', result: 'success', at: NOW } as const;
    // 600 RRsets of 128 000 characters are more than the 64 MiB that are kept.
    for (let i = 0; i < 600; i += 1)
      reports.add({
        ...session,
        policyDomain: 'mx.example.net',
        policyStrings: [`3 1 0 ${i}${'0'.repeat(128_000)}`],
        reportDomain: 'example.net',
      });
    reports.add({
      ...session,
      policyDomain: MX,
      policyStrings: ['3 1 1 00'],
      reportDomain: 'example.com',
    });
    const domains = [...reports.read(dayOf(NOW))].map(({ domain, policies }) => [
      domain,
      policies.length,
    ]);
    // Four of 128 000 and some are what 524 288 characters hold.
    t.same(domains, [
      ['example.net', 4],
      ['example.com', 1],
    ]);
    t.equal(reports.dropped, 596);
    t.end();
  },
);

t.test('an exception that has expired since the terms were made lets nothing pass', async (t) => {
  const sent = (expires: number) =>
    play(t, {
      zones: one(EE_OF_OTHER),
      hosts: { '192.0.2.1': {} },
      terms: { audit: true, exception: { reason: 'ticket 4711', expires } },
    });
  t.same((await sent(NOW + 60_000)).ends, ['delivered encrypted mx.example.com 2.0.0']);
  const late = await sent(NOW - 1);
  t.same(late.ends, ['deferred 4.7.5 dane-no-match mx.example.com']);
  t.same(late.taken, []);
});

t.test('who gives up before every host was tried gets no final failure', async (t) => {
  const stop = new AbortController();
  const addressless = await play(t, {
    zones: { 'example.com': ['@ MX 10 mx', '@ MX 20 mx2', 'mx2 A 192.0.2.2'] },
    hosts: { '192.0.2.2': {} },
    parts: { signal: stop.signal, met: ({ kind }) => kind === 'unreachable' && stop.abort() },
  });
  t.ok(stop.signal.aborted);
  t.same(addressless.ends, ['deferred 4.4.7 not-probed'], 'the other host has an address');
  const enough = new AbortController();
  const unable = await play(t, {
    zones: two([EE], [EE]),
    hosts: {
      '192.0.2.1': { heard: (line) => line === 'tls QUIT' && enough.abort() },
      '192.0.2.2': { tlsExtensions: ['REQUIRETLS'] },
    },
    message: { requireTls: true },
    parts: { signal: enough.signal },
  });
  t.ok(enough.signal.aborted);
  t.same(
    unable.ends.map((end) => end.split(' ', 2)),
    [['deferred', '4.7.30']],
    'the other host knows REQUIRETLS',
  );
});

t.test(
  'TLSA records that end while the first host stalls are asked for anew, and count as they are then',
  async (t) => {
    const records = ['@ MX 10 mx', '@ MX 20 mx2', 'mx A 192.0.2.1', 'mx2 A 192.0.2.2'];
    const tlsa = `_25._tcp.mx2 60 TLSA ${EE}`;
    /** The records of the second host are others while the first one stalls for so long. */
    const later = (record: string, seconds: number) => {
      let net: Internet | undefined;
      const rdata = parseRdata('TLSA', record);
      const open: Open = async (to, options) => {
        if (to.ip === '192.0.2.2') return openOverTcp(to, options);
        const changed = alterPlan((plan) => ({
          ...plan,
          records: plan.records.map((one) => (one.type === 'TLSA' ? { ...one, rdata } : one)),
        }));
        net?.amend('example.com', changed).clock.advance(seconds * 1000);
        return { kind: 'shut', failure: { kind: 'timeout', during: 'greeting' } };
      };
      return play(t, {
        zones: { 'example.com': [...records, tlsa] },
        amend: (bare) => {
          net = bare;
          return bare;
        },
        hosts: { '192.0.2.2': { chain: CHAIN } },
        parts: { connect: open },
      });
    };
    t.same((await later(EE_OF_OTHER, 30)).ends, ['delivered verified mx2.example.com 2.0.0']);
    const { ends, taken } = await later(EE_OF_OTHER, 61);
    t.same(ends, ['deferred 4.7.5 dane-no-match mx2.example.com']);
    t.same(taken, []);
    t.same((await later(EE, 61)).ends, ['delivered verified mx2.example.com 2.0.0']);
  },
);
