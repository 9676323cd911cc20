/**
 * What a daemon has beside its listeners: metrics and health over HTTP, and a control socket.
 *
 * Does not: answer DNS clients.
 * @module
 */
import type { NegativeAnchors } from '../dnssec/negative-anchors.ts';
import type { Clock } from '../environment.ts';
import type { Resolver } from '../resolver/resolver.ts';
import { type Daemon, named } from '../server/daemon.ts';
import { listenControl } from '../server/listen-control.ts';
import { listenHttp, type Page, type Pages } from '../server/listen-http.ts';
import { logfmt } from '../server/logfmt.ts';
import { type MxLookups, printMetrics } from '../server/metrics.ts';
import type { Health, Watch } from '../server/watch.ts';
import { Misuse } from './misuse.ts';
import { makeControl } from './serve-control.ts';
import type { ServeWords } from './serve-options.ts';

export interface SideParts {
  readonly watch: Watch;
  readonly daemon: Daemon;
  readonly resolver: Resolver;
  readonly negativeAnchors: NegativeAnchors;
  readonly clock: Clock;
  /** What became of MX look-ups, where the policy limits them. */
  readonly mxLookups?: () => MxLookups;
  readonly tell: (line: string) => void;
  readonly report: (error: unknown) => void;
}

export interface Sides {
  close(): Promise<void>;
}

/** Opens what is wanted, or nothing. */
export async function openSides(words: ServeWords, parts: SideParts): Promise<Sides> {
  const open: Sides[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map((one) => one.close()));
  };
  try {
    if (words.metrics) open.push(await openHttp(words.metrics, parts));
    if (words.control !== undefined) open.push(await openControl(words.control, parts));
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

const statsOf = ({ watch, daemon, resolver, mxLookups }: SideParts): string =>
  printMetrics(watch, {
    ...daemon.load(),
    held: resolver.held(),
    ...(mxLookups && { mxLookups: mxLookups() }),
  });

async function openHttp(to: NonNullable<ServeWords['metrics']>, parts: SideParts): Promise<Sides> {
  const pages: Pages = {
    '/metrics': () => ({ status: 200, body: statsOf(parts) }),
    '/health': () => healthPage(parts.watch.health),
  };
  const http = await named(to, 'http', listenHttp(to, pages));
  const { ip, port } = http.at;
  parts.tell(`metrics on http://${ip.includes(':') ? `[${ip}]` : ip}:${port}/metrics`);
  return http;
}

const healthPage = (health: Health): Page =>
  health.kind === 'fine'
    ? { status: 200, body: 'fine\n' }
    : { status: 503, body: `nothing can be proved; likely ${health.cause}\n` };

async function openControl(path: string, parts: SideParts): Promise<Sides> {
  const control = makeControl({
    ...parts,
    stats: () => statsOf(parts),
    tell: (words) => parts.tell(logfmt(words)),
  });
  try {
    return await listenControl(path, control, parts.report);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const advice =
      code === 'EADDRINUSE'
        ? 'another daemon answers there: stop it, or give another path'
        : 'give a path in a folder that the daemon may write to';
    throw new Misuse(`--control: ${path}: ${code}; ${advice}`);
  }
}
