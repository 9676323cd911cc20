/**
 * Keeps trust anchors up to date while a resolver lives: the active refresh of RFC 5011 section 2.3.
 *
 * Whoever runs the process calls `refresh` when the last call said, and hands `anchors` to the resolver.
 * Does not: hold a timer, touch a file.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { findRRset } from '../dns/rrset.ts';
import { keyTagName } from '../dnssec/anchor-signals.ts';
import type { AnchorState } from '../dnssec/anchor-state.ts';
import type { Anchors } from '../dnssec/anchors.ts';
import { Budget } from '../dnssec/budget.ts';
import type { Policy } from '../dnssec/context.ts';
import { type AnchorEvent, missQuery, type Observation, observe } from '../dnssec/rollover.ts';
import { anchorsOf, type TrustPoint } from '../dnssec/trust-point.ts';
import type { Clock } from '../environment.ts';
import type { FetchUnchecked } from './unchecked.ts';

export interface KeeperParts {
  /** The resolver's: the key set comes unjudged, for it is judged here. */
  readonly fetchUnchecked: FetchUnchecked;
  readonly clock: Clock;
  readonly policy: Policy;
  /** Writes the state down. What keeps it from that is told in the next `Refreshed`, and changes no belief. */
  readonly save?: (state: AnchorState, now: number) => Promise<string | undefined>;
  /**
   * Tells the zone's servers which keys are trusted (RFC 8145 section 5); left out, nobody is told. The question has to go
   * out: what a cache knows of the name, or may conclude (RFC 8198), tells nobody.
   */
  readonly signal?: FetchUnchecked;
}

export interface Refreshed {
  readonly events: readonly AnchorEvent[];
  /** When to call again, milliseconds on the Clock's scale. */
  readonly nextAt: number;
  /** Why the state could not be saved. */
  readonly unsaved?: string;
}

export interface AnchorKeeper {
  readonly state: AnchorState;
  /** The anchors in force: another object only when they are other anchors. */
  anchors(): Anchors;
  /** Asks for the key sets that are due. Never rejects for what goes wrong out there. */
  refresh(): Promise<Refreshed>;
  /**
   * Asks for the key set of one zone ahead of its time, because an answer was met that its anchors cannot explain. No
   * sooner after the last query for it than RFC 5011 section 2.3 lets one try again: who can forge replies can make us
   * ask, and no more often than that. Never rejects for what goes wrong out there.
   */
  refreshEarly(zone: Name): Promise<Refreshed>;
}

export function keepAnchors(begin: AnchorState, parts: KeeperParts): AnchorKeeper {
  let state = begin;
  let anchors = anchorsOf(begin.points);
  const askedAt = new Map<string, number>();
  let last: Promise<unknown> = Promise.resolve();

  async function look(isWanted: (point: TrustPoint, now: number) => boolean): Promise<Refreshed> {
    const now = parts.clock.now();
    const due = state.points.filter((point) => isWanted(point, now));
    for (const { zone } of due) askedAt.set(zone.key, now);
    const seen = await Promise.all(due.map((point) => askPoint(point, parts)));
    const next = new Map(seen.map(({ point }) => [point.zone.key, point]));
    state = { points: state.points.map((point) => next.get(point.zone.key) ?? point) };
    const events = seen.flatMap((one) => one.events);
    if (events.some(({ kind }) => CHANGES.has(kind))) anchors = anchorsOf(state.points);
    const unsaved = due.length > 0 ? await parts.save?.(state, now) : undefined;
    const nextAt = Math.min(...state.points.map(({ nextQueryAt }) => nextQueryAt));
    return { events, nextAt, ...(unsaved !== undefined && { unsaved }) };
  }

  /** One after the other: what one look has found, such as a revocation, the next must not undo. */
  function inTurn(isWanted: Parameters<typeof look>[0]): Promise<Refreshed> {
    const turn = last.then(() => look(isWanted));
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    get state() {
      return state;
    },
    anchors: () => anchors,
    refresh: () => inTurn(({ nextQueryAt }, now) => nextQueryAt <= now),
    refreshEarly: (zone) =>
      inTurn((point, now) => {
        const before = askedAt.get(zone.key);
        if (!point.zone.equals(zone)) return false;
        return before === undefined || missQuery(point, before).nextQueryAt <= now;
      }),
  };
}

/** After these the anchors in force are others. */
const CHANGES: ReadonlySet<AnchorEvent['kind']> = new Set(['trusted', 'revoked']);

async function askPoint(point: TrustPoint, parts: KeeperParts): Promise<Observation> {
  const { fetchUnchecked, clock, policy } = parts;
  tellServers(point, parts);
  const reply = await fetchUnchecked(point.zone, 'DNSKEY');
  const now = clock.now();
  if (reply.kind === 'failed') {
    const { reason } = reply.failure;
    const event: AnchorEvent = { kind: 'not-validated', zone: point.zone, reason };
    return { point: missQuery(point, now), events: [event] };
  }
  const dnskey = findRRset(reply.answer, point.zone, 'DNSKEY');
  return observe(point, dnskey, { now, budget: new Budget(), policy });
}

/** Nobody waits for the answer, and it says nothing. */
function tellServers(point: TrustPoint, { signal }: KeeperParts): void {
  const anchor = anchorsOf([point]).get(point.zone.key);
  const name = anchor && keyTagName(anchor);
  if (name) void signal?.(name, 'NULL');
}
