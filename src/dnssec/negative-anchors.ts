/**
 * Negative trust anchors: names at and below which validation is switched off for a while, because their owner's
 * signing is known to be broken.
 *
 * Implements RFC 7646 sections 2 and 3. Each has a reason and an end, and none lasts for more than a week. The list is
 * alive: what is added or removed holds from the next question on.
 * Does not: judge (the resolver asks `covering` first), keep anything on disk.
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Anchors } from './anchors.ts';

export interface NegativeAnchor {
  readonly name: Name;
  /** Why it was set, for those who find it later. */
  readonly reason: string;
  /** Milliseconds on the Clock's scale. */
  readonly expiresAt: number;
}

export interface NegativeAnchorTerms {
  readonly reason: string;
  /** Milliseconds on the Clock's scale. */
  readonly now: number;
  /** Milliseconds; an hour where it is left out. */
  readonly lifetimeMs?: number;
}

/** BIND's default: long enough for an owner to be called, short enough to be forgotten. */
export const NEGATIVE_ANCHOR_DEFAULT_MS = 3_600_000;
/** RFC 7646 section 2 asks that they be temporary; BIND's limit. */
export const NEGATIVE_ANCHOR_LONGEST_MS = 7 * 86_400_000;

export class NegativeAnchors {
  readonly #byName = new Map<string, NegativeAnchor>();

  /**
   * Sets one, in place of an earlier one at the same name.
   *
   * @throws RangeError without a reason, or for a lifetime that is not above nothing and at most a week
   */
  add(
    name: Name,
    { reason, now, lifetimeMs = NEGATIVE_ANCHOR_DEFAULT_MS }: NegativeAnchorTerms,
  ): NegativeAnchor {
    if (reason.trim() === '')
      throw new RangeError(`reason: the negative trust anchor ${name} needs one`);
    if (!(lifetimeMs > 0 && lifetimeMs <= NEGATIVE_ANCHOR_LONGEST_MS))
      throw new RangeError(
        `lifetimeMs: a negative trust anchor lasts for at most a week (${NEGATIVE_ANCHOR_LONGEST_MS}), not ${lifetimeMs}`,
      );
    const anchor = { name, reason: reason.trim(), expiresAt: now + lifetimeMs };
    this.#byName.set(name.key, anchor);
    return anchor;
  }

  /** @returns whether there was one */
  remove(name: Name): boolean {
    return this.#byName.delete(name.key);
  }

  /** Those that are in force. */
  list(now: number): readonly NegativeAnchor[] {
    return [...this.#byName.values()].filter(({ expiresAt }) => expiresAt > now);
  }

  /**
   * The one that switches validation off for `name`: the closest at or above it, unless a trust anchor lies closer.
   * At the same name the negative one wins (RFC 7646 section 2).
   */
  covering(name: Name, anchors: Anchors, now: number): NegativeAnchor | undefined {
    if (this.#byName.size === 0) return undefined;
    for (let labels = name.labels; labels >= 0; labels -= 1) {
      const { key } = name.ancestor(labels);
      const negative = this.#byName.get(key);
      if (negative && negative.expiresAt > now) return negative;
      if (anchors.has(key)) return undefined;
    }
    return undefined;
  }
}
