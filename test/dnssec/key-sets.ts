// DNSKEY RRsets as a trust point's zone would publish them, signed by whom a test says.
import { CLASS_IN } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { decode, encode } from '../../src/dns/rdata.ts';
import { collectRRsets, type RR, type RRset } from '../../src/dns/rrset.ts';
import { type SigningKey, signingKey, withDnskey } from '../../src/testing/keys.ts';
import { signRRset } from '../../src/testing/signer.ts';

export const ROOT_ZONE = Name.parse('.');

/** A key signing key by a name of its own; the same one for the same name. */
export const ksk = (name: string): SigningKey => signingKey(13, `ksk ${name}`);
export const zsk = (name: string): SigningKey => signingKey(13, `zsk ${name}`, 'data');

/** The same key with the REVOKE bit. */
export function revokedForm(key: SigningKey): SigningKey {
  const fields = decode('DNSKEY', key.dnskey);
  return withDnskey(key, encode('DNSKEY', { ...fields, flags: fields.flags | 0x80 }));
}

export interface KeySetOptions {
  readonly signers: readonly SigningKey[];
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Published, but not signing. */
  readonly others?: readonly SigningKey[];
  readonly zone?: Name;
  /** Seconds. */
  readonly ttl?: number;
  readonly lifetime?: number;
}

/** The RRset of all signers and others, signed an hour ago by the signers. */
export function keySet({
  signers,
  at,
  others = [],
  zone = ROOT_ZONE,
  ttl = 172_800,
  lifetime = 21 * 86_400,
}: KeySetOptions): RRset {
  const records = [...signers, ...others].map(
    (key): RR => ({ owner: zone, type: 'DNSKEY', class: CLASS_IN, ttl, rdata: key.dnskey }),
  );
  const seconds = Math.floor(at / 1000);
  const times = { inception: seconds - 3600, expiration: seconds + lifetime };
  const set = { owner: zone, type: 'DNSKEY', records, signatures: [] } as const;
  const signatures = signers.map((key) => signRRset(set, key, { ...times, signer: zone }));
  const [rrset] = collectRRsets([...records, ...signatures]);
  if (!rrset) throw new RangeError('a key set needs keys');
  return rrset;
}
