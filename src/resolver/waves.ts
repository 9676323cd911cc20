/**
 * The first success among several tries that are begun one after the other: the next one at once where the last has failed,
 * and beside it where it is slow. The more of them are silent, the more are begun at once, so that many dead servers do not
 * add up.
 *
 * Does not: stop what is under way; it ends by itself, and nobody listens any more.
 * @module
 */
import type { Clock } from '../environment.ts';

/** `silent`: nothing came back. `failed`: something of no use did. */
export type Tried<T> =
  | { readonly kind: 'success'; readonly value: T }
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed' };

export interface WavesOptions<T> {
  /** Begins the next try; `undefined` where there is none, now and ever after. */
  next(): Promise<Tried<T>> | undefined;
  /** How many leave together at the beginning; one where it is left out. */
  readonly atFirst?: number;
  /** So long the last try has the word for itself. */
  readonly stepMs: number;
  /** So long all of it may take. */
  readonly patienceMs: number;
}

/** Never rejects unless a try does. `undefined` where none succeeds in time. */
export async function firstOf<T>(
  clock: Clock,
  { next, atFirst = 1, stepMs, patienceMs }: WavesOptions<T>,
): Promise<T | undefined> {
  const end = clock.now() + patienceMs;
  const underWay = new Set<Promise<Tried<T>>>();
  let more = begin(next, atFirst, underWay);
  for (let silent = 0; underWay.size > 0; ) {
    const leftMs = end - clock.now();
    if (leftMs <= 0) return undefined;
    const waited = await firstTry(clock, underWay, more ? Math.min(stepMs, leftMs) : leftMs);
    if (waited.kind === 'success') return waited.value;
    if (waited.kind !== 'failed') silent += 1;
    if (more && (waited.kind === 'late' || underWay.size === 0))
      more = begin(next, Math.max(1, 2 ** (silent - 1)), underWay);
  }
  return undefined;
}

/** @returns whether there may be more to begin */
function begin<T>(
  next: WavesOptions<T>['next'],
  count: number,
  underWay: Set<Promise<Tried<T>>>,
): boolean {
  for (let i = 0; i < count; i += 1) {
    const work = next();
    if (!work) return false;
    underWay.add(work);
  }
  return true;
}

type Waited<T> = Tried<T> | { readonly kind: 'late' };

/** A reason of our own: without one an exception is made with its stack, which costs more than the wait. */
const ENOUGH = 'enough';

/** The one that ends first, taken out; or that none has within `ms`. */
async function firstTry<T>(
  clock: Clock,
  underWay: Set<Promise<Tried<T>>>,
  ms: number,
): Promise<Waited<T>> {
  const end = new AbortController();
  const late = clock.sleep(ms, end.signal).then(() => undefined);
  const ended = [...underWay].map(async (work) => ({ work, tried: await work }));
  const first = await Promise.race([...ended, late]);
  end.abort(ENOUGH);
  if (!first) return { kind: 'late' };
  underWay.delete(first.work);
  return first.tried;
}
