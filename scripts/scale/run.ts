/**
 * One run of the model: so many destinations, each planned for once and some again, and what that took.
 * @module
 */
import { planDelivery } from '../../src/dane/plan.ts';
import { Name, ROOT } from '../../src/dns/name.ts';
import { anchorsFrom } from '../../src/dnssec/anchors.ts';
import { defaultPolicy } from '../../src/dnssec/context.ts';
import { createResolver, type Resolver } from '../../src/resolver/resolver.ts';
import { VirtualClock } from '../../src/testing/clock.ts';

import { Chance, mix } from './dice.ts';
import { believingEngine } from './engine.ts';
import { ModelInternet } from './internet.ts';
import { Network } from './network.ts';
import { destinationOf, Population, truthOf } from './population.ts';
import { judgePlan, type Mistake } from './truth.ts';
import { makeTurn } from './turn.ts';

export interface RunOptions {
  readonly destinations: number;
  /** From 0 to 1, of each packet on each of its ways. */
  readonly loss: number;
  readonly seed: number;
  /** Of all caches together; the resolver's own bound where it is left out. */
  readonly cacheMb?: number;
  /** Called now and then with the number of decisions made. */
  readonly onProgress?: (done: number, of: number) => void;
  /** True ends the run: what has been decided until then counts. */
  readonly isTime?: () => boolean;
}

export interface RunResult {
  readonly destinations: number;
  /** Distinct ones and repeats. */
  readonly decisions: number;
  readonly isWhole: boolean;
  readonly packets: number;
  readonly lost: number;
  readonly overTcp: number;
  readonly octets: number;
  /** Of virtual time, to the decision. */
  readonly waitMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly right: number;
  /** Decisions that have to wait, by reason. */
  readonly delayed: Readonly<Record<string, number>>;
  readonly wrong: Readonly<Record<Mistake, number>>;
  /** The first few. */
  readonly mistakes: readonly string[];
  readonly cpuMs: number;
  readonly virtualMs: number;
  /** heapUsed and external after forced collections, less what there was before. */
  readonly heldBytes: number;
  /** What the resolver itself says of its caches. */
  readonly caches: readonly CacheFigure[];
}

export interface CacheFigure {
  readonly name: string;
  readonly entries: number;
  readonly bytes: number;
}

/** 2026-07-01T00:00Z. */
const BEGINNING = Date.UTC(2026, 6, 1);
/** Deliveries under way at once. */
const WIDTH = 200;
/** One in five is to a destination that was met before. */
const REPEATS = 0.2;
const MISTAKES_TOLD = 20;
const LONGEST_MS = 60_000;

export async function runModel(options: RunOptions): Promise<RunResult> {
  const { destinations, seed, loss, cacheMb } = options;
  const clock = new VirtualClock(BEGINNING, makeTurn());
  const population = new Population(destinations, seed);
  const internet = new ModelInternet(population, seed, BEGINNING);
  const network = new Network(internet, clock, loss, seed);
  const counts = new Counts();
  const visits = makeVisits(destinations, seed);
  const before = heldNow();
  const cpu = process.cpuUsage();
  const resolver = createResolver({
    environment: { clock, random: new Chance(mix(seed, 1)), transport: network.transport },
    policy: defaultPolicy(believingEngine),
    hints: ['a', 'b'].map((letter, i) => ({
      host: Name.parse(`${letter}.root-servers`),
      addresses: [{ ip: `198.18.0.${i + 1}`, port: 53 }],
    })),
    anchors: anchorsFrom([
      { owner: ROOT, type: 'DS', rdata: Buffer.from(internet.anchor, 'latin1') },
    ]),
    families: 'ipv4',
    ...(cacheMb !== undefined && { cacheBytes: cacheMb * 1e6 }),
  });
  let isWhole = true;
  const lanes = Array.from({ length: Math.min(WIDTH, destinations) }, async () => {
    for (let number = visits.next(); number !== undefined; number = visits.next()) {
      if (options.isTime?.()) {
        isWhole = false;
        return;
      }
      const domain = population.domain(number);
      const from = clock.now();
      const plan = await planDelivery(Name.parse(destinationOf(domain)), resolver.lookup, {
        halfDane: 'may',
      });
      counts.took(clock.now() - from);
      counts.judge(destinationOf(domain), judgePlan(plan, truthOf(domain)));
      if (counts.decisions % 1000 === 0) options.onProgress?.(counts.decisions, visits.total);
    }
  });
  await Promise.all(lanes);
  const used = process.cpuUsage(cpu);
  internet.forget(); // what the model keeps is not what the resolver holds
  const { packets, lost, overTcp, octets } = network;
  return {
    ...counts.result,
    destinations: visits.met,
    isWhole,
    ...{ packets, lost, overTcp, octets },
    cpuMs: (used.user + used.system) / 1000,
    virtualMs: clock.now() - BEGINNING,
    heldBytes: heldNow() - before,
    caches: cachesOf(resolver),
  };
}

