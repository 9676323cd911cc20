// State files whose digest is right and whose lines are not: written by hand, or by whoever can write digests. And what a
// resolver tells of its anchors, at the borders. What a torn file comes to is in test/resolver/anchor-state.test.ts.
import { createHash } from 'node:crypto';
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { printRdata } from '../../src/dns/presentation.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import { keyTagName, keyTagsOf, sentinelIn } from '../../src/dnssec/anchor-signals.ts';
import {
  LARGEST_STATE,
  parseState,
  STATE_HEADER,
  writeState,
} from '../../src/dnssec/anchor-state.ts';
import { NegativeAnchors } from '../../src/dnssec/negative-anchors.ts';
import { dsOf, type SigningKey } from '../../src/testing/keys.ts';
import { ksk, ROOT_ZONE, revokedForm } from './key-sets.ts';

const NOW = Date.UTC(2026, 10, 24, 14);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const time = (ms: number): string => new Date(ms).toISOString();
const [A, B] = [ksk('a'), ksk('b')];
const data = ({ dnskey }: SigningKey): string => printRdata('DNSKEY', dnskey);

const sealed = (...lines: readonly string[]): string => {
  const body = lines.map((line) => `${line}\n`).join('');
  return `${body}sha256 ${createHash('sha256').update(body).digest('hex')}\n`;
};
const HEAD = [STATE_HEADER, `written ${time(NOW)}`];
const ZONE = `zone . ${time(NOW)}`;
const VALID = `valid ${A.tag} ${data(A)}`;
/** `line 4: why`, or the states of the keys. */
function read(...lines: readonly string[]): string {
  const parsed = parseState(sealed(...HEAD, ...lines), NOW);
  if (parsed.kind === 'refused') return `line ${parsed.line}: ${parsed.why}`;
  return parsed.state.points.flatMap(({ keys }) => keys.map(({ state }) => state)).join(' ');
}
const pending = (since: number, until: number, vouchers = '-', tag = B.tag): string =>
  `addpend ${tag} ${time(since)} ${time(until)} ${vouchers} ${data(B)}`;

t.test('lines that are good', async (t) => {
  t.equal(read(ZONE, VALID), 'valid');
  t.equal(read(ZONE, VALID, pending(NOW, NOW + 30 * DAY, '0')), 'valid addpend');
  t.equal(read(ZONE, VALID, pending(NOW, NOW + 30 * DAY)), 'valid addpend', 'without a voucher');
  t.equal(read(ZONE, VALID, `missing ${B.tag} ${time(NOW)} ${data(B)}`), 'valid missing');
  t.equal(read(ZONE, `seen ${time(NOW)} 2147483647 ${time(NOW)}`, VALID), 'valid');
});

