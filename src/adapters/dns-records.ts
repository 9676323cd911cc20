/**
 * Records in the shapes that `node:dns` gives them.
 *
 * Character-strings are read as latin1 and names lose their final dot, as c-ares does both; the root is the empty string.
 * @module
 */
import type {
  CaaRecord,
  MxRecord,
  NaptrRecord,
  RecordWithTtl,
  SoaRecord,
  SrvRecord,
} from 'node:dns';
import type { Name } from '../dns/name.ts';
import { decode, type Rdata } from '../dns/rdata.ts';
import type { RRset } from '../dns/rrset.ts';

/** As Node 22.15 and later have it. */
export interface TlsaRecord {
  readonly certUsage: number;
  readonly selector: number;
  readonly match: number;
  readonly data: ArrayBuffer;
}

/** What `resolve` gives for each type: of SOA one record, of the others a list. */
export interface NodeAnswers {
  A: string[];
  AAAA: string[];
  CAA: CaaRecord[];
  CNAME: string[];
  MX: MxRecord[];
  NAPTR: NaptrRecord[];
  NS: string[];
  PTR: string[];
  SOA: SoaRecord;
  SRV: SrvRecord[];
  TLSA: TlsaRecord[];
  TXT: string[][];
}
export type NodeType = keyof NodeAnswers;

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');
export const textOf = (name: Name): string => name.toString().replace(/\.$/, '');

const READERS: { readonly [T in NodeType]: (rrset: RRset) => NodeAnswers[T] } = {
  A: each((rdata) => decode('A', rdata).address),
  AAAA: each((rdata) => decode('AAAA', rdata).address),
  CAA: each((rdata) => {
    const { flags, tag, value } = decode('CAA', rdata);
    return { critical: flags, [tag]: latin1(value) };
  }),
  CNAME: each((rdata) => textOf(decode('CNAME', rdata).target)),
  MX: each((rdata) => {
    const { preference, exchange } = decode('MX', rdata);
    return { exchange: textOf(exchange), priority: preference };
  }),
  NAPTR: each((rdata) => {
    const { order, preference, flags, services, regexp, replacement } = decode('NAPTR', rdata);
    return {
      flags: latin1(flags),
      service: latin1(services),
      regexp: latin1(regexp),
      replacement: textOf(replacement),
      order,
      preference,
    };
  }),
  NS: each((rdata) => textOf(decode('NS', rdata).target)),
  PTR: each((rdata) => textOf(decode('PTR', rdata).target)),
  SOA: ({ rdata: [first = new Uint8Array()] }) => {
    const { mname, rname, serial, refresh, retry, expire, minimum } = decode('SOA', first);
    const [nsname, hostmaster] = [textOf(mname), textOf(rname)];
    return { nsname, hostmaster, serial, refresh, retry, expire, minttl: minimum };
  },
  SRV: each((rdata) => {
    const { priority, weight, port, target } = decode('SRV', rdata);
    return { name: textOf(target), port, priority, weight };
  }),
  TLSA: each((rdata) => {
    const { usage, selector, matchingType, associationData } = decode('TLSA', rdata);
    const data = new Uint8Array(associationData).buffer;
    return { certUsage: usage, selector, match: matchingType, data };
  }),
  TXT: each((rdata) => decode('TXT', rdata).strings.map(latin1)),
};

function each<T>(read: (rdata: Rdata) => T): (rrset: RRset) => T[] {
  return ({ rdata }) => rdata.map(read);
}

export const isNodeType = (type: string): type is NodeType => Object.hasOwn(READERS, type);

export const readAnswer = <T extends NodeType>(type: T, rrset: RRset): NodeAnswers[T] =>
  READERS[type](rrset);

/** `resolve4` and `resolve6` with `{ ttl: true }`. */
export const withTtls = (type: 'A' | 'AAAA', rrset: RRset): RecordWithTtl[] =>
  readAnswer(type, rrset).map((address) => ({ address, ttl: rrset.ttl }));
