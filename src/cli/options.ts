/**
 * Options that several commands share: read from the words, turned into what they mean.
 *
 * Does not: print help (help.ts).
 * @module
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Name } from '../dns/name.ts';
import type { Network } from '../dns/network.ts';
import type { Anchors } from '../dnssec/anchors.ts';
import { Budget } from '../dnssec/budget.ts';
import { defaultPolicy } from '../dnssec/context.ts';
import type { Engine } from '../dnssec/engine.ts';
import { nativeEngine } from '../dnssec/engine-native.ts';
import { nobleEngine } from '../dnssec/engine-noble.ts';
import type { NegativeAnchors } from '../dnssec/negative-anchors.ts';
import type { ServerAddress } from '../environment.ts';
import type { Families } from '../resolver/ask.ts';
import type { ConfiguredZone } from '../resolver/resolver.ts';
import type { Nameserver } from '../resolver/zone.ts';
import {
  parseForwarder,
  parseNegativeAnchors,
  parseSeconds,
  parseStubs,
  readAnchors,
  readHints,
} from './arguments.ts';
import { Misuse } from './misuse.ts';

/** How to ask and what to believe. */
export interface ResolverChoice {
  readonly hints?: readonly Nameserver[];
  readonly anchors?: Anchors;
  readonly forward?: ServerAddress;
  readonly engine: Engine;
  readonly families?: Families;
  readonly minimisation?: 'on' | 'off';
  readonly negativeAnchors?: NegativeAnchors;
  /** Stub zones. */
  readonly zones?: readonly ConfiguredZone[];
  readonly privateAddresses?: readonly Network[];
  readonly privateDomains?: readonly Name[];
}

export interface SharedOptions extends ResolverChoice {
  readonly form: 'json' | 'text';
  readonly timeoutMs: number | undefined;
}

export const SHARED = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  'root-hints': { type: 'string' },
  'trust-anchor': { type: 'string' },
  forward: { type: 'string' },
  timeout: { type: 'string' },
  engine: { type: 'string' },
  'negative-anchor': { type: 'string', multiple: true },
  stub: { type: 'string', multiple: true },
} as const;

const DOMAIN = SHARED;
const QUERY = { ...SHARED, trace: { type: 'boolean' } } as const;
const DEMO = { help: SHARED.help, json: SHARED.json } as const;

export interface DomainWords extends SharedOptions {
  readonly domain: string;
}

export interface QueryWords extends SharedOptions {
  readonly name: string;
  readonly type: string;
  readonly trace: 'shown' | 'hidden';
}

/** Somebody wants to read about the command in place of running it. */
export const HELP = 'help';

/** @param now  by which anchors that have a time are judged (RFC 9718) */
export function parseDomainWords(args: readonly string[], now: number): DomainWords | typeof HELP {
  const { values, positionals } = parse('domain', args, DOMAIN);
  if (values.help) return HELP;
  const [domain, ...surplus] = positionals;
  if (domain === undefined) throw misuse('domain', 'domain needs a domain');
  refuse('domain', surplus);
  return { domain, ...shared(values, now) };
}

export function parseQuery(args: readonly string[], now: number): QueryWords | typeof HELP {
  const { values, positionals } = parse('query', args, QUERY);
  if (values.help) return HELP;
  const [name, type, ...surplus] = positionals;
  if (name === undefined || type === undefined)
    throw misuse('query', 'query needs a name and a record type');
  refuse('query', surplus);
  return { name, type, trace: values.trace ? 'shown' : 'hidden', ...shared(values, now) };
}

export function parseDemo(args: readonly string[]): { form: 'json' | 'text' } | typeof HELP {
  const { values, positionals } = parse('demo', args, DEMO);
  if (values.help) return HELP;
  refuse('demo', positionals);
  return { form: values.json ? 'json' : 'text' };
}

type Value = string | boolean | readonly string[];
type Values<K extends keyof typeof SHARED> = { readonly [key in K]?: Value };

export const shared = (values: Values<keyof typeof SHARED>, now: number): SharedOptions => ({
  form: values.json ? 'json' : 'text',
  timeoutMs: given(values, 'timeout', parseSeconds),
  ...choice(values, now),
});

type Given<K extends string> = { readonly [key in K]?: Value };

export function given<K extends string, T>(values: Given<K>, option: K, read: (text: string) => T) {
  const value = values[option];
  return typeof value === 'string' ? readFor(option, () => read(value)) : undefined;
}

export function several<K extends string, T>(
  values: Given<K>,
  option: K,
  read: (texts: readonly string[]) => T,
) {
  const value = values[option];
  return typeof value === 'object' ? readFor(option, () => read(value)) : undefined;
}

/** A mistake in a line with ten options is told with the one that it is in. */
export function readFor<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Misuse) throw new Misuse(`--${option}: ${error.message}`);
    throw error;
  }
}

type Choosing = 'root-hints' | 'trust-anchor' | 'forward' | 'engine' | 'negative-anchor' | 'stub';

function choice(values: Values<Choosing>, now: number): ResolverChoice {
  const engine = given(values, 'engine', parseEngine) ?? nativeEngine;
  const hints = given(values, 'root-hints', readHints);
  const anchors = given(values, 'trust-anchor', (file) =>
    readAnchors(file, { now, policy: defaultPolicy(engine), budget: new Budget() }),
  );
  const forward = given(values, 'forward', parseForwarder);
  const zones = several(values, 'stub', parseStubs);
  const negativeAnchors = several(values, 'negative-anchor', (texts) =>
    parseNegativeAnchors(texts, now),
  );
  if (hints && forward) throw new Misuse('--root-hints and --forward exclude each other: use one');
  return {
    engine,
    ...(hints && { hints }),
    ...(anchors && { anchors }),
    ...(forward && { forward }),
    ...(zones && { zones }),
    ...(negativeAnchors && { negativeAnchors }),
  };
}

export function parseEngine(text: string): Engine {
  const engine = [nativeEngine, nobleEngine].find(({ name }) => name === text);
  if (!engine) throw new Misuse(`"${text}" is no engine: use native or noble`);
  return engine;
}

type OptionTable = NonNullable<ParseArgsConfig['options']>;

type Parsed<T extends OptionTable> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

export function parse<T extends OptionTable>(
  command: string,
  args: readonly string[],
  options: T,
): Parsed<T> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's own words, without its advice on `--`.
    const [sentence = error.message] = error.message.split(/\. |\.?\n/);
    throw misuse(command, sentence);
  }
}

export function refuse(command: string, [word]: readonly string[]): void {
  if (word !== undefined) throw misuse(command, `"${word}" is one word too many`);
}

export const misuse = (command: string, sentence: string): Misuse =>
  new Misuse(`${sentence}; see danelaw ${command} --help`);
