/** Which MTA-STS policy holds, over time and through every kind of failure; the file that keeps policies. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import type { Fetched } from '../../src/mta/https.ts';
import { StsCache, type StsParts } from '../../src/mta/mta-sts.ts';
import { loadPolicies, savePolicies } from '../../src/mta/sts-store-file.ts';
import { fakeLookup, type Internet } from '../dane/fake-lookup.ts';

const DOMAIN = Name.parse('example.com');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TXT = 'TXT _mta-sts.example.com';

const text = (mode: string, maxAge = 604_800, more = '') =>
  `version: STSv1\nmode: ${mode}\nmx: mx.example.com\nmax_age: ${maxAge}\n${more}`;
const body = (policy: string): Fetched => ({
  kind: 'body',
  octets: new TextEncoder().encode(policy),
});
const DOWN: Fetched = { kind: 'failed', result: 'sts-policy-fetch-error', reason: 'ECONNREFUSED' };

/** One domain, whose record and policy host change as the test says. */
class Scene {
  now = 0;
  internet: Internet = published('1');
  fetched: Fetched = body(text('enforce'));
  readonly fetches: string[] = [];
  readonly cache: StsCache;

  constructor(parts: Partial<StsParts> = {}) {
    this.cache = new StsCache({
      lookup: (name, type, options) => fakeLookup(this.internet).lookup(name, type, options),
      fetch: async (host, addresses) => {
        this.fetches.push(`${host} ${addresses.join(' ')}`);
        return this.fetched;
      },
      clock: { now: () => this.now },
      ...parts,
    });
  }

  /** `enforce`, `enforce !reason`, `none` or `failed reason`. */
  async found(domain = DOMAIN): Promise<string> {
    const finding = await this.cache.find(domain);
    if (finding.kind === 'none') return 'none';
    if (finding.kind === 'failed') return `failed ${finding.result} ${finding.reason}`;
    const { policy, trouble } = finding;
    return trouble ? `${policy.mode} !${trouble.reason}` : policy.mode;
  }
}

const published = (id: string): Internet => ({
  records: {
    [TXT]: [`v=STSv1; id=${id}`],
    'A mta-sts.example.com': ['192.0.2.1'],
    'AAAA mta-sts.example.com': ['2001:db8::1'],
  },
});
const unpublished: Internet = { records: {} };

t.test('a policy is fetched once for all, from both families, and kept', async (t) => {
  const scene = new Scene();
  t.equal(await scene.found(), 'enforce');
  scene.now = DAY - 1;
  t.equal(await scene.found(), 'enforce');
  t.same(scene.fetches, ['mta-sts.example.com 2001:db8::1 192.0.2.1']);
  const found = await scene.cache.find(DOMAIN);
  t.match(found, { policy: { id: '1', fetchedAt: 0, maxAge: 604_800, mx: ['mx.example.com'] } });
});

t.test('without a record nothing is fetched', async (t) => {
  const scene = new Scene();
  scene.internet = unpublished;
  t.equal(await scene.found(), 'none');
  scene.internet = { records: { [TXT]: ['v=STSv1; id=1', 'v=STSv1; id=2'] } };
  t.equal(await scene.found(), 'none', 'nor where two records contradict each other');
  t.equal(scene.fetches.length, 0);
});

t.test('insecure addresses will do, for the certificate proves the host', async (t) => {
  const scene = new Scene();
  const hosts = ['A mta-sts.example.com', 'AAAA mta-sts.example.com', TXT];
  scene.internet = { ...published('1'), insecure: hosts };
  t.equal(await scene.found(), 'enforce');
  const half = new Scene();
  half.internet = { ...published('1'), bogus: ['AAAA mta-sts.example.com'] };
  t.equal(await half.found(), 'enforce', 'one family is enough');
  t.same(half.fetches, ['mta-sts.example.com 192.0.2.1']);
});

t.test('a policy host that cannot be found is a fetch error', async (t) => {
  const scene = new Scene();
  scene.internet = {
    ...published('1'),
    bogus: ['A mta-sts.example.com', 'AAAA mta-sts.example.com'],
  };
  t.equal(await scene.found(), 'failed sts-policy-fetch-error ede-6');
  const none = new Scene();
  none.internet = { records: { [TXT]: ['v=STSv1; id=1'] } };
  t.equal(await none.found(), 'failed sts-policy-fetch-error no-address');
  t.equal(none.fetches.length, 0);
});

