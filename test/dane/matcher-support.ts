/**
 * How a case of the matcher is judged: by the octets as they are, by those that come over TLS from a server on loopback, and
 * by OpenSSL against the same server.
 *
 * A case is written as `../shared/spec/dane-cases.md` section 5a has it: records, the chain as sent, names, and the verdict.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import type { MismatchReason } from '../../src/dane/mismatch.ts';
import { printTlsa, type Tlsa, usableRecords } from '../../src/dane/tlsa.ts';
import { type Verdict, type VerifyOptions, verifyPeer } from '../../src/dane/verify.ts';
import { Name } from '../../src/dns/name.ts';
import {
  type CertificateDescription,
  type IssuedCertificate,
  issue,
} from '../../src/testing/certificates.ts';
import { startMailHost } from '../../src/testing/mailhost.ts';
import { connect } from '../../src/tls/connect.ts';

export const DAY_MS = 86_400_000;
export const NOW = Date.now();
export const EXPIRED = { notBefore: NOW - 9 * DAY_MS, notAfter: NOW - DAY_MS };
export const FUTURE = { notBefore: NOW + DAY_MS, notAfter: NOW + 9 * DAY_MS };
export const MX = 'mx.example.com';

export const authority = (
  subject: string,
  issuer?: IssuedCertificate,
  more: CertificateDescription = {},
): IssuedCertificate => issue({ kind: 'authority', subject, ...more }, issuer);
export const server = (
  issuer?: IssuedCertificate,
  more: CertificateDescription = {},
): IssuedCertificate => issue({ subject: 'server', names: [MX], ...more }, issuer);

/** The cast of section 5a: R root, I below it, L below that, U somebody else's root. */
export const R = authority('Root');
export const I = authority('Intermediate', R);
export const L = server(I);
export const U = authority('Unrelated');

type Selected = Pick<IssuedCertificate, 'der' | 'spki'>;

/** A TLSA record that speaks of this certificate. */
export function tlsa(
  usage: number,
  selector: number,
  matchingType: number,
  { der, spki }: Selected,
): Tlsa {
  const octets = selector === 1 ? spki : der;
  const associationData = DIGESTS[matchingType]?.(octets) ?? octets;
  return { usage, selector, matchingType, associationData };
}

const hash = (algorithm: string) => (octets: Uint8Array) =>
  new Uint8Array(createHash(algorithm).update(octets).digest());
const DIGESTS: Readonly<Record<number, (octets: Uint8Array) => Uint8Array>> = {
  1: hash('sha256'),
  2: hash('sha512'),
};

/** The same record with its last bit turned. */
export function wrong(record: Tlsa): Tlsa {
  const associationData = Uint8Array.from(record.associationData);
  associationData[associationData.length - 1] = (associationData.at(-1) ?? 0) ^ 1;
  return { ...record, associationData };
}

export interface Case {
  readonly claim: string;
  readonly records: readonly Tlsa[];
  readonly chain: readonly IssuedCertificate[];
  /** Reference names, the base domain first; the server's own where they are left out. */
  readonly names?: readonly string[];
  readonly options?: VerifyOptions;
  /** The depth of the match, or why there is none. */
  readonly expect: number | MismatchReason;
  /** Why OpenSSL says otherwise, or cannot be asked. */
  readonly openssl?: string;
  /** Why the chain cannot be served. */
  readonly unserved?: string;
}

/** One case of the specification, by its number. */
export function matcherCase(id: string, cases: readonly Case[]): void {
  for (const one of cases)
    t.test(`${id}: ${one.claim}`, async (t) => {
      const direct = verify(
        one,
        one.chain.map(({ der }) => der),
      );
      t.equal(show(direct), String(one.expect));
      if (one.unserved === undefined) await overTls(t, one);
      else t.comment(`not served: ${one.unserved}`);
    });
}

export function verify(
  { records, names = [MX], options }: Pick<Case, 'records' | 'names' | 'options'>,
  chain: readonly Uint8Array[],
): Verdict {
  const references = names.map((name) => Name.parse(name));
  return verifyPeer({ records, chain, names: references, now: NOW, ...(options && { options }) });
}

export const show = (verdict: Verdict): string =>
  verdict.kind === 'authenticated' ? String(verdict.depth) : verdict.reason;

async function overTls(test: Test, one: Case): Promise<void> {
  const host = await startMailHost({ name: MX, chain: one.chain });
  test.teardown(() => host.close());
  const asked = byOpenssl(test, one, host.address.port);
  const contact = await connect(host.address, { clientName: 'client.example', serverName: MX });
  if (contact.kind !== 'handshake') throw new Error(JSON.stringify(contact));
  contact.socket.destroy();
  const same = contact.chain.every(
    (der, i) => Buffer.compare(der, one.chain[i]?.der ?? DER_OF_NONE) === 0,
  );
  test.ok(same && contact.chain.length === one.chain.length, 'the chain comes as it was sent');
  test.equal(show(verify(one, contact.chain)), String(one.expect), 'the same over TLS');
  await asked;
}

const DER_OF_NONE = new Uint8Array(0);

/** Whether `openssl` is there. */
export const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;

async function byOpenssl(test: Test, one: Case, port: number): Promise<void> {
  if (!HAS_OPENSSL) return test.comment('there is no openssl to compare with');
  const { records, names: [name = MX, ...others] = [MX], options, openssl } = one;
  const usable = usableRecords(records);
  if (openssl !== undefined) return test.comment(`not compared with OpenSSL: ${openssl}`);
  if (others.length > 0 || options) return test.comment('OpenSSL takes one name and no options');
  if (usable.length === 0) return test.comment('OpenSSL wants a usable record');
  const said = await ask([
    's_client',
    ...['-connect', `127.0.0.1:${port}`, '-starttls', 'smtp', '-name', 'client.example'],
    ...['-no-CAfile', '-no-CApath', '-no-CAstore', '-cipher', 'DEFAULT@SECLEVEL=1'],
    ...['-dane_tlsa_domain', name, '-dane_ee_no_namechecks'],
    // Usages 0 and 1 are none of SMTP's (RFC 7672 section 3.1.3); what else is unusable OpenSSL sets aside itself.
    ...records
      .filter(({ usage }) => usage > 1)
      .flatMap((record) => ['-dane_tlsa_rrdata', printTlsa(record)]),
  ]);
  const code = /Verify return code: (\d+)/.exec(said)?.[1];
  const depth = /DANE TLSA .* at depth (\d+)/.exec(said)?.[1] ?? 'no depth';
  const expected = typeof one.expect === 'number' ? String(one.expect) : 'a failure';
  test.equal(code === '0' ? depth : 'a failure', expected, `OpenSSL says ${code}, at ${depth}`);
}

/** What `openssl` prints, with nothing on its standard input. */
function ask(argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('openssl', argv, { stdio: ['pipe', 'pipe', 'ignore'] });
    let said = '';
    child.stdout.setEncoding('latin1');
    child.stdout.on('data', (text: string) => {
      said += text;
    });
    child.on('error', reject);
    child.on('close', () => resolve(said));
    child.stdin.end();
  });
}
