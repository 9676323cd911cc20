// RFC 8767: what has expired is served where nothing newer is to be had, and what a DANE decision rests on never is.
// Times are those of RFC 8767 sections 4 and 5; the codes are those of RFC 8914 sections 4.4 and 4.20.
import t from 'tap';
import { planDelivery } from '../../src/dane/plan.ts';
import type { RRType } from '../../src/dns/codes.ts';
import { edesOf } from '../../src/dns/edns.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { Name, ROOT } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import { ROOT_ANCHORS } from '../../src/dnssec/anchors.ts';
import { NegativeAnchors } from '../../src/dnssec/negative-anchors.ts';
import { failed } from '../../src/dnssec/outcome.ts';
import { Answers } from '../../src/resolver/answers.ts';
import { refreshOutdated } from '../../src/resolver/outdated.ts';
import type { Resolver, ResolverOptions } from '../../src/resolver/resolver.ts';
import { Unattended } from '../../src/resolver/stale.ts';
import { makeAnswerClient } from '../../src/server/answer.ts';
import {
  type Amendment,
  addDs,
  alterPlan,
  corruptSignatures,
  dropDs,
  type Internet,
  internet,
  removeSignatures,
  shiftSignatures,
  silence,
  VirtualClock,
  type Zones,
} from '../../src/testing/index.ts';
import { clientQuery } from '../client-query.ts';
import { resolverOn, show } from './support.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** All TTLs of the testing internet have run down. */
const EXPIRED_MS = HOUR_MS + 1_000;

const ZONES: Zones = {
  'example.com': [
    'www A 192.0.2.1',
    'brief 20 A 192.0.2.2',
    'once 0 A 192.0.2.3',
    '@ MX 10 mail',
    'mail A 192.0.2.25',
    '_25._tcp.mail TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
    'out CNAME www.other.net.',
  ],
  'sub.example.com': ['www A 192.0.2.4'],
  'other.net': ['www A 192.0.2.9'],
  'plain.org': { records: ['www A 192.0.2.7'], signing: 'unsigned' },
};

/** An amendment that can be switched on and off while the internet lives. */
class Switch {
  isOn = false;
  readonly amendment: Amendment;

  constructor({ reply, delayMs = 0 }: Amendment) {
    const isOn = (): boolean => this.isOn;
    this.amendment = {
      reply: (replies, request) => (reply && isOn() ? reply(replies, request) : replies),
      get delayMs() {
        return isOn() ? delayMs : 0;
      },
    };
  }
}

interface Seen {
  readonly rcode: string;
  readonly ad: boolean;
  readonly codes: readonly number[];
  readonly ttls: readonly number[];
  readonly data: number;
}

/** What a client of the daemon sees. */
async function seenBy(
  resolver: Resolver,
  name: string,
  type: RRType,
  flags: Partial<Message> = {},
): Promise<Seen> {
  const query = clientQuery(name, type, flags);
  const answer = makeAnswerClient(resolver, { withoutRecursion: 'from-cache' });
  const response = await answer(writeMessage(query));
  const parsed = response && parseMessage(writeMessage(response));
  if (parsed?.kind !== 'message') throw new Error('no response');
  const { message } = parsed;
  return {
    rcode: message.rcode,
    ad: message.authenticData,
    codes: edesOf(message.edns).map(({ code }) => code),
    ttls: [...message.answer, ...message.authority].map(({ ttl }) => ttl),
    data: message.answer.length,
  };
}

const servingStale = (net: Internet, options: Partial<ResolverOptions> = {}): Resolver =>
  resolverOn(net, { serveStale: {}, ...options });

/** An internet some of which falls silent, and a resolver that has asked before and whose every answer has expired. */
async function outage(
  questions: readonly (readonly [string, RRType])[],
  { zones = ['example.com'], options = {} as Partial<ResolverOptions> } = {},
) {
  const silent = new Switch(silence());
  const net = internet(ZONES);
  for (const zone of zones) net.amend(zone, silent.amendment);
  const resolver = servingStale(net, options);
  for (const [name, type] of questions) await seenBy(resolver, name, type);
  net.clock.advance(EXPIRED_MS);
  silent.isOn = true;
  return { net, resolver, silent };
}

