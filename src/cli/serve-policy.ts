/**
 * What the policy file means for `danelaw serve`: how long answers are kept, how often MX records are asked for, what is
 * told of look-ups, and a self-test before anybody is answered.
 * @module
 */

import { logLookups } from '../mta/debug-log.ts';
import { limitMx, type MxRateCounters } from '../mta/mx-rate.ts';
import { findUseDane, type Policy } from '../mta/policy.ts';
import { printProblem, readPolicyFile } from '../mta/policy-file.ts';
import { printSelfTest, selfTest } from '../mta/self-test.ts';
import { LONGEST_TTL } from '../resolver/ageing.ts';
import type { Resolver } from '../resolver/resolver.ts';
import { Misuse } from './misuse.ts';
import type { ServeWords } from './serve-options.ts';
import type { Terminal } from './terminal.ts';
import type { Manner, World } from './world.ts';

export interface ServePolicy {
  readonly file: string;
  readonly policy: Policy;
}

/** The file that the command line names. Where it is refused, each of its problems is a line on standard error. */
export function openPolicy(file: string, terminal: Terminal): ServePolicy {
  const read = readPolicyFile(file);
  switch (read.kind) {
    case 'policy':
      return { file, policy: read.policy };
    case 'unreadable':
      throw new Misuse(`--policy: ${file} ${read.why}`);
    case 'refused':
      for (const problem of read.problems) terminal.note(printProblem(file, problem));
      throw new Misuse(`--policy: ${file} is refused`);
  }
}

/** For how long answers are kept. */
export function ttlManner({ policy }: ServePolicy, words: Pick<ServeWords, 'leastTtl'>): Manner {
  const { minDnsTtl, maxDnsTtl } = policy.settings;
  if (minDnsTtl !== undefined && words.leastTtl !== undefined)
    throw new Misuse('--cache-min-ttl and min_dns_ttl in the policy file say the same: use one');
  return {
    ...(minDnsTtl !== undefined && { leastTtl: minDnsTtl }),
    ...(maxDnsTtl !== undefined && {
      longestTtl: { positive: maxDnsTtl, negative: Math.min(maxDnsTtl, LONGEST_TTL.negative) },
    }),
  };
}

export interface Limited {
  readonly resolver: Resolver;
  /** Of MX look-ups, where the policy limits them. */
  readonly mxLookups?: () => MxRateCounters;
}

/** The resolver with the limits of the policy, and with its look-ups told where the policy wants that. */
export function underPolicy(
  { policy }: ServePolicy,
  resolver: Resolver,
  { terminal, world }: { readonly terminal: Terminal; readonly world: World },
): Limited {
  const { settings } = policy;
  const rate = {
    queries: settings.dnsRateLimitMxQueries,
    periodMs: settings.dnsRateLimitPeriod * 1000,
    maxQueue: settings.dnsRateLimitMaxQueue,
  };
  const limited = settings.dnsRateLimitEnabled
    ? limitMx(resolver.lookup, rate, world.environment.clock)
    : { lookup: resolver.lookup };
  const { debugFlags } = settings;
  const lookup =
    debugFlags.size === 0
      ? limited.lookup
      : logLookups(limited.lookup, debugFlags, (line) => terminal.note(`danelaw: ${line}`));
  return {
    resolver: { ...resolver, lookup },
    ...('counters' in limited && { mxLookups: limited.counters }),
  };
}

/**
 * DANE without a resolver that validates does not work (RFC 7672 section 2.1.2 makes mail wait): where that is a matter of
 * configuration, the daemon does not start. A clock or a network may come right by itself, so they are told as alarms.
 */
export async function refuseUnlessValidating(
  { file, policy }: ServePolicy,
  { forward }: ServeWords,
  { lookup }: Resolver,
  { terminal, world }: { readonly terminal: Terminal; readonly world: World },
): Promise<void> {
  const scope = findUseDane(policy);
  const at = scope?.written.get('useDane');
  if (!at) return;
  const { clock } = world.environment;
  const found = await selfTest({ lookup, clock, ...(forward && { upstream: forward.ip }) });
  switch (found.kind) {
    case 'fine':
      return;
    case 'clock':
    case 'network':
      terminal.note(`danelaw: ALARM: ${printSelfTest(found)}; mail to signed domains waits`);
      return;
    case 'anchors':
    case 'forwarder':
      throw new Misuse(
        `${file}:${at.line}:${at.column}: use_dane = true needs a resolver that validates: ${printSelfTest(found)}`,
      );
  }
}
