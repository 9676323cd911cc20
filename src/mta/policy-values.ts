/**
 * What may stand behind an option of the policy file: each kind reads one value, or says what it wants.
 *
 * Does not: know the options (policy-options.ts).
 * @module
 */
import { closestMatch } from 'leven';
import type { Exception } from './terms.ts';
import type { Position, TomlTable, TomlValue } from './toml.ts';

/** What is wrong in a policy file, where, and what to do about it. */
export interface Problem {
  readonly at: Position;
  readonly what: string;
  readonly suggestion: string;
}

export type Read<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'wrong'; readonly problems: readonly Problem[] };

/** Reads what stands behind `key`. */
export type Reader<T> = (key: string, value: TomlValue) => Read<T>;

const read = <T>(value: T): Read<T> => ({ kind: 'value', value });
export const wrong = (at: Position, what: string, suggestion: string): Read<never> => ({
  kind: 'wrong',
  problems: [{ at, what, suggestion }],
});

/** @returns `undefined` where nothing comes near */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  const longest = Math.max(...known.map(({ length }) => length));
  // A line of rubbish is like nothing, and comparing takes its length times that of every word.
  if (word.length > 2 * longest) return undefined;
  const maxDistance = Math.max(2, Math.floor(word.length / 3));
  const folded = new Map(known.map((one) => [one.toLowerCase(), one]));
  const near = closestMatch(word.toLowerCase(), [...folded.keys()], { maxDistance });
  return near === undefined ? undefined : folded.get(near);
}

export const flag: Reader<boolean> = (key, value) => {
  if (value.kind === 'boolean') return read(value.value);
  const meant = value.kind === 'string' ? TRUTHS.get(value.value.toLowerCase()) : undefined;
  const suggestion =
    meant === undefined ? `write ${key} = true or ${key} = false` : `write ${key} = ${meant}`;
  return wrong(value.at, `${key} is true or false, not ${describe(value)}`, suggestion);
};

const TRUTHS = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['no', false],
  ['off', false],
]);

/** An option that the rest of Danelaw knows by two words. */
export const flagAs =
  <T>(words: { readonly yes: T; readonly no: T }): Reader<T> =>
  (key, value) => {
    const found = flag(key, value);
    return found.kind === 'value' ? read(found.value ? words.yes : words.no) : found;
  };

export function oneOf<const T extends string>(words: readonly T[]): Reader<T> {
  const listed = listOf(words.map((word) => `"${word}"`));
  return (key, value) => {
    const found = words.find((word) => value.kind === 'string' && word === value.value);
    if (found !== undefined) return read(found);
    const near = value.kind === 'string' ? nearestOf(value.value, words) : undefined;
    return wrong(
      value.at,
      `${key} is one of ${listed}, not ${describe(value)}`,
      near === undefined ? `write ${key} = "${words[0]}"` : `did you mean ${key} = "${near}"?`,
    );
  };
}

export const wholeNumber =
  (least: number, most: number, unit: string): Reader<number> =>
  (key, value) => {
    const isRight = value.kind === 'integer' && value.value >= least && value.value <= most;
    if (isRight) return read(value.value);
    const near = 'value' in value && Number(value.value) > most ? most : least;
    return wrong(
      value.at,
      `${key} is a whole number of ${unit} from ${least} to ${most}, not ${describe(value)}`,
      `write ${key} = ${near}`,
    );
  };

/** Words of a table, each once, as what they stand for, in the order in which they are written. */
export function listFrom<T>(meanings: ReadonlyMap<string, T>): Reader<readonly T[]> {
  const words = [...meanings.keys()];
  const example = `[${words.map((word) => `"${word}"`).join(', ')}]`;
  return (key, value) => {
    if (value.kind !== 'array' || value.items.length === 0)
      return wrong(
        value.at,
        `${key} is a list of ${listOf(words.map((word) => `"${word}"`))}, not ${describe(value)}`,
        `write ${key} = ${example}`,
      );
    const problems: Problem[] = [];
    const found = new Map<string, T>();
    for (const item of value.items) {
      const word = item.kind === 'string' ? item.value : undefined;
      const meaning = word === undefined ? undefined : meanings.get(word);
      if (word !== undefined && meaning !== undefined && !found.has(word)) found.set(word, meaning);
      else problems.push(notInList(key, item, found, words));
    }
    return problems.length === 0 ? read([...found.values()]) : { kind: 'wrong', problems };
  };
}

