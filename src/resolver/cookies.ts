/**
 * DNS cookies: what is sent to each server, and whether a reply brings it back.
 *
 * Implements RFC 7873 sections 5.1 and 5.3 and RFC 9018 section 3. A client cookie is random; it is used again for the
 * server that has answered it with one of its own, and drawn anew for any other. Does not: send, or ask again.
 * @module
 */

import { OPTIONS } from '../dns/codes.ts';
import { type Cookie, cookieOf, type Edns, type EdnsOption, makeCookie } from '../dns/edns.ts';
import type { Clock, Random, ServerAddress } from '../environment.ts';
import { Cache, type Held } from './cache.ts';
import { serverKey } from './server-address.ts';

/** RFC 7873 section 4. */
const CLIENT_OCTETS = 8;
/** RFC 7873 section 7.1 recommends that a client's secret lasts no longer than about a day. */
const KEPT_MS = 86_400_000;
/** Of a client cookie and a server cookie: two arrays, which are objects. */
const COOKIE_OCTETS = 600;

interface Kept {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
  readonly learntAt: number;
  readonly expiresAt: number;
}

/** What one query carries. */
export interface SentCookie {
  readonly client: Uint8Array;
  readonly option: EdnsOption;
  /** The server has sent a cookie before, so that a reply without one is not its. */
  readonly expected: boolean;
}

export class Cookies {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #kept: Cache<Kept>;

  /** @param bytes  octets that may be held */
  constructor(clock: Clock, random: Random, bytes: number) {
    this.#clock = clock;
    this.#random = random;
    this.#kept = new Cache(clock, {
      bytes,
      weigh: () => ({ bytes: COOKIE_OCTETS, rrsets: 0 }),
    });
  }

  get held(): Held {
    return this.#kept.held;
  }

  for(server: ServerAddress): SentCookie {
    const kept = this.#kept.get(serverKey(server));
    const cookie: Cookie = kept ?? {
      client: this.#random.bytes(CLIENT_OCTETS),
      server: undefined,
    };
    return { client: cookie.client, option: makeCookie(cookie), expected: kept !== undefined };
  }

  /** Keeps what the server has answered to `sent`; the octets are copied. */
  learn(server: ServerAddress, { client }: SentCookie, edns: Edns | undefined): void {
    const got = cookieOf(edns)?.server;
    if (!got) return;
    const key = serverKey(server);
    const kept = this.#kept.get(key);
    const isOurs = kept && equal(kept.client, client);
    if (isOurs && equal(kept.server, got)) return;
    const now = this.#clock.now();
    const { learntAt, expiresAt } = isOurs ? kept : { learntAt: now, expiresAt: now + KEPT_MS };
    this.#kept.set(key, { client: client.slice(), server: got.slice(), learntAt, expiresAt });
  }

  forget(server: ServerAddress): void {
    this.#kept.delete(serverKey(server));
  }
}

/**
 * RFC 7873 section 5.3: `right` where our own octets came back; `wrong` where others did, or too many or too few, or none
 * where they were expected.
 */
export function checkCookie(sent: SentCookie, edns: Edns | undefined): 'right' | 'none' | 'wrong' {
  if (!edns?.options.some(({ code }) => code === OPTIONS.COOKIE))
    return sent.expected ? 'wrong' : 'none';
  const got = cookieOf(edns);
  return got && equal(got.client, sent.client) ? 'right' : 'wrong';
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}
