/**
 * The README keeps its promises: its code runs, its demo is what comes out, its options and codes are those that exist.
 */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { HELP_TEXTS } from '../src/cli/help.ts';
import { createResolver, nodeEnvironment, parseAnchors, parseHints } from '../src/index.ts';
import {
  corruptSignatures,
  internet,
  issueChain,
  serveOnLoopback,
  startMailHost,
  tlsaFor,
} from '../src/testing/index.ts';
import { spawned } from './cli/support.ts';
import { resolverOn } from './resolver/support.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The text between the fences that open with this. */
function block(fence: string): string {
  const [, text] = README.split(`\n\`\`\`${fence}\n`);
  const [inside] = text?.split('\n```') ?? [];
  if (inside === undefined) throw new RangeError(`the README has no block ${fence}`);
  return inside;
}

const place = t.testdir({});
const url = (module: string): string => new URL(`../src/${module}`, import.meta.url).href;

/** Runs a block as a module of its own; what it says to the console comes back. */
async function runs(name: string, code: string, danelaw: string): Promise<readonly string[]> {
  const said: string[] = [];
  const body = code
    .replace(`'danelaw/testing'`, `'${url('testing/index.js')}'`)
    .replace(`'danelaw'`, `'${danelaw}'`)
    .replaceAll('console.log(', 'globalThis.readme.say(');
  Object.assign(globalThis, {
    readme: {
      ...Object(Reflect.get(globalThis, 'readme')),
      say: (...words: unknown[]) => said.push(words.join(' ')),
    },
  });
  const file = join(place, name);
  writeFileSync(file, body);
  await import(pathToFileURL(file).href);
  return said;
}

t.test('the twelve lines', async (t) => {
  const code = block('ts');
  t.ok(code.split('\n').filter((line) => line !== '').length <= 12);
  const chain = issueChain(['mx.example.com']);
  const tlsa = tlsaFor(chain, 3, 1, 1);
  const net = internet(
    { 'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', `_25._tcp.mx TLSA ${tlsa}`] },
    { now: Date.now(), latencyMs: 1 },
  );
  const mx = await startMailHost({ name: 'mx.example.com', chain });
  const loopback = await serveOnLoopback(net, new Map([['192.0.2.1', mx]]));
  t.teardown(async () => {
    await loopback.close();
    await mx.close();
  });
  const node = nodeEnvironment();
  const hints = parseHints(net.hints);
  const anchors = parseAnchors(net.anchors);
  if (hints.kind === 'errors' || anchors.kind === 'errors') throw new Error('no root');
  const resolver = createResolver({
    environment: { ...node, transport: loopback.through(node.transport) },
    hints: hints.nameservers,
    anchors: anchors.anchors,
  });
  // The real package, but for the internet that it finds itself on.
  Object.assign(globalThis, { readme: { resolver, dial: loopback.dial } });
  const here = join(place, 'here.mjs');
  writeFileSync(
    here,
    `import * as danelaw from '${url('index.js')}';
    export * from '${url('index.js')}';
    const { resolver, dial } = globalThis.readme;
    export const createResolver = () => resolver;
    export const checkDestination = (domain, options) =>
      danelaw.checkDestination(domain, { ...options, probe: { dial } });`,
  );
  const said = await runs('twelve.mjs', code, pathToFileURL(here).href);
  t.match(
    said[0],
    /^deliver-authenticated the certificate of mx\.example\.com matches TLSA 3 1 1 /,
  );
  t.equal(said[1], 'mx.example.com. authenticate');
  t.ok(said.includes('_25._tcp.mx.example.com. TLSA secure'));
  t.equal(said.at(-1), 'secure 1');
});

t.test('the lines on testing', async (t) => {
  t.strictSame(await runs('testing.mjs', block('ts testing'), url('index.js')), ['bogus']);
});

t.test('the lines on node:dns', async (t) => {
  const net = internet(
    {
      'example.com': ['@ MX 10 mx', 'mx A 192.0.2.1', 'www A 127.0.0.1'],
      'bogus.example': ['@ MX 10 mx'],
    },
    { now: Date.now() },
  ).amend('bogus.example', corruptSignatures('MX'));
  const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a TCP port
  Object.assign(globalThis, { readme: { resolver: resolverOn(net) } });
  const here = join(place, 'promises-here.mjs');
  writeFileSync(
    here,
    `import { Resolver as Real } from '${url('adapters/promises.js')}';
    export class Resolver extends Real { constructor() { super(globalThis.readme.resolver); } }`,
  );
  const code = block('ts promises')
    .replace(`'danelaw/promises'`, `'${pathToFileURL(here).href}'`)
    .replace('8080', String(port));
  t.teardown(() => server.close().closeAllConnections());
  t.strictSame(await runs('promises.mjs', code, url('index.js')), [
    'secure mx.example.com',
    'ESERVFAIL bogus signature-invalid',
    '200',
  ]);
});

t.test('the demo prints what the README shows', async (t) => {
  const { code, out } = await spawned(['demo']);
  t.equal(code, 0);
  const timeless = (text: string): string =>
    text
      .replace(/ +\d+ ms$/gm, ' N ms')
      .replace(/in [\d.]+ s,/, 'in N s,')
      .trim();
  t.equal(timeless(block('text demo')), timeless(out));
});

t.test(
  'every option of the help texts stands in the README, and the other way round',
  async (t) => {
    const options = (text: string): Set<string> => new Set(text.match(/--[a-z][a-z-]+/g));
    const helped = options(Object.values(HELP_TEXTS).join('\n'));
    const documented = options(README);
    t.strictSame([...documented].sort(), [...helped].sort());
  },
);
