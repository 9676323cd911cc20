/**
 * `danelaw domain NAME`: what the DNS says of where mail for a domain goes, and which lines of it are proved.
 * @module
 */
import { checkDestination } from '../dane/check.ts';
import type { Name } from '../dns/name.ts';
import type { Lookup } from '../dnssec/outcome.ts';
import { StsCache } from '../mta/mta-sts.ts';
import { findStsRecord } from '../mta/sts-txt.ts';
import { parseDomain } from './arguments.ts';
import { printDomain, type ShownSts, viewDomain } from './domain-view.ts';
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
  const found = await within(here.environment, words.timeoutMs, (signal) =>
    Promise.all([
      checkDestination(name, { lookup, probe: 'none', port: PORT, ...(signal && { signal }) }),
      findSts(name, lookup, here, signal),
    ]),
  );
  if (found === 'timed-out') {
    terminal.note(`danelaw: ${LATE}`);
    return EXIT.negative;
  }
  const [checked, sts] = found;
  const { plan } = checked;
  const shown = { ...checked, sts, now: here.environment.clock.now(), port: PORT };
  if (words.form === 'json') terminal.print(JSON.stringify(viewDomain(shown), undefined, 2));
  else terminal.print(...printDomain(shown));
  const isOpen = plan.kind === 'deliver' && plan.hosts.some(({ tls }) => tls !== 'unreachable');
  return isOpen ? EXIT.fine : EXIT.negative;
}

/** The record, and its policy where there is one. */
async function findSts(
  name: Name,
  lookup: Lookup,
  world: World,
  signal: AbortSignal | undefined,
): Promise<ShownSts> {
  const { clock } = world.environment;
  const stop = signal && { signal };
  const record = await findStsRecord(name, lookup, { now: clock.now(), ...stop });
  if (record.kind !== 'id') return { record, policy: undefined, trouble: undefined };
  const fetch = policyFetch(world);
  const cache = new StsCache({ lookup, fetch, clock });
  const found = await cache.find(name, signal);
  const policy = cache.policies[0]?.policy; // the ones that say none, too
  const trouble = found.kind === 'failed' ? `${found.result}: ${found.reason}` : undefined;
  return { record, policy, trouble };
}
