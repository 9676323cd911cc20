/**
 * Addresses of name servers that came without glue.
 *
 * They are not validated: a false address costs a query, never a false answer, for what comes from there is judged.
 * They say where a packet goes and answer no question. Nobody waits for somebody else's search here (two zones whose
 * servers live in each other would wait for ever); only packets in flight are shared.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { findRRset } from '../dns/rrset.ts';
import type { Clock, ServerAddress } from '../environment.ts';
import type { FindAddresses } from './ask.ts';
import { Cache, type Held } from './cache.ts';
import { addressesIn } from './server-address.ts';
import type { Walk } from './walk.ts';

/** Kept at most for a day, and an absence for a minute: it may be a fault. */
const LONGEST_S = 86_400;
const ABSENCE_S = 60;
/** Of the entry, and of one address: an object with its text. */
const ENTRY_OCTETS = 100;
const ADDRESS_OCTETS = 80;

export interface Addresses {
  readonly find: FindAddresses;
  /** When they were learnt, on the Clock's scale; `undefined` where they are not known. */
  learntAt(host: Name): number | undefined;
  /** So that the next one who needs them looks them up anew. */
  forget(host: Name): void;
  forgetBelow(name: Name): void;
  held(): Held;
}

interface Known {
  readonly addresses: readonly ServerAddress[];
  readonly learntAt: number;
  readonly expiresAt: number;
}

/**
 * @param walk   made later than this: it needs these addresses itself
 * @param bytes  octets that may be held
 */
export function makeAddresses(walk: () => Walk, clock: Clock, bytes: number): Addresses {
  const cache = new Cache<Known>(clock, {
    bytes,
    weigh: ({ addresses }) => ({
      bytes: ENTRY_OCTETS + addresses.length * ADDRESS_OCTETS,
      rrsets: 1,
    }),
  });
  const find: FindAddresses = async (host, type, job) => {
    const key = keyOf(host, type);
    const known = cache.get(key);
    if (known) return known.addresses;
    const nested = job.nested(host);
    if (!nested || !job.budget.spend('server-lookups')) return undefined;
    const arrival = await walk().to({ name: host, type }, nested);
    if (arrival.kind !== 'arrived') return undefined;
    const addresses = addressesIn(arrival.reply.answer, host, type);
    const ttl = findRRset(arrival.reply.answer, host, type)?.ttl ?? 0;
    const seconds = addresses.length > 0 ? Math.min(ttl, LONGEST_S) : ABSENCE_S;
    const learntAt = clock.now();
    const learnt = { addresses, learntAt, expiresAt: learntAt + seconds * 1000 };
    cache.set(key, learnt);
    // What does not exist has no address of the other family either (RFC 2308 section 5); what is known stays.
    if (arrival.reply.rcode === 'NXDOMAIN' && arrival.reply.answer.length === 0)
      for (const each of keysOf(host)) if (!cache.get(each)) cache.set(each, learnt);
    return addresses;
  };
  return {
    find,
    held: () => cache.held,
    forgetBelow: ({ key }) => {
      cache.deleteEnding(key);
    },
    learntAt: (host) => {
      const known = keysOf(host).flatMap((key) => cache.get(key) ?? []);
      return known.length > 0 ? Math.min(...known.map(({ learntAt }) => learntAt)) : undefined;
    },
    forget: (host) => {
      for (const key of keysOf(host)) cache.delete(key);
    },
  };
}

const keyOf = (host: Name, type: 'A' | 'AAAA'): string => `${type} ${host.key}`;
const keysOf = (host: Name): readonly string[] => [keyOf(host, 'A'), keyOf(host, 'AAAA')];
