/**
 * Digests of octets as TLSA records hold them (RFC 6698 section 2.1.3), by `node:crypto`.
 * @module
 */
import { hash } from 'node:crypto';

export const fingerprint = (octets: Uint8Array, digest: 'sha256' | 'sha512'): Uint8Array =>
  hash(digest, octets, 'buffer');
