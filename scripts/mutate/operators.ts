/**
 * What is changed in an expression or a statement, one thing at a time.
 *
 * Chosen for a validator: borders of comparisons, conditions that are always or never met, negations, steps by one,
 * choices between two things, checks over lists, early ends, and names told apart by "below" and "at or below".
 * Does not: change texts for people, or what stands there for the compiler only (`?? 0` on an index).
 * @module
 */
import { type Child, type Node, nodeAt, nodesAt } from './syntax.ts';

/** Octets of the source replaced by others. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type Operator = (node: Node, source: string, parent: Node, child: Child) => readonly Edit[];

/** All changes at one node; `child` says in which field of `parent` it stands. */
export const editsAt: Operator = (node, source, parent, child) => {
  const always = conditions(node, parent, child.field);
  const isEquality = node.operator === '===' || node.operator === '!==';
  // Turned round, such a condition is wrong where one that always or never holds is wrong already.
  if (always.length > 0 && isEquality) return always;
  return [...always, ...(OPERATORS[node.type]?.(node, source, parent, child) ?? [])];
};

const raw = (node: Node, source: string): string => source.slice(node.start, node.end);
const replace = ({ start, end }: Node, text: string): Edit => ({ start, end, text });

/** The operator between two operands. */
function swap(node: Node, source: string, to: string): Edit {
  const operator = String(node.operator);
  const left = nodeAt(node, 'left');
  const start = source.indexOf(operator, left?.end ?? node.start);
  return { start, end: start + operator.length, text: to };
}

const BINARY: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '%': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['>>'],
  '**': ['*'],
};

const isText = (node: Node | undefined): boolean =>
  node?.type === 'TemplateLiteral' || typeof node?.value === 'string';

function binary(node: Node, source: string): readonly Edit[] {
  const operator = String(node.operator);
  if (operator === '+' && (isText(nodeAt(node, 'left')) || isText(nodeAt(node, 'right'))))
    return [];
  return (BINARY[operator] ?? []).map((to) => swap(node, source, to));
}

function logical(node: Node, source: string): readonly Edit[] {
  if (node.operator !== '??') return [swap(node, source, node.operator === '&&' ? '||' : '&&')];
  const [left, right] = [nodeAt(node, 'left'), nodeAt(node, 'right')];
  if (!left || !right) return [];
  const second = replace(node, `(${raw(right, source)})`);
  // Without its second half, `?? 0` and `?? []` most often mean the same: they are there for the compiler.
  const isEmpty = right.type === 'ArrayExpression' && nodesAt(right, 'elements').length === 0;
  return right.type === 'Literal' || isEmpty
    ? [second]
    : [second, replace(node, `(${raw(left, source)})`)];
}

const ASSIGNMENTS: Readonly<Record<string, string>> = { '+=': '-=', '-=': '+=', '??=': '=' };
function assignment(node: Node, source: string): readonly Edit[] {
  const to = ASSIGNMENTS[String(node.operator)];
  return to === undefined ? [] : [swap(node, source, to)];
}

/** A condition that always holds, and one that never does: an early return removed. */
function isCondition(parent: Node, field: string): boolean {
  return field === 'test' && /^(If|While|For)Statement$|^ConditionalExpression$/.test(parent.type);
}
function conditions(node: Node, parent: Node, field: string): readonly Edit[] {
  if (!isCondition(parent, field)) return [];
  const never = replace(node, 'false');
  // A loop that never ends tells nothing.
  return /^(While|For)/.test(parent.type) ? [never] : [replace(node, 'true'), never];
}

function unary(node: Node): readonly Edit[] {
  const isRemovable = ['!', '-', '~'].includes(String(node.operator));
  return isRemovable ? [{ start: node.start, end: node.start + 1, text: '' }] : [];
}

