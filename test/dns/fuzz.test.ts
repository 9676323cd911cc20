import t from 'tap';
import { makeCorpus } from '../../scripts/fuzz/corpus.ts';
import { octetsOf } from '../../scripts/fuzz/round.ts';
import { run } from '../../scripts/fuzz/run.ts';

const corpus = makeCorpus();

t.test('20,000 random and mutated packets: no exception, no alteration, no long wait', (t) => {
  const { rounds, rejected, bridged, findings } = run({ corpus, seed: 1, count: 20_000 });
  t.same(findings, [], 'see `npm run fuzz -- --seed S --count 1`');
  t.equal(rounds, 20_000);
  t.ok(
    rejected > 4000 && rejected < 16_000,
    `${rejected} rejected: both sides of the border are tried`,
  );
  t.ok(bridged > 500, `${bridged} bridged`);
  t.end();
});

t.test('a seed always gives the same packet', (t) => {
  t.same(octetsOf(corpus, 4711), octetsOf(makeCorpus(), 4711));
  t.notSame(octetsOf(corpus, 4711), octetsOf(corpus, 4712));
  t.end();
});