t.test('row 101: stale plus bogus', async (t) => {
  const twoHoursLeft = shiftSignatures(-30 * 86_400 + 7_200);
  const net = internet(ZONES).amend('example.com', twoHoursLeft);
  const resolver = servingStale(net);
  const mail = '_25._tcp.mail.example.com';
  const questions = [
    ['www.example.com', 'A'],
    ['www.example.com', 'AAAA'],
    ['example.com', 'MX'],
    [mail, 'TLSA'],
    ['sub.example.com', 'DS'],
  ] as const;
  for (const [name, type] of questions)
    t.match(
      await seenBy(resolver, name, type),
      { rcode: 'NOERROR', ad: true, codes: { length: 0 } },
      type,
    );
  net.clock.advance(EXPIRED_MS);
  net.amend('example.com', corruptSignatures());
  for (const [name, type] of questions.slice(2)) {
    const { rcode, ad, data, codes } = await seenBy(resolver, name, type);
    t.same({ rcode, ad, data }, { rcode: 'SERVFAIL', ad: false, data: 0 }, type);
    t.notOk(codes.includes(3), 'and nothing is said to be stale');
  }
  for (const [name, type] of questions.slice(0, 2))
    t.match(await seenBy(resolver, name, type), { rcode: 'NOERROR', ad: true, codes: [3] }, type);
  t.same((await seenBy(resolver, 'www.example.com', 'A')).ttls, [30, 30]);
  // Two hours from the beginning the signatures end: by then their copy proves nothing (RFC 4035 section 5.3.1).
  net.clock.advance(7_200_000 - EXPIRED_MS - 10_000);
  const atTheEnd = await seenBy(resolver, 'www.example.com', 'A');
  t.match(atTheEnd, { rcode: 'NOERROR', ad: true, codes: [3] });
  t.ok(
    Math.max(...atTheEnd.ttls) <= 10,
    'nobody keeps it for longer than that (RFC 4035 section 5.3.3)',
  );
  net.clock.advance(60_000);
  for (const [name, type] of questions) {
    const { rcode, data } = await seenBy(resolver, name, type);
    t.same({ rcode, data }, { rcode: 'SERVFAIL', data: 0 }, type);
  }
});

t.test('no server answers', async (t) => {
  const asked = [
    ['www.example.com', 'A'],
    ['no.example.com', 'A'],
    ['www.example.com', 'TXT'],
    ['brief.example.com', 'A'],
    ['once.example.com', 'A'],
  ] as const;
  const { resolver, silent, net } = await outage(asked);
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { rcode: 'NOERROR', codes: [3] });
  t.match(await seenBy(resolver, 'no.example.com', 'A'), { rcode: 'NXDOMAIN', codes: [19] });
  t.match(await seenBy(resolver, 'no.example.com', 'TXT'), { rcode: 'NXDOMAIN', codes: [19] });
  t.match(await seenBy(resolver, 'no.example.com', 'MX'), { rcode: 'SERVFAIL' }, 'never MX');
  t.match(await seenBy(resolver, 'www.example.com', 'TXT'), { rcode: 'NOERROR', codes: [3] });
  t.same((await seenBy(resolver, 'www.example.com', 'A')).ttls, [30, 30]);
  t.same((await seenBy(resolver, 'brief.example.com', 'A')).ttls, [20, 20], 'its own was shorter');
  t.match(
    await seenBy(resolver, 'once.example.com', 'A'),
    { rcode: 'SERVFAIL' },
    'a TTL of zero is for one use (RFC 8767 section 7)',
  );
  silent.isOn = false;
  net.clock.advance(300_000);
  t.match(await seenBy(resolver, 'www.example.com', 'A'), {
    rcode: 'NOERROR',
    ad: true,
    codes: { length: 0 },
  });
});

