/**
 * The MTA-STS policy that holds for a domain: discovered, fetched, kept, and kept fresh.
 *
 * Implements RFC 8461 section 3.3 and section 5.1: a policy that was fetched once counts until its max_age whatever the DNS
 * and the policy host say since; the TXT record tells of a new version; each day it is fetched anew. Does not: speak HTTPS
 * (https.ts), look at mail hosts (sts-policy.ts, sts-stance.ts), or touch files (sts-store-file.ts).
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import { recordsOf } from '../dane/destination.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { type Failure, failed, type Lookup } from '../dnssec/outcome.ts';
import { explain } from '../dnssec/reason.ts';
import type { Clock } from '../environment.ts';
import type { Fetched, FetchPolicy } from './https.ts';
import { isCurrent, parsePolicy, type StsPolicy } from './sts-policy.ts';
import { findStsRecord, type StsRecord } from './sts-txt.ts';

/** Why no policy could be had; RFC 8460 section 4.3.2.2, with a word or code for the report. */
export interface StsTrouble {
  readonly result: Extract<Fetched, { kind: 'failed' }>['result'];
  readonly reason: string;
}

export type StsFinding =
  /** No policy, or one that says `none`: as though MTA-STS did not exist. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'policy';
      /** `enforce` or `testing`. */
      readonly policy: StsPolicy;
      /** It is kept from earlier, and could not be renewed now: to be reported (RFC 8461 section 6). */
      readonly trouble?: StsTrouble;
    }
  /** There is a record and no policy: delivery goes on as though MTA-STS did not exist, and it is reported. */
  | ({ readonly kind: 'failed' } & StsTrouble);

/** What a refresh came to: the policy that counts now, also one that says `none`, and why it is no new one. */
export interface Refreshed {
  readonly policy?: StsPolicy;
  readonly trouble?: StsTrouble;
}

/** One policy as it is kept. */
export interface KeptPolicy {
  readonly domain: Name;
  readonly policy: StsPolicy;
}

/** Where policies outlive the process. */
export interface StsStore {
  /** Takes the whole cache. Rejects for nothing that a disk can do. */
  save(policies: readonly KeptPolicy[], now: number): Promise<unknown>;
}

export interface StsParts {
  readonly lookup: Lookup;
  readonly fetch: FetchPolicy;
  readonly clock: Pick<Clock, 'now'>;
  readonly store?: StsStore;
  /** What was kept from an earlier run. */
  readonly kept?: readonly KeptPolicy[];
  /** Policies that are kept at most. Default 10 000. */
  readonly limit?: number;
}

const MAX_POLICIES = 10_000;
/** Octets of policy text that are kept: what 10 000 policies of ordinary size take, twelve times over. */
const MAX_TEXT = 33_554_432;
/** RFC 8461 section 3.3 suggests once a day, and Momentum does so. */
const REFRESH_MS = 86_400_000;
/** RFC 8461 section 3.3: after a failure no new attempt for one version for five minutes. */
const PAUSE_MS = 300_000;
/** Domains of which the last failure is remembered. */
const MAX_PAUSES = 10_000;

interface Pause extends StsTrouble {
  readonly id: string;
  readonly until: number;
}

/** The policies of all domains. One process keeps one. */
export class StsCache {
  readonly #parts: StsParts;
  /** By key of the domain, the one used last at the end. */
  readonly #kept = new Map<string, KeptPolicy>();
  readonly #pauses = new Map<string, Pause>();
  readonly #underWay = new Map<string, Promise<StsTrouble | undefined>>();
  #text = 0;
  #isDirty = false;
  #saving: Promise<void> | undefined;

  constructor(parts: StsParts) {
    this.#parts = parts;
    const now = parts.clock.now();
    for (const kept of parts.kept ?? []) if (isCurrent(kept.policy, now)) this.#keep(kept);
  }

  /**
   * The policy that mail for `domain` goes by.
   * @param domain  the next-hop domain (RFC 8461 section 3.4: never a parent of it)
   */
  async find(domain: Name, signal?: AbortSignal): Promise<StsFinding> {
    const record = await this.#record(domain, signal);
    const trouble = await this.#renew(domain, record);
    const policy = this.#use(domain);
    if (policy?.mode === 'none') return { kind: 'none' };
    if (policy) return { kind: 'policy', policy, ...(trouble && { trouble }) };
    return trouble && record.kind === 'id' ? { kind: 'failed', ...trouble } : { kind: 'none' };
  }

  /** Fetches the policy whatever is kept, and whether or not the last attempt was a failure. */
  async refresh(domain: Name): Promise<Refreshed> {
    this.#pauses.delete(domain.key);
    const record = await this.#record(domain);
    const trouble =
      record.kind === 'id' ? await this.#joined(domain, record.id) : unannounced(record);
    const policy = this.#use(domain);
    return { ...(policy && { policy }), ...(trouble && { trouble }) };
  }

