/**
 * SMTP TLS reporting: what became of a session under a policy, and the sums of a day.
 *
 * Implements RFC 8460 section 4.1 (UTC days), section 4.2 (counts) and section 4.3 (result types). Does not: say which
 * sessions there were (sessions.ts), write reports (tlsrpt-report.ts) or send them.
 * @module
 */

/** RFC 8460 section 4.3. */
export const RESULT_TYPES = [
  'starttls-not-supported',
  'certificate-host-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'validation-failure',
  'tlsa-invalid',
  'dnssec-invalid',
  'dane-required',
  'sts-policy-fetch-error',
  'sts-policy-invalid',
  'sts-webpki-invalid',
] as const;
export type ResultType = (typeof RESULT_TYPES)[number];

/** The policy that a session was held against (RFC 8460 section 4.4). */
export interface ReportedPolicy {
  readonly policyType: 'tlsa' | 'sts' | 'no-policy-found';
  /** A-labels: the TLSA base domain for `tlsa`, the next-hop domain for the others. */
  readonly policyDomain: string;
  /** TLSA records as `3 1 1 8d02...`, or the lines of an MTA-STS policy. */
  readonly policyStrings: readonly string[];
  /** For `sts`: the mx patterns of the policy. */
  readonly mxHosts?: readonly string[];
}

/** One session, or the attempt at one, under one policy. */
export interface TlsSession extends ReportedPolicy {
  /** The next-hop domain as A-labels: the one that gets the report, if its `_smtp._tls` record asks for one. */
  readonly reportDomain: string;
  readonly result: 'success' | ResultType;
  /** Reported as failure-reason-code. */
  readonly reasonCode?: string;
  readonly sendingIp?: string;
  readonly receivingIp?: string;
  /** A-labels. */
  readonly receivingMx?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The keys by which failures are summed. */
export type FailureKey = Pick<
  TlsSession,
  'reasonCode' | 'sendingIp' | 'receivingIp' | 'receivingMx'
> & { readonly result: ResultType };

export interface FailureSum extends FailureKey {
  readonly sessions: number;
}
export interface PolicySum {
  readonly policy: ReportedPolicy;
  readonly successes: number;
  readonly failures: number;
  readonly details: readonly FailureSum[];
}
/** What one domain is told about one day. */
export interface DomainDay {
  readonly domain: string;
  /** Milliseconds since 1970: 00:00 UTC. */
  readonly day: number;
  readonly policies: readonly PolicySum[];
}

export const DAY_MS = 86_400_000;
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS;

export interface Limits {
  /** Domains in one day. */
  readonly domains: number;
  /** Policies and kinds of failure of one domain in one day. */
  readonly entries: number;
  /** Characters of all that is kept, of all days together. */
  readonly characters: number;
  /** Days that nobody has taken. */
  readonly days: number;
}
/**
 * A server that writes to more domains a day has a collector of its own. A domain of 20 hosts with 16 addresses each has
 * 320 addresses that may fail, each in several ways; what a stranger can fill with rolling records stops at the last two.
 */
export const REPORT_LIMITS: Limits = {
  domains: 100_000,
  entries: 2_000,
  characters: 67_108_864,
  days: 7,
};

/**
 * Characters of one domain in one day, a 128th of all: who shows new records of the largest size at each delivery is not to take
 * the room of everybody else's reports.
 */
const DOMAIN_CHARACTERS = 524_288;

interface Policy {
  readonly policy: ReportedPolicy;
  successes: number;
  failures: number;
  readonly details: Map<string, { readonly key: FailureKey; sessions: number }>;
}
interface Domain {
  readonly policies: Map<string, Policy>;
  entries: number;
  characters: number;
}

/** The sums of the days that are under way or have not been taken. */
export class TlsReports {
  readonly #limits: Limits;
  /** By the start of the day, then by domain. */
  readonly #days = new Map<number, Map<string, Domain>>();
  #characters = 0;
  #dropped = 0;

  constructor(limits: Limits = REPORT_LIMITS) {
    this.#limits = limits;
  }