t.test('off unless the resolver and the look-up both allow it', async (t) => {
  const asked = [['www.example.com', 'A']] as const;
  const off = await outage(asked, { options: { serveStale: undefined as never } });
  t.match(await seenBy(off.resolver, 'www.example.com', 'A'), { rcode: 'SERVFAIL', codes: [22] });
  const { resolver } = await outage(asked);
  t.match(
    await seenBy(resolver, 'www.example.com', 'A', { recursionDesired: false }),
    { rcode: 'NOERROR', data: 0 },
    'a client without RD gets a referral (RFC 8767 section 5)',
  );
  t.equal(
    show(await resolver.lookup(Name.parse('www.example.com'), 'A')),
    'indeterminate (unreachable)',
  );
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { rcode: 'NOERROR', codes: [3] });
});

t.test('a delivery is never planned by what has expired', async (t) => {
  const { resolver, net } = await outage([
    ['example.com', 'MX'],
    ['mail.example.com', 'A'],
    ['mail.example.com', 'AAAA'],
    ['_25._tcp.mail.example.com', 'TLSA'],
    ['sub.example.com', 'DS'],
    ['example.com', 'ANY'],
    ['example.com', 'TLSA'],
  ]);
  const lookups: (string | undefined)[] = [];
  const plan = await planDelivery(Name.parse('example.com'), async (name, type, options) => {
    const outcome = await resolver.lookup(name, type, options);
    lookups.push(options?.stale);
    if (outcome.stale) t.fail(`${name} ${type} is stale`);
    return outcome;
  });
  t.equal(plan.kind, 'defer');
  t.ok(lookups.length > 0 && lookups.every((stale) => stale === undefined));
  for (const type of ['MX', 'TLSA', 'DS', 'ANY'] as const) {
    const name = type === 'DS' ? 'sub.example.com' : 'example.com';
    const outcome = await resolver.lookup(Name.parse(name), type, { stale: 'allowed' });
    t.ok(failed(outcome), `${type}, even to who asks for it`);
  }
  t.ok(net.log.length > 0);
});

t.test('a slow answer is waited for 1.8 s, and comes into the cache all the same', async (t) => {
  const slow = new Switch({ delayMs: 1_900 });
  const net = internet(ZONES).amend('example.com', slow.amendment);
  const resolver = servingStale(net);
  await seenBy(resolver, 'www.example.com', 'A');
  net.clock.advance(HOUR_MS + 1_000);
  slow.isOn = true;
  const began = net.clock.now();
  const before = net.log.length;
  const crowd = Array.from({ length: 50 }, () => seenBy(resolver, 'www.example.com', 'A'));
  for (const seen of await Promise.all(crowd)) t.match(seen, { rcode: 'NOERROR', codes: [3] });
  t.equal(net.clock.now() - began, 1_800);
  const more = Array.from({ length: 50 }, () => seenBy(resolver, 'www.example.com', 'A'));
  const [first] = await Promise.all(more);
  t.ok(first);
  t.ok(net.log.length - before < 12, `identical questions are joined: ${net.log.length - before}`);
  await net.clock.sleep(15_000);
  slow.isOn = false;
  t.match(await seenBy(resolver, 'www.example.com', 'A'), {
    rcode: 'NOERROR',
    codes: { length: 0 },
  });
});

t.test(
  'after a failure nobody is asked for 30 s, and the stale answer comes at once',
  async (t) => {
    const { resolver, net, silent } = await outage([['www.example.com', 'A']]);
    t.match(await seenBy(resolver, 'www.example.com', 'A'), { codes: [3] });
    await net.clock.sleep(9_000); // the work that went on has failed by now
    const [queries, began] = [net.log.length, net.clock.now()];
    for (let i = 0; i < 100; i += 1)
      t.match(await seenBy(resolver, 'www.example.com', 'A'), { codes: [3] });
    net.clock.advance(20_000);
    t.match(await seenBy(resolver, 'www.example.com', 'A'), { codes: [3] });
    t.equal(net.log.length, queries);
    t.equal(net.clock.now() - began, 20_000);
    silent.isOn = false;
    net.clock.advance(11_000);
    t.match(await seenBy(resolver, 'www.example.com', 'A'), { codes: { length: 0 }, ad: true });
  },
);

