/**
 * `danelaw check --protocol NAME`: what a client of IMAP, POP3, submission or XMPP does with the servers of a domain.
 *
 * By SRV records (RFC 7673); a domain without them, or one with a port, is a host itself. Does not: log in.
 * @module
 */
import { checkService, type Target } from '../dane/service-check.ts';
import type { Name } from '../dns/name.ts';
import { connectService } from '../tls/connect-service.ts';
import { PROTOCOLS, type ProtocolName } from '../tls/protocols.ts';
import { parseDomain } from './arguments.ts';
import { printService, viewService } from './check-service-view.ts';
import { EXIT } from './exit.ts';
import type { SharedOptions } from './options.ts';
import { LATE } from './query-view.ts';
import type { Terminal } from './terminal.ts';
import { openResolver, probeOptions, rootsOf, type World, watched, within } from './world.ts';

export interface ServiceWords extends SharedOptions {
  readonly domain: string;
  readonly protocol: ProtocolName;
  /** The domain is a host, and serves there. */
  readonly port: number | undefined;
  readonly probe: 'live' | 'none';
}

export async function checkProtocol(
  words: ServiceWords,
  terminal: Terminal,
  world: World,
): Promise<number> {
  const { name, note } = parseDomain(words.domain);
  if (note !== undefined) terminal.note(`note: ${note}`);
  const here = watched(world, terminal);
  const checked = await within(here.environment, words.timeoutMs, (signal) =>
    checkAt(name, words, here, signal),
  );
  if (checked === 'timed-out') {
    terminal.note(`danelaw: ${LATE}`);
    return EXIT.negative;
  }
  const view = viewService(checked, words.protocol);
  if (words.form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...printService(view, terminal.paint));
  return view.action === 'connect' || view.action === 'planned' ? EXIT.fine : EXIT.negative;
}

async function checkAt(
  name: Name,
  words: ServiceWords,
  world: World,
  signal: AbortSignal | undefined,
) {
  const { protocol, port, probe } = words;
  const { lookup } = openResolver(words, world);
  const { now, ...options } = probeOptions(world);
  const domain = name.toString().replace(/\.$/, '');
  const stop = signal && { signal };
  const how = {
    lookup,
    random: world.environment.random,
    roots: rootsOf(world),
    now,
    connect:
      probe === 'none'
        ? ('none' as const)
        : (to: Parameters<typeof connectService>[0], serverName: string) =>
            connectService(to, { ...options, ...stop, protocol, domain, serverName }),
    ...stop,
  };
  const host = (at: number): Target => ({ kind: 'host', host: name, port: at });
  if (port !== undefined) return checkService(host(port), how);
  const checked = await checkService({ kind: 'service', service: protocol, domain: name }, how);
  const { plan } = checked;
  const isNowhere = plan.kind === 'none' && plan.why === 'no-srv';
  return isNowhere ? checkService(host(PROTOCOLS[protocol].port), how) : checked;
}
