/**
 * Files with certificates and keys: PEM of one or more blocks, or DER of one thing.
 *
 * Implements RFC 7468 as far as such files need it: blocks of certificates and keys are read, others skipped. A certificate's
 * key is taken from its octets as they stand; that of a private key is what node:crypto derives. Does not: decrypt.
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type Certificate, isSpki, parseCertificate } from './certificate.ts';

export type Credential =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  /** DER of a SubjectPublicKeyInfo. */
  | { readonly kind: 'key'; readonly spki: Uint8Array };

export type Credentials =
  /** In the order of the file; at least one. */
  | { readonly kind: 'credentials'; readonly list: readonly Credential[] }
  | { readonly kind: 'unreadable'; readonly why: string };

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;

/** Reads a file of certificates and keys. */
export function readCredentials(octets: Uint8Array): Credentials {
  const text = Buffer.from(octets).toString('latin1');
  if (!text.includes('-----BEGIN ')) return credentials([readDer(octets)]);
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) return unreadable('a block that begins and does not end');
  const read = blocks.flatMap(([whole, label = '', body = '']) => {
    const one = readBlock(label, body, whole);
    return one === undefined ? [] : [one];
  });
  return credentials(read);
}

const credentials = (read: readonly (Credential | string)[]): Credentials => {
  const wrong = read.find((one) => typeof one === 'string');
  if (wrong !== undefined) return unreadable(wrong);
  const list = read.filter((one) => typeof one !== 'string');
  return list.length > 0
    ? { kind: 'credentials', list }
    : unreadable('there is no certificate and no key in it');
};

const unreadable = (why: string): Credentials => ({ kind: 'unreadable', why });

function readBlock(label: string, body: string, whole: string): Credential | string | undefined {
  if (label === 'ENCRYPTED PRIVATE KEY' || /Proc-Type:.*ENCRYPTED/.test(body))
    return 'the key is encrypted: give the certificate, or the public key';
  if (label.endsWith('PRIVATE KEY')) return derived(() => createPrivateKey(whole));
  if (label !== 'CERTIFICATE' && label !== 'X509 CERTIFICATE' && label !== 'PUBLIC KEY')
    return undefined;
  if (!/^[A-Za-z0-9+/=\s]*$/.test(body)) return `a block ${label} that is no base64`;
  const der = new Uint8Array(Buffer.from(body, 'base64'));
  if (label !== 'PUBLIC KEY') return certificateOf(der);
  return isSpki(der) ? { kind: 'key', spki: der } : 'a public key that is none';
}

function certificateOf(der: Uint8Array): Credential | string {
  const parsed = parseCertificate(der);
  return parsed.kind === 'certificate'
    ? { kind: 'certificate', certificate: parsed.certificate }
    : `a certificate that is none: ${parsed.why}`;
}

function readDer(der: Uint8Array): Credential | string {
  const certificate = certificateOf(der);
  if (typeof certificate !== 'string') return certificate;
  if (isSpki(der)) return { kind: 'key', spki: new Uint8Array(der) };
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    const key = derived(() => createPrivateKey({ key: Buffer.from(der), format: 'der', type }));
    if (typeof key !== 'string') return key;
  }
  return 'it is no certificate and no key, neither as PEM nor as DER';
}

function derived(read: () => KeyObject): Credential | string {
  try {
    const spki = createPublicKey(read()).export({ type: 'spki', format: 'der' });
    return { kind: 'key', spki: new Uint8Array(spki) };
  } catch {
    return 'a private key that cannot be read';
  }
}