function notInList(
  key: string,
  item: TomlValue,
  found: ReadonlyMap<string, unknown>,
  words: readonly string[],
): Problem {
  const { at } = item;
  const isSecond = item.kind === 'string' && found.has(item.value);
  if (isSecond)
    return {
      at,
      what: `${key} names ${describe(item)} twice`,
      suggestion: 'leave the second one out',
    };
  const near = item.kind === 'string' ? nearestOf(item.value, words) : undefined;
  return {
    at,
    what: `${key} does not know ${describe(item)}`,
    suggestion: near === undefined ? `it knows ${words.join(', ')}` : `did you mean "${near}"?`,
  };
}

/** Both fields are needed: an exception that nobody explained, or that never ends, is a hole. */
export const exception: Reader<Exception> = (key, value) => {
  if (value.kind !== 'table')
    return wrong(
      value.at,
      `${key} has a reason and an end, and is not ${describe(value)}`,
      EXCEPTION_FORM,
    );
  const problems = surplus(key, value, ['reason', 'expires']);
  const reason = value.entries.get('reason')?.value;
  const expires = value.entries.get('expires')?.value;
  const isReason = reason?.kind === 'string' && reason.value.trim() !== '';
  if (!isReason)
    problems.push({
      at: reason?.at ?? value.at,
      what: reason ? `reason is a text, not ${describe(reason)}` : `${key} has no reason`,
      suggestion: EXCEPTION_FORM,
    });
  if (expires?.kind !== 'time') problems.push(noEnd(key, value, expires));
  if (problems.length > 0 || !isReason || expires?.kind !== 'time')
    return { kind: 'wrong', problems };
  return read({ reason: reason.value, expires: expires.value });
};

const EXCEPTION_FORM =
  'write exception = { reason = "their records are wrong, ticket 4711", expires = 2027-01-31T12:00:00Z }';

function noEnd(key: string, { at }: TomlTable, expires: TomlValue | undefined): Problem {
  if (!expires) return { at, what: `${key} never expires`, suggestion: EXCEPTION_FORM };
  const day = expires.kind === 'local-time' && /^\d{4}-\d\d-\d\d/.exec(expires.written)?.[0];
  return {
    at: expires.at,
    what: `expires is a time with its offset from UTC, not ${describe(expires)}`,
    suggestion: `write expires = ${day || '2027-01-31'}T00:00:00Z`,
  };
}

/** The keys of a table that it does not have. */
export function surplus(key: string, { entries }: TomlTable, known: readonly string[]): Problem[] {
  return [...entries].flatMap(([name, { at }]) => {
    if (known.includes(name)) return [];
    const near = known.length === 0 ? undefined : nearestOf(name, known);
    const suggestion =
      known.length === 0
        ? `write ${key} = {}`
        : `it has ${listOf(known)}${near === undefined ? '' : `; did you mean ${near}?`}`;
    return [{ at, what: `${key} has no ${show(name)}`, suggestion }];
  });
}

/** What stands there, for whoever has to find it. */
export function describe(value: TomlValue): string {
  switch (value.kind) {
    case 'string':
      return show(value.value);
    case 'integer':
    case 'float':
    case 'boolean':
      return String(value.value);
    case 'time':
      return new Date(value.value).toISOString();
    case 'local-time':
      return value.written;
    case 'array':
      return value.items.length === 0 ? 'an empty list' : 'a list';
    case 'table':
      return 'a table';
  }
}

/** Longer texts are cut: a message is one line, and says where to look. */
const SHOWN = 60;
/** In quotes, on one line, whatever stands in it. */
export const show = (text: string): string =>
  JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text);

/** `a, b or c`. */
export function listOf(words: readonly string[]): string {
  const [last = '', ...others] = [...words].reverse();
  return others.length === 0 ? last : `${others.reverse().join(', ')} or ${last}`;
}
