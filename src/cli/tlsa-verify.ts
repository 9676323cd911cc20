/**
 * `danelaw tlsa verify`: a live server at each of its addresses, against TLSA records that are published or given.
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import { type DeliveryPlan, type HostPlan, planDelivery } from '../dane/plan.ts';
import { type HostProbe, type ProbeOptions, probeHost } from '../dane/probe.ts';
import { usableRecords } from '../dane/tlsa.ts';
import type { Name } from '../dns/name.ts';
import { type HostView, printHostView, viewHost } from './check-host-view.ts';
import { EXIT } from './exit.ts';
import { LATE } from './query-view.ts';
import type { Paint, Terminal } from './terminal.ts';
import type { VerifyWords } from './tlsa-options.ts';
import { openResolver, probeOptions, type World, watched, within } from './world.ts';

const SMTP_PORT = 25;

/** What `tlsa verify --json` prints. */
interface VerifyView {
  readonly name: string;
  /** `half-dane`: all matches, but unsigned MX records name a host, so that a sender cannot know it is the right one. */
  readonly result: 'verified' | 'half-dane' | 'not-verified';
  /** Why there is nothing to connect to. */
  readonly why?: string;
  readonly hosts: readonly HostView[];
}

export async function tlsaVerify(
  words: VerifyWords,
  terminal: Terminal,
  world: World,
): Promise<number> {
  const { name, note } = words.place.host;
  if (note !== undefined) terminal.note(`note: ${note}`);
  const here = watched(world, terminal);
  const view = await within(here.environment, words.timeoutMs, (signal) =>
    verify(name, words, here, signal),
  );
  if (view === 'timed-out') {
    terminal.note(`danelaw: ${LATE}`);
    return EXIT.negative;
  }
  if (words.form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...printVerified(view, terminal.paint));
  return view.result === 'not-verified' ? EXIT.negative : EXIT.fine;
}

async function verify(
  name: Name,
  words: VerifyWords,
  world: World,
  signal: AbortSignal | undefined,
): Promise<VerifyView> {
  const stop = signal && { signal };
  const plan = await planFor(name, words, world, signal);
  if (plan.kind !== 'deliver')
    return { name: printHost(name), result: 'not-verified', why: plan.why, hosts: [] };
  const { connect } = words;
  const port = connect?.port ?? words.place.port ?? SMTP_PORT;
  const hosts = plan.hosts.map((host) => instead(host, words));
  const options: ProbeOptions = { ...probeOptions(world), port, ...stop };
  const probes = await Promise.all(hosts.map((host) => probeEach(host, options)));
  return {
    name: printHost(name),
    result: resultOf(hosts, probes),
    hosts: hosts.map((host, i) => viewHost(host, probes[i]?.attempts)),
  };
}

/** Of one host where a port or an address is given, else of the MX hosts; nothing is asked where all is given. */
async function planFor(
  name: Name,
  words: VerifyWords,
  world: World,
  signal: AbortSignal | undefined,
): Promise<DeliveryPlan> {
  const { place, connect, records } = words;
  if (connect && records) return givenPlan(name);
  const { lookup } = openResolver(words, world);
  return planDelivery(name, lookup, {
    port: place.port ?? SMTP_PORT,
    mx: place.port === undefined && !connect ? 'lookup' : 'skip',
    ...(signal && { signal }),
  });
}

const givenPlan = (name: Name): DeliveryPlan => ({
  kind: 'deliver',
  route: { via: 'relay', domain: name, expanded: name, security: { status: 'secure' } },
  hosts: [
    { tls: 'opportunistic', host: name, preference: undefined, addresses: [], why: 'no-tlsa' },
  ],
  surplus: 0,
});

/** The plan of a host with what was given in place of what the DNS has. */
function instead(plan: HostPlan, { connect, records }: VerifyWords): HostPlan {
  if (plan.tls === 'unreachable') return plan;
  const reachable = connect ? { ...plan, addresses: [connect.ip] } : plan;
  if (!records) return reachable;
  const { host, preference, addresses } = reachable;
  const baseDomain = 'baseDomain' in plan ? plan.baseDomain : host;
  const names = 'names' in plan ? plan.names : [baseDomain];
  const place = { host, preference, addresses, baseDomain, records };
  return usableRecords(records).length > 0
    ? { tls: 'authenticate', ...place, names, halfDane: false }
    : { tls: 'encrypt', ...place, why: 'tlsa-unusable' };
}

/** Every address: a sender is content with the first that will do, whoever runs the server is not. */
async function probeEach(plan: HostPlan, options: ProbeOptions): Promise<HostProbe> {
  if (plan.tls === 'unreachable') return { host: plan.host, attempts: [] };
  const probes = await Promise.all(
    plan.addresses.map((address) => probeHost({ ...plan, addresses: [address] }, options)),
  );
  return { host: plan.host, attempts: probes.flatMap(({ attempts }) => attempts) };
}

function resultOf(hosts: readonly HostPlan[], probes: readonly HostProbe[]): VerifyView['result'] {
  if (hosts.length === 0 || !hosts.every((host, i) => isVerified(host, probes[i])))
    return 'not-verified';
  return hosts.some((host) => 'halfDane' in host && host.halfDane) ? 'half-dane' : 'verified';
}

const isVerified = (plan: HostPlan, probe: HostProbe | undefined): boolean =>
  plan.tls === 'authenticate' &&
  probe !== undefined &&
  probe.attempts.length > 0 &&
  probe.attempts.every(({ verdict }) => verdict?.kind === 'authenticated');

const ALL = 'every address shows a certificate that a TLSA record vouches for';

function printVerified({ name, result, why, hosts }: VerifyView, paint: Paint): string[] {
  const ends = {
    verified: `${paint('good', 'verified')}: ${ALL}`,
    'half-dane': `${paint('fair', 'half-dane')}: ${ALL}, but unsigned MX records name the hosts`,
    'not-verified': `${paint('bad', 'not verified')}${why === undefined ? '' : `: ${why}`}`,
  };
  return [...hosts.flatMap((host) => printHostView(host, paint)), `${name}: ${ends[result]}`];
}
