/** MTA-STS policies and the records that announce them: text in, meaning out. */
import fc from 'fast-check';
import t from 'tap';
import { Name } from '../../src/dns/name.ts';
import { LARGEST_POLICY, parsePolicy, stsAllows } from '../../src/mta/sts-policy.ts';
import { LARGEST_STORE, parseStore, writeStore } from '../../src/mta/sts-store.ts';
import { findStsRecord } from '../../src/mta/sts-txt.ts';
import { printPolicies, printSts } from '../../src/mta/sts-view.ts';
import { fakeLookup } from '../dane/fake-lookup.ts';

const ORIGIN = { id: '20160831085700Z', fetchedAt: 1_000_000 };
const parse = (text: string) => parsePolicy(new TextEncoder().encode(text), ORIGIN);
const allows = (mx: readonly string[], host: string) => stsAllows({ mx }, Name.parse(host));

/** RFC 8461 section 3.2, the example. */
const EXAMPLE = [
  'version: STSv1',
  'mode: enforce',
  'mx: mail.example.com',
  'mx: *.example.net',
  'mx: backupmx.example.com',
  'max_age: 604800',
];

t.test(
  'the example of RFC 8461 section 3.2, with either line end, with and without the last one',
  (t) => {
    const policy = {
      ...ORIGIN,
      mode: 'enforce',
      mx: ['mail.example.com', '*.example.net', 'backupmx.example.com'],
      maxAge: 604800,
      lines: EXAMPLE,
    };
    for (const end of ['\n', '\r\n']) {
      t.same(parse(EXAMPLE.join(end)), { kind: 'policy', policy });
      t.same(parse(`${EXAMPLE.join(end)}${end}`), { kind: 'policy', policy });
    }
    t.same(
      parse(EXAMPLE.map((line) => `${line} \t`).join('\n')),
      { kind: 'policy', policy },
      '*WSP',
    );
    t.end();
  },
);

t.test('what is valid', (t) => {
  const cases: [claim: string, text: string, found: object][] = [
    ['none needs no mx', 'version: STSv1\nmode: none\nmax_age: 86400', { mode: 'none', mx: [] }],
    ['no space is needed', 'version:STSv1\nmode:testing\nmax_age:1\nmx:a.example', { maxAge: 1 }],
    [
      'unknown keys are ignored, UTF-8 in them too',
      'version: STSv1\nnote: grüße — x\nmode: testing\nmax_age: 1\nmx: a.example',
      { mode: 'testing' },
    ],
    [
      'the first of a key counts, whatever the second says',
      'version: STSv1\nmode: enforce\nmode: none\nmax_age: 60\nmax_age: x\nversion: STSv2\nmx: a.example',
      { mode: 'enforce', maxAge: 60 },
    ],
    [
      'max_age has an upper bound',
      'version: STSv1\nmode: none\nmax_age: 9999999999',
      { maxAge: 31557600 },
    ],
    ['in any order', 'mx: a.example\nmax_age: 0\nmode: enforce\nversion: STSv1', { maxAge: 0 }],
    ['an empty line', 'version: STSv1\n\nmode: none\nmax_age: 1\n\n', { mode: 'none' }],
    [
      'A-labels',
      'version: STSv1\nmode: enforce\nmax_age: 1\nmx: xn--bcher-kva.example',
      { mx: ['xn--bcher-kva.example'] },
    ],
  ];
  for (const [claim, text, found] of cases)
    t.match(parse(text), { kind: 'policy', policy: found }, claim);
  t.end();
});

