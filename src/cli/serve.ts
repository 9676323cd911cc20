/**
 * `danelaw serve`: the resolver for the programs of this machine, until it is told to stop.
 * @module
 */
import { ROOT } from '../dns/name.ts';
import { type Anchors, ROOT_ANCHORS } from '../dnssec/anchors.ts';
import { defaultPolicy } from '../dnssec/context.ts';
import { NegativeAnchors } from '../dnssec/negative-anchors.ts';
import type { ServerAddress } from '../environment.ts';
import { refreshOutdated } from '../resolver/outdated.ts';
import type { Resolver } from '../resolver/resolver.ts';
import { DEFAULT_LISTENERS, isLoopback } from '../server/access.ts';
import { makeAnswerQuery } from '../server/answer.ts';
import { ListenError, startDaemon } from '../server/daemon.ts';
import {
  type FollowedAnchors,
  type FollowingParts,
  followAnchors,
  openAnchors,
} from '../server/followed-anchors.ts';
import { fetchAhead } from '../server/prefetch.ts';
import { Watch } from '../server/watch.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import type { ServeWords } from './serve-options.ts';
import {
  type Limited,
  openPolicy,
  refuseUnlessValidating,
  ttlManner,
  underPolicy,
} from './serve-policy.ts';
import { openSides } from './serve-sides.ts';
import type { Terminal } from './terminal.ts';
import { type Manner, openResolver, type World } from './world.ts';

export async function serve(given: ServeWords, terminal: Terminal, world: World): Promise<number> {
  const { negativeAnchors = new NegativeAnchors() } = given;
  // The list is there even where it is empty: the control socket adds to it.
  const words = { ...given, negativeAnchors };
  const tell = (line: string): void => terminal.note(`danelaw: ${line}`);
  const { clock } = world.environment;
  const report = (error: unknown): void =>
    terminal.note(`danelaw: internal error: ${inOneLine(error)}; please report it`);
  const policy = words.policy === undefined ? undefined : openPolicy(words.policy, terminal);
  const ttls = policy && ttlManner(policy, words);
  if (words.purpose === 'check') {
    terminal.print('The configuration is fine.');
    return EXIT.fine;
  }
  const watch = new Watch({
    clock,
    tell: (line) => (words.log === 'none' ? undefined : tell(line)),
  });
  const { environment } = world;
  const transport = watch.count(environment.transport);
  const counted = { ...world, environment: { ...environment, transport } };
  const { resolver: opened, anchors } = await openServing(words, counted, {
    tell,
    report,
    ...(ttls && { ttls }),
  });
  if (policy) await refuseUnlessValidating(policy, words, opened, { terminal, world });
  const limited: Limited = policy
    ? underPolicy(policy, opened, { terminal, world })
    : { resolver: opened };
  const { resolver: asked, mxLookups } = limited;
  const resolver = { ...asked, lookup: watch.watch(fetchAhead({ ...asked, clock })) };
  const stopped = world.untilStopped?.() ?? new Promise<void>(() => {});
  const daemon = await startDaemon({
    ...placesOf(words, world),
    ...(words.allow && { allow: words.allow }),
    clock,
    answer: makeAnswerQuery(resolver, {
      withoutRecursion: 'refused',
      rootAnchor: () => anchors.anchors().get(ROOT.key),
    }),
    report,
    responded: (rcode, over) => watch.responded(rcode, over),
  }).catch(misuseOf);
  const openBeside = async () => {
    refuseOpen(daemon.listeners, words);
    const parts = { watch, daemon, resolver, negativeAnchors, clock, tell, report };
    return openSides(words, { ...parts, ...(mxLookups && { mxLookups }) });
  };
  const sides = await openBeside().catch(async (error: unknown) => {
    await daemon.stop();
    return misuseOf(error);
  });
  terminal.note(`danelaw: listening on ${daemon.listeners.map(textOf).join(' and ')}`);
  anchors.start();
  await stopped;
  await Promise.all([daemon.stop(), anchors.stop(), sides.close()]);
  return EXIT.fine;
}

/** Sockets that were passed take the place of the usual listeners, and stand beside those that somebody has named. */
function placesOf({ listeners }: ServeWords, { passed }: World) {
  const given = passed?.() ?? { kind: 'sockets', sockets: [] };
  if (given.kind === 'refused')
    throw new Misuse(`LISTEN_FDS: ${given.why}; look at the socket unit`);
  const isUsual = listeners === DEFAULT_LISTENERS && given.sockets.length > 0;
  return { listeners: isUsual ? [] : listeners, passed: given.sockets };
}

/** What was passed is looked at as what is named. */
function refuseOpen(places: readonly ServerAddress[], { allow }: ServeWords): void {
  const open = places.find(({ ip }) => !isLoopback(ip));
  if (open && !allow)
    throw new Misuse(`${open.ip} is open to others: say with --allow whose questions are answered`);
}

interface Serving {
  readonly resolver: Resolver;
  readonly anchors: FollowedAnchors;
}

/** The resolver, and its trust anchors as they stand or, with a folder for them, as their zones roll them. */
async function openServing(
  words: ServeWords,
  world: World,
  { ttls, ...told }: Pick<FollowingParts, 'tell' | 'report'> & { readonly ttls?: Manner },
): Promise<Serving> {
  const { cacheBytes, leastTtl, longestStaleMs, reportErrors = 'off' } = words;
  const { engine, state, anchors: configured = ROOT_ANCHORS } = words;
  const manner: Manner = {
    priming: 'on',
    reportErrors,
    ...(cacheBytes !== undefined && { cacheBytes }),
    ...(leastTtl !== undefined && { leastTtl }),
    ...(longestStaleMs !== undefined && { serveStale: { longestMs: longestStaleMs } }),
    ...ttls,
  };
  if (state === undefined)
    return { resolver: openResolver(words, world, manner), anchors: unchanging(configured) };
  const { clock } = world.environment;
  const policy = defaultPolicy(engine);
  const opened = await openAnchors(state, configured, { clock, policy });
  if (opened.kind === 'refused')
    throw new Misuse(`--state: ${opened.why}; look at it, or give another folder`);
  const anchors: FollowedAnchors = followAnchors(opened, {
    clock,
    policy,
    fetchUnchecked: (name, type) => resolver.fetchUnchecked(name, type),
    signal: (name, type) => resolver.fetchUnchecked(name, type),
    ...told,
  });
  const resolver: Resolver = openResolver(words, world, {
    ...manner,
    anchors: () => anchors.anchors(),
  });
  return { resolver: { ...resolver, lookup: refreshOutdated(resolver.lookup, anchors) }, anchors };
}

const unchanging = (anchors: Anchors): FollowedAnchors => ({
  anchors: () => anchors,
  refreshEarly: async () => {},
  start: () => {},
  stop: async () => {},
});

const textOf = ({ ip, port }: ServerAddress): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;

function inOneLine(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.split('\n').slice(0, 2).join(' ');
}

/** What the operator can do about it. */
function misuseOf(error: unknown): never {
  if (!(error instanceof ListenError)) throw error;
  const { at, over, code } = error;
  throw new Misuse(`cannot listen on ${textOf(at)} over ${over}: ${adviceOn(code, at)}`);
}

function adviceOn(code: string, { ip, port }: ServerAddress): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another program does (ss -lntup 'sport = :${port}' shows which): stop it, or give another port with --listen`;
    case 'EACCES':
      return 'ports below 1024 need CAP_NET_BIND_SERVICE or root: grant it, or give another port with --listen';
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${ip}: give one that it has with --listen`;
    default:
      return code;
  }
}
