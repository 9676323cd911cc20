/**
 * The extensions of a certificate that decide whether it may stand in a path.
 *
 * Implements RFC 5280 section 4.2.1: basic constraints, key usage, extended key usage, subject alternative name, name
 * constraints, key identifiers; and the rule that a critical extension which is not understood spoils the certificate.
 * Does not: policies (a critical one counts as not understood), revocation.
 * @module
 */
import { context, type DerReader, latin1, TAG } from './der.ts';

/** RFC 5280 section 4.2.1.6. A name of a form that is not compared here keeps its tag only. */
export type GeneralName =
  | { readonly form: 'dns'; readonly name: string }
  | { readonly form: 'email'; readonly address: string }
  | { readonly form: 'uri'; readonly uri: string }
  /** 4 or 16 octets; in name constraints 8 or 32, the second half being the mask. */
  | { readonly form: 'ip'; readonly octets: Uint8Array }
  /** DER of a distinguished name. */
  | { readonly form: 'directory'; readonly name: Uint8Array }
  | { readonly form: 'other'; readonly tag: number };

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export interface Extensions {
  readonly basicConstraints?: {
    readonly ca: boolean;
    readonly pathLength: number | undefined;
  };
  /** Bits as in `KEY_USAGE`. */
  readonly keyUsage?: number;
  /** Object identifiers in dotted form. */
  readonly extendedKeyUsage?: readonly string[];
  readonly subjectAltName?: readonly GeneralName[];
  readonly nameConstraints?: NameConstraints;
  readonly subjectKeyIdentifier?: Uint8Array;
  readonly authorityKeyIdentifier?: AuthorityKeyIdentifier;
  /** Critical extensions that are not understood here, dotted. */
  readonly unknownCritical: readonly string[];
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Uint8Array | undefined;
  /** The contents of the issuer's INTEGER serial number. */
  readonly serial: Uint8Array | undefined;
}

/** RFC 5280 section 4.2.1.3, bit 0 first. */
export const KEY_USAGE = {
  digitalSignature: 0x8000,
  keyEncipherment: 0x2000,
  keyAgreement: 0x0800,
  keyCertSign: 0x0400,
} as const;

type Found = { -readonly [K in keyof Omit<Extensions, 'unknownCritical'>]: Extensions[K] };

type ReadExtension = (value: DerReader, found: Found, critical: boolean) => void;

const READERS: ReadonlyMap<string, ReadExtension> = new Map<string, ReadExtension>([
  ['2.5.29.14', readSubjectKeyIdentifier],
  ['2.5.29.15', readKeyUsage],
  ['2.5.29.17', readSubjectAltName],
  ['2.5.29.19', readBasicConstraints],
  ['2.5.29.30', readNameConstraints],
  ['2.5.29.35', readAuthorityKeyIdentifier],
  ['2.5.29.37', readExtendedKeyUsage],
]);

/**
 * Reads the SEQUENCE OF Extension.
 * @throws DerError when it or an extension that is understood here is malformed, or one stands there twice
 */
export function readExtensions(list: DerReader): Extensions {
  const found: Found = {};
  const seen = new Set<string>();
  const unknownCritical: string[] = [];
  while (list.left > 0) {
    const extension = list.enter(TAG.sequence);
    const type = extension.oid();
    const critical = extension.tag === TAG.boolean && extension.boolean();
    const value = extension.enter(TAG.octetString);
    extension.finish();
    if (seen.has(type)) list.fail(`extension ${type} stands there twice`);
    seen.add(type);
    const read = READERS.get(type);
    if (read) {
      read(value, found, critical);
      value.finish();
    } else if (critical) unknownCritical.push(type);
  }
  return { ...found, unknownCritical };
}

function readBasicConstraints(value: DerReader, found: Found): void {
  const fields = value.enter(TAG.sequence);
  const ca = fields.tag === TAG.boolean && fields.boolean();
  const pathLength = fields.tag === TAG.integer ? fields.count() : undefined;
  fields.finish();
  if (pathLength !== undefined && !ca) value.fail('path length without the CA flag');
  found.basicConstraints = { ca, pathLength };
}

function readKeyUsage(value: DerReader, found: Found): void {
  found.keyUsage = value.flags();
}

function readSubjectKeyIdentifier(value: DerReader, found: Found, critical: boolean): void {
  // RFC 5280 section 4.2.1.2: "MUST mark this extension as non-critical"
  if (critical) value.fail('critical subject key identifier');
  found.subjectKeyIdentifier = value.contents(TAG.octetString);
}

function readAuthorityKeyIdentifier(value: DerReader, found: Found, critical: boolean): void {
  // RFC 5280 section 4.2.1.1: "MUST mark this extension as non-critical"
  if (critical) value.fail('critical authority key identifier');
  const fields = value.enter(TAG.sequence);
  const [identifier, issuer, number] = [
    context(0, 'primitive'),
    context(1, 'constructed'),
    context(2, 'primitive'),
  ];
  const keyIdentifier = fields.tag === identifier ? fields.contents(identifier) : undefined;
  if (fields.tag === issuer) fields.element();
  const serial = fields.tag === number ? fields.contents(number) : undefined;
  fields.finish();
  found.authorityKeyIdentifier = { keyIdentifier, serial };
}

function readNameConstraints(value: DerReader, found: Found): void {
  const fields = value.enter(TAG.sequence);
  const permitted = readSubtrees(fields.enterIf(context(0, 'constructed')));
  const excluded = readSubtrees(fields.enterIf(context(1, 'constructed')));
  fields.finish();
  found.nameConstraints = { permitted, excluded };
}

function readSubtrees(list: DerReader | undefined): readonly GeneralName[] {
  const names: GeneralName[] = [];
  while (list && list.left > 0) {
    const subtree = list.enter(TAG.sequence);
    names.push(readGeneralName(subtree, 'constraint'));
    // RFC 5280 section 4.2.1.10: minimum is zero, which DER leaves out, and maximum is absent
    subtree.finish();
  }
  return names;
}

function readSubjectAltName(value: DerReader, found: Found): void {
  const list = value.enter(TAG.sequence);
  const names: GeneralName[] = [];
  while (list.left > 0) names.push(readGeneralName(list, 'name'));
  found.subjectAltName = names;
}

function readGeneralName(reader: DerReader, role: 'name' | 'constraint'): GeneralName {
  const { tag } = reader;
  switch (tag) {
    case context(1, 'primitive'):
      return { form: 'email', address: ascii(reader, tag) };
    case context(2, 'primitive'):
      return { form: 'dns', name: ascii(reader, tag) };
    case context(4, 'constructed'):
      return { form: 'directory', name: reader.enter(tag).element(TAG.sequence) };
    case context(6, 'primitive'):
      return { form: 'uri', uri: ascii(reader, tag) };
    case context(7, 'primitive'): {
      const octets = reader.contents(tag);
      const length = role === 'name' ? octets.length : octets.length / 2;
      if (length !== 4 && length !== 16) reader.fail('IP address of a wrong length');
      return { form: 'ip', octets };
    }
    case undefined:
      return reader.fail('runs past the end');
    default:
      reader.element();
      return { form: 'other', tag };
  }
}

/** IA5String: a name with other octets is kept as it is, one character an octet, and equals no name that we look for. */
const ascii = (reader: DerReader, tag: number): string => latin1(reader.contents(tag));

function readExtendedKeyUsage(value: DerReader, found: Found): void {
  const list = value.enter(TAG.sequence);
  const purposes: string[] = [];
  while (list.left > 0) purposes.push(list.oid());
  found.extendedKeyUsage = purposes;
}