t.test('what has expired ends: after a day, or as the operator says', async (t) => {
  for (const [longestMs, name] of [
    [DAY_MS, 'a day'],
    [600_000, 'ten minutes'],
  ] as const) {
    const { resolver, net } = await outage([['www.example.com', 'A']], {
      options: { serveStale: longestMs === DAY_MS ? {} : { longestMs } },
    });
    net.clock.advance(longestMs - 62_000);
    t.match(await seenBy(resolver, 'www.example.com', 'A'), { rcode: 'NOERROR' }, name);
    net.clock.advance(62_000);
    t.match(await seenBy(resolver, 'www.example.com', 'A'), { rcode: 'SERVFAIL' }, name);
  }
  for (const wrong of [
    { longestMs: 4 * DAY_MS },
    { ttl: 0 },
    { recheckMs: 10 },
    { responseMs: -1 },
  ])
    t.throws(() => servingStale(internet(ZONES), { serveStale: wrong }), RangeError);
});

t.test('a clock that jumps makes nothing fresh again', async (t) => {
  const { resolver, net } = await outage([['www.example.com', 'A']]);
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { codes: [3] });
  net.clock.advance(-1_800_000); // as if half of the TTL were left
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { rcode: 'NOERROR', codes: [3] });
  net.clock.advance(-DAY_MS); // before it was learnt
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { rcode: 'SERVFAIL' });
  const forth = await outage([['www.example.com', 'A']]);
  forth.net.clock.advance(400 * DAY_MS);
  t.match(await seenBy(forth.resolver, 'www.example.com', 'A'), { rcode: 'SERVFAIL' });
  forth.net.clock.advance(-400 * DAY_MS);
  t.match(await seenBy(forth.resolver, 'www.example.com', 'A'), { rcode: 'SERVFAIL' });
});

t.test('a chain of aliases: what can be had anew is had anew', async (t) => {
  const { resolver, net } = await outage([['out.example.com', 'A']]);
  net.amend('other.net', alterPlan(renumbered));
  const outcome = await resolver.lookup(Name.parse('out.example.com'), 'A', { stale: 'allowed' });
  // The servers of the alias are silent; 1.8 s later the old target is told, and the new one as soon as it is known.
  t.ok(outcome.stale);
  await net.clock.sleep(9_000);
  const later = await resolver.lookup(Name.parse('out.example.com'), 'A', { stale: 'allowed' });
  t.equal(show(later), 'secure 192.0.2.99');
  t.equal(later.stale?.because?.reason, 'unreachable');
});

t.test('what was never answered whole gets no answer made up of parts', async (t) => {
  const { resolver } = await outage([['www.other.net', 'A']], { zones: ['other.net'] });
  t.match(await seenBy(resolver, 'out.example.com', 'A'), { rcode: 'SERVFAIL', data: 0 });
  t.match(
    await seenBy(resolver, 'out.example.com', 'A'),
    { rcode: 'NOERROR', codes: [3] },
    'now all of it is known, the alias anew',
  );
});

const renumbered: Parameters<typeof alterPlan>[0] = (plan) => ({
  ...plan,
  records: plan.records.map((record) =>
    record.type === 'A' && record.owner.equals(Name.parse('www.other.net'))
      ? { ...record, rdata: Uint8Array.of(192, 0, 2, 99) }
      : record,
  ),
});

