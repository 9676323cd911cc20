/**
 * `danelaw tlsa plan HOST --current FILE --next FILE`: what every authoritative server says, which certificate the host shows,
 * and which step of a rollover may be taken now.
 * @module
 */
import { tlsaName } from '../dane/base-domain.ts';
import { findAddresses } from '../dane/destination.ts';
import {
  type Chain,
  planRollover,
  type RolloverFacts,
  type ServerView,
} from '../dane/rollover-plan.ts';
import { printTlsa, readTlsa } from '../dane/tlsa.ts';
import { makeTlsa, USUAL } from '../dane/tlsa-make.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { failed, type Outcome } from '../dnssec/outcome.ts';
import { connect } from '../tls/connect.ts';
import { connectService } from '../tls/connect-service.ts';
import { readCredentials } from '../tls/pem.ts';
import { PROTOCOLS, type ProtocolName } from '../tls/protocols.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import { LATE } from './query-view.ts';
import type { Terminal } from './terminal.ts';
import type { PlanWords } from './tlsa-options.ts';
import { type Planned, printPlan, viewPlan } from './tlsa-plan-view.ts';
import { openResolver, probeOptions, type World, watched, within } from './world.ts';
import { askEach, findZoneServers, type ServerOutcome, whyOf } from './zone-servers.ts';

const SMTP_PORT = 25;

export async function tlsaPlan(
  words: PlanWords,
  terminal: Terminal,
  world: World,
): Promise<number> {
  const { note } = words.place.host;
  if (note !== undefined) terminal.note(`note: ${note}`);
  const here = watched(world, terminal);
  const found = await within(here.environment, words.timeoutMs, (signal) =>
    gather(words, here, signal),
  );
  if (found === 'timed-out') {
    terminal.note(`danelaw: ${LATE}`);
    return EXIT.negative;
  }
  if (found.kind === 'failed') {
    terminal.note(`danelaw: ${found.why}`);
    return EXIT.negative;
  }
  const plan = planRollover(found.facts);
  const view = viewPlan(found, plan, words.step);
  if (words.form === 'json') terminal.print(JSON.stringify(view, undefined, 2));
  else terminal.print(...printPlan(view, terminal.paint));
  const asked = plan.steps.find(({ action }) => action === words.step);
  if (asked) return asked.state === 'refused' ? EXIT.negative : EXIT.fine;
  return plan.problems.length > 0 ? EXIT.negative : EXIT.fine;
}

type Gathered =
  | { readonly kind: 'failed'; readonly why: string }
  | ({ readonly kind: 'facts' } & Planned);

async function gather(
  words: PlanWords,
  world: World,
  signal: AbortSignal | undefined,
): Promise<Gathered> {
  const host = words.place.host.name;
  const { protocol } = words;
  const port = words.place.port ?? (protocol ? PROTOCOLS[protocol].port : SMTP_PORT);
  const name = tlsaName(host, port);
  if (!name) throw new Misuse(`${host} is too long for TLSA records`);
  const { lookup } = openResolver(words, world);
  const outcome = await lookup(name, 'TLSA', signal && { signal });
  // Where the records stand: an alias may lead to one RRset for many hosts.
  const owner = (!failed(outcome) && outcome.aliases.at(-1)?.target) || name;
  const zone = zoneOf(outcome, owner);
  if (!zone) return { kind: 'failed', why: `${name} TLSA: ${whyOf(outcome)}` };
  if (outcome.status === 'insecure')
    return {
      kind: 'failed',
      why: `${zone} is not proved by DNSSEC: TLSA records there bind nobody, so that there is nothing to roll`,
    };
  const servers = await findZoneServers(zone, lookup, words.families ?? 'both', signal);
  const asked = await askEach(servers, {
    zone,
    name: owner,
    type: 'TLSA',
    choice: words,
    world,
    signal,
  });
  const addresses = words.probe === 'none' ? undefined : await findAddresses(host, lookup, signal);
  const chains = { current: words.current.list, next: words.next.list };
  const live =
    addresses?.kind === 'found'
      ? await findLive(addresses.addresses, { port, host, protocol, chains, world, signal })
      : 'unknown';
  const { target, since, longestTtl } = words;
  return {
    kind: 'facts',
    owner,
    zone,
    facts: {
      ...chains,
      host,
      servers: asked.map(viewServer),
      live,
      now: world.environment.clock.now(),
      ...(target && { target: [target] }),
      ...(since !== undefined && { since }),
      ...(longestTtl !== undefined && { longestTtl }),
    },
  };
}

