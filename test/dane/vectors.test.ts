/** The chains and TLSA sets of OpenSSL's own tests, and those that were put to OpenSSL as an oracle. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { usableRecords } from '../../src/dane/tlsa.ts';
import { type Peer, type Verdict, verifyPeer } from '../../src/dane/verify.ts';
import { Name } from '../../src/dns/name.ts';
import { DerReader } from '../../src/tls/der.ts';

const CORPORA = new URL('../../../../shared/corpora/', import.meta.url);
const skip = existsSync(CORPORA) ? false : '../shared/corpora is not there';

interface Vector {
  readonly id: string;
  readonly tlsa: readonly {
    usage: number;
    selector: number;
    matchingType: number;
    data: string;
  }[];
  readonly noDaneEeNameChecks: boolean;
  readonly expect: { ok: boolean; matchDepth: number };
}

interface DanetestVector extends Vector {
  readonly baseDomain: string;
  readonly trustStore: string;
  readonly chain: readonly { der: string }[];
}

interface OracleVector extends Vector {
  readonly referenceIds: readonly string[];
  readonly trustRoots: readonly string[];
  readonly chain: readonly string[];
  readonly usableRecords: number;
  readonly title: string;
}

// The corpora are test data whose form their manifests vouch for.
const load = <T>(path: string): T => JSON.parse(readFileSync(new URL(path, CORPORA), 'utf8')) as T;

/** Runs the vectors of a folder; only a `must` entry can fail. */
function run<V extends Vector>(folder: string, vectors: readonly V[], peerOf: (vector: V) => Peer) {
  const { entries } = load<{ entries: { file: string; applicability: string }[] }>(
    `${folder}/manifest.json`,
  );
  const must = new Set(
    entries.filter((e) => e.applicability === 'must').map((e) => e.file.replace(/.*#/, '')),
  );
  const counts = { must: 0, passed: 0, others: 0, agreed: 0 };
  const differing: string[] = [];
  const failing: string[] = [];
  for (const vector of vectors) {
    const isMust = must.has(vector.id);
    const verdict = verifyPeer(peerOf(vector));
    const agrees = print(verdict) === wanted(vector);
    const line = `${vector.id}: OpenSSL ${wanted(vector)}, here ${print(verdict)} (${explain(verdict)})`;
    counts[isMust ? 'must' : 'others'] += 1;
    if (agrees) counts[isMust ? 'passed' : 'agreed'] += 1;
    else (isMust ? failing : differing).push(line);
  }
  return { counts, failing, differing };
}

const wanted = ({ expect }: Vector): string =>
  expect.ok ? `authenticated at ${expect.matchDepth}` : 'not authenticated';

const print = (verdict: Verdict): string =>
  verdict.kind === 'authenticated' ? `authenticated at ${verdict.depth}` : 'not authenticated';

const explain = (verdict: Verdict): string =>
  verdict.kind === 'authenticated' ? '' : `${verdict.reason} ${verdict.detail ?? ''}`;

const recordsOf = ({ tlsa }: Vector): Peer['records'] =>
  tlsa.map(({ data, ...fields }) => ({ ...fields, associationData: Buffer.from(data, 'hex') }));

/** The first ASN.1 object: OpenSSL's TRUSTED CERTIFICATE has its own settings behind it. */
const firstObject = (base64: string): Uint8Array =>
  new DerReader(Buffer.from(base64, 'base64')).element();

const pemToDer = (pem: string): readonly Uint8Array[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (text) => new X509Certificate(text).raw,
  );

t.test('every must entry of openssl-danetest', { skip }, async (t) => {
  const { vectors } = load<{ vectors: DanetestVector[] }>('openssl-danetest/vectors.json');
  const roots = (file: string): readonly Uint8Array[] =>
    pemToDer(readFileSync(new URL(`openssl-danetest/${file}`, CORPORA), 'utf8'));
  const { counts, failing } = run('openssl-danetest', vectors, (vector) => ({
    records: recordsOf(vector),
    chain: vector.chain.map(({ der }) => firstObject(der)),
    names: [Name.parse(vector.baseDomain)],
    now: Date.UTC(2026, 0),
    options: {
      usages: 'all',
      digests: [1, 2],
      daneEeNames: vector.noDaneEeNameChecks ? 'ignored' : 'checked',
      trustRoots: roots(vector.trustStore),
    },
  }));
  t.comment(JSON.stringify(counts));
  t.strictSame(failing, []);
  t.equal(counts.must, 33);
});

t.test('every must entry of dane-openssl-oracle', { skip }, async (t) => {
  const { verifyTime, certificates, vectors } = load<{
    verifyTime: number;
    certificates: Record<string, string>;
    vectors: OracleVector[];
  }>('dane-openssl-oracle/vectors.json');
  const der = (name: string): Uint8Array => Buffer.from(certificates[name] ?? '', 'base64');
  const { counts, failing, differing } = run('dane-openssl-oracle', vectors, (vector) => ({
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
  t.comment(JSON.stringify(counts));
  for (const line of differing) t.comment(line);
  t.strictSame(failing, []);
  t.equal(counts.must, 399);
  const differently = vectors.filter(
    (vector) => usableRecords(recordsOf(vector), { usages: 'all' }).length !== vector.usableRecords,
  );
  // One bit off in an uncompressed point and it lies on no curve. OpenSSL sets such a key aside, and mail would go out
  // unauthenticated; here it is a key like any other, and matches nothing.
  t.ok(
    differently.every(
      ({ title, tlsa: [first] }) =>
        /data altered|full wrong/.test(title) && first?.selector === 1 && first.matchingType === 0,
    ),
    'apart from keys off their curve, usable records are those that OpenSSL could use',
  );
});
