/**
 * The last question of DANE: is this peer the one that the TLSA records speak of?
 *
 * Implements RFC 7671 section 5 (the four usages), section 9 (digest agility) and RFC 7672 section 3.2 (DANE-EE without
 * names and dates, DANE-TA with both, on a path of its own). Does not: decide what follows; that is the plan's and the
 * mail server's to say.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { type Certificate, type Key, parseCertificate, parseKey } from '../tls/certificate.ts';
import { latin1 } from '../tls/der.ts';
import { fingerprint } from '../tls/fingerprint.ts';
import { matchHost } from '../tls/identity.ts';
import { Comparisons } from '../tls/name-constraints.ts';
import { currentFirst, isSelfIssued, type Path, PathFinder } from '../tls/path.ts';
import { checkPath, type PathProblem, type PathRules } from '../tls/path-rules.ts';
import { keyKind, rsaBits } from '../tls/public-key.ts';
import { type EndingsOf, makeDaneEndings, makePkixEndings } from './endings.ts';
import { type Matcher, makeMatcher } from './match.ts';
import { type MismatchReason, nearest, reasonOf } from './mismatch.ts';
import {
  MATCHING_TYPE,
  printTlsa,
  SELECTOR,
  strongestRecords,
  type Tlsa,
  USAGE,
  type UsabilityOptions,
  whyUnusable,
} from './tlsa.ts';

export interface VerifyOptions extends UsabilityOptions {
  /** RSA keys below this many bits are refused, also with DANE-EE. Default 1024, what OpenSSL's level 1 demands. */
  readonly minimumRsaBits?: number;
  /** Whether a path may hold SHA-1 signatures (never MD5). Default `refuse`. */
  readonly sha1?: 'refuse' | 'accept';
  /**
   * Whether DANE-EE looks at names. RFC 7671 section 5.1 says `ignored`, the default; `checked` is for protocols where
   * one server must not be taken for another (it was RFC 6698's rule).
   */
  readonly daneEeNames?: 'ignored' | 'checked';
  /** DER certificates that PKIX-TA(0) and PKIX-EE(1) paths may end at. Default none. */
  readonly trustRoots?: readonly Uint8Array[];
}

