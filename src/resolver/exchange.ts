/**
 * One question to one server: a query made, sent over UDP and where it must be over TCP, and its reply read.
 *
 * Implements RFC 5452 section 9 (random id; question matched), RFC 7873 section 5.3 (cookies), RFC 7766 section 5
 * (truncation leads to TCP), RFC 6891 section 7 (servers that do not know EDNS) and RFC 4035 section 4.1 (DO). A forgery must
 * not look like a fault of the server's, so whatever is odd over UDP is asked again over TCP: a reply to another question, in
 * another letter case, with another cookie or without EDNS, FORMERR, NOTIMP; and only what TCP says is remembered.
 * Does not: choose servers, or read what the reply says.
 * @module
 */
import { CLASS_IN, codeOf } from '../dns/codes.ts';
import { cookieOf } from '../dns/edns.ts';
import { type Message, parseMessage, type Question, writeMessage } from '../dns/message.ts';
import type { Name } from '../dns/name.ts';
import type { LimitName } from '../dnssec/budget.ts';
import type { Delivery, Environment, ServerAddress } from '../environment.ts';
import { type Cookies, checkCookie, type SentCookie } from './cookies.ts';
import type { Job } from './job.ts';
import { Joined } from './joined.ts';
import { bitsFor, keepsCase, mixCase, withOwner } from './letter-case.ts';
import { serverKey } from './server-address.ts';
import type { Habit, Servers } from './servers.ts';

/** What does not fit comes over TCP: no fragments (RFC 9715; DNS Flag Day 2020). */
const UDP_SIZE = 1232;
/** A handshake and a large answer take longer than a datagram. */
const TCP_LEAST_MS = 2_000;
/** A forwarder answers when its own servers have; asked again earlier it would only be asked twice. */
const RECURSION_LEAST_MS = 1_500;

/** What the query's header says: `iterative` to servers of a zone, `recursive` to a forwarder. */
export type Manner = 'iterative' | 'recursive-unchecked' | 'recursive-checked';

export interface Means {
  readonly manner: Manner;
  /** `tcp`: at once, for what nobody else may have sent. */
  readonly over: 'udp-first' | 'tcp';
}

/** `mixed`: the case of each letter of a question is drawn, and the reply must repeat it. */
export type LetterCase = 'mixed' | 'as-asked';

export type Received =
  | { readonly kind: 'message'; readonly message: Message; readonly sender: Sender }
  | { readonly kind: 'failed'; readonly why: Exclude<Fault, 'unverified'> }
  /** `code`: what was wrong with its certificate, or why there was no TLS. */
  | { readonly kind: 'failed'; readonly why: 'unverified'; readonly code: string }
  | { readonly kind: 'spent'; readonly limit: LimitName };
/** `shown`: the server, or somebody on the path to it, for it came over TCP or with a cookie of ours. Else it may be anybody. */
export type Sender = 'shown' | 'assumed';
type Fault = 'timeout' | 'unreachable' | 'malformed' | 'unverified';

/** One packet's way there and back, for the trace. Times on the Clock's scale. */
export interface Sent {
  readonly at: number;
  readonly milliseconds: number;
  readonly over: 'udp' | 'tcp' | 'tls';
  /** What was wrong, where something was. */
  readonly fault: Fault | Doubt | undefined;
}

/** What may be a forgery, or cannot be had over UDP. */
type Doubt = 'truncated' | 'mismatch' | 'rejected' | 'malformed' | 'bad-cookie' | 'no-edns';

export interface Exchanged {
  readonly received: Received;
  readonly sent: readonly Sent[];
}

export type Exchange = (
  server: ServerAddress,
  question: Question,
  means: Means,
  job: Job,
) => Promise<Exchanged>;

/** Those who ask the same server the same question at the same time share the packet; who began has paid for it. */
export function makeExchange(
  environment: Environment,
  servers: Servers,
  cookies: Cookies,
  letterCase: LetterCase = 'mixed',
): Exchange {
  const joined = new Joined<Exchanged>();
  const parts: Parts = { environment, servers, cookies, letterCase };
  return (server, question, means, job) => {
    const { name, type } = question;
    const key = `${serverKey(server)} ${means.manner} ${means.over} ${type} ${name.key}`;
    const begin = (): Promise<Exchanged> =>
      new Conversation(parts, { server, question, means, job }).run();
    const first = joined.do(key, begin);
    if (first.own) return first.result;
    return first.result.then((exchanged) =>
      exchanged.received.kind === 'spent' ? again(joined, key, begin) : exchanged,
    );
  };
}

