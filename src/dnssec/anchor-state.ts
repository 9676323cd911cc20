/**
 * Trust points as text, so that a rollover that takes a month survives a restart.
 *
 * One line a fact, a version before and a digest behind, so that a file that is cut off, altered or somebody else's is
 * told from a whole one. The digest is no secret: who may write the file may change the anchors.
 * Does not: touch files (resolver/anchor-state-file.ts does).
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { Name } from '../dns/name.ts';
import { parseRdata, printRdata } from '../dns/presentation.ts';
import { hex } from '../dns/radix.ts';
import type { Rdata } from '../dns/rdata.ts';
import { parseDnsKey } from './dnskey.ts';
import { ADD_HOLD_DOWN_MS } from './rollover.ts';
import { type AnchorKey, keyIdOf, type TrustPoint } from './trust-point.ts';

/** The first line. Another version is another file's business. */
export const STATE_HEADER = 'danelaw trust anchors 1';
/** Octets: room for dozens of keys at each of a few points, and little enough to be read at once. */
export const LARGEST_STATE = 262_144;
/** No key of 4096 bits takes more. */
const LONGEST_LINE = 8192;
/** A clock that was set back by less since the file was written is let pass; it is the shortest query interval. */
const FUTURE_SLACK_MS = 3_600_000;
/** RFC 5011 section 2.3: nothing waits longer to be asked. */
const LONGEST_PAUSE_MS = 15 * 86_400_000;

export interface AnchorState {
  readonly points: readonly TrustPoint[];
}

export type ParsedState =
  | { readonly kind: 'state'; readonly state: AnchorState }
  /** `line` is the first that is wrong; the first of all is 1. */
  | { readonly kind: 'refused'; readonly line: number; readonly why: string };

/** @param now  when it is written: a state may not come from the future of whoever reads it */
export function writeState({ points }: AnchorState, now: number): string {
  const lines = [STATE_HEADER, `written ${time(now)}`, ...points.flatMap(writePoint)];
  const body = lines.map((line) => `${line}\n`).join('');
  return `${body}sha256 ${digestOf(body)}\n`;
}

const time = (ms: number): string => new Date(ms).toISOString();
const digestOf = (body: string): string => hex.print(sha256(new TextEncoder().encode(body)));

function writePoint({ zone, ds, keys, seen, nextQueryAt }: TrustPoint): string[] {
  const seenLine = seen && `seen ${time(seen.at)} ${seen.originalTtl} ${time(seen.expiresAt)}`;
  return [
    `zone ${zone} ${time(nextQueryAt)}`,
    ...(seenLine ? [seenLine] : []),
    ...ds.map((rdata) => `ds ${printRdata('DS', rdata)}`),
    ...keys.map((key) => `${writeKey(key, keys)} ${printRdata('DNSKEY', key.rdata)}`),
  ];
}

/** Vouchers by their number among the keys of the zone, from 0. */
function writeKey(key: AnchorKey, keys: readonly AnchorKey[]): string {
  const tag = parseDnsKey(key.rdata)?.keyTag ?? 0;
  switch (key.state) {
    case 'addpend': {
      const ids = keys.map(({ rdata }) => keyIdOf(rdata));
      const vouchers = key.vouchers.map((rdata) => ids.indexOf(keyIdOf(rdata)));
      const list = vouchers.filter((index) => index >= 0).join(',') || '-';
      return `addpend ${tag} ${time(key.since)} ${time(key.until)} ${list}`;
    }
    case 'valid':
      return `valid ${tag}`;
    case 'missing':
    case 'revoked':
    case 'removed':
      return `${key.state} ${tag} ${time(key.since)}`;
  }
}

/** The text cannot be read as a state. */
class StateProblem extends TypeError {
  readonly line: number;

  constructor(line: number, why: string) {
    super(why);
    this.line = line;
  }
}

/**
 * Reads what `writeState` wrote.
 *
 * @param now  a state that was written later than that is refused: under it every hold-down would look shorter
 * @returns the state, or the first line that is wrong and why; never a part of a state
 */
export function parseState(text: string, now: number): ParsedState {
  try {
    return { kind: 'state', state: new StateReader(text, now).read() };
  } catch (error) {
    if (error instanceof StateProblem)
      return { kind: 'refused', line: error.line, why: error.message };
    throw error;
  }
}

interface Draft {
  readonly zone: Name;
  readonly nextQueryAt: number;
  readonly ds: Rdata[];
  readonly keys: DraftKey[];
  seen: TrustPoint['seen'];
}
/** Vouchers may stand on later lines. */
interface DraftKey {
  readonly key: AnchorKey;
  readonly vouchers: readonly number[];
  readonly line: number;
}

class StateReader {
  readonly #lines: readonly string[];
  readonly #latest: number;
  readonly #drafts: Draft[] = [];
  #line = 0;

  constructor(text: string, now: number) {
    this.#latest = now + FUTURE_SLACK_MS;
    if (!text.startsWith(`${STATE_HEADER}\n`))
      throw new StateProblem(
        1,
        `it does not begin with "${STATE_HEADER}": it is another program's`,
      );
    this.#lines = splitLines(text);
  }

