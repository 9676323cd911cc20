/**
 * `danelaw/testing`: an internet in memory and on loopback sockets, with ways to break one thing at a time.
 * @module
 */
export * from './amend-keys.ts';
export * from './amend-reply.ts';
export * from './amend-spoof.ts';
export * from './amend-zone.ts';
export type * from './amendment.ts';
export * from './certificates.ts';
export { seededRandom, VirtualClock } from './clock.ts';
export type * from './description.ts';
export { internet } from './internet.ts';
export type { Algorithm, DigestType, SigningKey } from './keys.ts';
export * from './loopback.ts';
export * from './mailhost.ts';
