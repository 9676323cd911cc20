/**
 * What came of the scenarios, for people and for programs.
 * @module
 */
import { groupBy } from './group.ts';
import type { Listed } from './suite.ts';

/** One scenario's end. */
export interface Report {
  readonly listed: Listed;
  readonly result: 'pass' | 'fail' | 'skip';
  readonly level: 'full' | 'core' | undefined;
  readonly why: string | undefined;
  /** Extended DNS Errors that clients were told. */
  readonly errors: ReadonlySet<number>;
}

/** As `--json` writes it. */
export const toJson = (reports: readonly Report[]): string =>
  `${JSON.stringify(
    reports.map(({ listed: { path, category, tier }, result, level, why }) => ({
      file: path,
      category: category ?? null,
      tier: tier ?? null,
      result,
      level: level ?? null,
      why: why ?? null,
    })),
    undefined,
    1,
  )}\n`;

export function countResults(reports: readonly Pick<Report, 'result'>[]): string {
  const count = (result: Report['result']): number =>
    reports.filter((report) => report.result === result).length;
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`;
}

/** How often one of the Extended DNS Errors was given that the catalogue suggests, and where none was. */
export function compareErrors(reports: readonly Report[]): string | undefined {
  const asked = reports.filter(
    ({ listed, result }) => listed.suggested.length > 0 && result !== 'skip',
  );
  if (asked.length === 0) return undefined;
  const others = asked.filter(
    ({ listed, errors }) => !listed.suggested.some((code) => errors.has(code)),
  );
  const lines = others.map(
    ({ listed, errors }) =>
      `EDE ${listed.path}: suggested ${listed.suggested.join(' or ')}, given ${[...errors].join(', ') || 'none'}`,
  );
  const given = asked.length - others.length;
  return [...lines, `EDE as suggested: ${given} of ${asked.length}`].join('\n');
}

const HEADINGS = ['total', 'core', 'full', 'failed', 'skipped'] as const;

/** A line for each folder, applicability and tier. */
export function tabulate(reports: readonly Report[]): string {
  const groups = groupBy(reports, ({ listed }) => groupOf(listed));
  const rows = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(...rows.map(([name]) => name.length));
  const heading = ['passed'.padStart(width + 16)].join('');
  const lines = rows.map(([name, group]) => [name.padEnd(width), ...figures(group)].join(' '));
  const columns = HEADINGS.map((text) => text.padStart(7)).join(' ');
  return [heading, `${''.padEnd(width)} ${columns}`, ...lines].join('\n');
}

const groupOf = ({ suite, applicability, tier }: Listed): string => {
  const folder = suite.split('/').at(-1) ?? suite;
  return [folder, applicability ?? '', tier === undefined ? '' : `tier ${tier}`].join(' ').trim();
};

function figures(group: readonly Report[]): readonly string[] {
  const count = (fits: (report: Report) => boolean): string =>
    String(group.filter(fits).length).padStart(7);
  return [
    count(() => true),
    count(({ result }) => result === 'pass'),
    count(({ level }) => level === 'full'),
    count(({ result }) => result === 'fail'),
    count(({ result }) => result === 'skip'),
  ];
}
