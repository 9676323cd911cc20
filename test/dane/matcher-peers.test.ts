// Cases of ../shared/spec/dane-cases.md section 5a that turn on what goes over the wire: M49, M54, M55, M59, M60.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import t from 'tap';
import { planDelivery } from '../../src/dane/plan.ts';
import { Name } from '../../src/dns/name.ts';
import { issue } from '../../src/testing/certificates.ts';
import { internet } from '../../src/testing/index.ts';
import { type MailHostDescription, startMailHost } from '../../src/testing/mailhost.ts';
import { type Contact, connect, type Handshake } from '../../src/tls/connect.ts';
import { serve, speaking } from '../loopback.ts';
import { resolverOn } from '../resolver/support.ts';
import { authority, I, L, MX, server, show, tlsa, verify, wrong } from './matcher-support.ts';

const OPTIONS = { clientName: 'client.example', serverName: MX } as const;

type Tap = { teardown(end: () => unknown): void };

async function hostOf(test: Tap, description: Omit<MailHostDescription, 'name'>) {
  const host = await startMailHost({ name: MX, ...description });
  test.teardown(() => host.close());
  return host;
}

function shaken(test: Tap, contact: Contact): Handshake {
  if (contact.kind !== 'handshake') throw new Error(JSON.stringify(contact));
  test.teardown(() => contact.socket.destroy());
  return contact;
}

t.test('M49: RDATA of three octets is unusable, of two a broken answer', async (t) => {
  const planned = async (rdata: string) => {
    const net = internet({
      'example.com': ['@ MX 10 mx.example.com.', 'mx A 192.0.2.1', `_25._tcp.mx TLSA ${rdata}`],
    });
    const plan = await planDelivery(Name.parse('example.com'), resolverOn(net).lookup);
    const [host] = plan.kind === 'deliver' ? plan.hosts : [];
    return host && 'why' in host ? `${host.tls}: ${host.why}` : host?.tls;
  };
  t.equal(await planned('\\# 3 030101'), 'encrypt: tlsa-unusable');
  t.equal(await planned('\\# 2 0301'), 'unreachable: malformed-records', 'no connection at all');
  t.equal(await planned(`3 1 1 ${'ab'.repeat(32)}`), 'authenticate');
});

t.test('M54: keys of two kinds, TLSA for one: the log says which was shown', async (t) => {
  const rsa = server(I, { key: 'rsa' });
  const host = await hostOf(t, { chain: [rsa, I], otherChain: [L, I] });
  const { chain } = shaken(t, await connect(host.address, OPTIONS));
  const verdict = verify({ records: [tlsa(3, 1, 1, rsa)] }, chain);
  t.match(verdict, {
    kind: 'not-authenticated',
    reason: 'dane-no-match',
    detail: /^the server shows a P-256 key, TLSA 3 1 1 [0-9a-f]{64}$/,
  });
  t.equal(show(verify({ records: [tlsa(3, 1, 1, rsa), tlsa(3, 1, 1, L)] }, chain)), '0', 'both');
  t.match(verify({ records: [tlsa(3, 1, 1, L)] }, [rsa.der]), { detail: /shows a RSA 2048 key/ });
});

t.test('M55: a certificate of 1 MiB ends the handshake, and is read in no time', async (t) => {
  const padding = { id: '1.3.6.1.4.1.99999.1', value: new Uint8Array(1 << 20) };
  const huge = issue({ subject: 'huge', names: [MX], extensions: [padding] }, I);
  const host = await hostOf(t, { chain: [huge, I] });
  const contact = await connect(host.address, OPTIONS);
  t.match(contact, { kind: 'handshake-failed', code: /EXCESSIVE|LENGTH|SIZE/ });
  const start = performance.now();
  t.equal(show(verify({ records: [tlsa(2, 0, 1, I)] }, [huge.der, I.der])), '1');
  const large = authority('Large', undefined, { extensions: [padding] });
  t.equal(show(verify({ records: [tlsa(2, 0, 1, I)] }, [L.der, large.der, I.der])), '1');
  t.ok(performance.now() - start < 2000, 'bounded time');
});

/** Extension numbers in the ClientHello of one STARTTLS connection (RFC 8446 section 4.1.2). */
async function helloOf(test: Tap): Promise<ReadonlyMap<number, Uint8Array>> {
  const heard: Buffer[] = [];
  const hear = (socket: Socket): void => {
    socket.once('data', (octets) => {
      heard.push(octets);
      socket.destroy();
    });
  };
  const script = ['220 mx\r\n', '250-mx\r\n250 STARTTLS\r\n', '220 go\r\n'];
  await connect(await serve(test, speaking(script, hear)), OPTIONS);
  return extensionsOf(Buffer.concat(heard));
}

/** Record and handshake header, version and random; then three lists, and the extensions. */
function extensionsOf(hello: Buffer): ReadonlyMap<number, Uint8Array> {
  let at = 5 + 4 + 2 + 32;
  at += 1 + hello.readUInt8(at); // session
  at += 2 + hello.readUInt16BE(at); // ciphers
  at += 1 + hello.readUInt8(at); // compression
  const end = at + 2 + hello.readUInt16BE(at);
  const found = new Map<number, Uint8Array>();
  for (at += 2; at < end; ) {
    const length = hello.readUInt16BE(at + 2);
    found.set(hello.readUInt16BE(at), hello.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

t.test('M59: no raw public key is asked for, so 3 0 1 always has a certificate', async (t) => {
  const extensions = await helloOf(t);
  t.ok(extensions.has(0), 'SNI is there: the ClientHello was read rightly');
  t.notOk(extensions.has(20), 'server_certificate_type (RFC 7250 section 3)');
  t.notOk(extensions.has(41), 'no pre-shared key: nothing is resumed');
});

t.test('M60: a changed TLSA set meets a full handshake', async (t) => {
  const host = await hostOf(t, { chain: [L, I] });
  const right = tlsa(3, 1, 1, L);
  const verdicts: string[] = [];
  for (const records of [[right], [wrong(right)], [wrong(right), right]]) {
    const { chain, socket } = shaken(t, await connect(host.address, OPTIONS));
    t.notOk(socket.isSessionReused());
    t.equal(chain.length, 2, 'the certificates come each time');
    verdicts.push(show(verify({ records }, chain)));
  }
  t.same(verdicts, ['0', 'dane-no-match', '0']);
});

const SPEC = new URL('../../../../shared/spec/dane-cases.md', import.meta.url);
const SOURCES = new URL('../../../test/dane/', import.meta.url);
t.test(
  'every case of section 5a has a test with its number',
  { skip: existsSync(SPEC) ? false : '../shared/spec is not there' },
  async (t) => {
    const wanted = [...readFileSync(SPEC, 'utf8').matchAll(/^\| (M\d+\w?) \|/gm)];
    const sources = readdirSync(SOURCES).filter((name) => /^matcher.*\.test\.ts$/.test(name));
    const text = sources.map((name) => readFileSync(new URL(name, SOURCES), 'utf8')).join('\n');
    const tested = new Set(
      [...text.matchAll(/(?:matcherCase\(\s*|\.test\()'(M\d+\w?)\b/g)].map(([, id]) => id),
    );
    t.ok(wanted.length > 60, `${wanted.length} cases`);
    t.same(
      wanted.flatMap(([, id]) => (tested.has(id) ? [] : [id])),
      [],
    );
  },
);