export interface Peer {
  /** The secure TLSA RRset. Unusable records in it are set aside. */
  readonly records: readonly Tlsa[];
  /** DER certificates as presented, the server's own first. */
  readonly chain: readonly Uint8Array[];
  /** Reference identifiers, the TLSA base domain first (RFC 7672 section 3.2.2). */
  readonly names: readonly Name[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly options?: VerifyOptions;
}

export interface Tried {
  readonly record: Tlsa;
  readonly why: MismatchReason;
  /** What exactly: which certificate of the path, and what is wrong with it. */
  readonly detail?: string;
}

export type Verdict =
  | {
      readonly kind: 'authenticated';
      readonly by: Tlsa;
      /**
       * Where the record matched: 0 is the server's own certificate, 1 the one that signed it. For a trust anchor that is
       * only a key in the DNS, the certificate that this key signed.
       */
      readonly depth: number;
      /** Bits of the shortest RSA key relied on, where that is below 2048: worth a word to the operator. */
      readonly weakKey?: number;
    }
  | {
      readonly kind: 'not-authenticated';
      /** The reason nearest to success, for the log and the report. */
      readonly reason: MismatchReason;
      readonly detail?: string;
      /** Every record of the RRset and what became of it. */
      readonly tried: readonly Tried[];
    };

/**
 * Records looked at: more than a DNS message of 64 KiB can hold. Fewer would let the order decide which ones count, and with
 * them which digest is the strongest; the order of a record set is not signed. What they may cost is bounded by the
 * signatures that one peer is worth (tls/path.ts).
 */
const MAX_RECORDS = 8192;
/** OpenSSL's security level 2 draws the line here. */
const WEAK_RSA_BITS = 2048;

/** Judges the presented chain by the TLSA records. Pure: the same arguments, the same verdict. */
export function verifyPeer(peer: Peer): Verdict {
  const findings = new Findings(peer);
  if (findings.considered.length === 0) return findings.verdict();
  const [first, ...above] = peer.chain;
  if (!first) return findings.forAll('no-certificate');
  const parsed = parseKey(first);
  if (parsed.kind === 'malformed')
    return findings.forAll('certificate-not-trusted', `malformed certificate: ${parsed.why}`);
  const { key } = parsed;
  const { minimumRsaBits } = rulesOf(peer);
  const bits = rsaBits(key.spki);
  if (bits !== undefined && bits < minimumRsaBits)
    return findings.forAll('certificate-not-trusted', `RSA key of ${bits} bits`);
  const start: Start = { peer, findings, matches: makeMatcher() };
  const byKey = tryDaneEe(start, key);
  if (byKey) return byKey;
  const [leaf] = certificatesIn([first]);
  return (leaf && tryPaths({ ...start, leaf }, above)) ?? findings.verdict(describe(key));
}

/** A server with keys of two kinds shows one of them: which it was is what its operator has to know. */
function describe({ spki }: Key): string {
  const associationData = fingerprint(spki, 'sha256');
  const record = {
    usage: USAGE.daneEe,
    selector: SELECTOR.spki,
    matchingType: MATCHING_TYPE.sha256,
    associationData,
  };
  return `the server shows a ${keyKind(spki)} key, TLSA ${printTlsa(record)}`;
}

interface Start {
  readonly peer: Peer;
  readonly findings: Findings;
  readonly matches: Matcher;
}
interface Attempt extends Start {
  readonly leaf: Certificate;
}

type Authenticated = Extract<Verdict, { kind: 'authenticated' }>;

function tryDaneEe({ peer, findings, matches }: Start, key: Key): Authenticated | undefined {
  for (const record of findings.considered) {
    if (record.usage !== USAGE.daneEe || !matches(record, key)) continue;
    if (peer.options?.daneEeNames !== 'checked') return authenticated(record, 0, [key]);
    const [leaf] = certificatesIn([key.der]);
    if (leaf && isNamed(leaf, peer)) return authenticated(record, 0, [key]);
    findings.note(record, 'certificate-host-mismatch');
  }
  return undefined;
}

function tryPaths(attempt: Attempt, above: readonly Uint8Array[]): Authenticated | undefined {
  const { findings, leaf, matches, peer } = attempt;
  const presented = certificatesIn(above);
  const pool = [...certificatesIn(fromDns(findings.considered)), ...presented];
  const dane = findings.considered.filter(({ usage }) => usage === USAGE.daneTa);
  if (dane.length > 0) {
    // Trusted roots serve the PKIX usages only: DANE-TA must be sent or stand in the DNS (RFC 7671 section 5.2.2).
    const finder = new PathFinder(leaf, currentFirst(pool, peer.now));
    const endingsOf = makeDaneEndings(dane, finder, matches);
    const found = follow(attempt, { records: dane, presented, finder, endingsOf });
    if (found) return found;
  }
  const pkix = findings.considered.filter(({ usage }) => usage < USAGE.daneTa);
  if (pkix.length === 0) return undefined;
  const roots = certificatesIn(peer.options?.trustRoots ?? []);
  const finder = new PathFinder(leaf, currentFirst([...pool, ...roots], peer.now));
  const endingsOf = makePkixEndings(pkix, roots, matches);
  return follow(attempt, { records: pkix, presented, finder, endingsOf });
}

interface Search {
  readonly records: readonly Tlsa[];
  readonly presented: readonly Certificate[];
  readonly finder: PathFinder;
  readonly endingsOf: EndingsOf;
}

/** Takes path after path until one holds and a record ends it. */
function follow(attempt: Attempt, search: Search): Authenticated | undefined {
  const { findings, peer, leaf } = attempt;
  const { records, finder, endingsOf } = search;
  const rules = rulesOf(peer);
  let named: boolean | undefined;
  for (const path of finder.paths()) {
    const problemAt = makeCheck(path, rules);
    for (const { record, depth, anchor } of endingsOf(path)) {
      const problem = problemAt(anchor);
      if (!problem) named ??= isNamed(leaf, peer);
      if (problem) findings.note(record, reasonOf(problem), printProblem(problem));
      else if (!named) findings.note(record, 'certificate-host-mismatch');
      else return authenticated(record, depth, path);
    }
  }
  for (const record of records) noteMissedAnchor(record, attempt, search);
  return undefined;
}

/** What is wrong with one path, found out once however many records end it. */
function makeCheck(
  path: Path,
  rules: Omit<PathRules, 'anchor'>,
): (anchor: PathRules['anchor']) => PathProblem | undefined {
  const known = new Map<PathRules['anchor'], PathProblem | undefined>();
  return (anchor) => {
    if (!known.has(anchor)) known.set(anchor, checkPath(path, { ...rules, anchor }));
    return known.get(anchor);
  };
}

/** RFC 7671 section 5.2.2: a trust anchor published whole need not be sent. */
const fromDns = (records: readonly Tlsa[]): readonly Uint8Array[] =>
  records.flatMap(({ usage, selector, matchingType, associationData }) =>
    (usage === USAGE.daneTa || usage === USAGE.pkixTa) &&
    selector === SELECTOR.cert &&
    matchingType === MATCHING_TYPE.full
      ? [associationData]
      : [],
  );

/** Says of a record that ended no path why not, as far as it can be told. */
function noteMissedAnchor(
  record: Tlsa,
  { findings, matches, leaf }: Attempt,
  { presented, finder }: Search,
): void {
  const isDigest = record.matchingType !== MATCHING_TYPE.full;
  const isPkix = record.usage !== USAGE.daneTa;
  const constrained = record.usage === USAGE.pkixEe ? [leaf] : presented;
  const wanted = isPkix ? 'a trusted root' : 'the certificate that matches';
  if (finder.spent)
    findings.note(record, 'certificate-not-trusted', 'more paths than can be followed');
  else if (constrained.some((certificate) => matches(record, certificate)))
    findings.note(record, 'certificate-not-trusted', `no path to ${wanted}`);
  else if (record.usage === USAGE.daneTa && isDigest && !isSelfIssued(presented.at(-1) ?? leaf))
    findings.note(record, 'dane-ta-missing-from-chain');
}

const certificatesIn = (list: readonly Uint8Array[]): readonly Certificate[] =>
  list.flatMap((der) => {
    const parsed = parseCertificate(der);
    return parsed.kind === 'certificate' ? [parsed.certificate] : [];
  });

const isNamed = (leaf: Certificate, { names }: Peer): boolean =>
  matchHost(leaf, names.map(hostOf)) !== undefined;

/** Certificates know no root dot. */
const hostOf = (name: Name): string => name.toString().replace(/\.$/, '');

function rulesOf({ now, options }: Peer): Omit<PathRules, 'anchor'> {
  const { minimumRsaBits = 1024, sha1 = 'refuse' } = options ?? {};
  return { now, minimumRsaBits, sha1, comparisons: new Comparisons() };
}

function authenticated(by: Tlsa, depth: number, path: readonly Key[]): Authenticated {
  const bits = path.flatMap(({ spki }) => rsaBits(spki) ?? []);
  const weakKey = Math.min(...bits);
  return weakKey < WEAK_RSA_BITS
    ? { kind: 'authenticated', by, depth, weakKey }
    : { kind: 'authenticated', by, depth };
}

const printProblem = ({ depth, text }: PathProblem): string =>
  depth === 0 ? `server certificate: ${text}` : `certificate ${depth} above the server's: ${text}`;

/** A record that stands there twice is one record (RFC 2181 section 5), and costs no more. */
const distinct = (records: readonly Tlsa[]): Iterable<Tlsa> =>
  records.length < 2 ? records : new Map(records.map((record) => [keyOf(record), record])).values();

const keyOf = ({ usage, selector, matchingType, associationData }: Tlsa): string =>
  `${usage} ${selector} ${matchingType} ${latin1(associationData)}`;

/** What became of each record: the reason nearest to success, if none succeeds. */
class Findings {
  /** The usable records with the strongest digests. */
  readonly considered: readonly Tlsa[];
  readonly #tried = new Map<Tlsa, Tried>();

