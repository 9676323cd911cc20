/** docs/momentum.md names a test for each row of Momentum's statements, and each of these tests exists. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** Of ../shared/spec/momentum.md: 33 statements of the model, 8 that were added. */
const ROWS = [
  ...Array.from({ length: 33 }, (_, i) => `S${i + 1}`),
  ...Array.from({ length: 8 }, (_, i) => `+${i + 1}`),
];
/** Momentum's version number: there is nothing to test. */
const WITHOUT_TEST = ['S10'];

const rows = new Map(
  [...read('docs/momentum.md').matchAll(/^\| (S\d+|\+\d) \| (.*) \| (.*) ?\|$/gm)].map(
    ([, row = '', , tests = '']) => [row, tests],
  ),
);

t.test('every row is there, in order', (t) => {
  t.strictSame([...rows.keys()], ROWS);
  t.end();
});

t.test('every test that a row names exists', (t) => {
  for (const [row, cell] of rows) {
    const named = [...cell.matchAll(/`([\w/-]+\.test\.ts)` "([^"]+)"/g)];
    t.equal(named.length > 0, !WITHOUT_TEST.includes(row), `${row} names a test`);
    t.equal(cell.split('`').length - 1, named.length * 2, `${row}: nothing that is not read`);
    for (const [, file = '', title = ''] of named) {
      const path = `test/${file}`;
      t.ok(
        existsSync(new URL(path, ROOT)) && read(path).includes(title),
        `${row}: ${file}: ${title}`,
      );
    }
  }
  t.end();
});
