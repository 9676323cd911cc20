/**
 * A checked service as JSON and as text: its servers, what each owes a client, and what they showed.
 * @module
 */
import { printContact, printHost } from '../dane/attempt.ts';
import type { ServerPlan } from '../dane/service.ts';
import {
  isGood,
  type ServiceAttempt,
  type ServiceChecked,
  type ServiceVerdict,
} from '../dane/service-check.ts';
import { printTlsa } from '../dane/tlsa.ts';
import { explainCase } from '../dnssec/explanation.ts';
import type { Status } from '../dnssec/outcome.ts';
import type { ProtocolName } from '../tls/protocols.ts';
import type { Paint } from './terminal.ts';

/** What `check --protocol NAME --json` prints. */
export interface ServiceView {
  readonly protocol: ProtocolName;
  readonly domain: string;
  /** `planned`: nobody was to be connected to. */
  readonly action: 'connect' | 'planned' | 'refuse' | 'defer';
  readonly why: string;
  /** `dane`: a TLSA record vouches for the server; `pkix`: a public authority. */
  readonly by?: 'dane' | 'pkix';
  readonly server?: string;
  readonly address?: string;
  /** Of the SRV records; left out for a host that was named. */
  readonly srv?: Status;
  readonly servers: readonly ServerView[];
}

interface ServerView {
  readonly target: string;
  readonly port: number;
  readonly tls: ServerPlan['tls'];
  readonly why?: string;
  readonly addresses: readonly string[];
  readonly names: readonly string[];
  readonly baseDomain?: string;
  readonly records: readonly string[];
  readonly attempts: readonly {
    readonly address: string;
    readonly contact: string;
    readonly detail: string;
    readonly verdict?: string;
    readonly good: boolean;
  }[];
}

export function viewService(checked: ServiceChecked, protocol: ProtocolName): ServiceView {
  const { target, plan, attempts } = checked;
  const domain = printHost(target.kind === 'service' ? target.domain : target.host);
  const servers =
    plan.kind === 'connect'
      ? plan.servers.map((server, i) => viewServer(server, attempts?.[i] ?? []))
      : [];
  const srv = plan.kind === 'defer' ? 'indeterminate' : plan.security.status;
  return {
    protocol,
    domain,
    ...decide(checked),
    ...(target.kind === 'service' && { srv }),
    servers,
  };
}

type Decided = Pick<ServiceView, 'action' | 'why' | 'by' | 'server' | 'address'>;

function decide({ plan, attempts }: ServiceChecked): Decided {
  if (plan.kind === 'defer') return { action: 'defer', why: explainCase(plan.why, plan.fault) };
  if (plan.kind === 'none')
    return { action: 'refuse', why: plan.why === 'no-srv' ? 'there is no such host' : NOT_OFFERED };
  if (!attempts) return { action: 'planned', why: 'nobody was connected to' };
  for (const [i, server] of plan.servers.entries()) {
    const good = attempts[i]?.find(({ verdict }) => verdict && isGood(verdict));
    if (!good?.verdict) continue;
    const { address, verdict } = good;
    const by = verdict.kind === 'authenticated' ? 'dane' : 'pkix';
    const why = printVerdict(verdict);
    return { action: 'connect', why, by, server: printHost(server.target), address };
  }
  const isLater = plan.servers.some(({ tls }) => tls === 'unreachable');
  return {
    action: isLater ? 'defer' : 'refuse',
    why: 'no server did what it owes a client',
  };
}

const NOT_OFFERED = 'the domain says that it has no such service';

function viewServer(plan: ServerPlan, attempts: readonly ServiceAttempt[]): ServerView {
  return {
    target: printHost(plan.target),
    port: plan.port,
    tls: plan.tls,
    ...('why' in plan && { why: plan.why }),
    addresses: plan.tls === 'unreachable' ? [] : plan.addresses,
    names: plan.tls === 'unreachable' ? [] : plan.names.map(printHost),
    ...('baseDomain' in plan && { baseDomain: printHost(plan.baseDomain) }),
    records: 'records' in plan ? plan.records.map(printTlsa) : [],
    attempts: attempts.map(({ address, contact, verdict }) => ({
      address,
      contact: contact.kind,
      detail: printMet(contact),
      ...(verdict && { verdict: printVerdict(verdict) }),
      good: verdict !== undefined && isGood(verdict),
    })),
  };
}

function printMet(contact: ServiceAttempt['contact']): string {
  switch (contact.kind) {
    case 'handshake':
      return `${contact.protocol} ${contact.cipher}`;
    case 'refused':
      return contact.during === 'starttls'
        ? `the server refused STARTTLS: ${contact.text}`
        : `the server refused to talk: ${contact.text}`;
    default:
      return printContact(contact);
  }
}

function printVerdict(verdict: ServiceVerdict): string {
  switch (verdict.kind) {
    case 'authenticated':
      return `authenticated by TLSA ${printTlsa(verdict.by)}`;
    case 'trusted':
      return `a public authority vouches for ${verdict.name}`;
    case 'not-authenticated':
      return `not authenticated: ${verdict.reason}${verdict.detail === undefined ? '' : `: ${verdict.detail}`}`;
    case 'untrusted':
      return `no public authority vouches for it: ${verdict.why}`;
  }
}

const TONES = { connect: 'good', planned: 'fair', refuse: 'bad', defer: 'bad' } as const;

export function printService(view: ServiceView, paint: Paint): string[] {
  const { protocol, domain, action, why, server, srv, servers } = view;
  const to = server === undefined ? '' : ` to ${server}`;
  return [
    ...(srv === undefined ? [] : [`${paint('strong', domain)}: SRV of ${protocol} ${srv}`]),
    ...servers.flatMap((one) => printServer(one, paint)),
    `${domain}: ${protocol}: ${paint(TONES[action], action)}${to}: ${why}`,
  ];
}

function printServer(view: ServerView, paint: Paint): string[] {
  const { target, port, tls, why, addresses, names, baseDomain, records, attempts } = view;
  const lines = [
    ...(addresses.length > 0 ? [`addresses ${addresses.join(', ')}`] : []),
    ...records.map((record) => `TLSA at ${baseDomain}: ${record}`),
    ...(names.length > 0 ? [`names ${names.join(', ')}`] : []),
    ...attempts.map(({ address, detail, verdict, good }) => {
      const judged = verdict === undefined ? '' : `, ${paint(good ? 'good' : 'bad', verdict)}`;
      return `${address}: ${detail}${judged}`;
    }),
  ];
  const reason = why === undefined ? '' : ` (${why})`;
  return [`  ${target} port ${port}: ${tls}${reason}`, ...lines.map((line) => `      ${line}`)];
}
