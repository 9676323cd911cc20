/**
 * From the closest known cut down to the zone that answers.
 *
 * Implements RFC 1034 section 5.3.3 with QNAME minimisation (RFC 9156): the root and zones of one label see one label
 * more at a time, as a question for A; a zone of two labels or more, and a forwarder, get the whole question at once.
 * Each step goes strictly down or shows one label more, so a walk ends. Does not: believe, judge, or follow aliases.
 * @module
 */
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { spent } from '../dnssec/delegation.ts';
import type { Failure } from '../dnssec/outcome.ts';
import type { Clock, ServerAddress } from '../environment.ts';
import type { Ask } from './ask.ts';
import type { Cache } from './cache.ts';
import type { Meaning } from './classify.ts';
import { cutByReferral } from './cut.ts';
import type { Means, Sender } from './exchange.ts';
import type { Job } from './job.ts';
import type { Scrubbed } from './scrub.ts';
import type { ZoneCut } from './zone.ts';

export type Arrival =
  | {
      readonly kind: 'arrived';
      readonly cut: ZoneCut;
      readonly reply: Scrubbed;
      /** Who gave it. */
      readonly server: ServerAddress;
      readonly sender: Sender;
    }
  | { readonly kind: 'not-asked'; readonly cut: ZoneCut }
  | { readonly kind: 'unreachable'; readonly cut: ZoneCut; readonly failure: Failure };

export interface Watch {
  /** Called for each cut on the way, at once. */
  onCut?(cut: ZoneCut): void;
  /** Asked before the whole question goes to a zone. */
  mayAsk?(cut: ZoneCut): boolean;
  /** Asked when a minimised name came back NXDOMAIN: true where that settles the whole question (RFC 8020). */
  settles?(cut: ZoneCut, reply: Scrubbed): Promise<boolean>;
}

export interface Walk {
  to(question: Question, job: Job, watch?: Watch): Promise<Arrival>;
  /** On from the last step, over TCP: for a reply that says too much for anybody to have sent it. */
  surely(question: Question, cut: ZoneCut, job: Job): Promise<Arrival>;
  /** The lowest known cut at or above `name`. */
  closest(name: Name): ZoneCut;
}

/** The cuts that the operator has given: where walks begin. A lower one in the cache comes first. */
export interface Configured {
  readonly root: ZoneCut;
  /** Stub and forward zones, by the key of their name. */
  readonly zones: ReadonlyMap<string, ZoneCut>;
}

export interface WalkParts {
  readonly ask: Ask;
  readonly configured: Configured;
  /** Whether servers high up see the whole name (RFC 9156). */
  readonly minimisation: 'on' | 'off';
  readonly cuts: Cache<ZoneCut>;
  readonly clock: Clock;
}

export function makeWalk(parts: WalkParts): Walk {
  const { configured, cuts } = parts;
  const closest = (name: Name): ZoneCut => {
    for (let labels = name.labels; labels > 0; labels -= 1) {
      const key = name.ancestorKey(labels);
      const cut = configured.zones.get(key) ?? cuts.get(key);
      if (cut) return cut;
    }
    return configured.root;
  };
  return {
    closest,
    surely: (question, cut, job) =>
      new Descent(parts, { question, job: job.fetch(), watch: {}, over: 'tcp' }).from(
        cut,
        question.name,
      ),
    to: (question, job, watch = {}) => {
      // The DS of a name lives on the parent's side of the cut: RFC 4035 section 3.1.4.1.
      const start = closest(question.type === 'DS' ? question.name.parent : question.name);
      const errand = { question, job: job.fetch(), watch, over: 'udp-first' } as const;
      return new Descent(parts, errand).from(start);
    },
  };
}

interface Errand {
  readonly question: Question;
  readonly job: Job;
  readonly watch: Watch;
  readonly over: Means['over'];
}

class Descent {
  readonly #parts: WalkParts;
  readonly #errand: Errand;

  constructor(parts: WalkParts, errand: Errand) {
    this.#parts = parts;
    this.#errand = errand;
  }

  /** @param first  the name that `start` is shown; the next one after its own where it is left out */
  async from(start: ZoneCut, first = this.#next(start, start.name)): Promise<Arrival> {
    const { question, job, watch, over } = this.#errand;
    let cut = start;
    let shown = first;
    watch.onCut?.(cut);
    for (;;) {
      const isWhole = shown.equals(question.name);
      if (isWhole && watch.mayAsk && !watch.mayAsk(cut)) return { kind: 'not-asked', cut };
      const asked = isWhole
        ? await this.#parts.ask(cut, question, job, { over })
        : await this.#parts.ask(cut, { name: shown, type: 'A' }, job, { over, patience: 'probe' });
      if (asked.kind === 'unreachable') {
        if (isWhole || asked.failure.reason === 'budget-spent') return { ...asked, cut };
        shown = question.name; // a server that breaks on the short name may know the long one
      } else if (asked.meaning.kind === 'referral') {
        const lower = this.#follow(asked.meaning, asked.reply, cut);
        if (!lower) return this.#tooDeep(cut);
        cut = lower;
        watch.onCut?.(cut);
        shown = this.#next(cut, cut.name);
      } else if (isWhole || (await this.#isSettled(cut, asked.reply))) {
        const { reply, server, sender } = asked;
        return { kind: 'arrived', cut, reply, server, sender };
      } else {
        shown = asked.reply.rcode === 'NOERROR' ? this.#next(cut, shown) : question.name;
      }
    }
  }

  async #isSettled(cut: ZoneCut, reply: Scrubbed): Promise<boolean> {
    return (
      reply.rcode === 'NXDOMAIN' && ((await this.#errand.watch.settles?.(cut, reply)) ?? false)
    );
  }

  /** The next name to show a server of `cut`, `shown` having been shown already: RFC 9156 section 2.3. */
  #next(cut: ZoneCut, shown: Name): Name {
    const { name } = this.#errand.question;
    if (this.#parts.minimisation === 'off') return name;
    if (cut.role === 'forwarder' || cut.name.labels >= 2) return name;
    const longer = name.ancestor(shown.labels + 1);
    // Names with an underscore are shown whole: some servers deny what lies between (RFC 9156 section 2.1).
    return longer.label(0)[0] === UNDERSCORE ? name : longer;
  }

  /** Two walks may meet the same cut at the same time: the first one stays, so that its trust is worked out once. */
  #follow(
    referral: Extract<Meaning, { kind: 'referral' }>,
    reply: Scrubbed,
    above: ZoneCut,
  ): ZoneCut | undefined {
    const { cuts, clock, configured } = this.#parts;
    const { key } = referral.child;
    const known = configured.zones.get(key) ?? cuts.get(key);
    if (known) return known;
    if (depthOf(above) >= this.#errand.job.budget.limits['delegation-depth']) return undefined;
    const cut = cutByReferral(above, referral, reply, clock.now());
    cuts.set(cut.name.key, cut, cut.name.labels <= 1 ? 'guarded' : 'common');
    return cut;
  }

  #tooDeep(cut: ZoneCut): Arrival {
    const { question, job } = this.#errand;
    job.budget.exceed('delegation-depth');
    const failure = spent(cut.name, question.name, question.type, 'delegation-depth');
    return { kind: 'unreachable', cut, failure };
  }
}

const UNDERSCORE = 0x5f;

/** Cuts between the root and this one, itself included. */
function depthOf(cut: ZoneCut): number {
  let depth = 0;
  for (let at = cut.parent; at; at = at.parent) depth += 1;
  return depth;
}
