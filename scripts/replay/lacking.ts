/**
 * What Danelaw lacks on purpose: the only reasons for which a scenario is skipped.
 * @module
 */
import type { Scenario } from './scenario.ts';

/** By the words of the manifests: why. */
export const LACKING: Readonly<Record<string, string>> = {
  'legacy-dsa':
    'DSA signatures are not verified (RFC 9904 section 2: algorithms 3 and 6 MUST NOT be used)',
  'stale-reset': 'what has expired ends, however often it could not be had anew',
  prefetch: 'answers are not refreshed before they expire',
};

const ON: ReadonlySet<string> = new Set(['yes', 'on']);
const SWITCHES: Readonly<Record<string, string>> = {
  'serve-expired-ttl-reset': 'stale-reset',
  prefetch: 'prefetch',
};

/** The first feature that a scenario needs and Danelaw lacks: as the manifest says, and as the file itself shows. */
export function findLacking(scenario: Scenario, features: readonly string[]): string | undefined {
  const switched = scenario.settings.flatMap(({ key, value }) =>
    ON.has(value) ? (SWITCHES[key] ?? []) : [],
  );
  return [...features, ...switched].find((feature) => Object.hasOwn(LACKING, feature));
}
