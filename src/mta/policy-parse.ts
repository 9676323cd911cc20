/**
 * The policy file, from its text to a policy or to everything that is wrong with it.
 *
 * What nobody can have meant is refused as a whole: a mail server that starts with half of its policy sends mail in a way
 * that nobody has decided on. Does not: read files (policy-file.ts), resolve scopes (policy.ts).
 * @module
 */
import { domainToASCII } from 'node:url';
import { Name, NameError } from '../dns/name.ts';
import type { Policy, Scope } from './policy.ts';
import { findContradictions } from './policy-contradictions.ts';
import {
  DEFAULT_SETTINGS,
  FIXED_OPTIONS,
  SCOPES,
  type ScopeKind,
  SETTING_OPTIONS,
  type Settings,
  TERM_OPTIONS,
} from './policy-options.ts';
import { describe, listOf, nearestOf, type Problem, show, surplus } from './policy-values.ts';
import type { Terms } from './terms.ts';
import { type Position, readToml, type TomlEntry, type TomlTable } from './toml.ts';

export type ParsedPolicy =
  | { readonly kind: 'policy'; readonly policy: Policy }
  /** In the order in which they stand in the file. */
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/** Reads the text of a policy file. All its problems are told at once; only what is no TOML hides what follows it. */
export function parsePolicy(text: string): ParsedPolicy {
  const toml = readToml(text);
  if (toml.kind === 'malformed') {
    const { at, why } = toml;
    return refused([{ at, what: `this is no TOML: ${why}`, suggestion: syntaxAdvice(text, toml) }]);
  }
  const reading = new Reading();
  const policy = reading.policy(toml.root);
  const problems = [...reading.problems, ...findContradictions(policy, reading.unsure)];
  return problems.length > 0 ? refused(problems) : { kind: 'policy', policy };
}

const refused = (problems: readonly Problem[]): ParsedPolicy => ({
  kind: 'refused',
  problems: [...problems].sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column),
});

/** Whoever comes from Momentum writes its syntax. */
function syntaxAdvice(text: string, { at, why }: { at: Position; why: string }): string {
  if (/multiple times/.test(why)) return 'write each key and each section once';
  const written = text.split('\n')[at.line - 1] ?? '';
  if (/^\s*dane\s*\{\s*\}/i.test(written)) return 'write dane = {}';
  const scope = /^\s*(binding_group|binding|domain)\s+"?([^"\s{]+)"?\s*\{/i.exec(written);
  if (scope) return `write [${scope[1]?.toLowerCase()}.${JSON.stringify(scope[2])}]`;
  return 'write KEY = VALUE, texts in double quotes, and sections as [domain."example.com"]';
}

/** Sections beside the options, and the options of all scopes. */
const SECTIONS = ['dane', ...SCOPES.slice(1)];
const GLOBAL_KEYS = [
  ...TERM_OPTIONS.keys(),
  ...FIXED_OPTIONS.keys(),
  ...SETTING_OPTIONS.keys(),
  ...SECTIONS,
];

class Reading {
  readonly problems: Problem[] = [];
  readonly unsure = new Set<keyof Terms | 'daneModule'>();

  policy(root: TomlTable): Policy {
    const sections = new Map([...root.entries].filter(([key]) => SECTIONS.includes(key)));
    const global = { ...root, entries: without(root.entries, sections) };
    const settings = this.#settings(global);
    return {
      daneModule: this.#daneModule(sections.get('dane')),
      global: this.#scope('global', '', settings.rest),
      settings: settings.settings,
      bindingGroups: this.#named('binding_group', sections.get('binding_group'), (name) => name),
      bindings: this.#named('binding', sections.get('binding'), (name) => name),
      domains: this.#named('domain', sections.get('domain'), (name, at) => this.#domain(name, at)),
    };
  }

