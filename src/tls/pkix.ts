/**
 * Whether a presented chain leads to a root that is trusted here.
 *
 * Implements RFC 5280 section 6.1 with the roots of a list as trust anchors: paths that path.ts builds, checked by
 * path-rules.ts. Does not: compare names (identity.ts), know TLSA records (dane/verify.ts), or read a trust store.
 * @module
 */
import type { Certificate } from './certificate.ts';
import { sameOctets } from './der.ts';
import { currentFirst, isRoot, type Path, PathFinder } from './path.ts';
import { checkPath, type PathProblem, type PathRules } from './path-rules.ts';

export interface Presented {
  readonly leaf: Certificate;
  /** Certificates that came with it, in any order. */
  readonly others: readonly Certificate[];
  /** Self-issued certificates that are trusted. */
  readonly roots: readonly Certificate[];
}

export type PkixVerdict =
  | { readonly kind: 'trusted'; readonly path: Path }
  /** `problem`: what is wrong with the first path that reaches a root, if one does. */
  | { readonly kind: 'untrusted'; readonly problem: PathProblem | undefined };

/** Verifies by roots. Pure. */
export function verifyByRoots(
  { leaf, others, roots }: Presented,
  rules: Omit<PathRules, 'anchor'>,
): PkixVerdict {
  let first: PathProblem | undefined;
  const pool = currentFirst([...others, ...roots], rules.now);
  for (const path of new PathFinder(leaf, pool).paths()) {
    if (!endsAtRoot(path, roots)) continue;
    const problem = checkPath(path, { ...rules, anchor: 'certificate' });
    if (!problem) return { kind: 'trusted', path };
    first ??= problem;
  }
  return { kind: 'untrusted', problem: first };
}

/** Whether a root that is trusted ends the path; the server's own certificate never vouches for itself. */
export function endsAtRoot(path: Path, roots: readonly Certificate[]): boolean {
  const top = path.length > 1 ? path.at(-1) : undefined;
  return top !== undefined && isRoot(top) && roots.some(({ der }) => sameOctets(der, top.der));
}