/** Collected twice, where Node was told to let us. */
function heldNow(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const cachesOf = ({ held }: Resolver): readonly CacheFigure[] =>
  Object.entries(held()).map(([name, { entries, bytes }]) => ({ name, entries, bytes }));

/** Every destination once in random order, and between them those that were met before, the popular ones most. */
function makeVisits(destinations: number, seed: number) {
  const chance = new Chance(mix(seed, 2));
  const order = Uint32Array.from({ length: destinations }, (_, i) => i);
  for (let i = destinations - 1; i > 0; i -= 1) {
    const j = Math.floor(chance.next() * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  const visits = {
    met: 0,
    total: Math.round(destinations / (1 - REPEATS)),
    next: (): number | undefined => {
      if (visits.met >= destinations) return undefined;
      // A popularity of 1 / rank: the logarithm of the rank is even.
      if (visits.met > 0 && chance.next() < REPEATS)
        return order[Math.floor(visits.met ** chance.next()) - 1];
      visits.met += 1;
      return order[visits.met - 1];
    },
  };
  return visits;
}

class Counts {
  decisions = 0;
  #right = 0;
  #most = 0;
  readonly #times = new Uint32Array(LONGEST_MS + 1);
  readonly #delayed: Record<string, number> = {};
  readonly #wrong = { downgraded: 0, upgraded: 0, absent: 0, bogus: 0, other: 0 };
  readonly #mistakes: string[] = [];

  took(milliseconds: number): void {
    this.decisions += 1;
    this.#most = Math.max(this.#most, milliseconds);
    const at = Math.min(LONGEST_MS, Math.round(milliseconds));
    this.#times[at] = (this.#times[at] ?? 0) + 1;
  }

  judge(destination: string, judged: ReturnType<typeof judgePlan>): void {
    switch (judged.kind) {
      case 'right':
        this.#right += 1;
        return;
      case 'delayed':
        this.#delayed[judged.why] = (this.#delayed[judged.why] ?? 0) + 1;
        return;
      case 'wrong':
        this.#wrong[judged.mistake] += 1;
        if (this.#mistakes.length < MISTAKES_TOLD)
          this.#mistakes.push(`${destination} ${judged.mistake}: ${judged.what}`);
    }
  }

  get result() {
    return {
      decisions: this.decisions,
      right: this.#right,
      delayed: this.#delayed,
      wrong: this.#wrong,
      mistakes: this.#mistakes,
      waitMs: {
        p50: this.#percentile(0.5),
        p95: this.#percentile(0.95),
        p99: this.#percentile(0.99),
        max: Math.round(this.#most),
      },
    };
  }

  #percentile(share: number): number {
    let left = share * this.decisions;
    for (const [ms, count] of this.#times.entries()) {
      left -= count;
      if (left <= 0) return ms;
    }
    return LONGEST_MS;
  }
}