  /** Renews what is a day old, so that domains that get little mail are not left with what has expired. */
  async refreshAll(): Promise<void> {
    const now = this.#parts.clock.now();
    for (const { domain, policy } of [...this.#kept.values()]) {
      if (policy.mode === 'none' || now - policy.fetchedAt < REFRESH_MS) continue;
      await this.#renew(domain, await this.#record(domain));
    }
  }

  /** What is kept and has not expired, the ones that say `none` included. */
  get policies(): readonly KeptPolicy[] {
    const now = this.#parts.clock.now();
    return [...this.#kept.values()].filter(({ policy }) => isCurrent(policy, now));
  }

  /** Resolves when what is kept is in the store. */
  async saved(): Promise<void> {
    while (this.#saving) await this.#saving;
  }

  #record(domain: Name, signal?: AbortSignal): Promise<StsRecord> {
    const { lookup, clock } = this.#parts;
    return findStsRecord(domain, lookup, { now: clock.now(), ...(signal && { signal }) });
  }

  /** Fetches where something new is to be had. @returns why what is kept could not be renewed */
  async #renew(domain: Name, record: StsRecord): Promise<StsTrouble | undefined> {
    if (record.kind !== 'id') return unannounced(record);
    const now = this.#parts.clock.now();
    const kept = this.#kept.get(domain.key)?.policy;
    const isFresh = kept && isCurrent(kept, now) && now - kept.fetchedAt < REFRESH_MS;
    if (isFresh && kept.id === record.id) return undefined;
    const pause = this.#pauses.get(domain.key);
    if (pause && pause.id === record.id && now < pause.until)
      return { result: pause.result, reason: pause.reason };
    return this.#joined(domain, record.id);
  }

  /** One fetch for a domain at a time. */
  #joined(domain: Name, id: string): Promise<StsTrouble | undefined> {
    const underWay = this.#underWay.get(domain.key);
    if (underWay) return underWay;
    const fetching = this.#fetch(domain, id).finally(() => this.#underWay.delete(domain.key));
    this.#underWay.set(domain.key, fetching);
    return fetching;
  }

  async #fetch(domain: Name, id: string): Promise<StsTrouble | undefined> {
    const fetched = await fetchPolicy(domain, this.#parts);
    const now = this.#parts.clock.now();
    const trouble =
      fetched.kind === 'failed' ? fetched : this.#take(domain, fetched.octets, id, now);
    this.#pauses.delete(domain.key);
    if (!trouble) return undefined;
    const { result, reason } = trouble;
    this.#pauses.set(domain.key, { id, until: now + PAUSE_MS, result, reason });
    dropFirst(this.#pauses, MAX_PAUSES);
    return { result, reason };
  }

  #take(domain: Name, octets: Uint8Array, id: string, now: number): StsTrouble | undefined {
    const parsed = parsePolicy(octets, { id, fetchedAt: now });
    if (parsed.kind === 'invalid') return { result: 'sts-policy-invalid', reason: parsed.why };
    this.#keep({ domain, policy: parsed.policy });
    this.#save();
    return undefined;
  }

  /** The policy for the domain, which counts as used by that. */
  #use(domain: Name): StsPolicy | undefined {
    const kept = this.#kept.get(domain.key);
    if (!kept) return undefined;
    this.#drop(domain.key);
    if (!isCurrent(kept.policy, this.#parts.clock.now())) return undefined;
    this.#keep(kept);
    return kept.policy;
  }

  #keep(kept: KeptPolicy): void {
    this.#drop(kept.domain.key);
    this.#kept.set(kept.domain.key, kept);
    this.#text += sizeOf(kept);
    const [first] = this.#kept.size > (this.#parts.limit ?? MAX_POLICIES) ? this.#kept.keys() : [];
    if (first !== undefined) this.#drop(first);
    while (this.#text > MAX_TEXT) this.#drop(this.#largest());
  }

  /**
   * Where room for text is short, who takes most of it goes first: with the longest policies there may be, some hundred domains of
   * a stranger's would else drive out everybody's, and with them what keeps their mail from a downgrade (RFC 8461 section 10.2).
   */
  #largest(): string {
    let found = { key: '', size: -1 };
    for (const [key, kept] of this.#kept) {
      const size = sizeOf(kept);
      if (size > found.size) found = { key, size };
    }
    return found.key;
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (!kept) return;
    this.#kept.delete(key);
    this.#text -= sizeOf(kept);
  }

  /** One write at a time; what changes meanwhile is written behind it, all at once. */
  #save(): void {
    const { store } = this.#parts;
    if (!store) return;
    this.#isDirty = true;
    this.#saving ??= this.#write(store);
  }

  async #write(store: StsStore): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      await store.save(this.policies, this.#parts.clock.now());
    }
    this.#saving = undefined;
  }
}

const unannounced = (record: Exclude<StsRecord, { kind: 'id' }>): StsTrouble => ({
  result: 'sts-policy-fetch-error',
  reason: record.kind === 'none' ? 'no-txt-record' : wordOf(record.failure),
});

const sizeOf = ({ policy }: KeptPolicy): number =>
  policy.lines.reduce((sum, { length }) => sum + length, 0);

function dropFirst(map: Map<string, unknown>, limit: number): void {
  const [first] = map.size > limit ? map.keys() : [];
  if (first !== undefined) map.delete(first);
}

/** Looks up the policy host and asks it. The certificate proves it, so insecure addresses will do. */
async function fetchPolicy(
  domain: Name,
  { lookup, fetch }: Pick<StsParts, 'lookup' | 'fetch'>,
): Promise<Fetched> {
  const host = domain.child('mta-sts');
  if (!host) return unfetched('name-too-long');
  const [v4, v6] = await Promise.all([lookup(host, 'A'), lookup(host, 'AAAA')]);
  const addresses = [
    ...(failed(v6) ? [] : (recordsOf(v6)?.rdata ?? []).map((one) => decode('AAAA', one).address)),
    ...(failed(v4) ? [] : (recordsOf(v4)?.rdata ?? []).map((one) => decode('A', one).address)),
  ];
  const missing = [v4, v6].find(failed);
  if (addresses.length === 0) return unfetched(missing ? wordOf(missing) : 'no-address');
  return fetch(printHost(host), addresses);
}

const unfetched = (reason: string): Fetched => ({
  kind: 'failed',
  result: 'sts-policy-fetch-error',
  reason,
});

/** The code of RFC 8914 where there is one. */
function wordOf({ reason }: Failure): string {
  const { ede } = explain(reason);
  return ede ? `ede-${ede}` : reason;
}
