/**
 * Runs one scenario: step after step, in virtual time, against a resolver of its own.
 *
 * The order of events is that of the format: a waited-for upstream query, a waited-for answer, a canned answer, and only
 * then the next step. Does not: read files, print.
 * @module
 */
import { edesOf } from '../../src/dns/edns.ts';
import { type Message, parseMessage, writeMessage } from '../../src/dns/message.ts';
import { ROOT } from '../../src/dns/name.ts';
import type { TrustPoint } from '../../src/dnssec/trust-point.ts';
import { refreshOutdated } from '../../src/resolver/outdated.ts';
import { type AnchorKeeper, keepAnchors } from '../../src/resolver/refresh.ts';
import { createResolver } from '../../src/resolver/resolver.ts';
import { type AnswerClient, makeAnswerClient } from '../../src/server/answer.ts';
import { seededRandom } from '../../src/testing/clock.ts';
import { compareTrustPoint, readTrustPoints } from './autotrust.ts';
import { showElsewhere } from './localhost.ts';
import { expand, MacroProblem, type MacroValues } from './macros.ts';
import { compareAnswer, matchesQuery } from './match.ts';
import { messageOf } from './message.ts';
import type { Entry, Scenario, Step } from './scenario.ts';
import type { Setup } from './settings.ts';
import { describe, ScenarioClock, Upstream } from './upstream.ts';

export type Ran = Ended & {
  /** The Extended DNS Errors that clients were told. */
  readonly errors: ReadonlySet<number>;
};
type Ended =
  | { readonly result: 'pass'; readonly level: 'full' }
  /** `why`: what differs beyond the core. */
  | { readonly result: 'pass'; readonly level: 'core'; readonly why: string }
  | { readonly result: 'fail'; readonly why: string };

/** More events than any scenario has: an endless loop ends. */
const MAX_EVENTS = 20_000;
const SEED = 1;

export function run(
  scenario: Scenario,
  setup: Setup,
  tell: (event: string) => void = () => undefined,
): Promise<Ran> {
  const clock = new ScenarioClock(setup.startMs);
  const upstream = new Upstream(scenario, clock, tell);
  const transport = setup.localhost === 'as-it-is' ? upstream : showElsewhere(upstream);
  const environment = { clock, random: seededRandom(SEED), transport };
  const points = [...scenario.files.values()].flatMap((lines) => pointsIn(lines, setup.startMs));
  const { policy } = setup.options;
  const keeper = keepAnchors(
    { points },
    { clock, policy, fetchUnchecked: (name, type) => resolver.fetchUnchecked(name, type) },
  );
  const anchors = points.length > 0 ? { anchors: keeper.anchors } : {};
  const rootAnchor = () => setup.anchors.get(ROOT.key);
  // Canned replies have the case of whoever wrote them down; the suites that they come from leave it alone, too.
  const options = { ...setup.options, ...anchors, letterCase: 'as-asked' } as const;
  const resolver = createResolver({ ...options, environment, priming: 'off' });
  const lookup = points.length > 0 ? refreshOutdated(resolver.lookup, keeper) : resolver.lookup;
  const answer = makeAnswerClient({ ...resolver, lookup }, { ...setup.answerOptions, rootAnchor });
  return new Run({ scenario, clock, upstream, answer, keeper, tell }).toTheEnd();
}

/** The files may use macros; nothing has been assigned yet. */
const pointsIn = (lines: readonly string[], now: number): readonly TrustPoint[] =>
  readTrustPoints(
    lines.map((line) => expand(line, { time: now, timeout: undefined, variables: new Map() })),
    now,
  );

interface Parts {
  readonly scenario: Scenario;
  readonly clock: ScenarioClock;
  readonly upstream: Upstream;
  readonly answer: AnswerClient;
  /** Without trust points where the scenario has no state file. */
  readonly keeper: AnchorKeeper;
  readonly tell: (event: string) => void;
}

