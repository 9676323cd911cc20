/**
 * Mutants that change nothing that anybody could see, each with the reason. They count neither as killed nor as survived.
 *
 * A row is found by the file, a part of the source line and a part of what the code is changed to, so that it outlives
 * changes elsewhere; a row that explains nothing any more is reported.
 * @module
 */

export interface Harmless {
  readonly file: string;
  /** A part of the TypeScript line. */
  readonly line: string;
  /** A part of the changed expression. */
  readonly to: string;
  readonly why: string;
}

const row = (file: string, line: string, to: string, why: string): Harmless => ({
  file,
  line,
  to,
  why,
});

const SPAN = 'a span holds neither of its ends, so the two names are never equal here';
const ROOM = 'the encloser of a longer name leaves room for an asterisk: for the compiler';
const TIE = 'an octet that is missing counts as 0 there, and the length decides the tie';
const DER = 'OpenSSL reads lengths that are not in their shortest form';
const SIGN = 'OpenSSL takes the numbers of a key as positive, with a leading zero or without';
const CERTAIN = 'one of its signatures has verified: for the compiler';
const REDUCED =
  'an encoding that is not reduced, or that has x = 0, is refused before (edwards.ts): a second lock';
const TAG = 'the word is compared with others only';

export const HARMLESS: readonly Harmless[] = [
  row('anchors.ts', 'parseZone(text, ROOT, 0)', '1', 'the TTL of an anchor is not read'),
  row('canonical.ts', 'sorted[i - 1] ?? rdata', '(sorted[i - 1])', 'the index is there'),
  row('canonical.ts', 'wildcard?.canonical', 'wildcard.canonical', ROOM),
  row('canonical.ts', 'const shared =', 'Math.max', TIE),
  row('canonical.ts', 'i < shared', 'i <= shared', TIE),
  row(
    'delegation.ts',
    "? bogus(zone, zone, 'DNSKEY', 'wildcard-unproven')",
    "'mutant'",
    'labels fewer than those of the zone were refused before: a second lock',
  ),
  row('delegation.ts', "return { kind: 'matched', keys: byDs", "'mutant'", TAG),
  row(
    'dnskey.ts',
    'return first < 0',
    'false',
    'the zero that is left has no bits either, and as an exponent it is refused',
  ),
  row(
    'dnskey.ts',
    'octets.length === 0 ? 0',
    'false',
    'a number of no octets is below every limit either way',
  ),
  row(
    'dnskey.ts',
    'octets.length === 0 ? 0',
    '1',
    'a number of one octet or none is below every limit either way',
  ),
  row('dnskey.ts', 'exponent.length > 5', '6', 'six octets are above the largest exponent'),
  row('engine-native.ts', 'der(0x02, (octets[0] ?? 0) & 0x80', '', SIGN),
  row('engine-native.ts', 'if (length < 0x80)', 'false', DER),
  row('engine-native.ts', 'return length < 0x100', 'false', DER),
  row(
    'engine-noble.ts',
    'assertValidity()',
    ';',
    'fromBytes asserts as much in this version of noble: a second lock',
  ),
  row(
    'engine-noble.ts',
    'for (let i = octets.length - 1',
    'octets.length + 1',
    'what lies beyond the end counts as 0',
  ),
  row(
    'judge.ts',
    "if (a.found.kind !== 'records'",
    '',
    'only findings of records are joined: for the compiler',
  ),
  row('nsec.ts', 'if (cover.next.isBelow(name))', 'isAtOrBelow', SPAN),
  row('nsec.ts', 'if (wildcardCover.next.isBelow(wildcard))', 'isAtOrBelow', SPAN),
  row('nsec.ts', 'if (!cover || cover.next.isBelow(name))', 'isAtOrBelow', SPAN),
  row('nsec.ts', 'const kind = cover.next.isBelow(name)', 'isAtOrBelow', SPAN),
  row('nsec.ts', 'return !name.isBelow(nsec.owner)', 'isAtOrBelow', SPAN),
  row(
    'nsec.ts',
    'name.isBelow(nsec.owner) && nsec.types',
    'isAtOrBelow',
    'the NSEC at the name itself was looked for before',
  ),
  row('nsec.ts', 'if (!wildcard)', 'false', ROOM),
  row('nsec3.ts', 'if (!wildcard)', 'false', ROOM),
  row(
    'nsec3.ts',
    'rrset.owner.isBelow(zone)',
    'isAtOrBelow',
    'an owner of one label more than the zone is not the zone',
  ),
  row(
    'nsec3.ts',
    'let labels = name.labels - 1',
    'name.labels + 1',
    'the NSEC3 at the name itself was looked for before',
  ),
  row('nsec3.ts', 'if (!first)', 'false', 'no chain is without records: for the compiler'),
  row('nsec3-hash.ts', 'let next = 0', '1', 'it is set before it is read'),
  row(
    'nsec3-hash.ts',
    'i < BLOCK_WORDS',
    'i <= BLOCK_WORDS',
    'the next loop writes that word again',
  ),
  row('nsec3-hash.ts', 'i < 80', 'i <= 80', 'typed arrays ignore what is written beyond their end'),
  row('nsec3-hash.ts', 'i < 80', '81', 'typed arrays ignore what is written beyond their end'),
  row('rsa.ts', 'if (s >= n)', 's > n', 'n itself is 0 modulo n, and no encoded message is 0'),
  row('verify.ts', 'if (!data) continue', '', 'the labels were checked before: for the compiler'),
  row('verify.ts', "return 'failed'", "'mutant'", TAG),
  row('verify.ts', "'passed' : 'failed'", "'mutant'", TAG),
  row('denial.ts', 'if (!signature) return STRIPPED', 'false', CERTAIN),
  row('dnskey.ts', '2n ** 32n + 1n', '2n', 'the one exponent more is even, and refused as such'),
  row('dnskey.ts', 'return rsa ? bitsOf', '', 'isWeak has split the key: for the compiler'),
  row(
    'edwards.ts',
    'for (let i = octets.length - 1',
    'octets.length + 1',
    'what lies beyond the end counts as 0',
  ),
  row('engine-noble.ts', "cofactor: 'cleared'", "'mutant'", TAG),
  row('engine-noble.ts', 'Point.fromBytes(point, false)', 'true', REDUCED),
  row('engine-noble.ts', 'Point.fromBytes(r, false)', 'true', REDUCED),
  row('nsec3-hash.ts', 'new Int32Array(80)', '81', 'nothing reads the word behind the last one'),
  row('rsa.ts', 'const HEX = Array.from', '257', 'no octet is above 255'),
  row(
    'verify.ts',
    "'rrsigs-missing',",
    "'mutant'",
    'what is not in the list counts as least, as the first of it does',
  ),
];
