/**
 * `danelaw query` on the testing internet: what it prints, and that a failure shows no data.
 *
 * Expected shapes are those that README.md promises.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  corruptSignatures,
  expireSignatures,
  type Internet,
  internet,
  servfail,
} from '../../src/testing/index.ts';
import { command, type Ran, type Setting } from './support.ts';

const net = internet({
  'example.com': {
    records: [
      'www 300 A 192.0.2.80',
      'www 300 A 192.0.2.81',
      'self CNAME www',
      'away CNAME www.plain.net.',
      'odd TYPE65280 \\# 2 cafe',
    ],
  },
  'plain.net': { records: ['www A 192.0.2.90'], signing: 'unsigned' },
  'bad.com': ['www A 192.0.2.99'],
  'late.com': ['www A 192.0.2.99'],
  'dead.com': ['www A 192.0.2.99'],
  'old.com': { records: ['www A 192.0.2.91'], signing: { algorithms: [5] } },
})
  .amend('bad.com', corruptSignatures('A'))
  .amend('late.com', expireSignatures())
  .amend('dead.com', servfail());

const files = t.testdir({});
/** The root of this internet as files. */
function rootOf({ hints, anchors }: Internet): string[] {
  const hintsFile = join(files, 'hints');
  const anchorFile = join(files, 'anchors');
  writeFileSync(hintsFile, hints);
  writeFileSync(anchorFile, anchors);
  return ['--root-hints', hintsFile, '--trust-anchor', anchorFile];
}
const root = rootOf(net);

const query = (args: readonly string[], setting: Partial<Setting> = {}): Promise<Ran> =>
  command(['query', ...args, ...root], { environment: net, ...setting });

async function json(
  ...args: readonly string[]
): Promise<{ code: number; view: unknown; out: string }> {
  const { code, out } = await query([...args, '--json']);
  return { code, out, view: JSON.parse(out) };
}

t.test('secure records', async (t) => {
  const { code, view } = await json('www.example.com', 'a');
  t.equal(code, 0);
  t.match(view, {
    question: { name: 'www.example.com.', type: 'A' },
    status: 'secure',
    rcode: 'NOERROR',
    aliases: { length: 0 },
    answer: ['www.example.com. 300 IN A 192.0.2.80', 'www.example.com. 300 IN A 192.0.2.81'],
    proof: [/^www\.example\.com\. 300 IN RRSIG A 13 3 300 /],
    spent: { queries: Number, bytes: Number, signatures: Number, hashes: 0, milliseconds: Number },
    expiresAt: /^2026-07-01T00:0\d:\d\d\.\d{3}Z$/, // five minutes after the beginning of the testing internet
  });
  for (const key of ['reason', 'why', 'ede', 'fault', 'trace'])
    t.notOk(Object.hasOwn(Object(view), key), `a secure answer has no ${key}`);
});

t.test('a status for each alias, and the weakest decides', async (t) => {
  const { code, view } = await json('away.example.com', 'A');
  t.equal(code, 0);
  t.match(view, {
    status: 'insecure',
    rcode: 'NOERROR',
    reason: 'no-ds-proven',
    why: 'the parent proves that the zone has no DS record: by the record at plain.net.',
    cause: { zone: 'net.', owner: 'plain.net.', type: 'DS' },
    aliases: [{ owner: 'away.example.com.', target: 'www.plain.net.', status: 'secure' }],
    answer: [
      'away.example.com. 3600 IN CNAME www.plain.net.',
      'www.plain.net. 3600 IN A 192.0.2.90',
    ],
  });
});

t.test('absence is an answer', async (t) => {
  const absent = await json('no.example.com', 'A');
  t.equal(absent.code, 0);
  t.match(absent.view, { status: 'secure', rcode: 'NXDOMAIN', answer: { length: 0 } });
  t.match(absent.view, { proof: [/ SOA /, / RRSIG SOA /, / NSEC /, / RRSIG NSEC /] });
  const empty = await json('www.example.com', 'TLSA');
  t.equal(empty.code, 0);
  t.match(empty.view, { status: 'secure', rcode: 'NOERROR', answer: { length: 0 } });
});

