/**
 * X.501 names, as DER: when two are the same, and what common names and mail addresses one holds.
 *
 * Implements the comparison of RFC 5280 section 7.1: the same octets, or the same attributes once string types, ASCII
 * case and runs of spaces are evened out. Does not: the rest of stringprep; names that differ in it are different.
 * @module
 */
import { DerReader, latin1, reading, TAG } from './der.ts';
import { LastUsed } from './last-used.ts';

/** No mark at the start is skipped and no octet replaced: names that differ stay different. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const COMMON_NAME = '2.5.4.3';
const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';

interface Attribute {
  readonly type: string;
  /** Text for the string types, `undefined` for anything else. */
  readonly text: string | undefined;
  readonly der: Uint8Array;
}

/** Equal exactly for names that chain: the issuer of one certificate, the subject of the next. */
export function nameKey(name: Uint8Array): string {
  return known(name).key;
}

/**
 * Whether `name` lies in the subtree `top`: starts with all of its RDNs (RFC 5280 section 4.2.1.10); `undefined` when one
 * of them cannot be read.
 */
export function isNameWithin(name: Uint8Array, top: Uint8Array): boolean | undefined {
  const inner = known(name).rdns;
  const outer = known(top).rdns;
  if (!inner || !outer) return undefined;
  return outer.every((rdn, i) => rdn === inner[i]);
}

/** Whether the octets are a Name in the sense of RFC 5280 section 4.1.2.4. */
export const isReadableName = (name: Uint8Array): boolean => known(name).rdns !== undefined;

/** The text of every CN attribute, in order. */
export const commonNames = (name: Uint8Array): readonly string[] =>
  textsOf(name, COMMON_NAME).filter((text) => text !== undefined);

/** Every mail address in the name (RFC 5280 section 4.1.2.6); `undefined` for one that cannot be read. */
export const emailAddresses = (name: Uint8Array): readonly (string | undefined)[] =>
  textsOf(name, EMAIL_ADDRESS);

const textsOf = (name: Uint8Array, wanted: string): readonly (string | undefined)[] =>
  (readRdns(name) ?? []).flat().flatMap(({ type, text }) => (type === wanted ? [text] : []));

export const isEmptyName = (name: Uint8Array): boolean => name.length === 2;

interface CanonicalName {
  /** One string per RDN, equal for equal RDNs; `undefined` when the octets are no name. */
  readonly rdns: readonly string[] | undefined;
  readonly key: string;
}

/** Each name is read once, though it is compared on every path that leads through its certificate. */
const KNOWN = new WeakMap<Uint8Array, CanonicalName>();
/**
 * And the same octets elsewhere: an authority's name stands in all that it issues. The last ones met, none of them longer than
 * any in use, so that strangers cannot fill memory: 0.3 MB at most.
 */
const MAX_MET = 512;
const MAX_MET_OCTETS = 256;
const MET = new LastUsed<CanonicalName>(MAX_MET);

function known(name: Uint8Array): CanonicalName {
  const remembered = KNOWN.get(name);
  if (remembered) return remembered;
  const read = () => canonicalName(name);
  const canonical = name.length > MAX_MET_OCTETS ? read() : MET.get(latin1(name), read);
  KNOWN.set(name, canonical);
  return canonical;
}

function canonicalName(name: Uint8Array): CanonicalName {
  const rdns = readRdns(name)?.map((rdn) => rdn.map(canonicalAttribute).sort().join('+'));
  // What cannot be read is equal to the same octets only.
  return { rdns, key: rdns?.join() ?? `#${latin1(name)}` };
}

function canonicalAttribute({ type, text, der }: Attribute): string {
  if (text === undefined) return `${type}=#${JSON.stringify(latin1(der))}`;
  const folded = text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  // Spaces of ASCII alone: `trim` would take away other characters too, and a pattern quadratic time.
  const spaced = folded.split(' ').filter(Boolean).join(' ');
  // JSON marks where the value ends, whatever stands in it.
  return `${type}=${JSON.stringify(spaced)}`;
}

const readRdns = (name: Uint8Array): Attribute[][] | undefined =>
  reading(() => {
    const outer = new DerReader(name);
    const sequence = outer.enter(TAG.sequence);
    outer.finish();
    const rdns: Attribute[][] = [];
    while (sequence.left > 0) rdns.push(readRdn(sequence.enter(TAG.set)));
    return rdns;
  });

function readRdn(set: DerReader): Attribute[] {
  const attributes: Attribute[] = [];
  if (set.left === 0) set.fail('RDN without attributes');
  while (set.left > 0) {
    const pair = set.enter(TAG.sequence);
    const type = pair.oid();
    const { tag } = pair;
    const der = pair.element();
    pair.finish();
    attributes.push({ type, text: textOf(tag, new DerReader(der)), der });
  }
  return attributes;
}

function textOf(tag: number | undefined, value: DerReader): string | undefined {
  switch (tag) {
    case TAG.utf8String:
      return utf8(value.contents(tag));
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.teletexString:
      return latin1(value.contents(tag));
    case TAG.bmpString:
      return utf16(value.contents(tag));
    default:
      return undefined;
  }
}

function utf8(octets: Uint8Array): string | undefined {
  try {
    return UTF8.decode(octets);
  } catch {
    return undefined; // not UTF-8, so it is compared octet by octet
  }
}

function utf16(octets: Uint8Array): string | undefined {
  if (octets.length % 2 !== 0) return undefined; // half a character more is another name
  let text = '';
  for (let i = 0; i + 1 < octets.length; i += 2)
    text += String.fromCharCode(((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0));
  return text;
}
