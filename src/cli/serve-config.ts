/**
 * The configuration file of `danelaw serve`: TOML, whose keys are the options of the command line.
 *
 * Strict: a key that is not known, a value of another kind, and a section are each told with their line; nothing starts
 * with half of a file. Does not: weigh options against each other (serve-options.ts).
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { dirname, resolve } from 'node:path';
import { readUpTo } from '../mta/bounded-file.ts';
import { describe, nearestOf, show } from '../mta/policy-values.ts';
import { type Position, readToml, type TomlEntry, type TomlValue } from '../mta/toml.ts';
import { Misuse } from './misuse.ts';
import {
  type Circumstances,
  type Said,
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  type SettingKey,
} from './serve-settings.ts';

/** Octets. The parser's time grows faster than the file. */
const MAX_CONFIG = 262_144;

/** What is wrong, and what to do about it. */
export interface ConfigProblem {
  readonly at: Position;
  readonly text: string;
}

export interface ReadConfig {
  readonly said: Said;
  /** Where each key stands. */
  readonly at: ReadonlyMap<SettingKey, Position>;
  readonly problems: readonly ConfigProblem[];
  /** Keys whose value could not be read. */
  readonly unsure: ReadonlySet<SettingKey>;
}

/** @throws Misuse where the file cannot be read, or is no text */
export function readConfig(file: string, circumstances: Circumstances): ReadConfig {
  const opened = readUpTo(file, MAX_CONFIG);
  if (opened.kind === 'unreadable') throw new Misuse(`--config: ${file} ${opened.why}`);
  if (!isUtf8(opened.octets)) throw new Misuse(`--config: ${file} is no text in UTF-8`);
  const toml = readToml(opened.octets.toString('utf8'));
  if (toml.kind === 'malformed') {
    const { at, why } = toml;
    const text = `this is no TOML: ${why}; write KEY = VALUE, texts in double quotes`;
    return { said: {}, at: new Map(), problems: [{ at, text }], unsure: new Set() };
  }
  return readEntries(toml.root.entries, dirname(file), circumstances);
}

function readEntries(
  entries: ReadonlyMap<string, TomlEntry>,
  folder: string,
  circumstances: Circumstances,
): ReadConfig {
  const problems: ConfigProblem[] = [];
  const unsure = new Set<SettingKey>();
  const at = new Map<SettingKey, Position>();
  const read = (key: SettingKey, entry: TomlEntry, given: Circumstances): Said => {
    at.set(key, entry.at);
    const found = readEntry(key, entry.value, { ...given, folder });
    if (!('problem' in found)) return found.said;
    problems.push(found.problem);
    unsure.add(key);
    return {};
  };
  const engineEntry = entries.get('engine');
  const first = engineEntry ? read('engine', engineEntry, circumstances) : {};
  const { engine = circumstances.engine } = first;
  const said: Said[] = [first];
  for (const [key, entry] of entries) {
    if (key === 'engine') continue;
    if (isKey(key)) said.push(read(key, entry, { ...circumstances, engine }));
    else problems.push(unknown(key, entry));
  }
  return { said: Object.assign({}, ...said) as Said, at, problems, unsure }; // what it is made of
}

const isKey = (key: string): key is SettingKey => Object.hasOwn(SETTINGS, key);

function unknown(key: string, { at, value }: TomlEntry): ConfigProblem {
  const near = nearestOf(key, SETTING_KEYS);
  const advice = near ? `did you mean ${near}?` : `known are ${SETTING_KEYS.join(', ')}`;
  const what = value.kind === 'table' ? 'section' : 'option';
  return { at, text: `there is no ${what} ${show(key)}; ${advice}` };
}

type Found = { readonly said: Said } | { readonly problem: ConfigProblem };

function readEntry(
  key: SettingKey,
  value: TomlValue,
  { folder, ...circumstances }: Circumstances & { readonly folder: string },
): Found {
  const setting: Setting = SETTINGS[key];
  const wrong = (text: string): Found => ({ problem: { at: value.at, text: `${key} ${text}` } });
  try {
    switch (setting.form) {
      case 'on':
      case 'off':
        if (value.kind !== 'boolean')
          return wrong(`is true or false, not ${describe(value)}; write ${key} = true`);
        return { said: value.value === (setting.form === 'on') ? setting.said : {} };
      case 'number':
        if (value.kind !== 'integer')
          return wrong(`is a whole number, not ${describe(value)}; write it without quotes`);
        return { said: setting.read(String(value.value), circumstances) };
      case 'text':
      case 'path':
        if (value.kind !== 'string')
          return wrong(`is a text, not ${describe(value)}; write it in double quotes`);
        return { said: setting.read(placed(setting.form, folder, value.value), circumstances) };
      case 'texts': {
        const texts = textsIn(value);
        if (!texts)
          return wrong(`is a list of texts, not ${describe(value)}; write ${key} = ["...", "..."]`);
        return { said: setting.read(texts, circumstances) };
      }
    }
  } catch (error) {
    if (error instanceof Misuse) return wrong(`does not do: ${error.message}`);
    throw error;
  }
}

/** A file that the configuration names is looked for beside it. */
const placed = (form: 'text' | 'path', folder: string, text: string): string =>
  form === 'path' ? resolve(folder, text) : text;

function textsIn(value: TomlValue): readonly string[] | undefined {
  if (value.kind !== 'array' || value.items.length === 0) return undefined;
  const texts = value.items.flatMap((item) => (item.kind === 'string' ? [item.value] : []));
  return texts.length === value.items.length ? texts : undefined;
}