/** Strings that are compared are changed by turning the comparison round; texts for people are left alone. */
function isLeftAlone(parent: Node, field: string): boolean {
  if (/^(BinaryExpression|SwitchCase|ImportDeclaration)$/.test(parent.type)) return true;
  if (parent.type !== 'Property') return false;
  const key = nodeAt(parent, 'key')?.name;
  return field === 'key' || key === 'text' || key === 'rfc' || key === 'mnemonic';
}

function literal(node: Node, source: string, parent: Node, { field }: Child): readonly Edit[] {
  const { value } = node;
  if (typeof value === 'boolean') return [replace(node, String(!value))];
  if (field === 'key' || parent.operator === '??') return [];
  if (typeof value === 'number') return [replace(node, String(value + 1))];
  if (typeof value === 'bigint') return [replace(node, `${value + 1n}n`)];
  if (typeof value !== 'string' || isLeftAlone(parent, field)) return [];
  return raw(node, source) === "'mutant'" ? [] : [replace(node, "'mutant'")];
}

/** One element less. */
function array(node: Node): readonly Edit[] {
  const elements = nodesAt(node, 'elements');
  return elements.flatMap((element, i) => {
    if (element.type === 'Literal') return [];
    const [before, after] = [elements[i - 1], elements[i + 1]];
    if (before) return [{ start: before.end, end: element.end, text: '' }];
    return [{ start: element.start, end: after ? after.start : element.end, text: '' }];
  });
}

const METHODS = new Map(
  Object.entries({
    some: 'every',
    every: 'some',
    min: 'max',
    max: 'min',
    floor: 'ceil',
    ceil: 'floor',
    isBelow: 'isAtOrBelow',
    isAtOrBelow: 'isBelow',
  }),
);
/** What these return is a part of what they are called on, or the same in order. */
const NARROWING = new Set(['filter', 'slice', 'sort', 'subarray']);

/** Where `.name` or `?.name` begins: parentheses may stand before it. */
function dotBefore(property: Node, source: string): number {
  const dot = source.lastIndexOf('.', property.start - 1);
  return source[dot - 1] === '?' ? dot - 1 : dot;
}

function call(node: Node, source: string): readonly Edit[] {
  const callee = nodeAt(node, 'callee');
  const property = callee && nodeAt(callee, 'property');
  if (!callee || !property || callee.type !== 'MemberExpression') return [];
  const name = String(property.name);
  const to = METHODS.get(name);
  if (to !== undefined) return [replace(property, to)];
  return NARROWING.has(name)
    ? [{ start: dotBefore(property, source), end: node.end, text: '' }]
    : [];
}

/** `?.` that insists, and a name that is not folded. */
function member(node: Node, source: string): readonly Edit[] {
  const object = nodeAt(node, 'object');
  const property = nodeAt(node, 'property');
  if (!object || !property) return [];
  const edits: Edit[] = [];
  if (node.optional === true) {
    const start = source.indexOf('?.', object.end);
    edits.push({ start, end: start + 2, text: node.computed === true ? '' : '.' });
  }
  if (node.computed !== true && property.name === 'canonical')
    edits.push({ start: dotBefore(property, source), end: node.end, text: '' });
  return edits;
}

/** The statement left out. */
function statement(node: Node, parent: Node): readonly Edit[] {
  const { type } = nodeAt(node, 'expression') ?? node;
  const isBreak = type === 'BreakStatement' && parent.type === 'SwitchCase';
  return type === 'Literal' || isBreak ? [] : [replace(node, ';')];
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  ArrayExpression: array,
  AssignmentExpression: assignment,
  BinaryExpression: (node, source) => binary(node, source),
  BreakStatement: (node, _source, parent) => statement(node, parent),
  CallExpression: (node, source) => call(node, source),
  ContinueStatement: (node, _source, parent) => statement(node, parent),
  ExpressionStatement: (node, _source, parent) => statement(node, parent),
  Literal: literal,
  LogicalExpression: logical,
  MemberExpression: member,
  UnaryExpression: (node) => unary(node),
};
