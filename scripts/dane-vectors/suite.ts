/**
 * Where vectors lie: folders, their manifests, and the three forms in which vectors are written down.
 *
 * Does not: judge them (dane.ts, limbo.ts).
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Collection, readDanetest, readOracle } from './dane.ts';
import { readLimbo } from './limbo.ts';

/** What a run of one vector came to, in the words of the vector: only equal words are agreement. */
export interface Judged {
  readonly expected: string;
  readonly got: string;
  /** More about what was got. */
  readonly detail: string | undefined;
  /** Why we differ where we do so on purpose. */
  readonly why: string | undefined;
}

/** A vector that is yet to be run, with what the manifest says of it. */
export interface Listed {
  /** `folder/file#id` */
  readonly path: string;
  /** The folder. */
  readonly suite: string;
  readonly category: string | undefined;
  readonly applicability: string | undefined;
  readonly run: () => Judged;
}

interface ManifestEntry {
  readonly file: string;
  readonly category?: string;
  readonly applicability?: string;
}
interface Manifest {
  readonly format?: string;
  readonly entries?: readonly ManifestEntry[];
}

const MANIFEST = 'manifest.json';
const OUR_FORMATS = /(DANE-VECTORS\.md|limbo-schema\.json)$/;

/** The vectors at `path`: a folder with a manifest, the manifest itself, or a folder of such folders. */
export function listVectors(path: string): readonly Listed[] {
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  if (existsSync(join(folder, MANIFEST))) {
    const { format = '', entries = [] } = read<Manifest>(join(folder, MANIFEST));
    if (!OUR_FORMATS.test(format))
      throw new TypeError(`${folder}: vectors of the form "${format}" are not run here`);
    return listEntries(folder, entries);
  }
  if (folder !== path) throw new TypeError(`${folder} has no manifest`);
  return readdirSync(path, { withFileTypes: true })
    .filter((item) => item.isDirectory())
    .map((item) => join(path, item.name))
    .sort()
    .filter(holdsVectors)
    .flatMap(listVectors);
}

/** Other corpora may lie beside ours. */
function holdsVectors(folder: string): boolean {
  if (!existsSync(join(folder, MANIFEST)))
    return readdirSync(folder, { withFileTypes: true }).some(
      (item) => item.isDirectory() && holdsVectors(join(folder, item.name)),
    );
  return OUR_FORMATS.test(read<Manifest>(join(folder, MANIFEST)).format ?? '');
}

function listEntries(folder: string, entries: readonly ManifestEntry[]): readonly Listed[] {
  const files = new Map<string, Collection>();
  return entries.map(({ file, category, applicability }) => {
    const [name = '', id = ''] = split(file);
    const collection = files.get(name) ?? open(join(folder, name));
    files.set(name, collection);
    const path = join(folder, file);
    const suite = basename(folder);
    return { path, suite, category, applicability, run: collection.get(id) ?? missing };
  });
}

/** Identifiers may hold what file names hold; a name of a vectors' file does not hold `#`. */
function split(file: string): readonly string[] {
  const at = file.indexOf('#');
  return at < 0 ? [file, ''] : [file.slice(0, at), file.slice(at + 1)];
}

const missing = (): Judged => ({
  expected: 'a vector',
  got: 'none of this name',
  detail: undefined,
  why: undefined,
});

/** Which form it is shows in the file. */
function open(path: string): Collection {
  // Test data whose form its manifest vouches for; what is otherwise shows in what comes out.
  const document = read<Record<string, unknown>>(path);
  if ('testcases' in document) return readLimbo(document);
  if ('trustStores' in document) return readDanetest(document, dirname(path));
  if ('certificates' in document) return readOracle(document);
  throw new TypeError(`${path}: neither DANE vectors nor limbo cases`);
}

// Test data, as above.
const read = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;
