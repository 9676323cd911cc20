/**
 * The trust anchors of a daemon over a month and a restart, on an internet whose root takes up a new key.
 *
 * Expected times are those of RFC 5011 sections 2.3 and 2.4.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { type Anchors, anchorsFrom } from '../../src/dnssec/anchors.ts';
import type { Environment } from '../../src/environment.ts';
import type { Resolver } from '../../src/resolver/resolver.ts';
import {
  type FollowedAnchors,
  followAnchors,
  openAnchors,
} from '../../src/server/followed-anchors.ts';
import {
  alterPlan,
  corruptSignatures,
  type Internet,
  internet,
  type SigningKey,
} from '../../src/testing/index.ts';
import { dsOf, signingKey } from '../../src/testing/keys.ts';
import { ROOT_ZONE, revokedForm } from '../dnssec/key-sets.ts';
import { policy } from '../dnssec/support.ts';
import { ask, resolverOn } from '../resolver/support.ts';

const HOUR = 3_600_000;
const OLD = signingKey(13, 'root old', 'keys');
const NEW = signingKey(13, 'root new', 'keys');
const ZSK = signingKey(13, 'root', 'data');
const standby = (key: SigningKey): SigningKey => ({ ...key, signs: 'nothing' });

const rootWith = (date: string, ...keys: readonly SigningKey[]): Internet =>
  internet({ 'example.com': ['www A 192.0.2.1'] }, { now: Date.parse(date) }).amend(
    '.',
    alterPlan((plan) => ({ ...plan, keys: [...keys, ZSK] })),
  );
const configured = (...keys: readonly SigningKey[]): Anchors =>
  anchorsFrom(
    keys.map((key) => ({ owner: ROOT_ZONE, type: 'DS', rdata: dsOf(ROOT_ZONE, key, 2) })),
  );

/** A daemon without sockets: its internet is changed while it sleeps. */
class Life {
  net: Internet;
  readonly told: string[] = [];
  readonly slept: number[] = [];
  #wake = (): void => {};
  #fallAsleep = (): void => {};
  #asleep: Promise<void>;
  readonly #resolver: Resolver;
  anchors: FollowedAnchors | undefined;

  constructor(net: Internet) {
    this.net = net;
    this.#asleep = this.#nextSleep();
    const environment: Environment = {
      random: net.random,
      clock: {
        now: () => this.net.clock.now(),
        sleep: (ms, signal) => this.net.clock.sleep(ms, signal),
        alarm: (ms, ring) => this.net.clock.alarm(ms, ring),
      },
      transport: { exchange: (to, query, how) => this.net.transport.exchange(to, query, how) },
    };
    this.#resolver = resolverOn(net, {
      environment,
      anchors: () => this.anchors?.anchors() ?? new Map(),
    });
  }

  #nextSleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#fallAsleep = resolve;
    });
  }

  /** As `danelaw serve --state` does; resolves after the first look. */
  async start(folder: string, anchors: Anchors): Promise<this> {
    const clock = {
      now: () => this.net.clock.now(),
      sleep: (ms: number, signal?: AbortSignal): Promise<void> => {
        this.slept.push(ms);
        return new Promise((resolve) => {
          this.#wake = resolve;
          signal?.addEventListener('abort', () => resolve());
          this.#fallAsleep();
        });
      },
    };
    const opened = await openAnchors(folder, anchors, { clock, policy: policy() });
    if (opened.kind === 'refused') throw new Error(opened.why);
    this.anchors = followAnchors(opened, {
      clock,
      policy: policy(),
      fetchUnchecked: this.#resolver.fetchUnchecked,
      tell: (line) => this.told.push(line),
      report: (error) => {
        throw error;
      },
    });
    this.anchors.start();
    await this.#asleep;
    return this;
  }

  /** What is told when it wakes there. */
  async wakeOn(net: Internet): Promise<readonly string[]> {
    this.net = net;
    this.told.length = 0;
    this.#asleep = this.#nextSleep();
    this.#wake();
    await this.#asleep;
    return this.told;
  }

  ask(): Promise<string> {
    return ask(this.#resolver, 'www.example.com', 'A');
  }
}

