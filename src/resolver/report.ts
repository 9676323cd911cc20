/**
 * Tells the servers of a zone what is wrong with it, if they want to know: DNS error reporting, RFC 9567.
 *
 * A server that wants reports names an agent in its replies. A reply that turns out bogus then causes one question to that
 * agent, whose name says what failed and why; the answer says nothing, and as long as it is in the cache the same report
 * is not made again (section 6.1). Nobody waits for it. Off unless the resolver is told otherwise: whoever breaks a zone of his
 * own chooses where the questions go (section 9), and they tell what somebody has asked for.
 * Does not: report what no server can help, such as silence, a forwarder, or an anchor that is out of date here.
 * @module
 */
import { codeOf } from '../dns/codes.ts';
import type { Question } from '../dns/message.ts';
import { Name } from '../dns/name.ts';
import { failed } from '../dnssec/outcome.ts';
import { type BogusReason, explain } from '../dnssec/reason.ts';
import type { Clock } from '../environment.ts';
import type { Found } from './find.ts';

/** The label that a report begins with, and that stands before the agent's name. */
const MARK = '_er';
/** Reports under way: each is a question of its own, with all that a question may spend. */
const MAX_UNDER_WAY = 10;
/** A minute's, whatever breaks: section 9 fears floods of them, not the loss of one. */
const MAX_A_MINUTE = 60;
const MINUTE_MS = 60_000;
/** Faults that lie on our side of the wire (section 9). */
const OURS: ReadonlySet<BogusReason> = new Set(['anchor-outdated', 'signatures-stripped']);

/**
 * Section 6.1.1: `_er.15.www.example.com.9._er.agent.example.`
 * @returns `undefined` where that has more than 255 octets: it is not sent
 */
export function reportName({ name, type }: Question, code: number, agent: Name): Name | undefined {
  const wire = Uint8Array.of(
    ...labels(MARK, codeOf(type)),
    ...name.wire.subarray(0, -1), // without the root
    ...labels(code, MARK),
    ...agent.wire,
  );
  return wire.length > MAX_NAME ? undefined : Name.fromWire(wire);
}

/** RFC 1035 section 2.3.4. */
const MAX_NAME = 255;

/** What a finding is reported as, and to whom; `undefined` where it is not. */
export function planReport({ question, finding, zone, source }: Found): Name | undefined {
  const agent = source?.reply.agent;
  if (!agent || !source || !failed(finding) || finding.status !== 'bogus') return undefined;
  if (source.cut.role === 'forwarder' || OURS.has(finding.reason)) return undefined;
  // Below the broken zone nobody could be asked; and a report about a report would have no end.
  if (agent.isAtOrBelow(zone) || isReport(question.name)) return undefined;
  const code = explain(finding.reason).ede;
  return code === undefined ? undefined : reportName(question, code, agent);
}

const labels = (...words: readonly (string | number)[]): readonly number[] =>
  words.flatMap((word) => [String(word).length, ...Buffer.from(String(word), 'latin1')]);

/** The key of a name has its letters in lower case. */
const isReport = ({ key }: Name): boolean => key.startsWith(REPORT);
const REPORT = Name.parse(MARK).key.slice(0, -1);

/** Sends reports, so many at a time and in a minute; the rest are dropped. */
export class Reporter {
  readonly #ask: (name: Name) => Promise<unknown>;
  readonly #clock: Clock;
  #underWay = 0;
  #since = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** @param ask  asks for TXT, from the cache if it is there; what fails in it is not reported */
  constructor(clock: Clock, ask: (name: Name) => Promise<unknown>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  report(found: Found): void {
    const name = planReport(found);
    if (!name || this.#underWay >= MAX_UNDER_WAY || !this.#takeTurn()) return;
    this.#underWay += 1;
    void this.#ask(name).finally(() => {
      this.#underWay -= 1;
    });
  }

  /** A clock that is put back begins a minute anew. */
  #takeTurn(): boolean {
    const now = this.#clock.now();
    if (now < this.#since || now - this.#since >= MINUTE_MS) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= MAX_A_MINUTE;
  }
}
