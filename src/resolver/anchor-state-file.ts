/**
 * The file in which trust points survive a restart: a door.
 *
 * Written beside it, synchronised and renamed over it, so that a crash or a full disk leaves the old one whole. A file
 * that cannot be read as a state is never replaced: somebody has to look at it.
 * Does not: lock; one process keeps one file.
 * @module
 */
import { type FileHandle, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type AnchorState, LARGEST_STATE, parseState, writeState } from '../dnssec/anchor-state.ts';

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
  const read = await readWhole(path);
  if (read.kind !== 'text') return read;
  const parsed = parseState(read.text, now);
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
  const beside = `${path}.new`;
  try {
    await writeThrough(beside, text);
    await rename(beside, path);
    await synchronise(dirname(path));
    return { kind: 'saved' };
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    return { kind: 'refused', why: `${path}: ${messageOf(error)}` };
  }
}

type Read =
  | { readonly kind: 'text'; readonly text: string }
  | Exclude<LoadedState, { kind: 'state' }>;

/** At most as much as a state can be, and one octet to see that there is more. */
async function readWhole(path: string): Promise<Read> {
  let file: FileHandle | undefined;
  try {
    if (!(await lstat(path)).isFile())
      return { kind: 'refused', why: `${path}: it is no regular file` };
    file = await open(path, 'r');
    const buffer = Buffer.alloc(LARGEST_STATE + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { kind: 'text', text: buffer.toString('latin1', 0, bytesRead) };
  } catch (error) {
    return codeOf(error) === 'ENOENT'
      ? { kind: 'absent' }
      : { kind: 'refused', why: `${path}: ${messageOf(error)}` };
  } finally {
    await file?.close();
  }
}

/** The octets are on the disk when this resolves. What a crash has left beside is ours to replace, and no link is followed. */
async function writeThrough(path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(text, 'latin1');
    await file.sync();
  } finally {
    await file.close();
  }
}

/** So that the new name outlives a crash too. */
async function synchronise(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;
const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
