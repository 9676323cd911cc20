/**
 * A `Lookup` made of a map, for tests of the DANE policy: no zones, no keys, no packets.
 * @module
 */
import { codeOf, type RRType, typeOf } from '../../src/dns/codes.ts';
import { Name } from '../../src/dns/name.ts';
import { encode, type Rdata } from '../../src/dns/rdata.ts';
import type { RRset } from '../../src/dns/rrset.ts';
import type { Alias, Lookup, Outcome } from '../../src/dnssec/outcome.ts';

/** What stands at `"TYPE name"`: the records, or why there are none. */
export interface Internet {
  /** `'MX example.com': ['10 mx.example.com']`. What stands nowhere is NODATA. */
  readonly records: Readonly<Record<string, readonly string[]>>;
  /** `'A mx.example.com'`: proven insecure, records and absence alike. */
  readonly insecure?: readonly string[];
  readonly bogus?: readonly string[];
  /** Names that do not exist. */
  readonly absent?: readonly string[];
  readonly unreachable?: readonly string[];
  /** Zones without DS: a question with `if-signed` is not sent there. */
  readonly unsigned?: readonly string[];
}

export interface FakeLookup {
  readonly lookup: Lookup;
  /** Each `"TYPE name"` that went out. */
  readonly asked: string[];
}

const COMMON = {
  trace: [],
  spent: { queries: 0, bytes: 0, signatures: 0, hashes: 0, milliseconds: 0 },
  expiresAt: Number.POSITIVE_INFINITY,
};

export function fakeLookup(internet: Internet): FakeLookup {
  const asked: string[] = [];
  const unsigned = (internet.unsigned ?? []).map((zone) => Name.parse(zone));
  const lookup: Lookup = async (name, type, options) => {
    const question = { name, type };
    if (options?.ask === 'if-signed' && unsigned.some((zone) => name.isAtOrBelow(zone))) {
      const answer = { kind: 'not-asked' } as const;
      return {
        ...COMMON,
        question,
        aliases: [],
        status: 'insecure',
        reason: 'no-ds-proven',
        answer,
      };
    }
    asked.push(`${type} ${plain(name)}`);
    return { ...settle(internet, name, type, []), question };
  };
  return { lookup, asked };
}

function settle(internet: Internet, name: Name, type: RRType, aliases: readonly Alias[]): Outcome {
  const question = { name, type };
  const alias = aliasAt(internet, name);
  if (alias && type !== 'CNAME') return settle(internet, alias.target, type, [...aliases, alias]);
  const base = { ...COMMON, question, aliases };
  const key = `${type} ${plain(name)}`;
  const fault = { zone: name.parent, owner: name, type };
  if (internet.bogus?.includes(key))
    return { ...base, status: 'bogus', reason: 'signature-invalid', fault };
  if (internet.unreachable?.includes(key))
    return { ...base, status: 'indeterminate', reason: 'unreachable', fault };
  const answer = answerAt(internet, name, type);
  const weak =
    internet.insecure?.includes(key) || aliases.some(({ status }) => status === 'insecure');
  return weak
    ? { ...base, status: 'insecure', reason: 'no-ds-proven', answer }
    : { ...base, status: 'secure', answer };
}

function aliasAt(internet: Internet, name: Name): Alias | undefined {
  const key = `CNAME ${plain(name)}`;
  const target = internet.records[key]?.[0];
  if (target === undefined) return undefined;
  const status = internet.insecure?.includes(key) ? 'insecure' : 'secure';
  return { owner: name, target: Name.parse(target), status, records: [], proof: [] };
}

function answerAt(internet: Internet, name: Name, type: RRType) {
  const texts = internet.records[`${type} ${plain(name)}`];
  if (texts) return { kind: 'records', rrset: rrset(name, type, texts), proof: [] } as const;
  const kind = internet.absent?.includes(plain(name)) ? 'nxdomain' : 'nodata';
  return { kind, proof: [] } as const;
}

const rrset = (owner: Name, type: RRType, texts: readonly string[]): RRset => ({
  owner,
  type: typeOf(codeOf(type)),
  ttl: 3600,
  rdata: texts.map((text) => rdataOf(type, text.split(' '))),
  signatures: [],
});

function rdataOf(type: RRType, [first = '', ...rest]: readonly string[]): Rdata {
  switch (type) {
    case 'A':
      return encode('A', { address: first });
    case 'AAAA':
      return encode('AAAA', { address: first });
    case 'MX':
      return encode('MX', { preference: Number(first), exchange: Name.parse(rest[0] ?? '') });
    case 'TLSA': {
      const [selector, matchingType, hex = ''] = rest;
      const associationData = Uint8Array.from(Buffer.from(hex, 'hex'));
      return encode('TLSA', {
        usage: Number(first),
        selector: Number(selector),
        matchingType: Number(matchingType),
        associationData,
      });
    }
    case 'TXT': {
      const octets = new TextEncoder().encode([first, ...rest].join(' '));
      const count = Math.max(1, Math.ceil(octets.length / 255));
      const strings = Array.from({ length: count }, (_, i) =>
        octets.subarray(255 * i, 255 * i + 255),
      );
      return encode('TXT', { strings });
    }
    default:
      throw new TypeError(`no ${type} records in this internet`);
  }
}

/** `mx.example.com`, without the final dot. */
export const plain = (name: Name): string => name.toString().replace(/\.$/, '');
