/**
 * What one question may cost, and what it has cost: signatures, NSEC3 hashes, and the packets that `resolver/` counts
 * on the same sheet. A budget belongs to one client question and is never reset (CVE-2026-50045).
 *
 * Against KeyTrap (CVE-2023-50387) and the closest encloser attack on NSEC3 (CVE-2023-50868). Does not: measure time.
 * @module
 */

/** The limits that a result can name, counted per question unless the comment says otherwise. */
export const LIMITS = {
  /** Each signature computed, passed or failed (Knot 32, PowerDNS 30). */
  signatures: 32,
  /** Names hashed; a name under one set of parameters counts once (PowerDNS 600). */
  'nsec3-hashes': 600,
  /** Tries at upstream servers, UDP or TCP (BIND and Unbound 200). */
  queries: 200,
  /** Octets of all replies read (PowerDNS). */
  'bytes-received': 100_000,
  /** Milliseconds from the call to the last reply (Knot and BIND 10 s). */
  'wall-clock': 10_000,
  /** Tries for one name and type walked from the closest known cut (BIND, PowerDNS 50). */
  'queries-per-fetch': 50,
  /** Zone cuts below the root on the way to one name (PowerDNS 16). */
  'delegation-depth': 16,
  /** The address of a server of the zone of a server ... (BIND 7). */
  'nested-resolutions': 7,
  /** Address look-ups of name servers started (PowerDNS 10). */
  'server-lookups': 10,
  /** CNAME and DNAME links; a DNAME with its CNAME is one (Unbound, BIND 11). */
  'alias-links': 11,
  /** Records in one RRset, RRSIGs apart (BIND, CVE-2024-1737). */
  'rrset-records': 100,
  /** Failed verifications over one RRset of one reply (Unbound 8). */
  'failed-signatures': 8,
  /** RRSIGs tried over one RRset of one reply (Unbound, Hickory 8). */
  'rrsigs-tried': 8,
  /** Keys of the tag and algorithm that an RRSIG or a DS names (PowerDNS, Hickory 2); RFC 4035 section 5.3.1 wants all. */
  'keys-tried': 2,
  /** DS records of supported algorithm and digest type, in one DS RRset (PowerDNS; HashTrap). */
  'ds-considered': 8,
  /** NSEC3 records of one reply and zone (PowerDNS 10). */
  'nsec3-records': 10,
} satisfies Record<string, number>;

export type LimitName = keyof typeof LIMITS;
export type Limits = Readonly<Record<LimitName, number>>;

/** What a question has cost so far. */
export interface Spent {
  readonly queries: number;
  readonly bytes: number;
  readonly signatures: number;
  readonly hashes: number;
  readonly milliseconds: number;
}

/** The commonest case: then nothing is copied for each question. */
export const NONE_MOVED: Partial<Limits> = {};

type Counted = 'signatures' | 'nsec3-hashes' | 'queries' | 'bytes-received' | 'server-lookups';

export class Budget {
  readonly limits: Limits;
  /** NSEC3 hashes already paid for, by parameters and name: a question hashes a name once. */
  readonly hashed = new Map<string, string>();
  readonly #used: Record<Counted, number> = {
    signatures: 0,
    'nsec3-hashes': 0,
    queries: 0,
    'bytes-received': 0,
    'server-lookups': 0,
  };
  #exceeded: LimitName | undefined;

  /** @param limits  those that an operator or a test has moved; the rest stay at their defaults */
  constructor(limits: Partial<Limits> = NONE_MOVED) {
    this.limits = limits === NONE_MOVED ? LIMITS : { ...LIMITS, ...limits };
  }

  /** Takes one unit of `limit`; false, and remembered in `exceeded`, when none was left. */
  spend(limit: Exclude<Counted, 'bytes-received'>): boolean {
    if (this.#used[limit] >= this.limits[limit]) {
      this.exceed(limit);
      return false;
    }
    this.#used[limit] += 1;
    return true;
  }

  /** Counts octets that have arrived; false when the total is more than allowed. */
  receive(octets: number): boolean {
    this.#used['bytes-received'] += octets;
    if (this.#used['bytes-received'] <= this.limits['bytes-received']) return true;
    this.exceed('bytes-received');
    return false;
  }

  used(limit: Counted): number {
    return this.#used[limit];
  }

  /** Remembers a limit that is counted elsewhere: depth, links, time. */
  exceed(limit: LimitName): void {
    this.#exceeded ??= limit;
  }

  /** The first limit that was hit. */
  get exceeded(): LimitName | undefined {
    return this.#exceeded;
  }
}
