// Every `must` vector of signature-vectors and rfc-vectors, on both engines, which must agree.
import t from 'tap';
import { typeOf } from '../../src/dns/codes.ts';
import { Reader } from '../../src/dns/cursor.ts';
import { Name } from '../../src/dns/name.ts';
import { base32hex } from '../../src/dns/radix.ts';
import { decode } from '../../src/dns/rdata.ts';
import { collectRRsets, findRRset, type RR, type RRset } from '../../src/dns/rrset.ts';
import type { Policy } from '../../src/dnssec/context.ts';
import { checkKeys } from '../../src/dnssec/delegation.ts';
import { type DnsKey, parseDnsKey } from '../../src/dnssec/dnskey.ts';
import { matchDs } from '../../src/dnssec/ds.ts';
import { proveByNsec3, proveNoDsByNsec3, readNsec3 } from '../../src/dnssec/nsec3.ts';
import { nsec3Hash } from '../../src/dnssec/nsec3-hash.ts';
import { verifyRRset } from '../../src/dnssec/verify.ts';
import { nsec3Hash as plainHash } from '../../src/testing/zone.ts';
import {
  type CorpusRecord,
  contextAt,
  corpus,
  corpusRecord,
  ENGINES,
  LEGACY,
  noCorpora,
  octets,
  policy,
  wireRecord,
} from './support.ts';

const skip = noCorpora ?? false;

interface Entry {
  readonly file: string;
  readonly applicability: string;
}
const mustOf = (folder: string): Set<string> =>
  new Set(
    corpus<{ entries: Entry[] }>(`${folder}/manifest.json`)
      .entries.filter(({ applicability }) => applicability === 'must')
      .map(({ file }) => file),
  );

/** How many `must` entries the manifest has for one file. */
const mustFrom = (folder: string, file: string): number =>
  [...mustOf(folder)].filter((entry) => entry.startsWith(`${file}#`)).length;

interface Case {
  readonly id: string;
  readonly records: readonly RR[];
  readonly keys: readonly RR[];
  readonly validAt: number;
  readonly expect: 'secure' | 'bogus' | 'unsupported';
}

/** DSA and GOST are not implemented: a zone with nothing else is unsupported, whatever its signatures say. */
const NOT_IMPLEMENTED = [3, 6, 12];
const isUnsupported = (algorithms: readonly number[]): boolean =>
  algorithms.length > 0 && algorithms.every((one) => NOT_IMPLEMENTED.includes(one));
const keyAlgorithms = (keys: readonly RR[]): number[] =>
  keys.map(({ rdata }) => decode('DNSKEY', rdata).algorithm);

interface UnboundVector {
  readonly id: string;
  readonly validAt: number;
  readonly keys: CorpusRecord[];
  readonly rrset: CorpusRecord[];
  readonly rrsigs: CorpusRecord[];
  readonly expect: 'secure' | 'bogus';
}
function unboundCases(): Case[] {
  const must = mustOf('signature-vectors');
  return corpus<UnboundVector[]>('signature-vectors/unbound-signatures.json')
    .filter(({ id }) => must.has(`unbound-signatures.json#${id}`))
    .map(({ id, validAt, keys, rrset, rrsigs, expect }) => {
      const parsed = keys.map(corpusRecord);
      return {
        id,
        records: [...rrset, ...rrsigs].map(corpusRecord),
        keys: parsed,
        validAt,
        expect: isUnsupported(keyAlgorithms(parsed)) ? 'unsupported' : expect,
      };
    });
}

interface BnsVector {
  readonly id: string;
  readonly algorithm: number;
  readonly validAt: number;
  readonly rrsig: string;
  readonly dnskey: string;
  readonly rrset: string[];
  readonly expect: 'secure' | 'bogus';
}
const bnsCases = (): Case[] =>
  corpus<BnsVector[]>('signature-vectors/bns-signatures.json').map((vector) => ({
    id: vector.id,
    records: [...vector.rrset, vector.rrsig].map(wireRecord),
    keys: [wireRecord(vector.dnskey)],
    validAt: vector.validAt,
    expect: isUnsupported([vector.algorithm]) ? 'unsupported' : vector.expect,
  }));

const parseKeys = (records: readonly { rdata: Uint8Array }[]): DnsKey[] =>
  records.map(({ rdata }) => parseDnsKey(rdata)).filter((key) => key !== undefined);

