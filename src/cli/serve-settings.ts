/**
 * The settings of `danelaw serve`, each once: its key in the configuration file, its word on the command line, and what it
 * means.
 *
 * Does not: weigh them against each other (serve-options.ts).
 * @module
 */
import type { Network } from '../dns/network.ts';
import { Budget } from '../dnssec/budget.ts';
import { defaultPolicy } from '../dnssec/context.ts';
import type { Engine } from '../dnssec/engine.ts';
import type { ServerAddress } from '../environment.ts';
import { isLoopback } from '../server/access.ts';
import {
  parseCacheMinTtl,
  parseClientNetwork,
  parseForwarder,
  parseListener,
  parseMegabytes,
  parseNegativeAnchors,
  parsePrivateAddress,
  parsePrivateDomain,
  parseStaleSeconds,
  parseStubs,
  readAnchors,
  readHints,
} from './arguments.ts';
import { Misuse } from './misuse.ts';
import { parseEngine, type ResolverChoice } from './options.ts';

/** What options say; where one is left out, so is its field. */
export interface Said extends Omit<ResolverChoice, 'engine'> {
  readonly engine?: Engine;
  readonly listeners?: readonly ServerAddress[];
  /** Whose questions are answered, beside this machine's. */
  readonly allow?: readonly Network[];
  /** Folder of what outlives the process. */
  readonly state?: string;
  readonly cacheBytes?: number;
  /** Seconds for which what is unsigned is kept at least. */
  readonly leastTtl?: number;
  /** Milliseconds past their expiry for which answers may be served. */
  readonly longestStaleMs?: number;
  readonly reportErrors?: 'on';
  /** Where metrics and health are served over HTTP. */
  readonly metrics?: ServerAddress;
  /** Path of the control socket. */
  readonly control?: string;
  readonly log?: 'failures' | 'none';
  /** File of the operator's policy. */
  readonly policy?: string;
}

export interface Circumstances {
  /** By which anchors and exceptions that have a time are judged. */
  readonly now: number;
  readonly engine: Engine;
}

/** How an option's value is written, and what it comes to. */
export type Setting =
  | {
      readonly form: 'text' | 'path' | 'number';
      readonly read: (text: string, circumstances: Circumstances) => Said;
    }
  /** Several on the command line, a list in the file. */
  | {
      readonly form: 'texts';
      readonly read: (texts: readonly string[], circumstances: Circumstances) => Said;
    }
  /** `on`: `--option` and `option = true`. `off`: `--no-option` and `option = false`. */
  | { readonly form: 'on' | 'off'; readonly said: Said };

/** By their keys in the file; on the command line an underscore is a hyphen. */
export const SETTINGS = {
  listen: { form: 'texts', read: (texts) => ({ listeners: texts.map(parseListener) }) },
  allow: { form: 'texts', read: (texts) => ({ allow: texts.map(parseClientNetwork) }) },
  root_hints: { form: 'path', read: (file) => ({ hints: readHints(file) }) },
  trust_anchor: {
    form: 'path',
    read: (file, { now, engine }) => ({
      anchors: readAnchors(file, { now, policy: defaultPolicy(engine), budget: new Budget() }),
    }),
  },
  state: { form: 'path', read: (state) => ({ state }) },
  forward: { form: 'text', read: (text) => ({ forward: parseForwarder(text) }) },
  stub: { form: 'texts', read: (texts) => ({ zones: parseStubs(texts) }) },
  negative_anchor: {
    form: 'texts',
    read: (texts, { now }) => ({ negativeAnchors: parseNegativeAnchors(texts, now) }),
  },
  private_address: {
    form: 'texts',
    read: (texts) => ({ privateAddresses: texts.map(parsePrivateAddress) }),
  },
  private_domain: {
    form: 'texts',
    read: (texts) => ({ privateDomains: texts.map(parsePrivateDomain) }),
  },
  cache_mb: { form: 'number', read: (text) => ({ cacheBytes: parseMegabytes(text) }) },
  cache_min_ttl: { form: 'number', read: (text) => ({ leastTtl: parseCacheMinTtl(text) }) },
  serve_stale: { form: 'number', read: (text) => ({ longestStaleMs: parseStaleSeconds(text) }) },
  policy: { form: 'path', read: (policy) => ({ policy }) },
  report_errors: { form: 'on', said: { reportErrors: 'on' } },
  workers: { form: 'number', read: parseWorkers },
  ipv6: { form: 'off', said: { families: 'ipv4' } },
  qname_minimisation: { form: 'off', said: { minimisation: 'off' } },
  metrics: { form: 'text', read: (text) => ({ metrics: parseLocalListener(text) }) },
  control: { form: 'path', read: (control) => ({ control }) },
  log: { form: 'text', read: (text) => ({ log: parseLog(text) }) },
  engine: { form: 'text', read: (text) => ({ engine: parseEngine(text) }) },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingKey = keyof typeof SETTINGS;

function parseWorkers(text: string): Said {
  if (text !== '1')
    throw new Misuse(`"${text}" is too many: more than one process is not supported yet, give 1`);
  return {};
}

function parseLocalListener(text: string): ServerAddress {
  const listener = parseListener(text);
  if (isLoopback(listener.ip)) return listener;
  throw new Misuse(`${listener.ip} is open to others: give an address of this machine alone`);
}

function parseLog(text: string): 'failures' | 'none' {
  if (text === 'failures' || text === 'none') return text;
  throw new Misuse(`"${text}" is not known: use failures or none`);
}

/** As it stands on the command line, without its hyphens in front. */
export const optionOf = (key: SettingKey): string => {
  const word = key.replaceAll('_', '-');
  return SETTINGS[key].form === 'off' ? `no-${word}` : word;
};

// Object.keys gives no more than texts; the table has these and no others.
export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[];
