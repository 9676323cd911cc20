/**
 * What a daemon has done, counted, and what goes wrong, told: for metrics, health and logs.
 *
 * When nothing can be proved any more, the cause lies here more often than out there (clock, trust anchors, a forwarder that
 * strips signatures): that is told loudly, and answers go on failing closed. Does not: print (metrics.ts), listen
 * (listen-http.ts), change any answer.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { explainCase } from '../dnssec/explanation.ts';
import { failed, type Lookup, type Outcome } from '../dnssec/outcome.ts';
import { explain } from '../dnssec/reason.ts';
import type { Clock, Transport } from '../environment.ts';
import { logfmt } from './logfmt.ts';

/** Zones that were found bogus, one after the other and nothing proved in between, before it is called an alarm. */
const ALARM_ZONES = 10;
/** Lines that may be written at once, and how long it takes until one more may. */
const BURST = 20;
const REFILL_MS = 1000;
/** The same failure is told again after so long. */
const REPEAT_MS = 60_000;
/** Failures that are remembered as told. */
const MAX_TOLD = 2000;

export type Health =
  | { readonly kind: 'fine' }
  /** Nothing was proved of late, and a number of zones were bogus. */
  | { readonly kind: 'all-bogus'; readonly cause: string };

/** Counters by what is in their labels; all only grow. */
export type Counts = ReadonlyMap<string, number>;

export interface WatchParts {
  readonly clock: Clock;
  /** Gets one line in logfmt. */
  readonly tell: (line: string) => void;
}

export class Watch {
  readonly outcomes = new Map<string, number>();
  readonly responses = new Map<string, number>();
  readonly upstream = new Map<string, number>();
  readonly #parts: WatchParts;
  #told = new Map<string, number>();
  #tokens = BURST;
  #refilledAt: number;
  #unsaid = 0;
  /** Since something was proved: zones found bogus, with the reason. */
  readonly #bogus = new Map<string, Extract<Outcome, { status: 'bogus' }>['reason']>();

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#refilledAt = parts.clock.now();
  }

  /** `lookup`, whose outcomes are counted and, where they fail, told. */
  watch(lookup: Lookup): Lookup {
    return async (name, type, options) => {
      const outcome = await lookup(name, type, options);
      this.#take(outcome);
      return outcome;
    };
  }

  /** `transport`, whose packets are counted. */
  count(transport: Transport): Transport {
    return {
      exchange: async (to, query, how) => {
        const delivery = await transport.exchange(to, query, how);
        const over = to.tlsName === undefined ? how.over : 'tls';
        add(this.upstream, { over, result: delivery.kind });
        return delivery;
      },
    };
  }

  responded(rcode: string, over: 'udp' | 'tcp'): void {
    add(this.responses, { rcode, over });
  }

  get health(): Health {
    if (this.#bogus.size < ALARM_ZONES) return { kind: 'fine' };
    return { kind: 'all-bogus', cause: likelyCause([...this.#bogus.values()]) };
  }

  #take(outcome: Outcome): void {
    const { status } = outcome;
    const reason = 'reason' in outcome ? outcome.reason : 'none';
    const from = outcome.spent.queries > 0 ? 'network' : 'cache';
    add(this.outcomes, { status, reason, from });
    if (failed(outcome)) this.#tellFailure(outcome);
    if (from === 'network') this.#judgeAll(outcome);
  }

  #judgeAll(outcome: Outcome): void {
    const before = this.health.kind;
    if (outcome.status === 'secure') this.#bogus.clear();
    else if (outcome.status === 'bogus' && this.#bogus.size < ALARM_ZONES)
      this.#bogus.set(brokenAt(outcome).key, outcome.reason);
    const { health } = this;
    if (health.kind === before) return;
    const words =
      health.kind === 'fine'
        ? { event: 'alarm-over' }
        : { event: 'alarm', what: 'nothing can be proved', likely: health.cause };
    this.#parts.tell(logfmt(words)); // whatever the rate
  }

  #tellFailure(outcome: Extract<Outcome, { status: 'bogus' | 'indeterminate' }>): void {
    const { question, status, reason, fault } = outcome;
    const key = `${question.type} ${question.name.key} ${reason}`;
    const now = this.#parts.clock.now();
    if ((this.#told.get(key) ?? 0) > now || !this.#mayWrite(now)) return;
    if (this.#told.size >= MAX_TOLD) this.#told = new Map();
    this.#told.set(key, now + REPEAT_MS);
    const { ede } = explain(reason);
    this.#parts.tell(
      logfmt({
        event: 'failed',
        name: String(question.name),
        type: question.type,
        status,
        reason,
        zone: String(fault.zone),
        at: `${fault.owner} ${fault.type}`,
        ...(fault.limit && { limit: fault.limit }),
        ...(ede !== undefined && { ede }),
        why: explainCase(reason, fault),
        ...(this.#unsaid > 0 && { unsaid: this.#unsaid }),
      }),
    );
    this.#unsaid = 0;
  }

  #mayWrite(now: number): boolean {
    const more = Math.floor(Math.max(0, now - this.#refilledAt) / REFILL_MS);
    if (more > 0 || now < this.#refilledAt) this.#refilledAt = now;
    this.#tokens = Math.min(BURST, this.#tokens + more);
    if (this.#tokens > 0) {
      this.#tokens -= 1;
      return true;
    }
    this.#unsaid += 1;
    return false;
  }
}

/** Where the root or a top-level zone fails, every name below it counts; else all names of a zone count as one. */
const brokenAt = ({ question, fault }: Extract<Outcome, { status: 'bogus' }>): Name =>
  fault.zone.labels <= 1 ? question.name : fault.zone;

/** By what most of the zones failed on. */
function likelyCause(reasons: readonly string[]): string {
  const count = (...wanted: string[]) => reasons.filter((one) => wanted.includes(one)).length;
  const causes = [
    { count: count('signature-expired', 'signature-not-yet-valid'), cause: 'the clock is wrong' },
    { count: count('anchor-outdated'), cause: 'the trust anchors are out of date' },
    {
      count: count('signatures-stripped', 'rrsigs-missing', 'ds-unproven', 'denial-missing'),
      cause: 'a forwarder or a middlebox removes signatures',
    },
  ];
  const [first] = causes.sort((a, b) => b.count - a.count);
  return first && first.count * 2 >= reasons.length ? first.cause : 'answers are being forged';
}

/** The labels of a counter are its key, as they stand in the metrics. */
function add(counts: Map<string, number>, labels: Readonly<Record<string, string>>): void {
  const key = Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