t.test('what is not', (t) => {
  const REST = 'mode: enforce\nmax_age: 1\nmx: a.example';
  const cases: [claim: string, text: string, why: RegExp][] = [
    ['nothing', '', /no version/],
    ['no version', REST, /no version STSv1/],
    ['another version', `version: STSv2\n${REST}`, /no version STSv1/],
    ['a key in another case is another key', `Version: STSv1\n${REST}`, /no version STSv1/],
    [
      'a value in another case',
      'version: STSv1\nmode: Enforce\nmax_age: 1\nmx: a.b',
      /mode is not/,
    ],
    ['no mode', 'version: STSv1\nmax_age: 1\nmx: a.example', /mode is not/],
    ['no max_age', 'version: STSv1\nmode: enforce\nmx: a.example', /max_age/],
    ['a max_age below nothing', 'version: STSv1\nmode: enforce\nmax_age: -1\nmx: a.b', /max_age/],
    ['one of 11 digits', 'version: STSv1\nmode: none\nmax_age: 00000000001', /max_age/],
    ['no mx', 'version: STSv1\nmode: enforce\nmax_age: 1', /no mx/],
    ['nor for testing', 'version: STSv1\nmode: testing\nmax_age: 1', /no mx/],
    ['U-labels', `version: STSv1\n${REST}\nmx: bücher.example`, /line 5: mx is no host name/],
    ['a wildcard inside', `version: STSv1\n${REST}\nmx: mx.*.example`, /line 5: mx/],
    ['part of a label', `version: STSv1\n${REST}\nmx: mx*.example`, /line 5: mx/],
    ['a wildcard alone', `version: STSv1\n${REST}\nmx: *`, /line 5: mx/],
    ['two hosts on a line', `version: STSv1\n${REST}\nmx: a.example, b.example`, /line 5: mx/],
    ['a label of 64', `version: STSv1\n${REST}\nmx: ${'a'.repeat(64)}.example`, /line 5: mx/],
    ['no colon', `version: STSv1\n${REST}\nhello`, /line 5: no key and value/],
    ['no value', `version: STSv1\n${REST}\nnote:`, /line 5: no key/],
    ['a space before the colon', `version : STSv1\n${REST}`, /line 1: no key/],
    ['a space before the key', ` version: STSv1\n${REST}`, /line 1: no key/],
    ['a control character', `version: STSv1\n${REST}\nnote: a\u0007b`, /line 5: no key/],
    ['CR without LF', `version: STSv1\r${REST}`, /line 1: no key/],
    ['a byte order mark', `\ufeffversion: STSv1\n${REST}`, /line 1: no key/],
    ['a page', '<!DOCTYPE html>\n<title>404</title>', /line 1: no key/],
    [
      'too much',
      `version: STSv1\n${REST}\n${'a'.repeat(LARGEST_POLICY)}`,
      /more than 65536 octets/,
    ],
  ];
  for (const [claim, text, why] of cases) t.match(parse(text), { kind: 'invalid', why }, claim);
  const latin = Uint8Array.from([...'version: STSv1\nnote: gr\u00fc'].map((c) => c.charCodeAt(0)));
  t.match(parsePolicy(latin, ORIGIN), { kind: 'invalid', why: /UTF-8/ }, 'Latin-1');
  t.end();
});

t.test('reading takes linear time, whatever is sent', (t) => {
  const HOSTILE = [
    'a'.repeat(65_000),
    `a: ${' x'.repeat(32_000)}\u0000`,
    `mx: ${'a-'.repeat(32_000)}`,
  ];
  const start = process.cpuUsage().user;
  for (const text of HOSTILE) t.equal(parse(text).kind, 'invalid');
  const many = `version: STSv1\nmode: enforce\nmax_age: 1\n${'mx: a.b\n'.repeat(8000)}`;
  t.match(parse(many), { kind: 'policy', policy: { mx: { length: 8000 } } });
  // A quadratic reader takes minutes for these; a busy machine does not make a linear one take half a second.
  t.ok(process.cpuUsage().user - start < 500_000);
  t.end();
});

