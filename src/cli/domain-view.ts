/**
 * What `danelaw domain` shows: the MX hosts of a domain with their addresses and TLSA records, as JSON and in the words of
 * Momentum's console, so that what reads those reads these.
 *
 * `+dnssec` stands on each line whose records are proved; a TTL is what is left of it. Does not: show what only a queue
 * knows (failed addresses, deliveries, connections), decide what a sender does (check.ts).
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import { tlsaName } from '../dane/base-domain.ts';
import type { Checked } from '../dane/check.ts';
import { printTlsa, readTlsa } from '../dane/tlsa.ts';
import type { RRType } from '../dns/codes.ts';
import type { Name } from '../dns/name.ts';
import { decode } from '../dns/rdata.ts';
import { explainCase } from '../dnssec/explanation.ts';
import { type Failure, failed, type Outcome, type Status } from '../dnssec/outcome.ts';
import type { Reason } from '../dnssec/reason.ts';
import type { StsSight } from '../mta/check.ts';
import type { StsPolicy } from '../mta/sts-policy.ts';
import { printSts } from '../mta/sts-view.ts';

/** What `domain --json` prints. */
export interface DomainView {
  readonly domain: string;
  readonly mx: Found & {
    /** MX records; 0 where the domain is its own host. */
    readonly count: number;
    /** `null-mx` and `no-such-domain`: it takes no mail. */
    readonly refused?: 'null-mx' | 'no-such-domain';
  };
  readonly hosts: readonly DomainHostView[];
  /** The TXT record of RFC 8461 section 3.1; left out where there is none. */
  readonly mtaSts?: Found & {
    readonly id?: string;
    readonly policy?: Pick<StsPolicy, 'mode' | 'maxAge' | 'mx'>;
    /** Why there is no policy, or no newer one. */
    readonly trouble?: string;
  };
}

/** One record set, or the proof that there is none. */
interface Found {
  readonly status: Status;
  /** Seconds that are left of it. */
  readonly ttl?: number;
  readonly reason?: Reason;
  readonly why?: string;
}

export interface DomainHostView extends Found {
  readonly host: string;
  readonly preference: number;
  readonly addresses: readonly { readonly address: string; readonly family: 'IPv4' | 'IPv6' }[];
  /** Where the TLSA records were found, or could not be; left out where there are none. */
  readonly tlsa?: Found & { readonly name: string; readonly records: readonly string[] };
}

export interface Shown extends Checked {
  readonly sts: StsSight | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly port: number;
}

export function viewDomain(shown: Shown): DomainView {
  const { domain, plan, outcomes, now } = shown;
  const mx = outcomes.find(({ question: { type } }) => type === 'MX');
  const records = mx && recordsIn(mx);
  const hosts = plan.kind === 'deliver' ? plan.hosts : [];
  const mtaSts = viewSts(shown.sts);
  return {
    domain: printHost(domain),
    mx: {
      count: records?.rdata.length ?? 0,
      ...(mx ? foundOf([mx], now) : { status: 'indeterminate' }),
      ...(plan.kind === 'refused' && { refused: plan.why }),
    },
    hosts: hosts.map(({ host, preference = 0 }) => viewHost(host, preference, shown)),
    ...(mtaSts && { mtaSts }),
  };
}

function viewHost(host: Name, preference: number, shown: Shown): DomainHostView {
  const { outcomes, now } = shown;
  const of = (name: Name, ...types: readonly RRType[]): readonly Outcome[] =>
    outcomes.filter(({ question }) => types.includes(question.type) && question.name.equals(name));
  const asked = of(host, 'A', 'AAAA');
  const bearing = asked.filter((outcome) => failed(outcome) || recordsIn(outcome));
  const tlsa = viewTlsa(host, shown);
  return {
    host: host.toString(),
    preference,
    ...foundOf(bearing.length > 0 ? bearing : asked, now),
    addresses: bearing.flatMap(addressesIn),
    ...(tlsa && { tlsa }),
  };
}

function addressesIn(outcome: Outcome): DomainHostView['addresses'] {
  const rrset = recordsIn(outcome);
  if (!rrset) return [];
  return rrset.rdata.map((rdata) =>
    outcome.question.type === 'A'
      ? { address: decode('A', rdata).address, family: 'IPv4' }
      : { address: decode('AAAA', rdata).address, family: 'IPv6' },
  );
}

/** At the first candidate base domain that has records or fails, the expanded name before the host's own. */
function viewTlsa(host: Name, { outcomes, port, now }: Shown): DomainHostView['tlsa'] {
  const targets = outcomes.flatMap((outcome) =>
    !failed(outcome) && outcome.question.name.equals(host) && outcome.question.type !== 'MX'
      ? outcome.aliases.slice(-1).map(({ target }) => target)
      : [],
  );
  for (const base of [...targets, host]) {
    const name = tlsaName(base, port);
    const outcome = name && outcomes.find((one) => asksTlsa(one, name));
    if (!outcome) continue;
    const rrset = recordsIn(outcome);
    if (!rrset && !failed(outcome)) continue;
    return {
      name: printHost(name),
      ...foundOf([outcome], now),
      records: rrset?.rdata.map((rdata) => printTlsa(readTlsa(rdata))) ?? [],
    };
  }
  return undefined;
}

