/**
 * Whether the names in a certificate lie where a CA above it may issue.
 *
 * Implements RFC 5280 section 4.2.1.10 for DNS names, mail addresses, URIs, IP addresses and distinguished names; a
 * constraint on any other form of name refuses every certificate that holds such a name (section 6.1.3: "MUST ... reject").
 * @module
 */
import type { Certificate } from './certificate.ts';
import { emailAddresses, isEmptyName, isNameWithin } from './distinguished-name.ts';
import type { GeneralName, NameConstraints } from './extensions.ts';
import { presentedNames } from './identity.ts';

/**
 * Octets of names compared with constraints for one peer. They multiply, and the 100 kB of certificates that a handshake
 * may bring hold some thousands of each. A hundred names under five hundred constraints take 2 million; all of it takes
 * some tens of milliseconds.
 */
const MAX_COMPARED_OCTETS = 1 << 24;

export class Comparisons {
  #left = MAX_COMPARED_OCTETS;
  readonly #names = new Map<Certificate, readonly GeneralName[]>();

  /** The names of a certificate, read once: it stands on many paths, below many authorities with constraints. */
  namesIn(certificate: Certificate): readonly GeneralName[] {
    const names = this.#names.get(certificate) ?? constrainedNames(certificate);
    this.#names.set(certificate, names);
    return names;
  }

