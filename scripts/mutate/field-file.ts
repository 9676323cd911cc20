/**
 * What the survey found, kept in a file for as long as neither sources nor tests change.
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Field, TimedTest } from './campaign.ts';
import { hashOf, type State } from './state.ts';

interface Kept {
  readonly hash: string;
  readonly tests: readonly (Omit<TimedTest, 'reaches'> & { readonly reaches: readonly number[] })[];
  readonly onLoad: readonly number[];
  readonly leftOut: readonly string[];
}

const hashFor = ({ sources, tests }: Pick<State, 'sources' | 'tests'>): string =>
  hashOf([sources, tests]);
const pathIn = (folder: URL): URL => new URL('field.json', folder);

export function readField(folder: URL, now: Pick<State, 'sources' | 'tests'>): Field | undefined {
  if (!existsSync(pathIn(folder))) return undefined;
  const kept = JSON.parse(readFileSync(pathIn(folder), 'utf8')) as Kept; // written below
  if (kept.hash !== hashFor(now)) return undefined;
  return {
    tests: kept.tests.map((test) => ({ ...test, reaches: new Set(test.reaches) })),
    onLoad: new Set(kept.onLoad),
    leftOut: kept.leftOut,
  };
}

export function writeField(
  folder: URL,
  now: Pick<State, 'sources' | 'tests'>,
  { tests, onLoad, leftOut }: Field,
): void {
  const kept: Kept = {
    hash: hashFor(now),
    tests: tests.map((test) => ({ ...test, reaches: [...test.reaches] })),
    onLoad: [...onLoad],
    leftOut,
  };
  writeFileSync(pathIn(folder), JSON.stringify(kept));
}
