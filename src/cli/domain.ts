/**
 * `danelaw domain NAME`: what the DNS says of where mail for a domain goes, and which lines of it are proved.
 * @module
 */
import { checkDestination } from '../dane/check.ts';
import { parseDomain } from './arguments.ts';
import { printDomain, viewDomain } from './domain-view.ts';
import { EXIT } from './exit.ts';
import type { DomainWords } from './options.ts';
import { LATE } from './query-view.ts';
import type { Terminal } from './terminal.ts';
import { openResolver, type World, watched, within } from './world.ts';

const PORT = 25;

export async function domain(
  words: DomainWords,
  terminal: Terminal,
  world: World,
): Promise<number> {
  const { name, note } = parseDomain(words.domain);
  if (note !== undefined) terminal.note(`note: ${note}`);
  const here = watched(world, terminal);
  const { lookup } = openResolver(words, here);
  const stsName = name.child('_mta-sts');
  const found = await within(here.environment, words.timeoutMs, (signal) => {
    const stop = signal && { signal };
    return Promise.all([
      checkDestination(name, { lookup, probe: 'none', port: PORT, ...stop }),
      stsName && lookup(stsName, 'TXT', stop),
    ]);
  });
  if (found === 'timed-out') {
    terminal.note(`danelaw: ${LATE}`);
    return EXIT.negative;
  }
  const [checked, sts] = found;
  const { plan } = checked;
  const view = viewDomain({ ...checked, sts, now: here.environment.clock.now(), port: PORT });
  if (words.form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...printDomain(view));
  const isOpen = plan.kind === 'deliver' && plan.hosts.some(({ tls }) => tls !== 'unreachable');
  return isOpen ? EXIT.fine : EXIT.negative;
}
