/**
 * The rules of ARCHITECTURE.md that no compiler checks, as a function from sources to what breaks them.
 *
 * Does not: read files (layout.test.ts does), nor parse TypeScript: one pattern a rule, on text without comments.
 * @module
 */
import { posix } from 'node:path';

/** Sources by their path from src/: `dns/name.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** A folder may import from those of lower floors. Two of the same floor have never heard of each other. */
const FLOORS: Readonly<Record<string, number>> = {
  'environment.ts': 0,
  dns: 1,
  dnssec: 2,
  tls: 2,
  resolver: 3,
  dane: 3,
  mta: 4,
  'environment-node.ts': 4,
  server: 5,
  adapters: 5,
  cli: 5,
  'index.ts': 5,
};

/** What the picture says beyond the floors: these import from nothing else. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  tls: ['tls', 'environment.ts'],
  testing: ['testing', 'dns', 'dnssec', 'environment.ts'],
};
/** The command line has a demo, so it sits above the testing internet; and the package's public names are its to use. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  cli: ['testing', 'index.ts', 'server'],
  adapters: ['index.ts'],
};

/** `index.ts` fills in what Node offers; it does nothing else. */
const DOORS =
  /^(index\.ts$|cli\/|adapters\/|testing\/)|(^|\/)(environment-node|udp-tcp|streams|sockets|connect|https|redis|listen-[a-z-]+|[a-z-]+-file)\.ts$/;
const OUTSIDE =
  /\b(Date\.now|performance\.now|Math\.random|set(Timeout|Interval|Immediate)|queueMicrotask|console\.|process\.)|new Date\(\)|'node:(child_process|cluster|dgram|dns|fs|http|http2|https|inspector|net|process|readline|timers|tls|worker_threads)(\/promises)?'/;
const MAY_HASH = /^(dnssec\/engine-native\.ts|environment-node\.ts|(tls|testing)\/.*)$/;

/** The guide is 400; this is where it ends. */
const MAX_LINES = 450;

export const partOf = (path: string): string => path.split('/')[0] ?? path;

/** Comments removed, so that prose may speak of what code may not do. Quotes inside of which `//` stands survive. */
const withoutComments = (text: string): string =>
  text.replaceAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\/\*[\s\S]*?\*\/|\/\/.*/g, (match) =>
    match.startsWith('/') ? '' : match,
  );

function importsOf(text: string): string[] {
  const found = withoutComments(text).matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)'([^']+)'/g);
  return [...found].map((match) => match[1] ?? '');
}

const localImports = (path: string, text: string): string[] =>
  importsOf(text)
    .filter((target) => target.startsWith('.'))
    .map((target) => posix.join(posix.dirname(path), target));

function mayImport(from: string, to: string): boolean {
  if (from === to || to === 'environment.ts') return true;
  const only = ONLY[from];
  if (only) return only.includes(to);
  if (ALSO[from]?.includes(to)) return true;
  const [above, below] = [FLOORS[from], FLOORS[to]];
  return above !== undefined && below !== undefined && below < above;
}

function floorProblems(path: string, text: string): string[] {
  return localImports(path, text)
    .filter((target) => !mayImport(partOf(path), partOf(target)))
    .map((target) => `${path} must not import ${target}`);
}

/** Type imports count: who needs a type of a file cannot be understood without it. */
export function cycleProblems(sources: Sources): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const problems: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (state.get(path) === 'open') {
      problems.push(`cycle: ${[...way.slice(way.indexOf(path)), path].join(' -> ')}`);
      return;
    }
    const text = sources.get(path);
    if (text === undefined || state.has(path)) return;
    state.set(path, 'open');
    for (const target of localImports(path, text)) visit(target, [...way, path]);
    state.set(path, 'done');
  };
  for (const path of sources.keys()) visit(path, []);
  return problems;
}

