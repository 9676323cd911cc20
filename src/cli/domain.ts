/**
 * `danelaw domain NAME`: what the DNS says of where mail for a domain goes, and which lines of it are proved.
 * @module
 */
import { checkDestination } from '../dane/check.ts';
import { seeSts } from '../mta/check.ts';
import { DEFAULT_TERMS } from '../mta/terms.ts';
import { parseDomain } from './arguments.ts';
import { printDomain, viewDomain } from './domain-view.ts';
import { EXIT } from './exit.ts';
import type { DomainWords } from './options.ts';
import { LATE } from './query-view.ts';
import type { Terminal } from './terminal.ts';
import { openResolver, policyFetch, type World, watched, within } from './world.ts';

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
  const { clock } = here.environment;
  const sts = { lookup, now: () => clock.now(), fetch: policyFetch(here), terms: DEFAULT_TERMS };
  const found = await within(here.environment, words.timeoutMs, (signal) =>
    Promise.all([
      checkDestination(name, { lookup, probe: 'none', port: PORT, ...(signal && { signal }) }),
      seeSts({ kind: 'domain', name }, { ...sts, ...(signal && { signal }) }),
    ]),
  );
  if (found === 'timed-out') {
    terminal.note(`danelaw: ${LATE}`);
    return EXIT.negative;
  }
  const [checked, seen] = found;
  const { plan } = checked;
  const shown = { ...checked, sts: seen, now: clock.now(), port: PORT };
  if (words.form === 'json') terminal.print(JSON.stringify(viewDomain(shown), undefined, 2));
  else terminal.print(...printDomain(shown));
  const isOpen = plan.kind === 'deliver' && plan.hosts.some(({ tls }) => tls !== 'unreachable');
  return isOpen ? EXIT.fine : EXIT.negative;
}
