/**
 * How a POP3 client asks for TLS: greeting, CAPA, STLS.
 *
 * Implements RFC 2595 section 4 (STLS) with RFC 2449 section 5 (CAPA) and RFC 1939 section 3 (responses). Does not: log in.
 * @module
 */
import { type Dialogue, LineReader, type Move, malformed, printable, WAIT } from './dialogue.ts';

/** A new conversation with a POP3 server that has just been connected to. */
export function makePop3Dialogue(): Dialogue {
  let step: 'greeting' | 'capability' | 'list' | 'starttls' = 'greeting';
  const announced = new Set<string>();
  const reader = new LineReader((line, left) => take(line, left));

  function take(line: string, left: number): Move {
    if (step === 'list') return listed(line, left);
    const [, status = '', text = ''] = /^(\+OK|-ERR)(?: (.*))?$/s.exec(line) ?? [];
    if (status === '') return malformed('a line that is no POP3 response');
    // A server that knows no CAPA knows no STLS that it could announce (RFC 2595 section 4).
    if (status === '-ERR' && step === 'capability') return { kind: 'no-starttls' };
    if (status === '-ERR') return { kind: 'refused', text: printable(text) };
    switch (step) {
      case 'greeting':
        step = 'capability';
        return { kind: 'say', text: 'CAPA\r\n', next: 'capability', left };
      case 'capability':
        step = 'list';
        return WAIT;
      case 'starttls':
        return { kind: 'ready', left };
    }
  }

  function listed(line: string, left: number): Move {
    if (line !== '.') {
      announced.add(line.split(' ', 1)[0]?.toUpperCase() ?? '');
      return WAIT;
    }
    if (!announced.has('STLS')) return { kind: 'no-starttls' };
    step = 'starttls';
    return { kind: 'say', text: 'STLS\r\n', next: 'starttls', left };
  }

  return { push: (octets) => reader.push(octets) };
}