t.test(
  'what cannot be fetched or read is as no policy, with the reason for the report',
  async (t) => {
    const cases: [Fetched, string][] = [
      [DOWN, 'failed sts-policy-fetch-error ECONNREFUSED'],
      [
        { kind: 'failed', result: 'sts-webpki-invalid', reason: 'CERT_HAS_EXPIRED' },
        'failed sts-webpki-invalid CERT_HAS_EXPIRED',
      ],
      [body('hello'), 'failed sts-policy-invalid line 1: no key and value'],
    ];
    for (const [fetched, want] of cases) {
      const scene = new Scene();
      scene.fetched = fetched;
      t.equal(await scene.found(), want);
    }
  },
);

t.test(
  'after a failure the host is left alone for five minutes, unless there is a new version',
  async (t) => {
    const scene = new Scene();
    scene.fetched = DOWN;
    await scene.found();
    scene.now = 5 * MINUTE - 1;
    t.equal(await scene.found(), 'failed sts-policy-fetch-error ECONNREFUSED');
    t.equal(scene.fetches.length, 1);
    scene.internet = published('2');
    await scene.found();
    t.equal(scene.fetches.length, 2, 'another id');
    scene.now = 11 * MINUTE;
    scene.fetched = body(text('testing'));
    t.equal(await scene.found(), 'testing');
    t.equal(scene.fetches.length, 3);
  },
);

t.test('a new id brings the new policy at once', async (t) => {
  const scene = new Scene();
  await scene.found();
  scene.internet = published('2');
  scene.fetched = body(text('testing'));
  t.equal(await scene.found(), 'testing');
  t.equal(scene.fetches.length, 2);
});

t.test('each day the policy is fetched anew, and its age starts again', async (t) => {
  const scene = new Scene();
  scene.fetched = body(text('enforce', 2 * 86_400));
  await scene.found();
  scene.now = DAY;
  t.equal(await scene.found(), 'enforce');
  t.equal(scene.fetches.length, 2);
  scene.now = 2 * DAY;
  scene.fetched = DOWN;
  t.equal(await scene.found(), 'enforce !ECONNREFUSED');
  scene.now = 3 * DAY;
  t.equal(
    await scene.found(),
    'enforce !ECONNREFUSED',
    'two days from the second fetch, not the first',
  );
  scene.now = 3 * DAY + 1;
  t.equal(await scene.found(), 'failed sts-policy-fetch-error ECONNREFUSED', 'over');
});

t.test('a policy that is kept counts, whatever an attacker takes away', async (t) => {
  const attacks: [claim: string, internet: Internet, fetched: Fetched, want: string][] = [
    ['the record', unpublished, body(text('enforce')), 'enforce !no-txt-record'],
    [
      'the record, by noise',
      { records: { [TXT]: ['v=STSv1; id=1', 'v=STSv1; id=2'] } },
      DOWN,
      'enforce !no-txt-record',
    ],
    ['the proof', { records: {}, bogus: [TXT] }, DOWN, 'enforce !ede-6'],
    ['the reply', { records: {}, unreachable: [TXT] }, DOWN, 'enforce !ede-22'],
    ['the host, with a new id', published('2'), DOWN, 'enforce !ECONNREFUSED'],
    [
      'the policy, for rubbish',
      published('2'),
      body('<html>'),
      'enforce !line 1: no key and value',
    ],
  ];
  for (const [claim, internet, fetched, want] of attacks) {
    const scene = new Scene();
    await scene.found();
    scene.internet = internet;
    scene.fetched = fetched;
    scene.now = HOUR;
    t.equal(await scene.found(), want, claim);
    scene.now = 604_800_000;
    t.equal(await scene.found(), want, `${claim}: to the last millisecond`);
    scene.now += 1;
    t.notMatch(await scene.found(), /enforce/, `${claim}: and no longer`);
  }
});

t.test(
  '"none" takes the policy away, and is kept so that it is not asked for with each mail',
  async (t) => {
    const scene = new Scene();
    await scene.found();
    scene.internet = published('2');
    scene.fetched = body('version: STSv1\nmode: none\nmax_age: 86400\n');
    t.equal(await scene.found(), 'none');
    t.equal(await scene.found(), 'none');
    t.equal(scene.fetches.length, 2);
    scene.internet = unpublished;
    scene.fetched = DOWN;
    t.equal(await scene.found(), 'none', 'and nothing is reported once all is gone');
  },
);

t.test('many mails at once cost one fetch', async (t) => {
  const scene = new Scene();
  const all = await Promise.all(Array.from({ length: 50 }, () => scene.found()));
  t.same(new Set(all), new Set(['enforce']));
  t.equal(scene.fetches.length, 1);
});

t.test('a parent has no say (RFC 8461 section 3.4)', async (t) => {
  const scene = new Scene();
  t.equal(await scene.found(Name.parse('mail.example.com')), 'none');
});

