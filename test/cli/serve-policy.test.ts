import { join } from 'node:path';
import t from 'tap';
import { openPolicy, ttlManner } from '../../src/cli/serve-policy.ts';
import { makeTerminal } from '../../src/cli/terminal.ts';
import { Name } from '../../src/dns/name.ts';
import type { Environment } from '../../src/environment.ts';
import {
  type Internet,
  internet,
  shiftSignatures,
  silence,
  stripDnssec,
} from '../../src/testing/index.ts';
import { resolverOn } from '../resolver/support.ts';
import { command, type Ran } from './support.ts';

const DAY = 86_400_000;
const net = internet({ 'example.com': ['www 3600 A 192.0.2.80'] })
  // Else the youngest signature at the top would be a day old, which is what a wrong clock looks like.
  .amend('com', shiftSignatures(82_800, ['SOA']));
const files = t.testdir({
  hints: net.hints,
  anchors: net.anchors,
  'old.anchors':
    '. DS 19036 8 2 49aac11d7b6f6446702e54a1607371607a1a41855200fd2ce1cdde32f24e8fb5\n',
  'other.anchors':
    'example.com. DS 19036 8 2 49aac11d7b6f6446702e54a1607371607a1a41855200fd2ce1cdde32f24e8fb5\n',
  'dane.toml': 'dane = {}\nuse_dane = true\n',
  'one.toml': 'dane = {}\n[domain."a.example"]\nuse_dane = true\n',
  'off.toml': 'max_dns_ttl = 600\ndns_rate_limit_enabled = true\n',
  'min.toml': 'min_dns_ttl = 30\n',
  'bad.toml': 'use_dane = true\ntls = "yes"\n',
});
const file = (name: string): string => join(files, name);
const hints = ['--root-hints', file('hints')];
const anchors = ['--trust-anchor', file('anchors')];
const policy = (name: string): string[] => ['--policy', file(name)];

/** The daemon, told to stop as soon as it listens; `off` is what its clock adds to the true time. */
function serve(args: readonly string[], world: Internet = net, off = 0): Promise<Ran> {
  const { clock, random, transport } = world;
  const environment: Environment = {
    random,
    transport,
    clock: {
      now: () => clock.now() + off,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      alarm: (ms, ring) => clock.alarm(ms, ring),
    },
  };
  return command(['serve', '--listen', '127.0.0.1:0', ...args], {
    environment,
    untilStopped: () => Promise.resolve(),
  });
}

const isStarted = ({ err }: Ran): boolean => err.includes('listening on');

t.test(
  'S11, P52: with DANE enabled, a resolver that validates is what it starts with',
  async (t) => {
    const ran = await serve([...hints, ...anchors, ...policy('dane.toml')]);
    t.equal(ran.code, 0);
    t.equal(isStarted(ran), true);
  },
);

t.test('P40, P52: one that cannot validate is refused, and the directive is named', async (t) => {
  const ran = await serve([
    ...hints,
    '--trust-anchor',
    file('other.anchors'),
    ...policy('one.toml'),
  ]);
  t.equal(ran.code, 2);
  t.equal(isStarted(ran), false);
  t.ok(
    ran.err.includes(`${file('one.toml')}:3:1: use_dane = true needs a resolver that validates`),
    ran.err,
  );
});

t.test('P40: an old key of the root alone is refused with the reason', async (t) => {
  const ran = await serve([
    ...hints,
    '--trust-anchor',
    file('old.anchors'),
    ...policy('dane.toml'),
  ]);
  t.equal(ran.code, 2);
  t.match(ran.err, /use_dane = true .*trust anchors do not fit the root: .*--trust-anchor/);
});

t.test('P41: a forwarder that strips signatures is refused by its address', async (t) => {
  const world = internet({ 'example.com': ['www A 192.0.2.80'] }).amendForwarder(stripDnssec());
  const { ip } = world.forwarder;
  const ran = await serve(['--forward', ip, ...anchors, ...policy('dane.toml')], world);
  t.equal(ran.code, 2);
  t.ok(ran.err.includes(`${ip} removes signatures: it is not DNSSEC capable`), ran.err);
});

t.test('P39: a clock that is days off is an alarm, for it may come right by itself', async (t) => {
  const ran = await serve([...hints, ...anchors, ...policy('dane.toml')], net, -3 * DAY);
  t.equal(ran.code, 0);
  t.equal(isStarted(ran), true);
  t.match(ran.err, /ALARM: the clock of this machine seems to be behind: .*waits/);
});

t.test('so is a network that is not there', async (t) => {
  const world = internet({ 'example.com': ['www A 192.0.2.80'] }).amend('.', silence());
  const ran = await serve([...hints, ...anchors, ...policy('dane.toml')], world);
  t.equal(ran.code, 0);
  t.match(ran.err, /ALARM: nothing could be proved: .*UDP and TCP/);
});

t.test('without DANE nothing is asked', async (t) => {
  const world = internet({ 'example.com': ['www A 192.0.2.80'] });
  const ran = await serve([...hints, ...anchors, ...policy('off.toml')], world);
  t.equal(ran.code, 0);
  t.equal(world.log.length, 0);
});

t.test('a file that is refused is told line by line, and nothing starts', async (t) => {
  const ran = await serve([...hints, ...policy('bad.toml')]);
  t.equal(ran.code, 2);
  t.equal(isStarted(ran), false);
  for (const at of ['1:1', '2:7']) t.ok(ran.err.includes(`${file('bad.toml')}:${at}: `), ran.err);
});

t.test('+7: a floor under TTLs is given once', async (t) => {
  const ran = await serve([...hints, ...policy('min.toml'), '--cache-min-ttl', '20']);
  t.equal(ran.code, 2);
  t.match(ran.err, /--cache-min-ttl and min_dns_ttl .*use one/);
});

t.test('+7: max_dns_ttl is how long an answer is kept at most', async (t) => {
  const terminal = makeTerminal({ write: () => {} }, { write: () => {} }, {});
  const manner = ttlManner(openPolicy(file('off.toml'), terminal), {});
  const secondsKept = async (options: typeof manner): Promise<number> => {
    const { expiresAt } = await resolverOn(net, options).lookup(Name.parse('www.example.com'), 'A');
    return Math.round((expiresAt - net.clock.now()) / 1000);
  };
  t.equal(await secondsKept({}), 3600);
  t.equal(await secondsKept(manner), 600);
});