/** One that was sent: what goes to signed zones only may come back without. */
const asksTlsa = (outcome: Outcome, name: Name): boolean =>
  outcome.question.type === 'TLSA' &&
  outcome.question.name.equals(name) &&
  (failed(outcome) || outcome.answer.kind !== 'not-asked');

/** Why there is no policy. */
const troubleOf = ({ finding }: StsSight): string | undefined =>
  finding !== 'not-fetched' && finding.kind === 'failed'
    ? `${finding.result}: ${finding.reason}`
    : undefined;

function viewSts(sts: StsSight | undefined): DomainView['mtaSts'] {
  if (!sts) return undefined;
  const { record, policy } = sts;
  const trouble = troubleOf(sts);
  switch (record.kind) {
    case 'none':
      return undefined;
    case 'failed': {
      const { status, reason, fault } = record.failure;
      return { status, reason, why: explainCase(reason, fault) };
    }
    case 'id': {
      const { status, ttl, id } = record;
      return {
        status,
        ttl,
        id,
        ...(policy && { policy: { mode: policy.mode, maxAge: policy.maxAge, mx: policy.mx } }),
        ...(trouble !== undefined && { trouble }),
      };
    }
  }
}

const recordsIn = (outcome: Outcome) =>
  !failed(outcome) && outcome.answer.kind === 'records' ? outcome.answer.rrset : undefined;

/** Of several outcomes the weakest and the shortest. */
function foundOf(outcomes: readonly Outcome[], now: number): Found {
  const failure = outcomes.find((outcome): outcome is Outcome & Failure => failed(outcome));
  if (failure) {
    const { status, reason, fault } = failure;
    return { status, reason, why: explainCase(reason, fault) };
  }
  const end = Math.min(...outcomes.map(({ expiresAt }) => expiresAt));
  const ttl = Math.max(0, Math.floor((end - now) / 1000));
  const insecure = outcomes.find(({ status }) => status === 'insecure');
  if (insecure?.status !== 'insecure') return { status: 'secure', ttl };
  const { reason, cause } = insecure;
  return { status: 'insecure', ttl, reason, why: explainCase(reason, cause) };
}

/** The lines of Momentum's console command `domain`. */
export function printDomain(shown: Shown): string[] {
  const view = viewDomain(shown);
  return [printMx(view), ...view.hosts.flatMap(printHostLines), ...printStsLines(shown)];
}

function printMx({ domain, mx }: DomainView): string {
  if (mx.why !== undefined && mx.ttl === undefined)
    return `Domain '${domain}' has no MXs to be had: ${mx.status}: ${mx.why}`;
  const what = mx.refused === undefined ? `has ${mx.count} MXs` : REFUSALS[mx.refused];
  return `Domain '${domain}' ${what} and a TTL of ${mx.ttl} seconds${flag(mx)}`;
}

const REFUSALS = {
  'null-mx': 'takes no mail (null MX)',
  'no-such-domain': 'does not exist',
} as const;

/** Nothing has been sent to these addresses, so that no connection and no delivery took time; port 0 is the usual one. */
const UNUSED = '0.00ms con 0.00ms dlv';

function printHostLines(view: DomainHostView): string[] {
  const { host, preference, ttl, status, why, addresses, tlsa } = view;
  if (ttl === undefined)
    return [`  [${preference} ${host}] has no addresses to be had: ${status}: ${why}`];
  return [
    `  [${preference} ${host} TTL:${ttl}]${flag(view)}`,
    ...(tlsa ? printTlsaLines(tlsa) : []),
    ...addresses.map(({ address, family }) => `  [${address}]:0 ${family} (${UNUSED})`),
  ];
}

function printTlsaLines(tlsa: NonNullable<DomainHostView['tlsa']>): string[] {
  const { name, ttl, status, why, records } = tlsa;
  if (ttl === undefined) return [`TLSA '${name}' is not to be had: ${status}: ${why}`];
  return [
    `TLSA '${name}' has a TTL of ${ttl} seconds${flag(tlsa)}`,
    ...records.map((record) => `  ${record}`),
  ];
}

/** What `mta_sts show domain` prints; the version alone where there is no policy to be had. */
function printStsLines({ domain, sts, now }: Shown): string[] {
  if (!sts) return [];
  const { record, policy } = sts;
  if (record.kind === 'none') return [];
  const [head = '', ...more] = printSts({ domain, record, policy, now });
  if (record.kind === 'failed') return [head];
  const version = policy ? more : [`        id: ${record.id}`];
  const trouble = troubleOf(sts);
  const failure = trouble === undefined ? [] : [`        no policy to be had: ${trouble}`];
  return [head, ...version, ...failure];
}

const flag = ({ status }: Found): string => (status === 'secure' ? ' +dnssec' : '');
