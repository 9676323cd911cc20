// Plans while somebody on the path changes whatever the dice say: each host comes out as it is, or it waits. What is signed
// is never taken for unsigned, for absent, or for signed by records of his.
import t from 'tap';
import { planDelivery } from '../../src/dane/plan.ts';
import { planService } from '../../src/dane/service.ts';
import { Name, ROOT } from '../../src/dns/name.ts';
import { internet, type Zones } from '../../src/testing/index.ts';
import { readLines } from '../../src/testing/zone.ts';
import { attackerOn } from '../resolver/attacker.ts';
import { resolverOn } from '../resolver/support.ts';
import { NOW } from './matcher-support.ts';
import { EE, show, TA } from './plan-support.ts';

const ZONES: Zones = {
  'example.com': [
    ...['@ MX 10 mx', '@ MX 20 alias', '@ MX 30 mx.plain.net.', '@ MX 40 bare'],
    ...['mx A 192.0.2.1', 'mx AAAA 2001:db8::1', `_25._tcp.mx ${EE}`],
    ...['alias CNAME host.example.org.', 'bare A 192.0.2.4', '_imap._tcp SRV 0 0 143 mx'],
    `_143._tcp.mx ${TA}`,
  ],
  'example.org': {
    records: ['host A 192.0.2.2', `_25._tcp.host ${TA}`],
    signing: { denial: 'nsec3' },
  },
  'plain.net': { records: ['mx A 192.0.2.3'], signing: 'unsigned' },
  'half.net': { records: ['@ MX 10 mx.example.com.'], signing: 'unsigned' },
};
const TRUTH = [
  'mx.example.com: authenticate mx.example.com as mx.example.com example.com',
  'alias.example.com: authenticate host.example.org as host.example.org example.com',
  'mx.plain.net: opportunistic insecure-address (no-ds-proven)',
  'bare.example.com: opportunistic no-tlsa',
];
const SEEDS = 150;

/** What the attacker has to build with: the signed records of every zone. */
const GENUINE = ['.', 'com', 'net', 'org', ...Object.keys(ZONES)].flatMap((zone) =>
  readLines(
    internet(ZONES, { now: NOW })
      .zoneText(zone)
      .split('\n')
      .filter((line) => line !== ''),
    ROOT,
  ),
);

function world(seed: number, probability: number) {
  const net = internet(ZONES, { now: NOW, seed });
  const { clock, random } = net;
  const { transport } = attackerOn(net, GENUINE, { seed, probability });
  return { net, lookup: resolverOn(net, { environment: { clock, random, transport } }).lookup };
}

t.test('without an attacker', async (t) => {
  const { lookup } = world(1, 0);
  t.same(show(await planDelivery(Name.parse('example.com'), lookup)), TRUTH);
});

t.test('forgeries delay mail and do nothing else', async (t) => {
  const wrong: string[] = [];
  let right = 0;
  let waiting = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { lookup } = world(seed, [0.05, 0.2, 0.6][seed % 3] ?? 0);
    const words = show(await planDelivery(Name.parse('example.com'), lookup));
    const [first = ''] = words;
    if (first.startsWith('defer ')) {
      waiting += 1;
      continue;
    }
    for (const [i, line] of words.entries()) {
      if (line === TRUTH[i]) right += 1;
      else if (/: unreachable \S+ \((addresses|tlsa)\)$/.test(line)) waiting += 1;
      // An unsigned zone is anybody's: its addresses may seem absent.
      else if (line !== 'mx.plain.net: unreachable no-address') wrong.push(`${seed}: ${line}`);
    }
    if (words.length !== TRUTH.length) wrong.push(`${seed}: ${words.length} hosts`);
  }
  t.same(wrong, []);
  t.comment(`${right} hosts as they are, ${waiting} waiting`);
  t.ok(right > SEEDS / 2 && waiting > SEEDS / 10, 'both happen');
});

t.test('behind unsigned MX records a host is never verified', async (t) => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const { lookup } = world(seed, 0.2);
    const plan = await planDelivery(Name.parse('half.net'), lookup);
    const hosts = plan.kind === 'deliver' ? plan.hosts : [];
    t.notOk(
      hosts.some((host) => host.tls === 'authenticate' && !host.halfDane),
      `seed ${seed}: ${show(plan)}`,
    );
    const demanded = await planDelivery(Name.parse('half.net'), lookup, { mandatory: true });
    t.not(demanded.kind, 'deliver', `seed ${seed}: ${show(demanded)}`);
  }
});

t.test('the same for services', async (t) => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const { lookup, net } = world(seed, 0.2);
    const service = { service: 'imap', domain: Name.parse('example.com') };
    const plan = await planService(service, lookup, { random: net.random });
    const [first] = plan.kind === 'connect' ? plan.servers : [];
    const word = first?.tls ?? plan.kind;
    t.ok(['authenticate', 'unreachable', 'defer'].includes(word), `seed ${seed}: ${word}`);
  }
});
