/**
 * The door to a policy host: one HTTPS GET of an MTA-STS policy, with a certificate that the web's authorities vouch for.
 *
 * Implements RFC 8461 section 3.3: PKIX for the policy host by DNS-ID, no redirects, no caching, text/plain, bounded in
 * time and size. The addresses are the caller's: no name is looked up here. Does not: read the policy.
 * @module
 */

import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { rootCertificates, type TLSSocket } from 'node:tls';
import type { ServerAddress } from '../environment.ts';
import { type Certificate, parseCertificate } from '../tls/certificate.ts';
import { isDnsIdOf } from '../tls/identity.ts';
import { LARGEST_POLICY } from './sts-policy.ts';

export type Fetched =
  | { readonly kind: 'body'; readonly octets: Uint8Array }
  | {
      readonly kind: 'failed';
      /** RFC 8460 section 4.3.2.2. */
      readonly result: 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid';
      /** A word or code for the report. */
      readonly reason: string;
    };

/** Gets `https://HOST/.well-known/mta-sts.txt` from the first of these addresses that answers. Never rejects. */
export type FetchPolicy = (host: string, addresses: readonly string[]) => Promise<Fetched>;

export interface HttpsOptions {
  /** PEM certificates to trust in place of those that come with Node. */
  readonly roots?: readonly string[];
  /** For all addresses together. Default a minute, which RFC 8461 section 3.3 suggests. */
  readonly timeoutMs?: number;
  /** Where packets for an address really go: a test maps the world to ports of 127.0.0.1. */
  readonly dial?: (address: ServerAddress) => ServerAddress;
}

const TIMEOUT_MS = 60_000;
/** Addresses tried: a domain that lists hundreds must not keep us busy with them. */
const MAX_ADDRESSES = 4;
const PORT = 443;
/** What may stand in SNI and in a header line; the DNS has names that may not. */
const HOST = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i;

/** Makes the fetch of these terms. */
export function makeFetchPolicy(options: HttpsOptions = {}): FetchPolicy {
  return async (host, addresses) => {
    if (!HOST.test(host)) return failure('sts-policy-fetch-error', 'no-host-name');
    const deadline = Date.now() + (options.timeoutMs ?? TIMEOUT_MS);
    let last: Fetched = failure('sts-policy-fetch-error', 'no-address');
    const chosen = addresses.slice(0, MAX_ADDRESSES);
    for (const [at, ip] of chosen.entries()) {
      // An equal share of what is left: a silent address must not use up the others' time.
      const timeoutMs = (deadline - Date.now()) / (chosen.length - at);
      if (timeoutMs <= 0) break;
      const tried = await fetchFrom({ ip, port: PORT }, host, { ...options, timeoutMs });
      if (tried.isFinal) return tried.fetched;
      last = tried.fetched;
    }
    return last;
  };
}

const failure = (
  result: Extract<Fetched, { kind: 'failed' }>['result'],
  reason: string,
): Fetched => ({ kind: 'failed', result, reason });

interface Tried {
  readonly fetched: Fetched;
  /** The server has said something over HTTPS: no other address would say it better. */
  readonly isFinal: boolean;
}

function fetchFrom(to: ServerAddress, host: string, options: HttpsOptions): Promise<Tried> {
  const { ip, port } = options.dial?.(to) ?? to;
  return new Promise((resolve) => {
    let socket: TLSSocket | undefined;
    const request = get({
      host: ip,
      port,
      servername: host,
      path: '/.well-known/mta-sts.txt',
      headers: { host, accept: 'text/plain', 'accept-encoding': 'identity' },
      agent: false, // no connection and no TLS session is used twice: a resumed one shows no certificate
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      checkServerIdentity: (_, { raw }) => (speaksFor(raw, host) ? undefined : WRONG_NAME),
      ...(options.roots && { ca: [...options.roots] }),
    });
    const end = (fetched: Fetched, isFinal: boolean): void => {
      clearTimeout(timer);
      request.destroy();
      resolve({ fetched, isFinal });
    };
    const fail = (reason: string): void => end(failure('sts-policy-fetch-error', reason), false);
    const timer = setTimeout(() => fail('timeout'), options.timeoutMs);
    // node:https makes TLS sockets only.
    request.once('socket', (made) => {
      socket = made as TLSSocket;
    });
    request.on('error', (error) => {
      const unproven = socket?.authorizationError;
      if (unproven) end(failure('sts-webpki-invalid', codeOf(unproven)), false);
      else fail(codeOf(error));
    });
    const hangUp = (): void => fail('closed');
    request.once('close', hangUp); // an answer that is none, 101 for instance, ends without a word
    request.once('response', (response) => {
      request.off('close', hangUp);
      read(response).then(
        (fetched) => end(fetched, true),
        (error) => fail(codeOf(error)),
      );
    });
  });
}

function speaksFor(der: Uint8Array, host: string): boolean {
  const parsed = parseCertificate(new Uint8Array(der));
  return parsed.kind === 'certificate' && isDnsIdOf(parsed.certificate, host);
}

const WRONG_NAME = Object.assign(new Error('the certificate is not for this policy host'), {
  code: 'ERR_TLS_CERT_ALTNAME_INVALID',
});

/** Rejects where the connection breaks off. */
async function read(response: IncomingMessage): Promise<Fetched> {
  const { statusCode, headers } = response;
  if (statusCode !== 200) return failure('sts-policy-fetch-error', `http-status-${statusCode}`);
  if (!/^text\/plain[ \t]*(;|$)/i.test(headers['content-type'] ?? ''))
    return failure('sts-policy-invalid', 'media-type');
  if (!/^(identity)?$/i.test(headers['content-encoding'] ?? ''))
    return failure('sts-policy-invalid', 'content-encoding');
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response) {
    const octets: Uint8Array = part;
    length += octets.length;
    if (length > LARGEST_POLICY) return failure('sts-policy-invalid', 'too-large');
    parts.push(octets);
  }
  return { kind: 'body', octets: new Uint8Array(Buffer.concat(parts)) };
}

/** The system's, OpenSSL's or Node's code. Node's declarations have an Error where it gives its code alone, too. */
function codeOf(error: unknown): string {
  if (typeof error === 'string') return error;
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'EIO';
}

/** The authorities that come with Node: Mozilla's list, or the system's where Node was built so. Some 150, read once. */
export function webRoots(): readonly Certificate[] {
  roots ??= rootCertificates.flatMap((pem) => {
    const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
    const parsed = parseCertificate(new Uint8Array(der));
    return parsed.kind === 'certificate' ? [parsed.certificate] : [];
  });
  return roots;
}
let roots: readonly Certificate[] | undefined;
