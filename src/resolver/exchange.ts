/**
 * One question to one server: a query made, sent over UDP and where it must be over TCP, and its reply read.
 *
 * Implements RFC 5452 section 9 (random id; question matched), RFC 7766 section 5 (truncation leads to TCP), RFC 6891
 * section 7 (servers that do not know EDNS) and RFC 4035 section 4.1 (DO). A forgery must not look like a fault of the
 * server's, so whatever is odd over UDP is asked again over TCP: a reply to another question, FORMERR, NOTIMP.
 * Does not: choose servers, or read what the reply says.
 * @module
 */
import { CLASS_IN, codeOf } from '../dns/codes.ts';
import { type Message, parseMessage, type Question, writeMessage } from '../dns/message.ts';
import type { LimitName } from '../dnssec/budget.ts';
import type { Delivery, Environment, ServerAddress } from '../environment.ts';
import type { Job } from './job.ts';
import { Joined } from './joined.ts';
import type { Servers } from './servers.ts';

/** What does not fit comes over TCP: no fragments (RFC 9715; DNS Flag Day 2020). */
const UDP_SIZE = 1232;
/** A handshake and a large answer take longer than a datagram. */
const TCP_LEAST_MS = 2_000;
/** A forwarder answers when its own servers have; asked again earlier it would only be asked twice. */
const RECURSION_LEAST_MS = 1_500;

/** What the query's header says: `iterative` to servers of a zone, `recursive` to a forwarder. */
export type Manner = 'iterative' | 'recursive-unchecked' | 'recursive-checked';

export type Received =
  | { readonly kind: 'message'; readonly message: Message; readonly over: 'udp' | 'tcp' }
  | { readonly kind: 'failed'; readonly why: Fault }
  | { readonly kind: 'spent'; readonly limit: LimitName };
type Fault = 'timeout' | 'unreachable' | 'malformed';

/** One packet's way there and back, for the trace. Times on the Clock's scale. */
export interface Sent {
  readonly at: number;
  readonly milliseconds: number;
  readonly over: 'udp' | 'tcp';
  /** What was wrong, where something was. */
  readonly fault: Fault | 'truncated' | 'mismatch' | 'rejected' | undefined;
}

export interface Exchanged {
  readonly received: Received;
  readonly sent: readonly Sent[];
}

export type Exchange = (
  server: ServerAddress,
  question: Question,
  manner: Manner,
  job: Job,
) => Promise<Exchanged>;

/** Those who ask the same server the same question at the same time share the packet; who began has paid for it. */
export function makeExchange(environment: Environment, servers: Servers): Exchange {
  const joined = new Joined<Exchanged>();
  return async (server, question, manner, job) => {
    const { name, type } = question;
    const key = `${server.ip} ${server.port} ${manner} ${type} ${name.key}`;
    const begin = (): Promise<Exchanged> =>
      new Conversation(environment, servers, { server, question, manner, job }).run();
    const first = joined.do(key, begin);
    const exchanged = await first.result;
    if (first.own || exchanged.received.kind !== 'spent') return exchanged;
    return joined.do(key, begin).result; // it was somebody else's budget
  };
}

interface Call {
  readonly server: ServerAddress;
  readonly question: Question;
  readonly manner: Manner;
  readonly job: Job;
}

interface Attempt {
  readonly over: 'udp' | 'tcp';
  readonly edns: 'with-edns' | 'without-edns';
}

type Outcome =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'fault'; readonly fault: Fault | 'mismatch' | 'truncated' };

/** The packets of one exchange, at most three: UDP, TCP, TCP without EDNS. */
class Conversation {
  readonly #environment: Environment;
  readonly #servers: Servers;
  readonly #call: Call;
  readonly #sent: Sent[] = [];

  constructor(environment: Environment, servers: Servers, call: Call) {
    this.#environment = environment;
    this.#servers = servers;
    this.#call = call;
  }

  async run(): Promise<Exchanged> {
    return { received: await this.#converse(), sent: this.#sent };
  }

  async #converse(): Promise<Received> {
    const first = await this.#send({ over: 'udp', edns: 'with-edns' });
    if (!this.#isInDoubt(first)) return first;
    const second = await this.#send({ over: 'tcp', edns: 'with-edns' });
    if (second.kind !== 'message' || !isRejected(second.message)) return second;
    return this.#send({ over: 'tcp', edns: 'without-edns' });
  }

  /** True for what may be a forgery, or cannot be had over UDP. */
  #isInDoubt(received: Received): boolean {
    const { fault } = this.#sent.at(-1) ?? {};
    if (received.kind === 'spent') return false;
    return fault === 'mismatch' || fault === 'truncated' || fault === 'rejected';
  }

