/**
 * The file in which the sums for TLS reports survive a restart: a door.
 *
 * Replaced as a whole, so that a crash or a full disk leaves the old one. A file that cannot be read as sums is never
 * replaced: somebody has to look at it. Does not: lock; one process keeps one file.
 * @module
 */
import { readWhole, replaceWhole } from '../resolver/whole-file.ts';
import { type Limits, REPORT_LIMITS, TlsReports } from './tlsrpt.ts';
import { parseReports, writeReports } from './tlsrpt-state.ts';

/** Octets: all that is kept, each character escaped, and as much for what stands around it. */
const LARGEST = 4 * REPORT_LIMITS.characters;

export type LoadedReports =
  /** Empty where there was no file. */
  | { readonly kind: 'reports'; readonly reports: TlsReports }
  /** `why` begins with the file, and the line where it is one. */
  | { readonly kind: 'refused'; readonly why: string };

export async function loadReports(path: string, limits?: Limits): Promise<LoadedReports> {
  const reports = new TlsReports(limits);
  const read = await readWhole(path, LARGEST);
  if (read.kind === 'refused') return read;
  if (read.kind === 'absent') return { kind: 'reports', reports };
  if (read.octets.length > LARGEST)
    return { kind: 'refused', why: `${path}: more than ${LARGEST} octets` };
  const parsed = parseReports(new TextDecoder().decode(read.octets));
  if (parsed.kind === 'refused')
    return { kind: 'refused', why: `${path}: line ${parsed.line}: ${parsed.why}` };
  for (const day of parsed.days) reports.restore(day);
  return { kind: 'reports', reports };
}

/**
 * Replaces the sums in the file, if it holds some or is not there yet. Rejects for nothing that a disk can do.
 * @returns why not, beginning with the file
 */
export async function saveReports(path: string, reports: TlsReports): Promise<string | undefined> {
  const before = await loadReports(path);
  if (before.kind === 'refused') return before.why;
  return replaceWhole(path, new TextEncoder().encode(writeReports(reports)));
}
