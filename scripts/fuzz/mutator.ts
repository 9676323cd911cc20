/**
 * Breaks messages: blindly, and where it hurts (counts, lengths, pointers, label types, borders of records).
 *
 * Does not: know what the reader makes of the result.
 * @module
 */

import { codeOf } from '../../src/dns/codes.ts';
import { TYPED } from '../../test/dns/arbitraries.ts';
import type { Dice } from './dice.ts';

const HEADER = 12;
/** A message never grows beyond this; most stay near what they were. */
const MAX_SIZE = 0xffff;

/** Where things stand in a message, as far as it can be followed. */
interface Landmarks {
  readonly names: readonly number[];
  readonly types: readonly number[];
  readonly lengths: readonly number[];
  /** Where records begin and the last one ends. */
  readonly borders: readonly number[];
}

const u16At = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);

function put(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >> 8;
  octets[at + 1] = value & 0xff;
}

function pastName(octets: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const length = octets[at];
    if (length === undefined || length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
}

function landmarksOf(octets: Uint8Array): Landmarks {
  const names: number[] = [];
  const types: number[] = [];
  const lengths: number[] = [];
  const borders: number[] = [];
  let at = HEADER;
  const questions = u16At(octets, 4);
  for (let i = 0; at < octets.length && names.length < 200; i += 1) {
    borders.push(at);
    names.push(at);
    at = pastName(octets, at);
    types.push(at);
    if (i < questions) at += 4;
    else {
      lengths.push(at + 8);
      names.push(at + 10);
      at += 10 + u16At(octets, at + 8);
    }
  }
  borders.push(at);
  return { names, types, lengths, borders };
}

type Mutation = (octets: Uint8Array, dice: Dice, corpus: readonly Uint8Array[]) => Uint8Array;

const join = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts).subarray(0, MAX_SIZE));

/** Numbers that borders are made of. */
const EDGES = [
  0, 1, 2, 3, 11, 12, 63, 64, 127, 128, 191, 192, 254, 255, 256, 0x3fff, 0x4000, 0x7fff, 0x8000,
  0xffff,
];

const span = (octets: Uint8Array, dice: Dice): [start: number, end: number] => {
  const { borders } = landmarksOf(octets);
  const points =
    dice.below(2) === 0 && borders.length > 1 ? borders : [...octets.keys(), octets.length];
  const [a, b] = [dice.pick(points), dice.pick(points)];
  return [Math.min(a, b), Math.min(Math.max(a, b), octets.length)];
};

/** Sets one octet or two at a place that `places` gives. */
const setAt =
  (
    places: (marks: Landmarks) => readonly number[],
    set: (octets: Uint8Array, at: number, dice: Dice) => void,
  ): Mutation =>
  (octets, dice) => {
    const found = places(landmarksOf(octets));
    if (found.length > 0) set(octets, dice.pick(found), dice);
    return octets;
  };

