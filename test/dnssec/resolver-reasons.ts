import type { Reason } from '../../src/dnssec/reason.ts';

/** Reasons that come from walking, asking and configuration: test/resolver/reasons.test.ts has their scenarios. */
export const RESOLVER_REASONS = [
  'no-trust-anchor',
  'negative-trust-anchor',
  'ds-unproven',
  'referral-forged',
  'anchor-outdated',
  'signatures-stripped',
  'network-error',
  'alias-loop',
  'private-address',
] as const satisfies readonly Reason[];
