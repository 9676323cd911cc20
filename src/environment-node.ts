/**
 * The doors to the outside world on Node: the system's clock, its randomness, real sockets.
 *
 * Does not: anything that environment.ts does not ask for.
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Environment, Random } from './environment.ts';
import { createTransport, type TransportOptions } from './resolver/udp-tcp.ts';

/** Clock, randomness and sockets of this machine. */
export function nodeEnvironment(options: TransportOptions = {}): Environment {
  return { clock, random, transport: createTransport(random, options) };
}

const clock: Clock = { now: () => Date.now(), sleep };

/** Each octet is the system's: OpenSSL's generator, seeded by the kernel. */
const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/** What one of Node's timers can count, some 25 days; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The timer does not keep the process alive, so that a command ends with its work and not with its last deadline.
 * Work that does nothing but sleep needs something else that keeps the process.
 */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const due = Date.now() + ms;
    let timer: NodeJS.Timeout;
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const arm = (left: number): void => {
      const isLast = !(left > MAX_TIMER_MS);
      const next = isLast ? wake : (): void => arm(due - Date.now());
      timer = setTimeout(next, isLast ? left : MAX_TIMER_MS).unref();
    };
    signal?.addEventListener('abort', wake);
    arm(ms);
  });
}