t.test('an alias that is newer than an address hides it (RFC 8767 section 7)', async (t) => {
  const { resolver, net, silent } = await outage([['www.example.com', 'A']]);
  silent.isOn = false;
  const toAlias: Parameters<typeof alterPlan>[0] = (plan) => ({
    ...plan,
    records: plan.records.map((record) =>
      record.owner.equals(Name.parse('www.example.com'))
        ? { ...record, type: 'CNAME', rdata: Name.parse('www.other.net').wire }
        : record,
    ),
  });
  net.amend('example.com', alterPlan(toAlias));
  await seenBy(resolver, 'www.example.com', 'AAAA'); // brings the alias, and not for A
  await seenBy(resolver, 'www.other.net', 'A');
  net.clock.advance(EXPIRED_MS);
  silent.isOn = true;
  const outcome = await resolver.lookup(Name.parse('www.example.com'), 'A', { stale: 'allowed' });
  t.equal(show(outcome), 'secure 192.0.2.9');
});

t.test('a delegation that has changed', async (t) => {
  const asked = [['www.sub.example.com', 'A']] as const;
  const nowInsecure = await outage(asked, { zones: [] });
  nowInsecure.net.amend('sub.example.com', dropDs());
  t.match(
    await seenBy(nowInsecure.resolver, 'www.sub.example.com', 'A'),
    { rcode: 'NOERROR', ad: false, codes: { length: 0 } },
    'proved unsigned: the answer is fresh, and insecure',
  );
  const nowBogus = await outage(asked, { zones: [] });
  nowBogus.net.amend('example.com', corruptSignatures('DS'));
  t.match(
    await seenBy(nowBogus.resolver, 'www.sub.example.com', 'A'),
    { rcode: 'NOERROR', ad: true, codes: [3] },
    'the parent is bogus: as row 101',
  );
  const nowSigned = await outage([['www.plain.org', 'A']], { zones: [] });
  nowSigned.net.amend(
    'plain.org',
    addDs('@ DS 12345 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'),
  );
  t.match(
    await seenBy(nowSigned.resolver, 'www.plain.org', 'A'),
    { rcode: 'SERVFAIL', ad: false, data: 0 },
    'a copy from before the zone was signed does not stand in for what is bogus now',
  );
  nowSigned.net.clock.advance(61_000);
  nowSigned.net.amend('org', removeSignatures('DS'));
  t.match(
    await seenBy(nowSigned.resolver, 'www.plain.org', 'A'),
    { rcode: 'SERVFAIL', ad: false, data: 0 },
    'nor where somebody on the path breaks the DS that says so',
  );
  const stripped = await outage([['www.plain.org', 'A']], { zones: [] });
  stripped.net.amend(
    'plain.org',
    addDs('@ DS 12345 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'),
  );
  stripped.net.amend('org', removeSignatures('DS'));
  t.match(
    await seenBy(stripped.resolver, 'www.plain.org', 'A'),
    { rcode: 'SERVFAIL', ad: false, data: 0 },
    'and before anybody has seen it whole',
  );
});

t.test('a negative anchor that has come since', async (t) => {
  const negativeAnchors = new NegativeAnchors();
  const { resolver, net } = await outage([['www.example.com', 'A']], {
    options: { negativeAnchors },
  });
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { ad: true, codes: [3] });
  negativeAnchors.add(Name.parse('example.com'), {
    reason: 'the zone is broken',
    now: net.clock.now(),
    lifetimeMs: DAY_MS,
  });
  t.match(
    await seenBy(resolver, 'www.example.com', 'A'),
    { rcode: 'SERVFAIL', ad: false },
    'what was judged on another stand says nothing, AD least of all',
  );
});

t.test('clients that check for themselves (CD)', async (t) => {
  const cd = { checkingDisabled: true } as const;
  const { resolver } = await outage([['www.example.com', 'A']]);
  t.match(
    await seenBy(resolver, 'www.example.com', 'A', cd),
    { rcode: 'NOERROR', ad: false, codes: [3], data: 2 },
    'nobody answers: what has expired, without AD',
  );
  const bogus = await outage([['www.example.com', 'A']], { zones: [] });
  bogus.net.amend('example.com', alterPlan(moved), corruptSignatures('A'));
  const { data, codes, ad } = await seenBy(bogus.resolver, 'www.example.com', 'A', cd);
  t.same({ data, codes, ad }, { data: 2, codes: [], ad: false }, 'what comes now, unjudged');
  t.match(await seenBy(bogus.resolver, 'www.example.com', 'A'), { ad: true, codes: [3] });
});