t.test('bogus and indeterminate show no data', async (t) => {
  const cases = [
    ['www.bad.com', 'bogus', 'signature-invalid', 6, 'DNSSEC Bogus'],
    ['www.late.com', 'bogus', 'signature-expired', 7, 'Signature Expired'],
    ['www.dead.com', 'indeterminate', 'unreachable', 22, 'No Reachable Authority'],
  ] as const;
  for (const [name, status, reason, ede, purpose] of cases) {
    const { code, view, out } = await json(name, 'A', '--trace');
    t.equal(code, 1, name);
    t.match(view, { status, reason, rcode: 'SERVFAIL', ede: { code: ede, purpose } }, name);
    t.match(view, { answer: { length: 0 }, proof: { length: 0 }, aliases: { length: 0 } }, name);
    t.match(view, { fault: { zone: /\.com\.$/, owner: String, type: String } }, name);
    t.notMatch(out, /192\.0\.2\.99/, `${name}: the forged address is nowhere`);
    const text = await query([name, 'A', '--trace']);
    t.equal(text.code, 1);
    t.notMatch(text.out, /192\.0\.2\.99/);
    t.match(text.out, new RegExp(`${status}, SERVFAIL`));
    t.match(text.out, new RegExp(`EDE: ${ede} \\(${purpose}\\)`));
  }
});

t.test('what was expected and what was found', async (t) => {
  const { view } = await json('www.late.com', 'A');
  const found = /RRSIG by key \d+ \w+, valid from \S+Z to \S+Z, judged at 2026-07-01T00:00:00Z$/;
  t.match(view, { why: found });
  const { out } = await query(['www.late.com', 'A']);
  t.match(out, /^;; reason: signature-expired: the signature has expired: RRSIG by key /m);
  const dead = await query(['www.dead.com', 'A']);
  t.match(
    dead.out,
    /^;; reason: unreachable: no server of the zone gave a usable reply: 198\.18\./m,
  );
  const away = await query(['away.example.com', 'A']);
  t.match(away.out, /^;; because of: DS plain\.net\. in the zone net\.$/m);
});

t.test('insecure for a reason that has a code', async (t) => {
  const { code, view } = await json('www.old.com', 'A');
  t.equal(code, 0);
  t.match(view, { status: 'insecure', reason: 'unsupported-algorithm', ede: { code: 1 } });
});

t.test('types without a name', async (t) => {
  const { view } = await json('odd.example.com', 'TYPE65280');
  t.match(view, { status: 'secure', answer: ['odd.example.com. 3600 IN TYPE65280 \\# 2 cafe'] });
  t.match((await json('www.example.com', 'type1')).view, { question: { type: 'A' } });
  t.match((await json('www.example.com', 'TYPE65535')).view, {
    status: 'secure',
    answer: { length: 0 },
  });
});

t.test('text: records as dig prints them, the rest behind ;;', async (t) => {
  const { out, err } = await query(['self.example.com', 'A']);
  const lines = out.trimEnd().split('\n');
  t.strictSame(
    lines.filter((line) => !line.startsWith(';;')),
    [
      'self.example.com. 3600 IN CNAME www.example.com.',
      'www.example.com. 300 IN A 192.0.2.80',
      'www.example.com. 300 IN A 192.0.2.81',
    ],
  );
  t.ok(lines.includes(';; alias self.example.com. -> www.example.com. secure'));
  t.ok(lines.includes(';; self.example.com. A: secure, NOERROR'));
  t.equal(err, '', 'no progress where standard error is no terminal');
});

