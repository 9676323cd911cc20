/**
 * One server of a protocol other than SMTP on the wire: TCP, what the protocol says before TLS, and the handshake, up to where
 * the peer's certificates are known.
 *
 * The injection guard, the bounds and the stages are those of connect.ts. Does not: judge the certificate, or log in.
 * @module
 */
import type { ServerAddress } from '../environment.ts';
import { type ConnectOptions, type Contact, connect, dial, handshake } from './connect.ts';
import type { Dialogue, Turn } from './dialogue.ts';
import { type Failure, protocolError } from './failure.ts';
import { PROTOCOLS, type Protocol, type ProtocolName } from './protocols.ts';
import { Call, type Done } from './sockets.ts';

export interface ServiceConnectOptions extends ConnectOptions {
  readonly protocol: ProtocolName;
  /** Whom an XMPP client is after; of no concern to other protocols. A-labels without the final dot. */
  readonly domain: string;
}

/** The server of another protocol does not want to talk, or no TLS. */
export interface Refused {
  readonly kind: 'refused';
  readonly during: Turn;
  readonly text: string;
}

export type ServiceContact = Contact | Refused;

/** Shakes hands with the server at `to`. Never rejects; being aborted is a timeout of the step under way. */
export async function connectService(
  to: ServerAddress,
  options: ServiceConnectOptions,
): Promise<ServiceContact> {
  const protocol: Protocol = PROTOCOLS[options.protocol];
  const { before, farewell } = protocol;
  if (before === 'smtp') return connect(to, options);
  const call = dial(to, options);
  if (!(call instanceof Call)) return call;
  const dialogue = before === 'direct' ? undefined : before(options.domain);
  const ready = await prepare(call, dialogue);
  if (ready.kind !== 'done') return ended(call, ready, farewell);
  const secured = await call.secure(options.serverName);
  if (secured.kind !== 'secured') return ended(call, secured, farewell);
  call.release();
  return handshake(secured.socket, '', farewell);
}

function ended<T extends Failure | Refused>(call: Call, end: T, farewell: string): T {
  call.end(end.kind === 'refused' ? CLOSED : end, farewell);
  return end;
}

/** Who refuses to talk is told nothing more. */
const CLOSED: Failure = { kind: 'closed', during: 'greeting' };

async function prepare(
  call: Call,
  dialogue: Dialogue | undefined,
): Promise<Done | Failure | Refused> {
  const connected = await call.connected();
  if (connected.kind !== 'done' || !dialogue) return connected;
  let turn: Turn = 'greeting';
  let text = dialogue.opening;
  for (;;) {
    const move = await call.move(turn, text, (octets) => dialogue.push(octets));
    switch (move.kind) {
      case 'say':
        if (move.left > 0) return protocolError(turn, 'an answer to nothing that was said');
        turn = move.next;
        text = move.text;
        continue;
      case 'ready':
        return call.nothingFollows();
      case 'no-starttls':
        return 'ehlo' in move ? move : { kind: 'no-starttls', ehlo: 'not-announced' };
      case 'refused':
        return { kind: 'refused', during: turn, text: move.text };
      case 'malformed':
        return protocolError(turn, move.why);
      default:
        return move;
    }
  }
}
