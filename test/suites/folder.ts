/**
 * Runs the tests of a whole folder in one process: a process for each file costs more than most files themselves.
 *
 * Does not: run a single file; tap does that with its path (`npx tap run build/test/dns/name.test.js`).
 * @module
 */
import { readdirSync } from 'node:fs';

export async function runFolder(folder: string): Promise<void> {
  const at = new URL(`../${folder}/`, import.meta.url);
  const files = readdirSync(at).filter((file) => file.endsWith('.test.js'));
  for (const file of files.sort()) await import(new URL(file, at).href);
}
