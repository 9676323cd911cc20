/**
 * The registries of the DNS as tables: record types, classes, opcodes, RCODEs, EDNS options and Extended DNS Errors.
 *
 * A type or RCODE without a mnemonic here is written as RFC 3597 section 5 says (`TYPE65280`, `RCODE24`), so every
 * 16-bit value has exactly one spelling and the string can be compared with `===`.
 * @module
 */

/** Type mnemonics and their codes, from the IANA registry "Resource Record (RR) TYPEs". */
const TYPES = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  RT: 21,
  SIG: 24,
  KEY: 25,
  PX: 26,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const satisfies Record<string, number>;

export type KnownType = keyof typeof TYPES;
/** A record type by its mnemonic, or `TYPE1234` where this file knows none. */
export type RRType = KnownType | `TYPE${number}`;

/**
 * The spelling of each code, made when first needed, in pages of 256: a bitmap may name all 65536 types, and seven such
 * bitmaps fit a message.
 */
const SPELLINGS: (RRType[] | undefined)[] = new Array(256);

function spell(code: number): RRType {
  const page = code >>> 8;
  SPELLINGS[page] ??= Array.from({ length: 256 }, (_, i): RRType => `TYPE${256 * page + i}`);
  return SPELLINGS[page]?.[code & 0xff] ?? `TYPE${code}`;
}

for (const [name, code] of Object.entries(TYPES)) {
  spell(code);
  const page = SPELLINGS[code >>> 8];
  if (page) page[code & 0xff] = name as KnownType; // the keys of TYPES
}

/** Asked for each record: a Map finds a string sooner than an object does. */
const CODES: ReadonlyMap<string, number> = new Map(Object.entries(TYPES));

export const isKnownType = (type: string): type is KnownType => CODES.has(type);

/** The mnemonic of a 16-bit type code. */
export const typeOf = (code: number): RRType => SPELLINGS[code >>> 8]?.[code & 0xff] ?? spell(code);

/**
 * The 16-bit code of a type.
 * @throws RangeError for text that is no type: written as 0 it would be another question
 */
export function codeOf(type: RRType): number {
  const known = CODES.get(type);
  if (known !== undefined) return known;
  const code = /^TYPE\d{1,5}$/.test(type) ? Number(type.slice(4)) : 0x10000;
  if (code > 0xffff)
    throw new RangeError(`"${type}" is no record type: use a mnemonic or TYPE1234`);
  return code;
}

/**
 * Reads a type as people write it: any letter case, mnemonic or `TYPE1234`.
 * @returns the one spelling that this file gives it; `undefined` when the text is no type
 */
export function parseType(text: string): RRType | undefined {
  const upper = text.toUpperCase();
  if (isKnownType(upper)) return upper;
  const code = /^TYPE(\d{1,5})$/.exec(upper)?.[1];
  return code === undefined || Number(code) > 0xffff ? undefined : typeOf(Number(code));
}

/** Types that only stand in questions or carry a message's own business (RFC 6895 section 3.1): never data of a zone. */
export const isMetaType = (type: RRType): boolean => {
  const code = codeOf(type);
  return type === 'OPT' || (code >= 128 && code <= 255);
};

export const CLASS_IN = 1;
export const CLASS_ANY = 255;

const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };
const CLASS_OF_CODE = new Map(Object.entries(CLASSES).map(([name, code]) => [code, name]));
CLASS_OF_CODE.delete(CLASS_ANY); // ANY is a type too, and in front of a record it would be read as one

export const printClass = (code: number): string => CLASS_OF_CODE.get(code) ?? `CLASS${code}`;

export function parseClass(text: string): number | undefined {
  const upper = text.toUpperCase();
  if (Object.hasOwn(CLASSES, upper)) return CLASSES[upper];
  const code = /^CLASS(\d{1,5})$/.exec(upper)?.[1];
  return code === undefined || Number(code) > 0xffff ? undefined : Number(code);
}

/** RCODEs with the upper bits of EDNS merged in (RFC 6891 section 6.1.3). */
export const RCODES = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  DSOTYPENI: 11,
  BADVERS: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const satisfies Record<string, number>;

export type Rcode = keyof typeof RCODES | `RCODE${number}`;
const RCODE_OF_CODE = new Map<number, Rcode>(
  Object.entries(RCODES).map(([name, code]) => [code, name as keyof typeof RCODES]),
);
export const rcodeOf = (code: number): Rcode => RCODE_OF_CODE.get(code) ?? `RCODE${code}`;
export const codeOfRcode = (rcode: Rcode): number =>
  Object.hasOwn(RCODES, rcode) ? RCODES[rcode as keyof typeof RCODES] : Number(rcode.slice(5));

export const OPCODES = {
  QUERY: 0,
  IQUERY: 1,
  STATUS: 2,
  NOTIFY: 4,
  UPDATE: 5,
  DSO: 6,
} as const satisfies Record<string, number>;

/** EDNS option codes that Danelaw reads or writes. */
export const OPTIONS = {
  NSID: 3,
  CLIENT_SUBNET: 8,
  COOKIE: 10,
  KEEPALIVE: 11,
  PADDING: 12,
  EDE: 15,
  REPORT_CHANNEL: 18,
} as const satisfies Record<string, number>;

/** Extended DNS Errors, RFC 8914 section 4 and the registry it founds: code to purpose. */
export const EXTENDED_ERRORS = {
  0: 'Other Error',
  1: 'Unsupported DNSKEY Algorithm',
  2: 'Unsupported DS Digest Type',
  3: 'Stale Answer',
  4: 'Forged Answer',
  5: 'DNSSEC Indeterminate',
  6: 'DNSSEC Bogus',
  7: 'Signature Expired',
  8: 'Signature Not Yet Valid',
  9: 'DNSKEY Missing',
  10: 'RRSIGs Missing',
  11: 'No Zone Key Bit Set',
  12: 'NSEC Missing',
  13: 'Cached Error',
  14: 'Not Ready',
  15: 'Blocked',
  16: 'Censored',
  17: 'Filtered',
  18: 'Prohibited',
  19: 'Stale NXDOMAIN Answer',
  20: 'Not Authoritative',
  21: 'Not Supported',
  22: 'No Reachable Authority',
  23: 'Network Error',
  24: 'Invalid Data',
  25: 'Signature Expired before Valid',
  26: 'Too Early',
  27: 'Unsupported NSEC3 Iterations Value',
  28: 'Unable to conform to policy',
  29: 'Synthesized',
  30: 'Invalid Query Type',
} as const satisfies Record<number, string>;

export type ExtendedError = keyof typeof EXTENDED_ERRORS;
