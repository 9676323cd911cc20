import t from 'tap';
import { makeCorpus } from '../../scripts/fuzz/corpus.ts';
import { octetsOf } from '../../scripts/fuzz/round.ts';
import { run } from '../../scripts/fuzz/run.ts';

const corpus = makeCorpus();

/** On a busy machine fewer packets must do; `npm run fuzz` has no such limit. */
const ENOUGH_MS = 15_000;

t.test('20,000 random and mutated packets: no exception, no alteration, no long wait', (t) => {
  const end = performance.now() + ENOUGH_MS;
  const tally = run({ corpus, seed: 1, count: 20_000, goOn: () => performance.now() < end });
  const { rounds, rejected, bridged, findings } = tally;
  t.same(findings, [], 'see `npm run fuzz -- --seed S --count 1`');
  t.ok(rounds > 500, `${rounds} packets`);
  t.ok(rejected > rounds / 5 && rejected < (rounds * 4) / 5, 'both sides of the border are tried');
  t.ok(bridged > rounds / 40, `${bridged} bridged`);
  t.end();
});

t.test('a seed always gives the same packet', (t) => {
  t.same(octetsOf(corpus, 4711), octetsOf(makeCorpus(), 4711));
  t.notSame(octetsOf(corpus, 4711), octetsOf(corpus, 4712));
  t.end();
});