  #daneModule(entry: TomlEntry | undefined): Position | undefined {
    if (!entry) return undefined;
    if (entry.value.kind === 'table') this.problems.push(...this.#strayOf(entry.value));
    else
      this.#complain(
        entry.value.at,
        `dane is a table, not ${describe(entry.value)}`,
        'write dane = {}',
      );
    return entry.at;
  }

  /** Options belong to scopes, not to the module; TOML takes whatever stands below its header for its own. */
  #strayOf(module: TomlTable): Problem[] {
    return surplus('dane', module, []).map((problem) => {
      const [key] = [...module.entries].find(([, { at }]) => at === problem.at) ?? [];
      return key !== undefined && GLOBAL_KEYS.includes(key)
        ? { ...problem, suggestion: `write dane = {}, and ${key} above all sections` }
        : problem;
    });
  }

  #settings(root: TomlTable): { settings: Settings; rest: TomlTable } {
    let settings = DEFAULT_SETTINGS;
    const read = new Map<string, TomlEntry>();
    for (const [key, entry] of root.entries) {
      const option = SETTING_OPTIONS.get(key);
      if (!option) continue;
      read.set(key, entry);
      const found = option.read(key, entry.value);
      if (found.kind === 'value') settings = { ...settings, [option.field]: found.value };
      else this.problems.push(...found.problems);
    }
    const { minDnsTtl = 0, maxDnsTtl = Number.POSITIVE_INFINITY } = settings;
    const least = read.get('min_dns_ttl');
    if (minDnsTtl > maxDnsTtl && least)
      this.#complain(
        least.at,
        `min_dns_ttl = ${minDnsTtl} is more than max_dns_ttl = ${maxDnsTtl}`,
        `write min_dns_ttl = ${maxDnsTtl} or less`,
      );
    return { settings, rest: { ...root, entries: without(root.entries, read) } };
  }

  #scope(kind: ScopeKind, name: string, { at, entries }: TomlTable): Scope {
    let terms: Partial<Terms> = {};
    const written = new Map<keyof Terms, Position>();
    for (const [key, entry] of entries) {
      const fixed = FIXED_OPTIONS.get(key)?.read(key, entry.value);
      if (fixed) {
        if (fixed.kind === 'wrong') this.problems.push(...fixed.problems);
        continue;
      }
      const option = TERM_OPTIONS.get(key);
      if (!option?.scopes.includes(kind)) {
        this.#stray(kind, key, entry.at);
        continue;
      }
      const found = option.read(key, entry.value);
      if (found.kind === 'wrong') {
        this.problems.push(...found.problems);
        this.unsure.add(option.field);
      } else {
        terms = { ...terms, [option.field]: found.value };
        written.set(option.field, entry.at);
      }
    }
    return { kind, name, at, terms, written };
  }

  /** An option that has no such scope, or a key that is none. */
  #stray(kind: ScopeKind, key: string, at: Position): void {
    const scopes = TERM_OPTIONS.get(key)?.scopes ?? SETTING_OPTIONS.get(key)?.scopes;
    if (scopes) {
      const place = kind === 'global' ? 'for all' : `in a ${kind}`;
      const right = listOf(scopes.map((scope) => PLACES[scope]));
      this.#complain(at, `${key} cannot be set ${place}`, `set it ${right}`);
      this.#doubt(key);
      return;
    }
    const known = kind === 'global' ? GLOBAL_KEYS : optionsOf(kind);
    const near = nearestOf(key, known);
    const suggestion =
      near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
    this.#complain(at, `there is no option ${show(key)}`, suggestion);
    if (near !== undefined) this.#doubt(near);
  }

  #doubt(key: string): void {
    const field = key === 'dane' ? 'daneModule' : TERM_OPTIONS.get(key)?.field;
    if (field) this.unsure.add(field);
  }

  #named(
    kind: ScopeKind,
    entry: TomlEntry | undefined,
    keyOf: (name: string, at: Position) => string | undefined,
  ): ReadonlyMap<string, Scope> {
    const found = new Map<string, Scope>();
    if (!entry) return found;
    const form = `write [${kind}.${kind === 'domain' ? '"example.com"' : 'NAME'}]`;
    if (entry.value.kind !== 'table') {
      this.#complain(entry.at, `${kind} is a section for each name`, form);
      return found;
    }
    for (const [name, { at, value }] of entry.value.entries) {
      if (value.kind !== 'table') {
        this.#complain(at, `${kind} ${show(name)} is a section, not ${describe(value)}`, form);
        continue;
      }
      const key = keyOf(name, at);
      // [domain.example.com] without quotes is a section in a section: what stands below is no option.
      if (key === undefined && !name.includes('.')) continue;
      const scope = this.#scope(kind, name, { ...value, at });
      if (key === undefined) continue;
      const first = found.get(key);
      if (first)
        this.#complain(
          at,
          `domain ${show(name)} is the same as ${show(first.name)} in line ${first.at.line}`,
          'write all its options below one of them',
        );
      else found.set(key, scope);
    }
    return found;
  }

  #domain(text: string, at: Position): string | undefined {
    const ascii = /^[\x20-\x7e]*$/.test(text) ? text : domainToASCII(text);
    const name = MAIL_DOMAIN.test(ascii) ? parseName(ascii) : undefined;
    if (!name)
      this.#complain(
        at,
        `${show(text)} is no mail domain`,
        text.includes('.') && !text.includes(' ')
          ? 'write its name in letters, digits, hyphens and dots'
          : 'write its name in quotes, as in [domain."example.com"]',
      );
    return name?.key;
  }

  #complain(at: Position, what: string, suggestion: string): void {
    this.problems.push({ at, what, suggestion });
  }
}

const optionsOf = (kind: ScopeKind): string[] =>
  [...TERM_OPTIONS, ...FIXED_OPTIONS].flatMap(([name, { scopes }]) =>
    scopes.includes(kind) ? [name] : [],
  );

const PLACES: Readonly<Record<ScopeKind, string>> = {
  global: 'for all, above all sections',
  binding_group: 'in a [binding_group.NAME]',
  binding: 'in a [binding.NAME]',
  domain: 'in a [domain."NAME"]',
};

/** What mail domains are made of (RFC 5321 section 2.3.5), and the underscore of some that exist all the same. */
const MAIL_DOMAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+\.?$/i;

function parseName(text: string): Name | undefined {
  try {
    return Name.parse(text);
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}

const without = (
  entries: TomlTable['entries'],
  taken: ReadonlyMap<string, unknown>,
): TomlTable['entries'] => new Map([...entries].filter(([key]) => !taken.has(key)));