const MUTATIONS: readonly Mutation[] = [
  (octets, dice) => {
    for (let i = dice.below(3); i >= 0; i -= 1) {
      const at = dice.below(octets.length);
      octets[at] = (octets[at] ?? 0) ^ (1 << dice.below(8));
    }
    return octets;
  },
  (octets, dice) => {
    octets.set(dice.octets(Math.min(1 + dice.below(16), octets.length)), 0);
    return octets;
  },
  (octets, dice) => {
    const run = dice.octets(Math.min(1 + dice.below(40), octets.length));
    octets.set(run, dice.below(octets.length - run.length + 1));
    return octets;
  },
  // counts
  (octets, dice) => {
    const at = 4 + 2 * dice.below(4);
    put(octets, at, dice.below(2) === 0 ? u16At(octets, at) + dice.below(3) - 1 : dice.pick(EDGES));
    return octets;
  },
  // RDLENGTH
  setAt(
    ({ lengths }) => lengths,
    (octets, at, dice) =>
      put(
        octets,
        at,
        dice.below(2) === 0 ? u16At(octets, at) + dice.below(5) - 2 : dice.pick(EDGES),
      ),
  ),
  // pointers: backward, forward, to themselves
  setAt(
    ({ names }) => names,
    (octets, at, dice) =>
      put(octets, at, 0xc000 | dice.pick([at, at - 1, at + 2, dice.below(at + 1), HEADER])),
  ),
  (octets, dice) => {
    put(octets, dice.below(octets.length), 0xc000 | dice.below(octets.length));
    return octets;
  },
  // label types and lengths
  setAt(
    ({ names }) => names,
    (octets, at, dice) => {
      octets[at] = dice.pick([0, 1, 63, 64, 0x41, 0x80, 0xbf, 0xc0, 0xff]);
    },
  ),
  // the same octets as another type
  setAt(
    ({ types }) => types,
    (octets, at, dice) =>
      put(octets, at, dice.below(4) === 0 ? dice.below(0x10000) : codeOf(dice.pick(TYPED))),
  ),
  // edges anywhere
  (octets, dice) => {
    put(octets, dice.below(octets.length), dice.pick(EDGES));
    return octets;
  },
  // cut short
  (octets, dice) => octets.slice(0, dice.below(octets.length + 1)),
  // put in, take out, repeat, splice
  (octets, dice) => {
    const at = dice.below(octets.length + 1);
    return join(octets.subarray(0, at), dice.octets(1 + dice.below(30)), octets.subarray(at));
  },
  (octets, dice) => {
    const [start, end] = span(octets, dice);
    return join(octets.subarray(0, start), octets.subarray(end));
  },
  (octets, dice) => {
    const [start, end] = span(octets, dice);
    return join(octets.subarray(0, end), octets.subarray(start));
  },
  (octets, dice, corpus) => {
    const other = dice.pick(corpus);
    const [start, end] = span(other, dice);
    const at = Math.min(dice.pick(landmarksOf(octets).borders), octets.length);
    return join(octets.subarray(0, at), other.subarray(start, end), octets.subarray(at));
  },
];

/** One message in a hundred has its last part repeated until it is large. */
function grow(octets: Uint8Array, dice: Dice): Uint8Array {
  const [start, end] = span(octets, dice);
  const part = octets.subarray(start, end);
  if (part.length === 0) return octets;
  const times = Math.floor(dice.below(MAX_SIZE - octets.length + 1) / part.length);
  const grown = join(octets, ...Array.from({ length: times }, () => part));
  for (let at = 6; at < HEADER; at += 2) if (dice.below(2) === 0) put(grown, at, 0xffff);
  return grown;
}

/**
 * Makes the counts true again and cuts off what is no whole record, so that damage inside records gets to be read:
 * without it nine messages of ten fail at their end.
 */
function mend(octets: Uint8Array): Uint8Array {
  const { borders } = landmarksOf(octets);
  const questions = Math.min(u16At(octets, 4), borders.length - 1);
  const whole = borders.filter((at) => at <= octets.length && at >= HEADER);
  const mended = octets.slice(0, whole.at(-1) ?? HEADER);
  const records = Math.max(0, whole.length - 1 - questions);
  put(mended, 4, Math.min(questions, Math.max(0, whole.length - 1)));
  put(mended, 6, records >> 1);
  put(mended, 8, 0);
  put(mended, 10, records - (records >> 1));
  return mended;
}

/** A message made by chance alone: from the corpus and broken a few times, or nothing but octets. */
export function mutate(corpus: readonly Uint8Array[], dice: Dice): Uint8Array {
  if (dice.below(50) === 0) return join(dice.octets(4), dice.octets(dice.below(600)));
  let octets: Uint8Array = new Uint8Array(dice.pick(corpus));
  for (let i = dice.below(3); i >= 0 && octets.length >= HEADER; i -= 1)
    octets = new Uint8Array(dice.pick(MUTATIONS)(octets, dice, corpus));
  if (octets.length < HEADER) return octets;
  if (dice.below(3) > 0) octets = mend(octets);
  return dice.below(100) === 0 ? grow(octets, dice) : octets;
}
