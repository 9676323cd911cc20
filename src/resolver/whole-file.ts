/**
 * Files that are read whole and replaced whole: a door.
 *
 * Written beside it, synchronised and renamed over it, so that a crash or a full disk leaves the old one whole.
 * Does not: lock, or know what is in a file.
 * @module
 */
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export type WholeFile =
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'absent' }
  /** `why` begins with the file. */
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Reads a regular file. Of one that is larger than it may be, one octet more than that comes back, to see it by.
 * @param largest  octets
 */
export async function readWhole(path: string, largest: number): Promise<WholeFile> {
  let file: FileHandle | undefined;
  try {
    const found = await lstat(path);
    if (!found.isFile()) return { kind: 'refused', why: `${path}: it is no regular file` };
    file = await open(path, 'r');
    const buffer = Buffer.alloc(Math.min(largest, found.size) + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { kind: 'octets', octets: new Uint8Array(buffer.buffer, buffer.byteOffset, bytesRead) };
  } catch (error) {
    return codeOf(error) === 'ENOENT'
      ? { kind: 'absent' }
      : { kind: 'refused', why: `${path}: ${messageOf(error)}` };
  } finally {
    await file?.close();
  }
}

/** @returns why it was not replaced, beginning with the file; what was there before is still there then */
export async function replaceWhole(path: string, octets: Uint8Array): Promise<string | undefined> {
  const beside = `${path}.new`;
  try {
    await writeThrough(beside, octets);
    await rename(beside, path);
    await synchronise(dirname(path));
    return undefined;
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    return `${path}: ${messageOf(error)}`;
  }
}

/** The octets are on the disk when this resolves. What a crash has left beside is ours to replace, and no link is followed. */
async function writeThrough(path: string, octets: Uint8Array): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(octets);
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

export const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
