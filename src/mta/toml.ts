/**
 * A TOML file as values that know where they stand: line and column, from 1.
 *
 * The reading is toml-eslint-parser's (TOML 1.0); here its syntax tree becomes one tree of tables. Does not: know what the
 * keys mean (policy-parse.ts), nor read files (policy-file.ts).
 * @module
 */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface TomlTable {
  readonly kind: 'table';
  readonly at: Position;
  readonly entries: ReadonlyMap<string, TomlEntry>;
}
export interface TomlEntry {
  /** Of the key. */
  readonly at: Position;
  readonly value: TomlValue;
}
export type TomlValue =
  | TomlTable
  | { readonly kind: 'array'; readonly at: Position; readonly items: readonly TomlValue[] }
  | { readonly kind: 'string'; readonly at: Position; readonly value: string }
  | { readonly kind: 'integer'; readonly at: Position; readonly value: number }
  | { readonly kind: 'float'; readonly at: Position; readonly value: number }
  | { readonly kind: 'boolean'; readonly at: Position; readonly value: boolean }
  /** With its offset from UTC; milliseconds since 1970. */
  | { readonly kind: 'time'; readonly at: Position; readonly value: number }
  | { readonly kind: 'local-time'; readonly at: Position; readonly written: string };

export type Toml =
  | { readonly kind: 'toml'; readonly root: TomlTable }
  | { readonly kind: 'malformed'; readonly at: Position; readonly why: string };

/** Reads a whole file. Stops at the first thing that is no TOML: what follows it cannot be told apart. */
export function readToml(text: string): Toml {
  try {
    const { body } = parseTOML(text.replace(/^\ufeff/, ''), { tomlVersion: '1.0' });
    return { kind: 'toml', root: treeOf(body[0].body) };
  } catch (error) {
    if (error instanceof ParseError) {
      const { lineNumber: line, column, message } = error;
      return { kind: 'malformed', at: { line, column: column + 1 }, why: message };
    }
    // The parser calls itself for each bracket.
    if (error instanceof RangeError)
      return { kind: 'malformed', at: START, why: 'Brackets are nested too deep' };
    throw error;
  }
}

const START: Position = { line: 1, column: 1 };

/** While they are being filled. */
interface Growing extends TomlTable {
  readonly entries: Map<string, TomlEntry>;
}
interface GrowingList extends Extract<TomlValue, { kind: 'array' }> {
  readonly items: TomlValue[];
}
const table = (at: Position): Growing => ({ kind: 'table', at, entries: new Map() });

function treeOf(nodes: readonly (AST.TOMLKeyValue | AST.TOMLTable)[]): TomlTable {
  const root = table(START);
  for (const node of nodes) {
    if (node.type === 'TOMLKeyValue') put(root, node);
    else {
      const opened = open(root, node);
      for (const pair of node.body) put(opened, pair);
    }
  }
  return root;
}

/** The table that a header opens. The parser has seen to it that nothing is opened twice. */
function open(root: Growing, { key, kind }: AST.TOMLTable): Growing {
  const { above, last } = descend(root, key.keys);
  const at = positionOf(last);
  const known = above.entries.get(nameOf(last))?.value;
  if (kind === 'standard' && known && isGrowing(known)) return known;
  const opened = table(at);
  if (kind === 'standard') above.entries.set(nameOf(last), { at, value: opened });
  else if (known && isGrowingList(known)) known.items.push(opened);
  else {
    const value: GrowingList = { kind: 'array', at, items: [opened] };
    above.entries.set(nameOf(last), { at, value });
  }
  return opened;
}

function put(into: Growing, { key, value }: AST.TOMLKeyValue): void {
  const { above, last } = descend(into, key.keys);
  above.entries.set(nameOf(last), { at: positionOf(last), value: readValue(value) });
}

type Key = AST.TOMLKey['keys'][number];

/** The table that the last of `keys` stands in; those on the way are made where there are none. */
function descend(from: Growing, keys: readonly Key[]): { above: Growing; last: Key } {
  const last = keys.at(-1);
  if (!last) throw new Error('a key of no parts');
  let above = from;
  for (const key of keys.slice(0, -1)) {
    const known = above.entries.get(nameOf(key))?.value;
    const inside = known?.kind === 'array' ? known.items.at(-1) : known;
    if (inside && isGrowing(inside)) {
      above = inside;
      continue;
    }
    const made = table(positionOf(key));
    above.entries.set(nameOf(key), { at: made.at, value: made });
    above = made;
  }
  return { above, last };
}

// Every table and list that these are asked about was made above.
const isGrowing = (value: TomlValue): value is Growing => value.kind === 'table';
const isGrowingList = (value: TomlValue): value is GrowingList => value.kind === 'array';

const nameOf = (key: Key): string => (key.type === 'TOMLBare' ? key.name : key.value);

const positionOf = ({ loc }: AST.HasLocs): Position => ({
  line: loc.start.line,
  column: loc.start.column + 1,
});

function readValue(node: AST.TOMLContentNode): TomlValue {
  const at = positionOf(node);
  switch (node.type) {
    case 'TOMLArray':
      return { kind: 'array', at, items: node.elements.map(readValue) };
    case 'TOMLInlineTable': {
      const made = table(at);
      for (const pair of node.body) put(made, pair);
      return made;
    }
    case 'TOMLValue':
      return readScalar(node, at);
  }
}

function readScalar(node: AST.TOMLValue, at: Position): TomlValue {
  switch (node.kind) {
    case 'string':
      return { kind: 'string', at, value: node.value };
    case 'boolean':
      return { kind: 'boolean', at, value: node.value };
    case 'integer':
      return { kind: 'integer', at, value: node.value };
    case 'float':
      return { kind: 'float', at, value: node.value };
    case 'offset-date-time':
      return { kind: 'time', at, value: node.value.getTime() };
    case 'local-date-time':
    case 'local-date':
    case 'local-time':
      return { kind: 'local-time', at, written: node.datetime };
  }
}
