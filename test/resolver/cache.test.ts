// The bound in octets, and who is pushed out.
import t from 'tap';
import { Cache } from '../../src/resolver/cache.ts';
import { VirtualClock } from '../../src/testing/index.ts';

const BYTES = 100_000;
const NOW = 1_000_000;

function filled() {
  const clock = new VirtualClock(NOW);
  const cache = new Cache<{ learntAt: number; expiresAt: number; size: number }>(clock, {
    bytes: BYTES,
    weigh: ({ size }) => ({ bytes: size, rrsets: 1 }),
  });
  const put = (key: string, floor?: 'common' | 'guarded', size = 100): void =>
    cache.set(key, { learntAt: clock.now(), expiresAt: clock.now() + 3_600_000, size }, floor);
  return { clock, cache, put };
}

t.test('a flood stays within the octets, in every tier', (t) => {
  const { clock, cache, put } = filled();
  for (let i = 0; i < 5_000; i += 1) {
    put(`name ${i}`, i % 3 === 0 ? 'guarded' : 'common', 1 + (i % 900));
    if (i % 100 === 0) clock.advance(1_500);
    cache.get(`name ${i - 50}`);
    if (cache.held.bytes > BYTES) t.fail(`${cache.held.bytes} octets at ${i}`);
  }
  t.ok(cache.held.bytes > BYTES / 4, 'and the place is used');
  t.end();
});

t.test('what is taken out again is counted out again', (t) => {
  const { cache, put } = filled();
  for (let i = 0; i < 1_000; i += 1) put(`name ${i}`, i % 2 === 0 ? 'guarded' : 'common', i % 700);
  for (let i = 0; i < 1_000; i += 1) put(`name ${i}`, 'common', 50);
  for (let i = 0; i < 1_000; i += 1) cache.delete(`name ${i}`);
  t.same(cache.held, { entries: 0, rrsets: 0, bytes: 0 });
  t.end();
});

t.test('names met once push out neither what was used again nor what is guarded', (t) => {
  const { clock, cache, put } = filled();
  put('used');
  put('guarded', 'guarded');
  put('once');
  clock.advance(1_000);
  t.ok(cache.get('used'));
  for (let i = 0; i < 5_000; i += 1) put(`flood ${i}`);
  t.ok(cache.get('used'));
  t.ok(cache.get('guarded'));
  t.equal(cache.get('once'), undefined);
  t.end();
});

t.test('the question that learnt an entry does not make it a used one', (t) => {
  const { clock, cache, put } = filled();
  put('own');
  clock.advance(999);
  t.ok(cache.get('own'));
  for (let i = 0; i < 5_000; i += 1) put(`flood ${i}`);
  t.equal(cache.get('own'), undefined);
  t.end();
});

t.test('names met again push out each other, and not what is guarded', (t) => {
  const { clock, cache, put } = filled();
  put('guarded', 'guarded');
  for (let i = 0; i < 2_000; i += 1) {
    put(`flood ${i}`);
    clock.advance(1_000);
    cache.get(`flood ${i}`);
  }
  t.ok(cache.get('guarded'));
  t.ok(cache.held.bytes <= BYTES);
  t.end();
});

t.test('an entry larger than half of its tier is not kept, and pushes out nothing', (t) => {
  const { cache, put } = filled();
  put('small');
  put('large', 'common', BYTES / 2);
  t.equal(cache.get('large'), undefined);
  t.ok(cache.get('small'));
  t.end();
});

t.test('an entry ends by the clock, and one from the future is dropped', (t) => {
  const { clock, cache } = filled();
  cache.set('a', { learntAt: NOW, expiresAt: NOW + 10, size: 1 });
  clock.advance(9);
  t.ok(cache.get('a'));
  clock.advance(1);
  t.equal(cache.get('a'), undefined);
  // Kept at a time that lies ahead since the clock was put back.
  cache.set('b', { learntAt: clock.now() + 1, expiresAt: clock.now() + 100, size: 1 });
  t.equal(cache.get('b'), undefined);
  clock.advance(1);
  t.equal(cache.get('b'), undefined, 'for good');
  t.equal(cache.held.entries, 0);
  t.end();
});
