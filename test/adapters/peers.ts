/**
 * The published packages that the adapters are for. They are loaded by name when a test runs, so that nothing else needs them.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

const require = createRequire(import.meta.url);

interface Transporter {
  sendMail(
    mail: object,
  ): Promise<{ readonly accepted: readonly string[]; readonly response: string }>;
  close(): void;
}
export const nodemailer = require('nodemailer') as {
  createTransport(options: object): Transporter;
};

/** As ZoneMTA uses it, on a socket of mx-connect's. */
interface SmtpConnection {
  connect(done: () => void): void;
  send(envelope: object, message: string, done: (error: Error | null, info?: object) => void): void;
  quit(): void;
  on(event: 'error', listener: (error: Error) => void): void;
  readonly secure: boolean;
}
export const SMTPConnection = require('nodemailer/lib/smtp-connection') as new (
  options: object,
) => SmtpConnection;

export const mxConnect = require('mx-connect') as (options: object) => Promise<{
  readonly socket: Socket;
  readonly hostname: string;
  readonly port: number;
}>;

/** What Haraka makes of what a plugin's `get_mx` says. */
export const { HarakaMx, resolve_mx_hosts: resolveMxHosts } = require('haraka-net-utils') as {
  HarakaMx: new (given: unknown) => { readonly path?: string; readonly exchange?: string };
  resolve_mx_hosts(mxs: readonly unknown[]): Promise<readonly { readonly path?: string }[]>;
};
