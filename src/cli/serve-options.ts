/**
 * The command line of `danelaw serve`, together with its configuration file: the command line beats the file.
 *
 * Does not: read the file (serve-config.ts), know the settings one by one (serve-settings.ts).
 * @module
 */
import type { Engine } from '../dnssec/engine.ts';
import { nativeEngine } from '../dnssec/engine-native.ts';
import type { ServerAddress } from '../environment.ts';
import { STALE_TERMS } from '../resolver/stale-terms.ts';
import { DEFAULT_LISTENERS, isLoopback, leadsTo } from '../server/access.ts';
import { Misuse } from './misuse.ts';
import { HELP, parse, readFor, refuse } from './options.ts';
import { readConfig } from './serve-config.ts';
import {
  type Circumstances,
  optionOf,
  type Said,
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  type SettingKey,
} from './serve-settings.ts';

export interface ServeWords extends Said {
  readonly engine: Engine;
  readonly listeners: readonly ServerAddress[];
  /** `check`: say what is wrong, and listen nowhere. */
  readonly purpose: 'serve' | 'check';
}

const typeOf = ({ form }: Setting) =>
  form === 'on' || form === 'off'
    ? ({ type: 'boolean' } as const)
    : ({ type: 'string', multiple: form === 'texts' } as const);

const WORDS = {
  ...Object.fromEntries(SETTING_KEYS.map((key) => [optionOf(key), typeOf(SETTINGS[key])])),
  help: { type: 'boolean', short: 'h' },
  config: { type: 'string' },
  'check-config': { type: 'boolean' },
} as const;

/** @param now  milliseconds since 1970 */
export function parseServe(args: readonly string[], now: number): ServeWords | typeof HELP {
  const { values, positionals } = parse('serve', withSeconds('serve-stale', args), WORDS);
  if (values.help) return HELP;
  refuse('serve', positionals);
  // The table gives no options by name: what stands behind them is looked at.
  const words = values as Values;
  const here = readWords(words, { now, engine: nativeEngine });
  const file = values.config;
  const purpose = values['check-config'] ? 'check' : 'serve';
  if (file === undefined) {
    if (purpose === 'check') throw new Misuse('--check-config needs a --config to check');
    return together(here, purpose, (message) => {
      throw new Misuse(message);
    });
  }
  return withFile({ file, here, given: words, purpose }, now);
}

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** An engine first: trust anchors are read with it. */
function readWords(values: Values, circumstances: Circumstances): Said {
  const read = (key: SettingKey, { now, engine }: Circumstances): Said => {
    const setting: Setting = SETTINGS[key];
    const option = optionOf(key);
    const value = values[option];
    if (value === undefined || value === false) return {};
    if ('said' in setting) return setting.said;
    return readFor(option, () =>
      setting.form === 'texts'
        ? setting.read(Array.isArray(value) ? value : [], { now, engine })
        : setting.read(String(value), { now, engine }),
    );
  };
  const { engine = circumstances.engine } = read('engine', circumstances);
  const all = SETTING_KEYS.map((key) => read(key, { ...circumstances, engine }));
  return Object.assign({}, ...all) as Said; // what it is made of
}

interface Beside {
  readonly file: string;
  readonly here: Said;
  readonly given: Values;
  readonly purpose: ServeWords['purpose'];
}

/** What the file says where the command line says nothing. Everything that is wrong with it is told at once. */
function withFile({ file, here, given, purpose }: Beside, now: number): ServeWords {
  const engine = here.engine ?? nativeEngine;
  const read = readConfig(file, { now, engine });
  const wrong = [...read.problems];
  const said = { ...read.said, ...here };
  const words = together(said, purpose, (message, keys) => {
    if (keys.some((key) => read.unsure.has(key))) return;
    const inFile = keys.find((key) => read.at.has(key) && given[optionOf(key)] === undefined);
    const at = inFile && read.at.get(inFile);
    if (!at) throw new Misuse(message);
    wrong.push({ at, text: message });
  });
  if (wrong.length === 0) return words;
  const lines = wrong
    .sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
    .map(({ at, text }) => `${file}:${at.line}:${at.column}: ${text}`);
  throw new Misuse(`--config: ${file} is refused`, lines);
}

type Complain = (message: string, keys: readonly SettingKey[]) => void;

/** What the options come to, and where one of them does not go with another. */
function together(said: Said, purpose: ServeWords['purpose'], complain: Complain): ServeWords {
  const { listeners = DEFAULT_LISTENERS, engine = nativeEngine } = said;
  if (said.hints && said.forward)
    complain('--root-hints and --forward exclude each other: use one', ['root_hints', 'forward']);
  if (said.privateDomains && !said.privateAddresses)
    complain('--private-domain excepts names from --private-address: give that as well', [
      'private_domain',
      'private_address',
    ]);
  for (const listener of listeners) checkListener(listener, said, complain);
  checkCircle(listeners, said, complain);
  return { ...said, listeners, engine, purpose };
}

/** RFC 5358: a resolver that answers everybody is a weapon. */
function checkListener({ ip }: ServerAddress, { allow }: Said, complain: Complain): void {
  if (isLoopback(ip)) return;
  if (/^[0:.]+$/.test(ip))
    complain(
      `--listen: ${ip} stands for all addresses, and answers would leave from another one than was asked: give each address`,
      ['listen'],
    );
  else if (!allow)
    complain(
      `--listen: ${ip} is open to others: say with --allow whose questions are answered, or give an address of this machine alone, such as 127.0.0.1`,
      ['listen', 'allow'],
    );
}

/** A daemon that asks itself answers nobody. */
function checkCircle(
  listeners: readonly ServerAddress[],
  { forward, zones = [] }: Said,
  complain: Complain,
): void {
  const stubs = zones.flatMap(({ nameservers }) => nameservers.flatMap((one) => one.addresses));
  const asked: { key: SettingKey; place: ServerAddress }[] = [
    ...(forward ? [{ key: 'forward' as const, place: forward }] : []),
    ...stubs.map((place) => ({ key: 'stub' as const, place })),
  ];
  for (const { key, place } of asked)
    if (listeners.some((one) => leadsTo(place, one)))
      complain(
        `--${key} ${place.ip}: that is where danelaw itself listens; give another resolver, or another --listen`,
        [key, 'listen'],
      );
}

/** An option that may stand without its number of seconds. */
const withSeconds = (option: string, args: readonly string[]): readonly string[] =>
  args.map((word, i) =>
    word === `--${option}` && !/^\d/.test(args[i + 1] ?? '')
      ? `${word}=${STALE_TERMS.longestMs / 1000}`
      : word,
  );
