/**
 * `danelaw/nodemailer`: transport options with which nodemailer sends to a domain by DANE and MTA-STS.
 *
 * nodemailer cannot judge a certificate before it sends (a `checkServerIdentity` of its TLS options is not called where the
 * authorities do not vouch for the chain), so it is given sockets that have been judged. Does not: let it speak TLS; what it
 * says leaves this process in TLS all the same, as the destination demands.
 * @module
 */
import type { Socket } from 'node:net';
import { parseNextHop } from '../dane/next-hop.ts';
import { type GateOptions, gateFor } from './gate.ts';

type SocketCallback = (error: Error | null, socket?: { readonly connection: Socket }) => void;

/** What `createTransport` is given. */
export interface DaneTransport {
  readonly host: string;
  readonly secure: false;
  readonly ignoreTLS: true;
  readonly getSocket: (options: object, callback: SocketCallback) => void;
}

/** With these nodemailer would go another way, or demand TLS of the socket in this process. */
const CONTRARY = [
  'connection',
  'getSocket',
  'host',
  'ignoreTLS',
  'opportunisticTLS',
  'port',
  'proxy',
  'requireTLS',
  'secure',
  'secured',
  'service',
  'socket',
  'tls',
  'url',
] as const;

/**
 * Options of a transport that sends all its mail to one next hop. Where no host is as DANE or MTA-STS demands, `sendMail` rejects
 * with the code `EDANE` and the SMTP reply as `response`, and nothing has been sent.
 *
 * @param nextHop  the recipients' domain, or where else mail is to go: `[mx.example.com]:587`
 * @param smtp     further options of nodemailer's SMTP transport: `name`, `pool`, `auth`
 * @param options  those of `startRelay`; one object for all transports has them share what it makes
 * @throws TypeError for a next hop that is none, and for options of nodemailer by which the mail would go past all this
 */
export function daneTransport<T extends object = object>(
  nextHop: string,
  smtp?: T,
  options?: GateOptions,
): T & DaneTransport {
  const parsed = parseNextHop(nextHop);
  if (parsed.kind === 'malformed') throw new TypeError(`nextHop: ${parsed.why}`);
  const given = smtp ?? ({} as T); // nothing, where nothing was given
  const contrary = contraryIn(given);
  if (contrary) throw new TypeError(`smtp: ${whyNot(contrary)}`);
  return {
    ...given,
    // Where somebody else's getSocket takes the place of this one, there is no such host to send to (RFC 6761 section 6.4).
    host: 'danelaw.invalid',
    secure: false,
    ignoreTLS: true,
    getSocket: (asked, callback) => {
      const late = contraryIn({
        ...asked,
        host: undefined,
        ignoreTLS: undefined,
        getSocket: undefined,
      });
      if (late) callback(new TypeError(whyNot(late)));
      else
        gateFor(options)
          .then((gate) => gate.connect(nextHop))
          .then(
            (connection) => callback(null, { connection }),
            (error: Error) => callback(error),
          );
    },
  };
}

const contraryIn = (options: object): string | undefined => {
  const has: Readonly<Record<string, unknown>> = { ...options };
  return CONTRARY.find((name) => has[name] !== undefined && has[name] !== false);
};

const whyNot = (option: string): string =>
  `with "${option}" nodemailer would go past danelaw: leave it out, the next hop says where mail goes`;