t.test('a new root key is followed into trust after a month, over a restart', async (t) => {
  const folder = join(t.testdir(), 'made', 'by', 'it');
  const first = await new Life(rootWith('2027-06-01', OLD, standby(NEW))).start(
    folder,
    configured(OLD),
  );
  t.match(first.told, [/key \d+ of \. is trusted/, /is new, and trusted from 2027-07-01T/]);
  t.ok(
    first.slept.every((ms) => ms > 0 && ms <= HOUR),
    'a clock that is set is noticed within the hour',
  );
  t.equal(await first.ask(), 'secure 192.0.2.1');
  await first.anchors?.stop();
  t.equal(first.slept.length, 1, 'who is stopped looks no more');

  const second = await new Life(rootWith('2027-06-30', OLD, standby(NEW))).start(
    folder,
    configured(OLD),
  );
  t.strictSame(second.told, [], '29 days');
  const july = rootWith('2027-07-02', OLD, standby(NEW));
  t.match(await second.wakeOn(july), [
    new RegExp(`^trust anchors: key ${NEW.tag} of \\. is trusted$`),
  ]);
  const rolled = rootWith('2027-08-01', revokedForm(OLD), NEW);
  t.match(await second.wakeOn(rolled), [/is revoked \(as \d+\) and never trusted again/]);
  t.equal(await second.ask(), 'secure 192.0.2.1');
  await second.anchors?.stop();

  const third = await new Life(rootWith('2027-08-20', NEW)).start(folder, configured(OLD));
  t.equal(await third.ask(), 'secure 192.0.2.1', 'by a key that was never configured');
  const stolen = rootWith('2027-09-20', OLD);
  await third.wakeOn(stolen);
  t.match(
    await third.ask(),
    /^bogus/,
    'a key that was revoked is out, although it is configured at each start',
  );
  await third.anchors?.stop();
});

t.test('what cannot be written is told, and changes no belief', async (t) => {
  const folder = join(t.testdir(), 'state');
  const life = await new Life(rootWith('2027-06-01', OLD)).start(folder, configured(OLD));
  rmSync(folder, { recursive: true });
  const told = await life.wakeOn(rootWith('2027-06-20', OLD));
  t.match(told, [/^trust anchors are not saved: .*trust-anchors: ENOENT/]);
  t.equal(await life.ask(), 'secure 192.0.2.1');
  await life.anchors?.stop();
});

t.test('a key set that no anchor has signed is told, and changes nothing', async (t) => {
  const folder = join(t.testdir(), 'state');
  const life = await new Life(rootWith('2027-06-01', OLD)).start(folder, configured(OLD));
  const forged = rootWith('2027-06-20', NEW).amend('.', corruptSignatures('DNSKEY'));
  t.match(await life.wakeOn(forged), [/^trust anchors: the key set of \. changes nothing: /]);
  t.equal(life.anchors?.anchors().get(ROOT_ZONE.key)?.keys.length, 1);
  await life.anchors?.stop();
});

t.test('what is configured joins what was followed; a zone that is not is refused', async (t) => {
  const folder = join(t.testdir(), 'state');
  const life = await new Life(rootWith('2027-06-01', OLD)).start(folder, configured(OLD));
  await life.anchors?.stop();
  const { clock } = life.net;
  const at = { clock, policy: policy() };
  const both = await openAnchors(folder, configured(OLD, NEW), at);
  t.match(both, { begin: { points: [{ ds: { length: 1 }, keys: [{ state: 'valid' }] }] } });
  const before = readFileSync(join(folder, 'trust-anchors'), 'latin1');
  const zone = Name.parse('test');
  const other = anchorsFrom([{ owner: zone, type: 'DS', rdata: dsOf(zone, NEW, 2) }]);
  t.match(await openAnchors(folder, other, at), {
    kind: 'refused',
    why: /trust-anchors: it follows \., for which no anchor is given/,
  });
  t.equal(readFileSync(join(folder, 'trust-anchors'), 'latin1'), before, 'nothing is lost');
});

t.test('a folder that cannot be one, or holds something else, is refused', async (t) => {
  const folder = t.testdir({ file: 'x', foreign: { 'trust-anchors': '; unbound\n' } });
  const at = { clock: rootWith('2027-06-01', OLD).clock, policy: policy() };
  t.match(await openAnchors(join(folder, 'file'), configured(OLD), at), {
    kind: 'refused',
    why: /file: EEXIST/,
  });
  t.match(await openAnchors(join(folder, 'file', 'below'), configured(OLD), at), {
    kind: 'refused',
    why: /below: ENOTDIR/,
  });
  if (process.platform === 'linux')
    t.match(await openAnchors('/proc/danelaw/state', configured(OLD), at), {
      kind: 'refused',
      why: /state: ENOENT/,
    });
  t.match(await openAnchors(join(folder, 'foreign'), configured(OLD), at), {
    kind: 'refused',
    why: /trust-anchors: line 1: /,
  });
  writeFileSync(join(folder, 'foreign', 'trust-anchors'), '');
  t.match(await openAnchors(join(folder, 'foreign'), configured(OLD), at), {
    kind: 'refused',
    why: /trust-anchors: line 1: /,
  });
});
