/**
 * The operator's policy, and the terms that it comes to for one delivery.
 *
 * Scopes as in Momentum: what is said of a domain beats what is said of a binding (the sending address), that beats its
 * binding group, and that what is said for all. Does not: read the file (policy-parse.ts), nor apply the terms.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { ScopeKind, Settings } from './policy-options.ts';
import { DEFAULT_TERMS, type Terms } from './terms.ts';
import type { Position } from './toml.ts';

/** What one section says. */
export interface Scope {
  readonly kind: ScopeKind;
  /** As it is written; empty for the global one. */
  readonly name: string;
  readonly at: Position;
  readonly terms: Partial<Terms>;
  /** Where each of the terms stands. */
  readonly written: ReadonlyMap<keyof Terms, Position>;
}

export interface Policy {
  /** Where `dane = {}` stands: the first of the two steps that enable DANE. */
  readonly daneModule: Position | undefined;
  readonly global: Scope;
  readonly bindingGroups: ReadonlyMap<string, Scope>;
  readonly bindings: ReadonlyMap<string, Scope>;
  /** By `Name.key`. */
  readonly domains: ReadonlyMap<string, Scope>;
  readonly settings: Settings;
}

/** One delivery. */
export interface Where {
  /** The next-hop domain, as A-labels. */
  readonly domain: Name;
  readonly binding?: string;
  readonly bindingGroup?: string;
}

/**
 * The terms that hold for one delivery.
 * @param where  with `now`, milliseconds since 1970: an exception that has expired does not count
 */
export function termsFor(policy: Policy, where: Where & { readonly now: number }): Terms {
  return resolveTerms(scopesFor(policy, where), where.now);
}

/** The sections that speak of a delivery, the widest first. */
export function scopesFor(policy: Policy, { domain, binding, bindingGroup }: Where): Scope[] {
  const { global, bindingGroups, bindings, domains } = policy;
  return [
    global,
    bindingGroup === undefined ? undefined : bindingGroups.get(bindingGroup),
    binding === undefined ? undefined : bindings.get(binding),
    domains.get(domain.key),
  ].filter((scope) => scope !== undefined);
}

/** What sections come to together, the widest first. */
export function resolveTerms(scopes: readonly Scope[], now: number): Terms {
  const given = Object.assign({}, ...scopes.map(({ terms }) => terms)) as Partial<Terms>; // what it is made of
  const { exception, ...terms }: Terms = { ...DEFAULT_TERMS, ...given };
  return exception && exception.expires > now ? { ...terms, exception, audit: true } : terms;
}

/** The section that decides one of the terms; `undefined` where the default holds. */
export const decidingScope = (scopes: readonly Scope[], term: keyof Terms): Scope | undefined =>
  scopes.findLast(({ written }) => written.has(term));

/** Every section, the widest first. */
export const allScopes = ({ global, bindingGroups, bindings, domains }: Policy): Scope[] => [
  global,
  ...bindingGroups.values(),
  ...bindings.values(),
  ...domains.values(),
];

/** The first section that has DANE looked up; `undefined` where none does. */
export const findUseDane = (policy: Policy): Scope | undefined =>
  allScopes(policy).find(({ terms }) => terms.useDane === true);
