/**
 * Vectors of TLSA records and chains, in the two forms of DANE-VECTORS.md: those of OpenSSL's own tests, and those that were
 * put to OpenSSL as an oracle.
 *
 * Expected and got are compared as verdict and, where it is a success, the depth of the match. Does not: compare error
 * codes, which are OpenSSL's.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Peer, type Verdict, verifyPeer } from '../../src/dane/verify.ts';
import { Name } from '../../src/dns/name.ts';
import { DerReader } from '../../src/tls/der.ts';
import { pemToDer } from './pem.ts';
import type { Judged } from './suite.ts';

/** Vectors by their identifiers, each ready to be run. */
export type Collection = ReadonlyMap<string, () => Judged>;

interface Vector {
  readonly id: string;
  readonly tlsa: readonly {
    readonly usage: number;
    readonly selector: number;
    readonly matchingType: number;
    readonly data: string;
  }[];
  readonly noDaneEeNameChecks: boolean;
  readonly expect: {
    readonly ok: boolean;
    readonly matchDepth: number;
    readonly verifyText?: string;
  };
}

interface DanetestVector extends Vector {
  readonly baseDomain: string;
  readonly trustStore: string;
  readonly chain: readonly { readonly der: string }[];
}

interface OracleVector extends Vector {
  readonly referenceIds: readonly string[];
  readonly trustRoots: readonly string[];
  readonly chain: readonly string[];
}

/** SHA2-256 above SHA2-512, as the original test sets it. */
const DANETEST_DIGESTS = [1, 2];

/** `openssl-danetest`: certificates stand in the vectors, trust stores in PEM files beside them. */
export function readDanetest(document: object, folder: string): Collection {
  const { vectors } = document as { vectors: readonly DanetestVector[] }; // as the format says
  const roots = new Map<string, readonly Uint8Array[]>();
  const rootsIn = (file: string): readonly Uint8Array[] => {
    const known = roots.get(file) ?? pemToDer(readFileSync(join(folder, file), 'utf8'));
    roots.set(file, known);
    return known;
  };
  return collect(vectors, (vector) => ({
    records: recordsOf(vector),
    chain: vector.chain.map(({ der }) => firstObject(der)),
    names: [Name.parse(vector.baseDomain)],
    now: Date.now(),
    options: {
      usages: 'all',
      digests: DANETEST_DIGESTS,
      daneEeNames: vector.noDaneEeNameChecks ? 'ignored' : 'checked',
      trustRoots: rootsIn(vector.trustStore),
    },
  }));
}

/** `dane-openssl-oracle`: certificates are named, and judged at one time. */
export function readOracle(document: object): Collection {
  const { verifyTime, certificates, vectors } = document as {
    verifyTime: number;
    certificates: Readonly<Record<string, string>>;
    vectors: readonly OracleVector[];
  }; // as the format says
  const der = (name: string): Uint8Array => {
    const base64 = certificates[name];
    if (base64 === undefined) throw new TypeError(`there is no certificate "${name}"`);
    return new Uint8Array(Buffer.from(base64, 'base64'));
  };
  return collect(vectors, (vector) => ({
    records: recordsOf(vector),
    chain: vector.chain.map(der),
    names: vector.referenceIds.map((name) => Name.parse(name)),
    now: verifyTime * 1000,
    options: {
      usages: 'all',
      daneEeNames: vector.noDaneEeNameChecks ? 'ignored' : 'checked',
      trustRoots: vector.trustRoots.map(der),
    },
  }));
}

const collect = <V extends Vector>(
  vectors: readonly V[],
  peerOf: (vector: V) => Peer,
): Collection => new Map(vectors.map((vector) => [vector.id, () => judge(vector, peerOf(vector))]));

function judge({ expect }: Vector, peer: Peer): Judged {
  const verdict = verifyPeer(peer);
  const expected = expect.ok
    ? `authenticated at depth ${expect.matchDepth}`
    : `not authenticated (${expect.verifyText ?? 'no match'})`;
  const agrees = (verdict.kind === 'authenticated') === expect.ok;
  // OpenSSL's words for a failure are not ours, and none of the vector's business.
  const got = agrees && !expect.ok ? expected : print(verdict);
  return { expected, got, detail: print(verdict), why: whyNot(verdict) };
}

function print(verdict: Verdict): string {
  if (verdict.kind === 'authenticated') return `authenticated at depth ${verdict.depth}`;
  const detail = verdict.detail === undefined ? '' : `: ${verdict.detail}`;
  return `not authenticated (${verdict.reason}${detail})`;
}

/** Why we refuse what OpenSSL takes. */
function whyNot(verdict: Verdict): string | undefined {
  if (verdict.kind === 'authenticated') return undefined;
  switch (verdict.reason) {
    case 'no-usable-record':
      return 'without a usable record OpenSSL goes by the trust store; here policy decides (RFC 7672 section 2.2)';
    case 'certificate-host-mismatch':
      return 'a wildcard is a whole label (RFC 7672 section 3.2.3)';
    case 'dane-no-match':
      return 'no record matches; OpenSSL sets a key aside that lies off its curve, and then goes by the trust store';
    default:
      return undefined;
  }
}

const recordsOf = ({ tlsa }: Vector): Peer['records'] =>
  tlsa.map(({ usage, selector, matchingType, data }) => ({
    usage,
    selector,
    matchingType,
    associationData: new Uint8Array(Buffer.from(data, 'hex')),
  }));

/** The first ASN.1 object: OpenSSL's TRUSTED CERTIFICATE has its own settings behind it. */
const firstObject = (base64: string): Uint8Array =>
  new DerReader(new Uint8Array(Buffer.from(base64, 'base64'))).element();