  async #send(attempt: Attempt): Promise<Received> {
    const { job, server, question } = this.#call;
    const { clock, transport } = this.#environment;
    const limit = job.spendQuery();
    if (limit) return { kind: 'spent', limit };
    const query = this.#write(attempt);
    const at = clock.now();
    const delivery = await transport.exchange(server, query, {
      over: attempt.over,
      timeoutMs: this.#timeoutMs(attempt.over),
      // A datagram that does not fit ends the wait: TCP tells who sent it. Over TCP nobody else can have.
      accept: (reply) => attempt.over === 'udp' || fits(reply, query, question),
    });
    const milliseconds = clock.now() - at;
    this.#learn(delivery, attempt, milliseconds);
    if (delivery.kind === 'reply' && !job.budget.receive(delivery.bytes.length))
      return { kind: 'spent', limit: 'bytes-received' };
    const outcome = read(delivery, query, question);
    this.#sent.push({ at, milliseconds, over: attempt.over, fault: faultOf(outcome) });
    if (outcome.kind === 'message') return { ...outcome, over: attempt.over };
    const { fault } = outcome;
    return {
      kind: 'failed',
      why: fault === 'timeout' || fault === 'unreachable' ? fault : 'malformed',
    };
  }

  #timeoutMs(over: 'udp' | 'tcp'): number {
    const { server, job } = this.#call;
    const usual = this.#servers.timeoutMs(server);
    const least = this.#call.manner === 'iterative' ? 0 : RECURSION_LEAST_MS;
    return Math.min(job.leftMs, Math.max(usual, over === 'udp' ? least : TCP_LEAST_MS));
  }

  /** Silence over TCP says nothing: the server has just answered over UDP. */
  #learn(delivery: Delivery, { over }: Attempt, milliseconds: number): void {
    const { server } = this.#call;
    if (over === 'tcp') return;
    if (delivery.kind === 'reply') this.#servers.answered(server, milliseconds);
    else this.#servers.failed(server);
  }

  #write({ edns }: Attempt): Uint8Array {
    const { question, manner } = this.#call;
    const [high = 0, low = 0] = this.#environment.random.bytes(2);
    return writeMessage({
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
      questions: [question],
      answer: [],
      authority: [],
      additional: [],
      edns:
        edns === 'with-edns'
          ? { udpSize: UDP_SIZE, version: 0, dnssecOk: true, options: [] }
          : undefined,
    });
  }
}

/** QR, opcode, id and question as asked: RFC 5452 section 9.1. The header is read without the rest. */
function fits(reply: Uint8Array, query: Uint8Array, question: Question): boolean {
  if (reply.length < 12 || reply[0] !== query[0] || reply[1] !== query[1]) return false;
  // QR set and QUERY as opcode: the upper five bits of the third octet.
  if ((reply[2] ?? 0) >> 3 !== 0b1_0000) return false;
  const count = ((reply[4] ?? 0) << 8) | (reply[5] ?? 0);
  if (count === 0) return isError(reply); // RFC 1035: a server that could not read the question
  const { wire } = question.name;
  const end = 12 + wire.length + 4;
  if (count !== 1 || reply.length < end) return false;
  const tail = reply.subarray(12 + wire.length, end);
  return (
    wire.every((octet, i) => fold(octet) === fold(reply[12 + i] ?? 0)) &&
    (((tail[0] ?? 0) << 8) | (tail[1] ?? 0)) === codeOf(question.type) &&
    (((tail[2] ?? 0) << 8) | (tail[3] ?? 0)) === CLASS_IN
  );
}

/** In the third octet of the header. */
const TC = 0x02;
/** RFC 4343: letters fold; length octets lie below them. */
const fold = (octet: number): number => (octet >= 0x41 && octet <= 0x5a ? octet + 32 : octet);
const isError = (reply: Uint8Array): boolean => ((reply[3] ?? 0) & 15) !== 0;

function read(delivery: Delivery, query: Uint8Array, question: Question): Outcome {
  if (delivery.kind !== 'reply') return { kind: 'fault', fault: delivery.kind };
  if (!fits(delivery.bytes, query, question)) return { kind: 'fault', fault: 'mismatch' };
  // Nothing of a truncated message is used (RFC 2181 section 9), so it need not even be whole.
  if (((delivery.bytes[2] ?? 0) & TC) !== 0) return { kind: 'fault', fault: 'truncated' };
  const parsed = parseMessage(delivery.bytes);
  return parsed.kind === 'message' ? parsed : { kind: 'fault', fault: 'malformed' };
}

/** RFC 6891 section 7: what servers say that do not know EDNS. */
const isRejected = ({ rcode }: Message): boolean =>
  rcode === 'FORMERR' || rcode === 'NOTIMP' || rcode === 'BADVERS';

function faultOf(outcome: Outcome): Sent['fault'] {
  if (outcome.kind === 'fault') return outcome.fault;
  return isRejected(outcome.message) ? 'rejected' : undefined;
}