/** What the chain of trust would say of the key set alone, then of the RRset under it. */
function verdictOf({ records, keys, validAt }: Case, rules: Policy): string {
  const context = contextAt(validAt, rules);
  const [rrset] = collectRRsets(records);
  if (!rrset) return 'nothing to verify';
  const signer = rrset.signatures[0]?.signer ?? rrset.owner;
  const anchor = { ds: [], keys: keys.map(({ rdata }) => rdata), ttl: 0 };
  if (checkKeys(signer, anchor, undefined, context).status === 'insecure') return 'unsupported';
  const verdict = verifyRRset(rrset, { zone: signer, keys: parseKeys(keys) }, context);
  return verdict.kind === 'valid' ? 'secure' : 'bogus';
}

t.test('signature vectors of Unbound and bns', { skip }, async (t) => {
  const cases = [...unboundCases(), ...bnsCases()];
  const wrong = cases.flatMap((one) => {
    const [noble, native] = ENGINES.map((engine) => verdictOf(one, policy(engine, LEGACY)));
    if (noble === one.expect && native === one.expect) return [];
    return [`${one.id}: expected ${one.expect}, noble ${noble}, native ${native}`];
  });
  t.same(wrong, [], 'both engines give each vector its verdict');
  t.equal(cases.length, 178 + 171, 'all `must` vectors were run');
  const unsupported = cases.filter(({ expect }) => expect === 'unsupported').length;
  t.equal(unsupported, 6 + 14, 'counted apart: DSA, 6 of Unbound and 14 of bns');
  t.comment(
    `${cases.length} signature vectors on both engines, ${unsupported} of them unsupported`,
  );
});

t.test('GOST vectors, which the manifest excludes, are unsupported', { skip }, async (t) => {
  const gost = corpus<UnboundVector[]>('signature-vectors/unbound-signatures.json').filter(
    ({ keys }) => keyAlgorithms(keys.map(corpusRecord)).includes(12),
  );
  t.equal(gost.length, 2);
  for (const { id, keys, rrset, rrsigs, validAt } of gost) {
    const records = [...rrset, ...rrsigs].map(corpusRecord);
    const one: Case = {
      id,
      records,
      keys: keys.map(corpusRecord),
      validAt,
      expect: 'unsupported',
    };
    for (const engine of ENGINES)
      t.equal(verdictOf(one, policy(engine, LEGACY)), 'unsupported', `${id} on ${engine.name}`);
  }
});

t.test('RSA/SHA-1 does not count by default (RFC 9905)', { skip }, async (t) => {
  const sha1 = unboundCases().filter(({ keys }) =>
    keyAlgorithms(keys).every((algorithm) => algorithm === 5),
  );
  t.ok(sha1.length > 100, 'there are such vectors');
  const verdicts = sha1.flatMap((one) => ENGINES.map((engine) => verdictOf(one, policy(engine))));
  t.same([...new Set(verdicts)], ['unsupported']);
});

interface DsVector {
  readonly id: string;
  readonly dnskey: CorpusRecord[];
  readonly ds: CorpusRecord[];
  readonly expectMatch: boolean;
}
t.test('DS records match the keys that they were made of', { skip }, async (t) => {
  const vectors = corpus<DsVector[]>('signature-vectors/ds-match.json');
  t.equal(vectors.length, mustFrom('signature-vectors', 'ds-match.json'), 'all `must` vectors');
  for (const { id, dnskey, ds, expectMatch } of vectors) {
    const records = dnskey.map(corpusRecord);
    const owner = records[0]?.owner ?? Name.parse('.');
    const fields = ds.map(corpusRecord).map(({ rdata }) => decode('DS', rdata));
    for (const engine of ENGINES) {
      const { kind } = matchDs(
        owner,
        fields,
        parseKeys(records),
        contextAt(0, policy(engine, LEGACY)),
      );
      t.equal(kind === 'matched', expectMatch, `${id} on ${engine.name}`);
    }
  }
});

interface HashVector {
  readonly id: string;
  readonly name: string;
  readonly iterations: number;
  readonly salt: string;
  readonly hash: string;
}
t.test('NSEC3 hashes', { skip }, async (t) => {
  const vectors = corpus<HashVector[]>('signature-vectors/nsec3-hash.json');
  t.equal(vectors.length, mustFrom('signature-vectors', 'nsec3-hash.json'), 'all `must` vectors');
  for (const vector of vectors) {
    const wire = Name.parse(vector.name).canonical.wire;
    for (const engine of ENGINES) {
      const hash = nsec3Hash(engine, wire, vector.iterations, octets(vector.salt));
      t.equal(base32hex.print(hash), vector.hash, `${vector.id} on ${engine.name}`);
    }
  }
});

