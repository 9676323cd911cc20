/**
 * What a run has found so far, kept in a file so that a run that was stopped goes on where it was.
 *
 * Found for other sources it counts nothing. When only tests have changed, a mutant that was killed stays so while the
 * test that killed it is there; all others are run again.
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export type Result =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'timeout'; readonly by: string }
  /** All tests that reach it, or only those that are not slow. */
  | { readonly kind: 'survived'; readonly tests: 'all' | 'quick' }
  | { readonly kind: 'unreached' };

/** In the place of a test: the modules could not be loaded. */
export const LOADING = 'loading';

export interface State {
  readonly sources: string;
  readonly tests: string;
  /** By the mutant's number. */
  readonly results: Record<string, Result>;
}

export const hashOf = (texts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(texts)).digest('hex');

export const isKilled = (result: Result | undefined): result is Extract<Result, { by: string }> =>
  result?.kind === 'killed' || result?.kind === 'timeout';

const FILE = 'state.json';

/** @param names  of all tests that there are now */
export function readState(
  folder: URL,
  now: Pick<State, 'sources' | 'tests'>,
  names: ReadonlySet<string>,
): State {
  const path = new URL(FILE, folder);
  if (!existsSync(path)) return { ...now, results: {} };
  const kept = JSON.parse(readFileSync(path, 'utf8')) as State; // written below
  if (kept.sources !== now.sources) return { ...now, results: {} };
  const isValid = (result: Result): boolean =>
    kept.tests === now.tests || (isKilled(result) && names.has(result.by));
  const results = Object.entries(kept.results).filter(([, result]) => isValid(result));
  return { ...now, results: Object.fromEntries(results) };
}

export function writeState(folder: URL, state: State): void {
  mkdirSync(folder, { recursive: true });
  const [path, fresh] = [new URL(FILE, folder), new URL(`${FILE}.new`, folder)];
  writeFileSync(fresh, JSON.stringify(state));
  renameSync(fresh, path);
}
