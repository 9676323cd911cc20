/**
 * The state of trust anchors in the file format of Unbound: read for the beginning of a scenario, and compared with ours.
 *
 * Compared are, per key, the state and the time of its last change where our state knows one; not the texts, and not the
 * other times (RPL-FORMAT section 7).
 * @module
 */
import { Name } from '../../src/dns/name.ts';
import type { Rdata } from '../../src/dns/rdata.ts';
import { parseZone } from '../../src/dns/zone-file.ts';
import { parseDnsKey } from '../../src/dnssec/dnskey.ts';
import {
  type AnchorKey,
  keyIdOf,
  type TrustPoint,
  unrevoked,
} from '../../src/dnssec/trust-point.ts';

/** By the number in the file; START (0) is no key at all. */
const STATES: Readonly<Record<string, AnchorKey['state']>> = {
  1: 'addpend',
  2: 'valid',
  3: 'missing',
  4: 'revoked',
  5: 'removed',
};

interface Row {
  readonly rdata: Rdata;
  readonly state: AnchorKey['state'];
  /** Milliseconds since 1970. */
  readonly changedAt: number | undefined;
}

const SEP = 1;
const DAY_MS = 86_400_000;

/** Trust points as a scenario begins with them. Keys without SEP flag are no anchors, unless there are no others. */
export function readTrustPoints(lines: readonly string[], now: number): readonly TrustPoint[] {
  const records = lines.flatMap((line) => recordOf(line) ?? []);
  const [first] = records;
  if (!first) return [];
  const rows = rowsOf(lines);
  const entryPoints = rows.filter(isEntryPoint);
  const next = Number(/^;;next_probe_time:\s*(\d+)/m.exec(lines.join('\n'))?.[1] ?? 0) * 1000;
  return [
    {
      zone: first.owner,
      ds: records.flatMap(({ type, rdata }) => (type === 'DS' ? [rdata] : [])),
      keys: (entryPoints.length > 0 ? entryPoints : rows).map(keyOf),
      seen: undefined,
      nextQueryAt: Math.max(now, next),
    },
  ];
}

function keyOf({ rdata, state, changedAt = 0 }: Row): AnchorKey {
  const plain = unrevoked(rdata);
  if (state === 'valid') return { state, rdata: plain };
  if (state !== 'addpend') return { state, rdata: plain, since: changedAt };
  return { state, rdata: plain, since: changedAt, until: changedAt + 30 * DAY_MS, vouchers: [] };
}

/** What differs between the lines of a scenario, macros expanded, and our state; nothing where they agree. */
export function compareTrustPoint(
  lines: readonly string[],
  point: TrustPoint | undefined,
): string | undefined {
  const rows = rowsOf(lines).filter(isEntryPoint);
  const expected = new Map(rows.map((row) => [keyIdOf(unrevoked(row.rdata)), row]));
  const got = new Map((point?.keys ?? []).map((key) => [keyIdOf(key.rdata), key]));
  for (const [id, row] of expected) {
    const key = got.get(id);
    const tag = parseDnsKey(row.rdata)?.keyTag;
    if (!key) return `key ${tag}: expected ${row.state}, got none`;
    if (key.state !== row.state) return `key ${tag}: expected ${row.state}, got ${key.state}`;
    if ('since' in key && row.changedAt !== undefined && key.since !== row.changedAt)
      return `key ${tag}: ${row.state} since ${row.changedAt / 1000} expected, got ${key.since / 1000}`;
  }
  // That a key is gone for good is written down here so that it stays out; there it is forgotten.
  for (const [id, key] of got)
    if (!expected.has(id) && key.state !== 'removed')
      return `key ${parseDnsKey(key.rdata)?.keyTag}: ${key.state} unexpectedly`;
  return undefined;
}

const isEntryPoint = ({ rdata }: Pick<Row, 'rdata'>): boolean =>
  ((parseDnsKey(rdata)?.flags ?? 0) & SEP) !== 0;

const recordOf = (line: string) => {
  const text = line.split(';')[0]?.trim() ?? '';
  const file = text === '' ? undefined : parseZone(text, Name.parse('.'), 0);
  return file?.kind === 'records' ? file.records[0] : undefined;
};

const rowsOf = (lines: readonly string[]): readonly Row[] =>
  lines.flatMap((line) => {
    const record = recordOf(line);
    if (record?.type !== 'DNSKEY') return [];
    const state = STATES[/;;state=(\d)/.exec(line)?.[1] ?? '2'];
    const changed = /;;lastchange=(\d+)/.exec(line)?.[1];
    const changedAt = changed === undefined ? undefined : Number(changed) * 1000;
    return state ? [{ rdata: record.rdata, state, changedAt }] : [];
  });
