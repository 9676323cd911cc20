// Whole scenarios: small ones written here, whose end is known by reading them, and some of the corpora.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { findLacking } from '../../scripts/replay/lacking.ts';
import { parseScenario } from '../../scripts/replay/parse.ts';
import { type Ran, run } from '../../scripts/replay/run.ts';
import type { Scenario } from '../../scripts/replay/scenario.ts';
import { setUp } from '../../scripts/replay/settings.ts';
import { listScenarios } from '../../scripts/replay/suite.ts';
import { nativeEngine } from '../../src/dnssec/engine-native.ts';
import { nobleEngine } from '../../src/dnssec/engine-noble.ts';

const read = (text: string, dialect?: Scenario['dialect']): Scenario => {
  const parsed = parseScenario(text, dialect);
  if (parsed.kind === 'broken') throw new Error(`line ${parsed.line}: ${parsed.message}`);
  return parsed.scenario;
};

const runText = (
  scenario: Scenario,
  features: readonly string[] = [],
  engine = nativeEngine,
): Promise<Ran> => run(scenario, setUp(scenario, { engine, features, nsec3Iterations: 150 }));

const entry = (lines: string): string => `ENTRY_BEGIN\n${lines}\nENTRY_END`;
const question = 'SECTION QUESTION\nwww.example. IN A';

/** One server with one answer; the rest of the scenario is the test's. */
const scenario = (steps: string, answer = 'www.example. 30 IN A 192.0.2.1'): string => `server:
  qname-minimisation: no
  access-control: 127.0.0.1 allow_snoop
stub-zone:
  name: "."
  stub-addr: 192.0.2.53
CONFIG_END
SCENARIO_BEGIN small
RANGE_BEGIN 0 100
ADDRESS 192.0.2.53
${entry(`MATCH opcode qtype qname\nREPLY QR AA NOERROR\n${question}\nSECTION ANSWER\n${answer}`)}
RANGE_END
${steps}
SCENARIO_END`;

const ASK = `STEP 1 QUERY\n${entry(`REPLY RD\n${question}`)}`;
const expecting = (step: number, lines: string, match = 'all ttl'): string =>
  `STEP ${step} CHECK_ANSWER\n${entry(`MATCH ${match}\n${lines}`)}`;
const FOUND = `REPLY QR RD RA NOERROR\n${question}\nSECTION ANSWER\nwww.example. 30 IN A 192.0.2.1`;

t.test('an answer as expected, and its TTL counting down in virtual time', async (t) => {
  const again = FOUND.replace('RD ', '').replace(' 30 IN', ' 10 IN');
  const steps = [
    ASK,
    expecting(2, FOUND),
    'STEP 3 TIME_PASSES ELAPSE 20',
    `STEP 4 QUERY\n${entry(`REPLY\n${question}`)}`,
    expecting(5, again),
  ];
  const ran = await runText(read(scenario(steps.join('\n'))));
  t.same([ran.result, ran.result === 'pass' && ran.level], ['pass', 'full']);
});

t.test('what differs is told with step, expected and got', async (t) => {
  const rows: readonly [claim: string, expected: string, why: RegExp][] = [
    ['RCODE', FOUND.replace('NOERROR', 'SERVFAIL'), /^step 2: expected SERVFAIL, got NOERROR$/],
    ['data', FOUND.replace('192.0.2.1', '192.0.2.2'), /^step 2: answer: missing .* 192\.0\.2\.2$/],
    ['TTL', FOUND.replace(' 30 ', ' 31 '), /^step 2: answer: missing .* 31 A/],
    ['AD', FOUND.replace('RA', 'RA AD'), /^step 2: expected AD, got none$/],
  ];
  for (const [claim, expected, why] of rows) {
    const ran = await runText(read(scenario([ASK, expecting(2, expected)].join('\n'))));
    t.equal(ran.result, 'fail', claim);
    if (ran.result === 'fail') t.match(ran.why, why, claim);
  }
});

t.test('authority and flags beyond the core lower the level only', async (t) => {
  const expected = `${FOUND}\nSECTION AUTHORITY\nexample. IN NS ns.example.`;
  const ran = await runText(read(scenario([ASK, expecting(2, expected)].join('\n'))));
  t.same([ran.result, ran.result === 'pass' && ran.level], ['pass', 'core']);
});

t.test('an answer that nobody checks, and one that never comes', async (t) => {
  const unchecked = await runText(read(scenario(`${ASK}\nSTEP 2 TRAFFIC`)));
  t.match(unchecked.result === 'fail' && unchecked.why, /not expected/);
  const nothing = await runText(read(scenario(expecting(2, FOUND))));
  t.match(nothing.result === 'fail' && nothing.why, /no answer came/);
});

t.test('silent servers cost virtual time only', async (t) => {
  const silent = scenario(
    [
      ASK,
      expecting(2, FOUND.replace('NOERROR', 'SERVFAIL').replace(/SECTION ANSWER\n.*/, '')),
    ].join('\n'),
  ).replace('ADDRESS 192.0.2.53', 'ADDRESS 192.0.2.99');
  const began = performance.now();
  const ran = await runText(read(silent));
  t.equal(ran.result, 'pass');
  t.ok(performance.now() - began < 5_000, 'ten seconds of waiting have not been waited for');
});

t.test('skipped are only scenarios that need what is lacking, and the word is told', (t) => {
  const plain = read(scenario(ASK));
  t.equal(findLacking(plain, ['qmin-off', 'nsec3']), undefined);
  t.equal(findLacking(plain, ['legacy-dsa']), 'legacy-dsa');
  const early = read(scenario(ASK).replace('server:', 'server:\n prefetch: yes'));
  t.equal(findLacking(early, []), 'prefetch', 'as the file itself shows');
  t.end();
});

const CORPORA = fileURLToPath(new URL('../../../../shared/corpora/', import.meta.url));
const skip = existsSync(CORPORA) ? false : '../shared/corpora is not here';

/** Each expects SERVFAIL for something forged or broken, or AD for something that looks so. */
const TAKEN = [
  'deckard-rpl-p256/data/black_ent.rpl',
  'deckard-rpl/data/val_bogus_nodata.rpl',
  'deckard-rpl/data/val_minimal_badrrsiglabels.rpl',
  'deckard-rpl/data/iter_pcdiff.rpl',
  'misconfigured-zones/data/nsec3-iter-500.rpl',
  'misconfigured-zones/data/rrsig-two-one-bad.rpl',
  'unbound-rpl-p256/data/val_cnametocloser_nosig.rpl',
  'unbound-rpl-p256/data/val_anchor_nx.rpl',
  'unbound-rpl-p256/data/val_dnametoolong.rpl',
  'unbound-rpl-p256/data/iter_dname_ttl.rpl',
  'unbound-rpl/data/ttl_msg.rpl',
  'unbound-rpl/data/trust_cname_chain.rpl',
  'unbound-rpl/data/iter_scrub_ns_fwd.rpl',
];

t.test('scenarios of the corpora, on both engines', { skip }, async (t) => {
  for (const file of TAKEN) {
    const [listed] = listScenarios(`${CORPORA}${file}`);
    if (!listed) throw new Error(file);
    const text = readFileSync(listed.path, 'latin1');
    for (const engine of [nativeEngine, nobleEngine]) {
      const ran = await runText(read(text, listed.dialect), listed.features, engine);
      t.equal(ran.result === 'fail' ? ran.why : ran.result, 'pass', `${file} on ${engine.name}`);
    }
  }
});
