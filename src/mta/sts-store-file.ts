/**
 * The file in which MTA-STS policies survive a restart: a door.
 *
 * Replaced as a whole, so that a crash or a full disk leaves the old one. A file that cannot be read as policies is never
 * replaced: somebody has to look at it. Does not: lock; one process keeps one file.
 * @module
 */
import { readWhole, replaceWhole } from '../resolver/whole-file.ts';
import type { KeptPolicy } from './mta-sts.ts';
import { LARGEST_STORE, parseStore, writeStore } from './sts-store.ts';

export type LoadedPolicies =
  | { readonly kind: 'policies'; readonly policies: readonly KeptPolicy[] }
  | { readonly kind: 'absent' }
  /** `why` begins with the file, and the line where it is one. */
  | { readonly kind: 'refused'; readonly why: string };

/** @param now  milliseconds since 1970: policies from later than that are refused */
export async function loadPolicies(path: string, now: number): Promise<LoadedPolicies> {
  const read = await readWhole(path, LARGEST_STORE);
  if (read.kind !== 'octets') return read;
  if (read.octets.length > LARGEST_STORE)
    return { kind: 'refused', why: `${path}: more than ${LARGEST_STORE} octets` };
  const parsed = parseStore(new TextDecoder().decode(read.octets), now);
  return parsed.kind === 'policies'
    ? parsed
    : { kind: 'refused', why: `${path}: line ${parsed.line}: ${parsed.why}` };
}

/**
 * Replaces the policies in the file, if it holds some or is not there yet. Rejects for nothing that a disk can do.
 * @returns why not, beginning with the file
 */
export async function savePolicies(
  path: string,
  policies: readonly KeptPolicy[],
  now: number,
): Promise<string | undefined> {
  const before = await loadPolicies(path, now);
  if (before.kind === 'refused') return before.why;
  return replaceWhole(path, new TextEncoder().encode(writeStore(policies)));
}
