/**
 * The syntax tree of one compiled module, as far as mutating it needs: nodes, their children, and where an expression
 * may be put in parentheses without a change of meaning.
 *
 * Works on JavaScript that the compiler wrote. Does not: know TypeScript, nor ECMAScript that src/dnssec does not use.
 * @module
 */
import { parse } from 'acorn';

/** An ESTree node. Its fields depend on its type, and are read through the functions below. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly loc?: { readonly start: { readonly line: number; readonly column: number } };
  readonly [field: string]: unknown;
}

export const parseModule = (source: string): Node =>
  // acorn's own types list every node; one shape with unknown fields is enough here.
  parse(source, {
    ecmaVersion: 2023,
    sourceType: 'module',
    locations: true,
  }) as unknown as Node;

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value;

/** The node in a field; undefined where there is none. */
export function nodeAt(node: Node, field: string): Node | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

/** The nodes in a field that holds a list. */
export function nodesAt(node: Node, field: string): readonly Node[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export interface Child {
  readonly field: string;
  readonly node: Node;
}

/** All children in the order of the text. */
export function childrenOf(node: Node): readonly Child[] {
  const found: Child[] = [];
  for (const field of Object.keys(node)) {
    const one = nodeAt(node, field);
    if (one) found.push({ field, node: one });
    for (const item of nodesAt(node, field)) found.push({ field, node: item });
  }
  // A shorthand property has its name twice.
  const unique = found.filter(
    ({ node: { start } }, i) => found.findIndex((other) => other.node.start === start) === i,
  );
  return unique.sort((a, b) => a.node.start - b.node.start);
}

/** Fields that hold an expression by value: in parentheses it means the same. */
const BY_VALUE: Readonly<Record<string, readonly string[]>> = {
  ArrayExpression: ['elements'],
  ArrowFunctionExpression: ['body'],
  AssignmentExpression: ['right'],
  AssignmentPattern: ['right'],
  BinaryExpression: ['left', 'right'],
  CallExpression: ['arguments'],
  ConditionalExpression: ['test', 'consequent', 'alternate'],
  ExpressionStatement: ['expression'],
  ForOfStatement: ['right'],
  ForStatement: ['test', 'update'],
  IfStatement: ['test'],
  LogicalExpression: ['left', 'right'],
  NewExpression: ['arguments'],
  Property: ['value'],
  PropertyDefinition: ['value'],
  ReturnStatement: ['argument'],
  SpreadElement: ['argument'],
  SwitchStatement: ['discriminant'],
  TemplateLiteral: ['expressions'],
  ThrowStatement: ['argument'],
  UnaryExpression: ['argument'],
  VariableDeclarator: ['init'],
  WhileStatement: ['test'],
};

/** Such a statement may be left out. */
const REMOVABLE = new Set(['ExpressionStatement', 'BreakStatement', 'ContinueStatement']);
const NO_EXPRESSION =
  /Statement$|Pattern$|^(SpreadElement|PrivateIdentifier|TemplateElement|Super)$/;

export type Place =
  /** An expression that may be replaced by another one. */
  | 'value'
  /** A statement that may be left out. */
  | 'statement'
  /** The way to the end of `a?.b.c`: what is replaced is the whole of it. */
  | 'spine'
  | 'fixed';

/** What may be done with a child, given what may be done with its parent. */
export function placeOf(parent: Node, place: Place, { field, node }: Child): Place {
  if (REMOVABLE.has(node.type)) return 'statement';
  if (NO_EXPRESSION.test(node.type)) return 'fixed';
  if (parent.type === 'ChainExpression') return 'spine';
  const isSpine = parent.type === 'MemberExpression' || parent.type === 'CallExpression';
  if (place === 'spine' && isSpine && (field === 'object' || field === 'callee')) return 'spine';
  if (parent.type === 'MemberExpression')
    return field === 'object' || parent.computed === true ? 'value' : 'fixed';
  return BY_VALUE[parent.type]?.includes(field) ? 'value' : 'fixed';
}