t.test('no text makes a reader throw', async (t) => {
  const words = [
    'version',
    'mode',
    'max_age',
    'mx',
    ':',
    ' ',
    '\n',
    '\r',
    '*.',
    'STSv1',
    'enforce',
    '=',
    ';',
    'v=STSv1;',
    'id',
    '\u0000',
    'é',
    '"',
  ];
  const text = fc
    .array(fc.oneof(fc.constantFrom(...words), fc.string()))
    .map((parts) => parts.join(''));
  fc.assert(fc.property(text, (one) => ['policy', 'invalid'].includes(parse(one).kind)));
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (octets) => parsePolicy(octets, ORIGIN).kind !== undefined,
    ),
  );
  fc.assert(
    fc.property(
      text,
      (one) => parseStore(`danelaw mta-sts policies 1\n${one}`, 0).kind === 'refused',
    ),
  );
  const record = fc.asyncProperty(text, async (one) => {
    const { lookup } = fakeLookup({ records: { 'TXT _mta-sts.example.com': [one] } });
    const { kind } = await findStsRecord(Name.parse('example.com'), lookup, { now: 0 });
    return kind === 'id' || kind === 'none';
  });
  await fc.assert(record);
  t.pass('nothing was thrown');
});

t.test('MX hosts are matched as RFC 8461 section 4.1 says', (t) => {
  t.ok(allows(['*.example.com'], 'mail.example.com'));
  t.notOk(allows(['*.example.com'], 'example.com'));
  t.notOk(allows(['*.example.com'], 'foo.bar.example.com'));
  t.ok(allows(['other.example', 'Mail.Example.COM'], 'mAIL.example.com.'), 'case and root dot');
  t.notOk(allows(['mail.example.com'], 'mail.example.com.evil.example'));
  t.notOk(allows(['mail.example.com'], 'amail.example.com'));
  t.notOk(allows(['*.example.com'], 'a\\.b.evil.example'), 'a dot inside of a label parts nothing');
  t.ok(allows(['*.example.com'], 'a\\.b.example.com'), 'and is one label');
  t.notOk(allows(['*.example.com'], '*.example.com'), 'a wildcard is no host');
  t.notOk(allows([], 'mail.example.com'));
  t.notOk(allows(['*.com'], '.'));
  t.end();
});

t.test('the TXT record (RFC 8461 section 3.1)', async (t) => {
  const find = (texts: readonly string[]) => {
    const { lookup } = fakeLookup({ records: { 'TXT _mta-sts.example.com': texts } });
    return findStsRecord(Name.parse('example.com'), lookup, { now: 0 });
  };
  const GOOD = [
    'v=STSv1; id=20160831085700Z;',
    'v=STSv1;id=20160831085700Z',
    'v=STSv1; \t id=20160831085700Z ;',
  ];
  for (const text of GOOD) t.match(await find([text]), { kind: 'id', id: '20160831085700Z' }, text);
  t.match(await find(['v=STSv1; id=a; id=b']), { id: 'a' }, 'the first of a key');
  t.match(await find(['v=STSv1; new=1; id=a; b.c_d-e=!']), { id: 'a' }, 'extensions');
  t.match(await find(['v=spf1 -all', 'v=STSv1; id=a', 'v=STSv10; id=b']), { id: 'a' }, 'others');
  const long = `v=STSv1; x=${'y'.repeat(300)}; id=a`;
  t.match(await find([long]), { kind: 'id', id: 'a' }, 'strings are joined without a space');
  const BAD: [text: string, why: RegExp][] = [
    ['v=STSv1', /no record/],
    ['v=STSv1 ; id=a', /no record/],
    ['V=STSv1; id=a', /no record/],
    [' v=STSv1; id=a', /no record/],
    ['id=a; v=STSv1;', /no record/],
    ['v=STSv1;', /malformed/],
    ['v=STSv1;;id=a', /malformed/],
    ['v=STSv1; id=a b', /malformed/],
    ['v=STSv1; id=', /malformed/],
    [`v=STSv1; id=${'a'.repeat(33)}`, /malformed/],
    ['v=STSv1; id=a-b', /malformed/],
    ['v=STSv1; id=a; x=y=z', /malformed/],
    ['v=STSv1; id=ä', /malformed/],
    ['v=STSv1; x=1', /no id/],
    ['v=STSv1; ID=a', /no id/],
  ];
  for (const [text, why] of BAD) t.match(await find([text]), { kind: 'none', why }, text);
  t.match(await find(['v=STSv1; id=a', 'v=STSv1; id=b']), { kind: 'none', why: /2 records/ });
  t.match(await find([]), { kind: 'none' });
});

