/**
 * The hash of NSEC3: RFC 5155 section 5.
 *
 * The first round is the engine's. The iterations hash 20 octets and the salt, most often one block, where calling a
 * library costs more than the hash: a SHA-1 of our own that keeps its words takes a fifth of the time (PLATFORM.md
 * section 3), and so 600 names at 50 iterations stay far below the 25 ms that nothing may block for.
 * @module
 */
import type { Engine } from './engine.ts';

/**
 * SHA-1 over the name and the salt, and `iterations` times more over the digest and the salt.
 * @param name  wire form in lower case
 * @returns 20 octets
 */
export function nsec3Hash(
  engine: Engine,
  name: Uint8Array,
  iterations: number,
  salt: Uint8Array,
): Uint8Array {
  const data = new Uint8Array(name.length + salt.length);
  data.set(name);
  data.set(salt, name.length);
  const digest = engine.hash('sha1', data);
  return iterations === 0 ? digest : iterate(digest, iterations, salt);
}

const DIGEST_OCTETS = 20;
const DIGEST_WORDS = 5;
const BLOCK_WORDS = 16;
/** RFC 3174 section 6.1. */
const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0] as const;

/** The digest fills the first five words of the message; what follows it is the same each time. */
function iterate(digest: Uint8Array, iterations: number, salt: Uint8Array): Uint8Array {
  const message = pad(digest, salt);
  const state = new Int32Array(DIGEST_WORDS);
  for (let i = 0; i < iterations; i += 1) {
    state.set(INITIAL);
    for (let at = 0; at < message.length; at += BLOCK_WORDS) compress(state, message, at);
    message.set(state);
  }
  const result = new Uint8Array(DIGEST_OCTETS);
  const view = new DataView(result.buffer);
  for (const [i, word] of state.entries()) view.setInt32(i * 4, word);
  return result;
}

/** RFC 3174 section 4: the message, a one bit, zeros, and the number of bits; in words. */
function pad(digest: Uint8Array, salt: Uint8Array): Int32Array {
  const length = digest.length + salt.length;
  const blocks = Math.ceil((length + 9) / 64);
  const octets = new Uint8Array(blocks * 64);
  octets.set(digest);
  octets.set(salt, digest.length);
  octets[length] = 0x80;
  const view = new DataView(octets.buffer);
  view.setUint32(octets.length - 4, length * 8);
  return Int32Array.from({ length: blocks * BLOCK_WORDS }, (_, i) => view.getInt32(i * 4));
}

/** The schedule of one block. Shared: nothing runs beside it. */
const words = new Int32Array(80);

/**
 * RFC 3174 section 6.1, one block. Every sum is cut to 32 bits at once, so that the engine never leaves integers, and
 * the four stages stand in loops of their own: otherwise it takes five times as long.
 */
function compress(state: Int32Array, message: Int32Array, at: number): void {
  schedule(message, at);
  let [a, b, c, d, e] = [state[0] ?? 0, state[1] ?? 0, state[2] ?? 0, state[3] ?? 0, state[4] ?? 0];
  let i = 0;
  let next = 0;
  for (; i < 20; i += 1) {
    next = (sum(a, (b & c) | (~b & d), e, words[i] ?? 0) + 0x5a827999) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; i < 40; i += 1) {
    next = (sum(a, b ^ c ^ d, e, words[i] ?? 0) + 0x6ed9eba1) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; i < 60; i += 1) {
    next = (sum(a, (b & c) | (b & d) | (c & d), e, words[i] ?? 0) - 0x70e44324) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; i < 80; i += 1) {
    next = (sum(a, b ^ c ^ d, e, words[i] ?? 0) - 0x359d3e2a) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = (state[0] ?? 0) + a;
  state[1] = (state[1] ?? 0) + b;
  state[2] = (state[2] ?? 0) + c;
  state[3] = (state[3] ?? 0) + d;
  state[4] = (state[4] ?? 0) + e;
}

/** What all stages add up: a turned by five bits, the mixed word, e and the scheduled word. */
const sum = (a: number, mixed: number, e: number, word: number): number =>
  (((((a << 5) | (a >>> 27)) + mixed) | 0) + ((e + word) | 0)) | 0;

function schedule(message: Int32Array, at: number): void {
  for (let i = 0; i < BLOCK_WORDS; i += 1) words[i] = message[at + i] ?? 0;
  for (let i = BLOCK_WORDS; i < 80; i += 1) {
    const mixed =
      (words[i - 3] ?? 0) ^ (words[i - 8] ?? 0) ^ (words[i - 14] ?? 0) ^ (words[i - 16] ?? 0);
    words[i] = (mixed << 1) | (mixed >>> 31);
  }
}
