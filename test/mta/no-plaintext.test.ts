// No path lets mail in clear, or past a wrong certificate, follow secure TLSA records: random zones, servers and terms.
import fc from 'fast-check';
import t from 'tap';
import type { Open } from '../../src/mta/contact.ts';
import { deliver } from '../../src/mta/deliver.ts';
import { SESSION_TIMES } from '../../src/mta/smtp-session.ts';
import { parsePolicy } from '../../src/mta/sts-policy.ts';
import type { Terms } from '../../src/mta/terms.ts';
import { tlsaFor } from '../../src/testing/certificates.ts';
import type { Answer, Channel } from '../../src/tls/channel.ts';
import { fakeLookup } from '../dane/fake-lookup.ts';
import { CHAIN, DANE_ON, NOW, OTHER, ROOTS, readNextHop } from './deliver-support.ts';

const RECORDS = {
  none: [],
  right: [tlsaFor(CHAIN, 3, 1, 1)],
  anchor: [tlsaFor(CHAIN, 2, 0, 1)],
  wrong: [tlsaFor(CHAIN, 3, 1, 1).replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
  unusable: [tlsaFor(CHAIN, 1, 1, 1)],
} as const;

/** The first of the values in two cases of three, so that there is something to see. */
const often = <const T>(first: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant(first) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const hostArb = fc.record({
  records: fc.constantFrom(...(Object.keys(RECORDS) as (keyof typeof RECORDS)[])),
  tlsa: often('secure', 'insecure', 'bogus', 'unreachable'),
  address: often('secure', 'insecure', 'bogus'),
  server: often('tls', 'clear', 'rude', 'no-handshake', 'injected', 'refuses', 'down'),
  chain: often('right', 'other', 'none'),
  rcpt: fc.constantFrom('250 ok', '450 4.2.0 later'),
});
type Host = typeof hostArb extends fc.Arbitrary<infer T> ? T : never;

const termsArb: fc.Arbitrary<Partial<Terms>> = fc.record({
  tls: fc.constantFrom('no', 'ifavailable', 'required'),
  tlsVerify: fc.constantFrom('no', 'ca', 'host', 'optional'),
  tlsIfavailableFallback: fc.boolean(),
  halfDane: fc.constantFrom('dane', 'encrypt', 'may'),
  mandatoryDane: fc.boolean(),
  mtaSts: fc.constantFrom('on', 'off'),
  stsMxFilter: fc.boolean(),
  tlsRequiredNo: fc.constantFrom('overrides-mandatory', 'keeps-mandatory'),
});
const sceneArb = fc.record({
  mx: often('secure', 'insecure'),
  hosts: fc.array(hostArb, { minLength: 1, maxLength: 3 }),
  terms: termsArb,
  requireTls: fc.constantFrom(false, false, false, true),
  sts: fc.constantFrom('none', 'enforce', 'testing'),
});
type Scene = typeof sceneArb extends fc.Arbitrary<infer T> ? T : never;

const nameOf = (i: number): string => `mx${i}.example.com`;
const addressOf = (i: number): string => `192.0.2.${i + 1}`;

function internetOf({ mx, hosts }: Scene) {
  const marked = (status: string): string[] => [
    ...(mx === status ? ['MX example.com'] : []),
    ...hosts.flatMap(({ tlsa, address }, i) => [
      ...(tlsa === status ? [`TLSA _25._tcp.${nameOf(i)}`] : []),
      ...(address === status ? [`A ${nameOf(i)}`] : []),
    ]),
  ];
  return {
    records: {
      'MX example.com': hosts.map((_, i) => `${i} ${nameOf(i)}`),
      ...Object.fromEntries(
        hosts.flatMap(({ records }, i): [string, readonly string[]][] => [
          [`A ${nameOf(i)}`, [addressOf(i)]],
          ...(RECORDS[records].length > 0
            ? [[`TLSA _25._tcp.${nameOf(i)}`, RECORDS[records]] as [string, readonly string[]]]
            : []),
        ]),
      ),
    },
    insecure: marked('insecure'),
    bogus: marked('bogus'),
    unreachable: marked('unreachable'),
  };
}

interface Overheard {
  readonly host: number;
  readonly layer: Channel['layer'];
  readonly said: string;
}

/** Servers as random as their descriptions; `rude` goes on in clear although TLS was demanded, which tls/connect.ts never does. */
const network =
  (hosts: readonly Host[], overheard: Overheard[]): Open =>
  async ({ ip }, { starttls }) => {
    const at = Number(ip.split('.')[3]) - 1;
    const host = hosts[at];
    if (!host || host.server === 'down')
      return { kind: 'shut', failure: { kind: 'connect-failed', code: 'ECONNREFUSED' } };
    const clear = (why: 'not-asked' | { kind: 'no-starttls'; ehlo: 'not-announced' }) =>
      ({
        kind: 'clear',
        why,
        hello: { code: 250, lines: ['mx'] },
        channel: channelTo(at, 'clear', host, overheard),
      }) as const;
    if (host.server === 'rude') return clear({ kind: 'no-starttls', ehlo: 'not-announced' });
    if (starttls === 'skip') return clear('not-asked');
    switch (host.server) {
      case 'tls': {
        const list = { right: CHAIN, other: OTHER, none: [] }[host.chain];
        const chain = list.map(({ der }) => der);
        const met = {
          kind: 'handshake',
          chain,
          protocol: 'TLSv1.3',
          cipher: 'x',
          greeting: '',
        } as const;
        return { kind: 'tls', met, channel: channelTo(at, 'tls', host, overheard) };
      }
      case 'clear': {
        const why = { kind: 'no-starttls', ehlo: 'not-announced' } as const;
        return starttls === 'require' ? { kind: 'shut', failure: why } : clear(why);
      }
      case 'injected':
        return { kind: 'shut', failure: { kind: 'injected' } };
      case 'refuses':
        return {
          kind: 'shut',
          failure: { kind: 'smtp-refused', during: 'greeting', code: 554, text: 'no' },
        };
      default:
        return {
          kind: 'shut',
          failure: { kind: 'handshake-failed', code: 'ERR_SSL', why: 'alert' },
        };
    }
  };

function channelTo(
  host: number,
  layer: Channel['layer'],
  { rcpt }: Host,
  overheard: Overheard[],
): Channel {
  const reply = (text: string): Answer => ({
    kind: 'reply',
    reply: { code: Number(text.slice(0, 3)), lines: [text.slice(4), 'REQUIRETLS'] },
  });
  return {
    layer,
    ask: async (octets) => {
      const said = new TextDecoder().decode(octets).trimEnd();
      overheard.push({ host, layer, said });
      if (said.startsWith('RCPT')) return reply(rcpt);
      return reply(said === 'DATA' ? '354 go' : '250 ok');
    },
    send: async (octets) => {
      overheard.push({ host, layer, said: new TextDecoder().decode(octets) });
      return { kind: 'sent' };
    },
    release: () => undefined,
    close: async () => {},
  };
}

const POLICY = ['version: STSv1', 'mode: MODE', 'mx: *.example.com', 'max_age: 604800'].join(
  '\r\n',
);
function stsOf(mode: Scene['sts']) {
  const parsed = parsePolicy(new TextEncoder().encode(POLICY.replace('MODE', mode)), {
    id: '1',
    fetchedAt: NOW,
  });
  const found =
    parsed.kind === 'policy' && mode !== 'none'
      ? ({ kind: 'policy', policy: parsed.policy } as const)
      : ({ kind: 'none' } as const);
  return { find: async () => found };
}

async function overhear(scene: Scene): Promise<readonly Overheard[]> {
  const overheard: Overheard[] = [];
  await deliver(
    {
      from: 'me@sender.example',
      to: ['you@example.com'],
      data: new TextEncoder().encode('secret\r\n'),
      requireTls: scene.requireTls,
    },
    readNextHop('example.com'),
    {
      lookup: fakeLookup(internetOf(scene)).lookup,
      terms: { ...DANE_ON, ...scene.terms },
      sts: stsOf(scene.sts),
      clock: { now: () => NOW },
      connect: network(scene.hosts, overheard),
      clientName: 'client.example',
      roots: ROOTS,
      times: SESSION_TIMES,
    },
  );
  return overheard;
}

/** Whether secure TLSA records are known of this host, so that they bind. */
const isBound = ({ mx, terms }: Scene, { records, tlsa, address }: Host): boolean =>
  RECORDS[records].length > 0 &&
  tlsa === 'secure' &&
  address === 'secure' &&
  (mx === 'secure' || terms.halfDane !== 'may');

t.test('where secure TLSA records bind, nothing of a message is said in clear', async (t) => {
  let bound = 0;
  await fc.assert(
    fc.asyncProperty(sceneArb, async (scene) => {
      for (const { host, layer, said } of await overhear(scene)) {
        const one = scene.hosts[host];
        if (!one || !isBound(scene, one)) continue;
        bound += 1;
        if (layer === 'clear') throw new Error(`${said} in clear to ${nameOf(host)}`);
      }
    }),
    { numRuns: 600 },
  );
  t.ok(bound > 30, `${bound} words to hosts that are bound`);
});

t.test(
  'nor past a certificate that no usable record speaks of, nor to hosts that could not be looked up',
  async (t) => {
    let judged = 0;
    await fc.assert(
      fc.asyncProperty(sceneArb, async (scene) => {
        for (const { host, said } of await overhear(scene)) {
          const one = scene.hosts[host];
          if (!one) continue;
          const { records, tlsa, address, chain } = one;
          const isLost =
            address === 'bogus' ||
            (address === 'secure' &&
              scene.mx === 'secure' &&
              (tlsa === 'bogus' || tlsa === 'unreachable'));
          if (isLost) throw new Error(`${said} to ${nameOf(host)}, about which nothing is known`);
          const isUsable = records === 'right' || records === 'anchor' || records === 'wrong';
          const counts = scene.mx === 'secure' || scene.terms.halfDane === 'dane';
          if (!isBound(scene, one) || !isUsable || !counts) continue;
          judged += 1;
          if (records === 'wrong' || chain !== 'right')
            throw new Error(`${said} past ${records}/${chain}`);
        }
      }),
      { numRuns: 600 },
    );
    t.ok(judged > 30, `${judged} words past certificates that were judged`);
  },
);
