/**
 * Look-ups told to the operator, by level and subsystem: Momentum's `Debug_Flags { WARNING = (DANE) }`.
 *
 * Each level is switched on for itself, as there. Does not: write anywhere.
 * @module
 */
import { failed, type Lookup, type Outcome } from '../dnssec/outcome.ts';
import { REASONS } from '../dnssec/reason.ts';

/** What was told to be false, what could not be had, and what was learnt. */
export const LEVELS = ['WARNING', 'NOTICE', 'DEBUG'] as const;
export type Level = (typeof LEVELS)[number];

/** TLSA look-ups, and all others. */
export const SUBSYSTEMS = ['DANE', 'DNS'] as const;
export type Subsystem = (typeof SUBSYSTEMS)[number];

export type DebugFlags = ReadonlyMap<Level, readonly Subsystem[]>;

/**
 * `lookup`, with a line for each outcome that the flags ask for.
 * @param tell  gets `WARNING DANE: _25._tcp.mx.example.com. TLSA: bogus, no signature over the record set verifies`
 */
export function logLookups(
  lookup: Lookup,
  flags: DebugFlags,
  tell: (line: string) => void,
): Lookup {
  return async (name, type, options) => {
    const outcome = await lookup(name, type, options);
    const level = levelOf(outcome);
    const subsystem = type === 'TLSA' ? 'DANE' : 'DNS';
    if (flags.get(level)?.includes(subsystem))
      tell(`${level} ${subsystem}: ${name} ${type}: ${describe(outcome)}`);
    return outcome;
  };
}

function levelOf({ status }: Outcome): Level {
  switch (status) {
    case 'bogus':
      return 'WARNING';
    case 'indeterminate':
      return 'NOTICE';
    case 'secure':
    case 'insecure':
      return 'DEBUG';
  }
}

const describe = (outcome: Outcome): string =>
  failed(outcome)
    ? `${outcome.status}, ${REASONS[outcome.reason].text}`
    : `${outcome.status} ${outcome.answer.kind}`;
