/**
 * `danelaw check DOMAIN`: what a sender does with mail for a domain, and why.
 * @module
 */
import type { NextHop } from '../dane/next-hop.ts';
import type { Lookup } from '../dnssec/outcome.ts';
import { checkMail } from '../mta/check.ts';
import type { Wish } from '../mta/demand.ts';
import { parseDestination } from './arguments.ts';
import type { CheckWords } from './check-options.ts';
import { checkProtocol } from './check-service.ts';
import { type ChosenTerms, readTerms } from './check-terms.ts';
import { type CheckView, printCheck, viewCheck, viewTimeout } from './check-view.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import type { Terminal } from './terminal.ts';
import {
  openResolver,
  policyFetch,
  probeOptions,
  rootsOf,
  type World,
  watched,
  within,
} from './world.ts';

export async function check(words: CheckWords, terminal: Terminal, world: World): Promise<number> {
  const { protocol } = words;
  if (protocol !== undefined) return checkProtocol({ ...words, protocol }, terminal, world);
  const { nextHop, note } = parseDestination(words.domain);
  if (nextHop.port !== undefined && words.port !== undefined)
    throw new Misuse(`"${words.domain}" names a port: leave out --port`);
  const terms = readTerms(words.terms, nextHop, world.environment.clock.now());
  if (note !== undefined) terminal.note(`note: ${note}`);
  const here = watched(world, terminal);
  const { lookup } = openResolver(words, here);
  const view = await viewOf(nextHop, { ...words, terms, lookup, world: here });
  if (words.form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...printCheck(view, terminal.paint));
  return view.action.startsWith('deliver') ? EXIT.fine : EXIT.negative;
}

interface How extends Pick<CheckWords, 'port' | 'probe' | 'mtaSts' | 'timeoutMs'> {
  readonly terms: ChosenTerms;
  readonly wish: Wish;
  readonly lookup: Lookup;
  readonly world: World;
}

/** The check itself, which the demo runs too. */
export async function viewOf(nextHop: NextHop, how: How): Promise<CheckView> {
  const { lookup, port, timeoutMs, world, wish } = how;
  const { clock } = world.environment;
  const start = clock.now();
  const checked = await within(world.environment, timeoutMs, (signal) =>
    checkMail(nextHop, {
      lookup,
      terms: how.terms.terms,
      wish,
      probe: how.probe === 'none' ? 'none' : probeOptions(world),
      fetch: fetchFor(how),
      roots: () => rootsOf(world),
      now: () => clock.now(),
      ...(port !== undefined && { port }),
      ...(signal && { signal }),
    }),
  );
  const milliseconds = clock.now() - start;
  if (checked === 'timed-out') return viewTimeout(nextHop, milliseconds);
  return viewCheck({ ...checked, policy: how.terms.view, wish }, milliseconds);
}

/** Who is to connect to nobody does not connect to policy hosts either. */
function fetchFor({ mtaSts, probe, world }: How) {
  if (mtaSts === 'off') return 'off';
  return probe === 'none' ? 'none' : policyFetch(world);
}
