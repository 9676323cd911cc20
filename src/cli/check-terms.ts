/**
 * The operator's terms for one check: those of a policy file, or those that options name.
 * @module
 */

import type { NextHop } from '../dane/next-hop.ts';
import type { HalfDane } from '../dane/plan.ts';
import { Name } from '../dns/name.ts';
import { decidingScope, scopesFor, termsFor, type Where } from '../mta/policy.ts';
import { printProblem, readPolicyFile } from '../mta/policy-file.ts';
import { DEFAULT_TERMS, type Terms } from '../mta/terms.ts';
import type { TermsChoice } from './check-options.ts';
import { Misuse } from './misuse.ts';
import { type TermView, viewTerms } from './policy-terms-view.ts';

export interface ChosenTerms {
  readonly terms: Terms;
  /** What the file says, where there is one. */
  readonly view?: PolicyTermsView;
}

/** What a policy file has to say of a destination. */
export interface PolicyTermsView {
  readonly file: string;
  /** Those that are not the default, with the places that they are from. */
  readonly terms: readonly TermView[];
  /** When an exception for the domain ended, if one did. */
  readonly expired?: string;
}

/** A check is about DANE: who names no file has it switched on. */
export const optionTerms = (halfDane: HalfDane, mandatory: boolean): ChosenTerms => ({
  terms: { ...DEFAULT_TERMS, useDane: true, halfDane, mandatoryDane: mandatory },
});

/** @param now  milliseconds since 1970: an exception that has expired does not count */
export function readTerms(choice: TermsChoice, nextHop: NextHop, now: number): ChosenTerms {
  if (choice.from === 'options') return optionTerms(choice.halfDane, choice.mandatory);
  const { from: _, file, ...binding } = choice;
  const read = readPolicyFile(file);
  if (read.kind === 'unreadable') throw new Misuse(`--policy: ${file} ${read.why}`);
  if (read.kind === 'refused')
    throw new Misuse(
      `--policy: ${file} is refused`,
      read.problems.map((problem) => printProblem(file, problem)),
    );
  const domain = nextHop.kind === 'literal' ? Name.parse(nextHop.address) : nextHop.name;
  const where: Where = { ...binding, domain };
  const terms = termsFor(read.policy, { ...where, now });
  const scopes = scopesFor(read.policy, where);
  const exception = decidingScope(scopes, 'exception')?.terms.exception;
  const hasExpired = exception !== undefined && exception.expires <= now;
  return {
    terms,
    view: {
      file,
      terms: viewTerms(terms, scopes).filter(isOwn),
      ...(hasExpired && { expired: new Date(exception.expires).toISOString() }),
    },
  };
}

const DEFAULTS = new Map(viewTerms(DEFAULT_TERMS, []).map(({ option, value }) => [option, value]));

const isOwn = ({ option, value }: TermView): boolean => DEFAULTS.get(option) !== value;

/** `policy policy.toml: use_dane = true (2:1), tls = "required" (8:1, binding_group bulk)`. */
export function printTerms({ file, terms, expired }: PolicyTermsView): string {
  const said = terms.map(({ option, value, from }) => {
    const section = from && from.section !== 'global' ? `, ${from.section}` : '';
    return `${option} = ${value}${from ? ` (${from.line}:${from.column}${section})` : ''}`;
  });
  const past = expired === undefined ? [] : [`its exception expired at ${expired}`];
  const all = [...(said.length > 0 ? said : ['the defaults']), ...past];
  return `policy ${file}: ${all.join(', ')}`;
}