const moved: Parameters<typeof alterPlan>[0] = (plan) => ({
  ...plan,
  records: plan.records.map((record) =>
    record.type === 'A' ? { ...record, rdata: Uint8Array.of(192, 0, 2, 200) } : record,
  ),
});

t.test('what has expired pushes out nothing that holds, and is bounded', (t) => {
  const clock = new VirtualClock(0);
  const bytes = 400_000;
  const answers = new Answers(clock, { bytes, closestZone: () => ROOT, longestStaleMs: DAY_MS });
  const stand = { anchors: ROOT_ANCHORS, negative: undefined };
  const keep = (name: Name, ttl: number): void => {
    const rdata = [parseRdata('TXT', `"${'x'.repeat(100)}"`)];
    const rrset = { owner: name, type: 'TXT', ttl, rdata, signatures: [] } as const;
    const found = { kind: 'records', rrset, proof: [] } as const;
    const finding = { status: 'insecure', reason: 'no-ds-proven', found, ttl } as const;
    const expiresAt = clock.now() + ttl * 1000;
    answers.keep({ name, type: 'TXT' }, { finding, zone: ROOT, expiresAt, stand });
  };
  const named = (word: string, count: number): readonly Name[] =>
    Array.from({ length: count }, (_, i) => Name.parse(`${word}${i}.example.com`));
  for (const round of [1, 2, 3, 4]) {
    const brief = named(`brief${round}x`, 100);
    for (const name of brief) keep(name, 60);
    clock.advance(61_000);
    const lasting = named(`lasting${round}x`, 50);
    for (const name of lasting) keep(name, 86_400);
    for (const name of brief) {
      t.equal(answers.recall({ name, type: 'TXT' }), undefined);
      answers.recallStale({ name, type: 'TXT' });
    }
    const held = lasting.filter((name) => answers.recall({ name, type: 'TXT' }));
    t.equal(held.length, lasting.length, 'all that holds is there');
    t.ok(answers.held.bytes <= bytes);
    const stale = brief.filter((name) => answers.recallStale({ name, type: 'TXT' })?.isStale);
    t.ok(stale.length > 0, `${stale.length} of what has expired`);
  }
  t.end();
});

