/**
 * The terms that a policy file comes to for one delivery, each with the place that it is from.
 * @module
 */
import { decidingScope, type Scope } from '../mta/policy.ts';
import { TERM_OPTIONS, writeTerm } from '../mta/policy-options.ts';
import type { Terms } from '../mta/terms.ts';
import type { Position } from '../mta/toml.ts';

export interface TermView {
  readonly option: string;
  /** As the file would say it. */
  readonly value: string;
  /** Absent where the default holds. */
  readonly from?: Position & { readonly section: string };
}

/** One for each option that has a value. */
export function viewTerms(terms: Terms, scopes: readonly Scope[]): TermView[] {
  return [...TERM_OPTIONS].flatMap(([option, { field }]) => {
    const value = writeTerm(terms, field);
    if (value === undefined) return [];
    // An exception sets the audit mode, whatever is said of that.
    const decides = field === 'audit' && terms.exception ? 'exception' : field;
    const scope = decidingScope(scopes, decides);
    const at = scope?.written.get(decides);
    const from = scope && at && { ...at, section: sectionOf(scope) };
    return [{ option, value, ...(from && { from }) }];
  });
}

const sectionOf = ({ kind, name }: Scope): string =>
  kind === 'global' ? 'global' : `${kind} ${name}`;