t.test(
  '+5: an operator may have a policy fetched now, and what is due may be fetched without any mail',
  async (t) => {
    const scene = new Scene();
    scene.fetched = DOWN;
    await scene.found();
    scene.fetched = body(text('enforce'));
    t.match(
      await scene.cache.refresh(DOMAIN),
      { policy: { mode: 'enforce' }, trouble: undefined },
      'the pause does not count',
    );
    await scene.cache.refresh(DOMAIN);
    t.equal(scene.fetches.length, 3, 'nor that it is fresh');
    scene.fetched = DOWN;
    const kept = await scene.cache.refresh(DOMAIN);
    t.match(kept, { policy: { mode: 'enforce' }, trouble: { reason: 'ECONNREFUSED' } });
    scene.internet = unpublished;
    t.match(await scene.cache.refresh(DOMAIN), { trouble: { reason: 'no-txt-record' } });
    scene.internet = published('1');
    scene.fetched = body(text('testing'));
    scene.now = HOUR;
    await scene.cache.refreshAll();
    t.equal(scene.fetches.length, 4, 'nothing is a day old');
    scene.now = DAY;
    await scene.cache.refreshAll();
    t.match(scene.cache.policies, [{ policy: { mode: 'testing', fetchedAt: DAY } }]);
  },
);

t.test(
  'the number of policies is bounded, and so is their text; those used last stay',
  async (t) => {
    const internet = (names: readonly string[]): Internet => ({
      records: Object.fromEntries(
        names.flatMap((name) => [
          [`TXT _mta-sts.${name}`, ['v=STSv1; id=1']],
          [`A mta-sts.${name}`, ['192.0.2.1']],
        ]),
      ),
    });
    const names = ['a.example', 'b.example', 'c.example'];
    const scene = new Scene({ limit: 2 });
    scene.internet = internet(names);
    for (const name of ['a.example', 'b.example', 'a.example', 'c.example'])
      await scene.found(Name.parse(name));
    t.same(
      scene.cache.policies.map(({ domain }) => `${domain}`),
      ['a.example.', 'c.example.'],
    );

    // 33 554 432 octets hold 516 policies that are as large as a policy may be, and not 517.
    const many = Array.from({ length: 540 }, (_, i) => `d${i}.example`);
    const large = new Scene();
    large.internet = internet(many);
    const start = text('enforce');
    large.fetched = body(`${start}x: ${'y'.repeat(65_536 - start.length - 3)}`);
    for (const name of many) await large.found(Name.parse(name));
    const { length } = large.cache.policies;
    t.ok(length < 520 && length > 500, `${length} policies`);
  },
);

t.test('policies survive a restart; what expired meanwhile does not', async (t) => {
  const file = join(t.testdir(), 'mta-sts');
  t.same(await loadPolicies(file, 0), { kind: 'absent' });
  const saved: (string | undefined)[] = [];
  const store: StsParts['store'] = {
    save: async (policies, now) => saved.push(await savePolicies(file, policies, now)),
  };
  const scene = new Scene({ store });
  await scene.found();
  await scene.cache.saved();
  t.same(saved, [undefined]);
  const loaded = await loadPolicies(file, HOUR);
  if (loaded.kind !== 'policies') throw new Error(loaded.kind);
  const after = new Scene({ kept: loaded.policies });
  after.internet = unpublished;
  after.now = HOUR;
  t.equal(await after.found(), 'enforce !no-txt-record');
  const late = new Scene({ kept: loaded.policies });
  late.internet = unpublished;
  late.now = 8 * DAY;
  t.equal(await late.found(), 'none');
});

t.test('what changes while the file is written is written behind it, once', async (t) => {
  let release = () => {};
  const sizes: number[] = [];
  const store: StsParts['store'] = {
    save: (policies) => {
      sizes.push(policies.length);
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    },
  };
  const scene = new Scene({ store });
  for (const id of ['1', '2', '3', '4']) {
    scene.internet = published(id);
    await scene.found();
  }
  const done = scene.cache.saved();
  release();
  await new Promise(setImmediate);
  release();
  await done;
  t.same(sizes, [1, 1]);
});

t.test('a torn file is told with its line, and is never replaced', async (t) => {
  const file = join(t.testdir(), 'mta-sts');
  const scene = new Scene();
  await scene.found();
  t.equal(await savePolicies(file, scene.cache.policies, 0), undefined);
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, whole.slice(0, -30));
  const want = `${file}: line 3: it is cut off: the last line is no digest`;
  t.same(await loadPolicies(file, 0), { kind: 'refused', why: want });
  t.equal(await savePolicies(file, [], 0), want);
  t.equal(readFileSync(file, 'utf8'), whole.slice(0, -30));
  t.match(await savePolicies(join(file, 'below'), [], 0), /ENOTDIR/, 'no folder there');
  t.match(await loadPolicies(t.testdir({ folder: {} }), 0), {
    kind: 'refused',
    why: /regular file/,
  });
});
