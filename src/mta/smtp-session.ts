/**
 * One message in one SMTP session, from EHLO to the answer to the last dot: what becomes of each recipient.
 *
 * Implements RFC 5321 section 3.3 (mail transactions) and section 4.5.3.2 (timeouts), RFC 1870 (SIZE), RFC 6152 (8BITMIME),
 * RFC 6531 (SMTPUTF8) and RFC 8689 section 2 (the REQUIRETLS parameter) for the client. Does not: pipeline, send a second
 * message, or decide whether mail may go (deliver.ts does, before).
 * @module
 */
import type { Answer, Channel } from '../tls/channel.ts';
import { classOf, type Reply, textOf } from '../tls/smtp.ts';
import { isInternational, type Letter } from './letter.ts';

export type SessionStep = 'ehlo' | 'mail' | 'rcpt' | 'data' | 'body' | 'end';

/** What each step waits for the server, in milliseconds. */
export type SessionTimes = Readonly<Record<SessionStep, number>>;

const MINUTE_MS = 60_000;
/** RFC 5321 section 4.5.3.2; `body` is for one piece. EHLO has none there, and gets that of the greeting. */
export const SESSION_TIMES: SessionTimes = {
  ehlo: 5 * MINUTE_MS,
  mail: 5 * MINUTE_MS,
  rcpt: 5 * MINUTE_MS,
  data: 2 * MINUTE_MS,
  body: 3 * MINUTE_MS,
  end: 10 * MINUTE_MS,
};
/** Octets written at once, and so what `body` measures the time for. */
const PIECE = 65_536;

/** What the server said that it can do, by keyword in upper case, with its parameters. */
export type Extensions = ReadonlyMap<string, string>;

export type FateReason =
  | 'accepted'
  | 'smtp-refused'
  | 'smtp-delayed'
  | 'timeout'
  | 'closed'
  | 'protocol-error'
  | 'message-too-big'
  | 'no-8bitmime'
  | 'no-smtputf8';

/** What the session comes to for a recipient, or for all of them. */
export interface Fate {
  /** `delayed`: wait, or try another host; `refused`: never. */
  readonly kind: 'accepted' | 'delayed' | 'refused';
  readonly reason: FateReason;
  readonly step: SessionStep;
  /** The server's own enhanced status code where it gave one (RFC 2034, RFC 3463). */
  readonly dsn: string;
  readonly why: string;
}

export interface Transaction {
  readonly from: string;
  readonly to: readonly string[];
  readonly letter: Extract<Letter, { kind: 'letter' }>;
  /** RFC 8689 section 4.2.1. */
  readonly requireTls: 'say' | 'leave-out';
}

/** EHLO, which after STARTTLS starts anew (RFC 3207 section 4.2). */
export async function sayEhlo(
  channel: Channel,
  clientName: string,
  { ehlo }: SessionTimes,
): Promise<Extensions | Fate> {
  const answer = await channel.ask(line(`EHLO ${clientName}`), ehlo);
  const reply = expect(answer, 'positive', 'ehlo');
  return 'code' in reply ? extensionsOf(reply) : reply;
}

/** The extensions that an answer to EHLO announces. Its first line only greets. */
export const extensionsOf = ({ lines }: Reply): Extensions =>
  new Map(
    lines.slice(1).map((text) => {
      const [, keyword = '', parameters = ''] = /^([^ \t=]*)[ \t=]*(.*)$/.exec(text) ?? [];
      return [keyword.toUpperCase(), parameters];
    }),
  );

/**
 * Sends one message.
 * @returns a fate for each recipient, in their order
 */
export async function transact(
  channel: Channel,
  extensions: Extensions,
  transaction: Transaction,
  times: SessionTimes,
): Promise<readonly Fate[]> {
  const { to, letter } = transaction;
  const all = (fate: Fate): readonly Fate[] => to.map(() => fate);
  const unfit = whyUnfit(extensions, transaction);
  if (unfit) return all(unfit);
  const mail = await say(channel, mailCommand(extensions, transaction), 'mail', times);
  if (mail.kind !== 'accepted') return all(mail);
  const fates: Fate[] = [];
  for (const [i, recipient] of to.entries()) {
    const fate = await say(channel, `RCPT TO:<${recipient}>`, 'rcpt', times);
    fates.push(fate);
    if (isBroken(fate)) return [...fates, ...to.slice(i + 1).map(() => fate)].map(orLost(fate));
  }
  if (!fates.some(({ kind }) => kind === 'accepted')) return fates;
  const end = await sendBody(channel, letter.octets, times);
  return fates.map((fate) => (fate.kind === 'accepted' ? end : fate));
}

/** Who was accepted by a RCPT has got nothing if the connection breaks before DATA. */
const orLost =
  (broken: Fate) =>
  (fate: Fate): Fate =>
    fate.kind === 'accepted' ? broken : fate;

async function sendBody(channel: Channel, octets: Uint8Array, times: SessionTimes): Promise<Fate> {
  const ready = expect(await channel.ask(line('DATA'), times.data), 'intermediate', 'data');
  if (!('code' in ready)) return ready;
  for (let at = 0; at < octets.length; at += PIECE) {
    const sent = await channel.send(octets.subarray(at, at + PIECE), times.body);
    // Whoever answers before the end has not taken the message, whatever the code.
    if (sent.kind !== 'sent') return early(expect(sent, 'positive', 'body'));
  }
  return fateOf(expect(await channel.ask(line('.'), times.end), 'positive', 'end'), 'end');
}

