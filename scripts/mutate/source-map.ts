/**
 * From lines of compiled JavaScript back to lines of TypeScript, by the compiler's source map (version 3).
 *
 * Does not: names, several sources, sections.
 * @module
 */

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 numbers of five bits each, the lowest first; the last bit of the whole is the sign. */
function readNumbers(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const char of segment) {
    const digit = DIGITS.indexOf(char);
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}

interface Segment {
  readonly column: number;
  readonly line: number;
}

/** @returns the line (from 1) of the source at a line (from 1) and column (from 0) of what was compiled */
export function readSourceMap(text: string): (line: number, column: number) => number {
  const { mappings } = JSON.parse(text) as { mappings: string }; // what the compiler writes
  let sourceLine = 0;
  const lines = mappings.split(';').map((line) => {
    let column = 0;
    return line.split(',').flatMap((segment): Segment[] => {
      const [columns, , down] = readNumbers(segment);
      if (columns === undefined) return [];
      column += columns;
      sourceLine += down ?? 0;
      return [{ column, line: sourceLine + 1 }];
    });
  });
  return (line, column) => {
    const before = (lines[line - 1] ?? []).filter((segment) => segment.column <= column);
    return before.at(-1)?.line ?? 0;
  };
}
