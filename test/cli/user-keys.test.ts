/**
 * `danelaw openpgpkey` and `danelaw smimea`: names by RFC 7929 section 3 and RFC 8162 section 3, and that nothing is shown
 * as a key which is not proved.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseAddress, userKeyName } from '../../src/dane/user-keys.ts';
import { Name } from '../../src/dns/name.ts';
import { corruptSignatures, internet } from '../../src/testing/index.ts';
import { command, NO_NETWORK, type Ran } from './support.ts';

const DOMAIN = Name.parse('example.com');
/** Of RFC 7929 section 3 and RFC 8162 section 3, and recomputed in ../shared/spec/dane-cases.md. */
const HUGH = 'c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6';
const hashOf = (text: string): string =>
  createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 56);
function labelOf(address: string): string {
  const parsed = parseAddress(address);
  if (parsed.kind === 'malformed') return parsed.why;
  return userKeyName(parsed.local, DOMAIN, 'OPENPGPKEY')?.toString().split('.')[0] ?? 'too long';
}

t.test('P61: letter case counts, quotes do not, and non-ASCII is hashed in form C', async (t) => {
  t.equal(labelOf('hugh@example.com'), HUGH);
  t.equal(labelOf('Hugh@example.com'), hashOf('Hugh'));
  t.not(labelOf('Hugh@example.com'), HUGH);
  t.equal(labelOf('"a b"@example.com'), hashOf('a b'));
  t.equal(labelOf('"hugh"@example.com'), HUGH);
  const [composed, decomposed] = ['andr\u00e9', 'andre\u0301'];
  t.not(composed, decomposed);
  t.equal(labelOf(`${composed}@example.com`), hashOf(composed));
  t.equal(labelOf(`${decomposed}@example.com`), hashOf(composed));
});

t.test('the second label says which kind of key', async (t) => {
  t.equal(
    userKeyName('hugh', DOMAIN, 'OPENPGPKEY')?.toString(),
    `${HUGH}._openpgpkey.example.com.`,
  );
  t.equal(userKeyName('hugh', DOMAIN, 'SMIMEA')?.toString(), `${HUGH}._smimecert.example.com.`);
  t.equal(userKeyName('hugh', Name.parse(`${'a.'.repeat(100)}com`), 'SMIMEA'), undefined);
});

t.test('local parts as RFC 5322 writes them, and those that are none', async (t) => {
  const good: readonly (readonly [written: string, hashed: string])[] = [
    ['a.b', 'a.b'],
    ['a . b', 'a.b'], // RFC 7929 section 3, step 2: blanks around dots go
    ['a+tag', 'a+tag'],
    ["o'hara", "o'hara"],
    ['`x~{|}', '`x~{|}'],
    ['"a\\"b"', 'a"b'],
    ['"a\\\\b"', 'a\\b'],
    ['"a@b"', 'a@b'],
    ['"a..b"', 'a..b'],
    ['\u7528\u6237', '\u7528\u6237'],
  ];
  for (const [written, hashed] of good) t.equal(labelOf(`${written}@example.com`), hashOf(hashed));
  const bad: readonly (readonly [address: string, why: RegExp])[] = [
    ['hugh', /no @/],
    ['hugh@', /no domain behind/],
    ['@example.com', /nothing in front/],
    ['""@example.com', /nothing between the quotes/],
    ['a b@example.com', /has to stand in double quotes/],
    ['a..b@example.com', /has to stand in double quotes/],
    ['.a@example.com', /has to stand in double quotes/],
    ['"a"b"@example.com', /has to stand in double quotes/],
    ['"a\\"@example.com', /has to stand in double quotes/],
    ['a(comment)@example.com', /has to stand in double quotes/],
    ['"a\nb"@example.com', /has to stand in double quotes/],
    [`${'a'.repeat(257)}@example.com`, /too long/],
  ];
  for (const [address, why] of bad) t.match(labelOf(address), why);
});

const KEY = 'mDMEZ0000000';
const records = [
  `${HUGH}._openpgpkey OPENPGPKEY ${KEY}`,
  `${HUGH}._smimecert SMIMEA 3 0 1 ${'ab'.repeat(32)}`,
];
const net = internet({
  'example.com': records,
  'plain.com': { records, signing: 'unsigned' },
  'bad.com': records,
}).amend('bad.com', corruptSignatures('OPENPGPKEY'), corruptSignatures('SMIMEA'));
const files = t.testdir({});
writeFileSync(join(files, 'hints'), net.hints);
writeFileSync(join(files, 'anchors'), net.anchors);
const root = ['--root-hints', join(files, 'hints'), '--trust-anchor', join(files, 'anchors')];
const ask = (...args: readonly string[]): Promise<Ran> =>
  command([...args, ...root], { environment: net });

t.test('secure keys are shown, with their status', async (t) => {
  const pgp = await ask('openpgpkey', 'hugh@example.com');
  t.equal(pgp.code, 0);
  t.match(pgp.out, `${KEY}\n;; ${HUGH}._openpgpkey.example.com. OPENPGPKEY: secure, NOERROR\n`);
  const smime = await ask('smimea', 'hugh@example.com', '--json');
  t.equal(smime.code, 0);
  const view = JSON.parse(smime.out);
  t.match(view, { local: 'hugh', status: 'secure', question: { type: 'SMIMEA' } });
  t.strictSame(view.keys, [`3 0 1 ${'ab'.repeat(32)}`]);
  t.match(view.proof[0], /RRSIG SMIMEA/);
});

t.test('what is not secure is not shown as usable', async (t) => {
  for (const [type, data] of [
    ['openpgpkey', KEY],
    ['smimea', 'ab'.repeat(32)],
  ] as const) {
    const unsigned = await ask(type, 'hugh@plain.com');
    t.equal(unsigned.code, 1);
    t.match(unsigned.out, /: insecure, NOERROR/);
    t.match(unsigned.out, /not shown: what nobody signed/);
    t.notMatch(unsigned.out, data);
    t.notMatch(unsigned.out.toLowerCase(), data);
    const json = await ask(type, 'hugh@plain.com', '--json');
    t.notMatch(json.out, data);
    t.strictSame(JSON.parse(json.out).keys, []);
    const bogus = await ask(type, 'hugh@bad.com');
    t.equal(bogus.code, 1);
    t.match(bogus.out, /: bogus, SERVFAIL/);
    t.notMatch(bogus.out, data);
    const absent = await ask(type, 'Hugh@example.com');
    t.equal(absent.code, 1);
    t.match(absent.out, /: secure, NXDOMAIN: no such name/);
  }
});

t.test('mistakes on the command line', async (t) => {
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['openpgpkey'], /openpgpkey needs a mail address; see danelaw openpgpkey --help/],
    [['smimea', 'a@b.example', 'c'], /"c" is one word too many/],
    [['openpgpkey', 'hugh'], /"hugh" is no mail address: there is no @ in it/],
    [['openpgpkey', 'hugh@[192.0.2.1]'], /is an address/],
    [['smimea', `hugh@${'a.'.repeat(100)}com`], /is too long for SMIMEA records/],
  ];
  for (const [args, says] of cases) {
    const { code, err } = await command(args, { environment: NO_NETWORK });
    t.equal(code, 2);
    t.match(err, says);
  }
  const late = await ask('openpgpkey', 'hugh@example.com', '--timeout', '0.001');
  t.equal(late.code, 1);
  t.match(late.out, /indeterminate, SERVFAIL/);
});
