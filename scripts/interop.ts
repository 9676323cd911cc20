/**
 * The interop suite: `danelaw` against real name servers and real mail servers, on the lab of `../shared/lab`.
 *
 * Each part adds to one score; the last line is `N passed, N failed`. Does not: need the internet, save for the Debian
 * packages that it installs when it is root. Where it cannot run it says why and exits 0: a missing lab is no failure
 * of Danelaw's.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Crew } from './interop/crew.ts';
import { runDaemon } from './interop/daemon.ts';
import { Lab, whatIsMissing } from './interop/lab.ts';
import { type Latency, runLatency } from './interop/latency.ts';
import { type Mail, runMail } from './interop/mail.ts';
import { makePeers } from './interop/peers.ts';
import { type Row, runProbes } from './interop/probes.ts';
import { print, Score } from './interop/score.ts';

const PARTS = ['probes', 'daemon', 'mail', 'latency'] as const;
type Part = (typeof PARTS)[number];

const USAGE = `usage: npm run interop -- [--only probes|daemon|mail|latency] [--state DIR] [--keep] [--json FILE]

  --only PART   one part in place of all
  --state DIR   where zones, keys and certificates live and are found again (default: a temporary folder)
  --keep        leave the lab up, and say how to end it
  --json FILE   write every check, row and timing there

Needs root, Linux, Debian's apt-get and the lab at ../shared/lab; says so and exits 0 where they are missing.
Exit code 0: nothing failed. 1: something did. 2: misuse.`;

interface Options {
  readonly parts: readonly Part[];
  readonly state: string | undefined;
  readonly keep: boolean;
  readonly json: string | undefined;
}

function parse(): Options | 'help' | { readonly misuse: string } {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        state: { type: 'string' },
        keep: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    const parts = PARTS.filter((part) => values.only === undefined || values.only === part);
    if (parts.length === 0) return { misuse: `--only takes one of ${PARTS.join(', ')}` };
    const state = values.state === undefined ? undefined : resolve(values.state);
    if (state && /\s/.test(state)) return { misuse: '--state must be a path without blanks' };
    return { parts, state, keep: values.keep, json: values.json };
  } catch (error) {
    return { misuse: String(error instanceof Error ? error.message : error) };
  }
}

async function main(): Promise<number> {
  const options = parse();
  if (options === 'help') {
    print(USAGE);
    return 0;
  }
  if ('misuse' in options) {
    process.stderr.write(`interop: ${options.misuse} (see --help)\n`);
    return 2;
  }
  const missing = whatIsMissing();
  if (missing === undefined) return run(options);
  print(`interop skipped: ${missing}`);
  print('0 passed, 0 failed');
  return 0;
}

async function run(options: Options): Promise<number> {
  const score = new Score();
  const crew = new Crew();
  const lab = new Lab(crew, options.state);
  const clear = async () => {
    await crew.end();
    lab.down();
    if (options.state === undefined) lab.remove();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void clear().finally(() => process.exit(130)));
  let kept = false;
  try {
    const results = await runParts(crew, lab, { score, parts: options.parts });
    if (options.json !== undefined)
      writeFileSync(
        options.json,
        `${JSON.stringify({ ...summary(score), ...results }, null, 1)}\n`,
      );
    kept = options.keep;
  } catch (error) {
    score.check(
      'suite',
      'runs to its end',
      false,
      String(error instanceof Error ? error.message : error),
    );
  } finally {
    if (!kept) await clear();
  }
  if (kept) {
    await crew.end();
    print(`The lab stays up. To end it: ${lab.downCommand}`);
  }
  print(`${score.passed} passed, ${score.failed} failed`);
  return score.failed > 0 || score.passed === 0 ? 1 : 0;
}

async function runParts(
  crew: Crew,
  lab: Lab,
  { score, parts }: { score: Score; parts: readonly Part[] },
): Promise<object> {
  const results: { probes?: Row[]; mail?: Mail; latency?: Latency } = {};
  await score.time('packages', () => lab.setup());
  if (parts.includes('mail'))
    await score.time('Postfix and Exim unpacked', () => lab.unpackServers());
  await score.time('zones, keys, certificates', () => lab.generate());
  const peers = parts.includes('mail') ? await makePeers(lab) : [];
  await score.time('servers up', () => lab.up());
  if (parts.includes('probes')) results.probes = await runProbes(crew, lab, score);
  if (parts.includes('daemon')) await runDaemon(crew, lab, score);
  if (parts.includes('mail')) results.mail = await runMail(crew, lab, { score, peers });
  if (parts.includes('latency')) results.latency = await runLatency(crew, lab, score);
  return results;
}

const summary = ({ passed, failed, checks, timings }: Score) => ({
  passed,
  failed,
  timings,
  checks,
});

process.exitCode = await main();
