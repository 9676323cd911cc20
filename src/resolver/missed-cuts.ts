/**
 * Cuts that the walk did not see, because one server answers for both sides: found by questions for DS.
 *
 * What a zone says of the DS of a name is judged under its keys, from the top: RFC 4035 section 5.2. Anchors below a
 * zone make cuts, too. Does not: say what is believed of a zone (trust.ts), though it asks.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';
import type { Policy } from '../dnssec/context.ts';
import { checkDelegation, type Evidence, evidenceIn, NO_EVIDENCE } from '../dnssec/delegation.ts';
import type { Failure } from '../dnssec/outcome.ts';
import type { ZoneTrust } from '../dnssec/verify.ts';
import type { Clock } from '../environment.ts';
import type { Ask, Reply } from './ask.ts';
import type { Cache } from './cache.ts';
import { contextOf } from './context.ts';
import { cutByProbe, cutByReferral } from './cut.ts';
import type { Job } from './job.ts';
import type { TrustPoints } from './trust-points.ts';
import type { ZoneCut } from './zone.ts';

export type MissedCut =
  | { readonly kind: 'cut'; readonly cut: ZoneCut }
  /** There is no cut, or nothing proves one: what was judged without it stands. */
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** The DS questions of one search for missed cuts, by the key of their name. */
export type AskedDs = Map<string, Promise<Reply>>;

/** DS questions that leave together; most names have fewer labels below the cut. */
const DS_AT_ONCE = 4;

export interface MissedCutsParts {
  readonly ask: Ask;
  readonly points: TrustPoints;
  readonly cuts: Cache<ZoneCut>;
  readonly clock: Clock;
  readonly policy: Policy;
}

export class MissedCuts {
  readonly #parts: MissedCutsParts;
  readonly #trustOf: (cut: ZoneCut, job: Job) => Promise<ZoneTrust>;

  /** @param trustOf  what is believed about the zone of a cut */
  constructor(parts: MissedCutsParts, trustOf: (cut: ZoneCut, job: Job) => Promise<ZoneTrust>) {
    this.#parts = parts;
    this.#trustOf = trustOf;
  }

  /**
   * The first cut below `cut` on the way to `towards` that the walk did not see, because one server answers for both
   * sides. DS questions go to that server for each label, and are judged from the top under the zone's keys.
   */
  async find(cut: ZoneCut, towards: Name, asked: AskedDs, job: Job): Promise<MissedCut> {
    const above = await this.#trustOf(cut, job);
    if (above.status !== 'secure') return { kind: 'none' };
    const anchored = this.anchored(cut, towards);
    if (anchored) return { kind: 'cut', cut: anchored };
    for (let labels = cut.name.labels + 1; labels <= towards.labels; labels += 1) {
      const at = towards.ancestor(labels);
      const known = this.#parts.cuts.get(at.key);
      if (known) return { kind: 'cut', cut: known };
      const reply = await this.#probe(cut, at, towards, { asked, job });
      if (reply.kind === 'unreachable') return { kind: 'failed', failure: reply.failure };
      const evidence = evidenceIn(reply.reply, at);
      const found = checkDelegation(at, evidence, above.keys, contextOf(this.#parts, job));
      if (found.kind === 'signed' || found.kind === 'unsigned')
        return { kind: 'cut', cut: await this.#inPlace(this.#addCut(cut, at, evidence), cut, job) };
      if (found.kind === 'failed' && found.failure.status === 'indeterminate')
        return { kind: 'failed', failure: found.failure };
      if (found.kind !== 'not-a-cut') return { kind: 'none' };
    }
    return { kind: 'none' };
  }

  /**
   * Takes note of an unsigned zone between `cut` and `name` that denial records which came along prove: then its DS need
   * not be asked for.
   */
  async noteUnsigned(cut: ZoneCut, name: Name, sets: readonly RRset[], job: Job): Promise<void> {
    const above = await this.#trustOf(cut, job);
    const evidence = evidenceIn({ answer: [], authority: sets }, name);
    if (above.status !== 'secure' || evidence.denial.length === 0) return;
    for (let labels = cut.name.labels + 1; labels <= name.labels; labels += 1) {
      const at = name.ancestor(labels);
      if (this.#parts.cuts.get(at.key)) return;
      const found = checkDelegation(at, evidence, above.keys, contextOf(this.#parts, job));
      // An opt-out span says that there may be a zone; this wants one that is there.
      if (found.kind === 'unsigned' && found.reason === 'no-ds-proven')
        this.#addCut(cut, at, evidence);
      if (found.kind !== 'not-a-cut') return;
    }
  }

  /** The DS of `at`; where it has not been asked for, those of the next labels leave with it. */
  #probe(
    cut: ZoneCut,
    at: Name,
    towards: Name,
    { asked, job }: { asked: AskedDs; job: Job },
  ): Promise<Reply> {
    const known = asked.get(at.key);
    if (known) return known;
    const reply = this.#ask(cut, at, job);
    asked.set(at.key, reply);
    const last = Math.min(towards.labels, at.labels + DS_AT_ONCE - 1);
    for (let labels = at.labels + 1; labels <= last; labels += 1) {
      const name = towards.ancestor(labels);
      if (!asked.has(name.key)) asked.set(name.key, this.#ask(cut, name, job));
    }
    return reply;
  }

  #addCut(parent: ZoneCut, name: Name, evidence: Evidence): ZoneCut {
    const cut = cutByProbe(parent, name, evidence, this.#parts.clock.now());
    this.#parts.cuts.set(name.key, cut, name.labels <= 1 ? 'guarded' : 'common');
    return cut;
  }

  /**
   * The cut, or the same one with servers of its own: the parent's may serve what lies above and below it, and not the
   * zone itself. That shows where it cannot be asked for its keys; then they know to whom they delegated it.
   */
  async #inPlace(cut: ZoneCut, parent: ZoneCut, job: Job): Promise<ZoneCut> {
    const trust = await this.#trustOf(cut, job);
    if (trust.status !== 'indeterminate' || trust.reason !== 'unreachable') return cut;
    const question = { name: cut.name, type: 'NS' } as const;
    const asked = await this.#parts.ask(parent, question, job.fetch());
    if (asked.kind !== 'reply' || asked.meaning.kind !== 'referral') return cut;
    if (!asked.meaning.child.equals(cut.name)) return cut;
    const now = this.#parts.clock.now();
    const moved = cutByReferral(parent, asked.meaning, asked.reply, now);
    this.#parts.cuts.set(moved.name.key, moved, moved.name.labels <= 1 ? 'guarded' : 'common');
    return moved;
  }

  /** The highest anchor strictly below `cut`, at or above `name`: it makes a cut of its own, whoever serves it. */
  anchored(cut: ZoneCut, name: Name): ZoneCut | undefined {
    const { points, cuts } = this.#parts;
    for (let labels = cut.name.labels + 1; labels <= name.labels; labels += 1) {
      const at = name.ancestor(labels);
      if (points.anchors.has(at.key)) return cuts.get(at.key) ?? this.#addCut(cut, at, NO_EVIDENCE);
    }
    return undefined;
  }

  #ask(parent: ZoneCut, child: Name, job: Job): Promise<Reply> {
    return this.#parts.ask(parent, { name: child, type: 'DS' }, job.fetch());
  }
}
