/**
 * Macros of scenarios: `${...}` in times, assignments and the lines of state files.
 *
 * Does not: print calendar times; `${ctime N}` becomes nothing, for texts are not compared.
 * @module
 */

/** What a macro may ask for, in seconds. */
export interface MacroValues {
  readonly time: number;
  /** Until the next timer. */
  readonly timeout: number | undefined;
  readonly variables: ReadonlyMap<string, number>;
}

/** A value is not where the scenario wants it, or a macro cannot be read. */
export class MacroProblem extends Error {}

const INNERMOST = /\$\{([^{}]*)\}/;

/** The text with every macro replaced by its value. */
export function expand(text: string, values: MacroValues): string {
  let rest = text.replaceAll(/\$(\w+)/g, (_, name: string) =>
    String(values.variables.get(name) ?? name),
  );
  for (let found = INNERMOST.exec(rest); found; found = INNERMOST.exec(rest)) {
    const value = evaluate((found[1] ?? '').trim(), values);
    rest = rest.slice(0, found.index) + value + rest.slice(found.index + found[0].length);
  }
  return rest;
}

function evaluate(text: string, { time, timeout }: MacroValues): string {
  if (text === 'time') return String(time);
  if (text === 'timeout') return String(timeout ?? Number.NaN);
  if (text.startsWith('ctime')) return '';
  const [, least, value, most] = /^range\s+(\S+)\s+(\S+)\s+(\S+)$/.exec(text) ?? [];
  if (least === undefined) return String(secondsOf(text));
  if (!(Number(least) <= Number(value) && Number(value) <= Number(most)))
    throw new MacroProblem(`expected ${least} to ${most} seconds, got ${value}`);
  return String(value);
}

/** A number, or sums and products strictly left to right. */
export function secondsOf(text: string): number {
  const tokens = text.match(/[\d.]+|[-+*/]/g) ?? [];
  let value = Number(tokens[0] ?? 0);
  for (let i = 1; i + 1 < tokens.length; i += 2) {
    const operand = Number(tokens[i + 1]);
    if (tokens[i] === '+') value += operand;
    else if (tokens[i] === '-') value -= operand;
    else if (tokens[i] === '*') value *= operand;
    else value /= operand;
  }
  return value;
}