t.test('lines that are not, each with its number', async (t) => {
  const key = 'line 4:';
  t.equal(read(), 'line 2: it has no zone');
  t.equal(read(VALID), 'line 3: no zone stands above it');
  t.equal(read(`zone a..b ${time(NOW)}`), 'line 3: "a..b" is no domain name');
  t.equal(read(`zone . ${'x'.repeat(40)}`), `line 3: "${'x'.repeat(30)}" is no time`);
  t.equal(read('zone .'), 'line 3: "undefined" is no time');
  t.equal(read('zone . 2026-11-24'), 'line 3: "2026-11-24" is no time', 'that Date would read');
  t.equal(
    read('zone . 2026-13-24T14:00:00.000Z'),
    'line 3: "2026-13-24T14:00:00.000Z" is no time',
    'of the form, and yet none',
  );
  const wrong = A.tag === 0 ? 1 : A.tag - 1;
  t.equal(read(ZONE, `valid ${wrong} ${data(A)}`), `${key} the key's tag is ${A.tag}`);
  t.equal(read(ZONE, `valid 65536 ${data(A)}`), `${key} "65536" is no number up to 65535`);
  t.equal(read(ZONE, `valid 0x1 ${data(A)}`), `${key} "0x1" is no number up to 65535`);
  t.equal(
    read(ZONE, `valid ${'9'.repeat(30)} ${data(A)}`),
    `${key} "${'9'.repeat(20)}" is no number up to 65535`,
  );
  const out = revokedForm(A);
  const noZoneKey = encode('DNSKEY', { ...decode('DNSKEY', A.dnskey), flags: 1 });
  const noAnchor = `${key} it is no zone key without the REVOKE bit`;
  t.equal(read(ZONE, `valid ${out.tag} ${data(out)}`), noAnchor);
  t.equal(read(ZONE, `valid ${A.tag} ${printRdata('DNSKEY', noZoneKey)}`), noAnchor);
  t.equal(
    read(ZONE, `${'s'.repeat(30)} ${A.tag} ${time(NOW)} ${data(A)}`),
    `${key} "${'s'.repeat(20)}" is no state of a key`,
  );
  t.equal(read(ZONE, `valid ${A.tag} 257 3`), `${key} it has no DNSKEY data`);
  t.equal(read(ZONE, 'ds 1 2'), `${key} it has no DS data`);
  t.equal(
    read(ZONE, `seen ${time(NOW)} 2147483648 ${time(NOW)}`),
    `${key} "2147483648" is no number up to 2147483647`,
    'RFC 2181 section 8: a TTL has 31 bits',
  );
  t.equal(read(ZONE, VALID, VALID), 'line 5: . has a key twice');
  t.equal(
    read(
      ZONE,
      VALID,
      pending(NOW, NOW + 30 * DAY, '0,2'),
      `ds ${printRdata('DS', dsOf(ROOT_ZONE, A, 2))}`,
    ),
    'line 5: there is no key 2 to vouch for it',
  );
  t.equal(
    read(ZONE, VALID, pending(NOW, NOW + 30 * DAY, '1000')),
    'line 5: "1000" is no number up to 999',
  );
  t.equal(
    read(ZONE, VALID, pending(NOW, NOW + 30 * DAY - 1)),
    'line 5: the hold-down is shorter than 30 days',
  );
});

t.test('an hour of a clock set back is let pass, and no more', async (t) => {
  const future = (ms: number): string =>
    `line 4: ${time(ms)} lies in the future: the clock is wrong, or the file is`;
  const missing = (ms: number): string => read(ZONE, `missing ${B.tag} ${time(ms)} ${data(B)}`);
  t.equal(missing(NOW + HOUR), 'missing');
  t.equal(missing(NOW + HOUR + 1), future(NOW + HOUR + 1));
  const next = (ms: number): string => read(`zone . ${time(ms)}`, VALID);
  t.equal(next(NOW + HOUR + 15 * DAY), 'valid');
  t.equal(next(NOW + HOUR + 15 * DAY + 1), 'line 3: the next query lies more than 15 days ahead');
});

t.test('sizes', async (t) => {
  const why = (text: string): string => {
    const parsed = parseState(text, NOW);
    return parsed.kind === 'state' ? 'good' : parsed.why;
  };
  const line = (length: number): string => `zone ${'a'.repeat(length - 5)}`;
  t.match(why(sealed(...HEAD, line(8192))), /is no time/, 'it is read');
  t.match(why(sealed(...HEAD, line(8193))), /longer than 8192/);
  const before = `${HEAD.join('\n')}\n`;
  const filled = (total: number): string => {
    const rows = Array.from({ length: 40 }, () => `${'x'.repeat(6000)}\n`).join('');
    const rest = total - before.length - rows.length;
    const lines = `${'y'.repeat(Math.floor(rest / 4) - 1)}\n`.repeat(3);
    return `${before}${rows}${lines}${'z'.repeat(rest - lines.length)}\n`;
  };
  t.match(why(filled(LARGEST_STATE)), /digest/, 'the last end of a line is behind the border');
  t.match(why(filled(LARGEST_STATE + 1)), /larger than 262144/);
  t.match(why(`${sealed(...HEAD, ZONE, VALID)}\n`), /digest/, 'an empty line behind it');
  t.match(why(sealed(...HEAD, ZONE, VALID).slice(0, -1)), /no end: cut off/);
});

