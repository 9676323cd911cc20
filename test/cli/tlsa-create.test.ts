/**
 * `danelaw tlsa create`: records of files of every kind, compared with RFC 7671's own example, with OpenSSL, and with what
 * the octets of the file say.
 */
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { issue, issueChain, tlsaFor } from '../../src/testing/certificates.ts';
import { objectId, sequence } from '../../src/testing/der.ts';
import { command, NO_NETWORK, type Ran } from './support.ts';

const files = t.testdir({});
function file(name: string, content: string | Uint8Array): string {
  const path = join(files, name);
  writeFileSync(path, content);
  return path;
}
const create = (...args: readonly string[]): Promise<Ran> =>
  command(['tlsa', 'create', ...args], {
    environment: { ...NO_NETWORK, clock: { ...NO_NETWORK.clock, now: Date.now } },
  });
const made = async (...args: readonly string[]): Promise<string> => (await create(...args)).out;

const [leaf, intermediate, root] = issueChain(['mx.example.com']);
const pkcs8 = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const chainFile = file('full.pem', leaf.pem + intermediate.pem + root.pem);
const certFile = file('cert.pem', leaf.pem);

/** The key of RFC 7671 section 9, whose three records stand there. */
const EXAMPLE_SPKI =
  '3059301306072A8648CE3D020106082A8648CE3D0301070342000471CB1F504F9E4B33971376C005445DACD33CD79A2881C3DED1981F18E7AAA76609DD0E4EF28265C82703030AD60C5DBA6FB8A9397AC0FCF06D424C885D484887';
const EXAMPLE = {
  '0': EXAMPLE_SPKI,
  '1': '3FE246A848798236DD2AB78D39F0651D6B6E7CA8E2984012EB0A2E1AC8A87B72',
  '2': 'D4F5AF015B46C5057B841C7E7BAB759CBF029526D29520C5BE6A32C67475439E54AB3A945D80C743347C9BD4DADC9D8D57FAB78EAA835362F3CA07CCC19A3214',
};

t.test('the example of RFC 7671 section 9: one key, three matching types', async (t) => {
  const key = file('example.der', Buffer.from(EXAMPLE_SPKI, 'hex'));
  for (const [type, data] of Object.entries(EXAMPLE))
    t.equal(
      await made(key, '--matching-type', type, '--host', 'mail.example.com'),
      `_25._tcp.mail.example.com. 3600 IN TLSA 3 1 ${type} ${data.toLowerCase()}\n`,
    );
});

t.test('every way to hold a key gives the same 3 1 1', async (t) => {
  const spki = createPublicKey(leaf.privateKey);
  const expected = `${tlsaFor([leaf], 3, 1, 1).toLowerCase()}\n`;
  const kinds: Readonly<Record<string, string | Uint8Array>> = {
    'cert.pem': leaf.pem,
    'cert.der': leaf.der,
    'text-before.pem': `Certificate:\n    Data:\n${leaf.pem}`,
    'chain.pem': leaf.pem + intermediate.pem,
    'public.pem': spki.export({ type: 'spki', format: 'pem' }),
    'public.der': spki.export({ type: 'spki', format: 'der' }),
    'private.pem': pkcs8,
    'private.der': leaf.privateKey.export({ type: 'pkcs8', format: 'der' }),
    'sec1.pem': leaf.privateKey.export({ type: 'sec1', format: 'pem' }),
    'sec1.der': leaf.privateKey.export({ type: 'sec1', format: 'der' }),
    'both.pem': pkcs8 + leaf.pem,
    'parameters.pem': `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pkcs8}`,
  };
  for (const [name, content] of Object.entries(kinds)) {
    const { code, out, err } = await create(file(name, content));
    t.equal(out, expected, name);
    t.equal(code, 0);
    t.equal(err, '', 'nothing speaks against 3 1 1');
  }
});

