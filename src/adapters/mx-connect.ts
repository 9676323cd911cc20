/**
 * `danelaw/mx-connect`: connections for mx-connect, and so for ZoneMTA, that DANE and MTA-STS have been applied to.
 *
 * mx-connect hands out a socket before STARTTLS and leaves TLS to whoever speaks SMTP on it, where no hook sees the
 * certificate before MAIL FROM; so its `connectHook` sets a socket that has been judged. mx-connect's own look-ups, MTA-STS
 * and DANE are left out: they would ask a resolver that proves nothing. Does not: let the peer's TLS be seen; EHLO announces
 * no STARTTLS.
 * @module
 */
import type { Socket } from 'node:net';
import { parseNextHop } from '../dane/next-hop.ts';
import { type GateOptions, gateFor } from './gate.ts';

interface Destination {
  readonly domain: string;
}
type Done = (error?: Error | null) => void;
/** mx-connect's `connectHook` and ZoneMTA's `sender:connect`. */
export type ConnectHook = (
  delivery: Destination,
  connection: { socket?: Socket },
  done: Done,
) => void;

/** Has mx-connect ask nobody (RFC 5737 section 3: nobody is there), and is not connected to. */
const placeholder = (exchange: string) => ({ exchange, priority: 0, A: ['192.0.2.1'], AAAA: [] });

/** What `mxConnect` is given. */
export interface DaneDelivery {
  readonly target: string;
  readonly mx: ReturnType<typeof placeholder>[];
  readonly connectHook: ConnectHook;
  readonly mtaSts: { readonly enabled: false };
  readonly dane: { readonly enabled: false };
}

/**
 * Options for `mxConnect`: it resolves to a connection that mail may go over, or rejects with `category`, `temporary` and the
 * SMTP reply as `response`.
 *
 * @param target   the recipients' domain, or where else mail is to go: `[mx.example.com]:587`
 * @param options  those of `startRelay`; one object for all deliveries has them share what it makes
 * @throws TypeError for a target that is none
 */
export function daneDelivery(target: string, options?: GateOptions): DaneDelivery {
  checkTarget(target);
  const hook = daneHook(options);
  return {
    target: hostIn(target),
    mx: [placeholder(hostIn(target))],
    connectHook: (_, connection, done) => hook({ domain: target }, connection, done),
    mtaSts: { enabled: false },
    dane: { enabled: false },
  };
}

/** A hook that sets a socket for the delivery's domain. */
export function daneHook(options?: GateOptions): ConnectHook {
  return ({ domain }, connection, done) => {
    gateFor(options)
      .then((gate) => gate.connect(domain))
      .then((socket) => {
        connection.socket = socket;
      })
      .then(() => done(), done);
  };
}

/** As much of a ZoneMTA plugin's `app` as is needed. */
export interface ZoneMtaApp {
  addHook(name: string, hook: (...parameters: never[]) => void): void;
}
interface Fetched extends Destination {
  mx?: unknown;
  skipSTS?: boolean;
}

/**
 * The `init` of a ZoneMTA plugin: every delivery goes to its domain by DANE and MTA-STS, whatever other plugins say. ZoneMTA's
 * own MX look-up and MTA-STS are left out.
 *
 * @throws TypeError where `app` takes no hooks: nothing would be enforced
 */
export function zoneMtaPlugin(app: ZoneMtaApp, options?: GateOptions): void {
  if (typeof app.addHook !== 'function')
    throw new TypeError('app: without addHook nothing would be enforced');
  const hook = daneHook(options);
  app.addHook('sender:fetch', (delivery: Fetched, next: Done) => {
    delivery.mx = [placeholder(delivery.domain)];
    delivery.skipSTS = true;
    next();
  });
  app.addHook('sender:connect', hook);
}

function checkTarget(target: string): void {
  const parsed = parseNextHop(target);
  if (parsed.kind === 'malformed') throw new TypeError(`target: ${parsed.why}`);
}

/** What mx-connect takes for a host: without brackets and port. */
const hostIn = (target: string): string =>
  target.replace(/:\d+$/, '').replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1');
