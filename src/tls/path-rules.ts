/**
 * Whether a certification path holds: the rules of X.509, one function each.
 *
 * Implements RFC 5280 section 6.1 for a path whose signatures have been verified, with RFC 7671 section 5.2 for where a
 * DANE trust anchor ends it. Does not: policies and revocation; names of the peer (see identity.ts).
 * @module
 */
import { KEY_USAGE } from './extensions.ts';
import { type Comparisons, violatedConstraint } from './name-constraints.ts';
import { isRoot, isSelfIssued, type Path } from './path.ts';
import { rsaBits } from './public-key.ts';
import { signatureDigest } from './signature.ts';

export interface PathRules {
  /** Milliseconds since 1970. */
  readonly now: number;
  /**
   * `certificate`: the last certificate of the path is the trust anchor: nobody vouches for its signature, and it has
   * no date unless it is a root. `key`: the last one is signed by the anchor, a key without certificate.
   */
  readonly anchor: 'certificate' | 'key';
  /** RSA keys with fewer bits are refused. */
  readonly minimumRsaBits: number;
  readonly sha1: 'refuse' | 'accept';
  /** How many names may still be compared with name constraints; shared by all paths of one peer. */
  readonly comparisons: Comparisons;
  /** CAs that may stand between the server's certificate and the trust anchor; as many as there are where it is left out. */
  readonly maximumIntermediates?: number;
}

/** One variant per rule; `depth` counts from the server's own certificate, 0. */
export interface PathProblem {
  readonly kind:
    | 'expired'
    | 'not-yet-valid'
    | 'malformed'
    | 'unknown-critical-extension'
    | 'not-a-ca'
    | 'key-usage'
    | 'extended-key-usage'
    | 'path-length'
    | 'name-constraint'
    | 'weak-key'
    | 'weak-signature';
  readonly depth: number;
  readonly text: string;
}

type Rule = (path: Path, depth: number, rules: PathRules) => Omit<PathProblem, 'depth'> | undefined;

/** In the order in which they are reported: what an operator can see and mend comes first. */
const RULES: readonly Rule[] = [
  checkShape,
  checkDates,
  checkCa,
  checkKeyUsage,
  checkPurpose,
  checkPathLength,
  checkDepth,
  checkNameConstraints,
  checkKeyStrength,
  checkSignatureStrength,
];

/** The first thing that is wrong with a path whose signatures have been verified, the top certificate first. */
export function checkPath(path: Path, rules: PathRules): PathProblem | undefined {
  for (let depth = path.length - 1; depth >= 0; depth -= 1) {
    for (const rule of RULES) {
      const problem = rule(path, depth, rules);
      if (problem) return { ...problem, depth };
    }
  }
  return undefined;
}

function checkShape(path: Path, depth: number): ReturnType<Rule> {
  const certificate = path[depth];
  if (certificate?.defect !== undefined) return { kind: 'malformed', text: certificate.defect };
  const [unknown] = certificate?.extensions.unknownCritical ?? [];
  return unknown === undefined
    ? undefined
    : { kind: 'unknown-critical-extension', text: `critical extension ${unknown}` };
}

function checkDates(path: Path, depth: number, { now, anchor }: PathRules): ReturnType<Rule> {
  const certificate = path[depth];
  if (!certificate) return undefined;
  // A trust anchor that is no root stands for its key; OpenSSL looks at no dates of it either.
  const isAnchor = anchor === 'certificate' && depth > 0 && depth === path.length - 1;
  if (isAnchor && !isRoot(certificate)) return undefined;
  const { notBefore, notAfter } = certificate;
  if (now > notAfter) return { kind: 'expired', text: `expired ${printTime(notAfter)}` };
  if (now < notBefore) return { kind: 'not-yet-valid', text: `valid from ${printTime(notBefore)}` };
  return undefined;
}

