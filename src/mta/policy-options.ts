/**
 * The options of the policy file: for each its scopes, its values, and what it comes to.
 *
 * Names, scopes and defaults of `use_dane`, `enable_dane`, `tls`, `tls_verify`, `tls_ifavailable_fallback`,
 * `tlsa_expire_interval`, `min_dns_ttl`, `max_dns_ttl` and `dns_rate_limit_*` are Momentum's. Does not: read a file
 * (policy-parse.ts).
 * @module
 */
import { MATCHING_TYPE } from '../dane/tlsa.ts';
import { type DebugFlags, LEVELS, SUBSYSTEMS, type Subsystem } from './debug-log.ts';
import {
  describe,
  exception,
  flag,
  flagAs,
  listFrom,
  oneOf,
  type Read,
  type Reader,
  surplus,
  wholeNumber,
  wrong,
} from './policy-values.ts';
import type { Terms } from './terms.ts';
import type { TomlValue } from './toml.ts';

/** From the widest to the narrowest: each beats those before it. */
export const SCOPES = ['global', 'binding_group', 'binding', 'domain'] as const;
export type ScopeKind = (typeof SCOPES)[number];

/** What holds for the whole of a sender, and has no other scope. */
export interface Settings {
  /** Seconds between two sweeps for TLSA records that have expired. What has expired is never used, swept or not. */
  readonly tlsaExpireInterval: number;
  /** Seconds; what the resolver may make longer (DECISIONS.md has what that is) is kept for this long at least. */
  readonly minDnsTtl?: number;
  /** Seconds that any answer is kept at most. */
  readonly maxDnsTtl?: number;
  readonly dnsRateLimitEnabled: boolean;
  /** MX look-ups that start in one period. */
  readonly dnsRateLimitMxQueries: number;
  /** Seconds. */
  readonly dnsRateLimitPeriod: number;
  /** MX look-ups that wait for a period to come; what comes on top of them fails, and its mail waits. */
  readonly dnsRateLimitMaxQueue: number;
  readonly debugFlags: DebugFlags;
}

export const DEFAULT_SETTINGS: Settings = {
  tlsaExpireInterval: 3600,
  dnsRateLimitEnabled: false,
  dnsRateLimitMxQueries: 1000,
  dnsRateLimitPeriod: 1,
  dnsRateLimitMaxQueue: 10_000,
  debugFlags: new Map(),
};

export interface Option<K extends string, T> {
  readonly scopes: readonly ScopeKind[];
  readonly field: K;
  readonly read: (key: string, value: TomlValue) => Read<T>;
}

type TermOption = {
  [K in keyof Terms]-?: Option<K, NonNullable<Terms[K]>>;
}[keyof Terms];
type SettingOption = {
  [K in keyof Settings]-?: Option<K, NonNullable<Settings[K]>>;
}[keyof Settings];

const term = <K extends keyof Terms>(
  field: K,
  scopes: readonly ScopeKind[],
  reader: Reader<NonNullable<Terms[K]>>,
): Option<K, NonNullable<Terms[K]>> => ({ scopes, field, read: reader });

const setting = <K extends keyof Settings>(
  field: K,
  reader: Reader<NonNullable<Settings[K]>>,
): Option<K, NonNullable<Settings[K]>> => ({ scopes: ['global'], field, read: reader });

/** About the destination, whoever sends: Momentum gives `use_dane` these two. */
const DOMAIN_GLOBAL: readonly ScopeKind[] = ['domain', 'global'];
const EVERYWHERE: readonly ScopeKind[] = ['binding', 'binding_group', 'domain', 'global'];

/** Keys above it are refused in any case (tls/public-key.ts): a floor there would let nobody through. */
const MOST_RSA_BITS = 8192;
/** What falls to anybody with a few machines: less would be no check (verify.ts has 1024 where nothing is said). */
const LEAST_RSA_BITS = 1024;

/** DNS names of RFC 7218 section 2.3, in small letters. */
const DIGESTS = new Map<string, number>([
  ['sha2-512', MATCHING_TYPE.sha512],
  ['sha2-256', MATCHING_TYPE.sha256],
]);

