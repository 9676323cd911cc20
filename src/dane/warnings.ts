/**
 * What whoever runs a zone should know although the answer stands: servers that do not answer, or deny what there is.
 *
 * Implements RFC 7672 section 2.1.2 as far as it is about broken servers (TLSA questions without an answer), and RFC 8020
 * section 2 (NXDOMAIN for an empty non-terminal denies all that lies below). Does not: decide anything.
 * @module
 */
import type { Question } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import { failed, type Outcome, type Step } from '../dnssec/outcome.ts';
import { printHost } from './attempt.ts';

export type Warning =
  /** The server gave nothing of use for a TLSA question, as often as it was asked; another one did. */
  | {
      readonly kind: 'unanswered';
      readonly zone: Name;
      readonly server: string;
      readonly question: Question;
      /** `timeout`, `servfail`, `notimp` ... */
      readonly result: string;
    }
  /** The server says that a name does not exist, and yet there are records below it. */
  | {
      readonly kind: 'false-nxdomain';
      readonly zone: Name;
      readonly server: string;
      readonly name: Name;
      readonly below: Name;
    };

type Exchange = Extract<Step, { kind: 'exchange' }>;

/** Each once, in the order of the outcomes. Those that failed say themselves what is wrong. */
export function findWarnings(outcomes: readonly Outcome[]): readonly Warning[] {
  const all = outcomes
    .filter((outcome) => !failed(outcome))
    .flatMap((outcome) => [...findUnanswered(outcome), ...findFalseNxdomain(outcome)]);
  const lines = all.map(printWarning);
  return all.filter((_, i) => lines.indexOf(lines[i] ?? '') === i);
}

/** One clause for people. */
export function printWarning(warning: Warning): string {
  const { zone, server } = warning;
  const who = `server ${server} of ${printHost(zone)}`;
  switch (warning.kind) {
    case 'unanswered':
      return `${who} does not answer TLSA questions (${warning.result}): ${printHost(warning.question.name)}`;
    case 'false-nxdomain':
      return `${who} says that ${printHost(warning.name)} does not exist, but ${printHost(warning.below)} does`;
  }
}

const exchangesOf = ({ trace }: Outcome): readonly Exchange[] =>
  trace.flatMap((step) => (step.kind === 'exchange' ? [step] : []));

function findUnanswered(outcome: Outcome): Warning[] {
  const about = exchangesOf(outcome).filter(({ question }) => question.type === 'TLSA');
  const isTo = (one: Exchange) => (other: Exchange) =>
    other.server === one.server && other.question.name.equals(one.question.name);
  return about
    .filter((one) => !about.filter(isTo(one)).some(isOfUse))
    .map(({ zone, server, question, result }) => ({
      kind: 'unanswered',
      zone,
      server,
      question,
      result,
    }));
}

const USES: ReadonlySet<string> = new Set(['answer', 'nodata', 'nxdomain']);
const isOfUse = ({ result }: Exchange): boolean =>
  USES.has(result) || result.startsWith('referral ');

function findFalseNxdomain(outcome: Outcome): Warning[] {
  const { question, aliases } = outcome;
  if (failed(outcome) || (aliases.length === 0 && outcome.answer.kind !== 'records')) return [];
  return exchangesOf(outcome)
    .filter(
      ({ result, question: { name } }) => result === 'nxdomain' && question.name.isBelow(name),
    )
    .map(({ zone, server, question: { name } }) => ({
      kind: 'false-nxdomain',
      zone,
      server,
      name,
      below: question.name,
    }));
}
