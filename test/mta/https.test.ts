/** The policy fetch against real HTTPS servers on loopback, right and wrong in every way we know. */

import {
  createServer as createPlain,
  type Server as PlainServer,
  type RequestListener,
} from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createNet, type Server as NetServer } from 'node:net';
import t, { type Test } from 'tap';
import { makeFetchPolicy, webRoots } from '../../src/mta/https.ts';
import { type CertificateDescription, issue, issueChain } from '../../src/testing/certificates.ts';

const HOST = 'mta-sts.example.com';
const POLICY = 'version: STSv1\nmode: none\nmax_age: 86400\n';
const ROOT = issue({ kind: 'authority', subject: 'Testing Root' });
const DAY = 86_400_000;

const certified = (description: CertificateDescription, issuer = ROOT) => {
  const leaf = issue({ subject: 'x', names: [HOST], ...description }, issuer);
  return { key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: leaf.pem };
};

const answer: RequestListener = (_, response) => {
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(POLICY);
};

interface Scene {
  readonly certificate?: CertificateDescription;
  readonly issuer?: typeof ROOT;
  readonly answer?: RequestListener;
  readonly options?: ServerOptions;
  readonly timeoutMs?: number;
}

async function serve(t: Test, server: Server | PlainServer | NetServer) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  t.teardown(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function fetchFrom(t: Test, scene: Scene) {
  const server = createServer(
    { ...certified(scene.certificate ?? {}, scene.issuer), ...scene.options },
    scene.answer ?? answer,
  );
  const port = await serve(t, server);
  const dial = () => ({ ip: '127.0.0.1', port });
  const { timeoutMs = 5_000 } = scene;
  return makeFetchPolicy({ roots: [ROOT.pem], dial, timeoutMs })(HOST, ['192.0.2.1']);
}
const failed = (result: string, reason: string) => ({ kind: 'failed', result, reason });
const withType =
  (type: string, body: string): RequestListener =>
  (_, response) => {
    response.setHeader('content-type', type);
    response.end(body);
  };

t.test("a policy is fetched by name: SNI, Host and path are the policy host's", async (t) => {
  const seen: unknown[] = [];
  const fetched = await fetchFrom(t, {
    answer: (request, response) => {
      const { method, url, headers } = request;
      seen.push(
        method,
        url,
        headers.host,
        'servername' in request.socket && request.socket.servername,
      );
      answer(request, response);
    },
  });
  t.same(fetched, { kind: 'body', octets: new TextEncoder().encode(POLICY) });
  t.same(seen, ['GET', '/.well-known/mta-sts.txt', HOST, HOST]);
});

t.test('a wildcard certificate, TLS 1.2, and a type with parameters will do', async (t) => {
  t.match(await fetchFrom(t, { certificate: { names: ['*.example.com'] } }), { kind: 'body' });
  t.match(await fetchFrom(t, { options: { maxVersion: 'TLSv1.2' } }), { kind: 'body' });
  const loud = withType('Text/Plain ; charset="us-ascii"; x=y', POLICY);
  t.match(await fetchFrom(t, { answer: loud }), { kind: 'body' });
});

t.test('certificates that prove nothing', async (t) => {
  const other = issue({ kind: 'authority', subject: 'Another Root' });
  const cases: [claim: string, scene: Scene, reason: string][] = [
    ['wrong name', { certificate: { names: ['www.example.com'] } }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [
      'two labels under the wildcard',
      { certificate: { names: ['*.com'] } },
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'the name as CN only',
      { certificate: { subject: HOST, names: [] } },
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'expired',
      { certificate: { notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY } },
      'CERT_HAS_EXPIRED',
    ],
    ['not yet valid', { certificate: { notBefore: Date.now() + DAY } }, 'CERT_NOT_YET_VALID'],
    ['an unknown authority', { issuer: other }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ];
  for (const [claim, scene, reason] of cases)
    t.same(await fetchFrom(t, scene), failed('sts-webpki-invalid', reason), claim);
  const [own] = issueChain([HOST]);
  const selfSigned = issue({ names: [HOST], keyOf: own });
  const options = {
    cert: selfSigned.pem,
    key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  t.same(
    await fetchFrom(t, { options }),
    failed('sts-webpki-invalid', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
  );
});

t.test('answers that are no policy', async (t) => {
  const status =
    (code: number, location?: string): RequestListener =>
    (_, response) => {
      response.writeHead(code, { 'content-type': 'text/plain', ...(location && { location }) });
      response.end(POLICY);
    };
  let redirected = 0;
  const here: RequestListener = (request, response) => {
    redirected += 1;
    if (request.url === '/elsewhere') answer(request, response);
    else status(301, '/elsewhere')(request, response);
  };
  const cases: [claim: string, answer: RequestListener, result: string, reason: string][] = [
    ['a redirect is not followed', here, 'sts-policy-fetch-error', 'http-status-301'],
    ['404', status(404), 'sts-policy-fetch-error', 'http-status-404'],
    ['204', status(204), 'sts-policy-fetch-error', 'http-status-204'],
    ['500', status(500), 'sts-policy-fetch-error', 'http-status-500'],
    ['a page', withType('text/html', POLICY), 'sts-policy-invalid', 'media-type'],
    ['almost the type', withType('text/plainer', POLICY), 'sts-policy-invalid', 'media-type'],
    ['no type', (_, response) => response.end(POLICY), 'sts-policy-invalid', 'media-type'],
    ['1 MiB', withType('text/plain', 'a: b\n'.repeat(209_716)), 'sts-policy-invalid', 'too-large'],
    [
      'compressed',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' });
        response.end('x');
      },
      'sts-policy-invalid',
      'content-encoding',
    ],
    [
      'cut off',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
        response.write('version');
        setImmediate(() => response.destroy());
      },
      'sts-policy-fetch-error',
      'ECONNRESET',
    ],
  ];
  for (const [claim, listener, result, reason] of cases)
    t.same(await fetchFrom(t, { answer: listener }), failed(result, reason), claim);
  t.equal(redirected, 1, 'the second request was never made');
});

t.test('a switch of protocols is no answer, and what is no host name is not asked', async (t) => {
  const options = { timeoutMs: 60_000 };
  const switching: RequestListener = (request) => {
    request.socket.end('HTTP/1.1 101 Go on\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
  };
  const fetched = await fetchFrom(t, { answer: switching, ...options });
  t.match(fetched, { kind: 'failed', result: 'sts-policy-fetch-error' });
  const fetch = makeFetchPolicy(options);
  for (const host of ['a b.example', 'a\r\nx: y.example', 'a\\.b.example', ''])
    t.same(await fetch(host, ['192.0.2.1']), failed('sts-policy-fetch-error', 'no-host-name'));
});

t.test('64 kB are read, one octet more is not', async (t) => {
  const sized = (length: number) => withType('text/plain', 'a'.repeat(length));
  t.match(await fetchFrom(t, { answer: sized(65_536) }), {
    kind: 'body',
    octets: { length: 65_536 },
  });
  t.match(await fetchFrom(t, { answer: sized(65_537) }), failed('sts-policy-invalid', 'too-large'));
});

t.test('a server that drips, or says nothing, is left when the time is up', async (t) => {
  const drip: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    const timer = setInterval(() => response.write('a'), 10);
    response.on('close', () => clearInterval(timer));
  };
  const timeout = failed('sts-policy-fetch-error', 'timeout');
  t.same(await fetchFrom(t, { answer: drip, timeoutMs: 150 }), timeout);
  t.same(await fetchFrom(t, { answer: () => {}, timeoutMs: 150 }), timeout);
});

t.test('plain HTTP is no answer, and neither is TLS 1.1', async (t) => {
  const port = await serve(t, createPlain(answer));
  const dial = () => ({ ip: '127.0.0.1', port });
  const plain = await makeFetchPolicy({ roots: [ROOT.pem], dial })(HOST, ['192.0.2.1']);
  t.match(plain, { kind: 'failed', result: 'sts-policy-fetch-error' });
  const options = {
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  } as const;
  t.match(await fetchFrom(t, { options }), { kind: 'failed', result: 'sts-policy-fetch-error' });
});

t.test('addresses are tried in turn, four at most, until a server answers', async (t) => {
  const tried: string[] = [];
  const server = createServer(certified({}), answer);
  const port = await serve(t, server);
  const dial = ({ ip }: { ip: string }) => {
    tried.push(ip);
    return { ip: '127.0.0.1', port: ip === '192.0.2.3' ? port : 1 };
  };
  const fetch = makeFetchPolicy({ roots: [ROOT.pem], dial });
  t.match(await fetch(HOST, ['192.0.2.1', '2001:db8::2', '192.0.2.3', '192.0.2.4']), {
    kind: 'body',
  });
  t.same(tried.splice(0), ['192.0.2.1', '2001:db8::2', '192.0.2.3']);
  const none = Array.from({ length: 9 }, (_, i) => `198.51.100.${i}`);
  t.same(await fetch(HOST, none), failed('sts-policy-fetch-error', 'ECONNREFUSED'));
  t.equal(tried.length, 4);
  t.same(await fetch(HOST, []), failed('sts-policy-fetch-error', 'no-address'));
});

t.test('a silent address leaves time for the others', async (t) => {
  const silent = await serve(t, createNet());
  const port = await serve(t, createServer(certified({}), answer));
  const dial = ({ ip }: { ip: string }) => ({
    ip: '127.0.0.1',
    port: ip === '192.0.2.1' ? silent : port,
  });
  const fetch = makeFetchPolicy({ roots: [ROOT.pem], dial, timeoutMs: 2_000 });
  t.match(await fetch(HOST, ['192.0.2.1', '192.0.2.2']), { kind: 'body' });
});

t.test('the authorities of the web can be read', (t) => {
  const roots = webRoots();
  t.ok(roots.length > 50, `${roots.length} of them`);
  t.equal(webRoots(), roots, 'once');
  t.end();
});
