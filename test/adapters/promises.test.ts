/**
 * `danelaw/promises` beside Node's own resolver (c-ares), which asks a `danelaw serve` on loopback: the same data and codes.
 */
import { promises as nodeDns } from 'node:dns';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { DnsError } from '../../src/adapters/dns-error.ts';
import { Resolver } from '../../src/adapters/promises.ts';
import type { Resolver as Prover } from '../../src/index.ts';
import { makeAnswerQuery } from '../../src/server/answer.ts';
import { startDaemon } from '../../src/server/daemon.ts';
import { corruptSignatures, internet } from '../../src/testing/index.ts';
import { resolverOn } from '../resolver/support.ts';

const NOW = Date.now();
const TLSA = '3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';
const net = internet(
  {
    'example.com': [
      '@ MX 10 mx',
      '@ MX 20 backup.example.net.',
      'mx A 192.0.2.1',
      'mx A 192.0.2.2',
      'mx AAAA 2001:db8::1',
      'www CNAME mx',
      '@ TXT "v=spf1 " "-all"',
      '@ TXT "caf\\233"',
      '@ CAA 128 issue "ca.example.net; account=1"',
      '@ CAA 0 iodef "mailto:security@example.com"',
      '@ NAPTR 100 10 "S" "SIP+D2U" "!^.*$!sip:info@example.com!" _sip._udp',
      '_sip._udp SRV 0 5 5060 mx',
      `_25._tcp.mx TLSA ${TLSA}`,
      'a\\.b MX 0 mx',
      'here A 127.0.0.1',
      'four A 192.0.2.4',
      'closed MX 0 .',
    ],
    'example.net': { records: ['@ MX 10 mx', 'mx A 192.0.2.9'], signing: 'unsigned' },
    'bad.example': ['@ A 192.0.2.66', 'half A 192.0.2.67', 'half AAAA 2001:db8::67'],
    '2.0.192.in-addr.arpa': ['1 PTR mx.example.com.'],
    '8.b.d.0.1.0.0.2.ip6.arpa': [`1.${'0.'.repeat(22)}0 PTR mx.example.com.`],
  },
  { now: NOW },
).amend('bad.example', corruptSignatures('A'));

/** Both resolvers of one internet: Node's asks a daemon of ours over UDP. */
async function both(
  test: Test,
): Promise<{ readonly ours: Resolver; readonly theirs: nodeDns.Resolver }> {
  const prover: Prover = resolverOn(net);
  const daemon = await startDaemon({
    listeners: [{ ip: '127.0.0.1', port: 0 }],
    clock: net.clock,
    answer: makeAnswerQuery(prover, { withoutRecursion: 'refused', rootAnchor: () => undefined }),
    report: (error) => test.fail(String(error)),
  });
  test.teardown(() => daemon.stop());
  const theirs = new nodeDns.Resolver({ timeout: 5000, tries: 1 });
  theirs.setServers(daemon.listeners.map(({ ip, port }) => `${ip}:${port}`));
  return { ours: new Resolver(prover), theirs };
}

/** Data, or what can be told from an error: code, syscall, host name. */
const told = (asked: Promise<unknown>): Promise<unknown> =>
  asked.catch((error: NodeJS.ErrnoException & { hostname?: string }) => ({
    code: error.code,
    syscall: error.syscall,
    hostname: error.hostname,
  }));

type Method = Exclude<
  keyof nodeDns.Resolver & keyof Resolver,
  'cancel' | 'getServers' | 'setServers' | 'resolve'
