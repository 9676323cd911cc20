// The state of a rollover as text and as a file: what is refused, and what stays whole when something fails.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type AnchorState, parseState, writeState } from '../../src/dnssec/anchor-state.ts';
import { observe } from '../../src/dnssec/rollover.ts';
import { startPoint } from '../../src/dnssec/trust-point.ts';
import { loadAnchorState, saveAnchorState } from '../../src/resolver/anchor-state-file.ts';
import { dsOf } from '../../src/testing/keys.ts';
import { keySet, ksk, ROOT_ZONE, revokedForm } from '../dnssec/key-sets.ts';
import { contextAt } from '../dnssec/support.ts';

const NOW = Date.UTC(2026, 10, 24, 14);
const DAY = 86_400_000;

/** A state with a key of each kind and a configured DS. */
function richState(): AnchorState {
  const [a, b, c, d, e] = [ksk('a'), ksk('b'), ksk('c'), ksk('d'), ksk('e')];
  const anchor = {
    name: ROOT_ZONE,
    ds: [dsOf(ROOT_ZONE, e, 2)],
    keys: [a, b, c].map((key) => key.dnskey),
  };
  const before = NOW - DAY;
  const first = observe(
    startPoint(anchor, before),
    keySet({ signers: [a, revokedForm(b)], others: [d], at: before }),
    contextAt(before / 1000),
  );
  return {
    points: [
      first.point,
      startPoint({ ...anchor, name: ROOT_ZONE.child('example') ?? ROOT_ZONE }, NOW),
    ],
  };
}

const STATE = richState();
const TEXT = writeState(STATE, NOW);

t.test('a state is read as it was written', (t) => {
  t.strictSame(parseState(TEXT, NOW), { kind: 'state', state: STATE });
  t.strictSame(
    STATE.points[0]?.keys.map(({ state }) => state),
    ['valid', 'missing', 'revoked', 'addpend'],
  );
  t.match(TEXT, /^danelaw trust anchors 1\nwritten 2026-11-24T14:00:00\.000Z\nzone \. /);
  t.end();
});

t.test('cut off anywhere, or with any octet changed, it is refused with a line', (t) => {
  for (let at = 0; at < TEXT.length; at += 7) {
    const cut = parseState(TEXT.slice(0, at), NOW);
    if (cut.kind === 'state' || cut.line < 1) t.fail(`cut at ${at}`);
    const flipped = `${TEXT.slice(0, at)}${TEXT[at] === '1' ? '2' : '1'}${TEXT.slice(at + 1)}`;
    if (parseState(flipped, NOW).kind === 'state') t.fail(`changed at ${at}`);
  }
  t.match(parseState(TEXT.slice(0, 200), NOW), { why: /cut off/ });
  t.end();
});

t.test('another program’s, another version’s, and an empty file', (t) => {
  for (const text of [
    '',
    '; autotrust trust anchor file\n',
    TEXT.replace('anchors 1', 'anchors 2'),
  ])
    t.match(parseState(text, NOW), { kind: 'refused', line: 1, why: /another program/ });
  t.end();
});

t.test('a state from the future is refused: its hold-downs would look shorter', (t) => {
  t.match(parseState(TEXT, NOW - 2 * 3_600_000), { kind: 'refused', line: 2, why: /future/ });
  t.equal(parseState(TEXT, NOW - 60_000).kind, 'state', 'a clock set right by a minute');
  t.equal(parseState(TEXT, NOW + 400 * DAY).kind, 'state', 'an old one is good');
  t.end();
});

t.test('a hold-down that was made shorter is refused, whoever has done it', (t) => {
  const [point] = STATE.points;
  if (!point) throw new Error('a point');
  const keys = point.keys.map((key) =>
    key.state === 'addpend' ? { ...key, until: key.since + 29 * DAY } : key,
  );
  const text = writeState({ points: [{ ...point, keys }] }, NOW);
  t.match(parseState(text, NOW), { kind: 'refused', why: /shorter than 30 days/ });
  const far = writeState({ points: [{ ...point, nextQueryAt: NOW + 60 * DAY }] }, NOW);
  t.match(parseState(far, NOW), { kind: 'refused', line: 3, why: /15 days/ });
  t.end();
});

t.test('adversarial row 82: a line of 1 MB', (t) => {
  const began = process.cpuUsage().user;
  const lines = TEXT.split('\n');
  const long = [...lines.slice(0, 3), `valid ${'A'.repeat(1_000_000)}`, ...lines.slice(3)].join(
    '\n',
  );
  t.match(parseState(long, NOW), { kind: 'refused', line: 4, why: /longer than/ });
  const endless = `${lines.slice(0, 3).join('\n')}\n${'A'.repeat(1_000_000)}`;
  t.match(parseState(endless, NOW), { kind: 'refused', line: 4, why: /longer than/ });
  const many = `${lines.slice(0, 3).join('\n')}\n${'x\n'.repeat(500_000)}`;
  t.match(parseState(many, NOW), { kind: 'refused', why: /larger than/ });
  t.ok(process.cpuUsage().user - began < 2_000_000, 'without any work worth naming');
  t.end();
});

t.test('the file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'danelaw-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'anchors.state');
  t.strictSame(await loadAnchorState(path, NOW), { kind: 'absent' });
  t.strictSame(await saveAnchorState(path, STATE, NOW), { kind: 'saved' });
  t.strictSame(await loadAnchorState(path, NOW), { kind: 'state', state: STATE });
  writeFileSync(`${path}.new`, 'what a crash has left');
  t.strictSame(await saveAnchorState(path, { points: STATE.points.slice(0, 1) }, NOW), {
    kind: 'saved',
  });
  t.notOk(existsSync(`${path}.new`));

  const whole = readFileSync(path, 'latin1');
  for (const [claim, text] of [
    ['torn', whole.slice(0, 300)],
    ['foreign', 'precious\n'],
    ['a line of 1 MB', `danelaw trust anchors 1\n${'A'.repeat(1_000_000)}\n`],
    ['empty', ''],
  ] as const) {
    writeFileSync(path, text);
    const loaded = await loadAnchorState(path, NOW);
    t.equal(loaded.kind === 'refused' && loaded.why.startsWith(`${path}: line `), true, claim);
    t.strictSame(await saveAnchorState(path, STATE, NOW), loaded, `${claim}: not replaced`);
    t.equal(readFileSync(path, 'latin1'), text, `${claim}: nor touched`);
  }
  rmSync(path);
  symlinkSync('/nonexistent', path);
  t.match(await saveAnchorState(path, STATE, NOW), { kind: 'refused', why: /no regular file/ });
});

t.test('adversarial row 82: a write that fails leaves the last good copy', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'danelaw-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'anchors.state');
  await saveAnchorState(path, STATE, NOW);
  const whole = readFileSync(path, 'latin1');
  // The name beside it is taken by what cannot be replaced: as good as a full disk, and root cannot write through it.
  mkdirSync(`${path}.new/full`, { recursive: true });
  const saved = await saveAnchorState(path, { points: STATE.points.slice(0, 1) }, NOW);
  t.match(saved, { kind: 'refused', why: new RegExp(`^${path}: `) });
  t.equal(readFileSync(path, 'latin1'), whole);
});