/** What a step came to: `waits` where something has to happen before it can be done. */
type Done = 'done' | 'waits' | { readonly failure: string };

class Run {
  readonly #parts: Parts;
  #at = 0;
  /** The step whose number decides among ranges, in the deckard dialect. */
  #lastQuery = 0;
  /** Clients whose answers were not compared yet, the one that asked first in front. */
  #clients: { answer: Message | undefined }[] = [];
  readonly #oneShots: Entry[] = [];
  readonly #errors = new Set<number>();
  readonly #variables = new Map<string, number>();
  /** When the key sets of the trust points are asked for next, or `undefined` while they are. */
  #refreshAt: number | undefined;
  /** What differs beyond the core, the first time. */
  #beyond: string | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#refreshAt = Math.min(...parts.keeper.state.points.map(({ nextQueryAt }) => nextQueryAt));
  }

  async toTheEnd(): Promise<Ran> {
    return { ...(await this.#run()), errors: this.#errors };
  }

  async #run(): Promise<Ended> {
    for (let events = 0; events < MAX_EVENTS; events += 1) {
      await settled();
      const step = this.#parts.scenario.steps[this.#at];
      if (!step) return this.#end();
      const done = this.#attempt(step);
      if (done === 'done') this.#at += 1;
      else if (done !== 'waits')
        return { result: 'fail', why: `step ${step.number}: ${done.failure}` };
    }
    return { result: 'fail', why: `no end after ${MAX_EVENTS} events` };
  }

  #end(): Ended {
    const waiting = this.#clients.filter(({ answer }) => answer).length;
    if (waiting > 0) return { result: 'fail', why: `${waiting} answers were not expected` };
    return this.#beyond === undefined
      ? { result: 'pass', level: 'full' }
      : { result: 'pass', level: 'core', why: this.#beyond };
  }

  #attempt(step: Step): Done {
    try {
      return this.#advance(step);
    } catch (error) {
      if (!(error instanceof MacroProblem)) throw error;
      return { failure: error.message };
    }
  }

  /** One event. */
  #advance(step: Step): Done {
    this.#refresh();
    if (step.kind === 'check-out-query' && this.#takeOut(step)) return 'done';
    if (step.kind === 'check-answer' && this.#clients.some(({ answer }) => answer))
      return this.#check(step);
    if (step.kind === 'reply' && this.#parts.scenario.dialect === 'deckard')
      return this.#execute(step);
    const number = this.#parts.scenario.dialect === 'unbound' ? step.number : this.#lastQuery;
    if (this.#parts.upstream.deliver(number, this.#oneShots)) return 'waits';
    return this.#execute(step);
  }

  /** The key sets are asked for as soon as they are due, as a timer would. */
  #refresh(): void {
    const { keeper, clock } = this.#parts;
    if (this.#refreshAt === undefined || this.#refreshAt > clock.now()) return;
    this.#refreshAt = undefined;
    void keeper.refresh().then(({ nextAt, events }) => {
      for (const { kind } of events) this.#parts.tell(`trust point: ${kind}`);
      this.#refreshAt = nextAt;
    });
  }

  /** Whether the query is out that the step waits for; with `copy_id` the entry is the answer to it, too. */
  #takeOut({ entry, address }: Extract<Step, { kind: 'check-out-query' }>): boolean {
    const { upstream, scenario } = this.#parts;
    const found = upstream.outstanding.find(
      (one) =>
        (address === undefined || one.to.ip === address) &&
        matchesQuery(entry, one, scenario.dialect),
    );
    if (found && entry.adjust.includes('copy_id')) upstream.answer(found, entry);
    return found !== undefined;
  }

  #check({ entry, number }: Extract<Step, { kind: 'check-answer' }>): Done {
    const { scenario, tell } = this.#parts;
    const client = this.#clients.find(({ answer }) => answer);
    const got = client?.answer;
    if (!got) return 'waits';
    this.#clients = this.#clients.filter((other) => other !== client);
    const { core, full } = compareAnswer(entry, got, scenario.dialect);
    tell(`step ${number}: ${core ?? full ?? 'as expected'}`);
    if (core) return { failure: core };
    if (full) this.#beyond ??= `step ${number}: ${full}`;
    return 'done';
  }

  #execute(step: Step): Done {
    const { upstream, clock, scenario } = this.#parts;
    switch (step.kind) {
      case 'query':
        this.#lastQuery = step.number;
        this.#ask(step.entry);
        return 'done';
      case 'check-answer':
        return upstream.passTime() ? 'waits' : { failure: 'no answer came' };
      case 'check-out-query':
        if (scenario.dialect === 'deckard' || isPriming(step.entry)) return 'done';
        return { failure: `expected the query ${questionOf(step.entry)}, ${this.#whatIsOut()}` };
      case 'reply':
        return this.#reply(step.entry);
      case 'timeout':
      case 'error': {
        const last = upstream.outstanding.at(-1);
        if (last) upstream.fail(last, step.kind);
        return 'done';
      }
      case 'time-passes':
        // Nobody times out by it: where that is meant, a step says so.
        clock.skip(this.#evaluate(step.seconds) * 1000);
        return 'done';
      case 'traffic':
        return upstream.passTime() ? 'waits' : 'done';
      case 'nothing':
      case 'internal':
        return 'done';
      case 'assign':
        this.#variables.set(step.name, this.#evaluate(step.expression));
        return 'done';
      case 'check-file': {
        const lines = step.lines.map((line) => expand(line, this.#values));
        const difference = compareTrustPoint(lines, this.#parts.keeper.state.points[0]);
        return difference === undefined ? 'done' : { failure: difference };
      }
    }
  }

  #evaluate = (text: string): number => Number(expand(text, this.#values));

  get #values(): MacroValues {
    const now = this.#parts.clock.now();
    const timeout = this.#refreshAt === undefined ? undefined : (this.#refreshAt - now) / 1000;
    return { time: Math.floor(now / 1000), timeout, variables: this.#variables };
  }

  #ask(entry: Entry): void {
    const { answer, scenario } = this.#parts;
    const bytes = entry.raw ?? writeMessage(messageOf(entry, scenario.dialect));
    const client: { answer: Message | undefined } = { answer: undefined };
    // Deckard's raw packets are thrown at the resolver to see whether it lives.
    if (!entry.raw || scenario.dialect === 'unbound') this.#clients.push(client);
    void answer(bytes).then((response) => {
      if (!response) this.#clients = this.#clients.filter((other) => other !== client);
      else client.answer = asSent(response);
      for (const { code } of edesOf(response?.edns)) this.#errors.add(code);
    });
  }

  /** To the latest query that it fits. A reply to priming, which Danelaw does not do, is passed over. */
  #reply(entry: Entry): Done {
    const { upstream, scenario } = this.#parts;
    if (scenario.dialect === 'deckard') {
      this.#oneShots.push(entry);
      return 'done';
    }
    const one = upstream.outstanding.findLast((other) =>
      matchesQuery(entry, other, scenario.dialect),
    );
    if (one) upstream.answer(one, entry);
    else if (!isPriming(entry))
      return { failure: `no query waits for ${questionOf(entry)}, ${this.#whatIsOut()}` };
    return 'done';
  }

  #whatIsOut(): string {
    const out = this.#parts.upstream.outstanding.map(describe);
    return out.length > 0 ? `outstanding are ${out.join('; ')}` : 'none is outstanding';
  }
}

/** All that can happen without another packet or more time has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** As a client reads it. */
function asSent(response: Message): Message {
  const parsed = parseMessage(writeMessage(response));
  if (parsed.kind === 'malformed') throw new TypeError(`our own response: ${parsed.reason}`);
  return parsed.message;
}

const questionOf = ({ question }: Entry): string => `${question?.name} ${question?.type}`;
const isPriming = ({ question }: Entry): boolean => question?.type === 'NS' && question.name.isRoot;