>;
const QUESTIONS: readonly [method: Method, name: string][] = [
  ['resolve4', 'mx.example.com'],
  ['resolve4', 'WWW.Example.COM.'],
  ['resolve6', 'mx.example.com'],
  ['resolve6', 'four.example.com'],
  ['resolveMx', 'example.com'],
  ['resolveMx', 'closed.example.com'],
  ['resolveMx', 'example.net'],
  ['resolveMx', 'a\\.b.example.com'],
  ['resolveMx', 'nowhere.example.com'],
  ['resolveMx', 'mx.example.com'],
  ['resolveTxt', 'example.com'],
  ['resolveSrv', '_sip._udp.example.com'],
  ['resolveCname', 'www.example.com'],
  ['resolveCname', 'mx.example.com'],
  ['resolveNs', 'example.com'],
  ['resolveSoa', 'example.com'],
  ['resolveSoa', 'mx.example.com'],
  ['resolveCaa', 'example.com'],
  ['resolveNaptr', 'example.com'],
  ['resolvePtr', '1.2.0.192.in-addr.arpa'],
  ['reverse', '192.0.2.1'],
  ['reverse', '2001:db8::1'],
  ['reverse', '192.0.2.77'],
  ['resolve4', 'bad.example'],
  ['resolve4', 'nowhere.example'],
  ['resolve4', 'two..dots'],
];

t.test('data and codes are those of node:dns/promises', async (t) => {
  const { ours, theirs } = await both(t);
  for (const [method, name] of QUESTIONS) {
    const expected = withoutType(await told(theirs[method](name)));
    const got = await told(ours[method](name));
    t.strictSame(got, expected, `${method} ${name}: ${JSON.stringify(expected)}`);
  }
  for (const type of ['A', 'MX', 'SOA', 'TXT'] as const)
    t.strictSame(
      await ours.resolve('example.com', type).catch(codeOf),
      withoutType(
        await (theirs.resolve as (name: string, type: string) => Promise<unknown>)(
          'example.com',
          type,
        ).catch(codeOf),
      ),
      `resolve ${type}`,
    );
  const [mine] = await ours.resolve4('four.example.com', { ttl: true });
  const [peer] = await theirs.resolve4('four.example.com', { ttl: true });
  t.strictSame(mine, peer, 'with TTLs');
});

