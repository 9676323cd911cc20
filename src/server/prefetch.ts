/**
 * What a mail server asks for after MX records, fetched before it asks: A, AAAA and TLSA of the first hosts.
 *
 * Postfix and Exim ask one after the other and wait each time. Here the questions go out together as soon as the MX answer
 * is judged, TLSA only into zones that are signed (RFC 7672 section 2.2.2), and the client waits for the first of them
 * alone. The work has a budget of its own, is dropped where too much is under way, and nothing that it could not afford is
 * held against the client's own question. Does not: answer anybody.
 * @module
 */
import { tlsaName } from '../dane/base-domain.ts';
import { findHosts } from '../dane/destination.ts';
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { failed, type Lookup, type Outcome } from '../dnssec/outcome.ts';
import type { Clock } from '../environment.ts';

export interface PrefetchParts {
  /** For clients. */
  readonly lookup: Lookup;
  /** For work that nobody has asked for: into the same caches. */
  readonly ahead: Lookup;
  readonly clock: Clock;
}

/** Postfix tries five addresses of a domain (`smtp_mx_address_limit`). */
const MAX_HOSTS = 5;
/** Look-ups under way ahead of time: those of some dozen domains. What comes on top is left to the client. */
const MAX_UNDER_WAY = 200;
/** A domain is not looked after again before, whatever the TTLs of its hosts. */
const LEAST_MS = 5000;
/** Domains of which it is known until when nothing is due; twice as many at most. */
const MAX_DOMAINS = 5000;
const SMTP_PORT = 25;

/** `lookup`, which fetches ahead what MX answers lead to. */
export function fetchAhead(parts: PrefetchParts): Lookup {
  const ahead = new Ahead(parts);
  return async (name, type, options) => {
    if (type !== 'MX') {
      // Whoever may leave early does not wait for others' work.
      if (!options?.signal) await ahead.underWay(name, type);
      return parts.lookup(name, type, options);
    }
    const outcome = await parts.lookup(name, type, options);
    await ahead.after(outcome);
    return outcome;
  };
}

class Ahead {
  readonly #parts: PrefetchParts;
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** Until when a domain needs no look; the younger half, and the older one. */
  #quiet = new Map<string, number>();
  #quietBefore = new Map<string, number>();

  constructor(parts: PrefetchParts) {
    this.#parts = parts;
  }

  /** Resolves when this is not under way. */
  underWay(name: Name, type: RRType): Promise<unknown> | undefined {
    return this.#underWay.size === 0 ? undefined : this.#underWay.get(keyOf(name, type));
  }

  /** Begins what follows from an answer about MX records. */
  async after(outcome: Outcome): Promise<void> {
    if (failed(outcome)) return;
    const { name } = outcome.question;
    const now = this.#parts.clock.now();
    if (this.#isQuiet(name, now)) return;
    this.#keepQuiet(name, now + LEAST_MS);
    // What was asked is known: nothing is asked here.
    const destination = await findHosts(name, async () => outcome);
    if (destination.kind !== 'hosts') return;
    const hosts = destination.hosts.slice(0, MAX_HOSTS);
    void Promise.all(hosts.map((host) => this.#fetchAll(host.name))).then((ends) => {
      const until = Math.min(outcome.expiresAt, ...ends);
      this.#keepQuiet(name, Math.max(now + LEAST_MS, until));
    });
  }

  /** @returns when the first of it expires */
  async #fetchAll(host: Name): Promise<number> {
    const tlsa = tlsaName(host, SMTP_PORT);
    const ends = await Promise.all([
      this.#fetch(host, 'A'),
      this.#fetch(host, 'AAAA'),
      ...(tlsa ? [this.#fetch(tlsa, 'TLSA')] : []),
    ]);
    return Math.min(...ends);
  }

  async #fetch(name: Name, type: RRType): Promise<number> {
    const key = keyOf(name, type);
    const { ahead, clock } = this.#parts;
    if (this.#underWay.size >= MAX_UNDER_WAY || this.#underWay.has(key)) return clock.now();
    const work = ahead(name, type, { ask: type === 'TLSA' ? 'if-signed' : 'always' });
    this.#underWay.set(key, work);
    try {
      return (await work).expiresAt;
    } finally {
      this.#underWay.delete(key);
    }
  }

  #isQuiet({ key }: Name, now: number): boolean {
    return (this.#quiet.get(key) ?? this.#quietBefore.get(key) ?? 0) > now;
  }

  #keepQuiet({ key }: Name, until: number): void {
    this.#quiet.set(key, until);
    if (this.#quiet.size < MAX_DOMAINS) return;
    this.#quietBefore = this.#quiet;
    this.#quiet = new Map();
  }
}

const keyOf = ({ key }: Name, type: RRType): string => `${type} ${key}`;