/** It was somebody else's budget; so may the next one's be, and then nobody else's is waited for. */
async function again(
  joined: Joined<Exchanged>,
  key: string,
  begin: () => Promise<Exchanged>,
): Promise<Exchanged> {
  const { own, result } = joined.do(key, begin);
  const exchanged = await result;
  return own || exchanged.received.kind !== 'spent' ? exchanged : begin();
}

interface Call {
  readonly server: ServerAddress;
  readonly question: Question;
  readonly means: Means;
  readonly job: Job;
}

interface Parts {
  readonly environment: Environment;
  readonly servers: Servers;
  readonly cookies: Cookies;
  readonly letterCase: LetterCase;
}

interface Attempt {
  readonly over: 'udp' | 'tcp';
  readonly edns: 'with-cookie' | 'with-edns' | 'without-edns';
}

/** One packet of ours. */
interface Query extends Attempt {
  readonly bytes: Uint8Array;
  readonly cookie: SentCookie | undefined;
}

type Outcome =
  | {
      readonly kind: 'message';
      readonly message: Message;
      readonly doubt: Doubt | undefined;
      readonly sender: Sender;
    }
  | { readonly kind: 'fault'; readonly fault: Fault | Doubt };

/** The packets of one exchange, at most five: UDP, again with the server's new cookie; TCP, without cookie, without EDNS. */
class Conversation {
  readonly #parts: Parts;
  readonly #call: Call;
  readonly #habits: readonly Habit[];
  /** Whether the reply must repeat the case of the name. */
  readonly #isMixed: boolean;
  /** The question's name as it is sent. */
  readonly #asked: Name;
  readonly #sent: Sent[] = [];

  constructor(parts: Parts, call: Call) {
    this.#parts = parts;
    this.#call = call;
    const { name } = call.question;
    this.#habits = parts.servers.habitsOf(call.server);
    this.#isMixed = parts.letterCase === 'mixed' && !this.#habits.includes('changes-case');
    this.#asked = this.#isMixed
      ? mixCase(name, parts.environment.random.bytes(bitsFor(name)))
      : name;
  }

  async run(): Promise<Exchanged> {
    return { received: await this.#converse(), sent: this.#sent };
  }

  async #converse(): Promise<Received> {
    const isTcpOnly = this.#call.means.over === 'tcp' || this.#isInTls;
    if (isTcpOnly) return this.#converseOverTcp('truncated');
    const udp = { over: 'udp', edns: 'with-cookie' } as const;
    let first = await this.#send(udp);
    if (this.#doubt === 'bad-cookie') first = await this.#send(udp);
    const doubt = first.kind === 'spent' ? undefined : this.#doubt;
    if (doubt === undefined) return first;
    const second = await this.#converseOverTcp(doubt);
    if (doubt !== 'no-edns' || second.kind === 'spent') return second;
    this.#note('no-edns', second.kind === 'failed' || !second.message.edns);
    return second.kind === 'failed' ? first : second; // nothing was wrong with the first but this
  }

  async #converseOverTcp(doubt: Doubt): Promise<Received> {
    // Where a cookie was wrong, TCP tells whether the server sends any; else it is one thing less to stumble over.
    const isAboutCookies = doubt === 'mismatch' || doubt === 'bad-cookie';
    const forms = isAboutCookies ? (['with-cookie', 'with-edns'] as const) : ['with-edns' as const];
    for (const edns of forms) {
      const received = await this.#send({ over: 'tcp', edns });
      if (received.kind !== 'message' || !isRejected(received.message)) return received;
    }
    return this.#send({ over: 'tcp', edns: 'without-edns' });
  }

