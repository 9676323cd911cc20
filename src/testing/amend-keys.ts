/**
 * Amendments to a zone's keys and to its DS, made before anything is signed: all that follows is signed rightly.
 * @module
 */
import { decode, encode, type Fields } from '../dns/rdata.ts';
import type { Amendment, ZonePlan } from './amendment.ts';
import { type DigestType, dsOf, keyTag, type SigningKey, withDnskey } from './keys.ts';
import { makeRecord, readLines } from './zone.ts';

/** The parent proves that there is no DS: the zone becomes an island. */
export const dropDs = (): Amendment => ({ plan: (plan) => ({ ...plan, ds: [] }) });

/** The parent's DS with a field changed: `digest` by one bit, `keyTag` to the next, `algorithm` or `digestType` to another. */
export const wrongDs = (field: 'digest' | 'keyTag' | 'algorithm' | 'digestType'): Amendment =>
  alterDs((ds) => {
    switch (field) {
      case 'digest':
        return { ...ds, digest: ds.digest.map((octet, i) => (i === 0 ? octet ^ 1 : octet)) };
      case 'keyTag':
        return { ...ds, keyTag: (ds.keyTag + 1) & 0xffff };
      case 'algorithm':
        return { ...ds, algorithm: ds.algorithm === 13 ? 15 : 13 };
      case 'digestType':
        return { ...ds, digestType: ds.digestType === 2 ? 4 : 2 };
    }
  });

/** Each DS of the zone, changed. */
export const alterDs = (change: (ds: Fields['DS']) => Fields['DS']): Amendment => ({
  plan: (plan) => ({
    ...plan,
    ds: plan.ds.map((rdata) => encode('DS', change(decode('DS', rdata)))),
  }),
});

/** More DS records, as zone-file lines (`@ DS 1234 13 2 ...`). */
export const addDs = (...lines: readonly string[]): Amendment => ({
  plan: (plan) => {
    const added = readLines(lines, plan.zone).filter(({ type }) => type === 'DS');
    return { ...plan, ds: [...plan.ds, ...added.map(({ rdata }) => rdata)] };
  },
});

/** DNSKEYs with a field changed; they sign, and the DS names them as they are. */
export const alterKeys = (change: (key: Fields['DNSKEY']) => Fields['DNSKEY']): Amendment => ({
  plan: (plan) => {
    const keys = plan.keys.map((key) =>
      withDnskey(key, encode('DNSKEY', change(decode('DNSKEY', key.dnskey)))),
    );
    return { ...plan, keys, ds: dsFor(plan, keys) };
  },
});

const ZONE_KEY = 0x0100;
const REVOKE = 0x0080;

/** Keys that are no zone keys (RFC 4034 section 2.1.1). */
export const withoutZoneKeyFlag = (): Amendment =>
  alterKeys((key) => ({ ...key, flags: key.flags & ~ZONE_KEY }));

/** Keys that are revoked (RFC 5011 section 3). */
export const revoked = (): Amendment => alterKeys((key) => ({ ...key, flags: key.flags | REVOKE }));

/** Keys whose protocol is not 3 (RFC 4034 section 2.1.2). */
export const withProtocol = (protocol: number): Amendment =>
  alterKeys((key) => ({ ...key, protocol }));

/** The DNSKEY RRset is signed only by the key for data, which no DS names. Needs `ksk-zsk`. */
export const signKeysByZskOnly = (): Amendment => ({
  plan: (plan) => ({
    ...plan,
    keys: plan.keys.map((key) => ({ ...key, signs: key.signs === 'data' ? 'all' : 'nothing' })),
  }),
});

/** So many more DNSKEYs with algorithm and key tag of the first key, before it, that sign nothing: KeyTrap. */
export const crowdKeys = (count: number): Amendment => ({
  plan: (plan) => {
    const [key] = plan.keys;
    if (!key) return plan;
    const crowd = Array.from({ length: count }, (_, i) => sameTag(key, i));
    const records = crowd.map((rdata) => makeRecord(plan.zone, 'DNSKEY', 3600, rdata));
    return { ...plan, records: [...plan.records, ...records] };
  },
});

/** A general change before signing. */
export const alterPlan = (plan: (plan: ZonePlan) => ZonePlan): Amendment => ({ plan });

/** DS for other keys, with the digest types of the ones there were; none where there were none. */
function dsFor({ zone, ds }: ZonePlan, keys: readonly SigningKey[]): ZonePlan['ds'] {
  const digests = new Set(ds.map((rdata) => decode('DS', rdata).digestType));
  const entries = keys.filter(({ signs }) => signs !== 'data');
  return entries.flatMap((key) =>
    // They come from a description, which has no others.
    [...digests].map((digest) => dsOf(zone, key, digest as DigestType)),
  );
}

/** Where the third and fourth octet of the key material stand in the RDATA, at an even offset. */
const FREE = 6;

/** A DNSKEY with other key material but the same tag: two octets of it are chosen so. */
function sameTag(key: SigningKey, index: number): Uint8Array {
  const dnskey = key.dnskey.map((octet, i) =>
    i < 4 ? octet : octet ^ ((index + 1) >> (8 * (i & 1))) ^ i,
  );
  dnskey.fill(0, FREE, FREE + 2);
  // The tag is a sum modulo about 2^16 (RFC 4034 appendix B), so the free octets are what is missing, give or take one.
  const missing = key.tag - keyTag(dnskey);
  for (const free of [missing, missing - 1, missing + 1]) {
    dnskey[FREE] = (free >> 8) & 0xff;
    dnskey[FREE + 1] = free & 0xff;
    if (keyTag(dnskey) === key.tag) return dnskey;
  }
  throw new RangeError(`no key material gives the tag ${key.tag}`);
}
