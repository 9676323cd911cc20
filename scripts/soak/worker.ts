/**
 * The soak's one process in the resolver's namespace: worker.js MINUTES JUMP_EVERY STATE_DIR
 *
 * Asks at a steady rate, sets its clock forward and back, and prints one line of JSON a minute, and one for each wrong
 * answer or unhandled rejection. Does not: restart servers (soak.ts does), or decide what the figures mean.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { planDelivery } from '../../src/dane/plan.ts';
import type { Lookup } from '../../src/dnssec/outcome.ts';
import type { Transport } from '../../src/environment.ts';
import { nodeEnvironment } from '../../src/environment-node.ts';
import { Dice } from '../fuzz/dice.ts';
import type { LabFile } from '../interop/lab.ts';
import { openLabResolver } from '../interop/lab-resolver.ts';
import { judgePlan } from '../scale/truth.ts';
import { Tally } from './counts.ts';
import { JumpingClock } from './jumping-clock.ts';
import { type Asked, makeQuestions } from './questions.ts';
import { judgeOutcome } from './verdict.ts';

/** A mail server of middling size; the lab's whole internet is met within some minutes. */
const QUESTIONS_PER_SECOND = 40;
/** No more than that at once, whatever happens: then questions are left out. */
const MOST_AT_ONCE = 1000;
/** Longer than any TTL of the lab's that is not cut short, and short of the day that its signatures have to spare. */
const JUMP_MS = 2 * 3_600_000;

const [minutesText = '', jumpEveryText = '', state = ''] = process.argv.slice(2);
const [minutes, jumpEvery] = [Number(minutesText), Number(jumpEveryText)];

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
const noteRejection = (error: unknown): void =>
  say({ rejection: error instanceof Error ? (error.stack ?? error.message) : String(error) });
process.on('unhandledRejection', noteRejection);
process.on('uncaughtException', noteRejection);

const tally = new Tally();
const clock = new JumpingClock(nodeEnvironment().clock);
const { lookup } = makeResolver();
// As the lab's generator wrote it.
const lab = JSON.parse(readFileSync(join(state, 'lab.json'), 'utf8')) as LabFile;
const next = makeQuestions(lab, new Dice(1));
let underWay = 0;

await run();
process.exit(0);

async function run(): Promise<void> {
  const from = performance.now();
  let minute = 0;
  let jumps = 0;
  while (minute < minutes) {
    const elapsed = (performance.now() - from) / 60_000;
    if (elapsed >= (jumps + 1) * jumpEvery) {
      jumps += 1;
      const ms = jumps % 2 === 1 ? JUMP_MS : -JUMP_MS;
      clock.jump(ms);
      tally.note(`clock ${ms > 0 ? 'forward' : 'back'} ${Math.abs(ms) / 3_600_000} h`);
    }
    if (elapsed >= minute + 1) {
      minute += 1;
      say(tally.close(minute, heldNow(), process.memoryUsage().rss));
    }
    if (underWay < MOST_AT_ONCE) void ask(next());
    await sleep(1000 / QUESTIONS_PER_SECOND);
  }
}

/** Collected twice: finalisers of the first round free what the second one takes. */
function heldNow(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function ask(asked: Asked): Promise<void> {
  underWay += 1;
  const from = performance.now();
  const wrong = asked.kind === 'plan' ? await plan(asked) : await resolve(asked);
  tally.took(performance.now() - from);
  if (wrong !== undefined) say({ wrong, at: new Date(clock.now()).toISOString() });
  underWay -= 1;
}

/** What is wrong with it, if anything is. */
async function plan({ domain, truth }: Extract<Asked, { kind: 'plan' }>) {
  const judged = judgePlan(await planDelivery(domain, lookup, { halfDane: 'may' }), truth);
  tally.plan(judged.kind);
  return judged.kind === 'wrong'
    ? `plan of ${domain}: ${judged.mistake}, ${judged.what}`
    : undefined;
}

async function resolve(asked: Extract<Asked, { kind: 'lookup' }>): Promise<string | undefined> {
  const outcome = await lookup(asked.name, asked.type);
  const verdict = judgeOutcome(outcome, asked);
  tally.lookup(outcome.status, typeof verdict === 'string' ? verdict : 'wrong');
  return typeof verdict === 'string' ? undefined : verdict.wrong;
}

function makeResolver(): { readonly lookup: Lookup } {
  const { random, transport } = nodeEnvironment();
  const environment = { clock, random, transport: counted(transport) };
  return openLabResolver(join(state, 'root.hints'), join(state, 'anchor.ds'), environment);
}

function counted({ exchange }: Transport): Transport {
  return {
    exchange: async (to, query, how) => {
      const delivery = await exchange(to, query, how);
      tally.packet(delivery.kind);
      return delivery;
    },
  };
}
