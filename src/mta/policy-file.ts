/**
 * The door through which the policy file comes in.
 *
 * Does not: understand it (policy-parse.ts).
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { readUpTo } from './bounded-file.ts';
import type { Policy } from './policy.ts';
import { parsePolicy } from './policy-parse.ts';
import type { Problem } from './policy-values.ts';

/** Octets: exceptions for thousands of domains. The parser's time grows faster than the file. */
const MAX_POLICY_FILE = 262_144;

export type PolicyFile =
  | { readonly kind: 'policy'; readonly policy: Policy }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | { readonly kind: 'unreadable'; readonly why: string };

export function readPolicyFile(path: string): PolicyFile {
  const file = readUpTo(path, MAX_POLICY_FILE);
  if (file.kind === 'unreadable') return file;
  if (!isUtf8(file.octets)) return { kind: 'unreadable', why: 'is no text in UTF-8' };
  return parsePolicy(file.octets.toString('utf8'));
}

/** `policy.toml:3:5: what is wrong; what to do about it`. */
export const printProblem = (path: string, { at, what, suggestion }: Problem): string =>
  `${path}:${at.line}:${at.column}: ${what}; ${suggestion}`;