t.test('aliases of the TXT record are followed, five at most; its status is carried', async (t) => {
  const chain = (length: number) => {
    const names = Array.from({ length }, (_, i) => `a${i}.example`);
    const owners = ['_mta-sts.example.com', ...names];
    const records = Object.fromEntries(names.map((name, i) => [`CNAME ${owners[i]}`, [name]]));
    return { ...records, [`TXT ${owners.at(-1)}`]: ['v=STSv1; id=a'] };
  };
  const find = (records: Record<string, string[]>, more: object = {}) =>
    findStsRecord(Name.parse('example.com'), fakeLookup({ records, ...more }).lookup, { now: 0 });
  t.match(await find(chain(5)), { kind: 'id', id: 'a', status: 'secure' });
  t.match(await find(chain(6)), { kind: 'none', why: /more than 5 aliases/ });
  t.match(await find(chain(1), { insecure: ['TXT a0.example'] }), {
    kind: 'id',
    status: 'insecure',
  });
  t.match(await find(chain(0), { bogus: ['TXT _mta-sts.example.com'] }), {
    kind: 'failed',
    failure: { status: 'bogus', reason: 'signature-invalid' },
  });
  const long = Name.parse(
    `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(55)}`,
  );
  t.match(await findStsRecord(long, fakeLookup({ records: {} }).lookup, { now: 0 }), {
    kind: 'none',
  });
});

t.test('+5: a policy in words, as Momentum prints it', (t) => {
  // The example of its documentation; the policy was fetched 25 seconds ago.
  const text =
    'version: STSv1\nmode: enforce\nmx: gmail-smtp-in.l.google.com\nmx: *.gmail-smtp-in.l.google.com\nmax_age: 86400';
  const parsed = parsePolicy(new TextEncoder().encode(text), {
    id: '20190429T010101',
    fetchedAt: 0,
  });
  if (parsed.kind === 'invalid') throw new Error(parsed.why);
  const { policy } = parsed;
  const domain = Name.parse('gmail.com');
  const record = { kind: 'id', id: policy.id, status: 'insecure', ttl: 185 } as const;
  t.same(printSts({ domain, record, policy, now: 25_000 }), [
    "Domain 'gmail.com' has MTA-STS TXT and a TTL of 185 seconds",
    '        id: 20190429T010101',
    '        max_age: 86400 seconds; refresh in 86375 seconds',
    '        mode: enforce',
    '        mxlist:',
    '               gmail-smtp-in.l.google.com',
    '               *.gmail-smtp-in.l.google.com',
  ]);
  t.same(printPolicies([{ domain, policy }]), ['gmail.com', 'Total domains: 1']);
  t.end();
});

t.test(
  'policies survive as text, and a file that is torn or altered is refused with its line',
  (t) => {
    const parsed = parse(`${EXAMPLE.join('\n')}\nnote: grüße`);
    if (parsed.kind === 'invalid') throw new Error(parsed.why);
    const policies = [{ domain: Name.parse('example.com'), policy: parsed.policy }];
    const text = writeStore(policies);
    t.same(parseStore(text, 2_000_000), { kind: 'policies', policies });
    t.same(parseStore(writeStore([]), 0), { kind: 'policies', policies: [] }, 'none at all');
    const CASES: [claim: string, text: string, line: number, why: RegExp][] = [
      ['nothing', '', 1, /does not begin/],
      ['another version', text.replace('policies 1', 'policies 2'), 1, /does not begin/],
      ['cut off in a line', text.slice(0, 60), 2, /cut off/],
      ['cut off behind a line', `${text.split('\n').slice(0, 2).join('\n')}\n`, 3, /cut off/],
      ['cut off in the digest', text.slice(0, -2), 3, /cut off/],
      ['altered', text.replace('enforce', 'testing'), 3, /digest/],
    ];
    for (const [claim, broken, line, why] of CASES)
      t.match(parseStore(broken, 2_000_000), { kind: 'refused', line, why }, claim);
    t.match(parseStore(text, -3_000_000), { kind: 'refused', line: 2, why: /future/ });
    t.ok(text.length < LARGEST_STORE);
    t.end();
  },
);
