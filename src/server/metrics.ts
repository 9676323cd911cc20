/**
 * The counters of a daemon as Prometheus reads them (text format 0.0.4).
 *
 * Does not: count (watch.ts), or listen (listen-http.ts).
 * @module
 */
import type { HeldByMap } from '../resolver/resolver.ts';
import type { Counts, Watch } from './watch.ts';

/** MX look-ups under a limit, in Momentum's words. */
export type MxLookups = Readonly<Record<'immediate' | 'queued' | 'drained' | 'overflow', number>>;

export interface Gauges {
  readonly held: HeldByMap;
  /** Questions without an answer, and pieces of work that have not ended. */
  readonly waiting: number;
  readonly underWay: number;
  /** Left out where nothing limits them. */
  readonly mxLookups?: MxLookups;
}

export function printMetrics(watch: Watch, { held, waiting, underWay, mxLookups }: Gauges): string {
  const maps = Object.entries(held);
  const limited: Counts = new Map(
    Object.entries(mxLookups ?? {}).map(([became, count]) => [`became="${became}"`, count]),
  );
  const gauge = (field: 'entries' | 'bytes'): Counts =>
    new Map(maps.map(([map, one]) => [`map="${map}"`, one[field]]));
  return [
    family('outcomes_total', 'counter', 'Look-ups by status and reason.', watch.outcomes),
    family('responses_total', 'counter', 'Responses to clients.', watch.responses),
    family('upstream_total', 'counter', 'Exchanges with servers.', watch.upstream),
    mxLookups ? family('mx_lookups_total', 'counter', 'MX look-ups under the limit.', limited) : '',
    family('cache_entries', 'gauge', 'Entries by cache.', gauge('entries')),
    family('cache_bytes', 'gauge', 'Octets by cache.', gauge('bytes')),
    family('questions_waiting', 'gauge', 'Questions without an answer.', single(waiting)),
    family('work_under_way', 'gauge', 'Pieces of work that have not ended.', single(underWay)),
    family(
      'healthy',
      'gauge',
      '0 while nothing can be proved.',
      single(watch.health.kind === 'fine' ? 1 : 0),
    ),
  ].join('');
}

const single = (value: number): Counts => new Map([['', value]]);

function family(name: string, type: 'counter' | 'gauge', help: string, counts: Counts): string {
  const full = `danelaw_${name}`;
  const lines = [...counts].map(
    ([labels, value]) => `${full}${labels === '' ? '' : `{${labels}}`} ${value}\n`,
  );
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}
