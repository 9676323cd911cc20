/**
 * Spans of a denial chain in order, found by binary search: which one begins at a name, and which one lies over it.
 *
 * Ends are text whose order is the chain's: hashes in base32hex (RFC 5155 section 1.3), or `orderKey` of names (RFC 4034
 * section 6.1). Does not: know records, time, or what a span proves.
 * @module
 */
import type { Name } from '../dns/name.ts';

export interface Ends {
  readonly from: string;
  /** Not after `from` for the last span of a chain, which leads back to its beginning. */
  readonly to: string;
}

export class Spans<S extends Ends> {
  /** By `from`, each once. */
  #spans: S[] = [];

  /**
   * Adds a span. One that begins at the same place is replaced, and those that begin inside it are dropped: they are older.
   * @returns what it has taken the place of
   */
  put(span: S): readonly S[] {
    return this.#spans.splice(this.#firstNotBefore(span.from), this.inside(span).length, span);
  }

  /** What `put` would take the place of. */
  inside(ends: Ends): readonly S[] {
    const at = this.#firstNotBefore(ends.from);
    let end = at;
    for (
      let next = this.#spans[end];
      next && isInsideOrAt(next.from, ends);
      next = this.#spans[end]
    )
      end += 1;
    return this.#spans.slice(at, end);
  }

  /** The span that begins at `key`. */
  at(key: string): S | undefined {
    const found = this.#spans[this.#firstNotBefore(key)];
    return found?.from === key ? found : undefined;
  }

  /** The span that `key` lies strictly inside. */
  over(key: string): S | undefined {
    const before = this.#spans[this.#firstNotBefore(key) - 1] ?? this.#spans.at(-1);
    return before && isInside(key, before) ? before : undefined;
  }

  [Symbol.iterator](): IterableIterator<S> {
    return this.#spans[Symbol.iterator]();
  }

  /** The index of the first span that does not begin before `key`. */
  #firstNotBefore(key: string): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const span = this.#spans[middle];
      if (span !== undefined && span.from < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const isInside = (key: string, { from, to }: Ends): boolean =>
  from < to ? from < key && key < to : from < key || key < to;

const isInsideOrAt = (key: string, span: Ends): boolean => key === span.from || isInside(key, span);

/**
 * Text for a name that sorts as RFC 4034 section 6.1 has it: labels from the root down in lower case, each closed by a
 * zero octet, which no label holds: 0 and 1 in a label are written as two.
 */
export function orderKey({ key, labels }: Name): string {
  const parts: string[] = [];
  for (let at = 0, left = labels; left > 0; left -= 1) {
    const end = at + 1 + key.charCodeAt(at);
    parts.push(`${escaped(key.slice(at + 1, end))}\0`);
    at = end;
  }
  return parts.reverse().join('');
}

const escaped = (label: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: any octet may stand in a label
  /[\0\x01]/.test(label)
    ? label.replaceAll('\x01', '\x01\x02').replaceAll('\0', '\x01\x01')
    : label;
