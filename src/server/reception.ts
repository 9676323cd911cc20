/**
 * From the octets of a client's query to the octets of its response: read, answered, fitted to what the client takes.
 *
 * Implements RFC 6891 section 6.2.3 (payload sizes) and RFC 2181 section 9 (TC). Does not: own a socket; a `Caller` is
 * whoever can be answered.
 * @module
 */
import type { Rcode } from '../dns/codes.ts';
import { type Message, writeMessage } from '../dns/message.ts';
import type { Network } from '../dns/network.ts';
import type { Clock } from '../environment.ts';
import { mayAsk } from './access.ts';
import { type AnswerQuery, takeQuery } from './answer.ts';
import { refuse } from './view.ts';
import { type Guest, WAITING_LIMITS, type WaitingLimits, WaitingRoom } from './waiting.ts';

/** One query's way back. */
export interface Caller {
  readonly over: 'udp' | 'tcp';
  /** `undefined` for programs of this machine. */
  readonly client: string | undefined;
  /** Called at most once, with the whole response. */
  reply(response: Uint8Array): void;
}

export interface ReceptionParts {
  readonly answer: AnswerQuery;
  /** Told what Danelaw itself did wrong. The client gets SERVFAIL. */
  readonly report: (error: unknown) => void;
  readonly clock: Clock;
  readonly limits?: WaitingLimits;
  /** Whose questions are answered beside this machine's; of whoever reaches a listener where it is left out. */
  readonly allow?: readonly Network[];
  /** Told of each response to a query that could be read. */
  readonly responded?: (rcode: Rcode, over: Caller['over']) => void;
}

/** `ignored`: there is no answer to that, nor will there be. */
export type Received = 'taken' | 'ignored';

export class Reception {
  readonly #parts: ReceptionParts;
  readonly #room: WaitingRoom<Message>;

  constructor(parts: ReceptionParts) {
    const { clock, limits = WAITING_LIMITS } = parts;
    this.#parts = parts;
    this.#room = new WaitingRoom(() => clock.now(), limits);
  }

  /** Questions that have no answer yet. */
  get waiting(): number {
    return this.#room.waiting;
  }

  /** Pieces of work that have not ended. */
  get underWay(): number {
    return this.#room.underWay;
  }

  /** @param client  an address, or `undefined` for programs of this machine */
  admits(client: string | undefined): boolean {
    const { allow } = this.#parts;
    return client === undefined || allow === undefined || mayAsk(client, allow);
  }

  /** @param bytes  read before this returns; the caller may use them again */
  take(bytes: Uint8Array, caller: Caller): Received {
    const taken = takeQuery(bytes);
    const isStranger = !this.admits(caller.client);
    switch (taken.kind) {
      case 'no-query':
        return 'ignored';
      case 'unread':
        if (isStranger) return 'ignored';
        reply(caller, () => fit(taken.response, PLAIN_UDP_SIZE), this.#parts);
        return 'taken';
      case 'query':
        if (isStranger)
          respond(taken.query, refuse(taken.query, 'REFUSED', [NOT_YOU]), caller, this.#parts);
        else this.#serve(taken.query, caller);
        return 'taken';
    }
  }

  /** SERVFAIL for all who wait. */
  turnAwayAll(): void {
    this.#room.turnAwayAll();
  }

  #serve(query: Message, caller: Caller): void {
    let response: Message | undefined;
    try {
      response = this.#parts.answer.atOnce(query, this.#room.isFull ? 'from-cache' : 'plain');
    } catch (error) {
      this.#parts.report(error);
      response = refuse(query, 'SERVFAIL');
    }
    if (response) respond(query, response, caller, this.#parts);
    else this.#room.enter(new Asker(query, caller, this.#parts));
  }
}

class Asker implements Guest<Message> {
  readonly #query: Message;
  readonly #caller: Caller;
  readonly #parts: ReceptionParts;

  constructor(query: Message, caller: Caller, parts: ReceptionParts) {
    this.#query = query;
    this.#caller = caller;
    this.#parts = parts;
  }

  get client(): string | undefined {
    return this.#caller.client;
  }

  async work(): Promise<Message> {
    try {
      return await this.#parts.answer.later(this.#query);
    } catch (error) {
      this.#parts.report(error);
      return refuse(this.#query, 'SERVFAIL');
    }
  }

  serve(response: Message): void {
    respond(this.#query, response, this.#caller, this.#parts);
  }

  /** RFC 8914 section 4.15: nothing is wrong with the answer, there is none yet. */
  turnAway(): void {
    const why = { code: NOT_READY, text: 'too many questions are waiting' };
    this.serve(refuse(this.#query, 'SERVFAIL', [why]));
  }
}

/** A response that cannot be written is our mistake, and no client's business: SERVFAIL for him, and nobody else is hurt. */
function respond(
  query: Message,
  response: Message,
  caller: Caller,
  parts: Pick<ReceptionParts, 'report' | 'responded'>,
): void {
  parts.responded?.(response.rcode, caller.over);
  const size = sizeFor(query, caller);
  const write = (): Uint8Array => {
    try {
      return fit(response, size);
    } catch (error) {
      parts.report(error);
      return fit(refuse(query, 'SERVFAIL'), size);
    }
  };
  reply(caller, write, parts);
}

function reply(
  caller: Caller,
  write: () => Uint8Array,
  { report }: Pick<ReceptionParts, 'report'>,
): void {
  try {
    caller.reply(write());
  } catch (error) {
    report(error);
  }
}

/** RFC 8914 section 4.15. */
const NOT_READY = 14;
/** RFC 8914 section 4.19, and no word more: what goes to strangers may go to a victim. */
const NOT_YOU = { code: 18, text: '' } as const;

/** What every client takes over UDP (RFC 1035 section 2.3.4). */
const PLAIN_UDP_SIZE = 512;
/** On the way through a network a response is not sent in fragments (DNS Flag Day 2020). */
const UDP_SIZE = 1232;
/** Within the machine nothing is lost or forged by fragments, and TCP would cost more. */
const LOOPBACK_UDP_SIZE = 4096;
const TCP_SIZE = 0xffff;

function sizeFor({ edns }: Message, { over, client }: Caller): number {
  if (over === 'tcp') return TCP_SIZE;
  if (!edns) return PLAIN_UDP_SIZE;
  return Math.min(edns.udpSize, client === undefined ? LOOPBACK_UDP_SIZE : UDP_SIZE);
}

/** In the third octet of the header. */
const TC = 0x02;

/**
 * The octets, at most `maxSize` of them. RFC 8914 section 3: what extended errors say in words is the first to be left
 * out.
 */
function fit(response: Message, maxSize: number): Uint8Array {
  const whole = writeMessage(response, { maxSize });
  const isCut = whole.length > maxSize || ((whole[2] ?? 0) & TC) !== 0;
  if (!isCut || !response.edns) return whole;
  const options = response.edns.options.map(({ code, data }) => ({
    code,
    data: data.subarray(0, 2),
  }));
  return writeMessage({ ...response, edns: { ...response.edns, options } }, { maxSize });
}