t.test('the trace names zones, keys, algorithms, servers and times', async (t) => {
  const { out } = await query(['www.example.com', 'A', '--trace']);
  t.match(out, /^;; +0 ms {2}\. at 198\.18\.0\.\d+ \(udp\): com\. A -> referral to com\., 10 ms$/m);
  t.match(out, /^;; +example\.com\. is secure by key \d+ ECDSAP256SHA256$/m);
  t.match(out, /^;; +www\.example\.com\. A is secure, signed by \d+ ECDSAP256SHA256$/m);
  const { view } = await json('www.example.com', 'A', '--trace');
  t.match(view, { trace: Array });
  const { trace } = Object(view);
  const kinds = new Set(trace.map(({ kind }: { kind: string }) => kind));
  t.strictSame([...kinds].sort(), ['exchange', 'finding', 'trust']);
  t.match(
    trace.find(({ kind }: { kind: string }) => kind === 'finding'),
    { zone: 'example.com.', owner: 'www.example.com.', type: 'A', status: 'secure' },
  );
});

t.test('both engines say the same', async (t) => {
  const [noble, native] = await Promise.all([
    json('www.example.com', 'A', '--engine', 'noble'),
    json('www.example.com', 'A', '--engine', 'native'),
  ]);
  t.match(noble.view, { status: 'secure' });
  t.match(native.view, { status: 'secure' });
});

t.test('a forwarder is asked in place of the root, and believed no more', async (t) => {
  const { ip, port } = net.forwarder;
  const anchors = root.slice(2);
  for (const [name, status] of [
    ['www.example.com', 'secure'],
    ['www.plain.net', 'insecure'],
    ['www.bad.com', 'bogus'],
  ] as const) {
    const args = ['query', name, 'A', '--json', '--forward', `${ip}:${port}`, ...anchors];
    const { out } = await command(args, { environment: net });
    t.equal(JSON.parse(out).status, status, name);
  }
});

t.test('Unicode is turned into A-labels, and that is said', async (t) => {
  const { code, out, err } = await query(['M\u00fcller.example.com', 'A', '--json']);
  t.equal(code, 0);
  t.equal(err, 'note: M\u00fcller.example.com is xn--mller-kva.example.com in the DNS\n');
  t.equal(JSON.parse(out).question.name, 'xn--mller-kva.example.com.');
});

t.test('a time limit ends in indeterminate, not in silence', async (t) => {
  const never = {
    ...net,
    transport: { exchange: () => new Promise<never>(() => {}) },
  };
  const { code, out } = await query(['www.example.com', 'A', '--json', '--timeout', '0.01'], {
    environment: { ...never, clock: net.clock, random: net.random },
  });
  t.equal(code, 1);
  t.match(JSON.parse(out), {
    status: 'indeterminate',
    rcode: 'SERVFAIL',
    reason: 'budget-spent',
    why: 'there was no answer in the time that --timeout allows',
    fault: { limit: 'wall-clock' },
    answer: { length: 0 },
    // By the clock that the look-up goes by, to the millisecond.
    spent: { milliseconds: 10 },
  });
});

t.test('colour and progress are for terminals, and NO_COLOR is heard', async (t) => {
  const isColoured = (text: string): boolean => text.includes('\u001b[');
  const args = ['www.example.com', 'A'];
  const plain = await query(args);
  t.notOk(isColoured(plain.out));
  const terminal = await query(args, { isTTY: true });
  t.ok(isColoured(terminal.out));
  t.ok(terminal.err.includes('\r\u001b[Kasking 198.18.0.'));
  t.ok(terminal.err.endsWith('\r\u001b[K'), 'nothing of the progress is left standing');
  const without = await query(args, { isTTY: true, env: { NO_COLOR: '1' } });
  t.notOk(isColoured(without.out));
  const empty = await query(args, { isTTY: true, env: { NO_COLOR: '' } });
  t.ok(isColoured(empty.out), 'an empty NO_COLOR counts for nothing');
});