function purityProblems(path: string, text: string): string[] {
  const code = withoutComments(text);
  const problems: string[] = [];
  const outside = DOORS.test(path) ? undefined : OUTSIDE.exec(code)?.[0];
  if (outside) problems.push(`${path} is no door, but touches the outside: ${outside}`);
  const isPure = /^(dns|dnssec)\//.test(path);
  // The port that the upper floors meet at is declared below both of them.
  const port = path === 'dnssec/outcome.ts' ? code.replace(/=> Promise<Outcome>;/, '') : code;
  if (isPure && /\b(async|await|Promise)\b/.test(port))
    problems.push(`${path} must be synchronous`);
  if (/'node:crypto'/.test(code) && !MAY_HASH.test(path))
    problems.push(`${path} must not use node:crypto`);
  return problems;
}

function formProblems(path: string, text: string): string[] {
  const problems: string[] = [];
  const lines = text.split('\n').length - 1;
  if (lines > MAX_LINES) problems.push(`${path} has ${lines} lines: at most ${MAX_LINES}`);
  if (!/^(#!.*\n)?\/\*\*/.test(text)) problems.push(`${path} has no header comment`);
  const code = withoutComments(text);
  if (/^export default\b/m.test(code)) problems.push(`${path} has a default export`);
  const isPublic = path.endsWith('index.ts');
  if (!isPublic && /^export\s+(type\s+)?(\*|\{[^}]*\})[^;]*\bfrom\s/m.test(code))
    problems.push(`${path} passes on what another file exports`);
  if (!posix.basename(path).match(/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/))
    problems.push(`${path} is not in kebab-case`);
  if (/(^|[-/])(utils?|helpers?|common|misc|managers?|handlers?)[-.]/.test(path))
    problems.push(`${path} is named after nothing`);
  return problems;
}

/** Citations have one spelling, `RFC 4035 section 5.3.1`, so that scripts/rfc-map.ts finds them. */
export function citationProblems(path: string, text: string): string[] {
  const wrong = [
    /\bRFC-?\d{3,}/g,
    /\bRFC \d+,? *(§|[Ss]ec\.|Sections?|s\.)/g,
    /\bRFC \d+, sections?\b/g,
    /\b[Ss]ections? [\d.]+\d of RFC\b/g,
  ];
  return wrong.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => `${path} cites as "${match[0]}"`),
  );
}

/** To `t.match` an empty array is any array: `{ length: 0 }` says that there is nothing in it. */
export const emptyMatchProblems = (path: string, text: string): string[] =>
  [...text.matchAll(/\bt\.match\([^;]*?\b(\w+): \[\][^;]*;/g)].map(
    ([, field]) => `${path} matches ${field} with [], which any array does`,
  );

/** Packages that come with the published one, and Node's own. */
export function packageProblems(path: string, text: string, packages: readonly string[]): string[] {
  return importsOf(text)
    .filter((target) => !target.startsWith('.') && !target.startsWith('node:'))
    .filter((target) => !packages.some((name) => target === name || target.startsWith(`${name}/`)))
    .map((target) => `${path} imports ${target}, which is not in "dependencies"`);
}

/** Everything that breaks a rule in src/; `packages` are the dependencies of package.json. */
export function problemsIn(sources: Sources, packages: readonly string[]): string[] {
  const single = [...sources].flatMap(([path, text]) => [
    ...floorProblems(path, text),
    ...purityProblems(path, text),
    ...formProblems(path, text),
    ...citationProblems(path, text),
    ...packageProblems(path, text, packages),
  ]);
  return [...single, ...cycleProblems(sources)];
}

/** What ARCHITECTURE.md says that is not so, and what it leaves out. */
export function pictureProblems(picture: string, paths: readonly string[]): string[] {
  const known = (name: string): boolean =>
    paths.some((path) => path === name || path === `src/${name}` || path.endsWith(`/${name}`));
  const names = [...picture.matchAll(/(?<![\w*/.-])[\w-]+(?:\/[\w-]+)*\.ts\b/g)].map(
    ([name]) => name,
  );
  const missing = [...new Set(names)].filter((name) => !known(name));
  const folders = new Set(paths.flatMap((path) => /^src\/([\w-]+)\//.exec(path)?.[1] ?? []));
  return [
    ...missing.map((name) => `ARCHITECTURE.md names ${name}, which there is not`),
    ...[...folders]
      .filter((folder) => !picture.includes(`${folder}/`))
      .map((folder) => `ARCHITECTURE.md does not name the folder ${folder}/`),
  ];
}
