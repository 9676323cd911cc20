/**
 * A real Haraka as the sending side, with the plugin of `danelaw/haraka`: installed from the npm registry by the lock file in
 * `scripts/interop/haraka`, into the lab's own folder, and run in the namespace of the lab's resolver.
 *
 * Messages are put into its outbound queue by a plugin, which also writes down what became of each. Does not: take mail by SMTP.
 * @module
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Crew } from './crew.ts';
import type { Lab } from './lab.ts';

const INSTALL_MS = 300_000;
/** Haraka sweeps its queue when it starts, and takes what is being written there for rubbish of an earlier run. */
const SWEEP_MS = 3_000;
const LOCK = fileURLToPath(new URL('../../../scripts/interop/haraka/', import.meta.url));
const built = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** One message to each domain: `delivered`, or what Haraka was told. */
export async function sendByHaraka(
  crew: Crew,
  lab: Lab,
  domains: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const home = lab.path('haraka');
  const ends = join(home, 'ends');
  await install(crew, home);
  rmSync(join(home, 'queue'), { recursive: true, force: true }); // of an earlier run
  rmSync(ends, { force: true });
  for (const folder of ['config', 'plugins', 'queue'])
    mkdirSync(join(home, folder), { recursive: true });
  const files: Readonly<Record<string, string>> = {
    'config/me': 'sender.lab\n',
    'config/plugins': 'danelaw\n',
    'config/smtp.ini': 'listen=127.0.0.1:2525\nnodes=0\n',
    'plugins/danelaw.js': plugin(lab, ends, domains),
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(home, path), text);
  const read = (): readonly string[] =>
    existsSync(ends) ? readFileSync(ends, 'utf8').split('\n').slice(0, -1) : [];
  const haraka = join(home, 'node_modules', 'Haraka', 'bin', 'haraka');
  await crew.start(lab.inside('res', [process.execPath, haraka, '-c', home]), {
    file: join(home, 'log'),
    ready: () => read().length >= domains.length,
  });
  return new Map(read().map((line): [string, string] => JSON.parse(line)));
}

async function install(crew: Crew, home: string): Promise<void> {
  if (existsSync(join(home, 'node_modules', 'Haraka'))) return;
  mkdirSync(home, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    cpSync(join(LOCK, file), join(home, file));
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional'];
  await crew.run(['npm', 'ci', '--prefix', home, ...quiet], { timeoutMs: INSTALL_MS });
}

/** As the README has it, on the lab's root; and around it what sends and what listens. */
const plugin = (lab: Lab, ends: string, domains: readonly string[]): string => `
const { appendFileSync } = require('node:fs');
const outbound = require('./outbound');
const danelaw = require('${built('src/adapters/haraka.js')}');
const { DEFAULT_TERMS } = require('${built('src/mta/terms.js')}');
const { openLabResolver } = require('${built('scripts/interop/lab-resolver.js')}');

const tell = (hmail, end) =>
  appendFileSync('${ends}', JSON.stringify([hmail.todo.domain, end]) + '\\n');

exports.register = function () {
  danelaw.register(this, {
    resolver: openLabResolver('${lab.path('root.hints')}', '${lab.path('anchor.ds')}'),
    terms: { ...DEFAULT_TERMS, useDane: true, mtaSts: 'off' },
    clientName: 'sender.lab',
    families: 'ipv4',
  });
};
exports.hook_init_master = (next) => {
  next();
  setTimeout(send, ${SWEEP_MS});
};
const send = () => {
  for (const domain of ${JSON.stringify(domains)})
    outbound.send_email('probe@sender.lab', 'u@' + domain, 'Subject: haraka\\r\\n\\r\\nlab\\r\\n', () => {});
};
exports.hook_delivered = (next, hmail) => {
  tell(hmail, 'delivered');
  next();
};
exports.hook_deferred = (next, hmail, { err }) => {
  tell(hmail, String(err).replace(/^Upstream error: /, ''));
  next();
};
`;