interface ProofVector {
  readonly id: string;
  readonly operation: string;
  readonly qs?: string;
  readonly delegation?: string;
  readonly nsec?: string[];
}
/** What bns proves from unsigned records; the spans of registries have the Opt-Out flag. */
function proofOf({ operation, qs, delegation, nsec = [] }: ProofVector): string {
  const sets = collectRRsets(nsec.map(wireRecord));
  const zone = sets[0]?.owner.parent ?? Name.parse('.');
  const records = sets.map((set) => readNsec3(set, zone)).filter((one) => one !== undefined);
  const chain = { zone, records, context: contextAt(0) };
  if (delegation) return proveNoDsByNsec3(chain, Name.parse(delegation)).kind;
  const reader = new Reader(octets(qs ?? ''));
  const name = reader.name();
  const rcode = operation === 'verify_name_error' ? 'NXDOMAIN' : 'NOERROR';
  const proof = proveByNsec3(chain, { name, type: typeOf(reader.u16()), rcode });
  return proof.kind === 'proven' ? proof.absence : proof.kind;
}
t.test('NSEC3 proofs of bns', { skip }, async (t) => {
  const vectors = corpus<ProofVector[]>('signature-vectors/nsec3-proofs.json');
  const expected: Record<string, string> = {
    verify_name_error: 'nxdomain',
    verify_no_data: 'nodata',
    verify_delegation: 'unsigned',
  };
  const whole = vectors.filter(({ operation }) => operation in expected);
  t.equal(whole.length, 8, 'those that prove a claim; the others look into single records');
  for (const vector of whole) t.equal(proofOf(vector), expected[vector.operation], vector.id);
});

t.test('NSEC3 hashes of every length of salt, against a plain loop over node:crypto', async (t) => {
  const name = Name.parse('Mail.Example.COM');
  const wrong: string[] = [];
  for (let length = 0; length < 256; length += 1)
    for (const iterations of [0, 1, 2, 51]) {
      const salt = Uint8Array.from({ length }, (_, i) => i * 7 + length);
      const expected = base32hex.print(plainHash(name, iterations, salt));
      for (const engine of ENGINES) {
        const hash = nsec3Hash(engine, name.canonical.wire, iterations, salt);
        if (base32hex.print(hash) !== expected) wrong.push(`${length} ${iterations}`);
      }
    }
  t.same(wrong, []);
});

