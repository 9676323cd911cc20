/**
 * The command lines of `danelaw mta-sts`.
 * @module
 */
import type { Name } from '../dns/name.ts';
import { parseDomain } from './arguments.ts';
import { Misuse } from './misuse.ts';
import { HELP, misuse, parse, refuse, SHARED, type SharedOptions, shared } from './options.ts';

const MTA_STS = { ...SHARED, state: { type: 'string' }, 'dry-run': { type: 'boolean' } } as const;

type Task =
  | { readonly action: 'list' | 'purge' }
  | { readonly action: 'show' | 'refresh'; readonly domain: Name };

export type MtaStsWords = SharedOptions &
  Task & {
    /** Folder of what outlives the process. */
    readonly state: string;
    readonly effect: 'real' | 'none';
  };

export function parseMtaSts(args: readonly string[], now: number): MtaStsWords | typeof HELP {
  const { values, positionals } = parse('mta-sts', args, MTA_STS);
  if (values.help) return HELP;
  const task = taskOf(positionals);
  const { state } = values;
  if (state === undefined)
    throw misuse('mta-sts', 'mta-sts needs --state DIR, the folder where policies are kept');
  const isDry = values['dry-run'] === true;
  if (isDry && task.action !== 'purge')
    throw new Misuse(`--dry-run: only purge removes something, ${task.action} does not`);
  return { ...task, state, effect: isDry ? 'none' : 'real', ...shared(values, now) };
}

function taskOf([action, domain, ...surplus]: readonly string[]): Task {
  switch (action) {
    case 'list':
    case 'purge':
      refuse('mta-sts', domain === undefined ? [] : [domain]);
      return { action };
    case 'show':
    case 'refresh':
      if (domain === undefined) throw misuse('mta-sts', `mta-sts ${action} needs a domain`);
      refuse('mta-sts', surplus);
      return { action, domain: parseDomain(domain).name };
    case undefined:
      throw misuse('mta-sts', 'mta-sts needs to know what to do: list, show, refresh or purge');
    default:
      throw misuse('mta-sts', `"${action}" is not known: use list, show, refresh or purge`);
  }
}
