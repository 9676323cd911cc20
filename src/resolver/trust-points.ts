/**
 * Where belief begins and where it is suspended, both as they stand now: trust anchors, which a rollover changes
 * (RFC 5011), and negative trust anchors, which people set and which expire (RFC 7646).
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Anchors } from '../dnssec/anchors.ts';
import type { NegativeAnchor, NegativeAnchors } from '../dnssec/negative-anchors.ts';
import type { ZoneTrust } from '../dnssec/verify.ts';
import type { Clock } from '../environment.ts';

/** What a piece of work rests on. Whatever was worked out on another stand is worked out anew. */
export interface Stand {
  readonly anchors: Anchors;
  readonly negative: NegativeAnchor | undefined;
}

export const isSameStand = (a: Stand, b: Stand): boolean =>
  a.anchors === b.anchors && a.negative === b.negative;

export class TrustPoints {
  readonly #clock: Clock;
  readonly #anchors: () => Anchors;
  readonly #negative: NegativeAnchors | undefined;

  constructor(
    clock: Clock,
    anchors: Anchors | (() => Anchors),
    negative: NegativeAnchors | undefined,
  ) {
    this.#clock = clock;
    this.#anchors = typeof anchors === 'function' ? anchors : () => anchors;
    this.#negative = negative;
  }

  get anchors(): Anchors {
    return this.#anchors();
  }

  /** The negative anchor that switches validation off for `name`. */
  negativeFor(name: Name): NegativeAnchor | undefined {
    return this.#negative?.covering(name, this.anchors, this.#clock.now());
  }

  /** Whether there is a trust anchor strictly below `zone`, at or above `name`: it makes a zone of its own. */
  isAnchoredBelow(zone: Name, name: Name): boolean {
    const { anchors } = this;
    for (let labels = zone.labels + 1; labels <= name.labels; labels += 1)
      if (anchors.has(name.ancestorKey(labels))) return true;
    return false;
  }

  /** On what a verdict about `name` would rest now. */
  standOf(name: Name): Stand {
    return { anchors: this.anchors, negative: this.negativeFor(name) };
  }
}

/** The trust of everything that a negative anchor covers. */
export const suspended = (negative: NegativeAnchor, now: number): ZoneTrust => ({
  status: 'insecure',
  reason: 'negative-trust-anchor',
  ttl: secondsLeft(negative, now),
});

export const secondsLeft = ({ expiresAt }: NegativeAnchor, now: number): number =>
  Math.max(0, Math.floor((expiresAt - now) / 1000));
