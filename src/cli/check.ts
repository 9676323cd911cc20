/**
 * `danelaw check DOMAIN`: what a sender does with mail for a domain, and why.
 * @module
 */
import { checkNextHop } from '../dane/check.ts';
import type { NextHop } from '../dane/next-hop.ts';
import { parseDestination } from './arguments.ts';
import { checkProtocol } from './check-service.ts';
import { type CheckView, printCheck, viewCheck, viewTimeout } from './check-view.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import type { CheckWords } from './options.ts';
import type { Terminal } from './terminal.ts';
import { openResolver, probeOptions, type World, watched, within } from './world.ts';

export async function check(words: CheckWords, terminal: Terminal, world: World): Promise<number> {
  const { protocol } = words;
  if (protocol !== undefined) return checkProtocol({ ...words, protocol }, terminal, world);
  const { nextHop, note } = parseDestination(words.domain);
  if (nextHop.port !== undefined && words.port !== undefined)
    throw new Misuse(`"${words.domain}" names a port: leave out --port`);
  if (note !== undefined) terminal.note(`note: ${note}`);
  const here = watched(world, terminal);
  const { lookup } = openResolver(words, here);
  const view = await viewOf(nextHop, { ...words, lookup, world: here });
  if (words.form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...printCheck(view, terminal.paint));
  return view.action.startsWith('deliver') ? EXIT.fine : EXIT.negative;
}

type How = Pick<CheckWords, 'port' | 'probe' | 'timeoutMs' | 'halfDane' | 'mandatory'> & {
  readonly lookup: Parameters<typeof checkNextHop>[1]['lookup'];
  readonly world: World;
};

/** The check itself, which the demo runs too. */
export async function viewOf(nextHop: NextHop, how: How): Promise<CheckView> {
  const { lookup, port, halfDane, mandatory, timeoutMs, world } = how;
  const { clock } = world.environment;
  const start = clock.now();
  const probe = how.probe === 'none' ? 'none' : probeOptions(world);
  const checked = await within(world.environment, timeoutMs, (signal) =>
    checkNextHop(nextHop, {
      lookup,
      probe,
      ...(port !== undefined && { port }),
      halfDane,
      mandatory,
      ...(signal && { signal }),
    }),
  );
  const milliseconds = clock.now() - start;
  return checked === 'timed-out'
    ? viewTimeout(nextHop, milliseconds)
    : viewCheck(checked, milliseconds);
}
