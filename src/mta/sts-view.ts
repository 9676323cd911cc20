/**
 * MTA-STS policies in words, as Momentum's console shows them.
 *
 * The text of `mta_sts show domain` and `mta_sts list all` in its documentation, character for character. Does not: print.
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import type { Name } from '../dns/name.ts';
import type { KeptPolicy } from './mta-sts.ts';
import type { StsPolicy } from './sts-policy.ts';
import type { StsRecord } from './sts-txt.ts';

/** Seconds after which a policy is fetched anew. */
const REFRESH = 86_400;

export interface StsView {
  readonly domain: Name;
  readonly record: StsRecord;
  readonly policy: StsPolicy | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What is known of one domain, line by line. */
export function printSts({ domain, record, policy, now }: StsView): readonly string[] {
  const head = `Domain '${printHost(domain)}' ${printRecord(record)}`;
  return policy ? [head, ...printPolicy(policy, now)] : [head];
}

function printRecord(record: StsRecord): string {
  switch (record.kind) {
    case 'id':
      return `has MTA-STS TXT and a TTL of ${record.ttl} seconds${flag(record)}`;
    case 'none':
      return `has no MTA-STS TXT: ${record.why}`;
    case 'failed':
      return `has no MTA-STS TXT that could be looked up: ${record.failure.reason}`;
  }
}

const flag = ({ status }: { readonly status: string }): string =>
  status === 'secure' ? ' +dnssec' : '';

function printPolicy({ id, maxAge, mode, mx, fetchedAt }: StsPolicy, now: number): string[] {
  const age = Math.floor((now - fetchedAt) / 1000);
  const refresh = Math.max(0, Math.min(maxAge, REFRESH) - age);
  return [
    `        id: ${id}`,
    `        max_age: ${maxAge} seconds; refresh in ${refresh} seconds`,
    `        mode: ${mode}`,
    '        mxlist:',
    ...mx.map((pattern) => `               ${pattern}`),
  ];
}

/** All domains that have a policy, and how many they are. */
export const printPolicies = (kept: readonly KeptPolicy[]): readonly string[] => [
  ...kept.map(({ domain }) => printHost(domain)),
  `Total domains: ${kept.length}`,
];
