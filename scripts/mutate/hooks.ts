/**
 * Loader hooks of a worker: modules of src/dnssec come with their mutants in them, and `tap` is the stand-in of tap.ts.
 *
 * Runs on the loader's own thread. Does not: make the modules; they are read from a folder.
 * @module
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path/posix';

interface Given {
  /** URL of the compiled src/dnssec, with a slash at the end. */
  readonly replaced: string;
  /** URL of the folder with the instrumented modules. */
  readonly instrumented: string;
  /** URL of the stand-in. */
  readonly tap: string;
}
interface Resolved {
  readonly url: string;
  readonly shortCircuit?: boolean;
}
interface Loaded {
  readonly format: string;
  readonly source: string;
  readonly shortCircuit: boolean;
}

let given: Given | undefined;
/** Test files import tap's default export, which our own modules may not have. */
const TAP = 'mutate:tap';

export function initialize(data: Given): void {
  given = data;
}

export const resolve = (
  specifier: string,
  context: unknown,
  next: (specifier: string, context: unknown) => Promise<Resolved>,
): Promise<Resolved> | Resolved =>
  specifier === 'tap' ? { url: TAP, shortCircuit: true } : next(specifier, context);

export function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> | Loaded {
  if (given && url === TAP)
    return fromText(`export { root as default } from ${JSON.stringify(given.tap)};`);
  if (!given || !url.startsWith(given.replaced)) return next(url, context);
  return fromText(readFileSync(new URL(basename(url), given.instrumented), 'utf8'));
}

const fromText = (source: string): Loaded => ({ format: 'module', source, shortCircuit: true });
