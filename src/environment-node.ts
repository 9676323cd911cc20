/**
 * The doors to the outside world on Node: the system's clock, its randomness, real sockets.
 *
 * Does not: anything that environment.ts does not ask for.
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { hostname } from 'node:os';
import type { AlarmClock, Environment, Random } from './environment.ts';
import { createTransport, type TransportOptions } from './resolver/udp-tcp.ts';

/** Clock, randomness and sockets of this machine. */
export function nodeEnvironment(options: TransportOptions = {}): Environment {
  return { clock, random, transport: createTransport(random, options) };
}

/** What this machine says of itself in EHLO; a host name that servers and connect.ts would refuse is left unsaid. */
export function clientName(): string {
  const name = hostname();
  return /^[\w.-]{1,255}$/.test(name) ? name : 'localhost';
}

const clock: AlarmClock = { now: () => Date.now(), sleep, alarm };

const random: Random = { bytes: drawBytes };

/**
 * Octets drawn ahead: a draw costs some microseconds however short it is, and a query takes several of two octets or so.
 * All are OpenSSL's, seeded by the kernel; each is handed out once and wiped.
 */
const stock = new Uint8Array(4096);
let used = stock.length;

function drawBytes(length: number): Uint8Array {
  if (length > stock.length) return randomFillSync(new Uint8Array(length));
  if (used + length > stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  const octets = stock.slice(used, used + length);
  stock.fill(0, used, used + length);
  used += length;
  return octets;
}

/** What one of Node's timers can count, some 25 days; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The timer does not keep the process alive, so that a command ends with its work and not with its last deadline.
 * Work that does nothing but sleep needs something else that keeps the process.
 */
function alarm(ms: number, ring: () => void): () => void {
  if (!(ms > MAX_TIMER_MS)) {
    const timer = setTimeout(ring, ms).unref();
    return () => clearTimeout(timer);
  }
  const due = Date.now() + ms;
  let stop = alarm(MAX_TIMER_MS, () => {
    stop = alarm(due - Date.now(), ring);
  });
  return () => stop();
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      stop();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const stop = alarm(ms, wake);
    signal?.addEventListener('abort', wake);
  });
}
