/**
 * The root's name servers as the root itself names them, in place of the hints.
 *
 * Implements RFC 9609: beside the first question that goes to the root, and again when the set expires, one of the hints is
 * asked for the NS of the root. What comes back is believed as any referral is, unproved: it says where packets go. Where it
 * fails, and where what it led to has failed, the hints are asked. Does not: hold anybody up.
 * @module
 */
import { ROOT } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { findRRset } from '../dns/rrset.ts';
import type { Clock } from '../environment.ts';
import type { Ask } from './ask.ts';
import { Job } from './job.ts';
import type { Scrubbed } from './scrub.ts';
import { addressesIn } from './server-address.ts';
import type { Nameserver, ZoneCut } from './zone.ts';

/** The root's own TTL is six days; as for other delegations a day is enough. */
const LONGEST_S = 86_400;
/** After a failure; the hints serve as long. */
const PAUSE_MS = 300_000;

/** From when to when, on the Clock's scale. */
interface Span {
  readonly learntAt: number;
  readonly expiresAt: number;
}

interface Primed extends Span {
  readonly nameservers: readonly Nameserver[];
}

const pauseFrom = (now: number): Span => ({ learntAt: now, expiresAt: now + PAUSE_MS });

/** What was learnt at a time that is still to come was learnt before the clock was put back: it holds no more. */
const holds = (span: Span | undefined, now: number): boolean =>
  span !== undefined && span.learntAt <= now && span.expiresAt > now;

export class Priming {
  /** The root's cut, one and the same object whatever its servers are. */
  readonly root: ZoneCut;
  readonly #hints: ZoneCut;
  readonly #clock: Clock;
  #primed: Primed | undefined;
  /** Nobody primes while it lasts. */
  #pause: Span | undefined;

  /** @param hints  the root's cut as it was configured */
  constructor(hints: ZoneCut, clock: Clock) {
    this.#hints = hints;
    this.#clock = clock;
    const current = (): readonly Nameserver[] => this.#nameservers;
    this.root = {
      ...hints,
      get nameservers() {
        return current();
      },
    };
  }

  get #nameservers(): readonly Nameserver[] {
    const primed = this.#primed;
    return primed && holds(primed, this.#clock.now())
      ? primed.nameservers
      : this.#hints.nameservers;
  }

  /** The same questions, and beside one that goes to the root the priming query where it is due. */
  beside(ask: Ask): Ask {
    return async (cut, ...rest) => {
      if (cut !== this.root) return ask(cut, ...rest);
      if (!holds(this.#pause, this.#clock.now())) void this.#prime(ask);
      const reply = await ask(cut, ...rest);
      if (reply.kind === 'unreachable' && reply.failure.reason === 'unreachable') this.forget();
      return reply;
    };
  }

  /** Whether servers are in force that were named at `time` or before. */
  wasPrimedBy(time: number): boolean {
    return this.#primed !== undefined && this.#primed.learntAt <= time;
  }

  /** Back to the hints: those that were named may be a forger's. Says when they were learnt, if there were any. */
  forget(): number | undefined {
    const { learntAt } = this.#primed ?? {};
    this.#primed = undefined;
    if (learntAt !== undefined) this.#pause = pauseFrom(this.#clock.now());
    return learntAt;
  }

  async #prime(ask: Ask): Promise<void> {
    this.#pause = pauseFrom(this.#clock.now()); // nobody else begins meanwhile
    const job = Job.begin(this.#clock, {});
    const asked = await ask(this.#hints, { name: ROOT, type: 'NS' }, job);
    const named = asked.kind === 'reply' ? serversIn(asked.reply) : undefined;
    if (!named) return;
    const learntAt = this.#clock.now();
    const expiresAt = learntAt + Math.min(named.ttl, LONGEST_S) * 1000;
    this.#primed = { nameservers: named.nameservers, learntAt, expiresAt };
    this.#pause = { learntAt, expiresAt: Math.max(expiresAt, learntAt + PAUSE_MS) };
  }
}

/** RFC 9609 section 4.2: NS in the answer, addresses in the additional section, not necessarily all. */
function serversIn({ answer, glue }: Scrubbed) {
  const set = findRRset(answer, ROOT, 'NS');
  if (!set || set.defect !== undefined) return undefined;
  const nameservers = set.rdata
    .map((rdata): Nameserver => {
      const host = decode('NS', rdata).target;
      const addresses = [...addressesIn(glue, host, 'A'), ...addressesIn(glue, host, 'AAAA')];
      return { host, addresses };
    })
    .filter(({ addresses }) => addresses.length > 0);
  return nameservers.length > 0 ? { nameservers, ttl: set.ttl } : undefined;
}
