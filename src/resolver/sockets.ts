/**
 * What the exchanges over real sockets have in common: how one ends, how many sockets are open at once, errors as values.
 *
 * Does not: open sockets (udp-tcp.ts and streams.ts do).
 * @module
 */
import type { Delivery, ExchangeOptions } from '../environment.ts';

/** What Node's timers can count; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One exchange under way. What comes first, be it reply, error, time or abort, settles it and closes its socket. */
export class Pending {
  readonly delivery: Promise<Delivery>;
  readonly #how: ExchangeOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #giveUp = (): void => this.settle({ kind: 'timeout' });
  #resolve: (delivery: Delivery) => void = () => {};
  #close: (end?: Delivery) => void = () => {};
  #isSettled = false;

  constructor(how: ExchangeOptions) {
    this.#how = how;
    this.delivery = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#timer = setTimeout(this.#giveUp, Math.min(how.timeoutMs, MAX_TIMER_MS));
    how.signal?.addEventListener('abort', this.#giveUp);
    if (how.signal?.aborted) this.#giveUp();
  }

  /** The next step, unless all is over. Node throws some errors in place of telling the socket. */
  attempt(step: () => void): void {
    if (this.#isSettled) return;
    try {
      step();
    } catch (error) {
      this.settle(unreachable(codeOf(error)));
    }
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** `close` ends the use of the socket that is in use from now on, and is told how all ended; the one before it is closed. */
  holds(close: (end?: Delivery) => void): void {
    this.#close();
    this.#close = close;
  }

  /** @returns whether `bytes`, which nobody else may use again, were what this one waits for */
  offer(bytes: Uint8Array): boolean {
    if (this.#isSettled || !this.#how.accept(bytes)) return false;
    this.settle({ kind: 'reply', bytes });
    return true;
  }

  settle(delivery: Delivery): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#how.signal?.removeEventListener('abort', this.#giveUp);
    this.#close(delivery);
    this.#resolve(delivery);
  }
}

/** A counter of free sockets, first come, first served. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();
  /** Called where none is free: whoever has a socket to spare releases it. */
  onShortage: () => void = () => {};

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether somebody waits. */
  get isShort(): boolean {
    return this.#waiting.size > 0;
  }

  takeFree(): boolean {
    if (this.#free === 0) this.onShortage();
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Resolves to false, without a slot, when `signal` aborts first. */
  take(signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    if (this.takeFree()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#waiting.delete(enter);
        resolve(false);
      };
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve(true);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.add(enter);
    });
  }

  /** Hands the slot to who has waited longest. */
  readonly release = (): void => {
    const [next] = this.#waiting;
    if (!next) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  };
}

/** What the system runs out of for a moment: descriptors and memory. It says nothing about the server. */
const SHORTAGES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
const FIRST_PAUSE_MS = 20;

/** Again and again while the system is short of something, until `timeoutMs` has passed: then it is said. */
export async function despiteShortage(
  { timeoutMs, signal }: ExchangeOptions,
  exchange: () => Promise<Delivery>,
): Promise<Delivery> {
  let leftMs = timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const delivery = await exchange();
    const isShort = delivery.kind === 'unreachable' && SHORTAGES.has(delivery.code);
    if (!isShort || leftMs < pauseMs || signal?.aborted) return delivery;
    leftMs -= pauseMs;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

export const unreachable = (code: string): Delivery => ({ kind: 'unreachable', code });

/** The system's code, or Node's where there is none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'EIO';
}
