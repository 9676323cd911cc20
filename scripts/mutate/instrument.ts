/**
 * One compiled module with all its mutants in it, each behind a switch: `mutants.active === 17 ? mutant : original`.
 *
 * Does not: run anything.
 * @module
 */
import { type Edit, editsAt } from './operators.ts';
import { readSourceMap } from './source-map.ts';
import { type Child, childrenOf, type Node, type Place, parseModule, placeOf } from './syntax.ts';

export interface Mutant {
  readonly id: number;
  /** `verify.ts` */
  readonly file: string;
  /** Of the TypeScript source. */
  readonly line: number;
  /** That line. */
  readonly text: string;
  /** The expression before and after, shortened to what changes. */
  readonly from: string;
  readonly to: string;
}

export interface Module {
  /** `verify.js` */
  readonly file: string;
  readonly source: string;
  readonly map: string;
  /** What it was compiled from. */
  readonly original: string;
}

/** How a switch is asked: while reached mutants are recorded, or while they are run. */
export type Mode = 'record' | 'run';
const ASK: Readonly<Record<Mode, (id: number) => string>> = {
  record: (id) => `$mutants.reach(${id})`,
  run: (id) => `$mutants.active===${id}`,
};

interface Placed extends Edit {
  readonly id: number;
}

/** Replacements by the node that is replaced whole. */
type Sites = Map<Node, Placed[]>;

export class Instrumented {
  readonly mutants: readonly Mutant[];
  readonly #source: string;
  readonly #tree: Node;
  readonly #sites: Sites = new Map();

  /** @param firstId  numbers go on from file to file */
  constructor({ file, source, map, original }: Module, firstId: number) {
    this.#source = source;
    this.#tree = parseModule(source);
    const lineOf = readSourceMap(map);
    const lines = original.split('\n');
    const mutants: Mutant[] = [];
    collect(this.#tree, source, (host, node, edit) => {
      const id = firstId + mutants.length;
      this.#sites.set(host, [...(this.#sites.get(host) ?? []), { ...edit, id }]);
      const at = node.loc?.start ?? { line: 0, column: 0 };
      const line = lineOf(at.line, at.column);
      mutants.push({
        id,
        file: file.replace(/js$/, 'ts'),
        line,
        text: lines[line - 1] ?? '',
        from: shorten(source.slice(host.start, host.end)),
        to: shorten(changed(source, host, edit)),
      });
    });
    this.mutants = mutants;
  }

  print(mode: Mode): string {
    return `const $mutants = globalThis.$mutants;\n${this.#render(this.#tree, mode)}`;
  }

  #render(node: Node, mode: Mode): string {
    let text = '';
    let at = node.start;
    for (const child of childrenOf(node)) {
      text += this.#source.slice(at, child.node.start) + this.#render(child.node, mode);
      at = child.node.end;
    }
    text += this.#source.slice(at, node.end);
    return this.#wrap(node, text, mode);
  }

  #wrap(node: Node, text: string, mode: Mode): string {
    const edits = this.#sites.get(node);
    if (!edits) return text;
    const ask = ASK[mode];
    if (/Statement$/.test(node.type))
      return `{ if (!(${edits.map(({ id }) => ask(id)).join(' || ')})) ${text} }`;
    const choices = edits.map(
      (edit) => `${ask(edit.id)} ? (${changed(this.#source, node, edit)}) :`,
    );
    return `(${choices.join(' ')} (${text}))`;
  }
}

const changed = (source: string, { start, end }: Node, edit: Edit): string =>
  source.slice(start, edit.start) + edit.text + source.slice(edit.end, end);

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= 160 ? line : `${line.slice(0, 157)}...`;
}

type Found = (host: Node, node: Node, edit: Edit) => void;

/** Every change of the module, in the order of the text, with the node that it replaces. */
function collect(tree: Node, source: string, found: Found): void {
  const visit = (parent: Node, place: Place, child: Child, host: Node | undefined): void => {
    const { node } = child;
    const own = placeOf(parent, place, child);
    const isOwn = own === 'value' || own === 'statement';
    const target = isOwn ? node : own === 'spine' ? host : undefined;
    if (target) for (const edit of editsAt(node, source, parent, child)) found(target, node, edit);
    for (const next of childrenOf(node)) visit(node, own, next, target);
  };
  for (const child of childrenOf(tree)) visit(tree, 'fixed', child, undefined);
}
