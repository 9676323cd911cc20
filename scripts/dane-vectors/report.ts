/**
 * What came of the vectors, for people and for programs.
 * @module
 */
import { groupBy } from '../replay/group.ts';
import type { Judged, Listed } from './suite.ts';

/** One vector's end. */
export interface Report extends Judged {
  readonly listed: Listed;
  /** `skip`: it differs, and nothing says that it must not. */
  readonly result: 'pass' | 'fail' | 'skip';
}

/** Runs one vector. Only a `must` entry can fail. */
export function report(listed: Listed): Report {
  const judged = attempt(listed);
  if (judged.expected === judged.got) return { ...judged, listed, result: 'pass' };
  if (listed.applicability === 'must') return { ...judged, listed, result: 'fail' };
  const why = judged.why ?? 'no must';
  return {
    ...judged,
    listed,
    result: 'skip',
    why: `${listed.applicability ?? 'no applicability'}: ${why}`,
  };
}

/** A vector that breaks the runner has failed, and the others go on. */
function attempt({ run }: Listed): Judged {
  try {
    return run();
  } catch (error) {
    const got = `an error: ${error instanceof Error ? error.message : error}`;
    return { expected: 'a verdict', got, detail: undefined, why: undefined };
  }
}

/** As `--json` writes it. */
export const toJson = (reports: readonly Report[]): string =>
  `${JSON.stringify(
    reports.map(
      ({ listed: { path, category, applicability }, result, expected, got, ...more }) => ({
        file: path,
        category: category ?? null,
        applicability: applicability ?? null,
        result,
        expected,
        got,
        detail: more.detail ?? null,
        why: result === 'skip' ? (more.why ?? null) : null,
      }),
    ),
    undefined,
    1,
  )}\n`;

const HEADINGS = ['total', 'passed', 'failed', 'skipped'] as const;

/** A line for each folder and applicability. */
export function tabulate(reports: readonly Report[]): string {
  const groups = groupBy(reports, ({ listed }) =>
    `${listed.suite} ${listed.applicability ?? ''}`.trim(),
  );
  const rows = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(...rows.map(([name]) => name.length));
  const columns = HEADINGS.map((text) => text.padStart(7)).join(' ');
  const lines = rows.map(([name, group]) => {
    const count = (result: Report['result']): number =>
      group.filter((one) => one.result === result).length;
    const figures = [group.length, count('pass'), count('fail'), count('skip')];
    return [name.padEnd(width), ...figures.map((n) => String(n).padStart(7))].join(' ');
  });
  return [`${''.padEnd(width)} ${columns}`, ...lines].join('\n');
}
