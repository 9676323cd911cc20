/**
 * `danelaw demo`: the check of every kind of destination, on an internet that this process serves to itself.
 *
 * Names, signatures, sockets, handshakes and the check are real; only the addresses are mapped to free ports of
 * 127.0.0.1. Exit code 0 says that each destination came out as RFC 7672 demands.
 * @module
 */
import { Name } from '../dns/name.ts';
import { parseAnchors } from '../dnssec/anchors.ts';
import { nativeEngine } from '../dnssec/engine-native.ts';
import { parseHints } from '../resolver/hints.ts';
import { type MailHost, serveOnLoopback, startMailHost } from '../testing/index.ts';
import { viewOf } from './check.ts';
import { optionTerms } from './check-terms.ts';
import { type CheckView, printAction } from './check-view.ts';
import { DEMANDS, type Demand } from './demo-demands.ts';
import { type DemoInternet, describeDemo } from './demo-internet.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import type { Paint, Terminal } from './terminal.ts';
import { openResolver, type World, watched } from './world.ts';

interface Row {
  readonly demand: Demand;
  readonly view: CheckView;
  readonly isAsDemanded: boolean;
}

/** @param world  whose clock, randomness and sockets are used */
export async function demo(
  form: 'json' | 'text',
  terminal: Terminal,
  world: World,
): Promise<number> {
  const started = world.environment.clock.now();
  const stage = await raise(describeDemo(started), world).catch(cannotListen);
  try {
    const rows = await checkAll(watched(stage.world, terminal), stage);
    const milliseconds = world.environment.clock.now() - started;
    if (form === 'json') terminal.print(JSON.stringify(toJson(rows), undefined, 2));
    else terminal.print(...table(rows, terminal.paint), summary(rows, milliseconds));
    return rows.every(({ isAsDemanded }) => isAsDemanded) ? EXIT.fine : EXIT.negative;
  } finally {
    await stage.close();
  }
}

interface Stage {
  /** The world as seen from this internet. */
  readonly world: World;
  readonly hints: string;
  readonly anchors: string;
  close(): Promise<void>;
}

/** Opens the sockets. */
async function raise({ net, mailHosts }: DemoInternet, world: World): Promise<Stage> {
  const open = new Map<string, MailHost>();
  for (const [ip, description] of mailHosts) open.set(ip, await startMailHost(description));
  const loopback = await serveOnLoopback(net, open);
  const { environment } = world;
  const transport = loopback.through(environment.transport);
  return {
    world: { ...world, environment: { ...environment, transport }, dial: loopback.dial },
    hints: net.hints,
    anchors: net.anchors,
    close: async () => {
      await Promise.all([loopback.close(), ...[...open.values()].map((host) => host.close())]);
    },
  };
}

/** The system's refusal is no mistake of ours: too many open files, no loopback interface. */
function cannotListen(error: unknown): never {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error;
  throw new Misuse(
    `the demo cannot open its ports on 127.0.0.1 (${error.code}): allow more open files, or free some ports`,
  );
}

/** One resolver for all, as a mail server has it: the caches of one check serve the next. */
async function checkAll(world: World, { hints, anchors }: Stage): Promise<readonly Row[]> {
  const hintsFile = parseHints(hints);
  const anchorFile = parseAnchors(anchors);
  if (hintsFile.kind === 'errors' || anchorFile.kind === 'errors')
    throw new Error('the internet of the demo has no root');
  const { lookup } = openResolver(
    { hints: hintsFile.nameservers, anchors: anchorFile.anchors, engine: nativeEngine },
    world,
  );
  const rows: Row[] = [];
  for (const demand of DEMANDS) {
    const how = { lookup, world, port: 25, probe: 'live', timeoutMs: undefined } as const;
    const terms = optionTerms('dane', false);
    const view = await viewOf(
      { kind: 'domain', name: Name.parse(demand.domain) },
      // No policy hosts there.
      { ...how, terms, wish: 'as-usual', mtaSts: 'off' },
    );
    const isAsDemanded = view.action === demand.action && view.reason === demand.reason;
    rows.push({ demand, view, isAsDemanded });
  }
  return rows;
}

const toJson = (rows: readonly Row[]) => ({
  rows: rows.map(({ demand, view, isAsDemanded }) => ({ demand, isAsDemanded, result: view })),
  asDemanded: rows.filter(({ isAsDemanded }) => isAsDemanded).length,
  total: rows.length,
});

function table(rows: readonly Row[], paint: Paint): string[] {
  const width = Math.max(...rows.map(({ demand }) => demand.domain.length));
  const head = `${'DESTINATION'.padEnd(width)}  ${'ACTION'.padEnd(ACTION_WIDTH)}  ${'REASON'.padEnd(REASON_WIDTH)}  ${'RFC'.padEnd(RFC_WIDTH)}    TIME`;
  return [paint('strong', head), ...rows.flatMap((row) => printRow(row, width, paint))];
}

const ACTION_WIDTH = 'deliver opportunistically'.length;
const REASON_WIDTH = 'dane-ta-missing-from-chain'.length;
const RFC_WIDTH = '7672 2.2.2'.length;

function printRow({ demand, view, isAsDemanded }: Row, width: number, paint: Paint): string[] {
  // Padded before it is painted: colour takes no room.
  const action = printAction(view.action, (tone, text) => paint(tone, text.padEnd(ACTION_WIDTH)));
  const time = `${Math.round(view.spent.milliseconds)} ms`.padStart(7);
  const rfc = demand.rfc.replace(/RFC | section/g, '').padEnd(RFC_WIDTH);
  const line = `${demand.domain.padEnd(width)}  ${action}  ${view.reason.padEnd(REASON_WIDTH)}  ${rfc} ${time}`;
  const shows = paint('faint', `  ${demand.shows}`);
  if (isAsDemanded) return [line, shows];
  const wanted = `  WRONG: ${demand.action} for ${demand.reason} is demanded, but: ${view.why}`;
  return [line, shows, paint('bad', wanted)];
}

function summary(rows: readonly Row[], milliseconds: number): string {
  const right = rows.filter(({ isAsDemanded }) => isAsDemanded).length;
  const seconds = (milliseconds / 1000).toFixed(1);
  const verdict =
    right === rows.length
      ? 'all as RFC 7672 demands'
      : `${rows.length - right} NOT as RFC 7672 demands`;
  return `${rows.length} destinations in ${seconds} s, ${verdict}`;
}