  get #isInTls(): boolean {
    return this.#call.server.tlsName !== undefined;
  }

  /** Of the last packet. */
  get #doubt(): Doubt | undefined {
    const { fault } = this.#sent.at(-1) ?? {};
    return fault === 'timeout' || fault === 'unreachable' || fault === 'unverified'
      ? undefined
      : fault;
  }

  #note(habit: Habit, isSeen: boolean): void {
    if (isSeen) this.#parts.servers.noteHabit(this.#call.server, habit);
  }

  async #send(attempt: Attempt): Promise<Received> {
    const { job, server } = this.#call;
    const { clock, transport } = this.#parts.environment;
    const limit = job.spendQuery();
    if (limit) return { kind: 'spent', limit };
    const query = this.#write(attempt);
    const timeoutMs = this.#timeoutMs(attempt.over);
    const at = clock.now();
    const delivery = await transport.exchange(server, query.bytes, {
      over: attempt.over,
      timeoutMs,
      // A datagram that does not fit ends the wait: TCP tells who sent it. Over TCP nobody else can have.
      accept: (reply) => attempt.over === 'udp' || fits(reply, query.bytes, this.#call.question),
    });
    // A clock that jumps meanwhile makes no server slow, nor quicker than at once.
    const milliseconds = Math.min(timeoutMs, Math.max(0, clock.now() - at));
    if (delivery.kind === 'reply' && !job.budget.receive(delivery.bytes.length))
      return { kind: 'spent', limit: 'bytes-received' };
    const outcome = this.#read(delivery, query);
    const fault = outcome.kind === 'fault' ? outcome.fault : outcome.doubt;
    this.#sent.push({ at, milliseconds, over: this.#isInTls ? 'tls' : attempt.over, fault });
    if (delivery.kind !== 'unreachable' || !OURS.has(delivery.code))
      this.#learn(fault, attempt, milliseconds);
    if (outcome.kind === 'message')
      return { kind: 'message', message: outcome.message, sender: outcome.sender };
    if (delivery.kind === 'unverified')
      return { kind: 'failed', why: delivery.kind, code: delivery.code };
    return {
      kind: 'failed',
      why: fault === 'timeout' || fault === 'unreachable' ? fault : 'malformed',
    };
  }

  #read(delivery: Delivery, query: Query): Outcome {
    if (delivery.kind !== 'reply') return { kind: 'fault', fault: delivery.kind };
    const { bytes } = delivery;
    const { question } = this.#call;
    const isOdd = this.#isMixed && !keepsCase(bytes, this.#asked);
    if ((isOdd && query.over === 'udp') || !fits(bytes, query.bytes, question))
      return { kind: 'fault', fault: 'mismatch' };
    this.#note('changes-case', isOdd);
    // Nothing of a truncated message is used (RFC 2181 section 9), so it need not even be whole.
    if (((bytes[2] ?? 0) & TC) !== 0) return { kind: 'fault', fault: 'truncated' };
    const parsed = parseMessage(bytes, question.name);
    if (parsed.kind !== 'message') return { kind: 'fault', fault: 'malformed' };
    const message = withOwner(parsed.message, question.name);
    const doubt = this.#checkCookie(message, query) ?? this.#checkEdns(message, query);
    if (doubt === 'mismatch') return { kind: 'fault', fault: 'mismatch' };
    return { kind: 'message', message, doubt, sender: senderOf(message, query) };
  }

  #checkCookie({ edns, rcode }: Message, { over, cookie }: Query): Doubt | undefined {
    if (!cookie) return undefined;
    const { server } = this.#call;
    const { cookies } = this.#parts;
    const verdict = checkCookie(cookie, edns);
    if (verdict === 'right') cookies.learn(server, cookie, edns);
    if (over === 'tcp') {
      if (verdict === 'right') return undefined;
      cookies.forget(server);
      this.#note('no-cookies', true);
      return undefined;
    }
    // BADCOOKIE without a cookie is nobody's word.
    if (verdict === 'wrong' || (rcode === 'BADCOOKIE' && verdict === 'none')) return 'mismatch';
    return rcode === 'BADCOOKIE' ? 'bad-cookie' : undefined;
  }

  #checkEdns(message: Message, { over, edns }: Query): Doubt | undefined {
    if (isRejected(message)) return 'rejected';
    const isMissing = over === 'udp' && edns !== 'without-edns' && !message.edns;
    return isMissing && !this.#habits.includes('no-edns') ? 'no-edns' : undefined;
  }

  #timeoutMs(over: 'udp' | 'tcp'): number {
    const { server, job } = this.#call;
    const usual = this.#parts.servers.timeoutMs(server);
    const least = this.#call.means.manner === 'iterative' ? 0 : RECURSION_LEAST_MS;
    return Math.min(job.leftMs, Math.max(usual, over === 'udp' ? least : TCP_LEAST_MS));
  }

  /** Silence over TCP says nothing where the server has just answered over UDP. Nor does what may be somebody else's. */
  #learn(fault: Sent['fault'], { over }: Attempt, milliseconds: number): void {
    const { servers } = this.#parts;
    const { server } = this.#call;
    if (over === 'tcp' && !this.#isInTls) return;
    if (fault === 'timeout' || fault === 'unreachable' || fault === 'unverified')
      servers.failed(server);
    else if (fault !== 'mismatch') servers.answered(server, milliseconds);
  }

  #write(attempt: Attempt): Query {
    const { question, means, server } = this.#call;
    const { manner } = means;
    const [high = 0, low = 0] = this.#parts.environment.random.bytes(2);
    const hasCookie = attempt.edns === 'with-cookie' && !this.#habits.includes('no-cookies');
    const cookie = hasCookie ? this.#parts.cookies.for(server) : undefined;
    const options = cookie ? [cookie.option] : [];
    const bytes = writeMessage({
      id: (high << 8) | low,
      response: false,
      opcode: 0,
      authoritative: false,
      truncated: false,
      recursionDesired: manner !== 'iterative',
      recursionAvailable: false,
      authenticData: false,
      checkingDisabled: manner === 'recursive-unchecked',
      rcode: 'NOERROR',
      questions: [{ name: this.#asked, type: question.type }],
      answer: [],
      authority: [],
      additional: [],
      edns:
        attempt.edns === 'without-edns'
          ? undefined
          : { udpSize: UDP_SIZE, version: 0, dnssecOk: true, options },
    });
    return { over: attempt.over, edns: attempt.edns, bytes, cookie };
  }
}

