/**
 * What a command works on: this machine's clock, randomness and network, or a stand-in for all of it.
 *
 * Does not: know options.
 * @module
 */
import type { ProbeOptions } from '../dane/probe.ts';
import { parseMessage } from '../dns/message.ts';
import { defaultPolicy } from '../dnssec/context.ts';
import type { Environment } from '../environment.ts';
import { type FetchPolicy, makeFetchPolicy, webRoots } from '../mta/https.ts';
import { createResolver, type Resolver, type ResolverOptions } from '../resolver/resolver.ts';
import type { PassedSockets } from '../server/listen-passed.ts';
import type { Certificate } from '../tls/certificate.ts';
import { readCredentials } from '../tls/pem.ts';
import type { ResolverChoice } from './options.ts';
import type { Terminal } from './terminal.ts';

export interface World {
  readonly environment: Environment;
  /** Said in EHLO. */
  readonly clientName: string;
  /** Where mail hosts and policy hosts really listen, if not at their addresses. */
  readonly dial?: ProbeOptions['dial'];
  /** PEM certificates of the web's authorities; those that come with Node where it is left out. */
  readonly webRoots?: readonly string[];
  /** Sockets that the service manager has opened for a daemon. */
  readonly passed?: () => PassedSockets;
  /** Resolves when somebody wants a daemon to end. Called once, by daemons only: it takes signals that else would kill. */
  readonly untilStopped?: () => Promise<void>;
}

/** What commands decide, and no word on the command line says. */
export type Manner = Pick<
  ResolverOptions,
  'anchors' | 'cacheBytes' | 'leastTtl' | 'longestTtl' | 'priming' | 'serveStale' | 'reportErrors'
>;

/** Ends with its question: it does not ask the root who serves it (RFC 9609), unless `manner` says otherwise. */
export function openResolver(
  choice: ResolverChoice,
  { environment }: World,
  manner: Manner = {},
): Resolver {
  const { hints, anchors, forward, engine, families, minimisation } = choice;
  const { negativeAnchors, zones, privateAddresses, privateDomains } = choice;
  return createResolver({
    environment,
    policy: defaultPolicy(engine),
    priming: 'off',
    ...(hints && { hints }),
    ...(anchors && { anchors }),
    ...(forward && { forward: [forward] }),
    ...(families && { families }),
    ...(minimisation && { minimisation }),
    ...(negativeAnchors && { negativeAnchors }),
    ...(zones && { zones }),
    ...(privateAddresses && { privateAddresses }),
    ...(privateDomains && { privateDomains }),
    ...manner,
  });
}

/** For a mail host: longer than a busy one takes to greet, shorter than anybody likes to watch. */
const STEP_MS = 15_000;
const TOTAL_MS = 45_000;

export const probeOptions = ({ environment, clientName, dial }: World): ProbeOptions => ({
  clientName,
  now: () => environment.clock.now(),
  stepMs: STEP_MS,
  totalMs: TOTAL_MS,
  ...(dial && { dial }),
});

/** The web's authorities. */
export function rootsOf({ webRoots: roots }: World): readonly Certificate[] {
  if (!roots) return webRoots();
  return roots.flatMap((pem) => {
    const read = readCredentials(Buffer.from(pem));
    const list = read.kind === 'credentials' ? read.list : [];
    return list.flatMap((one) => (one.kind === 'certificate' ? [one.certificate] : []));
  });
}

/** As long as a mail host may take for one step. */
const FETCH_MS = STEP_MS;

/** For MTA-STS policies. */
export const policyFetch = ({ dial, webRoots: roots }: World): FetchPolicy =>
  makeFetchPolicy({ timeoutMs: FETCH_MS, ...(dial && { dial }), ...(roots && { roots }) });

/** The same world, whose every packet and connection shows as progress. */
export function watched(world: World, terminal: Terminal): World {
  const { environment, dial } = world;
  const { transport } = environment;
  return {
    ...world,
    environment: {
      ...environment,
      transport: {
        exchange: (to, query, how) => {
          terminal.progress(`asking ${to.ip}: ${describe(query)}`);
          return transport.exchange(to, query, how);
        },
      },
    },
    dial: (address) => {
      terminal.progress(`connecting to ${address.ip} port ${address.port}`);
      return dial?.(address) ?? address;
    },
  };
}

function describe(query: Uint8Array): string {
  const parsed = parseMessage(query);
  const question = parsed.kind === 'message' ? parsed.message.questions[0] : undefined;
  return question ? `${question.name} ${question.type}` : '';
}

/**
 * Runs `work` under a time limit, by the clock that the work itself goes by.
 * @returns `timed-out` where the limit ended it
 */
export async function within<T>(
  { clock }: Pick<Environment, 'clock'>,
  timeoutMs: number | undefined,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T | 'timed-out'> {
  if (timeoutMs === undefined) return work(undefined);
  const stop = new AbortController();
  const stopAlarm = clock.alarm(timeoutMs, () => stop.abort());
  try {
    return await work(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return 'timed-out';
    throw error;
  } finally {
    stopAlarm();
  }
}