t.test('work that goes on behind stale answers is bounded', async (t) => {
  const unattended = new Unattended();
  const ends: (() => void)[] = [];
  for (let i = 0; i < 1_000; i += 1) {
    t.equal(unattended.isFull, false);
    unattended.add(new Promise<void>((resolve) => ends.push(resolve)));
  }
  t.equal(unattended.isFull, true);
  ends[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(unattended.isFull, false);
});

t.test(
  'an anchor that is out of date is looked at, though something stale stands in',
  async (t) => {
    const { resolver } = await outage([['www.example.com', 'A']]);
    const name = Name.parse('www.example.com');
    const outcome = await resolver.lookup(name, 'A', { stale: 'allowed' });
    const fault = { zone: ROOT, owner: ROOT, type: 'DNSKEY' } as const;
    const because = { status: 'bogus', reason: 'anchor-outdated', fault } as const;
    const stale = { since: 0, because };
    const asked: string[] = [];
    let anchors = ROOT_ANCHORS;
    const keeper = {
      anchors: () => anchors,
      refreshEarly: async (zone: Name) => {
        asked.push(zone.toString());
        anchors = new Map(anchors);
      },
    };
    let lookups = 0;
    const lookup = refreshOutdated(async () => {
      lookups += 1;
      return { ...outcome, stale };
    }, keeper);
    await lookup(name, 'A', { stale: 'allowed' });
    t.same(asked, ['.']);
    t.equal(lookups, 2, 'and the question is asked again under the new anchors');
  },
);

/** The zone has records now that it had not: those of `owner` with data of `type`, in place of what was there. */
const become = (owner: string, type: RRType, rdata: Uint8Array): Amendment =>
  alterPlan((plan) => {
    const name = Name.parse(owner);
    const [model] = plan.records;
    if (!model) throw new RangeError('an empty zone');
    const others = plan.records.filter((record) => !record.owner.equals(name));
    return { ...plan, records: [...others, { ...model, owner: name, type, rdata }] };
  });

t.test('a name that has come into being is not absent again when all is silent', async (t) => {
  const silent = new Switch(silence());
  const net = internet(ZONES).amend('example.com', silent.amendment);
  const resolver = servingStale(net);
  t.match(await seenBy(resolver, 'new.example.com', 'TXT'), { rcode: 'NXDOMAIN', ad: true });
  net.clock.advance(EXPIRED_MS);
  net.amend('example.com', become('new.example.com', 'A', Uint8Array.of(192, 0, 2, 77)));
  t.match(await seenBy(resolver, 'new.example.com', 'A'), { rcode: 'NOERROR', ad: true });
  silent.isOn = true;
  for (const [name, type] of [
    ['new.example.com', 'TXT'], // what was asked for then
    ['new.example.com', 'AAAA'], // RFC 2308 section 5
    ['www.new.example.com', 'A'], // RFC 8020
  ] as const)
    t.match(
      await seenBy(resolver, name, type),
      { rcode: 'SERVFAIL', ad: false },
      `${name} ${type}`,
    );
  t.match(await seenBy(resolver, 'new.example.com', 'A'), {
    rcode: 'NOERROR',
    codes: { length: 0 },
  });
  net.clock.advance(EXPIRED_MS);
  t.match(await seenBy(resolver, 'new.example.com', 'A'), { rcode: 'NOERROR', codes: [3] });
});

t.test('an alias that a name has given up does not come back', async (t) => {
  const silent = new Switch(silence());
  const net = internet(ZONES).amend('example.com', silent.amendment);
  const resolver = servingStale(net);
  t.match(await seenBy(resolver, 'out.example.com', 'TXT'), { rcode: 'NOERROR', ad: true });
  net.clock.advance(EXPIRED_MS);
  net.amend('example.com', become('out.example.com', 'A', Uint8Array.of(192, 0, 2, 77)));
  t.match(await seenBy(resolver, 'out.example.com', 'A'), {
    rcode: 'NOERROR',
    codes: { length: 0 },
  });
  await seenBy(resolver, 'www.other.net', 'TXT');
  silent.isOn = true;
  t.match(await seenBy(resolver, 'out.example.com', 'TXT'), { rcode: 'SERVFAIL', data: 0 });
});

t.test(
  'below a zone that has been signed since, nothing stands in that was unsigned',
  async (t) => {
    const net = internet({
      ...ZONES,
      'sub.plain.org': { records: ['www A 192.0.2.8'], signing: 'unsigned' },
    });
    const resolver = servingStale(net);
    t.match(await seenBy(resolver, 'www.sub.plain.org', 'A'), { rcode: 'NOERROR', ad: false });
    net.clock.advance(EXPIRED_MS);
    net.amend(
      'plain.org',
      addDs('@ DS 12345 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'),
    );
    t.match(await seenBy(resolver, 'www.sub.plain.org', 'A'), { rcode: 'SERVFAIL', data: 0 });
  },
);

t.test('a negative anchor that has ended takes along what it let through', async (t) => {
  const negativeAnchors = new NegativeAnchors();
  const silent = new Switch(silence());
  const net = internet(ZONES).amend('example.com', silent.amendment);
  const { clock } = net;
  const given = { reason: 'the zone is broken', now: clock.now(), lifetimeMs: 2 * HOUR_MS };
  negativeAnchors.add(Name.parse('example.com'), given);
  const resolver = servingStale(net, { negativeAnchors });
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { rcode: 'NOERROR', ad: false });
  clock.advance(EXPIRED_MS);
  silent.isOn = true;
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { codes: [3], ad: false });
  clock.advance(EXPIRED_MS);
  t.match(await seenBy(resolver, 'www.example.com', 'A'), { rcode: 'SERVFAIL', data: 0 });
});

