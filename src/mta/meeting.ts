/**
 * One connection to one address of a host, with everything looked at that a permission may rest on.
 *
 * The certificate is judged before a byte is said under TLS. Does not: decide (permit.ts), or send.
 * @module
 */
import {
  type Attempt,
  CONTACTS,
  type ContactPlan,
  type Met,
  printContact,
  printHost,
} from '../dane/attempt.ts';
import { tlsaName } from '../dane/base-domain.ts';
import { type VerifyOptions, verifyPeer } from '../dane/verify.ts';
import type { Channel } from '../tls/channel.ts';
import type { OpenOptions } from '../tls/connect.ts';
import type { Failure } from '../tls/failure.ts';
import type { Reply } from '../tls/smtp.ts';
import type { Opened } from './contact.ts';
import type { Errand } from './errand.ts';
import { failedAtTls, type Shown } from './permit.ts';
import { refusedStatus } from './smtp-session.ts';
import type { Terms } from './terms.ts';
import { NETWORK_DSN, type Trouble } from './trouble.ts';

export type Meeting =
  | {
      readonly kind: 'met';
      readonly shown: Shown;
      readonly channel: Channel;
      /** The answer to EHLO, where it has been said. */
      readonly hello?: Reply;
    }
  | {
      readonly kind: 'shut';
      readonly trouble: Trouble;
      /** The server takes part in SMTP; what failed is its TLS. */
      readonly isAboutTls: boolean;
    };

/** Where and how to connect. */
export interface Call {
  readonly plan: ContactPlan;
  readonly address: string;
  readonly starttls: OpenOptions['starttls'];
}

export async function meet(errand: Errand, call: Call): Promise<Meeting> {
  const { clock, visited } = errand.parts;
  const { plan, address } = call;
  const start = clock.now();
  const opened = await connect(errand, call);
  const contact = contactOf(opened);
  const attempt = contact && attemptAt(errand, call, { contact, start });
  visited?.({ host: plan, ...(attempt && { attempt }) });
  switch (opened.kind) {
    case 'shut':
      return shut(errand, plan, {
        address,
        contact: opened.failure,
        milliseconds: clock.now() - start,
      });
    case 'clear': {
      const { channel, hello } = opened;
      const shown: Shown = { plan, layer: 'clear', ...(attempt && { attempt }) };
      return { kind: 'met', shown, channel, hello };
    }
    case 'tls': {
      const { channel, met } = opened;
      const judged = attempt ?? attemptAt(errand, call, { contact: met, start });
      return { kind: 'met', shown: { plan, layer: 'tls', attempt: judged }, channel };
    }
  }
}

function connect({ parts, port }: Errand, { plan, address, starttls }: Call): Promise<Opened> {
  const { clientName, dial, stepMs, totalMs, signal } = parts;
  const serverName = printHost(plan.tls === 'opportunistic' ? plan.host : plan.baseDomain);
  return parts.connect(
    { ip: address, port },
    {
      clientName,
      serverName,
      starttls,
      ...(dial && { dial }),
      ...(stepMs !== undefined && { stepMs }),
      ...(totalMs !== undefined && { totalMs }),
      ...(signal && { signal }),
    },
  );
}

/** What there is to report; nothing of a session that was in clear because we wanted no TLS. */
function contactOf(opened: Opened): Met | undefined {
  switch (opened.kind) {
    case 'tls':
      return opened.met;
    case 'clear':
      return opened.why === 'not-asked' ? undefined : opened.why;
    case 'shut':
      return opened.failure;
  }
}

function attemptAt(
  { parts }: Errand,
  { plan, address }: Call,
  { contact, start }: { readonly contact: Met; readonly start: number },
): Attempt {
  const { clock, terms } = parts;
  const now = clock.now();
  const base = { address, contact, milliseconds: now - start };
  if (contact.kind !== 'handshake' || plan.tls !== 'authenticate') return base;
  const { records, names } = plan;
  const options = verifyOptions(terms);
  return { ...base, verdict: verifyPeer({ records, names, chain: contact.chain, now, options }) };
}

const verifyOptions = ({ digestOrder, minimumRsaBits, sha1 }: Terms): VerifyOptions => ({
  ...(digestOrder && { digests: digestOrder }),
  ...(minimumRsaBits !== undefined && { minimumRsaBits }),
  ...(sha1 && { sha1 }),
});

function shut(errand: Errand, plan: ContactPlan, attempt: Attempt & { contact: Failure }): Meeting {
  const { address, contact } = attempt;
  const isAboutTls = failedAtTls(plan, attempt);
  const owner = plan.tls === 'opportunistic' ? undefined : tlsaName(plan.baseDomain, errand.port);
  const trouble: Trouble = {
    nature: isAboutTls ? 'tls' : 'network',
    reason: contact.kind,
    why: `${printHost(plan.host)}: ${printContact(contact)}`,
    dsn: dsnOf(contact),
    host: plan.host,
    address,
    ...(isAboutTls && owner && { fault: { owner, type: 'TLSA' } }),
  };
  return { kind: 'shut', trouble, isAboutTls };
}

/** A refusal before STARTTLS says why itself; it counts as temporary, whatever its class. */
function dsnOf(contact: Failure): string {
  if (contact.kind === 'smtp-refused') return refusedStatus(contact);
  if ('during' in contact && contact.during === 'handshake') return '4.7.5';
  return CONTACTS[contact.kind].dsn ?? NETWORK_DSN[contact.kind] ?? '4.4.0';
}
