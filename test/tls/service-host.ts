/** Servers of IMAP, POP3, XMPP and direct TLS on loopback, rightly or with one fault: as far as clients need to shake hands. */
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import type { IssuedCertificate } from '../../src/testing/certificates.ts';
import { serve } from '../loopback.ts';

export type ServiceFault =
  /** Nothing comes after the connection, the first, or the second thing that the client says. */
  | 'silent'
  | 'silent-capability'
  | 'silent-starttls'
  | 'silent-handshake'
  /** It hangs up at the start, or after the go-ahead. */
  | 'closed'
  | 'closed-handshake'
  /** It talks without end. */
  | 'endless'
  | 'refused'
  | 'no-starttls'
  | 'starttls-refused'
  /** A line in clear behind the go-ahead, in the same packet or in one of its own. */
  | 'injection'
  | 'late-injection';

export interface ServiceDescription {
  readonly speaks: 'imap' | 'pop3' | 'xmpp' | 'direct';
  readonly chain: readonly IssuedCertificate[];
  readonly fault?: ServiceFault;
}

interface Talk {
  /** Sent at once; nothing where the client speaks first. */
  readonly greeting?: string;
  readonly refusal: string;
  /** What is said to the client's words, by pattern; `$1` is a tag. */
  readonly capability: readonly [RegExp, offer: string, none: string];
  readonly starttls: readonly [RegExp, go: string, no: string];
  readonly injected: string;
}

const STREAM =
  "<?xml version='1.0'?><stream:stream id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const NS = "xmlns='urn:ietf:params:xml:ns:xmpp-tls'";
const TALKS: Readonly<Record<Exclude<ServiceDescription['speaks'], 'direct'>, Talk>> = {
  imap: {
    greeting: '* OK ready\r\n',
    refusal: '* BYE too busy\r\n',
    capability: [
      /^(\S+) CAPABILITY\r\n$/i,
      '* CAPABILITY IMAP4rev1 STARTTLS\r\n$1 OK done\r\n',
      '* CAPABILITY IMAP4rev1\r\n$1 OK done\r\n',
    ],
    starttls: [/^(\S+) STARTTLS\r\n$/i, '$1 OK go ahead\r\n', '$1 NO not now\r\n'],
    injected: '* OK forged\r\n',
  },
  pop3: {
    greeting: '+OK ready\r\n',
    refusal: '-ERR too busy\r\n',
    capability: [/^CAPA\r\n$/i, '+OK\r\nTOP\r\nSTLS\r\n.\r\n', '+OK\r\nTOP\r\n.\r\n'],
    starttls: [/^STLS\r\n$/i, '+OK go ahead\r\n', '-ERR not now\r\n'],
    injected: '+OK forged\r\n',
  },
  xmpp: {
    refusal: `${STREAM}<stream:error><policy-violation xmlns='x'/></stream:error></stream:stream>`,
    capability: [
      /<stream:stream [^>]*>$/,
      `${STREAM}<stream:features><starttls ${NS}><required/></starttls></stream:features>`,
      `${STREAM}<stream:features/>`,
    ],
    starttls: [/<starttls [^>]*>$/, `<proceed ${NS}/>`, `<failure ${NS}/></stream:stream>`],
    injected: '<stream:features/>',
  },
};

export interface ServiceHost {
  readonly ip: string;
  readonly port: number;
  /** All that clients said, those words under TLS marked by `tls `. */
  readonly heard: readonly string[];
}

/** Listens at a free port until the test ends. */
export async function startService(
  test: Pick<Test, 'teardown'>,
  { speaks, chain, fault }: ServiceDescription,
): Promise<ServiceHost> {
  const heard: string[] = [];
  const { ip, port } = await serve(test, (socket) => {
    if (fault === 'closed') socket.destroy();
    else if (speaks === 'direct') secure(socket, chain, fault, heard);
    else talk(socket, TALKS[speaks], { chain, fault, heard });
  });
  return { ip, port, heard };
}

interface State {
  readonly chain: readonly IssuedCertificate[];
  readonly fault: ServiceFault | undefined;
  readonly heard: string[];
}

function talk(socket: Socket, script: Talk, { chain, fault, heard }: State): void {
  const { greeting, refusal, capability, starttls, injected } = script;
  if (fault === 'silent') return;
  if (fault === 'endless') {
    const more = (): void => {
      while (!socket.destroyed && socket.write(`${'x'.repeat(1000)} `.repeat(64)));
    };
    socket.on('drain', more);
    more();
    return;
  }
  if (greeting !== undefined) socket.write(fault === 'refused' ? refusal : greeting);
  const onData = (data: Buffer): void => {
    const said = data.toString('latin1');
    heard.push(said);
    const [asks, offer, none] = capability;
    const [wants, go, no] = starttls;
    if (asks.test(said)) {
      if (fault === 'silent-capability') return;
      if (fault === 'refused') socket.write(refusal);
      else socket.write(answer(said, asks, fault === 'no-starttls' ? none : offer));
    } else if (wants.test(said)) {
      if (fault === 'silent-starttls') return;
      if (fault === 'starttls-refused') {
        socket.write(answer(said, wants, no));
        return;
      }
      socket.removeListener('data', onData);
      socket.write(answer(said, wants, go) + (fault === 'injection' ? injected : ''));
      if (fault === 'late-injection') setImmediate(() => socket.write(injected));
      secure(socket, chain, fault, heard);
    }
  };
  socket.on('data', onData);
}

const answer = (said: string, pattern: RegExp, template: string): string =>
  template.replaceAll('$1', pattern.exec(said)?.[1] ?? '');

function secure(
  socket: Socket,
  chain: readonly IssuedCertificate[],
  fault: ServiceFault | undefined,
  heard: string[],
): void {
  if (fault === 'silent-handshake' || fault === 'silent') {
    socket.resume();
    return;
  }
  if (fault === 'closed-handshake') {
    socket.once('data', () => socket.destroy());
    return;
  }
  const secureContext = createSecureContext({
    key: chain[0]?.privateKey.export({ type: 'pkcs8', format: 'pem' }) ?? '',
    cert: chain.map(({ pem }) => pem).join(''),
  });
  const tls = new TLSSocket(socket, { isServer: true, secureContext });
  tls.on('error', () => tls.destroy());
  tls.on('data', (data: Buffer) => {
    heard.push(`tls ${data.toString('latin1')}`);
    tls.end();
  });
}
