/**
 * What the README shows for mail software runs, with the packages as published.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { EE, one } from '../mta/deliver-support.ts';
import { type Setting, settingOf } from './adapters-support.ts';

const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const block = (fence: string): string =>
  README.split(`\n\`\`\`${fence}\n`)[1]?.split('\n```')[0] ?? `no block ${fence}`;
const url = (module: string): string => new URL(`../../src/${module}`, import.meta.url).href;
const packageUrl = (name: string): string =>
  pathToFileURL(createRequire(import.meta.url).resolve(name)).href;

/** The adapter as published, on this setting's internet: its last argument is what a README leaves out. */
function here(place: string, module: string, setting: Setting): string {
  Object.assign(globalThis, { adapters: { options: setting.options } });
  const file = join(place, 'here.mjs');
  writeFileSync(
    file,
    `import * as real from '${url(module)}';
    const { options } = globalThis.adapters;
    export const daneTransport = (nextHop, smtp) => real.daneTransport(nextHop, smtp, options);
    export const daneDelivery = (target) => real.daneDelivery(target, options);
    export const zoneMtaPlugin = (app) => real.zoneMtaPlugin(app, options);
    export const register = (plugin) => real.register(plugin, options);`,
  );
  return file;
}

const SCENE = { zones: one(EE), hosts: { '192.0.2.1': {} } };

/** Runs a block as a module; resolves to the first line that it says. */
async function says(test: Test, name: string, module: string, setting: Setting): Promise<string> {
  const place = test.testdir({});
  const danelaw = pathToFileURL(here(place, module, setting)).href;
  const said = new Promise<string>((resolve) => {
    Object.assign(globalThis, { adaptersSay: resolve });
  });
  const code = block(`ts ${name}`)
    .replace(`'danelaw/${name}'`, `'${danelaw}'`)
    .replace(`from '${name}'`, `from '${packageUrl(name)}'`)
    .replaceAll('console.log(', 'globalThis.adaptersSay(');
  const file = join(place, `${name}.mjs`);
  writeFileSync(file, code);
  await import(pathToFileURL(file).href);
  return said;
}

/** Runs a block as a CommonJS module, as plugins are. */
function plugin(test: Test, name: string, setting: Setting): Record<string, unknown> {
  const place = test.testdir({});
  const module = name === 'haraka' ? 'adapters/haraka.js' : 'adapters/mx-connect.js';
  const file = join(place, 'plugin.cjs');
  const code = block(`js ${name}`).replace(
    /'danelaw\/[\w-]+'/,
    `'${here(place, module, setting)}'`,
  );
  writeFileSync(file, code);
  return createRequire(import.meta.url)(file) as Record<string, unknown>; // what a plugin exports
}

t.test('nodemailer', async (t) => {
  const setting = await settingOf(t, SCENE);
  t.match(await says(t, 'nodemailer', 'adapters/nodemailer.js', setting), /^250 /);
  t.strictSame(setting.taken(), ['192.0.2.1 tls <you@example.com>']);
});

t.test('mx-connect', async (t) => {
  const setting = await settingOf(t, SCENE);
  t.match(
    await says(t, 'mx-connect', 'adapters/mx-connect.js', setting),
    /^220 .* by way of mx\.example\.com, verified\r\n$/,
  );
});

t.test('ZoneMTA', async (t) => {
  const hooks: string[] = [];
  const { init } = plugin(t, 'zonemta', await settingOf(t, SCENE));
  const app = { addHook: (name: string) => hooks.push(name) };
  await new Promise<void>((resolve) =>
    (init as (app: object, done: () => void) => void)(app, resolve),
  ); // as the README has it
  t.strictSame(hooks, ['sender:fetch', 'sender:connect']);
});

t.test('Haraka', async (t) => {
  const hooks: string[] = [];
  const loaded = plugin(t, 'haraka', await settingOf(t, SCENE));
  Object.assign(loaded, { register_hook: (name: string) => hooks.push(name) });
  (loaded.register as () => void).call(loaded); // as the README has it
  t.strictSame(hooks, ['get_mx']);
});
