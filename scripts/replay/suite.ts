/**
 * Where scenarios lie: files, folders, and the manifests that say what they are about.
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { Dialect } from './scenario.ts';

/** What a manifest says of a scenario; little where there is none. */
export interface Listed {
  /** As it was given, or below the folder that was. */
  readonly path: string;
  /** The folder with the manifest, or that of the file. */
  readonly suite: string;
  /** What the manifest calls itself. */
  readonly name: string | undefined;
  readonly dialect: Dialect | undefined;
  readonly category: string | undefined;
  readonly applicability: string | undefined;
  readonly tier: number | undefined;
  readonly confidence: string | undefined;
  readonly features: readonly string[];
  /** Extended DNS Errors that the catalogue suggests: any of them. */
  readonly suggested: readonly number[];
}

interface ManifestEntry {
  readonly file: string;
  readonly category?: string;
  readonly applicability?: string;
  readonly tier?: number | null;
  readonly confidence?: string;
  readonly features?: readonly string[];
  readonly edeSuggested?: readonly number[];
}
interface Manifest {
  readonly name?: string;
  readonly dialect?: Dialect;
  readonly entries: readonly ManifestEntry[];
}

const MANIFEST = 'manifest.json';
/** Some are called `.crpl`: their authors ran them under conditions that do not concern us. */
const SCENARIO = /\.c?rpl$/;

/** The scenarios at `path`: a file, or a folder with all that lies below. */
export function listScenarios(path: string): readonly Listed[] {
  if (!statSync(path).isDirectory()) return [describeFile(path)];
  if (existsSync(join(path, MANIFEST))) {
    const manifest = readManifest(path);
    return manifest.entries
      .filter(({ file }) => SCENARIO.test(file))
      .map((entry) => listed(join(path, entry.file), path, manifest, entry));
  }
  return readdirSync(path, { withFileTypes: true })
    .filter((item) => item.isDirectory() || SCENARIO.test(item.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((item) => listScenarios(join(path, item.name)));
}

/** A manifest lies beside the file, or one folder above. */
function describeFile(path: string): Listed {
  for (const folder of [dirname(path), dirname(dirname(resolve(path)))]) {
    if (!existsSync(join(folder, MANIFEST))) continue;
    const manifest = readManifest(folder);
    const file = relative(folder, path);
    const entry = manifest.entries.find((one) => one.file === file);
    if (entry) return listed(path, folder, manifest, entry);
  }
  return listed(path, dirname(path), undefined, undefined);
}

const readManifest = (folder: string): Manifest =>
  // A manifest is as the corpora's README says; one that is not shows in what comes out.
  JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest;

const listed = (
  path: string,
  suite: string,
  manifest: Manifest | undefined,
  entry: ManifestEntry | undefined,
): Listed => ({
  path,
  suite,
  name: manifest?.name,
  dialect: manifest?.dialect,
  category: entry?.category,
  applicability: entry?.applicability,
  tier: entry?.tier ?? undefined,
  confidence: entry?.confidence,
  features: entry?.features ?? [],
  suggested: entry?.edeSuggested ?? [],
});