/** Node 24 puts a `type` into some records, into SOA and NAPTR an undefined one. Ours have the fields of Node 20 on every version. */
function withoutType(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(withoutType);
  if (typeof data !== 'object' || data === null) return data;
  const { type: _, ...rest } = data as { readonly type?: unknown };
  return rest;
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : error;
const errorOf = async (asked: Promise<unknown>): Promise<DnsError> => {
  const error = await asked.then(
    (data) => new Error(`data: ${JSON.stringify(data)}`),
    (error: unknown) => error,
  );
  if (error instanceof DnsError) return error;
  throw error;
};

t.test('results and errors say how they are known', async (t) => {
  const resolver = new Resolver(resolverOn(net));
  const secure = await resolver.resolveMx('example.com');
  t.equal(secure.status, 'secure');
  t.notOk('reason' in secure);
  t.strictSame(
    Object.keys(secure),
    ['0', '1'],
    'the proof does not show in what people do with lists',
  );
  const insecure = await resolver.resolveMx('example.net');
  t.strictSame([insecure.status, insecure.reason], ['insecure', 'no-ds-proven']);
  t.equal((await resolver.resolveSoa('example.com')).status, 'secure');
  t.match(await errorOf(resolver.resolve4('bad.example')), {
    code: 'ESERVFAIL',
    status: 'bogus',
    reason: 'signature-invalid',
    ede: 6, // RFC 8914 section 4.7
    message: /^queryA ESERVFAIL bad\.example: /,
  });
  t.match(await errorOf(resolver.resolve4('nowhere.example.com')), {
    code: 'ENOTFOUND',
    status: 'secure',
  });
  t.match(await errorOf(resolver.resolve6('mx.example.net')), {
    code: 'ENODATA',
    status: 'insecure',
    reason: 'no-ds-proven',
  });
});

t.test('TLSA is as Node 22 has it', async (t) => {
  const [record] = await new Resolver(resolverOn(net)).resolveTlsa('_25._tcp.mx.example.com');
  if (!record) throw new Error('no record');
  const { data, ...numbers } = record;
  t.strictSame(numbers, { certUsage: 3, selector: 1, match: 1 });
  t.ok(data instanceof ArrayBuffer);
  t.equal(Buffer.from(data).toString('hex'), TLSA.slice(6));
});

t.test('ANY is refused, and so is what is no type or no text', async (t) => {
  const resolver = new Resolver(resolverOn(net));
  t.equal((await errorOf(resolver.resolve('example.com', 'ANY'))).code, 'ENOTIMP');
  t.throws(() => resolver.resolve('example.com', 'MXX' as 'MX'), TypeError);
  await t.rejects(resolver.resolve4(7 as unknown as string), TypeError);
  t.equal((await errorOf(resolver.reverse('mx.example.com'))).code, 'EINVAL');
});

t.test('lookup: what dns.lookup gives', async (t) => {
  const { lookup } = new Resolver(resolverOn(net));
  const V4 = { address: '192.0.2.1', family: 4 };
  const V6 = { address: '2001:db8::1', family: 6 };
  const found = await lookup('mx.example.com');
  t.strictSame([{ ...found }, found.status], [V4, 'secure']);
  t.strictSame([...(await lookup('mx.example.com', { all: true, order: 'ipv6first' }))][0], V6);
  t.strictSame({ ...(await lookup('mx.example.com', 6)) }, V6);
  t.strictSame(
    [...(await lookup('mx.example.com', { all: true, family: 4 }))],
    [V4, { address: '192.0.2.2', family: 4 }],
  );
  t.strictSame({ ...(await lookup('192.0.2.5')) }, { address: '192.0.2.5', family: 4 });
  t.strictSame({ ...(await lookup('localhost', { family: 6 })) }, { address: '::1', family: 6 });
  t.match(await errorOf(lookup('bad.example')), {
    code: 'EAI_AGAIN', // as getaddrinfo makes of SERVFAIL
    syscall: 'getaddrinfo',
    status: 'bogus',
  });
  t.equal((await errorOf(lookup('four.example.com', 6))).code, 'ENOTFOUND');
  t.equal((await errorOf(lookup('two..dots'))).code, 'ENOTFOUND');
  t.strictSame(
    [...(await lookup('half.bad.example', { all: true }))],
    [{ address: '2001:db8::67', family: 6 }],
    'a bogus address is not among those found',
  );
  t.throws(() => lookup('example.com', { family: 5 as 4 }), TypeError);
});

t.test('lookup: as an option of http.get', async (t) => {
  const server = createServer((_, response) => response.end('reached')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo; // it listens on a TCP port
  const { lookup } = new Resolver(resolverOn(net));
  const visit = (host: string, more: object): Promise<string> =>
    new Promise((resolve) => {
      const request = get({ host, port, lookup, agent: false, ...more }, async (response) =>
        resolve(Buffer.concat(await response.toArray()).toString()),
      );
      request.on('error', (error) => resolve(String(codeOf(error))));
    });
  for (const autoSelectFamily of [true, false]) {
    t.equal(await visit('here.example.com', { autoSelectFamily }), 'reached');
    t.equal(await visit('bad.example', { autoSelectFamily }), 'EAI_AGAIN');
  }
});

t.test('cancel ends what is under way, and nothing else', async (t) => {
  const resolver = new Resolver(resolverOn(net));
  const under = errorOf(resolver.resolveMx('example.com'));
  resolver.cancel();
  t.equal((await under).code, 'ECANCELLED');
  t.equal((await resolver.resolveMx('example.com')).status, 'secure');
});

t.test('servers: none, until some are given', async (t) => {
  const resolver = new Resolver();
  t.strictSame(resolver.getServers(), []);
  const servers = ['192.0.2.1', '192.0.2.1:5353', '2001:db8::1', '[2001:db8::1]:5353'];
  resolver.setServers(servers);
  t.strictSame(resolver.getServers(), servers);
  t.throws(() => resolver.setServers(['example.com']), TypeError);
  t.strictSame(resolver.getServers(), servers);
  t.throws(
    () => new Resolver(resolverOn(net)).setServers([]),
    TypeError,
    'not behind the back of who made it',
  );
});
