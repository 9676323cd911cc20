/**
 * What one connection to a host comes to, under the plan for this host: mail may go, and how, or not, and why not.
 *
 * Implements rows 16 to 33 of the decision table as far as one connection decides them: RFC 7672 section 2.2 (no
 * STARTTLS, a failed handshake or a wrong certificate puts a host with TLSA records out) and RFC 3207 section 6. Does
 * not: connect (probe.ts), or choose among hosts (decision.ts).
 * @module
 */
import type { Name } from '../dns/name.ts';
import type { Contact, Handshake } from '../tls/connect.ts';
import type { Stage } from '../tls/failure.ts';
import { MISMATCHES, type MismatchReason } from './mismatch.ts';
import type { Authenticate, Encrypt, Opportunistic } from './plan.ts';
import type { Tlsa } from './tlsa.ts';
import type { Verdict } from './verify.ts';

/** Plans of hosts that may be connected to. */
export type ContactPlan = Authenticate | Encrypt | Opportunistic;

/** What was met, without the means to go on. */
export type Met = Exclude<Contact, Handshake> | Omit<Handshake, 'socket' | 'close'>;

/** One connection, closed by now. */
export interface Attempt {
  readonly address: string;
  readonly contact: Met;
  /** Where the plan demands a certificate and TLS stood. */
  readonly verdict?: Verdict;
  readonly milliseconds: number;
}

export type ContactReason = Exclude<Met['kind'], 'handshake'>;

/** One sentence for people, and the enhanced status code (RFC 3463, RFC 7505) where the decision table names one. */
interface Row {
  readonly text: string;
  readonly dsn?: string;
}

export const NO_STARTTLS = '4.7.4';
export const TLS_FAILED = '4.7.5';

export const CONTACTS: Readonly<Record<ContactReason, Row>> = {
  'connect-failed': { text: 'no connection could be made' },
  timeout: { text: 'the server did not answer in time' },
  closed: { text: 'the server closed the connection' },
  'smtp-refused': { text: 'the server refused to talk' },
  'no-starttls': { text: 'the server does not offer STARTTLS', dsn: NO_STARTTLS },
  'starttls-refused': { text: 'the server refused STARTTLS', dsn: NO_STARTTLS },
  injected: {
    text: 'text in clear followed the answer to STARTTLS, as if someone had put it there',
    dsn: TLS_FAILED,
  },
  'protocol-error': { text: 'the server does not speak its protocol as it should' },
  'handshake-failed': { text: 'the TLS handshake failed', dsn: TLS_FAILED },
};

export type Result =
  | { readonly kind: 'authenticated'; readonly by: Tlsa; readonly depth: number }
  /** TLS with a certificate that nobody vouches for. */
  | { readonly kind: 'encrypted' }
  /** Nothing forbids to send the mail without TLS, and TLS cannot be had. */
  | { readonly kind: 'clear'; readonly why: string }
  | {
      readonly kind: 'failed';
      readonly reason: ContactReason | MismatchReason;
      readonly why: string;
      readonly dsn: string | undefined;
    };

/** What this connection allows. Pure. */
export function weigh(plan: ContactPlan, { contact, verdict }: Attempt): Result {
  if (contact.kind !== 'handshake') return withoutTls(plan, contact);
  if (plan.tls !== 'authenticate') return { kind: 'encrypted' };
  if (verdict?.kind === 'authenticated')
    return { kind: 'authenticated', by: verdict.by, depth: verdict.depth };
  // A handshake that nobody has judged is as good as one that failed the judgement.
  const reason = verdict?.reason ?? 'dane-no-match';
  const { text } = MISMATCHES[reason];
  const why = verdict?.detail === undefined ? text : `${text}: ${inOneLine(verdict.detail)}`;
  return { kind: 'failed', reason, why, dsn: TLS_FAILED };
}

function withoutTls(plan: ContactPlan, contact: Exclude<Met, { kind: 'handshake' }>): Result {
  const why = printContact(contact);
  if (plan.tls === 'opportunistic' && isAboutTls(contact)) return { kind: 'clear', why };
  return { kind: 'failed', reason: contact.kind, why, dsn: dsnOf(contact) };
}

/** The server took part in SMTP; what failed is its TLS. */
function isAboutTls(contact: Met): boolean {
  switch (contact.kind) {
    case 'handshake':
    case 'no-starttls':
    case 'starttls-refused':
    case 'injected':
    case 'handshake-failed':
      return true;
    case 'timeout':
    case 'closed':
    case 'protocol-error':
      return TLS_STAGES.has(contact.during);
    case 'connect-failed':
    case 'smtp-refused':
      return false;
  }
}

const TLS_STAGES: ReadonlySet<Stage> = new Set(['starttls', 'handshake']);

/** A handshake that breaks off is one that failed, row 25. */
function dsnOf(contact: Exclude<Met, { kind: 'handshake' }>): string | undefined {
  const isBroken = 'during' in contact && contact.during === 'handshake';
  return isBroken ? TLS_FAILED : CONTACTS[contact.kind].dsn;
}

const STAGES: Readonly<Record<Stage, string>> = {
  connect: 'while connecting',
  greeting: 'before its greeting',
  ehlo: 'after EHLO',
  helo: 'after HELO',
  capability: 'after being asked what it can do',
  starttls: 'after STARTTLS',
  handshake: 'during the TLS handshake',
};

/** `the server closed the connection after EHLO`: what went wrong, with what the other side said. */
export function printContact(contact: Exclude<Met, { kind: 'handshake' }>): string {
  const { text } = CONTACTS[contact.kind];
  switch (contact.kind) {
    case 'connect-failed':
      return `${text} (${contact.code})`;
    case 'timeout':
    case 'closed':
      return `${text} ${STAGES[contact.during]}`;
    case 'smtp-refused':
      return `${text} ${STAGES[contact.during]}: ${contact.code} ${inOneLine(contact.text)}`;
    case 'starttls-refused':
      return `${text}: ${contact.code} ${inOneLine(contact.text)}`;
    case 'no-starttls':
      return contact.ehlo === 'rejected' ? `${text}: it knows no EHLO` : text;
    case 'injected':
      return text;
    case 'protocol-error':
      return `${text} ${STAGES[contact.during]}: ${inOneLine(contact.why)}`;
    case 'handshake-failed':
      return `${text}: ${inOneLine(contact.why)}`;
  }
}

/** What others say is neither to end the line nor to speak to the terminal. */
const inOneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').trim();

/** `mx.example.com`, as mail software and SNI write it (RFC 6066 section 3): without the root's dot. */
export const printHost = (name: Name): string => name.toString().replace(/(?<=.)\.$/, '');