t.test('no way round leads to a stale MX, TLSA, DS or ANY', async (t) => {
  const silent = new Switch(silence());
  const net = internet({
    ...ZONES,
    'dn.org': ['tree DNAME example.com.', 'out CNAME example.com.'],
  })
    .amend('dn.org', silent.amendment)
    .amend('example.com', silent.amendment);
  const resolver = servingStale(net);
  const names = ['mail.tree.dn.org', 'out.dn.org', '_25._tcp.mail.tree.dn.org', 'no.tree.dn.org'];
  const types = ['MX', 'TLSA', 'DS', 'ANY'] as const;
  for (const name of names)
    for (const type of ['A', 'CNAME', ...types] as const) await seenBy(resolver, name, type);
  net.clock.advance(EXPIRED_MS);
  silent.isOn = true;
  t.match(await seenBy(resolver, 'mail.tree.dn.org', 'A'), { rcode: 'NOERROR', codes: [3] });
  t.match(await seenBy(resolver, 'mail.tree.dn.org', 'CNAME'), { rcode: 'NOERROR', codes: [3] });
  for (const name of names)
    for (const type of types) {
      t.match(
        await seenBy(resolver, name, type),
        { rcode: 'SERVFAIL', data: 0 },
        `${name} ${type}`,
      );
      const cd = await seenBy(resolver, name, type, { checkingDisabled: true });
      t.match(cd, { rcode: 'SERVFAIL', data: 0 }, `${name} ${type} with CD`);
      const rd = await seenBy(resolver, name, type, { recursionDesired: false });
      t.match(rd, { data: 0, ad: false }, `${name} ${type} without RD`);
    }
});

t.test(
  'who keeps the work behind stale answers at its bound renews others all the same',
  async (t) => {
    const silent = new Switch(silence());
    const net = internet({
      ...ZONES,
      'wild.org': { records: ['* A 192.0.2.7'], signing: 'unsigned' },
    });
    net.amend('wild.org', silent.amendment);
    const resolver = servingStale(net);
    const names = Array.from({ length: 1_001 }, (_, i) => `n${i}.wild.org`);
    for (const name of [...names, 'www.other.net']) await seenBy(resolver, name, 'A');
    net.clock.advance(EXPIRED_MS);
    silent.isOn = true;
    net.amend('other.net', alterPlan(renumbered));
    const flood = names.map((name) => seenBy(resolver, name, 'A'));
    for (const seen of await Promise.all(flood)) t.match(seen, { rcode: 'NOERROR', codes: [3] });
    const outcome = await resolver.lookup(Name.parse('www.other.net'), 'A', { stale: 'allowed' });
    t.equal(show(outcome), 'secure 192.0.2.99');
  },
);

t.test('a full waiting room is no reason to fail what a stale copy stands in for', async (t) => {
  const { resolver, net } = await outage([
    ['www.example.com', 'A'],
    ['example.com', 'MX'],
  ]);
  for (const [name, type] of [
    ['www.example.com', 'A'],
    ['example.com', 'MX'],
  ] as const)
    await seenBy(resolver, name, type);
  const mx = resolver.recall(Name.parse('example.com'), 'MX', { stale: 'allowed' });
  t.equal(mx && show(mx), 'indeterminate (unreachable)', 'never MX');
  await net.clock.sleep(9_000); // the failure is known by now
  const name = Name.parse('www.example.com');
  const known = resolver.recall(name, 'A', { stale: 'allowed' });
  t.equal(known && show(known), 'secure 192.0.2.1');
  t.equal(known?.stale?.because?.reason, 'unreachable');
  const notAllowed = resolver.recall(name, 'A');
  t.equal(notAllowed && show(notAllowed), 'indeterminate (unreachable)');
});
