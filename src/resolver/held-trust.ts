/**
 * What is kept of a zone's trust: its keys and what vouches for them, packed, and no reply that they came in.
 *
 * A zone is believed for as long as its cut lives, and there are as many as there are cuts. Keys are parsed anew at each
 * reading, which costs little beside a verification, but for the few zones that every chain passes; imported ones are the
 * engine's to keep.
 * Does not: decide what is believed (see trust.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Rdata } from '../dns/rdata.ts';
import type { Trusted } from '../dnssec/delegation.ts';
import { type DnsKey, parseDnsKey } from '../dnssec/dnskey.ts';
import type { ZoneKeys, ZoneTrust } from '../dnssec/verify.ts';
import { isHot } from './cut.ts';
import { ownFault } from './own.ts';
import { type Packed, packRdata, unpackRdata } from './packed.ts';

/** The same trust in few octets. A failure stays as it is, for it is known by its identity and does not last. */
export function compactTrust(zone: Name, trust: ZoneTrust): ZoneTrust {
  switch (trust.status) {
    case 'secure':
      return { ...trust, keys: new PackedKeys(zone, trust.keys.keys) };
    case 'insecure':
      return trust.cause ? { ...trust, cause: ownFault(trust.cause) } : trust;
    case 'bogus':
    case 'indeterminate':
      return trust;
  }
}

/** What vouches for a zone's keys; an anchor is somebody else's object already. */
export const compactTrusted = (trusted: Trusted): Trusted =>
  trusted.keys.length > 0 ? trusted : new PackedTrusted(trusted);

class PackedKeys implements ZoneKeys {
  readonly zone: Name;
  readonly #packed: Packed;
  readonly #hot: readonly DnsKey[] | undefined;

  constructor(zone: Name, keys: readonly DnsKey[]) {
    this.zone = zone;
    this.#packed = packRdata(keys.map(({ rdata }) => rdata));
    this.#hot = isHot(zone) ? unpackKeys(this.#packed) : undefined;
  }

  get keys(): readonly DnsKey[] {
    return this.#hot ?? unpackKeys(this.#packed);
  }
}

const unpackKeys = (packed: Packed): readonly DnsKey[] =>
  unpackRdata(packed).flatMap((rdata) => parseDnsKey(rdata) ?? []);

class PackedTrusted implements Trusted {
  readonly keys: readonly Rdata[] = NONE;
  readonly ttl: number;
  readonly #packed: Packed;

  constructor({ ds, ttl }: Trusted) {
    this.ttl = ttl;
    this.#packed = packRdata(ds);
  }

  get ds(): readonly Rdata[] {
    return unpackRdata(this.#packed);
  }
}

const NONE: readonly Rdata[] = [];
