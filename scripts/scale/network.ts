/**
 * Between the resolver and the model: latency in virtual time, and packets that get lost.
 *
 * Does not: lose what goes over TCP, where lost segments are sent again; that takes longer.
 * @module
 */
import type { Delivery, Transport } from '../../src/environment.ts';
import type { VirtualClock } from '../../src/testing/clock.ts';
import { Chance, mix } from './dice.ts';
import type { ModelInternet } from './internet.ts';

/** Round trips in milliseconds, as in the lab: to the root, to top-level zones, to everybody else. */
const ROOT_MS = 10;
const TLD_MS = 20;
/** Of providers and of domains with servers of their own: half of it to twice as much, by address. */
const OTHERS_MS = 40;

export class Network {
  readonly transport: Transport;
  packets = 0;
  lost = 0;
  overTcp = 0;
  octets = 0;
  readonly #internet: ModelInternet;
  readonly #clock: VirtualClock;
  readonly #loss: number;
  readonly #chance: Chance;

  /** @param loss  of each packet, on each of its ways */
  constructor(internet: ModelInternet, clock: VirtualClock, loss: number, seed: number) {
    this.#internet = internet;
    this.#clock = clock;
    this.#loss = loss;
    this.#chance = new Chance(mix(seed, 0x6c6f7373));
    this.transport = {
      exchange: (to, query, { over, timeoutMs, accept }) =>
        new Promise((resolve) => {
          this.packets += 1;
          if (over === 'tcp') this.overTcp += 1;
          const waitMs = over === 'tcp' ? 2 * this.#trip(to.ip) : this.#trip(to.ip);
          const isLost = over === 'udp' && (this.#isLost() || this.#isLost());
          if (isLost) this.lost += 1;
          if (isLost || waitMs >= timeoutMs)
            this.#clock.alarm(timeoutMs, () => resolve({ kind: 'timeout' }));
          else this.#clock.alarm(waitMs, () => resolve(this.#deliver(to.ip, query, accept)));
        }),
    };
  }

  #deliver(ip: string, query: Uint8Array, accept: (reply: Uint8Array) => boolean): Delivery {
    const bytes = this.#internet.answer(ip, query);
    this.octets += bytes.length;
    return accept(bytes) ? { kind: 'reply', bytes } : { kind: 'timeout' };
  }

  #isLost(): boolean {
    return this.#chance.next() < this.#loss;
  }

  /** A tenth more or less each time. */
  #trip(ip: string): number {
    const jitter = 0.9 + 0.2 * this.#chance.next();
    if (ip.startsWith('198.18.0.')) return ROOT_MS * jitter;
    if (ip.startsWith('198.18.1.')) return TLD_MS * jitter;
    let hash = 7;
    for (let i = 0; i < ip.length; i += 1) hash = Math.imul(hash, 31) + ip.charCodeAt(i);
    return OTHERS_MS * 2 ** ((mix(hash, 0) / 0x1_0000_0000) * 2 - 1) * jitter;
  }
}
