/**
 * Options that are right one by one and cannot be meant together.
 *
 * Each rule looks at what sections come to where they meet: a domain with each binding, and each binding group. What a
 * narrower section overrides is no contradiction. Does not: look at values (policy-values.ts).
 * @module
 */
import { decidingScope, type Policy, resolveTerms, type Scope } from './policy.ts';
import type { Problem } from './policy-values.ts';
import type { Terms } from './terms.ts';

interface Rule {
  /** The terms that it looks at, the one to be blamed first. */
  readonly about: readonly [keyof Terms, ...(keyof Terms)[]];
  readonly broken: (terms: Terms) => boolean;
  readonly what: string;
  readonly suggestion: string;
}

const RULES: readonly Rule[] = [
  {
    about: ['mandatoryDane', 'useDane'],
    broken: ({ mandatoryDane, useDane }) => mandatoryDane && !useDane,
    what: 'mandatory_dane = true where use_dane is false: nothing could ever be delivered',
    suggestion: 'write use_dane = true as well, or mandatory_dane = false',
  },
  {
    about: ['mandatoryDane', 'enableDane'],
    broken: ({ mandatoryDane, enableDane }) => mandatoryDane && !enableDane,
    what: 'mandatory_dane = true where enable_dane = false: what is only shown cannot be demanded',
    suggestion: 'write enable_dane = true, or mandatory_dane = false',
  },
  {
    about: ['tls', 'mandatoryDane'],
    broken: ({ tls, mandatoryDane }) => tls === 'no' && mandatoryDane,
    what: 'tls = "no" where mandatory_dane = true: DANE is TLS',
    suggestion: 'write tls = "required", or mandatory_dane = false',
  },
  {
    about: ['tlsVerify', 'tls'],
    broken: ({ tls, tlsVerify }) => tls === 'no' && tlsVerify !== 'no',
    what: 'tls_verify asks for certificates where tls = "no": there will be none',
    suggestion: 'write tls = "required", or tls_verify = "no"',
  },
  {
    about: ['exception', 'useDane'],
    broken: ({ exception, useDane }) => exception !== undefined && !useDane,
    what: 'an exception where use_dane is false: there is nothing for it to lift',
    suggestion: 'leave the exception out, or write use_dane = true',
  },
];

/** Terms, or the module, of which it is not known what the operator has meant. */
export type Unsure = ReadonlySet<keyof Terms | 'daneModule'>;

/** Everything in a policy that cannot be meant. Each pair of lines is told once, and none that rests on what is unsure. */
export function findContradictions(policy: Policy, unsure: Unsure): Problem[] {
  const found = new Map<string, Problem>();
  for (const rule of RULES.filter(({ about }) => !about.some((term) => unsure.has(term))))
    for (const scopes of meetings(policy, rule)) {
      // An exception that has expired is still one that makes no sense.
      if (!rule.broken(resolveTerms(scopes, 0))) continue;
      const problem = blame(rule, scopes);
      const { at, what } = problem;
      found.set(`${at.line}:${at.column} ${what}`, problem);
    }
  const modules = unsure.has('daneModule') ? [] : withoutModule(policy);
  return [...modules, ...found.values()];
}

/** Momentum enables DANE in two steps; one without the other is a slip, and nobody would notice it. */
function withoutModule({ daneModule, global, domains }: Policy): Problem[] {
  if (daneModule) return [];
  return [global, ...domains.values()].flatMap(({ terms, written }) => {
    const at = written.get('useDane');
    if (!at || !terms.useDane) return [];
    const what = 'use_dane = true without dane = {}: DANE is enabled in two steps';
    return [{ at, what, suggestion: 'write dane = {} above it, before all sections' }];
  });
}

/** Told at the narrowest of the lines; the other one is named. */
function blame({ about, what, suggestion }: Rule, scopes: readonly Scope[]): Problem {
  const lines = about.flatMap((term) => {
    const scope = decidingScope(scopes, term);
    const at = scope?.written.get(term);
    return scope && at ? [{ scope, at }] : [];
  });
  const [first, ...others] = lines.toSorted(
    (a, b) => scopes.indexOf(b.scope) - scopes.indexOf(a.scope),
  );
  if (!first) throw new Error('the defaults contradict each other');
  const elsewhere = others.map(({ at }) => ` (see line ${at.line})`).join('');
  return { at: first.at, what: `${what}${elsewhere}`, suggestion };
}

/**
 * Sections that can meet at one delivery, the widest first. Of bindings and groups that say the same about a rule one
 * stands for all, unless they are the narrowest: so the work stays in proportion to the file.
 */
function* meetings(policy: Policy, { about }: Rule): Generator<Scope[]> {
  const speaks = ({ written }: Scope): boolean => about.some((term) => written.has(term));
  const groups = [...policy.bindingGroups.values()].filter(speaks);
  const bindings = [...policy.bindings.values()].filter(speaks);
  const domains = [...policy.domains.values()].filter(speaks);
  const { global } = policy;
  const groupKinds = [[], ...oneOfEach(groups, about).map((group) => [group])];
  const bindingKinds = [[], ...oneOfEach(bindings, about).map((binding) => [binding])];
  yield [global];
  for (const group of groups) yield [global, group];
  for (const wide of groupKinds) {
    for (const binding of bindings) yield [global, ...wide, binding];
    for (const middle of bindingKinds)
      for (const domain of domains) yield [global, ...wide, ...middle, domain];
  }
}

function oneOfEach(scopes: readonly Scope[], about: readonly (keyof Terms)[]): Scope[] {
  const kinds = new Map<string, Scope>();
  for (const scope of scopes) {
    const kind = about.map((term) => String(scope.terms[term])).join(' ');
    if (!kinds.has(kind)) kinds.set(kind, scope);
  }
  return [...kinds.values()];
}