t.test('OpenSSL computes the same from the certificate', async (t) => {
  const openssl = (args: readonly string[], input: string | Uint8Array): Buffer =>
    execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'ignore'] });
  const pem = openssl(['x509', '-noout', '-pubkey'], leaf.pem);
  const key = openssl(['pkey', '-pubin', '-outform', 'DER'], pem);
  const cert = openssl(['x509', '-outform', 'DER'], leaf.pem);
  for (const [selector, octets] of Object.entries({ '0': cert, '1': key }))
    for (const [type, digest] of Object.entries({ '1': 'sha256', '2': 'sha512' })) {
      const hex = createHash(digest).update(octets).digest('hex');
      const numbers = ['--selector', selector, '--matching-type', type];
      t.equal(await made(certFile, ...numbers), `3 ${selector} ${type} ${hex}\n`);
    }
});

t.test(
  'M52: the key is hashed as it stands in the certificate, and not as one would write it',
  async (t) => {
    const { privateKey, spki } = issue({ key: 'rsa' });
    // RFC 3279 section 2.3.1 wants NULL parameters for RSA. Here there are none, and whoever writes the key anew adds them.
    const bits = spki.subarray(4 + 15);
    const odd = sequence(sequence(objectId('1.2.840.113549.1.1.1')), bits);
    const certificate = issue({
      subject: 'odd',
      names: ['odd.example'],
      keyOf: { privateKey, spki: odd },
    });
    const expected = createHash('sha256').update(odd).digest('hex');
    t.equal(await made(file('odd.pem', certificate.pem)), `3 1 1 ${expected}\n`);
    t.not(expected, createHash('sha256').update(spki).digest('hex'));
  },
);

t.test('of a chain: the first certificate for usages 1 and 3, the last for 0 and 2', async (t) => {
  for (const usage of [0, 1, 2, 3] as const) {
    const expected = tlsaFor([leaf, intermediate, root], usage, 0, 1).toLowerCase();
    t.equal(await made(chainFile, '--usage', String(usage), '--selector', '0'), `${expected}\n`);
  }
});

t.test('host, port and TTL; several files, each record once', async (t) => {
  const second = issue({ subject: 'mx.example.com', names: ['mx.example.com'] });
  const more = file('second.pem', second.pem);
  const place = ['--host', 'mx.example.com', '--port', '587', '--ttl', '300'];
  t.equal(
    await made(certFile, chainFile, more, ...place),
    [leaf, second]
      .map(
        (one) => `_587._tcp.mx.example.com. 300 IN TLSA ${tlsaFor([one], 3, 1, 1).toLowerCase()}\n`,
      )
      .join(''),
  );
});

t.test('what the RFCs say against a record goes to standard error', async (t) => {
  const cases: readonly (readonly [args: readonly string[], warning: RegExp])[] = [
    [[certFile, '--usage', '1'], /1 1 1: mail servers do not use PKIX-TA\(0\) and PKIX-EE\(1\)/],
    [[chainFile, '--usage', '0', '--selector', '0'], /0 0 1: mail servers do not use PKIX-TA/],
    [
      [chainFile, '--usage', '2', '--selector', '0'],
      /2 0 1: the server must send this certificate/,
    ],
    [[chainFile, '--usage', '2'], /2 1 1: the key alone leaves the path length/],
    [[chainFile, '--usage', '2', '--matching-type', '0'], /2 1 0: whole certificates and keys/],
    [[certFile, '--matching-type', '0'], /3 1 0: whole certificates and keys/],
    [[certFile, '--selector', '0'], /3 0 1: it changes with each renewal/],
    [[certFile, '--matching-type', '2'], /3 1 2: clients must know SHA2-256/],
    [[certFile, '--usage', '2', '--selector', '0'], /the certificate is no authority/],
  ];
  for (const [args, warning] of cases) {
    const { code, out, err } = await create(...args);
    t.equal(code, 0, 'the record is made all the same');
    t.match(out, /^\d \d \d [0-9a-f]+\n$/);
    t.match(err, warning);
    t.match(err, /^(warning: [^\n]+\n)+$/);
  }
  const elsewhere = await create(certFile, '--usage', '1', '--port', '993');
  t.notMatch(elsewhere.err, /mail servers/, 'PKIX usages are defined for other protocols');
  const past = issue({ kind: 'authority', subject: 'past', notAfter: Date.UTC(2020, 0, 1) });
  const ended = await create(file('past.pem', past.pem), '--usage', '2', '--selector', '0');
  t.match(ended.err, /the certificate ended at 2020-01-01T00:00:00\.000Z/);
});