  /** False when comparing each of `names` with each of `bases` is too much. */
  take(names: readonly GeneralName[], bases: readonly GeneralName[]): boolean {
    if (this.#left < 0) return false;
    this.#left -= names.length * octetsOf(bases) + bases.length * octetsOf(names);
    return this.#left >= 0;
  }
}

const octetsOf = (names: readonly GeneralName[]): number =>
  names.reduce((sum, name) => sum + OVERHEAD + lengthOf(name), 0);

/** What one comparison costs however short the names, in octets. */
const OVERHEAD = 8;

function lengthOf(name: GeneralName): number {
  switch (name.form) {
    case 'dns':
    case 'directory':
      return name.name.length;
    case 'email':
      return name.address.length;
    case 'uri':
      return name.uri.length;
    case 'ip':
      return name.octets.length;
    case 'other':
      return 0;
  }
}

/** What rules the certificate out, in words; `undefined` when all its names are permitted. */
export function violatedConstraint(
  certificate: Certificate,
  { permitted, excluded }: NameConstraints,
  comparisons: Comparisons,
): string | undefined {
  const bases = [...permitted, ...excluded];
  if (bases.length === 0) return undefined;
  const names = comparisons.namesIn(certificate);
  if (!comparisons.take(names, bases))
    return 'more names and name constraints than can be compared';
  for (const name of names) {
    const forbidding = excluded.find((base) => isSameForm(name, base) && isExcluded(name, base));
    if (forbidding) return `${print(name)} is excluded`;
    const allowing = permitted.filter((base) => isSameForm(name, base));
    if (allowing.length > 0 && !allowing.some((base) => isWithin(name, base)))
      return `${print(name)} is not permitted`;
  }
  return undefined;
}

/**
 * The subject, the subject alternative names, CNs where identity.ts would take them for DNS names, and mail addresses in the
 * subject. RFC 5280 section 4.2.1.10 looks at those only where there is no subject alternative name; OpenSSL always does.
 */
function constrainedNames(certificate: Certificate): readonly GeneralName[] {
  const { subject, extensions } = certificate;
  const names = [...(extensions.subjectAltName ?? [])];
  if (!isEmptyName(subject)) names.push({ form: 'directory', name: subject });
  if (!names.some(({ form }) => form === 'dns'))
    for (const name of presentedNames(certificate)) names.push({ form: 'dns', name });
  for (const address of emailAddresses(subject))
    names.push({ form: 'email', address: address ?? UNREADABLE });
  return names;
}

/** No address of anybody. */
const UNREADABLE = '';

const isSameForm = (name: GeneralName, base: GeneralName): boolean =>
  name.form === 'other' && base.form === 'other' ? name.tag === base.tag : name.form === base.form;

/** A wildcard is excluded already when one of the names that it stands for is, and so is what cannot be compared. */
function isExcluded(name: GeneralName, base: GeneralName): boolean {
  if (!isComparable(name) || !isSound(base) || isWithin(name, base)) return true;
  if (name.form === 'directory' && base.form === 'directory')
    return isNameWithin(name.name, base.name) === undefined;
  if (name.form !== 'dns' || base.form !== 'dns' || !name.name.startsWith('*.')) return false;
  return isHostWithin(base.name.replace(/^\./, ''), name.name.slice(2), 'or-equal');
}

/** Whether a name is one of which it can be said that it does not lie in a subtree. */
function isComparable(name: GeneralName): boolean {
  switch (name.form) {
    case 'other':
      return false;
    case 'email':
      return name.address.includes('@');
    // RFC 5280 section 4.2.1.10: a URI without a host name under any constraint on URIs "MUST" be rejected
    case 'uri':
      return HOST_OF_URI.test(hostOf(name.uri));
    case 'dns':
    case 'ip':
    case 'directory':
      return true;
  }
}

/**
 * Whether a subtree is one that RFC 5280 section 4.2.1.10 knows: a host or domain, without wildcard and without the root's
 * dot. What another one was meant to keep out, or to let in, nobody can tell.
 */
function isSound(base: GeneralName): boolean {
  switch (base.form) {
    case 'dns':
      return DOMAIN.test(base.name);
    case 'uri':
      return DOMAIN.test(base.uri);
    case 'email':
      return DOMAIN.test(base.address.slice(base.address.lastIndexOf('@') + 1));
    case 'ip':
    case 'directory':
    case 'other':
      return true;
  }
}

/** Nothing, which is everything; a domain; or what is below one, with a dot in front. */
const DOMAIN = /^(\.?[\w-]+(\.[\w-]+)*)?$/;

function isWithin(name: GeneralName, base: GeneralName): boolean {
  if (!isSound(base)) return false;
  if (name.form === 'dns' && base.form === 'dns')
    return isHostWithin(name.name, base.name, 'or-equal');
  if (name.form === 'email' && base.form === 'email')
    return isAddressWithin(name.address, base.address);
  if (name.form === 'uri' && base.form === 'uri')
    return isHostWithin(hostOf(name.uri), base.uri, 'exact');
  if (name.form === 'ip' && base.form === 'ip') return isIpWithin(name.octets, base.octets);
  if (name.form === 'directory' && base.form === 'directory')
    return isNameWithin(name.name, base.name) === true;
  return false;
}

/**
 * A base with a leading dot takes in every host below it. Without the dot it takes in the host itself (`exact`: mail and
 * URI) or the host and all below it (`or-equal`: DNS names).
 */
function isHostWithin(host: string, base: string, bare: 'exact' | 'or-equal'): boolean {
  const name = host.toLowerCase();
  const top = base.toLowerCase();
  if (top === '') return true;
  if (top.startsWith('.')) return name.endsWith(top);
  return name === top || (bare === 'or-equal' && name.endsWith(`.${top}`));
}

function isAddressWithin(address: string, base: string): boolean {
  const at = address.lastIndexOf('@');
  if (at < 0) return false;
  const host = address.slice(at + 1);
  if (!base.includes('@')) return isHostWithin(host, base, 'exact');
  const baseAt = base.lastIndexOf('@');
  // The part before the @ keeps its case (RFC 5280 section 7.5).
  return (
    address.slice(0, at) === base.slice(0, baseAt) &&
    host.toLowerCase() === base.slice(baseAt + 1).toLowerCase()
  );
}

/** A name in the DNS with more than one label, and no IPv4 address. */
const HOST_OF_URI = /^(?:[\w-]+\.)+[\w-]*[a-z][\w-]*\.?$/i;

/** The host of a URI with an authority, without the root's dot; a URI without one lies in no subtree. */
const hostOf = (uri: string): string =>
  (/^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]*)/i.exec(uri)?.[1] ?? '').replace(/\.$/, '');

function isIpWithin(address: Uint8Array, base: Uint8Array): boolean {
  const { length } = address;
  if (base.length !== length * 2) return false;
  return address.every((octet, i) => {
    const mask = base[length + i] ?? 0;
    return (octet & mask) === ((base[i] ?? 0) & mask);
  });
}

function print(name: GeneralName): string {
  switch (name.form) {
    case 'dns':
      return JSON.stringify(name.name);
    case 'email':
      return JSON.stringify(name.address);
    case 'uri':
      return JSON.stringify(name.uri);
    case 'ip':
      return 'an IP address';
    case 'directory':
      return 'a distinguished name';
    case 'other':
      return 'a name of a form that cannot be compared';
  }
}
