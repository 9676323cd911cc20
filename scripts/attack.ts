/**
 * The attacker on the path at random, for as long as one likes: internets made at random, questions asked under attack,
 * and again when he has gone (see test/resolver/cases.ts). Each seed is a case of its own, so a run goes on where
 * another one stopped.
 *
 * Does not: anything on a network; time is virtual.
 * @module
 */
import { parseArgs } from 'node:util';
import { runCase } from '../test/resolver/cases.ts';

const USAGE = `usage: npm run attack -- [--from SEED] [--count N] [--seconds S]

  --from SEED   the first case (default 1)
  --count N     cases (default 1000)
  --seconds S   stop after so many seconds (default 600)

Exit code 0: nothing false, nothing that outlived the attacker. 1: something did. 2: misuse.`;

interface Run {
  readonly from: number;
  readonly count: number;
  readonly seconds: number;
}

function parse(): Run | undefined {
  const { values } = parseArgs({
    options: {
      from: { type: 'string', default: '1' },
      count: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '600' },
    },
  });
  const [from = 0, count = 0, seconds = 0] = [values.from, values.count, values.seconds].map(
    Number,
  );
  const isRight = [from, count, seconds].every((value) => Number.isInteger(value) && value > 0);
  return isRight ? { from, count, seconds } : undefined;
}

async function attack({ from, count, seconds }: Run): Promise<number> {
  const end = Date.now() + seconds * 1000;
  let failed = 0;
  let seed = from;
  for (; seed < from + count && Date.now() < end; seed += 1) {
    const wrong = await runCase(seed, { after: true });
    if (wrong.length > 0) failed += 1;
    for (const { kind, text } of wrong) console.log(`seed ${seed}: ${kind}: ${text}`);
    if (process.stderr.isTTY) process.stderr.write(`\r${seed - from + 1} of ${count} cases`);
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (seed < from + count) console.log(`out of time; go on with --from ${seed}`);
  console.log(`${seed - from - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

let run: Run | undefined;
try {
  run = parse();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
}
if (run) process.exitCode = await attack(run);
else {
  console.error(USAGE);
  process.exitCode = 2;
}
