/**
 * Signs a zone: keys, denial chain and signatures (RFC 4035 section 2, RFC 5155 section 7.1).
 *
 * Makes the canonical form of RFC 4034 section 6 by itself: it shares no code with the validator, so that both must be
 * right to agree. Does not: break anything (amend-zone.ts does), roll keys, sign incrementally.
 * @module
 */
import { codeOf, type RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { base32hex, hex } from '../dns/radix.ts';
import { canonicalRdata, decode, encode } from '../dns/rdata.ts';
import type { RR } from '../dns/rrset.ts';
import type { SignatureClaims } from './amendment.ts';
import type { Nsec3Options } from './description.ts';
import { type SigningKey, signData } from './keys.ts';
import { collectSets, makeRecord, nsec3Hash, type StoredSet, Zone } from './zone.ts';

export interface SigningTimes {
  /** Seconds since 1970, as RRSIG has them. */
  readonly inception: number;
  readonly expiration: number;
}

export interface SigningOptions extends SigningTimes {
  readonly keys: readonly SigningKey[];
  readonly denial: 'nsec' | Nsec3Options;
}

/**
 * The zone with its DNSKEY RRset, its denial chain and an RRSIG over every authoritative RRset.
 * @param records  the unsigned zone, SOA included
 */
export function signZone(
  zone: Name,
  records: readonly RR[],
  options: SigningOptions,
): readonly RR[] {
  const { keys, denial } = options;
  const soa = records.find(({ type, owner }) => type === 'SOA' && owner.equals(zone));
  if (!soa) throw new RangeError(`zone ${zone} has no SOA`);
  const all = [
    ...records,
    ...keys.map(({ dnskey }) => makeRecord(zone, 'DNSKEY', soa.ttl, dnskey)),
  ];
  // RFC 9077 section 3: the TTL of a denial is the least of SOA TTL and SOA minimum.
  const ttl = Math.min(soa.ttl, decode('SOA', soa.rdata).minimum);
  const chain = denial === 'nsec' ? nsecChain(zone, all, ttl) : nsec3Chain(zone, all, ttl, denial);
  const complete = [...all, ...chain];
  const authoritative = authoritativeSets(zone, complete);
  return [...complete, ...authoritative.flatMap((set) => signSet(zone, set, options))];
}

function signSet(
  zone: Name,
  set: StoredSet,
  { keys, inception, expiration }: SigningOptions,
): readonly RR[] {
  const purpose = set.type === 'DNSKEY' ? 'keys' : 'data';
  const signers = keys.filter(({ signs }) => signs === 'all' || signs === purpose);
  return signers.map((key) => signRRset(set, key, { signer: zone, inception, expiration }));
}

/**
 * One RRSIG over one RRset.
 * @param claims  what its fields say; what is left out is the truth. The signature is made over the claims
 */
export function signRRset(
  { owner, type, records }: StoredSet,
  key: SigningKey,
  claims: SignatureClaims & SigningTimes & { readonly signer: Name },
): RR {
  const ttl = records[0]?.ttl ?? 0;
  const fields = {
    typeCovered: type,
    algorithm: key.algorithm,
    labels: owner.isWildcard ? owner.labels - 1 : owner.labels,
    originalTtl: ttl,
    keyTag: key.tag,
    ...claims,
  };
  const covered = encode('RRSIG', {
    ...fields,
    signer: fields.signer.canonical,
    signature: new Uint8Array(),
  });
  const data = [
    covered,
    ...canonicalRecords(type, records, signedOwner(owner, fields.labels), fields.originalTtl),
  ];
  const signature = signData(key, Buffer.concat(data));
  return makeRecord(owner, 'RRSIG', ttl, encode('RRSIG', { ...fields, signature }));
}

/** RFC 4035 section 5.3.2: the owner that a labels field stands for. */
function signedOwner(owner: Name, labels: number): Name {
  const own = owner.isWildcard ? owner.labels - 1 : owner.labels;
  const signed = labels < own ? owner.ancestor(labels).wildcard : owner;
  return (signed ?? owner).canonical;
}

/** RFC 4034 section 6.2 and 6.3: each record as owner, type, class, TTL, length and RDATA, in order of the RDATA. */
function canonicalRecords(
  type: RRType,
  records: readonly RR[],
  owner: Name,
  ttl: number,
): Uint8Array[] {
  const sorted = records.map(({ rdata }) => canonicalRdata(type, rdata)).sort(Buffer.compare);
  const unique = sorted.filter(
    (rdata, i) => i === 0 || Buffer.compare(rdata, sorted[i - 1] ?? rdata) !== 0,
  );
  return unique.map((rdata) => {
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(codeOf(type), 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt32BE(ttl, 4);
    fixed.writeUInt16BE(rdata.length, 8);
    return Buffer.concat([owner.wire, fixed, rdata]);
  });
}

/** What the zone speaks for: no glue, no NS of a delegation (RFC 4035 section 2.2), nothing below a DNAME or a cut. */
function authoritativeSets(zone: Name, records: readonly RR[]): readonly StoredSet[] {
  const index = new Zone(zone, records);
  return collectSets(records).filter(({ owner, type }) => {
    if (type === 'NSEC3') return true;
    const place = placeOf(index, owner);
    return place === 'inside' || (place === 'cut' && (type === 'DS' || type === 'NSEC'));
  });
}

/** Whether a name belongs to the zone, is the top of a delegation, or lies below one or below a DNAME. */
function placeOf(index: Zone, name: Name): 'inside' | 'cut' | 'below' {
  const found = index.find(name, 'SOA'); // any type but DS ends at the cut
  if (found.kind !== 'cut') return found.kind === 'dname' ? 'below' : 'inside';
  return found.node.name.equals(name) ? 'cut' : 'below';
}

/** The names that the zone speaks about, with their types: cuts included, what lies below them not. */
function ownTypes(
  index: Zone,
  records: readonly RR[],
): Map<string, { name: Name; types: RRType[] }> {
  const names = new Map<string, { name: Name; types: RRType[] }>();
  for (const { owner, type } of collectSets(records)) {
    const place = placeOf(index, owner);
    if (place === 'below' || (place === 'cut' && type !== 'NS' && type !== 'DS')) continue;
    const known = names.get(owner.key);
    if (known) known.types.push(type);
    else names.set(owner.key, { name: owner, types: [type] });
  }
  return names;
}

/** RFC 4035 section 2.3: one NSEC at each name with data, linked in canonical order. */
function nsecChain(zone: Name, records: readonly RR[], ttl: number): readonly RR[] {
  const index = new Zone(zone, records);
  const names = [...ownTypes(index, records).values()].sort((a, b) => a.name.compare(b.name));
  return names.map(({ name, types }, i) => {
    const next = names[(i + 1) % names.length]?.name ?? zone;
    return makeRecord(
      name,
      'NSEC',
      ttl,
      encode('NSEC', { next, types: [...types, 'RRSIG', 'NSEC'] }),
    );
  });
}

/** RFC 5155 section 3.1.2.1: Opt-Out. */
const OPT_OUT = 1;
const SHA1 = 1;

/** RFC 5155 section 7.1: one NSEC3 at each name, empty non-terminals included, linked in the order of the hashes. */
function nsec3Chain(
  zone: Name,
  records: readonly RR[],
  ttl: number,
  options: Nsec3Options,
): readonly RR[] {
  const { iterations = 0, spans = 'all-names' } = options;
  const salt = hex.parse(options.salt ?? '');
  if (!salt) throw new RangeError(`the salt "${options.salt}" is not hexadecimal`);
  const parameters = { hashAlgorithm: SHA1, iterations, salt };
  const parameter = makeRecord(
    zone,
    'NSEC3PARAM',
    ttl,
    encode('NSEC3PARAM', { ...parameters, flags: 0 }),
  );
  const names = nsec3Names(zone, [...records, parameter], spans);
  const hashed = names.map(({ name, types }) => ({
    hash: nsec3Hash(name, iterations, salt),
    types,
  }));
  hashed.sort((a, b) => Buffer.compare(a.hash, b.hash));
  const flags = spans === 'optOut' ? OPT_OUT : 0;
  const chain = hashed.flatMap(({ hash, types }, i) => {
    const owner = zone.child(base32hex.print(hash));
    const nextHashed = hashed[(i + 1) % hashed.length]?.hash ?? hash;
    if (!owner) throw new RangeError(`hashed names do not fit below ${zone}`);
    return [
      makeRecord(owner, 'NSEC3', ttl, encode('NSEC3', { ...parameters, flags, nextHashed, types })),
    ];
  });
  return [parameter, ...chain];
}

/** Which names get an NSEC3, and the types that its bitmap lists. */
function nsec3Names(
  zone: Name,
  records: readonly RR[],
  spans: Nsec3Options['spans'],
): { name: Name; types: readonly RRType[] }[] {
  const names = new Map<string, { name: Name; types: readonly RRType[] }>();
  for (const { name, types } of ownTypes(new Zone(zone, records), records).values()) {
    const isUnsignedCut = types.includes('NS') && !types.includes('DS') && !name.equals(zone);
    if (isUnsignedCut && spans === 'optOut') continue;
    names.set(name.key, { name, types: isUnsignedCut ? types : [...types, 'RRSIG'] });
    for (let labels = name.labels - 1; labels > zone.labels; labels -= 1) {
      const above = name.ancestor(labels);
      if (!names.has(above.key)) names.set(above.key, { name: above, types: [] });
    }
  }
  return [...names.values()];
}
