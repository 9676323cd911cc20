/**
 * `danelaw mta-sts`: the MTA-STS policies that are kept, in the words of Momentum's console.
 * @module
 */
import { join } from 'node:path';
import { printHost } from '../dane/attempt.ts';
import type { Name } from '../dns/name.ts';
import { makeFetchPolicy } from '../mta/https.ts';
import { type KeptPolicy, type Refreshed, StsCache } from '../mta/mta-sts.ts';
import { isCurrent, type StsPolicy } from '../mta/sts-policy.ts';
import { loadPolicies, savePolicies } from '../mta/sts-store-file.ts';
import { findStsRecord } from '../mta/sts-txt.ts';
import { printPolicies, printSts } from '../mta/sts-view.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import type { MtaStsWords } from './mta-sts-options.ts';
import type { Terminal } from './terminal.ts';
import { openResolver, type World, watched, within } from './world.ts';

interface Opened {
  readonly words: MtaStsWords;
  readonly terminal: Terminal;
  readonly world: World;
  readonly file: string;
  readonly kept: readonly KeptPolicy[];
  /** When the file was read, milliseconds since 1970. */
  readonly now: number;
}

export async function mtaSts(
  words: MtaStsWords,
  terminal: Terminal,
  world: World,
): Promise<number> {
  const file = join(words.state, 'mta-sts');
  const now = world.environment.clock.now();
  const loaded = await loadPolicies(file, now);
  if (loaded.kind === 'refused')
    throw new Misuse(`--state: ${loaded.why}; look at it, or give another folder`);
  const kept = loaded.kind === 'policies' ? loaded.policies : [];
  const opened = { words, terminal, world: watched(world, terminal), file, kept, now };
  switch (words.action) {
    case 'list':
      return list(opened);
    case 'purge':
      return purge(opened);
    case 'show':
      return show(opened, words.domain);
    case 'refresh':
      return refresh(opened, words.domain);
  }
}

function list({ words, terminal, kept, now }: Opened): number {
  const current = kept.filter(({ policy }) => isCurrent(policy, now));
  const domains = current.map(({ domain, policy }) => viewPolicy(domain, policy));
  tell(words, terminal, { domains }, printPolicies(current));
  return EXIT.fine;
}

async function purge({ words, terminal, file, kept, now }: Opened): Promise<number> {
  const current = kept.filter(({ policy }) => isCurrent(policy, now));
  const expired = kept
    .filter((one) => !current.includes(one))
    .map(({ domain }) => printHost(domain));
  if (words.effect === 'real' && expired.length > 0)
    refuseUnsaved(await savePolicies(file, current, now));
  const verb = words.effect === 'real' ? 'Removed' : 'To remove';
  const lines = [...expired, `${verb}: ${expired.length}, kept: ${current.length}`];
  tell(words, terminal, { expired, kept: current.length }, lines);
  return EXIT.fine;
}

async function show(opened: Opened, domain: Name): Promise<number> {
  const { words, terminal, world, kept } = opened;
  const { clock } = world.environment;
  const { lookup } = openResolver(words, world);
  const record = await within(world.environment, words.timeoutMs, (signal) =>
    findStsRecord(domain, lookup, { now: clock.now(), ...(signal && { signal }) }),
  );
  if (record === 'timed-out') return timedOut(words, terminal, domain);
  const now = clock.now();
  const found = kept.find((one) => one.domain.equals(domain))?.policy;
  const policy = found && isCurrent(found, now) ? found : undefined;
  const view = { domain: printHost(domain), record, policy: policy && viewPolicy(domain, policy) };
  tell(words, terminal, view, printSts({ domain, record, policy, now }));
  return policy ? EXIT.fine : EXIT.negative;
}

async function refresh(opened: Opened, domain: Name): Promise<number> {
  const { words, terminal, world, file, kept } = opened;
  const { clock } = world.environment;
  const { lookup } = openResolver(words, world);
  let unsaved: string | undefined;
  const fetch = makeFetchPolicy({
    ...(world.webRoots && { roots: world.webRoots }),
    ...(world.dial && { dial: world.dial }),
  });
  const store = {
    save: async (policies: readonly KeptPolicy[], now: number) => {
      unsaved = await savePolicies(file, policies, now);
    },
  };
  const cache = new StsCache({ lookup, fetch, clock, store, kept });
  const refreshed = await within(world.environment, words.timeoutMs, (signal) =>
    Promise.race([cache.refresh(domain), untilAborted(signal)]),
  );
  if (refreshed === 'timed-out') return timedOut(words, terminal, domain);
  await cache.saved();
  refuseUnsaved(unsaved);
  const { policy, trouble } = refreshed;
  const view = { domain: printHost(domain), policy: policy && viewPolicy(domain, policy), trouble };
  tell(words, terminal, view, [printRefreshed(domain, refreshed)]);
  return trouble ? EXIT.negative : EXIT.fine;
}

const untilAborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

function printRefreshed(domain: Name, { policy, trouble }: Refreshed): string {
  const name = printHost(domain);
  if (!trouble) return `MTA-STS policy for ${name} refreshed.`;
  const why = `${trouble.result} (${trouble.reason})`;
  const head = `MTA-STS policy for ${name} not refreshed: ${why}`;
  return policy ? `${head}; ${policy.mode} counts until ${expiryOf(policy)}` : head;
}

const expiryOf = ({ fetchedAt, maxAge }: StsPolicy): string => printTime(fetchedAt + maxAge * 1000);
const printTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const viewPolicy = (domain: Name, policy: StsPolicy) => ({
  domain: printHost(domain),
  id: policy.id,
  mode: policy.mode,
  maxAge: policy.maxAge,
  mx: policy.mx,
  fetchedAt: printTime(policy.fetchedAt),
  expiresAt: expiryOf(policy),
});

function tell(
  { form }: MtaStsWords,
  terminal: Terminal,
  view: unknown,
  lines: readonly string[],
): void {
  if (form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...lines);
}

function timedOut(words: MtaStsWords, terminal: Terminal, domain: Name): number {
  const name = printHost(domain);
  tell(words, terminal, { domain: name, timedOut: true }, [`${name}: the time is up`]);
  return EXIT.negative;
}

function refuseUnsaved(why: string | undefined): void {
  if (why !== undefined) throw new Misuse(`--state: ${why}`);
}
