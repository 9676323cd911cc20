// What the tests of dnssec/ share: records from text and hex, policies, and the corpora beside the project.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CLASS_IN, type RRType, typeOf } from '../../src/dns/codes.ts';
import { Reader } from '../../src/dns/cursor.ts';
import { Name } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation.ts';
import { hex } from '../../src/dns/radix.ts';
import { readRdata } from '../../src/dns/rdata.ts';
import type { RR } from '../../src/dns/rrset.ts';
import {
  type AlgorithmTable,
  DEFAULT_ALGORITHMS,
  SHA1_ALGORITHMS,
} from '../../src/dnssec/algorithms.ts';
import { Budget, type Limits } from '../../src/dnssec/budget.ts';
import {
  type Context,
  DEFAULT_INCEPTION_SKEW_MS,
  DEFAULT_NSEC3_ITERATIONS,
  type Policy,
} from '../../src/dnssec/context.ts';
import { type Engine, KeyStore } from '../../src/dnssec/engine.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import { nobleEngine } from '../../src/dnssec/engine-noble.ts';

export const ENGINES: readonly Engine[] = [nobleEngine, nativeEngine];

/** RSA with SHA-1 and keys from 512 bits: what the vectors of 2004 to 2010 need, and no default. */
export const LEGACY: AlgorithmTable = { ...SHA1_ALGORITHMS, rsaMinimumBits: 512 };

export const policy = (
  engine: Engine = nativeEngine,
  algorithms: AlgorithmTable = DEFAULT_ALGORITHMS,
): Policy => ({
  algorithms,
  keys: new KeyStore(engine),
  inceptionSkewMs: DEFAULT_INCEPTION_SKEW_MS,
  signatureTimes: 'checked',
  nsec3Iterations: DEFAULT_NSEC3_ITERATIONS,
});

/** @param seconds  the time of validation, since 1970 */
export const contextAt = (
  seconds: number,
  rules: Policy = policy(),
  limits: Partial<Limits> = {},
): Context => ({ now: seconds * 1000, budget: new Budget(limits), policy: rules });

export const octets = (text: string): Uint8Array => hex.parse(text) ?? new Uint8Array();

/** One record from its text: `rr('www.example. 300 A 192.0.2.1')`. */
export function rr(text: string): RR {
  const [owner = '', ttl = '', type = '', ...rdata] = text.split(' ');
  const known = type as RRType; // tests name types that exist
  return {
    owner: Name.parse(owner),
    type: known,
    class: CLASS_IN,
    ttl: Number(ttl),
    rdata: parseRdata(known, rdata.join(' ')),
  };
}

/** A record of a corpus: `wireHex` or `rdataHex` is its RDATA, uncompressed. */
export interface CorpusRecord {
  readonly owner: string;
  readonly ttl: number;
  readonly type: RRType;
  readonly wireHex?: string;
  readonly rdataHex?: string;
}
export const corpusRecord = ({ owner, ttl, type, wireHex, rdataHex }: CorpusRecord): RR => ({
  owner: Name.parse(owner),
  type,
  class: CLASS_IN,
  ttl,
  rdata: octets(wireHex ?? rdataHex ?? ''),
});

/** A whole record in wire form, as hex. */
export function wireRecord(text: string): RR {
  const reader = new Reader(octets(text));
  const owner = reader.name();
  const type = typeOf(reader.u16());
  const code = reader.u16();
  const ttl = reader.u32();
  return { owner, type, class: code, ttl, ...readRdata(type, reader.within(reader.u16())) };
}

const CORPORA = new URL('../../../../shared/corpora/', import.meta.url);

/** Why a test that needs the corpora cannot run; undefined where they are there. */
export const noCorpora: string | undefined = existsSync(fileURLToPath(CORPORA))
  ? undefined
  : '../shared/corpora is not here';

/** @returns the parsed file; the caller says what shape it has */
export const corpus = <T>(file: string): T =>
  JSON.parse(readFileSync(new URL(file, CORPORA), 'utf8')) as T;