t.test('vouchers that are forgotten are not written', async (t) => {
  const since = NOW - DAY;
  const point = (vouchers: readonly Uint8Array[]) => ({
    zone: ROOT_ZONE,
    ds: [dsOf(ROOT_ZONE, A, 2)],
    keys: [
      { state: 'valid', rdata: A.dnskey } as const,
      { state: 'addpend', rdata: B.dnskey, since, until: since + 30 * DAY, vouchers } as const,
    ],
    seen: undefined,
    nextQueryAt: NOW,
  });
  const written = (...vouchers: Uint8Array[]): string =>
    writeState({ points: [point(vouchers)] }, NOW).split('\n')[5] ?? '';
  const until = time(since + 30 * DAY);
  const other = ksk('gone').dnskey;
  t.equal(written(other, A.dnskey), `addpend ${B.tag} ${time(since)} ${until} 0 ${data(B)}`);
  t.equal(written(A.dnskey, B.dnskey).split(' ')[4], '0,1');
  t.equal(written(other).split(' ')[4], '-');
  const lines = writeState({ points: [point([])] }, NOW).split('\n');
  t.equal(lines[3], `ds ${printRdata('DS', dsOf(ROOT_ZONE, A, 2))}`);
  t.equal(lines[4], VALID);
});

t.test('key tags that are told: in order, each once, and no more than fit', async (t) => {
  const ds = (keyTag: number) =>
    encode('DS', { keyTag, algorithm: 13, digestType: 2, digest: new Uint8Array(32) });
  const anchor = (...tags: readonly number[]) => ({ name: ROOT_ZONE, ds: tags.map(ds), keys: [] });
  t.same(keyTagsOf(anchor(300, 20, 300, 1000)), [20, 300, 1000]);
  t.same(
    keyTagsOf({ ...anchor(), keys: [A.dnskey, Uint8Array.of(1), B.dnskey] }),
    [A.tag, B.tag].sort((a, b) => a - b),
  );
  // RFC 8145 section 5.1: four hexadecimal digits each, in ascending order.
  t.equal(String(keyTagName(anchor(0x9728, 0x4f66))), '_ta-4f66-9728.');
  t.equal(String(keyTagName(anchor(10))), '_ta-000a.');
  t.equal(keyTagName(anchor()), undefined);
  const many = Array.from({ length: 13 }, (_, i) => i + 1);
  const label = String(keyTagName(anchor(...many)));
  t.match(label, /^_ta(-[0-9a-f]{4}){12}\.$/, '63 octets hold twelve');
  t.match(label, /-000c\.$/, 'the least');
});

t.test('sentinels: RFC 8509 section 2', async (t) => {
  const read = (text: string) => sentinelIn(Name.parse(text));
  t.same(read('root-key-sentinel-is-ta-20326.example'), { asks: 'is-ta', keyTag: 20326 });
  t.same(read('ROOT-KEY-SENTINEL-NOT-TA-00007.example'), { asks: 'not-ta', keyTag: 7 });
  t.same(read('root-key-sentinel-is-ta-65535.example'), { asks: 'is-ta', keyTag: 65535 });
  t.equal(read('root-key-sentinel-is-ta-65536.example'), undefined);
  t.equal(read('root-key-sentinel-is-ta-7.example'), undefined, 'five digits');
  t.equal(read('www.root-key-sentinel-is-ta-20326.example'), undefined, 'the leftmost label');
  t.equal(read('.'), undefined);
});

t.test('negative anchors: the border of their lives, and of the tree', async (t) => {
  const anchors = new NegativeAnchors();
  const root = Name.parse('.');
  t.match(
    anchors.add(root, { reason: 'r', now: NOW, lifetimeMs: 1 }),
    {},
    'a millisecond is a life',
  );
  t.same(
    anchors.list(NOW).map(({ name }) => String(name)),
    ['.'],
  );
  t.same(anchors.list(NOW + 1), [], 'it ends with the moment that it names');
  const covers = (now: number) => anchors.covering(Name.parse('a.example'), new Map(), now);
  t.equal(String(covers(NOW)?.name), '.', 'that of the root covers all');
  t.equal(covers(NOW + 1), undefined);
});