t.test(
  'every `must` entry of the manifests has its test here or in judge.test.ts',
  { skip },
  async (t) => {
    const files = (folder: string): string[] =>
      [...new Set([...mustOf(folder)].map((file) => file.replace(/#.*/, '')))].sort();
    t.same(files('signature-vectors'), [
      'bns-signatures.json',
      'ds-match.json',
      'nsec3-hash.json',
      'unbound-signatures.json',
    ]);
    t.same(files('rfc-vectors'), [
      'dnssec-algorithms.json',
      'rfc4034.json',
      'rfc4035-appendix-a-zone.json',
      'rfc4035-appendix-b-responses.json',
      'rfc4509.json',
      'rfc5155-appendix-a-zone.json',
      'rfc5155-appendix-b-responses.json',
    ]);
    const counts = ['signature-vectors', 'rfc-vectors'].map(
      (folder) => `${mustOf(folder).size} of ${folder}`,
    );
    t.comment(`must entries: ${counts.join(', ')}`);
  },
);

interface PrintedZone {
  readonly validAt: string;
  readonly records: CorpusRecord[];
}
const seconds = (date: string): number => Date.parse(date) / 1000;
const countSignatures = (sets: readonly RRset[]): number =>
  sets.reduce((sum, { signatures }) => sum + signatures.length, 0);

for (const file of ['rfc4035-appendix-a-zone.json', 'rfc5155-appendix-a-zone.json'])
  t.test(`every signature of ${file} verifies`, { skip }, async (t) => {
    const { validAt, records } = corpus<PrintedZone>(`rfc-vectors/${file}`);
    const sets = collectRRsets(records.map(corpusRecord));
    const signed = sets.filter(({ signatures }) => signatures.length > 0);
    const zone = Name.parse('example');
    const keys = parseKeys(
      (findRRset(sets, zone, 'DNSKEY')?.rdata ?? []).map((rdata) => ({ rdata })),
    );
    for (const engine of ENGINES) {
      const context = () => contextAt(seconds(validAt), policy(engine, LEGACY));
      for (const set of signed)
        t.equal(
          verifyRRset(set, { zone, keys }, context()).kind,
          'valid',
          `${set.owner} ${set.type} on ${engine.name}`,
        );
    }
    const printed = records.filter(({ type }) => type === 'RRSIG').length;
    t.equal(countSignatures(signed), printed, 'none was left out');
  });

interface AlgorithmCase {
  readonly source: string;
  readonly section: string;
  readonly validAt: number;
  readonly records: CorpusRecord[];
  readonly recordsCorrected?: CorpusRecord[];
}
/** RFC 8080 misprints its RRSIGs: the corrected ones were made with the private keys that it prints. */
function checkPrinted(one: AlgorithmCase, rules: Policy): string[] {
  const printed = one.records.map(corpusRecord);
  const keys = parseKeys(printed.filter(({ type }) => type === 'DNSKEY'));
  const zone = printed[0]?.owner ?? Name.parse('.');
  const context = contextAt(one.validAt, rules);
  const anchor = { ds: [], keys: keys.map(({ rdata }) => rdata), ttl: 0 };
  const trust = checkKeys(zone, anchor, undefined, context);
  if (trust.status === 'insecure') return [trust.reason];
  const signed = collectRRsets((one.recordsCorrected ?? one.records).map(corpusRecord));
  const alone = signed.flatMap((set) =>
    set.signatures.map((sig) => ({ ...set, signatures: [sig] })),
  );
  const ds = printed.filter(({ type }) => type === 'DS').map(({ rdata }) => decode('DS', rdata));
  return [
    ...alone.map((set) => verifyRRset(set, { zone, keys }, context).kind),
    ...ds.map((record) => matchDs(zone, [record], keys, context).kind),
  ];
}

t.test('keys, DS and signatures that RFCs print', { skip }, async (t) => {
  const expected: Record<string, string[]> = {
    'RFC 5702 6.1': ['valid'],
    'RFC 5702 6.2': ['valid'],
    'RFC 6605 6.1': ['valid', 'matched'],
    'RFC 6605 6.2': ['valid', 'matched'],
    'RFC 8080 6.1': ['valid', 'valid', 'matched', 'matched'],
    'RFC 8080 6.2': ['valid', 'valid', 'matched', 'matched'],
    'RFC 5933 2.2 3.1 4.1': ['unsupported-algorithm'],
  };
  const { cases } = corpus<{ cases: AlgorithmCase[] }>('rfc-vectors/dnssec-algorithms.json');
  t.same(
    cases.map(({ source, section }) => `${source} ${section}`).sort(),
    Object.keys(expected).sort(),
  );
  for (const one of cases)
    for (const engine of ENGINES) {
      const title = `${one.source} ${one.section}`;
      t.same(
        checkPrinted(one, policy(engine, LEGACY)),
        expected[title],
        `${title} on ${engine.name}`,
      );
    }
});

interface Items {
  readonly items: {
    readonly section: string;
    readonly records?: (CorpusRecord & { keyTag?: number })[];
    readonly names?: string[];
  }[];
}
t.test('canonical order of names: RFC 4034 section 6.1', { skip }, async (t) => {
  const { items } = corpus<Items>('rfc-vectors/rfc4034.json');
  const names = items.flatMap((item) => item.names ?? []).map((text) => Name.parse(text));
  t.equal(names.length, 9);
  const sorted = names.toReversed().sort((a, b) => a.compare(b));
  t.same(sorted.map(String), names.map(String));
});

t.test('key tags and DS digests of RFC 4034 and RFC 4509', { skip }, async (t) => {
  for (const file of ['rfc4034.json', 'rfc4509.json'])
    for (const { section, records = [] } of corpus<Items>(`rfc-vectors/${file}`).items) {
      for (const record of records.filter(({ type, keyTag }) => type === 'DNSKEY' && keyTag))
        t.equal(
          parseDnsKey(corpusRecord(record).rdata)?.keyTag,
          record.keyTag,
          `${file} section ${section}: key tag`,
        );
      const parsed = records.map(corpusRecord);
      const keys = parseKeys(parsed.filter(({ type }) => type === 'DNSKEY'));
      if (keys.length === 0) continue;
      for (const { owner, rdata } of parsed.filter(({ type }) => type === 'DS'))
        for (const engine of ENGINES) {
          const { kind } = matchDs(
            owner,
            [decode('DS', rdata)],
            keys,
            contextAt(0, policy(engine, LEGACY)),
          );
          t.equal(kind, 'matched', `${file} section ${section}: DS on ${engine.name}`);
        }
    }
});
