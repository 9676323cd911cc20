/**
 * Certificates in PEM (RFC 7468).
 * @module
 */

const BLOCK = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g;

/** The DER of every certificate in the text. */
export const pemToDer = (text: string): readonly Uint8Array[] =>
  [...text.matchAll(BLOCK)].map(([, base64 = '']) => new Uint8Array(Buffer.from(base64, 'base64')));
