/**
 * How an XMPP client, or another XMPP server, asks for TLS: stream header, features, `<starttls/>`, `<proceed/>`.
 *
 * Implements RFC 6120 sections 4.2, 4.3.2 and 5.4.2 as far as they lead to TLS; XML beyond what section 11.1 allows ends the
 * dialogue. Does not: log in, or open the stream anew under TLS.
 * @module
 */
import { SaxesParser } from 'saxes';
import { type Dialogue, type Move, malformed, printable, WAIT } from './dialogue.ts';

const STREAMS = 'http://etherx.jabber.org/streams';
const TLS = 'urn:ietf:params:xml:ns:xmpp-tls';
/** Octets until TLS: features take a few hundred. It stops servers that talk without end. */
const MAX_OCTETS = 65_536;
/** Elements in one another: features are five deep. Each looks for its namespace in all those around it. */
const MAX_DEPTH = 16;

/**
 * A new conversation with an XMPP server that has just been connected to, which is asked for `domain` (A-labels).
 * @throws TypeError when `domain` has characters of no host name: they would be XML
 */
export function makeXmppDialogue(domain: string, role: 'client' | 'server'): Dialogue {
  if (!/^[\w.-]+$/.test(domain)) throw new TypeError('domain must be a host name as A-labels');
  const reader = new StreamReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let octetsRead = 0;

  function push(octets: Uint8Array): Move {
    for (let at = 0; at < octets.length; at += 1) {
      octetsRead += 1;
      if (octetsRead > MAX_OCTETS) return malformed('more than any server has to say before TLS');
      // One by one: what comes behind an element must not be read with it.
      const move = reader.take(decoder.decode(octets.subarray(at, at + 1), { stream: true }));
      if (move.kind === 'ready') return { ...move, left: octets.length - at - 1 };
      if (move.kind === 'say') return { ...move, left: withoutBlanks(octets.subarray(at + 1)) };
      if (move.kind !== 'wait') return move;
    }
    return WAIT;
  }

  return {
    opening: `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xml:lang='en' xmlns='jabber:${role}' xmlns:stream='${STREAMS}'>`,
    push: (octets) => {
      try {
        return push(octets);
      } catch {
        return malformed('octets that are no UTF-8');
      }
    },
  };
}

/** RFC 6120 section 4.6.1: white space between elements is a sign of life, until TLS begins. */
const withoutBlanks = (octets: Uint8Array): number =>
  octets.every((octet) => BLANKS.has(octet)) ? 0 : octets.length;
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Reads the server's stream, and has something to say at the end of some of its elements. */
class StreamReader {
  readonly #parser = new SaxesParser({ xmlns: true });
  /** Names of the elements that are open, with the namespace in front. */
  readonly #path: string[] = [];
  #offersTls = false;
  #hasAsked = false;
  #move: Move = WAIT;

  constructor() {
    this.#parser.on('error', ({ message }) => this.#end(malformed(printable(message))));
    for (const event of ['doctype', 'comment', 'processinginstruction'] as const)
      this.#parser.on(event, () => this.#end(malformed(`XML that no stream may have: a ${event}`)));
    this.#parser.on('opentag', ({ uri, local }) => this.#open(`${uri} ${local}`));
    this.#parser.on('closetag', () => this.#close());
  }

  take(text: string): Move {
    if (text !== '') this.#parser.write(text);
    const move = this.#move;
    if (move.kind === 'say') this.#move = WAIT;
    return move;
  }

  #open(name: string): void {
    this.#path.push(name);
    if (this.#path.length > MAX_DEPTH) this.#end(malformed('elements that are nested too deep'));
    const [stream, first] = this.#path;
    if (stream !== `${STREAMS} stream`) this.#end(malformed('XML that is no XMPP stream'));
    const isFeature = this.#path.length === 3 && first === `${STREAMS} features`;
    if (isFeature && name === `${TLS} starttls`) this.#offersTls = true;
  }

  #close(): void {
    const name = this.#path.pop();
    if (this.#path.length === 0) this.#end({ kind: 'refused', text: 'the stream ended' });
    if (this.#path.length !== 1) return;
    switch (name) {
      case `${STREAMS} features`:
        this.#end(this.#ask());
        return;
      case `${STREAMS} error`:
        this.#end({ kind: 'refused', text: 'a stream error' });
        return;
      case `${TLS} proceed`:
        this.#end(this.#hasAsked ? { kind: 'ready', left: 0 } : malformed('an answer to nothing'));
        return;
      case `${TLS} failure`:
        this.#end({ kind: 'refused', text: 'failure' });
        return;
      default:
        this.#end(malformed('an element that has no place before TLS'));
    }
  }

  #ask(): Move {
    if (!this.#offersTls) return { kind: 'no-starttls' };
    if (this.#hasAsked) return malformed('features a second time');
    this.#hasAsked = true;
    return { kind: 'say', text: `<starttls xmlns='${TLS}'/>`, next: 'starttls', left: 0 };
  }

  /** The first thing that ends a turn is what counts. */
  #end(move: Move): void {
    if (this.#move.kind === 'wait') this.#move = move;
  }
}
