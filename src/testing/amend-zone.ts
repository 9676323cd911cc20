/**
 * Amendments to what a zone's servers hold, made after everything was signed rightly: signatures, records, denial.
 *
 * Where types are arguments, none means every type.
 * @module
 */
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { decode, encode } from '../dns/rdata.ts';
import type { RR } from '../dns/rrset.ts';
import type { Amendment, SignatureClaims } from './amendment.ts';
import { coveredType, readLines } from './zone.ts';

const DAY = 86_400;

/** No RRSIG over these types. */
export const removeSignatures = (...types: readonly RRType[]): Amendment => ({
  records: ({ records }) => records.filter((record) => !signs(record, types)),
});

/** One bit of each signature over these types is flipped. */
export const corruptSignatures = (...types: readonly RRType[]): Amendment =>
  alterSignatures(types, flipLastBit);

/** RRSIGs over these types that claim something else, and were made over the claim: only the claim is wrong. */
export const resign = (claims: SignatureClaims, ...types: readonly RRType[]): Amendment => ({
  records: ({ records, resign }) =>
    records.map((record) => (signs(record, types) ? resign(record, claims) : record)),
});

/** RRSIGs over these types that ended a day before their signatures would otherwise have begun. */
export const expireSignatures = (...types: readonly RRType[]): Amendment =>
  shiftSignatures(-32 * DAY, types);

/** RRSIGs over these types that begin after their signatures would otherwise have ended. */
export const futureSignatures = (...types: readonly RRType[]): Amendment =>
  shiftSignatures(32 * DAY, types);

/** The time of validity of RRSIGs over these types, moved. */
export const shiftSignatures = (seconds: number, types: readonly RRType[] = []): Amendment => ({
  records: ({ records, resign }) =>
    records.map((record) => {
      if (!signs(record, types)) return record;
      const { inception, expiration } = decode('RRSIG', record.rdata);
      return resign(record, { inception: inception + seconds, expiration: expiration + seconds });
    }),
});

/** RRSIGs over these types that name another zone as the signer. */
export const wrongSigner = (signer: Name, ...types: readonly RRType[]): Amendment =>
  resign({ signer }, ...types);

/** RRSIGs over these types whose key tag is that of no key of the zone, as far as one may tell: the next number. */
export const wrongKeyTag = (...types: readonly RRType[]): Amendment => ({
  records: ({ records, resign }) =>
    records.map((record) => {
      if (!signs(record, types)) return record;
      return resign(record, { keyTag: (decode('RRSIG', record.rdata).keyTag + 1) & 0xffff });
    }),
});

/** RRSIGs over these types that claim another algorithm than their key's. */
export const wrongAlgorithm = (algorithm: number, ...types: readonly RRType[]): Amendment =>
  resign({ algorithm }, ...types);

/** Before each RRSIG over a type, so many that verify nothing. All are different. */
export const crowdSignatures = (count: number, ...types: readonly RRType[]): Amendment => ({
  records: ({ records }) =>
    records.flatMap((record) => {
      if (!signs(record, types)) return [record];
      return [...Array.from({ length: count }, (_, i) => overwriteSignature(record, i)), record];
    }),
});

/** These records (zone-file lines) in place of the zone's own of the same name and type; signatures stay as they were. */
export const forge = (...lines: readonly string[]): Amendment => ({
  records: ({ zone, records }) => {
    const forged = readLines(lines, zone);
    const key = ({ owner, type }: RR): string => `${type} ${owner.key}`;
    const replaced = new Set(forged.map(key));
    return [...records.filter((record) => !replaced.has(key(record))), ...forged];
  },
});

/** Without the records of a type, at one name or everywhere, and without their signatures; the denial chain still lists them. */
export const removeRecords = (type: RRType, owner?: Name): Amendment => ({
  records: ({ records }) =>
    records.filter((record) => {
      const isThere = !owner || record.owner.equals(owner);
      return !(isThere && (record.type === type || signs(record, [type])));
    }),
});

/** Nothing proves absence: neither NSEC nor NSEC3. */
export const removeDenial = (): Amendment => ({
  records: ({ records }) =>
    records.filter((record) => !DENIAL.has(record.type) && !signs(record, [...DENIAL])),
});

/** Denial whose signatures do not verify. */
export const corruptDenial = (): Amendment => corruptSignatures(...DENIAL);

/** Signed once, but served without anything of DNSSEC, as by a server that knows none. The DS stands. */
export const strip = (): Amendment => ({
  records: ({ records }) => records.filter(({ type }) => !DNSSEC.has(type)),
});

/** A general change of records after signing. */
export const alterRecords = (change: Exclude<Amendment['records'], undefined>): Amendment => ({
  records: change,
});

const DENIAL: ReadonlySet<RRType> = new Set(['NSEC', 'NSEC3']);
/** Types that only a signed zone has. */
const DNSSEC: ReadonlySet<RRType> = new Set(['RRSIG', 'DNSKEY', 'NSEC', 'NSEC3', 'NSEC3PARAM']);

const signs = (record: RR, types: readonly RRType[]): boolean =>
  record.type === 'RRSIG' && (types.length === 0 || types.includes(coveredType(record)));

const alterSignatures = (types: readonly RRType[], change: (signature: RR) => RR): Amendment => ({
  records: ({ records }) =>
    records.map((record) => (signs(record, types) ? change(record) : record)),
});

/** The signature field ends the RDATA. */
function flipLastBit(record: RR): RR {
  const rdata = record.rdata.slice();
  rdata[rdata.length - 1] = (rdata.at(-1) ?? 0) ^ 1;
  return { ...record, rdata };
}

/** The same RRSIG with another signature of the same length, told apart by `index`. */
function overwriteSignature(record: RR, index: number): RR {
  const fields = decode('RRSIG', record.rdata);
  const signature = fields.signature.map((octet, i) => octet ^ (index >> (8 * (i % 2))) ^ 0x55);
  return { ...record, rdata: encode('RRSIG', { ...fields, signature }) };
}
