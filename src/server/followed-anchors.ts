/**
 * The trust anchors of a daemon: read from a folder at the start, followed as their zones roll them (RFC 5011), and
 * written down after each look so that the next start goes on from there.
 *
 * What is configured is added to what the folder holds; a key that was revoked stays out whatever is configured. A
 * folder with a zone that is not configured is refused: nothing is believed by accident, and nothing learnt is lost by it.
 * Does not: lock; one process keeps one folder. Judge key sets (dnssec/rollover.ts does).
 * @module
 */
import { join } from 'node:path';
import type { Name } from '../dns/name.ts';
import type { AnchorState } from '../dnssec/anchor-state.ts';
import type { Anchors } from '../dnssec/anchors.ts';
import { Budget } from '../dnssec/budget.ts';
import type { Policy } from '../dnssec/context.ts';
import { explain } from '../dnssec/reason.ts';
import type { AnchorEvent } from '../dnssec/rollover.ts';
import { addAnchor, startPoint } from '../dnssec/trust-point.ts';
import type { Clock } from '../environment.ts';
import {
  loadAnchorState,
  makeStateFolder,
  saveAnchorState,
} from '../resolver/anchor-state-file.ts';
import {
  type AnchorKeeper,
  type KeeperParts,
  keepAnchors,
  type Refreshed,
} from '../resolver/refresh.ts';

/** Inside of the folder. */
const FILE = 'trust-anchors';

export interface FollowingParts extends Pick<KeeperParts, 'fetchUnchecked' | 'signal'> {
  readonly clock: Clock;
  readonly policy: Policy;
  /** Told what happened to anchors, and what could not be written; one line each. */
  readonly tell: (line: string) => void;
  /** Told what Danelaw itself did wrong. */
  readonly report: (error: unknown) => void;
}

export type OpenedAnchors =
  | { readonly kind: 'opened'; readonly begin: AnchorState; readonly file: string }
  /** `why` begins with the file, and the line where it is one. */
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Makes the folder where there is none, reads what it holds, and writes it back with what is configured: whatever keeps
 * anchors from being written down is found now and not in a month.
 */
export async function openAnchors(
  folder: string,
  configured: Anchors,
  { clock, policy }: Pick<FollowingParts, 'clock' | 'policy'>,
): Promise<OpenedAnchors> {
  const now = clock.now();
  const file = join(folder, FILE);
  const why = await makeStateFolder(folder);
  if (why !== undefined) return { kind: 'refused', why };
  const loaded = await loadAnchorState(file, now);
  if (loaded.kind === 'refused') return loaded;
  const known = loaded.kind === 'state' ? loaded.state.points : [];
  const stray = known.find(({ zone }) => !configured.has(zone.key));
  if (stray)
    return {
      kind: 'refused',
      why: `${file}: it follows ${stray.zone}, for which no anchor is given`,
    };
  const points = [...configured.values()].map((anchor) => {
    const point = known.find(({ zone }) => zone.equals(anchor.name));
    return point
      ? addAnchor(point, anchor, { now, policy, budget: new Budget() })
      : startPoint(anchor, now);
  });
  const saved = await saveAnchorState(file, { points }, now);
  return saved.kind === 'refused' ? saved : { kind: 'opened', begin: { points }, file };
}

export interface FollowedAnchors {
  /** Those in force: another object only when they are other anchors. */
  anchors(): Anchors;
  /** Looks at the key set of one zone ahead of its time; see `AnchorKeeper`. */
  refreshEarly(zone: Name): Promise<void>;
  /** Looks at key sets whenever they are due. Called once. */
  start(): void;
  /** Looks no more. What is being written is written when this resolves. */
  stop(): Promise<void>;
}

/** A machine that slept, or whose clock was set, is at most that late. */
const LONGEST_SLEEP_MS = 3_600_000;
/** No look is ever due sooner; it keeps a mistake from asking all the time. */
const SHORTEST_SLEEP_MS = 60_000;

export function followAnchors(
  { begin, file }: Extract<OpenedAnchors, { kind: 'opened' }>,
  parts: FollowingParts,
): FollowedAnchors {
  const { fetchUnchecked, clock, policy, signal } = parts;
  const ended = new AbortController();
  let writing: Promise<unknown> = Promise.resolve();
  const keeper = keepAnchors(begin, {
    fetchUnchecked,
    clock,
    policy,
    ...(signal && { signal }),
    save: async (state, now) => {
      if (ended.signal.aborted) return undefined;
      const saving = saveAnchorState(file, state, now);
      writing = saving;
      const saved = await saving;
      return saved.kind === 'refused' ? saved.why : undefined;
    },
  });
  return {
    anchors: () => keeper.anchors(),
    refreshEarly: async (zone) => {
      if (ended.signal.aborted) return;
      try {
        const looked = await keeper.refreshEarly(zone);
        if (!ended.signal.aborted) tellOf(looked, parts);
      } catch (error) {
        parts.report(error);
      }
    },
    start: () => void follow(keeper, parts, ended.signal),
    stop: async () => {
      ended.abort();
      await writing;
    },
  };
}

async function follow(
  keeper: AnchorKeeper,
  { clock, tell, report }: FollowingParts,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    let nextAt = clock.now() + LONGEST_SLEEP_MS;
    try {
      const looked = await keeper.refresh();
      if (ended.aborted) return;
      tellOf(looked, { tell });
      nextAt = looked.nextAt;
    } catch (error) {
      report(error);
    }
    const pause = nextAt - clock.now();
    await clock.sleep(Math.max(SHORTEST_SLEEP_MS, Math.min(LONGEST_SLEEP_MS, pause)), ended);
  }
}

function tellOf(looked: Refreshed, { tell }: Pick<FollowingParts, 'tell'>): void {
  for (const event of looked.events) tell(`trust anchors: ${describe(event)}`);
  if (looked.unsaved !== undefined) tell(`trust anchors are not saved: ${looked.unsaved}`);
}

function describe(event: AnchorEvent): string {
  if (event.kind === 'not-validated')
    return `the key set of ${event.zone} changes nothing: ${explain(event.reason).text}`;
  const key = `key ${event.keyTag} of ${event.zone}`;
  switch (event.kind) {
    case 'pending':
      return `${key} is new, and trusted from ${new Date(event.until).toISOString()} on if it stays`;
    case 'trusted':
      return `${key} is trusted`;
    case 'replaced':
      return `${key} is no entry point: those that it has signed are trusted in its place, and it no more`;
    case 'withdrawn':
      return `${key} is gone before it was trusted`;
    case 'unvouched':
      return `${key} is dropped, for all keys that had vouched for it are revoked`;
    case 'missing':
      return `${key} is missing from the key set, and still trusted`;
    case 'returned':
      return `${key} is back in the key set`;
    case 'revoked':
      return `${key} is revoked (as ${event.revokedTag}) and never trusted again`;
    case 'removed':
      return `${key} was revoked long ago, and is remembered to be kept out`;
  }
}
