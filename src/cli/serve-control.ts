/**
 * The commands of a running daemon: what `danelaw control` asks for.
 * @module
 */
import type { NegativeAnchors } from '../dnssec/negative-anchors.ts';
import type { Clock } from '../environment.ts';
import type { Resolver } from '../resolver/resolver.ts';
import type { Control, ControlAnswer } from '../server/control.ts';
import { parseName, parseNegativeAnchors, parseQueryType } from './arguments.ts';
import { Misuse } from './misuse.ts';
import { printOutcome, viewOutcome } from './query-view.ts';

export interface ControlParts {
  readonly resolver: Pick<Resolver, 'lookup' | 'forget'>;
  readonly negativeAnchors: NegativeAnchors;
  readonly clock: Clock;
  /** The metrics as they stand. */
  readonly stats: () => string;
  /** Told of what changes the daemon's judgement. */
  readonly tell: (words: Readonly<Record<string, string>>) => void;
}

export const CONTROL_COMMANDS =
  'stats, flush NAME, explain NAME TYPE, nta list, nta add, nta remove';

export function makeControl(parts: ControlParts): Control {
  return async (words) => {
    try {
      return { kind: 'done', text: await carryOut(parts, words) };
    } catch (error) {
      if (!(error instanceof Misuse)) throw error;
      const refused: ControlAnswer = { kind: 'refused', text: error.message };
      return refused;
    }
  };
}

async function carryOut(parts: ControlParts, words: readonly string[]): Promise<string> {
  const [command, ...rest] = words;
  switch (command) {
    case 'stats':
      none(rest);
      return parts.stats().trimEnd();
    case 'flush': {
      const [name] = exactly(rest, ['NAME']);
      return `${parts.resolver.forget(parseName(name ?? '').name)} entries forgotten`;
    }
    case 'explain': {
      const [name = '', type = ''] = exactly(rest, ['NAME', 'TYPE']);
      return explain(parts, name, type);
    }
    case 'nta':
      return negative(parts, rest);
    default:
      throw new Misuse(`${JSON.stringify(command ?? '')} is not known: use ${CONTROL_COMMANDS}`);
  }
}

async function explain({ resolver }: ControlParts, name: string, type: string): Promise<string> {
  const outcome = await resolver.lookup(parseName(name).name, parseQueryType(type));
  return printOutcome(viewOutcome(outcome, 'shown'), (_tone, text) => text).join('\n');
}

function negative(
  { negativeAnchors, clock, tell, resolver }: ControlParts,
  [action, ...rest]: readonly string[],
): string {
  const now = clock.now();
  switch (action) {
    case 'list': {
      none(rest);
      const all = negativeAnchors.list(now).map(printAnchor);
      return all.length > 0 ? all.join('\n') : 'there is none';
    }
    case 'add': {
      const [added] = parseNegativeAnchors([rest.join(' ')], now).list(now);
      if (!added) throw new Misuse('it is over already');
      const { name, reason, expiresAt } = added;
      negativeAnchors.add(name, { reason, now, lifetimeMs: expiresAt - now });
      resolver.forget(name);
      const until = new Date(expiresAt).toISOString();
      tell({ event: 'nta-added', name: String(name), until, why: reason });
      return printAnchor(added);
    }
    case 'remove': {
      const [text = ''] = exactly(rest, ['NAME']);
      const { name } = parseName(text);
      if (!negativeAnchors.remove(name)) throw new Misuse(`there is none at ${name}`);
      resolver.forget(name);
      tell({ event: 'nta-removed', name: String(name) });
      return `${name} is validated again`;
    }
    default:
      throw new Misuse("use nta list, nta add 'NAME UNTIL REASON' or nta remove NAME");
  }
}

const printAnchor = (anchor: ReturnType<NegativeAnchors['list']>[number]): string =>
  `${anchor.name} ${new Date(anchor.expiresAt).toISOString()} ${anchor.reason}`;

function exactly(words: readonly string[], wanted: readonly string[]): readonly string[] {
  if (words.length !== wanted.length)
    throw new Misuse(`it takes ${wanted.join(' and ')}, and nothing else`);
  return words;
}

const none = (words: readonly string[]): void => {
  if (words.length > 0) throw new Misuse('it takes nothing');
};