const early = (end: Reply | Fate): Fate =>
  'code' in end ? broken('protocol-error', 'body', 'an answer before the message was over') : end;

/** One command that is answered with yes or no. */
async function say(
  channel: Channel,
  command: string,
  step: SessionStep,
  times: SessionTimes,
): Promise<Fate> {
  return fateOf(expect(await channel.ask(line(command), times[step]), 'positive', step), step);
}

const fateOf = (end: Reply | Fate, step: SessionStep): Fate =>
  'code' in end
    ? { kind: 'accepted', reason: 'accepted', step, dsn: statusOf(end), why: printReply(end) }
    : end;

/** The reply, if it is of the class that the step wants; else what that comes to. */
function expect(answer: Answer, wanted: 'positive' | 'intermediate', step: SessionStep) {
  switch (answer.kind) {
    case 'timeout':
      return broken('timeout', step, 'the server did not answer in time');
    case 'closed':
      return broken('closed', step, 'the server closed the connection');
    case 'protocol-error':
      return broken('protocol-error', step, `the server does not speak SMTP: ${answer.why}`);
    case 'reply': {
      const { reply } = answer;
      const got = classOf(reply);
      if (got === wanted) return reply;
      if (got === 'negative') return refusal(reply, step);
      return broken('protocol-error', step, `the server does not speak SMTP: ${reply.code}`);
    }
  }
}

const STEPS: Readonly<Record<SessionStep, string>> = {
  ehlo: 'after EHLO',
  mail: 'after MAIL FROM',
  rcpt: 'after RCPT TO',
  data: 'after DATA',
  body: 'during the message',
  end: 'after the end of the message',
};

/** Bad connection, and other protocol trouble (RFC 3463 section 3.5 and 3.6). */
const BROKEN_DSN = { timeout: '4.4.2', closed: '4.4.2', 'protocol-error': '4.5.0' } as const;

const broken = (reason: keyof typeof BROKEN_DSN, step: SessionStep, why: string): Fate => ({
  kind: 'delayed',
  reason,
  step,
  dsn: BROKEN_DSN[reason],
  why: `${why} (${STEPS[step]})`,
});

const isBroken = ({ reason }: Fate): boolean => reason in BROKEN_DSN;

function refusal(reply: Reply, step: SessionStep): Fate {
  const isFinal = reply.code >= 500;
  return {
    kind: isFinal ? 'refused' : 'delayed',
    reason: isFinal ? 'smtp-refused' : 'smtp-delayed',
    step,
    dsn: statusOf(reply),
    why: `the server said ${printReply(reply)} ${STEPS[step]}`,
  };
}

/** The enhanced status code at the beginning of the text, if it is of the reply's class; `5.0.0` and the like without. */
export function statusOf(reply: Reply): string {
  const [, status, digit] = /^(([245])\.\d{1,3}\.\d{1,3})\b/.exec(textOf(reply)) ?? [];
  const own = String(reply.code)[0] ?? '4';
  return status !== undefined && digit === own ? status : `${own}.0.0`;
}

/** Of a refusal that counts as temporary although its code may not say so. */
export const refusedStatus = ({ code, text }: { readonly code: number; readonly text: string }) =>
  statusOf({ code, lines: [text] }).replace(/^5/, '4');

const printReply = (reply: Reply): string => `${reply.code} ${textOf(reply)}`.trim();

/** What the message needs and the server cannot do. */
function whyUnfit(extensions: Extensions, { from, to, letter }: Transaction): Fate | undefined {
  const limit = Number(/^\d{1,15}$/.exec(extensions.get('SIZE') ?? '')?.[0] ?? 0);
  if (limit > 0 && letter.size > limit)
    return unfit('message-too-big', '5.3.4', `the server takes no more than ${limit} octets`);
  if ([from, ...to].some(isInternational) && !extensions.has('SMTPUTF8'))
    return unfit('no-smtputf8', '5.6.7', 'the server does not take addresses beyond ASCII');
  if (!letter.isAscii && !extensions.has('8BITMIME'))
    return unfit('no-8bitmime', '5.6.3', 'the server does not take octets beyond ASCII');
  return undefined;
}

const unfit = (reason: FateReason, dsn: string, why: string): Fate => ({
  kind: 'refused',
  reason,
  step: 'mail',
  dsn,
  why,
});

function mailCommand(
  extensions: Extensions,
  { from, to, letter, requireTls }: Transaction,
): string {
  const parameters = [
    ...(extensions.has('SIZE') ? [`SIZE=${letter.size}`] : []),
    ...(letter.isAscii ? [] : ['BODY=8BITMIME']),
    ...([from, ...to].some(isInternational) ? ['SMTPUTF8'] : []),
    ...(requireTls === 'say' ? ['REQUIRETLS'] : []),
  ];
  return [`MAIL FROM:<${from}>`, ...parameters].join(' ');
}

const line = (text: string): Uint8Array => new TextEncoder().encode(`${text}\r\n`);