  read(): AnchorState {
    const last = this.#lines.length;
    const body = this.#lines.slice(0, -1);
    const digest = `sha256 ${digestOf(body.map((line) => `${line}\n`).join(''))}`;
    if (this.#lines.at(-1) !== digest)
      throw new StateProblem(
        last,
        'it does not end with the digest of what stands above: cut off or altered',
      );
    for (const line of body) {
      this.#line += 1;
      if (this.#line > 1) this.#read(line.split(' '));
    }
    if (this.#drafts.length === 0) this.#fail('it has no zone');
    return { points: this.#drafts.map((draft) => this.#finish(draft)) };
  }

  #fail(why: string): never {
    throw new StateProblem(this.#line, why);
  }

  #read([kind, ...words]: readonly string[]): void {
    switch (kind) {
      case 'written':
        this.#past(words[0]);
        return;
      case 'zone':
        this.#drafts.push(this.#zone(words));
        return;
      case 'seen':
        this.#draft.seen = {
          at: this.#past(words[0]),
          originalTtl: this.#number(words[1], 2 ** 31 - 1),
          expiresAt: this.#time(words[2]),
        };
        return;
      case 'ds':
        this.#draft.ds.push(this.#rdata('DS', words));
        return;
      default:
        this.#draft.keys.push(this.#key(kind, words));
    }
  }

  get #draft(): Draft {
    return this.#drafts.at(-1) ?? this.#fail('no zone stands above it');
  }

  #zone([text = '', next]: readonly string[]): Draft {
    const nextQueryAt = this.#time(next);
    if (nextQueryAt > this.#latest + LONGEST_PAUSE_MS)
      this.#fail('the next query lies more than 15 days ahead');
    try {
      return { zone: Name.parse(text), nextQueryAt, ds: [], keys: [], seen: undefined };
    } catch {
      return this.#fail(`"${text}" is no domain name`);
    }
  }

  #key(state: string | undefined, words: readonly string[]): DraftKey {
    const count = state === 'addpend' ? 4 : state === 'valid' ? 1 : 2;
    const rdata = this.#rdata('DNSKEY', words.slice(count));
    const [tag, since, until, list = '-'] = words;
    const key = parseDnsKey(rdata);
    if (!key?.isZoneKey || key.isRevoked) this.#fail('it is no zone key without the REVOKE bit');
    if (key.keyTag !== this.#number(tag, 0xffff)) this.#fail(`the key's tag is ${key.keyTag}`);
    const draft = (one: AnchorKey, vouchers: readonly number[] = []): DraftKey => ({
      key: one,
      vouchers,
      line: this.#line,
    });
    switch (state) {
      case 'valid':
        return draft({ state, rdata });
      case 'missing':
      case 'revoked':
      case 'removed':
        return draft({ state, rdata, since: this.#past(since) });
      case 'addpend': {
        const times = { since: this.#past(since), until: this.#time(until) };
        if (times.until - times.since < ADD_HOLD_DOWN_MS)
          this.#fail('the hold-down is shorter than 30 days');
        const vouchers = list === '-' ? [] : list.split(',').map((one) => this.#number(one, 999));
        return draft({ state, rdata, ...times, vouchers: [] }, vouchers);
      }
      default:
        return this.#fail(`"${state?.slice(0, 20)}" is no state of a key`);
    }
  }

  #finish({ zone, nextQueryAt, ds, keys, seen }: Draft): TrustPoint {
    const ids = new Set(keys.map(({ key }) => keyIdOf(key.rdata)));
    if (ids.size < keys.length) this.#fail(`${zone} has a key twice`);
    const resolve = ({ key, vouchers, line }: DraftKey): AnchorKey => {
      if (key.state !== 'addpend') return key;
      const found = vouchers.map((index) => {
        const voucher = keys[index]?.key.rdata;
        if (!voucher) throw new StateProblem(line, `there is no key ${index} to vouch for it`);
        return voucher;
      });
      return { ...key, vouchers: found };
    };
    return { zone, ds, keys: keys.map(resolve), seen, nextQueryAt };
  }

  #rdata(type: 'DS' | 'DNSKEY', words: readonly string[]): Rdata {
    try {
      return parseRdata(type, words.join(' '));
    } catch {
      return this.#fail(`it has no ${type} data`);
    }
  }

  #number(text: string | undefined, most: number): number {
    const value = /^\d{1,10}$/.test(text ?? '') ? Number(text) : Number.NaN;
    return value <= most ? value : this.#fail(`"${text?.slice(0, 20)}" is no number up to ${most}`);
  }

  #time(text: string | undefined): number {
    const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text ?? '')
      ? Date.parse(text ?? '')
      : Number.NaN;
    return Number.isNaN(ms) ? this.#fail(`"${text?.slice(0, 30)}" is no time`) : ms;
  }

  #past(text: string | undefined): number {
    const ms = this.#time(text);
    if (ms > this.#latest)
      this.#fail(`${text} lies in the future: the clock is wrong, or the file is`);
    return ms;
  }
}

/** @throws StateProblem where it is larger than any state, before anything of it is looked at */
function splitLines(text: string): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    const line = lines.length + 1;
    if (end - at > LONGEST_LINE)
      throw new StateProblem(line, `the line is longer than ${LONGEST_LINE} characters`);
    if (found < 0) throw new StateProblem(line, 'the line has no end: cut off');
    if (end > LARGEST_STATE)
      throw new StateProblem(line, `it is larger than ${LARGEST_STATE} octets`);
    lines.push(text.slice(at, end));
    at = end + 1;
  }
  return lines;
}