export const TERM_OPTIONS: ReadonlyMap<string, TermOption> = new Map<string, TermOption>([
  ['use_dane', term('useDane', DOMAIN_GLOBAL, flag)],
  ['enable_dane', term('enableDane', EVERYWHERE, flag)],
  ['tls', term('tls', EVERYWHERE, oneOf(['no', 'ifavailable', 'required']))],
  ['tls_verify', term('tlsVerify', EVERYWHERE, oneOf(['no', 'ca', 'host', 'optional']))],
  ['tls_ifavailable_fallback', term('tlsIfavailableFallback', EVERYWHERE, flag)],
  ['half_dane', term('halfDane', DOMAIN_GLOBAL, oneOf(['dane', 'encrypt', 'may']))],
  ['mandatory_dane', term('mandatoryDane', EVERYWHERE, flag)],
  ['dane_audit', term('audit', EVERYWHERE, flag)],
  ['exception', term('exception', ['domain'], exception)],
  ['mta_sts', term('mtaSts', EVERYWHERE, flagAs({ yes: 'on', no: 'off' }))],
  ['sts_mx_filter', term('stsMxFilter', EVERYWHERE, flag)],
  [
    'tls_required_no',
    term('tlsRequiredNo', EVERYWHERE, oneOf(['overrides-mandatory', 'keeps-mandatory'])),
  ],
  ['dane_digests', term('digestOrder', DOMAIN_GLOBAL, listFrom(DIGESTS))],
  [
    'dane_minimum_rsa_bits',
    term('minimumRsaBits', DOMAIN_GLOBAL, wholeNumber(LEAST_RSA_BITS, MOST_RSA_BITS, 'bits')),
  ],
  ['dane_sha1', term('sha1', DOMAIN_GLOBAL, oneOf(['refuse', 'accept']))],
]);

const SUBSYSTEM_LIST = listFrom(new Map<string, Subsystem>(SUBSYSTEMS.map((one) => [one, one])));

/** A table with a list of subsystems for each level. */
const debugFlags: Reader<DebugFlags> = (key, value) => {
  if (value.kind !== 'table')
    return wrong(value.at, `${key} is a table, not ${describe(value)}`, 'write [debug_flags]');
  const problems = surplus(key, value, LEVELS);
  const flags = LEVELS.flatMap((level) => {
    const list = value.entries.get(level)?.value;
    const found = list && SUBSYSTEM_LIST(level, list);
    if (found?.kind === 'wrong') problems.push(...found.problems);
    return found?.kind === 'value' ? [[level, found.value] as const] : [];
  });
  return problems.length > 0
    ? { kind: 'wrong', problems }
    : { kind: 'value', value: new Map(flags) };
};

const DAY = 86_400;
const WEEK = 604_800;
/** The bound of `--cache-min-ttl`: who cannot wait for that long for a new address has a TTL for it. */
const MOST_MIN_TTL = 90;
const MILLION = 1_000_000;

export const SETTING_OPTIONS: ReadonlyMap<string, SettingOption> = new Map<string, SettingOption>([
  ['tlsa_expire_interval', setting('tlsaExpireInterval', wholeNumber(1, WEEK, 'seconds'))],
  ['min_dns_ttl', setting('minDnsTtl', wholeNumber(0, MOST_MIN_TTL, 'seconds'))],
  ['max_dns_ttl', setting('maxDnsTtl', wholeNumber(1, WEEK, 'seconds'))],
  ['dns_rate_limit_enabled', setting('dnsRateLimitEnabled', flag)],
  [
    'dns_rate_limit_mx_queries',
    setting('dnsRateLimitMxQueries', wholeNumber(1, MILLION, 'queries')),
  ],
  ['dns_rate_limit_period', setting('dnsRateLimitPeriod', wholeNumber(1, DAY, 'seconds'))],
  ['dns_rate_limit_max_queue', setting('dnsRateLimitMaxQueue', wholeNumber(0, MILLION, 'queries'))],
  ['debug_flags', setting('debugFlags', debugFlags)],
]);

/** Options that have one right value: what it says is how Danelaw always works. */
export const FIXED_OPTIONS: ReadonlyMap<
  string,
  Pick<Option<string, true>, 'scopes' | 'read'>
> = new Map([
  [
    'fully_resolve_before_smtp',
    {
      scopes: EVERYWHERE,
      read: (key, value) => {
        const found = flag(key, value);
        if (found.kind === 'wrong') return found;
        if (found.value) return { kind: 'value', value: true };
        return wrong(
          value.at,
          `${key} = false would let a worse MX host go before a better one`,
          'leave it out: all hosts are resolved before the first connection',
        );
      },
    },
  ],
]);

/** What the file would say for one of the terms; `undefined` where it is not set and has no default of its own. */
export function writeTerm(terms: Terms, field: keyof Terms): string | undefined {
  const value = terms[field];
  if (value === undefined) return undefined;
  if (field === 'mtaSts') return String(value === 'on');
  if (field === 'digestOrder') {
    const names = [...DIGESTS].filter(([, type]) => terms.digestOrder?.includes(type));
    const ordered = names.toSorted(([, a], [, b]) => orderOf(terms, a) - orderOf(terms, b));
    return `[${ordered.map(([name]) => JSON.stringify(name)).join(', ')}]`;
  }
  if (typeof value === 'object' && 'reason' in value)
    return `{ reason = ${JSON.stringify(value.reason)}, expires = ${new Date(value.expires).toISOString()} }`;
  return JSON.stringify(value);
}

const orderOf = ({ digestOrder = [] }: Terms, type: number): number => digestOrder.indexOf(type);
