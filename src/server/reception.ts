/**
 * From the octets of a client's query to the octets of its response: read, answered, fitted to what the client takes.
 *
 * Implements RFC 6891 section 6.2.3 (payload sizes) and RFC 2181 section 9 (TC). Does not: own a socket; a `Caller` is
 * whoever can be answered.
 * @module
 */
import { type Message, writeMessage } from '../dns/message.ts';
import { type AnswerQuery, takeQuery } from './answer.ts';
import { refuse } from './view.ts';

/** One query's way back. */
export interface Caller {
  readonly over: 'udp' | 'tcp';
  readonly isLoopback: boolean;
  /** Called at most once, with the whole response. */
  reply(response: Uint8Array): void;
}

export interface ReceptionParts {
  readonly answer: AnswerQuery;
  /** Told what Danelaw itself did wrong. The client gets SERVFAIL. */
  readonly report: (error: unknown) => void;
}

/** `ignored`: there is no answer to that, nor will there be. */
export type Received = 'answered-later' | 'ignored';

export class Reception {
  readonly #answer: AnswerQuery;
  readonly #report: (error: unknown) => void;
  #waiting = 0;

  constructor({ answer, report }: ReceptionParts) {
    this.#answer = answer;
    this.#report = report;
  }

  /** Questions that have no answer yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** @param bytes  read before this returns; the caller may use them again */
  take(bytes: Uint8Array, caller: Caller): Received {
    const taken = takeQuery(bytes);
    switch (taken.kind) {
      case 'no-query':
        return 'ignored';
      case 'unread':
        caller.reply(fit(taken.response, PLAIN_UDP_SIZE));
        return 'answered-later';
      case 'query':
        void this.#serve(taken.query, caller);
        return 'answered-later';
    }
  }

  async #serve(query: Message, caller: Caller): Promise<void> {
    this.#waiting += 1;
    let response: Uint8Array;
    try {
      response = fit(await this.#answer(query), sizeFor(query, caller));
    } catch (error) {
      this.#report(error);
      response = fit(refuse(query, 'SERVFAIL'), sizeFor(query, caller));
    }
    this.#waiting -= 1;
    caller.reply(response);
  }
}

/** What every client takes over UDP (RFC 1035 section 2.3.4). */
const PLAIN_UDP_SIZE = 512;
/** On the way through a network a response is not sent in fragments (DNS Flag Day 2020). */
const UDP_SIZE = 1232;
/** Within the machine nothing is lost or forged by fragments, and TCP would cost more. */
const LOOPBACK_UDP_SIZE = 4096;
const TCP_SIZE = 0xffff;

function sizeFor({ edns }: Message, { over, isLoopback }: Caller): number {
  if (over === 'tcp') return TCP_SIZE;
  if (!edns) return PLAIN_UDP_SIZE;
  return Math.min(edns.udpSize, isLoopback ? LOOPBACK_UDP_SIZE : UDP_SIZE);
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
