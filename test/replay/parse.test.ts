// The reader of scenario files: both dialects, and what breaks the format, with its line.
import t from 'tap';
import { expand } from '../../scripts/replay/macros.ts';
import { parseScenario } from '../../scripts/replay/parse.ts';
import type { Scenario } from '../../scripts/replay/scenario.ts';
import { printRdata } from '../../src/dns/presentation.ts';

const SMALL = `; a comment
server:
  qname-minimisation: "no" # another
  trust-anchor: "example.com. 3600 IN DS 1 13 2 ${'ab'.repeat(32)}"
stub-zone: name: "." stub-addr: 193.0.14.129
CONFIG_END
SCENARIO_BEGIN Of everything a little
RANGE_BEGIN 0 100
  ADDRESS 192.0.2.53
ENTRY_BEGIN
MATCH opcode qtype   ; words
MATCH qname
ADJUST copy_id copy_query
REPLY QR AA NXDOMAIN
SECTION QUESTION
www.example.com. IN A
SECTION ANSWER
$ORIGIN example.com.
$TTL 7
www A 192.0.2.1
www 60 IN TXT "a;b"
www IN 61 RRSIG A 13 3 61 20260101000000 20250101000000 1 example.com. ; unfinished on purpose
bad IN AAAA \\# 3 010203
ENTRY_END
RANGE_END
STEP 1 QUERY
ENTRY_BEGIN
REPLY RD CD DO
SECTION QUESTION
www IN A
ENTRY_END
STEP 5 TIME_PASSES EVAL \${2*3 + 1}
STEP 6 CHECK_OUT_QUERY ADDRESS 192.0.2.53
ENTRY_BEGIN
MATCH qname
SECTION QUESTION
www.example.com. A
ENTRY_END
STEP 10 CHECK_ANSWER
ENTRY_BEGIN
MATCH all ttl ede=6
REPLY QR RD RA SERVFAIL
ENTRY_END
SCENARIO_END
`;

function read(text: string): Scenario {
  const parsed = parseScenario(text);
  if (parsed.kind === 'broken') throw new Error(`line ${parsed.line}: ${parsed.message}`);
  return parsed.scenario;
}

t.test('a file of the unbound dialect', (t) => {
  const scenario = read(SMALL);
  t.equal(scenario.dialect, 'unbound');
  t.equal(scenario.title, 'Of everything a little');
  t.same(
    scenario.settings.map(({ section, key, value }) => [section, key, value.slice(0, 12)]),
    [
      ['server', 'qname-minimisation', 'no'],
      ['server', 'trust-anchor', 'example.com.'],
      ['stub-zone', 'name', '.'],
      ['stub-zone', 'stub-addr', '193.0.14.129'],
    ],
  );
  const [range] = scenario.ranges;
  t.same([range?.from, range?.to, range?.addresses], [0, 100, ['192.0.2.53']]);
  const [entry] = range?.entries ?? [];
  t.same(entry?.match, ['opcode', 'qtype', 'qname'], 'comments cut, lines joined');
  t.same(entry?.adjust, ['copy_id', 'copy_query']);
  t.same(entry?.reply, ['QR', 'AA', 'NXDOMAIN']);
  t.same(
    scenario.steps.map(({ kind, number }) => `${number} ${kind}`),
    ['1 query', '5 time-passes', '6 check-out-query', '10 check-answer'],
  );
  t.end();
});

t.test('records: origin, TTL, class on either side, quoted semicolons, broken on purpose', (t) => {
  const [entry] = read(SMALL).ranges[0]?.entries ?? [];
  const [a, txt, rrsig, aaaa] = entry?.answer ?? [];
  t.same([String(a?.owner), a?.ttl, a?.type], ['www.example.com.', 7, 'A']);
  t.same([txt?.ttl, printRdata('TXT', txt?.rdata ?? new Uint8Array())], [60, '"a;b"']);
  t.equal(rrsig?.ttl, 61);
  t.equal(rrsig?.type, 'RRSIG');
  t.equal(rrsig?.rdata.length, 18 + 13, 'fixed fields and signer, no signature');
  t.equal(aaaa?.rdata.length, 3);
  t.ok(aaaa?.defect);
  const [step] = read(SMALL).steps;
  t.equal(
    step?.kind === 'query' ? String(step.entry.question?.name) : '',
    'www.example.com.',
    '$ORIGIN stays in force',
  );
  t.end();
});

t.test('a file of the deckard dialect, addresses on the line of the range', (t) => {
  const scenario = read(`stub-addr: 193.0.14.129
query-minimization: off
CONFIG_END
SCENARIO_BEGIN x
RANGE_BEGIN 1 10 192.0.2.1 2001:db8::1; both
RANGE_END
STEP 1 NOTHING
SCENARIO_END`);
  t.equal(scenario.dialect, 'deckard');
  t.same(scenario.ranges[0]?.addresses, ['192.0.2.1', '2001:db8::1']);
  t.end();
});

t.test('what breaks the format is told with its line', (t) => {
  const broken: readonly [claim: string, text: string, line: number, message: RegExp][] = [
    ['a setting', SMALL.replace('server:', 'what is this'), 2, /no setting/],
    ['a range', SMALL.replace('RANGE_BEGIN 0 100', 'RANGE_BEGIN 9 1'), 8, /two numbers/],
    ['a section', SMALL.replace('SECTION ANSWER', 'SECTION ANSWERS'), 17, /no section/],
    ['a record', SMALL.replace('192.0.2.1\n', '192.0.2.999\n'), 20, /address/i],
    [
      'a question',
      SMALL.replace('www.example.com. IN A\n', 'www.example.com. IN\n'),
      16,
      /question/,
    ],
    ['a step’s number', SMALL.replace('STEP 5', 'STEP 1'), 32, /numbers must rise/],
    ['a step’s kind', SMALL.replace('TIME_PASSES', 'TIME_FLIES'), 32, /no kind of step/],
    [
      'an end',
      SMALL.replace('SCENARIO_END\n', ''),
      SMALL.split('\n').length - 1,
      /ends before SCENARIO_END/,
    ],
  ];
  for (const [claim, text, line, message] of broken) {
    const parsed = parseScenario(text);
    if (parsed.kind !== 'broken') t.fail(`${claim}: read`);
    else {
      t.equal(parsed.line, line, claim);
      t.match(parsed.message, message, claim);
    }
  }
  t.end();
});

const macro = (text: string): string => `$\{${text}}`;

t.test('macros are worked out strictly from left to right', (t) => {
  const values = { time: 1000, timeout: 50, variables: new Map([['t0', 7]]) };
  const rows: readonly [string, string][] = [
    [macro('30*24*3600'), '2592000'],
    [macro(` ${macro('10*24')} - 1 `), '239'],
    [macro('2 + 3*4'), '20'],
    ['1.5', '1.5'],
    [`at ${macro('$t0 + 1')}${macro('ctime $t0')}`, 'at 8'],
    [macro('time'), '1000'],
    [macro(`range 40 ${macro('timeout')} 60`), '50'],
  ];
  for (const [text, expected] of rows) t.equal(expand(text, values), expected, text);
  t.throws(() => expand(macro('range 1 2 1'), values), {
    message: 'expected 1 to 1 seconds, got 2',
  });
  t.end();
});
