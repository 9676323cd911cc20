/**
 * Sends messages by mail software on Node, each through its adapter, on Danelaw's own resolver: `send-by.js HINTS ANCHORS`, with
 * a line of JSON on standard input for each message, and one on standard output for each that has ended. Runs in the namespace
 * of the lab's resolver.
 * @module
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { GateOptions } from '../../src/adapters/gate.ts';
import { daneDelivery } from '../../src/adapters/mx-connect.ts';
import { daneTransport } from '../../src/adapters/nodemailer.ts';
import { DEFAULT_TERMS } from '../../src/mta/terms.ts';
import { openLabResolver } from './lab-resolver.ts';
import { each } from './score.ts';

export type Software = 'nodemailer' | 'mx-connect';

/** One message, to `u` of a domain. */
export interface AdapterJob {
  readonly by: Software;
  readonly domain: string;
}

/** What became of it: `delivered`, or what the software was told. */
export type AdapterEnd = readonly [domain: string, end: string];

interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
}

// By name, so that nothing but this needs them when it is compiled.
const require = createRequire(import.meta.url);
const { createTransport } = require('nodemailer') as {
  createTransport(options: object): { sendMail(mail: object): Promise<unknown> };
};
const SMTPConnection = require('nodemailer/lib/smtp-connection') as new (
  options: object,
) => {
  on(event: 'error', listener: (error: Error) => void): void;
  connect(done: () => void): void;
  send(envelope: Envelope, message: string, done: (error: Error | null) => void): void;
  quit(): void;
};
const mxConnect = require('mx-connect') as (options: object) => Promise<{ socket: object }>;

const WIDTH = 4;
const FROM = 'probe@sender.lab';

const [hints = '', anchors = ''] = process.argv.slice(2);
const options: GateOptions = {
  resolver: openLabResolver(hints, anchors),
  terms: { ...DEFAULT_TERMS, useDane: true, mtaSts: 'off' },
  clientName: 'sender.lab',
  families: 'ipv4', // the lab has no other
};

const SEND: Readonly<Record<Software, (job: AdapterJob) => Promise<unknown>>> = {
  nodemailer: ({ domain }) =>
    createTransport(daneTransport(domain, { name: 'sender.lab' }, options)).sendMail({
      from: FROM,
      to: `u@${domain}`,
      subject: 'nodemailer',
      text: 'lab',
    }),
  'mx-connect': async ({ domain }) => {
    const { socket } = await mxConnect(daneDelivery(domain, options));
    await speak(socket, `u@${domain}`);
  },
};

const jobs: AdapterJob[] = [];
for await (const line of createInterface({ input: process.stdin })) jobs.push(JSON.parse(line));
await each(jobs, WIDTH, async (job) => {
  const end = await SEND[job.by](job).then(() => 'delivered', wordsOf);
  const told: AdapterEnd = [job.domain, end];
  process.stdout.write(`${JSON.stringify(told)}\n`);
});
process.exit(0); // kept connections of the resolver are not waited for

/** As ZoneMTA's sender does it. */
function speak(connection: object, recipient: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const smtp = new SMTPConnection({ connection, opportunisticTLS: true, name: 'sender.lab' });
    smtp.on('error', reject);
    smtp.connect(() => {
      const text = `From: <${FROM}>\r\nTo: <${recipient}>\r\nSubject: mx-connect\r\n\r\nlab\r\n`;
      smtp.send({ from: FROM, to: [recipient] }, text, (error) => {
        smtp.quit();
        if (error) reject(error);
        else resolve();
      });
    });
  });
}

function wordsOf(error: unknown): string {
  const { response } = Object(error);
  return typeof response === 'string' ? response : String(error);
}
