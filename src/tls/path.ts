/**
 * Certification paths: which certificates vouch for the server's own one.
 *
 * Implements the building of paths as RFC 4158 describes it, in small: every path that names and signatures allow is
 * looked at, so order, padding and cross-signing in the presented list do not matter. Does not: know who is trusted. The
 * caller takes the paths one by one, says where one may end, and has it checked (path-rules.ts).
 * @module
 */
import type { Certificate } from './certificate.ts';
import { sameOctets } from './der.ts';
import { nameKey } from './distinguished-name.ts';
import { verifySignature } from './signature.ts';

/** From the server's own certificate upward: each is signed by the next. */
export type Path = readonly Certificate[];

/** Certificates looked at in one list; a handshake of 100 kB, the most that OpenSSL reads, holds some 300. */
const MAX_CERTIFICATES = 400;
/** Certificates in one path: OpenSSL's own limit. */
const MAX_PATH = 100;
/**
 * Signatures computed for one peer. An honest path needs one for each certificate in it; the rest is room for
 * cross-signing. At 0.1 to 2 ms each it bounds what a hostile list costs.
 */
const MAX_SIGNATURES = 128;
/**
 * Paths looked at for one peer: certificates that all sign each other make exponentially many. Authorities that bridge others
 * make some hundreds, of which one may hold. A thousand take some milliseconds, and where each is as long as it may be and
 * fails at its end, less than half a second.
 */
const MAX_PATHS = 1024;

/** Finds the paths of one peer, and remembers which signatures it has computed. */
export class PathFinder {
  readonly #leaf: Certificate;
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #issuers = new Map<Certificate, readonly Certificate[]>();
  #signatures = 0;
  #paths = 0;

  /** @param pool  certificates that may stand above `leaf`, the preferred ones first */
  constructor(leaf: Certificate, pool: readonly Certificate[]) {
    this.#leaf = leaf;
    const known: Certificate[] = [leaf];
    for (const certificate of pool.slice(0, MAX_CERTIFICATES)) {
      if (known.some(({ der }) => sameOctets(der, certificate.der))) continue;
      known.push(certificate);
      const key = nameKey(certificate.subject);
      const namesakes = this.#bySubject.get(key);
      if (namesakes) namesakes.push(certificate);
      else this.#bySubject.set(key, [certificate]);
    }
  }

  /** True once a limit has cut the search short: there may be paths that were not looked at. */
  get spent(): boolean {
    return this.#signatures >= MAX_SIGNATURES || this.#paths >= MAX_PATHS;
  }

  /** All paths upward from the leaf, the leaf alone first, each before those that continue it. */
  *paths(): Generator<Path> {
    yield* this.#from([this.#leaf]);
  }

  *#from(path: Path): Generator<Path> {
    if (this.#paths >= MAX_PATHS) return;
    this.#paths += 1;
    yield path;
    const top = path.at(-1);
    if (!top || path.length >= MAX_PATH) return;
    for (const issuer of this.issuersOf(top))
      if (!path.some((below) => isSameEntity(below, issuer))) yield* this.#from([...path, issuer]);
  }

  /** Certificates of the pool whose keys made the signature on `certificate`. */
  issuersOf(certificate: Certificate): readonly Certificate[] {
    const known = this.#issuers.get(certificate);
    if (known) return known;
    const namesakes = this.#bySubject.get(nameKey(certificate.issuer)) ?? [];
    const issuers = namesakes.filter(
      (issuer) =>
        identifiersAgree(issuer, certificate) && this.isSignedBy(certificate, issuer.spki),
    );
    this.#issuers.set(certificate, issuers);
    return issuers;
  }

  isSignedBy(certificate: Certificate, spki: Uint8Array): boolean {
    if (this.#signatures >= MAX_SIGNATURES) return false;
    this.#signatures += 1;
    return verifySignature(certificate, spki);
  }
}

/**
 * Those that are in date first: what has expired ends a path at best. Where authorities bridge each other, that is what finds
 * the one path that holds among hundreds that do not (RFC 4158 section 3.5).
 */
export function currentFirst(
  certificates: readonly Certificate[],
  now: number,
): readonly Certificate[] {
  const isCurrent = ({ notBefore, notAfter }: Certificate): boolean =>
    notBefore <= now && now <= notAfter;
  const others = certificates.filter((certificate) => !isCurrent(certificate));
  return others.length === 0 ? certificates : [...certificates.filter(isCurrent), ...others];
}

/** RFC 4158 section 2.4.1: a path that comes back to the same name and key has taken a detour. */
const isSameEntity = (a: Certificate, b: Certificate): boolean =>
  nameKey(a.subject) === nameKey(b.subject) && sameOctets(a.spki, b.spki);

/** Issued in the name of its own subject: a root, or the same CA's old key signing the new one. */
export const isSelfIssued = (certificate: Certificate): boolean =>
  nameKey(certificate.issuer) === nameKey(certificate.subject);

/** Self-issued, and by its own key as far as the key identifiers tell. */
export const isRoot = (certificate: Certificate): boolean =>
  isSelfIssued(certificate) && identifiersAgree(certificate, certificate);

/** The key identifiers, where both are there, do not contradict (RFC 5280 section 4.2.1.1). */
function identifiersAgree(issuer: Certificate, certificate: Certificate): boolean {
  const wanted = certificate.extensions.authorityKeyIdentifier;
  const own = issuer.extensions.subjectKeyIdentifier;
  if (wanted?.keyIdentifier && own && !sameOctets(wanted.keyIdentifier, own)) return false;
  return !wanted?.serial || sameOctets(wanted.serial, issuer.serial);
}