/** Of the last thing that was judged about the owner; of an answer that was kept, the zone stands in its signatures. */
const zoneOf = ({ trace }: Outcome, owner: Name): Name | undefined =>
  trace.findLast((step) => step.kind === 'finding' && step.owner.equals(owner))?.zone;

function viewServer({ server, outcome }: ServerOutcome): ServerView {
  const { host, address, why = 'no address' } = server;
  const name = address === undefined ? host.toString() : `${host} ${address}`;
  return { server: name, answer: outcome ? viewAnswer(outcome) : { kind: 'failed', why } };
}

function viewAnswer(outcome: Outcome): ServerView['answer'] {
  if (failed(outcome)) return { kind: 'failed', why: whyOf(outcome) };
  if (outcome.status === 'insecure') return { kind: 'failed', why: 'what it says is not signed' };
  if (outcome.answer.kind !== 'records') return { kind: 'none' };
  const { rrset } = outcome.answer;
  const signatures = rrset.signatures.map(({ rdata }) => decode('RRSIG', rdata));
  const ends = signatures.map(({ expiration }) => expiration * 1000);
  return {
    kind: 'records',
    records: rrset.rdata.map(readTlsa),
    // Our own cache keeps nothing for longer than a day; others may, and what they may is signed.
    ttl: Math.max(rrset.ttl, ...signatures.map(({ originalTtl }) => originalTtl)),
    signedUntil: Math.min(...ends),
  };
}

interface Looking {
  readonly port: number;
  readonly protocol: ProtocolName | undefined;
  readonly host: Name;
  readonly chains: { readonly current: Chain; readonly next: Chain };
  readonly world: World;
  readonly signal: AbortSignal | undefined;
}

/** Which of the two certificates each address shows. */
async function findLive(
  addresses: readonly string[],
  { port, host, protocol, chains, world, signal }: Looking,
): Promise<RolloverFacts['live']> {
  const { now: _, ...options } = probeOptions(world);
  const serverName = host.toString().replace(/\.$/, '');
  const shown = await Promise.all(
    addresses.map(async (ip) => {
      const to = { ip, port };
      const how = { ...options, serverName, ...(signal && { signal }) };
      const contact = protocol
        ? await connectService(to, { ...how, protocol, domain: serverName })
        : await connect(to, how);
      if (contact.kind !== 'handshake') return 'unknown';
      await contact.close();
      return whichOf(contact.chain[0], chains);
    }),
  );
  const [first = 'unknown', ...others] = new Set(shown);
  if (others.length === 0) return first;
  return shown.includes('other') ? 'other' : 'mixed';
}

function whichOf(der: Uint8Array | undefined, { current, next }: Looking['chains']) {
  const read = der && readCredentials(der);
  const leaf = read?.kind === 'credentials' ? read.list[0] : undefined;
  const isShown = (chain: Chain, selector: number): boolean => {
    const how = { ...USUAL, selector };
    const [a, b] = [leaf, chain[0]].map((one) => one && makeTlsa(one, how));
    return a !== undefined && b !== undefined && printTlsa(a) === printTlsa(b);
  };
  if (isShown(next, 0)) return 'next';
  if (isShown(current, 0)) return 'current';
  if (isShown(next, 1)) return 'next';
  return isShown(current, 1) ? 'current' : 'other';
}