  /** Sessions and details that were not counted because a limit was reached. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Starts of the days, the first one first. */
  get days(): readonly number[] {
    return [...this.#days.keys()].sort((a, b) => a - b);
  }

  add(session: TlsSession): void {
    const domain = this.#domain(dayOf(session.at), session.reportDomain);
    const policy = domain && this.#policy(domain, session);
    if (!policy) {
      this.#dropped += 1;
      return;
    }
    const { result } = session;
    if (result === 'success') {
      policy.successes += 1;
      return;
    }
    policy.failures += 1;
    this.#detail(domain, policy, keyOf(session, result));
  }

  /** What has been counted for a day so far, domain by domain. */
  *read(day: number): Generator<DomainDay> {
    for (const [domain, { policies }] of this.#days.get(day) ?? []) {
      const sums = [...policies.values()].map(({ policy, successes, failures, details }) => ({
        policy,
        successes,
        failures,
        details: [...details.values()].map(({ key, sessions }) => ({ ...key, sessions })),
      }));
      yield { domain, day, policies: sums };
    }
  }

  /** Takes up what was read from another one: after a restart, before anything is added. */
  restore({ domain, day, policies }: DomainDay): void {
    for (const { policy, successes, failures, details } of policies) {
      const place = this.#domain(day, domain);
      const sum = place && this.#policy(place, policy);
      if (!sum) {
        this.#dropped += successes + failures;
        continue;
      }
      sum.successes += successes;
      sum.failures += failures;
      for (const { sessions, ...key } of details) this.#detail(place, sum, key, sessions);
    }
  }

  /** Forgets a day: its reports are out. */
  drop(day: number): void {
    for (const [name, { policies }] of this.#days.get(day) ?? []) {
      this.#characters -= name.length;
      for (const [key, { details }] of policies) {
        this.#characters -= key.length;
        for (const detail of details.keys()) this.#characters -= detail.length;
      }
    }
    this.#days.delete(day);
  }

  #domain(day: number, name: string): Domain | undefined {
    const domains = this.#days.get(day) ?? this.#open(day);
    const known = domains.get(name);
    if (known) return known;
    if (domains.size >= this.#limits.domains || !this.#takeRoom(name.length)) return undefined;
    const domain: Domain = { policies: new Map(), entries: 0, characters: 0 };
    domains.set(name, domain);
    return domain;
  }

  #open(day: number): Map<string, Domain> {
    const domains = new Map<string, Domain>();
    this.#days.set(day, domains);
    const [first] = this.#days.size > this.#limits.days ? this.days : [];
    if (first !== undefined) this.drop(first);
    return domains;
  }

  #policy(domain: Domain, policy: ReportedPolicy): Policy | undefined {
    const { policyType, policyDomain, policyStrings, mxHosts } = policy;
    const key = JSON.stringify([policyType, policyDomain, policyStrings, mxHosts]);
    const known = domain.policies.get(key);
    if (known || !this.#takeEntry(domain, key)) return known;
    const kept = { policyType, policyDomain, policyStrings, ...(mxHosts && { mxHosts }) };
    const made: Policy = { policy: kept, successes: 0, failures: 0, details: new Map() };
    domain.policies.set(key, made);
    return made;
  }

  #detail(domain: Domain, { details }: Policy, key: FailureKey, sessions = 1): void {
    const text = JSON.stringify(DETAIL_KEYS.map((name) => key[name] ?? null));
    const known = details.get(text);
    if (known) known.sessions += sessions;
    else if (this.#takeEntry(domain, text)) details.set(text, { key, sessions });
    else this.#dropped += sessions; // the sums of the policy are right all the same
  }

  #takeEntry(domain: Domain, key: string): boolean {
    const { entries, characters } = domain;
    if (entries >= this.#limits.entries || characters + key.length > DOMAIN_CHARACTERS)
      return false;
    if (!this.#takeRoom(key.length)) return false;
    domain.entries += 1;
    domain.characters += key.length;
    return true;
  }

  #takeRoom(characters: number): boolean {
    if (this.#characters + characters > this.#limits.characters) return false;
    this.#characters += characters;
    return true;
  }
}

const DETAIL_KEYS = ['result', 'reasonCode', 'sendingIp', 'receivingIp', 'receivingMx'] as const;

function keyOf(session: TlsSession, result: ResultType): FailureKey {
  const { reasonCode, sendingIp, receivingIp, receivingMx } = session;
  return {
    result,
    ...(reasonCode !== undefined && { reasonCode }),
    ...(sendingIp !== undefined && { sendingIp }),
    ...(receivingIp !== undefined && { receivingIp }),
    ...(receivingMx !== undefined && { receivingMx }),
  };
}