  constructor({ records, options }: Peer) {
    const usable: Tlsa[] = [];
    for (const record of distinct(records.slice(0, MAX_RECORDS))) {
      const unusable = whyUnusable(record, options);
      if (unusable === undefined) usable.push(record);
      else this.#tried.set(record, { record, why: 'no-usable-record', detail: unusable });
    }
    this.considered = strongestRecords(usable, options);
    for (const record of usable) this.#tried.set(record, { record, why: 'weaker-digest' });
    for (const record of this.considered) this.#tried.set(record, { record, why: 'dane-no-match' });
  }

  /** Keeps the first of the reasons that are nearest to success. */
  note(record: Tlsa, why: MismatchReason, detail?: string): void {
    const known = this.#tried.get(record);
    const isStart = known?.why === 'dane-no-match';
    if (known && !isStart && nearest([known.why, why]) === known.why) return;
    this.#tried.set(record, detail === undefined ? { record, why } : { record, why, detail });
  }

  forAll(why: MismatchReason, detail?: string): Verdict {
    for (const record of this.considered) this.note(record, why, detail);
    return this.verdict();
  }

  /** @param shown  what the server shows, told where nothing matches it */
  verdict(shown?: string): Extract<Verdict, { kind: 'not-authenticated' }> {
    const tried = [...this.#tried.values()];
    const reason = nearest(tried.map(({ why }) => why)) ?? 'no-usable-record';
    const found = tried.find(({ why }) => why === reason)?.detail;
    const detail = found ?? (reason === 'dane-no-match' ? shown : undefined);
    const base = { kind: 'not-authenticated', reason, tried } as const;
    return detail === undefined || reason === 'no-usable-record' ? base : { ...base, detail };
  }
}
