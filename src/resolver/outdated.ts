/**
 * A question that meets an anchor that is out of date: the key set of the anchor's zone is looked at ahead of its time,
 * and if other anchors are in force then, the question is asked once more.
 *
 * A revocation is believed at once (RFC 5011 section 2.1), whoever finds it: else everything below the zone fails until
 * its timer has run down. Does not: judge key sets (dnssec/rollover.ts does), or limit how often they are asked for
 * (refresh.ts does).
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Failure, Lookup, Outcome } from '../dnssec/outcome.ts';
import type { AnchorKeeper } from './refresh.ts';

/** The part of a keeper that this needs. */
export interface EarlyRefresh extends Pick<AnchorKeeper, 'anchors'> {
  /** Resolves when what was found is in force. */
  refreshEarly(zone: Name): Promise<unknown>;
}

/** `lookup`, for a resolver that rests on the anchors of `keeper`. */
export const refreshOutdated =
  (lookup: Lookup, keeper: EarlyRefresh): Lookup =>
  async (name, type, options) => {
    const before = keeper.anchors();
    const outcome = await lookup(name, type, options);
    // What has expired may stand in for the failure, which is one all the same.
    const failure = outcome.stale?.because ?? outcome;
    if (!isOutdated(failure)) return outcome;
    await keeper.refreshEarly(failure.fault.zone);
    options?.signal?.throwIfAborted();
    return keeper.anchors() === before ? outcome : lookup(name, type, options);
  };

type Bogus = Extract<Failure, { status: 'bogus' }>;
const isOutdated = (of: Outcome | Failure): of is Extract<Outcome, { status: 'bogus' }> | Bogus =>
  of.status === 'bogus' && of.reason === 'anchor-outdated';