t.test('the same as JSON', async (t) => {
  const { out, err } = await create(certFile, '--usage', '1', '--host', 'mx.example.com', '--json');
  t.equal(err, '');
  const view = JSON.parse(out);
  t.match(view, {
    owner: '_25._tcp.mx.example.com',
    ttl: 3600,
    records: [
      {
        file: certFile,
        usage: 1,
        selector: 1,
        matchingType: 1,
        associationData: tlsaFor([leaf], 1, 1, 1).slice(6).toLowerCase(),
      },
    ],
    warnings: [/^1 1 1: mail servers/],
  });
  t.equal(view.warnings.length, 1);
});

t.test('files and words that do not do', async (t) => {
  const encrypted = leaf.privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  const broken = leaf.pem.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n');
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [[], /tlsa create needs a file with a certificate or key; see danelaw tlsa create --help/],
    [[join(files, 'none')], /none cannot be read: there is no such file/],
    [[file('text', 'hello')], /text: it is no certificate and no key, neither as PEM nor as DER/],
    [[file('empty', '')], /empty: it is no certificate and no key/],
    [[file('encrypted.pem', encrypted)], /the key is encrypted: give the certificate/],
    [[file('broken.pem', broken)], /broken.pem: a certificate that is none: /],
    [[file('cut.pem', leaf.pem.slice(0, 100))], /a block that begins and does not end/],
    [
      [file('csr.pem', leaf.pem.replaceAll('CERTIFICATE', 'X509 CRL'))],
      /no certificate and no key in it/,
    ],
    [[file('big', Buffer.alloc(1_000_001))], /too large/],
    [[file('key.pem', pkcs8), '--selector', '0'], /3 0 1 wants the whole certificate/],
    [[certFile, '--usage', '4'], /--usage: "4" does not do: give a number from 0 to 3/],
    [[certFile, '--selector', '2'], /--selector: "2" does not do/],
    [[certFile, '--matching-type', 'sha256'], /--matching-type: "sha256" does not do/],
    [[certFile, '--ttl', '-1'], /--ttl/],
    [[certFile, '--ttl', '2147483648'], /is no TTL/],
    [[certFile, '--port', '0'], /is no port/],
    [[certFile, '--host', '192.0.2.1'], /is an address/],
    [[certFile, '--host', `${'a.'.repeat(122)}example`], /is too long for TLSA records/],
  ];
  for (const [args, says] of cases) {
    const { code, out, err } = await create(...args);
    t.equal(code, 2, String(says));
    t.equal(out, '');
    t.match(err, says);
    t.match(err, /^danelaw: [^\n]*\n$/);
  }
});

t.test('danelaw tlsa alone says what there is', async (t) => {
  const setting = { environment: NO_NETWORK };
  t.match((await command(['tlsa'], setting)).err, /tlsa needs to know what to do: use create/);
  t.match((await command(['tlsa', 'make'], setting)).err, /"make" is not known: use create/);
  t.equal((await command(['tlsa', 'toString'], setting)).code, 2);
  t.match((await command(['tlsa', '--help'], setting)).out, /^danelaw tlsa create FILE/);
  const help = await command(['tlsa', 'create', '--help'], setting);
  t.equal(help.code, 0);
  t.ok(
    help.out.split('\n').every((line) => line.length <= 90),
    'fits a terminal',
  );
});
