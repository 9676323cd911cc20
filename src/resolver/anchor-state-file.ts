/**
 * The file in which trust points survive a restart: a door.
 *
 * Written beside it, synchronised and renamed over it, so that a crash or a full disk leaves the old one whole. A file
 * that cannot be read as a state is never replaced: somebody has to look at it.
 * Does not: lock; one process keeps one file.
 * @module
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type AnchorState, LARGEST_STATE, parseState, writeState } from '../dnssec/anchor-state.ts';
import { codeOf, messageOf, readWhole, replaceWhole } from './whole-file.ts';

export type LoadedState =
  | { readonly kind: 'state'; readonly state: AnchorState }
  | { readonly kind: 'absent' }
  /** `why` begins with the file, and the line where it is one. */
  | { readonly kind: 'refused'; readonly why: string };

export type SavedState =
  | { readonly kind: 'saved' }
  /** What was there before is still there. */
  | { readonly kind: 'refused'; readonly why: string };

/** @param now  milliseconds since 1970: a state from later than that is refused */
export async function loadAnchorState(path: string, now: number): Promise<LoadedState> {
  const read = await readWhole(path, LARGEST_STATE);
  if (read.kind !== 'octets') return read;
  const parsed = parseState(Buffer.from(read.octets).toString('latin1'), now);
  return parsed.kind === 'state'
    ? parsed
    : { kind: 'refused', why: `${path}: line ${parsed.line}: ${parsed.why}` };
}

/**
 * Makes the folder where there is none, and those above it.
 * @returns why there is none
 */
export async function makeStateFolder(path: string): Promise<string | undefined> {
  try {
    await makeFolder(resolve(path));
    return undefined;
  } catch (error) {
    return `${path}: ${messageOf(error)}`;
  }
}

/** Step by step: Node's `recursive` never ends where a file system takes no folders and says ENOENT, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/** Replaces the state in the file, if it holds one or is not there yet. Rejects for nothing that a disk can do. */
export async function saveAnchorState(
  path: string,
  state: AnchorState,
  now: number,
): Promise<SavedState> {
  const before = await loadAnchorState(path, now);
  if (before.kind === 'refused') return before;
  const text = writeState(state, now);
  const again = parseState(text, now);
  if (again.kind === 'refused')
    return { kind: 'refused', why: `${path}: not written, for line ${again.line}: ${again.why}` };
  const why = await replaceWhole(path, Buffer.from(text, 'latin1'));
  return why === undefined ? { kind: 'saved' } : { kind: 'refused', why };
}