/** QR, opcode, id and question as asked: RFC 5452 section 9.1. The header is read without the rest. */
function fits(reply: Uint8Array, query: Uint8Array, question: Question): boolean {
  if (reply.length < 12 || reply[0] !== query[0] || reply[1] !== query[1]) return false;
  // QR set and QUERY as opcode: the upper five bits of the third octet.
  if ((reply[2] ?? 0) >> 3 !== 0b1_0000) return false;
  const count = u16At(reply, 4);
  if (count === 0) return isError(reply); // RFC 1035: a server that could not read the question
  const { wire } = question.name;
  const end = 12 + wire.length + 4;
  if (count !== 1 || reply.length < end) return false;
  for (let i = 0; i < wire.length; i += 1)
    if (fold(wire[i] ?? 0) !== fold(reply[12 + i] ?? 0)) return false;
  return u16At(reply, end - 4) === codeOf(question.type) && u16At(reply, end - 2) === CLASS_IN;
}

const u16At = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);

/** RFC 7873 section 5.3: only who saw the query knows the client cookie in it. */
function senderOf({ edns }: Message, { over, cookie }: Query): Sender {
  if (over === 'tcp') return 'shown';
  const isRight = cookie && checkCookie(cookie, edns) === 'right' && cookieOf(edns)?.server;
  return isRight ? 'shown' : 'assumed';
}

/** This machine has no socket or no port to spare: no fault of the server's. */
const OURS: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
]);
/** In the third octet of the header. */
const TC = 0x02;
/** RFC 4343: letters fold; length octets lie below them. */
const fold = (octet: number): number => (octet >= 0x41 && octet <= 0x5a ? octet + 32 : octet);
const isError = (reply: Uint8Array): boolean => ((reply[3] ?? 0) & 15) !== 0;

/** RFC 6891 section 7: what servers say that do not know EDNS. */
const isRejected = ({ rcode }: Message): boolean =>
  rcode === 'FORMERR' || rcode === 'NOTIMP' || rcode === 'BADVERS';