const printTime = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`;

function checkCa(path: Path, depth: number, { anchor }: PathRules): ReturnType<Rule> {
  const certificate = path[depth];
  if (!certificate || depth === 0) return undefined;
  if (certificate.extensions.basicConstraints?.ca === true) return undefined;
  // A root of version 1 cannot say that it is a CA; RFC 5280 section 6.1.4 (k) leaves it to other means, here the TLSA.
  const isAnchor = anchor === 'certificate' && depth === path.length - 1;
  if (isAnchor && certificate.version === 1 && isRoot(certificate)) return undefined;
  return { kind: 'not-a-ca', text: 'not marked as CA' };
}

function checkKeyUsage(path: Path, depth: number): ReturnType<Rule> {
  const usage = path[depth]?.extensions.keyUsage;
  if (usage === undefined) return undefined;
  if (depth > 0)
    return (usage & KEY_USAGE.keyCertSign) !== 0
      ? undefined
      : { kind: 'key-usage', text: 'key not meant to sign certificates' };
  const tls = KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment | KEY_USAGE.keyAgreement;
  return (usage & tls) !== 0 ? undefined : { kind: 'key-usage', text: 'key not meant for TLS' };
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/**
 * RFC 5280 section 4.2.1.12. In a CA it restricts what lies below: no RFC says so, every implementation does. "Any purpose" is
 * not enough, as the section allows and OpenSSL has it: such a certificate was made for nothing in particular.
 */
function checkPurpose(path: Path, depth: number): ReturnType<Rule> {
  const purposes = path[depth]?.extensions.extendedKeyUsage;
  if (!purposes || purposes.includes(SERVER_AUTH)) return undefined;
  return { kind: 'extended-key-usage', text: 'not meant for TLS servers' };
}

function checkPathLength(path: Path, depth: number): ReturnType<Rule> {
  const limit = path[depth]?.extensions.basicConstraints?.pathLength;
  if (limit === undefined || depth === 0) return undefined;
  const between = countIntermediates(path.slice(1, depth));
  if (between <= limit) return undefined;
  return { kind: 'path-length', text: `${between} CAs below it, ${limit} allowed` };
}

/** RFC 5280 section 6.1.2 (k): the longest path that is wanted at all is counted as CAs count it. */
function checkDepth(path: Path, depth: number, rules: PathRules): ReturnType<Rule> {
  const { maximumIntermediates: limit, anchor } = rules;
  if (limit === undefined || depth !== path.length - 1) return undefined;
  const between = countIntermediates(path.slice(1, anchor === 'certificate' ? -1 : undefined));
  if (between <= limit) return undefined;
  return { kind: 'path-length', text: `${between} CAs below the trust anchor, ${limit} wanted` };
}

/** RFC 5280 section 6.1.4 (l): a CA that is self-issued does not count. */
const countIntermediates = (certificates: Path): number =>
  certificates.filter((certificate) => !isSelfIssued(certificate)).length;

function checkNameConstraints(path: Path, depth: number, rules: PathRules): ReturnType<Rule> {
  const constraints = path[depth]?.extensions.nameConstraints;
  if (!constraints || depth === 0) return undefined;
  for (const [below, certificate] of path.slice(0, depth).entries()) {
    if (below > 0 && isSelfIssued(certificate)) continue;
    const text = violatedConstraint(certificate, constraints, rules.comparisons);
    if (text !== undefined) return { kind: 'name-constraint', text };
  }
  return undefined;
}

function checkKeyStrength(path: Path, depth: number, rules: PathRules): ReturnType<Rule> {
  const certificate = path[depth];
  const bits = certificate && rsaBits(certificate.spki);
  if (bits === undefined || bits >= rules.minimumRsaBits) return undefined;
  return { kind: 'weak-key', text: `RSA key of ${bits} bits` };
}

function checkSignatureStrength(path: Path, depth: number, rules: PathRules): ReturnType<Rule> {
  const certificate = path[depth];
  const isAnchor = rules.anchor === 'certificate' && depth === path.length - 1;
  if (!certificate || isAnchor || rules.sha1 === 'accept') return undefined;
  return signatureDigest(certificate) === 'sha1'
    ? { kind: 'weak-signature', text: 'signed with SHA-1' }
    : undefined;
}
