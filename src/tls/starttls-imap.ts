/**
 * How an IMAP client asks for TLS: greeting, CAPABILITY, STARTTLS.
 *
 * Implements RFC 9051 sections 6.1.1, 6.2.1 and 7.1 as far as they lead to TLS. Does not: log in, or believe anything that is
 * said in clear beyond that.
 * @module
 */
import { type Dialogue, LineReader, type Move, malformed, printable, WAIT } from './dialogue.ts';

const TAG = { capability: 'd1', starttls: 'd2' } as const;

/** A new conversation with an IMAP server that has just been connected to. */
export function makeImapDialogue(): Dialogue {
  let step: 'greeting' | keyof typeof TAG = 'greeting';
  const announced = new Set<string>();
  const reader = new LineReader((line, left) => {
    const move = take(line, left);
    if (move.kind === 'say') step = move.next;
    return move;
  });

  function take(line: string, left: number): Move {
    const [, tag = '', word = '', text = ''] = /^(\S+) +(\S+)(?: +(.*))?$/s.exec(line) ?? [];
    const response = word.toUpperCase();
    if (tag === '') return malformed('a line that is no IMAP response');
    if (tag === '*' && response === 'BYE') return { kind: 'refused', text: printable(text) };
    if (step === 'greeting') return greet(tag, response, left);
    if (tag === '*') {
      if (response === 'CAPABILITY')
        for (const name of text.toUpperCase().split(/ +/)) announced.add(name);
      return WAIT;
    }
    if (tag !== TAG[step]) return malformed('an answer to nothing that was said');
    return answer(step, response, text, left);
  }

  /** RFC 9051 section 6.2.1: who is logged in from the start (PREAUTH) cannot have TLS any more. */
  function greet(tag: string, response: string, left: number): Move {
    if (tag !== '*') return malformed('a greeting that is none');
    if (response === 'PREAUTH') return { kind: 'no-starttls' };
    if (response !== 'OK') return malformed('a greeting that is none');
    return { kind: 'say', text: `${TAG.capability} CAPABILITY\r\n`, next: 'capability', left };
  }

  function answer(during: keyof typeof TAG, response: string, text: string, left: number): Move {
    if (response === 'NO' || response === 'BAD') return { kind: 'refused', text: printable(text) };
    if (response !== 'OK') return malformed('a line that is no IMAP response');
    if (during === 'starttls') return { kind: 'ready', left };
    if (!announced.has('STARTTLS')) return { kind: 'no-starttls' };
    return { kind: 'say', text: `${TAG.starttls} STARTTLS\r\n`, next: 'starttls', left };
  }

  return { push: (octets) => reader.push(octets) };
}
