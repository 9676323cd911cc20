/**
 * Files of an operator's, up to a size.
 *
 * Does not: know what stands in them.
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';

export type BoundedFile =
  | { readonly kind: 'octets'; readonly octets: Buffer }
  | { readonly kind: 'unreadable'; readonly why: string };

/**
 * Reads a whole file.
 * @param most  octets; more are not read, so that `/dev/zero` does not fill the memory
 */
export function readUpTo(path: string, most: number): BoundedFile {
  try {
    const octets = readBounded(path, most);
    if (octets) return { kind: 'octets', octets };
    return { kind: 'unreadable', why: 'is too large to be what it should be' };
  } catch (error) {
    return { kind: 'unreadable', why: `cannot be read: ${whyUnreadable(error)}` };
  }
}

/** The whole file; `undefined` where it goes on after `most` octets. */
function readBounded(path: string, most: number): Buffer | undefined {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(most + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += read;
      if (length > most) return undefined;
      if (read === 0) return buffer.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'you are not allowed to',
  EISDIR: 'it is a directory',
};

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return UNREADABLE[code] ?? code;
}