t.test('trust anchors as IANA publishes them (RFC 9718)', async (t) => {
  const [, tag, algorithm, digestType, digest] =
    /DS (\d+) (\d+) (\d+) ([0-9A-Fa-f ]+)/.exec(net.anchors) ?? [];
  const xml = (until: string): string => `<?xml version="1.0" encoding="UTF-8"?>
    <TrustAnchor id="a" source="http://data.iana.org/root-anchors/root-anchors.xml"><Zone>.</Zone>
      <KeyDigest id="b" validFrom="2010-07-15T00:00:00+00:00" validUntil="${until}">
        <KeyTag>${tag}</KeyTag><Algorithm>${algorithm}</Algorithm>
        <DigestType>${digestType}</DigestType><Digest>${digest}</Digest>
      </KeyDigest>
    </TrustAnchor>`;
  const hints = root.slice(0, 2);
  const asked = (text: string): Promise<Ran> => {
    const file = join(files, 'root-anchors.xml');
    writeFileSync(file, text);
    const args = ['query', 'www.example.com', 'A', ...hints, '--trust-anchor', file];
    return command(args, { environment: net });
  };
  const valid = await asked(xml('2027-01-01T00:00:00+00:00'));
  t.equal(valid.code, 0);
  t.match(valid.out, /: secure, NOERROR/);
  // This internet's time is July 2026.
  const past = await asked(xml('2026-06-01T00:00:00+00:00'));
  t.match(past, {
    code: 2,
    err: /root-anchors\.xml: it has no valid trust anchor: key \d+ was valid until 2026-06-01/,
  });
  t.match(await asked('<TrustAnchor>'), {
    code: 2,
    err: /root-anchors\.xml: it is no well-formed XML/,
  });
});

t.test('a negative trust anchor lets a broken zone through, and is named', async (t) => {
  t.match(await json('www.bad.com', 'A'), {
    code: 1,
    view: { status: 'bogus', answer: { length: 0 } },
  });
  const anchor = ['--negative-anchor', 'bad.com 2026-07-03T00:00Z their signer, told on Monday'];
  const { code, view } = await json('www.bad.com', 'A', ...anchor);
  t.equal(code, 0);
  const shown = {
    name: 'bad.com.',
    reason: 'their signer, told on Monday',
    until: '2026-07-03T00:00:00.000Z',
  };
  t.match(view, {
    status: 'insecure',
    reason: 'negative-trust-anchor',
    negativeAnchors: [shown],
    answer: { length: 1 },
  });
  t.match(
    (await query(['www.bad.com', 'A', ...anchor])).out,
    /^;; not validated at and below bad\.com\. until 2026-07-03T00:00:00\.000Z: their signer, told on Monday$/m,
  );
  const elsewhere = await json('www.example.com', 'A', ...anchor);
  t.match(elsewhere, { view: { status: 'secure' } });
  t.notMatch(elsewhere.out, /negativeAnchors/);
  const plan = ['bad.com', '--no-probe', ...anchor, ...root];
  const checked = await command(['check', ...plan, '--json'], { environment: net });
  t.match(JSON.parse(checked.out), { negativeAnchors: [shown] });
  const text = await command(['check', ...plan], { environment: net });
  t.match(text.out, /not validated at and below bad\.com\./);
});

t.test('a negative trust anchor has a name, an end within a week, and a reason', async (t) => {
  // This internet's time is the first of July 2026.
  const wrong: [text: string, why: RegExp][] = [
    ['bad.com', /is no negative trust anchor: write 'NAME UNTIL REASON'/],
    ['bad.com 2026-07-03T00:00Z', /is no negative trust anchor/],
    ['bad..com 2026-07-03T00:00Z why', /bad\.\.com/],
    ['bad.com tomorrow why', /"tomorrow" is no time/],
    ['bad.com 2026-07-03T00:00 why', /is no time: write it in UTC/],
    ['bad.com 2026-06-31 why', /"2026-06-31" is no time/],
    ['bad.com 2026-06-30 why', /2026-06-30T00:00Z is over/],
    ['bad.com 2026-07-09 why', /a week, now until 2026-07-08T00:00Z at most/],
  ];
  for (const [text, why] of wrong)
    t.match(
      await query(['www.bad.com', 'A', '--negative-anchor', text]),
      { code: 2, err: why },
      text,
    );
  const one = ['--negative-anchor', 'bad.com 2026-07-03 why'];
  const other = ['--negative-anchor', 'BAD.com. 2026-07-04 why'];
  t.match((await query(['www.bad.com', 'A', ...one, ...other])).err, /BAD\.com\. is given twice/);
});
