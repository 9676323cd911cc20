/**
 * `danelaw check DOMAIN`: what a sender does with mail for a domain, and why.
 * @module
 */
import { checkDestination } from '../dane/check.ts';
import type { Name } from '../dns/name.ts';
import { parseDomain } from './arguments.ts';
import { type CheckView, printCheck, viewCheck, viewTimeout } from './check-view.ts';
import { EXIT } from './exit.ts';
import type { CheckWords } from './options.ts';
import type { Terminal } from './terminal.ts';
import { openResolver, probeOptions, type World, watched, within } from './world.ts';

export async function check(words: CheckWords, terminal: Terminal, world: World): Promise<number> {
  const { name, note } = parseDomain(words.domain);
  if (note !== undefined) terminal.note(`note: ${note}`);
  const here = watched(world, terminal);
  const { lookup } = openResolver(words, here);
  const view = await viewOf(name, { ...words, lookup, world: here });
  if (words.form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...printCheck(view, terminal.paint));
  return view.action.startsWith('deliver') ? EXIT.fine : EXIT.negative;
}

type How = Pick<CheckWords, 'port' | 'probe' | 'timeoutMs' | 'halfDane' | 'mandatory'> & {
  readonly lookup: Parameters<typeof checkDestination>[1]['lookup'];
  readonly world: World;
};

/** The check itself, which the demo runs too. */
export async function viewOf(domain: Name, how: How): Promise<CheckView> {
  const { lookup, port, halfDane, mandatory, timeoutMs, world } = how;
  const { clock } = world.environment;
  const start = clock.now();
  const probe = how.probe === 'none' ? 'none' : probeOptions(world);
  const checked = await within(world.environment, timeoutMs, (signal) =>
    checkDestination(domain, {
      lookup,
      probe,
      port,
      halfDane,
      mandatory,
      ...(signal && { signal }),
    }),
  );
  const milliseconds = clock.now() - start;
  return checked === 'timed-out'
    ? viewTimeout(domain, milliseconds)
    : viewCheck(checked, milliseconds);
}
