/**
 * What the interop suite counts and prints: checks that pass or fail, and differences that only a reader can weigh.
 * @module
 */
import { stderr, stdout } from 'node:process';

export interface Check {
  readonly part: string;
  readonly claim: string;
  readonly ok: boolean;
  /** What was seen instead, where the check failed; a measurement, where it passed. */
  readonly detail?: string;
}

export class Score {
  readonly checks: Check[] = [];
  readonly timings: Record<string, number> = {};

  check(part: string, claim: string, ok: boolean, detail?: string): void {
    this.checks.push({ part, claim, ok, ...(detail === undefined ? {} : { detail }) });
    if (!ok) print(`FAILED ${part}: ${claim}${detail === undefined ? '' : `: ${detail}`}`);
  }

  get passed(): number {
    return this.checks.filter(({ ok }) => ok).length;
  }

  get failed(): number {
    return this.checks.length - this.passed;
  }

  /** Runs one step and keeps how long it took. */
  async time<T>(step: string, work: () => Promise<T>): Promise<T> {
    progress(step);
    const started = performance.now();
    const result = await work();
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    this.timings[step] = seconds;
    progress(`${step}: ${seconds} s`, 'end');
    return result;
  }
}

export const print = (line: string): void => {
  stdout.write(`${line}\n`);
};

/** On a terminal each line of progress replaces the last; in a log each stands for itself. */
export function progress(line: string, last?: 'end'): void {
  if (!stderr.isTTY) stderr.write(`${line}\n`);
  else stderr.write(`\r\x1b[K${line}${last ? '\n' : ''}`);
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (wide, row) => row.map((cell, i) => Math.max(cell.length, wide[i] ?? 0)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Works through `items`, `width` at a time, in order. */
export async function each<T>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) {
      const item = items[i];
      if (item !== undefined) await work(item, i);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
